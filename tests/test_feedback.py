"""Feedback: a click becomes one verdict, however often and in whatever order Slack tells us of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from daemon import feedback, outbox, verdicts, wishes
from daemon.actions import Action, Verb
from daemon.clicks import Click, Outcome
from daemon.messages import Remark
from daemon.records import Alert, AlertTopic
from daemon.wishes import Wish
from tests.builders import MINUTE, NOON, SECOND, make_alert, owe
from tests.presses import CHANNEL, MESSAGE, make_click

RIGHT, WRONG, OTHER, UNDO, MUTE = Verb.RIGHT, Verb.WRONG, Verb.OTHER, Verb.UNDO, Verb.MUTE
TWO_TOPICS = tuple(AlertTopic(name, name.title(), "main", 0.9, "", ()) for name in ("energy", "trade"))


@pytest.fixture
def alert(connection: Connection) -> Alert:
    """An alert on energy and trade that stands in the desk's channel."""
    return posted(connection, make_alert(topics=TWO_TOPICS))


def posted(
    connection: Connection, alert: Alert, channel: str | None = CHANNEL, into: int | None = None
) -> Alert:
    owe(connection, alert)
    place(connection, alert, channel, into)
    return alert


def place(connection: Connection, alert: Alert, channel: str | None, into: int | None = None) -> None:
    connection.execute(
        text(
            """
            UPDATE deliveries
            SET state = :state, channel = :channel, message = :message, into_id = :into
            WHERE key = :key
            """
        ),
        {
            "state": "merged" if into else "sent" if channel else "unknown",
            "channel": None if into else channel,
            "message": MESSAGE if channel and not into else None,
            "into": into,
            "key": alert.key,
        },
    )


def delivery(connection: Connection, alert: Alert) -> tuple[int, int]:
    """The id and the revision of an alert's delivery."""
    row = connection.execute(text("SELECT id, revision FROM deliveries WHERE key = :key"), {"key": alert.key})
    identity, revision = row.one()
    return identity, revision


def take(connection: Connection, *clicks: Click) -> list[Outcome]:
    return [feedback.take(connection, click, NOON + MINUTE) for click in clicks]


def said(connection: Connection) -> dict[tuple[str, str], str]:
    return {(each.person, each.topic): each.verdict.value for each in verdicts.all_verdicts(connection)}


def test_a_press_of_right_without_a_topic_is_of_all_that_the_alert_names(
    connection: Connection, alert: Alert
) -> None:
    assert take(connection, make_click(RIGHT, alert.key)) == [Outcome.TAKEN]

    assert said(connection) == {("U1", "energy"): "right", ("U1", "trade"): "right"}


def test_a_press_of_wrong_with_a_topic_is_of_that_tag_alone(connection: Connection, alert: Alert) -> None:
    take(connection, make_click(WRONG, alert.key, "trade"))

    assert said(connection) == {("U1", "trade"): "wrong"}


def test_another_topic_is_called_right(connection: Connection, alert: Alert) -> None:
    take(connection, make_click(OTHER, alert.key, "space"))

    assert said(connection) == {("U1", "space"): "right"}


def test_a_verdict_is_said_when_the_button_was_pressed_by_slacks_clock(
    connection: Connection, alert: Alert
) -> None:
    take(connection, make_click(RIGHT, alert.key, "energy", after=3 * SECOND))

    assert [v.said_at for v in verdicts.all_verdicts(connection)] == ["2026-03-05T12:00:03.000000Z"]


def test_a_click_that_comes_again_changes_nothing(connection: Connection, alert: Alert) -> None:
    click = make_click(RIGHT, alert.key, "energy")
    undo = make_click(UNDO, alert.key, after=MINUTE)

    assert take(connection, click, undo, click, undo) == [
        Outcome.TAKEN, Outcome.TAKEN, Outcome.REPEATED, Outcome.REPEATED,
    ]  # fmt: skip
    assert said(connection) == {}
    assert delivery(connection, alert)[1] == 2


def test_undo_takes_back_all_that_this_person_said_of_the_article_and_nothing_of_others(
    connection: Connection, alert: Alert
) -> None:
    take(
        connection,
        make_click(WRONG, alert.key),
        make_click(OTHER, alert.key, "space", after=2 * SECOND),
        make_click(WRONG, alert.key, "energy", person="U2"),
        make_click(UNDO, alert.key, after=3 * SECOND),
    )

    assert said(connection) == {("U2", "energy"): "wrong"}
    assert feedback.counts(connection)["clicks taken"] == 4


def test_undo_leaves_what_the_person_said_of_other_articles(connection: Connection, alert: Alert) -> None:
    other = posted(connection, make_alert(number=2))
    take(connection, make_click(RIGHT, other.key), make_click(UNDO, alert.key, after=MINUTE))

    assert said(connection) == {("U1", "energy"): "right"}


def test_after_an_undo_one_can_say_something_anew(connection: Connection, alert: Alert) -> None:
    take(
        connection,
        make_click(RIGHT, alert.key, "energy"),
        make_click(UNDO, alert.key, after=2 * SECOND),
        make_click(WRONG, alert.key, "energy", after=3 * SECOND),
    )

    assert said(connection) == {("U1", "energy"): "wrong"}


def test_an_older_click_that_arrives_later_does_not_overwrite_a_newer(
    connection: Connection, alert: Alert
) -> None:
    take(
        connection,
        make_click(WRONG, alert.key, "energy", after=MINUTE),
        make_click(RIGHT, alert.key, "energy", after=SECOND),
    )

    assert said(connection) == {("U1", "energy"): "wrong"}


def test_a_click_older_than_an_undo_that_arrived_before_it_is_undone(
    connection: Connection, alert: Alert
) -> None:
    take(
        connection,
        make_click(UNDO, alert.key, after=MINUTE),
        make_click(RIGHT, alert.key, after=SECOND),
        make_click(RIGHT, alert.key, person="U2", after=SECOND),
    )

    assert {person for person, _ in said(connection)} == {"U2"}


PRESSES = (
    [(verb, topic) for verb in (RIGHT, WRONG) for topic in (None, "energy", "trade")]
    + [(OTHER, "space"), (OTHER, "energy"), (UNDO, None)]
)  # fmt: skip


@given(
    presses=st.lists(st.tuples(st.sampled_from(PRESSES), st.sampled_from(["U1", "U2"])), max_size=8),
    data=st.data(),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_order_in_which_envelopes_arrive_does_not_matter(
    connection: Connection,
    alert: Alert,
    presses: list[tuple[tuple[Verb, str | None], str]],
    data: st.DataObject,
) -> None:
    clicks = [
        make_click(verb, alert.key, topic, person=person, after=number * SECOND)
        for number, ((verb, topic), person) in enumerate(presses)
    ]
    arriving = data.draw(st.permutations(clicks + clicks[::2]))

    with connection.begin_nested() as attempt:
        take(connection, *arriving)
        left = said(connection)
        attempt.rollback()

    assert left == folded(clicks)


def folded(clicks: Sequence[Click]) -> dict[tuple[str, str], str]:
    """What verdicts clicks leave in the order in which people pressed."""
    found: dict[tuple[str, str], str] = {}
    for click in clicks:
        verb, topic = click.action.verb, click.action.topic
        if verb is UNDO:
            found = {tag: verdict for tag, verdict in found.items() if tag[0] != click.person}
            continue
        for name in [topic] if topic else ["energy", "trade"]:
            found[click.person, name] = "wrong" if verb is WRONG else "right"
    return found


def test_what_two_people_dispute_is_kept_of_both(connection: Connection, alert: Alert) -> None:
    take(
        connection,
        make_click(RIGHT, alert.key, "energy"),
        make_click(WRONG, alert.key, "energy", person="U2", after=2 * SECOND),
    )

    assert said(connection) == {("U1", "energy"): "right", ("U2", "energy"): "wrong"}
    assert feedback.counts(connection) == {
        "clicks taken": 2,
        "verdicts right": 1,
        "verdicts wrong": 1,
        "verdicts disputed": 1,
    }


def test_a_click_on_an_alert_that_we_do_not_know_is_only_written_down(
    connection: Connection, alert: Alert
) -> None:
    assert take(connection, make_click(RIGHT, "f" * 32)) == [Outcome.UNKNOWN]

    assert said(connection) == {}
    assert feedback.counts(connection) == {"clicks unknown": 1, "verdicts disputed": 0}


def test_a_click_from_another_channel_than_the_alerts_is_only_written_down(
    connection: Connection, alert: Alert
) -> None:
    assert take(connection, make_click(RIGHT, alert.key, channel="C9OTHER")) == [Outcome.ELSEWHERE]

    assert said(connection) == {}
    assert delivery(connection, alert)[1] == 0


def test_an_undo_from_another_channel_takes_nothing_back(connection: Connection, alert: Alert) -> None:
    take(
        connection,
        make_click(UNDO, alert.key, channel="C9OTHER", after=MINUTE),
        make_click(RIGHT, alert.key, "energy"),
    )

    assert said(connection) == {("U1", "energy"): "right"}


def test_a_message_that_can_be_pressed_before_we_know_where_it_stands_counts(connection: Connection) -> None:
    alert = posted(connection, make_alert(), channel=None)

    assert take(connection, make_click(RIGHT, alert.key)) == [Outcome.TAKEN]
    assert said(connection) == {("U1", "energy"): "right"}


def test_the_message_is_to_be_shown_anew_once_for_each_verdict_that_changed(
    connection: Connection, alert: Alert
) -> None:
    take(
        connection,
        make_click(RIGHT, alert.key, after=MINUTE),
        make_click(WRONG, alert.key, after=SECOND),  # too old to count
        make_click(UNDO, alert.key, person="U2"),  # who never said anything
    )

    assert delivery(connection, alert)[1] == 1


def test_the_message_that_carries_an_alert_is_shown_anew_in_its_place(
    connection: Connection, alert: Alert
) -> None:
    carrier = delivery(connection, alert)[0]
    merged = posted(connection, make_alert(number=2), into=carrier)

    assert take(connection, make_click(RIGHT, merged.key)) == [Outcome.TAKEN]

    assert (delivery(connection, alert)[1], delivery(connection, merged)[1]) == (1, 0)


def test_a_click_in_another_channel_than_the_carriers_is_from_elsewhere(
    connection: Connection, alert: Alert
) -> None:
    merged = posted(connection, make_alert(number=2), into=delivery(connection, alert)[0])

    assert take(connection, make_click(RIGHT, merged.key, channel="C9OTHER")) == [Outcome.ELSEWHERE]


def test_a_verdict_shows_in_every_message_of_the_article(connection: Connection) -> None:
    alert = make_alert()
    article = owe(connection, alert)
    other = make_alert("another desk")
    outbox.add(connection, other, article=article, now=NOON)
    place(connection, alert, CHANNEL)
    place(connection, other, "C9OTHER")

    take(connection, make_click(RIGHT, alert.key))

    assert (delivery(connection, alert)[1], delivery(connection, other)[1]) == (1, 1)
    assert feedback.remarks(connection, other.key) == (Remark("U1", "energy", "right"),)


def test_remarks_are_of_the_alerts_topics_and_of_others_oldest_first(
    connection: Connection, alert: Alert
) -> None:
    other = posted(connection, make_alert(number=2))
    take(
        connection,
        make_click(OTHER, alert.key, "space", person="U2", after=2 * SECOND),
        make_click(WRONG, alert.key, "energy"),
        make_click(RIGHT, other.key),
    )

    assert feedback.remarks(connection, alert.key) == (
        Remark("U1", "energy", "wrong"),
        Remark("U2", "space", "right"),
    )
    assert feedback.remarks(connection, "f" * 32) == ()


def test_mute_is_a_wish_at_the_alerts_receiver_and_no_verdict(connection: Connection, alert: Alert) -> None:
    take(connection, make_click(MUTE, alert.key, "energy", "2h"))

    (wish,) = wishes.active(connection, NOON + 2 * MINUTE).records
    assert (wish.receiver, wish.topic, wish.wish, wish.person) == ("desk", "energy", Wish.MUTE, "U1")
    assert wish.until == NOON + MINUTE + timedelta(hours=2)
    assert said(connection) == {}


def test_what_is_muted_in_a_channel_is_muted_for_all_receivers_there(
    connection: Connection, alert: Alert
) -> None:
    click = make_click(MUTE, alert.key, "energy", "2h")

    feedback.take(connection, click, NOON, receivers=["desk", "night desk"])

    assert [each.receiver for each in wishes.active(connection, NOON).records] == ["desk", "night desk"]


def test_a_mute_that_comes_again_does_not_last_longer(connection: Connection, alert: Alert) -> None:
    click = make_click(MUTE, alert.key, "energy", "2h")
    feedback.take(connection, click, NOON)
    feedback.take(connection, click, NOON + timedelta(hours=1))

    assert wishes.active(connection, NOON + timedelta(hours=2)).records == ()


def test_what_fails_leaves_no_trace_of_the_click(
    connection: Connection, alert: Alert, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> bool:
        raise OSError("disk full")

    click = make_click(RIGHT, alert.key)
    with monkeypatch.context() as broken, pytest.raises(OSError, match="disk full"):
        broken.setattr(verdicts, "add_in_order", fail)
        with connection.begin_nested():
            feedback.take(connection, click, NOON)

    assert take(connection, click) == [Outcome.TAKEN]


def test_a_long_action_of_ours_is_short_enough_for_slack() -> None:
    assert len(Action(MUTE, "a" * 32, "t" * 80, "366d").value()) <= 150
