"""A trained model the plain way: scikit-learn's own pipeline over a passage's features, no table.

Nothing here is collapsed, remembered or shared with the serving code but how a word is
normalised and spelled in features.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer

from classifier import words
from classifier.features import features, runs, whole
from classifier.model import Weights

Floats = NDArray[np.float64]


class Reference:
    """Scores of passages, as a vectoriser, an idf, a norm and a linear model give them."""

    def __init__(self, weights: Weights) -> None:
        own_idf, own_coefficients = _own_features(weights)
        kept = np.flatnonzero(own_idf > 0.0).tolist()
        names = [*weights.runs, *(whole(weights.words[row]) for row in kept)]
        self.idf = np.concatenate([weights.run_idf, own_idf[kept]])
        self.coefficients = np.vstack([weights.run_coefficients, own_coefficients[kept]])
        self.intercepts = weights.intercepts
        self.counter = CountVectorizer(analyzer=features_of_text, vocabulary=names)
        self.names = names

    def scores(self, texts: Sequence[str]) -> Floats:
        counts = self.counter.transform(texts).astype(np.float64)
        weighted = counts @ sparse.diags(self.idf)
        norms = np.sqrt(counts @ self.idf**2)
        norms[norms == 0.0] = 1.0
        return np.asarray(sparse.diags(1.0 / norms) @ weighted @ self.coefficients + self.intercepts)


def features_of_text(text: str) -> list[str]:
    """Every feature of a passage, in order."""
    normalised = (words.normalise(word) for word in words.split(text))
    return [feature for word in normalised if word for feature in features(word)]


def _own_features(weights: Weights) -> tuple[Floats, Floats]:
    """idf and coefficients of the features that are whole words; 0 where a word has none.

    The model keeps only a word's sums, so they are what its sums have beyond its runs.
    """
    counter = CountVectorizer(analyzer=runs, vocabulary=list(weights.runs))
    spelled = counter.transform(weights.words).astype(np.float64)
    parts = np.column_stack([weights.run_coefficients * weights.run_idf[:, None], weights.run_idf**2])
    beyond = weights.word_rows - spelled @ parts
    # An idf is at least 1, so what is far below it is rounding.
    idf = np.sqrt(np.where(beyond[:, -1] > 0.5, beyond[:, -1], 0.0))
    return idf, beyond[:, :-1] / np.where(idf > 0.0, idf, 1.0)[:, None]
