"""Builders of questions: articles without an alert that were drawn, and put to a desk."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from classifier.articles import Article
from classifier.tagging import Tagged
from daemon import asking, ledger, questions
from daemon.clock import to_text
from daemon.questions import Question
from daemon.records import FileState
from tests.builders import NOON

TOPICS = (("energy", "Energy"), ("trade", "Trade"), ("space", "Space"))

_DRAW = text(
    """
    INSERT INTO draws (drawn_at, above, up_to, articles)
    VALUES (:now, 0, 9, 9)
    RETURNING id
    """
)
_NEAR = text("UPDATE articles SET nearest = 'energy', nearness = 0.31 WHERE id = :article")


def draw(
    connection: Connection, number: int = 1, content: str = "", now: datetime = NOON, **about: Any
) -> Question:
    """A question about an article that came nearest to energy."""
    content = content or f"Villages fetch water by lorry {number}\nThe wells of three villages have run dry."
    article = Article(content, title=content.split("\n", 1)[0], **about)
    file = ledger.record_file(
        connection,
        fingerprint=f"{number:064}",
        name=f"{number}.txt",
        size=1,
        state=FileState.DONE,
        now=now,
    )
    identity = ledger.record_article(connection, file, 0, Tagged(article, (), {}, "model-1"), now=now)
    assert identity is not None
    connection.execute(_NEAR, {"article": identity})
    number = connection.execute(_DRAW, {"now": to_text(now)}).scalar_one()
    questions.add(
        connection, draw=number, article=identity, fingerprint=article.fingerprint, probability=0.25
    )
    [question] = questions.of_draw(connection, number)
    return question


def put(connection: Connection, number: int = 1, receiver: str = "desk", now: datetime = NOON) -> Question:
    """The same, owed to a receiver."""
    question = draw(connection, number, now=now)
    asking.owe(connection, receiver, [question], topics=TOPICS, now=now)
    return question


def around(moment: datetime) -> str:
    """Quiet hours, in UTC, that hold at a moment and end within two hours of it."""
    hour = timedelta(hours=1)
    return f"{moment - hour:%H:%M}-{moment + hour:%H:%M}"
