"""The same line again and again: so many are let through, the others are counted and said as one."""

from __future__ import annotations

import logging

from hypothesis import given
from hypothesis import strategies as st

from daemon.storms import MOST_KINDS, Kind, Storms, outline

ERROR = Kind("daemon.x", logging.ERROR, "it failed", "OSError")


def test_of_a_hundred_thousand_equal_lines_ten_a_minute_pass_and_all_are_accounted_for() -> None:
    storms = Storms()
    passed, said = 0, 0
    for number in range(100_000):
        now = number / 500  # for 200 seconds
        said += sum(rest.number for rest in storms.ended(now))
        passed += storms.passes(ERROR, now)
    said += sum(rest.number for rest in storms.everything(200.0))

    assert passed == 40
    assert passed + said == 100_000


@given(st.lists(st.integers(0, 2000), max_size=300))
def test_the_first_of_a_kind_passes_while_kinds_are_told_apart(numbers: list[int]) -> None:
    storms = Storms(most=1, kinds=3000)
    seen: set[int] = set()
    for number in numbers:
        kind = Kind("daemon.x", logging.ERROR, f"message {number}")
        assert storms.passes(kind, 0.0) is (number not in seen)
        seen.add(number)


def test_however_many_kinds_come_no_more_than_so_many_are_remembered() -> None:
    storms = Storms()
    passed = sum(storms.passes(Kind("x", 40, f"{number}"), 0.0) for number in range(100_000))

    assert len(storms._windows) == MOST_KINDS + 1
    assert passed == MOST_KINDS + 10  # those that are one too many share one kind


def test_a_storm_that_goes_on_is_said_once_a_window() -> None:
    storms = Storms(most=2, seconds=60.0)
    for _ in range(5):
        storms.passes(ERROR, 0.0)

    assert storms.next_end() == 60.0
    assert storms.ended(59.9) == []
    (rest,) = storms.ended(60.0)
    assert (rest.kind, rest.number, rest.seconds) == (ERROR, 3, 60.0)
    assert storms.passes(ERROR, 60.1)  # a new window begins


def test_what_was_let_through_wholly_is_not_said() -> None:
    storms = Storms()
    storms.passes(ERROR, 0.0)

    assert storms.next_end() is None
    assert storms.ended(100.0) == []


def test_texts_that_differ_in_numbers_and_paths_have_one_outline() -> None:
    assert (
        outline("no right to do that: /a/b.txt")
        == outline("no right to do that: /c")
        == "no right to do that: "
    )
    assert outline("Slack refuses: not_in_channel") == "Slack refuses: not_in_channel"
    assert len(outline("x" * 10_000)) == 80
