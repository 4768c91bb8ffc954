"""What an article takes of the disk, recorded by the daemon's own functions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

from sqlalchemy import text

from daemon.database import Database, open_database
from daemon.desk.following import Follower
from daemon.desk.index import Index
from tests import postgres
from tests.bench import texts
from tests.growth.figures import Figure
from tests.growth.taking import newsdesk
from tests.measuring import say

_LABELLED = 0.45
_AT_ONCE = 400
# What is kept to compare stories while they are open, and forgotten after.
_FORGOTTEN = ("marks", "sketches")
_OF_TABLES = text(
    """
    SELECT relname, pg_table_size(oid), pg_indexes_size(oid)
    FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
    """
)


def of_sqlite(home: Path, scratch: Path, numbers: tuple[int, ...]) -> dict[str, Figure]:
    """Bytes an article at so many articles, and of the desk page's index."""
    path, found = scratch / "ledger.db", {}
    database = open_database(f"sqlite:///{path}")
    empty = _size(path)
    for number in _filled(home, scratch, f"sqlite:///{path}", database, numbers):
        each = (_size(path) - empty) / number
        how = f"the file after {number:,} files of 3,000 bytes, less an empty one"
        found[_named("sqlite bytes", number, numbers)] = Figure.of([each], "bytes an article", how)
    index = Index(scratch / "desk.db")
    Follower(database, index).catch_up()
    index.close()
    database.close()
    each = (scratch / "desk.db").stat().st_size / numbers[-1]
    how = f"the desk page's index of {numbers[-1]:,} articles"
    return found | {"desk.db bytes": Figure.of([each], "bytes an article", how)}


def of_postgresql(home: Path, scratch: Path, numbers: tuple[int, ...]) -> dict[str, Figure]:
    """The same of PostgreSQL, with the share of indexes, and of what stories need while they are open."""
    found = {}
    with postgres.server() as server:
        address = server.fresh()
        database = open_database(address)
        name = address.rpartition("/")[2]
        empty = int(server.run(f"SELECT pg_database_size('{name}')")[0][0])
        for number in _filled(home, scratch, address, database, numbers):
            whole = (int(server.run(f"SELECT pg_database_size('{name}')")[0][0]) - empty) / number
            with database.reading() as connection:
                tables = {n: (int(t), int(i)) for n, t, i in connection.execute(_OF_TABLES)}
            indexes = sum(index for _, index in tables.values()) / number
            stories = sum(sum(tables.get(each, (0, 0))) for each in _FORGOTTEN) / number
            unit, how = "bytes an article", f"pg_database_size after {number:,} files of 3,000 bytes"
            found[_named("postgresql bytes", number, numbers)] = Figure.of([whole], unit, how)
            found[_named("postgresql index bytes", number, numbers)] = Figure.of(
                [indexes], unit, f"{how}; of these, indexes"
            )
            how = f"{how}; of these, marks and sketches with their indexes"
            found[_named("postgresql story bytes", number, numbers)] = Figure.of([stories], unit, how)
        database.close()
    return found


def _filled(
    home: Path, scratch: Path, address: str, database: Database, numbers: tuple[int, ...]
) -> Iterator[int]:
    """Stops at each of these numbers of articles."""
    desk = newsdesk(scratch / "home", home / "models", address, database)
    backlog = texts.backlog(numbers[-1], _LABELLED)
    taken = 0
    for number in numbers:
        while taken < number:
            some = list(islice(backlog, min(_AT_ONCE, number - taken)))
            desk.take(some)
            taken += len(some)
            if taken % 10_000 == 0:
                say(f"sizes: {taken:,} of {numbers[-1]:,} articles in {address.partition(':')[0]}")
        yield number
    desk.close()


def _named(what: str, number: int, numbers: tuple[int, ...]) -> str:
    """The largest is the one that counts; the others tell whether an article takes as much earlier."""
    return what if number == numbers[-1] else f"{what} at {number}"


def _size(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.stat().st_size
