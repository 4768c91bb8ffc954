"""What tests share: one model trained from the shipped labels, a ledger, a Slack to talk to."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import Connection

from classifier.cli import main as classifier
from classifier.model import Model
from classifier.reading import Reader
from classifier.storage import load
from daemon.database import Database, open_database
from tests.at_the_desk import at_desk as at_desk
from tests.slack_stand_in import SlackStandIn

SHARED = Path(__file__).resolve().parents[2] / "shared"


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
    shutil.copy(new_ledger, tmp_path / "ledger.db")
    opened = open_database(f"sqlite:///{tmp_path}/ledger.db")
    yield opened
    opened.close()


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.transaction() as opened:
        yield opened


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
