"""Presence: which daemons of one ledger are there, by leases that each renews. Only the server's time counts.

A daemon that is not heard of for as long as its lease has lost what it claimed. It knows so itself,
by its monotonic clock, before anybody else does: its lease begins for itself when it asks, and for
others when the server answers.
"""

from __future__ import annotations

import logging
import platform
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from daemon import claims, clock
from daemon.backoff import Backoff
from daemon.config import Settings
from daemon.database import Database, follow_server, plainly
from daemon.errors import DaemonError

logger = logging.getLogger(__name__)

_RENEWALS = 6  # in the time of one lease: as many may fail but one
_FORGOTTEN_DAYS = 7  # after which a daemon that is not heard of is not shown any more
_MARGIN = 0.2  # of the lease, that we stop before it ends


def keeps_lease(table: str) -> str:
    """SQL: whether the daemon that is the claimant of a row of `table` is there."""
    return f"""
        EXISTS (
            SELECT 1
            FROM daemons
            WHERE daemons.claimant = {table}.claimant
              AND lease_until > clock_timestamp()
        )
    """  # noqa: S608  our own words


_NAMESAKE = text(
    """
    SELECT claimant, machine, home, lease_until > clock_timestamp() AS is_there
    FROM daemons
    WHERE name = :name
    FOR UPDATE
    """
)
_ENTER = text(
    """
    INSERT INTO daemons (name, claimant, machine, home, inbox, program, model, since, seen_at, lease_until)
    VALUES (
        :name, :claimant, :machine, :home, :inbox, :program, :model, clock_timestamp(), clock_timestamp(),
        clock_timestamp() + make_interval(secs => :lease)
    )
    ON CONFLICT (name)
    DO UPDATE SET
        claimant = excluded.claimant,
        machine = excluded.machine,
        home = excluded.home,
        inbox = excluded.inbox,
        program = excluded.program,
        model = excluded.model,
        since = excluded.since,
        seen_at = excluded.seen_at,
        lease_until = excluded.lease_until
    """
)
_RENEW = text(
    """
    UPDATE daemons
    SET seen_at = clock_timestamp(),
        lease_until = clock_timestamp() + make_interval(secs => :lease),
        model = :model
    WHERE claimant = :claimant
    """
)
# Heard of to the end of its lease: that tells who left from who was not heard of any more.
_LEAVE = text(
    """
    UPDATE daemons
    SET seen_at = statement_timestamp(), lease_until = statement_timestamp()
    WHERE claimant = :claimant
    """
)
# Daemons that were taken away for good; and claims of those that have gone, which anybody may have.
_FORGET = text("DELETE FROM daemons WHERE lease_until < clock_timestamp() - make_interval(days => :days)")
_FREE = text(f"DELETE FROM arriving WHERE NOT {keeps_lease('arriving')}")  # noqa: S608  our own words
_PRESENT = text("SELECT claimant FROM daemons WHERE lease_until > clock_timestamp()")
_LISTED = text(
    """
    SELECT name, claimant, machine, home, inbox, program, model, since, seen_at,
        lease_until > clock_timestamp() AS is_there, lease_until = seen_at AS has_left,
        EXTRACT(EPOCH FROM clock_timestamp() - seen_at) AS unseen_seconds
    FROM daemons
    ORDER BY name
    """
)
_LEADS = text("SELECT name, claimant FROM leases ORDER BY name")


@dataclass(frozen=True, slots=True)
class DaemonSeen:
    """A daemon of the ledger. `leads`: what it alone does now; `unseen_seconds` since it was heard of.

    `has_left`: it said so when it ended, and does not fail to be heard of.
    """

    name: str
    machine: str
    home: str
    inbox: str
    program: str
    model: str
    since: datetime
    seen_at: datetime
    unseen_seconds: float
    is_there: bool
    has_left: bool
    leads: tuple[str, ...]


class Presence:
    """Keeps the lease of this daemon. `model` is asked at each renewal what serves."""

    def __init__(self, settings: Settings, database: Database, model: Callable[[], str]) -> None:
        self._database = database
        self._lease = settings.lease
        self._name = settings.daemon
        self._place = {"home": str(settings.home), "inbox": str(settings.inbox)}
        self._model = model
        self._until = float("-inf")

    @property
    def rest(self) -> Backoff:
        """How soon a renewal that failed is tried again."""
        return Backoff(first=self._lease / 60, ceiling=self._lease / _RENEWALS)

    def enter(self) -> None:
        """Be there from now on. Raises DaemonError where another daemon is known by our name."""
        claims.keep_lease()
        begun = clock.monotonic()
        with self._database.beside() as connection:
            row = connection.execute(_NAMESAKE, {"name": self._name}).one_or_none()
            if row is not None and row.is_there and _is_another(row.claimant):
                raise DaemonError(
                    f"storage.daemon: another daemon is called {self._name!r}, with the home {row.home} on"
                    f" {row.machine}; give each of a ledger a name of its own"
                )
            given = {"name": self._name, "claimant": claims.claimant(), "machine": platform.node()[:255]}
            told = {"program": _program(), "model": self._model(), "lease": self._lease}
            connection.execute(_ENTER, given | self._place | told)
            connection.execute(_FORGET, {"days": _FORGOTTEN_DAYS})
            connection.execute(_FREE)
            hear(connection)
        self._until = begun + self._lease

    def renew(self) -> float:
        """Say that we are still there; in how many seconds to do so again."""
        begun = clock.monotonic()
        with self._database.beside() as connection:
            given = {"claimant": claims.claimant(), "lease": self._lease, "model": self._model()}
            known = connection.execute(_RENEW, given).rowcount == 1
            hear(connection)
        if not known:  # somebody has taken our name: the next try says who
            self.enter()
        self._until = begun + self._lease
        return self._lease / _RENEWALS

    def leave(self) -> None:
        """What we claimed is free at once; should the ledger not be there, when our lease ends."""
        self._until = float("-inf")
        try:
            with self._database.beside() as connection:
                connection.execute(_LEAVE, {"claimant": claims.claimant()})
        except (SQLAlchemyError, DaemonError) as error:
            logger.warning("the ledger was not told that we leave", extra={"error": plainly(error)})

    def is_sure(self) -> bool:
        """Whether nobody else can have taken what is ours: if not, nothing new is begun."""
        return clock.monotonic() < self._until - _MARGIN * self._lease


def hear(connection: Connection) -> None:
    """What time it is for all of the ledger, and which daemons are there: whose work goes on."""
    follow_server(connection)
    claims.are_present(connection.execute(_PRESENT).scalars().all())


def hear_of(database: Database) -> None:
    """The same for a command, where the ledger has several daemons at all."""
    if database.shared:
        with database.reading() as connection:
            hear(connection)


def listed(connection: Connection) -> list[DaemonSeen]:
    """Every daemon that this ledger knows, by name; those that have gone as well."""
    leads: dict[str, list[str]] = {}
    for name, claimant in connection.execute(_LEADS):
        leads.setdefault(claimant, []).append(name)
    return [_seen(row, leads.get(row.claimant, [])) for row in connection.execute(_LISTED)]


def _seen(row: Any, leads: list[str]) -> DaemonSeen:
    return DaemonSeen(
        name=row.name,
        machine=row.machine,
        home=row.home,
        inbox=row.inbox,
        program=row.program,
        model=row.model,
        since=row.since,
        seen_at=row.seen_at,
        unseen_seconds=float(row.unseen_seconds),
        is_there=row.is_there,
        has_left=row.has_left,
        leads=tuple(leads) if row.is_there else (),
    )


def _is_another(claimant: str) -> bool:
    """Whether it may live: of a process of this machine the kernel knows better than a lease."""
    if claims.is_ours(claimant):
        return False
    return not claims.is_of_this_machine(claimant) or claims.lives(claimant)


def _program() -> str:
    try:
        return metadata.version("topicwire")
    except metadata.PackageNotFoundError:
        return "unknown"
