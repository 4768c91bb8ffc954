"""Dispatch: every delivery seen through to its receiver, in order, once where that can be known."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from daemon import clock, deliveries, outbox
from daemon.clock import from_text
from daemon.database import Database
from daemon.dispatch import Dispatch
from daemon.errors import (
    DeliveryError,
    PermanentDeliveryError,
    ReceiverRefusedError,
    TemporaryDeliveryError,
    UnknownOutcomeError,
)
from daemon.messages import Message
from daemon.records import Delivery, Sent
from tests import ledgers
from tests.builders import NOON, make_alert, owe
from tests.desk import Desk

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
DUE = "2020-01-01T00:00:00.000000Z"


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def dispatch(desk: Desk, database: Database) -> Dispatch:
    return Dispatch("desk", desk, database)


def owe_some(database: Database, number: int = 1, receiver: str = "desk") -> None:
    with database.transaction() as connection:
        for n in range(1, number + 1):
            owe(connection, make_alert(receiver, number=n), now=LONG_AGO)


def states(database: Database) -> list[str]:
    with database.reading() as connection:
        return [
            str(s) for s in connection.execute(text("SELECT state FROM deliveries ORDER BY id")).scalars()
        ]


def column(database: Database, name: str) -> str | int | None:
    """What the ledger says of the first delivery."""
    with database.reading() as connection:
        found = connection.execute(text(f"SELECT {name} FROM deliveries ORDER BY id")).scalars().first()
    assert found is None or isinstance(found, str | int)
    return found


def due_in(database: Database) -> float:
    """Seconds until the first delivery is due."""
    due_at = column(database, "due_at")
    assert isinstance(due_at, str)
    return (from_text(due_at) - clock.now()).total_seconds()


def make_due(database: Database) -> None:
    """As if the time that was to be waited had gone by."""
    with database.transaction() as connection:
        connection.execute(text("UPDATE deliveries SET due_at = :due"), {"due": DUE})


def work(dispatch: Dispatch, database: Database, times: int = 1) -> None:
    for _ in range(times):
        make_due(database)
        dispatch.work()


def test_with_nothing_owed_it_rests_until_it_is_woken(dispatch: Dispatch, desk: Desk) -> None:
    assert dispatch.work() == 30.0
    assert desk.sendings == []


def test_an_alert_is_sent_and_the_ledger_says_where_it_is(
    dispatch: Dispatch, desk: Desk, database: Database
) -> None:
    owe_some(database)

    assert dispatch.work() == 0.0

    assert desk.sendings == ["Headline 1"]
    assert states(database) == ["sent"]
    assert (column(database, "channel"), column(database, "message")) == ("C1", "message 1")
    assert dispatch.work() == 30.0
    assert desk.sendings == ["Headline 1"]


def test_alerts_are_sent_in_the_order_they_were_owed(
    dispatch: Dispatch, desk: Desk, database: Database
) -> None:
    owe_some(database, 4)

    work(dispatch, database, 4)

    assert desk.sendings == [f"Headline {number}" for number in (1, 2, 3, 4)]


def test_only_the_receiver_s_own_alerts_are_sent(dispatch: Dispatch, desk: Desk, database: Database) -> None:
    owe_some(database, receiver="embassy")

    assert dispatch.work() == 30.0
    assert desk.sendings == []
    assert states(database) == ["pending"]


def test_the_ledger_says_that_it_is_on_its_way_before_the_first_byte_goes_out(database: Database) -> None:
    seen: list[str] = []

    class Watching(Desk):
        def send(self, message: Message) -> Sent:
            seen.extend(states(database))
            return super().send(message)

    owe_some(database)

    Dispatch("desk", Watching(), database).work()

    assert seen == ["sending"]


def test_what_was_never_tried_is_due_whatever_the_clock_was_when_it_was_written(
    dispatch: Dispatch, desk: Desk, database: Database
) -> None:
    with database.transaction() as connection:
        owe(connection, make_alert(), now=clock.now() + YEAR)

    dispatch.work()

    assert desk.sendings == ["Headline 1"]


def test_a_receiver_that_has_just_had_some_is_given_its_pause(
    dispatch: Dispatch, desk: Desk, database: Database
) -> None:
    owe_some(database)
    desk.wait = 0.7

    assert dispatch.work() == 0.7
    assert desk.sendings == []
    assert states(database) == ["pending"]


def test_what_certainly_did_not_arrive_is_sent_again_later(
    dispatch: Dispatch, desk: Desk, database: Database
) -> None:
    owe_some(database)
    desk.plans = [(TemporaryDeliveryError("refused"), False)]

    dispatch.work()
    assert states(database) == ["pending"]
    assert column(database, "error") == "refused"
    assert 0.0 < dispatch.work() <= 1.25
    assert desk.sendings == ["Headline 1"]

    work(dispatch, database)
    assert states(database) == ["sent"]
    assert desk.sendings == ["Headline 1"] * 2
    assert desk.looks == 0


def test_each_failure_lengthens_the_wait_up_to_the_ceiling(
    dispatch: Dispatch, desk: Desk, database: Database
) -> None:
    owe_some(database)
    desk.plans = [(TemporaryDeliveryError("refused"), False)] * 12
    waits = []

    for _ in range(12):
        work(dispatch, database)
        waits.append(due_in(database))

    for wait, plain in zip(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300], strict=True):
        assert plain - 0.5 <= wait <= plain * 1.25


def test_a_receiver_is_not_asked_sooner_than_it_said(
    dispatch: Dispatch, desk: Desk, database: Database
) -> None:
    owe_some(database)
    desk.plans = [(TemporaryDeliveryError("busy", retry_after=120.0), False)]

    dispatch.work()

    assert 119.0 < due_in(database) <= 150.0


def test_the_next_alert_waits_for_the_one_before_it(
    dispatch: Dispatch, desk: Desk, database: Database
) -> None:
    owe_some(database, 2)
    desk.plans = [(TemporaryDeliveryError("refused"), False)]
    dispatch.work()
    with database.transaction() as connection:
        connection.execute(text("UPDATE deliveries SET due_at = :due WHERE id = 2"), {"due": DUE})

    assert dispatch.work() > 0.0
    assert desk.sendings == ["Headline 1"]

    work(dispatch, database, 2)
    assert desk.sendings == ["Headline 1", "Headline 1", "Headline 2"]


def test_a_receiver_that_refuses_keeps_everything_and_is_asked_now_and_then(
    dispatch: Dispatch, desk: Desk, database: Database
) -> None:
    owe_some(database, 2)
    desk.plans = [(ReceiverRefusedError("not_in_channel"), False)] * 6

    work(dispatch, database)
    assert states(database) == ["parked", "pending"]
    assert column(database, "error") == "not_in_channel"
    assert 29.0 < due_in(database) <= 30.0
    work(dispatch, database, 5)
    assert 299.0 < due_in(database) <= 300.0

    work(dispatch, database, 2)
    assert states(database) == ["sent", "sent"]
    assert desk.sendings[-2:] == ["Headline 1", "Headline 2"]


def test_what_will_never_be_taken_is_dead_and_the_next_goes(
    dispatch: Dispatch, desk: Desk, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    owe_some(database, 2)
    desk.plans = [(PermanentDeliveryError("msg_too_long"), False)]

    work(dispatch, database, 3)

    assert states(database) == ["dead", "sent"]
    assert desk.sendings == ["Headline 1", "Headline 2"]
    (said,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert (vars(said)["error"], vars(said)["state"]) == ("msg_too_long", "dead")


def test_what_arrived_before_the_connection_broke_is_found_and_not_sent_again(
    dispatch: Dispatch, desk: Desk, database: Database
) -> None:
    owe_some(database)
    desk.plans = [(UnknownOutcomeError("reset"), True)]

    dispatch.work()
    assert states(database) == ["unknown"]
    assert 1.5 < due_in(database) <= 2.0

    work(dispatch, database)
    assert states(database) == ["sent"]
    assert (column(database, "channel"), column(database, "message")) == ("C1", "message 1")
    assert desk.sendings == ["Headline 1"]
    assert desk.looks == 1


def test_an_unknown_outcome_is_not_looked_up_sooner_than_the_receiver_said(
    dispatch: Dispatch, desk: Desk, database: Database
) -> None:
    owe_some(database)
    desk.plans = [(UnknownOutcomeError("429", retry_after=60.0), False)]

    dispatch.work()

    assert 59.0 < due_in(database) <= 60.0


def test_what_did_not_arrive_is_sent_again_once_after_a_second_look(
    dispatch: Dispatch, desk: Desk, database: Database
) -> None:
    owe_some(database)
    desk.plans = [(UnknownOutcomeError("reset"), False)]
    dispatch.work()

    work(dispatch, database)
    assert states(database) == ["unknown"]
    assert column(database, "looks") == 1
    assert 12.0 < due_in(database) <= 13.0
    assert desk.sendings == ["Headline 1"]

    work(dispatch, database)
    assert states(database) == ["pending"]
    assert desk.looks == 2
    assert due_in(database) <= 0.0

    work(dispatch, database, 2)
    assert states(database) == ["sent"]
    assert desk.sendings == ["Headline 1"] * 2
    assert len(desk.arrived) == 1


def test_what_arrives_between_the_looks_is_not_sent_again(
    dispatch: Dispatch, desk: Desk, database: Database
) -> None:
    owe_some(database)
    desk.plans = [(UnknownOutcomeError("reset"), False)]
    work(dispatch, database, 2)

    desk.arrived[make_alert().key] = Sent("C1", "late")
    work(dispatch, database)

    assert states(database) == ["sent"]
    assert column(database, "message") == "late"
    assert desk.sendings == ["Headline 1"]


def test_while_nobody_can_look_nothing_is_sent_again(
    dispatch: Dispatch, desk: Desk, database: Database
) -> None:
    owe_some(database, 2)
    desk.plans = [(UnknownOutcomeError("reset"), True)]
    desk.blind = TemporaryDeliveryError("reading history: refused")

    work(dispatch, database, 8)
    assert states(database) == ["unknown", "pending"]
    assert column(database, "looks") == 0
    assert due_in(database) > 0.0
    assert desk.sendings == ["Headline 1"]

    desk.blind = None
    work(dispatch, database, 2)
    assert states(database) == ["sent", "sent"]
    assert desk.sendings == ["Headline 1", "Headline 2"]


def test_a_look_is_not_repeated_sooner_than_the_receiver_said(
    dispatch: Dispatch, desk: Desk, database: Database
) -> None:
    owe_some(database)
    desk.plans = [(UnknownOutcomeError("reset"), True)]
    desk.blind = TemporaryDeliveryError("reading history: 429", retry_after=45.0)

    work(dispatch, database, 2)

    assert 44.0 < due_in(database) <= 60.0


@pytest.mark.parametrize("can_look", [True, False])
def test_where_it_can_never_be_looked_up_it_is_sent_again_rather_than_lost(
    desk: Desk, database: Database, can_look: bool, caplog: pytest.LogCaptureFixture
) -> None:
    owe_some(database)
    desk.can_look = can_look
    desk.blind = ReceiverRefusedError("missing_scope")
    desk.plans = [(UnknownOutcomeError("reset"), False)]

    work(Dispatch("desk", desk, database), database, 3)

    assert states(database) == ["sent"]
    assert desk.sendings == ["Headline 1"] * 2
    assert any(record.message == "alert is sent again" for record in caplog.records)


def test_a_receiver_of_which_nothing_is_ever_known_is_not_sent_to_without_a_pause(
    desk: Desk, database: Database
) -> None:
    owe_some(database)
    desk.can_look = False
    desk.plans = [(UnknownOutcomeError("500"), False)] * 20
    dispatch = Dispatch("desk", desk, database)
    waits = []

    for _ in range(6):
        work(dispatch, database)
        waits.append(max(0.0, due_in(database)))
        work(dispatch, database)
        waits[-1] += max(0.0, due_in(database))

    assert waits == sorted(waits)
    assert waits[-1] > 15.0


def test_a_bug_in_the_sender_loses_nothing_and_is_logged_whole(
    dispatch: Dispatch, desk: Desk, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    owe_some(database, 2)
    desk.plans = [(KeyError("ts"), True)]

    dispatch.work()
    assert states(database) == ["unknown", "pending"]
    assert column(database, "error") == "KeyError: 'ts'"
    assert any(record.exc_info for record in caplog.records)

    work(dispatch, database, 2)
    assert states(database) == ["sent", "sent"]
    assert desk.sendings == ["Headline 1", "Headline 2"]


def test_a_bug_in_the_looking_loses_nothing(dispatch: Dispatch, desk: Desk, database: Database) -> None:
    owe_some(database)
    desk.plans = [(UnknownOutcomeError("reset"), True)]
    desk.blind = KeyError("messages")
    dispatch.work()

    with pytest.raises(KeyError):
        work(dispatch, database)
    assert states(database) == ["unknown"]

    desk.blind = None
    work(dispatch, database)
    assert states(database) == ["sent"]
    assert desk.sendings == ["Headline 1"]


def test_what_was_on_its_way_in_a_crash_is_looked_up_and_not_sent_again(
    dispatch: Dispatch, desk: Desk, database: Database
) -> None:
    owe_some(database)
    with database.transaction() as connection:
        found = deliveries.oldest(connection, "desk")
        assert found is not None
        outbox.start_sending(connection, found[0], now=LONG_AGO, lease=timedelta(0))
        desk.arrived[found[0].key] = Sent("C1", "before the crash")
        outbox.recover(connection, due_at=LONG_AGO)

    dispatch.work()

    assert states(database) == ["sent"]
    assert desk.sendings == []


def test_it_is_idle_when_nothing_is_owed_or_the_receiver_does_not_take_it(
    dispatch: Dispatch, desk: Desk, database: Database
) -> None:
    assert dispatch.is_idle()

    owe_some(database)
    assert not dispatch.is_idle()

    desk.plans = [(ReceiverRefusedError("is_archived"), False)]
    work(dispatch, database)
    assert dispatch.is_idle()

    work(dispatch, database)
    assert states(database) == ["sent"]
    assert dispatch.is_idle()


@pytest.mark.parametrize("error", [TemporaryDeliveryError("refused"), UnknownOutcomeError("reset")])
def test_it_is_not_idle_after_a_first_failure(
    dispatch: Dispatch, desk: Desk, database: Database, error: DeliveryError
) -> None:
    owe_some(database)
    desk.plans = [(error, False)]

    work(dispatch, database)

    assert not dispatch.is_idle()


def test_it_is_idle_after_enough_tries_until_the_next_is_due(
    dispatch: Dispatch, desk: Desk, database: Database
) -> None:
    owe_some(database)
    desk.plans = [(TemporaryDeliveryError("refused"), False)] * 3

    work(dispatch, database, 3)
    assert dispatch.is_idle()

    make_due(database)
    assert not dispatch.is_idle()


def test_a_delivery_is_logged_with_its_topics_and_a_failure_with_its_reason(
    dispatch: Dispatch, desk: Desk, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    owe_some(database)
    desk.plans = [(TemporaryDeliveryError("refused"), False)]

    work(dispatch, database, 2)

    failed, sent = (vars(record) for record in caplog.records if record.name == "daemon.dispatch")
    assert (failed["message"], failed["error"], failed["receiver"]) == (
        "alert not delivered",
        "refused",
        "desk",
    )
    assert (sent["message"], sent["topics"], sent["attempts"]) == ("alert delivered", "energy", 2)


@dataclass
class Clocks:
    """The two clocks, in our hands: time goes by in both, and a jump is only of the wall clock."""

    wall: datetime = NOON
    ticks: float = 50.0

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.ticks

    def go_by(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.ticks += seconds


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    turned = Clocks()
    monkeypatch.setattr(clock, "now", turned.now)
    monkeypatch.setattr(clock, "monotonic", turned.monotonic)
    return turned


YEAR = timedelta(days=365)


@pytest.mark.parametrize("jump", [YEAR, -YEAR, timedelta(hours=1), -timedelta(hours=1)])
def test_a_retry_comes_after_its_delay_however_the_clock_is_set_meanwhile(
    dispatch: Dispatch, desk: Desk, database: Database, clocks: Clocks, jump: timedelta
) -> None:
    owe_some(database)
    desk.plans = [(TemporaryDeliveryError("busy", retry_after=100.0), False)]
    dispatch.work()
    assert 0.0 < dispatch.work() <= 30.0

    clocks.wall += jump

    clocks.go_by(99.0)
    assert dispatch.work() > 0.0
    assert desk.sendings == ["Headline 1"]
    clocks.go_by(26.1)
    dispatch.work()
    assert desk.sendings == ["Headline 1"] * 2


@pytest.mark.parametrize("jump", [YEAR, -YEAR])
def test_a_look_at_the_history_comes_when_it_was_to_come_however_the_clock_is_set(
    dispatch: Dispatch, desk: Desk, database: Database, clocks: Clocks, jump: timedelta
) -> None:
    owe_some(database)
    desk.plans = [(UnknownOutcomeError("reset"), True)]
    dispatch.work()
    dispatch.work()
    clocks.wall += jump

    clocks.go_by(1.9)
    dispatch.work()
    assert desk.looks == 0
    clocks.go_by(0.2)
    dispatch.work()

    assert desk.looks == 1
    assert states(database) == ["sent"]


def test_after_a_start_with_the_clock_set_back_nothing_waits_longer_than_an_hour(
    desk: Desk, database: Database, clocks: Clocks
) -> None:
    owe_some(database)
    desk.plans = [(TemporaryDeliveryError("refused"), False)]
    Dispatch("desk", desk, database).work()
    clocks.wall -= YEAR
    dispatch = Dispatch("desk", desk, database)

    assert dispatch.work() == 30.0
    clocks.go_by(3599.0)
    dispatch.work()
    assert desk.sendings == ["Headline 1"]
    clocks.go_by(1.0)
    dispatch.work()

    assert desk.sendings == ["Headline 1"] * 2


def test_the_history_is_read_from_a_day_before_the_sending_for_clocks_differ(
    dispatch: Dispatch, desk: Desk, database: Database, clocks: Clocks
) -> None:
    owe_some(database)
    desk.plans = [(UnknownOutcomeError("reset"), True)]

    dispatch.work()
    clocks.go_by(7200.0)
    dispatch.work()

    assert desk.since == [NOON.timestamp() - 86400.0]


def test_the_history_is_read_from_the_first_sending_however_often_it_was_tried(
    dispatch: Dispatch, desk: Desk, database: Database, clocks: Clocks
) -> None:
    owe_some(database)
    desk.plans = [(TemporaryDeliveryError("refused"), False), (UnknownOutcomeError("reset"), True)]

    for _ in range(3):
        dispatch.work()
        clocks.go_by(1000.0)

    assert desk.since == [NOON.timestamp() - 86400.0]


def test_what_was_sent_while_our_clock_was_a_year_ahead_is_found_again(
    dispatch: Dispatch, desk: Desk, database: Database, clocks: Clocks
) -> None:
    owe_some(database)
    desk.plans = [(UnknownOutcomeError("reset"), True)]
    clocks.wall += YEAR
    dispatch.work()
    dispatch.work()

    clocks.wall -= YEAR
    clocks.go_by(10.0)
    dispatch.work()

    assert desk.since == [0.0]
    assert states(database) == ["sent"]


def test_what_is_looked_up_while_our_clock_is_a_year_ahead_is_found_behind_the_alert_before_it(
    desk: Desk, database: Database, clocks: Clocks
) -> None:
    owe_some(database, 2)
    dispatch = Dispatch("desk", desk, database)
    arrived = NOON.timestamp() - 5.0

    def send(message: Message) -> Sent:
        desk.arrived[message.key] = Sent("C1", f"{arrived:.6f}")
        if message.headline == "Headline 2":
            raise UnknownOutcomeError("reset")
        return desk.arrived[message.key]

    desk.send = send  # type: ignore[method-assign]
    dispatch.work()
    clocks.wall += YEAR
    dispatch.work()
    clocks.go_by(10.0)
    dispatch.work()

    assert desk.since == [arrived - 86400.0]
    assert states(database) == ["sent", "sent"]


def begin_sending(database: Database, lease: timedelta = timedelta(seconds=60)) -> Delivery:
    """As another process that took the oldest delivery and has not come back."""
    with database.transaction() as connection:
        found = deliveries.oldest(connection, "desk")
        assert found is not None
        started = outbox.start_sending(connection, found[0], now=clock.now(), lease=lease)
    assert started is not None
    return started


def test_what_another_is_sending_is_left_to_it_while_its_lease_runs(
    dispatch: Dispatch, desk: Desk, database: Database, clocks: Clocks
) -> None:
    owe_some(database, 2)
    begin_sending(database)

    for _ in range(59):
        assert dispatch.work() > 0.0
        clocks.go_by(1.0)

    assert desk.sendings == []
    assert desk.looks == 0
    assert states(database) == ["sending", "pending"]


def test_what_another_did_not_end_in_its_lease_is_looked_up_before_it_is_sent_again(
    dispatch: Dispatch, desk: Desk, database: Database, clocks: Clocks
) -> None:
    owe_some(database)
    started = begin_sending(database)
    desk.arrived[started.key] = Sent("C1", "by the other")
    dispatch.work()

    clocks.go_by(60.0)
    dispatch.work()
    assert states(database) == ["unknown"]
    clocks.go_by(2.0)
    dispatch.work()

    assert states(database) == ["sent"]
    assert column(database, "message") == "by the other"
    assert desk.sendings == []


def test_a_lease_is_waited_for_however_the_clock_is_set(
    dispatch: Dispatch, desk: Desk, database: Database, clocks: Clocks
) -> None:
    owe_some(database)
    begin_sending(database)
    dispatch.work()

    clocks.wall += YEAR
    clocks.go_by(59.0)
    dispatch.work()
    assert states(database) == ["sending"]

    clocks.wall -= 2 * YEAR
    clocks.go_by(1.0)
    dispatch.work()
    assert states(database) == ["unknown"]


def test_one_who_comes_back_too_late_changes_nothing_and_it_is_said(
    dispatch: Dispatch, desk: Desk, database: Database, clocks: Clocks, caplog: pytest.LogCaptureFixture
) -> None:
    owe_some(database)
    sleeper = Dispatch("desk", desk, database)
    send, slept = desk.send, list[str]()

    def sleep_and_send(message: Message) -> Sent:
        if not slept:
            slept.append(message.headline)
            sent = send(message)
            clocks.go_by(61.0)
            while states(database) != ["sent"]:  # the other takes over, finds it and records it
                dispatch.work()
                clocks.go_by(3.0)
            return replace(sent, message="late")
        return send(message)

    desk.send = sleep_and_send  # type: ignore[method-assign]

    sleeper.work()

    assert column(database, "message") == "message 1"
    assert desk.sendings == ["Headline 1"]
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == [
        "a delivery was taken over while it was sent"
    ]


def test_our_own_sending_whose_end_could_not_be_recorded_is_looked_up_at_once_and_not_repeated(
    dispatch: Dispatch, desk: Desk, database: Database, clocks: Clocks
) -> None:
    owe_some(database)
    with database.transaction() as connection:
        ledgers.refuse(connection, "UPDATE ON deliveries", when="NEW.state = 'sent'")
    with pytest.raises(SQLAlchemyError):
        dispatch.work()
    assert states(database) == ["sending"]
    with database.transaction() as connection:
        ledgers.refuse_no_more(connection, "UPDATE ON deliveries")

    dispatch.work()
    assert states(database) == ["unknown"]
    clocks.go_by(2.0)
    dispatch.work()

    assert states(database) == ["sent"]
    assert desk.sendings == ["Headline 1"]


def test_a_receiver_that_two_dispatches_serve_gets_each_alert_once(desk: Desk, database: Database) -> None:
    """As when a second process is let in: the ledger alone decides who sends."""
    owe_some(database, 12)
    both = [Dispatch("desk", desk, database) for _ in range(2)]
    until = time.monotonic() + 30.0

    def work(mine: Dispatch) -> None:
        while "pending" in states(database) and time.monotonic() < until:
            mine.work()

    threads = [threading.Thread(target=work, args=(each,)) for each in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(desk.sendings) == sorted(f"Headline {number}" for number in range(1, 13))
    assert states(database) == ["sent"] * 12
