"""The inbox: which files in the folder are ready to be taken.

Events only wake; the folder itself is the truth. A file is ready when its inode, size and both
its times have stood still for the settle time: nobody is still writing it.
"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from daemon.backoff import Backoff

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 500

# What rsync, editors, browsers and desktops write beside or before the real file.
_IGNORED_ENDINGS = (
    ".part", ".partial", ".tmp", ".temp", ".filepart", ".crdownload", ".download", ".swp", ".swx", "~",
)  # fmt: skip
_IGNORED_NAMES = frozenset(
    {"4913", "desktop.ini", "thumbs.db", "@eadir", "__macosx", "lost+found", "$recycle.bin"}
)
_WAKING = frozenset({"created", "modified", "moved", "closed"})


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells one state of a file from another."""

    inode: int
    size: int
    modified: int  # ns
    changed: int  # ns

    @classmethod
    def of(cls, status: os.stat_result) -> Stamp:
        return cls(status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file in the inbox as it stood at the last look. `name` is its path below the inbox."""

    path: Path
    name: str
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the folder found.

    `settling`: files that have not stood still long enough; `put_off`: files that could not be
    taken and will be tried again. `next_in`: seconds until one of them may become ready.
    """

    ready: tuple[Candidate, ...]
    settling: int
    put_off: int
    next_in: float | None


@dataclass(slots=True)
class _Seen:
    stamp: Stamp
    since: float
    failures: int = 0
    not_before: float = 0.0


class Inbox:
    """Remembers since when each file has stood still; only in memory, so a restart settles anew."""

    def __init__(self, folder: Path, settle: float) -> None:
        self.folder = folder
        self._settle = settle
        self._seen: dict[str, _Seen] = {}
        self._odd: set[str] = set()
        self._rest = Backoff(first=2.0, ceiling=300.0)

    def look(self, now: float) -> Look:
        """Read the folder at monotonic time `now`. Oldest files first. OSError if it is gone."""
        seen: dict[str, _Seen] = {}
        ready: list[Candidate] = []
        soonest: float | None = None
        for candidate in files_below(self.folder, self._leave_alone):
            before = self._seen.get(candidate.name)
            known = before if before and before.stamp == candidate.stamp else None
            seen[candidate.name] = known or _Seen(candidate.stamp, now)
            left = self._seconds_left(seen[candidate.name], now)
            if left <= 0:
                ready.append(candidate)
            else:
                soonest = left if soonest is None else min(soonest, left)
        self._seen = seen
        ready.sort(key=lambda candidate: (candidate.stamp.changed, candidate.name))
        put_off = sum(found.not_before > now for found in seen.values())
        settling = len(seen) - len(ready) - put_off
        return Look(tuple(ready[:MOST_AT_ONCE]), settling, put_off, soonest)

    def put_off(self, candidate: Candidate, now: float) -> float:
        """Taking it failed and may succeed later; returns in how many seconds we try again."""
        found = self._seen.setdefault(candidate.name, _Seen(candidate.stamp, now))
        found.failures += 1
        wait = self._rest.delay(found.failures)
        found.not_before = now + wait
        return wait

    def _seconds_left(self, seen: _Seen, now: float) -> float:
        return max(seen.since + self._settle, seen.not_before) - now

    def _leave_alone(self, name: str) -> None:
        if name not in self._odd:
            self._odd.add(name)
            logger.warning("left alone: not a regular file", extra={"file": printable(name)})


class Watch:
    """Calls `wake` when something happens in the inbox. A hint, never the truth.

    Watches anew when the folder has been replaced or the observer has died.
    """

    def __init__(self, folder: Path, wake: Callable[[], None]) -> None:
        self._folder = folder
        self._handler = _Waker(wake)
        self._observer: BaseObserver | None = None
        self._identity: tuple[int, int] | None = None

    def ensure(self) -> None:
        """Watch the folder that stands there now. OSError where there is none."""
        status = self._folder.stat()
        identity = (status.st_dev, status.st_ino)
        if self._is_watching() and identity == self._identity:
            return
        self.stop()
        observer = Observer()
        observer.schedule(self._handler, str(self._folder), recursive=True)
        observer.start()
        self._observer, self._identity = observer, identity

    def _is_watching(self) -> bool:
        # When the folder goes, the observer lives on and only its emitter dies.
        observer = self._observer
        return (
            observer is not None
            and observer.is_alive()
            and all(emitter.is_alive() for emitter in observer.emitters)
        )

    def stop(self) -> None:
        if self._observer is not None and self._observer.is_alive():
            self._observer.stop()
            self._observer.join(5.0)
        self._observer = None


class _Waker(FileSystemEventHandler):
    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def on_any_event(self, event: FileSystemEvent) -> None:
        # Our own reading opens and closes files; woken by that we would never sleep.
        if event.event_type in _WAKING:
            self._wake()


def files_below(folder: Path, odd: Callable[[str], None] = lambda name: None) -> Iterator[Candidate]:
    """The files of an inbox and its sub-folders; `odd` hears of what is not a regular file.

    OSError where the folder itself cannot be read; what cannot be seen inside is left out.
    """
    waiting = [(str(folder), "")]
    with os.scandir(folder):
        pass  # a missing folder is an error, a missing sub-folder has just gone
    while waiting:
        path, prefix = waiting.pop()
        try:
            entries = list(os.scandir(path))
        except OSError:
            continue
        for entry in entries:
            name = prefix + entry.name
            if is_ignored(entry.name) or name == "tmp":
                continue
            try:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((entry.path, name + "/"))
                    continue
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue  # gone since the folder was read, or not for us to see
            if stat.S_ISREG(status.st_mode):
                yield Candidate(Path(entry.path), name, Stamp.of(status))
            else:
                odd(name)


def is_ignored(name: str) -> bool:
    """Whether a name is one that programs use for what is not an article, or not yet."""
    lower = name.lower()
    return lower.startswith(".") or lower.endswith(_IGNORED_ENDINGS) or lower in _IGNORED_NAMES


def printable(name: str) -> str:
    """A file's name as text that any ledger, log and terminal can take; readable, not reversible."""
    decoded = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in decoded)
