"""How things stand: what waits, what is owed to whom and why, when jobs ran."""

from __future__ import annotations

import io
import json
import os
import shutil
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from sqlalchemy import event, text

from daemon import clock, deliveries, holds, ledger, outbox, overview, rates, status
from daemon.cli import main, watching
from daemon.clock import to_text
from daemon.config import QuietHours, Receiver, Settings
from daemon.database import Database
from daemon.records import DeliveryState, FileState
from daemon.timetable import Job, Timetable
from tests import ledgers
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
    console = found["receivers"][0]
    assert (console["receiver"], console["owed"], console["next_try"]) == ("console", 0, None)
    nothing = {"minute": 0, "hour": 0, "day": 0}
    apart = ("disk", "warnings", "concerns", "at", "receivers")
    assert {key: value for key, value in found.items() if key not in apart} == {
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
        "rate": {"articles": nothing, "alerts": nothing},
        "serving": None,
        "backup": None,
        "process": None,
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
    seconds = found["receivers"][1]["oldest_seconds"]
    age = f"{seconds / 86400:.0f} d"
    assert [line for line in status.lines(found)[3:] if not line.startswith("warning    the disk")] == [
        "ledger     4 articles from 4 files, 0 files in failed/",
        "alerts     2 owed, 1 parked, 1 dead",
        "receiver   desk: 1 dead, 1 parked, 1 pending",
        "receiver   embassy: 1 pending",
        "trouble    desk: 1 dead: Slack does not take the message: no_text",
        "trouble    desk: 1 parked: Slack refuses: not_in_channel",
        f"next       desk: is tried {to_text(NOON)}, the oldest owed for {age}",
        f"next       embassy: is tried {to_text(NOON)}, the oldest owed for {age}",
        "warning    no daemon runs on this home: 0 files wait, and 2 alerts are owed",
        "mend       systemctl start topicwire, or `topicwired run`",
        "warning    desk: 1 alerts are parked until somebody mends this: Slack refuses: not_in_channel",
        "mend       topicwired check",
        "warning    1 alerts are dead: their receiver will never take them",
        "mend       look at them on the desk page, under Deliveries",
        f"warning    embassy: an alert has been owed for {age}",
        "mend       topicwired check",
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


def levels(found: dict[str, Any], text: str) -> list[tuple[str, str | None]]:
    """Level and mend of each concern with these words in it."""
    return [(each["level"], each["mend"]) for each in found["concerns"] if text in each["text"]]


def test_every_number_is_what_an_independent_count_finds(settings: Settings, database: Database) -> None:
    states = [*DeliveryState] * 3
    now = clock.now()
    with database.transaction() as connection:
        for number, state in enumerate(states):
            owe(connection, make_alert(f"desk {number % 4}", number=number), now=now)
            sent = state in (DeliveryState.SENT, DeliveryState.MERGED)
            row = {"key": make_alert(f"desk {number % 4}", number=number).key, "state": state}
            connection.execute(
                text(
                    "UPDATE deliveries SET state = :state, error = :error, sent_at = :sent WHERE key = :key"
                ),
                row | {"error": f"reason {number % 2}", "sent": to_text(now) if sent else None},
            )

    found = status.gather(settings, database)

    with database.reading() as connection:
        rows = connection.execute(text("SELECT receiver, state, error, sent_at FROM deliveries")).all()
    still = ("pending", "sending", "unknown")
    assert found["owed"] == sum(row.state in still for row in rows)
    assert found["rate"]["alerts"] == dict.fromkeys(
        found["rate"]["alerts"], sum(bool(r.sent_at) for r in rows)
    )
    assert found["rate"]["articles"]["minute"] == found["files"]["articles"] == len(rows)
    by_receiver = {row["receiver"]: row for row in found["receivers"]}
    for name in {row.receiver for row in rows}:
        own = [row for row in rows if row.receiver == name]
        shown = by_receiver[name]
        assert shown["owed"] == sum(row.state in still for row in own)
        for state in ("dead", "parked", "held", "unknown", "pending", "sending"):
            assert shown[state] == sum(row.state == state for row in own)
        told = {(each["state"], each["reason"]): each["alerts"] for each in shown["reasons"]}
        explained = Counter((row.state, row.error) for row in own if row.state in {s for s, _ in told})
        assert told == dict(explained)


def test_what_was_delivered_is_counted_by_when(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates, "_AT_ONCE", 25)
    now = clock.now()
    ages = [30, 120, 7200, 2 * 86400]
    with database.transaction() as connection:
        for number in range(120):  # more than are looked at together
            owe(connection, make_alert("desk", number=number), now=now)
        connection.execute(text("UPDATE deliveries SET state = 'sent'"))
        for first, age in zip(range(0, 120, 30), reversed(ages), strict=True):
            moment = to_text(now - timedelta(seconds=age))
            asked = {"moment": moment, "above": first}
            connection.execute(text("UPDATE deliveries SET sent_at = :moment WHERE id > :above"), asked)

    rate = status.gather(settings, database)["rate"]

    assert rate["alerts"] == {"minute": 30, "hour": 60, "day": 90}


def test_a_receiver_is_told_with_its_next_try_unless_somebody_holds_it(
    settings: Settings, database: Database
) -> None:
    due = NOON + MINUTE
    with database.transaction() as connection:
        for name in ("desk", "embassy"):
            owe(connection, make_alert(name))
        connection.execute(text("UPDATE deliveries SET due_at = :due"), {"due": to_text(due)})
        holds.put(connection, "embassy", person="ana", reason="", now=NOON)

    found = {row["receiver"]: row for row in status.gather(settings, database)["receivers"]}

    assert (found["desk"]["next_try"], found["desk"]["is_held"]) == (to_text(due), False)
    assert (found["embassy"]["next_try"], found["embassy"]["is_held"]) == (None, True)


def test_quiet_hours_are_no_reason_to_worry(tmp_path: Path, database: Database) -> None:
    hours = f"{clock.now():%H}:00-{clock.now() - timedelta(hours=1):%H}:00"
    receiver = Receiver(name="desk", type="slack", channel="C1", zone="UTC")
    settings = make_settings(tmp_path, receivers=(receiver,), quiet_hours=QuietHours(hours=hours))
    with database.transaction() as connection:
        owe(connection, make_alert("desk"))

    found = status.gather(settings, database)

    assert found["receivers"][0]["quiet_until"]
    assert not levels(found, "an alert has been owed")


def test_each_concern_has_its_level_and_the_command_that_mends_it(
    settings: Settings, database: Database
) -> None:
    settings.inbox.rmdir()
    settings.failed.mkdir()
    (settings.failed / "a.txt").touch()
    table = Timetable(database, (Job("backup", "30 3 * * *", lambda: 1 / 0),))  # type: ignore[arg-type, return-value]
    table.plan(NOON.replace(year=2020))
    table.look()
    backup = settings.home / "backups" / "ledger-20200101T000000Z.db"
    backup.parent.mkdir()
    backup.touch()

    found = status.gather(settings, database)

    assert levels(found, "the inbox is missing") == [("problem", "topicwired check")]
    assert levels(found, "files in failed/") == [("warning", "topicwired retry --all")]
    assert levels(found, "job backup: its last run failed") == [("warning", "topicwired backup")]
    assert levels(found, f" old: {backup}") == [("warning", "topicwired backup")]
    assert found["concerns"][0]["level"] == "problem"
    assert [job["state"] for job in found["jobs"]] == ["failed"]


def test_long_lists_are_cut_and_say_so(settings: Settings, database: Database) -> None:
    for number in range(60):
        (settings.inbox / f"link {number}").symlink_to("/etc/hostname")
    with database.transaction() as connection:
        for number in range(130):
            owe(connection, make_alert(f"desk {number}"))

    found = status.gather(settings, database)

    lines = status.lines(found)
    assert len(found["receivers"]) == 131  # nothing is left out for programs
    assert len([line for line in lines if line.startswith("receiver ")]) == 101
    assert "receiver   and 30 more; `topicwired status --json` has them all" in lines
    assert "warning    left alone in the inbox: and 10 more" in lines


def test_no_line_can_be_forged_by_a_name(settings: Settings, database: Database) -> None:
    with database.transaction() as connection:
        holds.put(connection, "desk", person="a\n\x1b[2Jwarning    forged", reason="", now=NOON)

    lines = status.lines(status.gather(settings, database))

    assert all(line.isprintable() for line in lines)
    assert not any(line.startswith("warning    forged") for line in lines)


def shown_at(width: int, found: dict[str, Any], **given: Any) -> str:
    console = Console(file=io.StringIO(), width=width, **given)
    console.print(overview.table(found))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_table_fits_the_terminal_and_hides_nothing(
    width: int, settings: Settings, database: Database
) -> None:
    with database.transaction() as connection:
        owe(connection, make_alert("a desk with a name that is as long as names may be in a configuration"))
        owe(connection, make_alert("[red]desk[/red]", number=2))
    found = status.gather(settings, database)

    shown = shown_at(width, found)

    assert max(map(len, shown.splitlines())) <= width
    assert "\x1b" not in shown  # a file has no colours
    assert "[red]desk" in "".join(shown.split())  # a name is no markup
    words = " ".join(shown.split())
    assert "problem: no daemon runs on this home: 0 files wait, and 2 alerts are owed" in words


def test_the_table_has_no_colour_where_nobody_wants_it(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = status.gather(settings, database)
    assert "\x1b[32m" in shown_at(80, found, force_terminal=True, color_system="standard")

    monkeypatch.setenv("NO_COLOR", "1")

    assert "\x1b[32m" not in shown_at(80, found, force_terminal=True)


def test_no_question_to_a_large_ledger_goes_through_a_table_of_it(
    settings: Settings, database: Database
) -> None:
    asked: list[str] = []

    def hear(*given: Any) -> None:
        asked.append(given[2])

    engine = database._engine
    event.listen(engine, "before_cursor_execute", hear)
    status.gather(settings, database)
    event.remove(engine, "before_cursor_execute", hear)

    plans = {}
    with database.reading() as connection:
        for statement in filter(lambda each: each.lstrip().startswith(("SELECT", "WITH")), asked):
            names = statement.count("?")
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", (0,) * names)
            plans[statement] = [row.detail for row in rows]
    large = ("articles", "files", "deliveries", "alerts", "tags")
    scans = [
        (detail, statement)
        for statement, details in plans.items()
        for detail in details
        if any(detail.startswith(f"SCAN {table}") for table in large) and "COVERING INDEX" not in detail
    ]
    assert len(plans) > 10
    assert scans == []


def test_scripts_learn_by_the_exit_code_whether_somebody_is_needed(
    settings: Settings, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["status", "--home", str(settings.home), "--exit-code"]
    database.close()
    ledgers.opened(settings.home).close()
    assert main(command) == 0

    settings.failed.mkdir()
    (settings.failed / "a.txt").touch()
    assert main(command) == 3
    assert main(command[:-1]) == 0  # as ever, where nobody asks for it

    (settings.inbox / "waits.txt").touch()
    assert main(command) == 4
    capsys.readouterr()


def test_status_is_told_while_somebody_edits_the_labels_into_something_unreadable(
    settings: Settings, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    database.close()
    ledgers.opened(settings.home).close()
    labels = settings.home / "labels" / "topics.toml"
    labels.parent.mkdir()
    labels.write_text("[energy")

    assert main(["status", "--home", str(settings.home), "--json"]) == 0
    assert '"articles": 0' in capsys.readouterr().out


@pytest.mark.sqlite("its file is what goes away")
def test_watching_goes_on_while_the_ledger_is_away(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ledgers.opened(settings.home).close()
    ledger_file, aside = settings.home / "ledger.db", settings.home / "aside"
    steps = iter([lambda: ledger_file.rename(aside), lambda: aside.rename(ledger_file), None])

    def sleep(seconds: float) -> None:
        step = next(steps)
        if step is None:
            raise KeyboardInterrupt
        step()

    monkeypatch.setattr(time, "sleep", sleep)

    assert watching.watch(settings, seconds=0.2, as_json=True) == 0

    captured = capsys.readouterr()
    assert [json.loads(line)["owed"] for line in captured.out.splitlines()] == [0, 0]
    assert (
        captured.err == f"topicwired: {ledger_file}: no ledger yet; `topicwired run` makes it; asked again\n"
    )
