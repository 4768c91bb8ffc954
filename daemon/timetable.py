"""The timetable: what is due stands in the ledger, and a clock only makes us look.

APScheduler holds nothing that could be lost: after a stop, a freeze or a change of the clock
the next look finds what is due, once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Connection, text

from daemon import clock
from daemon.clock import from_text, to_text
from daemon.config import schedule
from daemon.database import Database

logger = logging.getLogger(__name__)

NEVER = "never"
_LOOK_EVERY = 20  # seconds
_RESCAN_EVERY = 60  # seconds

_JOB = text("SELECT schedule, due_at FROM jobs WHERE name = :name")
_PLAN = text(
    """
    INSERT INTO jobs (name, schedule, due_at)
    VALUES (:name, :schedule, :due_at)
    ON CONFLICT (name)
    DO UPDATE SET schedule = excluded.schedule, due_at = excluded.due_at
    """
)
_FORGET = text("DELETE FROM jobs WHERE name = :name")
_START = text("UPDATE jobs SET started_at = :now WHERE name = :name AND due_at = :due_at")
_FINISH = text(
    """
    UPDATE jobs
    SET finished_at = :now, result = :result, due_at = :due_at
    WHERE name = :name
    """
)
_LIST = text("SELECT name, schedule, due_at, started_at, finished_at, result FROM jobs ORDER BY name")


@dataclass(frozen=True, slots=True)
class Job:
    """Something that is due by a cron line. Its result is one line for the ledger."""

    name: str
    cron: str
    run: Callable[[], str]


class Timetable:
    """Runs what is due, one after the other, and wakes the workers now and then."""

    def __init__(self, database: Database, jobs: tuple[Job, ...]) -> None:
        self._database = database
        self._jobs = tuple(job for job in jobs if job.cron != NEVER)
        self._off = tuple(job.name for job in jobs if job.cron == NEVER)
        self._scheduler = BackgroundScheduler(
            # Without these a run that comes a second late is dropped (measured).
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )

    def start(self, wakes: Mapping[str, Callable[[], None]]) -> None:
        """Begin to look; `wakes` are called every minute whatever else happens."""
        self.plan(clock.now())
        self._scheduler.add_job(self.look, "interval", seconds=_LOOK_EVERY, id="due")
        for name, wake in wakes.items():
            self._scheduler.add_job(wake, "interval", seconds=_RESCAN_EVERY, id=name)
        self._scheduler.start()

    def stop(self) -> None:
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def plan(self, now: datetime) -> None:
        """Write when each job is due, where that is not written yet or its cron line changed."""
        with self._database.transaction() as connection:
            for name in self._off:
                connection.execute(_FORGET, {"name": name})
            for job in self._jobs:
                row = connection.execute(_JOB, {"name": job.name}).one_or_none()
                if row is None or row[0] != job.cron:
                    connection.execute(
                        _PLAN, {"name": job.name, "schedule": job.cron, "due_at": _next(job, now)}
                    )

    def look(self) -> None:
        """Run every job that is due. A job that fails is due again at its next time."""
        for job in self._jobs:
            now = clock.now()
            due_at = self._begin(job, now)
            if due_at is None:
                continue
            try:
                result = job.run()
            except Exception as error:
                result = f"failed: {error}"[:500]
                logger.error("job failed", extra={"job": job.name, "error": str(error)})
            with self._database.transaction() as connection:
                row = {"name": job.name, "now": to_text(clock.now()), "result": result}
                # A clock that was set back meanwhile must not bring the same time again.
                after = max(clock.now(), due_at)
                connection.execute(_FINISH, row | {"due_at": _next(job, after)})

    def _begin(self, job: Job, now: datetime) -> datetime | None:
        """When the job was due, if it is due now; and that it has begun is written."""
        with self._database.transaction() as connection:
            row = connection.execute(_JOB, {"name": job.name}).one_or_none()
            if row is None or from_text(row[1]) > now:
                return None
            connection.execute(_START, {"name": job.name, "due_at": row[1], "now": to_text(now)})
            return from_text(row[1])


def listed(connection: Connection) -> list[dict[str, str | None]]:
    """Every job with when it is due, when it last ran, and what came of it."""
    return [dict(row) for row in connection.execute(_LIST).mappings()]


def _next(job: Job, now: datetime) -> str:
    found = schedule(job.cron).get_next_fire_time(None, now)
    if found is None:
        raise ValueError(f"{job.name}: {job.cron!r} is never due")
    return to_text(found)
