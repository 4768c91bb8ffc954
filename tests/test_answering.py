"""Answering: what people press under a question is one answer of each, in whatever order Slack tells us."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from daemon import feedback, outbox, questions, verdicts
from daemon.actions import Verb
from daemon.clicks import Click, Outcome
from daemon.messages import Answered
from daemon.questions import Question
from tests.asked import draw, put
from tests.builders import MINUTE, NOON, SECOND, make_alert
from tests.presses import CHANNEL, MESSAGE, make_click
from tests.test_feedback import delivery

NOTHING, OTHER, UNDO = Verb.NOTHING, Verb.OTHER, Verb.UNDO

_POSTED = text(
    "UPDATE deliveries SET state = 'sent', channel = :channel, message = :message WHERE key = :key"
)


@pytest.fixture
def question(connection: Connection) -> Question:
    """A question of energy, trade and space that stands in the desk's channel."""
    question = put(connection)
    connection.execute(_POSTED, {"channel": CHANNEL, "message": MESSAGE, "key": question.key})
    return question


def take(connection: Connection, *clicks: Click) -> list[Outcome]:
    return [feedback.take(connection, click, NOON + MINUTE) for click in clicks]


def answered(connection: Connection, question: Question) -> dict[str, tuple[str, ...]]:
    return {each.person: each.topics for each in questions.answers(connection, question.key)}


def said(connection: Connection) -> dict[tuple[str, str], str]:
    return {(each.person, each.topic): each.verdict.value for each in verdicts.all_verdicts(connection)}


def revision(connection: Connection, question: Question) -> int:
    found = connection.execute(text("SELECT revision FROM deliveries WHERE key = :k"), {"k": question.key})
    return int(found.scalar_one())


def test_about_none_of_these_says_wrong_of_every_topic_that_was_asked_of(
    connection: Connection, question: Question
) -> None:
    assert take(connection, make_click(NOTHING, question.key)) == [Outcome.TAKEN]

    assert answered(connection, question) == {"U1": ()}
    assert said(connection) == {("U1", topic): "wrong" for topic in ("energy", "trade", "space")}
    assert revision(connection, question) == 1


def test_topics_picked_one_after_the_other_come_together(connection: Connection, question: Question) -> None:
    take(
        connection,
        make_click(OTHER, question.key, "energy", after=SECOND),
        make_click(OTHER, question.key, "space", after=2 * SECOND),
        make_click(OTHER, question.key, "trade", person="U2", after=2 * SECOND),
    )

    assert feedback.answers(connection, question.key) == (
        Answered("U1", ("energy", "space")),
        Answered("U2", ("trade",)),
    )
    mine = {topic: verdict for (person, topic), verdict in said(connection).items() if person == "U1"}
    assert mine == {"energy": "right", "space": "right", "trade": "wrong"}


def test_a_topic_after_about_none_of_these_is_the_only_one(
    connection: Connection, question: Question
) -> None:
    take(
        connection,
        make_click(OTHER, question.key, "energy", after=SECOND),
        make_click(NOTHING, question.key, after=2 * SECOND),
        make_click(OTHER, question.key, "trade", after=3 * SECOND),
    )

    assert answered(connection, question) == {"U1": ("trade",)}


def test_undo_takes_back_the_answer_and_its_verdicts_and_nothing_of_others(
    connection: Connection, question: Question
) -> None:
    take(
        connection,
        make_click(OTHER, question.key, "energy"),
        make_click(NOTHING, question.key, person="U2"),
        make_click(UNDO, question.key, after=MINUTE),
    )

    assert answered(connection, question) == {"U2": ()}
    assert {person for person, _ in said(connection)} == {"U2"}
    assert revision(connection, question) == 3


def test_after_an_undo_an_answer_begins_anew(connection: Connection, question: Question) -> None:
    take(
        connection,
        make_click(OTHER, question.key, "energy"),
        make_click(UNDO, question.key, after=2 * SECOND),
        make_click(OTHER, question.key, "space", after=3 * SECOND),
    )

    assert answered(connection, question) == {"U1": ("space",)}


def test_an_answer_older_than_an_undo_that_arrived_before_it_is_undone(
    connection: Connection, question: Question
) -> None:
    take(
        connection,
        make_click(UNDO, question.key, after=MINUTE),
        make_click(NOTHING, question.key, after=SECOND),
    )

    assert answered(connection, question) == {}
    assert revision(connection, question) == 0


def test_a_click_that_comes_again_changes_nothing(connection: Connection, question: Question) -> None:
    click = make_click(OTHER, question.key, "energy")
    undo = make_click(UNDO, question.key, after=MINUTE)

    assert take(connection, click, click, undo, click) == [
        Outcome.TAKEN, Outcome.REPEATED, Outcome.TAKEN, Outcome.REPEATED,
    ]  # fmt: skip
    assert answered(connection, question) == {}
    assert revision(connection, question) == 2


PRESSES = ((NOTHING, None), (OTHER, "energy"), (OTHER, "trade"), (OTHER, "space"), (UNDO, None))


@given(
    presses=st.lists(st.tuples(st.sampled_from(PRESSES), st.sampled_from(["U1", "U2"])), max_size=8),
    data=st.data(),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_order_in_which_envelopes_arrive_does_not_matter(
    connection: Connection,
    question: Question,
    presses: list[tuple[tuple[Verb, str | None], str]],
    data: st.DataObject,
) -> None:
    clicks = [
        make_click(verb, question.key, topic, person=person, after=number * SECOND)
        for number, ((verb, topic), person) in enumerate(presses)
    ]
    arriving = data.draw(st.permutations(clicks + clicks[::2]))

    with connection.begin_nested() as attempt:
        take(connection, *arriving)
        left, verdicts_left = answered(connection, question), said(connection)
        attempt.rollback()

    expected = last_words(clicks)
    assert {person: set(topics) for person, topics in left.items()} == expected
    assert verdicts_left == {
        (person, topic): "right" if topic in topics else "wrong"
        for person, topics in expected.items()
        for topic in ("energy", "trade", "space")
    }


def last_words(clicks: Sequence[Click]) -> dict[str, set[str]]:
    """What each person says who pressed these in this order."""
    found: dict[str, set[str]] = {}
    for click in clicks:
        match click.action.verb, click.action.topic:
            case Verb.UNDO, _:
                found.pop(click.person, None)
            case Verb.OTHER, str(topic):
                found.setdefault(click.person, set()).add(topic)
            case _:
                found[click.person] = set()
    return found


def test_a_click_from_another_channel_than_the_questions_is_only_written_down(
    connection: Connection, question: Question
) -> None:
    from_elsewhere = make_click(OTHER, question.key, "energy", channel="C9OTHER")

    assert take(connection, from_elsewhere, make_click(OTHER, question.key, "space", after=MINUTE)) == [
        Outcome.ELSEWHERE,
        Outcome.TAKEN,
    ]

    assert answered(connection, question) == {"U1": ("space",)}


def test_a_question_that_was_put_to_nobody_cannot_be_pressed(connection: Connection) -> None:
    question = draw(connection)

    assert take(connection, make_click(NOTHING, question.key)) == [Outcome.UNKNOWN]
    assert answered(connection, question) == {}


def test_an_answer_at_the_command_line_later_than_a_click_stands(
    connection: Connection, question: Question
) -> None:
    questions.answer(
        connection, key=question.key, person="U1", topics=["trade"], asked=["trade"], said_at=NOON + MINUTE
    )

    take(connection, make_click(NOTHING, question.key, after=SECOND))

    assert answered(connection, question) == {"U1": ("trade",)}
    assert revision(connection, question) == 0


def test_an_alert_of_the_article_shows_what_was_answered(connection: Connection, question: Question) -> None:
    alert = make_alert("another desk")
    outbox.add(connection, alert, article=question.article, now=NOON)

    take(connection, make_click(OTHER, question.key, "energy"))

    assert delivery(connection, alert)[1] == 1
    assert [remark.topic for remark in feedback.remarks(connection, alert.key)] == [
        "energy",
        "space",
        "trade",
    ]


@pytest.mark.parametrize("verb", [Verb.RIGHT, Verb.WRONG])
def test_a_press_that_no_question_offers_is_no_answer(
    connection: Connection, question: Question, verb: Verb
) -> None:
    take(connection, make_click(verb, question.key))

    assert answered(connection, question) == {}
    assert said(connection) == {}


def test_about_none_of_these_means_nothing_under_an_alert(connection: Connection, question: Question) -> None:
    alert = make_alert()
    outbox.add(connection, alert, article=question.article, now=NOON)

    assert take(connection, make_click(NOTHING, alert.key)) == [Outcome.TAKEN]

    assert said(connection) == {}


def test_what_fails_leaves_no_trace_of_the_click(
    connection: Connection, question: Question, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> bool:
        raise OSError("disk full")

    click = make_click(NOTHING, question.key)
    with monkeypatch.context() as broken, pytest.raises(OSError, match="disk full"):
        broken.setattr(questions, "answer", fail)
        with connection.begin_nested():
            feedback.take(connection, click, NOON)

    assert take(connection, click) == [Outcome.TAKEN]
    assert answered(connection, question) == {"U1": ()}
