"""Late growth: files that somebody went on writing to after they were taken.

A file keeps its inode when it moves to done/, so a writer who held it open, or holds another
name of it, writes on there. Such files are found by looking, for a day.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from daemon import clock, ledger
from daemon.database import Database
from daemon.inbox import Stamp
from daemon.records import FileRecord, FileState

_PAGE = 1000
_PLACED = (FileState.DONE, FileState.FAILED)
_SHORT, _LONG = timedelta(minutes=10), timedelta(hours=24)
_FIRST, _SHORT_EVERY, _LONG_EVERY = 5.0, 30.0, 600.0  # seconds


@dataclass(frozen=True, slots=True)
class Grown:
    """A file that is no longer what was taken, and has stood still since; no `stamp`: one of failed/
    that is there no more.
    """

    file: FileRecord
    path: Path
    stamp: Stamp | None


class Growth:
    """Looks at the files of the last ten minutes every half minute, at those of a day every ten minutes."""

    def __init__(self, home: Path, database: Database, settle: float, daemon: str = "") -> None:
        self._home = home
        self._daemon = daemon
        self._database = database
        self._settle = settle
        self._short_at = self._long_at = clock.monotonic() + _FIRST
        self._growing: dict[int, tuple[FileRecord, Stamp, float]] = {}

    def look(self, now: float) -> list[Grown]:
        """Files that grew and then stood still for the settle time, at monotonic time `now`."""
        left: list[Grown] = []
        for file in self._due(now):
            stamp = self._changed(file)
            if stamp is not None and file.id not in self._growing:
                self._growing[file.id] = (file, stamp, now)
            if file.state is FileState.FAILED and _has_left(self._path(file)):
                left.append(Grown(file, self._path(file), None))
        grown = (self._settled(each, now) for each in list(self._growing))
        return left + [each for each in grown if each]

    def next_in(self, now: float) -> float:
        """Seconds until a look may find something."""
        waits = [self._short_at - now]
        waits += [since + self._settle - now for _, _, since in self._growing.values()]
        return max(0.0, min(waits))

    def _due(self, now: float) -> Iterator[FileRecord]:
        if now >= self._long_at:
            self._long_at, self._short_at = now + _LONG_EVERY, now + _SHORT_EVERY
            yield from self._files(_LONG)
        elif now >= self._short_at:
            self._short_at = now + _SHORT_EVERY
            yield from self._files(_SHORT)

    def _files(self, age: timedelta) -> Iterator[FileRecord]:
        """In pages, each in a reading of its own: memory and the ledger's log stay small."""
        with self._database.reading() as connection:
            after = ledger.last_before(connection, clock.now() - age)
        while after is not None:
            with self._database.reading() as connection:
                page = ledger.files_after(connection, after=after, most=_PAGE, daemon=self._daemon)
            yield from (file for file in page if file.state in _PLACED and file.inode is not None)
            after = page[-1].id if len(page) == _PAGE else None

    def _settled(self, identity: int, now: float) -> Grown | None:
        file, before, since = self._growing[identity]
        stamp = self._changed(file)
        if stamp is None:
            del self._growing[identity]
            return None
        if stamp != before:
            self._growing[identity] = (file, stamp, now)
            return None
        if now - since < self._settle:
            return None
        del self._growing[identity]
        return Grown(file, self._path(file), stamp)

    def _path(self, file: FileRecord) -> Path:
        return self._home / (file.target or "")

    def _changed(self, file: FileRecord) -> Stamp | None:
        """The stamp of a file that is the one we took and not as we took it."""
        try:
            stamp = Stamp.of(os.lstat(self._path(file)))
        except OSError:
            return None  # taken away from done/, which is its owner's right
        if stamp.inode != file.inode or (stamp.size, stamp.modified) == (file.size, file.modified):
            return None
        return stamp


def _has_left(path: Path) -> bool:
    """Whether a file is there no more; not so where its whole folder is away."""
    return not os.path.lexists(path) and path.parent.is_dir()
