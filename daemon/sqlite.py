"""The ledger in SQLite: one file on a disk of this machine, for one daemon."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError
from sqlalchemy.pool import ConnectionPoolEntry

from daemon import mounts
from daemon.errors import LedgerError
from daemon.faults import LOCKED, REFUSES, one_line, said_of_the_system
from daemon.tables import SQLITE

_BUSY_SECONDS = 10.0
# A check reads every page: 1.2 GB took 24 s from a cold disk and 1 s from memory. A larger
# ledger is checked with its nightly backup, and not at each start after a kill.
_CHECKED_AT_START = 64 * 2**20

# After these a connection's own picture of the file cannot be trusted (sqlite.org/rescode.html);
# a disk that did not write once may say later that it has (fsync forgets its error).
_UNTRUSTED = frozenset(
    {
        sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_INTERNAL,
    }
)  # fmt: skip
_MEND = "stop topicwired and run `topicwired restore`"
_DAMAGED = f"the ledger is damaged: {_MEND}"
_SAID = {
    sqlite3.SQLITE_BUSY: LOCKED,
    sqlite3.SQLITE_LOCKED: LOCKED,
    sqlite3.SQLITE_PROTOCOL: LOCKED,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR_SHMSIZE: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk of the ledger fails (input/output error)",
    sqlite3.SQLITE_READONLY: "the ledger may not be written: its rights, or its disk, are read-only",
    sqlite3.SQLITE_READONLY_DBMOVED: f"the ledger was moved or deleted: {_MEND}",
    sqlite3.SQLITE_CANTOPEN: "the ledger cannot be opened: its rights or its folder have changed",
    sqlite3.SQLITE_PERM: "the ledger may not be opened: its rights have changed",
    sqlite3.SQLITE_NOMEM: "out of memory",
}


class SqliteFile:
    """The file that was opened, and whether it still stands at its place."""

    shared = False

    def __init__(self, address: str, path: Path) -> None:
        self.address = address
        self._path = path
        self._log = _log(path)
        self._identity: tuple[int, int] | None = None
        self._unclean = _has_log(path)

    def reading(self, engine: Engine) -> Engine:
        """What opens connections that only read."""
        return engine.execution_options(reads_only=True)

    def engine(self) -> Engine:
        # mode=rw: a connection opened later never makes a new ledger where ours has gone.
        url = URL.create(
            "sqlite", database=f"file:{quote(str(self._path))}", query={"mode": "rw", "uri": "true"}
        )
        engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS}, hide_parameters=True)
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
        event.listen(engine, "handle_error", _distrust)
        return engine

    def make_ready(self, engine: Engine) -> None:
        """Make the file where there is none; look at it where the last stop was a kill."""
        _create(self._path)
        if self._unclean:
            _check_small(engine, self._path)

    def opened(self) -> None:
        """From now on it must stay the one it is."""
        self._identity = _identity(self._path)

    def must_stand(self, *, written: bool = False) -> None:
        """Raises LedgerError where another file, or none, has taken its place."""
        try:
            same = _identity(self._path) == self._identity
            # While a connection is open SQLite never takes the log away.
            same = same and (not written or self._log.exists())
        except FileNotFoundError:
            same = False
        except OSError as error:
            raise LedgerError(said_of_the_system(error)) from error
        if not same:
            raise LedgerError(
                f"{self._path}: was deleted or replaced while topicwired ran; stop it, put the"
                " ledger back or `topicwired restore`, and start it again"
            )

    def why_not(self, error: DatabaseError) -> str:
        """SQLite's own words, and what to do where there is something to be done."""
        said = one_line(str(error.orig))
        known = said_of(error.orig) if isinstance(error.orig, sqlite3.Error) else REFUSES
        if known == _DAMAGED:
            return f"{said}; `topicwired restore` puts the newest backup in its place"
        return said if known.startswith(REFUSES) else f"{said} ({known})"


def place_of(address: str) -> SqliteFile:
    """Where the ledger of an address is. Raises LedgerError where it cannot be: on a network share."""
    path = _path(address)
    kind = mounts.file_system(path)
    if mounts.is_network(kind):
        raise LedgerError(
            f"{address}: lies on a network file system ({kind}), where SQLite's log does not work"
            " (sqlite.org/wal.html); name a place on a disk of this machine in storage.database"
        )
    return SqliteFile(address, path)


def said_of(error: sqlite3.Error) -> str:
    """What an error of SQLite means, in plain words."""
    code = _code(error)
    said = _SAID.get(code) or _SAID.get(code & 0xFF)
    return said or f"{REFUSES}: {getattr(error, 'sqlite_errorname', type(error).__name__)}"


def _path(address: str) -> Path:
    """A path may hold signs that mean something in an address."""
    plain = address.removeprefix(SQLITE)
    if plain != address:
        return Path(plain).absolute()
    try:
        url = make_url(address)
        name = url.get_dialect().name
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise LedgerError(f"{address}: not a database we can open: {error}") from error
    if name != "sqlite" or url.drivername not in ("sqlite", "sqlite+pysqlite") or not url.database:
        raise LedgerError(
            f"{address}: not a database we can open: the ledger is SQLite or postgresql+psycopg"
        )
    return Path(url.database).absolute()


def _create(path: Path) -> None:
    """An empty file is an empty database. Never opens one that is there: closing it would drop
    the locks that this process has on it (sqlite.org/howtocorrupt.html, 2.2).
    """
    if path.exists():
        return
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o644))
    except FileExistsError:
        return


def _log(path: Path) -> Path:
    """SQLite keeps it beside the file itself, not beside a link that leads there."""
    return Path(f"{path.resolve()}-wal")


def _has_log(path: Path) -> bool:
    """Whether the last stop left work for SQLite to bring in: it was a kill or a power cut."""
    try:
        return _log(path).stat().st_size > 0
    except OSError:
        return False


def _check_small(engine: Engine, path: Path) -> None:
    if path.stat().st_size > _CHECKED_AT_START:
        return
    with engine.execution_options(reads_only=True).connect() as connection:
        found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    if found != "ok":
        raise LedgerError(f"{SQLITE}{path}: {_DAMAGED} ({one_line(str(found))})")


def _prepare(connection: Any, entry: ConnectionPoolEntry) -> None:
    # The driver must not begin transactions by itself: `_begin` says how they begin.
    connection.isolation_level = None
    cursor = connection.cursor()
    # WAL lets readers go on beside a writer. FULL: with NORMAL a power cut can take back a
    # commit after its file has been moved (measured: 44 of 288 power-cut images).
    mode = cursor.execute("PRAGMA journal_mode=WAL").fetchone()[0]
    for pragma in ("synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
    if mode != "wal":
        raise sqlite3.OperationalError("this file system does not let SQLite keep a write-ahead log")


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later can fail at once with BUSY_SNAPSHOT;
    # one that says so at the start waits for its turn.
    reads_only = connection.get_execution_options().get("reads_only", False)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")


def _distrust(context: ExceptionContext) -> None:
    """After an error of the disk every pooled connection is closed and opened anew.

    To SQLAlchemy such an error is a disconnect: it closes this connection now and each other
    one before its next use ("Disconnect Handling - Optimistic", ConnectionEvents.handle_error).
    """
    if _code(context.original_exception) & 0xFF in _UNTRUSTED:
        context.is_disconnect = True


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _code(error: BaseException | None) -> int:
    code = getattr(error, "sqlite_errorcode", None)
    return code if isinstance(code, int) else 0
