"""Questions: an answer is a verdict on every topic asked of, and the last word of a person counts."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from daemon import questions, verdicts
from daemon.database import Database
from daemon.questions import Question
from daemon.verdicts import Verdict
from tests.builders import MINUTE, NOON
from tests.drawn import add_article, draw_all

ASKED = ("energy", "trade", "minerals")


@pytest.fixture
def question(database: Database) -> Question:
    """About an article in Arabic that came near to energy."""
    with database.transaction() as connection:
        add_article(connection, "مصفاة", near=0.4, language="ar", text="مصفاة\nاستأنفت المصفاة العمل.")
    [question] = draw_all(database).questions
    return question


def say(
    connection: Connection,
    question: Question,
    topics: Collection[str],
    *,
    person: str = "ana",
    asked: Collection[str] = ASKED,
    after: timedelta = MINUTE,
) -> bool:
    return questions.answer(
        connection, key=question.key, person=person, topics=topics, asked=asked, said_at=NOON + after
    )


def said(connection: Connection) -> set[tuple[str, str, Verdict]]:
    return {(each.person, each.topic, each.verdict) for each in verdicts.all_verdicts(connection)}


def test_a_question_tells_of_its_article_and_of_the_draw(question: Question) -> None:
    assert question.headline == "مصفاة"
    assert question.text.endswith("استأنفت المصفاة العمل.")
    assert (question.language, question.nearest, question.nearness) == ("ar", "energy", 0.4)
    assert (question.probability, question.drawn_at) == (1.0, "2026-03-05T12:00:00.000000Z")


def test_a_question_is_found_by_its_key_and_by_how_its_articles_id_begins(
    question: Question, connection: Connection
) -> None:
    assert questions.one(connection, question.key) == question
    assert questions.about(connection, question.fingerprint[:16]) == question
    assert questions.of_article(connection, question.article) == question
    assert questions.one(connection, "nobody's") is None
    assert questions.about(connection, "%") is None
    assert questions.about(connection, "") is None


def test_an_answer_is_a_verdict_on_every_topic_that_was_asked_of(
    question: Question, connection: Connection
) -> None:
    assert say(connection, question, {"energy"})

    assert said(connection) == {
        ("ana", "energy", Verdict.RIGHT),
        ("ana", "trade", Verdict.WRONG),
        ("ana", "minerals", Verdict.WRONG),
    }
    [answer] = questions.answers(connection, question.key)
    assert (answer.person, answer.topics, set(answer.asked)) == ("ana", ("energy",), set(ASKED))


def test_about_none_of_them_is_an_answer_without_topics(question: Question, connection: Connection) -> None:
    say(connection, question, ())

    assert {verdict for _, _, verdict in said(connection)} == {Verdict.WRONG}
    assert questions.open_questions(connection) == []


def test_a_topic_that_was_not_asked_of_may_be_named(question: Question, connection: Connection) -> None:
    say(connection, question, {"culture"}, asked=("energy",))

    assert ("ana", "culture", Verdict.RIGHT) in said(connection)


def test_a_later_answer_replaces_the_earlier_whole(question: Question, connection: Connection) -> None:
    say(connection, question, {"energy"})
    assert say(connection, question, {"trade"}, asked=("energy", "trade"), after=2 * MINUTE)

    assert said(connection) == {("ana", "energy", Verdict.WRONG), ("ana", "trade", Verdict.RIGHT)}
    assert [each.topics for each in questions.answers(connection, question.key)] == [("trade",)]


def test_an_answer_that_is_not_later_changes_nothing(question: Question, connection: Connection) -> None:
    say(connection, question, {"energy"}, after=2 * MINUTE)
    before = said(connection)

    assert not say(connection, question, {"trade"})
    assert not say(connection, question, {"trade"}, after=2 * MINUTE)
    assert said(connection) == before


def test_two_people_answer_each_for_themselves(question: Question, connection: Connection) -> None:
    say(connection, question, {"energy"})
    say(connection, question, (), person="ben", after=2 * MINUTE)

    found = [(each.person, each.topics) for each in questions.answers(connection, question.key)]
    assert found == [("ana", ("energy",)), ("ben", ())]


def test_an_answer_can_be_taken_back_with_its_verdicts(question: Question, connection: Connection) -> None:
    say(connection, question, {"energy"})
    say(connection, question, {"trade"}, person="ben")

    assert questions.withdraw(connection, key=question.key, person="ana", moment=NOON + MINUTE)

    assert {person for person, _, _ in said(connection)} == {"ben"}
    assert not questions.withdraw(connection, key=question.key, person="ana", moment=NOON + MINUTE)


def test_what_was_said_after_the_moment_is_not_taken_back(question: Question, connection: Connection) -> None:
    say(connection, question, {"energy"}, after=2 * MINUTE)

    assert not questions.withdraw(connection, key=question.key, person="ana", moment=NOON + MINUTE)
    assert len(said(connection)) == 3


def test_a_verdict_that_was_given_apart_and_later_stays(question: Question, connection: Connection) -> None:
    say(connection, question, ())
    verdicts.add(
        connection,
        article=question.article,
        topic="energy",
        verdict=Verdict.RIGHT,
        person="ana",
        now=NOON + 3 * MINUTE,
    )

    questions.withdraw(connection, key=question.key, person="ana", moment=NOON + 2 * MINUTE)

    assert said(connection) == {("ana", "energy", Verdict.RIGHT)}


def test_a_question_that_there_is_not_cannot_be_answered(connection: Connection) -> None:
    found = questions.answer(connection, key="no", person="ana", topics=(), asked=ASKED, said_at=NOON)

    assert not found
    assert not questions.withdraw(connection, key="no", person="ana", moment=NOON)
    assert said(connection) == set()


def test_open_questions_come_newest_first_and_nearest_first(database: Database) -> None:
    with database.transaction() as connection:
        for name, near in (("first", 0.1), ("second", 0.4), ("third", 0.2)):
            add_article(connection, name, near=near)
    draw_all(database)

    with database.transaction() as connection:
        answered = questions.open_questions(connection)[0]
        say(connection, answered, ())
        assert answered.headline == "third"
        assert [each.headline for each in questions.open_questions(connection)] == ["second", "first"]
        assert [each.headline for each in questions.open_questions(connection, most=1)] == ["second"]
        assert [each.headline for each in questions.nearest_open(connection, 5)] == ["second", "first"]
        assert questions.count_open(connection) == 2
