"""The file of the index: its connections, and how it is made anew when it is damaged or gone.

Nothing in it is worth keeping: whatever is wrong with it, another one takes its place. Several processes
may have it open.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from daemon.errors import DaemonError

_BUSY_SECONDS = 10.0
_MOST_IDLE = 8  # connections
_LONGEST_LOOK = 3.0  # seconds
_BETWEEN_LOOKS = 0.5  # seconds

_DAMAGED = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB))
_OTHER_TABLES = ("no such table", "no such column", "has no column")
_REASONS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "it may not be written",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_PERM: "it may not be opened",
    sqlite3.SQLITE_BUSY: "another program has locked it",
    sqlite3.SQLITE_IOERR: "its disk fails (input/output error)",
}

Identity = tuple[int, int]


class IndexFailure(DaemonError):  # noqa: N818  said of the index as a whole
    """The index cannot be used now; the message says why."""


class TooSlowError(IndexFailure):
    """Looking this up takes longer than anybody waits."""


class _Watch:
    """A thread that breaks off what takes too long. FTS5 looks through its lists in one step of SQLite's, so
    that no progress handler is called meanwhile; an interrupt is seen at the next page that it reads.
    """

    def __init__(self) -> None:
        self._running: dict[sqlite3.Connection, float] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._ended = False

    @contextmanager
    def over(self, connection: sqlite3.Connection) -> Iterator[None]:
        with self._changed:
            self._running[connection] = time.monotonic() + _LONGEST_LOOK
            if self._thread is None:
                self._ended = False
                self._thread = threading.Thread(target=self._run, name="index-watch", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._changed:
                del self._running[connection]

    def end(self) -> None:
        with self._changed:
            self._ended, thread, self._thread = True, self._thread, None
            self._changed.notify()
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        with self._changed:
            while not self._ended:
                self._changed.wait(_BETWEEN_LOOKS)
                now = time.monotonic()
                for connection, until in self._running.items():
                    if now > until:
                        connection.interrupt()


class IndexFile:
    """Safe to share between threads. Opened when it is first used."""

    def __init__(self, path: Path, schema: int, create: str) -> None:
        self._path = path
        self._schema = schema
        self._create = create
        self._idle: list[tuple[Identity, sqlite3.Connection]] = []
        self._lock = threading.Lock()
        self._watch = _Watch()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """For statements that only read. What takes too long is broken off and raises TooSlowError."""
        with self._used() as connection, self._watch.over(connection):
            yield connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """For statements that write: kept at the end, taken back by an exception."""
        with self._used() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise

    def make_anew(self) -> None:
        """An empty file in place of the one that stands there."""
        self._replace(self._identity())

    def close(self) -> None:
        """Its connections that nobody uses, and the watch over the others."""
        self._watch.end()
        with self._lock:
            idle, self._idle = self._idle, []
        for _, connection in idle:
            connection.close()

    @contextmanager
    def _used(self) -> Iterator[sqlite3.Connection]:
        """A connection of our own; whatever goes wrong with it raises IndexFailure and closes it."""
        try:
            identity, connection = self._taken()
        except (sqlite3.Error, OSError) as error:
            raise self._failure(error) from error
        try:
            yield connection
        except BaseException as error:
            connection.close()
            if not isinstance(error, sqlite3.Error):
                raise
            if _is_damage(error):
                self._replace(identity)
            raise self._failure(error) from error
        with self._lock:
            if len(self._idle) < _MOST_IDLE:
                self._idle.append((identity, connection))
                return
        connection.close()

    def _taken(self) -> tuple[Identity, sqlite3.Connection]:
        """A connection to the file that stands there now, which is made where there is none of ours."""
        known = self._identity()
        while known is not None:
            with self._lock:
                if not self._idle:
                    break
                identity, connection = self._idle.pop()
            if identity == known:
                return identity, connection
            connection.close()
        return self._opened(known)

    def _opened(self, known: Identity | None) -> tuple[Identity, sqlite3.Connection]:
        if known is None or not self._is_ours():
            self._replace(known)
        identity = self._identity()
        if identity is None:
            raise sqlite3.OperationalError("the file has gone again")
        return identity, self._connect()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA synchronous=NORMAL")
        return connection

    def _is_ours(self) -> bool:
        try:
            with closing(self._connect()) as connection:
                return int(connection.execute("PRAGMA user_version").fetchone()[0]) == self._schema
        except sqlite3.DatabaseError as error:
            if _is_damage(error):
                return False
            raise

    def _replace(self, known: Identity | None) -> None:
        """Make the file anew, unless another one stands there already than was known."""
        try:
            with self._alone():
                if self._identity() == known or not self._is_ours():
                    for ending in ("-wal", "-shm", ""):
                        Path(f"{self._path}{ending}").unlink(missing_ok=True)
                    self._fill()
        except (sqlite3.Error, OSError) as error:
            raise self._failure(error) from error

    def _fill(self) -> None:
        os.close(os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        with closing(self._connect()) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(
                f"BEGIN IMMEDIATE; {self._create} PRAGMA user_version={self._schema}; COMMIT;"
            )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other process makes the file anew meanwhile."""
        with Path(f"{self._path}-lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _identity(self) -> Identity | None:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return None
        return status.st_dev, status.st_ino

    def _failure(self, error: Exception) -> IndexFailure:
        if isinstance(error, IndexFailure):
            return error
        if isinstance(error, sqlite3.Error):
            code = _code(error)
            if code == sqlite3.SQLITE_INTERRUPT:
                return TooSlowError("this takes too long to look up; ask for rarer words, or for fewer days")
            reason = "it was damaged and is made anew" if _is_damage(error) else _REASONS.get(code)
        else:
            reason = error.strerror if isinstance(error, OSError) else None
        return IndexFailure(f"{self._path.name}: {reason or type(error).__name__}")


def _code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


def _is_damage(error: sqlite3.Error) -> bool:
    return _code(error) in _DAMAGED or any(said in str(error) for said in _OTHER_TABLES)
