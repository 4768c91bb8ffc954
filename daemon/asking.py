"""Asking: articles without an alert are put to a desk, a message each: did we miss this?

Not several in one: each has a menu of all topics, is answered by itself, and shows its own answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from classifier import shorten
from daemon import links, outbox
from daemon.limits import MOST_OPTIONS
from daemon.messages import Nearest, QuestionBody, question_to_json
from daemon.neutral import cleaned
from daemon.questions import Question
from daemon.records import Form

Topics = Sequence[tuple[str, str]]

_LONGEST_OPENING = 1000  # characters, more than any message shows
_LONGEST_FACT = 500
_NAME = 16  # characters of a fingerprint, as `classifier tag` prints it
# Bytes of a message that its menu may take, so that there is room for the article; and what an
# option takes besides its topic's id and title.
_MOST_MENU, _OPTION = 7_000, 110

_DATE = text("SELECT date FROM articles WHERE id = :article")


def owe(
    connection: Connection, receiver: str, questions: Iterable[Question], *, topics: Topics, now: datetime
) -> None:
    """Owe questions to a receiver, in the caller's transaction; one that was put before is left as it is.

    `topics`, id and title, are those that each is asked of: an answer says of all of them whether
    the article is about them. If there are more than a menu can hold, the first are asked of.
    """
    asked = within_a_menu(topics)
    for question in questions:
        date: str | None = connection.execute(_DATE, {"article": question.article}).scalar_one_or_none()
        body = question_to_json(_body(question, date, asked))
        outbox.add_body(connection, receiver, Form.QUESTION, body, key=question.key, now=now)


def within_a_menu(topics: Topics) -> tuple[tuple[str, str], ...]:
    """As many of the topics, from the first, as one menu has room for."""
    found: list[tuple[str, str]] = []
    left = _MOST_MENU
    for topic, title in topics[:MOST_OPTIONS]:
        left -= _OPTION + len(f"{topic}{title}".encode(errors="surrogatepass"))
        if left < 0:
            break
        found.append((topic, title))
    return tuple(found)


def _body(question: Question, date: str | None, topics: tuple[tuple[str, str], ...]) -> QuestionBody:
    return QuestionBody(
        name=question.fingerprint[:_NAME],
        headline=shorten(question.headline, _LONGEST_FACT),
        url=links.sound(question.url) or links.address(question.text),
        source=question.source and shorten(question.source, _LONGEST_FACT),
        date=date and shorten(date, _LONGEST_FACT),
        language=question.language,
        opening=_opening(question.text, question.headline),
        nearest=_nearest(question),
        topics=topics,
    )


def _nearest(question: Question) -> Nearest | None:
    if question.nearest is None or question.nearness is None:
        return None
    return Nearest(question.nearest, question.nearness)


def _opening(text: str, headline: str) -> str:
    """How the text goes on after its headline."""
    whole, title = cleaned(text[: 4 * _LONGEST_OPENING]), cleaned(headline)
    return shorten(whole.removeprefix(title).lstrip(" .:—-"), _LONGEST_OPENING)
