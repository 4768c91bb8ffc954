"""Observed: what a process counts of its work, once what made it true is committed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event, text

from classifier import Article, Grade
from classifier.model import Model
from classifier.storage import load
from daemon import clock
from daemon.database import Database
from daemon.dispatch import Dispatch
from daemon.errors import (
    AppRefusedError,
    DeliveryError,
    PermanentDeliveryError,
    ReceiverRefusedError,
    TemporaryDeliveryError,
    ThreadRefusedError,
    UnknownOutcomeError,
)
from daemon.observed import Observed
from daemon.observing import FileResult, failure_of
from tests.builders import (
    ENERGY_ARTICLE,
    QUIET_ARTICLE,
    make_alert,
    make_settings,
    make_tag,
    make_tagged,
    owe,
)
from tests.desk import Desk
from tests.newsroom import DIGEST, Newsroom


@pytest.fixture(scope="module")
def model(trained_home: Path) -> Model:
    return load(trained_home / "models")


@pytest.fixture
def observed() -> Observed:
    return Observed()


@pytest.fixture
def newsroom(tmp_path: Path, database: Database, model: Model, observed: Observed) -> Iterator[Newsroom]:
    opened = Newsroom(make_settings(tmp_path / "home"), database, model, observed)
    yield opened
    opened.intake.close()


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def dispatch(desk: Desk, database: Database, observed: Observed) -> Dispatch:
    return Dispatch("desk", desk, database, observer=observed)


def told(observed: Observed, name: str, **labels: str) -> float | None:
    return observed.registry.get_sample_value(f"topicwire_{name}", labels)


def files(observed: Observed) -> dict[str, float | None]:
    return {result.value: told(observed, "files_total", result=result.value) for result in FileResult}


def deliveries(observed: Observed) -> dict[str, float]:
    (family,) = [each for each in observed.registry.collect() if each.name == "topicwire_deliveries"]
    return {sample.labels["result"]: sample.value for sample in family.samples if sample.value}


def work(dispatch: Dispatch, database: Database, times: int = 1) -> None:
    """As if the time that was to be waited had gone by."""
    for _ in range(times):
        with database.transaction() as connection:
            connection.execute(text("UPDATE deliveries SET due_at = '2020-01-01T00:00:00.000000Z'"))
        dispatch.work()


def owe_one(database: Database) -> None:
    with database.transaction() as connection:
        owe(connection, make_alert("desk"), now=clock.now())


# Intake


def test_a_file_its_articles_and_their_tags_are_counted(newsroom: Newsroom, observed: Observed) -> None:
    newsroom.drop("digest.txt", DIGEST)

    newsroom.take_all()

    assert files(observed) == {"taken": 1, "duplicate": 0, "failed": 0, "grown": 0}
    assert told(observed, "articles_total", language="en") == 2
    assert told(observed, "topic_assigned_total", topic="energy", grade="main") == 1
    assert told(observed, "alerts_total") == len(newsroom.alerts()) == 1
    assert told(observed, "probability_count", topic="energy") == 2
    assert told(observed, "probability_bucket", topic="energy", le="0.05") == 1


def test_a_repeat_is_a_file_and_brings_no_article(newsroom: Newsroom, observed: Observed) -> None:
    newsroom.drop("a.txt", ENERGY_ARTICLE)
    newsroom.drop("b.txt", ENERGY_ARTICLE)
    newsroom.drop("c.txt", f"{ENERGY_ARTICLE}\n\n")  # other bytes, the same text

    newsroom.take_all()

    assert files(observed) == {"taken": 2, "duplicate": 1, "failed": 0, "grown": 0}
    assert told(observed, "articles_total", language="en") == 1


def test_a_file_that_cannot_be_read_is_a_failed_one(newsroom: Newsroom, observed: Observed) -> None:
    newsroom.drop("a.txt", b"\x00\x01\x02" * 100)

    newsroom.take_all()

    assert files(observed) == {"taken": 0, "duplicate": 0, "failed": 1, "grown": 0}
    assert told(observed, "article_latency_seconds_count") == 0


def test_what_is_not_committed_is_not_counted(newsroom: Newsroom, observed: Observed) -> None:
    newsroom.drop("a.txt", ENERGY_ARTICLE)

    def fail(_: object) -> None:
        raise OSError(28, "No space left on device")

    engine = newsroom.database._engine
    event.listen(engine, "commit", fail)
    newsroom.take_all()
    event.remove(engine, "commit", fail)

    assert newsroom.waiting() == ["a.txt"]
    assert files(observed)["taken"] == 0
    assert told(observed, "alerts_total") == 0
    assert told(observed, "articles_total", language="en") is None


def test_a_file_that_is_moved_only_after_a_restart_is_counted_once(
    newsroom: Newsroom, observed: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom.drop("a.txt", ENERGY_ARTICLE)

    def refuse(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr("daemon.intake.shelve", refuse)
        newsroom.intake.work()
    assert newsroom.waiting() == ["a.txt"]
    monkeypatch.setattr("daemon.app.start_up", lambda *_: None)  # which would move it
    newsroom.restart()
    newsroom.take_all()

    assert newsroom.done() == ["a.txt"]
    assert files(observed)["taken"] == 1
    assert told(observed, "alerts_total") == 1


def test_how_long_a_file_waited_in_the_inbox_is_measured(newsroom: Newsroom, observed: Observed) -> None:
    newsroom.drop("a.txt", ENERGY_ARTICLE)
    dropped = time.time()

    time.sleep(0.3)
    newsroom.take_all()

    waited = told(observed, "article_latency_seconds_sum")
    assert waited is not None
    assert 0.3 <= waited <= time.time() - dropped + 0.1
    assert told(observed, "article_latency_seconds_count") == 1


def test_a_file_that_grew_is_counted_with_what_is_new_in_it(newsroom: Newsroom, observed: Observed) -> None:
    newsroom.drop("a.txt", QUIET_ARTICLE)
    newsroom.take_all()
    (path,) = (newsroom.home / "done").rglob("a.txt")

    path.write_text(f"{ENERGY_ARTICLE}\n{QUIET_ARTICLE}")
    for _ in range(3):
        newsroom.intake._take_grown(clock.monotonic() + 3600.0)

    assert files(observed)["grown"] == 1
    assert told(observed, "articles_total", language="en") == 2


def test_a_language_that_a_file_makes_up_is_no_label_of_its_own(observed: Observed) -> None:
    for language in ("en", None, "x" * 50, "klingon"):
        tagged = make_tagged(make_tag("energy", Grade.MENTION, 0.4))
        observed.articles([replace(tagged, article=Article("Text.", language=language))], alerts=0)

    assert told(observed, "articles_total", language="en") == 1
    assert told(observed, "articles_total", language="unknown") == 1
    assert told(observed, "articles_total", language="other") == 2
    assert told(observed, "topic_assigned_total", topic="energy", grade="mention") == 4


# Deliveries


def test_a_receiver_is_told_with_nothing_before_there_is_anything(
    dispatch: Dispatch, observed: Observed
) -> None:
    """A first failure that comes from nowhere would be no rise for Prometheus."""
    assert told(observed, "deliveries_total", receiver="desk", result="dead") == 0
    assert told(observed, "deliveries_failed_total", receiver="desk", reason="app") == 0


def test_an_alert_that_is_sent_is_counted_with_how_long_it_took(
    dispatch: Dispatch, database: Database, observed: Observed
) -> None:
    owe_one(database)

    time.sleep(0.1)
    dispatch.work()

    assert deliveries(observed) == {"sent": 1}
    waited = told(observed, "delivery_latency_seconds_sum", receiver="desk")
    assert waited is not None
    assert 0.1 <= waited < 20


def test_a_try_that_fails_is_counted_by_why_and_by_what_comes_of_it(
    dispatch: Dispatch, desk: Desk, database: Database, observed: Observed
) -> None:
    desk.plans = [(TemporaryDeliveryError("busy"), False), (ReceiverRefusedError("no such channel"), False)]
    owe_one(database)

    work(dispatch, database, 3)

    assert deliveries(observed) == {"pending": 1, "parked": 1, "sent": 1}
    assert told(observed, "deliveries_failed_total", receiver="desk", reason="later") == 1
    assert told(observed, "deliveries_failed_total", receiver="desk", reason="receiver") == 1


def test_an_alert_that_is_found_in_the_history_was_not_sent_now(
    dispatch: Dispatch, desk: Desk, database: Database, observed: Observed
) -> None:
    desk.plans = [(UnknownOutcomeError("cut off"), True)]
    owe_one(database)

    work(dispatch, database, 2)

    assert deliveries(observed) == {"unknown": 1, "found": 1}
    assert told(observed, "delivery_latency_seconds_count", receiver="desk") == 0


def test_an_end_that_the_ledger_does_not_take_is_not_counted(
    dispatch: Dispatch, desk: Desk, database: Database, observed: Observed
) -> None:
    owe_one(database)
    sending = desk.send

    def taken_over_meanwhile(*given: object) -> object:
        with database.transaction() as connection:
            connection.execute(text("UPDATE deliveries SET generation = generation + 1"))
        return sending(*given)  # type: ignore[arg-type]

    desk.send = taken_over_meanwhile  # type: ignore[method-assign, assignment]
    dispatch.work()

    assert deliveries(observed) == {}


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TemporaryDeliveryError("429"), "later"),
        (AppRefusedError("invalid_auth"), "app"),
        (ReceiverRefusedError("not_in_channel"), "receiver"),
        (ThreadRefusedError("locked"), "thread"),
        (PermanentDeliveryError("no_text"), "message"),
        (UnknownOutcomeError("reset"), "unknown"),
        (DeliveryError("something that came later"), "unknown"),
    ],
)
def test_why_a_try_failed_is_one_of_a_few_words(error: DeliveryError, reason: str) -> None:
    assert failure_of(error).value == reason


def test_who_says_no_word_is_told_from_who_asks_for_patience() -> None:
    error = TemporaryDeliveryError("connection refused")
    error.unanswered = True

    assert failure_of(error).value == "unanswered"


# The configuration


def test_a_reload_that_was_refused_is_told_until_one_succeeds(observed: Observed) -> None:
    began = told(observed, "config_last_reload_success_timestamp_seconds")
    assert began is not None
    assert abs(began - time.time()) < 60
    assert told(observed, "config_last_reload_successful") == 1

    observed.reload(succeeded=False)
    assert told(observed, "config_last_reload_successful") == 0
    assert told(observed, "config_last_reload_success_timestamp_seconds") == began

    observed.reload(succeeded=True)
    assert told(observed, "config_last_reload_successful") == 1
