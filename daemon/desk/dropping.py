"""Dropping: what a program sends goes into the inbox as any other file does, whole or not at all.

A file's name carries a mark of its content, so that it can be found there until it is taken.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Connection, text

from daemon import inbox, shelves
from daemon.config import Settings
from daemon.database import plainly
from daemon.errors import DaemonError
from daemon.records import FileState
from daemon.shelves import Move, safe_name

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_MARK = 8  # characters of a fingerprint
_LONGEST_STEM = 150  # bytes
_MOST_NAMES = 100
_AT_ONCE = 2**20  # bytes
_UNFINISHED = ".desk-"  # how a file is called until it is whole
_FORGOTTEN = 3600.0  # seconds after which a file that is not finished will never be
_MOST_ARTICLES = 1000

_LAST = text(
    """
    SELECT id, name, state, reason, mend, left_out, duplicate_of, repeats
    FROM files
    WHERE fingerprint = :fingerprint
    ORDER BY id DESC
    LIMIT 1
    """
)
_ARTICLES = text(
    """
    SELECT fingerprint
    FROM articles
    WHERE file_id = :file
    ORDER BY position
    LIMIT :most
    """
)


class NoInboxError(DaemonError):
    """There is no inbox to put anything into, or nothing may be put there, for now."""


class FullError(DaemonError):
    """There is no room left on the disk."""


class Fate(StrEnum):
    """What became of a file: it waits in the inbox, was taken, could not be read, or brought nothing that
    had not been there before.
    """

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class Dropped:
    """A file in the inbox: its name there, and sha256 of its bytes."""

    name: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What became of a file. `articles` are fingerprints: of a duplicate those that the first one brought."""

    fate: Fate
    name: str
    reason: str | None = None
    mend: str | None = None
    left_out: tuple[str, ...] = ()
    articles: tuple[str, ...] = ()


def drop(settings: Settings, name: str, content: BinaryIO) -> Dropped:
    """Put a file into the inbox. When this returns it is on the disk and has its name; before, it has none
    that anybody looks at. Nothing is overwritten: the same bytes under the same name wait there once.

    Raises NoInboxError and FullError; nothing is left behind then.
    """
    try:
        _must_be_there(settings)
        folder = _workshop(settings.inbox)
        _sweep(folder)
        fresh = folder / f"{_UNFINISHED}{secrets.token_hex(8)}"
        try:
            fingerprint = _written(content, fresh)
            placed = _place(settings.inbox, fresh, name, fingerprint)
        except BaseException:
            with suppress(OSError):
                fresh.unlink(missing_ok=True)
            raise
        return Dropped(placed, fingerprint)
    except OSError as error:
        kind = FullError if error.errno in _FULL else NoInboxError
        raise kind(f"nothing was taken: {plainly(error)}") from error


def whereabouts(settings: Settings, connection: Connection, fingerprint: str) -> Whereabouts | None:
    """What became of the file with these bytes; None where neither inbox nor ledger knows of any.

    `connection` must not have read yet: what leaves the inbox stands in the ledger before it does.
    """
    waiting = _standing(settings.inbox, fingerprint)
    if waiting is not None:
        return Whereabouts(Fate.WAITING, waiting)
    row = connection.execute(_LAST, {"fingerprint": fingerprint}).one_or_none()
    if row is None:
        return _unopened(settings.home, fingerprint)
    if row.state == FileState.RETRIED:
        return Whereabouts(Fate.WAITING, row.name)
    if row.reason is not None:
        return Whereabouts(Fate.FAILED, row.name, row.reason, row.mend)
    asked = {"file": row.duplicate_of or row.id, "most": _MOST_ARTICLES}
    articles = tuple(connection.execute(_ARTICLES, asked).scalars())
    is_first = row.duplicate_of is None and not row.repeats and articles
    left_out = tuple(row.left_out.split("\n")) if row.left_out else ()
    fate = Fate.DONE if is_first else Fate.DUPLICATE
    return Whereabouts(fate, row.name, left_out=left_out, articles=articles)


def marked_name(name: str, fingerprint: str, number: int = 1) -> str:
    """A name that the inbox takes, as like the given one as may be, with a mark of the content."""
    plain = safe_name(name)
    if inbox.is_ignored(plain):
        plain += ".txt"
    stem, dot, ending = plain.rpartition(".")
    if not dot:
        stem, ending = plain, ""
    stem = stem.encode()[:_LONGEST_STEM].decode("utf-8", "ignore")
    mark = f"-{fingerprint[:_MARK]}" + (f"-{number}" if number > 1 else "")
    return f"{stem}{mark}.{ending}" if ending else f"{stem}{mark}"


def _must_be_there(settings: Settings) -> None:
    mount = settings.mount_point
    if mount is not None and not mount.is_mount():
        raise NoInboxError("nothing was taken: nothing is mounted where the inbox should be")
    if not settings.inbox.is_dir():
        raise NoInboxError("nothing was taken: the inbox is missing")


def _workshop(folder: Path) -> Path:
    """What comes by rename from tmp/ is known to be whole, and taken at once."""
    place = folder / inbox.TMP
    with suppress(FileExistsError):
        place.mkdir()
    return place if stat.S_ISDIR(os.lstat(place).st_mode) else folder


def _sweep(folder: Path) -> None:
    """Take away what was not finished when a desk was killed."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(_UNFINISHED):
                with suppress(OSError):
                    if time.time() - entry.stat(follow_symlinks=False).st_mtime > _FORGOTTEN:
                        os.unlink(entry)


def _written(content: BinaryIO, fresh: Path) -> str:
    """Write to a file of its own, on the disk when this returns; its fingerprint."""
    sha256 = hashlib.sha256()
    handle = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    with open(handle, "wb") as file:
        while part := content.read(_AT_ONCE):
            sha256.update(part)
            file.write(part)
        file.flush()
        os.fsync(file.fileno())
    return sha256.hexdigest()


def _place(folder: Path, fresh: Path, name: str, fingerprint: str) -> str:
    for number in range(1, _MOST_NAMES + 1):
        marked = marked_name(name, fingerprint, number)
        (error,) = shelves.move_all(folder, [Move(fresh, marked)])
        if error is None:
            return marked
        if not isinstance(error, FileExistsError):
            raise error
        if _fingerprint(folder / marked) == fingerprint:
            fresh.unlink(missing_ok=True)
            return marked
    raise NoInboxError("nothing was taken: too many files of this name wait in the inbox")


def _standing(folder: Path, fingerprint: str) -> str | None:
    """The name of a file of these bytes that we put into the inbox, while it stands there."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if f"-{fingerprint[:_MARK]}" in entry.name and _fingerprint(Path(entry)) == fingerprint:
                return entry.name
    return None


def _unopened(home: Path, fingerprint: str) -> Whereabouts | None:
    """A file in failed/ that was not opened any more, because the process had died over it."""
    for name in _failed(home):
        place = home / "failed" / name
        if f"-{fingerprint[:_MARK]}" in name and _fingerprint(place) == fingerprint:
            said = shelves.explanation(home, name)
            return Whereabouts(Fate.FAILED, name, said.get("reason"), said.get("what_to_do"))
    return None


def _failed(home: Path) -> Iterator[str]:
    with suppress(OSError):
        yield from shelves.failed_names(home)


def _fingerprint(path: Path) -> str | None:
    """None where it has gone, or is no regular file."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with open(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return None
        return hashlib.file_digest(file, "sha256").hexdigest()
