"""Where the ledgers of tests stand: each in a file of its home, or in a database of the tests' PostgreSQL.

A test asks for the ledger of a home and works on either. What is about SQLite itself says so:
`@pytest.mark.sqlite("why")`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, NullPool, create_engine, text

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


def configured(text: str, home: Path) -> str:
    """A configuration with the ledger of a home in it, unless it names one."""
    if LEDGERS.server is None or "[storage]" in text:
        return text
    return f'{text}\n[storage]\ndatabase = "{address(home)}"\n'


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
