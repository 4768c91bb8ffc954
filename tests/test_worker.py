"""A worker works when woken and now and then anyway, and outlives what goes wrong."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from daemon.backoff import Backoff
from daemon.worker import Worker

SOON = Backoff(first=0.01, ceiling=0.02)
PATIENCE = 5.0  # seconds until a test says that it did not happen


@contextmanager
def running(work: Callable[[], float], rest: Backoff = SOON) -> Iterator[Worker]:
    worker = Worker("tester", work, rest=rest)
    worker.start()
    yield worker
    assert worker.stop(PATIENCE)


def test_it_works_at_once_and_again_when_it_asked_to_be_called() -> None:
    calls: queue.Queue[float] = queue.Queue()

    def work() -> float:
        calls.put(time.monotonic())
        return 0.05

    with running(work):
        first, second = calls.get(timeout=PATIENCE), calls.get(timeout=PATIENCE)

    assert second - first >= 0.05


def test_waking_it_makes_it_work_now() -> None:
    calls: queue.Queue[None] = queue.Queue()

    def work() -> float:
        calls.put(None)
        return 3600.0

    with running(work) as worker:
        calls.get(timeout=PATIENCE)
        worker.wake()

        calls.get(timeout=PATIENCE)

    assert calls.empty()


def test_a_wake_in_the_middle_of_the_work_is_not_lost() -> None:
    calls: queue.Queue[None] = queue.Queue()
    inside, go_on = threading.Event(), threading.Event()

    def work() -> float:
        calls.put(None)
        inside.set()
        go_on.wait(PATIENCE)
        return 3600.0

    with running(work) as worker:
        inside.wait(PATIENCE)
        worker.wake()
        calls.get(timeout=PATIENCE)
        go_on.set()

        calls.get(timeout=PATIENCE)


def test_an_exception_is_logged_and_the_work_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    calls: queue.Queue[None] = queue.Queue()

    def work() -> float:
        calls.put(None)
        if calls.qsize() <= 2:
            raise RuntimeError("disk on fire")
        return 3600.0

    with running(work):
        done = wait_until(lambda: calls.qsize() == 3)

    assert done
    said = [r for r in caplog.records if r.message == "work failed, trying again"]
    assert [vars(r)["error"] for r in said] == ["disk on fire"] * 2
    assert [vars(r)["worker"] for r in said] == ["tester"] * 2
    assert [vars(r)["seconds"] for r in said] == [0.01, 0.02]


def test_a_success_ends_the_row_of_failures(caplog: pytest.LogCaptureFixture) -> None:
    outcomes = iter([False, False, True, False])
    ended = threading.Event()

    def work() -> float:
        outcome = next(outcomes, None)
        if outcome is None:
            ended.set()
            return 3600.0
        if not outcome:
            raise RuntimeError("no")
        return 0.0

    with running(work):
        assert ended.wait(PATIENCE)

    said = [vars(r)["seconds"] for r in caplog.records if r.message == "work failed, trying again"]
    assert said == [0.01, 0.02, 0.01]


def test_after_a_failure_it_rests_whatever_wakes_it() -> None:
    calls: queue.Queue[None] = queue.Queue()

    def work() -> float:
        calls.put(None)
        raise RuntimeError("no")

    with running(work, rest=Backoff(first=60.0)) as worker:
        calls.get(timeout=PATIENCE)
        worker.wake()

        with pytest.raises(queue.Empty):
            calls.get(timeout=0.05)


def test_stopping_ends_a_long_wait_at_once() -> None:
    worker = Worker("tester", lambda: 3600.0)
    worker.start()
    started = time.monotonic()

    assert worker.stop(PATIENCE)
    assert worker.stopping
    assert time.monotonic() - started < 1.0


def test_stopping_ends_the_rest_after_a_failure_at_once() -> None:
    failed = threading.Event()

    def work() -> float:
        failed.set()
        raise RuntimeError("no")

    worker = Worker("tester", work, rest=Backoff(first=60.0))
    worker.start()
    failed.wait(PATIENCE)
    started = time.monotonic()

    assert worker.stop(PATIENCE)
    assert time.monotonic() - started < 1.0


def test_stopping_lets_the_piece_of_work_in_hand_end_and_says_when_it_has_not() -> None:
    inside, go_on = threading.Event(), threading.Event()
    ended: list[bool] = []

    def work() -> float:
        inside.set()
        go_on.wait(PATIENCE)
        ended.append(True)
        return 0.0

    worker = Worker("tester", work)
    worker.start()
    inside.wait(PATIENCE)

    assert not worker.stop(0.02)
    assert ended == []
    go_on.set()
    assert worker.stop(PATIENCE)
    assert ended == [True]


def wait_until(condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True
