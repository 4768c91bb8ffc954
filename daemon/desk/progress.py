"""How far people are at the queue, and what becomes of it: numbers that are quickly known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from daemon import decisions
from daemon.clock import from_text

MOST = 999  # verdicts are counted up to here

_TRAINED = text(
    """
    SELECT started_at
    FROM trainings
    WHERE state IN ('served', 'refused', 'unchanged')
    ORDER BY id DESC
    LIMIT 1
    """
)
_SINCE = text("SELECT COUNT(*) FROM (SELECT 1 FROM verdicts WHERE said_at > :since LIMIT :most) AS newest")
_DUE = text("SELECT name, due_at FROM jobs WHERE name IN ('retrain', 'sample')")


@dataclass(frozen=True, slots=True)
class Progress:
    """Decisions of today, by one person and by all; verdicts since the last training, up to MOST + 1.

    `training` and `draw`: when the next ones are; None where none is planned.
    """

    own: int
    all: int
    verdicts: int
    trained_at: str | None
    training: str | None
    draw: str | None


def progress(connection: Connection, person: str, now: datetime) -> Progress:
    """As things stand; today begins at midnight where this machine stands."""
    counts = decisions.counts(connection, since=today(now))
    trained = last_trained(connection)
    found = connection.execute(_SINCE, {"since": trained or "", "most": MOST + 1}).scalar_one()
    due = {row.name: row.due_at for row in connection.execute(_DUE)}
    return Progress(
        own=counts.get(person, 0),
        all=sum(counts.values()),
        verdicts=int(found),
        trained_at=trained,
        training=_later(due.get("retrain"), now),
        draw=_later(due.get("sample"), now),
    )


def last_trained(connection: Connection) -> str | None:
    """When the last training began that came to its end: it learned what people had said by then."""
    found: str | None = connection.execute(_TRAINED).scalar_one_or_none()
    return found


def today(now: datetime) -> datetime:
    """The midnight before a moment."""
    return now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0)


def _later(due: str | None, now: datetime) -> str | None:
    """What was due and did not come is not what is to come: nothing runs the timetable."""
    return due if due is not None and from_text(due) > now else None
