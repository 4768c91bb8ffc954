"""Following the ledger: what the index has is what the ledger says, whatever happens to either."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from classifier import Grade
from daemon import changes, ledger, outbox
from daemon.database import Database, open_database
from daemon.desk import following
from daemon.desk.following import Follower
from daemon.desk.index import EVERYTHING, START, Index
from daemon.desk.matching import Filter
from daemon.records import FileState
from tests import ledgers
from tests.builders import NOON, make_alert, make_tag, make_tagged

NEWEST = 2**62


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    found = Index(tmp_path / "desk.db")
    yield found
    found.close()


@pytest.fixture
def follower(database: Database, index: Index) -> Follower:
    return Follower(database, index)


def record(database: Database, *texts: str, grades: dict[str, Grade] | None = None) -> list[int]:
    tags = [make_tag(topic, grade) for topic, grade in (grades or {"energy": Grade.MAIN}).items()]
    with database.transaction() as connection:
        file = ledger.record_file(
            connection, fingerprint=texts[0], name="a.txt", size=1, state=FileState.DONE, now=NOON
        )
        tagged = [(file, place, make_tagged(*tags, text=text)) for place, text in enumerate(texts)]
        return [each or 0 for each in ledger.record_articles(connection, tagged, now=NOON)]


def retag(database: Database, article: int, topic: str) -> None:
    with database.transaction() as connection:
        before = changes.states(connection, [article])[article]
        changes.replace(connection, [(article, before, make_tagged(make_tag(topic)))], now=NOON)


def find(index: Index, text: str = "", **wanted: object) -> list[int]:
    return index.find(Filter(text, **wanted), before=NEWEST, most=50)  # type: ignore[arg-type]


def counted(index: Index) -> int:
    return sum(number for _, number in index.volumes("2000-01-01", topic=EVERYTHING))


def test_what_is_recorded_can_be_found(database: Database, index: Index, follower: Follower) -> None:
    first = record(database, "Oil rose.")
    follower.catch_up()
    second = record(database, "Oil fell.", "Gas fell.")
    follower.catch_up()

    assert find(index, "oil") == [second[0], first[0]]
    assert find(index, topics=("energy",)) == [second[1], second[0], first[0]]
    assert counted(index) == 3


def test_more_than_a_batch_is_taken_up_in_order(
    database: Database, index: Index, follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "_AT_ONCE", 3)
    ids = record(database, *(f"Oil {number}." for number in range(10)))

    follower.catch_up()

    assert find(index, "oil") == ids[::-1]
    assert counted(index) == 10


def test_what_is_tagged_anew_is_found_by_its_new_topics(
    database: Database, index: Index, follower: Follower
) -> None:
    one, other = record(database, "Oil rose.", "Gas rose.")
    follower.catch_up()

    retag(database, one, "trade")
    follower.catch_up()

    assert find(index, topics=("energy",)) == [other]
    assert find(index, topics=("trade",)) == [one]
    assert find(index, "rose") == [other, one]
    assert counted(index) == 2


def test_what_was_tagged_anew_before_the_first_look_is_taken_up_once(
    database: Database, index: Index, follower: Follower
) -> None:
    (one,) = record(database, "Oil rose.")
    retag(database, one, "trade")

    follower.catch_up()

    assert find(index, topics=("trade",)) == [one]
    assert index.position().change == 1
    assert counted(index) == 1


def test_an_alert_that_comes_later_is_noticed(database: Database, index: Index, follower: Follower) -> None:
    one, other = record(database, "Oil rose.", "Gas rose.")
    follower.catch_up()
    assert find(index, alerted=True) == []

    with database.transaction() as connection:
        outbox.add(connection, make_alert(), article=one, now=NOON)
    follower.catch_up()

    assert find(index, alerted=True) == [one]
    assert find(index, alerted=False) == [other]
    assert counted(index) == 2


def test_the_story_of_an_article_is_followed(database: Database, index: Index, follower: Follower) -> None:
    one, other = record(database, "Oil rose.", "Gas rose.")
    with database.transaction() as connection:
        connection.exec_driver_sql(
            "INSERT INTO stories (id, opened_at, last_at, first_article) VALUES (5, '', '', 1)"
        )
        connection.exec_driver_sql(
            f"INSERT INTO sketches (article_id, story_id, near_copy, news) VALUES ({other}, 5, FALSE, '[]')"
        )

    follower.catch_up()

    assert find(index, story=5) == [other]
    assert one not in find(index, story=5)


def test_two_followers_of_one_index_count_each_article_once(
    database: Database, index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "_AT_ONCE", 2)
    record(database, *(f"Oil {number}." for number in range(20)))
    second = Index(tmp_path / "desk.db")
    followers = [Follower(database, index), Follower(database, second)]

    while index.position().article < 20:
        for each in followers:
            each.start()
        for each in followers:
            each.stop()
        followers = [Follower(database, index), Follower(database, second)]

    assert counted(index) == 20
    assert len(find(second, "oil")) == 20
    second.close()


def restored(database: Database, tmp_path: Path, *texts: str) -> Database:
    """Another ledger in the place of the one that was followed."""
    database.close()
    (tmp_path / "other").mkdir()
    fresh = ledgers.opened(tmp_path / "other")
    record(fresh, *texts)
    return fresh


def test_another_ledger_with_the_same_ids_is_followed_from_its_beginning(
    database: Database, index: Index, follower: Follower, tmp_path: Path
) -> None:
    record(database, "Oil rose.", "Gas rose.")
    follower.catch_up()
    other = restored(database, tmp_path, "Wheat rose.", "Rye rose.", "Barley rose.")

    Follower(other, index).catch_up()

    assert find(index, "oil") == []
    assert find(index, "rose") == [3, 2, 1]
    assert counted(index) == 3
    other.close()


@pytest.mark.sqlite("a copy of its file that is put back")
def test_a_ledger_from_before_it_was_tagged_anew_is_followed_from_its_beginning(
    database: Database, index: Index, follower: Follower, tmp_path: Path
) -> None:
    (one,) = record(database, "Oil rose.")
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(tmp_path / "ledger.db", tmp_path / "backup.db")
    retag(database, one, "trade")
    follower.catch_up()
    assert find(index, topics=("trade",)) == [one]

    backup = open_database(f"sqlite:///{tmp_path}/backup.db")
    Follower(backup, index).catch_up()

    assert find(index, topics=("trade",)) == []
    assert find(index, topics=("energy",)) == [one]
    backup.close()


def test_an_index_that_was_taken_away_is_filled_again(
    database: Database, index: Index, follower: Follower, tmp_path: Path
) -> None:
    record(database, "Oil rose.")
    follower.catch_up()

    (tmp_path / "desk.db").unlink()

    assert index.position() == START
    follower.catch_up()
    assert len(find(index, "oil")) == 1


def test_what_stands_in_the_way_of_following_is_told_until_it_is_gone(
    database: Database, tmp_path: Path
) -> None:
    index = Index(tmp_path / "missing" / "desk.db")
    follower = Follower(database, index)

    with pytest.raises(Exception, match=r"desk\.db"):
        follower._work()
    assert "desk.db" in (index.trouble or "")

    (tmp_path / "missing").mkdir()
    follower._work()
    assert index.trouble is None
    index.close()
