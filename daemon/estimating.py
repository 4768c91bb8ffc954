"""Estimating: how many articles were missed, and so how much was found, from a few that a desk looked at.

Pure arithmetic; every interval is a 95 % one. Nothing heavy is loaded for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

_TAIL = 0.025  # on each side
_NORMAL = NormalDist().inv_cdf(1 - _TAIL)
_LARGE = 1000.0  # a shape from which Wilson and Hilferty's quantile is right to six digits
_EXACT = 1e-9


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number that we do not know, as we think it is, and between what it lies."""

    value: float
    low: float
    high: float

    def plus(self, known: float) -> Estimate:
        return Estimate(self.value + known, self.low + known, self.high + known)

    def times(self, factor: float) -> Estimate:
        return Estimate(self.value * factor, self.low * factor, self.high * factor)


def share(right: int, judged: int, of: int) -> Estimate:
    """Which share of so many is right, where some of them were judged; all of them if none was.

    Wilson's interval (1927), with as many judged as would tell as much of a population without end
    (Cochran, Sampling Techniques, 1977, 2.6): where all were judged nothing is open.
    """
    if judged == 0:
        return Estimate(1.0, 1.0, 1.0)
    found = right / judged
    if judged >= of:
        return Estimate(found, found, found)
    number = judged * (of - 1) / (of - judged)
    square = _NORMAL**2 / number
    middle = (found + square / 2) / (1 + square)
    reach = _NORMAL * math.sqrt(found * (1 - found) / number + square / number / 4) / (1 + square)
    low = 0.0 if right == 0 else max(0.0, middle - reach)
    high = 1.0 if right == judged else min(1.0, middle + reach)
    return Estimate(found, low, high)


def total(articles: int, drawn: Sequence[float], counts: Sequence[float], *, most: float) -> Estimate:
    """The sum of something over so many articles, from those that were drawn and answered.

    `drawn` has the probabilities with which they were drawn, at least one, and `counts` what was counted in
    each; the sum is at most `most`. Articles without an answer are taken to be as the others.

    The estimate is Hájek's (1971; Särndal, Swensson & Wretman, Model Assisted Survey Sampling, 1992, 5.7
    and 7.3): each answer stands for 1/probability articles (Horvitz & Thompson 1952), scaled so that all
    stand for `articles`. Draws enter together, each with its own probabilities: of a ratio for each of many
    small draws the biases add up (Cochran, Sampling Techniques, 1977, 6.11 and 6.12).

    The interval is the gamma interval for a weighted sum of counts (Fay & Feuer, Statistics in Medicine 16,
    1997): below from the estimate's mean and variance, above with one more article that nobody has seen, so
    that to find none does not say that there is none. That one weighs what articles do in the mean (Tiwari,
    Clegg & Zou, Statistical Methods in Medical Research 15, 2006): with the largest weight it covers in more
    than 98 of 100 cases. Articles are finitely many, so one of weight w adds w(w - 1) to the variance and
    the unseen one is 1/-ln(1 - 1/w): nothing where all were asked of and answered.
    """
    scale = articles / sum(1 / probability for probability in drawn)
    weights = [scale / probability for probability in drawn]
    value = sum(weight * count for weight, count in zip(weights, counts, strict=True))
    mean = value / articles if articles else 0.0
    variance = sum(
        weight * max(0.0, weight - 1) * (count - mean) ** 2
        for weight, count in zip(weights, counts, strict=True)
    )
    # Each weight stands for so many articles, so this is their mean over all of these.
    unseen = _unseen(sum(weight**2 for weight in weights) / articles) if articles else 0.0
    low = gamma_quantile(_TAIL, value, variance)
    high = gamma_quantile(1 - _TAIL, value + unseen, variance + unseen**2)
    return Estimate(value, min(value, max(sum(counts), low)), max(value, min(most, high)))


def recall(found: Estimate, missed: Estimate) -> Estimate | None:
    """Which share of what there was has been found; None where there was nothing at all.

    The interval is MOVER's for the ratio of missed to found (Donner & Zou, Statistical Methods in Medical
    Research 21, 2012), which is never wider than to take the worse ends of both.
    """
    if found.value + missed.value <= 0.0:
        return None
    if found.high <= 0.0:
        return Estimate(0.0, 0.0, 0.0)
    return Estimate(
        found.value / (found.value + missed.value),
        1 / (1 + _largest_ratio(missed, found)),
        1 / (1 + _least_ratio(missed, found)),
    )


def gamma_quantile(level: float, mean: float, variance: float) -> float:
    """Below what a gamma distribution of this mean and variance lies with a probability; 0 for no mean."""
    if mean <= 0.0 or variance <= 0.0:
        return max(mean, 0.0)
    shape, size = mean**2 / variance, variance / mean
    if shape > _LARGE:
        # Wilson & Hilferty, Proceedings of the National Academy of Sciences 17, 1931
        return mean * (1 - 1 / (9 * shape) + NormalDist().inv_cdf(level) / (3 * math.sqrt(shape))) ** 3
    low, high = 0.0, shape + 10 * math.sqrt(shape) + 40
    while high - low > _EXACT * high:
        middle = (low + high) / 2
        low, high = (middle, high) if _below(shape, middle) < level else (low, middle)
    return size * (low + high) / 2


def _below(shape: float, bound: float) -> float:
    """The regularised incomplete gamma function P(a, x) by its series (DLMF, 8.11.4)."""
    if bound <= 0.0:
        return 0.0
    term = whole = 1 / shape
    number = shape
    while term > whole * 1e-16:
        number += 1
        term *= bound / number
        whole += term
    return whole * math.exp(shape * math.log(bound) - bound - math.lgamma(shape))


def _unseen(weight: float) -> float:
    return -1 / math.log1p(-1 / weight) if weight > 1 + _EXACT else 0.0


def _largest_ratio(over: Estimate, under: Estimate) -> float:
    floor = under.low * (2 * under.value - under.low)
    if floor <= 0.0:
        return math.inf
    product = over.value * under.value
    inside = product**2 - over.high * (2 * over.value - over.high) * floor
    return (product + math.sqrt(max(0.0, inside))) / floor


def _least_ratio(over: Estimate, under: Estimate) -> float:
    ceiling = under.high * (2 * under.value - under.high)
    product = over.value * under.value
    inside = max(0.0, product**2 - over.low * (2 * over.value - over.low) * ceiling)
    if ceiling <= 0.0:
        return over.low / under.high if under.high > 0.0 else 0.0
    return max(0.0, (product - math.sqrt(inside)) / ceiling)
