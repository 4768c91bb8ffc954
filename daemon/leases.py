"""Leases: what one daemon of a ledger does at a time, the timetable and the sending to each receiver.

A lease is its holder's for as long as that one is present. Its generation tells how often it has been
taken over; that a holder before comes too late is told by what it holds the lease for: a delivery's
generation, a run's number of tries.
"""

from __future__ import annotations

from typing import Protocol

from sqlalchemy import Connection, text

from daemon import claims
from daemon.database import Database
from daemon.presence import Presence, keeps_lease

TIMETABLE = "timetable"
LISTENERS = 4  # so that a click is heard while one of them is away, and far from Slack's ten

# Only what is free is written: a holder that asks again and again leaves no dead rows.
_MAKE = text(
    """
    INSERT INTO leases (name, claimant, generation, since)
    VALUES (:name, :claimant, 1, clock_timestamp())
    ON CONFLICT (name) DO NOTHING
    """
)
_TAKE = text(
    f"""
    UPDATE leases
    SET claimant = :claimant, generation = generation + 1, since = clock_timestamp()
    WHERE name = (
        SELECT name
        FROM leases
        WHERE name = :name
          AND claimant <> :claimant
          AND NOT {keeps_lease("leases")}
        FOR UPDATE SKIP LOCKED
    )
    """  # noqa: S608  our own words
)
_LET_GO = text("UPDATE leases SET claimant = '' WHERE name = :name AND claimant = :claimant")
_HOLDER = text("SELECT claimant FROM leases WHERE name = :name")


class Leases(Protocol):
    """What may be done by one daemon only."""

    def holds(self, name: str) -> bool:
        """Whether it is ours to do now; takes it where nobody does it."""

    def let_go(self, name: str) -> bool:
        """Leave it to another daemon; False, and it stays ours, where there is none."""


class AllOurs:
    """Of a ledger that has one daemon."""

    def holds(self, name: str) -> bool:
        return True

    def let_go(self, name: str) -> bool:
        return False


class LedgerLeases:
    """Of a ledger that has several."""

    def __init__(self, database: Database, presence: Presence) -> None:
        self._database = database
        self._presence = presence

    def holds(self, name: str) -> bool:
        """False as well while we are not sure that we are still believed to be there.

        Raises what the ledger raises.
        """
        if not self._presence.is_sure():
            return False
        with self._database.reading() as connection:
            holder = connection.execute(_HOLDER, {"name": name}).scalar_one_or_none()
        if holder == claims.claimant():
            return self._presence.is_sure()
        if holder is not None and claims.is_present(holder):
            return False
        with self._database.beside() as connection:
            return _take(connection, name, fresh=holder is None) and self._presence.is_sure()

    def let_go(self, name: str) -> bool:
        """Raises what the ledger raises."""
        if not claims.others_are_present():
            return False
        with self._database.beside() as connection:
            connection.execute(_LET_GO, {"name": name, "claimant": claims.claimant()})
        return True


def may_listen(leases: Leases) -> bool:
    """Whether this daemon is one of those that listen to the desks; takes a place that is free."""
    return any(leases.holds(f"listening {number}") for number in range(1, LISTENERS + 1))


def receiver(name: str) -> str:
    """The lease of sending to a receiver."""
    return f"receiver {name}"


def _take(connection: Connection, name: str, *, fresh: bool) -> bool:
    row = {"name": name, "claimant": claims.claimant()}
    if fresh and connection.execute(_MAKE, row).rowcount == 1:
        return True
    return connection.execute(_TAKE, row).rowcount == 1
