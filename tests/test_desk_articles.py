"""Articles as pages show them: with their tags, alerts, verdicts and stories, and only those asked for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection

from classifier import Grade
from daemon import clock, feedback, outbox
from daemon.desk import articles
from daemon.desk.articles import Span
from daemon.desk.matching import Filter
from daemon.verdicts import Verdict
from tests.at_the_desk import AtDesk
from tests.builders import make_alert

EVERYTHING, ALWAYS = Filter(), Span()


def identities(at_desk: AtDesk, wanted: Filter = EVERYTHING, span: Span = ALWAYS, **more: int) -> list[int]:
    with at_desk.database.reading() as connection:
        found = articles.newest(connection, at_desk.desk.index, wanted, span, **more)
    return [article.identity for article in found]


def test_the_newest_stand_first_within_their_bounds(at_desk: AtDesk) -> None:
    assert identities(at_desk) == [5, 4, 3, 2, 1]
    assert identities(at_desk, most=2) == [5, 4]
    assert identities(at_desk, before=3) == [2, 1]
    assert identities(at_desk, after=3) == [5, 4]
    assert identities(at_desk, Filter(topics=("energy",)), before=4) == [2, 1]
    assert identities(at_desk, Filter(topics=("energy",)), after=1) == [4, 2]


def test_a_span_leaves_what_was_taken_in_it(at_desk: AtDesk) -> None:
    with at_desk.database.transaction() as connection:
        for identity, day in ((1, 1), (2, 1), (3, 2), (4, 3), (5, 3)):
            connection.exec_driver_sql(
                f"UPDATE articles SET tagged_at = '2026-03-0{day}T10:00:00.000000Z' WHERE id = {identity}"
            )
    first, second = clock.from_text("2026-03-02T00:00:00Z"), clock.from_text("2026-03-03T00:00:00Z")

    assert identities(at_desk, span=Span(since=first)) == [5, 4, 3]
    assert identities(at_desk, span=Span(until=second)) == [3, 2, 1]
    assert identities(at_desk, span=Span(first, second)) == [3]
    assert identities(at_desk, Filter(topics=("energy",)), Span(until=second)) == [2, 1]
    assert identities(at_desk, span=Span(since=second + timedelta(days=9))) == []
    assert identities(at_desk, span=Span(until=first - timedelta(days=9))) == []


def test_an_article_comes_with_all_that_is_known_of_it(at_desk: AtDesk) -> None:
    with at_desk.database.transaction() as connection:
        outbox.add(connection, make_alert("energy-desk"), article=1, now=clock.now())
        feedback.judge(
            connection, article=1, topic="energy", verdict=Verdict.WRONG, person="vera", now=clock.now()
        )
        tell_story(connection, 4, 1, 2)
        (found,) = articles.shown(connection, [1])

    assert found.headline == "Refinery restarts"
    assert [(tag.topic, tag.grade, tag.passages) for tag in found.tags] == [
        ("energy", Grade.MAIN, ("The refinery restarted.",))
    ]
    assert found.alerts == (("energy-desk", "pending"),)
    assert [(said.verdict, said.person) for said in found.verdicts] == [("wrong", "vera")]
    assert found.story == 4


def test_articles_that_are_not_there_are_left_out(at_desk: AtDesk) -> None:
    with at_desk.database.reading() as connection:
        assert [each.identity for each in articles.shown(connection, [3, 99, 1])] == [3, 1]


def test_others_of_a_story_are_counted_up_to_a_number(
    at_desk: AtDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with at_desk.database.transaction() as connection:
        tell_story(connection, 7, 1, 2, 3)
        tell_story(connection, 8, 4)
        found = articles.shown(connection, [1, 2, 4, 5])
        assert articles.others(connection, found) == {7: 2}
        monkeypatch.setattr(articles, "MOST_OF_A_STORY", 1)
        assert articles.others(connection, found) == {7: 1}


def test_an_article_is_known_by_the_beginning_of_its_fingerprint(at_desk: AtDesk) -> None:
    with at_desk.database.reading() as connection:
        (article,) = articles.shown(connection, [2])
        assert articles.identity_of(connection, article.id) == 2
        assert articles.identity_of(connection, article.fingerprint) == 2
        for start in ("", "a", article.id[:7], "%" * 16, f"{article.id[:15]}G", "0" * 16):
            assert articles.identity_of(connection, start) is None


def tell_story(connection: Connection, story: int, *told: int) -> None:
    connection.exec_driver_sql(
        f"INSERT INTO stories (id, opened_at, last_at, first_article) VALUES ({story}, '', '', {told[0]})"
    )
    for article in told:
        connection.exec_driver_sql(
            "INSERT INTO sketches (article_id, story_id, near_copy, news)"
            f" VALUES ({article}, {story}, FALSE, '[]')"
        )
