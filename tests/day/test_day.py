"""A day shows what it is to show: parts of it in milliseconds, and a quarter of an hour lived."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from daemon.database import open_database
from daemon.tables import SQLITE
from tests.day import keeping, plan, plants, reckoning, truth, writing
from tests.day.hours import Hours
from tests.day.living import live
from tests.day.looking import Look
from tests.day.plan import Plan
from tests.day.reckoning import HOUR, Series
from tests.day.truth import Count
from tests.faults.way import prepare


def looks(*, grows: float = 0.0, leaks: float = 0.0, threads: float = 0.0, databases: float = 0.0) -> Series:
    """Twelve hours of a process, looked at each two minutes; MiB, files and threads more an hour."""
    found = []
    for number in range(360):
        hour = number / 30
        wave = (number % 7) * 0.3
        found.append(
            Look(
                hour * HOUR,
                "daemon",
                1,
                200.0 + grows * hour + wave,
                0.0,
                20 + int(threads * hour) + number % 3,
                30 + int(leaks * hour) + number % 5,
                5 + int(databases * hour),
                (("socket", 10 + int(leaks * hour)),),
            )
        )
    return Series("daemon", 1, tuple(found))


def test_a_process_that_holds_what_it_held_has_not_grown() -> None:
    assert reckoning.grown(looks()) == []


def test_memory_that_grows_faster_than_promised_is_found_with_its_interval() -> None:
    found = reckoning.slope(looks(grows=2.0))

    assert found is not None
    assert found.low < 2.0 < found.high
    assert found.high - found.low < 0.2
    assert any("memory" in fault for fault in reckoning.grown(looks(grows=2.0)))


def test_memory_that_is_filled_once_in_the_first_hour_is_no_growth() -> None:
    filled = looks()
    warm = tuple(replace(look, rss=look.rss - max(0.0, 60.0 - look.at / 60.0)) for look in filled.looks)

    assert reckoning.grown(replace(filled, looks=warm)) == []


@pytest.mark.parametrize("what", ["leaks", "threads"])
def test_files_and_threads_that_stay_are_found_with_their_kind(what: str) -> None:
    [fault] = reckoning.grown(looks(**{what: 1.0}))

    assert (
        "+8 socket" in fault or "+9 socket" in fault or "+10 socket" in fault
        if what == "leaks"
        else "threads" in fault
    )


def test_connections_beyond_those_of_a_pool_are_found_and_those_of_it_are_not() -> None:
    assert reckoning.grown(looks(databases=1.0)) == []
    assert any("databases" in fault for fault in reckoning.grown(looks(databases=2.0)))


def said(**changes: object) -> dict[str, object]:
    """What status says of a ledger with three articles of which one was alerted."""
    return {
        "files": {"done": 3, "articles": 3},
        "deliveries": {"newsroom": {"sent": 1}},
        "feedback": {},
        "training": {"states": {}},
        "inbox": {"missing": False, "files": 0, "oldest_seconds": None},
        "in_failed": 0,
        "wishes": [],
        "holds": [],
        "disk": {},
        "jobs": [],
        "model": "m",
    } | changes


def counted(**numbers: float) -> Count:
    """What we count of the same."""
    plain = {"inbox.missing": 0.0, "inbox.files": 0.0, "in_failed": 0.0, "inbox.oldest": 0.0}
    ours = plain | {"articles": 3.0, "files.done": 3.0, "deliveries.newsroom.sent": 1.0} | numbers
    return Count(ours, {"jobs": {}, "model": "m"})


def test_status_that_tells_what_is_so_is_true() -> None:
    assert truth.compared(said(), [counted(), counted()]) == []


@pytest.mark.parametrize(
    "lie",
    [
        {"files": {"done": 3, "articles": 2}},
        {"deliveries": {"newsroom": {"sent": 2}}},
        {"deliveries": {}},
        {"in_failed": 1},
        {"inbox": {"missing": True, "files": 0, "oldest_seconds": None}},
        {"inbox": {"missing": False, "files": 5, "oldest_seconds": 1.0}},
        {"holds": [{}]},
        {"model": "another"},
        {"jobs": [{"name": "backup", "finished_at": "2026-01-01", "result": "x"}]},
    ],
    ids=str,
)
def test_status_that_tells_anything_else_is_found(lie: dict[str, object]) -> None:
    assert truth.compared(said(**lie), [counted(), counted()]) != []


def test_status_may_tell_any_moment_while_it_ran_and_none_before_or_after() -> None:
    during = [counted(articles=3.0), counted(articles=5.0)]

    assert truth.compared(said(files={"done": 3, "articles": 4}), during) == []
    assert truth.compared(said(files={"done": 3, "articles": 6}), during) != []


def test_a_backup_without_its_last_rows_is_found(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.db"
    database = open_database(f"{SQLITE}{ledger}")
    with closing(sqlite3.connect(ledger, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("INSERT INTO holds VALUES ('newsroom', 'ana', '', '2026-01-01')")
        ours = keeping.prints(connection)
        plain = tmp_path / "plain.db"
        plain.write_bytes(ledger.read_bytes())  # as plants.rows does: without the log beside it
    database.close()

    with closing(sqlite3.connect(plain)) as connection:
        theirs = keeping.prints(connection)

    assert keeping.differing(ours, theirs) == ["holds has 0 rows, and the ledger had 1"]
    assert keeping.differing(ours, ours) == []


def test_the_hours_pass_as_fast_as_told_and_the_wall_clock_alone_can_be_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAY_HOURS", "")
    hours = Hours.begin(tmp_path, speed=3600.0)
    ours, theirs = hours.monotonic(), Hours.of_environment().monotonic()
    hours.set_wrong(7200.0)

    assert 0 <= theirs - ours < 3600.0
    assert Hours.of_environment().now().timestamp() - hours.true_time() == pytest.approx(7200.0, abs=1800.0)
    assert hours.monotonic() - ours < 7200.0


def test_a_full_day_has_each_fault_and_those_that_end_a_life_come_last() -> None:
    day = plan.full(20.0, 24.0, 5000, 7)

    assert set(day.faults) == {plan.FIRST, *plan.LIVED, *plan.ENDING}
    assert day.faults[-len(plan.ENDING) :] == plan.ENDING
    assert len(day.faults) >= day.minutes
    [(first, _), *_] = [each for each in day.moments() if each[1] in plan.ENDING]
    assert first * day.speed / HOUR >= 12.0


def test_a_day_with_a_plant_has_the_faults_that_show_it_and_none_that_ends_a_life() -> None:
    planted = plan.full(5.0, 6.0, 1000, 1, ("thread", "rows"))

    assert {"configuration reloaded", "the ledger is locked"} == set(planted.faults)
    assert planted.faults.count("configuration reloaded") >= 3
    assert planted.plant == "thread,rows"


def test_every_format_is_written_in_every_language() -> None:
    given = [writing.article(number, 1) for number in range(40)]

    assert {each.language for each in given} == set(writing.LANGUAGES)
    assert all(write(each) for each in given for _, write in writing.FORMATS.values())


def test_each_plant_is_put_where_there_is_something() -> None:
    assert set(plants.PLANTS) == {"list", "descriptor", "thread", "lie", "rows"}


@pytest.mark.slow
@pytest.mark.timeout(600)  # on a machine that is busy with other things
def test_a_quarter_of_an_hour_with_faults_holds_what_a_day_promises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAY_HOURS", os.environ.get("DAY_HOURS", ""))
    prepare(tmp_path / "model-home", {}, ledger=False)
    faults = ("slack answers 500", "the ledger is locked")
    short = Plan(0.2, 0.24, 60, 1, samples=1, faults=faults, desk=False, digests="*/5 * * * *", restored=1)

    lived = live(tmp_path, short, models=tmp_path / "model-home" / "models")

    assert lived.findings == []
    assert [each.name for each in lived.faults] == list(faults)
    assert sum(each.numbers for each in lived.checked) > 10
    assert lived.facts["backups"].startswith("1 still")
