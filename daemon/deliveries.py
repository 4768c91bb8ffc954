"""Deliveries as they stand: what is owed next, what it hangs on, what a receiver was told. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from daemon.clock import from_text
from daemon.records import Alert, Delivery, DeliveryState, Form, alert_from_json

_OWED = frozenset({DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.UNKNOWN, DeliveryState.PARKED})


SELECT_DELIVERY = """
    SELECT deliveries.id, deliveries.receiver, deliveries.key, alerts.payload, state, attempts, looks,
        first_sent_at, generation, lease_until, form, root_id, broadcast, body, picture, revision, channel,
        message, due_at, into_id, refresh_tries
    FROM deliveries
    LEFT JOIN alerts ON alerts.id = deliveries.alert_id
"""
_OLDEST = text(
    SELECT_DELIVERY
    + """
    WHERE deliveries.receiver = :receiver
      AND state IN ('pending', 'sending', 'unknown', 'parked')
    ORDER BY deliveries.id
    LIMIT 1
    """
)
_ONE = text(SELECT_DELIVERY + "WHERE deliveries.id = :id")
_CARRIER = text(
    """
    SELECT COALESCE(deliveries.into_id, deliveries.id)
    FROM deliveries
    JOIN alerts ON alerts.id = deliveries.alert_id
    WHERE alerts.key = :key
    """
)
_STORY_ROOT = text(
    """
    SELECT deliveries.id, alerts.payload
    FROM alerts
    JOIN deliveries ON deliveries.alert_id = alerts.id
    WHERE alerts.story_id = :story
      AND alerts.receiver = :receiver
    ORDER BY alerts.id
    LIMIT 1
    """
)
_STORY_PAYLOADS = text("SELECT payload FROM alerts WHERE story_id = :story AND receiver = :receiver")
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


def oldest(connection: Connection, receiver: str) -> tuple[Delivery, datetime] | None:
    """The delivery that a receiver must get next, and when it is due. None: nothing is owed.

    A reply waits for the message that begins its thread: that one comes first.
    """
    row = connection.execute(_OLDEST, {"receiver": receiver}).one_or_none()
    if row is None:
        return None
    for above in _above(connection, row):
        if above.state in _OWED:
            row = above
    return delivery_of(row), from_text(row.due_at)


def one(connection: Connection, identity: int) -> Delivery | None:
    row = connection.execute(_ONE, {"id": identity}).one_or_none()
    return delivery_of(row) if row else None


def thread_of(connection: Connection, delivery: Delivery) -> Delivery | None:
    """The delivery that begins the thread in which this one belongs, as it is now."""
    row = connection.execute(_ONE, {"id": delivery.id}).one()
    above = _above(connection, row)
    return delivery_of(above[-1]) if above else None


def _above(connection: Connection, row: Row[Any]) -> list[Row[Any]]:
    """What a reply hangs on: its root, the message that carries the root, the root of that."""
    found: list[Row[Any]] = []
    seen = {row.id}
    following = row.root_id
    while following is not None and following not in seen:
        seen.add(following)
        row = connection.execute(_ONE, {"id": following}).one()
        found.append(row)
        following = row.into_id or row.root_id
    return found


def carrier_of(connection: Connection, key: str) -> int | None:
    """The delivery whose message shows the alert of this key."""
    found: int | None = connection.execute(_CARRIER, {"key": key}).scalar_one_or_none()
    return found


def story_root(connection: Connection, story: int, receiver: str) -> tuple[int, Alert] | None:
    """The delivery with which a story began at a receiver, and its alert."""
    row = connection.execute(_STORY_ROOT, {"story": story, "receiver": receiver}).one_or_none()
    return (row.id, alert_from_json(row.payload)) if row else None


def topics_of_story(connection: Connection, story: int, receiver: str) -> set[str]:
    """Of which topics a receiver has been told, or will be, in a story."""
    rows = connection.execute(_STORY_PAYLOADS, {"story": story, "receiver": receiver}).scalars()
    return {topic.id for payload in rows for topic in alert_from_json(payload).topics}


def topics_told(connection: Connection, articles: Iterable[int]) -> dict[str, set[str]]:
    """Of which topics each receiver has been told, or will be, for any of these articles."""
    told: dict[str, set[str]] = {}
    for article in articles:
        for receiver, payload in connection.execute(_PAYLOADS, {"article_id": article}):
            topics = alert_from_json(payload).topics
            told.setdefault(receiver, set()).update(topic.id for topic in topics)
    return told


def last_message(connection: Connection, receiver: str) -> str | None:
    """Where the newest alert stands that a receiver is known to have, if it told us."""
    found: str | None = connection.execute(_LAST_MESSAGE, {"receiver": receiver}).scalar_one_or_none()
    return found


def delivery_of(row: Row[Any]) -> Delivery:
    """The delivery of a row that SELECT_DELIVERY found."""
    return Delivery(
        id=row.id,
        receiver=row.receiver,
        key=row.key,
        alert=alert_from_json(row.payload) if row.payload else None,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        looks=row.looks,
        first_sent_at=row.first_sent_at,
        generation=row.generation,
        lease_until=row.lease_until,
        form=Form(row.form),
        root=row.root_id,
        broadcast=bool(row.broadcast),
        body=row.body,
        picture=row.picture,
        revision=row.revision,
        channel=row.channel,
        message=row.message,
    )
