"""A backlog of files: how fast a daemon takes them in, against the naive loop; and its memory."""

from __future__ import annotations

import shutil
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import joblib

from classifier.articles import Grade
from classifier.storage import load
from tests.bench import texts
from tests.bench.desk import slack_config
from tests.bench.page import Section, compared
from tests.bench.processes import children, processor_time, resident
from tests.daemon_process import DaemonProcess
from tests.measuring import Compared, say
from tests.reference import PlainTagger
from tests.slack_stand_in import SlackStandIn

TITLE = "A backlog of files"
_LABELLED = 0.45  # of the files; as many raise an alert as of real news
_EARLY = 0.1  # of the files are done when growth of memory begins to count
_LOOK = 0.02  # seconds
_PATIENCE = 900.0  # seconds
_DELIVERIES = "SELECT state, COUNT(*) FROM deliveries GROUP BY state ORDER BY state"
_ABOUT = """\
Text files of 3,000 bytes stand in the inbox of a process, and it takes them: read, tagged with
evidence, in SQLite (WAL, synchronous FULL) the article, its tags and the alert that is owed, the
file moved to done/. It is the time from the first file that is done and marked so to the last. The
naive loop (`tests/bench/naive.py`) is a watchdog handler that takes a file at a time, tags it with
the plain tagger of the table above, commits and renames. `topicwired` has its defaults, stories and
bursts among them, and owes all alerts to one Slack channel, to which it sends at Slack's pace
meanwhile; a process beside it tags while it records, so that both cores work.
"""


@dataclass(frozen=True, slots=True)
class Drained:
    """How a backlog went: `early`, `last` and `peak` are MiB of memory, the peak between both."""

    milliseconds: float  # a file
    worked: float  # milliseconds a file in which it, and a process beside it, had a processor
    alerts: float  # a file
    early: float
    last: float
    peak: float
    sending: str = ""
    beside: float = 0.0  # MiB, the most of a process that it started

    @property
    def growth(self) -> float:
        return max(self.last, self.peak) - self.early


def measure(home: Path, scratch: Path, *, small: bool) -> Section:
    few, many, rounds = (60, 500, 1) if small else (300, 10_000, 3)
    say(f"draining: writing {many:,} texts")
    backlog = list(texts.backlog(many, _LABELLED))
    pickled = scratch / "plain-tagger.joblib"
    joblib.dump(PlainTagger(load(home / "models")), pickled)
    naive: list[Drained] = []
    ours: list[Drained] = []
    for number in range(rounds + 1):
        say(f"draining: the naive loop, {few:,} files, {number + 1} of {rounds + 1} times")
        naive.append(_naive(pickled, scratch / f"naive-{number}", backlog[:few]))
        if number < rounds:
            say(f"draining: topicwired, {many:,} files, {number + 1} of {rounds} times")
            ours.append(_topicwired(home / "models", scratch / f"topicwired-{number}", backlog))
    what = f"taking one of {few:,} and of {many:,} files"
    rows = [
        _row(what, [each.milliseconds for each in naive], [each.milliseconds for each in ours]),
        _row("processor time for it", [each.worked for each in naive], [each.worked for each in ours]),
    ]
    columns = ("what", "naive loop", "topicwired", "ratio")
    return compared(TITLE, _ABOUT, columns, rows, _notes(naive, ours, many, _share_of_news(home)))


def _row(what: str, naive: Sequence[float], ours: Sequence[float]) -> Compared:
    """Each of ours against the naive ones before and after it."""
    around = tuple((before + after) / 2 for before, after in pairwise(naive))
    return Compared(what, around, tuple(ours), "ms")


def _notes(naive: Sequence[Drained], ours: Sequence[Drained], many: int, real: str) -> list[str]:
    loop, daemon = (1000 / statistics.median(each.milliseconds for each in way) for way in (naive, ours))
    last, worst = ours[-1], max(ours, key=lambda each: each.growth)
    return [
        f"files a second: {daemon:,.0f} against {loop:,.0f}",
        f"memory of topicwired: {worst.early:.0f} MiB after {many * _EARLY:,.0f} files,"
        f" {worst.last:.0f} MiB after all of them, at most {worst.peak:.0f} MiB between"
        " (the round in which it grew most); the process beside it that tags has at most"
        f" {worst.beside:.0f} MiB",
        f"{last.alerts:.0%} of the files have an alert recorded (naive loop: {naive[-1].alerts:.0%}); {real}",
        f"deliveries when the last file was taken, by state: {last.sending}",
    ]


def _share_of_news(home: Path) -> str:
    news = texts.news()
    if news is None:
        return "real news to compare with is not here"
    tagged = load(home / "models").tag_all(news)
    share = sum(bool(found.topics(Grade.MAIN)) for found in tagged) / len(news)
    return f"of {len(news):,} articles of real news {share:.0%} raise one"


def _naive(pickled: Path, folder: Path, backlog: Sequence[str]) -> Drained:
    home, ledger = folder / "home", folder / "home" / "naive.db"
    command = [sys.executable, "-m", "tests.bench.naive", str(pickled), str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "watching\n"
            _write(folder / "fresh", backlog)
            for path in sorted((folder / "fresh").iterdir()):
                path.rename(home / "inbox" / path.name)
            query = "SELECT COUNT(*) FROM articles"
            return _drained(process.pid, ledger, query, "SELECT COUNT(*) FROM outbox", len(backlog))
        finally:
            process.kill()


def _topicwired(models: Path, folder: Path, backlog: Sequence[str]) -> Drained:
    home = folder / "home"
    shutil.copytree(models, home / "models")
    _write(home / "inbox", backlog)
    with SlackStandIn() as slack:
        daemon = DaemonProcess(home, config=slack_config(slack, folder))
        try:
            daemon.wait_until_watching()
            done, alerts = "SELECT COUNT(*) FROM files WHERE state = 'done'", "SELECT COUNT(*) FROM alerts"
            drained = _drained(daemon.process.pid, home / "ledger.db", done, alerts, len(backlog))
            assert not list((home / "inbox").glob("*.txt"))
            assert len(daemon.done()) == len(backlog)
            return drained
        finally:
            daemon.kill()


def _write(folder: Path, backlog: Sequence[str]) -> None:
    folder.mkdir(parents=True)
    for number, text in enumerate(backlog):
        (folder / f"{number:06}.txt").write_text(text, encoding="utf-8")


def _drained(process: int, ledger: Path, done: str, alerts: str, number: int) -> Drained:
    """Looks on until all files are done. What it reads of a ledger that is in use delays nobody."""
    first, began, worked, early, peak, beside = 0, 0.0, 0.0, 0.0, 0.0, 0.0
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as connection:

        def ask(query: str) -> int:
            return int(connection.execute(query).fetchone()[0])

        patience = time.monotonic() + _PATIENCE
        while (found := ask(done)) < number:
            assert time.monotonic() < patience, f"{found} of {number} files are done"
            memory = resident(process)
            assert memory, "the process ended"
            if found and not first:
                first, began, worked = found, time.perf_counter(), _worked(process)
            if found >= _EARLY * number:
                early = early or memory
                peak = max(peak, memory)
            beside = max([beside, *map(resident, children(process))])
            time.sleep(_LOOK)
        took, worked = time.perf_counter() - began, _worked(process) - worked
        last = resident(process)
        each = 1000 / (number - first)
        told = ask(alerts) / number
        return Drained(
            took * each, worked * each, told, early or last, last, peak, _sending(connection), beside
        )


def _worked(process: int) -> float:
    return sum(map(processor_time, [process, *children(process)]))


def _sending(connection: sqlite3.Connection) -> str:
    try:
        found = connection.execute(_DELIVERIES).fetchall()
    except sqlite3.OperationalError:  # the naive loop sends nothing
        return ""
    return ", ".join(f"{number:,} {state}" for state, number in found) or "none"
