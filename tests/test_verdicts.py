"""Verdicts: the last word of a person counts, and what people dispute can be settled."""

from __future__ import annotations

from functools import partial

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


def add_article(connection: Connection, text_: str, *tags: tuple[str, Grade]) -> int:
    file = ledger.record_file(
        connection, fingerprint="f" * 64, name="a.txt", size=1, state=FileState.DONE, now=NOON
    )
    tagged = make_tagged(*(make_tag(topic, grade) for topic, grade in tags), text=text_)
    found = ledger.record_article(connection, file, 0, tagged, now=NOON)
    assert found is not None
    return found


def say(
    connection: Connection,
    article: int,
    topic: str,
    verdict: Verdict,
    person: str = "ana",
    *,
    after: int = 0,
) -> None:
    verdicts.add(
        connection, article=article, topic=topic, verdict=verdict, person=person, now=NOON + after * MINUTE
    )


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


def settle(
    connection: Connection, article: int, topic: str, verdict: Verdict, person: str, *, after: int
) -> None:
    verdicts.settle(
        connection, article=article, topic=topic, verdict=verdict, person=person, now=NOON + after * MINUTE
    )


def standing(connection: Connection) -> dict[str, tuple[bool, bool]]:
    """By person: whether what they said is disputed, and whether it is outweighed."""
    return {each.person: (each.disputed, each.outweighed) for each in verdicts.all_verdicts(connection)}


def test_who_changes_their_mind_ends_the_disagreement(connection: Connection, article: int) -> None:
    say(connection, article, "energy", RIGHT, "ana")
    say(connection, article, "energy", WRONG, "ben", after=1)
    assert standing(connection) == {"ana": (True, False), "ben": (True, False)}

    say(connection, article, "energy", WRONG, "ana", after=2)

    assert standing(connection) == {"ana": (False, False), "ben": (False, False)}


def test_people_who_judge_different_topics_of_an_article_do_not_disagree(
    connection: Connection, article: int
) -> None:
    say(connection, article, "energy", WRONG, "ana")
    say(connection, article, "trade", RIGHT, "ben")

    assert standing(connection) == {"ana": (False, False), "ben": (False, False)}


def test_who_settles_a_dispute_outweighs_what_was_said_before(connection: Connection, article: int) -> None:
    say(connection, article, "energy", RIGHT, "ana")
    say(connection, article, "energy", WRONG, "ben", after=1)

    settle(connection, article, "energy", RIGHT, "cy", after=2)

    assert standing(connection) == {"ana": (False, True), "ben": (False, True), "cy": (False, False)}
    assert verdicts.counts(connection)["disputed"] == 0


def test_what_was_settled_is_disputed_again_when_somebody_says_the_contrary_later(
    connection: Connection, article: int
) -> None:
    say(connection, article, "energy", RIGHT, "ana")
    settle(connection, article, "energy", RIGHT, "cy", after=1)
    say(connection, article, "energy", WRONG, "ben", after=2)

    assert standing(connection) == {"ana": (False, True), "cy": (True, False), "ben": (True, False)}
    assert verdicts.counts(connection)["disputed"] == 1


def test_of_two_who_settle_the_later_one_counts(connection: Connection, article: int) -> None:
    settle(connection, article, "energy", RIGHT, "cy", after=1)
    settle(connection, article, "energy", WRONG, "dee", after=1)

    assert standing(connection) == {"cy": (False, True), "dee": (False, False)}
    assert verdicts.counts(connection)["disputed"] == 0


def test_a_dispute_is_settled_even_if_the_clock_was_set_back(connection: Connection, article: int) -> None:
    say(connection, article, "energy", RIGHT, "ana", after=60)

    settle(connection, article, "energy", WRONG, "cy", after=0)

    assert standing(connection) == {"ana": (False, True), "cy": (False, False)}


def test_to_settle_one_topic_leaves_the_others_of_the_article_disputed(
    connection: Connection, article: int
) -> None:
    for topic in ("energy", "trade"):
        say(connection, article, topic, RIGHT, "ana")
        say(connection, article, topic, WRONG, "ben")

    settle(connection, article, "energy", WRONG, "cy", after=1)

    assert {each.topic for each in verdicts.all_verdicts(connection) if each.disputed} == {"trade"}


def test_who_settled_and_then_says_the_contrary_in_passing_settles_no_more(
    connection: Connection, article: int
) -> None:
    say(connection, article, "energy", RIGHT, "ana")
    settle(connection, article, "energy", RIGHT, "cy", after=1)

    say(connection, article, "energy", WRONG, "cy", after=2)

    assert standing(connection) == {"ana": (True, False), "cy": (True, False)}


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


def test_what_was_said_later_stays_when_what_was_said_before_it_arrives_late(
    connection: Connection, article: int
) -> None:
    say_in_order = partial(verdicts.add_in_order, connection, article=article, topic="energy", person="ana")

    assert say_in_order(verdict=WRONG, said_at=NOON + MINUTE)
    assert not say_in_order(verdict=RIGHT, said_at=NOON)
    assert [v.verdict for v in verdicts.all_verdicts(connection)] == [WRONG]
    assert say_in_order(verdict=RIGHT, said_at=NOON + 2 * MINUTE)
    assert [v.verdict for v in verdicts.all_verdicts(connection)] == [RIGHT]


def test_an_operators_correction_counts_even_if_the_clock_was_set_back(
    connection: Connection, article: int
) -> None:
    say(connection, article, "energy", RIGHT, after=60)
    say(connection, article, "energy", WRONG)

    assert [v.verdict for v in verdicts.all_verdicts(connection)] == [WRONG]


def test_what_is_withdrawn_is_all_that_a_person_said_of_an_article_up_to_then(
    connection: Connection, article: int
) -> None:
    other = add_article(connection, "Another\nText.", ("health", Grade.MAIN))
    say(connection, article, "energy", RIGHT)
    say(connection, article, "trade", RIGHT, after=1)
    say(connection, article, "space", RIGHT, after=2)
    say(connection, article, "energy", RIGHT, "ben")
    say(connection, other, "health", RIGHT)

    assert verdicts.withdraw(connection, article=article, person="ana", moment=NOON + MINUTE)
    assert {(v.person, v.topic) for v in verdicts.all_verdicts(connection)} == {
        ("ana", "space"),
        ("ben", "energy"),
        ("ana", "health"),
    }
    assert not verdicts.withdraw(connection, article=article, person="cy", moment=NOON + MINUTE)


@pytest.fixture
def disputed(connection: Connection, article: int) -> int:
    """An article of which two people agree on trade and disagree on energy, after one all agree on."""
    other = add_article(connection, "Another\nText.", ("health", Grade.MAIN))
    say(connection, other, "health", RIGHT)
    say(connection, article, "energy", RIGHT, "ana", after=1)
    say(connection, article, "trade", RIGHT, "ana", after=2)
    say(connection, article, "energy", WRONG, "ben", after=3)
    say(connection, article, "trade", RIGHT, "ben", after=4)
    return article


def listed(connection: Connection, *, disputed_first: bool = False) -> list[tuple[str, str, bool]]:
    found = verdicts.listed(connection, disputed_first=disputed_first)
    return [(each.person, each.topic, each.disputed) for each in found]


def test_the_list_is_in_the_order_of_time_and_marks_what_people_dispute(
    connection: Connection, disputed: int
) -> None:
    assert listed(connection) == [
        ("ana", "health", False),
        ("ana", "energy", True),
        ("ana", "trade", False),
        ("ben", "energy", True),
        ("ben", "trade", False),
    ]


def test_what_people_dispute_comes_first_where_it_is_asked_for(connection: Connection, disputed: int) -> None:
    assert listed(connection, disputed_first=True) == [
        ("ana", "energy", True),
        ("ben", "energy", True),
        ("ana", "health", False),
        ("ana", "trade", False),
        ("ben", "trade", False),
    ]
    assert verdicts.counts(connection) == {"right": 4, "wrong": 1, "disputed": 1}


def test_a_verdict_is_told_with_the_headline_of_its_article(connection: Connection, disputed: int) -> None:
    record = verdicts.listed(connection, disputed_first=True)[0]

    assert verdicts.as_object(record) == {
        "article": record.article[:16],
        "headline": "An article",
        "topic": "energy",
        "verdict": "right",
        "person": "ana",
        "said_at": "2026-03-05T12:01:00.000000Z",
        "disputed": True,
        "settles": False,
        "outweighed": False,
    }


def test_a_headline_cannot_move_a_terminals_cursor(connection: Connection) -> None:
    evil = add_article(connection, "An\x1b[2J evil\u202e headline\nIts text.")
    say(connection, evil, "energy", RIGHT)

    (line,) = (verdicts.as_line(each) for each in verdicts.listed(connection))

    assert line.isprintable()
    assert line.endswith("  energy  right  ana  An\\x1b[2J evil\\u202e headline")


def test_a_disputed_verdict_says_so_in_its_line(connection: Connection, disputed: int) -> None:
    lines = [verdicts.as_line(each) for each in verdicts.listed(connection)]

    assert [line.endswith("  (disputed)") for line in lines] == [False, True, False, True, False]


def test_without_verdicts_nothing_is_listed(connection: Connection, article: int) -> None:
    assert verdicts.listed(connection) == []
    assert verdicts.counts(connection) == {"disputed": 0}
