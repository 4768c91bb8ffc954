"""History: all that people said of tags is kept in order, and what somebody said last can be undone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from daemon import feedback, questions, sayings, verdicts
from daemon.actions import Verb
from daemon.cli import main
from daemon.clock import to_text
from daemon.database import Database, open_database
from daemon.records import Alert, AlertTopic
from daemon.sayings import Said
from daemon.verdicts import Verdict
from tests import ledgers
from tests.builders import MINUTE, NOON, SECOND, make_alert, owe
from tests.drawn import add_article, draw_all
from tests.presses import CHANNEL, MESSAGE, make_click
from tests.test_migrations import written_by

RIGHT, WRONG = Verdict.RIGHT, Verdict.WRONG
TWO_TOPICS = tuple(AlertTopic(name, name.title(), "main", 0.9, "", ()) for name in ("energy", "trade"))
STANDS = text("UPDATE deliveries SET state = 'sent', channel = :channel, message = :message")
REVISIONS = text("SELECT revision FROM deliveries ORDER BY id")


@pytest.fixture
def alert(connection: Connection) -> Alert:
    """An alert on energy and trade that stands in the desk's channel."""
    found = make_alert(topics=TWO_TOPICS)
    owe(connection, found)
    connection.execute(STANDS, {"channel": CHANNEL, "message": MESSAGE})
    return found


@pytest.fixture
def article(connection: Connection, alert: Alert) -> int:
    return int(connection.execute(text("SELECT article_id FROM alerts")).scalar_one())


def say(
    connection: Connection,
    article: int,
    verdict: Verdict,
    *,
    after: timedelta = timedelta(),
    topic: str = "energy",
    person: str = "ana",
    settles: bool = False,
) -> None:
    feedback.judge(
        connection, article=article, topic=topic, verdict=verdict, person=person, now=NOON + after,
        settles=settles,
    )  # fmt: skip


def undo(
    connection: Connection, article: int, *, after: timedelta, topic: str = "energy", person: str = "ana"
) -> bool:
    return feedback.undo(connection, article=article, topic=topic, person=person, now=NOON + after)


def holds(connection: Connection) -> dict[tuple[str, str], str]:
    return {(each.person, each.topic): each.verdict.value for each in verdicts.all_verdicts(connection)}


def told(connection: Connection, article: int) -> list[tuple[str, str, str]]:
    """Who said what of which topic, in order."""
    return [(each.person, each.topic, each.said.value) for each in verdicts.history(connection, article)]


def revisions(connection: Connection) -> list[int]:
    return list(connection.execute(REVISIONS).scalars())


def test_what_a_person_replaced_is_still_told_in_its_order(connection: Connection, article: int) -> None:
    say(connection, article, RIGHT)
    say(connection, article, WRONG, after=MINUTE, person="ben")
    say(connection, article, WRONG, after=2 * MINUTE)

    assert told(connection, article) == [
        ("ana", "energy", "right"), ("ben", "energy", "wrong"), ("ana", "energy", "wrong"),
    ]  # fmt: skip
    assert [each.said_at for each in verdicts.history(connection, article)][-1] == to_text(NOON + 2 * MINUTE)


def test_of_another_article_nothing_is_told(connection: Connection, article: int) -> None:
    say(connection, article, RIGHT)

    assert verdicts.history(connection, article + 1) == ()


def test_an_undo_goes_back_to_what_the_person_had_said_before_with_its_moment(
    connection: Connection, article: int
) -> None:
    say(connection, article, RIGHT)
    say(connection, article, WRONG, after=MINUTE)

    assert undo(connection, article, after=2 * MINUTE)

    (found,) = verdicts.all_verdicts(connection)
    assert (found.verdict, found.said_at) == (RIGHT, to_text(NOON))
    assert told(connection, article)[-1] == ("ana", "energy", "right")


def test_undo_after_undo_goes_back_step_by_step_until_there_is_nothing(
    connection: Connection, article: int
) -> None:
    for number, verdict in enumerate((RIGHT, WRONG, RIGHT)):
        say(connection, article, verdict, after=number * MINUTE)

    found = []
    for number in range(4):
        undone = undo(connection, article, after=(5 + number) * MINUTE)
        found.append((undone, holds(connection).get(("ana", "energy"))))

    assert found == [(True, "wrong"), (True, "right"), (True, None), (False, None)]
    assert len(verdicts.history(connection, article)) == 6


def test_who_pressed_the_same_twice_undoes_it_once(connection: Connection, article: int) -> None:
    say(connection, article, WRONG)
    say(connection, article, RIGHT, after=MINUTE)
    say(connection, article, RIGHT, after=2 * MINUTE)

    undo(connection, article, after=3 * MINUTE)

    assert holds(connection) == {("ana", "energy"): "wrong"}
    assert len(verdicts.history(connection, article)) == 4  # of one moment one undo is told


def test_an_undo_leaves_other_topics_and_other_people_alone(connection: Connection, article: int) -> None:
    say(connection, article, RIGHT)
    say(connection, article, WRONG, topic="trade")
    say(connection, article, WRONG, person="ben")

    undo(connection, article, after=MINUTE)

    assert holds(connection) == {("ana", "trade"): "wrong", ("ben", "energy"): "wrong"}


def test_where_somebody_has_said_nothing_nothing_is_undone_and_no_message_shown_anew(
    connection: Connection, article: int
) -> None:
    say(connection, article, RIGHT, person="ben")
    before = revisions(connection)

    assert not undo(connection, article, after=MINUTE)

    assert holds(connection) == {("ben", "energy"): "right"}
    assert revisions(connection) == before


def test_whoever_undoes_a_settlement_has_the_dispute_back(connection: Connection, article: int) -> None:
    say(connection, article, RIGHT)
    say(connection, article, WRONG, person="ben")
    say(connection, article, WRONG, after=MINUTE, settles=True)
    assert verdicts.counts(connection)["disputed"] == 0

    undo(connection, article, after=2 * MINUTE)

    assert holds(connection) == {("ana", "energy"): "right", ("ben", "energy"): "wrong"}
    assert verdicts.counts(connection)["disputed"] == 1


def test_a_clock_that_was_set_back_does_not_bring_an_older_word_before_a_newer_one(
    connection: Connection, article: int
) -> None:
    say(connection, article, RIGHT, after=MINUTE)
    say(connection, article, WRONG)  # the clock went back

    assert told(connection, article) == [("ana", "energy", "right"), ("ana", "energy", "wrong")]
    assert holds(connection) == {("ana", "energy"): "wrong"}
    undo(connection, article, after=2 * MINUTE)
    assert holds(connection) == {("ana", "energy"): "right"}


def test_presses_in_slack_are_in_the_history_and_its_undo_takes_back_every_topic(
    connection: Connection, alert: Alert, article: int
) -> None:
    for click in (make_click(Verb.RIGHT, alert.key), make_click(Verb.UNDO, alert.key, after=MINUTE)):
        feedback.take(connection, click, NOON + 2 * MINUTE)

    assert told(connection, article) == [
        ("U1", "energy", "right"), ("U1", "trade", "right"),
        ("U1", "energy", "withdrawn"), ("U1", "trade", "withdrawn"),
    ]  # fmt: skip
    assert holds(connection) == {}


def test_a_press_that_arrives_late_stands_where_it_was_pressed(
    connection: Connection, alert: Alert, article: int
) -> None:
    late, early = (
        make_click(Verb.WRONG, alert.key, "energy", after=MINUTE),
        make_click(Verb.RIGHT, alert.key, "energy"),
    )
    for click in (late, early):
        feedback.take(connection, click, NOON + 2 * MINUTE)

    assert [said for _, _, said in told(connection, article)] == ["right", "wrong"]
    assert undo(connection, article, after=3 * MINUTE, person="U1")
    assert holds(connection) == {("U1", "energy"): "right"}


def test_after_an_undo_in_slack_the_desk_goes_back_to_nothing(
    connection: Connection, alert: Alert, article: int
) -> None:
    for click in (
        make_click(Verb.RIGHT, alert.key, "energy"),
        make_click(Verb.UNDO, alert.key, after=SECOND),
        make_click(Verb.WRONG, alert.key, "energy", after=2 * SECOND),
    ):
        feedback.take(connection, click, NOON + MINUTE)

    assert undo(connection, article, after=2 * MINUTE, person="U1")

    assert holds(connection) == {}


def test_a_changed_answer_to_a_question_is_told_topic_by_topic_once_a_moment(
    connection: Connection, database: Database
) -> None:
    add_article(connection, "Refinery", near=0.4)
    connection.commit()
    [question] = draw_all(database).questions
    with database.transaction() as fresh:
        for topics, moment in ((["energy"], NOON), (["trade"], NOON + MINUTE)):
            questions.answer(
                fresh,
                key=question.key,
                person="ana",
                topics=topics,
                asked=["energy", "trade"],
                said_at=moment,
            )

        found = told(fresh, question.article)
        assert found == [
            ("ana", "energy", "right"), ("ana", "trade", "wrong"),
            ("ana", "energy", "wrong"), ("ana", "trade", "right"),
        ]  # fmt: skip
        questions.withdraw(fresh, key=question.key, person="ana", moment=NOON + 2 * MINUTE)
        assert [said for _, _, said in told(fresh, question.article)[4:]] == ["withdrawn", "withdrawn"]


@pytest.mark.parametrize("settles", [False, True])
def test_each_message_of_the_article_is_shown_anew_by_a_verdict_and_by_its_undo(
    settles: bool, connection: Connection, article: int
) -> None:
    say(connection, article, RIGHT, settles=settles)
    assert revisions(connection) == [1]

    undo(connection, article, after=MINUTE)
    assert revisions(connection) == [2]


def test_the_message_that_asks_about_the_article_is_shown_anew(
    connection: Connection, database: Database
) -> None:
    add_article(connection, "Refinery", near=0.4)
    connection.commit()
    [question] = draw_all(database).questions
    with database.transaction() as fresh:
        fresh.execute(
            text(
                """
                INSERT INTO deliveries (receiver, key, form, state, attempts, looks, due_at, message)
                VALUES ('desk', :key, 'question', 'sent', 1, 0, :now, 'm')
                """
            ),
            {"key": question.key, "now": to_text(NOON)},
        )
        say(fresh, question.article, RIGHT)

        assert revisions(fresh) == [1]


def test_a_verdict_that_is_typed_in_a_terminal_is_shown_in_slack_as_well(tmp_path: Path) -> None:
    database = ledgers.opened(tmp_path)
    with database.transaction() as connection:
        owe(connection, make_alert())
        fingerprint = connection.execute(text("SELECT fingerprint FROM articles")).scalar_one()

    for number, command in enumerate(("add", "settle"), 1):
        words = ["verdicts", command, fingerprint[:16], "energy", "wrong", "--person", "ana"]
        assert main([*words, "--home", str(tmp_path)]) == 0
        with database.reading() as connection:
            assert revisions(connection) == [number]
            assert len(verdicts.history(connection, 1)) == number
    database.close()


@pytest.mark.sqlite("what older versions wrote, which knew no other")
def test_verdicts_from_before_there_was_a_history_begin_it(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    written_by(path, "0009", states=())
    with closing(sqlite3.connect(path)) as older, older:
        older.execute(
            "INSERT INTO files (id, fingerprint, name, size, state, arrived_at)"
            " VALUES (1, 'f', 'a', 1, 'done', 'x')"
        )
        older.execute(
            "INSERT INTO articles (id, file_id, fingerprint, position, text, model, tagged_at)"
            " VALUES (1, 1, 'f', 0, 'text', 'm', 'x')"
        )
        older.executemany(
            "INSERT INTO verdicts (article_id, topic, verdict, person, said_at, settles)"
            " VALUES (1, 'energy', ?, ?, ?, ?)",
            [("wrong", "ben", to_text(NOON + MINUTE), 1), ("right", "ana", to_text(NOON), 0)],
        )

    database = open_database(f"sqlite:///{path}")

    with database.transaction() as connection:
        assert told(connection, 1) == [("ana", "energy", "right"), ("ben", "energy", "wrong")]
        assert [each.settles for each in verdicts.history(connection, 1)] == [False, True]
        assert undo(connection, 1, after=MINUTE, person="ben")
        assert holds(connection) == {("ana", "energy"): "right"}
    database.close()


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["right", "wrong", "settle", "undo", "late", "withdraw"]),
        st.sampled_from(["ana", "ben"]),
        st.integers(0, 30),
    ),
    max_size=12,
)


@given(STEPS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_holds_is_always_the_last_of_the_sayings_that_stand(
    database: Database, steps: list[tuple[str, str, int]]
) -> None:
    with database.transaction() as connection:
        owe(connection, make_alert(topics=TWO_TOPICS))
        article = int(connection.execute(text("SELECT article_id FROM alerts")).scalar_one())
        for step, person, minute in steps:
            moment = NOON + minute * MINUTE
            tag = {"article": article, "topic": "energy", "person": person}
            match step:
                case "undo":
                    feedback.undo(connection, **tag, now=moment)  # type: ignore[arg-type]
                case "withdraw":
                    verdicts.withdraw(connection, article=article, person=person, moment=moment)
                case "late":
                    verdicts.add_in_order(connection, **tag, verdict=RIGHT, said_at=moment)  # type: ignore[arg-type]
                case _:
                    verdict = WRONG if step == "settle" else Verdict(step)
                    say(
                        connection,
                        article,
                        verdict,
                        after=minute * MINUTE,
                        person=person,
                        settles=step == "settle",
                    )
            for each in ("ana", "ben"):
                said = sayings.of_person(connection, article=article, topic="energy", person=each)
                own = sayings.standing(said)
                last = own[-1].said.value if own and own[-1].said is not Said.WITHDRAWN else None
                assert holds(connection).get((each, "energy")) == last
        connection.rollback()
