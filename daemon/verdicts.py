"""What desks said of tags: right, wrong, or another topic. The last word of a person counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, text

from classifier import Article
from daemon.clock import to_text
from daemon.complaints import printable_line
from daemon.messages import Remark

_SHORT_ID = 16  # characters of a fingerprint, as `classifier tag` prints it


class Verdict(StrEnum):
    """`right`: the article is about the topic; `wrong`: it is not."""

    RIGHT = "right"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class VerdictRecord:
    """A verdict with the article it is about; `disputed` where another person says the contrary."""

    article: str  # fingerprint
    text: str
    topic: str
    verdict: Verdict
    person: str
    said_at: str
    title: str | None = None
    language: str | None = None
    disputed: bool = False

    @property
    def headline(self) -> str:
        return Article(self.text, title=self.title).headline


_FIND = text("SELECT id FROM articles WHERE fingerprint LIKE :start ORDER BY id LIMIT 2")
_ADD = text(
    """
    INSERT INTO verdicts (article_id, topic, verdict, person, said_at)
    VALUES (:article_id, :topic, :verdict, :person, :said_at)
    ON CONFLICT (article_id, topic, person)
    DO UPDATE SET verdict = excluded.verdict, said_at = excluded.said_at
    """
)
_ADD_IN_ORDER = text(f"{_ADD.text.rstrip()}\n    WHERE excluded.said_at > verdicts.said_at")
_WITHDRAW = text(
    """
    DELETE FROM verdicts
    WHERE article_id = :article_id
      AND person = :person
      AND said_at <= :moment
    """
)
_LIST = text(
    """
    SELECT articles.fingerprint, articles.text, topic, verdict, person, said_at, title, language
    FROM verdicts
    JOIN articles ON articles.id = verdicts.article_id
    ORDER BY verdicts.said_at, verdicts.id
    """
)
_OF_ARTICLE = text(
    """
    SELECT person, topic, verdict
    FROM verdicts
    WHERE article_id = :article_id
    ORDER BY said_at, id
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
_COUNTS = text("SELECT verdict, COUNT(*) FROM verdicts GROUP BY verdict")
_COUNT_DISPUTED = text(
    """
    SELECT COUNT(*)
    FROM (
        SELECT article_id
        FROM verdicts
        GROUP BY article_id, topic
        HAVING COUNT(DISTINCT verdict) > 1
    ) AS disputed
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
    connection.execute(_ADD, _row(article, topic, verdict, person, now))


def add_in_order(
    connection: Connection,
    *,
    article: int,
    topic: str,
    verdict: Verdict,
    person: str,
    said_at: datetime,
) -> bool:
    """Write a verdict, unless the same person has said something later of the same tag; whether it was."""
    return connection.execute(_ADD_IN_ORDER, _row(article, topic, verdict, person, said_at)).rowcount > 0


def withdraw(connection: Connection, *, article: int, person: str, moment: datetime) -> bool:
    """Take back what a person said of an article up to a moment; whether there was anything."""
    row = {"article_id": article, "person": person, "moment": to_text(moment)}
    return connection.execute(_WITHDRAW, row).rowcount > 0


def all_verdicts(connection: Connection) -> list[VerdictRecord]:
    """Every verdict that counts, oldest first."""
    found = [
        VerdictRecord(article, text_, topic, Verdict(verdict), person, said_at, title, language)
        for article, text_, topic, verdict, person, said_at, title, language in connection.execute(_LIST)
    ]
    disputed = _disputed(found)
    return [replace(each, disputed=(each.article, each.topic) in disputed) for each in found]


def remarks(connection: Connection, article: int) -> tuple[Remark, ...]:
    """What people say of an article, whatever the topic, oldest first."""
    return tuple(Remark(*row) for row in connection.execute(_OF_ARTICLE, {"article_id": article}))


def counts(connection: Connection) -> dict[str, int]:
    """How many verdicts say what, and of how many tags people disagree."""
    found = {str(verdict): int(number) for verdict, number in connection.execute(_COUNTS)}
    found["disputed"] = int(connection.execute(_COUNT_DISPUTED).scalar_one())
    return found


def judged_topics(connection: Connection) -> dict[str, frozenset[str]]:
    """For each article with a verdict: its main topics as people left them.

    What the model said, without the topics that someone called wrong, with those that someone
    called right. An article of which two people disagree is left out whole: a label has no way to
    say that one of its topics is not known.
    """
    topics: dict[str, set[str]] = {}
    for article, topic in connection.execute(_MAIN):
        topics.setdefault(article, set()).add(topic)
    found = all_verdicts(connection)
    for record in found:
        judged = topics.setdefault(record.article, set())
        if record.verdict is Verdict.RIGHT:
            judged.add(record.topic)
        else:
            judged.discard(record.topic)
    disputed = {record.article for record in found if record.disputed}
    return {a: frozenset(judged) for a, judged in topics.items() if a not in disputed}


def listed(connection: Connection, *, disputed_first: bool = False) -> list[VerdictRecord]:
    """Every verdict that counts, oldest first; or those that people dispute first, side by side."""
    found = all_verdicts(connection)
    if not disputed_first:
        return found
    disputed = sorted((each for each in found if each.disputed), key=lambda each: (each.article, each.topic))
    return disputed + [each for each in found if not each.disputed]


def as_object(record: VerdictRecord) -> dict[str, Any]:
    """A verdict as `verdicts list --json` and `verdicts export --raw` print it."""
    return {
        "article": record.article[:_SHORT_ID],
        "headline": record.headline,
        "topic": record.topic,
        "verdict": record.verdict.value,
        "person": record.person,
        "said_at": record.said_at,
        "disputed": record.disputed,
    }


def as_line(record: VerdictRecord) -> str:
    """The same for people; an article's headline cannot harm their terminal."""
    said = (record.said_at, record.article[:_SHORT_ID], record.topic, record.verdict, record.person)
    words = [printable_line(word) for word in (*said, record.headline)]
    return "  ".join(words + ["(disputed)"] * record.disputed)


def examples(connection: Connection) -> list[dict[str, Any]]:
    """Each judged article with its main topics as people left them: lines for
    `classifier train --examples`. Without those of which people disagree.
    """
    articles = {record.article: record for record in all_verdicts(connection)}
    return [
        _example(articles[article], sorted(topics))
        for article, topics in sorted(judged_topics(connection).items())
    ]


def _example(record: VerdictRecord, main: Sequence[str]) -> dict[str, Any]:
    found = {"id": record.article[:_SHORT_ID], "title": record.title, "text": record.text, "main": list(main)}
    return found | {"lang": record.language} if record.language else found


def _row(article: int, topic: str, verdict: Verdict, person: str, said_at: datetime) -> dict[str, object]:
    row = {"article_id": article, "topic": topic, "verdict": verdict, "person": person}
    return row | {"said_at": to_text(said_at)}


def _disputed(found: Sequence[VerdictRecord]) -> set[tuple[str, str]]:
    """The tags, as article and topic, of which two people say the contrary."""
    said: dict[tuple[str, str], set[Verdict]] = {}
    for record in found:
        said.setdefault((record.article, record.topic), set()).add(record.verdict)
    return {tag for tag, verdicts in said.items() if len(verdicts) > 1}
