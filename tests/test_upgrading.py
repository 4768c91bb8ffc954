"""From an earlier release to this one: the ledger as it was is kept, and nothing else changes hands."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from daemon import backups, upgrading
from daemon.cli import main
from daemon.config import Settings, load_settings
from daemon.database import newest_schema
from daemon.errors import DaemonError, LedgerError
from tests.builders import MINUTE, NOON
from tests.test_migrations import written_by

pytestmark = pytest.mark.sqlite("a ledger that is a file is copied before it is changed")

Capture = pytest.CaptureFixture[str]
HOLDING = """
import fcntl, sys
lock = open(sys.argv[1], "a")
fcntl.flock(lock, fcntl.LOCK_EX)
print("x", flush=True)
input()
"""
TABLES = ("files", "articles", "alerts", "deliveries")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def of_revision(home: Path, revision: str) -> Settings:
    """A home whose ledger an earlier release wrote, without a model."""
    home.mkdir()
    written_by(home / "ledger.db", revision)
    return load_settings(None, home, ())


def rows(file: Path) -> dict[str, int]:
    with closing(sqlite3.connect(file)) as ledger:
        return {name: ledger.execute(f"SELECT COUNT(*) FROM {name}").fetchone()[0] for name in TABLES}


def schema(file: Path) -> str:
    with closing(sqlite3.connect(file)) as ledger:
        return str(ledger.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def copies(home: Path) -> list[Path]:
    return sorted((home / "backups").glob("*.db"))


@pytest.mark.parametrize("revision", ["0004", "0009", "0014"])
def test_an_earlier_ledger_is_brought_up_to_date_and_kept_as_it_was(revision: str, home: Path) -> None:
    settings = of_revision(home, revision)
    before = rows(home / "ledger.db")

    upgrading.opened(settings).close()

    (kept,) = copies(home)
    assert kept.name.startswith(f"schema-{revision}-")
    assert (schema(kept), schema(home / "ledger.db")) == (revision, newest_schema())
    assert rows(kept) == rows(home / "ledger.db") == before
    assert backups.check(kept) == before["articles"]


def test_a_ledger_of_ours_and_a_new_one_are_not_copied(home: Path) -> None:
    home.mkdir()
    settings = load_settings(None, home, ())

    upgrading.opened(settings).close()
    upgrading.opened(settings).close()

    assert copies(home) == []


def test_a_command_that_looks_keeps_the_ledger_too(home: Path, capsys: Capture) -> None:
    of_revision(home, "0012")

    assert main(["verdicts", "list", "--home", str(home)]) == 0

    assert [file.name[:11] for file in copies(home)] == ["schema-0012"]


def test_the_copy_is_never_rotated_away(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = of_revision(home, "0012")
    upgrading.opened(settings).close()
    keeping_one = settings.model_copy(update={"backup": settings.backup.model_copy(update={"keep": 1})})

    for minute in range(3):
        monkeypatch.setattr("daemon.clock.now", lambda minute=minute: NOON + minute * MINUTE)
        backups.make(keeping_one)

    assert [file.name[:8] for file in copies(home)] == ["ledger-2", "schema-0"]


def test_without_room_for_the_copy_the_ledger_stays_as_it_was(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = of_revision(home, "0012")
    monkeypatch.setattr(backups, "_SPARED", 2**60)

    with pytest.raises(DaemonError, match="no room for a copy"):
        upgrading.opened(settings)

    assert schema(home / "ledger.db") == "0012"
    assert copies(home) == []


def test_nobody_changes_the_ledger_under_a_daemon_of_an_earlier_release(home: Path) -> None:
    settings = of_revision(home, "0012")
    command = [sys.executable, "-c", HOLDING, str(home / ".lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as daemon:
        assert daemon.stdout is not None and daemon.stdout.readline() == b"x\n"
        with pytest.raises(LedgerError, match=f"still runs on it .process {daemon.pid}.; start it anew"):
            upgrading.opened(settings)
        daemon.kill()

    assert schema(home / "ledger.db") == "0012"
    upgrading.opened(settings).close()
    assert schema(home / "ledger.db") == newest_schema()


def test_the_daemon_that_holds_the_home_upgrades_its_own_ledger(home: Path) -> None:
    settings = of_revision(home, "0012")
    with (home / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        upgrading.opened(settings).close()

    assert schema(home / "ledger.db") == newest_schema()


@pytest.mark.parametrize(
    "moment", ["daemon.backups.publish", "daemon.upgrading.open_database", "alembic.command.upgrade"]
)
def test_killed_in_the_middle_the_next_start_goes_on(moment: str, home: Path) -> None:
    settings = of_revision(home, "0012")
    before = rows(home / "ledger.db")

    assert killed_at(moment, lambda: upgrading.opened(settings).close())
    assert schema(home / "ledger.db") == "0012"
    upgrading.opened(settings).close()

    assert schema(home / "ledger.db") == newest_schema()
    assert rows(home / "ledger.db") == before
    sound = [file for file in copies(home) if file.name.startswith("schema-0012")]
    assert sound and all(backups.check(file) == before["articles"] for file in sound)


def killed_at(moment: str, work: Callable[[], None]) -> bool:
    """Whether a fork that does the work was killed when it came to that function."""
    child = os.fork()
    if child == 0:
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(moment, lambda *_, **__: os.kill(os.getpid(), 9))
                work()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -9


@pytest.mark.parametrize("command", [["status"], ["verdicts", "list"], ["backup"]])
def test_a_ledger_of_a_later_release_is_refused_in_one_line_and_left_alone(
    command: list[str], home: Path, capsys: Capture
) -> None:
    settings = load_settings(None, home, ())
    home.mkdir()
    database = upgrading.opened(settings)
    with database.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    before = (home / "ledger.db").read_bytes()

    assert main([*command, "--home", str(home)]) == 1

    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert "made by a newer topicwire, which this one cannot read" in said.err
    assert (home / "ledger.db").read_bytes() == before
    assert copies(home) == []
