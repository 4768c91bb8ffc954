"""Hints: daemons of one ledger wake each other; what is lost is found by looking."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from daemon.errors import LedgerError
from daemon.hints import Hints
from daemon.worker import Worker
from tests.several import Room

LISTENS = "query LIKE 'LISTEN%'"


class Woken:
    """Counts how often it was woken."""

    def __init__(self) -> None:
        self.times = 0
        self._changed = threading.Condition()

    def __call__(self) -> None:
        with self._changed:
            self.times += 1
            self._changed.notify_all()

    def wait_for(self, times: int) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self.times >= times, 20.0)


@pytest.fixture
def woken() -> Woken:
    return Woken()


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a test in which nothing is told: it need not listen for long."""
    monkeypatch.setattr("daemon.hints._LONGEST", 0.1)


@pytest.fixture
def hints(room: Room, woken: Woken) -> Iterator[Hints]:
    found = Hints(room.peer("north").database, woken)
    yield found
    found.close()


@pytest.mark.usefixtures("brief")
def test_what_another_daemon_tells_is_heard_in_a_moment(
    room: Room, hints: Hints, woken: Woken, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Hints(room.peer("south").database, lambda: None)
    hints.work()
    before = woken.times
    told.tell()
    monkeypatch.setattr("daemon.hints._LONGEST", 30.0)

    started = time.monotonic()
    hints.work()

    assert woken.times == before + 1
    assert time.monotonic() - started < 15.0


@pytest.mark.usefixtures("brief")
def test_who_begins_to_listen_looks_at_once_for_what_was_told_before(hints: Hints, woken: Woken) -> None:
    hints.work()

    assert woken.times == 1


@pytest.mark.usefixtures("brief")
def test_where_nothing_is_told_nobody_is_woken_and_it_listens_on_at_once(hints: Hints, woken: Woken) -> None:
    hints.work()

    assert hints.work() == 0.0
    assert woken.times == 1


@pytest.mark.usefixtures("brief")
def test_many_tellings_are_heard_and_none_wakes_for_ever(room: Room, hints: Hints, woken: Woken) -> None:
    hints.work()
    for _ in range(20):
        hints.tell()

    before = 0
    while before != woken.times:
        before = woken.times
        hints.work()

    assert 2 <= before <= 21


@pytest.mark.usefixtures("brief")
def test_a_connection_that_breaks_is_one_plain_line_and_it_listens_anew(
    room: Room, hints: Hints, woken: Woken, caplog: pytest.LogCaptureFixture
) -> None:
    hints.work()
    assert room.server.terminate_backends(LISTENS) == 1

    with pytest.raises(LedgerError, match=r"^the connection to the ledger's server has ended$"):
        hints.work()
    assert caplog.records == []  # SQLAlchemy's pool would say it again, with a trace
    hints.work()

    assert woken.times == 2
    hints.tell()
    hints.work()
    assert woken.times == 3


def test_to_tell_is_never_an_error(own_room: Room) -> None:
    hints = Hints(own_room.peer("north").database, lambda: None)
    name = own_room.address.rpartition("/")[2]
    own_room.server.run(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    own_room.server.terminate_backends(f"datname = '{name}'")

    hints.tell()


@pytest.mark.usefixtures("brief")
def test_whoever_listens_leaves_no_connection_behind(room: Room, hints: Hints) -> None:
    hints.work()
    hints.close()

    until = time.monotonic() + 10.0
    while room.server.run(f"SELECT COUNT(*) FROM pg_stat_activity WHERE {LISTENS} AND state = 'idle'")[0][0]:
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_stop_waits_no_longer_than_a_moment(hints: Hints, woken: Woken) -> None:
    worker = Worker("hints", hints.work)
    worker.start()
    assert woken.wait_for(1)

    started = time.monotonic()
    assert worker.stop(5.0)

    assert time.monotonic() - started < 3.0
