"""The timetable: each job once for its period, whatever stops, freezes or sets the clock in between."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import cache
from pathlib import Path
from typing import NoReturn
from zoneinfo import ZoneInfo, available_timezones

import pytest
from alembic import command
from alembic.config import Config
from apscheduler.schedulers import base as apscheduler
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError

import daemon
from daemon import clock, periods, timetable
from daemon.clock import from_text, to_text
from daemon.database import Database, open_database
from daemon.periods import MOST_TRIES, Run, RunState
from daemon.timetable import NEVER, Job, Timetable
from tests import ledgers
from tests.builders import MINUTE, NOON, SECOND
from tests.thoroughness import cases

NIGHTLY, HOURLY = "30 3 * * *", "0 * * * *"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
YEAR = 365 * DAY
BERLIN = ZoneInfo("Europe/Berlin")
REAL_LEDGER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


class Runs:
    """Counts how often a job ran, and what the clock on the wall said."""

    def __init__(self) -> None:
        self.times: list[datetime] = []

    def __call__(self) -> str:
        self.times.append(clock.now())
        return f"run {self.number}"

    @property
    def number(self) -> int:
        return len(self.times)


class Hands:
    """The two clocks of the daemon, turned by hand."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.seconds = 1000.0

    def wait(self, time: timedelta) -> None:
        self.now += time
        self.seconds += time.total_seconds()

    def set(self, now: datetime) -> None:
        """As `date --set`: the monotonic clock does not notice."""
        self.now = now


@pytest.fixture
def runs() -> Runs:
    return Runs()


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    """It is noon, UTC."""
    found = Hands(NOON)
    monkeypatch.setattr(clock, "now", lambda: found.now)
    monkeypatch.setattr(clock, "monotonic", lambda: found.seconds)
    return found


def started(database: Database, *jobs: Job, zone: tzinfo = UTC) -> Timetable:
    """As after a start of the daemon."""
    found = Timetable(database, jobs, zone=zone)
    found.plan(clock.now())
    return found


def nightly(run: Callable[[], str], cron: str = NIGHTLY) -> Job:
    return Job("retrain", cron, run)


def fail() -> NoReturn:
    raise RuntimeError("labels/own.tsv:3: should be topics, one tab, text")


def listed(database: Database) -> list[dict[str, str | None]]:
    with database.reading() as connection:
        return timetable.listed(connection)


def due_at(database: Database) -> datetime:
    return from_text(listed(database)[0]["due_at"] or "")


def result(database: Database) -> str | None:
    return listed(database)[0]["result"]


def rows(database: Database) -> list[tuple[str, int, str]]:
    """Period, tries and state of every run."""
    asked = text("SELECT period, tries, state FROM runs ORDER BY period")
    with database.reading() as connection:
        return [(row.period, row.tries, row.state) for row in connection.execute(asked)]


def look_for(table: Timetable, hands: Hands, time: timedelta, every: timedelta = HOUR) -> None:
    for _ in range(time // every):
        hands.wait(every)
        table.look()


# When a job runs


def test_a_new_job_is_due_at_its_next_time_and_not_before(
    database: Database, hands: Hands, runs: Runs
) -> None:
    table = started(database, nightly(runs))
    table.look()

    assert due_at(database) == datetime(2026, 3, 6, 3, 30, tzinfo=UTC)
    hands.set(due_at(database) - SECOND)
    table.look()
    assert runs.number == 0
    hands.wait(SECOND)
    table.look()
    assert runs.number == 1


def test_a_job_that_is_due_runs_once_and_the_ledger_says_what_came_of_it(
    database: Database, hands: Hands, runs: Runs
) -> None:
    table = started(database, nightly(runs))
    hands.wait(DAY)

    table.look()
    table.look()

    assert runs.number == 1
    assert listed(database) == [
        {
            "name": "retrain",
            "schedule": NIGHTLY,
            "due_at": "2026-03-07T03:30:00.000000Z",
            "started_at": to_text(hands.now),
            "finished_at": to_text(hands.now),
            "result": "run 1",
        }
    ]


def test_every_night_has_its_run(database: Database, hands: Hands, runs: Runs) -> None:
    table = started(database, nightly(runs))

    look_for(table, hands, 5 * DAY)

    assert [found.isoformat() for found in runs.times] == [
        f"2026-03-0{day}T04:00:00+00:00" for day in (6, 7, 8, 9)
    ] + ["2026-03-10T04:00:00+00:00"]


def test_times_are_of_the_zone(database: Database, hands: Hands, runs: Runs) -> None:
    started(database, nightly(runs), zone=ZoneInfo("Asia/Almaty"))

    assert due_at(database) == datetime(2026, 3, 5, 22, 30, tzinfo=UTC)


def test_a_job_with_a_zone_of_its_own_is_due_by_that_clock_and_the_others_by_the_machines(
    database: Database, hands: Hands, runs: Runs
) -> None:
    away = Runs()

    table = started(
        database, Job("away", "0 8 * * *", away, ZoneInfo("Asia/Almaty")), Job("here", "0 8 * * *", runs)
    )
    look_for(table, hands, 4 * DAY)

    assert [found.hour for found in away.times] == [3] * 4  # 08:00 in Almaty is 03:00 UTC
    assert [found.hour for found in runs.times] == [8] * 4
    due = {job["name"]: job["due_at"] for job in listed(database)}
    assert due == {"away": "2026-03-10T03:00:00.000000Z", "here": "2026-03-10T08:00:00.000000Z"}


def test_a_job_that_moves_to_another_zone_has_one_run_a_local_day(
    database: Database, hands: Hands, runs: Runs
) -> None:
    for zone in ("Asia/Almaty", "America/New_York", "Pacific/Auckland"):
        table = started(database, Job("digest desk", "0 8 * * *", runs, ZoneInfo(zone)))
        look_for(table, hands, 2 * DAY)

    days = [period for period, _, _ in rows(database)]
    assert days == [f"2026-03-{6 + number:02}T08:00" for number in range(len(days))]
    assert runs.number == len(days) >= 6


def test_three_days_down_bring_one_run_for_the_latest_period(
    database: Database, hands: Hands, runs: Runs
) -> None:
    started(database, nightly(runs, HOURLY))
    hands.wait(3 * DAY)

    table = started(database, nightly(runs, HOURLY))
    for _ in range(3):
        table.look()

    assert runs.number == 1
    assert rows(database) == [("2026-03-08T12:00", 1, "done")]


def test_what_is_overdue_is_told_so_while_we_are_down(database: Database, hands: Hands, runs: Runs) -> None:
    started(database, nightly(runs))
    overdue = due_at(database)

    hands.wait(3 * DAY)

    assert due_at(database) == overdue < hands.now


def test_a_job_that_ran_is_not_run_again_after_a_restart(
    database: Database, hands: Hands, runs: Runs
) -> None:
    table = started(database, nightly(runs))
    hands.wait(DAY)
    table.look()

    started(database, nightly(runs)).look()

    assert runs.number == 1


def test_a_changed_cron_line_is_planned_anew(database: Database, hands: Hands, runs: Runs) -> None:
    started(database, nightly(runs))
    hands.wait(DAY)

    table = started(database, nightly(runs, HOURLY))
    table.look()

    assert listed(database)[0]["schedule"] == HOURLY
    assert due_at(database) == hands.now + HOUR
    assert runs.number == 0  # the night of the old line is gone with it
    hands.wait(HOUR)
    table.look()
    assert runs.number == 1


def test_a_job_that_is_turned_off_is_neither_planned_nor_run(
    database: Database, hands: Hands, runs: Runs
) -> None:
    started(database, nightly(runs))
    hands.wait(DAY)

    table = started(database, nightly(runs, NEVER))
    table.look()

    assert listed(database) == []
    assert runs.number == 0


def test_a_job_that_there_is_no_more_is_not_listed_as_due(
    database: Database, hands: Hands, runs: Runs
) -> None:
    started(database, nightly(runs), Job("digest desk", "0 8 * * *", runs))

    started(database, nightly(runs))

    assert [job["name"] for job in listed(database)] == ["retrain"]


def test_a_job_that_is_turned_on_again_does_not_run_for_the_time_it_was_off(
    database: Database, hands: Hands, runs: Runs
) -> None:
    started(database, nightly(runs))
    started(database, nightly(runs, NEVER))
    hands.wait(3 * DAY)

    table = started(database, nightly(runs))
    table.look()

    assert runs.number == 0
    look_for(table, hands, DAY)
    assert runs.number == 1


def test_a_leap_day_comes_every_four_years(database: Database, hands: Hands, runs: Runs) -> None:
    hands.set(datetime(2023, 12, 31, tzinfo=UTC))
    table = started(database, nightly(runs, "0 0 29 2 *"))

    for year in range(2024, 2033):
        hands.set(datetime(year, 2, 27, tzinfo=UTC))
        look_for(table, hands, 3 * DAY, every=DAY)

    assert [found.date() for found in runs.times] == [date(2024, 2, 29), date(2028, 2, 29), date(2032, 2, 29)]


# Clocks that change


def test_after_the_clock_was_set_back_an_hour_a_job_that_ran_is_not_run_again(
    database: Database, hands: Hands, runs: Runs
) -> None:
    table = started(database, nightly(runs))
    hands.set(datetime(2026, 3, 6, 3, 31, tzinfo=UTC))
    table.look()

    hands.set(hands.now - HOUR)
    look_for(table, hands, 3 * HOUR, every=MINUTE)

    assert runs.number == 1


def test_a_clock_that_went_forward_a_year_and_back_neither_repeats_nor_silences(
    database: Database, hands: Hands, runs: Runs
) -> None:
    table = started(database, nightly(runs))
    hands.wait(DAY)
    table.look()

    hands.set(hands.now + YEAR)
    for _ in range(3):
        table.look()
    hands.set(hands.now - YEAR)
    table.look()
    look_for(table, hands, 3 * DAY)

    assert [found.date() for found in runs.times] == [
        date(2026, 3, 6),
        date(2027, 3, 6),
        date(2026, 3, 7),
        date(2026, 3, 8),
        date(2026, 3, 9),
    ]


def test_a_plan_of_a_clock_that_was_a_year_ahead_does_not_silence_the_job(
    database: Database, hands: Hands, runs: Runs
) -> None:
    hands.set(NOON + YEAR)
    table = started(database, nightly(runs))

    hands.set(NOON)
    table.look()

    assert runs.number == 0
    assert due_at(database) == datetime(2026, 3, 6, 3, 30, tzinfo=UTC)
    look_for(table, hands, DAY)
    assert runs.number == 1


def test_a_machine_that_wakes_in_1970_misses_no_night(database: Database, hands: Hands, runs: Runs) -> None:
    table = started(database, nightly(runs))
    hands.wait(DAY)
    table.look()

    hands.set(datetime(1970, 1, 1, tzinfo=UTC))
    table = started(database, nightly(runs))
    table.look()
    hands.set(NOON + DAY)
    table.look()
    look_for(table, hands, 2 * DAY)

    assert [found.date() for found in runs.times] == [date(2026, 3, day) for day in (6, 7, 8)]


JUMPS = [
    sign * jump
    for sign in (1, -1)
    for jump in (SECOND, 30 * SECOND, MINUTE, 59 * MINUTE, HOUR, 25 * HOUR, 3 * DAY, 40 * DAY, YEAR)
]
WAITS = [SECOND, MINUTE, HOUR, 11 * HOUR, DAY, 4 * DAY]
_numbers = itertools.count()


@pytest.mark.slow
@settings(REAL_LEDGER, max_examples=cases(150, 50))
@given(
    cron=st.sampled_from([NIGHTLY, HOURLY]),
    changes=st.lists(st.tuples(st.sampled_from(JUMPS), st.sampled_from(WAITS), st.booleans()), max_size=12),
)
def test_whatever_the_clock_does_a_period_has_one_run_and_later_ones_all_have_theirs(
    database: Database, hands: Hands, cron: str, changes: list[tuple[timedelta, timedelta, bool]]
) -> None:
    length, start = (DAY, HOUR * 3.5) if cron == NIGHTLY else (HOUR, timedelta())
    found: list[datetime] = []

    def run() -> str:
        found.append(clock.now() - (clock.now() - datetime.min.replace(tzinfo=UTC) - start) % length)
        return "done"

    hands.set(NOON)
    right, job = NOON, Job(f"job {next(_numbers)}", cron, run)
    table = started(database, job)
    for jump, wait, restarts in changes:
        hands.set(hands.now + jump)
        if restarts:
            table = started(database, job)
        table.look()
        hands.wait(wait)
        right += wait
        table.look()
    hands.set(right)
    look_for(table, hands, 3 * length, every=length / 2)

    again = [period for period, number in Counter(found).items() if number > 1]
    assert again == []
    first = right - (right - datetime.min.replace(tzinfo=UTC) - start) % length
    assert {first + length * number for number in (1, 2)} <= set(found)


def test_a_clock_that_is_set_is_noticed_told_and_looked_at_at_once(
    database: Database, hands: Hands, caplog: pytest.LogCaptureFixture
) -> None:
    looks: list[float] = []
    table = Timetable(database, (), zone=UTC)
    table.start({"rescan": lambda: looks.append(hands.seconds)})
    try:
        table.work()
        hands.wait(20 * SECOND)
        table.work()
        hands.set(hands.now + 9 * SECOND)
        table.work()
        assert (looks, caplog.records) == ([], [])

        hands.wait(5 * SECOND)
        hands.set(hands.now - HOUR)
        wait = table.work()

        eventually(lambda: len(looks) == 1)
        (said,) = caplog.records
        assert (said.message, vars(said)["seconds"]) == ("the clock was changed", -3600)
        assert 0 < wait <= 10
        table.work()
        assert len(caplog.records) == 1
    finally:
        table.stop()


@pytest.mark.parametrize(("jump", "noticed"), [(-HOUR, True), (-YEAR, True), (YEAR, True), (YEAR, False)])
def test_the_ticks_go_on_after_the_clock_was_set(
    database: Database, monkeypatch: pytest.MonkeyPatch, jump: timedelta, noticed: bool
) -> None:
    turned = [timedelta()]

    class Turned(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # as APScheduler asks
            return datetime.now(tz) + turned[0]

    monkeypatch.setattr(apscheduler, "datetime", Turned)
    monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) + turned[0])
    monkeypatch.setattr(timetable, "_RESCAN_EVERY", 0.05)
    ticks: list[float] = []
    table = Timetable(database, (), zone=UTC)
    table.start({"rescan": lambda: ticks.append(time.monotonic())})
    try:
        table.work()
        eventually(lambda: len(ticks) > 2)
        turned[0] = jump
        set_at = time.monotonic()
        if noticed:
            table.work()
        eventually(lambda: sum(tick > set_at for tick in ticks) > 5, seconds=2.0)
    finally:
        table.stop()


# Zones


@dataclass(frozen=True)
class Turn:
    """A moment at which a zone's offset changes."""

    zone: tzinfo
    at: datetime
    before: timedelta
    after: timedelta

    @property
    def walls(self) -> tuple[datetime, datetime]:
        """What the clock on the wall shows just before and just after."""
        return (self.at + self.before).replace(tzinfo=None), (self.at + self.after).replace(tzinfo=None)


def offset(zone: tzinfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


@cache
def turns(zone: ZoneInfo, first: int, last: int) -> tuple[Turn, ...]:
    """All turns of these years, to the minute; none are less than a week apart."""
    found = []
    week = range(7 * 24 * 60 + 1)
    for number in range((last + 1 - first) * 366 // 7):
        start = datetime(first, 1, 1, tzinfo=UTC) + number * 7 * DAY
        before, after = offset(zone, start), offset(zone, start + 7 * DAY)
        if before != after:
            minutes = bisect_left(week, True, key=lambda m: offset(zone, start + m * MINUTE) != before)
            found.append(Turn(zone, start + minutes * MINUTE, before, after))
    return tuple(found)


@cache
def turns_on_the_wall(first: int, last: int) -> tuple[Turn, ...]:
    """The turns of all zones, one of those that look the same on the wall; and one night without any."""
    quiet = Turn(UTC, NOON, timedelta(), timedelta())
    found = {quiet.walls: quiet}
    for name in sorted(available_timezones()):
        for turn in turns(ZoneInfo(name), first, last):
            found.setdefault(turn.walls, turn)
    return tuple(found.values())


remembered_period = cache(periods.current_period)


def runs_of(cron: str, zone: tzinfo, moments: list[datetime]) -> list[tuple[str, datetime]]:
    """The periods that looks at these moments would run, and when."""
    done: dict[str, Run] = {}
    found = []
    planned = periods.plan(periods.current_period(cron, periods.local_time(moments[0], zone)))
    for moment in moments:
        period = remembered_period(cron, periods.local_time(moment, zone))
        if period and periods.is_owed(period, planned=planned, run=done.get(period)):
            done[period] = Run(1, RunState.DONE)
            found.append((period, moment))
    return found


def lines_about(turn: Turn) -> list[str]:
    """Daily lines: in the time that is left out or comes twice, and at its two ends."""
    left, right = sorted(turn.walls)
    middle = left + (right - left) / 2
    return [f"{moment.minute} {moment.hour} * * *" for moment in (left, middle, right)]


def periods_between(cron: str, start: datetime, end: datetime) -> list[str]:
    """What a daily line names from one time on the wall, which is not counted, to another, which is."""
    minute, hour = map(int, cron.split()[:2])
    first = start.replace(hour=hour, minute=minute, second=0, microsecond=0)
    nominal = [first + number * DAY for number in range((end - start).days + 2)]
    return [f"{found:%Y-%m-%dT%H:%M}" for found in nominal if start < found <= end]


@pytest.mark.slow
def test_in_every_zone_each_local_day_and_hour_of_five_years_has_one_run() -> None:
    step, wide = 40 * MINUTE, 25 * HOUR
    for turn in turns_on_the_wall(2024, 2028)[:: cases(1, 7)]:  # a step
        moments = [turn.at - wide + number * step for number in range(2 * wide // step)]
        walls = [moment.astimezone(turn.zone).replace(tzinfo=None) for moment in moments]
        for cron in lines_about(turn):
            found = runs_of(cron, turn.zone, moments)
            assert [period for period, _ in found] == periods_between(cron, walls[0], max(walls)), (
                turn,
                cron,
            )
            for period, moment in found:
                assert timedelta() <= moment - periods.moment_of(period, turn.zone) < step, (turn, cron)
        hours = [period for period, _ in runs_of(HOURLY, turn.zone, moments)]
        shown = {f"{wall:%Y-%m-%dT%H}:00" for wall in walls}
        assert hours == sorted(shown - {min(shown)}), turn


@settings(max_examples=cases(300, 100))
@given(
    zone=st.sampled_from(sorted(available_timezones())).map(ZoneInfo),
    moments=st.lists(
        st.datetimes(datetime(1970, 1, 2), datetime(2037, 12, 30), timezones=st.just(UTC)), min_size=2
    ),
)
def test_the_local_clock_never_goes_back(zone: ZoneInfo, moments: list[datetime]) -> None:
    for turn in turns(zone, 2015, 2030):
        moments += [turn.at + shift for shift in (-SECOND, timedelta(), 30 * MINUTE, HOUR, 2 * HOUR)]

    shown = [periods.local_time(moment, zone) for moment in sorted(moments)]

    assert shown == sorted(shown)


@settings(max_examples=cases(300, 100))
@given(
    zone=st.sampled_from(sorted(available_timezones())).map(ZoneInfo),
    nominal=st.datetimes(datetime(1971, 1, 1), datetime(2037, 1, 1)),
    number=st.integers(0),
)
def test_the_moment_of_a_period_is_the_first_at_which_the_clock_has_come_to_it(
    zone: ZoneInfo, nominal: datetime, number: int
) -> None:
    found = turns(zone, 2015, 2030)
    if found and number % 2:
        nominal = found[number // 2 % len(found)].walls[0] + timedelta(minutes=number % 120 - 60)
    period = nominal.strftime("%Y-%m-%dT%H:%M")

    moment = periods.moment_of(period, zone)

    reached = datetime.fromisoformat(period)
    assert periods.local_time(moment - SECOND, zone) < reached <= periods.local_time(moment, zone)


@pytest.mark.slow
@settings(REAL_LEDGER, max_examples=cases(40, 10))
@given(number=st.integers(0), line=st.integers(0, 2), restarts=st.booleans())
def test_in_any_zone_the_ledger_has_each_local_day_once(
    database: Database, hands: Hands, number: int, line: int, restarts: bool
) -> None:
    found = turns_on_the_wall(2024, 2028)
    turn = found[number % len(found)]
    runs, cron, zone = Runs(), lines_about(turn)[line], turn.zone
    hands.set(turn.at - 2 * DAY)
    job = Job(f"job {next(_numbers)}", cron, runs)
    table = started(database, job, zone=zone)

    walls = [hands.now.astimezone(zone).replace(tzinfo=None)]
    for _ in range(4 * 24):
        hands.wait(HOUR)
        walls.append(hands.now.astimezone(zone).replace(tzinfo=None))
        if restarts:
            table = started(database, job, zone=zone)
        table.look()

    with database.reading() as connection:
        asked = text("SELECT period FROM runs WHERE name = :name ORDER BY period")
        written = list(connection.execute(asked, {"name": job.name}).scalars())
    assert written == periods_between(cron, walls[0], max(walls))
    assert runs.number == len(written)


def test_a_night_without_the_time_of_the_job_has_its_run_when_the_clock_has_passed_it(
    database: Database, hands: Hands, runs: Runs
) -> None:
    hands.set(datetime(2026, 3, 28, 12, tzinfo=UTC))
    table = started(database, nightly(runs, "30 2 * * *"), zone=BERLIN)
    skipped = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)  # 02:00, which is 03:00 at once

    assert due_at(database) == skipped
    hands.set(skipped - SECOND)
    table.look()
    assert runs.number == 0
    look_for(table, hands, 3 * HOUR, every=MINUTE)

    assert runs.times == [skipped + 59 * SECOND]


def test_a_night_that_has_the_time_of_the_job_twice_has_one_run(
    database: Database, hands: Hands, runs: Runs
) -> None:
    hands.set(datetime(2026, 10, 24, 12, tzinfo=UTC))
    table = started(database, nightly(runs, "30 2 * * *"), zone=BERLIN)
    hands.set(datetime(2026, 10, 24, 23, 59, tzinfo=UTC))

    look_for(table, hands, 5 * HOUR, every=MINUTE)

    assert runs.times == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC)]


def test_an_hour_that_comes_twice_does_not_bring_back_the_nights_that_were_missed(
    database: Database, hands: Hands, runs: Runs
) -> None:
    hands.set(datetime(2026, 10, 20, 12, tzinfo=UTC))
    started(database, nightly(runs, "30 2 * * *"), zone=BERLIN)
    hands.set(datetime(2026, 10, 25, 0, 40, tzinfo=UTC))  # 02:40 for the first time

    table = started(database, nightly(runs, "30 2 * * *"), zone=BERLIN)
    table.look()
    look_for(table, hands, 3 * HOUR, every=10 * MINUTE)  # through 02:10 for the second

    assert rows(database) == [("2026-10-25T02:30", 1, "done")]
    assert runs.number == 1


@pytest.mark.parametrize(
    ("begin", "ran"),
    [
        (datetime(2026, 3, 28, 12, tzinfo=UTC), ["29 01:00", "30 00:30"]),  # there is no 02:30
        (datetime(2026, 10, 24, 12, tzinfo=UTC), ["25 00:30", "26 01:30"]),  # it comes twice
    ],
)
def test_a_job_in_a_zone_that_changes_its_clock_has_one_run_a_night_on_a_machine_that_does_not(
    database: Database, hands: Hands, runs: Runs, begin: datetime, ran: list[str]
) -> None:
    hands.set(begin)
    table = started(database, Job("digest desk", "30 2 * * *", runs, BERLIN))

    look_for(table, hands, 2 * DAY, every=10 * MINUTE)

    assert [found.strftime("%d %H:%M") for found in runs.times] == ran
    assert len(rows(database)) == 2


@pytest.mark.parametrize("hours", [-13, -8, 5, 14])
def test_a_machine_that_moves_to_another_zone_keeps_one_run_a_local_day(
    database: Database, hands: Hands, runs: Runs, hours: int
) -> None:
    table = started(database, nightly(runs))
    look_for(table, hands, 2 * DAY)

    elsewhere = timezone(timedelta(hours=hours))
    table = started(database, nightly(runs), zone=elsewhere)
    look_for(table, hands, 3 * DAY)

    days = [period[:10] for period, _, _ in rows(database)]
    assert runs.number == len(days)
    assert days == [f"2026-03-{6 + number:02}" for number in range(len(days))]
    assert hands.now.astimezone(elsewhere).date() - date.fromisoformat(days[-1]) <= DAY


# What period it is


def field(values: st.SearchStrategy[int]) -> st.SearchStrategy[int | None]:
    return st.none() | values


@settings(max_examples=cases(200, 70))
@given(
    minute=field(st.integers(0, 59)),
    hour=field(st.integers(0, 23)),
    day=field(st.integers(1, 29)),
    month=field(st.integers(1, 12)),
    local=st.datetimes(datetime(1990, 1, 1), datetime(2050, 1, 1)),
)
def test_the_current_period_is_the_last_time_that_fits_and_the_next_one_the_first(
    minute: int | None, hour: int | None, day: int | None, month: int | None, local: datetime
) -> None:
    cron = " ".join("*" if part is None else str(part) for part in (minute, hour, day, month, None))

    def fits(found: datetime) -> bool:
        return (month or found.month, day or found.day) == (found.month, found.day)

    def in_day(start: datetime) -> Iterator[datetime]:
        hours = range(24) if hour is None else [hour]
        minutes = range(60) if minute is None else [minute]
        return (start.replace(hour=h, minute=m) for h in hours for m in minutes)

    def first(days: range, accepts: Callable[[datetime], bool], pick: Callable[..., datetime]) -> str:
        for number in days:
            start = local.replace(hour=0, minute=0, second=0, microsecond=0) + number * DAY
            found = [moment for moment in in_day(start) if accepts(moment)] if fits(start) else []
            if found:
                return pick(found).strftime("%Y-%m-%dT%H:%M")
        raise AssertionError("no such day")

    assert periods.current_period(cron, local) == first(range(0, -3000, -1), lambda m: m <= local, max)
    assert periods.next_period(cron, local) == first(range(3000), lambda m: m > local, min)


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("* * * * *", "2027-12-31T12:07"),
        ("* * * 1 *", "2027-01-31T23:59"),
        ("0 0 29 2 *", "2024-02-29T00:00"),
        ("0 0 29 2 mon", None),  # the last was in 2016, longer ago than we look
    ],
)
def test_the_current_period_is_found_quickly_however_long_ago(cron: str, expected: str | None) -> None:
    local = datetime(2027, 12, 31, 12, 7, 30)
    start = time.perf_counter()

    found = [periods.current_period(cron, local) for _ in range(10)]

    assert found == [expected] * 10
    assert time.perf_counter() - start < 2.0


def test_a_leap_day_is_found_across_a_century_that_has_none() -> None:
    assert periods.current_period("0 0 29 2 *", datetime(2104, 2, 28, 23, 59)) == "2096-02-29T00:00"


@pytest.mark.parametrize(
    ("run", "resting", "owed"),
    [
        (None, False, True),
        (Run(1, RunState.DONE), False, False),
        (Run(1, RunState.RUNNING), False, False),
        (Run(1, RunState.FAILED), False, True),
        (Run(1, RunState.FAILED), True, False),
        (Run(MOST_TRIES - 1, RunState.FAILED), False, True),
        (Run(MOST_TRIES, RunState.FAILED), False, False),
    ],
)
def test_a_period_is_owed_until_it_is_done_or_tried_often_enough(
    run: Run | None, resting: bool, owed: bool
) -> None:
    later, earlier = "2026-03-05T03:30", "2026-03-04T03:30"

    assert periods.is_owed(later, planned=earlier, run=run, resting=resting) is owed
    assert not periods.is_owed(earlier, planned=earlier, run=run, resting=resting)
    assert not periods.is_owed(None, planned="", run=run, resting=resting)


# Jobs that fail


@pytest.mark.slow
def test_a_job_that_raises_is_logged_and_tried_again_ten_minutes_later_three_times_in_all(
    database: Database, hands: Hands, caplog: pytest.LogCaptureFixture
) -> None:
    tried: list[float] = []

    def run() -> str:
        tried.append(hands.seconds)
        return fail()

    table = started(database, nightly(run))
    hands.wait(DAY)
    start = hands.seconds
    table.look()
    assert result(database) == "failed: labels/own.tsv:3: should be topics, one tab, text"
    assert listed(database)[0]["finished_at"] == to_text(hands.now)

    look_for(table, hands, 10 * HOUR, every=MINUTE)

    assert tried == [start, start + 600, start + 1200]
    assert result(database) == "failed 3 times: labels/own.tsv:3: should be topics, one tab, text"
    assert rows(database) == [("2026-03-06T03:30", 3, "failed")]
    assert [(said.levelname, said.message) for said in caplog.records] == [("ERROR", "job failed")] * 3
    told = vars(caplog.records[0])
    assert (told["job"], told["period"], told["tries"]) == ("retrain", "2026-03-06T03:30", 1)
    assert "own.tsv:3" in told["error"]


def test_the_rest_after_a_failure_is_not_shortened_by_the_clock(database: Database, hands: Hands) -> None:
    table = started(database, nightly(fail))
    hands.wait(DAY)
    table.look()

    hands.set(hands.now + HOUR)
    table.look()

    assert rows(database) == [("2026-03-06T03:30", 1, "failed")]


def test_a_job_that_failed_in_its_last_try_runs_in_its_next_period(database: Database, hands: Hands) -> None:
    failures = iter([fail] * MOST_TRIES)
    table = started(database, nightly(lambda: next(failures, lambda: "well again")()))
    hands.wait(DAY)

    look_for(table, hands, DAY, every=10 * MINUTE)

    assert rows(database) == [("2026-03-06T03:30", 3, "failed"), ("2026-03-07T03:30", 1, "done")]
    assert result(database) == "well again"


def test_a_new_period_does_not_wait_for_the_rest_of_the_one_before(
    database: Database, hands: Hands, runs: Runs
) -> None:
    failures = iter([fail])
    table = started(database, nightly(lambda: next(failures, runs)(), "*/5 * * * *"))
    hands.wait(5 * MINUTE)
    table.look()

    hands.wait(5 * MINUTE)
    table.look()

    assert runs.number == 1


@pytest.mark.parametrize("broken", [fail, lambda: sys.exit("no")])
def test_a_job_that_fails_does_not_keep_the_next_from_running(
    database: Database, hands: Hands, runs: Runs, broken: Callable[[], str]
) -> None:
    table = started(database, Job("first", NIGHTLY, broken), Job("second", NIGHTLY, runs))
    hands.wait(DAY)

    table.look()

    assert runs.number == 1


def test_an_endless_failure_is_cut_for_the_ledger(database: Database, hands: Hands) -> None:
    def run() -> NoReturn:
        raise RuntimeError("x" * 10_000)

    table = started(database, nightly(run))
    hands.wait(DAY)

    table.look()

    assert len(result(database) or "") == 500


def test_a_job_whose_end_the_ledger_would_not_take_does_not_run_again(
    database: Database, hands: Hands, runs: Runs
) -> None:
    table = started(database, nightly(runs))
    hands.wait(DAY)
    with database.transaction() as connection:
        ledgers.refuse(connection, "UPDATE ON runs", why="disk full")
    for _ in range(2):
        with pytest.raises(IntegrityError, match="disk full"):
            table.look()

    with database.transaction() as connection:
        ledgers.refuse_no_more(connection, "UPDATE ON runs")
    table.look()
    table.look()

    assert runs.number == 1
    assert result(database) == "run 1"
    assert rows(database) == [("2026-03-06T03:30", 1, "done")]


def test_a_try_that_was_given_to_somebody_else_meanwhile_does_not_write_its_end(
    database: Database, hands: Hands
) -> None:
    def run() -> str:
        with database.transaction() as connection:
            connection.execute(text("UPDATE runs SET tries = 2"))
        return "too late"

    table = started(database, nightly(run))
    hands.wait(DAY)

    table.look()

    assert rows(database) == [("2026-03-06T03:30", 2, "running")]
    assert result(database) is None


# Jobs that hang, threads, processes


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"not in {seconds} s"
        time.sleep(0.01)


def test_it_plans_when_it_starts_and_leaves_no_thread_when_it_stops(database: Database, runs: Runs) -> None:
    before = threading.active_count()
    table = Timetable(database, (nightly(runs),))

    table.start({"rescan": lambda: None})
    assert [job["name"] for job in listed(database)] == ["retrain"]
    assert threading.active_count() > before
    table.stop()
    table.stop()

    eventually(lambda: threading.active_count() == before)


def test_to_stop_what_never_started_does_nothing(database: Database, runs: Runs) -> None:
    Timetable(database, (nightly(runs),)).stop()


def test_jobs_that_hang_hold_up_no_other_and_are_not_begun_twice(
    database: Database,
    hands: Hands,
    runs: Runs,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(timetable, "_LOOK_EVERY", 0.05)
    free, begun = threading.Event(), Runs()

    def hang() -> str:
        begun()
        free.wait(30.0)
        return "free"

    hanging = [Job(f"hangs {number}", NIGHTLY, hang) for number in range(12)]
    table = Timetable(database, (*hanging, Job("works", HOURLY, runs)), zone=UTC)
    table.start({})
    try:
        hands.wait(DAY)
        eventually(lambda: runs.number == 1)
        eventually(lambda: begun.number == len(hanging))
        hands.wait(DAY)
        eventually(lambda: runs.number == 2)
        table.look()  # from another thread, as it were another daemon
        assert begun.number == len(hanging)
        assert caplog.records == []

        free.set()
        eventually(lambda: begun.number == 2 * len(hanging))  # and then the night that came meanwhile
    finally:
        free.set()
        table.stop()
    assert {tries for _, tries, _ in rows(database)} == {1}


def test_two_timetables_on_one_ledger_share_the_periods(
    database: Database, hands: Hands, runs: Runs, tmp_path: Path
) -> None:
    other_ledger = ledgers.opened(tmp_path)
    running, free = threading.Event(), threading.Event()

    def slow() -> str:
        running.set()
        free.wait(30.0)
        return runs()

    one, other = started(database, nightly(slow)), started(other_ledger, nightly(runs))
    hands.wait(DAY)
    thread = threading.Thread(target=one.look)
    thread.start()
    assert running.wait(10.0)

    other.look()
    assert runs.number == 0
    free.set()
    thread.join()
    other.look()

    assert runs.number == 1
    other_ledger.close()


CHILD = """
    import sys, time
    from datetime import UTC, datetime, timedelta
    from pathlib import Path
    from daemon import clock, periods, timetable
    from daemon.database import open_database
    from daemon.timetable import Job, Timetable

    folder = Path(sys.argv[1])
    database = open_database(sys.argv[2])

    def note(line):
        with (folder / "notes").open("a") as notes:
            notes.write(line + "\\n")
"""


def child(folder: Path, script: str) -> subprocess.Popen[bytes]:
    """A process of its own on the ledger of the test."""
    whole = textwrap.dedent(CHILD) + textwrap.dedent(script)
    return subprocess.Popen([sys.executable, "-c", whole, str(folder), ledgers.address(folder)])


def notes(folder: Path) -> list[str]:
    path = folder / "notes"
    return path.read_text().splitlines() if path.exists() else []


def wait_for_notes(folder: Path, number: int) -> None:
    eventually(lambda: len(notes(folder)) >= number, 30.0)


@pytest.mark.slow
def test_a_run_that_was_killed_is_run_again_after_the_start_three_times_in_all(
    database: Database, hands: Hands, runs: Runs, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    killed = """
        clock.now = lambda: datetime(2026, 3, 6, 12, tzinfo=UTC)

        def run():
            note("begun")
            time.sleep(60)

        Timetable(database, (Job("retrain", "30 3 * * *", run),), zone=UTC).look()
    """
    started(database, nightly(runs))
    hands.wait(DAY)

    for number in (1, 2, 3):
        process = child(tmp_path, killed)
        wait_for_notes(tmp_path, number)
        started(database, nightly(runs)).look()  # it lives: the run is its own
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # ended, and nobody has asked yet
    started(database, nightly(runs)).look()

    assert runs.number == 0
    assert rows(database) == [("2026-03-06T03:30", 3, "failed")]
    assert result(database) == "failed 3 times: cut off"
    assert [said.message for said in caplog.records] == ["job was cut off"]  # the children said the others
    hands.wait(DAY)
    started(database, nightly(runs)).look()
    assert runs.number == 1


@pytest.mark.slow
def test_a_run_that_was_killed_once_is_done_after_the_start(
    database: Database, hands: Hands, runs: Runs, tmp_path: Path
) -> None:
    killed = """
        import os
        clock.now = lambda: datetime(2026, 3, 6, 12, tzinfo=UTC)
        Timetable(database, (Job("retrain", "30 3 * * *", lambda: os._exit(9)),), zone=UTC).look()
    """
    started(database, nightly(runs))
    hands.wait(DAY)
    child(tmp_path, killed).wait()

    table = started(database, nightly(runs))
    table.look()
    table.look()

    assert runs.number == 1
    assert rows(database) == [("2026-03-06T03:30", 2, "done")]


def test_a_run_of_an_earlier_process_with_our_number_is_not_taken_for_ours(
    database: Database, hands: Hands, runs: Runs
) -> None:
    table = started(database, nightly(runs))
    hands.wait(DAY)
    with database.transaction() as connection:
        row = {"claimant": f"{os.getpid()} 1 0123456789abcdef", "now": to_text(hands.now)}
        begun = "('retrain', '2026-03-06T03:30', 1, 'running', :claimant, :now)"
        columns = "(name, period, tries, state, claimant, started_at)"
        connection.execute(text(f"INSERT INTO runs {columns} VALUES {begun}"), row)

    table.look()

    assert rows(database) == [("2026-03-06T03:30", 2, "done")]


@pytest.mark.slow
def test_processes_on_one_ledger_run_each_period_once(database: Database, tmp_path: Path) -> None:
    looking = """
        start = datetime(2026, 3, 6, 0, 30, tzinfo=UTC)
        clock.now = lambda: now
        now = start
        job = Job("digest", "0 * * * *", lambda: note(now.isoformat()) or "")
        table = Timetable(database, (job,), zone=UTC)
        table.plan(now)
        for number in range(1, 41):
            now = start + number * timedelta(hours=1)
            asked = f"SELECT 1 FROM runs WHERE state = 'done' AND period = '{now:%Y-%m-%dT%H}:00'"
            while True:
                table.look()
                with database.reading() as connection:
                    if connection.exec_driver_sql(asked).first():
                        break
    """
    processes = [child(tmp_path, looking) for _ in range(3)]

    assert [process.wait() for process in processes] == [0, 0, 0]
    start = datetime(2026, 3, 6, 0, 30, tzinfo=UTC)
    assert sorted(notes(tmp_path)) == [(start + number * HOUR).isoformat() for number in range(1, 41)]


@pytest.mark.slow
def test_a_process_that_was_frozen_when_the_job_was_due_runs_it_once_and_late(
    database: Database, tmp_path: Path
) -> None:
    frozen = """
        timetable._LOOK_EVERY = 0.2
        begun = datetime.now(UTC)
        shift = datetime(2026, 3, 6, 3, 29, 58, tzinfo=UTC) - begun
        clock.now = lambda: datetime.now(UTC) + shift
        table = Timetable(database, (Job("retrain", "30 3 * * *", lambda: note("ran") or ""),), zone=UTC)
        table.start({})
        note("started")
        time.sleep(30)
    """
    process = child(tmp_path, frozen)
    wait_for_notes(tmp_path, 1)
    try:
        process.send_signal(signal.SIGSTOP)
        time.sleep(4.0)
        assert notes(tmp_path) == ["started"]
        process.send_signal(signal.SIGCONT)
        wait_for_notes(tmp_path, 2)
        time.sleep(1.0)
        assert notes(tmp_path) == ["started", "ran"]
    finally:
        process.kill()
        process.wait()


# Ledgers of before


def ledger_of_0002(folder: Path, due: datetime) -> Database:
    """A ledger as the version before wrote it, opened by this one."""
    engine = create_engine(f"sqlite:///{folder}/old.db")
    config = Config()
    config.set_main_option("script_location", str(Path(daemon.__file__ or "").parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        row = {"due": to_text(due), "ran": to_text(due - DAY)}
        values = f"('retrain', '{NIGHTLY}', :due, :ran, :ran, 'trained v1')"
        connection.execute(text(f"INSERT INTO jobs VALUES {values}"), row)
    engine.dispose()
    return open_database(f"sqlite:///{folder}/old.db")


@pytest.mark.sqlite("what older versions wrote, which knew no other")
def test_a_job_of_an_older_ledger_that_was_not_due_yet_waits_for_its_time(
    tmp_path: Path, hands: Hands, runs: Runs
) -> None:
    ledger = ledger_of_0002(tmp_path, due=datetime(2026, 3, 6, 3, 30, tzinfo=UTC))

    table = started(ledger, nightly(runs))
    table.look()

    assert runs.number == 0
    assert result(ledger) == "trained v1"
    assert due_at(ledger) == datetime(2026, 3, 6, 3, 30, tzinfo=UTC)
    look_for(table, hands, 2 * DAY)
    assert runs.number == 2
    ledger.close()


@pytest.mark.sqlite("what older versions wrote, which knew no other")
@pytest.mark.parametrize("days", [0, 3])
def test_a_job_of_an_older_ledger_that_was_overdue_runs_once(
    tmp_path: Path, hands: Hands, runs: Runs, days: int
) -> None:
    ledger = ledger_of_0002(tmp_path, due=datetime(2026, 3, 5, 3, 30, tzinfo=UTC) - days * DAY)

    for _ in range(2):
        table = started(ledger, nightly(runs))
        table.look()

    assert runs.number == 1
    assert rows(ledger) == [("2026-03-05T03:30", 1, "done")]
    ledger.close()
