"""Replaying: the articles that the ledger took since a moment, as they were taken, part by part."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, text

from classifier import Article
from daemon.clock import from_text, to_text
from daemon.database import Database

SHORT_ID = 16  # characters of a fingerprint, as `classifier tag` prints it

_AT_ONCE = 200  # articles


class Mark(StrEnum):
    """What desks say of an article and a topic, all verdicts that count taken together."""

    RIGHT = "right"
    WRONG = "wrong"
    DISPUTED = "disputed"

    @property
    def sign(self) -> str:
        return {Mark.RIGHT: "✓", Mark.WRONG: "✗", Mark.DISPUTED: "✓✗"}[self]


@dataclass(frozen=True, slots=True)
class Recorded:
    """An article as the ledger has it: its row, its file's row and name and its place there, which model
    tagged it, and what desks say of its topics. An id that came with the article is not kept.
    """

    id: int
    file: int
    file_name: str
    position: int
    article: Article
    model: str
    marks: Mapping[str, Mark]


@dataclass(frozen=True, slots=True)
class Span:
    """The articles taken since a moment, as they stood when this was asked: how many, and since when."""

    since: datetime
    articles: int
    first: int
    last: int
    began: datetime | None


_SPAN = text(
    """
    SELECT COUNT(*), COALESCE(MIN(id), 0), COALESCE(MAX(id), 0), MIN(tagged_at)
    FROM articles
    WHERE tagged_at >= :since
      AND forgotten_at IS NULL
    """
)
_BEYOND = text(
    """
    SELECT tagged_at
    FROM articles
    WHERE tagged_at >= :since
      AND forgotten_at IS NULL
    ORDER BY tagged_at DESC
    LIMIT 1 OFFSET :most
    """
)
# A clock that was set back lets an article stand among others without being as young as they are.
_PART = text(
    """
    SELECT articles.id, file_id, name, position, text, title, date, language, source, author, url, caveats,
        model
    FROM articles
    JOIN files ON files.id = file_id
    WHERE articles.id BETWEEN :first AND :last
      AND tagged_at >= :since
      AND forgotten_at IS NULL
    ORDER BY articles.id
    LIMIT :most
    """
)
_VERDICTS = text(
    """
    SELECT article_id, topic, verdict, settles
    FROM verdicts
    WHERE article_id BETWEEN :first AND :last
    ORDER BY said_at, settles, id
    """
)


def span(connection: Connection, since: datetime) -> Span:
    """What there is to replay; articles that are taken later are not in it."""
    number, first, last, began = connection.execute(_SPAN, {"since": to_text(since)}).one()
    return Span(since, number, first, last, from_text(began) if began else None)


def beyond(connection: Connection, since: datetime, most: int) -> datetime | None:
    """From when on the articles are not too many; None where all since `since` are not."""
    found = connection.execute(_BEYOND, {"since": to_text(since), "most": most}).scalar_one_or_none()
    return None if found is None else from_text(found)


def parts(database: Database, found: Span, *, most: int = _AT_ONCE) -> Iterator[tuple[Recorded, ...]]:
    """The articles of a span in the order in which they were taken, at most so many at once.

    Each part is read in a transaction of its own: memory and the ledger's log stay small, and
    whoever writes waits for nobody.
    """
    first = found.first
    while True:
        with database.reading() as connection:
            part = _part(connection, found, first, most)
        if part:
            yield part
        if len(part) < most:
            return
        first = part[-1].id + 1


def _part(connection: Connection, found: Span, first: int, most: int) -> tuple[Recorded, ...]:
    asked = {"first": first, "last": found.last, "since": to_text(found.since), "most": most}
    rows = connection.execute(_PART, asked).all()
    found_marks = marks(connection, rows[0].id, rows[-1].id) if rows else {}
    return tuple(
        Recorded(
            id=row.id,
            file=row.file_id,
            file_name=row.name,
            position=row.position,
            article=Article(
                row.text,
                title=row.title,
                date=row.date,
                language=row.language,
                source=row.source,
                author=row.author,
                url=row.url,
                caveats=tuple(row.caveats.split("\n")) if row.caveats else (),
            ),
            model=row.model,
            marks=found_marks.get(row.id, {}),
        )
        for row in rows
    )


def marks(connection: Connection, first: int, last: int) -> dict[int, dict[str, Mark]]:
    """What desks say, by article and topic, of articles from one to another."""
    said: defaultdict[tuple[int, str], set[str]] = defaultdict(set)
    for article, topic, verdict, settles in connection.execute(_VERDICTS, {"first": first, "last": last}):
        if settles:
            said[article, topic].clear()  # it outweighs all that was said before
        said[article, topic].add(verdict)
    found: dict[int, dict[str, Mark]] = {}
    for (article, topic), verdicts in said.items():
        mark = Mark(*verdicts) if len(verdicts) == 1 else Mark.DISPUTED
        found.setdefault(article, {})[topic] = mark
    return found
