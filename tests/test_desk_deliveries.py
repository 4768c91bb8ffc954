"""Deliveries: what is held up and why, and what an editor does about it, seen through by a real dispatch."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import bindparam, text

from daemon import clock, deliveries, dispatch, holds, interventions, outbox, owed
from daemon.database import Database
from daemon.desk.people import Person
from daemon.dispatch import Dispatch, Manner
from daemon.errors import (
    DeliveryError,
    ReceiverRefusedError,
    TemporaryDeliveryError,
    UnknownOutcomeError,
)
from daemon.interventions import Deed
from daemon.records import DeliveryState
from daemon.slack import SlackSender
from daemon.slackapi import SlackApp
from tests.at_the_desk import AtDesk
from tests.builders import MINUTE, make_alert, owe
from tests.desk import Desk
from tests.slack_stand_in import Fault, SlackStandIn

RECEIVER = "console"  # of a configuration that says nothing
LONG_AGO = "2020-01-01T00:00:00.000000Z"


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "_LOOKS", (0.0, 0.0))


@pytest.fixture
def a_reader(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From when it is called, whoever is in is a reader."""
    return lambda: monkeypatch.setattr(Person, "may_change", property(lambda _: False))


def owe_some(
    at_desk: AtDesk, number: int = 1, receiver: str = RECEIVER, *, first: int = 1, **changes: Any
) -> None:
    with at_desk.database.transaction() as connection:
        for each in range(first, first + number):
            owe(connection, make_alert(receiver, number=each, **changes), now=clock.now())


def fail(at_desk: AtDesk, state: DeliveryState, error: str, receiver: str = RECEIVER) -> int:
    """The oldest one is tried and ends so; its id."""
    with at_desk.database.transaction() as connection:
        found = deliveries.oldest(connection, receiver)
        assert found is not None
        started = outbox.start_sending(connection, found[0], now=clock.now(), lease=MINUTE)
        assert started is not None
        outbox.put_off(connection, started, state, due_at=clock.now() + timedelta(hours=1), error=error)
    return started.id


def states(database: Database) -> list[str]:
    with database.reading() as connection:
        return [
            str(state)
            for state in connection.execute(text("SELECT state FROM deliveries ORDER BY id")).scalars()
        ]


def work(to: Dispatch, database: Database, times: int = 1) -> None:
    """What is due later is due now."""
    for _ in range(times):
        with database.transaction() as connection:
            connection.execute(text("UPDATE deliveries SET due_at = :due"), {"due": LONG_AGO})
        to.work()


def deeds(database: Database) -> list[tuple[Deed, str, str, int]]:
    with database.reading() as connection:
        return [
            (each.what, each.person, each.about, each.number) for each in interventions.last(connection, 9)
        ]


# What there is


def test_a_ledger_that_owes_nothing_says_so(at_desk: AtDesk) -> None:
    found = at_desk.client.get("/deliveries")

    assert found.status_code == 200
    assert "Nothing is held up." in found.text
    assert "There is nothing that needs it." in found.text
    assert "Nobody has done anything by hand." in found.text


def test_a_receiver_s_deliveries_are_counted_by_state_with_the_reasons(at_desk: AtDesk) -> None:
    owe_some(at_desk, 3)
    fail(at_desk, DeliveryState.DEAD, "Slack answered msg_too_long <b>")

    page = at_desk.client.get("/deliveries").text

    assert "Slack answered msg_too_long &lt;b&gt;" in page
    assert f"/deliveries/list?receiver={RECEIVER}&amp;state=dead" in page
    assert f"/deliveries/list?receiver={RECEIVER}&amp;state=pending" in page
    assert f"/deliveries/list?receiver={RECEIVER}&amp;state=parked" not in page


def test_a_receiver_that_the_configuration_no_longer_has_is_shown_and_cannot_be_held(at_desk: AtDesk) -> None:
    owe_some(at_desk, receiver="gone")

    page = at_desk.client.get("/deliveries").text

    assert "the configuration no longer has it" in page
    assert at_desk.client.get("/deliveries/hold", params={"receiver": "gone"}).status_code == 404
    assert at_desk.client.post("/deliveries/hold", data={"receiver": "gone"}).status_code == 404
    with at_desk.database.reading() as connection:
        assert holds.listed(connection) == []


def test_a_link_cannot_have_the_page_say_what_it_likes(at_desk: AtDesk) -> None:
    query = {"done": "hold", "about": "call 555-0100, all of it"}

    assert "555-0100" not in at_desk.client.get("/deliveries", params=query).text


def test_a_list_has_the_article_its_reason_and_a_page_that_follows(
    at_desk: AtDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.desk.deliveries._MOST", 2)
    owe_some(at_desk, 3, headline="مصفاة النفط تستأنف العمل", language="ar")

    first = at_desk.client.get("/deliveries/list", params={"receiver": RECEIVER, "state": "pending"})
    assert 'dir="rtl" lang="ar"' in first.text
    assert "/articles/" in first.text
    assert first.text.count('<tr id="d') == 2
    second = at_desk.client.get(
        "/deliveries/list", params={"receiver": RECEIVER, "state": "pending", "beyond": 2}
    )

    assert "beyond=2" in first.text
    assert second.text.count('<tr id="d') == 1
    assert "beyond=" not in second.text


def test_a_list_that_there_is_not_is_no_fault_of_ours(at_desk: AtDesk) -> None:
    for query in ({"state": "asleep"}, {"state": "merged"}, {"beyond": "-1"}, {"beyond": str(2**70)}):
        asked = {"receiver": RECEIVER, "state": "dead", **query}
        assert 400 <= at_desk.client.get("/deliveries/list", params=asked).status_code < 500


# Trying again


def again(at_desk: AtDesk, delivery: int) -> None:
    assert at_desk.client.post(f"/deliveries/{delivery}/retry").status_code == 303


def test_what_was_refused_for_sure_is_sent_once_more_and_once_only(
    at_desk: AtDesk, slack: SlackStandIn
) -> None:
    owe_some(at_desk)
    to = Dispatch(RECEIVER, SlackSender(SlackApp(slack.token, slack.url), "C0DESK"), at_desk.database)
    slack.faults = [Fault("error", error="restricted_action_thread_only_channel")]
    to.work()
    if states(at_desk.database) != ["dead"]:
        fail(at_desk, DeliveryState.DEAD, "Slack answered not_so")

    again(at_desk, 1)
    again(at_desk, 1)
    work(to, at_desk.database, 4)

    assert states(at_desk.database) == ["sent"]
    assert len(slack.texts()) == 1


def test_what_may_have_arrived_is_looked_for_and_not_sent_twice(at_desk: AtDesk, slack: SlackStandIn) -> None:
    owe_some(at_desk)
    sender = SlackSender(SlackApp(slack.token, slack.url), "C0DESK")
    held = Dispatch(RECEIVER, sender, at_desk.database, manner=Manner(resend=False))
    slack.faults = [
        Fault("reset", posted=True),
        Fault("error", error="missing_scope", method="conversations.history"),
    ]
    work(held, at_desk.database, 2)
    assert states(at_desk.database) == ["dead"]
    assert len(slack.texts()) == 1

    again(at_desk, 1)
    work(held, at_desk.database, 3)

    assert states(at_desk.database) == ["sent"]
    assert len(slack.texts()) == 1


def test_what_is_unknown_is_looked_for_twice_from_the_start_before_it_is_sent(at_desk: AtDesk) -> None:
    owe_some(at_desk)
    receiver = Desk(plans=[(UnknownOutcomeError("timed out"), False)])
    to = Dispatch(RECEIVER, receiver, at_desk.database)
    work(to, at_desk.database, 2)
    assert (states(at_desk.database), receiver.looks) == (["unknown"], 1)

    again(at_desk, 1)
    work(to, at_desk.database)

    assert receiver.looks == 2
    assert states(at_desk.database) == ["unknown"]  # one look after the click is not enough
    assert receiver.sendings == ["Headline 1"]
    work(to, at_desk.database, 2)
    assert receiver.sendings == ["Headline 1"] * 2
    assert states(at_desk.database) == ["sent"]


def test_what_is_unknown_is_not_looked_for_before_the_last_bytes_can_have_arrived(at_desk: AtDesk) -> None:
    owe_some(at_desk)
    fail(at_desk, DeliveryState.UNKNOWN, "timed out")
    before = clock.now()

    again(at_desk, 1)

    with at_desk.database.reading() as connection:
        found = deliveries.oldest(connection, RECEIVER)
    assert found is not None
    assert found[1] >= before + timedelta(seconds=2)


def test_a_receiver_that_was_mended_is_asked_at_once(at_desk: AtDesk) -> None:
    owe_some(at_desk)
    receiver = Desk(plans=[(ReceiverRefusedError("channel_not_found"), False)])
    to = Dispatch(RECEIVER, receiver, at_desk.database)
    to.work()
    assert states(at_desk.database) == ["parked"]
    assert to.work() > 0

    again(at_desk, 1)
    to.work()

    assert states(at_desk.database) == ["sent"]


def test_what_a_sender_says_of_a_delivery_that_somebody_revived_no_longer_counts(at_desk: AtDesk) -> None:
    owe_some(at_desk)
    identity = fail(at_desk, DeliveryState.DEAD, "refused")
    with at_desk.database.reading() as connection:
        stale = deliveries.one(connection, identity)
    assert stale is not None

    again(at_desk, identity)

    with at_desk.database.transaction() as connection:
        assert (
            outbox.put_off(connection, stale, DeliveryState.DEAD, due_at=clock.now(), error="late") is False
        )
    assert states(at_desk.database) == ["pending"]


@pytest.mark.parametrize("error", [TemporaryDeliveryError("busy"), None])
def test_what_goes_on_by_itself_is_left_alone(at_desk: AtDesk, error: DeliveryError | None) -> None:
    owe_some(at_desk)
    receiver = Desk(plans=[(error, error is None)])
    Dispatch(RECEIVER, receiver, at_desk.database).work()
    before = states(at_desk.database)

    again(at_desk, 1)

    assert states(at_desk.database) == before
    assert deeds(at_desk.database) == []


def test_all_of_a_state_are_tried_again_when_somebody_has_said_that_they_mean_it(
    at_desk: AtDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.desk.deliveries._AT_ONCE", 2)
    owe_some(at_desk, 5)
    for _ in range(5):
        fail(at_desk, DeliveryState.DEAD, "refused")
    asked = at_desk.client.get("/deliveries/retry", params={"receiver": RECEIVER, "state": "dead"})
    assert "These are 5 deliveries." in asked.text
    assert states(at_desk.database) == ["dead"] * 5

    owe_some(at_desk, first=6)
    fail(at_desk, DeliveryState.DEAD, "refused later")
    done = at_desk.client.post(
        "/deliveries/retry", data={"receiver": RECEIVER, "state": "dead", "up_to": "5"}
    )

    assert done.status_code == 303
    assert states(at_desk.database) == ["pending"] * 5 + ["dead"]
    assert deeds(at_desk.database) == [(Deed.RETRY, "operator", RECEIVER, 5)]
    assert "5 deliveries are tried again" in at_desk.client.get(done.headers["location"]).text


def test_with_htmx_a_row_alone_comes_back(at_desk: AtDesk) -> None:
    owe_some(at_desk)
    identity = fail(at_desk, DeliveryState.DEAD, "refused")

    found = at_desk.client.post(f"/deliveries/{identity}/retry", headers={"HX-Request": "true"})

    assert found.status_code == 200
    assert found.text.startswith(f'<tr id="d{identity}"')
    assert "Waiting" in found.text


def test_a_delivery_that_there_is_not_cannot_be_tried_again(at_desk: AtDesk) -> None:
    assert at_desk.client.post("/deliveries/99/retry").status_code == 404
    assert at_desk.client.post(f"/deliveries/{2**65}/retry").status_code == 422


# Holding


def hold(at_desk: AtDesk, reason: str = "") -> None:
    assert (
        at_desk.client.post("/deliveries/hold", data={"receiver": RECEIVER, "reason": reason}).status_code
        == 303
    )


def let_go(at_desk: AtDesk) -> None:
    assert at_desk.client.post("/deliveries/go", data={"receiver": RECEIVER}).status_code == 303


def test_nothing_goes_to_a_receiver_that_is_held_and_all_of_it_when_it_is_let_go(at_desk: AtDesk) -> None:
    owe_some(at_desk, 2)
    receiver = Desk()
    to = Dispatch(RECEIVER, receiver, at_desk.database)

    hold(at_desk, "the channel  is being moved")
    assert 0 < to.work() <= 2.0
    assert receiver.sendings == []
    assert to.is_idle()  # so that a run that is to end by itself ends
    page = at_desk.client.get("/deliveries").text
    assert "the channel is being moved" in page
    assert "Let go…" in page

    let_go(at_desk)
    work(to, at_desk.database, 2)

    assert receiver.sendings == ["Headline 1", "Headline 2"]
    assert [what for what, *_ in deeds(at_desk.database)] == [Deed.LET_GO, Deed.HOLD]


def test_a_hold_that_comes_while_the_next_one_is_made_ready_keeps_it_back(at_desk: AtDesk) -> None:
    """The dispatch has looked already, and the hold is committed before it says that it begins."""
    owe_some(at_desk)

    class Slow(Desk):
        def pause(self) -> float:
            hold(at_desk)
            return 0.0

    receiver = Slow()
    Dispatch(RECEIVER, receiver, at_desk.database).work()

    assert receiver.sendings == []
    assert states(at_desk.database) == ["pending"]


def test_whether_one_arrived_is_found_out_in_a_hold_and_it_is_not_sent_again(at_desk: AtDesk) -> None:
    owe_some(at_desk)
    receiver = Desk(plans=[(UnknownOutcomeError("timed out"), False)])
    to = Dispatch(RECEIVER, receiver, at_desk.database)
    to.work()
    hold(at_desk)

    work(to, at_desk.database, 4)

    assert receiver.looks == 2
    assert states(at_desk.database) == ["pending"]
    assert receiver.sendings == ["Headline 1"]


def test_a_hold_is_of_one_receiver(at_desk: AtDesk) -> None:
    owe_some(at_desk, receiver="embassy")
    hold(at_desk)
    embassy = Desk()

    Dispatch("embassy", embassy, at_desk.database).work()

    assert embassy.sendings == ["Headline 1"]


def test_who_held_it_first_stays_who_holds_it(at_desk: AtDesk) -> None:
    hold(at_desk, "first")
    hold(at_desk, "second")

    with at_desk.database.reading() as connection:
        (found,) = holds.listed(connection)
    assert (found.person, found.reason) == ("operator", "first")
    assert len(deeds(at_desk.database)) == 1


def test_before_it_is_let_go_it_says_how_much_that_will_be(at_desk: AtDesk) -> None:
    owe_some(at_desk, 3)
    hold(at_desk)

    found = at_desk.client.get("/deliveries/go", params={"receiver": RECEIVER})

    assert "3 deliveries wait" in found.text
    let_go(at_desk)
    assert at_desk.client.get("/deliveries/go", params={"receiver": RECEIVER}).status_code == 404


# Who may


def test_a_reader_changes_nothing(at_desk: AtDesk, a_reader: Callable[[], None]) -> None:
    owe_some(at_desk)
    fail(at_desk, DeliveryState.DEAD, "refused")
    a_reader()

    for path, data in (
        ("/deliveries/1/retry", {}),
        ("/deliveries/retry", {"receiver": RECEIVER, "state": "dead", "up_to": "9"}),
        ("/deliveries/hold", {"receiver": RECEIVER}),
        ("/deliveries/go", {"receiver": RECEIVER}),
    ):
        assert at_desk.client.post(path, data=data).status_code == 403

    assert states(at_desk.database) == ["dead"]
    assert deeds(at_desk.database) == []
    page = at_desk.client.get("/deliveries")
    assert page.status_code == 200
    assert "Hold…" not in page.text


# Many


@pytest.mark.sqlite("its query plans")
def test_with_many_that_were_delivered_only_the_others_are_gone_through(at_desk: AtDesk) -> None:
    with at_desk.database.reading() as connection:
        for statement, row in (
            (owed._COUNTS, {"receiver": RECEIVER, "states": [*owed.OPEN]}),
            (owed._RECEIVERS, {}),
            (owed._REASONS, {"receiver": RECEIVER, "state": "dead", "most": 9, "reasons": 9}),
            (owed._OLDEST_FIRST, {"receiver": RECEIVER, "state": "dead", "beyond": 0, "most": 9}),
            (owed._NEWEST_FIRST, {"receiver": RECEIVER, "state": "dead", "beyond": 9, "most": 9}),
        ):
            explained = text(f"EXPLAIN QUERY PLAN {statement.text}")
            if "states" in row:
                explained = explained.bindparams(bindparam("states", expanding=True))
            plan = connection.execute(explained, row).all()
            for *_, step in plan:
                assert not (step.startswith("SCAN deliveries") and "known" not in step), plan
                assert "USE TEMP B-TREE FOR ORDER BY" not in step or statement is owed._REASONS, plan
