"""A promise ▶ a cut: at least so much recall, or precision, in 19 of 20 weeks; or how many labels lack.

Pure arithmetic on what models said of labelled articles that they were not trained on. Conformal risk
control (Angelopoulos, Bates, Fisch, Lei and Schuster, ICLR 2024), which MAPIE has, keeps the *mean* of
the weeks: about every second one may fall below. Here each week counts, by the exact law of what a second
sample does beyond an order statistic of the first (Gumbel and von Schelling, "The distribution of the
number of exceedances", Annals of Mathematical Statistics 21, 1950; Epstein, the same 25, 1954). It asks
nothing of the probabilities but that new articles are like the labelled ones. A few lines of numpy: MAPIE
would bring scikit-learn into the daemon, and does not have this law.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from classifier.folds import Folds

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Numbers = NDArray[np.int64]

LEAST_WEEK = 20  # articles; of fewer, one is more than a twentieth
DOUBT = 0.05  # of the weeks may break it

_MILLION = 1_000_000  # the probabilities in folds.json have six digits
_MOST_LABELS = 100_000
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Labelled:
    """One topic: the articles of which it is known whether they are about it. Mentions are not among them.

    `whole` are those that were labelled whatever the model says of them. A desk judges what it was
    told: that is no witness of what was missed.
    """

    probabilities: Floats
    about: Flags
    whole: Flags

    @classmethod
    def of(cls, folds: Folds, topic: str) -> Labelled:
        """Raises ValueError where the model did not know the topic."""
        column = folds.topics.index(topic)
        known: Flags = np.logical_not(folds.mention[:, column] | folds.unknown[:, column])
        whole: Flags = np.logical_not(folds.unknown.any(axis=1))
        return cls(folds.probabilities[known, column], folds.main[known, column], whole[known])


@dataclass(frozen=True, slots=True)
class Settled:
    """A cut that keeps a promise, or None where the labels do not suffice for one.

    `labels`: how many it rests on, for recall articles about the topic, for precision articles that are
    said to be. `missing`: how many more of these it takes; None where no number would do.
    """

    cut: float | None
    labels: int
    missing: int | None = 0


@dataclass(frozen=True, slots=True)
class Share:
    """A share of so many, with its 95 % interval."""

    hits: int
    of: int

    @property
    def value(self) -> float | None:
        return self.hits / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's (1927), which holds near 0 and 1 as well (Brown, Cai and DasGupta 2001)."""
        if not self.of:
            return 0.0, 1.0
        z2 = 1.959964**2
        middle = (self.hits + z2 / 2) / (self.of + z2)
        spread = math.sqrt(z2 * (self.hits * (self.of - self.hits) / self.of + z2 / 4)) / (self.of + z2)
        return max(0.0, middle - spread), min(1.0, middle + spread)


def for_recall(labelled: Labelled, recall: float) -> Settled:
    """The highest cut that finds so much of the articles about a topic.

    Promised: of the next articles about it, LEAST_WEEK or more, at least this share is said, in 19 of 20
    such weeks, as long as they are like the labelled ones. That holds over the labels and the weeks
    together, for whatever distribution of the probabilities; equal ones only make it safer.
    """
    found = np.sort(labelled.probabilities[labelled.about & labelled.whole])
    failures = most_failures(len(found), recall)
    if failures is None:
        return Settled(None, len(found), least_labels(recall) - len(found))
    return Settled(_floor(float(found[failures])), len(found))


def for_precision(labelled: Labelled, precision: float) -> Settled:
    """The lowest cut above which so much of what is said is right.

    Promised: of the next articles that are said to be about a topic, LEAST_WEEK or more, at least this
    share is about it, in 19 of 20 such weeks, as long as they are like the labelled ones. Cuts are tried
    from high to low up to the first that does not hold, as fixed-sequence testing does (Angelopoulos,
    Bates, Candès, Jordan and Lei, "Learn then Test", 2021), from where half as many are said as there are
    articles about it, or else from the fewest that a promise can rest on; each by the same exact law (for
    shares: Thatcher, Journal of the Royal Statistical Society B 26, 1964). Where the model is not that
    good anywhere, a promise may be made by luck, in fewer than one of twenty cases.
    """
    order = np.argsort(-labelled.probabilities, kind="stable")
    ranked = labelled.probabilities[order]
    wrong: Numbers = np.cumsum(np.logical_not(labelled.about[order]))
    # Equal probabilities are said together or not at all.
    ends: Numbers = np.flatnonzero(np.diff(ranked, append=-1.0))
    least = least_labels(precision)
    for start in (max(least, int(labelled.about.sum()) // 2), least):
        tried = takewhile(
            lambda end: not _is_broken(end + 1, int(wrong[end]), precision), ends[ends + 1 >= start].tolist()
        )
        if (last := max(tried, default=None)) is not None:
            return Settled(_floor(float(ranked[last])), last + 1)
    return Settled(None, *_lacking(ends + 1, wrong[ends], precision))


def quality_at(labelled: Labelled, cut: float) -> tuple[Share, Share]:
    """Recall and precision on the labels with a cut."""
    said = labelled.probabilities >= cut
    right, whole = said & labelled.about, labelled.about & labelled.whole
    return Share(int((said & whole).sum()), int(whole.sum())), Share(int(right.sum()), int(said.sum()))


@lru_cache(maxsize=100_000)
def most_failures(labels: int, share: float) -> int | None:
    """How many of so many labelled articles may fail for a promise to hold; None: too few for any."""
    held = bisect_left(
        range(labels + 1), True, key=lambda failures: _is_broken(labels, failures, share)
    )  # the first number that is too many
    return held - 1 if held else None


@lru_cache(maxsize=1000)
def least_labels(share: float) -> int:
    """How many labelled articles a promise takes at least, none of them failing."""
    return bisect_left(range(_MOST_LABELS), True, key=lambda labels: not _is_broken(labels, 0, share))


def chance_broken(labels: int, failures: int, week: int, allowed: int) -> float:
    """The chance that more than `allowed` of a week's articles fail, from `failures` of the labelled.

    With the cut at the labelled article of rank failures + 1, counted from below: that of the
    failures + allowed + 1 lowest of all, labelled and new, at most `failures` are labelled, each of the
    labels + week being equally likely to be one of them (hypergeometric).
    """
    marked = failures + allowed + 1
    if allowed >= week:
        return 0.0
    drawn = np.arange(max(0, marked - week), min(failures, labels) + 1)
    ways = _log_choose(labels, drawn) + _log_choose(week, marked - drawn)
    return float(np.exp(ways - _log_choose(labels + week, marked)).sum())


def hardest_week(share: float) -> tuple[int, int]:
    """Of the weeks of LEAST_WEEK articles or more the one that most likely breaks a promise, and how many
    articles may fail in it.

    Of those in which one number may fail it is the longest, and with the next number it gets easier (a
    test goes through the others).
    """
    most = allowed_failures(share, LEAST_WEEK)
    return math.ceil((most + 1) / (1 - share) - _ROUNDING) - 1, most


def allowed_failures(share: float, week: int) -> int:
    """How many articles of a week may fail, of which such a share must not."""
    return math.floor((1 - share) * week + _ROUNDING)


@lru_cache(maxsize=1_000_000)
def _is_broken(labels: int, failures: int, share: float) -> bool:
    return chance_broken(labels, failures, *hardest_week(share)) > DOUBT + _ROUNDING


def _lacking(said: Numbers, wrong: Numbers, share: float) -> tuple[int, int | None]:
    """How many of the surest articles have labels, and how many more would do with as few wrong ones.

    Those from which it takes the fewest more; at least LEAST_WEEK of them, for a handful tells nothing.
    """
    least = least_labels(share)
    tried = said >= LEAST_WEEK
    if not tried.any():
        return 0, least
    # Where the next is wrong: within a run of right ones the last is the nearest to a promise.
    ends = np.append(wrong[1:] > wrong[:-1], True)
    found = [
        (enough - labels, labels)
        for labels, failures in zip(said[tried & ends].tolist(), wrong[tried & ends].tolist(), strict=True)
        if (enough := _enough(failures / labels, least, share)) is not None
    ]
    if not found:
        return int(said[tried][0]), None
    missing, labels = min(found)
    return labels, max(1, missing)


@lru_cache(maxsize=10_000)
def _enough(rate: float, least: int, share: float) -> int | None:
    """How many labels of which such a rate is wrong would carry a promise; None: no number."""
    if rate >= 1 - share:
        return None
    found = bisect_left(
        range(_MOST_LABELS),
        True,
        lo=least,
        key=lambda number: not _is_broken(number, math.ceil(rate * number - _ROUNDING), share),
    )
    return found if found < _MOST_LABELS else None


def _log_choose(of: int, numbers: int | Numbers) -> Floats:
    """The logarithm of how many ways there are to choose so many."""
    logarithms = _log_factorials(1 << (of + 1).bit_length())
    return np.asarray(logarithms[of] - logarithms[numbers] - logarithms[of - numbers])


@lru_cache(maxsize=32)
def _log_factorials(number: int) -> Floats:
    """Of 0, 1 and so on up to the number."""
    found: Floats = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, number + 1)))])
    return found


def _floor(probability: float) -> float:
    """A cut that the article with this probability still meets, however it was rounded."""
    millionths = math.floor(probability * _MILLION - 0.5)
    return float(max(0, millionths) / _MILLION)
