"""Articles as the pages and the programs' interface show them, with tags, alerts and verdicts."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, text

from classifier import Article
from daemon.clock import to_text
from daemon.desk.index import Filter, Index
from daemon.verdicts import SHORT_ID, find_article

NEWEST = 2**62  # above every id

_COLUMNS = (
    "id AS identity, fingerprint, title, text, language, date, source, author, url, caveats, model,"
    " tagged_at, forgotten_at"
)
_NEWEST = text(
    """
    SELECT id
    FROM articles
    WHERE id < :before AND id >= :least
    ORDER BY id DESC
    LIMIT :most
    """
)
_ROWS = text(f"SELECT {_COLUMNS} FROM articles WHERE id IN :ids").bindparams(  # noqa: S608  our own words
    bindparam("ids", expanding=True)
)
_TAGS = text(
    """
    SELECT article_id, topic, grade, probability, evidence
    FROM tags
    WHERE article_id IN :ids
    ORDER BY article_id, probability DESC, topic
    """
).bindparams(bindparam("ids", expanding=True))
_ALERTED = text(
    """
    SELECT alerts.article_id, alerts.receiver, deliveries.state
    FROM alerts
    LEFT JOIN deliveries ON deliveries.alert_id = alerts.id
    WHERE alerts.article_id IN :ids
    ORDER BY alerts.id
    """
).bindparams(bindparam("ids", expanding=True))
_STORIES = text(
    """
    SELECT sketches.article_id, sketches.story_id
    FROM sketches
    WHERE sketches.article_id IN :ids
    """
).bindparams(bindparam("ids", expanding=True))
# A story is told by a few; of one that everybody tells it is enough to know that.
_TOLD_BY = text(
    """
    SELECT id, (
        SELECT COUNT(*)
        FROM (SELECT 1 FROM sketches WHERE story_id = stories.id LIMIT :most) AS told
    )
    FROM stories
    WHERE id IN :stories
    """
).bindparams(bindparam("stories", expanding=True))
_LAST = text("SELECT COALESCE(MAX(id), 0) FROM articles")
_VERDICTS = text(
    """
    SELECT article_id, topic, verdict, person, said_at
    FROM verdicts
    WHERE article_id IN :ids
    ORDER BY said_at, id
    """
).bindparams(bindparam("ids", expanding=True))
_FIRST_SINCE = text("SELECT id FROM articles WHERE tagged_at >= :since ORDER BY tagged_at, id LIMIT 1")
_LAST_UNTIL = text(
    "SELECT id FROM articles WHERE tagged_at < :until ORDER BY tagged_at DESC, id DESC LIMIT 1"
)
_SHORTEST_ID = 8
MOST_OF_A_STORY = 100


@dataclass(frozen=True, slots=True)
class TagShown:
    """`evidence`: the passages that carry it with their words, as the ledger has them."""

    topic: str
    grade: str
    probability: float
    evidence: tuple[Mapping[str, Any], ...]

    @property
    def passages(self) -> tuple[str, ...]:
        return tuple(str(each["passage"]) for each in self.evidence)


@dataclass(frozen=True, slots=True)
class VerdictShown:
    topic: str
    verdict: str
    person: str
    said_at: str


@dataclass(frozen=True, slots=True)
class ArticleShown:
    """`identity` is its id in the ledger, `id` what people and programs call it. `alerts`: receiver and
    state of delivery. `forgotten_at`: since when its text is no longer kept, if it is not.
    """

    identity: int
    fingerprint: str
    title: str | None
    text: str
    language: str | None
    date: str | None
    source: str | None
    author: str | None
    url: str | None
    caveats: str | None
    model: str
    tagged_at: str
    tags: tuple[TagShown, ...]
    alerts: tuple[tuple[str, str], ...]
    verdicts: tuple[VerdictShown, ...]
    story: int | None
    forgotten_at: str | None = None

    @property
    def id(self) -> str:
        return self.fingerprint[:SHORT_ID]

    @property
    def headline(self) -> str:
        return Article(self.text, title=self.title).headline


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when articles were taken in; what is not said does not matter."""

    since: datetime | None = None
    until: datetime | None = None


def newest(
    connection: Connection,
    index: Index,
    wanted: Filter,
    span: Span = Span(),
    *,
    before: int = NEWEST,
    after: int = 0,
    most: int = 50,
) -> list[ArticleShown]:
    """The newest articles that pass a filter, newest first, with ids above `after` and below `before`."""
    ids = newest_ids(connection, index, wanted, span, before=before, after=after, most=most)
    return shown(connection, ids)


def newest_ids(
    connection: Connection,
    index: Index,
    wanted: Filter,
    span: Span = Span(),
    *,
    before: int = NEWEST,
    after: int = 0,
    most: int = 50,
) -> list[int]:
    """The same as ids of the ledger. Without a filter the index is not asked: it may be behind."""
    least, above = _bounds(connection, span)
    before, least = min(before, above), max(least, after + 1)
    if wanted.is_empty:
        row = {"before": before, "least": least, "most": most}
        return list(connection.execute(_NEWEST, row).scalars())
    return index.find(wanted, before=before, least=least, most=most)


def shown(connection: Connection, ids: Collection[int]) -> list[ArticleShown]:
    """Articles by their ids in the ledger, in this order; those that there are."""
    if not ids:
        return []
    asked = {"ids": list(ids)}
    rows = {row.identity: row for row in connection.execute(_ROWS, asked)}
    tags = _grouped(connection.execute(_TAGS, asked), _tag)
    alerts = _grouped(connection.execute(_ALERTED, asked), lambda row: (row.receiver, row.state or "owed"))
    verdicts = _grouped(connection.execute(_VERDICTS, asked), lambda row: VerdictShown(*row[1:]))
    stories = {row.article_id: row.story_id for row in connection.execute(_STORIES, asked)}
    return [
        ArticleShown(
            **rows[each]._mapping,
            tags=tuple(tags.get(each, ())),
            alerts=tuple(alerts.get(each, ())),
            verdicts=tuple(verdicts.get(each, ())),
            story=stories.get(each),
        )
        for each in ids
        if each in rows
    ]


def others(connection: Connection, found: Collection[ArticleShown]) -> dict[int, int]:
    """How many other articles tell each of their stories, by story, where any do; counted up to
    MOST_OF_A_STORY.
    """
    stories = {article.story for article in found if article.story is not None}
    if not stories:
        return {}
    rows = connection.execute(_TOLD_BY, {"stories": sorted(stories), "most": MOST_OF_A_STORY + 1})
    return {story: told - 1 for story, told in rows if told > 1}


def last(connection: Connection) -> int:
    """The highest id of an article; 0 where there is none."""
    return int(connection.execute(_LAST).scalar_one())


def identity_of(connection: Connection, start: str) -> int | None:
    """The article whose fingerprint begins so; None where there is none, or more than one."""
    if len(start) < _SHORTEST_ID or not all(sign in "0123456789abcdef" for sign in start):
        return None
    return find_article(connection, start)


def _bounds(connection: Connection, span: Span) -> tuple[int, int]:
    """The ids of a span: from the first up to before the second. Ids grow with the moment."""
    least, above = 0, NEWEST
    if span.since is not None:
        found = connection.execute(_FIRST_SINCE, {"since": to_text(span.since)}).scalar()
        least = NEWEST if found is None else int(found)
    if span.until is not None:
        found = connection.execute(_LAST_UNTIL, {"until": to_text(span.until)}).scalar()
        above = 0 if found is None else int(found) + 1
    return least, above


def _grouped(rows: Any, made: Any) -> Mapping[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row.article_id, []).append(made(row))
    return found


def _tag(row: Row[Any]) -> TagShown:
    return TagShown(row.topic, row.grade, row.probability, tuple(json.loads(row.evidence)))
