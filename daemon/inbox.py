"""The inbox: which files in the folder are ready to be taken.

Events only wake; the folder itself is the truth. A file is ready when its inode, size and both
its times have stood still for the settle time: nobody is still writing it.
"""

from __future__ import annotations

import fcntl
import heapq
import logging
import os
import signal
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from watchdog.events import (
    FileClosedEvent,
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from daemon import clock
from daemon.backoff import Backoff
from daemon.records import signed

logger = logging.getLogger(__name__)

TMP = "tmp"  # the sub-folder to write in before renaming into the inbox

# As many files as one look remembers: memory stays bounded whatever is dropped.
_WINDOW = 10_000
_MOST_VOUCHED, _VOUCHED_FOR = 10_000, 60.0  # names, and seconds
_LONGEST_OPEN = 600.0  # seconds that we wait for a writer who holds a file open and writes nothing
_WATCH_AGAIN = 60.0  # seconds between tries to watch where the system refused

# What rsync, editors, browsers and desktops write beside or before the real file.
_IGNORED_ENDINGS = (
    ".part", ".partial", ".tmp", ".temp", ".filepart", ".crdownload", ".download", ".swp", ".swx", "~",
)  # fmt: skip
_IGNORED_NAMES = frozenset(
    {"4913", "desktop.ini", "thumbs.db", "@eadir", "__macosx", "lost+found", "$recycle.bin"}
)
# Our own reading opens and closes files without writing; woken by that we would never sleep.
_WAKING: list[type[FileSystemEvent]] = [FileCreatedEvent, FileModifiedEvent, FileMovedEvent, FileClosedEvent]
_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells one state of a file from another."""

    inode: int
    size: int
    modified: int  # ns
    changed: int  # ns

    @classmethod
    def of(cls, status: os.stat_result) -> Stamp:
        numbers = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        return cls(*(signed(number) for number in numbers))

    def __str__(self) -> str:
        return f"{self.inode}:{self.size}:{self.modified}:{self.changed}"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file in the inbox as it stood at the last look. `name` is its path below the inbox.

    `blocks` are the 512-byte blocks it holds on the disk.
    """

    inbox: Path
    name: str
    stamp: Stamp
    blocks: int = 0

    @property
    def path(self) -> Path:
        return self.inbox / self.name

    @property
    def identity(self) -> tuple[str, str]:
        """The file as it is now: one that is written to is another."""
        return self.name, str(self.stamp)

    @property
    def is_sparse(self) -> bool:
        """Whether it claims to be large and holds next to nothing."""
        return self.stamp.size > _SPARSE_FROM and self.blocks * 512 * 100 < self.stamp.size


_SPARSE_FROM = 16 * 2**20  # bytes; smaller ones may just be well compressed by their file system


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
class _Rest:
    stamp: Stamp
    failures: int
    not_before: float
    is_written: bool = False


class Inbox:
    """Remembers since when each file has stood still; only in memory, so a restart settles anew.

    `suspects`: how often the process died over which file, by name and stamp, 0 where it may have
    been another; those come last, so that the others are taken even if it dies again.
    """

    def __init__(self, folder: Path, settle: float) -> None:
        self.folder = folder
        self.suspects: dict[tuple[str, str], int] = {}
        self._settle = settle
        self._since: dict[str, tuple[Stamp, float]] = {}
        self._rests: dict[str, _Rest] = {}
        self._odd: dict[str, str] = {}
        self._vouched: dict[str, tuple[int, float]] = {}
        self._lock = Lock()
        self._backoff = Backoff(first=2.0, ceiling=300.0)

    def look(self, now: float) -> Look:
        """Read the folder at monotonic time `now`. Oldest files first. OSError if it is gone."""
        odd: dict[str, str] = {}
        resting: dict[str, _Rest] = {}
        since: dict[str, tuple[Stamp, float]] = {}
        found = files_below(self.folder, odd.__setitem__)
        oldest = heapq.nsmallest(
            _WINDOW,
            (candidate for candidate in found if not self._rests_still(candidate, resting, since, now)),
            key=lambda candidate: (candidate.stamp.changed, candidate.name),
        )
        waits = [rest.not_before - now for rest in resting.values() if rest.not_before > now]
        ready: list[Candidate] = []
        for candidate in oldest:
            since[candidate.name] = self._still_since(candidate, now)
            left = since[candidate.name][1] + self._settle - now
            if left <= 0:
                ready.append(candidate)
            else:
                waits.append(left)
        self._since, self._rests = since, resting
        self._say_odd(odd)
        ready.sort(key=lambda candidate: (self.is_suspect(candidate), self.deaths(candidate)))
        written = sum(rest.is_written for rest in resting.values())
        put_off = sum(rest.not_before > now and not rest.is_written for rest in resting.values())
        settling = len(oldest) - len(ready) + written
        return Look(tuple(ready), settling, put_off, min(waits, default=None))

    def put_off(self, candidate: Candidate, now: float) -> float:
        """Taking it failed and may succeed later; returns in how many seconds we try again."""
        rest = self._rests.get(candidate.name)
        failures = 1 + (rest.failures if rest and rest.stamp == candidate.stamp else 0)
        wait = self._backoff.delay(failures)
        self._rests[candidate.name] = _Rest(candidate.stamp, failures, now + wait)
        return wait

    def deaths(self, candidate: Candidate) -> int:
        """How often the process died with this file in hand."""
        return self.suspects.get(candidate.identity, 0) if self.suspects else 0

    def is_suspect(self, candidate: Candidate) -> bool:
        """Whether the process died with this file in hand, perhaps as one of several."""
        return bool(self.suspects) and candidate.identity in self.suspects

    def vouch(self, name: str) -> None:
        """A file came by rename from our own tmp/: it is whole, and need not settle."""
        try:
            inode = Stamp.of(os.lstat(self.folder / name)).inode
        except OSError:
            return
        with self._lock:
            if len(self._vouched) >= _MOST_VOUCHED:
                self._vouched.clear()
            self._vouched[name] = (inode, clock.monotonic())

    def is_being_written(self, candidate: Candidate, now: float) -> bool:
        """Whether somebody on this machine still holds the file open for writing.

        If so it is left for a second; after ten minutes without a change it is believed to be
        whole. False as well where the system does not tell.
        """
        still = now - self._since.get(candidate.name, (candidate.stamp, now))[1]
        if still >= _LONGEST_OPEN or candidate.is_sparse or not _has_writer(candidate.path):
            return False
        self._rests[candidate.name] = _Rest(candidate.stamp, 0, now + 1.0, is_written=True)
        return True

    def _rests_still(
        self,
        candidate: Candidate,
        resting: dict[str, _Rest],
        since: dict[str, tuple[Stamp, float]],
        now: float,
    ) -> bool:
        """Whether a file is left alone for now; what we remember of it is carried over."""
        rest = self._rests.get(candidate.name)
        if rest is None or rest.stamp != candidate.stamp:
            return False
        resting[candidate.name] = rest
        if rest.not_before <= now:
            return False
        if candidate.name in self._since:
            since[candidate.name] = self._since[candidate.name]
        return True

    def _still_since(self, candidate: Candidate, now: float) -> tuple[Stamp, float]:
        with self._lock:
            inode, at = self._vouched.pop(candidate.name, (None, 0.0))
        if inode == candidate.stamp.inode and now - at < _VOUCHED_FOR:
            return candidate.stamp, now - self._settle
        before = self._since.get(candidate.name)
        return before if before is not None and before[0] == candidate.stamp else (candidate.stamp, now)

    def _say_odd(self, odd: dict[str, str]) -> None:
        for name, what in odd.items():
            if name not in self._odd:
                logger.warning("left alone in the inbox", extra={"file": printable(name), "is": what})
        self._odd = odd


class Watch:
    """Calls `wake` when something happens in the inbox. A hint, never the truth.

    Watches anew when the folder has been replaced or the observer has died, and goes without
    where the system does not let us watch.
    """

    def __init__(
        self,
        folder: Path,
        wake: Callable[[], None],
        vouch: Callable[[str], None] = lambda name: None,
    ) -> None:
        self._folder = folder
        self._handler = _Waker(folder, wake, vouch)
        self._observer: BaseObserver | None = None
        self._identity: tuple[int, int] | None = None
        self._refused: str | None = None
        self._not_before = float("-inf")

    def ensure(self) -> None:
        """Watch the folder that stands there now. FileNotFoundError where there is none."""
        status = self._folder.stat()
        identity = (status.st_dev, status.st_ino)
        if self._is_watching() and identity == self._identity:
            return
        if self._identity not in (None, identity):
            logger.warning("the inbox is another folder than before", extra={"inbox": str(self._folder)})
            self._not_before = float("-inf")
        self._identity = identity
        if clock.monotonic() >= self._not_before:
            self._start()

    def _start(self) -> None:
        self.stop()
        observer: BaseObserver | None = None
        try:
            observer = Observer()
            observer.schedule(self._handler, str(self._folder), recursive=True, event_filter=_WAKING)
            observer.start()
        except OSError as error:
            # The limit on watches or instances, say. The looks go on without them.
            _end(observer)
            self._not_before = clock.monotonic() + _WATCH_AGAIN
            if str(error) != self._refused:
                logger.warning("inbox is looked at without events", extra={"error": str(error)})
            self._refused = str(error)
            return
        if self._refused is not None:
            logger.info("inbox is watched again")
        self._observer, self._refused = observer, None

    def _is_watching(self) -> bool:
        # When the folder goes, the observer lives on and only its emitter dies.
        observer = self._observer
        return (
            observer is not None
            and observer.is_alive()
            and all(emitter.is_alive() for emitter in observer.emitters)
        )

    def stop(self) -> None:
        _end(self._observer)
        self._observer = None


def _end(observer: BaseObserver | None) -> None:
    """End an observer with all its threads and handles, whether it was started, or has died, or not."""
    if observer is None:
        return
    # Its threads end one after the other, and one calls it an error that the other has.
    logging.getLogger("watchdog.observers.inotify").setLevel(logging.CRITICAL)
    observer.stop()
    if observer.is_alive():
        observer.join(5.0)
    logging.getLogger("watchdog.observers.inotify").setLevel(logging.NOTSET)


class _Waker(FileSystemEventHandler):
    def __init__(self, folder: Path, wake: Callable[[], None], vouch: Callable[[str], None]) -> None:
        self._tmp = os.path.join(folder, TMP, "")
        self._folder = os.path.join(folder, "")
        self._wake = wake
        self._vouch = vouch

    def on_any_event(self, event: FileSystemEvent) -> None:
        try:
            came_from, went_to = os.fsdecode(event.src_path), os.fsdecode(event.dest_path)
            if isinstance(event, FileMovedEvent) and came_from.startswith(self._tmp):
                self._vouch(went_to.removeprefix(self._folder))
            self._wake()
        except Exception:
            # An exception here would end watchdog's thread, and all events with it (measured).
            logger.exception("an event of the inbox could not be used")


def files_below(
    folder: Path, odd: Callable[[str, str], None] = lambda name, what: None
) -> Iterator[Candidate]:
    """The files of an inbox and its sub-folders; `odd` hears of what is left alone, and why.

    OSError where the folder itself cannot be read; what cannot be seen inside is left out.
    """
    with os.scandir(folder):
        pass  # a missing folder is an error, a missing sub-folder has just gone
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        try:
            with os.scandir(os.path.join(folder, prefix)) as entries:
                for entry in entries:
                    name = prefix + entry.name
                    if is_ignored(entry.name) or name == TMP:
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(name + "/")
                        continue
                    candidate = _candidate(folder, name, entry, odd)
                    if candidate is not None:
                        yield candidate
        except FileNotFoundError:
            continue  # gone since the folder above was read
        except OSError as error:
            odd(prefix or ".", f"a folder that cannot be read: {error.strerror}")


def is_ignored(name: str) -> bool:
    """Whether a name is one that programs use for what is not an article, or not yet."""
    lower = name.lower()
    return lower.startswith(".") or lower.endswith(_IGNORED_ENDINGS) or lower in _IGNORED_NAMES


def printable(name: str) -> str:
    """A file's name as text that any ledger, log and terminal can take; readable, not reversible."""
    decoded = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in decoded)


def _candidate(
    folder: Path, name: str, entry: os.DirEntry[str], odd: Callable[[str, str], None]
) -> Candidate | None:
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None  # gone since the folder was read
    except OSError as error:
        odd(name, f"a file that cannot be seen: {error.strerror}")
        return None
    if not stat.S_ISREG(status.st_mode):
        odd(name, _KINDS.get(stat.S_IFMT(status.st_mode), "not a regular file"))
        return None
    return Candidate(folder, name, Stamp.of(status), status.st_blocks)


def _has_writer(path: Path) -> bool:
    """Whether a process of this machine has the file open for writing (fcntl(2), F_SETLEASE)."""
    # Whoever opens the file in the instant of our lease sends us SIGIO, which would end a process
    # that does not ignore it.
    if signal.getsignal(signal.SIGIO) is not signal.SIG_IGN:
        return False
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False  # reading it will say what is wrong
    try:
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False  # not our file, or a file system without leases
    finally:
        os.close(handle)
    return False
