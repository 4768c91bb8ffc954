"""Where files go when they leave the inbox: done/YYYY/MM/DD/ and failed/. Nothing is overwritten."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

ERROR_ENDING = ".error.json"

_LONGEST_NAME = 200  # bytes; a file system takes 255, and marks are added
_NO_REPLACE = 1  # RENAME_NOREPLACE, rename(2)
_AT_FDCWD = -100
# What file systems and kernels without renameat2 say.
_CANNOT_RENAME = frozenset({errno.EINVAL, errno.ENOSYS, errno.EPERM, errno.EOPNOTSUPP})


@dataclass(frozen=True, slots=True)
class Move:
    """A file on its way: from where, to where below the home. `inode` tells it from another
    file that took its name meanwhile.
    """

    source: Path
    target: str
    inode: int | None = None


def done_target(home: Path, name: str, fingerprint: str, now: datetime) -> str:
    """A free place for a file, below the home, by the day it was taken (UTC)."""
    return _free(home, f"done/{now:%Y/%m/%d}", name, fingerprint)


def failed_target(home: Path, name: str, fingerprint: str) -> str:
    return _free(home, "failed", name, fingerprint)


def move(source: Path, home: Path, target: str, inode: int | None = None) -> None:
    """Move one file for good, as `move_all` does; raises the OSError instead."""
    [error] = move_all(home, [Move(source, target, inode)])
    if error is not None:
        raise error


def move_all(home: Path, moves: Sequence[Move]) -> list[OSError | None]:
    """Move files to their places for good; what went wrong with each, in order, or None.

    Where it is None both folders are on the disk. FileExistsError: the place is taken by
    another file. FileNotFoundError: the file has gone, or another has taken its name; that one
    is left in the inbox.
    """
    errors: list[OSError | None] = [None] * len(moves)
    copied: list[int] = []
    for number, each in enumerate(moves):
        try:
            if _place(each, home / each.target):
                copied.append(number)
        except OSError as error:
            errors[number] = error
    # The new place first: a power cut between the two may show a file twice, but never not at all.
    _sync_folders(moves, [(home / each.target).parent for each in moves], errors)
    for number in copied:
        if errors[number] is None:
            try:
                os.unlink(moves[number].source)
            except OSError as error:
                errors[number] = error
    _sync_folders(moves, [each.source.parent for each in moves], errors)
    return errors


def finish(source: Path, home: Path, target: str) -> bool:
    """Whether a file that was on its way when we stopped stands at its place now, for good.

    False where it is not there. Takes away what a move between file systems left behind.
    """
    place = home / target
    if not os.path.lexists(place):
        return False
    place.with_name(f".{place.name}.new").unlink(missing_ok=True)
    _sync(place.parent)
    if _same_content(source, place):
        os.unlink(source)
        _sync(source.parent)
    return True


def put_back(home: Path, name: str, inbox: Path) -> None:
    """From failed/ into the inbox again. Raises OSError, FileExistsError rather than overwrite."""
    source = home / "failed" / name
    _rename(source, inbox / name)
    source.with_name(name + ERROR_ENDING).unlink(missing_ok=True)
    _sync(inbox)
    _sync(source.parent)


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
    fresh = place.with_name(f".{place.name}.new")
    fresh.write_text(json.dumps(said, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    os.replace(fresh, place)


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


def _free(home: Path, folder: str, name: str, fingerprint: str) -> str:
    """`name`, with a mark of its content if that is taken, and a number if that is taken too."""
    plain = safe_name(name)
    stem, dot, ending = plain.rpartition(".")
    if not dot:
        stem, ending = plain, ""
    tail = f".{ending}" if ending else ""
    marks = ["", f"-{fingerprint[:8]}"]
    number = 1
    while True:
        mark = marks.pop(0) if marks else f"-{fingerprint[:8]}-{(number := number + 1)}"
        target = f"{folder}/{stem}{mark}{tail}"
        taken = (os.path.lexists(home / name) for name in (target, target + ERROR_ENDING))
        if not any(taken):
            return target


def _place(each: Move, place: Path) -> bool:
    """Put a file at its place; True where that was a copy and the source still stands."""
    _make_folder(place.parent)
    try:
        _rename(each.source, place)
    except FileExistsError:
        if not _same_content(each.source, place):
            raise
        return True
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy(each, place)
        return True
    if each.inode not in (None, os.lstat(place).st_ino):
        _give_back(place, each.source)
        raise _replaced(each.source)
    return False


def _rename(source: Path, place: Path) -> None:
    """rename(2) that never overwrites: FileExistsError instead."""
    if _renameat2 is not None:
        if _renameat2(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(place), _NO_REPLACE) == 0:
            return
        number = ctypes.get_errno()
        if number not in _CANNOT_RENAME:
            raise OSError(number, os.strerror(number), str(source), None, str(place))
    os.link(source, place, follow_symlinks=False)
    os.unlink(source)


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


def _same_content(source: Path, place: Path) -> bool:
    """Whether an earlier move got as far as the new place, and only the old name is left over."""
    try:
        old, new = os.lstat(source), os.lstat(place)
    except FileNotFoundError:
        return False
    if os.path.samestat(old, new):
        return True
    if old.st_size != new.st_size or old.st_dev == new.st_dev:
        return False
    with source.open("rb") as left, place.open("rb") as right:
        while block := left.read(1 << 20):
            if block != right.read(1 << 20):
                return False
        return not right.read(1)


def _copy(each: Move, place: Path) -> None:
    """To another file system: whole and on the disk before it has its name."""
    fresh = place.with_name(f".{place.name}.new")
    try:
        with each.source.open("rb") as old, fresh.open("wb") as new:
            if each.inode not in (None, os.fstat(old.fileno()).st_ino):
                raise _replaced(each.source)
            shutil.copyfileobj(old, new)
            new.flush()
            os.fsync(new.fileno())
        shutil.copystat(each.source, fresh)
        _rename(fresh, place)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def _make_folder(folder: Path) -> None:
    """With the folders above it; each new one is on the disk when this returns."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    try:
        folder.mkdir()
    except FileExistsError:
        return
    _sync(folder.parent)


def _sync_folders(moves: Sequence[Move], folders: Iterable[Path], errors: list[OSError | None]) -> None:
    """Put each folder on the disk once; one that cannot be is an error of all its files."""
    synced: dict[Path, OSError | None] = {}
    for number, folder in enumerate(folders):
        if errors[number] is not None:
            continue
        if folder not in synced:
            synced[folder] = None
            try:
                _sync(folder)
            except FileNotFoundError:
                pass  # a sub-folder of the inbox that was taken away since: nothing is left to sync
            except OSError as error:
                synced[folder] = error
        errors[number] = synced[folder]


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


_renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
