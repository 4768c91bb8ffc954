"""Late growth: files that somebody went on writing to after they were taken."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest
from sqlalchemy import Connection, event

from classifier.model import Model
from classifier.storage import load
from daemon import clock, ledger, shelves
from daemon.database import Database
from daemon.growth import Growth
from daemon.records import FileRecord
from tests.builders import ENERGY_ARTICLE, QUIET_ARTICLE, make_settings
from tests.newsroom import DIGEST, HEADLINE, Clocks, Newsroom, energy_article

SHORT, LONG = 31.0, 601.0  # seconds after which the next look is due
TRADE_PARAGRAPH = (
    "Exports of grain to the neighbouring countries rose by a fifth after import duties and tariffs were"
    " abolished under the free trade agreement, the customs service and the ministry of trade said.\n"
)


@pytest.fixture(scope="module")
def model(trained_home: Path) -> Model:
    return load(trained_home / "models")


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    return Clocks().turn(monkeypatch)


@pytest.fixture
def newsroom(tmp_path: Path, database: Database, model: Model, clocks: Clocks) -> Iterator[Newsroom]:
    opened = Newsroom(make_settings(tmp_path / "home"), database, model)
    yield opened
    opened.intake.close()


def write_first(newsroom: Newsroom, text: str, name: str = "a.txt") -> TextIO:
    """A writer who pauses after `text` for so long that the file is taken, and holds it open."""
    writer = (newsroom.inbox / name).open("w")
    writer.write(text)
    writer.flush()
    newsroom.take_all()
    assert newsroom.waiting() == []
    return writer


def write_on(writer: TextIO, text: str) -> None:
    writer.write(text)
    writer.flush()


def later(newsroom: Newsroom, clocks: Clocks, seconds: float = SHORT) -> None:
    clocks.go_by(seconds)
    newsroom.take_all()


def fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def records(newsroom: Newsroom) -> list[tuple[str, str, int | None]]:
    rows = newsroom.rows("SELECT state, fingerprint, version_of FROM files ORDER BY id")
    return [(state, found, before) for state, found, before in rows]


def test_a_file_written_on_after_it_was_taken_is_read_again_and_nobody_is_told_twice(
    newsroom: Newsroom, clocks: Clocks
) -> None:
    half, rest = ENERGY_ARTICLE[:-50], ENERGY_ARTICLE[-50:]
    with write_first(newsroom, half) as writer:
        write_on(writer, rest)
        later(newsroom, clocks)

    assert newsroom.headlines() == [HEADLINE]
    assert newsroom.placed("a.txt").read_text() == ENERGY_ARTICLE
    assert records(newsroom) == [
        ("outgrown", fingerprint(half), None),
        ("done", fingerprint(ENERGY_ARTICLE), 1),
    ]
    assert (
        newsroom.rows("SELECT text FROM articles ORDER BY id DESC LIMIT 1")[0][0]
        .strip()
        .endswith(ENERGY_ARTICLE.strip()[-40:])
    )


def test_a_hard_link_that_is_written_to_outside_is_followed(newsroom: Newsroom, clocks: Clocks) -> None:
    """I23: the inbox holds a second name of a file that its owner goes on writing."""
    outside = newsroom.home / "outside.txt"
    outside.write_text(ENERGY_ARTICLE)
    os.link(outside, newsroom.inbox / "a.txt")
    newsroom.take_all()

    with outside.open("a") as owner:
        owner.write("The ministry added nothing to that.\n")
    later(newsroom, clocks)

    assert newsroom.headlines() == [HEADLINE]
    assert records(newsroom)[-1][1] == fingerprint(outside.read_text())


def test_a_topic_that_comes_with_the_growth_is_one_more_alert(newsroom: Newsroom, clocks: Clocks) -> None:
    with write_first(newsroom, ENERGY_ARTICLE) as writer:
        told = {topic.id for topic in newsroom.alerts()[0].topics}
        write_on(writer, TRADE_PARAGRAPH * 3)
        later(newsroom, clocks)

    first, second = newsroom.alerts()
    assert "trade" not in told
    assert "trade" in {topic.id for topic in second.topics}
    assert first.key != second.key
    assert newsroom.wakes == 2


def test_growth_that_makes_an_article_about_something_at_last_is_an_alert(
    newsroom: Newsroom, clocks: Clocks
) -> None:
    with write_first(newsroom, "News of the morning\n") as writer:
        assert newsroom.alerts() == []
        write_on(writer, ENERGY_ARTICLE)
        later(newsroom, clocks)

    assert len(newsroom.alerts()) == 1


def test_an_article_that_a_digest_grows_by_is_told_and_the_others_are_not_again(
    newsroom: Newsroom, clocks: Clocks
) -> None:
    with write_first(newsroom, DIGEST) as writer:
        write_on(writer, f"\n05.03.2026, 17:05 33\n\n{energy_article('Pavlodar')}")
        later(newsroom, clocks)

    assert newsroom.headlines() == [HEADLINE, HEADLINE.replace("Atyrau", "Pavlodar")]
    assert newsroom.rows("SELECT COUNT(*) FROM articles") == [(3,)]


def test_an_article_that_a_digest_grows_by_at_its_head_is_told(newsroom: Newsroom, clocks: Clocks) -> None:
    newest = f"05.03.2026, 17:05 33\n\n{energy_article('Pavlodar')}\n"
    with write_first(newsroom, DIGEST) as writer:
        writer.seek(0)
        write_on(writer, newest + DIGEST)
        later(newsroom, clocks)

    assert newsroom.headlines() == [HEADLINE, HEADLINE.replace("Atyrau", "Pavlodar")]


def test_each_growth_is_compared_with_all_that_was_told_before(newsroom: Newsroom, clocks: Clocks) -> None:
    with write_first(newsroom, ENERGY_ARTICLE) as writer:
        for addition in (TRADE_PARAGRAPH * 3, "The ministry said no more.\n", TRADE_PARAGRAPH):
            write_on(writer, addition)
            later(newsroom, clocks)

    assert len(newsroom.alerts()) == 2
    assert [state for state, _, _ in records(newsroom)] == ["outgrown"] * 3 + ["done"]


def test_a_file_is_read_again_only_when_it_has_stood_still(
    tmp_path: Path, database: Database, model: Model, clocks: Clocks
) -> None:
    newsroom = Newsroom(make_settings(tmp_path / "home", settle=2.0), database, model)
    writer = (newsroom.inbox / "a.txt").open("w")
    writer.write(ENERGY_ARTICLE)
    writer.flush()
    newsroom.take_all()
    later(newsroom, clocks, 2.5)
    assert newsroom.done() == ["a.txt"]

    write_on(writer, "One.\n")
    later(newsroom, clocks)
    for _ in range(4):
        write_on(writer, "More.\n")
        later(newsroom, clocks, 1.5)
    assert len(newsroom.files()) == 1
    writer.close()
    later(newsroom, clocks, 2.5)

    assert [state for _, state in newsroom.files()] == ["outgrown", "done"]
    newsroom.intake.close()


def test_a_file_that_was_only_touched_is_no_new_version(newsroom: Newsroom, clocks: Clocks) -> None:
    newsroom.drop("a.txt", ENERGY_ARTICLE)
    newsroom.take_all()
    os.utime(newsroom.placed("a.txt"), (10**9, 10**9))

    later(newsroom, clocks)

    assert newsroom.rows("SELECT state, modified FROM files") == [("done", 10**18)]
    assert newsroom.headlines() == [HEADLINE]


def test_a_file_that_was_replaced_or_taken_out_of_done_is_its_owner_s_affair(
    newsroom: Newsroom, clocks: Clocks
) -> None:
    for name in ("a.txt", "b.txt"):
        newsroom.drop(name, energy_article(name))
    newsroom.take_all()
    newsroom.placed("a.txt").unlink()
    (newsroom.home / "other").write_text("another file")
    os.replace(newsroom.home / "other", newsroom.placed("b.txt"))

    later(newsroom, clocks)

    assert newsroom.files() == [("a.txt", "done"), ("b.txt", "done")]


def test_a_file_that_grows_into_what_is_no_article_is_recorded_with_the_reason(
    newsroom: Newsroom, clocks: Clocks
) -> None:
    with write_first(newsroom, ENERGY_ARTICLE) as writer:
        writer.truncate(0)
        later(newsroom, clocks)

    assert newsroom.rows("SELECT state, reason FROM files ORDER BY id") == [
        ("outgrown", None),
        ("done", "empty"),
    ]
    assert newsroom.headlines() == [HEADLINE]
    assert newsroom.placed("a.txt").exists()


def test_a_failed_file_that_grows_goes_back_to_the_inbox_and_is_taken(
    newsroom: Newsroom, clocks: Clocks
) -> None:
    with write_first(newsroom, "") as writer:
        assert newsroom.failed() == ["a.txt", "a.txt.error.json"]
        write_on(writer, ENERGY_ARTICLE)
        later(newsroom, clocks)
        newsroom.take_all()

    assert newsroom.failed() == []
    assert newsroom.done() == ["a.txt"]
    assert newsroom.headlines() == [HEADLINE]
    assert newsroom.files() == [("a.txt", "retried"), ("a.txt", "done")]


def test_a_failed_file_that_a_person_put_back_and_that_was_taken_is_no_failure_any_more(
    newsroom: Newsroom, clocks: Clocks
) -> None:
    newsroom.drop("a.txt", "")
    newsroom.take_all()
    shelves.put_back(newsroom.home, "a.txt", newsroom.inbox)
    (newsroom.inbox / "a.txt").write_text(ENERGY_ARTICLE)

    later(newsroom, clocks)
    later(newsroom, clocks)

    assert [state for _, state in newsroom.files() if state == "failed"] == []
    assert newsroom.done() == ["a.txt"]
    assert newsroom.headlines() == [HEADLINE]


def test_while_failed_is_not_there_its_files_are_not_taken_for_put_back(
    newsroom: Newsroom, clocks: Clocks
) -> None:
    newsroom.drop("a.txt", "")
    newsroom.take_all()
    (newsroom.home / "failed").rename(newsroom.home / "away")

    later(newsroom, clocks)
    assert newsroom.files() == [("a.txt", "failed")]

    (newsroom.home / "away").rename(newsroom.home / "failed")
    later(newsroom, clocks)
    assert newsroom.files() == [("a.txt", "failed")]
    assert newsroom.failed() == ["a.txt", "a.txt.error.json"]


def test_a_growth_is_found_after_a_restart(newsroom: Newsroom, clocks: Clocks) -> None:
    with write_first(newsroom, ENERGY_ARTICLE) as writer:
        write_on(writer, TRADE_PARAGRAPH * 3)
        clocks.go_by(7200.0)
        newsroom.restart()
        later(newsroom, clocks)

    assert len(newsroom.alerts()) == 2


def test_a_late_growth_is_found_within_ten_minutes(newsroom: Newsroom, clocks: Clocks) -> None:
    with write_first(newsroom, ENERGY_ARTICLE) as writer:
        later(newsroom, clocks, 1200.0)
        write_on(writer, TRADE_PARAGRAPH * 3)
        later(newsroom, clocks, SHORT)
        assert len(newsroom.alerts()) == 1
        later(newsroom, clocks, LONG)

    assert len(newsroom.alerts()) == 2


def test_a_day_later_nobody_looks_any_more(newsroom: Newsroom, clocks: Clocks) -> None:
    with write_first(newsroom, ENERGY_ARTICLE) as writer:
        clocks.go_by(24 * 3600.0 + 1.0)
        write_on(writer, TRADE_PARAGRAPH * 3)
        later(newsroom, clocks, LONG)

    assert len(newsroom.files()) == 1


def test_growth_is_found_while_files_come_in_without_a_pause(newsroom: Newsroom, clocks: Clocks) -> None:
    with write_first(newsroom, ENERGY_ARTICLE) as writer:
        write_on(writer, TRADE_PARAGRAPH * 3)
        for number in range(5):
            newsroom.drop(f"{number}.txt", f"Match {number}\n{QUIET_ARTICLE}")
            clocks.go_by(10.0)
            assert newsroom.intake.work() == 0.0 or newsroom.intake.work() == 0.0

    assert ("a.txt", "outgrown") in newsroom.files()


def test_one_grown_file_that_cannot_be_read_holds_up_no_other(
    newsroom: Newsroom, clocks: Clocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    writers = [write_first(newsroom, energy_article(f"Town {n}"), f"{n}.txt") for n in range(2)]
    for writer in writers:
        write_on(writer, TRADE_PARAGRAPH * 3)
        writer.close()
    read = Path.open

    def refuse(path: Path, most: int) -> bytes:
        if path.name == "0.txt":
            raise OSError(5, "Input/output error", str(path))
        with read(path, "rb") as file:
            return file.read()

    monkeypatch.setattr("classifier.reading.read_bytes", refuse)
    later(newsroom, clocks)
    assert newsroom.files() == [("0.txt", "done"), ("1.txt", "outgrown"), ("1.txt", "done")]

    monkeypatch.undo()
    clocks.turn(monkeypatch)
    later(newsroom, clocks, LONG)
    assert ("0.txt", "outgrown") in newsroom.files()


def test_looks_are_paged_seldom_and_write_nothing(
    newsroom: Newsroom, clocks: Clocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.growth._PAGE", 10)
    for number in range(25):
        newsroom.drop(f"{number}.txt", f"Match {number}\n{QUIET_ARTICLE}")
    newsroom.take_all()
    pages: list[int] = []
    placed = ledger.files_after

    def count(connection: Connection, *, after: int, most: int, daemon: str) -> list[FileRecord]:
        found = placed(connection, after=after, most=most, daemon=daemon)
        pages.append(len(found))
        return found

    monkeypatch.setattr(ledger, "files_after", count)
    begun: list[str] = []
    event.listen(newsroom.database._engine, "before_cursor_execute", lambda *a: begun.append(a[2]))
    growth = Growth(newsroom.home, newsroom.database, 0.0)

    start = clock.monotonic() + 60.0

    found = [growth.look(start + second) for second in range(60)]

    assert [grown for each in found for grown in each] == []
    assert pages == [10, 10, 5] * 2
    assert not [statement for statement in begun if "IMMEDIATE" in statement]
    assert growth.next_in(start + 59.0) == pytest.approx(1.0)
