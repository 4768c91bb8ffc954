"""Scores ▶ tags: what the scores of an article's passages say of the article. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.articles import Article, Grade
from classifier.passages import Passage

Scores = NDArray[np.float64]

# Evidence shows the words that made up most of a score, not every syllable of the passage.
_MOST_WORDS = 8


@dataclass(frozen=True, slots=True)
class Cuts:
    """The probabilities from which we say that an article is about a topic."""

    main: float
    mention: float

    def grade(self, probability: float) -> Grade | None:
        if probability >= self.main:
            return Grade.MAIN
        if probability >= self.mention:
            return Grade.MENTION
        return None


@dataclass(frozen=True, slots=True)
class Calibration:
    """Raw score ▶ probability, for one language: the logistic curve of Platt (1999)."""

    slope: float
    offset: float

    def probabilities(self, scores: Scores) -> Scores:
        return sigmoid(self.slope * scores + self.offset)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A passage that carries a tag, and what its words contributed to the score, largest first.

    `score` is the passage's own probability for the topic.
    """

    passage: str
    start: int
    end: int
    score: float
    words: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Tag:
    """Our decision that an article is about a topic."""

    topic: str
    grade: Grade
    probability: float
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Tagged:
    """An article with its tags, likeliest first, and the probability of every topic."""

    article: Article
    tags: tuple[Tag, ...]
    probabilities: Mapping[str, float]
    model: str

    def topics(self, grade: Grade) -> list[str]:
        return [tag.topic for tag in self.tags if tag.grade is grade]


def sigmoid(values: Scores) -> Scores:
    """1 / (1 + e^-x), without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * values))


def article_scores(passage_scores: Scores) -> Scores:
    """Passage scores (passages × topics) ▶ one raw score a topic: the mean of the two best.

    One passage alone may sound like a topic that the article is not about; of two that agree
    that is rarer (measured: half the false alarms on long articles).
    """
    if len(passage_scores) <= 2:
        return np.asarray(passage_scores.mean(axis=0))
    best_two = np.partition(passage_scores, len(passage_scores) - 2, axis=0)[-2:]
    return np.asarray(best_two.mean(axis=0))


def best_passages(scores: Scores, most: int = 2) -> list[int]:
    """Rows of the passages that speak most for a topic: the best, and others for it as well."""
    order = np.argsort(-scores, kind="stable")[:most]
    return [int(row) for rank, row in enumerate(order) if rank == 0 or scores[row] > 0]


def quotable(rows: list[int], cut_up: Sequence[Passage]) -> list[int]:
    """The same rows with the title last: it stands above the quotation anyway."""
    return sorted(rows, key=lambda row: cut_up[row].is_title)


def evidence(passage: Passage, probability: float, contributions: Mapping[str, float]) -> Evidence:
    """Evidence from a passage and what each of its words contributed to the topic."""
    helped = [(word, value) for word, value in contributions.items() if value > 0]
    helped.sort(key=lambda pair: (-pair[1], pair[0]))
    words = tuple((word, round(value, 4)) for word, value in helped[:_MOST_WORDS])
    return Evidence(passage.text, passage.start, passage.end, round(probability, 4), words)
