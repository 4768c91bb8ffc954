"""Questions: articles that raised no alert and were put to a desk, and what people answered.

An answer is a verdict on each topic that was asked of, and says besides that the article was looked at.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from classifier import Article
from daemon import showing, verdicts
from daemon.clock import to_text
from daemon.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Question:
    """An article that somebody should look at.

    `key` names the question wherever it is put, for ever. `probability` is the one with which the article
    was drawn. `nearest` is the likeliest topic that it was not said to be about and `nearness` that
    topic's probability; None where the article was tagged before these were kept.
    """

    id: int
    key: str
    article: int
    fingerprint: str
    headline: str
    text: str
    language: str | None
    source: str | None
    url: str | None
    probability: float
    drawn_at: str
    nearest: str | None
    nearness: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person says of a question's article: of the topics `asked` it is about `topics`."""

    person: str
    topics: tuple[str, ...]
    asked: tuple[str, ...]
    said_at: str


_QUESTION = """
    SELECT questions.id, questions.key, questions.article_id, questions.probability,
        articles.fingerprint, articles.title, articles.text, articles.language, articles.source,
        articles.url, articles.nearest, articles.nearness, draws.drawn_at
    FROM questions
    JOIN articles ON articles.id = questions.article_id
    JOIN draws ON draws.id = questions.draw_id
    """
_ADD = text(
    """
    INSERT INTO questions (key, draw_id, article_id, probability)
    VALUES (:key, :draw, :article, :probability)
    """
)
_ONE = text(f"{_QUESTION} WHERE questions.key = :key")
_OF_ARTICLE = text(f"{_QUESTION} WHERE articles.fingerprint LIKE :start ORDER BY questions.id LIMIT 2")
_OF_DRAW = text(f"{_QUESTION} WHERE questions.draw_id = :draw ORDER BY questions.id")
_UNANSWERED = "NOT EXISTS (SELECT 1 FROM answers WHERE answers.question_id = questions.id)"
_OPEN = text(f"{_QUESTION} WHERE {_UNANSWERED} ORDER BY questions.id DESC LIMIT :most")
_NEAREST_OPEN = text(
    f"""
    {_QUESTION}
    WHERE {_UNANSWERED}
      AND articles.nearness IS NOT NULL
    ORDER BY articles.nearness DESC, questions.id
    LIMIT :most
    """
)
_ABOUT = text(f"{_QUESTION} WHERE questions.article_id = :article")
_COUNT_OPEN = text(f"SELECT COUNT(*) FROM questions WHERE {_UNANSWERED}")  # noqa: S608  our own words alone
_SAID = text(
    """
    SELECT answers.topics, answers.asked, answers.said_at
    FROM answers
    WHERE question_id = :question
      AND person = :person
    """
)
_ANSWER = text(
    """
    INSERT INTO answers (question_id, person, topics, asked, said_at)
    VALUES (:question, :person, :topics, :asked, :said_at)
    ON CONFLICT (question_id, person)
    DO UPDATE SET topics = excluded.topics, asked = excluded.asked, said_at = excluded.said_at
    WHERE excluded.said_at > answers.said_at
    """
)
_WITHDRAW = text(
    """
    DELETE FROM answers
    WHERE question_id = :question
      AND person = :person
      AND said_at <= :moment
    """
)
_PUT = text("SELECT id FROM deliveries WHERE key = :key")
_ANSWERS = text(
    """
    SELECT answers.person, answers.topics, answers.asked, answers.said_at
    FROM answers
    JOIN questions ON questions.id = answers.question_id
    WHERE questions.key = :key
    ORDER BY answers.said_at, answers.id
    """
)


def key_of(fingerprint: str) -> str:
    """The key of the question about an article."""
    return hashlib.sha256(f"question\0{fingerprint}".encode()).hexdigest()[:32]


def add(connection: Connection, *, draw: int, article: int, fingerprint: str, probability: float) -> None:
    """Write that an article was drawn, with a probability. Each is drawn at most once, for ever."""
    row = {"key": key_of(fingerprint), "draw": draw, "article": article, "probability": probability}
    connection.execute(_ADD, row)


def open_questions(connection: Connection, most: int = 100) -> list[Question]:
    """The questions that nobody has answered, the newest first."""
    return [_question(row) for row in connection.execute(_OPEN, {"most": most})]


def nearest_open(connection: Connection, most: int) -> list[Question]:
    """Of those that nobody has answered the ones that came nearest to a topic, the nearest first."""
    return [_question(row) for row in connection.execute(_NEAREST_OPEN, {"most": most})]


def count_open(connection: Connection) -> int:
    """How many questions nobody has answered."""
    return int(connection.execute(_COUNT_OPEN).scalar_one())


def of_draw(connection: Connection, draw: int) -> list[Question]:
    """The questions of one draw, in the order of its articles."""
    return [_question(row) for row in connection.execute(_OF_DRAW, {"draw": draw})]


def one(connection: Connection, key: str) -> Question | None:
    """The question of this key; None where there is none."""
    row = connection.execute(_ONE, {"key": key}).one_or_none()
    return _question(row) if row else None


def of_article(connection: Connection, article: int) -> Question | None:
    """The question about the article of this id in the ledger; None where there is none."""
    row = connection.execute(_ABOUT, {"article": article}).one_or_none()
    return _question(row) if row else None


def about(connection: Connection, start: str) -> Question | None:
    """The question about the article whose fingerprint begins so; None where there is none, or several."""
    if not start.isalnum():
        return None
    rows = connection.execute(_OF_ARTICLE, {"start": f"{start}%"}).all()
    return _question(rows[0]) if len(rows) == 1 else None


def answer(
    connection: Connection,
    *,
    key: str,
    person: str,
    topics: Collection[str],
    asked: Collection[str],
    said_at: datetime,
) -> bool:
    """Write that of the topics asked of an article it is about these, and about none of the others.

    It is a verdict on each: right, or wrong. What the same person answered before is replaced; an answer
    that is not later than it changes nothing. Whether anything was written; False for an unknown key.
    """
    question = one(connection, key)
    if question is None:
        return False
    before = _said(connection, question, person)
    everything = sorted({*asked, *topics})
    row = {"question": question.id, "person": person, "said_at": to_text(said_at)}
    said = {"topics": json.dumps(sorted(set(topics))), "asked": json.dumps(everything)}
    if connection.execute(_ANSWER, row | said).rowcount == 0:
        return False
    if before is not None:
        _take_back(connection, question, person, before, said_at)
    for topic in everything:
        verdict = Verdict.RIGHT if topic in topics else Verdict.WRONG
        verdicts.add_in_order(
            connection, article=question.article, topic=topic, verdict=verdict, person=person, said_at=said_at
        )
    return True


def withdraw(connection: Connection, *, key: str, person: str, moment: datetime) -> bool:
    """Take back what a person answered up to a moment, with its verdicts; whether there was anything."""
    question = one(connection, key)
    before = _said(connection, question, person) if question else None
    if question is None or before is None:
        return False
    row = {"question": question.id, "person": person, "moment": to_text(moment)}
    if connection.execute(_WITHDRAW, row).rowcount == 0:
        return False
    _take_back(connection, question, person, before, moment)
    return True


def show_anew(connection: Connection, key: str) -> None:
    """The message that put a question to a desk, if one did, is to show the answers as they now are."""
    for delivery in connection.execute(_PUT, {"key": key}).scalars():
        showing.touch(connection, delivery)


def answers(connection: Connection, key: str) -> tuple[Answer, ...]:
    """What people answer to a question, each their last word, oldest first."""
    return tuple(_answer(*row) for row in connection.execute(_ANSWERS, {"key": key}))


def _said(connection: Connection, question: Question, person: str) -> Answer | None:
    row = connection.execute(_SAID, {"question": question.id, "person": person}).one_or_none()
    return _answer(person, *row) if row else None


def _take_back(
    connection: Connection, question: Question, person: str, answer: Answer, moment: datetime
) -> None:
    """The verdicts that an answer made, where the person has said nothing later of the same topic."""
    for topic in answer.asked:
        verdicts.take_back(connection, article=question.article, topic=topic, person=person, moment=moment)


def _answer(person: str, topics: str, asked: str, said_at: str) -> Answer:
    return Answer(person, _listed(topics), _listed(asked), said_at)


def _listed(topics: str) -> tuple[str, ...]:
    found: Sequence[str] = json.loads(topics)
    return tuple(found)


def _question(row: Row[Any]) -> Question:
    return Question(
        id=row.id,
        key=row.key,
        article=row.article_id,
        fingerprint=row.fingerprint,
        headline=Article(row.text, title=row.title).headline,
        text=row.text,
        language=row.language,
        source=row.source,
        url=row.url,
        probability=row.probability,
        drawn_at=row.drawn_at,
        nearest=row.nearest,
        nearness=row.nearness,
    )
