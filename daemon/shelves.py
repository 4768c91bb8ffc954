"""Where files go when they leave the inbox: done/YYYY/MM/DD/ and failed/. Nothing is overwritten."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BufferedReader
from pathlib import Path, PurePosixPath

from daemon import whole
from daemon.records import signed
from daemon.whole import sync

ERROR_ENDING = ".error.json"

_LONGEST_NAME = 200  # bytes; a file system takes 255, and marks are added
_LONGEST_EXPLANATION = 64 * 1024  # bytes
_LARGEST_COPY = 128 * 2**20  # bytes; more than is ever read, so only what was not opened
_NO_REPLACE = 1  # RENAME_NOREPLACE, rename(2)
_AT_FDCWD = -100
# What file systems and kernels without renameat2 say.
_CANNOT_RENAME = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})


@dataclass(frozen=True, slots=True)
class Print:
    """What tells a file from another that took its name meanwhile, as `signed` numbers."""

    inode: int
    size: int
    modified: int  # ns

    @classmethod
    def of(cls, status: os.stat_result) -> Print:
        return cls(signed(status.st_ino), signed(status.st_size), signed(status.st_mtime_ns))


@dataclass(frozen=True, slots=True)
class Move:
    """A file on its way: from where, to where below the home. No `known`: whichever has the name."""

    source: Path
    target: str
    known: Print | None = None


def done_target(home: Path, name: str, fingerprint: str, now: datetime, reserved: Container[str] = ()) -> str:
    """A free place for a file, below the home, by the day it was taken (UTC)."""
    return _free(home, f"done/{now:%Y/%m/%d}", name, fingerprint, reserved)


def failed_target(home: Path, name: str, fingerprint: str, reserved: Container[str] = ()) -> str:
    return _free(home, "failed", name, fingerprint, reserved)


def move_all(home: Path, moves: Sequence[Move]) -> list[OSError | None]:
    """Move files to their places for good; what went wrong with each, in order, or None.

    Where it is None both folders are on the disk. FileExistsError: the place is taken by
    another file. FileNotFoundError: the file has gone, or another has taken its name; that one
    is left in the inbox.
    """
    errors: list[OSError | None] = [None] * len(moves)
    copied: dict[int, Print] = {}
    for number, each in enumerate(moves):
        try:
            print_of_copied = _place(each, home / each.target)
        except OSError as error:
            errors[number] = error
        else:
            if print_of_copied is not None:
                copied[number] = print_of_copied
    # The new place first: a power cut between the two may show a file twice, but never not at all.
    _sync_folders([(home / each.target).parent for each in moves], errors)
    for number, known in copied.items():
        if errors[number] is None:
            try:
                _take_away(moves[number].source, known)
            except OSError as error:
                errors[number] = error
    _sync_folders([each.source.parent for each in moves], errors)
    return errors


def finish(source: Path, home: Path, target: str, *, known: Print | None, fingerprint: str) -> bool:
    """Whether a file that was on its way when we stopped stands at its place now, for good.

    It is `known` there by its inode, or by its content where it was copied from another file
    system; False where neither fits. Takes away what such a copy left behind.
    """
    place = home / target
    place.with_name(f".{place.name}.new").unlink(missing_ok=True)
    try:
        status = os.lstat(place)
    except FileNotFoundError:
        return False
    if not _is(place, Print.of(status), known, fingerprint):
        return False
    sync(place.parent)
    left = _leftover(source, place)
    if left is not None:
        _take_away(source, left)
        sync(source.parent)
    return True


def put_back(home: Path, name: str, inbox: Path) -> None:
    """From failed/ into the inbox again. Raises OSError, FileExistsError rather than overwrite."""
    source, place = home / "failed" / name, inbox / name
    copied = _place(Move(source, ""), place)
    sync(inbox)
    if copied is not None:
        _take_away(source, copied)
    forget_reason(home, f"failed/{name}")
    sync(source.parent)


def forget_reason(home: Path, target: str) -> None:
    """Take away what was written beside a failed file that is no longer there."""
    (home / f"{target}{ERROR_ENDING}").unlink(missing_ok=True)


def explain_failure(home: Path, target: str, *, reason: str, mend: str, now: datetime) -> None:
    """Write beside a failed file what was wrong with it and what to do: NAME.error.json."""
    place = home / f"{target}{ERROR_ENDING}"
    _make_folder(place.parent)
    said = {
        "file": PurePosixPath(target).name,
        "reason": reason,
        "what_to_do": f"{mend}; or `topicwired retry {PurePosixPath(target).name}`",
        "at": now.isoformat(timespec="seconds"),
    }
    whole.write(place, (json.dumps(said, ensure_ascii=False, indent=1) + "\n").encode())


def explanation(home: Path, name: str) -> dict[str, str]:
    """What stands beside a file of failed/: `reason`, `what_to_do` and `at`; empty where nothing can be
    read. Somebody else may have written it.
    """
    try:
        with open(home / "failed" / f"{name}{ERROR_ENDING}", "rb") as file:
            found = json.loads(file.read(_LONGEST_EXPLANATION))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {str(key): str(value) for key, value in found.items() if value is not None}


def failed_names(home: Path) -> list[str]:
    """The files in failed/, without the explanations beside them."""
    names = {path.name for path in (home / "failed").iterdir() if not path.name.startswith(".")}
    explanations = {name + ERROR_ENDING for name in names}
    return sorted(names - explanations)


def safe_name(name: str) -> str:
    """A name without folders that every file system takes, as like the given one as may be."""
    last = name.rpartition("/")[2]
    printable = "".join(c if c.isprintable() and c not in '\\:*?"<>|' else "_" for c in last)
    plain = printable.encode("utf-8", "replace").decode("utf-8").lstrip(".") or "article"
    stem, dot, ending = plain.rpartition(".")
    if not dot or len(ending) > 10:
        stem, ending = plain, ""
    room = _LONGEST_NAME - len(ending.encode()) - 1
    stem = stem.encode()[:room].decode("utf-8", "ignore") or "article"
    return f"{stem}.{ending}" if ending else stem


def _free(home: Path, folder: str, name: str, fingerprint: str, reserved: Container[str]) -> str:
    """`name`, with a mark of its content if that is taken, and a number if that is taken too."""
    plain = safe_name(name)
    stem, dot, ending = plain.rpartition(".")
    if not dot:
        stem, ending = plain, ""
    tail = f".{ending}" if ending else ""
    marks = ["", f"-{fingerprint[:8]}"] if fingerprint else [""]
    number = 1
    while True:
        mark = marks.pop(0) if marks else f"-{fingerprint[:8]}-{(number := number + 1)}"
        target = f"{folder}/{stem}{mark}{tail}"
        taken = (os.path.lexists(home / name) for name in (target, target + ERROR_ENDING))
        if target not in reserved and not any(taken):
            return target


def _place(each: Move, place: Path) -> Print | None:
    """Put a file at its place. The print of the source where that was a copy, and it still stands."""
    _make_folder(place.parent)
    try:
        _rename(each.source, place)
    except FileExistsError:
        return _must_be_leftover(each.source, place)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return _must_be_leftover(each.source, place) if os.path.lexists(place) else _copy(each, place)
    if each.known is not None:
        status = os.lstat(place)
        if signed(status.st_ino) != each.known.inode or not stat.S_ISREG(status.st_mode):
            _give_back(place, each.source)
            raise _replaced(each.source)
    return None


def _rename(source: Path, place: Path) -> None:
    """rename(2) that never overwrites: FileExistsError instead."""
    if _renameat2 is not None:
        if _renameat2(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(place), _NO_REPLACE) == 0:
            return
        number = ctypes.get_errno()
        if number not in _CANNOT_RENAME:
            raise OSError(number, os.strerror(number), str(source), None, str(place))
    os.link(source, place, follow_symlinks=False)
    try:
        _take_away(source, Print.of(os.lstat(place)))
    except OSError:
        os.unlink(place)
        raise


def _take_away(source: Path, known: Print) -> None:
    """Remove the old name of a file, unless another file has it meanwhile or it was written to."""
    try:
        if Print.of(os.lstat(source)) == known:
            os.unlink(source)
    except FileNotFoundError:
        pass  # somebody else did


def _give_back(place: Path, source: Path) -> None:
    """A file that took the name of the one we meant goes back to the inbox, under a free name."""
    number = 1
    name = source
    while True:
        try:
            _rename(place, name)
        except FileExistsError:
            number += 1
            name = source.with_name(f"{source.stem}-{number}{source.suffix}")
        else:
            return


def _replaced(source: Path) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, "another file has taken its name", str(source))


def _is(place: Path, found: Print, known: Print | None, fingerprint: str) -> bool:
    if known is not None and found.inode == known.inode:
        return True
    if fingerprint:
        return _fingerprint(place) == fingerprint
    return known is not None and (found.size, found.modified) == (known.size, known.modified)


def _leftover(source: Path, place: Path) -> Print | None:
    """The print of a source whose move got as far as the new place, so that only its name is left over."""
    try:
        old, new = os.lstat(source), os.lstat(place)
    except FileNotFoundError:
        return None
    same = os.path.samestat(old, new)
    if not same and old.st_dev != new.st_dev and old.st_size == new.st_size:
        same = _fingerprint(source) == _fingerprint(place)
    return Print.of(old) if same else None


def _must_be_leftover(source: Path, place: Path) -> Print:
    left = _leftover(source, place)
    if left is None:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(place))
    return left


def _fingerprint(path: Path) -> str:
    with _opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _opened(path: Path) -> BufferedReader:
    """A regular file to read. Never follows a link, waits for a pipe or opens a device."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise _replaced(path)
    return open(handle, "rb")


def _copy(each: Move, place: Path) -> Print:
    """To another file system: whole and on the disk before it has its name."""
    fresh = place.with_name(f".{place.name}.new")
    try:
        with _opened(each.source) as old, fresh.open("wb") as new:
            found = Print.of(os.fstat(old.fileno()))
            if each.known not in (None, found):
                raise _replaced(each.source)
            if found.size > _LARGEST_COPY:
                raise OSError(errno.EXDEV, "too large to copy to another disk", str(each.source))
            shutil.copyfileobj(old, new)
            new.flush()
            os.fsync(new.fileno())
            os.utime(new.fileno(), ns=(found.modified, found.modified))
        _rename(fresh, place)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    return found


def _make_folder(folder: Path) -> None:
    """With the folders above it; each new one is on the disk when this returns."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    try:
        folder.mkdir()
    except FileExistsError:
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)) from None
        return
    sync(folder.parent)


def _sync_folders(folders: Iterable[Path], errors: list[OSError | None]) -> None:
    """Put each folder on the disk once; one that cannot be is an error of all its files."""
    synced: dict[Path, OSError | None] = {}
    for number, folder in enumerate(folders):
        if errors[number] is not None:
            continue
        if folder not in synced:
            synced[folder] = None
            try:
                sync(folder)
            except FileNotFoundError:
                pass  # a sub-folder of the inbox that was taken away since: nothing is left to sync
            except OSError as error:
                synced[folder] = error
        errors[number] = synced[folder]


_renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
