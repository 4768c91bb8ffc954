"""Decisions: what people decided at the queue, one under the other.

What a decision says of an article stands among the verdicts; here is only what belongs to it, so that it
can be taken back as one, and counted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from daemon.clock import to_text

Verdicts = Mapping[str, tuple[str, str]]  # topic ▶ verdict, and when it was said


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided of an article. `topic` is the one that was asked of, if it was one.

    `said`: the verdicts that it came to; `before`: what the person had said of these topics before.
    """

    id: int
    person: str
    kind: str
    article: int
    topic: str | None
    said: Verdicts
    before: Verdicts
    decided_at: str


_COLUMNS = "id, person, kind, article_id, topic, said, before, decided_at"
_ADD = text(
    """
    INSERT INTO decisions (person, kind, article_id, topic, said, before, decided_at)
    VALUES (:person, :kind, :article, :topic, :said, :before, :now)
    RETURNING id
    """
)
_LAST = text(
    f"""
    SELECT {_COLUMNS}
    FROM decisions
    WHERE person = :person
      AND undone_at IS NULL
      AND decided_at >= :since
    ORDER BY id DESC
    LIMIT 1
    """  # noqa: S608  our own words alone
)
_ONE = text(f"SELECT {_COLUMNS} FROM decisions WHERE id = :id")  # noqa: S608  our own words alone
_UNDONE = text("UPDATE decisions SET undone_at = :now WHERE id = :id AND undone_at IS NULL RETURNING id")
_COUNTS = text(
    """
    SELECT person, COUNT(*)
    FROM decisions
    WHERE decided_at >= :since
      AND undone_at IS NULL
    GROUP BY person
    ORDER BY person
    """
)


def add(
    connection: Connection,
    *,
    person: str,
    kind: str,
    article: int,
    topic: str | None,
    said: Verdicts,
    before: Verdicts,
    now: datetime,
) -> int:
    """Write down what was decided; its id."""
    row = {"person": person, "kind": kind, "article": article, "topic": topic, "now": to_text(now)}
    known = {"said": json.dumps(said), "before": json.dumps(before)}
    return int(connection.execute(_ADD, row | known).scalar_one())


def last(connection: Connection, person: str, *, since: datetime) -> Decision | None:
    """The latest decision of a person that is not taken back, if it was made since a moment."""
    row = connection.execute(_LAST, {"person": person, "since": to_text(since)}).one_or_none()
    return _decision(row) if row else None


def one(connection: Connection, id_: int) -> Decision | None:
    """The decision of this id, taken back or not; None where there is none."""
    row = connection.execute(_ONE, {"id": id_}).one_or_none()
    return _decision(row) if row else None


def mark_undone(connection: Connection, id_: int, now: datetime) -> bool:
    """Write that a decision was taken back; False where it was already."""
    return connection.execute(_UNDONE, {"id": id_, "now": to_text(now)}).first() is not None


def counts(connection: Connection, *, since: datetime) -> dict[str, int]:
    """How many decisions each person made since a moment, without those taken back."""
    rows = connection.execute(_COUNTS, {"since": to_text(since)})
    return {str(person): int(number) for person, number in rows}


def _decision(row: Row[Any]) -> Decision:
    return Decision(
        row.id,
        row.person,
        row.kind,
        row.article_id,
        row.topic,
        _verdicts(row.said),
        _verdicts(row.before),
        row.decided_at,
    )


def _verdicts(given: str) -> Verdicts:
    return {topic: (said[0], said[1]) for topic, said in json.loads(given).items()}
