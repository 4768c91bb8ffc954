"""An archive of any length ▶ a model, in bounded memory: the articles go by, block after block.

Beside `training`, which holds them all: the same words, weights, curve and cuts, and the linear models
that an online method finds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifier import archives, calibrating, tagging
from classifier.calibrating import FEW_LABELS
from classifier.corpus import Judged
from classifier.errors import LabelError
from classifier.estimators import SEED, Fitted, Online
from classifier.evaluation import Judgements, report
from classifier.features import LARGE
from classifier.folds import Folds
from classifier.material import refuse_one_sided
from classifier.model import Model
from classifier.names import Names
from classifier.spooling import Drawn, Read, Reader, Shelf
from classifier.table import Weights
from classifier.training import LEAST_ARTICLES, Trained, cross_validated, whole_articles

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Tell = Callable[[str, int, int], None]  # what is being done, steps done, steps in all

RECIPE = LARGE

_MOST_NUMBERS = 8_000_000  # of the linear models, words × topics
_MOST_WORDS = 300_000
_JUDGED_NUMBERS = 1_500_000  # of what is said of articles that were held out, articles × topics
_MOST_JUDGED = 20_000  # articles
_GROUP = 8  # blocks, drawn from all over the archive, whose articles are shuffled together
_SEEN = 1_000_000  # texts, after which linear models change little (scikit-learn's guide to SGD)
_LEAST_PASSES, _MOST_PASSES = 3, 10


@dataclass(frozen=True, slots=True)
class Plan:
    """How an archive is gone over.

    Its articles are in so many `parts` by their texts. In each of the first `turns` a model learns without
    that part and is judged on it, `passes` times over the others; the model that serves learns from all.
    """

    parts: int
    turns: int
    passes: int

    @classmethod
    def of(cls, articles: int, topics: int) -> Plan:
        """So that memory stays bounded, and the time for an article does not grow."""
        most = min(_MOST_JUDGED, _JUDGED_NUMBERS // topics)
        passes = min(max(math.ceil(_SEEN / articles), _LEAST_PASSES), _MOST_PASSES)
        parts = max(RECIPE.folds, math.ceil(articles / most))
        return cls(parts, min(RECIPE.folds, max(1, most * RECIPE.folds // articles)), passes)

    @property
    def share(self) -> float:
        """Of the articles that are judged by a model that did not learn from them."""
        return self.turns / self.parts

    def part(self, drawn: Drawn) -> NDArray[np.int64]:
        """The part that each article belongs to."""
        found = (drawn.ids >> np.uint64(32)) * np.uint64(self.parts) >> np.uint64(32)
        return found.astype(np.int64)


@dataclass(frozen=True, slots=True)
class Sample:
    """Articles as people judged them, and the scores of models that did not learn from them."""

    topics: tuple[str, ...]
    languages: NDArray[np.str_]
    main: Flags
    mention: Flags
    scores: Floats
    ids: NDArray[np.uint64]

    @property
    def unknown(self) -> Flags:
        """Of an archive's articles everything is known."""
        return np.zeros_like(self.main)


class Archive:
    """Labelled articles that were read once, and lie on the disk as numbers."""

    def __init__(self, path: Path, folder: Path, tell: Tell) -> None:
        """Read those of `path`; `folder` is on the disk. Raises LabelError."""
        self._path = path
        self._folder = folder
        self._reader = Reader(folder, RECIPE)
        self._shelf: Shelf | None = None
        number = archives.number(path)
        try:
            self._read = self._reader.read(
                archives.stream(path), lambda done: tell("reading articles", done, number)
            )
            _refuse(self._read)
        except BaseException:
            self.close()
            raise

    @property
    def fingerprint(self) -> str:
        """sha256 of everything that training reads. It is not that of `Corpus`, which takes topics first."""
        return self._read.fingerprint

    @property
    def probes(self) -> Sequence[str]:
        return self._read.headlines

    @property
    def right(self) -> Sequence[Judged]:
        """Of an archive no desk has said anything."""
        return ()

    def articles(self) -> Iterator[Judged]:
        """Read them again."""
        return archives.stream(self._path)

    def train(self, tell: Tell) -> Trained:
        """The model, with its quality on articles that it had not seen when it was asked about them.

        The same articles in the same order give the same model. Can be called once. Raises LabelError.
        """
        read = self._read
        plan = Plan.of(read.articles, len(read.topics))
        shelf = self._fill(tell)
        stages = iter(range(plan.passes * (plan.turns + 1)))

        def fit(without: int | None) -> Fitted:
            return _fit(shelf, read, plan, without, stages, tell)

        sample = _sample(shelf, read, plan, (fit(turn) for turn in range(plan.turns)))
        features = tagging.features_alone(sample.scores)
        mixed = whole_articles(sample, features)
        curves = {language: calibrating.curve(articles) for language, articles in mixed.items()}
        cuts = calibrating.choose_cuts(read.topics, mixed, curves, beta=RECIPE.beta)
        judgements = cross_validated(sample, features, curves, cuts)
        del features, mixed
        model = Model(
            version="new",
            topics=read.topics,
            titles={topic: topic for topic in read.topics},
            cuts=cuts,
            calibration=curves,
            weights=_weights(shelf, fit(None)),
            labels_fingerprint=read.fingerprint,
            quality=report(judgements),
            recipe=RECIPE,
        )
        counts = read.counts()
        few = tuple(topic for topic in model.topics if sum(counts[topic].values()) < FEW_LABELS)
        return Trained(model, counts, few, _folds(sample, judgements, plan.share))

    def _fill(self, tell: Tell) -> Shelf:
        most = min(_MOST_WORDS, _MOST_NUMBERS // len(self._read.topics))
        used = self._reader.vocabulary.most_used(most, at_least=RECIPE.rarest)
        if not used:
            raise LabelError(["labels: no word in two of the labelled texts"])
        self._shelf = Shelf(self._folder, RECIPE, self._read, used)
        number = self._read.articles
        self._shelf.fill(self._reader, lambda done: tell("weighing words", done, number))
        self._reader.close()
        return self._shelf

    def close(self) -> None:
        """Give the disk back."""
        self._reader.close()
        if self._shelf is not None:
            self._shelf.close()


def _refuse(read: Read) -> None:
    """Raises LabelError where there is nothing to tell apart."""
    if read.articles < LEAST_ARTICLES:
        raise LabelError([f"labels: {read.articles} articles; {LEAST_ARTICLES} are the least"])
    archives.refuse_without_topic(bool(read.main))
    numbers = [sum(by_language.values()) for by_language in read.counts().values()]
    refuse_one_sided(read.topics, [n > 0 for n in numbers], [n < read.articles for n in numbers])


def _fit(
    shelf: Shelf, read: Read, plan: Plan, without: int | None, stages: Iterator[int], tell: Tell
) -> Fitted:
    """The linear models of all articles but those of a part."""
    texts = read.articles - (0 if without is None else read.articles // plan.parts)
    online = Online(len(read.topics), texts, plan.passes)
    stages_in_all = plan.passes * (plan.turns + 1)
    for number in range(plan.passes):
        what, done = f"learning, pass {next(stages) + 1} of {stages_in_all}", 0
        generator = np.random.default_rng([SEED, number])
        order = generator.permutation(len(shelf)).tolist()
        for start in range(0, len(order), _GROUP):
            tell(what, done, read.articles)
            drawn = shelf.drawn(order[start : start + _GROUP])
            done += len(drawn.ids)
            kept = np.ones(len(drawn.ids), bool) if without is None else plan.part(drawn) != without
            rows = generator.permutation(np.flatnonzero(kept))
            matrix, truth = drawn.matrix[rows], drawn.main[rows]
            del drawn  # three times the same matrix would be too much
            online.learn(matrix, truth)
    return online.fitted()


def _sample(shelf: Shelf, read: Read, plan: Plan, fits: Iterable[Fitted]) -> Sample:
    """The articles of the first parts, each scored by the fit that is without it."""
    found: list[Drawn] = []
    scores: list[Floats] = []
    for turn, fitted in enumerate(fits):
        for block in range(len(shelf)):
            drawn = shelf.drawn([block])
            inside = drawn.of(plan.part(drawn) == turn)
            scores.append(inside.matrix @ fitted.coefficients + fitted.intercepts)
            found.append(inside.without_matrix())
    main = np.concatenate([each.main for each in found])
    if not main.any():
        raise LabelError([f"labels: of {len(main)} articles that are held out none names a main topic"])
    languages = np.concatenate([each.languages for each in found])
    return Sample(
        read.topics,
        np.array(read.languages)[languages],
        main,
        np.concatenate([each.mention for each in found]),
        np.concatenate(scores),
        np.concatenate([each.ids for each in found]),
    )


def _weights(shelf: Shelf, fitted: Fitted) -> Weights:
    """The linear models as rows of words. A word that does not count needs none: it says nothing."""
    topics = len(fitted.intercepts)
    rows = np.empty((len(shelf.words), topics + 1))
    np.multiply(fitted.coefficients, shelf.idf[:, None], out=rows[:, :-1])
    np.square(shelf.idf, out=rows[:, -1])
    return Weights(
        words=Names.of(shelf.words),
        word_rows=rows,
        runs=Names.of(()),
        run_coefficients=np.zeros((0, topics), dtype=np.float32),
        run_idf=np.zeros(0),
        intercepts=fitted.intercepts,
    )


def _folds(sample: Sample, judged: Judgements, share: float) -> Folds:
    return Folds(
        topics=judged.topics,
        ids=tuple(f"{id:016x}" for id in sample.ids.tolist()),
        languages=judged.languages,
        main=sample.main,
        mention=sample.mention,
        unknown=sample.unknown,
        said=judged.said,
        probabilities=judged.probabilities,
        share=share,
    )
