"""How good decisions are, on examples small enough to count by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import average_precision_score

from classifier.evaluation import (
    Judgements,
    accuracy,
    average_precision,
    by_language,
    by_topic,
    flags,
    quality,
    reliability,
    report,
)

ENERGY, TRADE = frozenset({"energy"}), frozenset({"trade"})
BOTH, NONE = ENERGY | TRADE, frozenset[str]()


def judgements(
    main: list[frozenset[str]],
    mention: list[frozenset[str]],
    said: list[frozenset[str]],
    probabilities: list[list[float]] | None = None,
    languages: tuple[str, ...] | None = None,
) -> Judgements:
    topics = ("energy", "trade")
    given = flags(topics, said).astype(float) if probabilities is None else np.array(probabilities)
    return Judgements(
        topics=topics,
        languages=languages or ("en",) * len(main),
        main=flags(topics, main),
        mention=flags(topics, mention),
        said=flags(topics, said),
        probabilities=given,
    )


# Right: energy of the first, both of the fourth. Wrong: energy of the second, trade of the
# third. Missed: trade of the second. The first mentions trade, so saying it counts neither way.
COUNTED = judgements(
    main=[ENERGY, TRADE, NONE, BOTH],
    mention=[TRADE, NONE, NONE, NONE],
    said=[BOTH, ENERGY, TRADE, BOTH],
    probabilities=[[0.9, 1.0], [0.8, 0.4], [0.1, 0.6], [0.7, 0.9]],
    languages=("en", "ru", "en", "?"),
)


def test_figures_are_those_counted_by_hand() -> None:
    found = quality(COUNTED)

    assert found.articles == 4
    assert found.positives == 4
    assert found.precision == pytest.approx(3 / 5)
    assert found.recall == pytest.approx(3 / 4)
    assert found.f1 == pytest.approx(6 / 9)
    assert (found.quiet, found.alarms) == (1, 1)
    # Energy ranks right, wrong, right; trade, without the mention, right, wrong, right.
    assert found.average_precision == pytest.approx((1 + 2 / 3) / 2)


def test_each_topic_is_judged_by_itself() -> None:
    energy, trade = by_topic(COUNTED).values()

    assert [energy.precision, energy.recall] == pytest.approx([2 / 3, 1.0])
    assert (energy.quiet, energy.alarms) == (2, 1)
    assert [trade.precision, trade.recall] == pytest.approx([1 / 2, 1 / 2])
    assert (trade.quiet, trade.alarms) == (2, 1)


def test_each_language_is_judged_by_itself() -> None:
    found = by_language(COUNTED)

    assert list(found) == ["?", "en", "ru"]
    assert (found["en"].articles, found["en"].precision, found["en"].recall) == (2, 0.5, 1.0)
    assert (found["ru"].precision, found["ru"].recall, found["ru"].f1) == (0.0, 0.0, 0.0)
    assert found["?"].f1 == 1.0


@pytest.mark.parametrize("said", [NONE, TRADE])
def test_a_mention_counts_neither_way(said: frozenset[str]) -> None:
    found = quality(judgements(main=[ENERGY, NONE], mention=[TRADE, TRADE], said=[ENERGY | said, said]))

    assert (found.precision, found.recall, found.f1) == (1.0, 1.0, 1.0)
    assert (found.quiet, found.alarms) == (1, 0)


def test_where_nothing_was_to_be_found_silence_is_perfect() -> None:
    found = quality(judgements(main=[NONE, NONE], mention=[NONE, NONE], said=[NONE, NONE]))

    assert (found.precision, found.recall, found.f1, found.interval) == (1.0, 1.0, 1.0, (1.0, 1.0))
    assert (found.quiet, found.alarms, found.average_precision) == (2, 0, 0.0)


def test_no_articles_tell_nothing() -> None:
    found = quality(judgements(main=[], mention=[], said=[]))

    assert found.articles == 0
    assert found.interval == (0.0, 1.0)


@settings(max_examples=50)
@given(
    arrays.arrays(bool, st.tuples(st.integers(1, 30), st.just(2))).flatmap(
        lambda main: st.tuples(
            st.just(main), arrays.arrays(bool, main.shape), arrays.arrays(bool, main.shape)
        )
    )
)
def test_the_interval_contains_the_figure(
    drawn: tuple[np.ndarray[tuple[int, int], np.dtype[np.bool_]], ...],
) -> None:
    main, mention, said = drawn
    judged = Judgements(("a", "b"), ("en",) * len(main), main, mention & ~main, said, said.astype(float))

    found = quality(judged)

    low, high = found.interval
    assert 0.0 <= low <= found.f1 <= high <= 1.0


def test_the_interval_is_two_standard_errors_wide_where_theory_knows_it() -> None:
    # A fair coin says which of 400 true topics is found: recall lies within 0.5 ± 0.049.
    judged = judgements(main=[ENERGY] * 400, mention=[NONE] * 400, said=[ENERGY, NONE] * 200)

    low, high = quality(judged).interval

    assert low == pytest.approx(2 * 0.451 / 1.451, abs=0.01)
    assert high == pytest.approx(2 * 0.549 / 1.549, abs=0.01)


def test_more_articles_make_a_narrower_interval() -> None:
    def width(times: int) -> float:
        low, high = quality(
            judgements(
                main=[ENERGY, TRADE, NONE, BOTH] * times,
                mention=[NONE] * 4 * times,
                said=[ENERGY, ENERGY, NONE, BOTH] * times,
            )
        ).interval
        return high - low

    assert width(100) < width(10) / 2 < width(3) / 2


def test_the_same_judgements_have_the_same_interval() -> None:
    assert quality(COUNTED).interval == quality(COUNTED).interval


@given(st.lists(st.booleans(), min_size=1, max_size=30).filter(any), st.integers(0, 1000))
def test_average_precision_is_that_of_scikit_learn(truth: list[bool], seed: int) -> None:
    scores = np.random.default_rng(seed).permutation(len(truth)).astype(float)

    found = average_precision(np.array(truth), scores)

    assert found == pytest.approx(average_precision_score(truth, scores), abs=1e-12)


def test_a_report_has_all_languages_and_topics_and_is_plain_json() -> None:
    found = report(COUNTED)

    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["all"] == quality(COUNTED).as_json()
    assert found["topics"] == {name: row.as_json() for name, row in by_topic(COUNTED).items()}
    assert quality(COUNTED).as_json()["f1"] == 0.6667


def test_reliability_sets_what_was_said_beside_what_was_true() -> None:
    probabilities = np.array([0.0, 0.04, 0.55, 0.5, 1.0, 0.95])
    truth = np.array([False, False, True, False, True, True])

    found = reliability(probabilities, truth)

    assert [(true, number) for _, true, number in found] == [(0.0, 2), (0.5, 2), (1.0, 2)]
    assert [said for said, _, _ in found] == pytest.approx([0.02, 0.525, 0.975])


def test_the_calibration_error_is_the_distance_of_the_two_and_leaves_mentions_out() -> None:
    judged = judgements(
        main=[ENERGY, NONE],
        mention=[NONE, TRADE],
        said=[ENERGY, NONE],
        probabilities=[[0.95, 0.0], [0.35, 0.9]],
    )

    assert quality(judged).calibration_error == pytest.approx((0.05 + 0.0 + 0.35) / 3)


def test_accuracy_is_told_where_each_article_has_one_topic() -> None:
    judged = judgements(
        main=[ENERGY, TRADE, TRADE],
        mention=[NONE] * 3,
        said=[ENERGY] * 3,
        probabilities=[[0.9, 0.1], [0.2, 0.4], [0.6, 0.5]],
    )

    assert accuracy(judged) == pytest.approx(2 / 3)
    assert accuracy(COUNTED) is None
    assert accuracy(judgements(main=[], mention=[], said=[])) is None


def test_flags_have_a_row_an_article_and_a_column_a_topic() -> None:
    assert flags(("energy", "trade"), [TRADE, NONE]).tolist() == [[False, True], [False, False]]
    assert flags(("energy", "trade"), []).shape == (0, 2)
