"""What desks said of tags: right, wrong, or another topic. The last word of a person counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, text

from daemon.clock import to_text


class Verdict(StrEnum):
    """`right`: the article is about the topic; `wrong`: it is not."""

    RIGHT = "right"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class VerdictRecord:
    """A verdict with the article it is about."""

    article: str  # fingerprint
    text: str
    topic: str
    verdict: Verdict
    person: str
    said_at: str


_FIND = text("SELECT id FROM articles WHERE fingerprint LIKE :start ORDER BY id LIMIT 2")
_ADD = text(
    """
    INSERT INTO verdicts (article_id, topic, verdict, person, said_at)
    VALUES (:article_id, :topic, :verdict, :person, :said_at)
    ON CONFLICT (article_id, topic, person)
    DO UPDATE SET verdict = excluded.verdict, said_at = excluded.said_at
    """
)
_LIST = text(
    """
    SELECT articles.fingerprint, articles.text, topic, verdict, person, said_at
    FROM verdicts
    JOIN articles ON articles.id = verdicts.article_id
    ORDER BY verdicts.said_at, verdicts.id
    """
)
_MAIN = text(
    """
    SELECT articles.fingerprint, tags.topic
    FROM tags
    JOIN articles ON articles.id = tags.article_id
    WHERE tags.grade = 'main'
      AND articles.id IN (SELECT article_id FROM verdicts)
    """
)


def find_article(connection: Connection, start: str) -> int | None:
    """The article whose fingerprint begins so; None where there is none, or more than one."""
    if not start.isalnum():
        return None
    rows = connection.execute(_FIND, {"start": f"{start}%"}).scalars().all()
    return int(rows[0]) if len(rows) == 1 else None


def add(
    connection: Connection,
    *,
    article: int,
    topic: str,
    verdict: Verdict,
    person: str,
    now: datetime,
) -> None:
    """Write a verdict; it replaces what the same person said of the same tag."""
    row = {"article_id": article, "topic": topic, "verdict": verdict, "person": person}
    connection.execute(_ADD, row | {"said_at": to_text(now)})


def all_verdicts(connection: Connection) -> list[VerdictRecord]:
    """Every verdict that counts, oldest first."""
    return [
        VerdictRecord(article, text_, topic, Verdict(verdict), person, said_at)
        for article, text_, topic, verdict, person, said_at in connection.execute(_LIST)
    ]


def judged_topics(connection: Connection) -> dict[str, frozenset[str]]:
    """For each article with a verdict: its main topics as people left them.

    What the model said, without the topics that someone called wrong, with those that someone
    called right. An article of which two people disagree is left out.
    """
    topics: dict[str, set[str]] = {}
    for article, topic in connection.execute(_MAIN):
        topics.setdefault(article, set()).add(topic)
    said: dict[tuple[str, str], set[Verdict]] = {}
    for record in all_verdicts(connection):
        said.setdefault((record.article, record.topic), set()).add(record.verdict)
        topics.setdefault(record.article, set())
    disputed = {article for (article, _), verdicts in said.items() if len(verdicts) > 1}
    for (article, topic), verdicts in said.items():
        if Verdict.RIGHT in verdicts:
            topics[article].add(topic)
        else:
            topics[article].discard(topic)
    return {a: frozenset(found) for a, found in topics.items() if a not in disputed}
