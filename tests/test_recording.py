"""Recording: what goes into the ledger and the outbox for a file, in the caller's transaction."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from classifier import UnreadableArticleError
from classifier.articles import Article, Grade
from classifier.tagging import Tagged
from daemon import ledger
from daemon.arrivals import Arrival
from daemon.config import Settings
from daemon.inbox import Candidate, Stamp
from daemon.recording import earlier_versions, recorder
from daemon.records import KnownArticle
from daemon.shelving import Placement
from tests.builders import console_receiver, make_route, make_settings, make_tag, make_tagged

TITLES = {"energy": "Energy", "trade": "Trade"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    routes = (make_route(receiver="desk"), make_route(receiver="embassy", topics=("trade",)))
    receivers = (console_receiver("desk"), console_receiver("embassy"))
    return make_settings(tmp_path, routes=routes, receivers=receivers)


def about(*topics: str, said: str = "A title\nA text.") -> Tagged:
    return make_tagged(*(make_tag(topic) for topic in topics), text=said)


def arrival(
    settings: Settings,
    name: str = "a.txt",
    *tagged: Tagged,
    content: str = "1",
    inode: int = 1,
    failure: UnreadableArticleError | None = None,
) -> Arrival:
    candidate = Candidate(settings.inbox, name, Stamp(inode, 7, 8, 9))
    return Arrival(candidate, content * 64, tagged, failure)


def record(connection: Connection, settings: Settings, *arrivals: Arrival) -> list[Placement]:
    """One batch."""
    return recorder(connection, settings, TITLES).arrivals(connection, arrivals)


def rows(connection: Connection, query: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in connection.execute(text(query))]


def owed(connection: Connection) -> list[tuple[object, ...]]:
    return rows(connection, "SELECT receiver, article_id FROM alerts ORDER BY id")


def test_a_file_is_recorded_with_its_articles_and_an_alert_for_each_who_follows_them(
    connection: Connection, settings: Settings
) -> None:
    tagged = [about("energy", said="One\n1"), about("trade", said="Two\n2"), about(said="Three\n3")]

    [placement] = record(connection, settings, arrival(settings, "wire/a.txt", *tagged))

    assert placement.file is not None
    assert (placement.articles, placement.alerts, placement.first) == (3, 3, None)
    assert placement.target == placement.file.target
    assert owed(connection) == [("desk", 1), ("desk", 2), ("embassy", 2)]
    assert rows(connection, "SELECT name, raw_name, inode, size, modified, state FROM files") == [
        ("wire/a.txt", b"wire/a.txt", 1, 7, 8, "taken")
    ]


def test_a_failure_is_taken_with_its_reason_and_on_its_way_to_failed(
    connection: Connection, settings: Settings
) -> None:
    failure = UnreadableArticleError("empty", "drop it again")

    [placement] = record(connection, settings, arrival(settings, failure=failure))

    assert placement.target == "failed/a.txt"
    assert rows(connection, "SELECT state, reason, mend, target FROM files") == [
        ("taken", "empty", "drop it again", "failed/a.txt")
    ]


def test_a_file_that_was_recorded_and_not_moved_is_not_recorded_again(
    connection: Connection, settings: Settings
) -> None:
    [first] = record(connection, settings, arrival(settings, "a.txt", about("energy")))

    [again] = record(connection, settings, arrival(settings))

    assert again.file == first.file
    assert again.target == first.target
    assert rows(connection, "SELECT COUNT(*) FROM files") == [(1,)]
    assert len(owed(connection)) == 1


@pytest.mark.parametrize("name", ["caf\xe9.txt".encode("latin-1"), b"line\nbreak.txt"])
def test_that_holds_for_names_of_any_bytes(connection: Connection, settings: Settings, name: bytes) -> None:
    [first] = record(connection, settings, arrival(settings, os.fsdecode(name), about("energy")))

    [again] = record(connection, settings, arrival(settings, os.fsdecode(name)))

    assert again.file == first.file


def test_files_of_one_batch_are_given_places_of_their_own(connection: Connection, settings: Settings) -> None:
    bad = UnreadableArticleError("empty", "drop it again")
    batch = [
        arrival(settings, "wire/a.txt", about("energy", said="One\n1"), content="1"),
        arrival(settings, "desk/a.txt", about("energy", said="Two\n2"), content="2"),
        arrival(settings, "wire/b.txt", content="3", failure=bad),
        arrival(settings, "desk/b.txt", content="4", failure=bad),
    ]

    targets = [placement.target for placement in record(connection, settings, *batch)]

    assert len(set(targets)) == 4


def test_the_same_bytes_twice_in_a_batch_are_one_alert_and_two_files(
    connection: Connection, settings: Settings
) -> None:
    batch = [arrival(settings, name, about("energy")) for name in ("a.txt", "b.txt")]

    first, second = record(connection, settings, *batch)

    assert (first.first, second.first) == (None, "a.txt")
    assert rows(connection, "SELECT name, duplicate_of FROM files") == [("a.txt", None), ("b.txt", 1)]
    assert len(owed(connection)) == 1


def test_where_repeats_are_only_counted_they_have_no_record_and_still_a_place(
    connection: Connection, settings: Settings
) -> None:
    counting = settings.model_copy(update={"on_duplicate": "count"})
    batch = [arrival(settings, name, about("energy")) for name in ("a.txt", "b.txt", "c.txt")]

    placements = record(connection, counting, *batch)

    assert [placement.file is None for placement in placements] == [False, True, True]
    assert len({placement.target for placement in placements}) == 3
    assert rows(connection, "SELECT name, repeats FROM files") == [("a.txt", 2)]


def test_the_bytes_of_a_failure_are_no_repeat(connection: Connection, settings: Settings) -> None:
    bad = UnreadableArticleError("empty", "drop it again")
    record(connection, settings, arrival(settings, "a.txt", failure=bad))

    [placement] = record(connection, settings, arrival(settings, "b.txt", about("energy")))

    assert placement.first is None
    assert len(owed(connection)) == 1


def test_a_file_written_to_before_it_could_be_moved_is_a_version_and_no_second_alert(
    connection: Connection, settings: Settings
) -> None:
    record(connection, settings, arrival(settings, "a.txt", about("energy", said="One\n1")))

    whole = about("energy", said="One\n1 and 2")
    record(connection, settings, arrival(settings, "a.txt", whole, content="2"))

    assert rows(connection, "SELECT state, version_of FROM files") == [("outgrown", None), ("taken", 1)]
    assert len(owed(connection)) == 1


def test_another_file_under_the_name_of_one_that_was_not_moved_is_no_version_of_it(
    connection: Connection, settings: Settings
) -> None:
    record(connection, settings, arrival(settings, "a.txt", about("energy", said="One\n1")))

    other = about("energy", said="Another\n2")
    record(connection, settings, arrival(settings, "a.txt", other, content="2", inode=2))

    assert rows(connection, "SELECT state, version_of FROM files") == [("gone", None), ("taken", None)]
    assert len(owed(connection)) == 2


def of(daemon: str, settings: Settings) -> Settings:
    return settings.model_copy(update={"daemon": daemon})


def test_a_file_that_another_daemon_recorded_and_did_not_move_is_gone_on_with_and_told_once(
    connection: Connection, settings: Settings
) -> None:
    first = arrival(settings, "a.txt", about("energy"))
    [before] = record(connection, of("north", settings), first)

    [placement] = record(connection, of("south", settings), first)

    assert placement.file is not None
    assert (placement.articles, placement.alerts, placement.first) == (0, 0, None)
    assert (placement.file.id, placement.file.daemon) == (1, "south")
    assert placement.target == placement.file.target
    assert placement.target.startswith("done/")
    assert rows(connection, "SELECT daemon, state, target FROM files") == [
        ("south", "taken", placement.target)
    ]
    assert len(owed(connection)) == 1
    assert before.file is not None


def test_a_daemon_that_goes_on_with_its_own_file_moves_it_where_it_was_to_go(
    connection: Connection, settings: Settings
) -> None:
    first = arrival(settings, "a.txt", about("energy"))
    [before] = record(connection, of("north", settings), first)

    [placement] = record(connection, of("north", settings), first)

    assert placement.target == before.target
    assert len(owed(connection)) == 1


def test_a_file_of_another_inbox_with_the_same_name_is_another_file(
    connection: Connection, settings: Settings
) -> None:
    record(connection, of("north", settings), arrival(settings, "a.txt", about("energy", said="One\n1")))

    other = about("energy", said="Two\n2")
    record(connection, of("south", settings), arrival(settings, "a.txt", other, content="2", inode=2))

    found = rows(connection, "SELECT daemon, state, version_of FROM files ORDER BY id")
    assert found == [("north", "taken", None), ("south", "taken", None)]
    assert len(owed(connection)) == 2


def test_whoever_lost_a_file_to_another_daemon_does_not_mark_it_as_gone(
    connection: Connection, settings: Settings
) -> None:
    first = arrival(settings, "a.txt", about("energy"))
    [late] = record(connection, of("north", settings), first)
    [placement] = record(connection, of("south", settings), first)
    assert late.file is not None
    assert placement.file is not None

    ledger.mark_gone(connection, late.file)
    assert rows(connection, "SELECT daemon, state FROM files") == [("south", "taken")]

    ledger.mark_placed(connection, [(placement.file, placement.target)])
    ledger.mark_gone(connection, placement.file)
    assert rows(connection, "SELECT daemon, state, target FROM files") == [
        ("south", "done", placement.target)
    ]


def test_a_mention_is_told_only_to_who_asked_for_mentions(connection: Connection, settings: Settings) -> None:
    tagged = make_tagged(make_tag("energy", Grade.MENTION))

    [placement] = record(connection, settings, arrival(settings, "a.txt", tagged))

    assert placement.alerts == 0
    assert ledger.counts(connection)["articles"] == 1


def test_an_article_with_another_title_and_another_text_is_no_version_of_what_stood_there() -> None:
    old = KnownArticle(1, 0, "f" * 64, "Refinery restarts", "Refinery restarts\nCrude is processed.")
    grown = Article("Refinery restarts\nCrude is processed. Petrol too.", title="Refinery restarts")
    retitled = Article("Refinery restarts\nCrude is processed. And more.", title="Refinery rest")
    other = Article("Pipeline opens\nGas flows.", title="Pipeline opens")

    assert earlier_versions([old], [grown]) == [[1]]
    assert earlier_versions([old], [retitled]) == [[1]]
    assert earlier_versions([old], [other]) == [[]]
    assert earlier_versions([old], [other, grown]) == [[], [1]]
