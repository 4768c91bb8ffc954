"""The timetable: what is due stands in the ledger, and a clock only makes us look.

Each job runs exactly once for its period. APScheduler holds nothing that could be lost: after a
stop, a freeze or a change of the clock the next look finds the period that is owed. Which period
that is stands in `periods`.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from functools import partial

from apscheduler.executors.base import BaseExecutor, run_job
from apscheduler.job import Job as Tick
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from sqlalchemy import Connection, Text, bindparam, text
from sqlalchemy.exc import SQLAlchemyError
from tzlocal import get_localzone

from daemon import claims, clock, periods
from daemon.clock import from_text, to_text
from daemon.database import Database, plainly
from daemon.errors import DaemonError
from daemon.leases import TIMETABLE, AllOurs, Leases
from daemon.periods import Run, RunState

logger = logging.getLogger(__name__)

NEVER = "never"
_LOOK_EVERY = 20.0  # seconds
_RESCAN_EVERY = 60.0  # seconds
_COMPARE_EVERY = 5.0  # seconds
_CHANGED = 10.0  # seconds between wall and monotonic clock that somebody set
_REST = 600.0  # seconds after a failure
_INSTANT = timedelta(microseconds=1)

_JOB = text("SELECT schedule, due_at, planned_period FROM jobs WHERE name = :name")
_PLAN = text(
    """
    INSERT INTO jobs (name, schedule, due_at, planned_period)
    VALUES (:name, :schedule, :due_at, :planned)
    ON CONFLICT (name)
    DO UPDATE SET
        schedule = excluded.schedule,
        due_at = excluded.due_at,
        planned_period = excluded.planned_period
    """
)
_FORGET_OTHERS = text("DELETE FROM jobs WHERE name NOT IN :names").bindparams(
    bindparam("names", expanding=True, type_=Text())
)
_IN_HAND = text("SELECT period, tries, claimant FROM runs WHERE name = :name AND state = 'running'")
_RUN = text("SELECT tries, state FROM runs WHERE name = :name AND period = :period")
_CLAIM = text(
    """
    INSERT INTO runs (name, period, tries, state, claimant, started_at)
    VALUES (:name, :period, :tries, 'running', :claimant, :now)
    ON CONFLICT (name, period)
    DO UPDATE SET
        tries = excluded.tries,
        state = excluded.state,
        claimant = excluded.claimant,
        started_at = excluded.started_at,
        finished_at = NULL,
        result = NULL
    WHERE runs.state = 'failed' AND runs.tries = excluded.tries - 1
    RETURNING tries
    """
)
_END = text(
    """
    UPDATE runs
    SET state = :state, finished_at = :now, result = :result
    WHERE name = :name AND period = :period AND tries = :tries AND state = 'running'
    RETURNING tries
    """
)
_STARTED = text("UPDATE jobs SET started_at = :now WHERE name = :name")
_FINISHED = text("UPDATE jobs SET finished_at = :now, result = :result WHERE name = :name")
_LIST = text("SELECT name, schedule, due_at, started_at, finished_at, result FROM jobs ORDER BY name")


@dataclass(frozen=True, slots=True)
class Job:
    """Something that is due by a cron line. Its result is one line for the ledger.

    Its periods are in `zone`; None is the timetable's.
    """

    name: str
    cron: str
    run: Callable[[], str]
    zone: tzinfo | None = None


@dataclass(frozen=True, slots=True)
class _Claim:
    """One try of a period that is ours alone to run."""

    name: str
    period: str
    tries: int


@dataclass(frozen=True, slots=True)
class _Ending:
    claim: _Claim
    state: RunState
    result: str


class Timetable:
    """Runs each job once for its period, each in a thread of its own, and wakes the workers now and then.

    Periods are in the job's zone, or else in `zone`: the machine's as it was at the start unless told
    otherwise. Of several daemons of a ledger one does so, by its lease.
    """

    def __init__(
        self,
        database: Database,
        jobs: tuple[Job, ...],
        *,
        zone: tzinfo | None = None,
        leases: Leases | None = None,
    ) -> None:
        self._leases = leases or AllOurs()
        self._leads = False
        self._planning = threading.Lock()
        self._database = database
        self._jobs = tuple(job for job in jobs if job.cron != NEVER)
        self._zone = zone or get_localzone()
        self._unwritten: dict[str, _Ending] = {}
        self._rests_until: dict[str, float] = {}  # by the monotonic clock
        self._clocks: tuple[datetime, float] | None = None
        self._scheduler = BackgroundScheduler(
            executors={"default": _Threads()},
            # Without these a tick that comes a second late is dropped (measured).
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    def start(self, wakes: Mapping[str, Callable[[], None]]) -> None:
        """Begin to look; `wakes` are called every minute whatever else happens."""
        self.plan(clock.now())
        # It would warn at every look while a long job runs.
        logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
        for job in self._jobs:
            self._scheduler.add_job(partial(self._glance, job), _Every(_LOOK_EVERY), id=f"job {job.name}")
        for name, wake in wakes.items():
            self._scheduler.add_job(wake, _Every(_RESCAN_EVERY), id=name)
        self._scheduler.start()

    def stop(self) -> None:
        """Begin nothing more. A run in hand is not waited for; the next start finds that it was cut off."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def work(self) -> float:
        """Look at once where somebody set the clock; the seconds until this wants to be called again.

        APScheduler waits for a time on the wall, so a clock that was set back by an hour would
        silence it for that hour (measured). The caller waits by the monotonic clock.
        """
        now = (clock.now(), clock.monotonic())
        before, self._clocks = self._clocks or now, now
        moved = (now[0] - before[0]).total_seconds() - (now[1] - before[1])
        if abs(moved) > _CHANGED and self._scheduler.running:
            logger.warning("the clock was changed", extra={"seconds": round(moved)})
            for tick in self._scheduler.get_jobs():
                tick.modify(next_run_time=now[0])
        return _COMPARE_EVERY

    def plan(self, now: datetime) -> None:
        """Write from when on each job is owed, where that is not written yet or its cron line changed.

        A job that is off, or that there is no more, is forgotten. Left to the daemon that leads, if that is
        another one.
        """
        self._leads = self._leases.holds(TIMETABLE)
        if not self._leads:
            return
        with self._database.transaction() as connection:
            connection.execute(_FORGET_OTHERS, {"names": [job.name for job in self._jobs]})
            for job in self._jobs:
                local = self._local(job, now)
                row = connection.execute(_JOB, {"name": job.name}).one_or_none()
                if row is None or row.schedule != job.cron:
                    planned = periods.plan(periods.current_period(job.cron, local))
                    _write_plan(connection, job, self._due_at(job, local), planned)
                elif row.planned_period is None:  # from a ledger that knew only when the job is due
                    before = self._local(job, from_text(row.due_at)) - _INSTANT
                    planned = periods.plan(periods.current_period(job.cron, before))
                    _write_plan(connection, job, row.due_at, planned)

    def look(self) -> None:
        """Run every job that is owed, one after the other, in this thread."""
        for job in self._jobs:
            self._look(job)

    def _glance(self, job: Job) -> None:
        """The same as APScheduler calls it, which would log a trace where the ledger is away for a while."""
        try:
            self._look(job)
        except (SQLAlchemyError, DaemonError) as error:
            said = {"job": job.name, "error": plainly(error)}
            logger.warning("it cannot be seen whether a job is due, it is looked at again", extra=said)

    def _look(self, job: Job) -> None:
        """Run a job if its current period is owed, and write what came of it.

        An ending that the ledger would not take is kept and written at the next look: a job that
        ran must not run again because the disk was full for a moment.
        """
        ending = self._unwritten.get(job.name)
        if ending is None:
            claim = self._claim(job) if self._may_look() else None
            if claim is None:
                return
            ending = self._unwritten[job.name] = self._run(job, claim)
        with self._database.transaction() as connection:
            _write_ending(connection, ending)
        self._unwritten.pop(job.name, None)

    def _may_look(self) -> bool:
        """Whether it is for this daemon to look; who begins to lead plans first, by its own configuration."""
        with self._planning:
            led, self._leads = self._leads, self._leases.holds(TIMETABLE)
            if self._leads and not led:
                self.plan(clock.now())
            return self._leads

    def _claim(self, job: Job) -> _Claim | None:
        """Take the current period of a job, so that nobody else runs it; None if it is not owed."""
        with self._database.transaction() as connection:
            now = clock.now()
            local = self._local(job, now)
            period = periods.current_period(job.cron, local)
            planned = self._follow(connection, job, local, period)
            if planned is None or period is None or _is_in_hand(connection, job):
                return None
            row = connection.execute(_RUN, {"name": job.name, "period": period}).one_or_none()
            run = Run(row.tries, RunState(row.state)) if row else None
            resting = clock.monotonic() < self._rests_until.get(job.name, 0.0)
            if not periods.is_owed(period, planned=planned, run=run, resting=resting):
                return None
            claim = _Claim(job.name, period, run.tries + 1 if run else 1)
            return claim if _write_claim(connection, claim, now) else None

    def _follow(self, connection: Connection, job: Job, local: datetime, current: str | None) -> str | None:
        """Bring a job's plan and its next time up to the clock; None where somebody else planned it."""
        row = connection.execute(_JOB, {"name": job.name}).one_or_none()
        if row is None or row.schedule != job.cron:
            return None
        planned, due_at = periods.plan(current, row.planned_period), self._due_at(job, local)
        if (planned, due_at) != (row.planned_period, row.due_at):
            _write_plan(connection, job, due_at, planned)
        return planned

    def _due_at(self, job: Job, local: datetime) -> str:
        period = periods.next_period(job.cron, local)
        if period is None:
            raise ValueError(f"{job.name}: {job.cron!r} is never due")
        return to_text(periods.moment_of(period, job.zone or self._zone))

    def _local(self, job: Job, moment: datetime) -> datetime:
        """How far the clock on the wall has come where a job is at home."""
        return periods.local_time(moment, job.zone or self._zone)

    def _run(self, job: Job, claim: _Claim) -> _Ending:
        try:
            return _Ending(claim, RunState.DONE, job.run())
        except (Exception, SystemExit) as error:
            told = {"job": job.name, "period": claim.period, "tries": claim.tries, "error": str(error)}
            logger.error("job failed", extra=told)
            self._rests_until[job.name] = clock.monotonic() + _REST
            return _Ending(claim, RunState.FAILED, periods.failure(str(error), claim.tries))


def listed(connection: Connection) -> list[dict[str, str | None]]:
    """Every job with when it is due next, when it last ran, and what came of it."""
    return [dict(row) for row in connection.execute(_LIST).mappings()]


def _write_plan(connection: Connection, job: Job, due_at: str, planned: str) -> None:
    row = {"name": job.name, "schedule": job.cron, "due_at": due_at, "planned": planned}
    connection.execute(_PLAN, row)


def _is_in_hand(connection: Connection, job: Job) -> bool:
    """Whether the job is being run; a run whose process is no more is written as cut off."""
    for row in connection.execute(_IN_HAND, {"name": job.name}).all():
        if claims.lives(row.claimant):
            return True
        told = {"job": job.name, "period": row.period, "tries": row.tries}
        logger.warning("job was cut off", extra=told)
        claim = _Claim(job.name, row.period, row.tries)
        _write_ending(connection, _Ending(claim, RunState.FAILED, periods.failure("cut off", row.tries)))
    return False


def _write_claim(connection: Connection, claim: _Claim, now: datetime) -> bool:
    """Whether the claim is ours: the ledger gives each try of a period to one only."""
    row = {
        "name": claim.name,
        "period": claim.period,
        "tries": claim.tries,
        "claimant": claims.claimant(),
        "now": to_text(now),
    }
    ours = connection.execute(_CLAIM, row).one_or_none() is not None
    if ours:
        connection.execute(_STARTED, {"name": claim.name, "now": to_text(now)})
    return ours


def _write_ending(connection: Connection, ending: _Ending) -> None:
    """Write how a try ended, if it is still the one in hand."""
    claim, now = ending.claim, to_text(clock.now())
    row = {"name": claim.name, "now": now, "result": ending.result}
    tried = row | {"period": claim.period, "tries": claim.tries, "state": ending.state}
    if connection.execute(_END, tried).one_or_none():
        connection.execute(_FINISHED, row)


class _Every(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """Due again so many seconds from now.

    APScheduler's own interval counts through every missed time: 1.6 million of them, 2.6 s, after
    the clock went forward by a year (measured).
    """

    def __init__(self, seconds: float) -> None:
        self._interval = timedelta(seconds=seconds)

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        return now + self._interval


class _Threads(BaseExecutor):  # type: ignore[misc]  # APScheduler has no types
    """A thread for each tick, so that a job that hangs holds up neither another nor the end of the daemon."""

    def _do_submit_job(self, tick: Tick, run_times: list[datetime]) -> None:
        threading.Thread(target=self._run, args=(tick, run_times), name=tick.id, daemon=True).start()

    def _run(self, tick: Tick, run_times: list[datetime]) -> None:
        try:
            events = run_job(tick, tick._jobstore_alias, run_times, self._logger.name)
        except BaseException as error:
            self._run_job_error(tick.id, error, sys.exc_info()[2])
        else:
            self._run_job_success(tick.id, events)
