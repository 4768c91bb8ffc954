"""What tests share: one model trained from the shipped labels, a ledger, a Slack to talk to."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest
from _pytest.terminal import TerminalReporter
from hypothesis import settings
from sqlalchemy import Connection

from classifier.cli import main as classifier
from classifier.model import Model
from classifier.reading import Reader
from classifier.storage import load
from daemon import clock
from daemon.database import Database, open_database
from tests import ledgers, postgres, thoroughness
from tests.at_the_desk import at_desk as at_desk
from tests.several import _common as _common
from tests.several import common_address as common_address
from tests.several import hand as hand
from tests.several import own_room as own_room
from tests.several import room as room
from tests.several import shared_address as shared_address
from tests.several import shared_database as shared_database
from tests.several import shared_template as shared_template
from tests.slack_stand_in import SlackStandIn
from tests.workers import Workers, make_authority, workers

SHARED = Path(__file__).resolve().parents[2] / "shared"


# What everything else stands on is tested on both ledgers, unless --ledger names one: its slow tests on one
# alone, but for the ring where all is thorough.
BOTH = frozenset(
    "test_both_ledgers test_dispatch test_intake test_ledger test_outbox test_recording test_ring"
    " test_timetable".split()
)
RING = "test_ring"

_running = ExitStack()


@cache
def _server() -> postgres.Server:
    try:
        return _running.enter_context(postgres.server())
    except postgres.NoPostgresError as error:
        pytest.skip(str(error))


def pytest_addoption(parser: pytest.Parser) -> None:
    says = "where the ledgers of the tests stand; without it some modules are run on both"
    thoroughness.add_option(parser)
    parser.addoption("--ledger", choices=("sqlite", "postgresql"), help=says)


def pytest_configure(config: pytest.Config) -> None:
    thoroughness.note(config)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    thoroughness.leave_out(items, config)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    module, definition = metafunc.module.__name__.split(".")[-1], metafunc.definition
    chosen = metafunc.config.getoption("ledger") is None and module in BOTH
    names_one = definition.get_closest_marker("sqlite") or "pg_address" in metafunc.fixturenames
    is_long = definition.get_closest_marker("slow") and not (module == RING and thoroughness.is_thorough())
    if chosen and not names_one and not is_long:
        metafunc.parametrize("ledger_kind", ("sqlite", "postgresql"), indirect=True)


@pytest.hookimpl(tryfirst=True)  # before a fixture of the module opens a ledger
def pytest_runtest_setup(item: pytest.Item) -> None:
    usual = item.config.getoption("ledger") or "sqlite"
    callspec = getattr(item, "callspec", None)
    on_server = (callspec.params.get("ledger_kind", usual) if callspec else usual) == "postgresql"
    about = item.get_closest_marker("sqlite")
    if about is not None and on_server:
        pytest.skip(f"SQLite's own: {about.args[0]}")
    ledgers.LEDGERS.stand_on(_server() if on_server else None)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Databases go when all fixtures have closed them, and it is noted whose ledger stood where."""
    clock.follow_nobody()  # as a ledger on a server has a process do
    folder = getattr(item, "funcargs", {}).get("tmp_path")
    if ledgers.LEDGERS.server is None or folder is None:
        return
    if ledgers.LEDGERS.drop_below(folder):
        item.user_properties.append(("ledger", "postgresql"))
    elif any(folder.rglob(ledgers.USUAL)):
        item.user_properties.append(("ledger", "sqlite"))


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    ended = [each for each in terminalreporter.getreports("") if each.when == "teardown"]
    for kind, said in (
        ("postgresql", "had a ledger on PostgreSQL"),
        ("sqlite", "had one in SQLite all the same"),
    ):
        found = [each.nodeid for each in ended if ("ledger", kind) in each.user_properties]
        if found:
            terminalreporter.write_line(f"{len(found)} tests {said}")
        if kind == "sqlite":
            terminalreporter.write_line("".join(f"    {each}\n" for each in found))


def pytest_unconfigure() -> None:
    _running.close()


@pytest.fixture(autouse=True)
def ledger_kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that name no ledger have the one of their home, where it stands in this test."""
    monkeypatch.setattr("daemon.config._settings", ledgers.settings_there)


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    """With a jail of the module's own: one that has read another format has more loaded than it says."""
    reader = Reader()
    yield reader
    reader.close()


@pytest.fixture(scope="session")
def trained_home(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A home with a model of the shipped labels. Tests only read it; copy it to change it."""
    own = tmp_path_factory.getbasetemp()
    # Processes that test side by side train one model for all, the first of them.
    home = (own if worker_id == "master" else own.parent) / "trained"
    with home.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "models" / "current").exists():
            assert classifier(["train", "--home", str(home), "--json"]) == 0
    return home


@pytest.fixture
def model(trained_home: Path) -> Model:
    return load(trained_home / "models")


@pytest.fixture
def home(trained_home: Path, tmp_path: Path) -> Path:
    """A home of the test's own, with a model in it."""
    own = tmp_path / "home"
    shutil.copytree(trained_home / "models", own / "models")
    return own


@pytest.fixture(scope="session")
def new_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with nothing in it, to be copied: making one takes seven times as long."""
    path = tmp_path_factory.mktemp("new") / "ledger.db"
    open_database(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def database(tmp_path: Path, new_ledger: Path) -> Iterator[Database]:
    if ledgers.LEDGERS.server is None:
        shutil.copy(new_ledger, tmp_path / "ledger.db")
    opened = ledgers.opened(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.transaction() as opened:
        yield opened


@pytest.fixture(scope="session")
def postgresql() -> postgres.Server:
    """A PostgreSQL for all tests of this process; whoever breaks it starts one with postgres.server()."""
    return _server()


@pytest.fixture
def pg_address(postgresql: postgres.Server) -> Iterator[str]:
    """The address of an empty database on it."""
    address = postgresql.fresh()
    yield address
    postgresql.drop(address)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates of a private authority."""
    return make_authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, tls: Path) -> Iterator[Workers]:
    """A Dask scheduler with two workers, over TLS."""
    with workers(tmp_path_factory.mktemp("site"), 2, tls=tls) as found:
        yield found


@pytest.fixture
def slack() -> Iterator[SlackStandIn]:
    with SlackStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def token_file(tmp_path: Path, slack: SlackStandIn) -> Path:
    path = tmp_path / "slack-token"
    path.write_text(slack.token)
    path.chmod(stat.S_IRUSR | stat.S_IWUSR)
    return path


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("TOPICWIRE_", "SLACK_")) or name in ("CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _signals_as_at_the_start() -> None:
    # A daemon that a test ran in this process leaves it ignored.
    signal.signal(signal.SIGIO, signal.SIG_DFL)


def shared(*parts: str) -> Path:
    """A file of the shared folder; the test is skipped where there is none."""
    given = os.environ.get("TOPICWIRE_DATA")
    path = (Path(given).parent if given else SHARED).joinpath(*parts)
    if not path.exists():
        pytest.skip(f"{path} is not here")
    return path


# A busy machine makes single examples slow; the time of a whole test is limited anyway.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
