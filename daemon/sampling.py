"""Sampling: a few articles that raised no alert are drawn, each with a probability that is known.

Draws follow each other without a gap: each is from the articles that came since the one before it, so
that nothing is passed over and nothing can be drawn twice.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, text

from daemon import asking, questions, unalerted
from daemon.clock import to_text
from daemon.config import Sample
from daemon.database import Database
from daemon.questions import Question

Floats = npt.NDArray[np.float64]

# So much of the chance is the same for all articles, and the rest goes by nearness. With a tenth one miss
# that the model has no idea of would stand for ten times as many articles as the mean: in a simulated month
# the interval of a recall of 0.9 is 0.40 wide then, and so it is 0.32 (`python -m tests.recall`).
EVEN = 0.7

_LAST = text("SELECT up_to FROM draws ORDER BY id DESC LIMIT 1")
_NEWEST = text("SELECT MAX(id) FROM articles")
_BEFORE = text("SELECT MIN(id) - 1 FROM articles WHERE tagged_at >= :since")
_ADD = text(
    """
    INSERT INTO draws (drawn_at, above, up_to, articles)
    VALUES (:now, :above, :up_to, :articles)
    RETURNING id
    """
)
_FINGERPRINT = text("SELECT fingerprint FROM articles WHERE id = :article")


@dataclass(frozen=True, slots=True)
class Frame:
    """The articles without an alert above one id and up to another, sixteen bytes each.

    `nearness` is NaN where it is not known.
    """

    above: int
    up_to: int
    articles: array[int]
    nearness: Floats


@dataclass(frozen=True, slots=True)
class Drawn:
    """From how many articles was drawn, and which."""

    articles: int
    questions: tuple[Question, ...]


def probabilities(nearness: Floats, expected: float) -> Floats:
    """With which probability each article is drawn, so that `expected` are in the mean; at most all.

    They are proportional to a size, of which a part is the same for all and the rest grows with
    nearness; none is below that part. What is not known (NaN) is taken to be as the mean.
    """
    known = nearness[~np.isnan(nearness)]
    middle = float(known.mean()) if len(known) else 0.0
    if middle <= 0.0:
        return _proportional(np.ones(len(nearness)), expected)
    relative = np.where(np.isnan(nearness), 1.0, nearness / middle)
    return _proportional(EVEN + (1.0 - EVEN) * relative, expected)


def choose(chances: Floats, seed: Sequence[int]) -> list[int]:
    """Which are drawn, each by itself and with its own probability: Poisson sampling.

    Särndal, Swensson & Wretman, Model Assisted Survey Sampling, 1992, 3.5. The same seed chooses the same.
    """
    return [
        int(place) for place in np.flatnonzero(np.random.default_rng(seed).random(len(chances)) < chances)
    ]


def draw(
    database: Database, sample: Sample, *, topics: Sequence[tuple[str, str]], now: datetime
) -> Drawn | None:
    """Draw from what came since the last draw, and owe the questions to the receiver, if there is one.

    `topics`, id and title, are those that are asked of. The first draw begins with the articles of the
    last `sample.days`. None where no article came, or where somebody else has drawn from the same.

    The frame is read before the transaction that writes, for intake must not wait for it.
    """
    with database.reading() as connection:
        frame = read_frame(connection, sample, now)
    if frame is None:
        return None
    chances = probabilities(frame.nearness, sample.articles)
    # Drawn again after a crash, from the same articles, it is the same draw.
    chosen = choose(chances, (frame.above, frame.up_to))
    with database.transaction() as connection:
        if _begin(connection, sample, now) != frame.above:
            return None
        number = _write(connection, frame, chances, chosen, now)
        found = questions.of_draw(connection, number)
        if sample.receiver is not None:
            asking.owe(connection, sample.receiver, found, topics=topics, now=now)
    return Drawn(len(frame.articles), tuple(found))


def said(drawn: Drawn | None) -> str:
    """In one line what came of a draw."""
    if drawn is None:
        return "no new articles to draw from"
    return f"{len(drawn.questions)} of {drawn.articles} articles without an alert drawn"


def read_frame(connection: Connection, sample: Sample, now: datetime) -> Frame | None:
    """What the next draw is from; None where no article came."""
    above = _begin(connection, sample, now)
    newest: int | None = connection.execute(_NEWEST).scalar_one()
    if above is None or newest is None or newest <= above:
        return None
    articles, nearness = array("q"), array("d")
    for article, near in unalerted.listed(connection, above=above, up_to=newest):
        articles.append(article)
        nearness.append(np.nan if near is None else near)
    return Frame(above, newest, articles, np.frombuffer(nearness, np.float64))


def _begin(connection: Connection, sample: Sample, now: datetime) -> int | None:
    """The id above which the next draw begins; None where there is nothing to begin with."""
    last: int | None = connection.execute(_LAST).scalar_one_or_none()
    if last is not None:
        return last
    since = to_text(now - timedelta(days=sample.days))
    first: int | None = connection.execute(_BEFORE, {"since": since}).scalar_one()
    return first


def _write(
    connection: Connection, frame: Frame, chances: Floats, chosen: Sequence[int], now: datetime
) -> int:
    row = {"now": to_text(now), "above": frame.above, "up_to": frame.up_to, "articles": len(frame.articles)}
    number: int = connection.execute(_ADD, row).scalar_one()
    for place in chosen:
        article = frame.articles[place]
        fingerprint: str = connection.execute(_FINGERPRINT, {"article": article}).scalar_one()
        questions.add(
            connection,
            draw=number,
            article=article,
            fingerprint=fingerprint,
            probability=float(chances[place]),
        )
    return number


def _proportional(sizes: Floats, expected: float) -> Floats:
    """Probabilities proportional to sizes; what a probability above 1 would be too much the others have."""
    found = np.ones(len(sizes))
    free, left = np.arange(len(sizes)), expected
    while 0.0 < left < len(free):
        scaled = sizes[free] * (left / sizes[free].sum())
        found[free] = np.minimum(1.0, scaled)
        over = scaled > 1.0
        if not over.any():
            break
        left -= int(over.sum())
        free = free[~over]
    return found
