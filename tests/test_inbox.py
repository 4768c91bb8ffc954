"""The inbox: which files are ready, which are left alone, and what wakes us."""

from __future__ import annotations

import errno
import os
import signal
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from watchdog.observers.api import BaseObserver
from watchdog.observers.inotify_c import InotifyFD

from daemon import clock
from daemon.inbox import Candidate, Inbox, Watch, _candidate, files_below, is_ignored, printable

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


class Hands:
    """The hands of the monotonic clock."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    turned = Hands()
    monkeypatch.setattr(clock, "monotonic", turned)
    return turned


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


def test_of_a_great_many_files_one_look_remembers_only_the_oldest(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.inbox._WINDOW", 5)
    for number in range(8):
        (folder / f"{number}.txt").touch()
        time.sleep(0.005)
    inbox = Inbox(folder, SETTLE)

    assert settled(inbox) == [f"{number}.txt" for number in range(5)]

    for number in range(5):
        (folder / f"{number}.txt").unlink()
    assert settled(inbox, 10.0) == ["5.txt", "6.txt", "7.txt"]


def test_files_that_cannot_be_taken_do_not_keep_the_others_out_of_the_window(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.inbox._WINDOW", 3)
    for number in range(6):
        (folder / f"{number}.txt").touch()
        time.sleep(0.005)
    inbox = Inbox(folder, 0.0)
    for candidate in inbox.look(0.0).ready:
        inbox.put_off(candidate, 0.0)

    look = inbox.look(1.0)

    assert [candidate.name for candidate in look.ready] == ["3.txt", "4.txt", "5.txt"]
    assert look.put_off == 3


def test_what_is_not_a_regular_file_is_left_alone_and_said_once_with_what_it_is(
    folder: Path, inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    secret = folder.parent / "secret.txt"
    secret.write_text("not for us")
    (folder / "link.txt").symlink_to(secret)
    (folder / "dangling.txt").symlink_to(folder / "nowhere")
    (folder / "loop.txt").symlink_to(folder / "loop.txt")
    (folder / "linked-folder").symlink_to(folder.parent)
    os.mkfifo(folder / "pipe.txt")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket.txt"))

    found = [settled(inbox, start) for start in (0.0, 10.0)]

    assert found == [[], []]
    assert sorted((vars(record)["file"], vars(record)["is"]) for record in caplog.records) == [
        ("dangling.txt", "a symbolic link"),
        ("link.txt", "a symbolic link"),
        ("linked-folder", "a symbolic link"),
        ("loop.txt", "a symbolic link"),
        ("pipe.txt", "a pipe"),
        ("socket.txt", "a socket"),
    ]
    assert {record.levelname for record in caplog.records} == {"WARNING"}
    assert (folder / "link.txt").is_symlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make devices")
@pytest.mark.parametrize("kind", [stat.S_IFCHR, stat.S_IFBLK])
def test_a_device_is_left_alone(
    folder: Path, inbox: Inbox, caplog: pytest.LogCaptureFixture, kind: int
) -> None:
    os.mknod(folder / "device.txt", kind | 0o600, os.makedev(1, 3))

    assert settled(inbox) == []
    assert [vars(record)["is"] for record in caplog.records] == ["a device"]


def test_a_thing_that_went_and_came_back_is_said_again(
    folder: Path, inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    os.mkfifo(folder / "pipe.txt")
    inbox.look(0.0)
    (folder / "pipe.txt").unlink()
    inbox.look(1.0)

    os.mkfifo(folder / "pipe.txt")
    inbox.look(2.0)

    assert len(caplog.records) == 2


def test_a_sub_folder_that_may_not_be_read_is_said_and_the_others_are_looked_at(
    folder: Path, inbox: Inbox, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir
    for name in ("locked", "open"):
        (folder / name).mkdir()
        (folder / name / "a.txt").touch()

    def scan(path: str | Path) -> object:
        if os.path.basename(os.path.normpath(path)) == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", scan)

    assert settled(inbox) == ["open/a.txt"]
    (said,) = caplog.records
    assert (vars(said)["file"], vars(said)["is"]) == (
        "locked/",
        "a folder that cannot be read: Permission denied",
    )


def test_a_file_that_we_may_not_see_is_said(
    folder: Path, inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    class Hidden:
        name = "a.txt"

        def is_dir(self, *, follow_symlinks: bool) -> bool:
            return False

        def stat(self, *, follow_symlinks: bool) -> os.stat_result:
            raise PermissionError(13, "Permission denied")

    said: dict[str, str] = {}

    assert _candidate(folder, "locked/a.txt", Hidden(), said.__setitem__) is None  # type: ignore[arg-type]
    assert list(said) == ["locked/a.txt"]


@pytest.mark.parametrize(
    ("size", "content", "is_sparse"),
    [
        (1 << 40, b"", True),
        (1 << 40, b"an article", True),
        (1 << 20, b"", False),
        (17 << 20, b"x" * (17 << 20), False),
    ],
    ids=["holes alone", "holes and a text", "small holes", "no holes"],
)
def test_a_file_that_claims_much_and_holds_next_to_nothing_is_sparse(
    folder: Path, size: int, content: bytes, is_sparse: bool
) -> None:
    (folder / "a.txt").write_bytes(content)
    os.truncate(folder / "a.txt", size)

    (candidate,) = files_below(folder)

    assert candidate.stamp.size == size
    assert candidate.is_sparse is is_sparse


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


def rename_in(folder: Path, name: str = "a.txt", content: str = "text") -> None:
    (folder / "tmp").mkdir(exist_ok=True)
    (folder / "tmp" / name).write_text(content)
    (folder / "tmp" / name).rename(folder / name)


def test_a_file_that_was_vouched_for_is_ready_at_once(folder: Path, inbox: Inbox) -> None:
    rename_in(folder)
    inbox.vouch("a.txt")

    assert ready(inbox, 0.0) == ["a.txt"]


def test_a_file_is_vouched_for_once(folder: Path, inbox: Inbox) -> None:
    rename_in(folder)
    inbox.vouch("a.txt")
    inbox.look(0.0)
    (folder / "a.txt").unlink()
    inbox.look(1.0)

    (folder / "a.txt").write_text("written in place")

    assert ready(inbox, 2.0) == []


def test_a_file_that_is_written_to_after_it_was_vouched_for_has_to_settle(folder: Path, inbox: Inbox) -> None:
    rename_in(folder)
    inbox.vouch("a.txt")
    inbox.look(0.0)

    (folder / "a.txt").write_text("longer text")

    assert ready(inbox, 1.0) == []


def test_a_voucher_that_comes_late_is_not_for_the_next_file_of_that_name(folder: Path, inbox: Inbox) -> None:
    rename_in(folder)
    inbox.look(0.0)  # the look was quicker than the event
    inbox.vouch("a.txt")
    assert ready(inbox, SETTLE) == ["a.txt"]
    (folder / "a.txt").unlink()
    inbox.look(SETTLE + 1.0)

    (folder / "a.txt").write_text("half of the next")

    assert ready(inbox, SETTLE + 2.0) == []


def test_a_voucher_is_for_the_very_file_and_not_for_the_next_of_that_name(folder: Path, inbox: Inbox) -> None:
    rename_in(folder)
    inbox.vouch("a.txt")
    (folder / "a.txt").rename(folder.parent / "a.txt")

    (folder / "a.txt").write_text("half of the next")

    assert ready(inbox, 100.0) == []


def test_a_voucher_for_a_file_that_went_long_ago_is_worth_nothing(
    folder: Path, inbox: Inbox, hands: Hands
) -> None:
    rename_in(folder)
    inbox.vouch("a.txt")
    (folder / "a.txt").rename(folder.parent / "a.txt")
    inbox.look(hands.now)

    hands.now += 3600.0
    (folder.parent / "a.txt").rename(folder / "a.txt")

    assert ready(inbox, hands.now) == []


def test_a_rename_from_tmp_vouches_for_the_file_and_no_other_way_of_arriving_does(
    folder: Path, woken: threading.Event
) -> None:
    vouched: list[str] = []
    (folder / "tmp").mkdir()
    (folder / "wire").mkdir()
    watch = Watch(folder, woken.set, vouched.append)
    watch.ensure()

    (folder / "written.txt").write_text("text")
    (folder.parent / "outside.txt").write_text("text")
    (folder.parent / "outside.txt").rename(folder / "outside.txt")
    (folder / ".rsync.xX3").write_text("text")
    (folder / ".rsync.xX3").rename(folder / "rsync.txt")
    for name in ("a.txt", "wire/b.txt"):
        (folder / "tmp" / "x").write_text("text")
        (folder / "tmp" / "x").rename(folder / name)

    assert wait_until(lambda: len(vouched) == 2)
    forget(woken)
    watch.stop()
    assert vouched == ["a.txt", "wire/b.txt"]


def leases() -> Iterator[None]:
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGIO, before)


listens_to_leases = pytest.fixture(leases)


@pytest.mark.usefixtures("listens_to_leases")
def test_a_file_that_is_held_open_for_writing_is_left_until_it_is_closed(folder: Path, inbox: Inbox) -> None:
    with (folder / "a.txt").open("w") as writer:
        writer.write("half of")
        writer.flush()
        inbox.look(0.0)
        candidate = only(inbox, 3.0)

        assert inbox.is_being_written(candidate, 3.0)
        look = inbox.look(3.5)
        assert (look.ready, look.settling, look.put_off, look.next_in) == ((), 1, 0, 0.5)
        assert inbox.is_being_written(only(inbox, 4.0), 4.0)

    assert not inbox.is_being_written(only(inbox, 5.0), 5.0)


@pytest.mark.usefixtures("listens_to_leases")
def test_a_file_that_is_only_held_open_for_reading_is_ready(folder: Path, inbox: Inbox) -> None:
    (folder / "a.txt").write_text("text")
    inbox.look(0.0)

    with (folder / "a.txt").open():
        assert not inbox.is_being_written(only(inbox, 3.0), 3.0)


@pytest.mark.usefixtures("listens_to_leases")
def test_after_ten_minutes_a_writer_who_writes_nothing_is_not_waited_for(folder: Path, inbox: Inbox) -> None:
    with (folder / "a.txt").open("w") as writer:
        writer.write("the whole of it")
        writer.flush()
        inbox.look(0.0)
        assert inbox.is_being_written(only(inbox, 599.0), 599.0)

        assert not inbox.is_being_written(only(inbox, 600.0), 600.0)


@pytest.mark.usefixtures("listens_to_leases")
def test_the_ten_minutes_begin_anew_with_each_write(folder: Path, inbox: Inbox) -> None:
    with (folder / "a.txt").open("w") as writer:
        writer.write("half of")
        writer.flush()
        inbox.look(0.0)
        writer.write(" it")
        writer.flush()
        inbox.look(590.0)

        assert inbox.is_being_written(only(inbox, 610.0), 610.0)


def test_where_a_broken_lease_would_end_us_we_take_none(folder: Path, inbox: Inbox) -> None:
    assert signal.getsignal(signal.SIGIO) is not signal.SIG_IGN
    with (folder / "a.txt").open("w") as writer:
        writer.write("text")
        writer.flush()
        inbox.look(0.0)

        assert not inbox.is_being_written(only(inbox, 3.0), 3.0)


@pytest.mark.usefixtures("listens_to_leases")
def test_one_that_is_being_written_does_not_hold_up_another(folder: Path, inbox: Inbox) -> None:
    with (folder / "a.txt").open("w"):
        (folder / "b.txt").write_text("text")
        first, second = sorted(Inbox(folder, 0.0).look(0.0).ready, key=lambda each: each.name)

        assert [inbox.is_being_written(each, 0.0) for each in (first, second)] == [True, False]
        assert inbox.look(0.1).settling == 2
        assert "b.txt" in ready(inbox, 0.1 + SETTLE)


def test_files_over_which_the_process_died_come_last(folder: Path) -> None:
    for name in ("a.txt", "b.txt", "c.txt", "d.txt"):
        (folder / name).write_text(name)
        time.sleep(0.005)
    stamps = {each.name: str(each.stamp) for each in files_below(folder)}
    inbox = Inbox(folder, 0.0)
    inbox.suspects = {("a.txt", stamps["a.txt"]): 2, ("b.txt", stamps["b.txt"]): 1, ("c.txt", "another"): 9}

    look = inbox.look(0.0)

    assert [each.name for each in look.ready] == ["c.txt", "d.txt", "b.txt", "a.txt"]
    assert [inbox.deaths(each) for each in look.ready] == [0, 0, 1, 2]


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


def test_where_the_system_does_not_let_us_watch_it_is_said_once_and_tried_again_after_a_minute(
    folder: Path,
    woken: threading.Event,
    hands: Hands,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    tries: list[float] = []
    schedule = BaseObserver.schedule

    def refuse(*_: object, **__: object) -> None:
        tries.append(hands.now)
        raise OSError(errno.ENOSPC, "inotify watch limit reached")

    monkeypatch.setattr(BaseObserver, "schedule", refuse)
    watch = Watch(folder, woken.set)
    for moment in (1000.0, 1001.0, 1059.0, 1060.0, 1090.0):
        hands.now = moment
        watch.ensure()
    assert tries == [1000.0, 1060.0]
    assert [record.message for record in caplog.records] == ["inbox is looked at without events"]
    assert "watch limit" in vars(caplog.records[0])["error"]

    monkeypatch.setattr(BaseObserver, "schedule", schedule)
    hands.now = 1120.0
    watch.ensure()
    forget(woken)
    (folder / "a.txt").write_text("text")

    assert woken.wait(PATIENCE)
    watch.stop()
    assert [record.message for record in caplog.records][1:] == ["inbox is watched again"]


@pytest.mark.parametrize("step", ["schedule", "start"])
def test_a_watch_that_is_refused_leaves_no_thread_and_no_descriptor_behind(
    folder: Path, woken: threading.Event, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    before, opened = set(threading.enumerate()), len(os.listdir("/proc/self/fd"))

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "inotify watch limit reached")

    monkeypatch.setattr(BaseObserver, step, refuse)
    Watch(folder, woken.set).ensure()

    assert wait_until(lambda: set(threading.enumerate()) <= before)
    assert len(os.listdir("/proc/self/fd")) == opened


def test_where_there_is_no_inotify_left_for_us_the_looks_go_on_without(
    folder: Path, woken: threading.Event, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_: object) -> int:
        raise OSError(errno.EMFILE, "inotify instance limit reached")

    monkeypatch.setattr(InotifyFD, "_create_inotify_fd", refuse)
    Watch(folder, woken.set).ensure()

    assert [record.message for record in caplog.records] == ["inbox is looked at without events"]


def test_an_event_that_cannot_be_used_does_not_end_the_watch(
    folder: Path, woken: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[int] = []

    def wake() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("a bug of ours")
        woken.set()

    watch = Watch(folder, wake)
    watch.ensure()
    (folder / "a.txt").touch()
    assert wait_until(lambda: bool(calls))

    (folder / "b.txt").touch()

    assert woken.wait(PATIENCE)
    watch.stop()
    assert "an event of the inbox could not be used" in [record.message for record in caplog.records]


def test_another_folder_in_the_place_of_the_inbox_is_said(
    folder: Path, watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    folder.rename(folder.parent / "old")
    folder.mkdir()

    for _ in range(3):
        watch.ensure()

    assert [record.message for record in caplog.records] == ["the inbox is another folder than before"]


def test_a_folder_that_was_deleted_and_made_again_is_watched_anew(
    folder: Path, watch: Watch, woken: threading.Event
) -> None:
    folder.rmdir()
    with pytest.raises(FileNotFoundError):
        watch.ensure()
    folder.mkdir()
    forget(woken)

    def is_heard() -> bool:
        watch.ensure()  # as each look does: on a busy machine the old watch dies a moment after its folder
        (folder / "a.txt").write_text("text")
        return woken.wait(0.2)

    assert wait_until(is_heard)


def wait_until(condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True
