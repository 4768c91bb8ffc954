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
    topics: Sequence[str], articles: Mapping[str, Mixed], curves: Mapping[str, Calibration]
) -> dict[str, Cuts]:
    """Cuts from judged articles by language, each topic's own averaged with the common one.

    A rare topic keeps its own, which the smoothed F guards: averaged, Reuters R(90) loses 8
    points of macro-F1 (folds of its training split).
    """
    named = [language for language in articles if language] or [""]
    probabilities = np.concatenate([curves[name].probabilities(articles[name].features) for name in named])
    main = np.concatenate([articles[name].main for name in named])
    mention = np.concatenate([articles[name].mention for name in named])
    common = best_cut(probabilities[~mention], main[~mention])
    touched = best_cut(probabilities, main | mention)
    cuts = {}
    for column, topic in enumerate(topics):
        kept = ~mention[:, column]
        truth = main[kept, column]
        own = best_cut(probabilities[kept, column], truth)
        cut = own if truth.sum() < _RARE else (common + own) / 2
        cuts[topic] = Cuts(round(cut, 6), round(min(cut, touched), 6))
    return cuts


def best_cut(probabilities: Floats, truth: Flags) -> float:
    """The cut with the best smoothed F, (2TP+1)/(2TP+FP+FN+2), midway to the next probability."""
    order = np.argsort(-probabilities, axis=None, kind="stable")
    ranked, hits = probabilities.ravel()[order], np.cumsum(truth.ravel()[order])
    said = np.arange(1, len(ranked) + 1)
    smoothed = (2 * hits + 1) / (said + int(truth.sum()) + 2)
    # Equal probabilities are said together or not at all.
    smoothed[:-1][ranked[:-1] == ranked[1:]] = -1.0
    best = int(np.argmax(smoothed))
    below = ranked[best + 1] if best + 1 < len(ranked) else 0.0
    return float((ranked[best] + below) / 2)
