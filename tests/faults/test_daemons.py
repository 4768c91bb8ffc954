"""Several daemons lose nothing and say nothing twice, whatever becomes of them and of their server."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from daemon import deliveries, dispatch, refreshing, showing
from daemon.backoff import Backoff
from daemon.database import Database
from daemon.dispatch import Dispatch, Manner
from daemon.grouping import Burst
from daemon.refreshing import Refreshing
from daemon.slack import SlackSender
from daemon.slackapi import SlackApp
from tests import postgres
from tests.builders import MINUTE, make_alert, owe
from tests.faults import cuts, daemons, stills
from tests.faults.accounting import Outcome
from tests.faults.creche import Creche
from tests.postgres import Server
from tests.slack_stand_in import Call, SlackStandIn

CHANNEL = "C0DESK"


@pytest.fixture(scope="module")
def trials(
    tmp_path_factory: pytest.TempPathFactory, postgresql: Server
) -> Iterator[dict[str, Future[Outcome]]]:
    """All at once, each with daemons and a ledger of its own: they mostly wait."""
    folder = tmp_path_factory.mktemp("daemons")
    with (
        postgres.server() as own,
        Creche(folder / "creche") as creche,
        ThreadPoolExecutor() as trying,
    ):
        late = replace(daemons.FEW, kills=0, restarts=0)
        yield {
            "killed": trying.submit(daemons.suffer, folder / "killed", creche, own, daemons.FEW),
            "late": trying.submit(daemons.suffer, folder / "late", creche, postgresql, late),
            **{
                plant: trying.submit(daemons.suffer, folder / plant, creche, postgresql, plan, plant=plant)
                for plant, (plan, _) in daemons.PLANTED.items()
            },
        }


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_frozen_and_without_their_server_daemons_lose_nothing_and_say_nothing_twice(
    trials: dict[str, Future[Outcome]],
) -> None:
    found = trials["killed"].result()

    assert found.faults == ()
    assert "4 SIGKILL" in found.note
    assert "1 server restarted" in found.note


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_a_daemon_posted_after_another_had_sent_it_too_is_taken_back(
    trials: dict[str, Future[Outcome]],
) -> None:
    found = trials["late"].result()

    assert found.faults == ()
    assert " 0 repeats taken back" not in found.note


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("plant", daemons.PLANTED)
def test_a_planted_fault_of_several_daemons_is_seen(trials: dict[str, Future[Outcome]], plant: str) -> None:
    words = daemons.PLANTED[plant][1]

    found = trials[plant].result()

    assert any(words in fault for fault in found.faults), found


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, postgresql: Server) -> cuts.Bench:
    return cuts.Bench.made(tmp_path_factory.mktemp("cuts"), postgresql)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("place", "each"), [(cuts.BEFORE, 13), (cuts.AFTER, 13), (cuts.UNMADE, 4), (cuts.UNHEARD, 3)]
)
def test_a_connection_that_ends_costs_no_article_and_says_none_twice(
    bench: cuts.Bench, place: str, each: int
) -> None:
    found = cuts.sweep(bench, place, each=each, first=2)

    assert found.faults == ()
    assert found.cases >= 4


def test_a_delivery_that_another_daemon_sent_meanwhile_is_not_begun_anew(
    database: Database, slack: SlackStandIn
) -> None:
    # Many more wait, so that what is settled first would be how they go together.
    app = SlackApp(slack.token, slack.url)
    manner = Manner(burst=Burst(2, 5 * MINUTE))
    other, late = (Dispatch("desk", SlackSender(app, CHANNEL), database, manner=manner) for _ in range(2))
    with database.transaction() as connection:
        owe(connection, make_alert(number=1))
    with database.reading() as connection:
        seen = deliveries.oldest(connection, "desk")
    assert seen is not None
    other.work()
    with database.transaction() as connection:
        for number in range(2, 7):
            owe(connection, make_alert(number=number))

    late._start(seen[0])  # it stood still between its look and this

    assert slack.texts() == [text for text in slack.texts() if "Headline 1" in text]
    assert len(slack.texts()) == 1
    with database.reading() as connection:
        first = deliveries.one(connection, seen[0].id)
    assert first is not None
    assert first.state == "sent"


def test_an_alert_is_sent_however_long_its_daemon_waited_for_its_turn_to_write(
    database: Database, slack: SlackStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "_LATEST_BEGIN", 0.5)
    ours = Dispatch("desk", SlackSender(SlackApp(slack.token, slack.url), CHANNEL), database)
    with database.transaction() as connection:
        owe(connection, make_alert())
    writing = threading.Event()

    def write() -> None:
        with database.transaction():
            writing.set()
            time.sleep(1.0)

    another = threading.Thread(target=write)
    another.start()
    writing.wait()
    ours.work()
    another.join()

    assert len(slack.texts()) == 1


def test_what_a_daemon_shows_late_over_what_another_has_shown_since_is_shown_anew(
    database: Database, slack: SlackStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refreshing, "_SETTLE", 0.0)  # the late one stood still for longer
    app = SlackApp(slack.token, slack.url)
    sender = SlackSender(app, CHANNEL)
    late, other = (Refreshing("desk", sender, database, Backoff(), tuple) for _ in range(2))
    with database.transaction() as connection:
        owe(connection, make_alert())
    Dispatch("desk", sender, database).work()

    def touch() -> None:
        with database.transaction() as connection:
            showing.touch(connection, 1)

    def is_stale() -> bool:
        with database.reading() as connection:
            return showing.stale(connection, "desk") is not None

    def meanwhile(call: Call) -> None:
        end()
        touch()
        other.work()
        assert not is_stale()

    touch()
    end = slack.on("chat.update", "arrived", meanwhile)
    late.work()

    assert is_stale()
    other.work()
    assert not is_stale()
    assert slack.requests.count("chat.update") == 3


def test_what_two_daemons_do_at_a_place_is_stopped_once(tmp_path: Path) -> None:
    still = stills.Still(tmp_path)

    still.ask(stills.OWED)

    assert still.forget()
    assert not still.forget()
    assert still.stands() is None
