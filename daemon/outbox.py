"""The outbox: deliveries still owed, and what became of them.

    pending ─▶ sending ─▶ sent
                  ├─▶ pending   certainly not delivered: later again
                  ├─▶ unknown   perhaps delivered: look first
                  ├─▶ parked    the receiver takes nothing until a person mends it
                  └─▶ dead      will never be taken

A receiver gets its alerts in the order they were written: only the oldest owed one can be
claimed. Every function works on the connection it is given and commits nothing.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, text

from daemon.clock import from_text, to_text
from daemon.records import Alert, Delivery, DeliveryState, alert_from_json, alert_to_json

_ADD_ALERT = text(
    """
    INSERT INTO alerts (key, article_id, receiver, payload, created_at)
    VALUES (:key, :article_id, :receiver, :payload, :now)
    ON CONFLICT (key) DO NOTHING
    RETURNING id
    """
)
_ADD_DELIVERY = text(
    """
    INSERT INTO deliveries (alert_id, receiver, state, attempts, looks, due_at)
    VALUES (:alert_id, :receiver, 'pending', 0, 0, :now)
    """
)
_OLDEST = text(
    """
    SELECT deliveries.id, alerts.payload, state, attempts, looks, first_sent_at, due_at
    FROM deliveries
    JOIN alerts ON alerts.id = deliveries.alert_id
    WHERE deliveries.receiver = :receiver
      AND state IN ('pending', 'sending', 'unknown', 'parked')
    ORDER BY deliveries.id
    LIMIT 1
    """
)
_SENDING = text(
    """
    UPDATE deliveries
    SET state = 'sending',
        attempts = attempts + 1,
        first_sent_at = COALESCE(first_sent_at, :now)
    WHERE id = :id
      AND state = :state
    RETURNING attempts, first_sent_at
    """
)
_SENT = text(
    """
    UPDATE deliveries
    SET state = 'sent', sent_at = :now, channel = :channel, message = :message, error = NULL
    WHERE id = :id
    """
)
_PUT_OFF = text(
    """
    UPDATE deliveries
    SET state = :state, due_at = :due_at, looks = :looks, error = :error
    WHERE id = :id
    """
)
_RECOVER = text(
    """
    UPDATE deliveries
    SET state = 'unknown', looks = 0, due_at = :due_at, error = 'stopped while sending'
    WHERE state = 'sending'
    """
)
_COUNTS = text(
    """
    SELECT receiver, state, COUNT(*)
    FROM deliveries
    GROUP BY receiver, state
    ORDER BY receiver, state
    """
)
_TROUBLE = text(
    """
    SELECT receiver, state, error, COUNT(*)
    FROM deliveries
    WHERE state NOT IN ('sent', 'sending')
      AND error IS NOT NULL
    GROUP BY receiver, state, error
    ORDER BY receiver, state
    """
)


def add(connection: Connection, alert: Alert, *, article: int, now: datetime) -> bool:
    """Owe an alert to its receiver; False where it was owed before."""
    row = {"key": alert.key, "article_id": article, "receiver": alert.receiver, "now": to_text(now)}
    row["payload"] = alert_to_json(alert)
    identity = connection.execute(_ADD_ALERT, row).scalar_one_or_none()
    if identity is None:
        return False
    connection.execute(_ADD_DELIVERY, {"alert_id": identity, "receiver": alert.receiver, "now": to_text(now)})
    return True


def oldest(connection: Connection, receiver: str) -> tuple[Delivery, datetime] | None:
    """The delivery that a receiver must get next, and when it is due. None: nothing is owed."""
    row = connection.execute(_OLDEST, {"receiver": receiver}).one_or_none()
    if row is None:
        return None
    identity, payload, state, attempts, looks, first_sent_at, due_at = row
    alert, known = alert_from_json(payload), DeliveryState(state)
    return Delivery(identity, alert, known, attempts, looks, first_sent_at), from_text(due_at)


def start_sending(connection: Connection, delivery: Delivery, *, now: datetime) -> Delivery | None:
    """Mark a delivery as on its way, before the first byte goes out.

    None where it is no longer in the state it was read in: somebody else has it.
    """
    row = connection.execute(
        _SENDING, {"id": delivery.id, "state": delivery.state, "now": to_text(now)}
    ).one_or_none()
    if row is None:
        return None
    attempts, first_sent_at = row
    return Delivery(
        delivery.id, delivery.alert, DeliveryState.SENDING, attempts, delivery.looks, first_sent_at
    )


def mark_sent(
    connection: Connection,
    delivery: Delivery,
    *,
    now: datetime,
    channel: str | None = None,
    message: str | None = None,
) -> None:
    """The receiver has it; `channel` and `message` say where, if it told us."""
    connection.execute(
        _SENT, {"id": delivery.id, "now": to_text(now), "channel": channel, "message": message}
    )


def put_off(
    connection: Connection,
    delivery: Delivery,
    state: DeliveryState,
    *,
    due_at: datetime,
    error: str,
    looks: int = 0,
) -> None:
    """Not delivered yet, or not for sure: what it is now, when it is due, and why."""
    row = {"id": delivery.id, "state": state, "looks": looks, "error": error[:500]}
    connection.execute(_PUT_OFF, row | {"due_at": to_text(due_at)})


def recover(connection: Connection, *, due_at: datetime) -> int:
    """After a start: whatever was on its way has an unknown outcome. Returns how many."""
    return connection.execute(_RECOVER, {"due_at": to_text(due_at)}).rowcount


def counts(connection: Connection) -> dict[str, dict[str, int]]:
    """How many deliveries of each receiver are in each state."""
    found: dict[str, dict[str, int]] = {}
    for receiver, state, number in connection.execute(_COUNTS):
        found.setdefault(receiver, {})[state] = number
    return found


def trouble(connection: Connection) -> list[tuple[str, str, str, int]]:
    """Receiver, state, reason and number of the deliveries that something holds up."""
    return [(r, s, e, n) for r, s, e, n in connection.execute(_TROUBLE)]
