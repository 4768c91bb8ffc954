"""A process beside the daemon's tags batches while there are many files; nothing hangs on its life."""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from classifier.articles import Grade
from classifier.model import Model
from classifier.reading import read_articles
from classifier.rules import Rules
from classifier.storage import load
from daemon import sketches
from daemon.beside import Batch, Beside, Found, GoneError
from daemon.database import Database
from tests import ledgers
from tests.builders import QUIET_ARTICLE, make_settings
from tests.daemon_process import DaemonProcess
from tests.newsroom import DIGEST, Clocks, Newsroom, energy_article
from tests.thoroughness import cases

FILES = 40


@pytest.fixture(scope="module")
def model(trained_home: Path) -> Model:
    return load(trained_home / "models")


@pytest.fixture
def beside(trained_home: Path) -> Iterator[Beside]:
    made = Beside(trained_home / "models", Rules())
    yield made
    made.close()


@pytest.fixture
def newsroom(
    home: Path, database: Database, model: Model, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Newsroom]:
    """Batches of five, and a process beside from ten files on."""
    monkeypatch.setattr("daemon.batches._MOST_FILES", 5)
    monkeypatch.setattr("daemon.batches._MANY", 10)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    opened = Newsroom(make_settings(home), database, model)
    yield opened
    opened.intake.close()


def batch(model: Model, *texts: str) -> Batch:
    files = tuple((f"{number}.txt", text.encode()) for number, text in enumerate(texts))
    return Batch(model.version, model.retired, model.cuts, files)


def here(model: Model, *texts: str) -> list[Found]:
    tagged = [tuple(model.tag_all(read_articles(text.encode(), "a.txt"))) for text in texts]
    return [
        Found(each, tuple(sketches.of(found.article) if found.topics(Grade.MAIN) else None for found in each))
        for each in tagged
    ]


def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.01)


def drop(newsroom: Newsroom) -> list[str]:
    for number in range(FILES):
        newsroom.drop(f"{number:02}.txt", energy_article(f"Town {number}"))
    return [f"Refinery in Town {number} restarts crude unit" for number in range(FILES)]


def take_with_one_beside(newsroom: Newsroom) -> Beside:
    """One batch here, which starts the process, and then no other until that is ready."""
    assert newsroom.intake.work() == 0.0
    beside = newsroom.intake._batches._beside
    assert beside is not None
    until(beside.is_ready)
    return beside


def test_it_tags_and_sketches_as_is_done_here(beside: Beside, model: Model) -> None:
    texts = DIGEST, energy_article("Aktau"), QUIET_ARTICLE
    until(beside.is_ready)

    beside.hand(batch(model, *texts))

    assert beside.take() == here(model, *texts)


def test_what_is_no_article_says_why(beside: Beside, model: Model) -> None:
    until(beside.is_ready)

    beside.hand(batch(model, "MZ\x90\0", QUIET_ARTICLE))

    first, second = beside.take() or []
    assert first.failure is not None
    assert (first.failure.reason, first.tagged) == ("not text but a program", ())
    assert first.failure.mend
    assert [second] == here(model, QUIET_ARTICLE)


def test_a_batch_that_it_cannot_tag_is_given_back_and_it_goes_on(beside: Beside, model: Model) -> None:
    until(beside.is_ready)

    beside.hand(replace(batch(model, QUIET_ARTICLE), version="20000101T000000Z-00000000"))
    refused = beside.take()
    beside.hand(batch(model, QUIET_ARTICLE))

    assert refused is None
    assert beside.take() == here(model, QUIET_ARTICLE)


def test_what_is_retired_is_not_said(beside: Beside, model: Model) -> None:
    until(beside.is_ready)

    beside.hand(replace(batch(model, energy_article("Aktau")), retired=frozenset(model.topics)))

    [found] = beside.take() or []
    assert [tagged.tags for tagged in found.tagged] == [()]


def test_one_that_has_died_says_so(beside: Beside, model: Model) -> None:
    until(beside.is_ready)
    beside._process.kill()
    beside._process.wait()

    with pytest.raises(GoneError):
        beside.hand(batch(model, DIGEST))
        beside.take()


def test_one_that_is_stopped_is_not_waited_for_for_ever(
    beside: Beside, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than the pipe holds, so that it cannot even be handed over."""
    until(beside.is_ready)
    beside._process.send_signal(signal.SIGSTOP)
    monkeypatch.setattr("daemon.beside._LONGEST", 0.2)

    with pytest.raises(GoneError):
        beside.hand(batch(model, QUIET_ARTICLE * 5000))


def test_many_files_are_taken_in_order_with_one_beside(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    headlines = drop(newsroom)
    beside = take_with_one_beside(newsroom)
    handed, hand = [], beside.hand

    def counted(batch: Batch) -> None:
        handed.append(len(batch.files))
        hand(batch)

    monkeypatch.setattr(beside, "hand", counted)

    newsroom.take_all()

    assert handed == [5] * (FILES // 5 - 1)
    assert newsroom.headlines() == headlines
    assert newsroom.rows("SELECT COUNT(*) FROM sketches") == [(FILES,)]
    assert len(newsroom.done()) == FILES
    assert newsroom.waiting() == []


def test_a_few_files_start_nothing(newsroom: Newsroom) -> None:
    for number in range(9):
        newsroom.drop(f"{number}.txt", energy_article(f"Town {number}"))

    newsroom.take_all()

    assert newsroom.intake._batches._beside is None


def test_should_it_die_the_files_are_taken_all_the_same(
    newsroom: Newsroom, caplog: pytest.LogCaptureFixture
) -> None:
    headlines = drop(newsroom)
    beside = take_with_one_beside(newsroom)
    newsroom.intake.work()
    beside._process.send_signal(signal.SIGKILL)
    beside._process.wait()

    newsroom.take_all()

    assert newsroom.headlines() == headlines
    assert newsroom.waiting() == []
    gone = "the process that tagged beside has gone; batches are tagged here"
    assert [r.message for r in caplog.records].count(gone) == 1
    assert newsroom.intake._batches._beside is None


def test_one_that_does_not_answer_is_given_up(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daemon.beside._LONGEST", 0.1)
    headlines = drop(newsroom)
    beside = take_with_one_beside(newsroom)
    beside._process.send_signal(signal.SIGSTOP)

    newsroom.take_all()

    assert newsroom.headlines() == headlines
    assert beside._process.returncode == -signal.SIGKILL


def test_a_ledger_that_fails_while_a_batch_is_beside_loses_and_doubles_nothing(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    clocks = Clocks().turn(monkeypatch)
    headlines = drop(newsroom)
    take_with_one_beside(newsroom)
    assert newsroom.intake.work() == 0.0

    def full(_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(newsroom.intake, "_record", full)
        assert newsroom.intake.work() > 0.0
    clocks.go_by(60.0)

    newsroom.take_all()

    assert newsroom.headlines() == headlines
    assert newsroom.waiting() == []


def test_it_ends_when_there_has_been_nothing_to_do_for_a_while(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    clocks = Clocks().turn(monkeypatch)
    drop(newsroom)
    beside = take_with_one_beside(newsroom)
    newsroom.take_all()
    assert beside._process.poll() is None

    clocks.go_by(31.0)
    newsroom.intake.work()

    assert beside._process.poll() is not None
    assert newsroom.intake._batches._beside is None


def started_by(daemon: DaemonProcess) -> list[int]:
    tasks = Path(f"/proc/{daemon.process.pid}/task").glob("*/children")
    found = [int(child) for task in tasks for child in task.read_text().split()]
    return [child for child in found if b"daemon.beside" in Path(f"/proc/{child}/cmdline").read_bytes()]


def fill(home: Path, number: int) -> None:
    (home / "inbox").mkdir()
    for each in range(number):
        (home / "inbox" / f"{each}.txt").write_text(energy_article(f"Town {each}"))


@pytest.mark.slow
def test_it_ends_with_the_daemon_even_if_that_is_killed(home: Path) -> None:
    fill(home, 4000)
    daemon = DaemonProcess(home)
    daemon.wait_until(lambda: bool(started_by(daemon)))
    [child] = started_by(daemon)

    daemon.kill()

    until(lambda: _state(child) in "ZX")


@pytest.mark.slow
def test_a_daemon_killed_while_batches_are_beside_loses_and_doubles_nothing(home: Path) -> None:
    files = cases(5000, 2000)
    fill(home, files)
    for _ in range(3):
        daemon = DaemonProcess(home)
        before = len(daemon.done())
        daemon.wait_until(lambda: len(daemon.done()) > before + files // 12)  # noqa: B023  called at once
        daemon.kill()

    daemon = DaemonProcess(home)
    daemon.wait_until(lambda: len(daemon.done()) == files, seconds=60.0)
    daemon.stop()

    for table in ("files", "articles", "alerts", "deliveries WHERE form = 'alert'"):
        assert ledgers.asked(home, f"SELECT COUNT(*) FROM {table}") == [(files,)]
    assert not list((home / "inbox").iterdir())


def _state(process: int) -> str:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "X"
