"""Backups: made while others write, counted only when checked, whatever breaks on the way."""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import namedtuple
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import text

from daemon import backups, clock
from daemon.backups import Backup
from daemon.cli import main as topicwired
from daemon.config import Backup as BackupSettings
from daemon.config import Settings
from daemon.database import Database, open_database
from daemon.errors import DaemonError, LedgerError
from tests import stepping
from tests.builders import NOON, SECOND, make_alert, make_settings, owe

pytestmark = pytest.mark.sqlite("its backups; a server has its own")

DAY = timedelta(days=1)
SHOWN = re.compile(r"ledger-\d{8}T\d{6}Z\.db")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    home = tmp_path / "home"
    home.mkdir()
    return make_settings(home)


@pytest.fixture
def ledger(settings: Settings) -> Iterator[Database]:
    """A ledger with three articles that have been alerted of."""
    database = open_database(settings.database)
    write(database, 1, 2, 3)
    yield database
    database.close()


def write(database: Database, *numbers: int) -> None:
    for number in numbers:
        with database.transaction() as connection:
            owe(connection, make_alert(number=number, headline=f"Headline {number} {'x' * 2000}"))


def articles_in(file: Path) -> list[int]:
    with closing(sqlite3.connect(f"file:{quote(str(file))}?immutable=1", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        titles = connection.execute("SELECT title FROM articles ORDER BY id").fetchall()
    return [int(title.split()[1]) for (title,) in titles]


def names_in(settings: Settings) -> list[str]:
    return sorted(path.name for path in backups.folder(settings).iterdir() if path.name != ".lock")


def test_a_backup_is_a_ledger_on_its_own_and_says_what_is_in_it(settings: Settings, ledger: Database) -> None:
    made = backups.make(settings)

    assert SHOWN.fullmatch(made.file.name)
    assert names_in(settings) == [made.file.name]
    assert made == Backup(made.file, made.file.stat().st_size, 3)
    assert articles_in(made.file) == [1, 2, 3]


def test_a_backup_made_while_others_write_is_the_ledger_of_one_moment(
    settings: Settings, ledger: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backups, "_PAGES_AT_ONCE", 1)
    stop, written = threading.Event(), [3]

    def writing() -> None:
        while not stop.is_set():
            write(ledger, written[0] + 1)
            written[0] += 1

    def wait_for_a_writer(copied: int, pages: int) -> None:
        before = written[0]
        if copied % 10 == 1:  # so that commits fall between any two steps
            assert eventually(lambda: written[0] > before)

    writer = threading.Thread(target=writing)
    writer.start()
    assert eventually(lambda: written[0] > 10)
    at_least = written[0]
    made = backups.make(settings, progress=wait_for_a_writer)
    at_most = written[0]
    stop.set()
    writer.join()

    found = articles_in(made.file)
    assert found == list(range(1, len(found) + 1))
    assert at_least <= len(found) < at_most
    assert made.articles == len(found)
    with closing(sqlite3.connect(made.file)) as connection:
        owed = connection.execute("SELECT COUNT(*) FROM deliveries").fetchone()
        astray = connection.execute("PRAGMA foreign_key_check").fetchall()
    assert (owed, astray) == ((len(found),), [])


def test_a_backup_takes_in_what_a_kill_left_in_the_log(settings: Settings) -> None:
    child = os.fork()
    if child == 0:
        write(open_database(settings.database), 1, 2)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)

    assert articles_in(backups.make(settings).file) == [1, 2]


def test_a_backup_lets_go_of_no_lock_that_this_process_has(settings: Settings, ledger: Database) -> None:
    with ledger.transaction() as connection:
        connection.execute(text("INSERT INTO jobs (name, schedule, due_at) VALUES ('ours', '', '')"))
        backups.make(settings)
        said = told_by_another_program(settings, "BEGIN IMMEDIATE")

    assert said == "database is locked"


def test_of_a_damaged_ledger_there_is_no_backup_and_the_last_one_stays(
    settings: Settings, ledger: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = backups.make(settings).file
    write(ledger, *range(4, 40))
    ledger.close()
    damage(backups.ledger_path(settings))
    turn_clock(monkeypatch, SECOND)

    with pytest.raises(LedgerError) as caught:
        backups.make(settings)

    assert str(caught.value).startswith(f"{backups.ledger_path(settings)}: ")
    assert "restore" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert names_in(settings) == [good.name]


def test_the_newest_backups_are_kept_and_nothing_that_we_did_not_make_is_deleted(
    settings: Settings, ledger: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = backups.folder(settings)
    turn_clock(monkeypatch, timedelta())
    first = backups.make(settings).file
    ours = [first.name]
    by_hand = ["ledger-20200101T000000Z.db", "ledger-before-upgrade.db", "notes.txt"]
    shutil.copy(first, folder / by_hand[1])  # a copy of ours under a name that is not
    shutil.copy(backups.ledger_path(settings), folder / by_hand[0])  # our name, not our file
    (folder / by_hand[2]).write_text("keep")
    (folder / "ledger-20190101T000000Z.db").symlink_to(folder / by_hand[1])
    (folder / "ledger-20180101T000000Z.db").mkdir()
    for number in range(1, 10):
        turn_clock(monkeypatch, number * DAY)
        ours.append(backups.make(settings).file.name)

    theirs = [*by_hand, "ledger-20190101T000000Z.db", "ledger-20180101T000000Z.db"]
    assert names_in(settings) == sorted([*ours[-7:], *theirs])


def test_a_clock_that_was_set_back_does_not_cost_the_backup_just_made(
    settings: Settings, ledger: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings.model_copy(update={"backup": BackupSettings(keep=2)})
    for days in (10, 11, 12):
        turn_clock(monkeypatch, days * DAY)
        backups.make(settings)
    turn_clock(monkeypatch, -DAY)

    made = backups.make(settings).file

    assert made.exists()
    assert len(names_in(settings)) == 2


def test_a_kill_at_any_step_of_a_backup_leaves_only_sound_ones_and_the_next_cleans_up(
    settings: Settings, ledger: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.close()
    steps, ended = 0, False
    while not ended:
        steps += 1
        turn_clock(monkeypatch, steps * SECOND)
        ended = killed_at(steps, lambda: backups.make(settings))
        for file in backups.listed(settings):
            assert articles_in(file) == [1, 2, 3]
        for file in backups.listed(settings)[1:]:
            file.unlink()  # each kill meets the same folder
    turn_clock(monkeypatch, DAY)
    backups.make(settings)

    assert steps > 8
    assert all(SHOWN.fullmatch(name) for name in names_in(settings))
    database = open_database(settings.database)
    write(database, 4)
    database.close()
    assert articles_in(backups.ledger_path(settings)) == [1, 2, 3, 4]


@pytest.mark.slow
def test_a_command_that_is_killed_while_it_copies_leaves_no_backup(
    settings: Settings, ledger: Database
) -> None:
    write(ledger, *range(4, 200))
    folder = backups.folder(settings)
    command = [sys.executable, "-c", SLOW_BACKUP, "backup", "--home", str(settings.home)]
    child = subprocess.Popen(command)
    assert eventually(lambda: folder.is_dir() and any(copied(path) for path in folder.iterdir()), 30.0)
    child.kill()
    child.wait()
    left = names_in(settings)

    made = backups.make(settings)

    assert left
    assert not [name for name in left if SHOWN.fullmatch(name)]
    assert names_in(settings) == [made.file.name]
    assert made.articles == 199


# The command itself, with a copy that takes its time.
SLOW_BACKUP = """
import sys, time
from daemon import backups, cli
backups._PAGES_AT_ONCE = 1
backups._reported = lambda progress: lambda status, left, total: time.sleep(0.02)
sys.exit(cli.main(sys.argv[1:]))
"""


def copied(path: Path) -> bool:
    return path.name.endswith(".new") and path.stat().st_size > 50_000


def test_a_disk_without_room_is_left_to_the_ledger(
    settings: Settings, ledger: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage(10**9, 10**9, 64 * 2**20))

    with pytest.raises(DaemonError, match="no room for a copy") as caught:
        backups.make(settings)

    assert "\n" not in str(caught.value)
    assert names_in(settings) == []


def test_a_disk_that_fails_in_the_middle_is_said_in_one_line_and_nothing_is_left(
    settings: Settings, ledger: Database
) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, limits[1]))
    try:
        with pytest.raises(DaemonError) as caught:
            backups.make(settings)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert "the backup cannot be made: " in str(caught.value)
    assert "input/output error" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert names_in(settings) == []
    assert backups.make(settings).articles == 3


def test_two_backups_at_once_do_not_clean_up_each_other(settings: Settings, ledger: Database) -> None:
    refusals: list[str] = []

    def a_second_one(copied: int, pages: int) -> None:
        with pytest.raises(DaemonError) as caught:
            backups.make(settings)
        refusals.append(str(caught.value))

    made = backups.make(settings, progress=a_second_one)

    assert articles_in(made.file) == [1, 2, 3]
    assert refusals[0] == f"{backups.folder(settings)}: another backup is being made"


def test_a_backup_goes_to_a_named_file_and_overwrites_nothing(
    settings: Settings, ledger: Database, tmp_path: Path
) -> None:
    named = tmp_path / "usb stick?" / "ledger.db"
    named.parent.mkdir()

    made = backups.make(settings, named)
    with pytest.raises(DaemonError, match="stands there already"):
        backups.make(settings, named)
    with pytest.raises(DaemonError, match="cannot be made"):
        backups.make(settings, tmp_path / "nowhere" / "ledger.db")

    assert articles_in(made.file) == [1, 2, 3]
    assert [path.name for path in named.parent.iterdir()] == ["ledger.db"]
    assert not backups.folder(settings).exists()


def test_a_backup_is_no_more_readable_than_the_ledger(settings: Settings, ledger: Database) -> None:
    backups.ledger_path(settings).chmod(0o600)

    assert backups.make(settings).file.stat().st_mode & 0o777 == 0o600


def test_without_a_ledger_there_is_nothing_to_copy_and_none_is_made(settings: Settings) -> None:
    with pytest.raises(LedgerError, match="no ledger to copy"):
        backups.make(settings)

    assert list(settings.home.iterdir()) == []


def test_the_newest_sound_backup_is_found_behind_those_that_are_not(
    settings: Settings, ledger: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(ledger, *range(4, 40))
    made = []
    for number in range(4):
        turn_clock(monkeypatch, number * DAY)
        made.append(backups.make(settings).file)
    damage(made[1])
    with closing(sqlite3.connect(made[2])) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    made[3].write_bytes(b"")

    found, refused = backups.newest_sound(settings)

    assert found == made[0]
    assert [each.file for each in refused] == [made[3], made[2], made[1]]
    assert "made by a newer topicwire" in refused[1].reason
    assert all("\n" not in each.reason for each in refused)


def test_the_nights_work_says_what_it_made(settings: Settings, ledger: Database) -> None:
    said = backups.nightly(settings)

    assert said.startswith(names_in(settings)[0])
    assert "3 articles" in said


def test_the_command_makes_a_backup_while_the_ledger_is_open(
    settings: Settings, ledger: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    code = topicwired(["backup", "--home", str(settings.home)])

    [name] = names_in(settings)
    assert code == 0
    assert capsys.readouterr().out.startswith(f"{backups.folder(settings)}/{name}: 3 articles, ")


def test_a_home_that_never_had_a_ledger_misses_none(settings: Settings) -> None:
    settings.done.mkdir(parents=True)
    (settings.done / ".half.txt.new").touch()

    assert backups.missing_ledger(settings) is None


def test_a_ledger_that_stands_there_is_not_missed(settings: Settings, ledger: Database) -> None:
    a_file_in_done(settings)

    assert backups.missing_ledger(settings) is None


@pytest.mark.parametrize("emptied", [True, False])
@pytest.mark.parametrize("with_backup", [True, False])
def test_a_lost_ledger_is_missed_with_the_way_to_mend_it(
    emptied: bool, with_backup: bool, settings: Settings, ledger: Database
) -> None:
    a_file_in_done(settings)
    if with_backup:
        backups.make(settings)
    ledger.close()
    path = backups.ledger_path(settings)
    path.unlink()
    if emptied:
        path.touch()

    line = backups.missing_ledger(settings)

    assert line is not None
    assert line.startswith(f"{path}: the ledger {'is empty' if emptied else 'is missing'}")
    assert line.endswith("`topicwired restore`" if with_backup else "`topicwired restore --rebuild`")
    assert "\n" not in line


def test_a_lost_ledger_is_missed_where_only_a_backup_speaks_of_it(
    settings: Settings, ledger: Database
) -> None:
    backups.make(settings)
    ledger.close()
    backups.ledger_path(settings).unlink()

    assert backups.missing_ledger(settings) is not None


@pytest.mark.parametrize("links", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_kill_at_any_step_of_setting_aside_leaves_a_whole_ledger(
    links: bool, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not links:
        monkeypatch.setattr(os, "link", no_links)
    steps, ended = 0, False
    while not ended:
        steps += 1
        home = tmp_path / f"home {steps}"
        path = home / "ledger.db"
        a_killed_daemons_ledger(home)
        ended = killed_at(steps, lambda path=path: backups.set_aside(path))  # type: ignore[misc]
        sound = [file for file in (path, *home.glob("ledger.db.set-aside-*Z")) if is_whole(file)]
        assert sound, steps
        backups.set_aside(path)  # the second run
        assert [file for file in home.glob("ledger.db.set-aside-*") if is_whole(file)]
        assert not list(home.glob("ledger.db")) + list(home.glob("ledger.db-*"))

    assert steps > 6


def a_killed_daemons_ledger(home: Path) -> None:
    """With all that it knows still in the log."""
    home.mkdir()
    child = os.fork()
    if child == 0:
        write(open_database(f"sqlite:///{home}/ledger.db"), 1, 2, 3)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)


def is_whole(file: Path) -> bool:
    """Whether a ledger has all its articles, as its log has them; looked at in a copy."""
    if not file.exists() or file.name.endswith(("-wal", "-shm")):
        return False
    look = file.parent / "look"
    shutil.rmtree(look, ignore_errors=True)
    look.mkdir()
    for part in ("", "-wal"):
        if Path(f"{file}{part}").exists():
            shutil.copy(f"{file}{part}", look / f"ledger.db{part}")
    with closing(sqlite3.connect(look / "ledger.db")) as connection:
        try:
            return bool(connection.execute("SELECT COUNT(*) FROM articles").fetchone()[0] == 3)
        except sqlite3.Error:
            return False


def no_links(*_: object, **__: object) -> None:
    raise PermissionError(1, "Operation not permitted")


def a_file_in_done(settings: Settings) -> None:
    folder = settings.done / "2026" / "03" / "05"
    folder.mkdir(parents=True)
    (folder / "article.txt").write_text("An article\nwith a text.\n")


def damage(file: Path) -> None:
    """Overwrite a page in the middle."""
    content = bytearray(file.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = b"\xff" * 4096
    file.write_bytes(content)


def turn_clock(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOON + by)


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.002)
    return False


_STEPS = frozenset({"open", "os.rename", "os.link", "os.remove", "shutil.copyfile", "sqlite3.connect"})


def killed_at(step: int, work: Callable[[], object]) -> bool:
    """Do a work in a process that is killed before its n-th step on a ledger; whether it came to its end."""

    def counts(event: str, details: tuple[object, ...]) -> bool:
        return event in _STEPS and "ledger" in str(details) and ".py" not in str(details)

    return stepping.killed_at(step, work, counts=counts)


def told_by_another_program(settings: Settings, statement: str) -> str:
    """The error that a process of its own meets with a statement on the ledger, if any."""
    program = (
        "import sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1], timeout=0.1, isolation_level=None)\n"
        "try:\n"
        "    connection.execute(sys.argv[2])\n"
        "except sqlite3.Error as error:\n"
        "    print(error)\n"
    )
    command = [sys.executable, "-c", program, str(backups.ledger_path(settings)), statement]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=10, check=True).stdout.strip()
