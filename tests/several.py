"""Several daemons of one ledger in one process: it is each of them in turn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from daemon import claims, clock
from daemon.claiming import LedgerClaims
from daemon.database import Database, open_database
from daemon.leases import LedgerLeases
from daemon.presence import Presence
from tests.builders import make_settings
from tests.postgres import Server, name_in

LEASE = 30.0

_EMPTY = """
    DO $$ BEGIN
        EXECUTE (
            SELECT 'TRUNCATE ' || string_agg(quote_ident(tablename), ', ') || ' RESTART IDENTITY'
            FROM pg_tables
            WHERE schemaname = 'public' AND tablename <> 'alembic_version'
        );
    END $$
"""
# What is not heard of for longer than its lease, without a test that waits.
_VANISH = text("UPDATE daemons SET lease_until = clock_timestamp() - interval '1 second' WHERE name = :name")


class Peer:
    """A daemon of a ledger, on a machine of its own. What it does, it does `with peer.at_work()`."""

    def __init__(
        self, name: str, address: str, folder: Path, *, machine: str | None = None, **settings: Any
    ) -> None:
        given = {"database": address, "daemon": name, "lease": LEASE} | settings
        self.name = name
        self.settings = make_settings(folder / name, **given)
        self.database = open_database(address)
        self.presence = Presence(self.settings, self.database, lambda: "model-1")
        self.leases = LedgerLeases(self.database, self.presence)
        self.claiming = LedgerClaims(self.database, self.presence)
        self.machine = machine or f"machine-of-{name}"
        self._keeps_lease = False
        self._present: frozenset[str] = frozenset()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """This process is that daemon, with all that it has heard."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(claims, "_TOKEN", f"token-on-{self.machine}")
            patch.setattr(claims, "_machine", lambda: self.machine)
            patch.setattr(claims, "_keeps_lease", self._keeps_lease)
            patch.setattr(claims, "_present", self._present)
            yield
            self._keeps_lease, self._present = claims._keeps_lease, claims._present

    def enter(self) -> None:
        with self.at_work():
            self.presence.enter()

    def renew(self) -> float:
        with self.at_work():
            return self.presence.renew()

    def leave(self) -> None:
        with self.at_work():
            self.presence.leave()

    def vanish(self) -> None:
        """It has not been heard of for longer than its lease; it does not know."""
        with self.database.beside() as connection:
            connection.execute(_VANISH, {"name": self.name})

    def holds(self, name: str) -> bool:
        with self.at_work():
            return self.leases.holds(name)

    @property
    def claimant(self) -> str:
        with self.at_work():
            return claims.claimant()


class Room:
    """A ledger on a server, and the daemons that have entered it."""

    def __init__(self, server: Server, address: str, folder: Path) -> None:
        self.server, self.address, self.folder = server, address, folder
        self._peers: list[Peer] = []

    def peer(self, name: str, *, enters: bool = True, machine: str | None = None, **settings: Any) -> Peer:
        folder = self.folder / (machine or "here")
        found = Peer(name, self.address, folder, machine=machine, **settings)
        self._peers.append(found)
        if enters:
            found.enter()
        return found

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.server.run(query, self.address)

    def close(self) -> None:
        for each in self._peers:
            each.database.close()


class Hand:
    """The monotonic clock, turned by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(scope="session")
def shared_template(postgresql: Server) -> str:
    """A ledger with nothing in it, to be copied."""
    address = postgresql.fresh()
    open_database(address).close()
    return address


@pytest.fixture
def shared_address(postgresql: Server, shared_template: str) -> Iterator[str]:
    """An empty ledger of the newest schema, of the test's own."""
    address = postgresql.fresh(like=shared_template)
    yield address
    postgresql.drop(address)


@pytest.fixture(scope="session")
def _common(postgresql: Server, shared_template: str) -> str:
    return postgresql.fresh(like=shared_template)


@pytest.fixture
def common_address(postgresql: Server, _common: str) -> str:
    """An empty ledger that tests have one after the other: much sooner there than one of their own.

    For those that change nothing but rows.
    """
    postgresql.terminate_backends(f"datname = '{name_in(_common)}'")
    postgresql.run(_EMPTY, _common)
    return _common


@pytest.fixture
def room(postgresql: Server, common_address: str, tmp_path: Path) -> Iterator[Room]:
    found = Room(postgresql, common_address, tmp_path)
    yield found
    found.close()


@pytest.fixture
def own_room(postgresql: Server, shared_address: str, tmp_path: Path) -> Iterator[Room]:
    """With a database that the test may change or shut."""
    found = Room(postgresql, shared_address, tmp_path)
    yield found
    found.close()


@pytest.fixture
def shared_database(common_address: str) -> Iterator[Database]:
    opened = open_database(common_address)
    yield opened
    opened.close()


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Hand:
    found = Hand()
    monkeypatch.setattr(clock, "monotonic", found)
    return found
