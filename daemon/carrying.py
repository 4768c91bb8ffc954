"""Carrying: the rows of a ledger's tables as values that SQLite and PostgreSQL both mean alike.

A value is None, a truth, a whole number, a number, bytes or a text; a JSON is a text, a moment one that
sorts. Rows are read in the order of their key, a part at a time, so that no table need fit into memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, text

from daemon.errors import LedgerError

Row = tuple[Any, ...]

# What daemons that are there have in hand, and the schema, which the other side has made itself.
NOT_CARRIED = frozenset({"alembic_version", "arriving", "daemons", "leases"})

_AT_ONCE = 100  # rows in memory; texts of articles may be long


@dataclass(frozen=True, slots=True)
class Table:
    """`kinds`: of each column, in order; `key`: the columns that tell its rows apart."""

    name: str
    columns: tuple[str, ...]
    kinds: tuple[type, ...]
    key: tuple[str, ...]

    @property
    def listed(self) -> str:
        """Its columns, as SQL."""
        return ", ".join(f'"{column}"' for column in self.columns)

    def said(self, row: Row) -> str:
        """Which row that is, for people."""
        known = dict(zip(self.columns, row, strict=True))
        return f"{self.name} {' '.join(_short(known[column]) for column in self.key)}"


def tables_of(connection: Connection) -> tuple[Table, ...]:
    """The tables that are carried, each behind those that it refers to."""
    found = sa.inspect(connection)
    names = [name for name, _ in found.get_sorted_table_and_fkc_names() if name is not None]
    return tuple(_table(found, name) for name in names if name not in NOT_CARRIED)


def count(connection: Connection, table: Table) -> int:
    """How many rows it has."""
    return int(connection.execute(text(f'SELECT COUNT(*) FROM "{table.name}"')).scalar_one())  # noqa: S608


def rows(connection: Connection, table: Table) -> Iterator[Row]:
    """All of a table in the order of its key. Raises LedgerError for a value that its column cannot have."""
    if connection.dialect.name == "sqlite":
        _take_any_bytes(connection)
    key = ", ".join(f'"{column}"' for column in table.key)
    query = text(f'SELECT {table.listed} FROM "{table.name}" ORDER BY {key}')  # noqa: S608  our own words
    for row in connection.execute(query.execution_options(yield_per=_AT_ONCE)):
        yield tuple(_value(table, row, place) for place in range(len(table.columns)))


def written(row: Row) -> bytes:
    """A row as bytes that are the same only for the very same values: numbers to their last bit."""
    return repr(row).encode("utf-8", "surrogatepass")


def problem(value: object) -> str | None:
    """Why PostgreSQL would not take a value that SQLite has taken."""
    if not isinstance(value, str):
        return None
    if "\0" in value:
        return "has a NUL sign"
    return None if value.isascii() or _is_text(value) else "has bytes that are no text"


def mended(value: object) -> object:
    """The same with U+FFFD, the replacement sign, for each sign that PostgreSQL does not take."""
    if not isinstance(value, str) or problem(value) is None:
        return value
    plain = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return plain.replace("\0", "\ufffd")


def with_column(table: Table, name: str, value: object) -> Callable[[Row], Row]:
    """What gives a column of each row one value."""
    place = table.columns.index(name)
    return lambda row: (*row[:place], value, *row[place + 1 :])


def insert_into_sqlite(connection: Connection, table: Table, given: Iterable[Row]) -> None:
    """Write rows, a part at a time."""
    signs = ", ".join("?" * len(table.columns))
    statement = f'INSERT INTO "{table.name}" ({table.listed}) VALUES ({signs})'  # noqa: S608
    driver: Any = connection.connection.driver_connection
    driver.executemany(statement, given)


def copy_into_postgres(connection: Connection, table: Table, given: Iterable[Row]) -> None:
    """Write rows by COPY, which checks references among them when all are there."""
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({table.listed}) FROM STDIN') as copy:
        for row in given:
            copy.write_row(row)


def set_sequences(connection: Connection, tables: Iterable[Table]) -> Mapping[str, int]:
    """New rows of PostgreSQL get numbers behind those that are there; the last ones, by table."""
    last = {}
    for table in tables:
        if table.key != ("id",):
            continue
        largest = connection.execute(text(f'SELECT MAX(id) FROM "{table.name}"')).scalar_one()  # noqa: S608
        if largest is not None:
            named = {"table": f'"{table.name}"', "last": largest}
            connection.execute(text("SELECT setval(pg_get_serial_sequence(:table, 'id'), :last)"), named)
            last[table.name] = int(largest)
    return last


def _table(found: Any, name: str) -> Table:
    columns = found.get_columns(name)
    return Table(
        name,
        tuple(column["name"] for column in columns),
        tuple(_kind(column["type"]) for column in columns),
        tuple(found.get_pk_constraint(name)["constrained_columns"]),
    )


def _kind(given: sa.types.TypeEngine[Any]) -> type:
    for known, kind in ((sa.Boolean, bool), (sa.Integer, int), (sa.Float, float), (sa.LargeBinary, bytes)):
        if isinstance(given, known):
            return kind
    return str


def _value(table: Table, row: Any, place: int) -> object:
    value, kind = row[place], table.kinds[place]
    if value is None or type(value) is kind:
        return value
    if kind is bool and value in (0, 1):
        return bool(value)
    if kind is float and type(value) is int:
        return float(value)
    if kind is str and type(value) in (int, float):
        return repr(value)  # SQLite takes a JSON that is a number for one
    if kind is bytes and isinstance(value, memoryview):
        return bytes(value)
    raise LedgerError(
        f"{table.said(row)}: {table.columns[place]} is of the kind {type(value).__name__},"
        f" where {kind.__name__} belongs"
    )


def _take_any_bytes(connection: Connection) -> None:
    """Bytes that are no text come as lone surrogates (PEP 383), and can be said and mended."""
    driver: Any = connection.connection.driver_connection
    driver.text_factory = lambda data: data.decode("utf-8", "surrogateescape")


def _is_text(value: str) -> bool:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _short(value: object) -> str:
    said = value.hex() if isinstance(value, bytes) else str(value)
    plain = said.encode("ascii", "backslashreplace").decode("ascii")
    return plain if len(plain) <= 40 else f"{plain[:40]}…"
