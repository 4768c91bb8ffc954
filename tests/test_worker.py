"""A worker works when woken and now and then anyway, and outlives what goes wrong."""

from __future__ import annotations

import errno
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy.exc import OperationalError

from daemon.backoff import Backoff
from daemon.errors import LedgerError
from daemon.worker import Worker

SOON = Backoff(first=0.01, ceiling=0.02)
PATIENCE = 5.0  # seconds until a test says that it did not happen


def locked_ledger() -> OperationalError:
    original = sqlite3.OperationalError("database is locked")
    original.sqlite_errorcode = sqlite3.SQLITE_BUSY
    return OperationalError("INSERT INTO articles", {"text": "the text of an article"}, original)


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


def failing(*errors: Exception) -> tuple[Callable[[], float], Callable[[], bool]]:
    """Work that fails so often and then rests; and whether it got as far as resting."""
    left, rested = list(errors), threading.Event()

    def work() -> float:
        if left:
            raise left.pop(0)
        rested.set()
        return 3600.0

    return work, lambda: rested.wait(PATIENCE)


def test_a_fault_of_ours_is_logged_with_its_trace_and_the_work_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    work, has_rested = failing(RuntimeError("the text of an article"), RuntimeError("again"))

    with running(work):
        assert has_rested()

    said = [r for r in caplog.records if r.message == "work failed, trying again"]
    assert [vars(r)["error"] for r in said] == ["unexpected: RuntimeError"] * 2
    assert [vars(r)["worker"] for r in said] == ["tester"] * 2
    assert [vars(r)["seconds"] for r in said] == [0.01, 0.02]
    assert all(r.exc_info for r in said)


@pytest.mark.parametrize(
    ("error", "plain"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "/var/ledger.db"),
            "the disk is full: /var/ledger.db",
        ),
        (
            LedgerError("ledger.db: was deleted while topicwired ran"),
            "ledger.db: was deleted while topicwired ran",
        ),
        (locked_ledger(), "the ledger is locked by another program"),
    ],
)
def test_what_we_know_the_meaning_of_is_said_in_one_plain_line_without_a_trace(
    error: Exception, plain: str, caplog: pytest.LogCaptureFixture
) -> None:
    work, has_rested = failing(error)

    with running(work):
        assert has_rested()

    (said,) = [r for r in caplog.records if r.message == "work failed, trying again"]
    assert vars(said)["error"] == plain
    assert not said.exc_info


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


def test_it_says_for_how_long_it_has_been_at_its_work_and_nothing_while_it_rests() -> None:
    inside, go_on = threading.Event(), threading.Event()

    def work() -> float:
        inside.set()
        go_on.wait(PATIENCE)
        return 3600.0

    with running(work) as worker:
        inside.wait(PATIENCE)
        time.sleep(0.05)

        assert 0.05 <= worker.busy_seconds() < PATIENCE
        go_on.set()
        assert wait_until(lambda: worker.busy_seconds() == 0.0)


def test_the_rest_after_a_failure_is_no_work() -> None:
    work, _ = failing(RuntimeError("no"))
    worker = Worker("tester", work, rest=Backoff(first=60.0))

    worker.start()

    assert wait_until(lambda: worker.busy_seconds() == 0.0)
    time.sleep(0.05)
    assert worker.busy_seconds() == 0.0
    assert worker.stop(PATIENCE)


def wait_until(condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True
