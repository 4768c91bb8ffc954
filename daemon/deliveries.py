"""Deliveries as they stand: what is owed next, what it hangs on, what a receiver was told. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from daemon.clock import from_text
from daemon.records import Delivery, DeliveryState, Form, alert_from_json
from daemon.statements import Statement

_OWED = frozenset({DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.UNKNOWN, DeliveryState.PARKED})


@dataclass(frozen=True, slots=True)
class ToldOfStory:
    """What a receiver has been told of a story, or will be.

    `root` is the delivery with which it began there, `carrier` the one whose message shows that;
    `topics` are ids.
    """

    root: int
    carrier: int
    headline: str
    topics: frozenset[str]


SELECT_DELIVERY = """
    SELECT deliveries.id, deliveries.receiver, deliveries.key, alerts.payload, state, attempts, looks,
        first_sent_at, generation, lease_until, form, root_id, broadcast, body, picture, revision, channel,
        message, due_at, into_id, refresh_tries,
        (SELECT substr(fingerprint, 1, 16) FROM articles WHERE articles.id = alerts.article_id) AS article
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
_STILL = text("SELECT 1 FROM deliveries WHERE id = :id AND state = :state AND generation = :generation")
_ONE = text(SELECT_DELIVERY + "WHERE deliveries.id = :id")
_TOLD_OF_STORY = Statement(
    """
    SELECT deliveries.id, COALESCE(deliveries.into_id, deliveries.id), alerts.payload
    FROM alerts
    JOIN deliveries ON deliveries.alert_id = alerts.id
    WHERE alerts.story_id = :story
      AND alerts.receiver = :receiver
    ORDER BY alerts.id
    """
)
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
_ARTICLES_IN = text(
    """
    SELECT
        deliveries.id,
        substr(articles.fingerprint, 1, 16)
    FROM deliveries
    JOIN alerts ON alerts.id = deliveries.alert_id
    JOIN articles ON articles.id = alerts.article_id
    WHERE deliveries.id = :id
       OR deliveries.into_id = :id
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


def is_still(connection: Connection, delivery: Delivery) -> bool:
    """Whether a delivery is as it was read: in the same state, and of the same generation."""
    row = {"id": delivery.id, "state": delivery.state, "generation": delivery.generation}
    return connection.execute(_STILL, row).first() is not None


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


def told_of_story(connection: Connection, story: int, receiver: str) -> ToldOfStory | None:
    """None where a receiver has not been told of a story."""
    rows = _TOLD_OF_STORY.execute(connection, {"story": story, "receiver": receiver}).all()
    if not rows:
        return None
    root, carrier, _ = rows[0]
    alerts = [alert_from_json(payload) for _, _, payload in rows]
    topics = frozenset(topic.id for alert in alerts for topic in alert.topics)
    return ToldOfStory(root, carrier, alerts[0].headline, topics)


def topics_told(connection: Connection, articles: Iterable[int]) -> dict[str, set[str]]:
    """Of which topics each receiver has been told, or will be, for any of these articles."""
    told: dict[str, set[str]] = {}
    for article in articles:
        for receiver, payload in connection.execute(_PAYLOADS, {"article_id": article}):
            topics = alert_from_json(payload).topics
            told.setdefault(receiver, set()).update(topic.id for topic in topics)
    return told


def articles_in(connection: Connection, delivery: Delivery) -> list[str]:
    """The ids of the articles that one message tells of, its own first."""
    found = connection.execute(_ARTICLES_IN, {"id": delivery.id})
    return [article for _, article in sorted((number, article) for number, article in found)]


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
        article=row.article,
    )
