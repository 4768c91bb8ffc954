"""How good decisions are: precision, recall, F1 and average precision, with intervals.

A main topic must be found; a mention counts neither way; anything else said is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]

BINS = 10
_RESAMPLES = 1000
_MANY = 10_000  # articles; of more, those that are equal are drawn as one, which takes little memory
_PAIRED_RESAMPLES = 10_000  # a chance of one in a thousand is ten of them
_SEED = 20261121


@dataclass(frozen=True, slots=True)
class Judgements:
    """What was true and what was said of some articles (all arrays are articles × topics)."""

    topics: tuple[str, ...]
    languages: tuple[str, ...]  # one an article; "?" for unknown
    main: Flags
    mention: Flags
    said: Flags  # said to be main
    probabilities: Floats

    def only(self, rows: Flags) -> Judgements:
        languages = tuple(np.asarray(self.languages)[rows].tolist())
        return Judgements(
            self.topics,
            languages,
            self.main[rows],
            self.mention[rows],
            self.said[rows],
            self.probabilities[rows],
        )

    def about(self, *topics: str) -> Judgements:
        """The same articles judged for these topics alone, in this order."""
        columns = [self.topics.index(topic) for topic in topics]
        return Judgements(
            topics,
            self.languages,
            self.main[:, columns],
            self.mention[:, columns],
            self.said[:, columns],
            self.probabilities[:, columns],
        )


@dataclass(frozen=True, slots=True)
class Quality:
    """Micro-averaged figures between 0 and 1; `interval` is a 95 % bootstrap interval of F1.

    `quiet` counts the articles without a main topic, `alarms` those of them of which something
    wrong was said all the same.
    """

    articles: int
    positives: int
    precision: float
    recall: float
    f1: float
    interval: tuple[float, float]
    average_precision: float
    calibration_error: float
    quiet: int
    alarms: int

    def as_json(self) -> dict[str, object]:
        return {
            "articles": self.articles,
            "positives": self.positives,
            "precision": round(self.precision, 4),
            "recall": round(self.recall, 4),
            "f1": round(self.f1, 4),
            "f1_interval": [round(bound, 4) for bound in self.interval],
            "average_precision": round(self.average_precision, 4),
            "calibration_error": round(self.calibration_error, 4),
            "quiet": self.quiet,
            "alarms": self.alarms,
        }


@dataclass(frozen=True, slots=True)
class Change:
    """A figure of two models on the same articles. `chance` is the probability of a loss as large
    where neither is the better; 1.0 where nothing is lost.
    """

    articles: int
    before: float
    after: float
    chance: float

    def as_json(self) -> dict[str, object]:
        return {
            "articles": self.articles,
            "before": round(self.before, 4),
            "after": round(self.after, 4),
            "chance": round(self.chance, 4),
        }


def quality(judged: Judgements) -> Quality:
    """Figures over all articles and topics of `judged`."""
    counts = _counts(judged)
    right, wrong, missed = counts.sum(axis=0).tolist()
    quiet = ~judged.main.any(axis=1)
    wrongly = judged.said & ~judged.mention
    return Quality(
        articles=len(judged.languages),
        positives=int(judged.main.sum()),
        precision=right / (right + wrong) if right + wrong else 1.0,
        recall=right / (right + missed) if right + missed else 1.0,
        f1=_f1(right, wrong, missed),
        interval=_interval(counts),
        average_precision=_average_precision(judged),
        calibration_error=_calibration_error(judged),
        quiet=int(quiet.sum()),
        alarms=int(wrongly[quiet].any(axis=1).sum()),
    )


def by_language(judged: Judgements) -> dict[str, Quality]:
    languages = np.asarray(judged.languages)
    return {name: quality(judged.only(languages == name)) for name in sorted(set(judged.languages))}


def by_topic(judged: Judgements) -> dict[str, Quality]:
    return {topic: quality(judged.about(topic)) for topic in judged.topics}


def report(judged: Judgements) -> Mapping[str, object]:
    """Everything as one JSON object: overall, by language, by topic."""
    return {
        "all": quality(judged).as_json(),
        "accuracy": accuracy(judged),
        "languages": {name: found.as_json() for name, found in by_language(judged).items()},
        "topics": {name: found.as_json() for name, found in by_topic(judged).items()},
    }


def f1_change(before: Judgements, after: Judgements) -> Change:
    """Micro-F1 of what two models say of the same articles with the same labels.

    The chance is that of the paired bootstrap: articles are drawn anew, each with the decisions of
    both models, and the share is counted in which the loss is twice as large as it was, which is as
    far from the loss itself as that is from none (Efron and Tibshirani 1993, chapter 16; for F1
    Berg-Kirkpatrick, Burkett and Klein 2012, section 2).
    """
    sides = [_counts(judged).astype(np.float64) for judged in (before, after)]
    totals = [side.sum(axis=0) for side in sides]
    old, new = (float(_f1_of(total[None, :])[0]) for total in totals)
    counts, draws = _paired_draws(np.hstack(sides))
    drawn = draws @ counts
    lost = _f1_of(drawn[:, :3]) - _f1_of(drawn[:, 3:])
    return Change(len(before.languages), old, new, _chance(old - new, lost))


def alarm_change(before: Judgements, after: Judgements, *, trifle: float = 0.0) -> Change:
    """The share of the articles without a main topic of which something wrong is said.

    The chance is that of so many more where the true share is larger by `trifle`, and as in
    `f1_change` by the paired bootstrap.
    """
    quiet = ~before.main.any(axis=1)
    sides = [(judged.said & ~judged.mention)[quiet].any(axis=1) for judged in (before, after)]
    alarms = np.stack(sides, axis=1).astype(np.float64)
    number = len(alarms)
    old, new = (alarms.mean(axis=0) if number else np.zeros(2)).tolist()
    counts, draws = _paired_draws(alarms)
    more = (draws @ counts) @ np.array([-1.0, 1.0]) / max(number, 1)
    return Change(number, old, new, _chance(new - old, more, trifle))


def beyond_chance(chances: Sequence[float], level: float) -> list[bool]:
    """Which of several chances are too small to be chance, so that where all are chance not even one
    is held for more with a probability above `level` (Holm 1979).
    """
    found = [False] * len(chances)
    for rank, number in enumerate(sorted(range(len(chances)), key=lambda place: chances[place])):
        if chances[number] > level / (len(chances) - rank):
            break
        found[number] = True
    return found


def flags(topics: Sequence[str], sets: Sequence[frozenset[str]]) -> Flags:
    """articles × topics: which topics are in each article's set."""
    return np.array([[topic in found for topic in topics] for found in sets], dtype=bool).reshape(
        len(sets), len(topics)
    )


def average_precision(truth: Flags, scores: Floats) -> float:
    """Area under the precision–recall curve, as the sum over the true ones of the precision at
    their rank (Manning, Raghavan and Schütze 2008, chapter 8.4).
    """
    order = np.argsort(-scores, kind="stable")
    ranked = truth[order]
    if not ranked.any():
        return 0.0
    precision = np.cumsum(ranked) / np.arange(1, len(ranked) + 1)
    return float(precision[ranked].mean())


def _counts(judged: Judgements) -> NDArray[np.int64]:
    """Right, wrong and missed decisions, a row an article."""
    said = judged.said & ~judged.mention
    columns = (said & judged.main, said & ~judged.main, judged.main & ~said)
    return np.stack([column.sum(axis=1) for column in columns], axis=1)


def _f1(right: float, wrong: float, missed: float) -> float:
    whole = 2 * right + wrong + missed
    return 2 * right / whole if whole else 1.0


def _f1_of(counts: Floats) -> Floats:
    """F1 of each row of right, wrong and missed."""
    right, wrong, missed = counts.T
    whole = 2 * right + wrong + missed
    found: Floats = np.where(whole > 0, 2 * right / np.maximum(whole, 1), 1.0)
    return found


def _paired_draws(rows: Floats, resamples: int = _PAIRED_RESAMPLES) -> tuple[Floats, Floats]:
    """The kinds of rows there are, and how often each resample draws each kind (resamples × kinds).

    Rows that are equal may be drawn as one: thousands of articles are a few dozen kinds.
    """
    if not len(rows):
        return rows, np.zeros((resamples, 0))
    kinds, number = np.unique(rows, axis=0, return_counts=True)
    generator = np.random.default_rng(_SEED)
    return kinds, generator.multinomial(len(rows), number / len(rows), resamples).astype(np.float64)


def _chance(loss: float, drawn: Floats, trifle: float = 0.0) -> float:
    if loss <= trifle:
        return 1.0
    # What is counted as equal must not hang on the last bit of a division.
    extreme = int((drawn >= 2 * loss - trifle - 1e-12).sum())
    return (1 + extreme) / (1 + len(drawn))


def reliability(probabilities: Floats, truth: Flags) -> list[tuple[float, float, int]]:
    """Ten bins of equal width: mean probability, share that is true, number; empty ones left out."""
    bins = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    return [
        (float(probabilities[bins == n].mean()), float(truth[bins == n].mean()), int((bins == n).sum()))
        for n in range(BINS)
        if (bins == n).any()
    ]


def accuracy(judged: Judgements) -> float | None:
    """Share of the articles whose likeliest topic is theirs; None unless each has exactly one."""
    if not len(judged.languages) or (judged.main.sum(axis=1) != 1).any():
        return None
    return float((judged.probabilities.argmax(axis=1) == judged.main.argmax(axis=1)).mean())


def _calibration_error(judged: Judgements) -> float:
    """Expected calibration error with ten bins (Guo et al. 2017, section 2); mentions left out."""
    counted = ~judged.mention
    found = reliability(judged.probabilities[counted], judged.main[counted])
    total = sum(number for _, _, number in found)
    return sum(abs(said - true) * number for said, true, number in found) / max(total, 1)


def _interval(counts: NDArray[np.int64]) -> tuple[float, float]:
    """Percentile bootstrap over articles (Efron and Tibshirani 1993, chapter 13)."""
    if not len(counts):
        return (0.0, 1.0)
    if len(counts) > _MANY:
        kinds, draws = _paired_draws(counts.astype(np.float64), _RESAMPLES)
        found = _f1_of(draws @ kinds)
    else:
        found = _f1_of(_draws(len(counts)) @ counts.astype(np.float64))
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


@lru_cache(maxsize=8)
def _draws(articles: int) -> Floats:
    """How often each resample of the bootstrap draws each article (resamples × articles)."""
    generator = np.random.default_rng(_SEED)
    evenly = np.full(articles, 1 / articles)
    return generator.multinomial(articles, evenly, _RESAMPLES).astype(np.float64)


def _average_precision(judged: Judgements) -> float:
    """Mean over the topics that have a true article; mentions are left out."""
    found = []
    for column in range(len(judged.topics)):
        counted = ~judged.mention[:, column]
        truth = judged.main[counted, column]
        if truth.any():
            found.append(average_precision(truth, judged.probabilities[counted, column]))
    return float(np.mean(found)) if found else 0.0
