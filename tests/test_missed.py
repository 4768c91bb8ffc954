"""Quality: what is right and what was missed, topic by topic, as far as desks have said so."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

import pytest
from sqlalchemy import Connection, text

from daemon import estimating, quality, questions, verdicts
from daemon.config import Sample
from daemon.database import Database
from daemon.quality import LEAST_ANSWERS, Quality, TopicQuality
from daemon.verdicts import Verdict
from tests.builders import MINUTE, NOON
from tests.drawn import TOPICS, add_article, draw_all

DAY = timedelta(days=1)
RIGHT, WRONG = Verdict.RIGHT, Verdict.WRONG


def gather(connection: Connection, *, after: timedelta = MINUTE, days: float = 30.0) -> Quality:
    return quality.gather(connection, Sample(days=days), TOPICS, NOON + after)


def energy(connection: Connection, *, after: timedelta = MINUTE) -> TopicQuality:
    return gather(connection, after=after).topics[0]


def judge(
    connection: Connection,
    article: int,
    verdict: Verdict,
    topic: str = "energy",
    person: str = "ana",
) -> None:
    verdicts.add(connection, article=article, topic=topic, verdict=verdict, person=person, now=NOON)


def tell(connection: Connection, number: int) -> list[int]:
    """Articles about energy, each with an alert."""
    return [add_article(connection, f"told {each}", main=("energy",)) for each in range(number)]


def answer(
    connection: Connection,
    number: int,
    *,
    about: Collection[str] = (),
    person: str = "ana",
    asked: Collection[str] = tuple(TOPICS),
) -> list[str]:
    """The same to so many open questions; their headlines."""
    found = questions.open_questions(connection)[-number:]
    for question in found:
        questions.answer(connection, key=question.key, person=person, topics=about, asked=asked, said_at=NOON)
    return [question.headline for question in found]


def stay_silent(database: Database, number: int, *, articles: float = 100.0) -> None:
    """So many articles without an alert, from which is drawn: all of them, unless told otherwise."""
    with database.transaction() as connection:
        for each in range(number):
            add_article(connection, f"silent {each}", near=0.01 * each)
    draw_all(database, articles=articles)


def test_of_a_ledger_from_before_nothing_is_known_and_nothing_is_made_up(connection: Connection) -> None:
    tell(connection, 3)
    connection.execute(text("UPDATE articles SET nearest = NULL, nearness = NULL"))

    found = gather(connection)

    assert (found.asked, found.open, found.missed, found.nearest) == (0, 0, (), ())
    assert (found.topics[0].alerts, found.topics[0].recall) == (3, None)
    assert [each.more for each in (found.overall, *found.topics)] == [LEAST_ANSWERS] * 3
    assert quality.digest_lines(connection, Sample(), TOPICS, NOON) == ()


def test_where_all_was_answered_and_judged_recall_is_known(database: Database) -> None:
    with database.transaction() as connection:
        first, *others = tell(connection, 10)
    stay_silent(database, 30)
    with database.transaction() as connection:
        judge(connection, first, WRONG)
        for article in others:
            judge(connection, article, RIGHT)
        answer(connection, 3, about=("energy",))
        answer(connection, 27)

        found = energy(connection)

    assert found.precision == estimating.Estimate(0.9, 0.9, 0.9)
    assert found.missed == estimating.Estimate(3.0, 3.0, 3.0)
    assert found.recall == estimating.Estimate(0.75, 0.75, 0.75)


def test_with_too_few_answers_it_says_how_many_more_there_should_be(database: Database) -> None:
    with database.transaction() as connection:
        tell(connection, 5)
    stay_silent(database, 50)
    with database.transaction() as connection:
        answer(connection, LEAST_ANSWERS - 7, about=("energy",))

        found = energy(connection)
        lines = quality.lines(gather(connection), TOPICS)
        digest = quality.digest_lines(connection, Sample(), TOPICS, NOON)

    assert (found.more, found.missed, found.recall) == (7, None, None)
    assert sum("no estimate yet: 7 more answers" in line for line in lines) == 3
    assert digest == ("Recall: no estimate yet, 7 more answers.",)


def test_an_article_stands_for_the_more_the_less_likely_it_was_drawn(database: Database) -> None:
    stay_silent(database, 200, articles=40.0)
    with database.transaction() as connection:
        drawn = questions.open_questions(connection, most=1000)
        answer(connection, 1, about=("energy",))
        answer(connection, len(drawn) - 1)

        found = energy(connection)

    weights = [1 / question.probability for question in drawn]
    assert found.missed is not None
    assert found.missed.value == pytest.approx(200 * weights[-1] / sum(weights))
    assert found.missed.low <= found.missed.value <= found.missed.high


def test_questions_that_nobody_answered_are_taken_to_be_as_the_others(database: Database) -> None:
    with database.transaction() as connection:
        tell(connection, 10)
    stay_silent(database, 60)
    with database.transaction() as connection:
        answer(connection, 5, about=("energy",))
        answer(connection, 25)

        found = energy(connection)

    assert found.answered == 30
    assert found.missed is not None
    assert found.missed.value == pytest.approx(10.0)
    assert found.recall is not None
    assert found.recall.low < 0.5 < found.recall.high


def test_a_topic_that_a_desk_added_to_an_article_with_an_alert_was_missed_too(database: Database) -> None:
    with database.transaction() as connection:
        first, second, *_ = tell(connection, 4)
    stay_silent(database, 25)
    with database.transaction() as connection:
        answer(connection, 25)
        judge(connection, first, RIGHT, "trade")
        judge(connection, second, WRONG, "trade")

        found = gather(connection).topics[1]

    assert found.missed == estimating.Estimate(1.0, 1.0, 1.0)
    assert found.recall == estimating.Estimate(0.0, 0.0, 0.0)


def test_what_was_told_as_a_mention_was_not_missed(database: Database) -> None:
    with database.transaction() as connection:
        article = add_article(connection, "told", main=("energy", "trade"))
        connection.execute(text("UPDATE tags SET grade = 'mention' WHERE topic = 'trade'"))
    stay_silent(database, 25)
    with database.transaction() as connection:
        answer(connection, 25)
        judge(connection, article, RIGHT, "trade")

        assert gather(connection).topics[1].missed == estimating.Estimate(0.0, 0.0, 0.0)


def test_what_people_dispute_is_left_out_until_somebody_settles_it(database: Database) -> None:
    stay_silent(database, 30)
    with database.transaction() as connection:
        [name] = answer(connection, 1, about=("energy",))
        [question] = [each for each in _all(connection) if each.headline == name]
        questions.answer(
            connection, key=question.key, person="ben", topics=(), asked=tuple(TOPICS), said_at=NOON
        )
        answer(connection, 29)

        disputed = gather(connection)
        connection.execute(
            text("UPDATE verdicts SET settles = TRUE, said_at = '2026-03-05T13' WHERE verdict = 'right'")
        )
        settled = gather(connection)

    assert (disputed.disputed, disputed.topics[0].answered, disputed.topics[1].answered) == (1, 29, 30)
    assert disputed.overall.answered == 29
    assert disputed.topics[0].missed == pytest.approx(estimating.total(30, [1.0] * 29, [0.0] * 29, most=30))
    assert (settled.disputed, settled.topics[0].missed) == (0, estimating.Estimate(1.0, 1.0, 1.0))


def _all(connection: Connection) -> list[questions.Question]:
    return questions.of_draw(connection, 1)


def test_a_topic_that_was_not_asked_of_is_not_answered(database: Database) -> None:
    stay_silent(database, 30)
    with database.transaction() as connection:
        answer(connection, 30, asked=("energy",))

        found = gather(connection)

    assert (found.topics[0].answered, found.topics[1].answered, found.topics[1].more) == (
        30,
        0,
        LEAST_ANSWERS,
    )


def test_the_interval_of_precision_takes_those_judged_for_those_that_were_not(database: Database) -> None:
    with database.transaction() as connection:
        articles = tell(connection, 40)
        for article in articles[:10]:
            judge(connection, article, RIGHT if article != articles[0] else WRONG)

        found = energy(connection)

    assert (found.alerts, found.judged) == (40, 10)
    assert found.precision == estimating.share(9, 10, 40)


def test_what_came_before_the_days_and_after_the_last_draw_does_not_count(database: Database) -> None:
    with database.transaction() as connection:
        for number in range(30):
            add_article(connection, f"old {number}", now=NOON - 20 * DAY)
            add_article(connection, f"new {number}", now=NOON)
        add_article(connection, "old alert", main=("energy",), now=NOON - 20 * DAY)
    draw_all(database)
    with database.transaction() as connection:
        add_article(connection, "of today", main=("energy",))
        answer(connection, 60, about=("energy",))

        found = gather(connection, days=10.0)
        longer = gather(connection)

    assert (found.articles, found.asked, found.topics[0].alerts) == (30, 30, 1)
    assert found.topics[0].missed == estimating.Estimate(30.0, 30.0, 30.0)
    assert found.topics[0].recall == estimating.Estimate(0.0, 0.0, 0.0)
    assert (longer.articles, longer.topics[0].alerts) == (60, 2)
    assert longer.topics[0].recall is not None
    assert longer.topics[0].recall.value == pytest.approx(1 / 61)


def test_draws_that_are_older_than_the_days_do_not_count(database: Database) -> None:
    stay_silent(database, 30)
    with database.transaction() as connection:
        answer(connection, 30)

        assert gather(connection, after=31 * DAY).asked == 0
        assert gather(connection, after=31 * DAY).topics[0].more == LEAST_ANSWERS


def test_where_every_article_had_an_alert_nothing_was_missed(database: Database) -> None:
    with database.transaction() as connection:
        tell(connection, 3)
    draw_all(database)
    with database.transaction() as connection:
        assert energy(connection).recall == estimating.Estimate(1.0, 1.0, 1.0)


def test_the_likely_misses_are_listed_and_the_open_questions_nearest_first(database: Database) -> None:
    stay_silent(database, 30)
    with database.transaction() as connection:
        names = answer(connection, 2, about=("energy", "trade"))

        found = gather(connection)

    assert [each.question.headline for each in found.missed] == names
    assert {each.topics for each in found.missed} == {("energy", "trade")}
    assert [each.headline for each in found.nearest][:2] == ["silent 29", "silent 28"]


def test_all_topics_together_count_an_article_once_for_each_of_its_topics(database: Database) -> None:
    with database.transaction() as connection:
        add_article(connection, "both", main=("energy", "trade"))
    stay_silent(database, 25)
    with database.transaction() as connection:
        answer(connection, 1, about=("energy", "trade"))
        answer(connection, 24)

        found = gather(connection).overall

    assert (found.alerts, found.missed) == (2, estimating.Estimate(2.0, 2.0, 2.0))
    assert found.recall == estimating.Estimate(0.5, 0.5, 0.5)


def test_a_digest_tells_recall_in_short_lines(database: Database) -> None:
    with database.transaction() as connection:
        tell(connection, 27)
    stay_silent(database, 30)
    with database.transaction() as connection:
        answer(connection, 3, about=("energy",))
        answer(connection, 27)

        found = quality.digest_lines(connection, Sample(), TOPICS, NOON + MINUTE)

    assert found == (
        "All topics: recall 0.90 (0.90–0.90) over 30 days, 3 probably missed",
        "Energy: recall 0.90 (0.90–0.90) over 30 days, 3 probably missed",
    )


def test_what_articles_say_cannot_harm_a_terminal(database: Database) -> None:
    with database.transaction() as connection:
        add_article(connection, "bad \x1b[2Jhead\u202eline")
    draw_all(database)
    with database.transaction() as connection:
        lines = quality.lines(gather(connection), TOPICS)

    assert all(line.isprintable() for line in lines)
    assert "\\x1b[2J" in "\n".join(lines)
