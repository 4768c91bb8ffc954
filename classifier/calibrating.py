"""Held-out scores ▶ probabilities and cuts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from classifier.mixing import Mixed
from classifier.tagging import Calibration, Cuts

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

FEW_LABELS = 10  # a topic with fewer main articles has cuts, and figures, of little weight
_RARE = 30  # main articles


def curve(articles: Mixed) -> Calibration:
    """A logistic curve through judged articles; a mention counts neither way."""
    counted = ~articles.mention
    regression = LogisticRegression(C=1.0, max_iter=1000)
    regression.fit(articles.features[counted], articles.main[counted])
    weights = tuple(round(float(weight), 6) for weight in regression.coef_[0])
    return Calibration(weights, round(float(regression.intercept_[0]), 6))


def choose_cuts(
    topics: Sequence[str],
    articles: Mapping[str, Mixed],
    curves: Mapping[str, Calibration],
    *,
    beta: float = 1.0,
) -> dict[str, Cuts]:
    """Cuts from judged articles by language, each topic's own averaged with the common one.

    They maximise F with recall weighing `beta` times as much as precision. A topic that no article
    has yet, only terms, takes the common cut. A rare one keeps its own, which the smoothed F
    guards: averaged, Reuters R(90) loses 8 points of macro-F1 (folds of its training split).
    """
    named = [language for language in articles if language] or [""]
    probabilities = np.concatenate([curves[name].probabilities(articles[name].features) for name in named])
    main = np.concatenate([articles[name].main for name in named])
    mention = np.concatenate([articles[name].mention for name in named])
    common = best_cut(probabilities[~mention], main[~mention], beta)
    touched = best_cut(probabilities, main | mention)
    cuts = {}
    for column, topic in enumerate(topics):
        kept = ~mention[:, column]
        truth = main[kept, column]
        own = best_cut(probabilities[kept, column], truth, beta) if truth.any() else common
        cut = own if truth.sum() < _RARE else (common + own) / 2
        cuts[topic] = Cuts(round(cut, 6), round(min(cut, touched), 6))
    return cuts


def best_cut(probabilities: Floats, truth: Flags, beta: float = 1.0) -> float:
    """The cut with the best smoothed F, midway to the next probability.

    ((1+β²)·TP + 1) / ((1+β²)·TP + FP + β²·FN + 2), van Rijsbergen's measure (1979, chapter 7)
    with a guard for topics of few articles.
    """
    order = np.argsort(-probabilities, axis=None, kind="stable")
    ranked, hits = probabilities.ravel()[order], np.cumsum(truth.ravel()[order])
    said = np.arange(1, len(ranked) + 1)
    weight = beta**2
    smoothed = ((1 + weight) * hits + 1) / (said + weight * int(truth.sum()) + 2)
    # Equal probabilities are said together or not at all.
    smoothed[:-1][ranked[:-1] == ranked[1:]] = -1.0
    best = int(np.argmax(smoothed))
    below = ranked[best + 1] if best + 1 < len(ranked) else 0.0
    return float((ranked[best] + below) / 2)
