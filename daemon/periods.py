"""Periods: which run of a job a moment belongs to, and whether it is still owed.

Pure arithmetic: no clock, no database. A period is named by the nominal local time of a cron line,
"2026-03-29T02:30", with local time read as plain numbers on the wall. So a time that DST leaves out
or brings twice is still exactly one period.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from functools import lru_cache

from apscheduler.triggers.cron import CronTrigger

from daemon.config import schedule

MOST_TRIES = 3  # of one period

_FARTHEST = 8 * 366 * 24 * 60  # minutes; between two leap days lie up to eight years
_DAY = 24 * 60 * 60


class RunState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Run:
    """What the ledger knows of one period of a job."""

    tries: int
    state: RunState


def local_time(now: datetime, zone: tzinfo) -> datetime:
    """How far the clock on the wall has come at a moment; never back, unless `now` goes back.

    In an hour that comes a second time the hand stands still at the end of the first pass.
    """
    here = now.astimezone(zone)
    if not here.fold:
        return here.replace(tzinfo=None)
    before, after = here.replace(fold=0).utcoffset(), here.utcoffset()
    assert before is not None
    assert after is not None
    seconds = range(int((now - (before - after)).timestamp()), int(now.timestamp()) + 1)
    turn = seconds[bisect_left(seconds, True, key=lambda s: _utc(s).astimezone(zone).utcoffset() != before)]
    return (_utc(turn) + before).replace(tzinfo=None) - timedelta(microseconds=1)


def moment_of(period: str, zone: tzinfo) -> datetime:
    """The first moment at which the local clock has come to a period's time, to the second."""
    nominal = datetime.fromisoformat(period)
    middle = int(nominal.replace(tzinfo=UTC).timestamp())
    seconds = range(middle - _DAY, middle + _DAY)
    return _utc(seconds[bisect_left(seconds, True, key=lambda s: local_time(_utc(s), zone) >= nominal)])


def current_period(cron: str, local: datetime) -> str | None:
    """The last nominal time of a cron line at or before a local time; None without one in eight years."""
    trigger, minute = _trigger(cron), local.replace(second=0, microsecond=0, tzinfo=UTC)

    def fires_within(minutes: int) -> bool:
        found = trigger.get_next_fire_time(None, minute - timedelta(minutes=minutes))
        return found is not None and found <= minute

    # A cron line only tells its next time: look ahead from twice as far back until one lies between.
    farthest = 0
    while not fires_within(farthest):
        if farthest == _FARTHEST:
            return None
        farthest = min(2 * farthest + 1, _FARTHEST)
    back = bisect_left(range(farthest), True, lo=farthest // 2, key=fires_within)
    return _name(minute - timedelta(minutes=back))


def next_period(cron: str, local: datetime) -> str | None:
    """The first nominal time of a cron line after a local time; None if there is none any more."""
    after = local.replace(tzinfo=UTC) + timedelta(microseconds=1)
    found = _trigger(cron).get_next_fire_time(None, after)
    return None if found is None else _name(found)


def plan(current: str | None, earlier: str | None = None) -> str:
    """The last period that a job is not owed: the current one when it is planned, for it owes no past.

    A plan (`earlier`) that lies ahead was made by a clock that has been set back since; to keep it
    would silence the job until then, so it comes down to the current period.
    """
    now = current or ""
    return now if earlier is None else min(earlier, now)


def is_owed(period: str | None, *, planned: str, run: Run | None, resting: bool = False) -> bool:
    """Whether the current period of a job is to be run now.

    `planned` is the period in which the job was planned, `run` what the ledger knows of the current
    one, `resting` whether its last failure was a moment ago.
    """
    if period is None or period <= planned:
        return False
    if run is None:
        return True
    return run.state is RunState.FAILED and run.tries < MOST_TRIES and not resting


def failure(reason: str, tries: int) -> str:
    """One line for the ledger: what went wrong, and whether it will be tried again."""
    last = tries >= MOST_TRIES
    return (f"failed {tries} times: {reason}" if last else f"failed: {reason}")[:500]


@lru_cache(maxsize=64)
def _trigger(cron: str) -> CronTrigger:
    return schedule(cron, UTC)


def _name(nominal: datetime) -> str:
    return nominal.strftime("%Y-%m-%dT%H:%M")


def _utc(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
