"""Scores ▶ tags: what the scores of an article's passages say of the article. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.articles import Article, Grade
from classifier.passages import Passage

Scores = NDArray[np.float64]
Numbers = NDArray[np.int64]

# Evidence shows the words that made up most of a score, not every syllable of the passage.
_MOST_WORDS = 8
# Digits behind the point in which equal sums are equal. The last ones depend on the order of adding, which
# is that in which a process came to know the words.
_SAME = 9
_HEADING = 60  # characters; a passage below it is a heading more often than a sentence

# What the passages' scores are summed up to, a number a topic each.
FEATURES = ("best two", "mean", "lead", "length", "length squared")


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
    """Article features ▶ probability, for one language: a logistic curve.

    `weights` has one number a feature of `FEATURES`.
    """

    weights: tuple[float, ...]
    offset: float

    def probabilities(self, features: Scores) -> Scores:
        """Probabilities between 0 and 1 of features (… × features)."""
        (found,) = probabilities_by([self], features[None])
        return np.asarray(found)


def probabilities_by(curves: Sequence[Calibration], features: Scores) -> Scores:
    """Probabilities of features (articles × … × features), each article's by its own curve.

    Alone and among others an article has the same, to the last bit.
    """
    shape = (len(curves),) + (1,) * (features.ndim - 2)
    scores = np.array([curve.offset for curve in curves]).reshape(shape)
    for number, weights in enumerate(zip(*(curve.weights for curve in curves), strict=True)):
        scores = scores + features[..., number] * np.array(weights).reshape(shape)
    return sigmoid(scores)


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


def article_features(scores: Scores) -> Scores:
    """Passage scores (passages × topics, one passage or more) ▶ (topics × features).

    The mean of the two best passages, because one alone may sound like a topic that the article
    is not about; the mean of all; the mean of the first three, the title among them where there is
    one; and the logarithm of their number and its square, because the best of thirty is high by chance.
    """
    (features,) = features_of_all(scores, [len(scores)])
    return np.asarray(features)


def features_of_all(scores: Scores, sizes: Sequence[int]) -> Scores:
    """The same of several articles, whose passages follow each other (articles × topics × features)."""
    numbers = np.array(sizes)
    starts = np.cumsum(numbers) - numbers
    number = numbers[:, None].astype(np.float64)
    lead = _first_three(scores, starts, numbers) / np.minimum(number, 3.0)
    length = np.broadcast_to(np.log(number), lead.shape)
    mean = np.add.reduceat(scores, starts) / number
    return np.stack((_best_two(scores, starts, numbers), mean, lead, length, length**2), axis=2)


def _best_two(scores: Scores, starts: Numbers, numbers: Numbers) -> Scores:
    """The mean of the two highest scores of each article; of one passage its own."""
    first = np.maximum.reduceat(scores, starts)
    is_first = scores == first.repeat(numbers, axis=0)
    others = np.maximum.reduceat(np.where(is_first, -np.inf, scores), starts)
    # Two that are equally high are both the highest; of one alone there is no other.
    several = np.add.reduceat(is_first.astype(np.int64), starts) > 1
    second = np.where(several | (numbers == 1)[:, None], first, others)
    return (first + second) / 2.0


def _first_three(scores: Scores, starts: Numbers, numbers: Numbers) -> Scores:
    """The sum of the first three scores of each article, or of as many as there are."""
    found = scores[starts]
    for place in (1, 2):
        has = numbers > place
        found[has] += scores[starts[has] + place]
    return found


def features_alone(scores: Scores) -> Scores:
    """The `article_features` of each passage as an article of its own (passages × topics × features)."""
    nothing = np.zeros_like(scores)
    return np.stack((scores, scores, scores, nothing, nothing), axis=2)


def best_passages(scores: Scores, most: int = 3) -> list[int]:
    """Rows of the passages that speak most for a topic: the best, and others for it as well."""
    order = np.argsort(-np.round(scores, _SAME), kind="stable")[:most]
    return [int(row) for rank, row in enumerate(order) if rank == 0 or scores[row] > 0]


def quotable(rows: list[int], cut_up: Sequence[Passage]) -> list[int]:
    """The same rows, those that say little by themselves last: headings, and then the title."""
    return sorted(
        rows, key=lambda row: (cut_up[row].is_title, not cut_up[row].is_title and _is_heading(cut_up[row]))
    )


def _is_heading(passage: Passage) -> bool:
    return len(passage.text) < _HEADING


def evidence(passage: Passage, probability: float, said: Iterable[tuple[str, float]]) -> Evidence:
    """Evidence from a passage and what each word that is said in it contributed to the topic."""
    helped = summed((word, value) for word, value in said if value > 0)
    largest = sorted(helped.items(), key=lambda each: (-round(each[1], _SAME), each[0]))[:_MOST_WORDS]
    words = tuple((word, round(value, 4)) for word, value in largest)
    return Evidence(passage.text, passage.start, passage.end, round(probability, 4), words)


def summed(said: Iterable[tuple[str, float]]) -> dict[str, float]:
    """What each word contributed in all, in the order in which they are first said."""
    found: dict[str, float] = {}
    for word, value in said:
        found[word] = found.get(word, 0.0) + value
    return found
