"""Intake: each file taken once, alerted once, and never lost, whatever happens on the way."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from classifier.model import Model
from classifier.storage import load
from daemon.config import Settings
from daemon.database import Database
from daemon.inbox import Candidate, Stamp
from daemon.intake import Intake, reconcile
from daemon.records import Alert, alert_from_json
from daemon.serving import Serving
from tests.builders import ENERGY_ARTICLE, QUIET_ARTICLE, make_route, make_settings

HEADLINE = "Refinery in Atyrau restarts crude unit"
DIGEST = f"""05.03.2026, 15:20 4496

{ENERGY_ARTICLE}
05.03.2026, 16:40 112

{QUIET_ARTICLE}"""


class Newsroom:
    """A home with its ledger, and the intake that a daemon would run on it."""

    def __init__(self, settings: Settings, database: Database, model: Model) -> None:
        self.settings, self.database, self.model = settings, database, model
        self.home, self.inbox = settings.home, settings.inbox
        self.wakes = 0
        self.inbox.mkdir(parents=True)
        self.start()

    def start(self) -> None:
        """As a daemon that starts: nothing is remembered but what the ledger knows."""
        reconcile(self.settings, self.database)
        serving = Serving(self.settings.models, self.model)
        self.intake = Intake(self.settings, self.database, serving, self._woken, lambda: None)

    def restart(self) -> None:
        self.intake.close()
        self.start()

    def _woken(self) -> None:
        self.wakes += 1

    def drop(self, name: str, content: str | bytes) -> Path:
        path = self.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def take_all(self) -> None:
        while self.intake.work() == 0.0:
            pass

    def alerts(self) -> list[Alert]:
        return [
            alert_from_json(payload) for (payload,) in self.rows("SELECT payload FROM alerts ORDER BY id")
        ]

    def headlines(self) -> list[str]:
        return [alert.headline for alert in self.alerts()]

    def files(self) -> list[tuple[str, str]]:
        return [
            (str(name), str(state)) for name, state in self.rows("SELECT name, state FROM files ORDER BY id")
        ]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.database.reading() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    def execute(self, statement: str) -> None:
        with self.database.transaction() as connection:
            connection.execute(text(statement))

    @contextmanager
    def ledger_failing(self, event: str) -> Iterator[None]:
        """As a full disk, or a crash, at one step: the ledger refuses it and takes the rest back."""
        self.execute(f"CREATE TRIGGER full BEFORE {event} BEGIN SELECT RAISE(ABORT, 'disk full'); END")
        yield
        self.execute("DROP TRIGGER full")

    def done(self) -> list[str]:
        folder = self.home / "done"
        found = sorted(path for path in folder.rglob("*") if path.is_file())
        for path in found:
            year, month, day = path.relative_to(folder).parts[:-1]
            assert len(year + month + day) == 8
        return [path.name for path in found]

    def failed(self) -> list[str]:
        return sorted(path.name for path in (self.home / "failed").glob("*"))

    def waiting(self) -> list[str]:
        return sorted(
            str(path.relative_to(self.inbox)) for path in self.inbox.rglob("*") if not path.is_dir()
        )


@pytest.fixture(scope="module")
def model(trained_home: Path) -> Model:
    """Loaded once: tagging changes nothing but what it remembers of words."""
    return load(trained_home / "models")


@pytest.fixture
def newsroom(tmp_path: Path, database: Database, model: Model) -> Iterator[Newsroom]:
    opened = Newsroom(make_settings(tmp_path / "home"), database, model)
    yield opened
    opened.intake.close()


def candidate(path: Path) -> Candidate:
    return Candidate(path, path.name, Stamp.of(path.lstat()))


def test_a_file_is_taken_its_alert_owed_and_it_stands_in_done(newsroom: Newsroom) -> None:
    newsroom.drop("a.txt", ENERGY_ARTICLE)

    again_in = newsroom.intake.work()

    assert again_in == 0.0
    assert newsroom.waiting() == []
    assert newsroom.done() == ["a.txt"]
    assert next((newsroom.home / "done").rglob("a.txt")).read_text() == ENERGY_ARTICLE
    (alert,) = newsroom.alerts()
    assert (alert.headline, alert.receiver, alert.file, alert.source) == (HEADLINE, "console", "a.txt", None)
    assert "energy" in [topic.id for topic in alert.topics]
    assert alert.topics[0].passage in ENERGY_ARTICLE
    assert newsroom.rows("SELECT state FROM deliveries") == [("pending",)]
    ((target,),) = newsroom.rows("SELECT target FROM files")
    assert (newsroom.home / str(target)).is_file()
    assert newsroom.files() == [("a.txt", "done")]
    assert newsroom.wakes == 1


def test_an_article_about_nothing_we_follow_is_recorded_and_nobody_is_told(newsroom: Newsroom) -> None:
    newsroom.drop("derby.txt", QUIET_ARTICLE)

    newsroom.take_all()

    assert newsroom.done() == ["derby.txt"]
    assert newsroom.alerts() == []
    assert newsroom.rows("SELECT title FROM articles") == [("Striker signs for rivals",)]


def test_the_folder_a_file_came_in_is_its_source(newsroom: Newsroom) -> None:
    newsroom.drop("wire/asia/a.txt", ENERGY_ARTICLE)

    newsroom.take_all()

    (alert,) = newsroom.alerts()
    assert (alert.source, alert.file) == ("wire/asia", "wire/asia/a.txt")
    assert newsroom.done() == ["a.txt"]


def test_every_article_of_a_digest_is_recorded_with_its_date(newsroom: Newsroom) -> None:
    newsroom.drop("digest.txt", DIGEST)

    newsroom.take_all()

    assert newsroom.rows("SELECT position, title, date FROM articles ORDER BY id") == [
        (0, HEADLINE, "2026-03-05T15:20"),
        (1, "Striker signs for rivals", "2026-03-05T16:40"),
    ]
    assert newsroom.headlines() == [HEADLINE]


def test_the_same_content_under_another_name_is_no_second_alert(newsroom: Newsroom) -> None:
    newsroom.drop("a.txt", ENERGY_ARTICLE)
    newsroom.take_all()

    newsroom.drop("copy.txt", ENERGY_ARTICLE)
    newsroom.take_all()

    assert newsroom.done() == ["a.txt", "copy.txt"]
    assert newsroom.headlines() == [HEADLINE]
    assert newsroom.rows("SELECT name, state, duplicate_of FROM files") == [
        ("a.txt", "done", None),
        ("copy.txt", "done", 1),
    ]


def test_the_same_content_under_the_same_name_again_is_kept_beside_and_no_second_alert(
    newsroom: Newsroom,
) -> None:
    for _ in range(3):
        newsroom.drop("a.txt", ENERGY_ARTICLE)
        newsroom.take_all()

    mark = hashlib.sha256(ENERGY_ARTICLE.encode()).hexdigest()[:8]
    assert newsroom.done() == [f"a-{mark}-2.txt", f"a-{mark}.txt", "a.txt"]
    assert newsroom.headlines() == [HEADLINE]


def test_the_same_content_twice_at_once_is_one_alert(newsroom: Newsroom) -> None:
    newsroom.drop("a.txt", ENERGY_ARTICLE)
    newsroom.drop("b.txt", ENERGY_ARTICLE)

    newsroom.take_all()

    assert newsroom.done() == ["a.txt", "b.txt"]
    assert newsroom.headlines() == [HEADLINE]


def test_the_same_text_in_another_file_is_no_second_alert(newsroom: Newsroom) -> None:
    newsroom.drop("a.txt", ENERGY_ARTICLE)
    newsroom.take_all()

    newsroom.drop("spaced.txt", ENERGY_ARTICLE.replace("\n", "\r\n\r\n").upper())
    newsroom.drop("digest.txt", DIGEST)
    newsroom.take_all()

    assert newsroom.done() == ["a.txt", "digest.txt", "spaced.txt"]
    assert newsroom.headlines() == [HEADLINE]
    assert newsroom.rows("SELECT COUNT(*) FROM articles") == [(2,)]


def test_a_text_that_comes_again_is_not_told_to_whoever_follows_it_only_since(newsroom: Newsroom) -> None:
    newsroom.drop("a.txt", ENERGY_ARTICLE)
    newsroom.take_all()
    routes = (*newsroom.settings.routes, make_route(receiver="embassy"))
    newsroom.settings = newsroom.settings.model_copy(update={"routes": routes})
    newsroom.restart()

    newsroom.drop("spaced.txt", ENERGY_ARTICLE.replace("\n", "\n\n"))
    newsroom.take_all()

    assert [alert.receiver for alert in newsroom.alerts()] == ["console"]


def test_new_content_under_an_old_name_is_a_new_article_and_both_are_kept(newsroom: Newsroom) -> None:
    newsroom.drop("a.txt", ENERGY_ARTICLE)
    newsroom.take_all()

    newsroom.drop("a.txt", ENERGY_ARTICLE.replace("Atyrau", "Pavlodar"))
    newsroom.take_all()

    assert newsroom.headlines() == [HEADLINE, HEADLINE.replace("Atyrau", "Pavlodar")]
    contents = {path.read_text() for path in (newsroom.home / "done").rglob("*.txt")}
    assert contents == {ENERGY_ARTICLE, ENERGY_ARTICLE.replace("Atyrau", "Pavlodar")}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b" \n\t\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"%PDF-1.7 ...", "not text but a PDF"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "not text but a picture"),
        (b"PK\x03\x04" + bytes(100), "not text but a zip archive or an office document"),
        (b"\xff\xfea\x00b", "begins like utf-16 and is not: truncated data at byte 4"),
    ],
)
def test_what_is_no_article_is_set_aside_with_its_reason_and_its_bytes(
    newsroom: Newsroom, content: bytes, reason: str
) -> None:
    newsroom.drop("bad.txt", content)
    newsroom.drop("good.txt", ENERGY_ARTICLE)

    newsroom.take_all()

    assert newsroom.waiting() == []
    assert newsroom.failed() == ["bad.txt", "bad.txt.error.json"]
    assert (newsroom.home / "failed" / "bad.txt").read_bytes() == content
    said = json.loads((newsroom.home / "failed" / "bad.txt.error.json").read_text())
    assert said["reason"] == reason
    assert said["what_to_do"].endswith("; or `topicwired retry bad.txt`")
    assert newsroom.rows("SELECT name, state, reason, target FROM files WHERE state = 'failed'") == [
        ("bad.txt", "failed", reason, "failed/bad.txt")
    ]
    assert newsroom.done() == ["good.txt"]
    assert newsroom.headlines() == [HEADLINE]


def test_a_file_that_failed_before_fails_again_beside_the_first(newsroom: Newsroom) -> None:
    for _ in range(2):
        newsroom.drop("bad.txt", b"")
        newsroom.take_all()

    mark = hashlib.sha256(b"").hexdigest()[:8]
    assert newsroom.failed() == [
        f"bad-{mark}.txt",
        f"bad-{mark}.txt.error.json",
        "bad.txt",
        "bad.txt.error.json",
    ]


def test_a_file_larger_than_we_read_is_set_aside_unread(newsroom: Newsroom) -> None:
    path = newsroom.drop("huge.txt", b"x")
    os.truncate(path, 1 << 40)  # a sparse file: it says a terabyte and takes no room

    newsroom.take_all()

    assert newsroom.failed() == ["huge.txt", "huge.txt.error.json"]
    assert newsroom.rows("SELECT reason, size FROM files") == [("larger than 64 MiB", 1 << 40)]


def test_files_of_all_names_and_kinds_are_accounted_for_to_the_byte(newsroom: Newsroom) -> None:
    contents = {
        "a.txt": ENERGY_ARTICLE.encode(),
        "b.txt": ENERGY_ARTICLE.replace("Atyrau", "Pavlodar").encode("utf-16"),
        "wire/a.txt": QUIET_ARTICLE.encode(),
        "wire/c.md": b"# Heading\n\nSome *text* about nothing at all.\n",
        "-rf": b"A file named like an option\nand its text.\n",
        'it\'s "quoted"; DROP TABLE files.txt': b"A file named like a statement\nand its text.\n",
        "ж" * 125 + ".txt": b"A file with the longest name\nand its text.\n",
        "new\nline\x1b[31m.txt": b"A file with a line break in its name\nand its text.\n",
        "empty.txt": b"",
        "picture.txt": b"\x89PNG\r\n\x1a\n\x00",
    }
    for name, content in contents.items():
        newsroom.drop(name, content)
    odd = os.fsencode(newsroom.inbox) + b"/caf\xe9.txt"
    contents["caf\\xe9.txt"] = b"A file named in an old encoding\nand its text.\n"
    Path(os.fsdecode(odd)).write_bytes(contents["caf\\xe9.txt"])

    newsroom.take_all()

    kept = [
        path.read_bytes()
        for folder in ("done", "failed")
        for path in (newsroom.home / folder).rglob("*")
        if path.is_file() and not path.name.endswith(".error.json")
    ]
    assert newsroom.waiting() == []
    assert sorted(kept) == sorted(contents.values())
    assert len(newsroom.files()) == len(contents)
    assert {state for _, state in newsroom.files()} == {"done", "failed"}
    assert ("caf\\xe9.txt", "done") in newsroom.files()
    assert ("new\\nline\\x1b[31m.txt", "done") in newsroom.files()
    assert newsroom.headlines().count(HEADLINE) == 1
    assert newsroom.headlines().count(HEADLINE.replace("Atyrau", "Pavlodar")) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_stays_in_the_inbox_and_is_tried_later(
    newsroom: Newsroom, caplog: pytest.LogCaptureFixture
) -> None:
    path = newsroom.drop("locked.txt", ENERGY_ARTICLE)
    path.chmod(0)

    newsroom.take_all()
    assert newsroom.waiting() == ["locked.txt"]
    assert newsroom.files() == []
    assert "Permission denied" in vars(caplog.records[-1])["error"]

    path.chmod(0o600)
    newsroom.take_all()
    assert newsroom.done() == ["locked.txt"]


def test_a_file_that_vanished_before_it_was_read_is_only_a_line_in_the_log(
    newsroom: Newsroom, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    path = newsroom.drop("a.txt", ENERGY_ARTICLE)
    seen = candidate(path)
    path.unlink()

    newsroom.intake.take(seen)

    assert [record.message for record in caplog.records] == ["file vanished before it was read"]
    assert newsroom.files() == []
    assert newsroom.alerts() == []


def test_a_file_that_changed_since_it_was_seen_is_left_for_the_next_look(newsroom: Newsroom) -> None:
    path = newsroom.drop("a.txt", "Half of")
    seen = candidate(path)
    newsroom.drop("a.txt", ENERGY_ARTICLE)

    newsroom.intake.take(seen)
    assert newsroom.files() == []
    assert newsroom.waiting() == ["a.txt"]

    newsroom.take_all()
    assert newsroom.headlines() == [HEADLINE]


def test_a_link_put_in_the_place_of_a_file_is_not_followed(newsroom: Newsroom) -> None:
    secret = newsroom.home / "secret.txt"
    secret.write_text(ENERGY_ARTICLE)
    path = newsroom.drop("a.txt", "text")
    seen = candidate(path)
    path.unlink()
    path.symlink_to(secret)

    newsroom.intake.take(seen)

    assert newsroom.alerts() == []
    assert newsroom.failed() == ["a.txt", "a.txt.error.json"]
    assert (newsroom.home / "failed" / "a.txt").is_symlink()
    assert secret.read_text() == ENERGY_ARTICLE


@pytest.mark.parametrize(
    "event",
    ["INSERT ON files", "INSERT ON articles", "INSERT ON tags", "INSERT ON alerts", "INSERT ON deliveries"],
)
def test_a_crash_before_the_commit_leaves_no_trace_and_the_file_is_taken_later(
    newsroom: Newsroom, event: str, caplog: pytest.LogCaptureFixture
) -> None:
    newsroom.drop("a.txt", ENERGY_ARTICLE)

    with newsroom.ledger_failing(event):
        newsroom.take_all()
    assert newsroom.waiting() == ["a.txt"]
    assert newsroom.done() == []
    for table in ("files", "articles", "tags", "alerts", "deliveries"):
        assert newsroom.rows(f"SELECT COUNT(*) FROM {table}") == [(0,)]
    assert vars(caplog.records[-1])["error"] == "IntegrityError: disk full"
    assert newsroom.wakes == 0

    newsroom.restart()
    newsroom.take_all()
    assert newsroom.done() == ["a.txt"]
    assert newsroom.headlines() == [HEADLINE]


def test_a_crash_after_the_commit_and_before_the_move_is_made_up_for_without_a_second_alert(
    newsroom: Newsroom,
) -> None:
    newsroom.drop("a.txt", ENERGY_ARTICLE)
    (newsroom.home / "done").write_text("a file where the folder should be")
    newsroom.take_all()
    assert newsroom.files() == [("a.txt", "taken")]
    assert newsroom.waiting() == ["a.txt"]

    (newsroom.home / "done").unlink()
    newsroom.restart()
    newsroom.take_all()

    assert newsroom.files() == [("a.txt", "done")]
    assert newsroom.done() == ["a.txt"]
    assert newsroom.waiting() == []
    assert newsroom.headlines() == [HEADLINE]


def test_a_crash_after_the_move_and_before_the_mark_is_made_up_for_at_the_start(newsroom: Newsroom) -> None:
    newsroom.drop("a.txt", ENERGY_ARTICLE)
    with newsroom.ledger_failing("UPDATE ON files"):
        newsroom.take_all()
    assert newsroom.files() == [("a.txt", "taken")]
    assert newsroom.done() == ["a.txt"]

    newsroom.restart()

    assert newsroom.files() == [("a.txt", "done")]
    newsroom.take_all()
    assert newsroom.headlines() == [HEADLINE]


def test_a_crash_in_the_middle_of_the_move_loses_nothing_and_alerts_once(newsroom: Newsroom) -> None:
    path = newsroom.drop("a.txt", ENERGY_ARTICLE)
    with newsroom.ledger_failing("UPDATE ON files"):
        newsroom.take_all()
    placed = next((newsroom.home / "done").rglob("a.txt"))
    os.link(placed, path)  # the file has its new name and still its old one

    newsroom.restart()
    newsroom.take_all()

    assert newsroom.waiting() == []
    assert {content.read_text() for content in (newsroom.home / "done").rglob("*.txt")} == {ENERGY_ARTICLE}
    assert {state for _, state in newsroom.files()} == {"done"}
    assert newsroom.headlines() == [HEADLINE]


def test_a_place_that_was_taken_meanwhile_is_not_overwritten(newsroom: Newsroom) -> None:
    newsroom.drop("a.txt", ENERGY_ARTICLE)
    with newsroom.ledger_failing("UPDATE ON files"):
        newsroom.take_all()
    placed = next((newsroom.home / "done").rglob("a.txt"))
    placed.rename(newsroom.inbox / "a.txt")  # back, as if it had never been moved
    placed.write_text("somebody else's file")
    newsroom.intake.close()
    newsroom.intake = Intake(
        newsroom.settings, newsroom.database, Serving(newsroom.settings.models, newsroom.model),
        lambda: None, lambda: None,
    )  # fmt: skip

    newsroom.take_all()

    assert placed.read_text() == "somebody else's file"
    ((target, state),) = newsroom.rows("SELECT target, state FROM files")
    assert state == "done"
    assert (newsroom.home / str(target)).read_text() == ENERGY_ARTICLE


@pytest.mark.parametrize("size", [0, 1 << 40])
def test_a_failure_that_cannot_be_set_aside_stays_in_the_inbox_until_it_can(
    newsroom: Newsroom, size: int
) -> None:
    os.truncate(newsroom.drop("bad.txt", b""), size)
    newsroom.drop("good.txt", ENERGY_ARTICLE)
    (newsroom.home / "failed").write_text("a file where the folder should be")
    newsroom.take_all()
    assert newsroom.waiting() == ["bad.txt"]
    assert newsroom.files() == [("good.txt", "done")]

    (newsroom.home / "failed").unlink()
    newsroom.restart()
    newsroom.take_all()

    assert newsroom.failed() == ["bad.txt", "bad.txt.error.json"]
    assert newsroom.files() == [("good.txt", "done"), ("bad.txt", "failed")]


def test_one_file_that_cannot_be_taken_does_not_hold_up_the_others(newsroom: Newsroom) -> None:
    newsroom.execute(
        "CREATE TRIGGER full BEFORE INSERT ON files WHEN NEW.name = 'a.txt'"
        " BEGIN SELECT RAISE(ABORT, 'disk full'); END"
    )
    newsroom.drop("a.txt", QUIET_ARTICLE)
    newsroom.drop("b.txt", ENERGY_ARTICLE)

    newsroom.take_all()

    assert newsroom.waiting() == ["a.txt"]
    assert newsroom.done() == ["b.txt"]


def test_what_the_log_says_of_a_failing_ledger_has_no_article_in_it(
    newsroom: Newsroom, caplog: pytest.LogCaptureFixture
) -> None:
    newsroom.drop("a.txt", ENERGY_ARTICLE)

    with newsroom.ledger_failing("INSERT ON articles"):
        newsroom.take_all()

    said = "\n".join(f"{record.message} {vars(record)}" for record in caplog.records)
    assert "disk full" in said
    assert "crude" not in said
    assert "INSERT" not in said


def test_at_the_start_a_file_that_was_not_moved_is_left_for_the_intake(newsroom: Newsroom) -> None:
    newsroom.drop("a.txt", ENERGY_ARTICLE)
    (newsroom.home / "done").write_text("a file where the folder should be")
    newsroom.take_all()

    reconcile(newsroom.settings, newsroom.database)

    assert newsroom.files() == [("a.txt", "taken")]


def test_a_missing_inbox_is_said_once_and_again_when_it_is_back(
    newsroom: Newsroom, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    newsroom.inbox.rename(newsroom.home / "away")

    waits = [newsroom.intake.work() for _ in range(3)]

    assert waits == [2.0] * 3
    assert [record.message for record in caplog.records] == ["inbox missing"]
    assert str(newsroom.inbox) in vars(caplog.records[0])["error"]
    assert not newsroom.inbox.exists()

    (newsroom.home / "away").rename(newsroom.inbox)
    newsroom.drop("a.txt", ENERGY_ARTICLE)
    newsroom.take_all()

    assert [record.message for record in caplog.records][1:3] == ["inbox is back", "file taken"]
    assert newsroom.headlines() == [HEADLINE]


def test_it_is_idle_only_when_nothing_is_ready_or_settling(
    tmp_path: Path, database: Database, model: Model
) -> None:
    newsroom = Newsroom(make_settings(tmp_path / "home", settle=0.05), database, model)
    newsroom.intake.work()
    assert newsroom.intake.idle

    newsroom.drop("a.txt", QUIET_ARTICLE)
    again_in = newsroom.intake.work()
    assert 0.0 < again_in < 0.06
    assert not newsroom.intake.idle

    while newsroom.waiting():
        newsroom.intake.work()
    assert not newsroom.intake.idle
    newsroom.intake.work()
    assert newsroom.intake.idle
    newsroom.intake.close()
