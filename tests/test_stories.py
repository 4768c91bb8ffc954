"""Stories in the ledger: who joins whom, what is read for it, what is forgotten."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from daemon import candidates, sketches, stories
from daemon.database import Database
from daemon.likeness import COMMON
from daemon.stories import Place
from tests import ledgers
from tests.builders import NOON
from tests.stories import (
    HELD_OUT,
    Told,
    add_article,
    as_they_come,
    f1,
    false_joins,
    join_all,
    pairs,
    pairs_alone,
    read,
)

ROOT = Path(__file__).resolve().parents[1]
WINDOW = timedelta(hours=48)
HOUR = timedelta(hours=1)

QUAKE = (
    "An earthquake of magnitude 5.8 shook the Alay district on Sunday and damaged 140 houses near Gulcha,"
    " said Azamat Toktosunov of the ministry. Tremors were felt in Osh and Andijan; 12 people were hurt."
)
QUAKE_AGAIN = (
    "In the Alay district 140 houses were damaged when the ground shook near Gulcha. Azamat Toktosunov put"
    " the magnitude at 5.8. People in Andijan and Osh ran into the streets, and 12 were hurt."
)
TOLL = (
    "The number of houses damaged by the 5.8 quake in the Alay district has risen to 312, Azamat Toktosunov"
    " said in Gulcha. Some 25 million soms were set aside. A shepherd, Bakyt Osmonov, was found dead."
)
TRADE = (
    "Bozdag Group will build a plant in Shymkent for 680 million dollars, Yerlan Satybaldin told a forum of"
    " 420 entrepreneurs. Turkey was represented by Kemal Erdemli."
)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One for all tests here: making its tables takes longer than they do."""
    opened = ledgers.opened(tmp_path_factory.mktemp("stories"))
    yield opened
    opened.close()


@pytest.fixture
def connection(ledger: Database) -> Iterator[Connection]:
    """Nothing of a test stays for the next one."""
    with ledger.transaction() as opened, opened.begin_nested() as savepoint:
        yield opened
        savepoint.rollback()


@pytest.fixture(scope="module")
def held_out() -> list[Told]:
    return as_they_come(read(HELD_OUT))


@pytest.fixture(scope="module")
def places(ledger: Database, held_out: list[Told]) -> list[Place]:
    """Where the articles of the held-out set find their place, all in one ledger."""
    with ledger.transaction() as opened, opened.begin_nested() as savepoint:
        found = join_all(opened, held_out)
        savepoint.rollback()
    return found


def tell(
    connection: Connection,
    article: int,
    text: str,
    *,
    hours: float = 0.0,
    source: str | None = "A",
    title: str | None = None,
    language: str | None = "en",
) -> Place:
    """Write an article into the ledger and join it to a story."""
    add_article(connection, article, title, text, language)
    return join(connection, article, text, hours=hours, source=source, title=title, language=language)


def join(
    connection: Connection,
    article: int,
    text: str,
    *,
    hours: float = 0.0,
    source: str | None = "A",
    title: str | None = None,
    language: str | None = "en",
) -> Place:
    return stories.join(
        connection,
        article=article,
        sketch=sketches.sketch(title, text, language),
        source=source,
        now=NOON + hours * HOUR,
        window=WINDOW,
    )


def test_articles_of_one_event_are_joined_and_others_kept_apart(
    connection: Connection, held_out: list[Told], places: list[Place]
) -> None:
    alone = pairs_alone(connection, held_out)

    for what, found in (("together", pairs(held_out, places)), ("each pair alone", alone)):
        print(f"{what}: F1 {f1(found):.3f}, different events joined {false_joins(found):.1%}")
        assert len(found) > 200
        assert f1(found) >= 0.9
        assert false_joins(found) <= 0.05


def test_articles_of_different_families_are_never_joined(held_out: list[Told], places: list[Place]) -> None:
    families: dict[int, set[str]] = {}
    for article, place in zip(held_out, places, strict=True):
        families.setdefault(place.story, set()).add(article.family)

    assert all(len(each) == 1 for each in families.values())


def test_near_copies_are_told_apart_from_rewrites(held_out: list[Told], places: list[Place]) -> None:
    found = {(article.told, place.near_copy) for article, place in zip(held_out, places, strict=True)}

    assert ("near-copy", True) in found
    assert ("near-copy", False) not in found
    assert {told for told, near_copy in found if near_copy} == {"near-copy"}


def test_follow_ups_bring_news_and_near_copies_none(held_out: list[Told], places: list[Place]) -> None:
    told = [(article, place) for article, place in zip(held_out, places, strict=True) if not place.is_first]

    follow_ups = [(article.title, place.news) for article, place in told if article.told == "follow-up"]
    print(*follow_ups, sep="\n")
    assert len(follow_ups) >= 2
    assert all(news for _, news in follow_ups)
    assert all(not place.news for _, place in told if place.near_copy)


def test_the_same_articles_give_the_same_stories_each_time(
    connection: Connection, held_out: list[Told], places: list[Place]
) -> None:
    sketches.from_json.cache_clear()

    assert numbered(join_all(connection, held_out)) == numbered(places)


def numbered(places: list[Place]) -> list[Place]:
    """With stories counted from 1: a server never gives a number twice, though nothing came of the first."""
    ids = {story: number for number, story in enumerate(dict.fromkeys(each.story for each in places), 1)}
    return [replace(each, story=ids[each.story]) for each in places]


def test_what_articles_are_known_by_does_not_depend_on_the_process() -> None:
    program = (
        "from daemon import likeness, sketches; from tests.stories import *;"
        "known = [sketches.sketch(a.title, a.text, a.language) for a in read(DEVELOPMENT)];"
        "print([each.to_json() for each in known]);"
        "print([likeness.likeness(a, b, {}) for a in known for b in known])"
    )
    told = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=ROOT,
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    ]

    assert told[0] == told[1]


def test_an_article_that_has_its_place_keeps_it(connection: Connection) -> None:
    tell(connection, 1, QUAKE)
    place = tell(connection, 2, TOLL, hours=1)

    assert join(connection, 2, TOLL, hours=2) == place
    assert join(connection, 2, "Something else.", hours=2) == place
    assert stories.also_told(connection, place.story, after=1) == ((), 1)


def test_what_is_new_to_the_story_is_named(connection: Connection) -> None:
    first = tell(connection, 1, QUAKE)
    toll = tell(connection, 2, TOLL, hours=1)
    again = tell(connection, 3, TOLL.replace("has risen", "rose").replace("Some 25", "About 25"), hours=2)

    assert (first.is_first, first.news) == (True, ())
    assert (toll.story, toll.is_first, toll.near_copy) == (first.story, False, False)
    assert set(toll.news) == {"Bakyt Osmonov", "25 million soms", "312"}
    assert again == Place(first.story, is_first=False, near_copy=True, news=())


def test_a_story_takes_articles_until_it_got_none_for_a_window(connection: Connection) -> None:
    first = tell(connection, 1, QUAKE)
    second = tell(connection, 2, QUAKE_AGAIN, hours=40)
    third = tell(connection, 3, TOLL, hours=80)
    late = tell(connection, 4, QUAKE + " It was the strongest in 30 years.", hours=80 + 49)

    assert first.story == second.story == third.story
    assert late.is_first


def test_who_else_told_a_story_is_named_once_and_in_order(connection: Connection) -> None:
    story = tell(connection, 1, QUAKE, source="A").story
    tell(connection, 2, TRADE, source="Z")
    tell(connection, 3, QUAKE_AGAIN, source="C")
    tell(connection, 4, QUAKE.replace("Tremors", "The tremors"), source="B")
    tell(connection, 5, TOLL, source="C")
    tell(connection, 6, TOLL.replace("Some", "About"), source="A")
    tell(connection, 7, TOLL.replace("Some", "Nearly"), source=None)

    assert stories.also_told(connection, story, after=1) == (("C", "B"), 5)
    assert stories.also_told(connection, story, after=4) == (("C", "A"), 3)


def test_a_chain_of_small_steps_does_not_lead_from_one_event_to_another(connection: Connection) -> None:
    marks = [f"Name{letter}mark" for letter in "bdfgklmnprstvz"]
    places = []
    for step in range(len(marks) - 4):
        text = "x, " + ", ".join(
            f"{mark} {700 + 37 * at}.{at + 11} tonnes"
            for at, mark in enumerate(marks)
            if step <= at < step + 5
        )
        places.append(tell(connection, step + 1, text))

    assert places[1].story == places[0].story
    assert places[-1].story != places[0].story


def test_a_story_is_compared_by_few_of_its_articles_however_many_there_are(connection: Connection) -> None:
    for number in range(30):
        tell(
            connection,
            number + 1,
            f"{QUAKE_AGAIN} Rescuers reached village number {number} x{number}, {number + 400} cows.",
        )

    kept = (
        connection.exec_driver_sql(
            "SELECT article_id FROM sketches WHERE sketch IS NOT NULL ORDER BY article_id"
        )
        .scalars()
        .all()
    )
    assert (
        len({place for (place,) in connection.exec_driver_sql("SELECT DISTINCT story_id FROM sketches")}) == 1
    )
    assert kept[0] == 1
    assert len(kept) == 1 + candidates.LAST


@pytest.mark.sqlite("its driver counts the rows that are read")
def test_however_many_articles_share_their_marks_few_rows_are_kept_and_read(connection: Connection) -> None:
    rows = RowCount(connection)
    letters, most, opened = "bdgklmnrst", 0, 0
    usual = ", ".join(f"Town{letter}v{other}" for letter in letters for other in "bd")
    for number in range(300):
        # Every article has the same twenty names, and some of its own that keep it apart.
        own = "".join(letters[int(digit)] + "o" for digit in f"{number:03}")
        before = rows.rows
        place = tell(
            connection, number + 1, f"x, {', '.join(f'{sign}o{own}' for sign in letters.upper())}, {usual}"
        )
        most = max(most, rows.rows - before)
        opened += place.is_first

    assert opened > 200
    rows.stop()
    per_mark = connection.exec_driver_sql("SELECT COUNT(*) FROM marks GROUP BY mark ORDER BY 1 DESC").scalar()
    assert per_mark is not None
    assert per_mark <= COMMON
    assert most <= 12 * 24 + 6 * 4 + 40


class RowCount:
    """Counts the rows that statements give back."""

    def __init__(self, connection: Connection) -> None:
        self.rows = 0
        self._driver = connection.connection.driver_connection
        assert self._driver is not None
        self._driver.row_factory = self._count

    def stop(self) -> None:
        assert self._driver is not None
        self._driver.row_factory = None

    def _count(self, cursor: object, row: tuple[object, ...]) -> tuple[object, ...]:
        self.rows += 1
        return row


def test_what_ended_before_the_window_is_forgotten_and_its_articles_are_still_known(
    connection: Connection,
) -> None:
    old = tell(connection, 1, QUAKE, source="A")
    tell(connection, 2, QUAKE_AGAIN, source="B")
    new = tell(connection, 3, TRADE, hours=60)

    assert stories.forget(connection, before=NOON + 48 * HOUR) == 1
    assert stories.forget(connection, before=NOON + 48 * HOUR) == 0

    left = connection.exec_driver_sql("SELECT DISTINCT story_id FROM marks").scalars().all()
    compared = (
        connection.exec_driver_sql("SELECT article_id FROM sketches WHERE sketch IS NOT NULL").scalars().all()
    )
    assert (left, compared) == ([new.story], [3])
    assert stories.also_told(connection, old.story, after=1) == (("B",), 1)


def test_joining_forgets_what_ended_by_itself(connection: Connection) -> None:
    for number in range(200):
        tell(connection, number + 1, f"x, Namebd{number} said {number * 7 + 1001} tonnes", hours=number * 6)

    kept = connection.exec_driver_sql("SELECT COUNT(DISTINCT story_id) FROM marks").scalar()
    assert kept is not None
    assert kept < 30


@pytest.mark.parametrize(
    "text", ["", "7 " * 200_000, " ".join(f"Name{number}x" for number in range(50_000)), "…"]
)
def test_a_text_that_says_nothing_or_too_much_opens_a_story_of_its_own(
    connection: Connection, text: str
) -> None:
    tell(connection, 1, QUAKE)

    assert tell(connection, 2, text).is_first


def test_the_usual_names_alone_join_nothing(connection: Connection) -> None:
    tell(
        connection,
        1,
        "x, Kazakhstan and Tokayev in Astana spoke of the Ministry and of Almaty, Russia and China.",
    )

    assert tell(
        connection, 2, "x, in Astana Tokayev of Kazakhstan told Russia, China and the Ministry of Almaty."
    ).is_first
