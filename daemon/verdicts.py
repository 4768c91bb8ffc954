"""What desks said of tags: right, wrong, or another topic. The last word of a person counts.

All that was said before it is kept as well, in the same transaction (daemon/sayings.py).

Where two people say the contrary of a tag it is disputed, until one of them changes their mind or
somebody settles it: that outweighs all that was said of the tag before, and nothing that is said later.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, text

from classifier import Article
from daemon import sayings
from daemon.clock import from_text, to_text
from daemon.complaints import printable_line
from daemon.messages import Remark
from daemon.sayings import Said, Saying

SHORT_ID = 16  # characters of a fingerprint, as `classifier tag` prints it


class Verdict(StrEnum):
    """`right`: the article is about the topic; `wrong`: it is not."""

    RIGHT = "right"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class VerdictRecord:
    """A verdict with the article it is about; `disputed` where another person says the contrary.

    `outweighed`: somebody settled the tag later, so this one counts no more.
    """

    article: str  # fingerprint
    text: str
    topic: str
    verdict: Verdict
    person: str
    said_at: str
    title: str | None = None
    language: str | None = None
    settles: bool = False
    outweighed: bool = False
    disputed: bool = False

    @property
    def headline(self) -> str:
        return Article(self.text, title=self.title).headline


_FIND = text("SELECT id FROM articles WHERE fingerprint >= :start AND fingerprint < :end LIMIT 2")
_ADD = text(
    """
    INSERT INTO verdicts (article_id, topic, verdict, person, said_at, settles)
    VALUES (:article_id, :topic, :verdict, :person, :said_at, :settles)
    ON CONFLICT (article_id, topic, person)
    DO UPDATE SET verdict = excluded.verdict, said_at = excluded.said_at, settles = excluded.settles
    """
)
_ADD_IN_ORDER = text(f"{_ADD.text.rstrip()}\n    WHERE excluded.said_at > verdicts.said_at")
_WITHDRAW = text(
    """
    DELETE FROM verdicts
    WHERE article_id = :article_id
      AND topic = :topic
      AND person = :person
      AND said_at <= :moment
    """
)
_TOPICS_OF_PERSON = text(
    """
    SELECT topic FROM sayings WHERE article_id = :article_id AND person = :person
    UNION
    SELECT topic FROM verdicts WHERE article_id = :article_id AND person = :person
    ORDER BY topic
    """
)
_REMOVE = text(
    """
    DELETE FROM verdicts
    WHERE article_id = :article_id
      AND topic = :topic
      AND person = :person
    """
)
# Whether somebody settled the tag of a verdict after it was said.
_OUTWEIGHED = """
    EXISTS (
        SELECT 1
        FROM verdicts AS later
        WHERE later.article_id = verdicts.article_id
          AND later.topic = verdicts.topic
          AND later.settles
          AND (
              later.said_at > verdicts.said_at
              OR (later.said_at = verdicts.said_at AND (NOT verdicts.settles OR later.id > verdicts.id))
          )
    )
"""
_RECORDS = f"""
    SELECT articles.fingerprint, articles.text, topic, verdict, person, said_at, title, language, settles,
           {_OUTWEIGHED}
    FROM verdicts
    JOIN articles ON articles.id = verdicts.article_id
    """  # noqa: S608  our own words alone
_LIST = text(f"{_RECORDS} ORDER BY verdicts.said_at, verdicts.id")
_LIST_OF_ARTICLE = text(
    f"{_RECORDS} WHERE verdicts.article_id = :article_id ORDER BY verdicts.said_at, verdicts.id"
)
_LAST_OF_TAG = text("SELECT MAX(said_at) FROM verdicts WHERE article_id = :article_id AND topic = :topic")
_EVIDENCE = text(
    """
    SELECT articles.fingerprint, tags.topic, tags.evidence
    FROM tags
    JOIN articles ON articles.id = tags.article_id
    JOIN verdicts ON verdicts.article_id = tags.article_id AND verdicts.topic = tags.topic
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
_COUNTS = text("SELECT verdict, COUNT(*) FROM verdicts GROUP BY verdict ORDER BY verdict")
_COUNT_DISPUTED = text(
    f"""
    SELECT COUNT(*)
    FROM (
        SELECT article_id
        FROM verdicts
        WHERE NOT {_OUTWEIGHED}
        GROUP BY article_id, topic
        HAVING COUNT(DISTINCT verdict) > 1
    ) AS disputed
    """  # noqa: S608  our own words alone
)


def find_article(connection: Connection, start: str) -> int | None:
    """The article whose fingerprint begins so; None where there is none, or more than one."""
    if not start.isalnum():
        return None
    # A range is looked up in the index of fingerprints; LIKE, which is deaf to case, would read them all.
    start = start.lower()
    rows = connection.execute(_FIND, {"start": start, "end": f"{start}g"}).scalars().all()
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
    _write(connection, _row(article, topic, verdict, person, now))


def settle(
    connection: Connection,
    *,
    article: int,
    topic: str,
    verdict: Verdict,
    person: str,
    now: datetime,
) -> None:
    """Write a verdict that outweighs all that people said of the tag before, whatever the clock says now."""
    tag = {"article_id": article, "topic": topic}
    last = connection.execute(_LAST_OF_TAG, tag).scalar_one_or_none()
    said_at = max(now, from_text(last)) if last else now
    _write(connection, _row(article, topic, verdict, person, said_at) | {"settles": True})


def add_in_order(
    connection: Connection,
    *,
    article: int,
    topic: str,
    verdict: Verdict,
    person: str,
    said_at: datetime,
) -> bool:
    """Write a verdict, unless the same person has said something later of the same tag; whether it was.

    To have withdrawn it is to have said something. In the history it has its place all the same.
    """
    row = _row(article, topic, verdict, person, said_at)
    said = sayings.of_person(connection, article=article, topic=topic, person=person)
    last = max(sayings.standing(said), key=lambda each: each.said_at, default=None)
    if last and last.said_at == row["said_at"] and last.said is not Said.WITHDRAWN:
        return False
    _keep(connection, row)
    if last and last.said_at > row["said_at"]:
        return False
    return connection.execute(_ADD_IN_ORDER, row).rowcount > 0


def withdraw(connection: Connection, *, article: int, person: str, moment: datetime) -> bool:
    """Take back what a person said of an article up to a moment; whether there was anything."""
    topics = connection.execute(_TOPICS_OF_PERSON, {"article_id": article, "person": person}).scalars().all()
    changed = [
        take_back(connection, article=article, topic=topic, person=person, moment=moment) for topic in topics
    ]
    return any(changed)


def take_back(connection: Connection, *, article: int, topic: str, person: str, moment: datetime) -> bool:
    """Take back what a person said of one tag up to a moment; whether that changed their last word."""
    said = sayings.of_person(connection, article=article, topic=topic, person=person)
    before = sayings.standing([each for each in said if each.said_at <= to_text(moment)])
    row = {"article_id": article, "topic": topic, "person": person, "said_at": to_text(moment)}
    if before and before[-1].said is not Said.WITHDRAWN:
        _keep(connection, row | {"verdict": Said.WITHDRAWN, "settles": False})
    return connection.execute(_WITHDRAW, row | {"moment": row["said_at"]}).rowcount > 0


def undo(connection: Connection, *, article: int, topic: str, person: str, now: datetime) -> bool:
    """Bring a tag back to what a person had said of it before their last word, or to nothing.

    With the moment at which they had said it. False where nothing of theirs holds.
    """
    said = sayings.of_person(connection, article=article, topic=topic, person=person)
    undone, before = sayings.before_the_last(said)
    tag = {"article_id": article, "topic": topic, "person": person}
    for each in undone:
        holds = before.said if before else Said.WITHDRAWN
        row = tag | {"verdict": holds, "said_at": to_text(now), "settles": bool(before and before.settles)}
        _keep(connection, row, undoes=each.id)
    if before:
        row = {"verdict": before.said.value, "said_at": before.said_at, "settles": before.settles}
        connection.execute(_ADD, tag | row)
    elif undone:
        connection.execute(_REMOVE, tag)
    return bool(undone)


def history(connection: Connection, article: int) -> tuple[Saying, ...]:
    """All that people ever said of an article's tags, replaced and withdrawn or not, oldest first."""
    return sayings.history(connection, article)


def moment_after(connection: Connection, *, article: int, topic: str, person: str, now: datetime) -> datetime:
    """Now, or where the clock went back the moment after the last at which a person spoke of a tag."""
    said = sayings.of_person(connection, article=article, topic=topic, person=person)
    last = max((from_text(each.said_at) for each in said), default=None)
    return now if last is None or now > last else last + timedelta(microseconds=1)


def all_verdicts(connection: Connection) -> list[VerdictRecord]:
    """The last word of each person on each tag, oldest first."""
    return _records(connection.execute(_LIST))


def of_article(connection: Connection, article: int) -> list[VerdictRecord]:
    """The last word of each person on each tag of one article, oldest first."""
    return _records(connection.execute(_LIST_OF_ARTICLE, {"article_id": article}))


def _records(rows: Iterable[Any]) -> list[VerdictRecord]:
    found = [
        VerdictRecord(
            article, text_, topic, Verdict(verdict), person, said_at, title, language,
            bool(settles), bool(outweighed),
        )
        for article, text_, topic, verdict, person, said_at, title, language, settles, outweighed in rows
    ]  # fmt: skip
    disputed = _disputed(found)
    return [
        replace(each, disputed=not each.outweighed and (each.article, each.topic) in disputed)
        for each in found
    ]


def evidence(connection: Connection) -> dict[tuple[str, str], tuple[str, ...]]:
    """The passages that carry each tag of which somebody said something, by article and topic."""
    return {
        (article, topic): tuple(str(each["passage"]) for each in json.loads(given))
        for article, topic, given in connection.execute(_EVIDENCE)
    }


def remarks(connection: Connection, article: int) -> tuple[Remark, ...]:
    """What people say of an article, whatever the topic, oldest first."""
    return tuple(Remark(*row) for row in connection.execute(_OF_ARTICLE, {"article_id": article}))


def counts(connection: Connection) -> dict[str, int]:
    """How many verdicts say what, and of how many tags people disagree."""
    found = {str(verdict): int(number) for verdict, number in connection.execute(_COUNTS)}
    found["disputed"] = int(connection.execute(_COUNT_DISPUTED).scalar_one())
    return found


def listed(connection: Connection, *, disputed_first: bool = False) -> list[VerdictRecord]:
    """The last word of each person on each tag, oldest first; or first, side by side, what they dispute."""
    found = all_verdicts(connection)
    if not disputed_first:
        return found
    disputed = sorted((each for each in found if each.disputed), key=lambda each: (each.article, each.topic))
    return disputed + [each for each in found if not each.disputed]


def as_object(record: VerdictRecord) -> dict[str, Any]:
    """A verdict as `verdicts list --json` and `verdicts export --raw` print it."""
    return {
        "article": record.article[:SHORT_ID],
        "headline": record.headline,
        "topic": record.topic,
        "verdict": record.verdict.value,
        "person": record.person,
        "said_at": record.said_at,
        "disputed": record.disputed,
        "settles": record.settles,
        "outweighed": record.outweighed,
    }


def as_line(record: VerdictRecord) -> str:
    """The same for people; an article's headline cannot harm their terminal."""
    said = (record.said_at, record.article[:SHORT_ID], record.topic, record.verdict, record.person)
    words = [printable_line(word) for word in (*said, record.headline)]
    marks = {"disputed": record.disputed, "settles": record.settles, "outweighed": record.outweighed}
    return "  ".join(words + [f"({mark})" for mark, holds in marks.items() if holds])


def _write(connection: Connection, row: Mapping[str, Any]) -> None:
    _keep(connection, row)
    connection.execute(_ADD, row)


def _keep(connection: Connection, row: Mapping[str, Any], *, undoes: int | None = None) -> None:
    sayings.add(
        connection,
        article=row["article_id"],
        topic=row["topic"],
        said=Said(row["verdict"]),
        person=row["person"],
        said_at=row["said_at"],
        settles=row["settles"],
        undoes=undoes,
    )


def _row(article: int, topic: str, verdict: Verdict, person: str, said_at: datetime) -> dict[str, Any]:
    row = {"article_id": article, "topic": topic, "verdict": verdict, "person": person}
    return row | {"said_at": to_text(said_at), "settles": False}


def _disputed(found: Sequence[VerdictRecord]) -> set[tuple[str, str]]:
    """The tags, as article and topic, of which two people say the contrary."""
    said: dict[tuple[str, str], set[Verdict]] = {}
    for record in found:
        if not record.outweighed:
            said.setdefault((record.article, record.topic), set()).add(record.verdict)
    return {tag for tag, verdicts in said.items() if len(verdicts) > 1}
