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
_OVERTAKEN = text("UPDATE deliveries SET revision = revision + 1 WHERE id = :id AND shown > :revision")
_TRY = text("UPDATE deliveries SET refresh_tries = refresh_tries + 1 WHERE id = :id")
_PICTURE = text("UPDATE deliveries SET picture = :picture WHERE id = :id")


def touch(connection: Connection, identity: int) -> None:
    """What the message of this delivery shows has changed: it is to be shown anew."""
    connection.execute(_TOUCH, {"id": identity})


def stale(connection: Connection, receiver: str) -> tuple[Delivery, bool] | None:
    """A delivery whose message shows less than we know, and whether it was to be shown anew already
    and it is not known that it was. Those that were not come first.
    """
    row = connection.execute(_STALE, {"receiver": receiver}).one_or_none()
    return (delivery_of(row), row.refresh_tries > 0) if row else None


def mark_shown(connection: Connection, delivery: Delivery) -> None:
    """The message shows what was known at the delivery's revision.

    Where another daemon has shown more of it since, ours may have come after that: then it is shown anew.
    """
    row = {"id": delivery.id, "revision": delivery.revision}
    if connection.execute(_SHOWN, row).rowcount == 0:
        connection.execute(_OVERTAKEN, row)


def mark_tried(connection: Connection, delivery: Delivery) -> None:
    """It is about to be shown anew."""
    connection.execute(_TRY, {"id": delivery.id})


def set_picture(connection: Connection, delivery: Delivery, picture: str) -> None:
    """The id of a digest's uploaded chart; "" where it goes without."""
    connection.execute(_PICTURE, {"id": delivery.id, "picture": picture})
