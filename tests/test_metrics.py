"""Metrics: what Prometheus reads of how things stand."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from daemon import clock, deliveries, metrics, outbox, questions
from daemon.config import Settings
from daemon.database import Database
from daemon.records import DeliveryState
from daemon.tables import Metrics
from tests import ledgers
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


@pytest.fixture
def served(settings: Settings, database: Database) -> Iterator[Settings]:
    end = metrics.serve(settings, database)
    yield settings
    end()


def told(settings: Settings) -> dict[str, float]:
    with urlopen(f"http://{settings.metrics.listen}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return {name: float(value) for name, _, value in (li.rpartition(" ") for li in lines if li[:1] != "#")}


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

    assert told(served) == {"topicwire_ledger_up": 0}


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
