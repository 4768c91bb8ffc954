"""Asking: an article without an alert is put to a desk once, and shows what people answer."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from sqlalchemy import Connection, text

from daemon import asking, composing, deliveries, feedback, questions
from daemon.actions import Action, Verb
from daemon.asking import within_a_menu
from daemon.blocks import blocks, problems
from daemon.console import ConsoleSender
from daemon.database import Database
from daemon.dispatch import Dispatch, Manner
from daemon.grouping import Burst
from daemon.messages import Answered, Form, Message, Nearest
from daemon.slack import SlackSender
from daemon.slackapi import SlackApp
from daemon.webhook import WebhookSender
from tests import ledgers
from tests.asked import TOPICS, around, draw, put
from tests.builders import MINUTE, NOON, SECOND, make_alert, owe
from tests.desk import Desk
from tests.hostile import request
from tests.newsroom import Clocks
from tests.presses import make_click
from tests.slack_stand_in import SlackStandIn
from tests.test_blocks import pressed, texts
from tests.test_conversation import Desk as Newsroom

MANY_TOPICS = tuple((f"topic-{number}", f"Topic {number}") for number in range(120))


def message(connection: Connection, number: int = 1) -> Message:
    """The message of the delivery with this id, as it is now."""
    delivery = deliveries.one(connection, number)
    assert delivery is not None
    return composing.compose(connection, delivery, choices=(("new", "A topic that came later"),))


def test_a_question_is_one_message_with_what_a_desk_needs_to_answer(connection: Connection) -> None:
    question = draw(
        connection,
        language="en",
        source="wire/asia",
        date="2026-03-05T10:00:00+05:00",
        url="https://wire.example/9",
    )

    asking.owe(connection, "desk", [question], topics=TOPICS, now=NOON)

    found = message(connection)
    assert (found.form, found.key, found.entries) == (Form.QUESTION, question.key, ())
    assert found.headline == "Villages fetch water by lorry 1"
    assert texts(blocks(found)) == [
        "Did we miss this? No alert was sent.",
        "*<https://wire.example/9|Villages fetch water by lorry 1>*",
        "wire/asia · 2026-03-05 10:00 +05:00 · en",
        "“The wells of three villages have run dry.”",
        "nearest: Energy 31%",
    ]
    assert pressed(blocks(found)) == {
        "0-nothing": [("about none of these", Action(Verb.NOTHING, question.key))],
        "0-about": [(title, Action(Verb.OTHER, question.key, topic)) for topic, title in TOPICS],
    }


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("https://wire.example/9", "https://wire.example/9"),
        ("javascript:alert(1)", "https://wire.example/7"),
        (None, "https://wire.example/7"),
    ],
)
def test_a_question_links_to_where_the_article_says_that_it_stands(
    connection: Connection, given: str | None, shown: str
) -> None:
    question = draw(connection, content="Dry wells\nNo water.\nhttps://wire.example/7\n", url=given)

    asking.owe(connection, "desk", [question], topics=TOPICS, now=NOON)

    assert f"*<{shown}|Dry wells>*" in texts(blocks(message(connection)))


def test_several_questions_are_several_messages_and_each_is_put_once(connection: Connection) -> None:
    found = [draw(connection, number) for number in (1, 2, 3)]

    asking.owe(connection, "desk", found[:2], topics=TOPICS, now=NOON)
    asking.owe(connection, "night desk", found, topics=MANY_TOPICS, now=NOON)

    rows = connection.execute(text("SELECT receiver, key FROM deliveries ORDER BY id")).all()
    assert [tuple(row) for row in rows] == [
        ("desk", found[0].key),
        ("desk", found[1].key),
        ("night desk", found[2].key),
    ]


def test_what_is_not_known_of_an_article_is_not_said(connection: Connection) -> None:
    question = draw(connection, content="Rain.")
    connection.execute(text("UPDATE articles SET nearest = NULL, nearness = NULL"))
    unknown = questions.one(connection, question.key)
    assert unknown is not None

    asking.owe(connection, "desk", [unknown], topics=TOPICS, now=NOON)

    assert texts(blocks(message(connection))) == ["Did we miss this? No alert was sent.", "*Rain.*"]


def test_who_cannot_press_is_told_how_to_answer(connection: Connection) -> None:
    question = put(connection)

    said = texts(blocks(message(connection), interactive=False))

    assert pressed(blocks(message(connection), interactive=False)) == {}
    assert said[-1] == f"to answer: topicwired sample answer {question.fingerprint[:16]} TOPIC, or none"
    assert questions.about(connection, question.fingerprint[:16]) == question


def test_every_receiver_that_cannot_hear_a_press_is_told_the_command(
    connection: Connection, slack: SlackStandIn
) -> None:
    put(connection)
    asked, screen = message(connection), io.StringIO()

    SlackSender(SlackApp(slack.token, slack.url), "C0DESK", interactive=False).send(asked)
    WebhookSender(slack.webhook_url).send(asked)
    ConsoleSender(Console(file=screen, width=80)).send(asked)

    posted = [json.dumps(each["blocks"]) for each in (*slack.messages, *slack.webhook_messages)]
    assert ["topicwired sample answer" in each for each in (*posted, screen.getvalue())] == [True] * 3
    assert not any('"actions"' in each for each in posted)


def test_the_message_says_who_said_what_and_offers_to_undo_it(connection: Connection) -> None:
    question = put(connection)
    asked = [topic for topic, _ in TOPICS]
    for person, topics in (("U0DANA", ["energy", "space"]), ("anna", [])):
        questions.answer(
            connection, key=question.key, person=person, topics=topics, asked=asked, said_at=NOON
        )

    found = message(connection)

    assert found.answers == (Answered("U0DANA", ("energy", "space")), Answered("anna", ()))
    assert texts(blocks(found))[-1] == "about Energy, Space — <@U0DANA>\nabout none of these — anna"
    assert pressed(blocks(found))["0-undo"] == [("undo", Action(Verb.UNDO, question.key))]


def test_the_menu_is_of_what_was_asked_whatever_topics_there_are_by_now(connection: Connection) -> None:
    put(connection)

    shown = json.dumps(blocks(message(connection)))

    assert "A topic that came later" not in shown


@pytest.mark.parametrize("title", ["Topic", "Тақырып туралы ұзақ атау " * 3, "موضوع طويل " * 8])
def test_no_more_is_asked_of_than_a_menu_shows_beside_a_long_article(
    connection: Connection, title: str
) -> None:
    topics = tuple((f"topic-{number}", f"{title} {number}") for number in range(150))
    question = draw(
        connection, content=f"{'Заголовок ' * 40}\n{'Текст статьи. ' * 400}", source="Агентство " * 30
    )

    asking.owe(connection, "desk", [question], topics=topics, now=NOON)

    found = message(connection)
    assert found.question is not None
    asked = [topic for topic, _ in found.question.topics]
    assert len(asked) >= 20
    assert [action.topic for _, action in pressed(blocks(found))["0-about"] if action] == asked
    assert problems(request(found)) == []


def test_topics_that_one_menu_cannot_hold_are_not_asked_of() -> None:
    assert within_a_menu(TOPICS) == TOPICS
    assert within_a_menu(MANY_TOPICS) == MANY_TOPICS[:55]
    assert within_a_menu(()) == ()


def work(dispatch: Dispatch) -> None:
    while dispatch.work() == 0.0:
        pass


def test_neither_a_burst_nor_quiet_hours_swallow_a_question_or_merge_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    clocks = Clocks().turn(monkeypatch)
    desk = Desk()
    manner = Manner(burst=Burst(5, timedelta(minutes=1)), hours=around(clocks.now()), zone="UTC")
    dispatch = Dispatch("desk", desk, database, manner=manner)
    with database.transaction() as connection:
        for number in range(1, 5):
            owe(connection, make_alert(number=number), now=clocks.now())
        put(connection, 5, now=clocks.now())
        for number in range(6, 10):
            owe(connection, make_alert(number=number), now=clocks.now())
    work(dispatch)
    held = list(desk.messages)

    clocks.go_by(2 * 3600.0)
    work(dispatch)

    forms = [(each.form, len(each.entries)) for each in desk.messages]
    assert held == []
    assert sorted(forms) == [(Form.QUESTION, 0), (Form.QUIET, 8)]
    [asked] = [each for each in desk.messages if each.form is Form.QUESTION]
    assert asked.question is not None
    assert asked.question.nearest == Nearest("energy", 0.31)


def test_whoever_answers_by_whatever_way_the_message_shows_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    clocks = Clocks().turn(monkeypatch)
    desk = Desk()
    dispatch = Dispatch("desk", desk, database)
    with database.transaction() as connection:
        question = put(connection, now=clocks.now())
    work(dispatch)

    def shown(*answering: Callable[[Connection], object]) -> tuple[Answered, ...]:
        """What the message says after these, each in a transaction of its own."""
        for each in answering:
            with database.transaction() as connection:
                each(connection)
        work(dispatch)
        return desk.updates[-1].answers

    def press(verb: Verb, topic: str | None = None, **how: Any) -> Callable[[Connection], object]:
        click = make_click(verb, question.key, topic, channel="C1", **how)
        return lambda connection: feedback.take(connection, click, clocks.now())

    def by_command(connection: Connection) -> None:
        questions.answer(
            connection, key=question.key, person="anna", topics=["trade"], asked=["trade"], said_at=NOON
        )
        questions.show_anew(connection, question.key)

    mine, theirs = Answered("U1", ("energy",)), Answered("U2", ())
    energy = press(Verb.OTHER, "energy", after=SECOND)
    assert shown(energy, press(Verb.NOTHING, person="U2", after=MINUTE)) == (mine, theirs)
    assert shown(energy, by_command) == (Answered("anna", ("trade",)), mine, theirs)
    assert shown(press(Verb.UNDO, after=MINUTE)) == (Answered("anna", ("trade",)), theirs)
    assert desk.sendings == [question.headline]


@pytest.fixture
def newsroom(home: Path, slack: SlackStandIn, tmp_path: Path) -> Iterator[Newsroom]:
    """A daemon that finds two questions in its ledger."""
    ledger = ledgers.opened(home)
    with ledger.transaction() as connection:
        put(connection, 1)
        put(connection, 2)
    ledger.close()
    running = Newsroom(home, slack, tmp_path)
    yield running
    running.process.stop()


@pytest.mark.slow
def test_a_desk_answers_in_slack_and_every_answer_shows(newsroom: Newsroom, slack: SlackStandIn) -> None:
    first, second = newsroom.wait_for(2)

    def press(message: dict[str, Any], value: str, person: str) -> None:
        assert slack.wait_for_ack(slack.click(message["ts"], value, user=person)) is not None

    press(first, newsroom.value(first, "nothing"), "U0ANN")
    newsroom.wait_until_shows(first, "about none of these — <@U0ANN>")
    for topic in ("energy", "space"):
        value = next(each for each in newsroom.values(second) if each.endswith(f" {topic}"))
        press(second, value, "U0BOB")
    newsroom.wait_until_shows(second, "about Energy, Space — <@U0BOB>")
    [shown] = [each for each in newsroom.messages() if each["ts"] == second["ts"]]
    press(second, newsroom.value(shown, "undo"), "U0BOB")

    def is_undone() -> bool:
        [now] = [each for each in newsroom.messages() if each["ts"] == second["ts"]]
        return "U0BOB" not in json.dumps(now["blocks"])

    newsroom.process.wait_until(is_undone)
    assert len(newsroom.messages()) == 2
