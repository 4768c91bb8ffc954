"""Claiming: which files of the inbox are this daemon's to take, where several look at one folder.

    nobody's ─▶ claimed (generation 1) ─▶ recorded, moved ─▶ let go
                   └─ its daemon is not heard of ─▶ claimed by another (generation + 1)

A daemon that comes back late finds its generation gone, and records nothing. Files are known by
their names: inboxes that are not one folder may have the same name, and then wait for each other for
the time of a batch.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from sqlalchemy import Connection, Text, bindparam, text

from daemon import claims
from daemon.arrivals import Arrival
from daemon.database import Database
from daemon.errors import DaemonError
from daemon.inbox import Candidate
from daemon.presence import Presence, keeps_lease

_NEW = text(
    """
    INSERT INTO arriving (name, claimant, generation, since)
    SELECT unnest(CAST(:names AS varchar[])), '', 0, clock_timestamp()
    ON CONFLICT (name) DO NOTHING
    """
)
_CLAIM = text(
    f"""
    UPDATE arriving
    SET claimant = :claimant, generation = generation + 1, since = clock_timestamp()
    WHERE name IN (
        SELECT name
        FROM arriving
        WHERE name = ANY(CAST(:names AS varchar[]))
          AND (claimant = :claimant OR NOT {keeps_lease("arriving")})
        FOR UPDATE SKIP LOCKED
    )
    RETURNING name, generation
    """  # noqa: S608  our own words
)
_OURS = text(
    """
    SELECT name, generation
    FROM arriving
    WHERE claimant = :claimant
      AND name IN :names
    FOR UPDATE
    """
).bindparams(bindparam("names", expanding=True, type_=Text()))
_LET_GO = text("DELETE FROM arriving WHERE claimant = :claimant AND name IN :names").bindparams(
    bindparam("names", expanding=True, type_=Text())
)
_LET_ALL_GO = text("DELETE FROM arriving WHERE claimant = :claimant")


class Claiming(Protocol):
    """Whose the files of an inbox are."""

    def claim(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Those of them that nobody else is at, in order; ours may be claimed again.

        Raises DaemonError where none may be claimed.
        """

    def confirmed(self, connection: Connection, batch: Sequence[Arrival]) -> list[Arrival]:
        """Those that are still ours, in the transaction that records them."""

    def let_go(self, candidates: Iterable[Candidate]) -> None:
        """We are no longer at them, whatever came of it."""

    def let_all_go(self) -> None:
        """The same of all that we have claimed."""


class NobodyElse:
    """Where one daemon has the inbox."""

    def claim(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        return list(candidates)

    def confirmed(self, connection: Connection, batch: Sequence[Arrival]) -> list[Arrival]:
        return list(batch)

    def let_go(self, candidates: Iterable[Candidate]) -> None:
        """Nobody waits for them."""

    def let_all_go(self) -> None:
        """Nor for these."""


class LedgerClaims:
    """Where several have one ledger, and perhaps one inbox."""

    def __init__(self, database: Database, presence: Presence) -> None:
        self._database = database
        self._presence = presence
        self._generations: dict[str, int] = {}

    def claim(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        if not self._presence.is_sure():
            raise DaemonError("the ledger was not heard of for too long: no file is claimed")
        by_name = {_name(candidate): candidate for candidate in candidates}
        asked = {"names": list(by_name), "claimant": claims.claimant()}
        with self._database.beside() as connection:
            connection.execute(_NEW, asked)
            won = {row.name: row.generation for row in connection.execute(_CLAIM, asked)}
        self._generations |= won
        return [candidate for name, candidate in by_name.items() if name in won]

    def confirmed(self, connection: Connection, batch: Sequence[Arrival]) -> list[Arrival]:
        ours = self._still_ours(connection, {_name(each.candidate) for each in batch})
        return [each for each in batch if _name(each.candidate) in ours]

    def let_go(self, candidates: Iterable[Candidate]) -> None:
        names = [name for name in map(_name, candidates) if self._generations.pop(name, None) is not None]
        if names:
            with self._database.beside() as connection:
                connection.execute(_LET_GO, {"names": names, "claimant": claims.claimant()})

    def let_all_go(self) -> None:
        if self._generations:
            self._generations.clear()
            with self._database.beside() as connection:
                connection.execute(_LET_ALL_GO, {"claimant": claims.claimant()})

    def _still_ours(self, connection: Connection, names: Collection[str]) -> set[str]:
        asked = {"names": sorted(names), "claimant": claims.claimant()}
        found = connection.execute(_OURS, asked)
        return {name for name, generation in found if self._generations.get(name) == generation}


def _name(candidate: Candidate) -> str:
    return hashlib.sha256(os.fsencode(candidate.name)).hexdigest()
