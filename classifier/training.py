"""Corpus ▶ model: one class-balanced logistic regression a topic, then calibration and cuts.

The only module that imports scikit-learn.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import sklearn
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from classifier import tagging, words
from classifier.corpus import Corpus
from classifier.errors import LabelError
from classifier.evaluation import Judgements, flags, report
from classifier.features import features, is_run
from classifier.model import Model, Weights
from classifier.tagging import Calibration, Cuts

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Progress = Callable[[str, int, int], None]  # what is being done, steps done, steps in all

FOLDS = 5
FEW_LABELS = 10  # a topic with fewer main articles takes the common cut

_SEED = 20261121
_STRENGTH = 5.0  # inverse regularisation, C in scikit-learn
_RAREST = 2  # a feature in a single passage is a name or a slip
_TOLERANCE = 0.1  # a tenth of it doubles the time and moves no decision


@dataclass(frozen=True, slots=True)
class Trained:
    """A model and what its labels were like."""

    model: Model
    counts: Mapping[str, Mapping[str, int]]  # main articles by topic and language
    few: tuple[str, ...]  # topics under FEW_LABELS


def train(
    corpus: Corpus, *, terms: bool = True, version: str = "new", progress: Progress | None = None
) -> Trained:
    """A model of the corpus, with its quality from folds that keep an article together.

    The same corpus gives the same model. Raises LabelError where there is nothing to tell
    apart. `progress` hears of every step.
    """
    tell = progress or (lambda what, done, all_: None)
    material = _Material(corpus, terms)
    steps = FOLDS + 2
    tell("reading features", 0, steps)
    material.count_features()
    held_out = np.zeros((len(corpus.articles), len(corpus.topics)))
    for number in range(FOLDS):
        tell(f"fold {number + 1} of {FOLDS}", number + 1, steps)
        inside = material.folds == number
        weights = material.fit(~np.isin(material.owner, np.flatnonzero(inside)))
        held_out[inside] = material.article_scores(np.flatnonzero(inside), weights)
    tell("all labels", FOLDS + 1, steps)
    weights = material.fit(np.ones(len(material.owner), dtype=bool))
    calibration = _calibrate(material, held_out)
    cuts = _choose_cuts(corpus, _probabilities(material, held_out, calibration))
    tell("done", steps, steps)
    counts = corpus.counts()
    main = {topic: sum(by_language.values()) for topic, by_language in counts.items()}
    model = Model(
        version=version,
        topics=corpus.topic_ids,
        titles={topic.id: topic.title for topic in corpus.topics},
        cuts=cuts,
        calibration=calibration,
        weights=material.serving(weights),
        labels_fingerprint=corpus.fingerprint,
        quality=_cross_validated(material, held_out, calibration, cuts),
        retired=frozenset(topic.id for topic in corpus.topics if topic.retired),
    )
    few = tuple(topic for topic in corpus.topic_ids if main[topic] < FEW_LABELS)
    return Trained(model, counts, few)


def versions() -> dict[str, str]:
    """The libraries that made a model, for its card."""
    return {"numpy": np.__version__, "scikit-learn": sklearn.__version__}


@dataclass(frozen=True, slots=True)
class _Fitted:
    coefficients: Floats  # features × topics, rounded to what is stored
    intercepts: Floats


class _Material:
    """The corpus as matrices. `owner` is each row's article, or -1 for a term."""

    def __init__(self, corpus: Corpus, terms: bool) -> None:
        self.corpus = corpus
        stretches = list(corpus.terms()) if terms else []
        owner = [-1] * len(stretches)
        for number, judged in enumerate(corpus.articles):
            stretches += judged.stretches
            owner += [number] * len(judged.stretches)
        self.owner = np.array(owner, dtype=np.int64)
        self.texts = [stretch.text for stretch in stretches]
        self.truth = flags(corpus.topic_ids, [stretch.topics for stretch in stretches])
        self.folds = np.random.default_rng(_SEED).permutation(len(corpus.articles)) % FOLDS
        self.main = flags(corpus.topic_ids, [judged.main for judged in corpus.articles])
        self.mention = flags(corpus.topic_ids, [judged.mention for judged in corpus.articles])
        self.languages = np.array([judged.article.language or "?" for judged in corpus.articles])
        one_sided = [
            f"labels: topic {topic!r} is in {'every' if column.all() else 'no'} labelled passage"
            for topic, column in zip(corpus.topic_ids, self.truth.T, strict=True)
            if column.all() or not column.any()
        ]
        if one_sided:
            raise LabelError(one_sided)

    def count_features(self) -> None:
        """Learn the vocabulary, each feature's idf, and the matrices of all texts.

        A text's features are the sum over its words, so words are counted first and their
        features only once: texts × words times words × features.
        """
        cut_up = [judged.passages for judged in self.corpus.articles]
        self.passage_ends = np.cumsum([0, *(len(passages) for passages in cut_up)])
        passages = [passage.text for passages in cut_up for passage in passages]
        by_word = CountVectorizer(analyzer=_normalised_words)
        labelled = by_word.fit_transform(self.texts).astype(np.float64)
        self.words = by_word.get_feature_names_out().tolist()
        by_feature = CountVectorizer(analyzer=features)
        spelled = by_feature.fit_transform(self.words).astype(np.float64)
        counts = (labelled @ spelled).tocsc()
        frequency = np.diff(counts.indptr)
        kept = np.flatnonzero(frequency >= _RAREST)
        self.features = by_feature.get_feature_names_out()[kept].tolist()
        self.spelled = spelled[:, kept]
        # The smoothed idf of scikit-learn's TfidfTransformer.
        self.idf = np.log((1 + counts.shape[0]) / (1 + frequency[kept])) + 1.0
        self.matrix = self._weighted(counts[:, kept].tocsr())
        cut = by_word.transform(passages).astype(np.float64)
        self.passages = self._weighted((cut @ self.spelled).tocsr())

    def _weighted(self, counts: sparse.csr_matrix) -> sparse.csr_matrix:
        """tf·idf over the square root of Σ tf·idf²: a norm to which each word adds its share."""
        norms = np.sqrt(counts @ self.idf**2)
        norms[norms == 0.0] = 1.0
        return (sparse.diags(1.0 / norms) @ counts @ sparse.diags(self.idf)).tocsr()

    def fit(self, rows: Flags) -> _Fitted:
        """One logistic regression a topic on the chosen rows, side by side in threads."""
        matrix, truth = self.matrix[rows], self.truth[rows]
        fitted = Parallel(n_jobs=-1, prefer="threads")(
            delayed(_fit_topic)(matrix, truth[:, column]) for column in range(truth.shape[1])
        )
        coefficients = np.stack([coefficient for coefficient, _ in fitted], axis=1)
        intercepts = np.array([intercept for _, intercept in fitted])
        return _Fitted(coefficients, intercepts)

    def article_scores(self, articles: NDArray[np.int64], weights: _Fitted) -> Floats:
        """Raw scores of articles (articles × topics), cut into passages as tagging cuts them."""
        scores = np.asarray(self.passages @ weights.coefficients + weights.intercepts)
        ends = self.passage_ends
        return np.stack([tagging.article_scores(scores[ends[n] : ends[n + 1]]) for n in articles])

    def serving(self, weights: _Fitted) -> Weights:
        """The linear model collapsed into rows of words and of runs of characters."""
        rows = np.column_stack([weights.coefficients * self.idf[:, None], self.idf**2])
        kept = [number for number, name in enumerate(self.features) if is_run(name)]
        return Weights(
            words=self.words,
            word_rows=np.asarray(self.spelled @ rows),
            runs=[self.features[number] for number in kept],
            run_coefficients=weights.coefficients[kept].astype(np.float32),
            run_idf=self.idf[kept],
            intercepts=weights.intercepts,
        )


def _normalised_words(text: str) -> list[str]:
    return [word for word in map(words.normalise, words.split(text)) if word]


def _fit_topic(matrix: sparse.csr_matrix, truth: Flags) -> tuple[Floats, float]:
    # The dual solver: with more features than passages it is five times faster than the primal.
    regression = LogisticRegression(
        solver="liblinear",
        dual=True,
        class_weight="balanced",
        C=_STRENGTH,
        tol=_TOLERANCE,
        random_state=_SEED,
        max_iter=1000,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        regression.fit(matrix, truth)
    # Stored in single precision, so that is what the model is.
    coefficients = regression.coef_[0].astype(np.float32).astype(np.float64)
    return coefficients, float(regression.intercept_[0])


def _calibrate(material: _Material, scores: Floats) -> dict[str, Calibration]:
    """A curve for all languages together, and one for each that has labels enough."""
    counted = ~material.mention
    common = _curve(scores[counted], material.main[counted])
    curves = {"": common}
    for language in sorted(set(material.languages.tolist()) - {"?"}):
        rows = material.languages == language
        kept = counted[rows]
        truth = material.main[rows][kept]
        if truth.sum() >= FEW_LABELS:
            curves[language] = _curve(scores[rows][kept], truth)
    return curves


def _curve(scores: Floats, truth: Flags) -> Calibration:
    """Platt's logistic curve, his smoothed targets by weight (Platt 1999, section 2.2)."""
    if not truth.any() or truth.all():
        return Calibration(1.0, 0.0)
    positives, negatives = int(truth.sum()), int((~truth).sum())
    high, low = (positives + 1) / (positives + 2), 1 / (negatives + 2)
    target = np.where(truth, high, low)
    regression = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000)
    column = np.concatenate([scores, scores])[:, None]
    outcome = np.concatenate([np.ones(len(scores)), np.zeros(len(scores))])
    regression.fit(column, outcome, sample_weight=np.concatenate([target, 1 - target]))
    return Calibration(float(regression.coef_[0, 0]), float(regression.intercept_[0]))


def _probabilities(material: _Material, scores: Floats, calibration: Mapping[str, Calibration]) -> Floats:
    found = np.empty_like(scores)
    for language in set(material.languages.tolist()):
        rows = material.languages == language
        found[rows] = calibration.get(language, calibration[""]).probabilities(scores[rows])
    return found


def _choose_cuts(corpus: Corpus, probabilities: Floats) -> dict[str, Cuts]:
    """Cuts from held-out probabilities, each topic's averaged with the common one."""
    main = flags(corpus.topic_ids, [judged.main for judged in corpus.articles])
    mention = flags(corpus.topic_ids, [judged.mention for judged in corpus.articles])
    counted = ~mention
    common = _best_cut(probabilities[counted], main[counted])
    said = main | mention
    touched = min(common, _best_cut(probabilities[mention | ~said], mention[mention | ~said]))
    cuts = {}
    for column, topic in enumerate(corpus.topic_ids):
        kept = counted[:, column]
        truth = main[kept, column]
        cut = common
        if truth.sum() >= FEW_LABELS:
            cut = (common + _best_cut(probabilities[kept, column], truth)) / 2
        cuts[topic] = Cuts(round(cut, 6), round(min(cut, touched), 6))
    return cuts


def _best_cut(probabilities: Floats, truth: Flags) -> float:
    """The cut with the best smoothed F, (2TP+1)/(2TP+FP+FN+2), midway to the next score."""
    order = np.argsort(-probabilities, kind="stable")
    ranked, hits = probabilities[order], np.cumsum(truth[order])
    said = np.arange(1, len(ranked) + 1)
    smoothed = (2 * hits + 1) / (said + int(truth.sum()) + 2)
    # Equal probabilities are said together or not at all.
    smoothed[:-1][ranked[:-1] == ranked[1:]] = -1.0
    best = int(np.argmax(smoothed))
    below = ranked[best + 1] if best + 1 < len(ranked) else 0.0
    return float((ranked[best] + below) / 2)


def _cross_validated(
    material: _Material,
    scores: Floats,
    calibration: Mapping[str, Calibration],
    cuts: Mapping[str, Cuts],
) -> Mapping[str, object]:
    probabilities = _probabilities(material, scores, calibration)
    levels = np.array([cuts[topic].main for topic in material.corpus.topic_ids])
    judged = Judgements(
        material.corpus.topic_ids,
        tuple(material.languages.tolist()),
        material.main,
        material.mention,
        probabilities >= levels,
        probabilities,
    )
    return report(judged)
