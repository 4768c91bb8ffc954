"""Health: what status says, what is wrong first, failed files tried again; and what programs may ask."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from daemon import clock, holds, interventions, ledger
from daemon.alive import process_of_daemon
from daemon.app import home_lock
from daemon.desk.failed import mark_of
from daemon.desk.people import Person
from daemon.interventions import Deed
from daemon.records import FileState
from tests import ledgers
from tests.at_the_desk import AtDesk


@pytest.fixture
def a_reader(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From when it is called, whoever is in is a reader."""
    return lambda: monkeypatch.setattr(Person, "may_change", property(lambda _: False))


@pytest.fixture(autouse=True)
def _a_home(at_desk: AtDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daemon.desk.health._PATIENCE", 20.0)
    for folder in (at_desk.settings.inbox, at_desk.settings.failed):
        folder.mkdir(parents=True, exist_ok=True)


def fail(at_desk: AtDesk, name: str = "broken.pdf", reason: str = "no text in it") -> Path:
    """A file that could not be taken, as the daemon leaves it."""
    path = at_desk.settings.failed / name
    path.write_bytes(b"%PDF")
    said = {"file": name, "reason": reason, "what_to_do": "send the text", "at": "2026-03-05T12:00:00+00:00"}
    explanation = at_desk.settings.failed / f"{name}.error.json"
    explanation.write_text(json.dumps(said, ensure_ascii=True))
    with at_desk.database.transaction() as connection:
        ledger.record_file(
            connection,
            fingerprint=mark_of(name),
            name=os.fsencode(name).decode("utf-8", "replace"),
            size=4,
            state=FileState.FAILED,
            target=f"failed/{name}" if name.isascii() else None,
            now=clock.now(),
            daemon=at_desk.settings.daemon,
        )
    return path


def again(at_desk: AtDesk, *names: str) -> int:
    return at_desk.client.post(
        "/health/files/retry", data={"file": [mark_of(name) for name in names]}
    ).status_code


def deeds(at_desk: AtDesk) -> list[tuple[Deed, str, str, int]]:
    with at_desk.database.reading() as connection:
        return [
            (each.what, each.person, each.about, each.number) for each in interventions.last(connection, 9)
        ]


def test_it_says_what_status_says_and_that_the_daemon_does_not_run(at_desk: AtDesk) -> None:
    page = at_desk.client.get("/health")

    assert page.status_code == 200
    assert "The daemon does not run" in page.text
    assert "up to date" in page.text
    assert str(at_desk.home) in page.text


def test_a_page_does_not_wait_for_what_takes_long(at_desk: AtDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    monkeypatch.setattr("daemon.desk.health._PATIENCE", 0.05)
    monkeypatch.setattr("daemon.status.gather", lambda *_: go_on.wait(20.0) and None)
    fail(at_desk)

    page = at_desk.client.get("/health")

    go_on.set()
    assert page.status_code == 200
    assert "How things stand is being found out" in page.text
    assert "broken.pdf" in page.text


def test_who_holds_the_home_is_seen_and_nobody_is_kept_out_by_the_look(at_desk: AtDesk) -> None:
    assert process_of_daemon(at_desk.home) is None
    with home_lock(at_desk.settings):
        assert process_of_daemon(at_desk.home) == os.getpid()
        assert "The daemon does not run" not in at_desk.client.get("/health").text
    assert process_of_daemon(at_desk.home) is None
    assert process_of_daemon(at_desk.home, at_desk.home / "no such file") == 0


def test_who_waits_for_a_lock_does_not_hold_it(at_desk: AtDesk, tmp_path: Path) -> None:
    (at_desk.home / ".lock").touch()
    inode = (at_desk.home / ".lock").stat().st_ino
    locks = tmp_path / "locks"
    locks.write_text(
        f"1: -> FLOCK  ADVISORY  WRITE 77 fe:00:{inode} 0 EOF\n"
        f"2: POSIX  ADVISORY  WRITE 78 fe:00:{inode} 0 EOF\n"
    )

    assert process_of_daemon(at_desk.home, locks) is None


def test_a_failed_file_stands_with_its_reason_as_text(at_desk: AtDesk) -> None:
    fail(at_desk, "<b>.pdf", "it holds <script>alert(1)</script>")

    page = at_desk.client.get("/health").text

    assert "&lt;b&gt;.pdf" in page
    assert "it holds &lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "send the text" in page


def test_a_failed_file_whose_explanation_cannot_be_read_is_shown_all_the_same(at_desk: AtDesk) -> None:
    fail(at_desk)
    for said in (
        b"",
        b"[]",
        b"{",
        b'{"reason": 3, "at": "yesterday"}',
        b'{"at": "2026-03-05T12:00:00"}',
        b"\xff",
    ):
        (at_desk.settings.failed / "broken.pdf.error.json").write_bytes(said)

        page = at_desk.client.get("/health")

        assert page.status_code == 200
        assert "broken.pdf" in page.text


def test_a_failed_file_is_put_back_into_the_inbox_and_the_ledger_knows(at_desk: AtDesk) -> None:
    path = fail(at_desk)
    fail(at_desk, "other.pdf")

    assert again(at_desk, "broken.pdf") == 303

    assert not path.exists()
    assert (at_desk.settings.inbox / "broken.pdf").read_bytes() == b"%PDF"
    assert sorted(each.name for each in at_desk.settings.failed.iterdir()) == [
        "other.pdf",
        "other.pdf.error.json",
    ]
    with at_desk.database.reading() as connection:
        state = connection.execute(text("SELECT state FROM files WHERE name = 'broken.pdf'")).scalar_one()
    assert state == "retried"
    assert deeds(at_desk) == [(Deed.TAKE_AGAIN, "operator", "broken.pdf", 1)]


def test_a_name_that_is_no_text_is_put_back_too(at_desk: AtDesk) -> None:
    name = os.fsdecode(b"caf\xe9.txt")
    (at_desk.settings.failed / name).write_bytes(b"x")

    assert at_desk.client.get("/health").status_code == 200
    assert again(at_desk, name) == 303

    assert (at_desk.settings.inbox / name).exists()


def test_all_of_them_are_put_back_and_what_is_too_much_for_one_go_is_said(
    at_desk: AtDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.desk.health._MOST_AT_ONCE", 2)
    for name in ("a.pdf", "b.pdf", "c.pdf"):
        fail(at_desk, name)

    done = at_desk.client.post("/health/files/retry", data={"everything": "yes"})

    assert sorted(each.name for each in at_desk.settings.inbox.iterdir()) == ["a.pdf", "b.pdf"]
    page = at_desk.client.get(done.headers["location"]).text
    assert "2 files are back in the inbox." in page
    assert "1 is left" in page


def test_what_stands_in_the_inbox_already_is_not_overwritten(at_desk: AtDesk) -> None:
    fail(at_desk)
    (at_desk.settings.inbox / "broken.pdf").write_text("another")

    assert again(at_desk, "broken.pdf") == 409

    assert (at_desk.settings.inbox / "broken.pdf").read_text() == "another"
    assert (at_desk.settings.failed / "broken.pdf").exists()
    assert deeds(at_desk) == []


def test_a_file_that_there_is_not_is_not_put_back(at_desk: AtDesk) -> None:
    fail(at_desk)

    for mark in ("../../etc/passwd", "", "0" * 24):
        at_desk.client.post("/health/files/retry", data={"file": mark})
    at_desk.client.post("/health/files/retry")

    assert (at_desk.settings.failed / "broken.pdf").exists()
    assert deeds(at_desk) == []


def test_many_failed_files_are_shown_page_by_page(at_desk: AtDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daemon.desk.health._MOST_FILES", 2)
    for name in ("a.pdf", "b.pdf", "c.pdf"):
        fail(at_desk, name)

    first = at_desk.client.get("/health").text
    second = at_desk.client.get("/health", params={"after": mark_of("b.pdf")}).text

    assert f"after={mark_of('b.pdf')}" in first
    assert "c.pdf" not in first
    assert "c.pdf" in second
    assert "a.pdf" not in second


def test_a_reader_puts_no_file_back(at_desk: AtDesk, a_reader: Callable[[], None]) -> None:
    fail(at_desk)
    a_reader()

    assert again(at_desk, "broken.pdf") == 403

    assert (at_desk.settings.failed / "broken.pdf").exists()
    page = at_desk.client.get("/health").text
    assert "broken.pdf" in page
    assert "/health/files/retry" not in page


def test_a_hold_is_a_warning(at_desk: AtDesk) -> None:
    with at_desk.database.transaction() as connection:
        holds.put(connection, "console", person="ana", reason="", now=clock.now())

    assert "console is held since" in at_desk.client.get("/health").text


def test_programs_may_ask_without_signing_in_and_learn_nothing_else(at_desk: AtDesk) -> None:
    at_desk.client.cookies.clear()

    for path in ("/-/healthy", "/-/ready"):
        found = at_desk.client.get(path)
        assert (found.status_code, found.text) == (200, "ok\n")
        assert found.headers["content-type"].startswith("text/plain")
    assert at_desk.client.get("/health").status_code in (303, 401, 403)


def test_without_a_model_or_a_ledger_it_lives_and_is_not_ready(at_desk: AtDesk) -> None:
    (at_desk.settings.models / "current").unlink()
    assert at_desk.client.get("/-/ready").status_code == 503
    (at_desk.settings.models / "current").write_text("some\n")
    assert at_desk.client.get("/-/ready").status_code == 200
    ledgers.take_away(at_desk.home)

    assert (at_desk.client.get("/-/ready").status_code, at_desk.client.get("/-/healthy").status_code) == (
        503,
        200,
    )
    ledgers.put_back(at_desk.home)
