"""Charts: sizes are as the numbers, axes have round steps, and what is small is told together."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.desk import drawing

COUNTS = st.lists(st.tuples(st.text(max_size=5), st.integers(0, 10**9)), max_size=60)


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (0, (0, 1)),
        (1, (0, 1)),
        (3, (0, 1, 2, 3)),
        (7, (0, 2, 4, 6, 8)),
        (9, (0, 5, 10)),
        (23, (0, 10, 20, 30)),
        (100, (0, 50, 100)),
        (4_321, (0, 2_000, 4_000, 6_000)),
    ],
)
def test_an_axis_goes_by_round_steps_to_above_the_largest_number(
    most: int, expected: tuple[int, ...]
) -> None:
    assert drawing.steps(most) == expected


@given(st.integers(0, 10**12))
def test_an_axis_reaches_the_largest_number_by_a_few_equal_steps(most: int) -> None:
    found = drawing.steps(most)

    assert found[-1] >= most
    assert len({after - before for before, after in pairwise(found)}) == 1
    assert 2 <= len(found) <= 6


@given(COUNTS)
def test_columns_stand_on_the_axis_as_high_as_their_numbers_and_beside_each_other(
    counts: list[tuple[str, int]],
) -> None:
    drawn = drawing.columns(counts)

    top = drawn.ticks[-1]
    for bar in drawn.bars:
        assert bar.y + bar.height == pytest.approx(drawn.base)
        assert bar.height == pytest.approx((drawn.base - top.at) * bar.number / top.number, abs=0.02)
        assert drawn.left <= bar.x
        assert bar.x + bar.width <= drawn.width + 0.02
    for before, after in pairwise(drawn.bars):
        assert before.x + before.width <= after.x + 0.02
    assert [(bar.label, bar.number) for bar in drawn.bars] == counts


def test_of_many_columns_few_have_a_date_and_the_last_is_one_of_them() -> None:
    drawn = drawing.columns([(f"day {number}", 1) for number in range(90)])

    assert 2 <= len(drawn.dated) <= 5
    assert drawn.dated[-1].label == "day 89"


def test_the_longest_row_has_the_whole_width_and_half_as_many_have_half_of_it() -> None:
    drawn = drawing.rows([("wire.example", 40), ("paper.example", 20), ("radio.example", 0), ("", 900)])

    assert [bar.width for bar in drawn.bars] == [drawn.width, drawn.width / 2, 0, 0]
    assert drawn.bars[-1].y + drawn.bars[-1].height <= drawn.height


def test_what_is_not_among_the_largest_is_told_together() -> None:
    found = drawing.largest({"a": 1, "b": 5, "c": 3, "d": 2, "none": 0}, most=2)

    assert found.shown == (("b", 5), ("c", 3))
    assert (found.others, found.number) == (2, 3)


def test_a_line_of_numbers_goes_from_the_left_to_the_right_and_the_largest_is_at_the_top() -> None:
    assert drawing.points([0, 5, 10], 100, 20) == "0,20 50,10 100,0"
    assert drawing.points([0, 0], 100, 20) == "0,20 100,20"
    assert drawing.points([], 100, 20) == ""


def test_marks_and_cuts_stand_where_their_probabilities_do() -> None:
    counts = [0] * drawing.BINS
    counts[0], counts[31], counts[-1] = 16, 4, 1

    drawn = drawing.scale(counts, right=[0.62], wrong=[0.1, 1.0], now=0.5, then=0.25)

    heights = {bar.label: bar.height for bar in drawn.bars if bar.number}
    assert heights["0.00–0.02"] == 2 * heights["0.62–0.64"] == 4 * heights["0.98–1.00"]  # by the root
    [said] = drawn.right
    [bar] = [bar for bar in drawn.bars if bar.label == "0.62–0.64"]
    assert said.x == pytest.approx(bar.x, abs=0.1)
    assert drawn.now.x == drawn.width / 2
    assert drawn.then.x < drawn.now.x
    assert drawn.wrong[-1].x == drawn.ticks[-1].at
    assert [tick.number for tick in drawn.ticks] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
