"""A promise of recall or precision is a cut that 19 of 20 weeks keep, or says how many labels lack."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.folds import Folds
from classifier.promising import (
    DOUBT,
    LEAST_WEEK,
    Labelled,
    Share,
    allowed_failures,
    chance_broken,
    for_precision,
    for_recall,
    hardest_week,
    least_labels,
    most_failures,
    quality_at,
)
from tests.promises import (
    SHARES,
    WEEKS,
    by_conformal_risk_control,
    positives,
    precision_kept,
    recall_kept,
)

NOISE = 0.01  # two standard errors and a half of a share near 0.95 of 3,000 weeks


def labelled(probabilities: Sequence[float], about: Sequence[bool]) -> Labelled:
    return Labelled(
        np.array(probabilities, dtype=np.float64),
        np.array(about, dtype=bool),
        np.ones(len(about), dtype=bool),
    )


def ranked(about: Sequence[bool]) -> Labelled:
    """Articles with probabilities that fall evenly from just below 1."""
    return labelled(np.linspace(0.99, 0.01, len(about)).tolist(), about)


# Recall


@pytest.mark.parametrize("recall", SHARES)
@pytest.mark.parametrize("labels", ["as few as will do", 200, 500])
def test_nineteen_of_twenty_weeks_keep_a_recall_that_was_promised(recall: float, labels: int | str) -> None:
    number = labels if isinstance(labels, int) else least_labels(recall)

    for week in WEEKS:
        assert recall_kept(number, week, recall).weeks >= 0.95
    assert recall_kept(number, hardest_week(recall)[0], recall).weeks >= 0.95 - NOISE


def test_conformal_risk_control_keeps_the_mean_and_every_other_week_falls_below() -> None:
    found = recall_kept(200, 50, 0.9, newsrooms=1000, settle=by_conformal_risk_control)

    assert 0.5 < found.weeks < 0.75


@pytest.mark.parametrize("recall", [*SHARES, 0.97, 0.99])
def test_with_a_label_less_than_it_takes_nothing_is_promised_and_one_is_asked_for(recall: float) -> None:
    enough = least_labels(recall)
    few, many = (positives(np.linspace(0.2, 0.9, number)) for number in (enough - 1, enough))

    assert for_recall(few, recall).cut is None
    assert for_recall(few, recall).missing == 1
    assert for_recall(many, recall).cut is not None
    assert for_recall(many, recall).missing == 0


def test_without_a_label_all_that_it_takes_are_asked_for() -> None:
    nothing = labelled([], [])

    assert for_recall(nothing, 0.95).missing == least_labels(0.95) == 134
    assert for_precision(nothing, 0.95).missing == 134


def test_a_higher_recall_is_never_promised_by_a_higher_cut() -> None:
    given = positives(np.linspace(0.1, 0.9, 300))

    cuts = [for_recall(given, recall).cut or 0.0 for recall in (0.6, 0.7, 0.8, 0.9, 0.95)]

    assert cuts == sorted(cuts, reverse=True)


def test_of_probabilities_that_are_all_equal_each_is_said() -> None:
    given = positives(np.full(200, 0.4))

    found = for_recall(given, 0.9)

    assert found.cut is not None
    assert 0.399 < found.cut <= 0.4
    assert quality_at(given, found.cut)[0].value == 1.0


def test_an_article_that_is_as_likely_as_the_cut_is_said_however_it_was_rounded() -> None:
    probabilities = np.sort(np.random.default_rng(3).random(200))
    given = positives(np.round(probabilities, 6))

    cut = for_recall(given, 0.9).cut

    missed = most_failures(200, 0.9)
    assert cut is not None and missed is not None
    assert int((probabilities < cut).sum()) == missed


def test_what_a_desk_was_told_of_is_no_witness_of_what_was_missed() -> None:
    """Articles that the model is sure of, and that only desks judged, do not raise the cut."""
    missed = np.linspace(0.05, 0.6, 100)
    told = np.full(900, 0.99)
    together = Labelled(
        np.concatenate([missed, told]), np.ones(1000, dtype=bool), np.arange(1000) < len(missed)
    )

    assert for_recall(together, 0.9) == for_recall(positives(missed), 0.9)


# Precision


@pytest.mark.parametrize(("precision", "about"), [(0.8, 50), (0.8, 200), (0.9, 200), (0.95, 600)])
def test_nineteen_of_twenty_weeks_keep_a_precision_that_was_promised(precision: float, about: int) -> None:
    for week in (*WEEKS, hardest_week(precision)[0]):
        found = precision_kept(about, 5 * about, week, precision, newsrooms=300)

        assert found.promised > 0.9
        assert found.weeks >= 0.95 - (0.025 if week not in WEEKS else 0.0)


@pytest.mark.parametrize("wrong", [0.1, 0.15, 0.2, 0.3])
def test_where_the_model_is_nowhere_as_precise_a_promise_is_hardly_ever_made(wrong: float) -> None:
    generator = np.random.default_rng(11)

    made = [for_precision(ranked((generator.random(300) > wrong).tolist()), 0.9).cut for _ in range(400)]

    assert sum(cut is not None for cut in made) <= DOUBT * len(made)


def test_a_precision_takes_the_lowest_cut_that_holds_from_the_middle_down() -> None:
    about = [True] * 200 + [False] * 200
    given = ranked(about)

    found = for_precision(given, 0.9)

    allowed = most_failures(200, 0.9)
    assert allowed is not None
    assert found.cut is not None
    assert 200 <= found.labels <= 220
    assert quality_at(given, found.cut)[1].of == found.labels
    assert most_failures(found.labels, 0.9) == found.labels - 200


def test_one_wrong_label_among_the_surest_does_not_undo_a_promise() -> None:
    about = [True] * 10 + [False] + [True] * 189 + [False] * 200

    found = for_precision(ranked(about), 0.9)

    assert found.cut is not None
    assert found.labels > 150


def test_articles_that_are_equally_likely_are_said_together_or_not_at_all() -> None:
    given = labelled([0.9] * 100 + [0.5] * 40, [True] * 120 + [False] * 20)

    found = for_precision(given, 0.9)

    assert found.cut is not None
    assert 0.5 < found.cut <= 0.9
    assert found.labels == 100


def test_a_precision_that_is_not_reached_says_how_many_labels_as_good_would_do() -> None:
    thirty_right = ranked([True] * 30 + [False] * 100)

    found = for_precision(thirty_right, 0.9)

    assert (found.cut, found.labels, found.missing) == (None, 30, least_labels(0.9) - 30)


def test_a_precision_beyond_the_model_asks_for_no_labels() -> None:
    every_third_wrong = ranked([number % 3 > 0 for number in range(300)])

    found = for_precision(every_third_wrong, 0.9)

    assert (found.cut, found.missing) == (None, None)


def test_with_as_many_more_labels_as_it_asks_for_that_are_as_good_it_promises() -> None:
    few = for_precision(ranked([True] * 39 + [False] * 80), 0.9)
    assert few.missing is not None

    better = [True] * (few.labels + few.missing)

    assert for_precision(ranked([*better, *[False] * 80]), 0.9).cut is not None


# The law


@pytest.mark.parametrize("share", [0.5, 0.6, 0.75, 0.8, 0.9, 0.93, 0.95, 0.97])
def test_no_week_of_so_many_articles_or_more_breaks_it_more_often_than_the_hardest(share: float) -> None:
    for labels in (least_labels(share), 50, 100, 200, 500, 2000):
        failures = most_failures(labels, share)
        if failures is not None:
            chances = [
                chance_broken(labels, failures, week, allowed_failures(share, week))
                for week in range(LEAST_WEEK, 500)
            ]
            assert max(chances) <= DOUBT + 1e-6


@given(
    labels=st.integers(1, 40),
    failures=st.integers(0, 10),
    week=st.integers(1, 30),
    allowed=st.integers(0, 10),
)
def test_the_law_is_that_of_drawing_without_replacement(
    labels: int, failures: int, week: int, allowed: int
) -> None:
    """Counted in whole numbers: which of all articles, labelled and new, are the lowest."""
    failures = min(failures, labels - 1)
    lowest = failures + allowed + 1
    ways = sum(math.comb(labels, n) * math.comb(week, lowest - n) for n in range(failures + 1))
    exactly = ways / math.comb(labels + week, lowest) if lowest <= labels + week else 0.0

    assert chance_broken(labels, failures, week, allowed) == pytest.approx(exactly, abs=1e-9)


@given(labels=st.integers(1, 400), share=st.sampled_from([0.5, 0.8, 0.9, 0.95]))
def test_more_labels_never_allow_fewer_failures(labels: int, share: float) -> None:
    fewer, more = most_failures(labels, share), most_failures(labels + 1, share)

    assert (-1 if fewer is None else fewer) <= (-1 if more is None else more)
    assert (fewer is None) == (labels < least_labels(share))


# Labels


def folds() -> Folds:
    """One article about energy, one that mentions it, one that nobody judged of it, one about nothing."""
    rows = np.array([[True, False], [False, False], [False, False], [False, False]])
    mention = np.array([[False, False], [True, False], [False, False], [False, False]])
    unknown = np.array([[False, True], [False, False], [True, False], [False, False]])
    probabilities = np.array([[0.9, 0.1], [0.6, 0.2], [0.5, 0.3], [0.2, 0.4]])
    ids, languages = ("a", "b", "c", "d"), ("en", "ru", "kk", "ar")
    return Folds(("energy", "trade"), ids, languages, rows, mention, unknown, rows, probabilities)


def test_a_mention_and_what_nobody_judged_count_neither_way() -> None:
    energy = Labelled.of(folds(), "energy")

    assert energy.probabilities.tolist() == [0.9, 0.2]
    assert energy.about.tolist() == [True, False]
    assert energy.whole.tolist() == [False, True]


def test_recall_and_precision_on_labels_have_an_interval() -> None:
    given = labelled([0.9, 0.8, 0.7, 0.3], [True, False, True, True])

    recall, precision = quality_at(given, 0.5)

    assert (recall.value, precision.value) == (2 / 3, 2 / 3)
    low, high = recall.interval
    assert 0 < low < 2 / 3 < high < 1


def test_a_share_of_nothing_is_not_known() -> None:
    assert Share(0, 0).value is None
    assert Share(0, 0).interval == (0.0, 1.0)
