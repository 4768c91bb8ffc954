"""Where files go when they leave the inbox: nothing is overwritten, nothing lost on the way."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon import shelves, whole
from tests.builders import NOON

PRINT = "0123456789abcdef" * 4
NAMES = st.one_of(
    st.text(max_size=300),
    st.text(alphabet="a.ж/\\ \n\x1b\udcff\u202e", max_size=300),
    st.sampled_from(["..", ".", "/", "../../etc/passwd", "a/..", "...txt", ".error.json", "con.txt"]),
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "inbox").mkdir()
    path = tmp_path / "inbox" / "a.txt"
    path.write_text("the article")
    return path


Rename = Callable[[Path, Path], object]


def refuse_renames(monkeypatch: pytest.MonkeyPatch, number: int, of: Path) -> None:
    """The system does not let this one file be renamed."""
    renamed = shelves._rename

    def rename(source: Path, place: Path) -> None:
        if source == of:
            raise OSError(number, os.strerror(number), str(source), None, str(place))
        renamed(source, place)

    monkeypatch.setattr(shelves, "_rename", rename)


@pytest.fixture
def before_a_rename(monkeypatch: pytest.MonkeyPatch) -> Callable[[Rename], None]:
    """Something that somebody else does in the instant before our next rename."""
    renamed = shelves._rename

    def prepare(meddle: Rename) -> None:
        def rename(source: Path, place: Path) -> None:
            monkeypatch.setattr(shelves, "_rename", renamed)
            meddle(source, place)
            renamed(source, place)

        monkeypatch.setattr(shelves, "_rename", rename)

    return prepare


@pytest.fixture
def other_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of its own at done/."""
    place = tmp_path / "done"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root may mount")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def finished(source: Path, home: Path, known: shelves.Print | None = None) -> bool:
    """Whether the file with the text "the article" stands in done/ for good."""
    fingerprint = hashlib.sha256(b"the article").hexdigest()
    return shelves.finish(source, home, "done/a.txt", known=known, fingerprint=fingerprint)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def move(source: Path, home: Path, target: str, known: shelves.Print | None = None) -> None:
    """Move one file; raises what went wrong with it."""
    [error] = shelves.move_all(home, [shelves.Move(source, target, known)])
    if error is not None:
        raise error


def test_a_file_goes_to_the_folder_of_the_day_it_was_taken(tmp_path: Path) -> None:
    assert shelves.done_target(tmp_path, "a.txt", PRINT, NOON) == "done/2026/03/05/a.txt"


def test_a_file_of_a_sub_folder_goes_by_its_own_name(tmp_path: Path) -> None:
    assert shelves.done_target(tmp_path, "wire/asia/a.txt", PRINT, NOON) == "done/2026/03/05/a.txt"
    assert shelves.failed_target(tmp_path, "wire/a.txt", PRINT) == "failed/a.txt"


def test_a_name_that_is_taken_gets_a_mark_of_the_content_and_then_a_number(tmp_path: Path) -> None:
    targets = []
    for _ in range(4):
        targets.append(shelves.failed_target(tmp_path, "a.txt", PRINT))
        (tmp_path / targets[-1]).parent.mkdir(exist_ok=True)
        (tmp_path / targets[-1]).touch()

    assert targets == [
        "failed/a.txt",
        "failed/a-01234567.txt",
        "failed/a-01234567-2.txt",
        "failed/a-01234567-3.txt",
    ]


def test_a_link_that_leads_nowhere_takes_a_name_as_well(tmp_path: Path) -> None:
    (tmp_path / "failed").mkdir()
    (tmp_path / "failed" / "a.txt").symlink_to("/nowhere")

    assert shelves.failed_target(tmp_path, "a.txt", PRINT) == "failed/a-01234567.txt"


def test_a_file_is_moved_with_its_bytes_and_its_date(tmp_path: Path, source: Path) -> None:
    os.utime(source, (1_000_000_000, 1_000_000_000))

    move(source, tmp_path, "done/2026/03/05/a.txt")

    place = tmp_path / "done/2026/03/05/a.txt"
    assert place.read_text() == "the article"
    assert place.stat().st_mtime == 1_000_000_000
    assert not source.exists()
    assert place.stat().st_nlink == 1


def test_what_stands_there_is_never_overwritten(tmp_path: Path, source: Path) -> None:
    place = tmp_path / "done" / "a.txt"
    place.parent.mkdir()
    place.write_text("what was there")

    with pytest.raises(FileExistsError):
        move(source, tmp_path, "done/a.txt")

    assert place.read_text() == "what was there"
    assert source.read_text() == "the article"


def test_the_system_itself_refuses_to_overwrite_so_that_no_race_can(
    tmp_path: Path, source: Path, before_a_rename: Callable[[Rename], None]
) -> None:
    before_a_rename(lambda _, place: place.write_text("put there this instant"))

    with pytest.raises(FileExistsError):
        move(source, tmp_path, "done/a.txt")

    assert (tmp_path / "done" / "a.txt").read_text() == "put there this instant"
    assert source.read_text() == "the article"


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP])
def test_where_the_system_cannot_rename_so_it_links_and_does_not_overwrite_either(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def renameat2(*_: object) -> int:
        ctypes.set_errno(number)
        return -1

    monkeypatch.setattr(shelves, "_renameat2", renameat2)
    move(source, tmp_path, "done/a.txt")
    assert (tmp_path / "done" / "a.txt").read_text() == "the article"
    assert not source.exists()

    touch(source, "another article")
    with pytest.raises(FileExistsError):
        move(source, tmp_path, "done/a.txt")
    assert (tmp_path / "done" / "a.txt").read_text() == "the article"
    assert source.read_text() == "another article"


def test_a_c_library_without_that_call_links_as_well(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelves, "_renameat2", None)

    move(source, tmp_path, "done/a.txt")

    assert names(tmp_path / "done") == ["a.txt"]
    assert not source.exists()


def test_another_file_that_took_the_name_since_it_was_read_goes_back_to_the_inbox(
    tmp_path: Path, source: Path
) -> None:
    read = shelves.Print.of(source.stat())
    touch(tmp_path / "fresh", "a newer article")
    os.replace(tmp_path / "fresh", source)

    with pytest.raises(FileNotFoundError):
        move(source, tmp_path, "done/a.txt", read)

    assert source.read_text() == "a newer article"
    assert names(tmp_path / "done") == []


def test_what_is_no_file_goes_back_even_if_it_was_given_the_inode_of_the_one_that_was_read(
    tmp_path: Path, source: Path
) -> None:
    """As ext4 does when a file is deleted and something else made at once."""
    source.unlink()
    os.mkfifo(source)
    known = shelves.Print(source.lstat().st_ino, 11, 8)

    with pytest.raises(FileNotFoundError):
        move(source, tmp_path, "done/a.txt", known)

    assert source.is_fifo()
    assert names(tmp_path / "done") == []


def test_where_the_name_is_taken_yet_again_it_goes_back_under_a_free_one(
    tmp_path: Path, source: Path, before_a_rename: Callable[[Rename], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = shelves.Print.of(source.stat())
    touch(tmp_path / "fresh", "a newer article")
    os.replace(tmp_path / "fresh", source)
    lstat = os.lstat

    def look(path: str | Path) -> os.stat_result:
        found = lstat(path)
        if "done" in str(path) and not source.exists():
            touch(source, "the newest article")
        return found

    monkeypatch.setattr(os, "lstat", look)
    with pytest.raises(FileNotFoundError):
        move(source, tmp_path, "done/a.txt", read)

    assert {path.name: path.read_text() for path in source.parent.iterdir()} == {
        "a.txt": "the newest article",
        "a-2.txt": "a newer article",
    }
    assert names(tmp_path / "done") == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES])
def test_where_the_disk_does_not_let_us_the_file_stays_in_the_inbox(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    refuse_renames(monkeypatch, number, source)

    with pytest.raises(OSError, match=re.escape(os.strerror(number))):
        move(source, tmp_path, "done/a.txt")

    assert source.read_text() == "the article"
    assert names(tmp_path / "done") == []


def test_a_file_that_cannot_be_moved_does_not_hold_up_the_others(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [touch(source.with_name(f"{n}.txt"), str(n)) for n in range(3)]
    refuse_renames(monkeypatch, errno.EIO, source)
    moves = [shelves.Move(path, f"done/{path.name}") for path in (others[0], source, *others[1:])]

    errors = shelves.move_all(tmp_path, moves)

    assert [error and error.errno for error in errors] == [None, errno.EIO, None, None]
    assert names(tmp_path / "done") == ["0.txt", "1.txt", "2.txt"]
    assert names(source.parent) == ["a.txt"]


def test_a_move_to_another_file_system_keeps_bytes_and_date(
    tmp_path: Path, source: Path, other_disk: Path
) -> None:
    os.utime(source, (1_000_000_000, 1_000_000_000))
    assert source.stat().st_dev != other_disk.stat().st_dev

    move(source, tmp_path, "done/2026/03/05/a.txt", shelves.Print.of(source.stat()))

    place = other_disk / "2026/03/05/a.txt"
    assert place.read_text() == "the article"
    assert place.stat().st_mtime == 1_000_000_000
    assert not source.exists()
    assert names(place.parent) == ["a.txt"]


def test_on_another_file_system_nothing_is_overwritten_either(
    tmp_path: Path, source: Path, other_disk: Path
) -> None:
    place = touch(other_disk / "a.txt", "what was there before")

    with pytest.raises(FileExistsError):
        move(source, tmp_path, "done/a.txt")

    assert place.read_text() == "what was there before"
    assert source.read_text() == "the article"
    assert names(other_disk) == ["a.txt"]


def test_what_stands_there_with_as_many_other_bytes_is_not_taken_for_our_copy(
    tmp_path: Path, source: Path, other_disk: Path
) -> None:
    place = touch(other_disk / "a.txt", "the ARTICLE")
    assert place.stat().st_size == source.stat().st_size

    with pytest.raises(FileExistsError):
        move(source, tmp_path, "done/a.txt")

    assert source.read_text() == "the article"
    assert not finished(source, tmp_path)
    assert source.read_text() == "the article"


def test_a_copy_that_was_cut_off_before_the_old_name_went_is_not_made_twice(
    tmp_path: Path, source: Path, other_disk: Path
) -> None:
    touch(other_disk / "a.txt", "the article")

    move(source, tmp_path, "done/a.txt", shelves.Print.of(source.stat()))

    assert not source.exists()
    assert names(other_disk) == ["a.txt"]


def test_a_copy_that_was_cut_off_in_the_middle_is_made_again(
    tmp_path: Path, source: Path, other_disk: Path
) -> None:
    touch(other_disk / ".a.txt.new", "the art")

    move(source, tmp_path, "done/a.txt")

    assert (other_disk / "a.txt").read_text() == "the article"
    assert names(other_disk) == ["a.txt"]
    assert not source.exists()


def test_where_the_other_disk_is_full_the_file_stays_and_no_half_of_it_is_left_there(
    tmp_path: Path, source: Path, other_disk: Path
) -> None:
    source.write_bytes(b"x" * 200_000)

    with pytest.raises(OSError, match="No space left"):
        move(source, tmp_path, "done/a.txt")

    assert source.stat().st_size == 200_000
    assert names(other_disk) == []


def test_a_terabyte_of_holes_is_not_copied_to_another_disk(
    tmp_path: Path, source: Path, other_disk: Path
) -> None:
    os.truncate(source, 1 << 40)
    started = time.monotonic()

    with pytest.raises(OSError) as refused:
        move(source, tmp_path, "done/a.txt", shelves.Print.of(source.stat()))

    assert refused.value.errno != errno.ENOSPC  # which would stop all the others
    assert time.monotonic() - started < 5.0
    assert source.stat().st_size == 1 << 40
    assert names(other_disk) == []


def test_another_file_that_took_the_name_is_not_copied_in_its_place(
    tmp_path: Path, source: Path, other_disk: Path
) -> None:
    read = shelves.Print.of(source.stat())
    touch(tmp_path / "fresh", "a newer article")
    os.replace(tmp_path / "fresh", source)

    with pytest.raises(FileNotFoundError):
        move(source, tmp_path, "done/a.txt", read)

    assert source.read_text() == "a newer article"
    assert names(other_disk) == []


def test_a_file_that_takes_the_name_while_the_other_is_copied_is_not_deleted(
    tmp_path: Path, source: Path, other_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, synced = shelves.Print.of(source.stat()), os.fsync
    touch(tmp_path / "fresh", "a newer article")

    def fsync(handle: int) -> None:
        if (tmp_path / "fresh").exists():
            os.replace(tmp_path / "fresh", source)
        synced(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    shelves.move_all(tmp_path, [shelves.Move(source, "done/a.txt", read)])

    assert source.read_text() == "a newer article"


@pytest.mark.parametrize("there", [True, False])
def test_a_move_between_file_systems_that_was_cut_off_is_finished(
    tmp_path: Path, source: Path, other_disk: Path, there: bool
) -> None:
    touch(other_disk / ".a.txt.new", "the art")
    if there:
        touch(other_disk / "a.txt", "the article")

    assert finished(source, tmp_path) is there

    assert source.exists() is not there
    if there:
        assert names(other_disk) == ["a.txt"]


def test_a_move_by_linking_that_was_cut_off_is_finished(tmp_path: Path, source: Path) -> None:
    (tmp_path / "done").mkdir()
    os.link(source, tmp_path / "done" / "a.txt")

    assert finished(source, tmp_path, shelves.Print.of(source.stat()))

    assert not source.exists()
    assert (tmp_path / "done" / "a.txt").read_text() == "the article"


def test_a_new_file_in_the_inbox_is_not_the_rest_of_a_finished_move(tmp_path: Path, source: Path) -> None:
    place = touch(tmp_path / "done" / "a.txt", "the article")
    source.write_text("the next article")

    assert finished(source, tmp_path, shelves.Print.of(place.stat()))

    assert source.read_text() == "the next article"


def test_another_file_at_our_place_is_not_ours(tmp_path: Path, source: Path) -> None:
    place = touch(tmp_path / "done" / "a.txt", "somebody else's")

    assert not finished(source, tmp_path, shelves.Print.of(source.stat()))

    assert source.read_text() == "the article"
    assert place.read_text() == "somebody else's"


@pytest.mark.parametrize("kind", ["nothing", "folder", "link", "pipe"])
def test_what_is_no_file_at_our_place_is_not_ours_and_holds_up_nothing(
    tmp_path: Path, source: Path, kind: str
) -> None:
    place = tmp_path / "done" / "a.txt"
    place.parent.mkdir()
    match kind:
        case "folder":
            place.mkdir()
        case "link":
            place.symlink_to(source)
        case "pipe":
            os.mkfifo(place)

    with suppress(OSError):  # it is said, and left for the next time
        assert not finished(source, tmp_path)

    assert source.read_text() == "the article"


class Disk:
    """What is done to the disk, in order: the names of what is synced, renamed, made and unlinked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
        self.done: list[str] = []
        self._root = root
        fsync, renamed, unlink, mkdir = os.fsync, shelves._rename, os.unlink, Path.mkdir

        def sync(handle: int) -> None:
            self._say("sync", Path(f"/proc/self/fd/{handle}").readlink())
            fsync(handle)

        def rename(source: Path, place: Path) -> None:
            renamed(source, place)
            self._say("rename to", place)

        def remove(path: Path) -> None:
            unlink(path)
            self._say("unlink", path)

        def make(path: Path) -> None:
            mkdir(path)
            self._say("make", path)

        monkeypatch.setattr(os, "fsync", sync)
        monkeypatch.setattr(shelves, "_rename", rename)
        monkeypatch.setattr(os, "unlink", remove)
        monkeypatch.setattr(Path, "mkdir", make)

    def _say(self, what: str, path: Path) -> None:
        self.done.append(f"{what} {path.relative_to(self._root)}")


def test_the_new_place_is_on_the_disk_before_the_old_one_is_known_to_be_empty(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch, tmp_path)

    move(source, tmp_path, "done/2026/a.txt")

    assert disk.done == [
        "make done", "sync .",
        "make done/2026", "sync done",
        "rename to done/2026/a.txt",
        "sync done/2026", "sync inbox",
    ]  # fmt: skip


def test_a_copy_is_on_the_disk_with_its_name_before_the_old_file_is_unlinked(
    tmp_path: Path, source: Path, other_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch, tmp_path)

    move(source, tmp_path, "done/a.txt")

    assert disk.done == [
        "sync done/.a.txt.new",
        "rename to done/a.txt",
        "sync done",
        "unlink inbox/a.txt",
        "sync inbox",
    ]


def test_a_batch_syncs_each_folder_once(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "done").mkdir()
    paths = [source, *(touch(source.with_name(f"{n}.txt"), str(n)) for n in range(20))]
    disk = Disk(monkeypatch, tmp_path)

    shelves.move_all(tmp_path, [shelves.Move(path, f"done/{path.name}") for path in paths])

    assert [step for step in disk.done if step.startswith("sync")] == ["sync done", "sync inbox"]


def test_where_the_new_place_cannot_be_synced_no_file_of_it_counts_as_moved_and_no_copy_loses_its_source(
    tmp_path: Path, source: Path, other_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, folder = whole.sync, other_disk

    def sync(path: Path) -> None:
        if path == folder:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        synced(path)

    monkeypatch.setattr(shelves, "sync", sync)
    (tmp_path / "failed").mkdir()
    other = touch(source.with_name("b.txt"), "another")

    errors = shelves.move_all(
        tmp_path, [shelves.Move(source, "done/a.txt"), shelves.Move(other, "failed/b.txt")]
    )

    assert [error and error.errno for error in errors] == [errno.EIO, None]
    assert source.read_text() == "the article"


def test_a_sub_folder_that_went_with_its_last_file_is_no_error(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = touch(source.parent / "wire" / "b.txt", "from a sub-folder")
    synced = whole.sync

    def sync(folder: Path) -> None:
        if folder.name == "wire":
            folder.rmdir()
        synced(folder)

    monkeypatch.setattr(shelves, "sync", sync)
    move(path, tmp_path, "done/b.txt")

    assert (tmp_path / "done" / "b.txt").read_text() == "from a sub-folder"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may act as two users")
@pytest.mark.parametrize("mode", [0o644, 0o666])
@pytest.mark.parametrize("can_rename", [True, False])
def test_a_file_of_somebody_else_in_a_sticky_inbox_is_moved_or_left_but_never_both(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch, mode: int, can_rename: bool
) -> None:
    if not can_rename:
        monkeypatch.setattr(shelves, "_renameat2", None)
    source.chmod(mode)
    (tmp_path / "done").mkdir()
    for folder in tmp_path.parents:
        if folder.stat().st_uid == 0 and folder != Path("/") and str(folder).startswith("/tmp/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    tmp_path.chmod(0o777)
    (tmp_path / "done").chmod(0o777)
    source.parent.chmod(0o1777)

    as_nobody(lambda: shelves.move_all(tmp_path, [shelves.Move(source, "done/a.txt")]))

    assert source.read_text() == "the article"
    assert names(tmp_path / "done") == []


def as_nobody(work: Callable[[], object]) -> None:
    """In a process of its own, so that the test stays who it is."""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            work()
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def touch(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def test_a_file_that_has_gone_leaves_nothing_behind(tmp_path: Path, source: Path) -> None:
    source.unlink()

    with pytest.raises(FileNotFoundError):
        move(source, tmp_path, "done/a.txt")

    assert list((tmp_path / "done").iterdir()) == []


def test_a_place_that_another_of_the_batch_is_to_have_is_taken(tmp_path: Path) -> None:
    reserved = {"done/2026/03/05/a.txt", "failed/a.txt"}

    assert shelves.done_target(tmp_path, "wire/a.txt", PRINT, NOON, reserved) == (
        "done/2026/03/05/a-01234567.txt"
    )
    assert shelves.failed_target(tmp_path, "a.txt", "", reserved) == "failed/a--2.txt"


def test_a_failed_file_goes_back_to_an_inbox_on_another_disk(tmp_path: Path, other_disk: Path) -> None:
    touch(tmp_path / "failed" / "a.txt", "the failed one")
    shelves.explain_failure(tmp_path, "failed/a.txt", reason="empty", mend="mend it", now=NOON)

    shelves.put_back(tmp_path, "a.txt", other_disk)

    assert (other_disk / "a.txt").read_text() == "the failed one"
    assert names(other_disk) == ["a.txt"]
    assert names(tmp_path / "failed") == []


def test_a_failed_file_goes_back_to_the_inbox_without_its_reason(tmp_path: Path, source: Path) -> None:
    move(source, tmp_path, "failed/a.txt")
    shelves.explain_failure(tmp_path, "failed/a.txt", reason="empty", mend="mend it", now=NOON)

    shelves.put_back(tmp_path, "a.txt", source.parent)

    assert source.read_text() == "the article"
    assert names(tmp_path / "failed") == []


def test_a_failed_file_does_not_go_back_over_another(tmp_path: Path, source: Path) -> None:
    touch(tmp_path / "failed" / "a.txt", "the failed one")
    shelves.explain_failure(tmp_path, "failed/a.txt", reason="empty", mend="mend it", now=NOON)

    with pytest.raises(FileExistsError):
        shelves.put_back(tmp_path, "a.txt", source.parent)

    assert source.read_text() == "the article"
    assert names(tmp_path / "failed") == ["a.txt", "a.txt.error.json"]


def test_the_failed_are_named_without_their_reasons_even_if_they_are_named_like_one(tmp_path: Path) -> None:
    for name in ("a.txt", "a.txt.error.json", "b.error.json", "b.error.json.error.json", ".c.txt.new"):
        touch(tmp_path / "failed" / name, "")

    assert shelves.failed_names(tmp_path) == ["a.txt", "b.error.json"]


def test_a_failed_file_has_the_reason_beside_it(tmp_path: Path) -> None:
    shelves.explain_failure(tmp_path, "failed/мақала.txt", reason="empty", mend="drop it again", now=NOON)

    place = tmp_path / "failed" / "мақала.txt.error.json"
    assert json.loads(place.read_text(encoding="utf-8")) == {
        "file": "мақала.txt",
        "reason": "empty",
        "what_to_do": "drop it again; or `topicwired retry мақала.txt`",
        "at": "2026-03-05T12:00:00+00:00",
    }
    assert [path.name for path in place.parent.iterdir()] == ["мақала.txt.error.json"]


def test_a_reason_written_again_says_the_newer_one(tmp_path: Path) -> None:
    for reason in ("empty", "not text"):
        shelves.explain_failure(tmp_path, "failed/a.txt", reason=reason, mend="mend it", now=NOON)

    said = json.loads((tmp_path / "failed" / "a.txt.error.json").read_text(encoding="utf-8"))
    assert said["reason"] == "not text"


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a.txt", "a.txt"),
        ("Мақала 1 (түпнұсқа).txt", "Мақала 1 (түпнұсқа).txt"),
        ("-rf", "-rf"),
        ("..hidden", "hidden"),
        ("..", "article"),
        ("", "article"),
        ("desk/a.txt", "a.txt"),
        ("../../etc/passwd", "passwd"),
        ("a\nb\x1b[31m.txt", "a_b_[31m.txt"),
        ('a:b*c?d"e<f>g|h\\i.txt', "a_b_c_d_e_f_g_h_i.txt"),
        ("a\udcff.txt", "a_.txt"),
        ("a" * 255, "a" * 199),
        ("ж" * 120 + ".txt", "ж" * 98 + ".txt"),
        ("a." + "b" * 250, "a." + "b" * 197),
    ],
)
def test_a_name_stays_as_like_itself_as_may_be(name: str, safe: str) -> None:
    assert shelves.safe_name(name) == safe


@given(NAMES)
def test_any_name_becomes_one_that_every_file_system_takes(name: str) -> None:
    safe = shelves.safe_name(name)

    assert safe
    assert safe.isprintable()
    assert not set(safe) & set('/\\:*?"<>|\0')
    assert not safe.startswith(".")
    assert len(safe.encode("utf-8")) <= 200


def test_the_longest_name_leaves_room_for_its_marks_and_its_reason(tmp_path: Path) -> None:
    name = "ж" * 127 + ".txt"
    for number in range(3):
        (tmp_path / "inbox").mkdir(exist_ok=True)
        source = tmp_path / "inbox" / "x"
        source.write_text(str(number))
        target = shelves.failed_target(tmp_path, name, PRINT)

        move(source, tmp_path, target)
        shelves.explain_failure(tmp_path, target, reason="empty", mend="mend it", now=NOON)

    assert len(list((tmp_path / "failed").iterdir())) == 6
