"""Holds: a receiver gets nothing from the moment somebody says so until somebody lets it go.

What is held stays owed, in its order. Nothing is lost by a hold, and nothing is sent during one; what may
have arrived is still looked for. Every function works on the connection it is given and commits nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from daemon.clock import to_text

_LONGEST_REASON = 500  # characters

_PUT = text(
    """
    INSERT INTO holds (receiver, person, reason, since)
    VALUES (:receiver, :person, :reason, :now)
    ON CONFLICT (receiver) DO NOTHING
    RETURNING receiver
    """
)
_LIFT = text("DELETE FROM holds WHERE receiver = :receiver RETURNING receiver")
_IS_HELD = text("SELECT 1 FROM holds WHERE receiver = :receiver")
_LISTED = text("SELECT receiver, person, reason, since FROM holds ORDER BY receiver")


@dataclass(frozen=True, slots=True)
class Hold:
    """Who stopped a receiver's deliveries, why and since when (as the ledger writes moments)."""

    receiver: str
    person: str
    reason: str
    since: str


def put(connection: Connection, receiver: str, *, person: str, reason: str, now: datetime) -> bool:
    """Hold what a receiver is owed from now on; False where it was held before."""
    row = {"receiver": receiver, "person": person, "reason": reason[:_LONGEST_REASON], "now": to_text(now)}
    return connection.execute(_PUT, row).first() is not None


def lift(connection: Connection, receiver: str) -> bool:
    """Let a receiver's deliveries go; False where they were not held."""
    return connection.execute(_LIFT, {"receiver": receiver}).first() is not None


def is_held(connection: Connection, receiver: str) -> bool:
    return connection.execute(_IS_HELD, {"receiver": receiver}).first() is not None


def listed(connection: Connection) -> list[Hold]:
    """The holds there are, by receiver."""
    return [Hold(*row) for row in connection.execute(_LISTED)]
