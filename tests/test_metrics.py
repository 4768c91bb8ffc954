"""Metrics: what Prometheus reads of how things stand."""

from __future__ import annotations

import math
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from classifier import load_model
from daemon import (
    app,
    backups,
    clock,
    deliveries,
    feedback,
    gauges,
    glances,
    holds,
    metrics,
    outbox,
    questions,
    sounding,
)
from daemon.config import Receiver, Settings
from daemon.database import Database
from daemon.observing import NOBODY
from daemon.receivers import senders_of
from daemon.records import DeliveryState
from daemon.serving import Serving
from daemon.tables import Backup, Metrics, QuietHours
from daemon.timetable import Job, Timetable
from daemon.verdicts import Verdict
from daemon.vitals import Vitals
from tests import ledgers, prometheus
from tests.builders import MINUTE, NOON, make_alert, make_settings, owe
from tests.drawn import add_article, draw_all


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    made = make_settings(tmp_path / "home", metrics=Metrics(listen=f"127.0.0.1:{port}"))
    made.inbox.mkdir(parents=True)
    return made


@pytest.fixture(autouse=True)
def _looks_are_cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is kept from one look to the next, however slow the machine is."""
    monkeypatch.setattr(glances, "_SHARE", math.inf)


@pytest.fixture
def served(settings: Settings, database: Database) -> Iterator[Settings]:
    end = metrics.serve(settings, database)
    yield settings
    end()


def asked(settings: Settings, path: str) -> tuple[int, str]:
    """The status and the body."""
    try:
        with urlopen(f"http://{settings.metrics.listen}{path}", timeout=20) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def told(settings: Settings) -> dict[str, float]:
    lines = asked(settings, "/metrics")[1].splitlines()
    return {name: float(value) for name, _, value in (li.rpartition(" ") for li in lines if li[:1] != "#")}


@contextmanager
def served_with(settings: Settings, database: Database, vitals: Vitals) -> Iterator[None]:
    end = metrics.serve(settings, database, None, vitals)
    yield
    end()


def test_an_alert_that_is_dead_is_a_number_of_its_receiver(served: Settings, database: Database) -> None:
    with database.transaction() as connection:
        owe(connection, make_alert("desk", number=1))
        owe(connection, make_alert("desk", number=2))
        found = deliveries.oldest(connection, "desk")
        assert found is not None
        sending = outbox.start_sending(connection, found[0], now=NOON, lease=MINUTE)
        assert sending is not None
        outbox.put_off(connection, sending, DeliveryState.DEAD, due_at=NOON, error="no_text")

    numbers = told(served)

    assert numbers['topicwire_deliveries{receiver="desk",state="dead"}'] == 1
    assert numbers['topicwire_deliveries{receiver="desk",state="pending"}'] == 1
    assert numbers["topicwire_articles"] == 2
    assert numbers['topicwire_files{state="done"}'] == 2
    assert numbers["topicwire_ledger_up"] == 1


def test_what_waits_in_the_inbox_is_told_as_it_is_now(served: Settings) -> None:
    assert told(served)["topicwire_inbox_files"] == 0

    (served.inbox / "a.txt").touch()

    assert told(served)["topicwire_inbox_files"] == 1
    assert told(served)["topicwire_inbox_missing"] == 0
    assert told(served)['topicwire_disk_free_bytes{place="inbox"}'] > 0


def test_recall_is_told_by_topic_once_there_is_an_estimate(
    settings: Settings, database: Database, home: Path
) -> None:
    with database.transaction() as connection:
        add_article(connection, "told", main=("energy",), now=clock.now())
        add_article(connection, "missed", now=clock.now())
    draw_all(database, now=clock.now())
    with database.transaction() as connection:
        [question] = questions.open_questions(connection)
        questions.answer(
            connection,
            key=question.key,
            person="ana",
            topics=["energy"],
            asked=["energy"],
            said_at=clock.now(),
        )

    end = metrics.serve(settings.model_copy(update={"home": home}), database)
    numbers = told(settings)
    end()

    assert numbers['topicwire_recall{topic="energy"}'] == 0.5
    assert numbers['topicwire_recall_low{topic="energy"}'] == 0.5
    assert numbers['topicwire_recall_high{topic="all"}'] == 0.5
    assert 'topicwire_recall{topic="minerals"}' not in numbers


def test_a_ledger_that_cannot_be_read_is_told_and_ends_nothing(
    served: Settings, database: Database, tmp_path: Path
) -> None:
    ledgers.take_away(tmp_path)

    numbers = told(served)

    assert numbers["topicwire_ledger_up"] == 0
    assert "topicwire_articles" not in numbers
    assert "topicwire_last_article_timestamp_seconds" not in numbers
    assert numbers["topicwire_inbox_files"] == 0
    assert numbers['topicwire_files_total{result="taken"}'] == 0
    status, line = asked(served, "/-/ready")
    assert (status, line.count("\n")) == (503, 1)


def test_without_an_address_nobody_is_told(tmp_path: Path, database: Database) -> None:
    end = metrics.serve(make_settings(tmp_path / "home"), database)

    end()


def test_when_it_has_ended_nobody_listens(settings: Settings, database: Database) -> None:
    metrics.serve(settings, database)()

    with pytest.raises(URLError):
        told(settings)


def test_an_address_that_is_taken_is_said_and_holds_up_nothing(
    settings: Settings, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    address = settings.metrics.address
    assert address is not None
    with socket.socket() as other:
        other.bind(address)
        other.listen()

        metrics.serve(settings, database)()

    assert [record.message for record in caplog.records] == ["metrics cannot be told"]


# Deliveries


def test_how_long_the_oldest_owed_alert_of_a_receiver_has_waited(
    served: Settings, database: Database
) -> None:
    with database.transaction() as connection:
        owe(connection, make_alert("desk", number=1), now=clock.now() - timedelta(hours=2))
        owe(connection, make_alert("desk", number=2), now=clock.now())

    assert 7200 <= told(served)['topicwire_delivery_oldest_seconds{receiver="desk"}'] < 7300


def test_who_is_held_back_and_who_has_quiet_hours(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOON)
    receivers = (
        Receiver(name="desk", type="webhook", quiet_hours="11:00-13:00", zone="UTC"),
        Receiver(name="night", type="webhook", quiet_hours="22:00-07:00", zone="UTC"),
    )
    with database.transaction() as connection:
        holds.put(connection, "desk", person="ana", reason="", now=NOON)
    quiet = settings.model_copy(update={"receivers": receivers, "quiet_hours": QuietHours()})

    with served_with(quiet, database, Vitals()):
        numbers = told(quiet)

    assert numbers['topicwire_receiver_quiet{receiver="desk"}'] == 1
    assert numbers['topicwire_receiver_quiet{receiver="night"}'] == 0
    assert numbers['topicwire_receiver_held{receiver="desk"}'] == 1
    assert 'topicwire_receiver_held{receiver="night"}' not in numbers


# Desks


def test_what_people_said_is_counted_by_topic_and_a_topic_that_nobody_knows_is_another(
    settings: Settings, database: Database, home: Path
) -> None:
    with database.transaction() as connection:
        article = add_article(connection, "told", main=("energy",), now=NOON)
        for person, topic, verdict in (
            ("ana", "energy", Verdict.RIGHT),
            ("ben", "energy", Verdict.RIGHT),
            ("ben", "energy", Verdict.WRONG),
            ("ana", "made up by ana", Verdict.RIGHT),
        ):
            feedback.judge(
                connection, article=article, topic=topic, verdict=verdict, person=person, now=clock.now()
            )
    settings = settings.model_copy(update={"home": home})

    with served_with(settings, database, Vitals()):
        numbers = told(settings)

    assert numbers['topicwire_feedback_total{topic="energy",verdict="right"}'] == 2
    assert numbers['topicwire_feedback_total{topic="energy",verdict="wrong"}'] == 1
    assert numbers['topicwire_feedback_total{topic="other",verdict="right"}'] == 1


# Jobs, models, backups


def test_a_job_that_failed_is_told_until_it_did_what_it_is_for(served: Settings, database: Database) -> None:
    outcomes = iter([ValueError("no room"), None])

    def run() -> str:
        outcome = next(outcomes)
        if outcome is not None:
            raise outcome
        return "done"

    timetable = Timetable(database, (Job("backup", "* * * * *", run),))
    timetable.plan(clock.now() - timedelta(minutes=2))
    timetable.look()

    failed = told(served)
    assert failed['topicwire_job_failed{job="backup"}'] == 1
    assert 'topicwire_job_last_success_timestamp_seconds{job="backup"}' not in failed
    assert failed['topicwire_job_due_timestamp_seconds{job="backup"}'] > time.time() - 120

    timetable._rests_until.clear()
    timetable.look()

    numbers = told(served)
    assert numbers['topicwire_job_failed{job="backup"}'] == 0
    assert abs(numbers['topicwire_job_last_success_timestamp_seconds{job="backup"}'] - time.time()) < 60


@pytest.mark.sqlite("backups of a file")
def test_the_newest_backup_is_told_with_its_age_and_size(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    settings = settings.model_copy(update={"database": ledgers.address(tmp_path)})
    made = backups.make(settings)
    never = settings.model_copy(update={"backup": Backup(cron="never")})

    found, none_wanted = sounding.home(settings), sounding.home(never)

    assert found.backups == none_wanted.backups == 1
    assert found.backup is not None
    assert abs(found.backup[0] - time.time()) < 60
    assert found.backup[1] == made.size
    assert none_wanted.backup is None
    assert found.ledger_bytes is not None
    assert found.ledger_bytes > 4096


def test_the_model_that_serves_says_when_it_was_trained(
    settings: Settings, database: Database, home: Path
) -> None:
    (version,) = [each.name for each in (home / "models").iterdir() if each.is_dir()]
    settings = settings.model_copy(update={"home": home})

    with served_with(settings, database, Vitals(model=lambda: version)):
        numbers = told(settings)

    (info,) = [name for name in numbers if name.startswith("topicwire_model_info")]
    assert f'version="{version}"' in info
    assert 'sklearn="1.' in info
    assert abs(numbers["topicwire_model_trained_timestamp_seconds"] - time.time()) < 86_400


# The process


def test_the_process_tells_of_itself(settings: Settings, database: Database) -> None:
    busy = {"inbox": 0.0, "dispatch desk": 12.5}
    with served_with(settings, database, Vitals(busy=lambda: busy, hears_desks=lambda: False)):
        numbers = told(settings)

    assert numbers['topicwire_worker_busy_seconds{worker="dispatch desk"}'] == 12.5
    assert numbers["topicwire_slack_connected"] == 0
    assert numbers["process_open_fds"] > 3
    assert numbers['python_gc_collections_total{generation="0"}'] > 0
    assert any(name.startswith("topicwire_build_info{") for name in numbers)


def test_the_process_is_told_of_where_nothing_else_of_proc_is_shown(tmp_path: Path) -> None:
    """As the unit has it, with ProcSubset=pid."""
    (tmp_path / str(os.getpid())).symlink_to("/proc/self")
    registry = CollectorRegistry()
    metrics.OwnProcess(proc=str(tmp_path), pid=os.getpid, registry=registry)

    began = registry.get_sample_value("process_start_time_seconds")

    assert began is not None
    assert 0 <= time.time() - began < 86_400
    assert (registry.get_sample_value("process_resident_memory_bytes") or 0) > 2**20


def test_whether_slack_is_connected_is_not_told_where_nobody_asked_for_it(served: Settings) -> None:
    assert "topicwire_slack_connected" not in told(served)


def test_it_is_healthy_until_a_worker_hangs(settings: Settings, database: Database) -> None:
    hanging: list[str] = []
    with served_with(settings, database, Vitals(hanging=lambda: hanging)):
        assert asked(settings, "/-/healthy") == (200, "healthy\n")
        hanging.extend(["inbox", "dispatch desk"])
        assert asked(settings, "/-/healthy") == (503, "hanging: inbox, dispatch desk\n")


def test_it_is_ready_once_it_watches_an_inbox_that_is_there_with_a_model(
    settings: Settings, database: Database, home: Path
) -> None:
    watching: list[bool] = []
    settings = settings.model_copy(update={"home": home})
    vitals = Vitals(is_watching=lambda: bool(watching))
    with served_with(settings, database, vitals):
        assert asked(settings, "/-/ready") == (503, "starting or stopping\n")
        watching.append(True)
        assert asked(settings, "/-/ready") == (200, "ready\n")
        settings.inbox.rmdir()
        assert asked(settings, "/-/ready") == (503, f"the inbox is missing: {settings.inbox}\n")
        (home / "models" / "current").unlink()
        status, line = asked(settings, "/-/ready")
        assert (status, line.startswith("no model: ")) == (503, True)


def test_a_ledger_that_does_not_answer_holds_up_no_scrape(
    served: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    may = threading.Event()
    monkeypatch.setattr(metrics, "_PATIENCE", 0.5)
    monkeypatch.setattr(sounding, "now", lambda *_: may.wait(30))
    monkeypatch.setattr(sounding, "counts", lambda *_: may.wait(30))

    began = time.monotonic()
    numbers = told(served)

    assert time.monotonic() - began < 10
    assert numbers["topicwire_ledger_up"] == 0
    assert numbers["topicwire_inbox_missing"] == 0
    assert numbers["process_open_fds"] > 3
    may.set()


@pytest.mark.sqlite("a lock of another process on the file")
def test_a_locked_ledger_is_read_all_the_same(served: Settings, database: Database, tmp_path: Path) -> None:
    with database.transaction() as connection:
        connection.execute(text("UPDATE files SET state = state"))
        assert told(served)["topicwire_ledger_up"] == 1


# What Prometheus makes of it


def test_every_help_says_of_what_it_is(settings: Settings, database: Database) -> None:
    """With several daemons of one ledger, some figures are of each and some of all."""
    with served_with(settings, database, Vitals(busy=lambda: {"inbox": 0.0})):
        lines = asked(settings, "/metrics")[1].splitlines()

    helps = dict(line.split(" ", 3)[2:] for line in lines if line.startswith("# HELP topicwire_"))
    assert len(helps) > 40
    places = ("this process", "this daemon", "the ledger", "a daemon of the ledger")
    unplaced = [name for name, said in helps.items() if not any(place in said for place in places)]
    assert unplaced == []


def test_promtool_finds_nothing_to_say_of_them(settings: Settings, database: Database, home: Path) -> None:
    promtool = prometheus.promtool()
    with served_with(settings, database, Vitals(busy=lambda: {"inbox": 0.0}, hears_desks=lambda: True)):
        lines = asked(settings, "/metrics")[1]

    done = subprocess.run(
        [promtool, "check", "metrics"], input=lines, capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_a_name_that_people_chose_stays_one_label(database: Database) -> None:
    """A receiver may be called anything that prints."""
    family = gauges.gauge("deliveries", "Of the ledger.", {('a"b\\c{d}', "sent"): 1}, "receiver", "state")

    (sample,) = family.samples
    assert sample.labels == {"receiver": 'a"b\\c{d}', "state": "sent"}


# The daemon


def test_a_daemon_counts_only_where_somebody_may_read_it(
    settings: Settings, database: Database, home: Path
) -> None:
    (home / "inbox").mkdir(exist_ok=True)
    settings = settings.model_copy(update={"home": home})
    silent = settings.model_copy(update={"metrics": Metrics()})
    model = load_model(home / "models")

    counted = {
        each.metrics.listen is not None: app._Daemon(
            each, database, Serving(each.models, model), senders_of(each), None
        )._parts.intake._observer
        is not NOBODY
        for each in (settings, silent)
    }

    assert counted == {True: True, False: False}
