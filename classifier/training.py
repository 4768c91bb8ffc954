"""Corpus ▶ model: one class-balanced logistic regression a topic, then calibration and cuts.

The only module that imports scikit-learn.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
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
from classifier.mixing import Mixed, Pool, can_mix, mix
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
    held_out = _held_out(material, lambda done: tell(f"fold {done} of {FOLDS}", done, steps))
    tell("all labels", FOLDS + 1, steps)
    weights = material.fit(np.ones(len(material.owner), dtype=bool))
    mixtures = _mixtures(material, held_out)
    calibration = {language: _curve(mixed) for language, mixed in mixtures.items()}
    cuts = _choose_cuts(corpus.topic_ids, mixtures, calibration)
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


@dataclass(frozen=True, slots=True)
class _HeldOut:
    """Scores by models that were not trained on the article."""

    labelled: Floats  # rows of the material × topics; terms stay zero
    features: Floats  # articles × topics × features, cut into passages as tagging cuts them


def _held_out(material: _Material, tell: Callable[[int], None]) -> _HeldOut:
    labelled = np.zeros(material.truth.shape)
    features = np.zeros((*material.main.shape, len(tagging.FEATURES)))
    ends = material.passage_ends
    for number in range(FOLDS):
        tell(number + 1)
        articles = np.flatnonzero(material.folds == number)
        inside = np.isin(material.owner, articles)
        weights = material.fit(~inside)
        labelled[inside] = material.matrix[inside] @ weights.coefficients + weights.intercepts
        scores = np.asarray(material.passages @ weights.coefficients + weights.intercepts)
        for article in articles:
            cut_up = scores[ends[article] : ends[article + 1]]
            features[article] = tagging.article_features(cut_up)
    return _HeldOut(labelled, features)


def _mixtures(material: _Material, held_out: _HeldOut) -> dict[str, Mixed]:
    """Mixed articles for each language with labels enough, and for all together under ""."""
    generator = np.random.default_rng(_SEED)
    spoken = np.where(material.owner >= 0, material.languages[material.owner], "")
    pools = {"": material.owner >= 0}
    for language in sorted(set(material.languages.tolist()) - {"?"}):
        pools[language] = spoken == language
    mixtures = {}
    for language, rows in pools.items():
        pool = Pool(held_out.labelled[rows], material.truth[rows])
        if can_mix(pool):
            mixtures[language] = mix(pool, generator)
    if "" not in mixtures:
        raise LabelError(["labels: too few to learn from: 20 passages about nothing, and two topics"])
    return mixtures


def _curve(mixed: Mixed) -> Calibration:
    """A logistic curve through mixed articles; a mention counts neither way."""
    counted = ~mixed.mention
    regression = LogisticRegression(C=1.0, max_iter=1000)
    regression.fit(mixed.features[counted], mixed.main[counted])
    weights = tuple(round(float(weight), 6) for weight in regression.coef_[0])
    return Calibration(weights, round(float(regression.intercept_[0]), 6))


def _choose_cuts(
    topics: Sequence[str], mixtures: Mapping[str, Mixed], calibration: Mapping[str, Calibration]
) -> dict[str, Cuts]:
    """Cuts from mixed articles of every language, each topic's averaged with the common one."""
    named = [language for language in mixtures if language] or [""]
    probabilities = np.concatenate(
        [calibration[name].probabilities(mixtures[name].features) for name in named]
    )
    main = np.concatenate([mixtures[name].main for name in named])
    mention = np.concatenate([mixtures[name].mention for name in named])
    counted = ~mention
    common = _best_cut(probabilities[counted], main[counted])
    touched = _best_cut(probabilities, main | mention)
    cuts = {}
    for column, topic in enumerate(topics):
        kept = counted[:, column]
        truth = main[kept, column]
        cut = common
        if truth.sum() >= FEW_LABELS:
            cut = (common + _best_cut(probabilities[kept, column], truth)) / 2
        cuts[topic] = Cuts(round(cut, 6), round(min(cut, touched), 6))
    return cuts


def _best_cut(probabilities: Floats, truth: Flags) -> float:
    """The cut with the best smoothed F, (2TP+1)/(2TP+FP+FN+2), midway to the next score."""
    order = np.argsort(-probabilities, axis=None, kind="stable")
    ranked, hits = probabilities.ravel()[order], np.cumsum(truth.ravel()[order])
    said = np.arange(1, len(ranked) + 1)
    smoothed = (2 * hits + 1) / (said + int(truth.sum()) + 2)
    # Equal probabilities are said together or not at all.
    smoothed[:-1][ranked[:-1] == ranked[1:]] = -1.0
    best = int(np.argmax(smoothed))
    below = ranked[best + 1] if best + 1 < len(ranked) else 0.0
    return float((ranked[best] + below) / 2)


def _cross_validated(
    material: _Material,
    held_out: _HeldOut,
    calibration: Mapping[str, Calibration],
    cuts: Mapping[str, Cuts],
) -> Mapping[str, object]:
    """Quality on the labelled articles, each by a model that was not trained on it."""
    probabilities = np.zeros(material.main.shape)
    for language in set(material.languages.tolist()):
        rows = material.languages == language
        curve = calibration.get(language, calibration[""])
        probabilities[rows] = curve.probabilities(held_out.features[rows])
    levels = np.array([cuts[topic].main for topic in material.corpus.topic_ids])
    return report(
        Judgements(
            material.corpus.topic_ids,
            tuple(material.languages.tolist()),
            material.main,
            material.mention,
            probabilities >= levels,
            probabilities,
        )
    )
