"""Grouping: when many alerts go as one message, and what becomes of each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from daemon.database import Database
from daemon.dispatch import Dispatch, Manner
from daemon.errors import PermanentDeliveryError, ThreadRefusedError, UnknownOutcomeError
from daemon.grouping import Burst, Situation, Way, way
from daemon.messages import Form
from tests.builders import make_alert, owe
from tests.desk import Desk
from tests.newsroom import Clocks

FIVE_IN_A_MINUTE = Burst(5, timedelta(minutes=1))


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    return Clocks().turn(monkeypatch)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def dispatch(desk: Desk, database: Database) -> Dispatch:
    return Dispatch("desk", desk, database, manner=Manner(burst=FIVE_IN_A_MINUTE))


class Arrivals:
    """Alerts as they are owed, one after the other."""

    def __init__(self, database: Database, clocks: Clocks) -> None:
        self.database, self.clocks = database, clocks
        self.number = 0

    def come(self, number: int = 1, at: datetime | None = None) -> None:
        with self.database.transaction() as connection:
            for _ in range(number):
                self.number += 1
                owe(connection, make_alert(number=self.number), now=at or self.clocks.now())


@pytest.fixture
def arrivals(database: Database, clocks: Clocks) -> Arrivals:
    return Arrivals(database, clocks)


def work(dispatch: Dispatch) -> None:
    while dispatch.work() == 0.0:
        pass


def shape(desk: Desk) -> list[tuple[str, int, str | None]]:
    """Form, number of alerts and thread of each message."""
    return [(m.form.value, len(m.entries), m.thread) for m in desk.messages]


def told(desk: Desk) -> list[str]:
    return [entry.alert.headline for message in desk.messages for entry in message.entries]


def headlines(number: int) -> list[str]:
    return [f"Headline {n}" for n in range(1, number + 1)]


def states(database: Database) -> list[str]:
    with database.reading() as connection:
        rows = connection.execute(text("SELECT state FROM deliveries ORDER BY id")).scalars()
        return [str(state) for state in rows]


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        (Situation(waiting=5), Way.ALONE),
        (Situation(waiting=6), Way.BURST),
        (Situation(waiting=1, told=5), Way.BURST),
        (Situation(waiting=1, told=4), Way.ALONE),
        (Situation(waiting=1, told=5, open_burst=True), Way.JOIN_BURST),
        (Situation(waiting=1, told=4, open_burst=True), Way.ALONE),
        (Situation(waiting=5, root=Form.ALERT), Way.ALONE),
        (Situation(waiting=6, root=Form.ALERT), Way.LIST),
        (Situation(waiting=1, root=Form.BURST), Way.ALONE),
        (Situation(waiting=2, root=Form.BURST), Way.LIST),
        (Situation(waiting=2, root=Form.DIGEST), Way.LIST),
        (Situation(waiting=1, kept=1), Way.ALONE),
        (Situation(waiting=2, kept=2), Way.QUIET),
        (Situation(waiting=9, kept=1), Way.BURST),
        (Situation(waiting=1, kept=1, open_quiet=True), Way.JOIN_QUIET),
    ],
)
def test_how_the_oldest_goes_is_decided_from_what_waits_and_what_was_told(
    situation: Situation, expected: Way
) -> None:
    assert way(situation, FIVE_IN_A_MINUTE) is expected


def test_without_a_burst_rule_each_goes_alone_but_what_belongs_together() -> None:
    assert way(Situation(waiting=1000, told=1000), None) is Way.ALONE
    assert way(Situation(waiting=1000, root=Form.ALERT), None) is Way.ALONE
    assert way(Situation(waiting=2, root=Form.QUIET), None) is Way.LIST


def test_few_alerts_go_alone(dispatch: Dispatch, desk: Desk, arrivals: Arrivals) -> None:
    arrivals.come(5)

    work(dispatch)

    assert shape(desk) == [("alert", 1, None)] * 5
    assert told(desk) == headlines(5)


def test_many_at_once_are_one_message_with_the_rest_in_its_thread_in_order(
    dispatch: Dispatch, desk: Desk, arrivals: Arrivals, database: Database
) -> None:
    arrivals.come(19)

    work(dispatch)

    assert shape(desk) == [("burst", 8, None), ("list", 8, "message 1"), ("list", 3, "message 1")]
    assert told(desk) == headlines(19)
    assert desk.messages[0].more == 11
    assert sorted(states(database)) == ["merged"] * 16 + ["sent"] * 3


def test_the_one_too_many_begins_a_burst_and_the_next_join_it(
    dispatch: Dispatch, desk: Desk, arrivals: Arrivals, clocks: Clocks
) -> None:
    for _ in range(8):
        arrivals.come()
        work(dispatch)
        clocks.go_by(5.0)

    assert shape(desk) == [("alert", 1, None)] * 5 + [
        ("burst", 1, None),
        ("alert", 1, "message 6"),
        ("alert", 1, "message 6"),
    ]
    assert told(desk) == headlines(8)


def test_the_message_of_a_burst_shows_how_many_more_there_are(
    dispatch: Dispatch, desk: Desk, arrivals: Arrivals, clocks: Clocks
) -> None:
    arrivals.come(9)
    work(dispatch)
    clocks.go_by(10.0)
    arrivals.come(4)
    work(dispatch)

    assert desk.updates[-1].key == desk.messages[0].key
    assert desk.updates[-1].more == 5


def test_when_it_calms_down_alerts_go_alone_again(
    dispatch: Dispatch, desk: Desk, arrivals: Arrivals, clocks: Clocks
) -> None:
    arrivals.come(20)
    work(dispatch)
    clocks.go_by(61.0)
    arrivals.come()

    work(dispatch)

    assert shape(desk)[-1] == ("alert", 1, None)


def test_a_burst_of_hours_gets_a_new_message_each_hour(
    dispatch: Dispatch, desk: Desk, arrivals: Arrivals, clocks: Clocks
) -> None:
    for _ in range(370):
        arrivals.come()
        work(dispatch)
        clocks.go_by(10.0)

    roots = [m for m in desk.messages if m.form is Form.BURST]
    assert len(roots) == 2
    assert len(set(told(desk))) == 370


def test_a_receiver_that_does_not_want_groups_gets_each(
    desk: Desk, database: Database, arrivals: Arrivals
) -> None:
    desk.groups = False
    arrivals.come(19)

    work(Dispatch("desk", desk, database, manner=Manner(burst=FIVE_IN_A_MINUTE)))

    assert shape(desk) == [("alert", 1, None)] * 19


def test_a_burst_cut_off_on_its_way_is_looked_for_and_sent_as_it_was(
    dispatch: Dispatch, desk: Desk, arrivals: Arrivals, clocks: Clocks
) -> None:
    desk.plans = [(UnknownOutcomeError("reset"), False)]
    arrivals.come(9)
    work(dispatch)
    arrivals.come(3)
    for seconds in (2.0, 13.0, 1.0):
        clocks.go_by(seconds)
        work(dispatch)

    assert [m.keys for m in desk.messages[:2]] == [desk.messages[0].keys] * 2
    assert sorted(set(told(desk))) == sorted(headlines(12))
    assert len(told(desk)) == 12 + 8


def test_a_burst_that_arrived_unheard_is_not_sent_again(
    dispatch: Dispatch, desk: Desk, arrivals: Arrivals, clocks: Clocks, database: Database
) -> None:
    desk.plans = [(UnknownOutcomeError("reset"), True)]
    arrivals.come(8)
    work(dispatch)
    clocks.go_by(2.0)
    work(dispatch)

    assert told(desk) == headlines(8)
    assert sorted(states(database)) == ["merged"] * 7 + ["sent"]


def test_a_group_that_is_never_taken_is_taken_apart_and_nothing_of_it_is_lost(
    dispatch: Dispatch, desk: Desk, arrivals: Arrivals, database: Database
) -> None:
    desk.plans = [(PermanentDeliveryError("invalid_blocks"), False)]
    arrivals.come(8)

    work(dispatch)

    assert shape(desk)[0] == ("burst", 8, None)
    assert shape(desk)[1:] == [("alert", 1, None)] * 8
    assert told(desk)[8:] == headlines(8)
    assert states(database) == ["sent"] * 8


def test_a_thread_that_takes_no_replies_is_left(
    dispatch: Dispatch, desk: Desk, arrivals: Arrivals, database: Database
) -> None:
    desk.plans = [(None, True), (ThreadRefusedError("thread_not_found"), False)]
    arrivals.come(12)

    work(dispatch)

    assert shape(desk) == [("burst", 8, None), ("list", 4, "message 1"), ("list", 4, None)]
    assert set(told(desk)) == set(headlines(12))
    assert "pending" not in states(database)


NIGHT = Manner(burst=FIVE_IN_A_MINUTE, hours="22:00-07:00", zone="UTC")


def set_to(clocks: Clocks, moment: datetime) -> None:
    clocks.go_by((moment - clocks.now()).total_seconds())


def at(hour: int, minute: int = 0, day: int = 5) -> datetime:
    return datetime(2027, 3, day, hour, minute, tzinfo=UTC)


def test_in_quiet_hours_nothing_is_told_and_then_all_of_it_as_one(
    desk: Desk, database: Database, arrivals: Arrivals, clocks: Clocks
) -> None:
    dispatch = Dispatch("desk", desk, database, manner=NIGHT)
    set_to(clocks, at(23))
    arrivals.come(3)
    assert dispatch.work() > 0.0
    assert dispatch.is_idle()
    set_to(clocks, at(6, 59, day=6))
    arrivals.come(8)
    work(dispatch)
    assert desk.messages == []

    set_to(clocks, at(7, 0, day=6))
    arrivals.come(1)
    work(dispatch)

    assert shape(desk) == [("quiet", 8, None), ("list", 3, "message 1"), ("alert", 1, None)]
    assert told(desk) == headlines(12)


def test_one_alert_of_the_night_is_told_as_any_other(
    desk: Desk, database: Database, arrivals: Arrivals, clocks: Clocks
) -> None:
    dispatch = Dispatch("desk", desk, database, manner=NIGHT)
    set_to(clocks, at(23))
    arrivals.come(1)
    set_to(clocks, at(8, day=6))
    work(dispatch)

    assert shape(desk) == [("alert", 1, None)]


def test_what_was_on_its_way_when_the_quiet_began_is_looked_up_in_it(
    desk: Desk, database: Database, arrivals: Arrivals, clocks: Clocks
) -> None:
    dispatch = Dispatch("desk", desk, database, manner=NIGHT)
    desk.plans = [(UnknownOutcomeError("reset"), True)]
    set_to(clocks, at(21, 59))
    arrivals.come(1)
    work(dispatch)
    set_to(clocks, at(22, 1))

    work(dispatch)

    assert states(database) == ["sent"]
    assert len(desk.messages) == 1


def test_a_reply_waits_for_the_message_that_begins_its_thread(
    dispatch: Dispatch, desk: Desk, arrivals: Arrivals, database: Database, clocks: Clocks
) -> None:
    arrivals.come(2)
    with database.transaction() as connection:
        # The first belongs in the thread of the second, as what was held for a digest does.
        connection.execute(text("UPDATE deliveries SET root_id = 2 WHERE id = 1"))

    work(dispatch)

    assert told(desk) == ["Headline 2", "Headline 1"]
    assert shape(desk)[1] == ("alert", 1, "message 1")


def test_what_is_held_for_a_digest_is_not_sent(dispatch: Dispatch, desk: Desk, database: Database) -> None:
    with database.transaction() as connection:
        owe(connection, make_alert(), now=datetime(2020, 1, 1, tzinfo=UTC))
        connection.execute(text("UPDATE deliveries SET state = 'held'"))

    assert dispatch.work() == 30.0
    assert dispatch.is_idle()
    assert desk.messages == []


def test_a_message_whose_content_has_changed_is_shown_anew_once(
    dispatch: Dispatch, desk: Desk, arrivals: Arrivals, database: Database
) -> None:
    arrivals.come(1)
    work(dispatch)
    with database.transaction() as connection:
        connection.execute(text("UPDATE deliveries SET revision = revision + 2"))

    work(dispatch)
    work(dispatch)

    assert [m.key for m in desk.updates] == [desk.messages[0].key]


def test_an_update_that_failed_comes_again_later_and_one_refused_for_good_does_not(
    dispatch: Dispatch, desk: Desk, arrivals: Arrivals, database: Database, clocks: Clocks
) -> None:
    arrivals.come(1)
    work(dispatch)
    with database.transaction() as connection:
        connection.execute(text("UPDATE deliveries SET revision = revision + 1"))
    desk.update_plans = [UnknownOutcomeError("time-out")]
    work(dispatch)
    assert desk.updates == []
    clocks.go_by(14.9)
    work(dispatch)
    assert desk.updates == []
    clocks.go_by(0.2)
    work(dispatch)
    assert len(desk.updates) == 1

    with database.transaction() as connection:
        connection.execute(text("UPDATE deliveries SET revision = revision + 1"))
    desk.update_plans = [PermanentDeliveryError("msg_too_long")] * 3
    for _ in range(3):
        work(dispatch)
        clocks.go_by(60.0)

    assert len(desk.update_plans) == 2


def test_an_update_cut_off_by_a_kill_is_waited_for_before_the_next_one(
    desk: Desk, arrivals: Arrivals, database: Database, clocks: Clocks
) -> None:
    arrivals.come(1)
    work(Dispatch("desk", desk, database))
    with database.transaction() as connection:
        connection.execute(text("UPDATE deliveries SET revision = revision + 1, refresh_tries = 1"))
    second_life = Dispatch("desk", desk, database)

    work(second_life)
    assert desk.updates == []
    clocks.go_by(15.1)
    work(second_life)

    assert len(desk.updates) == 1


def test_an_update_of_unknown_outcome_keeps_no_other_message_waiting(
    dispatch: Dispatch, desk: Desk, arrivals: Arrivals, database: Database, clocks: Clocks
) -> None:
    arrivals.come(2)
    work(dispatch)
    with database.transaction() as connection:
        connection.execute(text("UPDATE deliveries SET revision = revision + 1"))
    desk.update_plans = [UnknownOutcomeError("time-out")]

    work(dispatch)
    clocks.go_by(1.5)
    work(dispatch)
    assert [message.headline for message in desk.updates] == ["Headline 2"]
    clocks.go_by(14.0)
    work(dispatch)
    assert [message.headline for message in desk.updates] == ["Headline 2", "Headline 1"]
