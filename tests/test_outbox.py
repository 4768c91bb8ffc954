"""The outbox: deliveries still owed, in order, and what became of each."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, text

from daemon import deliveries, outbox
from daemon.records import Alert, AlertTopic, Delivery, DeliveryState
from tests.builders import MINUTE, NOON, SECOND, make_alert, owe

LATER = NOON + MINUTE


def oldest(connection: Connection, receiver: str = "desk") -> Delivery:
    found = deliveries.oldest(connection, receiver)
    assert found is not None
    return found[0]


def sending(connection: Connection, receiver: str = "desk") -> Delivery:
    """The receiver's next delivery, on its way."""
    started = outbox.start_sending(connection, oldest(connection, receiver), now=NOON, lease=MINUTE)
    assert started is not None
    return started


def alert_of(delivery: Delivery) -> Alert:
    assert delivery.alert is not None
    return delivery.alert


def states(connection: Connection) -> list[str]:
    return [str(s) for s in connection.execute(text("SELECT state FROM deliveries ORDER BY id")).scalars()]


def test_an_alert_that_is_owed_is_pending_and_due_now(connection: Connection) -> None:
    owe(connection, make_alert())

    found = deliveries.oldest(connection, "desk")

    assert found is not None
    assert found[0].state is DeliveryState.PENDING
    assert (found[0].attempts, found[0].looks, found[0].first_sent_at) == (0, 0, None)
    assert found[1] == NOON


def test_the_alert_is_read_as_it_was_written(connection: Connection) -> None:
    alert = make_alert(headline='<!channel> "мақала" & \u2028', date="2026-03-05T15:20", source="wire/asia")

    owe(connection, alert)

    assert oldest(connection).alert == alert


def test_the_same_alert_is_owed_once_and_its_first_wording_stays(connection: Connection) -> None:
    article = owe(connection, make_alert(headline="First"))

    again = outbox.add(connection, make_alert(headline="Second"), article=article, now=LATER)

    assert again is False
    assert states(connection) == ["pending"]
    assert alert_of(oldest(connection)).headline == "First"


def test_an_alert_that_was_delivered_long_ago_is_not_owed_again(connection: Connection) -> None:
    article = owe(connection, make_alert())
    outbox.mark_sent(connection, sending(connection), now=NOON)

    assert outbox.add(connection, make_alert(), article=article, now=LATER) is False
    assert deliveries.oldest(connection, "desk") is None


def test_two_receivers_are_owed_the_same_article_each(connection: Connection) -> None:
    article = owe(connection, make_alert("desk"))

    assert outbox.add(connection, make_alert("embassy"), article=article, now=NOON) is True
    assert alert_of(oldest(connection, "desk")).receiver == "desk"
    assert alert_of(oldest(connection, "embassy")).receiver == "embassy"


def test_nothing_owed_is_none(connection: Connection) -> None:
    owe(connection, make_alert("desk"))

    assert deliveries.oldest(connection, "embassy") is None


def test_a_receiver_gets_its_alerts_in_the_order_they_were_written(connection: Connection) -> None:
    for number in (3, 1, 2):
        owe(connection, make_alert(number=number), now=NOON - number * MINUTE)
        owe(connection, make_alert("embassy", number=10 + number))

    got = []
    while deliveries.oldest(connection, "desk"):
        delivery = sending(connection)
        got.append(alert_of(delivery).headline)
        outbox.mark_sent(connection, delivery, now=NOON)

    assert got == ["Headline 3", "Headline 1", "Headline 2"]


@pytest.mark.parametrize("state", [DeliveryState.PENDING, DeliveryState.UNKNOWN, DeliveryState.PARKED])
def test_the_oldest_keeps_its_place_while_it_is_put_off(connection: Connection, state: DeliveryState) -> None:
    owe(connection, make_alert(number=1))
    owe(connection, make_alert(number=2))

    outbox.put_off(connection, sending(connection), state, due_at=LATER, error="no")

    found = deliveries.oldest(connection, "desk")
    assert found is not None
    assert alert_of(found[0]).headline == "Headline 1"
    assert found[0].state is state
    assert found[1] == LATER


def test_one_on_its_way_keeps_its_place(connection: Connection) -> None:
    owe(connection, make_alert(number=1))
    owe(connection, make_alert(number=2))

    sending(connection)

    assert alert_of(oldest(connection)).headline == "Headline 1"


def test_one_receiver_that_is_held_up_does_not_hold_up_another(connection: Connection) -> None:
    owe(connection, make_alert("desk", number=1))
    owe(connection, make_alert("embassy", number=2))

    outbox.put_off(connection, sending(connection), DeliveryState.PARKED, due_at=LATER, error="no")

    assert oldest(connection, "embassy").state is DeliveryState.PENDING


def test_a_dead_one_makes_way_for_the_next(connection: Connection) -> None:
    owe(connection, make_alert(number=1))
    owe(connection, make_alert(number=2))

    outbox.put_off(connection, sending(connection), DeliveryState.DEAD, due_at=NOON, error="never")

    assert alert_of(oldest(connection)).headline == "Headline 2"


def test_to_start_sending_counts_the_attempt_and_keeps_the_first_moment(connection: Connection) -> None:
    owe(connection, make_alert())

    first = outbox.start_sending(connection, oldest(connection), now=NOON, lease=MINUTE)
    assert first is not None
    outbox.put_off(connection, first, DeliveryState.PENDING, due_at=LATER, error="no")
    second = outbox.start_sending(connection, oldest(connection), now=LATER, lease=MINUTE)

    assert second is not None
    assert first.state is second.state is DeliveryState.SENDING
    assert (first.attempts, second.attempts) == (1, 2)
    assert first.first_sent_at == second.first_sent_at == "2026-03-05T12:00:00.000000Z"


def test_what_somebody_else_has_begun_to_send_is_not_ours(connection: Connection) -> None:
    owe(connection, make_alert())
    read_before = oldest(connection)
    sending(connection)

    assert outbox.start_sending(connection, read_before, now=LATER, lease=MINUTE) is None


def test_what_was_sent_says_when_and_where_and_forgets_the_error(connection: Connection) -> None:
    owe(connection, make_alert())
    outbox.put_off(connection, sending(connection), DeliveryState.PENDING, due_at=NOON, error="no")

    outbox.mark_sent(connection, sending(connection), now=LATER, channel="C1", message="1700000000.000100")

    row = connection.execute(
        text("SELECT state, sent_at, channel, message, error, attempts FROM deliveries")
    ).one()
    assert tuple(row) == ("sent", "2026-03-05T12:01:00.000000Z", "C1", "1700000000.000100", None, 2)


def test_a_look_is_counted_until_it_is_sent_again(connection: Connection) -> None:
    owe(connection, make_alert())
    delivery = sending(connection)

    outbox.put_off(connection, delivery, DeliveryState.UNKNOWN, due_at=LATER, error="not seen yet", looks=1)
    assert oldest(connection).looks == 1

    outbox.put_off(connection, delivery, DeliveryState.PENDING, due_at=LATER, error="it did not arrive")
    assert oldest(connection).looks == 0


def test_after_a_start_what_was_on_its_way_is_unknown_and_nothing_else_is_touched(
    connection: Connection,
) -> None:
    alerts = [make_alert(f"desk {number}", number=number) for number in range(6)]
    final = [
        DeliveryState.PENDING,
        DeliveryState.SENDING,
        DeliveryState.UNKNOWN,
        DeliveryState.PARKED,
        DeliveryState.SENT,
        DeliveryState.DEAD,
    ]
    for alert, state in zip(alerts, final, strict=True):
        owe(connection, alert)
        bring_to(connection, alert, state)

    number = outbox.recover(connection, due_at=NOON + 2 * SECOND)

    assert number == 1
    assert states(connection) == ["pending", "unknown", "unknown", "parked", "sent", "dead"]
    found = deliveries.oldest(connection, "desk 1")
    assert found is not None
    assert found[1] == NOON + 2 * SECOND
    assert found[0].first_sent_at == "2026-03-05T12:00:00.000000Z"


def test_one_on_its_way_has_a_lease_and_a_generation_of_its_own(connection: Connection) -> None:
    owe(connection, make_alert())

    first = sending(connection)
    outbox.put_off(connection, first, DeliveryState.PENDING, due_at=NOON, error="no")
    second = sending(connection)

    assert first.lease_until == second.lease_until == "2026-03-05T12:01:00.000000Z"
    assert second.generation == first.generation + 1
    assert oldest(connection) == second


def test_what_is_put_off_or_sent_has_no_lease_any_more(connection: Connection) -> None:
    owe(connection, make_alert())
    outbox.put_off(connection, sending(connection), DeliveryState.PENDING, due_at=NOON, error="no")
    assert oldest(connection).lease_until is None

    outbox.mark_sent(connection, sending(connection), now=NOON)

    assert connection.execute(text("SELECT lease_until FROM deliveries")).scalars().all() == [None]


@pytest.mark.parametrize("late", ["sent", "put off"])
def test_who_comes_back_after_another_took_over_changes_nothing(connection: Connection, late: str) -> None:
    owe(connection, make_alert())
    sleeper = sending(connection)
    outbox.put_off(connection, sleeper, DeliveryState.UNKNOWN, due_at=NOON, error="its lease ran out")
    other = sending(connection)

    if late == "sent":
        kept = outbox.mark_sent(connection, sleeper, now=LATER, message="late")
    else:
        kept = outbox.put_off(connection, sleeper, DeliveryState.DEAD, due_at=LATER, error="late")

    assert kept is False
    assert oldest(connection) == other
    assert outbox.mark_sent(connection, other, now=LATER, message="1.2") is True
    assert connection.execute(text("SELECT message FROM deliveries")).scalars().all() == ["1.2"]


def test_after_a_start_the_end_of_a_sending_before_it_is_void(connection: Connection) -> None:
    owe(connection, make_alert())
    before = sending(connection)
    outbox.recover(connection, due_at=LATER)

    assert outbox.mark_sent(connection, before, now=LATER) is False
    assert states(connection) == ["unknown"]
    assert oldest(connection).lease_until is None


def test_the_last_message_is_that_of_the_newest_alert_that_arrived(connection: Connection) -> None:
    assert deliveries.last_message(connection, "desk") is None
    for number in range(1, 5):
        owe(connection, make_alert(number=number))
    owe(connection, make_alert("embassy", number=9))
    for message in ("1.0", "2.0", None):
        outbox.mark_sent(connection, sending(connection), now=NOON, message=message)
    sending(connection)
    outbox.mark_sent(connection, sending(connection, "embassy"), now=NOON, message="9.0")

    assert deliveries.last_message(connection, "desk") == "2.0"


def test_what_is_owed_to_a_receiver_that_is_no_more_is_held_and_shown(connection: Connection) -> None:
    for number in range(3):
        owe(connection, make_alert("gone", number=number))
    owe(connection, make_alert("desk", number=9))

    held = outbox.park_strangers(connection, {"desk"}, now=NOON)

    assert held == {"gone": 3}
    assert states(connection) == ["parked"] * 3 + ["pending"]
    assert outbox.trouble(connection) == [
        ("gone", "parked", "the configuration has no receiver of this name", 3)
    ]


def test_what_was_held_goes_out_in_order_when_its_receiver_is_back(connection: Connection) -> None:
    for number in (1, 2):
        owe(connection, make_alert("gone", number=number))
    outbox.park_strangers(connection, {"desk"}, now=NOON)

    held = outbox.park_strangers(connection, {"desk", "gone"}, now=LATER)

    assert held == {}
    found = deliveries.oldest(connection, "gone")
    assert found is not None
    assert (alert_of(found[0]).headline, found[0].state, found[1]) == (
        "Headline 1",
        DeliveryState.PENDING,
        LATER,
    )
    assert outbox.trouble(connection) == []


def test_what_a_known_receiver_refused_stays_parked_and_it_is_asked_again_at_once(
    connection: Connection,
) -> None:
    owe(connection, make_alert())
    outbox.put_off(
        connection, sending(connection), DeliveryState.PARKED, due_at=LATER, error="not_in_channel"
    )

    outbox.park_strangers(connection, {"desk"}, now=NOON)

    found = deliveries.oldest(connection, "desk")
    assert found is not None
    assert (found[0].state, found[1]) == (DeliveryState.PARKED, NOON)


def test_what_may_have_reached_a_receiver_that_is_no_more_is_still_looked_up_when_it_is_back(
    connection: Connection,
) -> None:
    owe(connection, make_alert("gone"))
    outbox.put_off(connection, sending(connection, "gone"), DeliveryState.UNKNOWN, due_at=NOON, error="reset")

    outbox.park_strangers(connection, {"desk"}, now=NOON)
    outbox.park_strangers(connection, {"desk", "gone"}, now=LATER)

    assert oldest(connection, "gone").state is DeliveryState.UNKNOWN


def test_topics_told_are_those_of_all_alerts_of_the_articles(connection: Connection) -> None:
    def about(*topics: str) -> tuple[AlertTopic, ...]:
        return tuple(AlertTopic(topic, topic, "main", 0.9, "", ()) for topic in topics)

    first = owe(connection, make_alert("desk", 1, topics=about("energy")))
    second = owe(connection, make_alert("desk", 2, topics=about("trade", "energy")))
    outbox.add(connection, make_alert("embassy", 1, topics=about("minerals")), article=first, now=NOON)
    owe(connection, make_alert("desk", 3, topics=about("health")))

    assert deliveries.topics_told(connection, [first, second]) == {
        "desk": {"energy", "trade"},
        "embassy": {"minerals"},
    }
    assert deliveries.topics_told(connection, []) == {}


def test_counts_and_trouble_say_who_is_owed_what_and_why(connection: Connection) -> None:
    for number in range(1, 5):
        owe(connection, make_alert(number=number))
    owe(connection, make_alert("embassy", number=9))
    outbox.mark_sent(connection, sending(connection), now=NOON)
    outbox.put_off(connection, sending(connection), DeliveryState.DEAD, due_at=NOON, error="too long")
    outbox.put_off(connection, sending(connection), DeliveryState.PARKED, due_at=NOON, error="not_in_channel")

    assert outbox.counts(connection) == {
        "desk": {"dead": 1, "parked": 1, "pending": 1, "sent": 1},
        "embassy": {"pending": 1},
    }
    assert outbox.trouble(connection) == [
        ("desk", "dead", "too long", 1),
        ("desk", "parked", "not_in_channel", 1),
    ]


def test_an_endless_reason_is_cut(connection: Connection) -> None:
    owe(connection, make_alert())

    outbox.put_off(connection, sending(connection), DeliveryState.PARKED, due_at=NOON, error="x" * 10_000)

    assert outbox.trouble(connection) == [("desk", "parked", "x" * 500, 1)]


def bring_to(connection: Connection, alert: Alert, state: DeliveryState) -> None:
    if state is DeliveryState.PENDING:
        return
    delivery = sending(connection, alert.receiver)
    if state is DeliveryState.SENT:
        outbox.mark_sent(connection, delivery, now=NOON)
    elif state is not DeliveryState.SENDING:
        outbox.put_off(connection, delivery, state, due_at=NOON, error="no")


@pytest.mark.parametrize("state", [DeliveryState.PENDING, DeliveryState.SENT, DeliveryState.SENDING])
def test_what_goes_on_by_itself_or_has_arrived_cannot_be_tried_again(
    connection: Connection, state: DeliveryState
) -> None:
    with pytest.raises(ValueError, match="goes on by itself"):
        outbox.retry(connection, "desk", state, now=NOON, look_at=LATER, up_to=9)


def test_of_those_that_are_tried_again_the_oldest_come_first_and_others_stay(connection: Connection) -> None:
    for number in (1, 2, 3):
        owe(connection, make_alert(number=number))
        outbox.put_off(connection, sending(connection), DeliveryState.DEAD, due_at=NOON, error="refused")

    first = outbox.retry(connection, "desk", DeliveryState.DEAD, now=NOON, look_at=LATER, up_to=3, most=1)
    others = outbox.retry(
        connection, "desk", DeliveryState.DEAD, now=NOON, look_at=LATER, after=first[0], up_to=2, most=9
    )

    assert (first, others) == ([1], [2])
    assert states(connection) == ["pending", "pending", "dead"]
