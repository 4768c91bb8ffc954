"""From a file's rename into the inbox to the request that carries its alert to Slack."""

from __future__ import annotations

import math
import queue
import random
import shutil
import statistics
import time
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

from classifier.articles import Grade
from classifier.reading import read_articles
from classifier.storage import load
from tests.bench import texts
from tests.bench.desk import slack_config
from tests.bench.page import Section
from tests.daemon_process import DaemonProcess
from tests.measuring import say
from tests.slack_faults import Call
from tests.slack_stand_in import SlackStandIn

TITLE = "From the inbox to Slack"
SETTLE = 2.0  # seconds, the default
APART = f"""
[inbox]
settle_seconds = {SETTLE}
[story]
window_hours = 0
[burst]
minutes = 0
"""
_PAUSE = 2.0  # at most, between an alert and the next drop: an idle daemon looks at its inbox so often
_PACE = 1.1  # at least, between two alerts: more than Slack's pace of a message a second
_ABOUT = """\
A file is renamed into the inbox of an idle `topicwired`, and its alert waited for at a stand-in for
Slack on the same machine: the time from just before the rename to the arrival of the request, less
the settle time of 2 s. Drops come one after another, after pauses of up to 2 s drawn at random, so
that they meet the daemon at any moment of its rest. Stories and bursts are off, so that each file
is a message of its own.
"""


def measure(home: Path, scratch: Path, *, small: bool) -> Section:
    drops = 10 if small else 200
    shutil.copytree(home / "models", scratch / "home" / "models")
    articles = alarming(home, drops + drops // 5)
    with SlackStandIn() as slack:
        daemon = DaemonProcess(scratch / "home", config=slack_config(slack, scratch, APART))
        try:
            beside = daemon.inbox / "tmp"
            beside.mkdir(parents=True)
            daemon.wait_until_watching()
            beyond = [wait - SETTLE for wait in _waits(slack, daemon, scratch, articles[:drops])]
            whole = _waits(slack, daemon, beside, articles[drops:], _PACE)
        finally:
            daemon.stop()
    columns = ("what", "median", "95th percentile", "longest")
    rows = [
        _row(f"{drops} files renamed into the inbox: beyond the settle time", beyond),
        _row(f"{len(whole)} renamed from inbox/tmp, which need not settle: from the rename", whole),
    ]
    return Section(TITLE, _ABOUT, columns, rows)


def _row(what: str, waits: Sequence[float]) -> tuple[str, ...]:
    figures = (statistics.median(waits), ninety_fifth(waits), max(waits))
    return what, *(f"{1000 * figure:.0f} ms" for figure in figures)


def ninety_fifth(waits: Sequence[float]) -> float:
    return sorted(waits)[math.ceil(0.95 * len(waits)) - 1]


def _waits(
    slack: SlackStandIn, daemon: DaemonProcess, folder: Path, texts_: Sequence[str], least: float = 0.0
) -> list[float]:
    """Seconds from each rename to its request; the files are written in `folder`."""
    drops = Drops(slack, daemon, folder, least)
    waits = []
    for number, text in enumerate(texts_):
        if number % 20 == 0:
            say(f"latency: {number} of {len(texts_)} files dropped from {folder.name}")
        waits.append(drops.wait(text))
    drops.end()
    return waits


class Drops:
    """Files renamed into an inbox one after the other, after pauses drawn at random."""

    def __init__(self, slack: SlackStandIn, daemon: DaemonProcess, folder: Path, least: float = 0.0) -> None:
        self._arrived: queue.SimpleQueue[tuple[float, Call]] = queue.SimpleQueue()
        self._daemon = daemon
        self._folder = folder
        self._least = least
        self._pauses = random.Random(5)
        self._number = 0
        self.end = slack.on(
            "chat.postMessage", "arrived", lambda call: self._arrived.put((time.perf_counter(), call))
        )

    def wait(self, text: str) -> float:
        """Seconds from the rename of a file to the request that carries its alert."""
        time.sleep(self._least + self._pauses.uniform(0.0, _PAUSE))
        fresh = self._folder / "fresh.txt"
        fresh.write_text(text, encoding="utf-8")
        started = time.perf_counter()
        fresh.rename(self._daemon.inbox / f"{self._folder.name}-{self._number}.txt")
        self._number += 1
        at, call = self._arrived.get(timeout=60.0)
        assert _title(text) in str(call.given), f"not the alert of {_title(text)!r}: {call.given}"
        return at - started


def alarming(home: Path, number: int) -> list[str]:
    """Texts that raise an alert each, with a title of their own."""
    model, labelled = load(home / "models"), texts.labelled()
    found: list[str] = []
    for item, article in enumerate(cycle(labelled)):
        if len(found) == number:
            break
        text = f"Item {item} of the day\n{article.text}\n"
        if all(
            tagged.topics(Grade.MAIN) for tagged in model.tag_all(read_articles(text.encode(), "item.txt"))
        ):
            found.append(text)
    return found


def _title(text: str) -> str:
    return text.partition("\n")[0]
