"""Where the ledgers of tests stand: each in a file of its home, or in a database of the tests' PostgreSQL.

A test asks for the ledger of a home and works on either. What is about SQLite itself says so:
`@pytest.mark.sqlite("why")`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, NullPool, create_engine, inspect, text

from daemon import config
from daemon.config import Settings, Storage
from daemon.database import Database, open_database
from daemon.tables import SQLITE, File
from tests.postgres import Server, name_in

USUAL = Storage().database

_settings = config._settings


class Ledgers:
    """Knows the databases that one test has on a server; without a server all is in files."""

    def __init__(self) -> None:
        self.server: Server | None = None
        self._template = ""
        self._made: dict[Path, str] = {}

    def stand_on(self, server: Server | None) -> None:
        """From now on ledgers are made there."""
        if server is not None and not self._template:
            self._template = server.fresh()
            open_database(self._template).close()
        self.server = server

    def address_with_password(self, home: Path) -> str:
        """The same as SQLAlchemy needs it."""
        found = self.address(home)
        return found if self.server is None else self.server.address(name_in(found))

    def drop_below(self, folder: Path) -> int:
        """Take away the ledgers of homes in a folder; how many there were."""
        gone = [home for home in self._made if home.is_relative_to(folder.resolve())]
        for home in gone:
            assert self.server is not None
            self.server.drop(self._made.pop(home))
        return len(gone)

    def address(self, home: Path) -> str:
        """That of the ledger of a home, as its settings have it; an empty one is made where need be."""
        home = home.resolve()
        if self.server is None:
            return f"{SQLITE}{home / USUAL}"
        if home not in self._made:
            self._made[home] = self.server.configured(self.server.fresh(like=self._template))
        return self._made[home]


LEDGERS = Ledgers()


def address(home: Path) -> str:
    """The address of a home's ledger, as its settings have it."""
    return LEDGERS.address(home)


def opened(home: Path) -> Database:
    """The ledger of a home; whoever opens it closes it."""
    return open_database(address(home))


def asked(home: Path, query: str, **values: object) -> list[tuple[Any, ...]]:
    """Rows of a home's ledger, beside whoever works on it. Parameters have names."""
    with _connection(home) as connection:
        return [tuple(row) for row in connection.execute(text(query), values)]


def records(home: Path, query: str) -> list[dict[str, Any]]:
    """The same with the names of the columns."""
    with _connection(home) as connection:
        return [dict(row) for row in connection.execute(text(query)).mappings()]


def change(home: Path, statement: str, **values: object) -> None:
    """Write to a home's ledger, as another program would."""
    with _connection(home) as connection:
        connection.execute(text(statement), values)
        connection.commit()


def everything(connection: Connection) -> list[tuple[str, tuple[Any, ...]]]:
    """Every row of every table, with the name of its table."""
    found: list[tuple[str, tuple[Any, ...]]] = []
    for table in sorted(inspect(connection).get_table_names()):
        rows = connection.execute(text(f'SELECT * FROM "{table}"'))
        found += sorted(((table, tuple(row)) for row in rows), key=repr)
    return found


def refuse(connection: Connection, event: str, *, when: str = "", why: str = "no") -> None:
    """From now on the ledger refuses a step, such as `INSERT ON files`, as a fault of what is written."""
    only = f"WHEN ({when})" if when else ""
    if connection.dialect.name == "sqlite":
        said = f"CREATE TRIGGER refusing BEFORE {event} {only} BEGIN SELECT RAISE(ABORT, '{why}'); END"
        connection.exec_driver_sql(said)
        return
    connection.exec_driver_sql(
        "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{why}' USING ERRCODE = '23000'; END $$"
    )
    connection.exec_driver_sql(
        f"CREATE TRIGGER refusing BEFORE {event} FOR EACH ROW {only} EXECUTE FUNCTION refuse()"
    )


def refuse_no_more(connection: Connection, event: str) -> None:
    on_table = "" if connection.dialect.name == "sqlite" else f" ON {event.rpartition(' ')[2]}"
    connection.exec_driver_sql(f"DROP TRIGGER refusing{on_table}")


def take_away(home: Path) -> None:
    """Nobody reaches the ledger of a home any more, and who had it open has lost it."""
    if LEDGERS.server is None:
        (home / USUAL).rename(home / f"{USUAL}.away")
        return
    name = name_in(address(home))
    LEDGERS.server.run(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS false')
    LEDGERS.server.terminate_backends(f"datname = '{name}'")


def put_back(home: Path) -> None:
    if LEDGERS.server is None:
        (home / f"{USUAL}.away").rename(home / USUAL)
        return
    LEDGERS.server.run(f'ALTER DATABASE "{name_in(address(home))}" WITH ALLOW_CONNECTIONS true')


def is_said_to_be_away(said: str) -> bool:
    """Whether these are the words for a ledger that was taken away."""
    return ("was deleted or replaced" if LEDGERS.server is None else "the ledger's server") in said


def configured(given: str, home: Path) -> str:
    """A configuration with the ledger of a home in it, unless it names one."""
    if LEDGERS.server is None or "[storage]" in given:
        return given
    return f'{given}\n[storage]\ndatabase = "{address(home)}"\n'


def options(home: Path) -> list[str]:
    """What a command in a process of its own is given, so that it has the ledger of a home."""
    if LEDGERS.server is None:
        return []
    file = home.parent / f"{home.name}.toml"
    file.write_text(configured("", home), encoding="utf-8")
    return ["--config", str(file)]


@contextmanager
def _connection(home: Path) -> Iterator[Connection]:
    engine = create_engine(LEDGERS.address_with_password(home), poolclass=NullPool)
    with engine.connect() as connection:
        yield connection


def settings_there(file: Path | None, home: Path, given: File) -> Settings:
    """In the place of config._settings: the usual ledger of a home is the one that it has here."""
    if given.storage.database == USUAL and LEDGERS.server is not None:
        storage = given.storage.model_copy(update={"database": address(home)})
        given = given.model_copy(update={"storage": storage})
    return _settings(file, home, given)
