"""Copying: a ledger from SQLite to PostgreSQL, back, or to another server, verified row by row.

The copy is there when all of it has been read back and compared, and not before: on a server it is one
transaction, in a file one rename. A kill at any moment leaves the target as it was.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic import ValidationError
from sqlalchemy import URL, Connection, NullPool, create_engine, text

from daemon import backups, carrying, postgres, presence
from daemon.backups import Progress
from daemon.carrying import Row, Table
from daemon.database import newest_schema, open_database, plainly, schema_of
from daemon.errors import DaemonError, LedgerError
from daemon.tables import SQLITE, Storage

_MOST_SAID = 20  # rows that the target does not take
_EVERY = 1000  # rows between two words of progress
# The byte of SQLite's shared memory that whoever has a ledger open has a lock on (sqlite.org, os_unix.c,
# UNIX_SHM_DMS).
_OPEN_MARK = 128

# A long copy is no process that stands still.
_TAKE_YOUR_TIME = text(
    """
    SELECT set_config('idle_in_transaction_session_timeout', '0', true),
        set_config('statement_timeout', '0', true)
    """
)

Tell = Callable[[str], Progress]  # given the name of what is done next, says how far it is


@dataclass(frozen=True, slots=True)
class Carried:
    """A table that was copied; `checksum`: sha256 of its rows as they were read back."""

    name: str
    rows: int
    checksum: str


@dataclass(frozen=True, slots=True)
class Copied:
    """A copy that is verified. `mended`: rows in which signs were replaced; `remarks`: what to see to."""

    source: str
    target: str
    tables: tuple[Carried, ...]
    mended: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)

    @property
    def checksum(self) -> str:
        """Of all tables by their names, so the same for the same rows wherever they are."""
        said = sorted(f"{table.name} {table.rows} {table.checksum}\n" for table in self.tables)
        return hashlib.sha256("".join(said).encode()).hexdigest()

    def as_json(self) -> dict[str, Any]:
        tables = {table.name: {"rows": table.rows, "checksum": table.checksum} for table in self.tables}
        return {
            "from": self.source,
            "to": self.target,
            "rows": self.rows,
            "checksum": self.checksum,
            "tables": tables,
            "mended": list(self.mended),
            "remarks": list(self.remarks),
        }

    def lines(self) -> list[str]:
        """The same for people."""
        wide = max(len(table.name) for table in self.tables)
        text = [f"{table.name:<{wide}}  {table.rows:>12,}  {table.checksum[:16]}" for table in self.tables]
        text += [f"mended     {row}" for row in self.mended]
        text.append(f"{self.target}: {self.rows:,} rows, each read back and compared, {self.checksum[:16]}")
        return text + list(self.remarks)


def address_of(given: str) -> str:
    """What storage.database would have for it; a path is meant from where we are. Raises DaemonError."""
    try:
        found = Storage(database=given).database
    except ValidationError as error:
        said = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        raise DaemonError(f"{_without_password(given)}: {said}") from None
    return found if "://" in found else f"{SQLITE}{Path(found).absolute()}"


def copy(source: str, target: str, *, daemon: str, homes: Sequence[Path], mend: bool, tell: Tell) -> Copied:
    """Copy a ledger to where there is none, and verify it. Addresses as `address_of` gives them.

    `daemon`: whose home the files lie in, as other daemons will know it; `homes`: none of them may have a
    daemon. `mend`: signs that PostgreSQL does not take are replaced, else such a ledger is refused.
    Raises DaemonError in one line, or a line for each row that is refused; then nothing was copied.
    """
    if not postgres.is_one(source) and not postgres.is_one(target):
        raise DaemonError("both are files: `topicwired backup FILE` copies a ledger in SQLite")
    if source == target:
        raise DaemonError(f"{source}: is both; name two ledgers")
    with ExitStack() as stack:
        file = target if postgres.is_one(source) else source
        if not postgres.is_one(file):
            stack.enter_context(_undisturbed(_path(file), homes))
        remarks = _must_be_a_ledger(source)
        opened = stack.enter_context(closing(open_database(source)))
        keeper = stack.enter_context(opened.transaction())  # nobody writes to it meanwhile
        snapshot = stack.enter_context(opened.reading())
        for connection in (keeper, snapshot):
            _take_your_time(connection)
        _must_have_no_daemon(snapshot, source)
        remarks += _homes_apart(snapshot, target)
        into = _into_server if postgres.is_one(target) else _into_file
        name = _name_for(source, target, daemon)
        if name:
            remarks.append(f"its files lie in the home of the daemon that storage.daemon calls {name}")
        carriage = _Carriage(snapshot, daemon=name, mend=mend, tell=tell)
        with into(target) as end:
            tables = carriage.carry(end)
    return Copied(source, target, tables, tuple(carriage.mended), tuple(remarks))


class _End(Protocol):
    """Where rows are brought to."""

    takes_all: bool

    def write(self, table: Table, rows: Iterator[Row]) -> None:
        """All rows of a table."""

    def written(self) -> None:
        """All tables are there, and may be read back."""

    def rows(self, table: Table) -> Iterator[Row]:
        """What stands there now."""


class _Carriage:
    """Brings the rows of a snapshot to another ledger, and looks whether they are there."""

    def __init__(self, snapshot: Connection, *, daemon: str | None, mend: bool, tell: Tell) -> None:
        self._snapshot = snapshot
        self._daemon = daemon
        self._mend = mend
        self._tell = tell
        self._odd: list[str] = []
        self._more = 0
        self.mended: list[str] = []

    def carry(self, end: _End) -> tuple[Carried, ...]:
        tables = carrying.tables_of(self._snapshot)
        counts = {table.name: carrying.count(self._snapshot, table) for table in tables}
        for table in tables:
            end.write(table, self._told(f"copying {table.name}", self._rows(table, end), counts[table.name]))
        if self._odd and not self._mend:
            self._refuse()
        self.mended, self._odd = self._odd, []
        end.written()
        return tuple(self._verified(table, end, counts[table.name]) for table in tables)

    def _rows(self, table: Table, end: _End) -> Iterator[Row]:
        """The rows of the snapshot as they are to stand in the other ledger."""
        found = carrying.rows(self._snapshot, table)
        if table.name == "files" and self._daemon is not None:
            found = map(carrying.with_column(table, "daemon", self._daemon), found)
        return found if end.takes_all else (self._plain(table, row) for row in found)

    def _plain(self, table: Table, row: Row) -> Row:
        for place, value in enumerate(row):
            if (why := carrying.problem(value)) is not None:
                self._note(f"{table.said(row)}: {table.columns[place]} {why}")
                row = (*row[:place], carrying.mended(value), *row[place + 1 :])
        return row

    def _note(self, said: str) -> None:
        if len(self._odd) < _MOST_SAID:
            self._odd.append(said)
        else:
            self._more += 1

    def _refuse(self) -> None:
        more = [f"and {self._more} more"] if self._more else []
        what = "PostgreSQL does not take these; --mend replaces the signs with U+FFFD. Nothing was copied"
        raise LedgerError("\n".join([what, *self._odd, *more]))

    def _verified(self, table: Table, end: _End, rows: int) -> Carried:
        """Compare each row of both, value by value, to the last bit."""
        checksum, number = hashlib.sha256(), 0
        there = end.rows(table)
        for row in self._told(f"comparing {table.name}", self._rows(table, end), rows):
            found = next(there, None)
            if found is None or carrying.written(found) != carrying.written(row):
                raise LedgerError(f"{table.said(row)}: was not copied as it is; nothing was kept")
            checksum.update(carrying.written(found))
            number += 1
        if number != rows or (found := next(there, None)) is not None:
            raise LedgerError(f"{table.name}: has other rows than there were; nothing was kept")
        return Carried(table.name, number, checksum.hexdigest())

    def _told(self, what: str, rows: Iterator[Row], total: int) -> Iterator[Row]:
        say = self._tell(what)
        for number, row in enumerate(rows, 1):
            yield row
            if number % _EVERY == 0 or number == total:
                say(number, total)


class _Server:
    takes_all = False

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tables: list[Table] = []

    def write(self, table: Table, rows: Iterator[Row]) -> None:
        self._tables.append(table)
        with _said(table.name):
            carrying.copy_into_postgres(self._connection, table, rows)

    def written(self) -> None:
        for table in self._tables:  # or the first days would be planned as if there were nothing
            self._connection.execute(text(f'ANALYZE "{table.name}"'))
        carrying.set_sequences(self._connection, self._tables)

    def rows(self, table: Table) -> Iterator[Row]:
        return carrying.rows(self._connection, table)


class _File:
    takes_all = True

    def __init__(self, path: Path) -> None:
        address = URL.create("sqlite", database=str(path))
        self._engine = create_engine(address, poolclass=NullPool, hide_parameters=True)
        self._connection = self._engine.connect()
        # What it is interrupted in is thrown away, and what is whole is synced at its end.
        for pragma in ("journal_mode=DELETE", "journal_mode=OFF", "synchronous=OFF", "foreign_keys=OFF"):
            self._connection.exec_driver_sql(f"PRAGMA {pragma}")

    def write(self, table: Table, rows: Iterator[Row]) -> None:
        carrying.insert_into_sqlite(self._connection, table, rows)

    def written(self) -> None:
        astray = self._connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if astray is not None:
            raise LedgerError(f"{astray[0]} {astray[1]}: refers to a row that is not in {astray[2]}")
        self._connection.commit()
        self._connection.close()
        self._connection = self._engine.connect()

    def rows(self, table: Table) -> Iterator[Row]:
        return carrying.rows(self._connection, table)

    def close(self) -> None:
        self._connection.close()
        self._engine.dispose()


@contextmanager
def _into_server(address: str) -> Iterator[_End]:
    """All of it, or nothing: one transaction, which keeps others from writing there."""
    _must_have_no_other_tables(address)
    with closing(open_database(address)) as database, _said(address), database.transaction() as connection:
        _take_your_time(connection)
        _must_be_empty(connection, address)
        _must_have_no_daemon(connection, address)
        yield _Server(connection)


@contextmanager
def _into_file(address: str) -> Iterator[_End]:
    """A file beside it, that gets its name when it is whole."""
    path = _path(address)
    fresh = path.with_name(f".{path.name}.new")
    with _said(address), ExitStack() as stack:
        stack.callback(backups.remove, fresh)
        backups.remove(fresh)
        old = _must_be_free(path)
        open_database(f"{SQLITE}{fresh}").close()
        with closing(_File(fresh)) as end:
            yield end
        backups.check(fresh, said_of=path)
        if old:
            backups.set_aside(path)
        backups.publish(fresh, path)


@contextmanager
def _said(where: str) -> Iterator[None]:
    """What the driver raises becomes one line."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise LedgerError(f"{where}: {plainly(error)}") from error
    except Exception as error:
        if type(error).__module__.startswith("psycopg"):
            raise LedgerError(f"{where}: {postgres.said_of(error)}") from error
        raise


@contextmanager
def _undisturbed(path: Path, homes: Sequence[Path]) -> Iterator[None]:
    """Nobody has the ledger open, and no daemon of these homes starts while we copy.

    Before this process opens it: closing any handle of its shared memory drops all our locks there
    (sqlite.org/howtocorrupt.html, 2.2).
    """
    with ExitStack() as stack:
        for home in {path.parent, *homes}:
            _lock(
                stack, home / ".lock", fcntl.flock, f"{home}: a topicwired runs on this home; stop it first"
            )
        with ExitStack() as look:
            said = f"{path}: somebody has it open; stop topicwired and what else reads it first"
            _lock(look, Path(f"{path.resolve()}-shm"), _lock_mark, said)
        yield


def _lock(stack: ExitStack, path: Path, lock: Callable[[int, int], object], said: str) -> None:
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    stack.callback(os.close, handle)
    try:
        lock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:
        raise DaemonError(said) from error


def _lock_mark(handle: int, how: int) -> None:
    fcntl.lockf(handle, how, 1, _OPEN_MARK)


def _must_be_a_ledger(address: str) -> list[str]:
    """What there is to say of its schema, which is ours when this process has opened it."""
    if not postgres.is_one(address) and not _path(address).exists():
        raise DaemonError(f"{_path(address)}: no such ledger")
    schema = schema_of(address)
    if not schema:
        raise DaemonError(f"{address}: there is no ledger to copy")
    if schema == newest_schema():
        return []
    return [f"{address}: was brought from schema {schema} to {newest_schema()} first"]


def _must_have_no_daemon(connection: Connection, address: str) -> None:
    if connection.dialect.name != "postgresql":
        return
    present = [each for each in presence.listed(connection) if each.is_there]
    if present:
        names = ", ".join(f"{each.name} on {each.machine}" for each in present)
        raise DaemonError(f"{address}: has daemons that run: {names}; stop them first")


def _must_have_no_other_tables(address: str) -> None:
    """A database of something else is left alone."""
    if schema_of(address) == "":
        raise DaemonError(f"{address}: holds tables of something else; name an empty database (createdb)")


def _must_be_empty(connection: Connection, address: str) -> None:
    for table in carrying.tables_of(connection):
        if number := carrying.count(connection, table):
            raise DaemonError(
                f"{address}: is not empty, there are {number:,} rows in {table.name}; name an empty database"
            )


def _must_be_free(path: Path) -> bool:
    """Whether there is an empty ledger in the way, to be set aside. Raises DaemonError for any other file."""
    if not os.path.lexists(path):
        return False
    said = f"{path}: stands there already, and is no empty ledger; name another file, or move it away"
    if not path.is_file():
        raise DaemonError(said)
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as found:
            names = [name for (name,) in found.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            kept = [name for name in names if name != "alembic_version"]
            if any(found.execute(f'SELECT 1 FROM "{name}" LIMIT 1').fetchone() for name in kept):  # noqa: S608
                raise DaemonError(said)
    except sqlite3.Error as error:
        raise DaemonError(said) from error
    return True


def _name_for(source: str, target: str, daemon: str) -> str | None:
    """Whose home the files lie in; None where the ledger says so already."""
    if not postgres.is_one(target):
        return ""  # a ledger in SQLite has one daemon
    return None if postgres.is_one(source) else daemon


def _homes_apart(snapshot: Connection, target: str) -> list[str]:
    if postgres.is_one(target):
        return []
    names = [
        row.daemon for row in snapshot.execute(text("SELECT DISTINCT daemon FROM files ORDER BY daemon"))
    ]
    if len(names) < 2:
        return []
    return [f"files lie in the homes of {', '.join(names)}: bring their done/ and failed/ into one home"]


def _take_your_time(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(_TAKE_YOUR_TIME)


def _path(address: str) -> Path:
    return Path(address.removeprefix(SQLITE))


def _without_password(given: str) -> str:
    """As it may be shown: what stands before the last "@" of an address may be a secret."""
    scheme, separator, rest = given.partition("://")
    return f"{scheme}://…{rest[rest.rindex('@') :]}" if separator and "@" in rest else given
