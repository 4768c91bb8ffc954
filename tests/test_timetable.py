"""The timetable: what is due runs once, whatever stops, freezes or sets the clock in between."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NoReturn

import pytest
from sqlalchemy import text

from daemon import clock, timetable
from daemon.clock import from_text, to_text
from daemon.config import schedule
from daemon.database import Database
from daemon.timetable import Job, Timetable

NIGHTLY, HOURLY = "30 3 * * *", "0 * * * *"
DAY = timedelta(days=1)


class Runs:
    """Counts how often a job ran."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self) -> str:
        self.number += 1
        return f"run {self.number}"


@pytest.fixture
def runs() -> Runs:
    return Runs()


def planned(database: Database, *jobs: Job, now: datetime | None = None) -> Timetable:
    """As after a start of the daemon."""
    found = Timetable(database, jobs)
    found.plan(now or clock.now())
    return found


def nightly(run: Callable[[], str], cron: str = NIGHTLY) -> Job:
    return Job("retrain", cron, run)


def listed(database: Database) -> list[dict[str, str | None]]:
    with database.reading() as connection:
        return timetable.listed(connection)


def due_at(database: Database) -> datetime:
    return from_text(listed(database)[0]["due_at"] or "")


def set_due(database: Database, moment: datetime) -> None:
    with database.transaction() as connection:
        connection.execute(text("UPDATE jobs SET due_at = :due"), {"due": to_text(moment)})


def test_a_new_job_is_due_at_its_next_time_and_not_before(database: Database, runs: Runs) -> None:
    now = clock.now()

    planned(database, nightly(runs), now=now).look()

    assert due_at(database) == schedule(NIGHTLY).get_next_fire_time(None, now)
    assert now < due_at(database) <= now + DAY + timedelta(hours=1)  # a night may have 25 hours
    assert runs.number == 0


def test_a_job_that_is_due_runs_once_and_the_ledger_says_what_came_of_it(
    database: Database, runs: Runs
) -> None:
    table = planned(database, nightly(runs))
    set_due(database, clock.now() - timedelta(seconds=1))

    table.look()
    table.look()

    assert runs.number == 1
    (job,) = listed(database)
    assert (job["name"], job["schedule"], job["result"]) == ("retrain", NIGHTLY, "run 1")
    assert job["started_at"] is not None
    assert job["finished_at"] is not None
    assert job["started_at"] <= job["finished_at"]
    assert due_at(database) > clock.now()


def test_when_it_is_due_survives_a_restart(database: Database, runs: Runs) -> None:
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    planned(database, nightly(runs))
    set_due(database, long_ago)

    again = planned(database, nightly(runs))

    assert due_at(database) == long_ago
    again.look()
    assert runs.number == 1


def test_what_was_due_several_times_while_we_were_down_runs_once(database: Database, runs: Runs) -> None:
    planned(database, nightly(runs, HOURLY))
    set_due(database, clock.now() - 10 * DAY)

    table = planned(database, nightly(runs, HOURLY))
    for _ in range(3):
        table.look()

    assert runs.number == 1
    assert due_at(database) > clock.now()


def test_a_job_that_ran_is_not_run_again_after_a_restart(database: Database, runs: Runs) -> None:
    table = planned(database, nightly(runs))
    set_due(database, clock.now() - DAY)
    table.look()

    planned(database, nightly(runs)).look()

    assert runs.number == 1


def test_a_changed_cron_line_is_planned_anew(database: Database, runs: Runs) -> None:
    now = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
    planned(database, nightly(runs), now=now)

    planned(database, nightly(runs, HOURLY), now=now)

    (job,) = listed(database)
    assert job["schedule"] == HOURLY
    assert now <= due_at(database) <= now + timedelta(hours=1)


def test_after_the_clock_was_set_back_a_job_that_ran_is_not_run_again(database: Database, runs: Runs) -> None:
    table = planned(database, nightly(runs))
    set_due(database, clock.now() - timedelta(seconds=1))
    table.look()

    set_due(database, due_at(database) + timedelta(hours=1))  # an hour that comes a second time
    table.look()

    assert runs.number == 1


def test_after_the_clock_went_forward_a_year_a_job_runs_once(database: Database, runs: Runs) -> None:
    table = planned(database, nightly(runs))
    set_due(database, clock.now() - 365 * DAY)

    table.look()
    table.look()

    assert runs.number == 1


def test_a_job_that_fails_is_logged_and_due_again_at_its_next_time(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> NoReturn:
        raise RuntimeError("labels/own.tsv:3: should be topics, one tab, text")

    table = planned(database, nightly(fail))
    set_due(database, clock.now() - DAY)

    table.look()

    (job,) = listed(database)
    assert job["result"] == "failed: labels/own.tsv:3: should be topics, one tab, text"
    assert due_at(database) > clock.now()
    (said,) = caplog.records
    assert (said.levelname, said.message, vars(said)["job"]) == ("ERROR", "job failed", "retrain")
    assert "own.tsv:3" in vars(said)["error"]


def test_a_job_that_fails_does_not_keep_the_next_from_running(database: Database, runs: Runs) -> None:
    def fail() -> NoReturn:
        raise RuntimeError("no")

    table = planned(database, Job("first", NIGHTLY, fail), Job("second", NIGHTLY, runs))
    set_due(database, clock.now() - DAY)

    table.look()

    assert runs.number == 1


def test_a_job_that_was_cut_off_runs_again_after_the_start(database: Database, runs: Runs) -> None:
    def cut_off() -> NoReturn:
        raise KeyboardInterrupt

    table = planned(database, nightly(cut_off))
    set_due(database, clock.now() - DAY)
    with pytest.raises(KeyboardInterrupt):
        table.look()

    planned(database, nightly(runs)).look()

    assert runs.number == 1


def test_a_job_that_is_turned_off_is_neither_planned_nor_run(database: Database, runs: Runs) -> None:
    table = planned(database, nightly(runs, "never"))

    table.look()

    assert listed(database) == []
    assert runs.number == 0


def test_a_job_that_was_turned_off_stays_where_it_was_and_does_not_run(
    database: Database, runs: Runs
) -> None:
    planned(database, nightly(runs))
    set_due(database, clock.now() - DAY)

    planned(database, nightly(runs, "never")).look()

    assert runs.number == 0


def test_an_endless_failure_is_cut_for_the_ledger(database: Database) -> None:
    def fail() -> NoReturn:
        raise RuntimeError("x" * 10_000)

    table = planned(database, nightly(fail))
    set_due(database, clock.now() - DAY)

    table.look()

    assert len(listed(database)[0]["result"] or "") == 500


def test_it_plans_when_it_starts_and_leaves_no_thread_when_it_stops(database: Database, runs: Runs) -> None:
    before = threading.active_count()
    table = Timetable(database, (nightly(runs),))

    table.start({"rescan": lambda: None})
    assert [job["name"] for job in listed(database)] == ["retrain"]
    assert threading.active_count() > before
    table.stop()
    table.stop()

    for thread in threading.enumerate():
        if thread.name.startswith("APScheduler"):
            thread.join(2.0)
    assert threading.active_count() == before


def test_to_stop_what_never_started_does_nothing(database: Database, runs: Runs) -> None:
    Timetable(database, (nightly(runs),)).stop()
