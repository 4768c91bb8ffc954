"""Matrix ▶ linear models, one a topic. Which method, by recipe."""

from __future__ import annotations

import warnings
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import sklearn
from joblib import cpu_count
from numpy.typing import NDArray
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.naive_bayes import ComplementNB
from sklearn.svm import LinearSVC
from threadpoolctl import ThreadpoolController

from classifier.features import LARGE, SMALL, Recipe

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

SEED = 20261121

_UNSEEN = -5.0  # intercept of a topic that no text has
_PENALTY = 2.0  # of the ridge, in mean squared lengths of a text
_COST = 0.5  # of an error of the SVM, beside half the squared length of its coefficients
_STEP = 0.4  # a text's squared length is 1.5 with title and constant: from 0.67 on steps overshoot
_CONSTANT = 0.5  # a feature of every text; scikit-learn's own intercept takes a hundred times as long
_UNSETTLED = 3  # of so many parts of the way the first is not averaged
_BALANCE = 1.1  # power with which a rare topic's texts weigh more


@dataclass(frozen=True, slots=True)
class Fitted:
    """One linear model a topic: coefficients (features × topics) and intercepts.

    Coefficients are in single precision, as they are stored.
    """

    coefficients: Floats
    intercepts: Floats


def fit(matrix: sparse.csr_matrix, truth: Flags, recipe: Recipe, weights: Floats | None = None) -> Fitted:
    """Fit a recipe's models. The same matrix gives the same models, to the bit.

    `weights` (as `truth`) is what a text counts in the model of a topic; one of 0 is not in it. None:
    each counts 1. The models of SMALL lean on each other: a text is in all of them or in none.
    """
    if recipe == SMALL:
        if weights is not None:
            known = (weights > 0).all(axis=1)
            matrix, truth = matrix[known], truth[known]
        coefficients, intercepts = _small(matrix, truth)
    else:
        columns = [None] * truth.shape[1] if weights is None else list(weights.T)
        pairs = [
            _one(matrix, column, recipe, weight) for column, weight in zip(truth.T, columns, strict=True)
        ]
        coefficients = np.stack([coefficient for coefficient, _ in pairs], axis=1)
        intercepts = np.array([intercept for _, intercept in pairs])
    return Fitted(coefficients.astype(np.float32).astype(np.float64), intercepts)


class Online:
    """The linear models of LARGE, one a topic, that see some texts at a time and any number in all.

    Stochastic gradient descent on what the SVM minimises, with a constant step, averaged (Polyak and
    Juditsky 1992; Bach and Moulines 2013 for the constant step). On Reuters R(90), folds of the training
    split, ten passes reach the SVM's micro-F1, and of topics with few texts its average precision to a
    point; with a falling step, or averaged from the first text on, it is four points or one below. The
    same texts in the same order give the same models, in however many threads.
    """

    def __init__(self, topics: int, texts: int, passes: int) -> None:
        """`texts` is how many there will be in each of the `passes`, about."""
        self._models = [
            SGDClassifier(
                loss="squared_hinge", alpha=1.0 / (_COST * texts), learning_rate="constant", eta0=_STEP,
                average=max(1, texts * passes // _UNSETTLED), fit_intercept=False, shuffle=False,
                random_state=SEED,
            )
            for _ in range(topics)
        ]  # fmt: skip
        self._libraries = ThreadpoolController()  # to look for them takes longer than to learn from a block

    def learn(self, matrix: sparse.csr_matrix, truth: Flags) -> None:
        """Go over some texts once, in their order."""
        constant = np.full((matrix.shape[0], 1), _CONSTANT)
        texts = sparse.hstack([matrix, constant], format="csr", dtype=np.float64)

        def learn(model: SGDClassifier, column: Flags) -> None:
            with sklearn.config_context(assume_finite=True):
                model.partial_fit(texts, column, classes=[False, True])

        # Threads of ours: the work is done outside the interpreter, and the matrix is there once. Those of
        # the linear algebra, whose vectors are short here, take five times as much of the processor.
        with self._libraries.limit(limits=1), ThreadPoolExecutor(cpu_count()) as threads:
            deque(threads.map(learn, self._models, truth.T), maxlen=0)

    def fitted(self) -> Fitted:
        """What was learned. The models are given up on the way: they take twice as much memory."""
        columns = self._models[0].coef_.shape[1] - 1
        coefficients = np.zeros((columns, len(self._models)))
        intercepts = np.zeros(len(self._models))
        while self._models:
            found, topic = self._models.pop().coef_[0], len(self._models)
            coefficients[:, topic] = found[:-1].astype(np.float32)
            intercepts[topic] = found[-1] * _CONSTANT
        return Fitted(coefficients, intercepts)


def _one(
    matrix: sparse.csr_matrix, truth: Flags, recipe: Recipe, weights: Floats | None
) -> tuple[Floats, float]:
    if weights is not None:
        # A matrix without the rows that are not known is a copy: only where there are such.
        known = weights > 0
        if not known.all():
            matrix, truth, weights = matrix[known], truth[known], weights[known]
        if (weights == 1.0).all():
            weights = None
    if not truth.any():
        return np.zeros(matrix.shape[1]), _UNSEEN
    estimator = _svm() if recipe == LARGE else _logistic()
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        estimator.fit(matrix, truth, sample_weight=weights)
    return estimator.coef_[0], float(estimator.intercept_[0])


def _svm() -> LinearSVC:
    return LinearSVC(C=_COST, random_state=SEED, max_iter=5000)


def _logistic() -> LogisticRegression:
    # The dual solver: with more features than texts it is five times faster than the primal. A
    # tenth of this tolerance doubles the time and moves no decision.
    return LogisticRegression(
        solver="liblinear", dual=True, class_weight="balanced", C=5.0, tol=0.1,
        random_state=SEED, max_iter=1000,
    )  # fmt: skip


def _small(matrix: sparse.csr_matrix, truth: Flags) -> tuple[Floats, Floats]:
    """The mean of ridge regression and complement naive Bayes (Rennie et al. 2003).

    For few texts both are steadier than logistic regression, and they err apart: on SIB-200's
    training folds 69 % for logistic regression became 72 and 72, and 74 together with features
    weighted by how unevenly the topics use them.
    """
    uneven = _unevenness(matrix, truth)
    matrix = (matrix @ sparse.diags(uneven)).tocsr()
    ridge, intercepts = _ridge(matrix, truth)
    bayes = _bayes(matrix, truth)
    spread_ridge = np.std(matrix @ ridge + intercepts) or 1.0
    spread_bayes = np.std(matrix @ bayes) or 1.0
    coefficients = 0.5 * (ridge / spread_ridge + bayes / spread_bayes)
    return uneven[:, None] * coefficients, 0.5 * intercepts / spread_ridge


def _unevenness(matrix: sparse.csr_matrix, truth: Flags) -> Floats:
    """For each feature 1 minus the entropy of its use over the topics, softened; about 1 on average."""
    texts = np.maximum(truth.sum(axis=0), 1)
    used = (matrix > 0).astype(np.float64)
    shares = np.asarray((used.T @ truth.astype(np.float64)) / texts) + 0.25 / texts.mean()
    shares /= shares.sum(axis=1, keepdims=True)
    certain = 1.0 + (shares * np.log(shares)).sum(axis=1) / np.log(max(truth.shape[1], 2))
    weights: Floats = np.sqrt(certain / certain.mean() + 0.1)
    return weights


def _ridge(matrix: sparse.csr_matrix, truth: Flags) -> tuple[Floats, Floats]:
    """Targets ±1; a text weighs by how rare its topics are, the same for every topic's model."""
    rarity = (len(truth) / (truth.shape[1] * np.maximum(truth.sum(axis=0), 1))) ** _BALANCE
    numbers = truth.sum(axis=1)
    weights = np.where(numbers > 0, truth @ rarity / np.maximum(numbers, 1), 1.0)
    penalty = _PENALTY * float(matrix.multiply(matrix).sum()) / matrix.shape[0]
    ridge = Ridge(alpha=penalty, solver="sparse_cg", tol=1e-6)
    ridge.fit(matrix, np.where(truth, 1.0, -1.0), sample_weight=weights)
    return ridge.coef_.T, np.asarray(ridge.intercept_)


def _bayes(matrix: sparse.csr_matrix, truth: Flags) -> Floats:
    """What the texts without a topic do not say speaks for it; centred over the topics."""
    columns = []
    for column in truth.T:
        found = ComplementNB(alpha=0.1).fit(matrix, column)
        columns.append(found.feature_log_prob_[-1] if column.any() else np.zeros(matrix.shape[1]))
    weights: Floats = np.stack(columns, axis=1)
    centred: Floats = weights - weights.mean(axis=1, keepdims=True)
    return centred
