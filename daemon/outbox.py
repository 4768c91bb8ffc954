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

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from daemon.clock import from_text, to_text
from daemon.records import Alert, Delivery, DeliveryState, alert_from_json, alert_to_json

_STRANGER = "the configuration has no receiver of this name"

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
    SELECT deliveries.id, alerts.payload, state, attempts, looks, first_sent_at, generation, lease_until,
        due_at
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
        generation = generation + 1,
        lease_until = :lease_until,
        first_sent_at = COALESCE(first_sent_at, :now)
    WHERE id = :id
      AND state = :state
      AND generation = :generation
    RETURNING attempts, first_sent_at, generation
    """
)
_SENT = text(
    """
    UPDATE deliveries
    SET state = 'sent',
        sent_at = :now,
        channel = :channel,
        message = :message,
        lease_until = NULL,
        error = NULL
    WHERE id = :id
      AND generation = :generation
    """
)
_PUT_OFF = text(
    """
    UPDATE deliveries
    SET state = :state, due_at = :due_at, looks = :looks, lease_until = NULL, error = :error
    WHERE id = :id
      AND generation = :generation
    """
)
_TAKE_OVER = text(
    """
    UPDATE deliveries
    SET state = 'unknown',
        looks = 0,
        due_at = :due_at,
        lease_until = NULL,
        generation = generation + 1,
        error = 'its end could not be recorded'
    WHERE id = :id
      AND generation = :generation
      AND state = 'sending'
    """
)
_RECOVER = text(
    """
    UPDATE deliveries
    SET state = 'unknown',
        looks = 0,
        due_at = :due_at,
        lease_until = NULL,
        generation = generation + 1,
        error = 'stopped while sending'
    WHERE state = 'sending'
    """
)
_OWED_RECEIVERS = text(
    """
    SELECT receiver, COUNT(*)
    FROM deliveries
    WHERE state IN ('pending', 'sending', 'unknown', 'parked')
    GROUP BY receiver
    """
)
_ORPHAN = text(
    """
    UPDATE deliveries
    SET state = 'parked', error = :error
    WHERE receiver = :receiver
      AND state = 'pending'
    """
)
_ADOPT = text(
    """
    UPDATE deliveries
    SET state = 'pending', due_at = :now, error = NULL
    WHERE receiver = :receiver
      AND state = 'parked'
      AND error = :error
    """
)
_PROBE = text("UPDATE deliveries SET due_at = :now WHERE receiver = :receiver AND state = 'parked'")
_LAST_MESSAGE = text(
    """
    SELECT message
    FROM deliveries
    WHERE receiver = :receiver
      AND state = 'sent'
      AND message IS NOT NULL
    ORDER BY id DESC
    LIMIT 1
    """
)
_PAYLOADS = text("SELECT receiver, payload FROM alerts WHERE article_id = :article_id")
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
    identity, payload, state, attempts, looks, first_sent_at, generation, lease_until, due_at = row
    delivery = Delivery(
        identity,
        alert_from_json(payload),
        DeliveryState(state),
        attempts,
        looks,
        first_sent_at,
        generation,
        lease_until,
    )
    return delivery, from_text(due_at)


def start_sending(
    connection: Connection, delivery: Delivery, *, now: datetime, lease: timedelta
) -> Delivery | None:
    """Mark a delivery as on its way, before the first byte goes out.

    None where it is no longer as it was read: somebody else has it. Who does not come back
    before the lease runs out has lost it.
    """
    row = connection.execute(
        _SENDING,
        {
            "id": delivery.id,
            "state": delivery.state,
            "generation": delivery.generation,
            "now": to_text(now),
            "lease_until": to_text(now + lease),
        },
    ).one_or_none()
    if row is None:
        return None
    attempts, first_sent_at, generation = row
    return replace(
        delivery,
        state=DeliveryState.SENDING,
        attempts=attempts,
        first_sent_at=first_sent_at,
        generation=generation,
        lease_until=to_text(now + lease),
    )


def mark_sent(
    connection: Connection,
    delivery: Delivery,
    *,
    now: datetime,
    channel: str | None = None,
    message: str | None = None,
) -> bool:
    """The receiver has it; `channel` and `message` say where, if it told us.

    False, and nothing written, where somebody else has taken the delivery over meanwhile.
    """
    row = {"id": delivery.id, "generation": delivery.generation, "now": to_text(now)}
    return connection.execute(_SENT, row | {"channel": channel, "message": message}).rowcount == 1


def put_off(
    connection: Connection,
    delivery: Delivery,
    state: DeliveryState,
    *,
    due_at: datetime,
    error: str,
    looks: int = 0,
) -> bool:
    """Not delivered yet, or not for sure: what it is now, when it is due, and why.

    False, and nothing written, where somebody else has taken the delivery over meanwhile.
    """
    row = {"id": delivery.id, "generation": delivery.generation, "state": state, "looks": looks}
    row |= {"error": error[:500], "due_at": to_text(due_at)}
    return connection.execute(_PUT_OFF, row).rowcount == 1


def take_over(connection: Connection, delivery: Delivery, *, due_at: datetime) -> None:
    """A sending that has not ended in its time has an unknown outcome; whoever began it has lost it."""
    row = {"id": delivery.id, "generation": delivery.generation, "due_at": to_text(due_at)}
    connection.execute(_TAKE_OVER, row)


def last_message(connection: Connection, receiver: str) -> str | None:
    """Where the newest alert stands that a receiver is known to have, if it told us."""
    found: str | None = connection.execute(_LAST_MESSAGE, {"receiver": receiver}).scalar_one_or_none()
    return found


def park_strangers(connection: Connection, receivers: Collection[str], *, now: datetime) -> dict[str, int]:
    """Hold what is owed to receivers that the configuration no longer has; and let go what was
    held of those it has again. Whoever refused is asked again now: somebody may have mended it.
    Returns how many deliveries strangers are owed, by receiver.

    One of unknown outcome stays so: if its receiver comes back, it is looked up first.
    """
    held: dict[str, int] = {}
    for receiver, number in connection.execute(_OWED_RECEIVERS).all():
        row = {"receiver": receiver, "error": _STRANGER, "now": to_text(now)}
        if receiver in receivers:
            connection.execute(_ADOPT, row)
            connection.execute(_PROBE, row)
        else:
            connection.execute(_ORPHAN, row)
            held[receiver] = number
    return held


def topics_told(connection: Connection, articles: Iterable[int]) -> dict[str, set[str]]:
    """Of which topics each receiver has been told, or will be, for any of these articles."""
    told: dict[str, set[str]] = {}
    for article in articles:
        for receiver, payload in connection.execute(_PAYLOADS, {"article_id": article}):
            topics = alert_from_json(payload).topics
            told.setdefault(receiver, set()).update(topic.id for topic in topics)
    return told


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
