"""The inbox: which files are ready, which are left alone, and what wakes us."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.inbox import MOST_AT_ONCE, Candidate, Inbox, Watch, is_ignored, printable

SETTLE = 2.0
PATIENCE = 5.0  # seconds until a test says that nothing woke us
QUIET = 0.1  # seconds in which nothing may wake us


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "inbox"
    made.mkdir()
    return made


@pytest.fixture
def inbox(folder: Path) -> Inbox:
    return Inbox(folder, SETTLE)


@pytest.fixture
def woken() -> threading.Event:
    return threading.Event()


@pytest.fixture
def watch(folder: Path, woken: threading.Event) -> Iterator[Watch]:
    watching = Watch(folder, woken.set)
    watching.ensure()
    yield watching
    watching.stop()


def ready(inbox: Inbox, now: float) -> list[str]:
    return [candidate.name for candidate in inbox.look(now).ready]


def settled(inbox: Inbox, start: float = 0.0) -> list[str]:
    """What is ready when the folder has stood still for long enough."""
    inbox.look(start)
    return ready(inbox, start + SETTLE)


def only(inbox: Inbox, now: float) -> Candidate:
    (candidate,) = inbox.look(now).ready
    return candidate


def test_a_file_is_ready_when_it_has_stood_still_for_the_settle_time(folder: Path, inbox: Inbox) -> None:
    (folder / "a.txt").write_text("text")

    first, second, third = inbox.look(10.0), inbox.look(11.5), inbox.look(12.0)

    assert (first.ready, first.settling, first.next_in) == ((), 1, 2.0)
    assert (second.ready, second.settling, second.next_in) == ((), 1, 0.5)
    assert [candidate.name for candidate in third.ready] == ["a.txt"]
    assert (third.settling, third.next_in) == (0, None)
    assert third.ready[0].path == folder / "a.txt"


def test_without_a_settle_time_a_file_is_ready_at_once(folder: Path) -> None:
    (folder / "a.txt").write_text("text")

    assert ready(Inbox(folder, 0.0), 10.0) == ["a.txt"]


def test_an_empty_folder_has_nothing_ready_and_nothing_soon(inbox: Inbox) -> None:
    look = inbox.look(0.0)

    assert (look.ready, look.settling, look.put_off, look.next_in) == ((), 0, 0, None)


def test_a_growing_file_is_not_ready(folder: Path, inbox: Inbox) -> None:
    path = folder / "a.txt"
    for second in range(5):
        with path.open("a") as file:
            file.write("more")

        assert ready(inbox, second * 1.9) == []

    assert ready(inbox, 4 * 1.9 + SETTLE) == ["a.txt"]


def test_a_file_rewritten_with_the_same_size_and_time_is_not_ready(folder: Path, inbox: Inbox) -> None:
    path = folder / "a.txt"
    path.write_text("first")
    before = path.stat()
    inbox.look(0.0)

    time.sleep(0.01)
    path.write_text("other")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert ready(inbox, SETTLE) == []
    assert ready(inbox, 2 * SETTLE) == ["a.txt"]


def test_a_file_replaced_by_another_settles_anew(folder: Path, inbox: Inbox) -> None:
    (folder / "a.txt").write_text("first")
    inbox.look(0.0)

    (folder / "b.part").write_text("other")
    (folder / "b.part").rename(folder / "a.txt")

    assert ready(inbox, SETTLE) == []


def test_a_file_that_went_and_came_back_settles_anew(folder: Path, inbox: Inbox) -> None:
    (folder / "a.txt").write_text("text")
    inbox.look(0.0)
    (folder / "a.txt").rename(folder.parent / "a.txt")
    inbox.look(1.0)

    (folder.parent / "a.txt").rename(folder / "a.txt")

    assert ready(inbox, SETTLE) == []


@pytest.mark.parametrize(
    "name",
    [
        ".hidden.txt", ".a.txt.xX3GFE", "a.txt.part", "a.partial", "A.TMP", "a.temp", "a.filepart",
        "a.crdownload", "a.download", ".a.txt.swp", "a.swx", "a.txt~", "4913", "desktop.ini", "Thumbs.db",
    ],
)  # fmt: skip
def test_what_programs_write_beside_the_real_file_is_ignored(folder: Path, inbox: Inbox, name: str) -> None:
    (folder / name).write_text("text")

    look = inbox.look(0.0)

    assert settled(inbox) == []
    assert look.settling == 0


@pytest.mark.parametrize(
    "name", ["a.txt", "part", "a.part.txt", "tmp.txt", "-rf", "a b.md", "мақала", "4914", "a", "~a"]
)
def test_other_names_are_taken(folder: Path, inbox: Inbox, name: str) -> None:
    (folder / name).write_text("text")

    assert settled(inbox) == [name]


def test_files_in_sub_folders_are_found_by_their_path_below_the_inbox(folder: Path, inbox: Inbox) -> None:
    (folder / "wire" / "asia").mkdir(parents=True)
    (folder / "wire" / "asia" / "a.txt").write_text("text")

    inbox.look(0.0)

    candidate = only(inbox, SETTLE)
    assert candidate.name == "wire/asia/a.txt"
    assert candidate.path == folder / "wire" / "asia" / "a.txt"


@pytest.mark.parametrize("name", [".git", "__MACOSX", "@eaDir", "lost+found", "tmp", "upload.part"])
def test_what_lies_in_an_ignored_folder_is_ignored(folder: Path, inbox: Inbox, name: str) -> None:
    (folder / name).mkdir()
    (folder / name / "a.txt").write_text("text")

    assert settled(inbox) == []


def test_only_the_tmp_folder_of_the_inbox_itself_is_a_place_to_write_first(
    folder: Path, inbox: Inbox
) -> None:
    (folder / "desk" / "tmp").mkdir(parents=True)
    (folder / "desk" / "tmp" / "a.txt").write_text("text")

    assert settled(inbox) == ["desk/tmp/a.txt"]


def test_the_oldest_arrival_comes_first_whatever_its_name_and_its_own_date(
    folder: Path, inbox: Inbox
) -> None:
    for number, name in enumerate(["c.txt", "a.txt", "b.txt"]):
        (folder / name).write_text("text")
        long_ago = 1_000_000_000 - number
        os.utime(folder / name, (long_ago, long_ago))
        time.sleep(0.01)

    assert settled(inbox) == ["c.txt", "a.txt", "b.txt"]


def test_a_great_many_files_come_in_portions(folder: Path) -> None:
    for number in range(MOST_AT_ONCE + 1):
        (folder / f"{number:04}.txt").touch()

    look = Inbox(folder, 0.0).look(0.0)

    assert len(look.ready) == MOST_AT_ONCE


def test_what_is_not_a_regular_file_is_left_alone_with_one_warning(
    folder: Path, inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    secret = folder.parent / "secret.txt"
    secret.write_text("not for us")
    (folder / "link.txt").symlink_to(secret)
    (folder / "dangling.txt").symlink_to(folder / "nowhere")
    (folder / "linked-folder").symlink_to(folder.parent)
    os.mkfifo(folder / "pipe.txt")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket.txt"))

    found = [settled(inbox, start) for start in (0.0, 10.0)]

    assert found == [[], []]
    warned = sorted(vars(record)["file"] for record in caplog.records)
    assert warned == ["dangling.txt", "link.txt", "linked-folder", "pipe.txt", "socket.txt"]
    assert {record.levelname for record in caplog.records} == {"WARNING"}
    assert (folder / "link.txt").is_symlink()


def test_a_file_put_off_is_tried_again_later_each_time(folder: Path, inbox: Inbox) -> None:
    (folder / "a.txt").write_text("text")
    inbox.look(0.0)
    now, waits = SETTLE, []
    for _ in range(3):
        waits.append(inbox.put_off(only(inbox, now), now))

        just_before = inbox.look(now + waits[-1] - 0.5)
        assert (just_before.ready, just_before.put_off, just_before.settling) == ((), 1, 0)
        assert just_before.next_in == 0.5
        now += waits[-1]

    assert waits == [2.0, 4.0, 8.0]
    assert ready(inbox, now) == ["a.txt"]


def test_a_file_is_put_off_for_five_minutes_at_most(folder: Path, inbox: Inbox) -> None:
    (folder / "a.txt").write_text("text")
    inbox.look(0.0)
    candidate = only(inbox, SETTLE)

    waits = [inbox.put_off(candidate, SETTLE) for _ in range(20)]

    assert waits[-1] == 300.0


def test_a_file_put_off_does_not_hold_up_another(folder: Path, inbox: Inbox) -> None:
    (folder / "a.txt").write_text("text")
    inbox.look(0.0)
    inbox.put_off(only(inbox, SETTLE), SETTLE)

    (folder / "b.txt").write_text("text")
    inbox.look(SETTLE)

    look = inbox.look(SETTLE + 1.9)
    assert (look.ready, look.settling, look.put_off) == ((), 1, 1)
    assert ready(inbox, 2 * SETTLE) == ["a.txt", "b.txt"]


def test_a_file_put_off_and_then_mended_is_ready_when_it_has_settled(folder: Path, inbox: Inbox) -> None:
    (folder / "a.txt").write_text("text")
    inbox.look(0.0)
    candidate = only(inbox, SETTLE)
    for _ in range(8):
        inbox.put_off(candidate, SETTLE)

    (folder / "a.txt").write_text("longer text")
    inbox.look(3.0)

    assert ready(inbox, 3.0 + SETTLE) == ["a.txt"]


def test_a_name_that_is_not_utf_8_is_found_and_can_be_opened_and_printed(folder: Path, inbox: Inbox) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/a\xff.txt")).write_text("text")

    inbox.look(0.0)

    candidate = only(inbox, SETTLE)
    assert candidate.path.read_text() == "text"
    assert printable(candidate.name) == "a\\xff.txt"


@given(st.binary(min_size=1, max_size=80).filter(lambda name: b"\0" not in name))
def test_any_name_becomes_text_that_ledger_log_and_terminal_can_take(name: bytes) -> None:
    shown = printable(os.fsdecode(name))

    assert shown.isprintable()
    assert shown.encode("utf-8").decode("utf-8") == shown
    assert "\n" not in shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("мақала 1.txt", "мақала 1.txt"),
        ("a\nb", "a\\nb"),
        ("a\x1b[31m", "a\\x1b[31m"),
        ("a\u202eb", "a\\u202eb"),
    ],
)
def test_a_readable_name_stays_as_it_is_and_marks_that_hide_are_spelt_out(name: str, shown: str) -> None:
    assert printable(name) == shown


@given(st.text(min_size=1))
def test_letter_case_decides_nothing_about_what_is_ignored(name: str) -> None:
    if name.upper().lower() == name.lower():
        assert is_ignored(name.upper()) == is_ignored(name)


def test_a_folder_that_is_gone_is_an_error_and_not_an_empty_inbox(folder: Path, inbox: Inbox) -> None:
    folder.rmdir()

    with pytest.raises(FileNotFoundError):
        inbox.look(0.0)


def test_a_file_written_in_the_folder_wakes_us(folder: Path, watch: Watch, woken: threading.Event) -> None:
    (folder / "a.txt").write_text("text")

    assert woken.wait(PATIENCE)


def test_a_file_renamed_into_the_folder_wakes_us(folder: Path, watch: Watch, woken: threading.Event) -> None:
    outside = folder.parent / "a.txt"
    outside.write_text("text")
    assert not woken.wait(QUIET)

    outside.rename(folder / "a.txt")

    assert woken.wait(PATIENCE)


def test_a_writer_that_closes_its_file_wakes_us(folder: Path, watch: Watch, woken: threading.Event) -> None:
    with (folder / "a.txt").open("w") as file:
        file.write("text")
        file.flush()
        forget(woken)

    assert woken.wait(PATIENCE)


def test_a_file_in_a_new_sub_folder_wakes_us(folder: Path, watch: Watch, woken: threading.Event) -> None:
    (folder / "desk").mkdir()
    forget(woken)

    (folder / "desk" / "a.txt").write_text("text")

    assert woken.wait(PATIENCE)


def test_our_own_reading_does_not_wake_us(folder: Path, watch: Watch, woken: threading.Event) -> None:
    (folder / "a.txt").write_text("text")
    forget(woken)

    (folder / "a.txt").read_text()
    list(folder.iterdir())

    assert not woken.wait(QUIET)


def test_a_folder_put_in_the_place_of_the_old_one_is_watched_anew(
    folder: Path, watch: Watch, woken: threading.Event
) -> None:
    folder.rename(folder.parent / "old")
    folder.mkdir()
    watch.ensure()
    forget(woken)

    (folder / "a.txt").write_text("text")

    assert woken.wait(PATIENCE)


def test_to_make_sure_again_leaves_the_watch_as_it_is(watch: Watch) -> None:
    before = set(threading.enumerate())

    watch.ensure()

    assert set(threading.enumerate()) == before


def test_a_folder_that_is_missing_cannot_be_watched_and_can_be_when_it_is_back(
    tmp_path: Path, woken: threading.Event
) -> None:
    late = tmp_path / "late"
    watch = Watch(late, woken.set)
    with pytest.raises(FileNotFoundError):
        watch.ensure()

    late.mkdir()
    watch.ensure()
    (late / "a.txt").write_text("text")

    assert woken.wait(PATIENCE)
    watch.stop()


def test_after_it_was_stopped_nothing_wakes_us(folder: Path, watch: Watch, woken: threading.Event) -> None:
    watch.stop()
    watch.stop()

    (folder / "a.txt").write_text("text")

    assert not woken.wait(QUIET)


def forget(woken: threading.Event) -> None:
    """Let the events of what was done so far come, and forget them."""
    time.sleep(QUIET / 2)
    woken.clear()
