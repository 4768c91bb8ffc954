"""A ledger with rows in every table, and in them what two databases might take otherwise.

`python -m tests.filled FILE ARTICLES` writes one of any size, of articles as long as news is.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, inspect

from daemon import carrying
from daemon.carrying import Table
from daemon.database import open_database
from daemon.tables import SQLITE

FLOATS = (0.1 + 0.2, 5e-324, 1.7976931348623157e308, -0.0, 2.0, 1 / 3, float("inf"), -1e-17)
TEXTS = (
    "",
    " two  blanks ",
    "tab\tnew line\nreturn\r\nbackslash \\N \\. \\t",
    "Қазақстан мұнайы ё й е́",
    "مصفاة النفط",
    "\U0001f6e2 \u202e right to left \u200d",
    '{"b": 1.0, "a": [null, true, 1e400]}',
    "a'b\"c;--",
)
BYTES = (bytes(range(256)), b"", b"\x00", b"caf\xe9.txt", b"\\x41")
WHOLE = (0, 1, 2**31, 2**62, 7)

MANY = frozenset({"alerts", "articles", "deliveries", "files", "marks", "sketches", "tags"})

_PARAGRAPH = (
    "The refinery resumed processing crude oil on Monday after a month of repairs, and petrol output"
    " will return to normal within days, the energy ministry said. "
)


def fill(path: Path, articles: int = 40, *, paragraphs: int = 1) -> dict[str, int]:
    """Make a ledger in a file that is not there; the rows of each table."""
    open_database(f"{SQLITE}{path}").close()
    engine = create_engine(f"{SQLITE}{path}")
    with engine.connect() as connection:
        tables = carrying.tables_of(connection)
        refers = {table.name: _references(connection, table) for table in tables}
    engine.dispose()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        counts = {table.name: articles if table.name in MANY else min(40, articles) for table in tables}
        for table in tables:
            known = {
                column: counts[name] for column, name in refers[table.name].items() if name != table.name
            }
            signs = ", ".join("?" * len(table.columns))
            connection.executemany(
                f"INSERT INTO {table.name} ({table.listed}) VALUES ({signs})",
                _rows(table, counts[table.name], known, _PARAGRAPH * paragraphs),
            )
        connection.commit()
    return counts


def _references(connection: Any, table: Table) -> dict[str, str]:
    return {
        key["constrained_columns"][0]: key["referred_table"]
        for key in inspect(connection).get_foreign_keys(table.name)
    }


def _rows(table: Table, number: int, refers: dict[str, int], text: str) -> Iterator[tuple[Any, ...]]:
    for row in range(1, number + 1):
        yield tuple(
            _value(table, column, kind, row, refers.get(column), text)
            for column, kind in zip(table.columns, table.kinds, strict=True)
        )


def _value(table: Table, column: str, kind: type, row: int, referred: int | None, text: str) -> Any:
    if column in ("duplicate_of", "undoes"):
        return None if row % 3 else row + (1 if row % 2 and row < 30 else 0)  # also a later row
    if referred is not None:
        return (row - 1) % referred + 1
    if column == "id":
        return row
    if kind is bool:
        return row % 2
    if kind is int:
        return WHOLE[row % len(WHOLE)]
    if kind is float:
        return FLOATS[row % len(FLOATS)]
    if kind is bytes:
        return BYTES[row % len(BYTES)] + str(row).encode() if column in table.key else BYTES[row % len(BYTES)]
    if table.name == "files" and column == "daemon":
        return ""
    if table.name == "articles" and column == "text":
        return f"{row} {TEXTS[row % len(TEXTS)]} {text}"
    if column.endswith("_at") or column in (
        "fingerprint",
        "key",
        "topic",
        "receiver",
        "name",
        "mark",
        "person",
    ):
        return f"{TEXTS[row % len(TEXTS)]} {row}"
    return TEXTS[row % len(TEXTS)]


def main() -> int:
    print(fill(Path(sys.argv[1]), int(sys.argv[2]), paragraphs=12))
    return 0


if __name__ == "__main__":
    sys.exit(main())
