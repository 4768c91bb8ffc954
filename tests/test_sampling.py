"""Sampling: every article without an alert may be drawn, with a probability that is known, and once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Connection, text

from classifier.articles import Article
from daemon import app, asking, questions, sampling, sketches, stories, unalerted
from daemon.config import Receiver, Sample
from daemon.database import Database
from daemon.questions import Question
from daemon.sampling import EVEN, draw
from daemon.timetable import Timetable
from tests.builders import MINUTE, NOON, make_route, make_settings
from tests.drawn import TOPICS, add_article, draw_all
from tests.newsroom import Clocks

UNKNOWN = float("nan")
DAY = timedelta(days=1)


def chances(*nearness: float, expected: float) -> list[float]:
    return [float(each) for each in sampling.probabilities(np.array(nearness), expected)]


def rows(database: Database, query: str) -> list[tuple[object, ...]]:
    with database.reading() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def add(database: Database, *names: str, **values: object) -> None:
    with database.transaction() as connection:
        for name in names:
            add_article(connection, name, **values)  # type: ignore[arg-type]


def drawn_names(drawn: sampling.Drawn) -> list[str]:
    return [question.headline for question in drawn.questions]


def test_as_many_are_drawn_in_the_mean_as_are_asked_for() -> None:
    assert sum(chances(0.0, 0.1, 0.1, 0.4, 0.9, 0.0, 0.2, expected=3.0)) == pytest.approx(3.0)


def test_what_came_nearer_is_likelier_and_nothing_has_less_than_its_even_part() -> None:
    found = chances(*[0.0] * 50, *[0.1] * 40, *[0.6] * 10, expected=5.0)

    assert found[0] < found[50] < found[99]
    assert min(found) == pytest.approx(EVEN * 5.0 / 100)


def test_what_a_probability_of_one_leaves_over_goes_to_the_others() -> None:
    found = chances(*[0.001] * 9, 0.9, expected=5.0)

    assert found[9] == 1.0
    assert found[:9] == pytest.approx([4.0 / 9] * 9)


def test_of_fewer_articles_than_are_asked_for_all_are_drawn() -> None:
    assert chances(0.1, 0.5, expected=5.0) == [1.0, 1.0]
    assert chances(expected=5.0) == []


def test_a_nearness_that_is_not_known_is_taken_to_be_as_the_mean() -> None:
    found = chances(0.0, 0.4, UNKNOWN, expected=1.0)

    assert found[2] == pytest.approx(1.0 / 3)
    assert chances(UNKNOWN, UNKNOWN, expected=1.0) == [0.5, 0.5]
    assert chances(0.0, 0.0, expected=1.0) == [0.5, 0.5]


def test_over_many_draws_each_is_drawn_as_often_as_its_probability_says() -> None:
    wanted = np.array([0.05, 0.3, 0.3, 0.95, 1.0])

    drawn = np.zeros(5)
    for seed in range(4000):
        drawn[sampling.choose(wanted, (seed, seed + 5))] += 1

    assert drawn / 4000 == pytest.approx(wanted, abs=0.03)


def test_articles_with_an_alert_are_not_drawn(database: Database) -> None:
    add(database, "quiet", "silent")
    add(database, "told", main=("energy",))

    drawn = draw_all(database)

    assert drawn.articles == 2
    assert drawn_names(drawn) == ["quiet", "silent"]


def test_what_tells_a_story_that_was_told_is_not_drawn(database: Database) -> None:
    add(database, "the same again", main=("energy",), alerted=False)
    with database.transaction() as connection:
        stories.join(
            connection, article=1, sketch=sketches.of(Article("the same")), source=None, now=NOON, window=DAY
        )

    assert draw_all(database).articles == 0


def test_a_file_that_has_grown_is_not_drawn_for_what_was_told_of_it_before(database: Database) -> None:
    add(database, "before", main=("energy",))
    add(database, "grown", main=("energy",), alerted=False, version_of=1)
    add(database, "grown and about nothing", version_of=1)

    assert drawn_names(draw_all(database)) == ["grown and about nothing"]


def test_the_next_draw_begins_where_the_last_ended(database: Database) -> None:
    add(database, "one", "two")
    first = draw_all(database)
    add(database, "three")

    second = draw_all(database, now=NOON + DAY)

    assert (drawn_names(first), drawn_names(second)) == (["one", "two"], ["three"])
    assert rows(database, "SELECT above, up_to, articles FROM draws ORDER BY id") == [(0, 2, 2), (2, 3, 1)]


def test_without_new_articles_nothing_is_drawn(database: Database) -> None:
    sample = Sample()
    assert draw(database, sample, topics=(), now=NOON) is None

    add(database, "one")
    draw_all(database)

    assert draw(database, sample, topics=(), now=NOON + DAY) is None
    assert len(rows(database, "SELECT * FROM draws")) == 1


def test_where_every_article_has_an_alert_the_draw_is_empty_and_written(database: Database) -> None:
    add(database, "told", main=("energy",))

    drawn = draw_all(database)

    assert (drawn.articles, drawn.questions) == (0, ())
    assert rows(database, "SELECT above, up_to, articles FROM draws") == [(0, 1, 0)]


def test_the_first_draw_reaches_back_as_many_days_as_recall_is_told_of(database: Database) -> None:
    add(database, "long ago", now=NOON - 31 * DAY)
    add(database, "of late", now=NOON - 29 * DAY)

    assert drawn_names(draw_all(database)) == ["of late"]


def test_articles_of_a_ledger_from_before_are_drawn_without_their_nearness(database: Database) -> None:
    add(database, "one", "two")
    with database.transaction() as connection:
        connection.execute(text("UPDATE articles SET nearest = NULL, nearness = NULL"))

    (first, second) = draw_all(database, articles=2.0).questions

    assert (first.nearest, first.nearness, first.probability, second.probability) == (None, None, 1.0, 1.0)


def test_a_question_keeps_the_probability_with_which_it_was_drawn(database: Database) -> None:
    for number in range(40):
        add(database, f"article {number}", near=0.9 if number < 4 else 0.01)

    drawn = draw_all(database, articles=20.0)

    for question in drawn.questions:
        by_name = chances(*[0.9] * 4, *[0.01] * 36, expected=20.0)
        assert question.probability == pytest.approx(by_name[question.article - 1])


def test_a_draw_that_failed_is_made_again_with_the_same_articles(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(database, *[f"article {number}" for number in range(60)])
    asked: list[list[str]] = []

    def fail(connection: Connection, receiver: str, found: Sequence[Question], **_: object) -> None:
        asked.append([question.headline for question in found])
        raise OSError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(asking, "owe", fail)
        with pytest.raises(OSError, match="full"):
            draw(database, Sample(articles=8.0, receiver="desk"), topics=(), now=NOON)
    assert rows(database, "SELECT * FROM draws") == []
    assert rows(database, "SELECT * FROM questions") == []

    assert [drawn_names(draw_all(database, articles=8.0))] == asked
    assert 0 < len(asked[0]) < 60


def test_of_two_that_draw_at_once_one_has_drawn(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    add(database, "one")
    choose = sampling.choose

    def meanwhile(*given: object) -> list[int]:
        monkeypatch.setattr(sampling, "choose", choose)
        draw_all(database)
        return choose(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(sampling, "choose", meanwhile)

    assert draw(database, Sample(), topics=(), now=NOON) is None
    assert len(rows(database, "SELECT * FROM questions")) == 1


def test_the_questions_are_owed_to_the_receiver_that_is_named(database: Database) -> None:
    add(database, "one", "two")

    draw(database, Sample(articles=9.0, receiver="desk"), topics=tuple(TOPICS.items()), now=NOON)

    assert rows(database, "SELECT receiver, form FROM deliveries") == [("desk", "question")] * 2


def test_the_daemon_draws_by_its_timetable_once_a_period(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clocks = Clocks().turn(monkeypatch)
    settings = make_settings(
        tmp_path,
        sample=Sample(cron="0 8 * * *", articles=50.0, receiver="desk"),
        receivers=(Receiver(name="desk", type="console"),),
        routes=(make_route(),),
    )
    woken: list[str] = []
    jobs = app._jobs(settings, database, lambda: woken.append("woken"), lambda: tuple(TOPICS.items()))
    timetable = Timetable(database, tuple(job for job in jobs if job.name == "sample"))
    timetable.plan(clocks.now())
    add(database, "one", now=clocks.now())

    timetable.look()
    assert not rows(database, "SELECT * FROM questions")
    clocks.go_by(DAY.total_seconds())
    timetable.look()
    add(database, "two", now=clocks.now())
    timetable.look()

    assert rows(database, "SELECT article_id FROM questions") == [(1,)]
    assert rows(database, "SELECT receiver FROM deliveries") == [("desk",)]
    assert rows(database, "SELECT result FROM jobs") == [("1 of 1 articles without an alert drawn",)]
    assert woken == ["woken"]


def test_a_large_frame_is_read_part_by_part(database: Database) -> None:
    with database.transaction() as connection:
        article = add_article(connection, "one")
        connection.execute(
            text(
                "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)"
                " INSERT INTO articles (id, file_id, fingerprint, position, text, model, tagged_at, nearness)"
                " SELECT i, file_id, 'f' || i, 0, 'x', 'm', tagged_at, (i % 97) / 200.0"
                " FROM n, articles WHERE articles.id = :one"
            ),
            {"one": article},
        )

    drawn = draw_all(database, articles=5.0)

    assert drawn.articles == 30000
    assert len(drawn.questions) < 30
    with database.reading() as connection:
        assert sum(1 for _ in unalerted.listed(connection, above=0, up_to=30000)) == 30000
        assert unalerted.count(connection, above=100, up_to=200, since="2026") == 100
        assert unalerted.count(connection, above=100, up_to=200, since="2027") == 0
        assert len(questions.of_draw(connection, 1)) == len(drawn.questions)


def test_a_draw_says_in_one_line_what_came_of_it(database: Database) -> None:
    add(database, "one", now=NOON + MINUTE)

    assert sampling.said(draw_all(database)) == "1 of 1 articles without an alert drawn"
    assert sampling.said(None) == "no new articles to draw from"
