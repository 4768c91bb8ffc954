"""When to try again, and how fast to send: properties over all attempts, askings and arrivals."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.backoff import Backoff, Pace

ATTEMPTS = st.integers(min_value=-1, max_value=100_000)
SECONDS = st.floats(min_value=0.0, max_value=1e6)
JITTER = st.floats(min_value=0.0, max_value=1.0)
BACKOFFS = st.builds(
    Backoff,
    first=st.floats(min_value=0.01, max_value=100.0),
    ceiling=st.floats(min_value=0.01, max_value=10_000.0),
)


@pytest.mark.parametrize(("attempts", "seconds"), [(0, 1), (1, 1), (2, 2), (3, 4), (9, 256), (10, 300)])
def test_waits_double_up_to_the_ceiling(attempts: int, seconds: float) -> None:
    assert Backoff(first=1.0, ceiling=300.0).delay(attempts) == seconds


@given(BACKOFFS, ATTEMPTS, SECONDS, JITTER)
def test_never_sooner_than_the_receiver_asked(
    backoff: Backoff, attempts: int, retry_after: float, jitter: float
) -> None:
    assert backoff.delay(attempts, retry_after=retry_after, jitter=jitter) >= retry_after


@given(BACKOFFS, ATTEMPTS, JITTER)
def test_without_an_asking_never_above_the_ceiling_and_a_quarter(
    backoff: Backoff, attempts: int, jitter: float
) -> None:
    wait = backoff.delay(attempts, jitter=jitter)

    assert 0.0 < wait <= backoff.ceiling * 1.25


@given(BACKOFFS, ATTEMPTS, JITTER)
def test_jitter_only_lengthens_and_by_a_quarter_at_most(
    backoff: Backoff, attempts: int, jitter: float
) -> None:
    plain = backoff.delay(attempts)

    assert plain <= backoff.delay(attempts, jitter=jitter) <= plain * 1.25


@given(BACKOFFS, ATTEMPTS)
def test_a_later_failure_never_waits_less(backoff: Backoff, attempts: int) -> None:
    assert backoff.delay(attempts) <= backoff.delay(attempts + 1)


def test_a_burst_goes_at_once_and_then_one_an_interval() -> None:
    pace = Pace(interval=1.0, burst=3)

    waits = [pace.wait(now) for now in (0.0, 0.0, 0.0, 0.0, 0.5, 1.0, 1.0)]

    assert waits == [0.0, 0.0, 0.0, 1.0, 0.5, 0.0, 1.0]


def test_a_long_rest_earns_no_more_than_the_burst() -> None:
    pace = Pace(interval=1.0, burst=2)
    pace.wait(0.0)

    waits = [pace.wait(1_000.0) for _ in range(3)]

    assert waits == [0.0, 0.0, 1.0]


@given(
    st.floats(min_value=0.1, max_value=10.0),
    st.integers(min_value=1, max_value=5),
    st.lists(st.floats(min_value=0.0, max_value=5.0), min_size=1, max_size=60),
)
def test_never_more_pass_than_the_burst_and_one_an_interval(
    interval: float, burst: int, gaps: list[float]
) -> None:
    pace, now, passed = Pace(interval, burst), 0.0, list[float]()

    for gap in gaps:
        now += gap
        if pace.wait(now) == 0.0:
            passed.append(now)

    for first, start in enumerate(passed):
        for last, end in enumerate(passed[first:], first):
            assert last - first + 1 <= burst + (end - start) / interval + 1e-6


@given(
    st.floats(min_value=0.1, max_value=10.0),
    st.integers(min_value=1, max_value=5),
    st.integers(min_value=1, max_value=30),
)
def test_whoever_waits_as_told_may_go(interval: float, burst: int, number: int) -> None:
    pace, now = Pace(interval, burst), 0.0

    for _ in range(number):
        wait = pace.wait(now)
        if wait > 0.0:
            now += wait + 1e-9 * max(1.0, now)
            assert pace.wait(now) == 0.0


class Hesitant(float):
    """A moment at which whoever reckons with it is interrupted, and another thread goes on."""

    def __sub__(self, other: float) -> float:
        time.sleep(0.002)
        return float(self) - other


def test_however_many_threads_ask_together_only_the_burst_may_go() -> None:
    pace, waits, start = Pace(interval=1.0, burst=3), list[float](), threading.Barrier(8)

    def ask() -> None:
        start.wait()
        waits.append(pace.wait(Hesitant(5.0)))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(waits) == 8
    assert waits.count(0.0) == 3
