"""Sayings: all that people ever said of tags. Nothing is replaced or taken away here; a verdict, the last
word of a person on a tag, is the saying of theirs that stands.

Clicks arrive in any order, so what came before what is for the moments to say, not for the order of the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, text

from daemon.clock import to_text


class Said(StrEnum):
    """`withdrawn`: the person says nothing of the tag any more."""

    RIGHT = "right"
    WRONG = "wrong"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Saying:
    """What a person said of a tag at a moment. `undoes`: the saying that this one took back; what it
    says is then what held again.
    """

    id: int
    topic: str
    said: Said
    person: str
    said_at: str
    settles: bool = False
    undoes: int | None = None


_ADD = text(
    """
    INSERT INTO sayings (article_id, topic, said, person, said_at, settles, undoes)
    VALUES (:article, :topic, :said, :person, :said_at, :settles, :undoes)
    """
)
_OF_ARTICLE = text(
    """
    SELECT id, topic, said, person, said_at, settles, undoes
    FROM sayings
    WHERE article_id = :article
    ORDER BY said_at, id
    """
)
_OF_PERSON = text(
    """
    SELECT id, topic, said, person, said_at, settles, undoes
    FROM sayings
    WHERE article_id = :article
      AND topic = :topic
      AND person = :person
    ORDER BY said_at, id
    """
)


def add(
    connection: Connection,
    *,
    article: int,
    topic: str,
    said: Said,
    person: str,
    said_at: str | datetime,
    settles: bool = False,
    undoes: int | None = None,
) -> None:
    """Write down what a person said, under all that was said before."""
    moment = said_at if isinstance(said_at, str) else to_text(said_at)
    row = {"article": article, "topic": topic, "said": said, "person": person, "said_at": moment}
    connection.execute(_ADD, row | {"settles": settles, "undoes": undoes})


def history(connection: Connection, article: int) -> tuple[Saying, ...]:
    """All that people said of an article's tags, oldest first.

    Of what one person said of a tag at one moment only the last is told: an answer to a question is
    written anew, at its moment, with each click that belongs to it.
    """
    found: dict[tuple[str, str, str, bool], Saying] = {}
    for row in connection.execute(_OF_ARTICLE, {"article": article}):
        saying = _saying(*row)
        key = (saying.topic, saying.person, saying.said_at, saying.undoes is None)
        found.pop(key, None)
        found[key] = saying
    return tuple(found.values())


def of_person(connection: Connection, *, article: int, topic: str, person: str) -> tuple[Saying, ...]:
    """What one person said of one tag, oldest first."""
    row = {"article": article, "topic": topic, "person": person}
    return tuple(_saying(*each) for each in connection.execute(_OF_PERSON, row))


def standing(sayings: Sequence[Saying]) -> list[Saying]:
    """What a person said of one tag and did not undo, oldest first; the last is what holds.

    Of the same moment the one that was written last.
    """
    return list({each.said_at: each for each in _not_undone(sayings)}.values())


def before_the_last(sayings: Sequence[Saying]) -> tuple[list[Saying], Saying | None]:
    """What is to be undone so that a tag is back at what the person had said before, and what that was.

    Who said the same several times, one after the other, takes it back at once. Nothing to undo where
    nothing holds; None where there was nothing before.
    """
    left = standing(sayings)
    last = left[-1] if left else None
    if last is None or last.said is Said.WITHDRAWN:
        return [], None
    moments = set()
    while left and (left[-1].said, left[-1].settles) == (last.said, last.settles):
        moments.add(left.pop().said_at)
    before = left[-1] if left and left[-1].said is not Said.WITHDRAWN else None
    return [each for each in _not_undone(sayings) if each.said_at in moments], before


def _not_undone(sayings: Sequence[Saying]) -> list[Saying]:
    undone = {each.undoes for each in sayings if each.undoes is not None}
    return [each for each in sayings if each.undoes is None and each.id not in undone]


def _saying(
    id_: int, topic: str, said: str, person: str, said_at: str, settles: int, undoes: int | None
) -> Saying:
    return Saying(id_, topic, Said(said), person, said_at, bool(settles), undoes)
