"""Decisions at the queue: what each comes to, and how it is taken back.

Whoever decides says what they saw; where somebody has said something of it since, nothing is written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, text

from daemon import decisions, feedback, questions
from daemon.clock import from_text
from daemon.decisions import Decision, Verdicts
from daemon.desk.waiting import Kind, standing
from daemon.verdicts import Verdict

UNDONE_WITHIN = timedelta(days=1)  # what is older may have been trained on, and is for the article's page

_SAID = text(
    """
    SELECT id, topic, verdict, person, said_at, settles
    FROM verdicts
    WHERE article_id = :article
    ORDER BY said_at, id
    """
)
_FINGERPRINT = text("SELECT fingerprint FROM articles WHERE id = :article")


class Choice(StrEnum):
    """`other`: not about this topic, but about another. `about`: about these; `none`: about none.

    `skip` says nothing.
    """

    RIGHT = "right"
    WRONG = "wrong"
    OTHER = "other"
    ABOUT = "about"
    NONE = "none"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What somebody says of an entry that they saw. `topic` is the one they were asked of or offered.

    `topics`: the others that they named.
    """

    kind: Kind
    article: int
    topic: str | None
    choice: Choice
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sides:
    """What people say of an entry, oldest first, and a mark that changes when any of it does."""

    said: tuple[Row[Any], ...]
    mark: str


@dataclass(frozen=True, slots=True)
class Undone:
    """`kept` are the topics of which the person has said something else since: that stands."""

    decision: Decision
    kept: tuple[str, ...]


def sides(connection: Connection, kind: Kind, article: int, topic: str | None) -> Sides:
    """Of a tag what people say of it; of a drawn article all that they say, and their answers."""
    fingerprint = connection.execute(_FINGERPRINT, {"article": article}).scalar_one_or_none()
    rows = connection.execute(_SAID, {"article": article}).all()
    said = tuple(row for row in rows if kind is Kind.MISSED or row.topic == topic)
    answered: Sequence[str] = ()
    if kind is Kind.MISSED and (question := questions.of_article(connection, article)):
        answered = [str(each) for each in questions.answers(connection, question.key)]
    seen = [kind, fingerprint, topic, [list(row) for row in said], answered]
    return Sides(said, hashlib.sha256(json.dumps(seen).encode()).hexdigest()[:32])


def is_open(connection: Connection, kind: Kind, article: int, found: Sides) -> bool:
    """Whether there is something to decide still."""
    match kind:
        case Kind.UNSURE:
            return not found.said
        case Kind.DISPUTED:
            return len({row.verdict for row in standing(found.said)}) > 1
        case Kind.MISSED:
            question = questions.of_article(connection, article)
            return question is not None and not questions.answers(connection, question.key)


def verdicts_of(chosen: Chosen, asked: Collection[str]) -> dict[str, Verdict] | None:
    """What a choice says of which topics; None for one that cannot be made of such an entry.

    `asked` are the topics that there are: of a drawn article each of them is judged.
    """
    offered = {chosen.topic} if chosen.topic is not None else set()
    if not offered | set(chosen.topics) <= set(asked):
        return None
    if chosen.kind is not Kind.MISSED:
        return _of_tag(chosen)
    match chosen.choice:
        case Choice.RIGHT if offered:
            about = offered
        case Choice.ABOUT if chosen.topics:
            about = set(chosen.topics)
        case Choice.NONE:
            about = set()
        case _:
            return None
    return {topic: Verdict.RIGHT if topic in about else Verdict.WRONG for topic in asked}


def _of_tag(chosen: Chosen) -> dict[str, Verdict] | None:
    topic, others = chosen.topic, chosen.topics
    match chosen.choice:
        case Choice.RIGHT | Choice.WRONG if topic is not None:
            return {topic: Verdict(chosen.choice)}
        case Choice.OTHER if topic is not None and others and topic not in others:
            return {topic: Verdict.WRONG} | dict.fromkeys(others, Verdict.RIGHT)
        case _:
            return None


def decide(
    connection: Connection, chosen: Chosen, found: Mapping[str, Verdict], *, person: str, now: datetime
) -> int:
    """Write what somebody decided, `found` by `verdicts_of`; the id of the decision."""
    before = _said_by(connection, chosen.article, person, found)
    if chosen.kind is Kind.MISSED:
        _answer(connection, chosen.article, found, person=person, now=now)
    else:
        for topic, verdict in found.items():
            settles = chosen.kind is Kind.DISPUTED and topic == chosen.topic
            feedback.judge(
                connection,
                article=chosen.article,
                topic=topic,
                verdict=verdict,
                person=person,
                now=now,
                settles=settles,
            )
    return decisions.add(
        connection,
        person=person,
        kind=chosen.kind,
        article=chosen.article,
        topic=chosen.topic,
        said=_said_by(connection, chosen.article, person, found),
        before=before,
        now=now,
    )


def undo(connection: Connection, *, person: str, now: datetime) -> Undone | None:
    """Take back the last decision of a person that is not yet; None where there is none of late.

    What the person had said of its topics before holds again. What they have said since stays.
    """
    decision = decisions.last(connection, person, since=now - UNDONE_WITHIN)
    if decision is None:
        return None
    holds = _said_by(connection, decision.article, person, decision.said)
    kept = tuple(topic for topic, said in decision.said.items() if holds.get(topic) != said)
    decisions.mark_undone(connection, decision.id, now)
    if decision.kind == Kind.MISSED:
        _withdraw(connection, decision, kept, now)
    else:
        for topic in decision.said:
            if topic not in kept:
                feedback.undo(connection, article=decision.article, topic=topic, person=person, now=now)
    return Undone(decision, kept)


def _answer(
    connection: Connection, article: int, found: Mapping[str, Verdict], *, person: str, now: datetime
) -> None:
    question = questions.of_article(connection, article)
    assert question is not None
    about = [topic for topic, verdict in found.items() if verdict is Verdict.RIGHT]
    questions.answer(
        connection, key=question.key, person=person, topics=about, asked=list(found), said_at=now
    )
    questions.show_anew(connection, question.key)


def _withdraw(connection: Connection, decision: Decision, kept: Collection[str], now: datetime) -> None:
    question = questions.of_article(connection, decision.article)
    if question is None:
        return
    moment = from_text(decision.decided_at)
    questions.withdraw(connection, key=question.key, person=decision.person, moment=moment)
    questions.show_anew(connection, question.key)
    for topic, (verdict, _) in decision.before.items():
        if topic not in kept:
            feedback.judge(
                connection,
                article=decision.article,
                topic=topic,
                verdict=Verdict(verdict),
                person=decision.person,
                now=now,
            )


def _said_by(connection: Connection, article: int, person: str, topics: Collection[str]) -> Verdicts:
    rows = connection.execute(_SAID, {"article": article})
    return {
        row.topic: (row.verdict, row.said_at) for row in rows if row.person == person and row.topic in topics
    }
