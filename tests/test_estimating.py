"""Estimating: the intervals hold the truth as often as they say, and the estimate is right in the mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from scipy import special, stats

from daemon import estimating, sampling
from daemon.estimating import Estimate
from tests import recall
from tests.recall import SETTINGS, TOPICS, Floats, Row, Setting

RUNS, FEW = 500, 60
PROMISED = 0.93


@cache
def shown(setting: Setting, runs: int) -> tuple[Row, ...]:
    return tuple(recall.rows(setting, runs))


def is_unbiased(row: Row) -> bool:
    """Within what so many runs can tell; Hájek's estimate itself is a little too high (one in answers)."""
    return abs(row.bias) <= 3.0 * row.error + 0.02 * row.silent


def test_on_a_simulated_month_the_interval_covers_and_the_missed_total_is_unbiased() -> None:
    for row in shown(SETTINGS[0], FEW):
        assert row.coverage >= PROMISED, row
        assert is_unbiased(row), row


@pytest.mark.thorough("sixty months of one setting")
@pytest.mark.slow
@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_in_500_simulated_months_the_interval_covers_and_the_missed_total_is_unbiased(
    setting: Setting,
) -> None:
    for row in shown(setting, RUNS):
        assert row.coverage >= PROMISED, row
        assert is_unbiased(row), row


def without_weights(articles: int, drawn: Sequence[float], counts: Sequence[float], most: int) -> Estimate:
    return recall.total(articles, [0.5] * len(drawn), counts, most)


def normal(articles: int, drawn: Sequence[float], counts: Sequence[float], most: int) -> Estimate:
    scale = articles / sum(1 / chance for chance in drawn)
    weights = [scale / chance for chance in drawn]
    value = sum(weight * count for weight, count in zip(weights, counts, strict=True))
    spread = math.sqrt(sum(w * (w - 1) * count for w, count in zip(weights, counts, strict=True)))
    return Estimate(value, max(0.0, value - 1.96 * spread), min(most, value + 1.96 * spread))


def without_the_cap(nearness: Floats, expected: float) -> Floats:
    sizes = sampling.EVEN + (1 - sampling.EVEN) * nearness / nearness.mean()
    return np.asarray(expected * sizes / sizes.sum())


def test_the_simulation_knows_an_estimate_without_weights_from_one_with_them() -> None:
    assert not all(is_unbiased(row) for row in recall.rows(SETTINGS[0], FEW, total=without_weights))


def test_the_simulation_knows_the_normal_interval_which_does_not_cover() -> None:
    found = {row.topic: row.coverage for row in recall.rows(SETTINGS[0], FEW, total=normal)}

    assert found["rare"] < 0.8
    assert found["recall 0.99"] < 0.8


def test_the_simulation_knows_probabilities_above_one() -> None:
    many = Setting("many questions for the articles", articles=17, questions=8.0)

    assert all(is_unbiased(row) for row in recall.rows(many, 4 * FEW))
    assert not all(is_unbiased(row) for row in recall.rows(many, 4 * FEW, chances=without_the_cap))


@pytest.mark.parametrize("level", [0.025, 0.5, 0.975])
@pytest.mark.parametrize("mean", [0.5, 3.0, 80.0, 4000.0])
@pytest.mark.parametrize("spread", [0.02, 0.5, 1.0])
def test_the_gamma_quantile_is_scipys(level: float, mean: float, spread: float) -> None:
    variance = (spread * mean) ** 2

    found = estimating.gamma_quantile(level, mean, variance)

    assert found == pytest.approx(stats.gamma.ppf(level, mean**2 / variance, scale=variance / mean), rel=1e-5)


def test_of_all_judged_the_share_is_known() -> None:
    assert estimating.share(7, 10, 10) == Estimate(0.7, 0.7, 0.7)


def test_of_some_judged_among_many_the_interval_is_wilsons() -> None:
    found = estimating.share(81, 263, 10**9)

    # The first example of Newcombe, Statistics in Medicine 17 (1998).
    assert (round(found.low, 4), round(found.high, 4)) == (0.2553, 0.3662)


def test_the_more_of_all_were_judged_the_narrower_is_the_interval() -> None:
    few, many = estimating.share(18, 20, 1000), estimating.share(18, 20, 25)

    assert few.low < many.low < 0.9 < many.high < few.high


def test_where_nobody_judged_all_is_taken_to_be_right() -> None:
    assert estimating.share(0, 0, 40) == Estimate(1.0, 1.0, 1.0)


def test_each_answer_stands_for_the_inverse_of_its_probability() -> None:
    found = estimating.total(100, [0.1, 0.1, 0.5], [1, 0, 0], most=100)

    assert found.value == pytest.approx(100 * 10 / 22)


def test_where_all_articles_were_asked_of_and_answered_nothing_is_open() -> None:
    assert estimating.total(5, [1.0] * 5, [1, 0, 0, 2, 0], most=10) == Estimate(3.0, 3.0, 3.0)


def test_to_find_none_does_not_say_that_there_is_none() -> None:
    found = estimating.total(1000, [0.1] * 100, [0] * 100, most=1000)

    # As many of 1000 as a sample of a tenth misses in one of forty cases.
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(math.log(0.025) / math.log(0.9), rel=0.01)


def test_the_bounds_are_those_of_the_gamma_distribution_of_fay_and_feuer() -> None:
    found = estimating.total(10_000_000, [0.001] * 10_000, [1] * 4 + [0] * 9_996, most=100_000)

    low, high = special.gammaincinv([4, 5], [0.025, 0.975]) * 1000
    assert found.low == pytest.approx(low, rel=0.01)
    assert found.high == pytest.approx(high, rel=0.01)


def test_the_total_is_never_less_than_what_was_seen_nor_more_than_there_may_be() -> None:
    found = estimating.total(10, [0.9] * 8, [1] * 7 + [0], most=9)

    assert found.low >= 7
    assert found.high <= 9


def test_recall_is_what_was_found_of_all_there_was() -> None:
    found = estimating.recall(Estimate(90.0, 90.0, 90.0), Estimate(10.0, 5.0, 30.0))

    assert found == Estimate(0.9, pytest.approx(90 / 120), pytest.approx(90 / 95))  # type: ignore[arg-type]


def test_with_both_uncertain_it_is_wider_but_not_as_wide_as_with_the_worse_ends_of_both() -> None:
    found, missed = Estimate(90.0, 80.0, 95.0), Estimate(10.0, 5.0, 30.0)

    both = estimating.recall(found, missed)

    assert both is not None
    assert 80 / 110 < both.low < 90 / 120
    assert 90 / 95 < both.high < 95 / 100


def test_with_no_misses_it_reaches_from_what_may_be_missed_to_all() -> None:
    found = estimating.recall(Estimate(90.0, 90.0, 90.0), Estimate(0.0, 0.0, 10.0))

    assert found is not None
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(0.9)


def test_where_there_was_nothing_there_is_no_recall() -> None:
    assert estimating.recall(Estimate(0.0, 0.0, 0.0), Estimate(0.0, 0.0, 40.0)) is None


def test_where_nothing_was_found_recall_is_none_of_it() -> None:
    found = estimating.recall(Estimate(0.0, 0.0, 0.0), Estimate(5.0, 1.0, 40.0))

    assert found is not None
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)


def test_the_topics_of_the_simulation_differ_in_frequency_and_recall() -> None:
    assert {topic.recall for topic in TOPICS} >= {0.6, 0.9, 0.99, 1.0}
    assert min(topic.share for topic in TOPICS) < 0.01
