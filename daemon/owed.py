"""What is owed and what is not delivered, as people look at it: by receiver and reason, and one by one.

Reads only, along the indexes: what was delivered, which is nearly all there is, is never gone through.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Text, bindparam, text

from daemon.records import DeliveryState, Form, alert_from_json

# In the order in which a page shows them.
OPEN = (
    DeliveryState.DEAD,
    DeliveryState.PARKED,
    DeliveryState.UNKNOWN,
    DeliveryState.PENDING,
    DeliveryState.SENDING,
    DeliveryState.HELD,
)
FIRST, LAST = 0, 2**62  # below and above every id

_MOST_REASONED = 10_000  # deliveries of a receiver and state whose reasons are looked at
_MOST_REASONS = 20

# One step along the index for each receiver, whatever the number of its deliveries.
_RECEIVERS = text(
    """
    WITH RECURSIVE known(receiver) AS (
        SELECT MIN(receiver) FROM deliveries
        UNION ALL
        SELECT (SELECT MIN(receiver) FROM deliveries WHERE receiver > known.receiver)
        FROM known
        WHERE known.receiver IS NOT NULL
    )
    SELECT receiver FROM known WHERE receiver IS NOT NULL
    """
)
_COUNTS = text(
    """
    SELECT state, COUNT(*)
    FROM deliveries
    WHERE receiver = :receiver
      AND state IN :states
    GROUP BY state
    """
).bindparams(bindparam("states", expanding=True, type_=Text()))
_REASONS = text(
    """
    SELECT error, COUNT(*) AS number
    FROM (
        SELECT error
        FROM deliveries
        WHERE receiver = :receiver
          AND state = :state
        ORDER BY id DESC
        LIMIT :most
    ) AS newest
    WHERE error IS NOT NULL
    GROUP BY error
    ORDER BY number DESC, error
    LIMIT :reasons
    """
)
_SELECT = """
    SELECT deliveries.id, deliveries.receiver, deliveries.form, deliveries.state, deliveries.attempts,
        deliveries.due_at, deliveries.first_sent_at, deliveries.sent_at, deliveries.error,
        alerts.payload, alerts.created_at, articles.fingerprint
    FROM deliveries
    LEFT JOIN alerts ON alerts.id = deliveries.alert_id
    LEFT JOIN articles ON articles.id = alerts.article_id
"""
_OLDEST_FIRST = text(
    f"{_SELECT} WHERE deliveries.receiver = :receiver AND deliveries.state = :state"
    " AND deliveries.id > :beyond ORDER BY deliveries.id LIMIT :most"
)
_NEWEST_FIRST = text(
    f"{_SELECT} WHERE deliveries.receiver = :receiver AND deliveries.state = :state"
    " AND deliveries.id < :beyond ORDER BY deliveries.id DESC LIMIT :most"
)
_ONE = text(f"{_SELECT} WHERE deliveries.id = :id")
_LAST_OF = text("SELECT MAX(id) FROM deliveries WHERE receiver = :receiver AND state = :state")
_COUNT_UP_TO = text(
    "SELECT COUNT(*) FROM deliveries WHERE receiver = :receiver AND state = :state AND id <= :up_to"
)


@dataclass(frozen=True, slots=True)
class Reason:
    """What holds up so many deliveries of a receiver that are in a state."""

    receiver: str
    state: DeliveryState
    said: str
    number: int


@dataclass(frozen=True, slots=True)
class Owed:
    """A delivery as a person looks at it; moments are as the ledger writes them.

    Without a headline it is of no article; `article` is the fingerprint of the one it is of. `since` is when
    it was written, as far as that is known.
    """

    id: int
    receiver: str
    form: Form
    state: DeliveryState
    attempts: int
    due_at: str
    sent_at: str | None
    error: str | None
    headline: str | None
    language: str | None
    article: str | None
    since: str | None


def receivers(connection: Connection) -> list[str]:
    """Every receiver that there is a delivery for, by name."""
    return sorted(connection.execute(_RECEIVERS).scalars())


def counts(connection: Connection, names: Collection[str] = ()) -> dict[str, dict[DeliveryState, int]]:
    """How many deliveries of each receiver are in each state of OPEN; `names` are there in any case."""
    found = {}
    for receiver in sorted({*names, *receivers(connection)}):
        rows = connection.execute(_COUNTS, {"receiver": receiver, "states": [*OPEN]})
        found[receiver] = {DeliveryState(state): int(number) for state, number in rows}
    return found


def reasons(connection: Connection, receiver: str, state: DeliveryState) -> list[Reason]:
    """Why a receiver's deliveries are as they are, most frequent reasons first; of very many the newest."""
    asked = {"receiver": receiver, "state": state, "most": _MOST_REASONED, "reasons": _MOST_REASONS}
    return [Reason(receiver, state, said, number) for said, number in connection.execute(_REASONS, asked)]


def listed(
    connection: Connection, receiver: str, state: DeliveryState, *, beyond: int | None = None, most: int
) -> list[Owed]:
    """A receiver's deliveries in a state, by their ids `beyond` one: what ended newest first, what is still
    to go in the order in which it goes.
    """
    ended = is_final(state)
    usual = LAST if ended else FIRST
    asked = {
        "receiver": receiver,
        "state": state,
        "most": most,
        "beyond": usual if beyond is None else beyond,
    }
    rows = connection.execute(_NEWEST_FIRST if ended else _OLDEST_FIRST, asked)
    return [_owed(row) for row in rows]


def one(connection: Connection, identity: int) -> Owed | None:
    row = connection.execute(_ONE, {"id": identity}).one_or_none()
    return _owed(row) if row else None


def last_of(connection: Connection, receiver: str, state: DeliveryState) -> int:
    """The highest id of a receiver's deliveries in a state; FIRST where there is none."""
    return int(connection.execute(_LAST_OF, {"receiver": receiver, "state": state}).scalar_one() or FIRST)


def count_up_to(connection: Connection, receiver: str, state: DeliveryState, up_to: int) -> int:
    """How many of a receiver's deliveries in a state have an id of at most `up_to`."""
    row = {"receiver": receiver, "state": state, "up_to": up_to}
    return int(connection.execute(_COUNT_UP_TO, row).scalar_one())


def is_final(state: DeliveryState) -> bool:
    return state in (DeliveryState.SENT, DeliveryState.MERGED, DeliveryState.DEAD)


def _owed(row: Row[Any]) -> Owed:
    alert = alert_from_json(row.payload) if row.payload else None
    return Owed(
        id=row.id,
        receiver=row.receiver,
        form=Form(row.form),
        state=DeliveryState(row.state),
        attempts=row.attempts,
        due_at=row.due_at,
        sent_at=row.sent_at,
        error=row.error,
        headline=alert.headline if alert else None,
        language=alert.language if alert else None,
        article=row.fingerprint,
        since=row.created_at or row.first_sent_at or row.due_at,
    )
