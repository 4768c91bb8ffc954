"""Showing anew: messages whose content has changed since they were posted."""

from __future__ import annotations

from sqlalchemy import Connection, text

from daemon.deliveries import SELECT_DELIVERY, delivery_of
from daemon.records import Delivery

_STALE = text(
    SELECT_DELIVERY
    + """
    WHERE deliveries.receiver = :receiver
      AND revision > shown
      AND state = 'sent'
      AND message IS NOT NULL
    ORDER BY refresh_tries, deliveries.id
    LIMIT 1
    """
)
_TOUCH = text("UPDATE deliveries SET revision = revision + 1 WHERE id = :id")
_SHOWN = text(
    """
    UPDATE deliveries
    SET shown = :revision, refresh_tries = 0
    WHERE id = :id
      AND shown < :revision
    """
)
_TRY = text("UPDATE deliveries SET refresh_tries = refresh_tries + 1 WHERE id = :id RETURNING refresh_tries")
_TRIED = text(
    """
    SELECT 1
    FROM deliveries
    WHERE receiver = :receiver
      AND revision > shown
      AND refresh_tries > 0
    LIMIT 1
    """
)
_PICTURE = text("UPDATE deliveries SET picture = :picture WHERE id = :id")


def touch(connection: Connection, identity: int) -> None:
    """What the message of this delivery shows has changed: it is to be shown anew."""
    connection.execute(_TOUCH, {"id": identity})


def stale(connection: Connection, receiver: str) -> Delivery | None:
    """A delivery whose message shows less than we know."""
    row = connection.execute(_STALE, {"receiver": receiver}).one_or_none()
    return delivery_of(row) if row else None


def mark_shown(connection: Connection, delivery: Delivery) -> None:
    """The message shows what was known at the delivery's revision."""
    connection.execute(_SHOWN, {"id": delivery.id, "revision": delivery.revision})


def mark_tried(connection: Connection, delivery: Delivery) -> int:
    """It is about to be shown anew; how often in a row this was tried, this time included."""
    return int(connection.execute(_TRY, {"id": delivery.id}).scalar_one())


def was_tried(connection: Connection, receiver: str) -> bool:
    """Whether a message was to be shown anew, and it is not known that it was."""
    return connection.execute(_TRIED, {"receiver": receiver}).first() is not None


def set_picture(connection: Connection, delivery: Delivery, picture: str) -> None:
    """The id of a digest's uploaded chart; "" where it goes without."""
    connection.execute(_PICTURE, {"id": delivery.id, "picture": picture})
