"""Poison: a file over which the process dies is found out, tried last, and at last set aside."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from threading import Event, Thread

import pytest

from classifier import Article, Reader, Tagged, read_bytes
from classifier.model import Model
from classifier.storage import load
from daemon import app, arrivals, ledger, poison
from daemon.arrivals import Arrival, Content
from daemon.database import Database
from tests.builders import ENERGY_ARTICLE, NOON, QUIET_ARTICLE, make_settings
from tests.newsroom import Clocks, Newsroom, energy_article


@pytest.fixture(scope="module")
def model(trained_home: Path) -> Model:
    return load(trained_home / "models")


@pytest.fixture
def newsroom(tmp_path: Path, database: Database, model: Model) -> Iterator[Newsroom]:
    opened = Newsroom(make_settings(tmp_path / "home", poison_tries=3), database, model)
    yield opened
    opened.intake.close()


def deaths(newsroom: Newsroom) -> dict[str, int]:
    with newsroom.database.reading() as connection:
        return {name: number for (name, _), number in ledger.deaths(connection).items()}


def die_over(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on reading that file ends the process, as a segmentation fault would."""

    def deadly(path: Path, most: int) -> bytes:
        if path.name == name:
            os.kill(os.getpid(), signal.SIGKILL)
        return read_bytes(path, most)

    monkeypatch.setattr("classifier.reading.read_bytes", deadly)


def run(newsroom: Newsroom, rounds: int = 1, *, by: Callable[[], object] | None = None) -> list[int]:
    """The daemon's intake in processes of its own, one after the other; how each ended."""
    newsroom.intake.close()
    newsroom.database.close()
    ends = []
    for _ in range(rounds):
        child = os.fork()
        if child == 0:
            newsroom.start()
            (by or newsroom.take_all)()
            os._exit(0)
        ends.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    newsroom.start()
    return ends


def test_a_file_over_which_the_process_dies_is_set_aside_after_so_many_deaths_and_the_others_are_taken(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """O11: it is the oldest of them, so without this it would be read first at every start."""
    newsroom.drop("deadly.txt", ENERGY_ARTICLE)
    time.sleep(0.01)
    for number in range(3):
        newsroom.drop(f"{number}.txt", energy_article(f"Town {number}"))
    die_over("deadly.txt", monkeypatch)

    ends = run(newsroom, 4)

    assert ends == [-signal.SIGKILL] * 3 + [0]
    assert newsroom.failed() == ["deadly.txt", "deadly.txt.error.json"]
    assert newsroom.done() == ["0.txt", "1.txt", "2.txt"]
    assert newsroom.rows("SELECT reason FROM files WHERE state = 'failed'") == [
        ("the process died 3 times with this file in hand",)
    ]
    assert (newsroom.home / "failed" / "deadly.txt").read_text() == ENERGY_ARTICLE


def test_after_the_first_death_the_others_are_taken_before_it_is_tried_again(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom.drop("deadly.txt", ENERGY_ARTICLE)
    time.sleep(0.01)
    newsroom.drop("a.txt", QUIET_ARTICLE)
    monkeypatch.setattr("daemon.batches._MOST_FILES", 1)
    die_over("deadly.txt", monkeypatch)

    assert run(newsroom, 2) == [-signal.SIGKILL] * 2

    assert newsroom.done() == ["a.txt"]
    assert newsroom.waiting() == ["deadly.txt"]
    assert deaths(newsroom) == {"deadly.txt": 2}


def test_one_of_several_over_which_the_process_dies_is_found_out_by_trying_each_alone(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag_all = Model.tag_all

    def deadly(model: Model, articles: Iterable[Article]) -> list[Tagged]:
        articles = list(articles)
        if any("Deadly" in article.text for article in articles):
            os.kill(os.getpid(), signal.SIGKILL)
        return tag_all(model, articles)

    monkeypatch.setattr(Model, "tag_all", deadly)
    for town in ("Aktau", "Deadly", "Pavlodar"):
        newsroom.drop(f"{town}.txt", energy_article(town))

    assert run(newsroom) == [-signal.SIGKILL]
    assert deaths(newsroom) == dict.fromkeys(("Aktau.txt", "Deadly.txt", "Pavlodar.txt"), 0)

    assert run(newsroom, 4) == [-signal.SIGKILL] * 3 + [0]
    assert newsroom.failed() == ["Deadly.txt", "Deadly.txt.error.json"]
    assert newsroom.done() == ["Aktau.txt", "Pavlodar.txt"]
    assert deaths(newsroom) == {}


def test_a_file_that_grows_into_something_deadly_is_not_read_for_ever(
    tmp_path: Path, database: Database, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    clocks = Clocks().turn(monkeypatch)
    newsroom = Newsroom(make_settings(tmp_path / "home"), database, model)
    newsroom.drop("a.txt", ENERGY_ARTICLE)
    newsroom.take_all()
    with newsroom.placed("a.txt").open("a") as writer:
        writer.write("deadly")
    die_over("a.txt", monkeypatch)

    def look() -> None:
        clocks.go_by(60.0)
        newsroom.take_all()

    assert run(newsroom, 4, by=look) == [-signal.SIGKILL] * 3 + [0]
    assert newsroom.headlines() == ["Refinery in Atyrau restarts crude unit"]
    newsroom.intake.close()


def test_a_death_while_the_ledger_is_written_is_no_file_s_fault(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom.drop("a.txt", ENERGY_ARTICLE)
    monkeypatch.setattr("daemon.intake.shelve", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    assert run(newsroom) == [-signal.SIGKILL]
    assert deaths(newsroom) == {}

    monkeypatch.setattr(newsroom.intake, "_record", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    newsroom.drop("b.txt", QUIET_ARTICLE)
    child = os.fork()
    if child == 0:
        newsroom.intake.work()
        os._exit(0)
    os.waitpid(child, 0)
    newsroom.restart()
    assert deaths(newsroom) == {}


def test_a_death_while_nothing_is_read_is_nobody_s(newsroom: Newsroom) -> None:
    newsroom.drop("a.txt", ENERGY_ARTICLE)

    def take_and_die() -> None:
        newsroom.take_all()
        os.kill(os.getpid(), signal.SIGKILL)

    assert run(newsroom, by=take_and_die) == [-signal.SIGKILL]

    assert deaths(newsroom) == {}


def test_a_file_that_is_taken_after_all_is_forgotten(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = os.fsdecode(b"caf\xe9.txt")
    newsroom.drop(name, ENERGY_ARTICLE)
    die_over(name, monkeypatch)
    run(newsroom, 2)
    assert deaths(newsroom) == {name: 2}

    monkeypatch.undo()
    newsroom.restart()
    newsroom.take_all()

    assert deaths(newsroom) == {}
    assert len(newsroom.done()) == 1


def test_a_file_that_is_mended_is_tried_afresh(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    newsroom.drop("a.txt", ENERGY_ARTICLE)
    die_over("a.txt", monkeypatch)
    run(newsroom, 2)
    monkeypatch.undo()

    newsroom.drop("a.txt", energy_article("Pavlodar"))
    newsroom.restart()
    die_over("a.txt", monkeypatch)
    assert run(newsroom) == [-signal.SIGKILL]

    assert newsroom.waiting() == ["a.txt"]


def test_a_note_is_counted_once(newsroom: Newsroom) -> None:
    note = poison.Note(newsroom.home)
    note.hold([("a.txt", "1:2:3:4")])
    note.close()

    for _ in range(3):
        app.start_up(newsroom.settings, newsroom.database)

    assert deaths(newsroom) == {"a.txt": 1}


@pytest.mark.parametrize(
    "left", [b"", b"\n", b"[]", b'["zz", "1"]\n', b"\xff\xfe", b'["61"', b"null\n", b"x" * 100_000]
)
def test_a_note_that_says_nothing_is_nothing(newsroom: Newsroom, left: bytes) -> None:
    (newsroom.home / ".in-hand").write_bytes(left)

    app.start_up(newsroom.settings, newsroom.database)

    assert deaths(newsroom) == {}


def test_a_shorter_name_after_a_longer_one_is_read_right(newsroom: Newsroom) -> None:
    note = poison.Note(newsroom.home)
    note.hold([("a" * 200, "1:2:3:4")])
    note.hold([("b", "5:6:7:8")])
    note.close()

    with newsroom.database.transaction() as connection:
        assert poison.record_death(connection, newsroom.home, now=NOON) == ["b"]


def test_what_is_free_is_held_by_nobody(newsroom: Newsroom) -> None:
    note = poison.Note(newsroom.home)
    note.hold([("a" * 200, "1:2:3:4")])
    note.free()
    note.close()

    with newsroom.database.transaction() as connection:
        assert poison.record_death(connection, newsroom.home, now=NOON) == []


def test_the_longest_path_is_noted_as_well(newsroom: Newsroom) -> None:
    name = "/".join(["ж" * 127] * 15)
    note = poison.Note(newsroom.home)
    note.hold([(name, "1:2:3:4")])
    note.close()

    with newsroom.database.transaction() as connection:
        assert poison.record_death(connection, newsroom.home, now=NOON) == [name]


def test_a_note_that_cannot_be_written_keeps_nobody_from_reading(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    newsroom.drop("a.txt", ENERGY_ARTICLE)

    newsroom.take_all()

    assert newsroom.done() == ["a.txt"]


def test_a_stop_with_a_file_in_hand_is_no_death_whatever_the_thread_still_does(newsroom: Newsroom) -> None:
    note = poison.Note(newsroom.home)
    note.hold([("slow.html", "1:2:3:4")])

    note.end()
    note.hold([("next.txt", "5:6:7:8")])
    app.start_up(newsroom.settings, newsroom.database)

    assert deaths(newsroom) == {}


def test_an_intake_that_is_stopped_while_it_reads_blames_no_file(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file may take 18 seconds in the jail, a stop waits 8."""
    begun, ended = Event(), Event()

    def slowly(content: Content, fingerprint: str, reader: Reader) -> Arrival:
        begun.set()
        assert ended.wait(10.0)
        raise OSError("the jail is closed")

    monkeypatch.setattr(arrivals, "opened", slowly)
    for name in ("a.html", "b.html"):
        newsroom.drop(name, f"<p>{name} {ENERGY_ARTICLE}")
    reading = Thread(target=newsroom.take_all)
    reading.start()
    assert begun.wait(10.0)

    newsroom.intake.close()
    app.start_up(newsroom.settings, newsroom.database)
    ended.set()
    reading.join(10.0)
    app.start_up(newsroom.settings, newsroom.database)

    assert deaths(newsroom) == {}
    assert newsroom.waiting() == ["a.html", "b.html"]
