"""Corpus ▶ model: one linear model a topic, then calibration and cuts from what it had not seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import sklearn
from joblib import Parallel, delayed
from joblib.parallel import get_active_backend
from numpy.typing import NDArray

from classifier import calibrating, tagging
from classifier.calibrating import FEW_LABELS
from classifier.corpus import Corpus, Judged
from classifier.errors import LabelError
from classifier.estimators import SEED, Fitted, fit
from classifier.evaluation import Judgements, average_precision, flags, report
from classifier.features import LARGE, PASSAGES, SMALL, Recipe
from classifier.folds import Folds
from classifier.material import Material, Texts
from classifier.mixing import Mixed, Pool, can_mix, mix
from classifier.model import Model
from classifier.tagging import FEATURES, Calibration, Cuts

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Progress = Callable[[str, int, int], None]  # what is being done, steps done, steps in all

# An archive above this many words is judged by stems: runs of characters then cost minutes.
LARGE_ARCHIVE = 300_000

LEAST_ARTICLES = 10

UNCALIBRATED = Calibration((1.0,) + (0.0,) * (len(FEATURES) - 1), 0.0)


@dataclass(frozen=True, slots=True)
class Trained:
    """A model and what its labels were like."""

    model: Model
    counts: Mapping[str, Mapping[str, int]]  # main articles by topic and language
    few: tuple[str, ...]  # topics under FEW_LABELS
    folds: Folds  # what fits without them said of the labelled articles


class Answers(Protocol):
    """What people said of some articles; the arrays have a row an article and a column a topic."""

    @property
    def topics(self) -> tuple[str, ...]: ...

    @property
    def main(self) -> Flags: ...

    @property
    def mention(self) -> Flags: ...

    @property
    def unknown(self) -> Flags: ...

    @property
    def languages(self) -> NDArray[np.str_]:
        """One an article; "?" for unknown."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Scores by models that were not trained on the article."""

    labelled: Floats  # labelled texts × topics; terms stay zero
    features: Floats  # articles × topics × features, scored as tagging scores them


def train(
    corpus: Corpus,
    *,
    terms: bool = True,
    recipe: Recipe = PASSAGES,
    version: str = "new",
    progress: Progress | None = None,
) -> Trained:
    """A model of the corpus, with its quality from folds that keep an article together.

    The same corpus gives the same model. Raises LabelError where there is nothing to tell
    apart. `progress` hears of every step.
    """
    learned = _learn(corpus, recipe, terms=terms, progress=progress)
    counts = corpus.counts()
    model = Model(
        version=version,
        topics=learned.material.topics,
        titles={topic.id: topic.title for topic in corpus.topics},
        cuts=learned.cuts,
        calibration=learned.curves,
        weights=learned.material.serving(learned.fitted),
        labels_fingerprint=corpus.fingerprint,
        quality=report(learned.judgements),
        retired=frozenset(topic.id for topic in corpus.topics if topic.retired),
        recipe=recipe,
    )
    main = {topic: sum(by_language.values()) for topic, by_language in counts.items()}
    few = tuple(topic for topic in model.topics if main[topic] < FEW_LABELS)
    return Trained(model, counts, few, _folds(corpus, learned.judgements))


def _folds(corpus: Corpus, judged: Judgements) -> Folds:
    return Folds(
        topics=judged.topics,
        ids=tuple(article.article.fingerprint[:16] for article in corpus.articles),
        languages=judged.languages,
        main=flags(judged.topics, [article.main for article in corpus.articles]),
        mention=flags(judged.topics, [article.mention for article in corpus.articles]),
        unknown=flags(judged.topics, [article.unknown for article in corpus.articles]),
        said=judged.said,
        probabilities=judged.probabilities,
    )


def examine(corpus: Corpus, *, recipe: Recipe = PASSAGES, progress: Progress | None = None) -> Judgements:
    """The labelled articles beside what models say of them that were not trained on them."""
    return _learn(corpus, recipe, terms=True, progress=progress).judgements


@dataclass(frozen=True, slots=True)
class _Learned:
    """All that one pass over a corpus gives; `judgements` are of models without the article."""

    material: Material
    fitted: Fitted
    curves: Mapping[str, Calibration]
    cuts: Mapping[str, Cuts]
    judgements: Judgements


def _learn(corpus: Corpus, recipe: Recipe, *, terms: bool, progress: Progress | None) -> _Learned:
    tell = progress or (lambda what, done, all_: None)
    steps = recipe.folds + 2
    tell("reading features", 0, steps)
    if len(corpus.articles) < LEAST_ARTICLES:
        raise LabelError([f"labels: {len(corpus.articles)} articles; {LEAST_ARTICLES} are the least"])
    material = Material(corpus, recipe, terms=terms)
    *folds, fitted = fit_folds(material, lambda done: tell("learning", done, steps))
    held_out = hold_out(material, folds)
    judged = _judged(material, held_out)
    curves = {language: calibrating.curve(articles) for language, articles in judged.items()}
    cuts = calibrating.choose_cuts(material.topics, judged, curves, beta=recipe.beta)
    tell("done", steps, steps)
    judgements = cross_validated(material, held_out.features, curves, cuts)
    return _Learned(material, fitted, curves, cuts, judgements)


def learning_curve(
    corpus: Corpus,
    articles: Sequence[Judged],
    *,
    recipe: Recipe = PASSAGES,
    shares: Sequence[float] = (0.1, 0.25, 0.5, 0.75, 1.0),
    progress: Progress | None = None,
) -> list[tuple[int, float]]:
    """Labelled texts, and the average precision on other articles after training on so many.

    A share of the articles is drawn at random, the same for the same corpus; terms are always in.
    """
    tell = progress or (lambda what, done, all_: None)
    material = Material(corpus, recipe, terms=True)
    drawn = np.random.default_rng(SEED).permutation(len(corpus.articles)) / len(corpus.articles)
    points = []
    for done, share in enumerate(shares):
        tell("learning curve", done, len(shares))
        kept = (material.owner < 0) | (drawn[material.owner] < share)
        if not material.truth[kept].any(axis=0).all():
            continue
        fitted = fit(*material.texts(kept))
        model = Model(
            "curve", material.topics, {}, {}, {"": UNCALIBRATED}, material.serving(fitted), recipe=recipe
        )
        points.append((int(kept.sum()), _ranking(model, articles)))
    return points


def _ranking(model: Model, articles: Sequence[Judged]) -> float:
    """Mean average precision of the topics, by the mean of the two best passages."""
    main = flags(model.topics, [judged.main for judged in articles])
    mention = flags(model.topics, [judged.mention for judged in articles])
    scores = np.stack(
        [
            tagging.article_features(model.article_scores(judged.article, judged.passages))[:, 0]
            for judged in articles
        ]
    )
    found = [
        average_precision(main[~mention[:, column], column], scores[~mention[:, column], column])
        for column in np.flatnonzero(main.any(axis=0))
    ]
    return float(np.mean(found)) if found else 0.0


def recipe_for(corpus: Corpus) -> Recipe:
    """The recipe for an archive of labelled articles, by its size."""
    words = sum(judged.article.text.count(" ") for judged in corpus.articles)
    return LARGE if words > LARGE_ARCHIVE else SMALL


def versions() -> dict[str, str]:
    """The libraries that made a model, for its card."""
    return {"numpy": np.__version__, "scikit-learn": sklearn.__version__}


def fit_folds(material: Material, tell: Callable[[int], None]) -> list[Fitted]:
    """A fit without each fold, and last one of everything. `tell` hears how many are done.

    Side by side in processes: liblinear's random numbers are one sequence for all threads of a
    process, so fits in threads would differ from run to run. With LOKY_MAX_CPU_COUNT=1 in the
    environment (joblib's documentation) one after the other in this process: the same to the bit.
    """
    owned = [np.flatnonzero(material.folds == number) for number in range(material.recipe.folds)]
    outside = [~np.isin(material.owner, articles) for articles in owned]
    rows = [*outside, np.ones(len(material.owner), dtype=bool)]
    tasks = (delayed(_fit)(material.texts(chosen)) for chosen in rows)
    # A cluster's backend gives all of them at the end.
    how = "generator" if get_active_backend()[0].supports_return_generator else "list"
    found = []
    for done, fitted in enumerate(Parallel(n_jobs=-1, return_as=how)(tasks), 1):
        tell(done)
        found.append(fitted)
    return found


def _fit(texts: Texts) -> Fitted:
    # In one tuple: what joblib lays out on a cluster by itself is gone with the worker that has it, while a
    # task that has its texts in it is done by another.
    return fit(*texts)


def hold_out(material: Material, fits: Sequence[Fitted]) -> HeldOut:
    """Every article scored by the fit that was made without its fold."""
    labelled = np.zeros(material.truth.shape)
    features = np.zeros((*material.main.shape, len(tagging.FEATURES)))
    for number, fitted in enumerate(fits):
        articles = np.flatnonzero(material.folds == number)
        inside = np.isin(material.owner, articles)
        labelled[inside] = material.matrix[inside] @ fitted.coefficients + fitted.intercepts
        found = material.passage_scores(articles.tolist(), fitted)
        for article, scores in zip(articles, found, strict=True):
            features[article] = tagging.article_features(scores)
    return HeldOut(labelled, features)


def cross_validated(
    answers: Answers,
    features: Floats,
    curves: Mapping[str, Calibration],
    cuts: Mapping[str, Cuts],
) -> Judgements:
    """The labelled articles beside what a model not trained on them says of each.

    `features` are articles × topics × features, as `HeldOut` has them.
    """
    probabilities = np.zeros(answers.main.shape)
    for language in set(answers.languages.tolist()):
        rows = answers.languages == language
        curve = curves.get(language, curves[""])
        probabilities[rows] = curve.probabilities(features[rows])
    levels = np.array([cuts[topic].main for topic in answers.topics])
    return Judgements(
        answers.topics,
        tuple(answers.languages.tolist()),
        answers.main,
        answers.mention | answers.unknown,  # both count neither way
        probabilities >= levels,
        probabilities,
    )


def _judged(material: Material, held_out: HeldOut) -> dict[str, Mixed]:
    """Judged articles for each language with labels enough, and for all together under "".

    Mixed of labelled passages, or the held-out articles themselves where those are whole.
    """
    if material.recipe.whole:
        return whole_articles(material, held_out.features)
    languages = sorted(set(material.languages.tolist()) - {"?"})
    generator = np.random.default_rng(SEED)
    # Whether a mixed article is about a topic must be known of each of its passages.
    usable = (material.owner >= 0) & material.known
    spoken = np.where(usable, material.languages[material.owner], "")
    pools = {"": usable} | {language: spoken == language for language in languages}
    mixtures = {}
    for language, rows in pools.items():
        pool = Pool(held_out.labelled[rows], material.truth[rows])
        if can_mix(pool):
            mixtures[language] = mix(pool, generator)
    if "" not in mixtures:
        raise LabelError(["labels: too few to learn from: 20 passages about nothing, and two topics"])
    return mixtures


def whole_articles(answers: Answers, features: Floats) -> dict[str, Mixed]:
    """The held-out articles themselves, by language where it has labels enough, and all under ""."""
    neither = answers.mention | answers.unknown
    found = {"": Mixed(features, answers.main, neither)}
    for language in sorted(set(answers.languages.tolist()) - {"?"}):
        rows = answers.languages == language
        if answers.main[rows].sum() >= FEW_LABELS * len(answers.topics):
            found[language] = Mixed(features[rows], answers.main[rows], neither[rows])
    return found
