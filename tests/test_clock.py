"""Moments as the ledger writes them: UTC, of one width, in the order of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.clock import from_text, now, to_text

ZONES = st.integers(min_value=-14 * 60, max_value=14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
MOMENTS = st.datetimes(
    min_value=datetime(1970, 1, 2), max_value=datetime(9999, 12, 30), timezones=ZONES
)  # fmt: skip


def test_now_is_in_utc() -> None:
    assert now().tzinfo is UTC


def test_a_moment_is_written_in_utc_with_microseconds() -> None:
    moment = datetime(2026, 3, 5, 17, 0, tzinfo=timezone(timedelta(hours=5)))

    assert to_text(moment) == "2026-03-05T12:00:00.000000Z"


def test_the_hour_that_comes_twice_when_clocks_go_back_is_written_as_two() -> None:
    early = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))

    assert early == early.replace(fold=1)
    assert to_text(early) == "2026-10-25T00:30:00.000000Z"
    assert to_text(early.replace(fold=1)) == "2026-10-25T01:30:00.000000Z"


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        to_text(datetime(2026, 3, 5, 12, 0))


@given(MOMENTS)
def test_a_moment_is_read_as_it_was_written(moment: datetime) -> None:
    assert from_text(to_text(moment)) == moment


@given(MOMENTS, MOMENTS)
def test_moments_sort_as_text_in_the_order_of_time(first: datetime, second: datetime) -> None:
    assert (to_text(first) < to_text(second)) == (first < second)
    assert len(to_text(first)) == len(to_text(second)) == 27
