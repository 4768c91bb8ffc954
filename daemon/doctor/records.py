"""The ledger: whether it is there, sound, of our schema, free to be written, and how large."""

from __future__ import annotations

import os
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from daemon import backups, joining, mounts, postgres
from daemon.alive import is_locked
from daemon.config import Settings
from daemon.database import knows_schema, newest_schema, one_line, open_database, schema_of
from daemon.errors import LedgerError
from daemon.findings import Finding, fine, problem, warning
from daemon.tables import SQLITE

_MIB = 2**20
_READ_WHOLLY = 64 * _MIB  # bytes; each page and each index is read
_READ_QUICKLY = 2048 * _MIB  # each page; a larger one is checked with its nightly backup
_LONG_LOG = 256 * _MIB
_MANY_FREE = 256 * _MIB
_PATIENCE = 3.0  # seconds that a writer may keep us waiting


def examine(settings: Settings) -> Iterator[Finding]:
    if postgres.is_one(settings.database):
        yield from _on_a_server(settings)
        return
    missing = backups.missing_ledger(settings)
    if missing is not None:
        yield problem("ledger", missing)
        return
    path = _path(settings)
    if not path.exists():
        yield fine("ledger", f"{settings.database}: not there yet; `topicwired run` makes it")
        return
    kind = mounts.file_system(path)
    if mounts.is_network(kind):
        said = f"{path} lies on a network share ({kind}), where SQLite's log does not work"
        yield problem("ledger", said, "name a place on a disk of this machine in storage.database")
        return
    yield from _file(settings, path)


def _on_a_server(settings: Settings) -> Iterator[Finding]:
    schema = schema_of(settings.database)
    if schema == newest_schema():
        with closing(open_database(settings.database)) as database:
            yield from joining.examine(settings, database)
        return
    yield _of_schema(settings.database, schema)


def _of_schema(address: str, schema: str | None) -> Finding:
    if schema is None:
        return fine("ledger", f"{address}: no tables yet; `topicwired run` makes them")
    if not schema:
        return problem("ledger", f"{address}: has tables that are not ours", "name another database")
    if not knows_schema(schema):
        said = f"{address}: made by a newer topicwire, which this one cannot read ({schema})"
        return problem("ledger", said, "install that release again, or `topicwired restore` a backup")
    return warning(
        "ledger",
        f"{address}: has schema {schema}, and the next start brings it to {newest_schema()}",
        "topicwired backup",
    )


def _file(settings: Settings, path: Path) -> Iterator[Finding]:
    for part in ("", "-wal", "-shm"):
        place = Path(f"{path}{part}")
        if place.exists() and not os.access(place, os.R_OK | os.W_OK):
            said = f"{place} may not be read and written by user {os.geteuid()}"
            yield problem("ledger", said, f"chown {settings.home.stat().st_uid} {shlex.quote(str(place))}*")
            return
    try:
        with closing(_opened(path)) as connection:
            damage = _damage(connection, path.stat().st_size)
            if damage is not None:
                yield problem("ledger", f"{path}: is damaged: {damage}", "topicwired restore")
                return
            yield _schema(connection, path)
            yield from _shape(connection, path)
    except sqlite3.Error as error:
        yield _refusal(path, error)
        return
    yield from _free_to_write(path)


def _opened(path: Path) -> sqlite3.Connection:
    """To be read alone. Where there is no log nobody has it open, and not a byte of it changes."""
    log = Path(f"{path}-wal")
    mode = "mode=ro" if log.exists() else "mode=ro&immutable=1"
    return sqlite3.connect(
        f"file:{quote(str(path))}?{mode}", uri=True, timeout=_PATIENCE, isolation_level=None
    )


def _damage(connection: sqlite3.Connection, size: int) -> str | None:
    if size > _READ_QUICKLY:
        connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        return None
    pragma = "integrity_check" if size <= _READ_WHOLLY else "quick_check"
    [found] = connection.execute(f"PRAGMA {pragma}(1)").fetchone()
    return None if found == "ok" else one_line(str(found))


def _schema(connection: sqlite3.Connection, path: Path) -> Finding:
    try:
        [schema] = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except (sqlite3.OperationalError, TypeError):
        tables = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
        return _of_schema(f"{SQLITE}{path}", "" if tables else None)
    if schema != newest_schema():
        return _of_schema(f"{SQLITE}{path}", str(schema))
    size, read = path.stat().st_size, "checked wholly"
    if size > _READ_QUICKLY:
        read = "too large to be read here; each backup checks it"
    elif size > _READ_WHOLLY:
        read = "each page checked"
    return fine("ledger", f"{SQLITE}{path}: {size // _MIB} MiB, schema {schema}, {read}")


def _shape(connection: sqlite3.Connection, path: Path) -> Iterator[Finding]:
    [mode] = connection.execute("PRAGMA journal_mode").fetchone()
    if mode != "wal" and Path(f"{path}-wal").exists():
        yield warning("ledger", f"{path}: its journal is {mode}, and should be a write-ahead log")
    log = Path(f"{path}-wal")
    size = log.stat().st_size if log.exists() else 0
    if size > _LONG_LOG:
        said = f"{log}: has grown to {size // _MIB} MiB, as something has been reading for long"
        yield warning("ledger", said, "end what has the ledger open, such as a tool of SQLite")
    free, pages = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("freelist_count", "page_size")
    )
    if free * pages > _MANY_FREE:
        said = f"{free * pages // _MIB} MiB of {path} are free, and will be used again"
        yield fine("ledger", said)


def _free_to_write(path: Path) -> Iterator[Finding]:
    """Whether somebody keeps writers out. Asked only where somebody has it open: who closes a ledger as the
    last one brings its log in, and we change nothing.
    """
    if not is_locked(Path(f"{path}-shm")):
        return
    address = f"file:{quote(str(path))}?mode=rw"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=_PATIENCE, isolation_level=None)) as asking:
            asking.execute("BEGIN IMMEDIATE")
            asking.execute("ROLLBACK")
    except sqlite3.Error as error:
        yield _refusal(path, error)


def _refusal(path: Path, error: sqlite3.Error) -> Finding:
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        said = f"{path}: is locked by another program for longer than {_PATIENCE:.0f} s"
        return problem("ledger", said, f"fuser -v {shlex.quote(str(path))} names it; end that program")
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return problem("ledger", f"{path}: is damaged: {one_line(str(error))}", "topicwired restore")
    return problem("ledger", f"{path}: {one_line(str(error))}")


def _path(settings: Settings) -> Path:
    found = settings.database.removeprefix(SQLITE)
    if found == settings.database:
        raise LedgerError(f"{settings.database}: not a database we can open")
    return Path(found).resolve()
