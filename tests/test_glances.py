"""Glances: nobody waits long for what is found out, and it does not cost much."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator

import pytest

from daemon import glances
from daemon.errors import LedgerError
from daemon.glances import Glance


@pytest.fixture
def may() -> Iterator[threading.Event]:
    """What is found out is found out when this is set."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def kept_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found out is old at once, however slow the machine is."""
    monkeypatch.setattr(glances, "_SHARE", math.inf)


@pytest.mark.usefixtures("kept_for_nothing")
def test_what_is_found_out_at_once_is_told_as_it_is_at_each_look() -> None:
    numbers = iter(range(10))
    glance = Glance("numbers", lambda: next(numbers))

    assert glance.ask(20) == 0
    assert glance.ask(20) == 1


def test_what_took_a_while_is_kept_for_fifty_times_as_long() -> None:
    looks: list[float] = []

    def look() -> int:
        looks.append(time.monotonic())
        time.sleep(0.02)
        return len(looks)

    glance = Glance("looks", look)
    while glance.ask(20) == 1:
        assert time.monotonic() < looks[0] + 60
        time.sleep(0.01)

    assert looks[1] - looks[0] > 50 * 0.02


def test_nobody_waits_longer_than_they_say(may: threading.Event) -> None:
    glance = Glance("slow", lambda: may.wait(20))
    began = time.monotonic()

    assert glance.ask(0.1) is None
    assert glance.ask(0.1) is None

    assert time.monotonic() - began < 10
    may.set()
    assert glance.ask(20) is True


def test_only_one_finds_out_however_many_ask(may: threading.Event) -> None:
    looks: list[int] = []

    def look() -> bool:
        looks.append(1)
        return may.wait(20)

    glance = Glance("slow", look)
    for _ in range(20):
        glance.ask(0.01)

    assert looks == [1]


@pytest.mark.usefixtures("kept_for_nothing")
def test_what_is_known_is_told_while_it_is_found_out_anew_only_where_that_was_asked_for(
    may: threading.Event,
) -> None:
    found = iter((lambda: 1, lambda: may.wait(20)))
    again = iter((lambda: 1, lambda: may.wait(20)))
    patient = Glance("patient", lambda: next(found)(), stale=60.0)
    exact = Glance("exact", lambda: next(again)())
    assert (patient.ask(20), exact.ask(20)) == (1, 1)

    assert patient.ask(0.05) == 1
    assert exact.ask(0.05) is None


@pytest.mark.usefixtures("kept_for_nothing")
def test_what_cannot_be_found_out_is_not_known_and_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    locked = LedgerError("the ledger is locked")
    answers: Iterator[int | LedgerError] = iter([1, locked, locked, 2])

    def look() -> int:
        answer = next(answers)
        if isinstance(answer, LedgerError):
            raise answer
        return answer

    glance = Glance("ledger", look, stale=60.0)

    assert glance.ask(20) == 1
    assert glance.ask(20) is None
    assert glance.ask(20) is None
    assert glance.ask(20) == 2
    assert [vars(record)["error"] for record in caplog.records] == ["the ledger is locked"]
