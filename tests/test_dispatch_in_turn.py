"""Dispatch where several daemons have one ledger: one sends at a time, and a late one does no harm."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from daemon import clock, deliveries, outbox
from daemon.database import Database
from daemon.dispatch import Dispatch
from daemon.errors import ReceiverRefusedError, TemporaryDeliveryError, UnknownOutcomeError
from daemon.messages import Message
from daemon.records import Delivery, DeliveryState, Sent
from tests.builders import MINUTE
from tests.desk import Desk
from tests.several import Hand
from tests.test_dispatch import LONG_AGO, column, owe_some, states, work


class Turns:
    """Whose turn it is, as a test says."""

    def __init__(self, *, ours: bool = True) -> None:
        self.ours = ours
        self.alone = False
        self.asked: list[str] = []
        self.let_go_of: list[str] = []

    def holds(self, name: str) -> bool:
        self.asked.append(name)
        return self.ours

    def let_go(self, name: str) -> bool:
        self.let_go_of.append(name)
        self.ours = self.alone
        return not self.alone


@pytest.fixture
def turns() -> Turns:
    return Turns()


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def dispatch(desk: Desk, database: Database, turns: Turns) -> Dispatch:
    return Dispatch("desk", desk, database, leases=turns)


def delivery(database: Database, receiver: str = "desk") -> Delivery:
    with database.reading() as connection:
        found = deliveries.oldest(connection, receiver)
    assert found is not None
    return found[0]


def start_sending(database: Database, receiver: str = "desk") -> Delivery:
    """As another daemon does."""
    with database.transaction() as connection:
        started = outbox.start_sending(
            connection, delivery(database, receiver), now=clock.now(), lease=MINUTE
        )
    assert started is not None
    return started


# Whose turn it is


def test_while_another_daemon_sends_to_the_receiver_nothing_is_sent_here(
    dispatch: Dispatch, desk: Desk, database: Database, turns: Turns
) -> None:
    owe_some(database)
    turns.ours = False

    again_in = dispatch.work()

    assert (desk.sendings, states(database)) == ([], ["pending"])
    assert turns.asked == ["receiver desk"]
    assert again_in <= 2.0


def test_who_sends_looks_every_two_seconds_because_others_may_owe_something(dispatch: Dispatch) -> None:
    assert dispatch.work() == 2.0


def test_for_one_run_it_is_idle_where_another_daemon_sees_to_the_receiver(
    dispatch: Dispatch, database: Database, turns: Turns
) -> None:
    owe_some(database)
    assert not dispatch.is_idle()

    turns.ours = False

    assert dispatch.is_idle()


def test_what_another_was_sending_as_it_went_is_looked_for_before_it_is_sent(
    dispatch: Dispatch, desk: Desk, database: Database
) -> None:
    owe_some(database)
    started = start_sending(database)
    desk.arrived[started.key] = Sent("C1", "message of another")

    dispatch.work()
    assert states(database) == ["unknown"]
    work(dispatch, database)

    assert (desk.sendings, desk.looks) == ([], 1)
    assert (states(database), column(database, "message")) == (["sent"], "message of another")


def test_and_is_sent_where_it_did_not_arrive(dispatch: Dispatch, desk: Desk, database: Database) -> None:
    owe_some(database)
    start_sending(database)

    work(dispatch, database, 5)

    assert (desk.sendings, states(database)) == (["Headline 1"], ["sent"])
    assert desk.looks == 2


def test_it_is_not_looked_for_at_once_since_the_other_s_last_bytes_may_be_on_their_way(
    dispatch: Dispatch, desk: Desk, database: Database
) -> None:
    owe_some(database)
    start_sending(database)

    assert 0.0 < dispatch.work() <= 2.0
    assert desk.looks == 0


def test_what_goes_to_another_receiver_is_not_touched(
    dispatch: Dispatch, desk: Desk, database: Database
) -> None:
    owe_some(database, receiver="embassy")
    start_sending(database, "embassy")

    dispatch.work()

    assert states(database) == ["sending"]


def test_who_sends_already_takes_nothing_for_broken_off_that_is_in_its_time(
    dispatch: Dispatch, database: Database
) -> None:
    dispatch.work()
    owe_some(database)
    start_sending(database)

    dispatch.work()

    assert states(database) == ["sending"]


def test_each_time_it_becomes_ours_what_was_on_its_way_is_of_unknown_outcome(
    dispatch: Dispatch, database: Database, turns: Turns
) -> None:
    dispatch.work()
    turns.ours = False
    dispatch.work()
    owe_some(database)
    start_sending(database)
    turns.ours = True

    dispatch.work()

    assert states(database) == ["unknown"]


def test_where_a_daemon_is_alone_the_start_has_seen_to_that(desk: Desk, database: Database) -> None:
    owe_some(database)
    start_sending(database)

    Dispatch("desk", desk, database).work()

    assert states(database) == ["sending"]


# A daemon that stands still


@contextmanager
def stands_still(hand: Hand, seconds: float) -> Iterator[None]:
    """The process stands still as soon as it has claimed a delivery."""
    real = outbox.start_sending

    def slow(*given: Any, **more: Any) -> Delivery | None:
        started = real(*given, **more)
        hand.seconds += seconds
        return started

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outbox, "start_sending", slow)
        yield


def test_who_stood_still_for_long_after_it_claimed_a_delivery_does_not_send_it_then(
    dispatch: Dispatch, desk: Desk, database: Database, hand: Hand
) -> None:
    owe_some(database)

    with stands_still(hand, 10.5):
        dispatch.work()

    assert (desk.sendings, states(database)) == ([], ["pending"])
    assert column(database, "error") == "this process stood still before it could be sent"
    work(dispatch, database)
    hand.seconds += 60.0
    work(dispatch, database)
    assert (desk.sendings, states(database)) == (["Headline 1"], ["sent"])


def test_who_stood_still_for_a_moment_sends_it(
    dispatch: Dispatch, desk: Desk, database: Database, hand: Hand
) -> None:
    owe_some(database)

    with stands_still(hand, 9.5):
        dispatch.work()

    assert (desk.sendings, states(database)) == (["Headline 1"], ["sent"])


class Overtaken(Desk):
    """While it takes a message, another daemon has taken the delivery over and been told `said`."""

    def __init__(self, database: Database, said: str | None) -> None:
        super().__init__()
        self._database, self._said = database, said

    def send(self, message: Message) -> Sent:
        sent = super().send(message)
        with self._database.transaction() as connection:
            outbox.recover(connection, due_at=clock.now() + timedelta(hours=1), receiver="desk")
        if self._said:
            self.settle(self._said)
        return sent

    def settle(self, said: str) -> None:
        with self._database.transaction() as connection:
            outbox.mark_sent(
                connection, delivery(self._database), now=clock.now(), channel="C1", message=said
            )


def test_a_message_that_was_posted_too_late_beside_another_s_is_taken_back(
    database: Database, turns: Turns, caplog: pytest.LogCaptureFixture
) -> None:
    owe_some(database)
    desk = Overtaken(database, "message of another")
    dispatch = Dispatch("desk", desk, database, leases=turns)
    dispatch.work()
    assert desk.taken_back == []

    caplog.clear()
    turns.ours = False
    with caplog.at_level(logging.WARNING):
        dispatch.work()
        dispatch.work()

    assert desk.taken_back == [Sent("C1", "message 1")]
    assert column(database, "message") == "message of another"
    assert [record.message for record in caplog.records] == ["a repeat was taken back"]


def test_a_message_that_the_other_found_stays(database: Database, turns: Turns) -> None:
    owe_some(database)
    desk = Overtaken(database, "message 1")
    dispatch = Dispatch("desk", desk, database, leases=turns)

    work(dispatch, database, 3)

    assert (desk.taken_back, states(database)) == ([], ["sent"])


def test_while_the_other_looks_for_it_a_message_stays_and_goes_once_that_one_s_own_is_known(
    database: Database, turns: Turns
) -> None:
    owe_some(database)
    desk = Overtaken(database, None)
    dispatch = Dispatch("desk", desk, database, leases=turns)
    dispatch.work()
    dispatch.work()
    assert desk.taken_back == []

    desk.settle("message of another")
    dispatch.work()

    assert desk.taken_back == [Sent("C1", "message 1")]


def test_a_repeat_that_cannot_be_taken_back_is_said_once(
    database: Database, turns: Turns, caplog: pytest.LogCaptureFixture
) -> None:
    owe_some(database)
    desk = Overtaken(database, "message of another")
    desk.take_back_plans = [UnknownOutcomeError("no answer")]
    dispatch = Dispatch("desk", desk, database, leases=turns)
    dispatch.work()

    caplog.clear()
    with caplog.at_level(logging.WARNING):
        dispatch.work()
        dispatch.work()

    assert [record.message for record in caplog.records] == ["a repeat stays"]


def test_who_was_overtaken_as_its_sending_failed_changes_nothing(
    database: Database, turns: Turns, caplog: pytest.LogCaptureFixture
) -> None:
    owe_some(database)
    desk = Overtaken(database, "message of another")
    desk.plans = [(None, True)]
    dispatch = Dispatch("desk", desk, database, leases=turns)
    before = desk.send

    def fail(message: Message) -> Sent:
        before(message)
        raise TemporaryDeliveryError("refused")

    desk.send = fail  # type: ignore[method-assign]
    with caplog.at_level(logging.ERROR):
        dispatch.work()

    assert states(database) == ["sent"]
    assert [record.message for record in caplog.records] == ["a delivery was taken over while it was sent"]


def test_a_delivery_that_is_on_its_way_is_no_longer_ours_once_another_has_the_turn(
    database: Database,
) -> None:
    """Both believe that they send: the claim of the delivery decides."""
    owe_some(database)
    read = delivery(database)
    start_sending(database)

    with database.transaction() as connection:
        late = outbox.start_sending(connection, read, now=clock.now(), lease=MINUTE)

    assert late is None


# A daemon that nobody answers


def silence() -> TemporaryDeliveryError:
    found = TemporaryDeliveryError("Slack cannot be reached: refused")
    found.unanswered = True
    return found


def try_for(seconds: int, dispatch: Dispatch, database: Database, hand: Hand) -> None:
    for _ in range(seconds // 5):
        work(dispatch, database)
        hand.seconds += 5.0


def test_who_gets_no_answer_for_a_minute_leaves_the_receiver_to_another_daemon_for_a_while(
    dispatch: Dispatch, desk: Desk, database: Database, turns: Turns, hand: Hand
) -> None:
    owe_some(database)
    desk.plans = [(silence(), False)] * 100
    try_for(50, dispatch, database, hand)
    assert turns.let_go_of == []
    hand.seconds += 15.0

    assert dispatch.work() == 2.0
    assert turns.let_go_of == ["receiver desk"]

    turns.ours, asked, tried = True, len(turns.asked), len(desk.sendings)
    hand.seconds += 55.0
    work(dispatch, database)
    assert (len(turns.asked), len(desk.sendings)) == (asked, tried)
    assert dispatch.is_idle()
    hand.seconds += 10.0
    work(dispatch, database)
    assert len(desk.sendings) == tried + 1


def test_what_it_put_off_is_due_for_the_other_at_once(
    dispatch: Dispatch, desk: Desk, database: Database, hand: Hand
) -> None:
    owe_some(database)
    desk.plans = [(silence(), False)] * 100
    try_for(60, dispatch, database, hand)
    with database.transaction() as connection:
        connection.execute(text("UPDATE deliveries SET due_at = '2999-01-01T00:00:00.000000Z'"))
    hand.seconds += 15.0

    dispatch.work()

    due_at = column(database, "due_at")
    assert isinstance(due_at, str)
    assert due_at < "2999"
    assert states(database) == ["pending"]


def test_who_is_answered_now_and_then_goes_on(
    dispatch: Dispatch, desk: Desk, database: Database, turns: Turns, hand: Hand
) -> None:
    owe_some(database)
    busy = UnknownOutcomeError("Slack answered 503")
    desk.plans = [(error, False) for _ in range(10) for error in (silence(), silence(), busy)]
    desk.can_look = False

    try_for(150, dispatch, database, hand)

    assert turns.let_go_of == []


def test_nor_does_a_receiver_that_refuses_mean_that_another_fares_better(
    dispatch: Dispatch, desk: Desk, database: Database, turns: Turns, hand: Hand
) -> None:
    owe_some(database)
    desk.plans = [(ReceiverRefusedError("Slack refuses: is_archived"), False)] * 100

    try_for(150, dispatch, database, hand)

    assert turns.let_go_of == []


def test_looks_that_nobody_answers_count_as_well(
    dispatch: Dispatch, desk: Desk, database: Database, turns: Turns, hand: Hand
) -> None:
    owe_some(database)
    unknown = UnknownOutcomeError("no answer from Slack: timed out")
    unknown.unanswered = True
    desk.plans, desk.blind = [(unknown, True)], silence()

    try_for(80, dispatch, database, hand)

    assert turns.let_go_of == ["receiver desk"]
    assert (states(database), len(desk.sendings)) == (["unknown"], 1)


def test_who_is_alone_goes_on_trying(
    dispatch: Dispatch, desk: Desk, database: Database, turns: Turns, hand: Hand
) -> None:
    turns.alone = True
    owe_some(database)
    desk.plans = [(silence(), False)] * 20

    try_for(150, dispatch, database, hand)

    assert states(database) == ["sent"]


# What the outbox does for that


def test_of_a_common_ledger_nobody_s_alerts_are_held_as_those_of_a_stranger(database: Database) -> None:
    owe_some(database)
    owe_some(database, receiver="another daemon's")

    with database.transaction() as connection:
        held = outbox.park_strangers(connection, {"desk"}, now=LONG_AGO, shared=True)

    assert held == {}
    assert states(database) == ["pending", "pending"]


def test_and_those_that_were_held_before_it_was_common_are_let_go(database: Database) -> None:
    owe_some(database)
    with database.transaction() as connection:
        outbox.park_strangers(connection, set(), now=LONG_AGO)
    assert states(database) == ["parked"]

    with database.transaction() as connection:
        outbox.park_strangers(connection, {"desk"}, now=LONG_AGO, shared=True)

    assert states(database) == ["pending"]


def test_only_what_was_on_its_way_to_one_receiver_is_recovered(database: Database) -> None:
    for receiver in ("desk", "embassy"):
        owe_some(database, receiver=receiver)
        start_sending(database, receiver)

    with database.transaction() as connection:
        number = outbox.recover(connection, due_at=LONG_AGO, receiver="desk")

    assert number == 1
    assert delivery(database, "desk").state is DeliveryState.UNKNOWN
    assert delivery(database, "embassy").state is DeliveryState.SENDING


def test_a_claim_that_was_recovered_is_void(database: Database) -> None:
    owe_some(database)
    late = start_sending(database)
    with database.transaction() as connection:
        outbox.recover(connection, due_at=LONG_AGO, receiver="desk")

    with database.transaction() as connection:
        assert not outbox.mark_sent(connection, late, now=LONG_AGO, message="late")

    assert states(database) == ["unknown"]


def test_due_is_what_the_ledger_s_clock_says(
    dispatch: Dispatch, desk: Desk, database: Database, hand: Hand
) -> None:
    """A daemon whose own clock is wrong goes by the server's; what is put off comes in its time."""
    clock.follow(LONG_AGO, hand.seconds)
    desk.plans = [(TemporaryDeliveryError("not now", retry_after=60.0), False)]
    owe_some(database)
    with database.transaction() as connection:
        connection.execute(text("UPDATE deliveries SET due_at = '2019-12-31T23:00:00.000000Z'"))
    dispatch.work()

    hand.seconds += 30.0
    dispatch.work()
    assert len(desk.sendings) == 1
    hand.seconds += 60.0
    dispatch.work()

    assert len(desk.sendings) == 2
