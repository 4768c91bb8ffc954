"""The ledger's database: how it is opened, brought to our schema, and how a transaction begins."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from classifier import JailError
from daemon import mounts
from daemon.errors import DaemonError, LedgerError

_MIGRATIONS = Path(__file__).resolve().parent / "migrations"
_PREFIX = "sqlite:///"
_BUSY_SECONDS = 10.0
# A check reads every page: 1.2 GB took 24 s from a cold disk and 1 s from memory. A larger
# ledger is checked with its nightly backup, and not at each start after a kill.
_CHECKED_AT_START = 64 * 2**20

_TOLD_VERSION = text("SELECT version_num FROM alembic_version")

# After these a connection's own picture of the file cannot be trusted (sqlite.org/rescode.html);
# a disk that did not write once may say later that it has (fsync forgets its error).
_UNTRUSTED = frozenset(
    {
        sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_INTERNAL,
    }
)  # fmt: skip
_MEND = "stop topicwired and run `topicwired restore`"
_REFUSES = "the ledger refuses"
_LOCKED = "the ledger is locked by another program"
_DAMAGED = f"the ledger is damaged: {_MEND}"
_OF_SQLITE = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_PROTOCOL: _LOCKED,
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
_OF_THE_SYSTEM = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the disk is read-only",
    errno.EMFILE: "this program has too many files open",
    errno.ENFILE: "this machine has too many files open",
    errno.ENOMEM: "out of memory",
    errno.EIO: "the disk fails (input/output error)",
    errno.ESTALE: "the network share has changed under us",
    errno.EACCES: "no right to do that",
    errno.EPERM: "no right to do that",
    errno.EFBIG: "the file would become larger than is allowed",
}


class Database:
    """Opens connections; knows no tables. Safe to share between threads.

    Both kinds of transaction raise LedgerError where the file we opened is not the one that
    stands at its place any more: what we write would be seen by nobody.
    """

    def __init__(self, engine: Engine, path: Path) -> None:
        self._engine = engine
        self._reading = engine.execution_options(reads_only=True)
        self._path = path
        self._log = _log(path)
        self._identity = _identity(path)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction that may write: committed at the end, rolled back by an exception.

        What was committed to a file that had gone meanwhile raises as well, so that nobody
        goes on as if it were kept.
        """
        self._must_stand_there()
        with self._engine.connect() as connection:
            with connection.begin():
                yield connection
            self._must_stand_there(with_log=True)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads, and so waits for nobody."""
        self._must_stand_there()
        with self._reading.connect() as connection:
            yield connection

    def close(self) -> None:
        self._engine.dispose()

    def _must_stand_there(self, *, with_log: bool = False) -> None:
        try:
            same = _identity(self._path) == self._identity
            # While a connection is open SQLite never takes the log away.
            same = same and (not with_log or self._log.exists())
        except FileNotFoundError:
            same = False
        except OSError as error:
            raise LedgerError(plainly(error)) from error
        if not same:
            raise LedgerError(
                f"{self._path}: was deleted or replaced while topicwired ran; stop it, put the"
                " ledger back or `topicwired restore`, and start it again"
            )


@contextmanager
def plain_errors() -> Iterator[None]:
    """What the database raises in this block becomes a LedgerError, in one plain line."""
    try:
        yield
    except SQLAlchemyError as error:
        raise LedgerError(plainly(error)) from error


def open_database(address: str) -> Database:
    """Open a database and bring its schema up to date.

    Raises LedgerError, in one line, where it cannot be used: no rights, on a network share,
    damaged, locked, or made by a newer topicwire.
    """
    path = _path(address)
    kind = mounts.file_system(path)
    if mounts.is_network(kind):
        raise LedgerError(
            f"{address}: lies on a network file system ({kind}), where SQLite's log does not work"
            " (sqlite.org/wal.html); name a place on a disk of this machine in storage.database"
        )
    unclean = _has_log(path)
    engine = _engine(path)
    try:
        _create(path)
        if unclean:
            _check_small(engine, path)
        _migrate(engine)
        return Database(engine, path)
    except CommandError as error:
        engine.dispose()
        raise LedgerError(
            f"{address}: made by a newer topicwire, which this one cannot read ({error})"
        ) from error
    except DatabaseError as error:
        engine.dispose()
        raise LedgerError(f"{address}: {_opening_failed(error)}") from error
    except OSError as error:
        engine.dispose()
        raise LedgerError(f"{address}: unable to open database file: {_of_the_system(error)}") from error


def plainly(error: Exception) -> str:
    """What went wrong with the ledger or a file, in one line that a person can act on.

    Never holds a statement or the text of an article: of an error that we do not know it
    gives the kind alone.
    """
    if isinstance(error, DaemonError | JailError):
        return one_line(str(error))
    if isinstance(error, NoConnectionError):
        return "all connections to the ledger are in use"
    original = getattr(error, "orig", None) if isinstance(error, SQLAlchemyError) else error
    if isinstance(original, sqlite3.Error):
        return _of_sqlite(original)
    if isinstance(original, OSError):
        return _of_the_system(original)
    return f"unexpected: {type(original or error).__name__}"


def one_line(text: str) -> str:
    """A text that any log and terminal can take: no line breaks, no control signs, valid UTF-8."""
    plain = text.encode("utf-8", "backslashreplace").decode()
    return "".join(sign if sign.isprintable() else " " for sign in plain)[:500]


def newest_schema() -> str:
    """The revision that `open_database` brings a ledger to."""
    return _scripts().get_current_head() or ""


def knows_schema(revision: str) -> bool:
    """Whether a ledger of this revision is as old as we are, or older."""
    return any(script.revision == revision for script in _scripts().walk_revisions())


def _path(address: str) -> Path:
    """A path may hold signs that mean something in an address."""
    plain = address.removeprefix(_PREFIX)
    if plain != address:
        return Path(plain).absolute()
    try:
        url = make_url(address)
        name = url.get_dialect().name
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise LedgerError(f"{address}: not a database we can open: {error}") from error
    if name != "sqlite" or url.drivername not in ("sqlite", "sqlite+pysqlite") or not url.database:
        raise LedgerError(f"{address}: not a database we can open: the ledger is SQLite so far")
    return Path(url.database).absolute()


def _engine(path: Path) -> Engine:
    # mode=rw: a connection opened later never makes a new ledger where ours has gone.
    url = URL.create("sqlite", database=f"file:{quote(str(path))}", query={"mode": "rw", "uri": "true"})
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS}, hide_parameters=True)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "handle_error", _distrust)
    return engine


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
        raise LedgerError(f"{_PREFIX}{path}: {_DAMAGED} ({one_line(str(found))})")


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


def _migrate(engine: Engine) -> None:
    """To the newest schema, in one transaction: a kill in it leaves the old one."""
    if _schema(engine) == newest_schema():
        return  # and nobody who writes now keeps us waiting
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    # Where its folder cannot be listed alembic finds nothing to do, and calls that done (measured).
    if not newest_schema() or _schema(engine) != newest_schema():
        raise LedgerError(f"{_MIGRATIONS}: the ledger's schema cannot be read; try again")


def _schema(engine: Engine) -> str | None:
    with engine.execution_options(reads_only=True).connect() as connection:
        if not engine.dialect.has_table(connection, "alembic_version"):
            return None
        return connection.execute(_TOLD_VERSION).scalar_one_or_none()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _code(error: BaseException | None) -> int:
    code = getattr(error, "sqlite_errorcode", None)
    return code if isinstance(code, int) else 0


def _opening_failed(error: DatabaseError) -> str:
    """SQLite's own words, and what to do where there is something to be done."""
    said = one_line(str(error.orig))
    known = plainly(error)
    if known == _DAMAGED:
        return f"{said}; `topicwired restore` puts the newest backup in its place"
    return said if known.startswith(_REFUSES) else f"{said} ({known})"


def _of_sqlite(error: sqlite3.Error) -> str:
    code = _code(error)
    said = _OF_SQLITE.get(code) or _OF_SQLITE.get(code & 0xFF)
    return said or f"{_REFUSES}: {getattr(error, 'sqlite_errorname', type(error).__name__)}"


def _of_the_system(error: OSError) -> str:
    said = _OF_THE_SYSTEM.get(error.errno or 0) or (error.strerror or type(error).__name__)
    where = f": {os.fsdecode(error.filename)}" if isinstance(error.filename, str | bytes) else ""
    return one_line(f"{said[:1].lower()}{said[1:]}{where}")
