"""How things stand: what waits, what is owed to whom and why, when jobs ran."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from daemon import deliveries, holds, ledger, outbox, status
from daemon.config import Settings
from daemon.database import Database
from daemon.records import DeliveryState, FileState
from daemon.timetable import Job, Timetable
from tests.builders import MINUTE, NOON, make_alert, make_settings, owe


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    found = make_settings(tmp_path / "home")
    found.inbox.mkdir(parents=True)
    return found


NOTHING_WAITS: dict[str, object] = {"files": 0, "oldest_seconds": None, "left_alone": {}, "missing": False}


def job_line(settings: Settings, database: Database) -> str:
    [line] = [each for each in status.lines(status.gather(settings, database)) if each.startswith("job ")]
    return line


def put_off(database: Database, receiver: str, state: DeliveryState, error: str) -> None:
    with database.transaction() as connection:
        found = deliveries.oldest(connection, receiver)
        assert found is not None
        started = outbox.start_sending(connection, found[0], now=NOON, lease=MINUTE)
        assert started is not None
        outbox.put_off(connection, started, state, due_at=NOON, error=error)


def test_a_new_home_has_nothing_to_tell(settings: Settings, database: Database) -> None:
    found = status.gather(settings, database)

    assert found["disk"]["inbox"] > 0
    assert {key: value for key, value in found.items() if key not in ("disk", "warnings")} == {
        "home": str(settings.home),
        "model": None,
        "inbox": NOTHING_WAITS,
        "files": {"articles": 0},
        "in_failed": 0,
        "deliveries": {},
        "owed": 0,
        "parked": 0,
        "dead": 0,
        "held": 0,
        "feedback": {},
        "wishes": [],
        "holds": [],
        "trouble": [],
        "jobs": [],
        "training": {"last": None, "states": {}},
        "daemons": [],
    }
    assert status.lines(found) == [
        f"home       {settings.home}",
        "model      none yet",
        "inbox      0 files",
        "ledger     0 articles from 0 files, 0 files in failed/",
        "alerts     0 owed, 0 parked, 0 dead",
    ]


def test_a_receiver_that_somebody_holds_is_told_with_the_reason(
    settings: Settings, database: Database
) -> None:
    with database.transaction() as connection:
        holds.put(connection, "desk", person="ana", reason="the channel moves", now=NOON)

    found = status.gather(settings, database)

    assert "hold       desk: since 2026-03-05T12:00:00.000000Z, ana: the channel moves" in status.lines(found)


def test_what_waits_in_the_inbox_is_counted_with_the_age_of_the_oldest(
    settings: Settings, database: Database
) -> None:
    (settings.inbox / "wire").mkdir()
    for name in ("a.txt", "wire/b.txt", ".hidden", "c.txt.part"):
        (settings.inbox / name).touch()
    os.utime(settings.inbox / "a.txt", (0, 0))  # a date of its own says nothing of how long it waits

    found = status.gather(settings, database)

    assert found["inbox"]["files"] == 2
    assert 0.0 <= found["inbox"]["oldest_seconds"] < 60.0
    assert status.lines(found)[2] == "inbox      2 files, the oldest for 0 s"


def test_an_inbox_that_is_missing_has_no_files(settings: Settings, database: Database) -> None:
    settings.inbox.rmdir()

    found = status.gather(settings, database)

    assert found["inbox"] == NOTHING_WAITS | {"missing": True}
    assert "inbox      missing" in status.lines(found)
    assert "the inbox is missing: nothing can be taken" in found["warnings"]


def test_what_is_left_alone_in_the_inbox_is_told_with_what_it_is(
    settings: Settings, database: Database
) -> None:
    (settings.inbox / "link.txt").symlink_to("/etc/hostname")
    os.mkfifo(settings.inbox / "pipe\n.txt")

    found = status.gather(settings, database)

    assert found["inbox"]["left_alone"] == {"link.txt": "a symbolic link", "pipe\\n.txt": "a pipe"}
    assert "left alone in the inbox: link.txt: a symbolic link" in found["warnings"]
    assert found["inbox"]["files"] == 0


def test_a_file_that_waits_too_long_is_a_warning(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    (settings.inbox / "a.txt").touch()
    later = time.time() + 301
    monkeypatch.setattr(time, "time", lambda: later)

    [warning] = [w for w in status.gather(settings, database)["warnings"] if "waited" in w]

    assert warning.startswith("a file has waited in the inbox for 30")


def test_a_disk_that_is_nearly_full_is_a_warning(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9, 5 * 2**20))

    assert "the disk of inbox is nearly full: 5 MiB left" in status.gather(settings, database)["warnings"]


def test_files_in_failed_are_counted_where_they_stand(settings: Settings, database: Database) -> None:
    settings.failed.mkdir()
    (settings.failed / "a.txt").touch()
    (settings.failed / "a.txt.error.json").touch()

    found = status.gather(settings, database)

    assert found["in_failed"] == 1
    assert "1 files in failed/; each says why in its .error.json" in found["warnings"]


def test_files_articles_deliveries_and_their_trouble_are_told(settings: Settings, database: Database) -> None:
    with database.transaction() as connection:
        for number in (1, 2, 3):
            owe(connection, make_alert("desk", number=number))
        owe(connection, make_alert("embassy", number=4))
        ledger.record_file(
            connection, fingerprint="f" * 64, name="x", size=0, state=FileState.FAILED, now=NOON
        )
    put_off(database, "desk", DeliveryState.DEAD, "Slack does not take the message: no_text")
    put_off(database, "desk", DeliveryState.PARKED, "Slack refuses: not_in_channel")

    found = status.gather(settings, database)

    assert found["files"] == {"done": 4, "failed": 1, "articles": 4}
    assert found["deliveries"] == {
        "desk": {"dead": 1, "parked": 1, "pending": 1},
        "embassy": {"pending": 1},
    }
    assert found["trouble"] == [
        {
            "receiver": "desk",
            "state": "dead",
            "reason": "Slack does not take the message: no_text",
            "alerts": 1,
        },
        {"receiver": "desk", "state": "parked", "reason": "Slack refuses: not_in_channel", "alerts": 1},
    ]
    assert (found["owed"], found["parked"], found["dead"]) == (2, 1, 1)
    assert [line for line in status.lines(found)[3:] if not line.startswith("warning    the disk")] == [
        "ledger     4 articles from 4 files, 0 files in failed/",
        "alerts     2 owed, 1 parked, 1 dead",
        "receiver   desk: 1 dead, 1 parked, 1 pending",
        "receiver   embassy: 1 pending",
        "trouble    desk: 1 dead: Slack does not take the message: no_text",
        "trouble    desk: 1 parked: Slack refuses: not_in_channel",
        "warning    1 alerts are dead: their receiver will never take them",
    ]


def test_jobs_are_told_with_their_next_and_their_last_time(settings: Settings, database: Database) -> None:
    table = Timetable(database, (Job("retrain", "30 3 * * *", lambda: "no label changed"),))
    table.plan(NOON.replace(year=2020))

    planned = job_line(settings, database)
    assert planned.startswith("job        retrain: due 2020-03-0")
    assert planned.endswith(", not run yet")

    table.look()
    assert job_line(settings, database).endswith(": no label changed")


def test_the_model_that_serves_is_named(settings: Settings, database: Database) -> None:
    settings.models.mkdir()
    (settings.models / "current").write_text("20260305T120000Z-abcdef12\n")

    found = status.gather(settings, database)

    assert found["model"] == "20260305T120000Z-abcdef12"
    assert status.lines(found)[1] == "model      20260305T120000Z-abcdef12"


def test_a_pointer_to_the_model_that_cannot_be_read_is_told_and_hides_nothing_else(
    settings: Settings, database: Database
) -> None:
    (settings.models / "current").mkdir(parents=True)

    found = status.gather(settings, database)

    assert str(found["model"]).startswith("unreadable: ")
    assert found["inbox"]["files"] == 0


def test_all_of_it_is_json(settings: Settings, database: Database) -> None:
    with database.transaction() as connection:
        owe(connection, make_alert())

    found = status.gather(settings, database)

    assert json.loads(json.dumps(found)) == found
