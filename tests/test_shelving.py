"""Shelving: files that the ledger has go to their places, and the ledger knows where they stand."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from daemon import ledger, shelves
from daemon.database import Database
from daemon.records import FileRecord, FileState
from daemon.shelving import Placement, reconcile, shelve
from tests.builders import ENERGY_ARTICLE, NOON, make_settings, small_model
from tests.newsroom import Clocks, Newsroom, candidate

TARGET = "done/2026/03/05/a.txt"


@pytest.fixture
def newsroom(tmp_path: Path, database: Database) -> Iterator[Newsroom]:
    opened = Newsroom(make_settings(tmp_path / "home"), database, small_model())
    yield opened
    opened.intake.close()


def recorded(
    newsroom: Newsroom, path: Path, target: str = TARGET, *, reason: str | None = None
) -> FileRecord:
    """A file that stands in the inbox, as the ledger has it after the commit."""
    stamp = candidate(path).stamp
    with newsroom.database.transaction() as connection:
        return ledger.record_file(
            connection,
            fingerprint=shelves._fingerprint(path),
            name=path.name,
            raw_name=os.fsencode(path.name),
            size=stamp.size,
            inode=stamp.inode,
            modified=stamp.modified,
            state=FileState.TAKEN,
            target=target,
            reason=reason,
            mend="mend it" if reason else None,
            now=NOON,
        )


def rows(newsroom: Newsroom) -> list[tuple[str, str | None]]:
    return [(state, target) for state, target in newsroom.rows("SELECT state, target FROM files ORDER BY id")]


def reason_beside(newsroom: Newsroom, target: str) -> str:
    said = json.loads((newsroom.home / f"{target}.error.json").read_text(encoding="utf-8"))
    return str(said["reason"])


def test_a_batch_is_moved_and_marked(newsroom: Newsroom) -> None:
    placements = []
    for number in range(3):
        path = newsroom.drop(f"{number}.txt", str(number))
        target = f"done/2026/03/05/{number}.txt"
        placements.append(Placement(candidate(path), target, recorded(newsroom, path, target)))

    shelved = shelve(newsroom.home, newsroom.database, placements)

    assert shelved.placed == tuple(placements)
    assert (shelved.gone, shelved.failed) == ((), ())
    assert rows(newsroom) == [("done", f"done/2026/03/05/{number}.txt") for number in range(3)]
    assert newsroom.done() == ["0.txt", "1.txt", "2.txt"]


@pytest.mark.parametrize("reason", [None, "empty"])
def test_a_place_that_was_taken_meanwhile_is_left_and_another_found(
    newsroom: Newsroom, reason: str | None
) -> None:
    target = "failed/a.txt" if reason else TARGET
    path = newsroom.drop("a.txt", "ours")
    placement = Placement(candidate(path), target, recorded(newsroom, path, target, reason=reason))
    other = newsroom.home / target
    other.parent.mkdir(parents=True, exist_ok=True)
    other.write_text("somebody else's")

    shelve(newsroom.home, newsroom.database, [placement])

    ((state, elsewhere),) = rows(newsroom)
    assert (state, elsewhere != target) == ("failed" if reason else "done", True)
    assert other.read_text() == "somebody else's"
    assert (newsroom.home / str(elsewhere)).read_text() == "ours"
    assert newsroom.waiting() == []
    if reason:
        assert reason_beside(newsroom, str(elsewhere)) == reason
        assert not (newsroom.home / f"{target}.error.json").exists()


def test_killed_after_the_move_to_another_place_it_is_found_there(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = newsroom.drop("a.txt", "ours")
    placement = Placement(candidate(path), TARGET, recorded(newsroom, path))
    other = newsroom.home / TARGET
    other.parent.mkdir(parents=True)
    other.write_text("somebody else's")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(ledger, "mark_placed", interrupted)
        shelve(newsroom.home, newsroom.database, [placement])

    reconcile(newsroom.settings, newsroom.database)

    ((state, elsewhere),) = rows(newsroom)
    assert state == "done"
    assert (newsroom.home / str(elsewhere)).read_text() == "ours"
    assert other.read_text() == "somebody else's"


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_file_that_has_gone_is_marked_so(newsroom: Newsroom) -> None:
    path = newsroom.drop("a.txt", "text")
    placement = Placement(candidate(path), TARGET, recorded(newsroom, path))
    path.unlink()

    shelved = shelve(newsroom.home, newsroom.database, [placement])

    assert shelved.gone == (placement,)
    assert rows(newsroom) == [("gone", None)]


def test_a_file_whose_name_another_has_taken_is_gone_and_the_other_stays(newsroom: Newsroom) -> None:
    path = newsroom.drop("a.txt", "text")
    placement = Placement(candidate(path), TARGET, recorded(newsroom, path))
    newsroom.drop(".fresh", "another")
    os.replace(newsroom.inbox / ".fresh", path)

    shelved = shelve(newsroom.home, newsroom.database, [placement])

    assert shelved.gone == (placement,)
    assert rows(newsroom) == [("gone", None)]
    assert path.read_text() == "another"
    assert newsroom.done() == []


def test_what_could_not_be_moved_stays_taken_and_the_others_are_marked(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    renamed = shelves._rename

    def refuse(source: Path, place: Path) -> None:
        if source.name == "a.txt":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        renamed(source, place)

    monkeypatch.setattr(shelves, "_rename", refuse)
    placements = []
    for name in ("a.txt", "b.txt"):
        path = newsroom.drop(name, name)
        target = f"done/2026/03/05/{name}"
        placements.append(Placement(candidate(path), target, recorded(newsroom, path, target)))

    shelved = shelve(newsroom.home, newsroom.database, placements)

    [(placement, error)] = shelved.failed
    assert (placement.candidate.name, error.errno) == ("a.txt", errno.EIO)
    assert [state for state, _ in rows(newsroom)] == ["taken", "done"]
    assert newsroom.waiting() == ["a.txt"]


@pytest.mark.parametrize(
    ("at_source", "at_target", "state"),
    [(True, True, "done"), (False, True, "done"), (True, False, "taken"), (False, False, "gone")],
)
def test_after_a_crash_the_ledger_learns_where_a_file_stands(
    newsroom: Newsroom, at_source: bool, at_target: bool, state: str
) -> None:
    path = newsroom.drop("a.txt", "text")
    recorded(newsroom, path)
    place = newsroom.home / TARGET
    place.parent.mkdir(parents=True)
    if at_target:
        os.link(path, place)
    if not at_source:
        path.unlink()

    for _ in range(2):
        reconcile(newsroom.settings, newsroom.database)

    assert rows(newsroom) == [(state, None if state == "gone" else TARGET)]
    assert path.exists() is (state == "taken")
    assert place.exists() is at_target


def test_a_new_file_of_the_same_name_in_the_inbox_is_left_there(newsroom: Newsroom) -> None:
    path = newsroom.drop("a.txt", "text")
    recorded(newsroom, path)
    assert shelves.move_all(newsroom.home, [shelves.Move(path, TARGET)]) == [None]
    newsroom.drop("a.txt", "the next")

    reconcile(newsroom.settings, newsroom.database)

    assert rows(newsroom) == [("done", TARGET)]
    assert path.read_text() == "the next"


def test_somebody_else_s_file_at_the_place_is_not_taken_for_ours(newsroom: Newsroom) -> None:
    path = newsroom.drop("a.txt", "ours")
    recorded(newsroom, path, "failed/a.txt", reason="our reason")
    (newsroom.home / "failed" / "a.txt").parent.mkdir(exist_ok=True)
    (newsroom.home / "failed" / "a.txt").write_text("theirs")
    shelves.explain_failure(newsroom.home, "failed/a.txt", reason="their reason", mend="", now=NOON)

    reconcile(newsroom.settings, newsroom.database)

    assert rows(newsroom) == [("taken", "failed/a.txt")]
    assert path.read_text() == "ours"
    assert reason_beside(newsroom, "failed/a.txt") == "their reason"


def test_an_inbox_that_is_missing_does_not_mean_that_its_files_have_gone(newsroom: Newsroom) -> None:
    path = newsroom.drop("a.txt", "text")
    recorded(newsroom, path)
    newsroom.inbox.rename(newsroom.home / "away")

    reconcile(newsroom.settings, newsroom.database)
    assert rows(newsroom) == [("taken", TARGET)]

    (newsroom.home / "away").rename(newsroom.inbox)
    reconcile(newsroom.settings, newsroom.database)
    assert rows(newsroom) == [("taken", TARGET)]


def test_a_failed_file_gets_its_reason_also_when_we_died_before_it_was_written(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = newsroom.drop("a.txt", "")
    placement = Placement(
        candidate(path), "failed/a.txt", recorded(newsroom, path, "failed/a.txt", reason="empty")
    )
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(shelves, "explain_failure", lambda *_, **__: interrupted())
        shelve(newsroom.home, newsroom.database, [placement])
    assert newsroom.failed() == ["a.txt"]
    assert rows(newsroom) == [("taken", "failed/a.txt")]

    reconcile(newsroom.settings, newsroom.database)

    assert rows(newsroom) == [("failed", "failed/a.txt")]
    assert reason_beside(newsroom, "failed/a.txt") == "empty"


def test_one_move_that_cannot_be_made_up_for_holds_up_no_other_and_no_start(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("a.txt", "b.txt"):
        path = newsroom.drop(name, name)
        target = f"done/2026/03/05/{name}"
        recorded(newsroom, path, target)
        assert shelves.move_all(newsroom.home, [shelves.Move(path, target)]) == [None]
    finish = shelves.finish

    def refuse(source: Path, home: Path, target: str, **known: object) -> bool:
        if source.name == "a.txt":
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(source))
        return finish(source, home, target, **known)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(shelves, "finish", refuse)
        newsroom.restart()
    assert [state for state, _ in rows(newsroom)] == ["taken", "done"]
    assert "a move cannot be made up for now" in [record.message for record in caplog.records]

    newsroom.restart()
    assert [state for state, _ in rows(newsroom)] == ["done", "done"]


@contextmanager
def mounted(place: Path) -> Iterator[None]:
    """A real file system of its own, of 64 KiB."""
    place.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def other_disk(newsroom: Newsroom) -> Iterator[None]:
    with mounted(newsroom.home / "done"):
        yield


def test_a_terabyte_of_holes_that_would_have_to_go_to_another_disk_stays_and_holds_up_nothing(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    clocks = Clocks().turn(monkeypatch)
    with mounted(newsroom.home / "failed"):
        os.truncate(newsroom.drop("huge.txt", ""), 1 << 40)
        newsroom.drop("a.txt", ENERGY_ARTICLE)
        for _ in range(5):
            newsroom.take_all()
            clocks.go_by(10.0)

        assert newsroom.done() == ["a.txt"]
        assert newsroom.waiting() == ["huge.txt"]
        assert not newsroom.intake.is_stuck
        assert sorted(newsroom.files()) == [("a.txt", "done"), ("huge.txt", "taken")]
        assert newsroom.failed() == []


@pytest.mark.parametrize("name", ["failed", "inbox"])
def test_a_failure_goes_to_another_disk_and_comes_back_for_another_try(newsroom: Newsroom, name: str) -> None:
    with mounted(newsroom.home / name):
        newsroom.drop("a.txt", "")
        newsroom.take_all()
        assert newsroom.failed() == ["a.txt", "a.txt.error.json"]
        assert newsroom.files() == [("a.txt", "failed")]

        shelves.put_back(newsroom.home, "a.txt", newsroom.inbox)

        assert newsroom.failed() == []
        assert newsroom.waiting() == ["a.txt"]
        newsroom.intake.close()


@pytest.mark.usefixtures("other_disk")
@pytest.mark.parametrize("cut_off", ["copying", "unlinking", "marking"])
def test_killed_at_any_step_of_a_copy_to_another_disk_the_file_is_there_once(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch, cut_off: str
) -> None:
    path = newsroom.drop("a.txt", "text")
    placement = Placement(candidate(path), TARGET, recorded(newsroom, path))
    step = {
        "copying": (shutil, "copyfileobj"),
        "unlinking": (shelves, "_take_away"),
        "marking": (ledger, "mark_placed"),
    }[cut_off]
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(*step, lambda *_: interrupted())
        shelve(newsroom.home, newsroom.database, [placement])

    newsroom.restart()
    newsroom.take_all()

    assert newsroom.done() == ["a.txt"]
    assert newsroom.waiting() == []
    assert newsroom.placed("a.txt").read_text() == "text"
    assert rows(newsroom) == [("done", TARGET)]
