"""Verdicts: the last word of a person counts, and what people dispute is left out."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from classifier.articles import Grade
from daemon import ledger, verdicts
from daemon.records import FileState
from daemon.verdicts import Verdict
from tests.builders import MINUTE, NOON, make_tag, make_tagged

RIGHT, WRONG = Verdict.RIGHT, Verdict.WRONG


@pytest.fixture
def article(connection: Connection) -> int:
    """An article that the model finds mainly about energy and in passing about trade."""
    return add_article(connection, "An article\nIts text.", ("energy", Grade.MAIN), ("trade", Grade.MENTION))


def add_article(connection: Connection, text: str, *tags: tuple[str, Grade]) -> int:
    file = ledger.record_file(
        connection, fingerprint="f" * 64, name="a.txt", size=1, state=FileState.DONE, now=NOON
    )
    tagged = make_tagged(*(make_tag(topic, grade) for topic, grade in tags), text=text)
    found = ledger.record_article(connection, file, 0, tagged, now=NOON)
    assert found is not None
    return found


def say(
    connection: Connection,
    article: int,
    topic: str,
    verdict: Verdict,
    person: str = "ana",
    after: int = 0,
) -> None:
    verdicts.add(
        connection, article=article, topic=topic, verdict=verdict, person=person, now=NOON + after * MINUTE
    )


def judged(connection: Connection) -> list[set[str]]:
    return [set(topics) for topics in verdicts.judged_topics(connection).values()]


def test_a_verdict_is_kept_with_its_article_person_and_time(connection: Connection, article: int) -> None:
    say(connection, article, "energy", WRONG)

    (found,) = verdicts.all_verdicts(connection)
    assert (found.text, found.topic, found.verdict, found.person, found.said_at) == (
        "An article\nIts text.",
        "energy",
        WRONG,
        "ana",
        "2026-03-05T12:00:00.000000Z",
    )


def test_the_last_word_of_a_person_counts(connection: Connection, article: int) -> None:
    say(connection, article, "energy", RIGHT)
    say(connection, article, "energy", WRONG, after=1)

    (found,) = verdicts.all_verdicts(connection)
    assert (found.verdict, found.said_at) == (WRONG, "2026-03-05T12:01:00.000000Z")


def test_verdicts_come_in_the_order_they_were_said(connection: Connection, article: int) -> None:
    say(connection, article, "energy", RIGHT, "ben", after=2)
    say(connection, article, "energy", RIGHT, "ana", after=1)
    say(connection, article, "trade", RIGHT, "ben", after=3)
    say(connection, article, "energy", RIGHT, "ben", after=4)

    found = [(v.person, v.topic) for v in verdicts.all_verdicts(connection)]
    assert found == [("ana", "energy"), ("ben", "trade"), ("ben", "energy")]


def test_a_topic_called_right_stays_and_its_article_keeps_its_other_main_topics(
    connection: Connection,
) -> None:
    two = add_article(connection, "Two\nTopics.", ("energy", Grade.MAIN), ("minerals", Grade.MAIN))

    say(connection, two, "energy", RIGHT)

    assert judged(connection) == [{"energy", "minerals"}]


def test_a_topic_called_wrong_goes(connection: Connection, article: int) -> None:
    say(connection, article, "energy", WRONG)

    assert judged(connection) == [set()]


def test_a_topic_that_the_model_missed_or_only_mentioned_comes_in_when_called_right(
    connection: Connection, article: int
) -> None:
    say(connection, article, "trade", RIGHT)
    say(connection, article, "health", RIGHT)

    assert judged(connection) == [{"energy", "trade", "health"}]


def test_to_call_a_topic_wrong_that_the_model_did_not_give_changes_nothing(
    connection: Connection, article: int
) -> None:
    say(connection, article, "space", WRONG)

    assert judged(connection) == [{"energy"}]


def test_several_people_of_one_mind_count_once(connection: Connection, article: int) -> None:
    say(connection, article, "energy", WRONG, "ana")
    say(connection, article, "energy", WRONG, "ben")

    assert judged(connection) == [set()]


def test_an_article_of_which_two_people_disagree_is_left_out(connection: Connection, article: int) -> None:
    other = add_article(connection, "Another\nText.", ("health", Grade.MAIN))
    say(connection, other, "health", RIGHT)
    say(connection, article, "health", RIGHT, "ana")
    say(connection, article, "energy", RIGHT, "ana")
    say(connection, article, "energy", WRONG, "ben")

    assert judged(connection) == [{"health"}]


def test_who_changes_their_mind_ends_the_disagreement(connection: Connection, article: int) -> None:
    say(connection, article, "energy", RIGHT, "ana")
    say(connection, article, "energy", WRONG, "ben", after=1)
    say(connection, article, "energy", WRONG, "ana", after=2)

    assert judged(connection) == [set()]


def test_people_who_judge_different_topics_of_an_article_do_not_disagree(
    connection: Connection, article: int
) -> None:
    say(connection, article, "energy", WRONG, "ana")
    say(connection, article, "trade", RIGHT, "ben")

    assert judged(connection) == [{"trade"}]


def test_an_article_that_nobody_judged_is_not_among_them(connection: Connection, article: int) -> None:
    assert judged(connection) == []


def test_an_article_is_found_by_the_start_of_its_id(connection: Connection, article: int) -> None:
    fingerprint = make_tagged(text="An article\nIts text.").article.fingerprint

    assert verdicts.find_article(connection, fingerprint) == article
    assert verdicts.find_article(connection, fingerprint[:16]) == article
    assert verdicts.find_article(connection, fingerprint[:4]) == article


@pytest.mark.parametrize("start", ["", "%", "_", "0000000000000000", "a'; --", "*"])
def test_what_is_no_id_finds_no_article(connection: Connection, article: int, start: str) -> None:
    assert verdicts.find_article(connection, start) is None


def test_an_id_that_two_articles_begin_with_finds_none(connection: Connection) -> None:
    for number in range(17):  # of seventeen hexadecimal ids two begin alike
        add_article(connection, f"Article {number}\nText.")
    starts = [v.article.fingerprint[0] for v in (make_tagged(text=f"Article {n}\nText.") for n in range(17))]
    shared = next(start for start in starts if starts.count(start) > 1)

    assert verdicts.find_article(connection, shared) is None
