"""The ledger's database: how it is opened, brought to our schema, and how a transaction begins."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DatabaseError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionError

from classifier import JailError
from daemon import clock, postgres, sqlite
from daemon.errors import DaemonError, LedgerError
from daemon.faults import one_line, said_of_the_system

__all__ = [
    "Database",
    "knows_schema",
    "newest_schema",
    "one_line",
    "open_database",
    "plain_errors",
    "plainly",
    "schema_of",
]

_MIGRATIONS = Path(__file__).resolve().parent / "migrations"

_TOLD_VERSION = text("SELECT version_num FROM alembic_version")
_NOTIFY = text(f"NOTIFY {postgres.CHANNEL}")
_SERVER_TIME = text("SELECT clock_timestamp()")


class Place(Protocol):
    """Where a ledger is: a file, or a database of a server. `shared`: other daemons may write there."""

    @property
    def address(self) -> str:
        """As the configuration names it, without a password."""

    @property
    def shared(self) -> bool:
        """Whether several daemons may have it."""

    def engine(self) -> Engine:
        """What opens connections."""

    def reading(self, engine: Engine) -> Engine:
        """The same for transactions that only read."""

    def make_ready(self, engine: Engine) -> None:
        """Before the first look at its schema. Raises LedgerError."""

    def opened(self) -> None:
        """It has our schema now."""

    def must_stand(self, *, written: bool = False) -> None:
        """Raises LedgerError where it is not the one that was opened."""

    def why_not(self, error: DatabaseError) -> str:
        """Why it could not be opened."""


class Database:
    """Opens connections; knows no tables. Safe to share between threads.

    Each kind of transaction raises LedgerError where the file we opened is not the one that
    stands at its place any more: what we write would be seen by nobody.
    """

    def __init__(self, engine: Engine, place: Place) -> None:
        self._engine = engine
        self._reading = place.reading(engine)
        self._beside = engine.execution_options(beside=True)
        self._place = place

    @property
    def shared(self) -> bool:
        """Whether other daemons may write to the same ledger."""
        return self._place.shared

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction that may write, one after the other: committed at the end, rolled back by an
        exception.

        What was committed to a file that had gone meanwhile raises as well, so that nobody
        goes on as if it were kept.
        """
        with self._written(self._engine) as connection:
            yield connection

    @contextmanager
    def beside(self) -> Iterator[Connection]:
        """The same, beside others where the ledger has several daemons.

        For what is safe by a generation: leases, claims.
        """
        with self._written(self._beside) as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads, the ledger as of one moment, and so waits for nobody."""
        self._place.must_stand()
        with self._reading.connect() as connection:
            yield connection

    def notify(self) -> None:
        """Wake whoever listens, in whichever daemon; where there is one only, nobody does."""
        if self.shared:
            with self.beside() as connection:
                connection.execute(_NOTIFY)

    def listen(self) -> Hearing:
        """Hear of every `notify` of any daemon from now on. Of a shared ledger only. Raises LedgerError."""
        try:
            return Hearing(self._engine)
        except Exception as error:
            raise LedgerError(postgres.said_of(getattr(error, "orig", error))) from error

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _written(self, engine: Engine) -> Iterator[Connection]:
        self._place.must_stand()
        with engine.connect() as connection:
            with connection.begin():
                yield connection
            self._place.must_stand(written=True)


class Hearing:
    """A connection of its own that listens. Close it, also after an error."""

    def __init__(self, engine: Engine) -> None:
        self._connection = engine.raw_connection()
        driver: Any = self._connection.driver_connection
        self._connection.detach()  # from the pool: nobody else is to have one that listens
        driver.autocommit = True
        driver.execute(f"LISTEN {postgres.CHANNEL}")
        self._driver = driver

    def wait(self, seconds: float) -> bool:
        """Whether somebody told something within so many seconds. Raises LedgerError."""
        try:
            return any(True for _ in self._driver.notifies(timeout=seconds, stop_after=1))
        except Exception as error:
            raise LedgerError(postgres.said_of(error)) from error

    def close(self) -> None:
        """Hear nothing more."""
        self._driver.close()
        self._connection.invalidate()  # or the pool would ask one that has ended to roll back, and say so


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
    place = _place_of(address)
    with _opened(place) as engine:
        place.make_ready(engine)
        _migrate(engine)
        place.opened()
        if place.shared:
            with place.reading(engine).connect() as connection:
                follow_server(connection)
        return Database(engine, place)


def schema_of(address: str) -> str | None:
    """The revision of the ledger at an address; "" where the tables are not ours, None where there are none.

    What stands there stays as it is. Raises LedgerError as `open_database` does.
    """
    place = _place_of(address)
    with _opened(place) as engine:
        schema = _schema(engine)
        if schema is None and inspect(engine).get_table_names():
            schema = ""
        engine.dispose()
        return schema


def server_time(connection: Connection) -> datetime:
    """What the clock of a ledger's server says, which all its daemons go by."""
    found: datetime = connection.execute(_SERVER_TIME).scalar_one()
    return found


def follow_server(connection: Connection) -> None:
    """Go by the server's clock from now on: as it was half way between question and answer."""
    asked = clock.monotonic()
    said = server_time(connection)
    clock.follow(said, asked + (clock.monotonic() - asked) / 2)


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
        return sqlite.said_of(original)
    if isinstance(original, OSError):
        return said_of_the_system(original)
    if isinstance(error, SQLAlchemyError) and type(original).__module__.startswith("psycopg"):
        return postgres.said_of(original)
    return f"unexpected: {type(original or error).__name__}"


def newest_schema() -> str:
    """The revision that `open_database` brings a ledger to."""
    return _scripts().get_current_head() or ""


def knows_schema(revision: str) -> bool:
    """Whether a ledger of this revision is as old as we are, or older."""
    return any(script.revision == revision for script in _scripts().walk_revisions())


@contextmanager
def _opened(place: Place) -> Iterator[Engine]:
    """An engine that is closed by an error, which is said in one line."""
    engine = place.engine()
    try:
        yield engine
    except LedgerError:
        engine.dispose()
        raise
    except CommandError as error:
        engine.dispose()
        raise LedgerError(
            f"{place.address}: made by a newer topicwire, which this one cannot read ({error})"
        ) from error
    except DatabaseError as error:
        engine.dispose()
        raise LedgerError(f"{place.address}: {place.why_not(error)}") from error
    except OSError as error:
        engine.dispose()
        said = f"unable to open database file: {said_of_the_system(error)}"
        raise LedgerError(f"{place.address}: {said}") from error


def _place_of(address: str) -> Place:
    return postgres.place_of(address) if postgres.is_one(address) else sqlite.place_of(address)


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
