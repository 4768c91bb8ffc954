"""The ledger's database: how it is opened, brought to our schema, and how a transaction begins."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError
from sqlalchemy.pool import ConnectionPoolEntry

from daemon.errors import LedgerError

_MIGRATIONS = Path(__file__).resolve().parent / "migrations"
_BUSY_SECONDS = 10


class Database:
    """Opens connections; knows no tables. Safe to share between threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reading = engine.execution_options(reads_only=True)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction that may write: committed at the end, rolled back by an exception."""
        with self._engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads, and so waits for nobody."""
        with self._reading.connect() as connection:
            yield connection

    def close(self) -> None:
        self._engine.dispose()


def open_database(address: str) -> Database:
    """Open a database and bring its schema up to date.

    Raises LedgerError where it cannot be used: no rights, damaged, or made by a newer
    topicwire.
    """
    try:
        engine = create_engine(_url(address), connect_args={"timeout": _BUSY_SECONDS})
    except (ArgumentError, ImportError) as error:
        raise LedgerError(f"{address}: not a database we can open: {error}") from error
    if engine.dialect.name != "sqlite":
        raise LedgerError(f"{address}: not a database we can open: the ledger is SQLite so far")
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    try:
        _migrate(engine)
    except CommandError as error:
        raise LedgerError(
            f"{address}: made by a newer topicwire, which this one cannot read ({error})"
        ) from error
    except DatabaseError as error:
        raise LedgerError(f"{address}: {error.orig}") from error
    return Database(engine)


def _url(address: str) -> URL:
    """A path may hold signs that mean something in an address."""
    path = address.removeprefix("sqlite:///")
    return make_url(address) if path == address else URL.create("sqlite", database=path)


def _prepare(connection: Any, entry: ConnectionPoolEntry) -> None:
    # The driver must not begin transactions by itself: `_begin` says how they begin.
    connection.isolation_level = None
    cursor = connection.cursor()
    # WAL lets readers go on beside a writer. FULL: with NORMAL a power cut can take back a
    # commit after its file has been moved (measured: 44 of 288 power-cut images).
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later can fail at once with BUSY_SNAPSHOT;
    # one that says so at the start waits for its turn.
    reads_only = connection.get_execution_options().get("reads_only", False)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")


def _migrate(engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def newest_schema() -> str:
    """The revision that `open_database` brings a ledger to."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return ScriptDirectory.from_config(config).get_current_head() or ""
