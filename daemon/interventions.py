"""Interventions: what people did by hand to deliveries, files and models, and who it was. It only grows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, text

from daemon.clock import to_text

_LONGEST = 500  # characters of what it is about, and of a reason

_ADD = text(
    """
    INSERT INTO interventions (done_at, person, what, about, number, reason)
    VALUES (:now, :person, :what, :about, :number, :reason)
    """
)
_LAST = text(
    """
    SELECT done_at, person, what, about, number, reason
    FROM interventions
    ORDER BY id DESC
    LIMIT :most
    """
)


class Deed(StrEnum):
    """`retry`: deliveries; `take again`: files of failed/; `use`: a version of the model."""

    HOLD = "hold"
    LET_GO = "let go"
    RETRY = "retry"
    TAKE_AGAIN = "take again"
    USE = "use"
    RETRAIN = "retrain"


@dataclass(frozen=True, slots=True)
class Intervention:
    """`about` names a receiver, a file or a version; `number`: how many deliveries or files."""

    done_at: str
    person: str
    what: Deed
    about: str
    number: int
    reason: str


def add(
    connection: Connection,
    what: Deed,
    *,
    person: str,
    now: datetime,
    about: str = "",
    number: int = 1,
    reason: str = "",
) -> None:
    """Write that somebody did something."""
    row = {"now": to_text(now), "person": person, "what": what, "about": about[:_LONGEST]}
    connection.execute(_ADD, row | {"number": number, "reason": reason[:_LONGEST]})


def last(connection: Connection, most: int) -> list[Intervention]:
    """The latest, newest first."""
    return [
        Intervention(done_at, person, Deed(what), about, number, reason)
        for done_at, person, what, about, number, reason in connection.execute(_LAST, {"most": most})
    ]
