"""Intake: each file taken once, alerted once, and never lost, whatever happens on the way."""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import re
import signal
import sqlite3
import stat
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from sqlalchemy import event

from classifier import Article, Reader, Tagged, read_bytes
from classifier.model import Model
from classifier.storage import load
from daemon import arrivals, mounts, shelves
from daemon.database import Database, open_database
from daemon.inbox import Candidate, Watch
from daemon.intake import Intake
from daemon.serving import Serving
from daemon.shelving import reconcile
from tests import ledgers
from tests.builders import ENERGY_ARTICLE, QUIET_ARTICLE, make_route, make_settings, small_model
from tests.newsroom import DIGEST, HEADLINE, Clocks, Newsroom, candidate, energy_article
from tests.test_telling import COPY, FIRST


@pytest.fixture(scope="module")
def model(trained_home: Path) -> Model:
    """Loaded once: tagging changes nothing but what it remembers of words."""
    return load(trained_home / "models")


@pytest.fixture
def newsroom(tmp_path: Path, database: Database, model: Model) -> Iterator[Newsroom]:
    opened = Newsroom(make_settings(tmp_path / "home"), database, model)
    yield opened
    opened.intake.close()


def take(newsroom: Newsroom, candidate: Candidate) -> None:
    """Take a file in as an earlier look saw it."""
    newsroom.intake._batches.add([candidate])
    newsroom.intake._take_batch()


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
    newsroom.restart(routes=(*newsroom.settings.routes, make_route(receiver="embassy")))

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
        (b"MZ\x90" + bytes(100), "not text but a program"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "not text but a picture"),
        (b"\x1f\x8b" + bytes(100), "not text but a gzip archive"),
        (b"\xff\xfe\x00\xd8\x00\xd8\x00\xd8", "begins like utf-16-le and is not"),
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


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are opened to be read."""
    names: list[str] = []
    system = os.open

    def open_(path: Any, flags: int, *more: Any, **named: Any) -> int:
        if not flags & os.O_DIRECTORY and not flags & os.O_WRONLY:
            names.append(os.path.basename(os.fspath(path)))
        return system(path, flags, *more, **named)

    monkeypatch.setattr(os, "open", open_)
    return names


@pytest.fixture
def leases() -> Iterator[None]:
    """As in a running daemon, which asks the system who holds a file open."""
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGIO, before)


@pytest.mark.usefixtures("leases")
def test_a_sparse_file_that_claims_a_terabyte_is_set_aside_without_being_opened(
    newsroom: Newsroom, opened: list[str]
) -> None:
    path = newsroom.drop("huge.txt", b"x")
    os.truncate(path, 1 << 40)
    newsroom.drop("a.txt", ENERGY_ARTICLE)

    newsroom.take_all()

    assert "a.txt" in opened
    assert "huge.txt" not in opened
    assert newsroom.failed() == ["huge.txt", "huge.txt.error.json"]
    assert newsroom.rows("SELECT reason, size, fingerprint FROM files WHERE state = 'failed'") == [
        ("a sparse file that holds next to nothing", 1 << 40, "")
    ]
    assert newsroom.headlines() == [HEADLINE]


def test_a_file_larger_than_we_read_is_set_aside_unread(newsroom: Newsroom) -> None:
    newsroom.drop("huge.txt", b"word " * (13 * 2**20))

    newsroom.take_all()

    assert newsroom.failed() == ["huge.txt", "huge.txt.error.json"]
    assert newsroom.rows("SELECT reason, size, fingerprint FROM files") == [
        ("larger than 64 MiB", 65 * 2**20, "")
    ]


def test_what_is_no_file_stays_where_it_is_is_never_opened_and_holds_up_nothing(
    newsroom: Newsroom, opened: list[str]
) -> None:
    os.mkfifo(newsroom.inbox / "pipe.txt")
    (newsroom.inbox / "link.txt").symlink_to("/etc/shadow")
    (newsroom.inbox / "folder-link").symlink_to("/etc")
    if os.geteuid() == 0:
        os.mknod(newsroom.inbox / "device.txt", stat.S_IFCHR | 0o600, os.makedev(1, 5))
    newsroom.drop("a.txt", ENERGY_ARTICLE)

    newsroom.take_all()

    assert newsroom.done() == ["a.txt"]
    assert all(os.path.lexists(newsroom.inbox / name) for name in ("link.txt", "pipe.txt", "folder-link"))
    assert not {"pipe.txt", "link.txt", "device.txt", "shadow"} & set(opened)
    assert newsroom.files() == [("a.txt", "done")]


@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "link to a folder"])
def test_what_took_the_place_of_a_file_since_the_look_is_neither_read_nor_moved(
    newsroom: Newsroom, kind: str
) -> None:
    secret = newsroom.home / "secret.txt"
    secret.write_text(ENERGY_ARTICLE)
    path = newsroom.drop("a.txt", "text")
    seen = candidate(path)
    path.unlink()
    match kind:
        case "link":
            path.symlink_to(secret)
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case _:
            path.symlink_to(newsroom.home)

    take(newsroom, seen)

    assert newsroom.alerts() == []
    assert newsroom.done() == []
    assert [name for name in newsroom.failed() if not name.endswith(".error.json")] == []
    assert os.path.lexists(path)
    assert secret.read_text() == ENERGY_ARTICLE


@pytest.mark.slow
def test_a_file_swapped_for_a_link_in_ten_thousand_races_is_never_followed(newsroom: Newsroom) -> None:
    """I19: somebody changes the file for a link to a secret, and back, as fast as they can."""
    secret = newsroom.home / "secret.txt"
    secret.write_text(energy_article("Secretville"))
    path = newsroom.drop("a.txt", QUIET_ARTICLE)
    read = Counter[str]()
    swapper = os.fork()
    if swapper == 0:
        swap_for_ever(path, secret)
    until = time.monotonic() + 40.0
    try:
        while read.total() < 10_000 and time.monotonic() < until:
            content = arrivals.read(candidate(path), Reader())
            data = content.data if content else b""
            read["secret" if b"Secretville" in data else "file" if data else "nothing"] += 1
    finally:
        os.kill(swapper, signal.SIGKILL)
        os.waitpid(swapper, 0)

    newsroom.take_all()

    assert read.total() == 10_000
    assert read["secret"] == 0
    assert read["file"] > 100
    assert read["nothing"] > 100
    assert newsroom.headlines() == []
    assert secret.read_text() == energy_article("Secretville")


def swap_for_ever(path: Path, secret: Path) -> NoReturn:
    """In a process of its own: the name is a file now, and a link to the secret now."""
    file, link = path.with_name(".file"), path.with_name(".link")
    os.link(path, path.with_name(".kept"))
    while True:
        link.symlink_to(secret)
        os.replace(link, path)
        os.link(path.with_name(".kept"), file)
        os.replace(file, path)


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
    assert "no right to do that" in vars(caplog.records[-1])["error"]

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

    take(newsroom, seen)

    assert [record.message for record in caplog.records] == ["file vanished before it was read"]
    assert newsroom.files() == []
    assert newsroom.alerts() == []


def test_a_file_that_changed_since_it_was_seen_is_left_for_the_next_look(newsroom: Newsroom) -> None:
    path = newsroom.drop("a.txt", "Half of")
    seen = candidate(path)
    newsroom.drop("a.txt", ENERGY_ARTICLE)

    take(newsroom, seen)
    assert newsroom.files() == []
    assert newsroom.waiting() == ["a.txt"]

    newsroom.take_all()
    assert newsroom.headlines() == [HEADLINE]


@pytest.mark.parametrize(
    "event",
    ["INSERT ON files", "INSERT ON articles", "INSERT ON tags", "INSERT ON alerts", "INSERT ON deliveries"],
)
def test_a_step_that_the_ledger_refuses_leaves_no_trace_and_the_file_is_taken_later(
    newsroom: Newsroom, event: str, caplog: pytest.LogCaptureFixture
) -> None:
    newsroom.drop("a.txt", ENERGY_ARTICLE)

    with newsroom.ledger_failing(event):
        newsroom.take_all()
    assert newsroom.waiting() == ["a.txt"]
    assert newsroom.done() == []
    for table in ("files", "articles", "tags", "alerts", "deliveries"):
        assert newsroom.rows(f"SELECT COUNT(*) FROM {table}") == [(0,)]
    assert vars(caplog.records[-1])["error"].startswith("the ledger refuses: ")
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
    assert dict(newsroom.files()) == {"good.txt": "done", "bad.txt": "taken"}

    (newsroom.home / "failed").unlink()
    newsroom.restart()
    newsroom.take_all()

    assert newsroom.failed() == ["bad.txt", "bad.txt.error.json"]
    assert dict(newsroom.files()) == {"good.txt": "done", "bad.txt": "failed"}


def test_one_file_that_cannot_be_taken_does_not_hold_up_the_others(newsroom: Newsroom) -> None:
    newsroom.refuse("INSERT ON files", when="NEW.name = 'a.txt'")
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
    assert "the ledger refuses: " in said
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
    again_in = look_again(newsroom)
    assert 0.0 < again_in < 0.06
    assert not newsroom.intake.idle

    while newsroom.waiting():
        newsroom.intake.work()
    assert not newsroom.intake.idle
    look_again(newsroom)
    assert newsroom.intake.idle
    newsroom.intake.close()


def look_again(newsroom: Newsroom) -> float:
    """Work, once a look may be taken again; half of the time is not spent on looking."""
    time.sleep(0.05)
    return newsroom.intake.work()


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    return Clocks().turn(monkeypatch)


def steps_of(newsroom: Newsroom) -> list[str]:
    """What the ledger is told from now on: begin, file, commit, rollback."""
    steps: list[str] = []
    engine = newsroom.database._engine

    def told(_: object, __: object, statement: str, rows: Any, ___: object, many: bool) -> None:
        words = statement.split()
        if statement.startswith(("BEGIN IMMEDIATE", "SELECT pg_advisory_xact_lock")):
            steps.append("begin")
        elif words[:3] == ["INSERT", "INTO", "files"]:
            # A server is sent many rows as one statement, whose parameters have numbers.
            names = [name for name in rows if str(name).startswith("fingerprint__")]
            steps.extend(["file"] * max(len(names), 1))
        elif words[:2] == ["UPDATE", "files"]:
            steps.extend(["mark"] * (len(rows) if many else 1))

    event.listen(engine, "before_cursor_execute", told)
    event.listen(engine, "commit", lambda _: steps.append("commit"))
    event.listen(engine, "rollback", lambda _: steps.append("rollback"))
    return steps


def written(steps: list[str]) -> list[str]:
    """Without the transactions that only read."""
    return re.findall(r"begin(?: file| mark)* (?:commit|rollback)", " ".join(steps))


def test_a_batch_is_one_commit_and_its_marks_are_another(newsroom: Newsroom) -> None:
    for number in range(12):
        newsroom.drop(f"{number:02}.txt", energy_article(f"Town {number}"))
    steps = steps_of(newsroom)

    newsroom.intake.work()

    assert written(steps) == ["begin" + " file" * 12 + " commit", "begin" + " mark" * 12 + " commit"]
    assert len(newsroom.done()) == 12
    assert len(newsroom.headlines()) == 12
    assert newsroom.wakes == 1


def test_a_batch_ends_at_so_many_files(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daemon.batches._MOST_FILES", 5)
    for number in range(12):
        newsroom.drop(f"{number:02}.txt", energy_article(f"Town {number}"))
    steps = steps_of(newsroom)

    newsroom.take_all()

    assert [each.count("file") for each in written(steps) if "file" in each] == [5, 5, 2]


def test_a_batch_ends_at_so_many_bytes_so_that_memory_stays_small(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.batches._MOST_BYTES", len(ENERGY_ARTICLE) * 3 // 2)
    for number in range(4):
        newsroom.drop(f"{number}.txt", energy_article(f"Town {number}"))
    steps = steps_of(newsroom)

    newsroom.take_all()

    assert [each.count("file") for each in written(steps) if "file" in each] == [2, 2]


def test_one_file_that_spoils_the_transaction_does_not_hold_up_the_others(
    newsroom: Newsroom, caplog: pytest.LogCaptureFixture
) -> None:
    newsroom.refuse("INSERT ON files", when="NEW.name = '3.txt'")
    for number in range(6):
        newsroom.drop(f"{number}.txt", energy_article(f"Town {number}"))
    steps = steps_of(newsroom)

    newsroom.intake.work()

    assert newsroom.waiting() == ["3.txt"]
    assert newsroom.done() == ["0.txt", "1.txt", "2.txt", "4.txt", "5.txt"]
    assert len(newsroom.headlines()) == 5
    first, *others = [each.count("file") for each in written(steps) if "file" in each]
    assert (first > 1, others) == (True, [1, 1, 1, 1, 1, 1])
    put_off = [vars(r)["file"] for r in caplog.records if "cannot be taken now" in r.message]
    assert put_off == ["3.txt"]


@pytest.mark.parametrize(
    "moment", [10_500_000_000, -2_000_000_000, 4_102_444_800], ids=["2302", "1906", "2100"]
)
def test_a_file_of_any_date_is_taken_and_holds_up_nothing(newsroom: Newsroom, moment: int) -> None:
    path = newsroom.drop("dated.txt", energy_article("Pavlodar"))
    os.utime(path, (moment, moment))
    newsroom.drop("a.txt", ENERGY_ARTICLE)

    newsroom.take_all()

    assert newsroom.done() == ["a.txt", "dated.txt"]
    assert newsroom.placed("dated.txt").stat().st_mtime == moment


@pytest.mark.parametrize("counted", [True, False])
def test_the_same_bytes_again_are_recorded_or_only_counted_as_one_likes(
    tmp_path: Path, database: Database, model: Model, counted: bool
) -> None:
    settings = make_settings(tmp_path / "home", on_duplicate="count" if counted else "record")
    newsroom = Newsroom(settings, database, model)
    for name in ("a.txt", "b.txt"):
        newsroom.drop(name, ENERGY_ARTICLE)
    newsroom.take_all()

    newsroom.drop("c.txt", ENERGY_ARTICLE)
    newsroom.take_all()

    assert newsroom.done() == ["a.txt", "b.txt", "c.txt"]
    assert newsroom.headlines() == [HEADLINE]
    counts = newsroom.rows("SELECT name, repeats FROM files ORDER BY id")
    assert counts == [("a.txt", 2)] if counted else [("a.txt", 0), ("b.txt", 0), ("c.txt", 0)]
    newsroom.intake.close()


def test_the_name_of_a_file_is_kept_to_the_byte(newsroom: Newsroom) -> None:
    names = [b"caf\xe9.txt", b"line\nbreak.txt", "мақала.txt".encode(), b"\x1b[31mred.txt"]
    for number, name in enumerate(names):
        newsroom.drop(os.fsdecode(name), energy_article(f"Town {number}"))

    newsroom.take_all()

    assert {raw for (raw,) in newsroom.rows("SELECT raw_name FROM files")} == set(names)
    assert newsroom.waiting() == []


def failing_read(
    monkeypatch: pytest.MonkeyPatch, error: Callable[[], Exception], name: str | None = None
) -> Callable[[], None]:
    """Reading fails, for all files or for one; returns what makes it well again."""

    def fail(path: Path, most: int) -> bytes:
        if name in (None, path.name):
            raise error()
        return read_bytes(path, most)

    monkeypatch.setattr("classifier.reading.read_bytes", fail)
    return lambda: monkeypatch.setattr("classifier.reading.read_bytes", read_bytes)


def system_error(number: int) -> Callable[[], Exception]:
    return lambda: OSError(number, os.strerror(number), "a.txt")


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC])
def test_what_is_no_file_s_fault_makes_the_intake_pause_until_it_has_passed(
    newsroom: Newsroom,
    clocks: Clocks,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    number: int,
) -> None:
    caplog.set_level("INFO")
    mend = failing_read(monkeypatch, system_error(number))
    newsroom.drop("a.txt", ENERGY_ARTICLE)
    newsroom.drop("b.txt", QUIET_ARTICLE)

    waits = []
    for _ in range(8):
        waits.append(newsroom.intake.work())
        clocks.go_by(waits[-1])

    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 20.0, 20.0, 20.0]
    assert newsroom.waiting() == ["a.txt", "b.txt"]
    assert newsroom.files() == []
    said = [(r.levelname, r.message) for r in caplog.records]
    assert said == [("ERROR", "intake pauses, files wait in the inbox")]

    mend()
    newsroom.take_all()
    assert newsroom.done() == ["a.txt", "b.txt"]
    assert newsroom.headlines() == [HEADLINE]
    assert [r.message for r in caplog.records][1:].count("intake goes on") == 1

    caplog.clear()
    failing_read(monkeypatch, system_error(number))
    newsroom.drop("c.txt", energy_article("Pavlodar"))
    clocks.go_by(10.0)
    assert newsroom.intake.work() == 1.0
    assert [r.message for r in caplog.records] == ["intake pauses, files wait in the inbox"]


def test_while_it_pauses_no_wake_makes_it_try(
    newsroom: Newsroom, clocks: Clocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []

    def refuse() -> Exception:
        tries.append(1)
        return OSError(errno.EMFILE, "Too many open files")

    failing_read(monkeypatch, refuse)
    newsroom.drop("a.txt", ENERGY_ARTICLE)
    newsroom.intake.work()

    clocks.go_by(0.5)
    waits = [newsroom.intake.work() for _ in range(5)]

    assert len(tries) == 1
    assert all(0.4 < wait <= 0.5 for wait in waits)


@pytest.mark.sqlite("the lock of its file")
def test_a_ledger_that_another_program_locks_makes_the_intake_pause_and_nothing_moves(
    tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch, clocks: Clocks,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setattr("daemon.sqlite._BUSY_SECONDS", 0.05)
    database = open_database(f"sqlite:///{tmp_path}/ledger.db")
    newsroom = Newsroom(make_settings(tmp_path / "home"), database, model)
    newsroom.drop("a.txt", ENERGY_ARTICLE)
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    for _ in range(3):
        clocks.go_by(newsroom.intake.work())
    assert newsroom.waiting() == ["a.txt"]
    said = [vars(r)["error"] for r in caplog.records if r.levelname == "ERROR"]
    assert said == ["the ledger is locked by another program"]

    other.execute("ROLLBACK")
    newsroom.take_all()
    assert newsroom.done() == ["a.txt"]
    assert newsroom.headlines() == [HEADLINE]
    newsroom.intake.close()
    other.close()
    database.close()


def test_a_ledger_that_was_taken_away_makes_the_intake_pause_and_it_goes_on_when_it_is_back(
    newsroom: Newsroom, tmp_path: Path, clocks: Clocks, caplog: pytest.LogCaptureFixture
) -> None:
    newsroom.drop("a.txt", ENERGY_ARTICLE)
    ledgers.take_away(tmp_path)

    for _ in range(3):
        clocks.go_by(newsroom.intake.work())
    assert newsroom.waiting() == ["a.txt"]
    (said,) = [vars(r)["error"] for r in caplog.records if r.levelname == "ERROR"]
    assert ledgers.is_said_to_be_away(said)
    assert newsroom.intake.is_stuck

    ledgers.put_back(tmp_path)
    newsroom.take_all()
    assert newsroom.done() == ["a.txt"]
    assert not newsroom.intake.is_stuck


def test_where_done_cannot_be_written_nothing_is_read_again_and_again_and_all_is_moved_when_it_can(
    newsroom: Newsroom, clocks: Clocks, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    renamed = shelves._rename

    def refuse(source: Path, place: Path) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(source))

    monkeypatch.setattr(shelves, "_rename", refuse)
    for number in range(3):
        newsroom.drop(f"{number}.txt", energy_article(f"Town {number}"))
    for _ in range(4):
        clocks.go_by(newsroom.intake.work())
    assert newsroom.waiting() == ["0.txt", "1.txt", "2.txt"]
    assert len(newsroom.files()) == 3
    assert len([r for r in caplog.records if r.levelname == "ERROR"]) == 1

    monkeypatch.setattr(shelves, "_rename", renamed)
    newsroom.take_all()

    assert newsroom.done() == ["0.txt", "1.txt", "2.txt"]
    assert {state for _, state in newsroom.files()} == {"done"}
    assert len(newsroom.files()) == 3
    assert len(newsroom.headlines()) == 3


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE])
def test_a_file_that_cannot_be_read_now_is_put_off_alone_and_taken_when_it_can(
    newsroom: Newsroom,
    clocks: Clocks,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    number: int,
) -> None:
    mend = failing_read(monkeypatch, system_error(number), "locked.txt")
    newsroom.drop("locked.txt", ENERGY_ARTICLE)
    newsroom.drop("b.txt", energy_article("Pavlodar"))

    newsroom.take_all()
    assert newsroom.done() == ["b.txt"]
    assert newsroom.waiting() == ["locked.txt"]
    assert newsroom.failed() == []
    (said,) = [vars(record) for record in caplog.records if record.levelno >= logging.WARNING]
    assert (said["file"], said["again_in"]) == ("locked.txt", 2.0)

    mend()
    clocks.go_by(2.1)
    newsroom.take_all()
    assert newsroom.done() == ["b.txt", "locked.txt"]


def test_a_bug_in_reading_one_file_holds_up_no_other(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failing_read(monkeypatch, lambda: RecursionError("too deep"), "odd.txt")
    newsroom.drop("odd.txt", ENERGY_ARTICLE)
    newsroom.drop("b.txt", QUIET_ARTICLE)

    newsroom.take_all()

    assert newsroom.done() == ["b.txt"]
    assert newsroom.waiting() == ["odd.txt"]
    assert any(r.exc_info for r in caplog.records)


def stumble_over(word: str, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Tagging fails on an article with that word; how many articles it was given each time."""
    tag_all, given = Model.tag_all, []

    def stumbling(model: Model, articles: Iterable[Article]) -> list[Tagged]:
        articles = list(articles)
        given.append(len(articles))
        if any(word in article.text for article in articles):
            raise ZeroDivisionError
        return tag_all(model, articles)

    monkeypatch.setattr(Model, "tag_all", stumbling)
    return given


def test_articles_of_a_batch_are_tagged_together(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    given = stumble_over("no such word", monkeypatch)
    newsroom.drop("a.txt", DIGEST)
    newsroom.drop("b.txt", energy_article("Pavlodar"))

    newsroom.take_all()

    assert given == [3]
    assert newsroom.headlines() == [HEADLINE, "Refinery in Pavlodar restarts crude unit"]


def test_bytes_that_the_ledger_knows_are_not_tagged_again(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom.drop("a.txt", ENERGY_ARTICLE)
    newsroom.take_all()
    given = stumble_over("no such word", monkeypatch)
    newsroom.drop("b.txt", ENERGY_ARTICLE)

    newsroom.take_all()

    assert given == [0]
    assert newsroom.done() == ["a.txt", "b.txt"]


def test_one_article_that_cannot_be_tagged_holds_up_no_other(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = stumble_over("Aktau", monkeypatch)
    for town in ("Atyrau", "Aktau", "Pavlodar"):
        newsroom.drop(f"{town}.txt", energy_article(town))

    newsroom.take_all()

    assert given == [3, 1, 1, 1]
    assert newsroom.done() == ["Atyrau.txt", "Pavlodar.txt"]
    assert newsroom.waiting() == ["Aktau.txt"]


def test_what_takes_long_to_read_ends_the_batch_and_the_rest_is_the_next(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    clocks, opened = Clocks().turn(monkeypatch), arrivals.opened

    def slowly(content: arrivals.Content, fingerprint: str, reader: Reader) -> arrivals.Arrival:
        clocks.go_by(0.6)
        return opened(content, fingerprint, reader)

    monkeypatch.setattr(arrivals, "opened", slowly)
    for number in range(5):
        newsroom.drop(f"{number}.txt", energy_article(f"Town {number}"))
    steps = steps_of(newsroom)

    newsroom.take_all()

    assert [each.count("file") for each in written(steps) if "file" in each] == [2, 2, 1]
    assert newsroom.headlines() == [f"Refinery in Town {number} restarts crude unit" for number in range(5)]


def test_a_file_in_a_folder_that_we_may_not_change_is_put_off_alone(
    newsroom: Newsroom, clocks: Clocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sub-folder of somebody else: readable, and nothing can be moved out of it."""
    renamed = shelves._rename

    def refuse(source: Path, place: Path) -> None:
        if source.parent.name == "theirs":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(source))
        renamed(source, place)

    monkeypatch.setattr(shelves, "_rename", refuse)
    newsroom.drop("theirs/a.txt", ENERGY_ARTICLE)
    newsroom.drop("b.txt", QUIET_ARTICLE)
    newsroom.take_all()
    newsroom.drop("c.txt", energy_article("Pavlodar"))
    clocks.go_by(1.0)
    newsroom.take_all()

    assert newsroom.done() == ["b.txt", "c.txt"]
    assert newsroom.waiting() == ["theirs/a.txt"]
    assert not newsroom.intake.is_stuck
    assert newsroom.headlines().count(HEADLINE) == 1


def test_where_nothing_is_mounted_at_the_mount_point_the_inbox_is_missing(
    tmp_path: Path, database: Database, model: Model, monkeypatch: pytest.MonkeyPatch, clocks: Clocks,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    newsroom = Newsroom(make_settings(tmp_path / "home", mount_point=tmp_path), database, model)
    newsroom.drop("a.txt", ENERGY_ARTICLE)

    assert [newsroom.intake.work() for _ in range(3)] == [2.0] * 3
    assert newsroom.waiting() == ["a.txt"]
    assert [r.message for r in caplog.records] == ["inbox missing"]
    assert "nothing is mounted there" in vars(caplog.records[0])["error"]

    monkeypatch.setattr(Path, "is_mount", lambda self: True)
    newsroom.take_all()
    assert newsroom.done() == ["a.txt"]
    newsroom.intake.close()


def test_on_a_network_mount_there_are_no_events_and_files_settle_for_longer(
    tmp_path: Path, database: Database, model: Model, monkeypatch: pytest.MonkeyPatch, clocks: Clocks
) -> None:
    monkeypatch.setattr(mounts, "file_system", lambda path: "cifs")
    watches: list[Path] = []
    monkeypatch.setattr(Watch, "ensure", lambda self: watches.append(self._folder))
    newsroom = Newsroom(make_settings(tmp_path / "home", settle=2.0, network_settle=10.0), database, model)
    newsroom.drop("a.txt", ENERGY_ARTICLE)
    newsroom.take_all()

    clocks.go_by(9.0)
    newsroom.take_all()
    assert newsroom.waiting() == ["a.txt"]
    clocks.go_by(1.5)
    newsroom.take_all()

    assert newsroom.done() == ["a.txt"]
    assert watches == []
    newsroom.intake.close()


def test_one_that_is_still_being_written_is_left_and_the_others_are_taken(newsroom: Newsroom) -> None:
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    try:
        with (newsroom.inbox / "slow.txt").open("w") as writer:
            writer.write(ENERGY_ARTICLE[:80])
            writer.flush()
            newsroom.drop("b.txt", QUIET_ARTICLE)
            newsroom.take_all()
            assert newsroom.done() == ["b.txt"]
            assert not newsroom.intake.idle
    finally:
        signal.signal(signal.SIGIO, before)


def write_restlessly(path: Path, how: str) -> NoReturn:
    """In a process of its own: another article under the same name every few milliseconds."""
    number = 0
    while True:
        number += 1
        content = f"Title {number}\nOil and gas, for the {number}th time.\n" * (1 + number % 7)
        match how:
            case "replacing":
                path.with_name(".fresh").write_text(content)
                path.with_name(".fresh").replace(path)
            case "appending":
                with path.open("a") as writer:
                    writer.write(content)
            case _:
                path.unlink(missing_ok=True)
                path.write_text(content)
        time.sleep(0.002)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["replacing", "appending", "deleting and writing"])
def test_whatever_a_restless_writer_does_what_the_ledger_calls_done_stands_there_byte_for_byte(
    tmp_path: Path, database: Database, clocks: Clocks, how: str
) -> None:
    newsroom = Newsroom(make_settings(tmp_path / "home"), database, small_model())
    writer = os.fork()
    if writer == 0:
        write_restlessly(newsroom.inbox / "a.txt", how)
    until = time.monotonic() + 5.0
    while time.monotonic() < until:
        newsroom.take_all()
    os.kill(writer, signal.SIGKILL)
    os.waitpid(writer, 0)
    for _ in range(4):
        clocks.go_by(700.0)  # late growth is looked for
        newsroom.take_all()

    stand = {
        str(path.relative_to(newsroom.home)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (newsroom.home / "done").rglob("*")
        if path.is_file()
    }
    recorded = newsroom.rows("SELECT target, fingerprint FROM files WHERE state = 'done'")
    assert len(recorded) > 10
    assert dict(recorded) == stand
    assert len(recorded) == len(stand)
    assert [name for name in newsroom.waiting() if name != ".fresh"] == []
    assert "taken" not in {state for _, state in newsroom.files()}
    newsroom.intake.close()


def test_a_near_copy_makes_no_alert_and_yet_wakes_dispatch_to_show_where_else_it_stands(
    newsroom: Newsroom,
) -> None:
    newsroom.drop("first.txt", FIRST)
    newsroom.take_all()
    newsroom.drop("copyist/copy.txt", COPY)
    newsroom.take_all()

    assert len(newsroom.alerts()) == 1
    assert newsroom.wakes == 2
