"""Why a topic was said of an article, or was not: exact sums, not estimates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from classifier import words
from classifier.articles import Article, Grade
from classifier.model import Model
from classifier.passages import Passage, passages
from classifier.tagging import FEATURES, Cuts, article_features, best_passages

_STRONGEST = 15


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word where it stands in the article's text, and what it adds to the score of its passage."""

    start: int
    end: int
    value: float


@dataclass(frozen=True, slots=True)
class SpokenPassage:
    """A passage's score for a topic. What its words add and the topic's intercept sum to it.

    `counted`: it is one of the best, which speak most for the article. `words` is empty for one that did
    not count and was not asked of.
    """

    start: int
    end: int
    score: float
    counted: bool
    words: tuple[SpokenWord, ...]


@dataclass(frozen=True, slots=True)
class Spoken:
    """What each word of an article says of a topic, place by place, passage by passage in order."""

    topic: str
    intercept: float
    passages: tuple[SpokenPassage, ...]


@dataclass(frozen=True, slots=True)
class PassageExplanation:
    """A passage's score for the topic; its words' contributions and the intercept sum to it.

    `counted`: it is one of the best, which speak most for the article.
    """

    passage: str
    start: int
    end: int
    score: float
    counted: bool
    words: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What spoke for and against a topic.

    `features` are what the passages' scores sum up to, `parts` what each adds to the log-odds of
    the article's probability, beside `offset`.
    """

    topic: str
    grade: Grade | None
    probability: float
    features: Mapping[str, float]
    parts: Mapping[str, float]
    offset: float
    intercept: float
    cuts: Cuts
    passages: tuple[PassageExplanation, ...]

    def strongest(self) -> tuple[list[tuple[str, float]], list[tuple[str, float]]]:
        """Words for and against in the passages that counted, strongest first, summed."""
        sums: dict[str, float] = {}
        for passage in self.passages:
            if passage.counted:
                for word, value in passage.words.items():
                    sums[word] = sums.get(word, 0.0) + value
        ranked = sorted(sums.items(), key=lambda pair: -pair[1])
        helped = [pair for pair in ranked if pair[1] > 0][:_STRONGEST]
        hindered = [pair for pair in reversed(ranked) if pair[1] < 0][:_STRONGEST]
        return helped, hindered

    def as_json(self) -> dict[str, object]:
        return {
            "topic": self.topic,
            "grade": self.grade,
            "probability": self.probability,
            "features": dict(self.features),
            "parts": dict(self.parts),
            "offset": self.offset,
            "intercept": self.intercept,
            "cuts": {"main": self.cuts.main, "mention": self.cuts.mention},
            "passages": [
                {
                    "passage": passage.passage,
                    "start": passage.start,
                    "end": passage.end,
                    "score": passage.score,
                    "counted": passage.counted,
                    "words": [[word, value] for word, value in passage.words.items()],
                }
                for passage in self.passages
            ],
        }


def explain(model: Model, article: Article, topic: str) -> Explanation:
    """Why `topic`, one of the model's, has its probability for an article."""
    column = model.topics.index(topic)
    cut_up = passages(article)
    scores = model.scores([passage.text for passage in cut_up])
    judged = model.article_scores(article, cut_up) if model.recipe.whole else scores
    features = article_features(judged)[column]
    curve = model.curve(article.language)
    probability = float(curve.probabilities(features))
    counted = set(best_passages(scores[:, column]))
    explained = tuple(
        PassageExplanation(
            passage.text,
            passage.start,
            passage.end,
            float(scores[row, column]),
            row in counted,
            model.contributions(passage.text, topic),
        )
        for row, passage in enumerate(cut_up)
    )
    return Explanation(
        topic,
        model.cuts[topic].grade(probability),
        probability,
        dict(zip(FEATURES, features.tolist(), strict=True)),
        dict(zip(FEATURES, (features * np.array(curve.weights)).tolist(), strict=True)),
        curve.offset,
        float(model.weights.intercepts[column]),
        model.cuts[topic],
        explained,
    )


def spoken(model: Model, article: Article, topic: str, *, start: int = 0, end: int | None = None) -> Spoken:
    """What each word says of `topic`, one of the model's, by its place in the article's text.

    Of the passages that begin from `start` up to `end`, and of those that counted, the words are told: of
    all of them, in a long article, there are many.
    """
    column = model.topics.index(topic)
    cut_up = passages(article)
    scores = model.scores([passage.text for passage in cut_up])[:, column]
    counted = set(best_passages(scores))
    last = len(article.text) if end is None else end
    found = []
    for row, passage in enumerate(cut_up):
        told = row in counted or start <= passage.start < last
        said = tuple(_words(model, passage, column)) if told else ()
        found.append(SpokenPassage(passage.start, passage.end, float(scores[row]), row in counted, said))
    return Spoken(topic, float(model.weights.intercepts[column]), tuple(found))


def _words(model: Model, passage: Passage, column: int) -> Iterator[SpokenWord]:
    _, parts = model.table.contributions(passage.text)
    for (left, right), value in zip(words.places(passage.text), parts[:, column].tolist(), strict=True):
        yield SpokenWord(passage.start + left, passage.start + right, value)
