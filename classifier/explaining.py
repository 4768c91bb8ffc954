"""Why a topic was said of an article, or was not: exact sums, not estimates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from classifier.articles import Article, Grade
from classifier.model import Model
from classifier.passages import passages
from classifier.tagging import FEATURES, Cuts, article_features, best_passages

_STRONGEST = 15


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
