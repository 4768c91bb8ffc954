"""The disk in a model, the recording of calls, and walks that go on after a power cut."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults import strace
from tests.faults.disk import (
    Disk,
    Image,
    Link,
    MakeFolder,
    Open,
    Operation,
    Remove,
    Rename,
    Resize,
    Survives,
    Sync,
    Write,
    by_chance,
    everything_written,
    image_of,
    nothing_unsynced,
)
from tests.faults.power_cuts import find_the_plant, suffer, suffer_twice
from tests.faults.recording import RECORDER, Post, Recording, Step, UnknownCallError

pytestmark = pytest.mark.sqlite("power cuts over its file")

needs_strace = pytest.mark.skipif(strace.missing() is not None, reason=str(strace.missing()))

HOME = Image({"inbox/a": b"article"}, frozenset({"inbox", "done"}))


def disk_after(*operations: Operation, start: Image = HOME) -> Disk:
    disk = Disk(start)
    for operation in operations:
        disk.apply(operation)
    return disk


def strictly(*operations: Operation, start: Image = HOME) -> Image:
    return disk_after(*operations, start=start).after_cut(nothing_unsynced)


def names(image: Image) -> set[str]:
    return {*image.files, *image.links}


def in_order(*answers: bool) -> Survives:
    left = list(answers)
    return lambda: left.pop(0)


def test_what_stood_there_before_survives() -> None:
    assert strictly() == HOME


def test_a_write_that_was_not_synced_is_taken_back() -> None:
    written = (Open(1, "inbox/a"), Write(1, b"other", 0), Write(1, b" and more"))

    assert strictly(*written) == HOME
    assert strictly(*written, Sync(1)).files == {"inbox/a": b"otherle and more"}
    assert disk_after(*written).after_cut(everything_written).files == {"inbox/a": b"otherle and more"}


def test_a_new_file_that_was_synced_has_no_name_before_its_folder_is_synced() -> None:
    written = (Open(1, "done/b", creates=True), Write(1, b"new"), Sync(1))

    assert "done/b" not in strictly(*written).files
    assert strictly(*written, Open(2, "done"), Sync(2)).files["done/b"] == b"new"


def test_a_name_that_was_synced_before_its_content_is_an_empty_file() -> None:
    named = strictly(Open(1, "done/b", creates=True), Write(1, b"new"), Open(2, "done"), Sync(2))

    assert named.files["done/b"] == b""


def test_a_file_in_a_new_folder_is_lost_with_the_name_of_that_folder() -> None:
    linked = (MakeFolder("done/05"), Link("inbox/a", "done/05/a"), Open(1, "done/05"), Sync(1))

    assert strictly(*linked) == HOME
    assert names(strictly(*linked, Open(2, "done"), Sync(2))) == {"inbox/a", "done/05/a"}


def test_a_file_that_was_removed_stands_there_again() -> None:
    assert strictly(Remove("inbox/a")) == HOME
    assert strictly(Remove("inbox/a"), Open(1, "inbox"), Sync(1)).files == {}


def test_a_rename_inside_a_folder_is_seen_whole_or_not_at_all() -> None:
    disk = disk_after(Rename("inbox/a", "inbox/b"))

    assert disk.after_cut(in_order(True)).files == {"inbox/b": b"article"}
    assert disk.after_cut(in_order(False)).files == {"inbox/a": b"article"}


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ((False,), {"inbox/a"}),
        ((True, False), {"done/a", "inbox/a"}),
        ((True, True), {"done/a"}),
    ],
)
def test_a_rename_between_folders_leaves_one_name_at_least(
    answers: tuple[bool, ...], expected: set[str]
) -> None:
    found = disk_after(Rename("inbox/a", "done/a")).after_cut(in_order(*answers))

    assert names(found) == expected
    assert list(found.files.values()) == [b"article"]


def test_the_sync_of_the_folder_that_a_file_left_brings_its_new_name_to_the_disk() -> None:
    moved = strictly(Rename("inbox/a", "done/a"), Open(1, "inbox"), Sync(1))

    assert moved.files == {"done/a": b"article"}


def test_a_rename_to_another_name_of_the_same_file_does_nothing() -> None:
    linked = disk_after(Link("inbox/a", "done/a"), Rename("inbox/a", "done/a"))

    assert names(linked.after_cut(everything_written)) == {"inbox/a", "done/a"}


def test_writes_survive_each_by_itself_and_in_their_order() -> None:
    writes = (Open(1, "inbox/a"), Write(1, b"A", 0), Resize(1, 1), Write(1, b"Z", 3))
    disk = disk_after(*writes)

    assert disk.after_cut(in_order(True, False, True)).files == {"inbox/a": b"ArtZcle"}
    assert disk.after_cut(in_order(False, True, True)).files == {"inbox/a": b"a\0\0Z"}


def test_a_file_emptied_when_it_was_opened_keeps_its_content_until_it_is_synced() -> None:
    emptied = (Open(1, "inbox/a", empties=True), Write(1, b"x", 0))

    assert strictly(*emptied) == HOME
    assert strictly(*emptied, Sync(1)).files == {"inbox/a": b"x"}


def test_one_seed_gives_one_image() -> None:
    disk = disk_after(Open(1, "inbox/a"), *(Write(1, bytes([n]), n) for n in range(40)))

    assert disk.after_cut(by_chance(1)) == disk.after_cut(by_chance(1)) != disk.after_cut(by_chance(2))


def test_what_changed_and_synced_nothing_says_so() -> None:
    disk = Disk(HOME)

    assert not disk.apply(Open(1, "inbox/a"))
    assert not disk.apply(Sync(1))
    assert disk.apply(Write(1, b"x", 0))
    assert disk.apply(Sync(1))
    assert not disk.apply(Sync(1))


def test_an_operation_that_cannot_have_succeeded_is_an_error() -> None:
    for wrong in (Remove("inbox/b"), Link("inbox/b", "done/b"), MakeFolder("done"), Open(1, "nowhere/a")):
        with pytest.raises(LookupError):
            Disk(HOME).apply(wrong)


def test_an_image_is_written_with_its_links_and_read_again(tmp_path: Path) -> None:
    linked = disk_after(Link("inbox/a", "done/a"), MakeFolder("empty")).after_cut(everything_written)

    linked.write(tmp_path)

    assert Disk(linked).after_cut(nothing_unsynced) == linked
    assert (tmp_path / "done" / "a").samefile(tmp_path / "inbox" / "a")
    assert image_of(tmp_path) == linked


SCRIPT = r"""
import os, socket, sqlite3, sys, threading
from pathlib import Path

home = Path(sys.argv[1])
(home / "inbox" / "new").mkdir()
end = os.open(home / "inbox" / "a", os.O_WRONLY | os.O_APPEND)
os.write(end, b" and its end"); os.close(end)
with open(home / "inbox" / "a", "r+b", buffering=0) as file:
    file.read(2); file.write(b"XX"); file.seek(5); file.write(b"five"); file.truncate(8)
    twin = os.dup(file.fileno())
os.write(twin, b"far"); os.close(twin)
os.writev(handle := os.open(home / "two", os.O_CREAT | os.O_WRONLY), [b"o\"ne", b", two"])
os.pwrite(handle, b"T", 6)
os.close(handle)
os.replace(home / "two", home / "inbox" / "new" / "two")
folder = os.open(home / "inbox", os.O_RDONLY)
os.link("a", "b", src_dir_fd=folder, dst_dir_fd=folder)
os.unlink("new/two", dir_fd=folder)
os.fsync(folder)
os.rmdir(home / "inbox" / "new")
ledger = sqlite3.connect(home / "ledger.db", isolation_level=None)
ledger.execute("PRAGMA journal_mode=WAL")
ledger.execute("CREATE TABLE t (x)")
def fill():
    other = sqlite3.connect(home / "ledger.db", isolation_level=None)
    for number in range(300):
        other.execute("INSERT INTO t VALUES (?)", (os.urandom(3000),))
worker = threading.Thread(target=fill); worker.start()
for number in range(200):
    os.close(os.open(home / "inbox" / "a", os.O_RDONLY))
worker.join()
left, right = socket.socketpair()
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
client.sendall(b"POST /api/auth.test HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
client.sendall(b"POST /api/chat.postMessage HTTP/1.1\r\nContent-Length: 4\r\n\r\n")
client.sendall(b"te"); (home / "between").touch(); client.sendall(b"xt")
(home / "after").touch()
os.kill(os.getpid(), 9)
"""


@dataclass(frozen=True, slots=True)
class ScriptRun:
    home: Path
    before: Image
    steps: list[Step]


def recorded(script: str, folder: Path) -> tuple[Path, list[Step]]:
    """The home that a script was run on, and what it did there."""
    home, log = folder / "home", folder / "calls"
    subprocess.run([*RECORDER, "-o", str(log), sys.executable, "-c", script, str(home)], check=False)
    with log.open(encoding="ascii") as lines:
        return home, list(Recording(home).steps(lines))


@pytest.fixture(scope="module")
def script_run(tmp_path_factory: pytest.TempPathFactory) -> ScriptRun:
    folder = tmp_path_factory.mktemp("script")
    (folder / "home" / "inbox").mkdir(parents=True)
    (folder / "home" / "inbox" / "a").write_bytes(b"some article")
    before = image_of(folder / "home")
    home, steps = recorded(SCRIPT, folder)
    return ScriptRun(home, before, steps)


@needs_strace
def test_a_recorded_program_replayed_leaves_what_it_really_left(script_run: ScriptRun) -> None:
    operations = (step for step in script_run.steps if not isinstance(step, Post))

    replayed = disk_after(*operations, start=script_run.before)

    def is_shared_memory(name: str) -> bool:
        return name.endswith("-shm")

    found = replayed.after_cut(everything_written).without(is_shared_memory)
    assert found == image_of(script_run.home, is_shared_memory)
    assert found.links == {"inbox/b": "inbox/a"}
    assert len(found.files["ledger.db-wal"]) + len(found.files["ledger.db"]) > 900_000


@needs_strace
def test_a_post_counts_when_all_of_it_went_out(script_run: ScriptRun) -> None:
    told = ["post" if isinstance(step, Post) else getattr(step, "path", "") for step in script_run.steps]

    assert [step for step in told if step in ("between", "post", "after")] == ["between", "post", "after"]


@needs_strace
@pytest.mark.parametrize(
    ("script", "call"),
    [
        ("os.symlink('/etc/passwd', home + '/link')", "symlink"),
        ("os.truncate(home + '/a', 1)", "truncate"),
        ("os.posix_fallocate(os.open(home + '/a', os.O_WRONLY), 0, 99)", "fallocate"),
        ("os.link(home + '/../calls', home + '/link')", "link"),
        ("os.open(home, os.O_TMPFILE | os.O_WRONLY)", "without a name"),
        ("os.fork()", "second process"),
    ],
)
def test_a_call_that_the_model_does_not_know_is_an_error(tmp_path: Path, script: str, call: str) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "a").touch()

    with pytest.raises(UnknownCallError, match=call):
        recorded(f"import os, sys; home = sys.argv[1]; {script}", tmp_path)


@needs_strace
@pytest.mark.slow
def test_after_a_power_cut_nothing_is_lost_and_nobody_is_told_twice(tmp_path: Path) -> None:
    found = suffer(tmp_path / "cuts", most=40)

    assert found.cases == 40
    assert found.faults == ()


@needs_strace
@pytest.mark.slow
def test_a_power_cut_at_the_first_start_leaves_a_home_that_starts(tmp_path: Path) -> None:
    assert suffer(tmp_path / "cuts", most=12, ledger=False).faults == ()


@needs_strace
@pytest.mark.slow
def test_a_second_power_cut_while_the_first_is_mended_costs_nothing_either(tmp_path: Path) -> None:
    assert suffer_twice(tmp_path / "cuts", firsts=3, most=3).faults == ()


@needs_strace
@pytest.mark.slow
def test_a_ledger_that_does_not_sync_its_commits_is_found(tmp_path: Path) -> None:
    found = find_the_plant(tmp_path / "plant")

    assert found.faults == ()
