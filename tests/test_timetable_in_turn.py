"""The timetable where several daemons have one ledger: one of them runs each job, once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from daemon import clock
from daemon.leases import TIMETABLE
from daemon.timetable import Job, Timetable
from tests.several import Peer, Room

MIDNIGHT = datetime(2026, 3, 5, 0, 0, tzinfo=UTC)
NIGHTLY = "30 3 * * *"


class Wall:
    """The time of the server, which all go by."""

    def __init__(self) -> None:
        self.now = MIDNIGHT

    def wait(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    found = Wall()
    monkeypatch.setattr(clock, "now", lambda: found.now)
    return found


class Side:
    """A daemon with its timetable."""

    def __init__(self, peer: Peer, *, cron: str = NIGHTLY) -> None:
        self.peer = peer
        self.ran: list[datetime] = []
        self.before: Callable[[], None] = lambda: None
        self.table = Timetable(
            peer.database, (Job("retrain", cron, self._run),), zone=UTC, leases=peer.leases
        )

    def _run(self) -> str:
        self.ran.append(clock.now())
        self.before()
        return f"by {self.peer.name}"

    def plan(self) -> None:
        with self.peer.at_work():
            self.table.plan(clock.now())

    def look(self) -> None:
        with self.peer.at_work():
            self.table.look()


def runs(room: Room) -> list[tuple[object, ...]]:
    return room.rows("SELECT period, tries, state, result FROM runs ORDER BY period, tries")


def test_of_two_daemons_one_runs_each_job_and_that_once(room: Room, wall: Wall) -> None:
    north, south = Side(room.peer("north")), Side(room.peer("south"))
    for side in (north, south):
        side.plan()

    for _ in range(3):
        wall.wait(hours=12)
        for side in (south, north, south):
            side.look()

    assert len(north.ran) == 2
    assert south.ran == []
    assert [run[1:] for run in runs(room)] == [(1, "done", "by north")] * 2


def test_who_does_not_lead_plans_nothing(room: Room, wall: Wall) -> None:
    north, south = Side(room.peer("north")), Side(room.peer("south"), cron="0 4 * * *")
    north.plan()

    south.plan()

    assert room.rows("SELECT schedule FROM jobs") == [(NIGHTLY,)]


def test_who_takes_over_runs_what_is_owed_by_its_own_plan(room: Room, wall: Wall) -> None:
    north, south = Side(room.peer("north")), Side(room.peer("south"))
    north.plan()
    south.plan()
    wall.wait(hours=5)
    north.peer.vanish()
    south.peer.renew()

    south.look()
    south.look()

    assert (len(north.ran), len(south.ran)) == (0, 1)


def test_a_run_that_its_daemon_did_not_end_is_cut_off_and_tried_by_the_next_one(
    room: Room, wall: Wall
) -> None:
    north, south = Side(room.peer("north")), Side(room.peer("south"))
    north.plan()
    wall.wait(hours=5)

    def vanish() -> None:
        north.peer.vanish()
        south.peer.renew()
        south.look()

    north.before = vanish
    north.look()

    assert (len(north.ran), len(south.ran)) == (1, 1)
    assert [run[1:] for run in runs(room)] == [(2, "done", "by south")]


def test_while_its_daemon_is_heard_of_a_run_is_nobody_else_s(room: Room, wall: Wall) -> None:
    north, south = Side(room.peer("north")), Side(room.peer("south"))
    north.plan()
    wall.wait(hours=5)

    def hand_over() -> None:
        """North goes on with its job, and the lease has become another's."""
        with north.peer.database.beside() as connection:
            connection.execute(text("UPDATE leases SET claimant = :who"), {"who": south.peer.claimant})
        south.peer.renew()
        south.look()

    north.before = hand_over
    north.look()

    assert (len(north.ran), len(south.ran)) == (1, 0)
    assert [run[1:] for run in runs(room)] == [(1, "done", "by north")]


def test_who_is_cut_off_from_the_ledger_begins_no_job(room: Room, wall: Wall) -> None:
    north = Side(room.peer("north"))
    north.plan()
    wall.wait(hours=5)
    north.peer.presence._until = float("-inf")

    north.look()

    assert north.ran == []
    north.peer.renew()
    north.look()
    assert len(north.ran) == 1


def test_who_begins_to_lead_plans_by_its_own_configuration(room: Room, wall: Wall) -> None:
    north, south = Side(room.peer("north")), Side(room.peer("south"), cron="0 4 * * *")
    north.plan()
    south.plan()
    north.peer.leave()
    south.peer.renew()

    south.look()

    assert room.rows("SELECT schedule FROM jobs") == [("0 4 * * *",)]
    assert room.rows("SELECT name FROM leases") == [(TIMETABLE,)]
