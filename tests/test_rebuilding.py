"""Rebuilding: a lost ledger comes back whole, nobody hears twice, and nothing in done/ is forgotten."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from daemon import backups, clock, deliveries, notices, rebuilding, sampling
from daemon.app import home_lock
from daemon.backoff import Pace
from daemon.cli import main as topicwired
from daemon.clock import from_text
from daemon.config import Receiver, Route, Sample, Settings
from daemon.database import Database, newest_schema, open_database
from daemon.dispatch import Dispatch
from daemon.errors import DaemonError, LedgerError
from daemon.intake import Intake
from daemon.notices import Notice
from daemon.rebuilding import Restored, restore
from daemon.records import DeliveryState
from daemon.serving import Serving
from daemon.shelving import reconcile
from daemon.slack import SlackSender
from daemon.slackapi import SlackApp
from tests.asked import TOPICS
from tests.builders import make_settings, small_model
from tests.slack_stand_in import SlackStandIn
from tests.test_backups import damage, killed_at
from tests.test_migrations import written_by

pytestmark = pytest.mark.sqlite("restoring its backups")

CHANNEL = "C0123456789"
MODEL = small_model()


def article(number: int) -> str:
    return (
        f"Oil and gas of field {number}\nOil and gas were found, and the oil of field {number} is good oil.\n"
    )


class Newsroom:
    """A home with an intake and, if a desk is in Slack, what delivers to it."""

    def __init__(self, home: Path, slack: SlackStandIn | None = None) -> None:
        self.slack = slack
        receivers = [Receiver(name="page", type="console")]
        if slack is not None:
            receivers.append(Receiver(name="desk", type="slack", channel=CHANNEL))
        self.settings: Settings = make_settings(
            home,
            receivers=tuple(receivers),
            routes=tuple(Route(receiver=receiver.name) for receiver in receivers),
            events=False,
        )
        self.settings.inbox.mkdir(parents=True)

    def take(self, *numbers: int) -> None:
        for number in numbers:
            self.drop(f"{number}.txt", article(number))

    def drop(self, name: str, content: str) -> None:
        (self.settings.inbox / name).write_text(content)
        with self.opened() as database:
            reconcile(self.settings, database)
            serving = Serving(self.settings.models, MODEL)
            intake = Intake(self.settings, database, serving, lambda: None, lambda: None)
            while intake.work() == 0.0:
                pass
            intake.close()

    def deliver(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """All that is owed to the desk, with a clock that runs to the next try."""
        assert self.slack is not None
        sender = SlackSender(SlackApp(self.slack.token, self.slack.url), CHANNEL, Pace(0.0, 1000))
        ahead = [0.0]
        now, monotonic = clock.now, clock.monotonic
        with monkeypatch.context() as patched, self.opened() as database:
            patched.setattr(clock, "now", lambda: now() + timedelta(seconds=ahead[0]))
            patched.setattr(clock, "monotonic", lambda: monotonic() + ahead[0])
            dispatch = Dispatch("desk", sender, database)
            for _ in range(1000):
                wait = dispatch.work()
                with database.reading() as connection:
                    if deliveries.oldest(connection, "desk") is None:
                        return
                ahead[0] += wait
        raise AssertionError("not all was delivered")

    def opened(self) -> Any:
        return closing(open_database(self.settings.database))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.opened() as database, database.reading() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    def ledger_of(self) -> dict[str, str]:
        """What the ledger says stands in done/: fingerprints by place."""
        return dict(self.rows("SELECT target, fingerprint FROM files WHERE state = 'done'"))

    def done(self) -> dict[str, str]:
        """What stands there."""
        files = [path for path in self.settings.done.rglob("*") if path.is_file()]
        home = self.settings.home
        return {
            path.relative_to(home).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
        }

    def articles(self) -> list[int]:
        found = self.rows("SELECT title FROM articles ORDER BY id")
        return sorted(int(title.rsplit(" ", 1)[1]) for (title,) in found)

    def heard(self) -> list[int]:
        """The articles that the desk has read of in Slack, in order, as often as it has."""
        assert self.slack is not None
        return [int(message["text"].split("field ")[1].split()[0]) for message in self.slack.messages]

    @property
    def path(self) -> Path:
        return backups.ledger_path(self.settings)

    def lose(self) -> None:
        for part in ("", "-wal", "-shm"):
            Path(f"{self.path}{part}").unlink(missing_ok=True)

    def restored(self, **how: Any) -> Restored:
        return restore(self.settings, MODEL, **how)


@pytest.fixture
def room(tmp_path: Path) -> Newsroom:
    return Newsroom(tmp_path / "home")


@pytest.fixture
def wired(tmp_path: Path, slack: SlackStandIn) -> Newsroom:
    return Newsroom(tmp_path / "home", slack)


def test_a_restored_ledger_has_the_backup_and_all_that_done_has_beyond_it(room: Newsroom) -> None:
    room.take(1, 2)
    backup = backups.make(room.settings).file
    room.take(3, 4, 5)
    before = room.ledger_of()
    room.lose()

    restored = room.restored()

    assert restored.backup == backup
    assert (restored.found.files, restored.found.articles) == (3, 3)
    assert room.ledger_of() == before == room.done()
    assert room.articles() == [1, 2, 3, 4, 5]
    assert room.rows("SELECT topic, COUNT(*) FROM tags GROUP BY topic") == [("energy", 5)]
    assert room.rows("PRAGMA foreign_key_check") == []


def test_a_damaged_ledger_is_set_aside_as_it_is_and_rebuilt_from_the_last_backup(room: Newsroom) -> None:
    room.take(*range(1, 20))
    backups.make(room.settings)
    room.take(20, 21)
    damage(room.path)
    broken = room.path.read_bytes()

    restored = room.restored()

    assert restored.set_aside is not None
    assert restored.set_aside.read_bytes() == broken
    assert room.articles() == list(range(1, 22))
    assert room.ledger_of() == room.done()


def test_without_a_backup_a_ledger_is_made_from_done_alone(room: Newsroom) -> None:
    room.take(1, 2, 3)
    before = room.ledger_of()
    room.lose()

    with pytest.raises(LedgerError, match="no sound backup") as caught:
        room.restored()
    restored = room.restored(from_scratch=True)

    assert "`topicwired restore --rebuild`" in str(caught.value)
    assert restored.backup is None
    assert restored.set_aside is None
    assert room.ledger_of() == before
    assert room.articles() == [1, 2, 3]
    assert room.rows("SELECT version_num FROM alembic_version") == [(newest_schema(),)]


def test_after_a_restore_the_same_file_is_known_and_makes_no_alert(room: Newsroom) -> None:
    room.take(1)
    room.lose()
    room.restored(from_scratch=True)

    room.drop("again.txt", article(1))

    assert room.articles() == [1]
    assert room.rows("SELECT COUNT(*) FROM deliveries") == [(0,)]
    assert room.rows("SELECT COUNT(*) FROM files WHERE duplicate_of IS NOT NULL") == [(1,)]


def test_each_desk_in_slack_hears_of_each_article_once_whatever_the_backup_missed(
    wired: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    wired.take(1)
    wired.deliver(monkeypatch)
    wired.take(2)  # owed at the time of the backup, and delivered after it
    backups.make(wired.settings)
    wired.deliver(monkeypatch)
    wired.take(3, 4)
    wired.deliver(monkeypatch)
    wired.take(5, 6)  # not delivered before the loss
    wired.lose()

    restored = wired.restored()
    owed = wired.rows("SELECT state, COUNT(*) FROM deliveries WHERE receiver = 'desk' GROUP BY state")
    wired.deliver(monkeypatch)

    assert restored.found.looked_up == 4
    assert owed == [("sent", 1), ("unknown", 5)]
    assert wired.heard() == [1, 2, 3, 4, 5, 6]


def test_no_question_and_no_report_is_sent_again_whatever_the_backup_missed(
    wired: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = Sample(articles=99.0, receiver="desk")
    wired.settings = wired.settings.model_copy(update={"sample": sample})

    def ask(number: int) -> None:
        """Draw one more article without an alert, and owe a report; what it says is told by its number."""
        wired.drop(f"quiet {number}.txt", f"Derby {number}\nNobody scored in derby {number}.\n")
        with wired.opened() as database:
            sampling.draw(database, sample, topics=TOPICS, now=clock.now())
            with database.transaction() as connection:
                notices.owe(connection, "desk", Notice(f"Report {number}"), key=f"{number}", now=clock.now())

    ask(1)
    wired.deliver(monkeypatch)
    ask(2)  # owed at the time of the backup, and delivered after it
    backups.make(wired.settings)
    wired.deliver(monkeypatch)
    ask(3)
    wired.deliver(monkeypatch)
    wired.lose()

    restored = wired.restored()
    ask(4)
    wired.deliver(monkeypatch)

    assert wired.slack is not None
    told = [message["text"] for message in wired.slack.messages]
    asked = [re.findall(r"Report \d|Derby \d", each)[0] for each in told]
    assert asked == [f"{what} {number}" for number in (1, 2, 3, 4) for what in ("Derby", "Report")]
    assert restored.found.questions == 1
    assert restored.as_json()["questions"] == 1
    assert "questions  1 drawn, put to nobody" in "\n".join(restored.lines())
    assert len(wired.rows("SELECT id FROM questions")) == 4


def test_a_restore_done_twice_is_as_once(wired: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    wired.take(1, 2)
    backups.make(wired.settings)
    wired.take(3)
    wired.deliver(monkeypatch)
    wired.restored()
    wired.deliver(monkeypatch)
    first = (wired.ledger_of(), wired.articles())

    wired.restored()
    wired.deliver(monkeypatch)

    assert (wired.ledger_of(), wired.articles()) == first
    assert wired.heard() == [1, 2, 3]
    with wired.opened() as database:
        again = rebuilding.rebuild(database, wired.settings, MODEL)
    assert (again.files, again.articles, again.looked_up) == (0, 0, 0)


def test_a_receiver_that_cannot_be_asked_gets_nothing_and_it_is_said_how_much(room: Newsroom) -> None:
    room.take(1)  # owed at the time of the backup
    backups.make(room.settings)
    room.take(2, 3)

    restored = room.restored()

    assert dict(restored.found.unsent) == {"page": 2}
    assert dict(restored.found.perhaps_twice) == {"page": 1}
    assert room.rows("SELECT state, COUNT(*) FROM deliveries GROUP BY state") == [("pending", 1)]
    assert any("2 to page are not sent" in line for line in restored.lines())


def test_a_receiver_that_cannot_be_asked_gets_all_if_told_so(room: Newsroom) -> None:
    room.take(1, 2)
    room.lose()

    restored = room.restored(from_scratch=True, alert_all=True)

    assert restored.found.owed == 2
    assert room.rows("SELECT state, COUNT(*) FROM deliveries GROUP BY state") == [("pending", 2)]


def test_nobody_is_asked_about_what_is_over_a_month_old_unless_told_so(wired: Newsroom) -> None:
    wired.take(1)
    [place] = wired.done()
    year_ago = wired.settings.home / "done" / "2024" / "01" / "31"
    year_ago.mkdir(parents=True)
    (wired.settings.home / place).rename(year_ago / "1.txt")
    wired.lose()

    without = wired.restored(from_scratch=True)
    owed = wired.rows("SELECT COUNT(*) FROM deliveries")
    told = wired.restored(from_scratch=True, alert_all=True)

    assert dict(without.found.too_old) == {"desk": 1}
    assert owed == [(0,)]
    assert told.found.looked_up == 1
    assert wired.rows("SELECT state, first_sent_at FROM deliveries WHERE receiver = 'desk'") == [
        ("unknown", "2024-01-31T00:00:00.000000Z")
    ]
    assert wired.rows("SELECT arrived_at FROM files") == [("2024-01-31T23:59:59.999999Z",)]


def test_a_look_at_the_history_begins_before_the_file_was_taken(wired: Newsroom) -> None:
    wired.take(1)
    taken = datetime.now(UTC)
    [place] = wired.done()
    (wired.settings.home / place).chmod(0o600)  # changes its ctime
    wired.lose()
    wired.restored(from_scratch=True)

    with wired.opened() as database, database.reading() as connection:
        found = deliveries.oldest(connection, "desk")

    assert found is not None
    assert found[0].state is DeliveryState.UNKNOWN
    assert found[0].first_sent_at is not None
    assert timedelta() < taken - from_text(found[0].first_sent_at) < timedelta(days=1, seconds=60)


def test_files_come_back_in_the_order_in_which_they_were_taken(room: Newsroom) -> None:
    room.take(5, 3, 9, 1)
    room.lose()
    room.restored(from_scratch=True)

    assert [name for (name,) in room.rows("SELECT name FROM files ORDER BY id")] == [
        "5.txt", "3.txt", "9.txt", "1.txt",
    ]  # fmt: skip


def test_a_second_file_with_the_same_bytes_is_a_duplicate_again(room: Newsroom) -> None:
    room.take(1)
    backups.make(room.settings)
    room.drop("again.txt", article(1))
    before = room.ledger_of()

    room.restored()

    assert room.ledger_of() == before == room.done()
    assert room.rows("SELECT name FROM files WHERE duplicate_of IS NOT NULL") == [("again.txt",)]
    assert room.articles() == [1]


def test_a_file_on_its_way_at_the_time_of_the_backup_is_marked_where_it_stands(room: Newsroom) -> None:
    room.take(1)
    with room.opened() as database, database.transaction() as connection:
        connection.execute(text("UPDATE files SET state = 'taken', target = 'done/2026/01/01/1.txt'"))
    backups.make(room.settings)

    restored = room.restored()

    assert restored.found.files == 0
    assert room.ledger_of() == room.done()


def test_a_file_that_grew_after_the_backup_is_a_new_version_and_tells_nobody_twice(wired: Newsroom) -> None:
    wired.take(1)
    backups.make(wired.settings)
    [place] = wired.done()
    with (wired.settings.home / place).open("a") as file:
        file.write("More oil was found of field 1.\n")

    restored = wired.restored()

    assert (restored.found.articles, restored.found.looked_up) == (1, 0)
    assert wired.ledger_of() == wired.done()
    assert wired.rows("SELECT state, version_of FROM files ORDER BY id") == [("outgrown", None), ("done", 1)]


def test_what_cannot_be_read_is_listed_and_left_where_it_is(room: Newsroom) -> None:
    room.take(1)
    [place] = room.done()
    folder = (room.settings.home / place).parent
    (folder / "empty.txt").write_text("")
    (folder / "pointer.txt").symlink_to("/etc/passwd")
    (folder / os.fsdecode(b"bad\xff.txt")).write_text(article(7))
    (folder / ".2.txt.new").write_text("half a copy")
    stood = {path.name for path in folder.iterdir()}
    stray = room.settings.done / "stray.txt"
    stray.write_text(article(8))
    room.lose()

    restored = room.restored(from_scratch=True)

    assert room.articles() == [1, 8]
    listed = {Path(name).name: reason for name, reason in restored.found.unreadable}
    assert set(listed) == {"empty.txt", "pointer.txt", "bad\\xff.txt"}
    assert all(listed.values())
    assert {path.name for path in folder.iterdir()} == stood


def test_one_file_that_the_ledger_will_not_have_does_not_keep_the_others_out(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.take(1, 2, 3)
    room.lose()
    tag_all = type(MODEL).tag_all

    def stumbling(model: Any, given: Any) -> Any:
        # The file's own row is there already when the ledger refuses two tags of one topic.
        found = tag_all(model, given)
        return [
            replace(each, tags=each.tags * 2) if "field 2" in each.article.text else each for each in found
        ]

    monkeypatch.setattr(type(MODEL), "tag_all", stumbling)
    restored = room.restored(from_scratch=True)

    assert room.articles() == [1, 3]
    assert [reason for _, reason in restored.found.unreadable] == [
        "the ledger refuses: SQLITE_CONSTRAINT_PRIMARYKEY"
    ]
    assert room.rows("SELECT COUNT(*) FROM files") == [(2,)]


def test_a_damaged_backup_is_passed_over_for_an_older_one(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.take(*range(1, 20))
    older = backups.make(room.settings).file
    room.take(20)
    now = clock.now
    with monkeypatch.context() as patched:
        patched.setattr(clock, "now", lambda: now() + timedelta(hours=1))
        newer = backups.make(room.settings).file
    damage(newer)

    restored = room.restored()

    assert restored.backup == older
    assert [each.file for each in restored.refused] == [newer]
    assert room.articles() == list(range(1, 21))


@pytest.mark.parametrize("harm", ["damaged", "newer", "no ledger", "missing"])
def test_a_backup_that_is_not_sound_is_refused_and_all_stays_as_it_was(
    harm: str, room: Newsroom, tmp_path: Path
) -> None:
    room.take(*range(1, 20))
    backup = tmp_path / "backup.db"
    backups.make(room.settings, backup)
    if harm == "damaged":
        damage(backup)
    elif harm == "newer":
        with closing(sqlite3.connect(backup)) as connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
            connection.commit()
    elif harm == "no ledger":
        backup.unlink()
        with closing(sqlite3.connect(backup)) as connection:
            connection.execute("CREATE TABLE cats (name)")
    else:
        backup.unlink()
    before = sorted(path.name for path in room.settings.home.iterdir())

    with pytest.raises(DaemonError) as caught:
        room.restored(backup=backup)

    assert str(caught.value).startswith(f"{backup}: ")
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in room.settings.home.iterdir()) == before
    assert room.articles() == list(range(1, 20))


def test_a_ledger_set_aside_can_be_restored_with_what_is_in_its_log(room: Newsroom, tmp_path: Path) -> None:
    room.take(1, 2)
    held = open_database(room.settings.database)  # so that its log is not brought in
    room.take(3)
    with held.reading() as connection:
        connection.execute(text("SELECT 1 FROM files")).all()
        restored = room.restored(from_scratch=True)
        assert restored.set_aside is not None
        assert Path(f"{restored.set_aside}-wal").stat().st_size > 0
    shutil.rmtree(room.settings.done)

    room.restored(backup=restored.set_aside)

    assert room.articles() == [1, 2, 3]
    held.close()


def test_an_old_backup_is_brought_to_our_schema(room: Newsroom, tmp_path: Path) -> None:
    room.take(1)
    backup = tmp_path / "backup.db"
    written_by(backup, "0004", states=())

    room.restored(backup=backup)

    assert room.rows("SELECT version_num FROM alembic_version") == [(newest_schema(),)]
    assert room.articles() == [1]


@pytest.mark.slow
def test_a_kill_at_any_step_of_a_restore_leaves_the_old_ledger_or_none_or_the_new_one(
    room: Newsroom, tmp_path: Path
) -> None:
    room.take(1, 2)
    backups.make(room.settings)
    room.take(3)
    whole = room.ledger_of()
    kept = tmp_path / "kept"
    shutil.copytree(room.settings.home, kept, symlinks=True)
    steps, ended, missing = 0, False, 0
    while not ended:
        steps += 1
        ended = killed_at(steps, lambda: room.restored())
        said = backups.missing_ledger(room.settings)
        if said is None:
            assert room.ledger_of() == whole
        else:
            missing += 1
            assert "`topicwired restore`" in said
            assert list(room.settings.home.glob("ledger.db.set-aside-*Z"))
        room.restored()
        assert room.ledger_of() == whole == room.done()
        assert room.articles() == [1, 2, 3]
        assert not list(room.settings.home.glob(".ledger.db.new*"))
        for left in room.settings.home.glob("ledger.db*"):
            left.unlink()
        shutil.copy(kept / "ledger.db", room.path)

    assert steps > 15
    assert missing > 0


def test_a_restore_in_a_drill_while_others_write_gives_the_ledger_of_the_moment_of_the_backup(
    room: Newsroom, tmp_path: Path
) -> None:
    room.take(1)
    with room.opened() as database:
        drill = Writer(database)
        with drill:
            copy = tmp_path / "drill.db"
            at_least = drill.written
            backups.make(room.settings, copy, progress=lambda done, total: drill.wait())
            at_most = drill.written + 1
    scratch = Newsroom(tmp_path / "scratch")
    scratch.restored(backup=copy)

    names = [int(name) for (name,) in scratch.rows("SELECT name FROM jobs ORDER BY due_at")]
    assert names == list(range(len(names)))
    assert at_least <= len(names) <= at_most
    assert scratch.articles() == [1]


class Writer:
    """Commits one row after the other, until told to stop."""

    def __init__(self, database: Database) -> None:
        self.written = 0
        self._database = database
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Writer:
        self._thread.start()
        self.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def wait(self) -> None:
        before = self.written
        while self.written == before:
            assert self._thread.is_alive()

    def _run(self) -> None:
        add = text("INSERT INTO jobs (name, schedule, due_at) VALUES (:name, '', :at)")
        while not self._stop.is_set():
            with self._database.transaction() as connection:
                connection.execute(add, {"name": str(self.written), "at": f"{self.written:09}"})
            self.written += 1


@pytest.fixture
def trained(home: Path) -> Path:
    """A home with a real model, a ledger, a backup, and an article that the backup does not know."""
    room = Newsroom(home)
    room.take(1)
    backups.make(room.settings)
    room.take(2)
    return home


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = topicwired([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_command_restores_the_newest_backup_and_says_what_it_did(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    backup = next((trained / "backups").glob("*.db"))
    code, out, _ = said(capsys, "restore", "--home", trained)

    assert code == 0
    assert out.splitlines()[0] == f"ledger     from {backup}"
    assert "done/      1 files recorded again, with 1 articles" in out
    assert len(list(trained.glob("ledger.db.set-aside-*Z"))) == 1


def test_the_command_speaks_json_and_lists_what_it_could_not_read(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (trained / "done" / "empty.txt").touch()
    code, out, err = said(capsys, "restore", "--rebuild", "--home", trained, "--json")

    found = json.loads(out)
    assert code == 0
    assert (found["backup"], found["files"]) == (None, 2)
    assert [each["file"] for each in found["unreadable"]] == ["done/empty.txt"]
    assert "done/empty.txt: cannot be read, left where it is: " in err


def test_the_command_is_refused_while_a_daemon_runs_on_the_home(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (trained / "ledger.db").read_bytes()
    with home_lock(make_settings(trained)):
        code, _, err = said(capsys, "restore", "--home", trained)

    assert (code, err) == (1, f"topicwired: {trained}: another topicwired runs on this home\n")
    assert (trained / "ledger.db").read_bytes() == before


def test_a_file_and_no_backup_are_not_asked_for_together(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = said(capsys, "restore", "--rebuild", "x.db", "--home", trained)

    assert (code, err) == (1, "topicwired: say which: FROM, --check, or --rebuild without a backup\n")
