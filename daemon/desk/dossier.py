"""All that the ledger knows of one article, for its page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, text

from classifier import Article
from daemon import questions, verdicts
from daemon.desk.articles import ArticleShown, shown
from daemon.sayings import Saying
from daemon.verdicts import SHORT_ID, VerdictRecord

MOST_OF_STORY = 50

_FILE = text(
    """
    SELECT files.name, files.target, files.arrived_at
    FROM articles
    JOIN files ON files.id = articles.file_id
    WHERE articles.id = :article
    """
)
_DELIVERIES = text(
    """
    SELECT deliveries.id, alerts.receiver, deliveries.form, carriers.form AS carrier,
        COALESCE(carriers.state, deliveries.state) AS state,
        COALESCE(carriers.sent_at, deliveries.sent_at) AS sent_at,
        COALESCE(carriers.due_at, deliveries.due_at) AS due_at,
        COALESCE(carriers.attempts, deliveries.attempts) AS attempts,
        COALESCE(carriers.error, deliveries.error) AS error
    FROM alerts
    JOIN deliveries ON deliveries.alert_id = alerts.id
    LEFT JOIN deliveries AS carriers ON carriers.id = deliveries.into_id
    WHERE alerts.article_id = :article
    ORDER BY alerts.id
    """
)
_QUESTION = text(
    """
    SELECT id, receiver, form, NULL AS carrier, state, sent_at, due_at, attempts, error
    FROM deliveries
    WHERE key = :key AND form = 'question'
    """
)
_STORY = text(
    """
    SELECT articles.id, articles.fingerprint, articles.title, substr(articles.text, 1, 300) AS opening,
        articles.language, articles.source, articles.tagged_at
    FROM sketches
    JOIN articles ON articles.id = sketches.article_id
    WHERE sketches.story_id = :story AND sketches.article_id <> :article
    ORDER BY sketches.article_id
    LIMIT :most
    """
)


@dataclass(frozen=True, slots=True)
class FileShown:
    """The file that an article came from. `target`: where it stands now, below the home."""

    name: str
    target: str | None
    arrived_at: str


@dataclass(frozen=True, slots=True)
class EvidenceShown:
    """A passage that carries a tag, as it was when the article was tagged; `words` counted most."""

    passage: str
    start: int
    probability: float
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeliveryShown:
    """`form`: of the message that carries it, where several go as one."""

    id: int
    receiver: str
    form: str
    state: str
    sent_at: str | None
    due_at: str
    attempts: int
    error: str | None


@dataclass(frozen=True, slots=True)
class StoryArticle:
    id: str
    headline: str
    language: str | None
    source: str | None
    tagged_at: str


@dataclass(frozen=True, slots=True)
class Dossier:
    """`story` has the other articles that tell the same event, oldest first; `more_of_story`: not all."""

    article: ArticleShown
    file: FileShown | None
    evidence: dict[str, tuple[EvidenceShown, ...]]
    deliveries: tuple[DeliveryShown, ...]
    story: tuple[StoryArticle, ...]
    more_of_story: bool
    verdicts: tuple[VerdictRecord, ...]
    history: tuple[Saying, ...]

    def said_of(self, topic: str) -> tuple[VerdictRecord, ...]:
        """The last word of each person on a topic."""
        return tuple(each for each in self.verdicts if each.topic == topic)

    def is_disputed(self, topic: str) -> bool:
        return any(each.disputed for each in self.said_of(topic))


def gather(connection: Connection, identity: int) -> Dossier | None:
    """What there is of the article of this id in the ledger; None where there is none."""
    found = shown(connection, [identity])
    if not found:
        return None
    (article,) = found
    asked = {"article": identity}
    story = _story(connection, article)
    file = connection.execute(_FILE, asked).one_or_none()
    return Dossier(
        article,
        FileShown(file.name, file.target, file.arrived_at) if file else None,
        {tag.topic: _evidence(tag.evidence) for tag in article.tags},
        tuple(_deliveries(connection, identity)),
        tuple(story[:MOST_OF_STORY]),
        len(story) > MOST_OF_STORY,
        tuple(verdicts.of_article(connection, identity)),
        verdicts.history(connection, identity),
    )


def _evidence(given: Iterable[Mapping[str, Any]]) -> tuple[EvidenceShown, ...]:
    return tuple(
        EvidenceShown(
            str(each["passage"]),
            int(each.get("start", 0)),
            float(each.get("score", 0.0)),
            tuple(str(word) for word, _ in each.get("words", ())),
        )
        for each in given
    )


def _deliveries(connection: Connection, article: int) -> list[DeliveryShown]:
    rows = list(connection.execute(_DELIVERIES, {"article": article}))
    question = questions.of_article(connection, article)
    if question is not None:
        rows += connection.execute(_QUESTION, {"key": question.key})
    return [_delivery(row) for row in rows]


def _delivery(row: Row[Any]) -> DeliveryShown:
    return DeliveryShown(
        row.id,
        row.receiver,
        row.carrier or row.form,
        row.state,
        row.sent_at,
        row.due_at,
        row.attempts,
        row.error,
    )


def _story(connection: Connection, article: ArticleShown) -> list[StoryArticle]:
    if article.story is None:
        return []
    asked = {"story": article.story, "article": article.identity, "most": MOST_OF_STORY + 1}
    return [
        StoryArticle(
            row.fingerprint[:SHORT_ID],
            Article(row.opening, title=row.title).headline,
            row.language,
            row.source,
            row.tagged_at,
        )
        for row in connection.execute(_STORY, asked)
    ]
