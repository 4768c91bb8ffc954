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

from classifier.features import PASSAGES, runs
from classifier.table import Weights

Floats = NDArray[np.float64]


class Reference:
    """Scores of passages, as a vectoriser, an idf, a norm and a linear model give them."""

    def __init__(self, weights: Weights) -> None:
        own_idf, own_coefficients = _own_features(weights)
        kept = np.flatnonzero(own_idf > 0.0).tolist()
        self.names = [*weights.runs, *(whole(weights.words[row]) for row in kept)]
        self.idf = np.concatenate([weights.run_idf, own_idf[kept]])
        self.coefficients = np.vstack([weights.run_coefficients, own_coefficients[kept]])
        self.intercepts = weights.intercepts
        self.speller = CountVectorizer(analyzer=PASSAGES.features, vocabulary=self.names)

    def scores(self, texts: Sequence[str]) -> Floats:
        counts = self._counts(texts)
        weighted = counts @ sparse.diags(self.idf)
        norms = np.sqrt(counts @ self.idf**2)
        norms[norms == 0.0] = 1.0
        return np.asarray(sparse.diags(1.0 / norms) @ weighted @ self.coefficients + self.intercepts)

    def _counts(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """texts × features: 1 + ln(tf) of each word, spread over what the word is spelled with."""
        if not any(PASSAGES.words_of(text) for text in texts):
            return sparse.csr_matrix((len(texts), len(self.names)))
        counter = CountVectorizer(analyzer=PASSAGES.words_of)
        words = counter.fit_transform(texts).astype(np.float64)
        words.data = 1.0 + np.log(words.data)
        return words @ self.speller.transform(counter.get_feature_names_out())


class Pipeline:
    """The same features the usual way: every text through a vectoriser, then one product.

    It gives a score for each text and topic, as the table does, but counts a repeated feature as
    often as it stands there (which spares it the logarithm).
    """

    def __init__(self, weights: Weights) -> None:
        reference = Reference(weights)
        self._vectoriser = CountVectorizer(analyzer=features)
        # As if it had been fitted.
        self._vectoriser.vocabulary_ = {name: column for column, name in enumerate(reference.names)}
        self._idf, self._coefficients = reference.idf, reference.coefficients
        self._intercepts = reference.intercepts

    def scores(self, texts: Sequence[str]) -> Floats:
        counts = self._vectoriser.transform(texts).astype(np.float64)
        norms = np.sqrt(counts @ self._idf**2)
        norms[norms == 0.0] = 1.0
        weighted = sparse.diags(1.0 / norms) @ (counts @ sparse.diags(self._idf))
        return np.asarray(weighted @ self._coefficients + self._intercepts)


def features(text: str) -> list[str]:
    """All features of a text's words."""
    return [feature for word in PASSAGES.words_of(text) for feature in PASSAGES.features(word)]


def whole(word: str) -> str:
    """The feature that is a word itself: the first that it is spelled with."""
    return PASSAGES.features(word)[0]


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
