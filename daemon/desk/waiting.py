"""What waits for somebody's decision: doubted tags, articles that were drawn, and disputes.

Each look is at so many of the newest and no more, however much there is in the ledger.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, text

from classifier import Cuts
from daemon.desk import worth
from daemon.desk.recent import Recent
from daemon.desk.worth import Labels

MOST = 99  # of a kind are counted; there may be more
DAYS = 7
DRAWN_EVERY = 5  # as many as of the passages that `classifier label --suggest` asks about are drawn by lot

_LOOKED_AT = 2000  # verdicts, or questions
_MOST_UNTRAINED = 999

_JUDGED = text("SELECT DISTINCT article_id, topic FROM verdicts WHERE article_id >= :least")
_STORIES = text("SELECT article_id, story_id FROM sketches WHERE article_id >= :least")
_OPEN = text(
    """
    SELECT article_id, key
    FROM (SELECT id, article_id, key FROM questions ORDER BY id DESC LIMIT :looked_at) AS newest
    WHERE NOT EXISTS (SELECT 1 FROM answers WHERE answers.question_id = newest.id)
    ORDER BY id DESC
    LIMIT :most
    """
)
_CONTRARY = text(
    """
    SELECT verdicts.article_id, verdicts.topic, verdicts.verdict, verdicts.person, verdicts.said_at,
        verdicts.settles, verdicts.id, articles.language
    FROM (
        SELECT DISTINCT late.article_id, late.topic
        FROM (
            SELECT article_id, topic, verdict
            FROM verdicts
            ORDER BY said_at DESC
            LIMIT :looked_at
        ) AS late
        JOIN verdicts AS other ON other.article_id = late.article_id
            AND other.topic = late.topic
            AND other.verdict <> late.verdict
    ) AS contrary
    JOIN verdicts ON verdicts.article_id = contrary.article_id AND verdicts.topic = contrary.topic
    JOIN articles ON articles.id = verdicts.article_id
    ORDER BY verdicts.article_id DESC, verdicts.topic
    """
)
_UNTRAINED = text(
    """
    SELECT late.topic, articles.language, COUNT(*) AS verdicts
    FROM (
        SELECT article_id, topic FROM verdicts WHERE said_at > :since ORDER BY said_at DESC LIMIT :most
    ) AS late
    JOIN articles ON articles.id = late.article_id
    GROUP BY late.topic, articles.language
    """
)


_NEAREST = text("SELECT nearest FROM articles WHERE id = :article")


class Kind(StrEnum):
    """`unsure`: is it about this topic? `missed`: what is it about? `disputed`: who is right?"""

    UNSURE = "unsure"
    MISSED = "missed"
    DISPUTED = "disputed"


Name = tuple[Kind, int, str | None]  # of an entry, among all that wait


class Order(StrEnum):
    WORTH = "worth"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True)
class Entry:
    """Something to decide. `topic` is the one that is asked of; None: what the article is about.

    `grade`, `probability` and `cut` are what the model says, of doubted tags alone.
    """

    kind: Kind
    article: int
    topic: str | None
    worth: float = 0.0
    probability: float | None = None
    cut: float | None = None
    grade: str | None = None

    @property
    def name(self) -> Name:
        return self.kind, self.article, self.topic


@dataclass(frozen=True, slots=True)
class Known:
    """The topics that are asked of, and of the model that serves its cuts of them and its labels."""

    topics: Container[str]
    cuts: Mapping[str, Cuts]
    labels: Labels


Waiting = Mapping[Kind, Sequence[Entry]]


def waiting(
    connection: Connection, recent: Recent, known: Known, *, untrained: Labels, now: datetime
) -> Waiting:
    """What waits, by kind, what is of most worth first: of drawn articles the newest.

    `untrained` are the verdicts that the model has not learned yet.
    """
    return {
        Kind.UNSURE: _unsure(connection, recent, known, untrained, now),
        Kind.MISSED: _missed(connection),
        Kind.DISPUTED: _disputed(connection, known, untrained),
    }


def in_order(found: Waiting, kinds: Container[Kind], order: Order, *, decided: int) -> list[Entry]:
    """The entries of some kinds in the order in which they are asked of.

    By worth each fifth decision is of an article that was drawn, for a model's doubts never lead to what
    it is wrongly sure of; `decided` is how many somebody made before.
    """
    chosen = {kind: entries for kind, entries in found.items() if kind in kinds}
    if order is Order.NEWEST:
        everything = [each for entries in chosen.values() for each in entries]
        return sorted(everything, key=lambda each: -each.article)
    drawn = list(chosen.get(Kind.MISSED, ()))
    others = [*chosen.get(Kind.UNSURE, ()), *chosen.get(Kind.DISPUTED, ())]
    others.sort(key=lambda each: (-each.worth, -each.article))
    its_turn = decided % DRAWN_EVERY == DRAWN_EVERY - 1
    return [*drawn, *others] if its_turn else [*others, *drawn]


def untrained(connection: Connection, since: str) -> Labels:
    """How many verdicts came after a moment, by topic and language; of very many the newest."""
    rows = connection.execute(_UNTRAINED, {"since": since, "most": _MOST_UNTRAINED})
    return {(topic, language or "?"): int(number) for topic, language, number in rows}


def standing(rows: Iterable[Row[Any]]) -> list[Row[Any]]:
    """Of verdicts on one tag those that count: what was said before somebody settled it does not."""
    found = list(rows)
    last = max((row for row in found if row.settles), key=lambda row: (row.said_at, row.id), default=None)
    return [row for row in found if last is None or row is last or row.said_at > last.said_at]


def nearest(connection: Connection, article: int) -> str | None:
    """The likeliest topic that an article was not said to be mainly about."""
    found: str | None = connection.execute(_NEAREST, {"article": article}).scalar_one_or_none()
    return found


def _unsure(
    connection: Connection, recent: Recent, known: Known, untrained: Labels, now: datetime
) -> list[Entry]:
    likely = recent.likely(connection, now - timedelta(days=DAYS))
    least = min((each.article for each in likely), default=0)
    judged = {(row.article_id, row.topic) for row in connection.execute(_JUDGED, {"least": least})}
    doubted = worth.doubted(
        [each for each in likely if (each.article, each.topic) not in judged],
        known.cuts,
        known.labels,
        untrained,
    )
    stories = {row.article_id: row.story_id for row in connection.execute(_STORIES, {"least": least})}
    asked = {(stories[article], topic) for article, topic in judged if article in stories}
    return [
        Entry(
            Kind.UNSURE,
            each.likely.article,
            each.likely.topic,
            each.worth,
            each.likely.probability,
            each.cut,
            each.likely.grade,
        )
        for each in worth.one_of_each(doubted, stories, asked)
    ]


def _missed(connection: Connection) -> list[Entry]:
    """The newest first, and never the likeliest: recall is estimated from those that are answered."""
    rows = connection.execute(_OPEN, {"looked_at": _LOOKED_AT, "most": MOST + 1})
    return [Entry(Kind.MISSED, row.article_id, None) for row in rows]


def _disputed(connection: Connection, known: Known, untrained: Labels) -> list[Entry]:
    """Of the newest verdicts. People's own doubt counts in full."""
    tags: dict[tuple[int, str], list[Row[Any]]] = {}
    for row in connection.execute(_CONTRARY, {"looked_at": _LOOKED_AT}):
        if row.topic in known.topics:
            tags.setdefault((row.article_id, row.topic), []).append(row)
    found = [
        (article, topic, rows[0].language or "?")
        for (article, topic), rows in tags.items()
        if len({row.verdict for row in standing(rows)}) > 1
    ]
    worths = worth.lacking([(topic, language) for _, topic, language in found], known.labels, untrained)
    entries = [Entry(Kind.DISPUTED, each[0], each[1], own) for each, own in zip(found, worths, strict=True)]
    return sorted(entries, key=lambda each: (-each.worth, -each.article))
