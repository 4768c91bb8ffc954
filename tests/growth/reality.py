"""A real daemon with the stand-in for Slack, and what the simulation says of it before.

The same files at the same moments. What the simulation is told was measured shortly before: a
replication draws each cost from its rounds, as busy as the machine then was.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from classifier.articles import Grade
from classifier.reading import read_articles
from classifier.storage import load
from daemon.records import alert_key
from tests.bench import texts
from tests.bench.desk import slack_config
from tests.bench.processes import children, resident
from tests.daemon_process import DaemonProcess
from tests.growth import figures, measuring
from tests.growth.arrivals import Moments
from tests.growth.figures import Figure
from tests.growth.newsroom import Costs, Outcome, Plan, simulate
from tests.growth.page import Rows, shown
from tests.measuring import say
from tests.slack_faults import Call
from tests.slack_stand_in import SlackStandIn

REPLICATIONS = 200
_LABELLED = 0.45
_STORIES_OFF = "[story]\nwindow_hours = 0\n"
SHARES = (0.5, 0.95, 0.99)
# A channel sends once a second: who just misses a message goes with the next.
_TOLERANCE = 1.0  # seconds
_STAND_IN = 0.01  # seconds that the stand-in takes for a request
_PATIENCE = 120.0  # seconds after the last file, for the alerts still owed


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of files dropped at these `moments`: seconds until each alert, messages, MiB of memory."""

    moments: Moments
    alerting: tuple[bool, ...]
    waits: Moments
    messages: int
    memory: float

    def after(self, share: float) -> float:
        return float(np.quantile(self.waits, share))


@dataclass(frozen=True, slots=True)
class Predicted:
    """Between which two seconds a share of the alerts is there, in 95 of 100 replications."""

    low: float
    high: float


def costs(known: dict[str, Figure], ledger: str, *, answer: float, busy: bool = False) -> Costs:
    """What was measured of a ledger. `busy`: by the clock, else the processors' time alone."""
    return _costs(lambda name: known[name].value, ledger, answer, busy=busy)


def drawn(
    known: dict[str, Figure], ledger: str, random: np.random.Generator, *, answer: float, busy: bool = True
) -> Costs:
    """The same of one round, drawn for each figure."""

    def one(name: str) -> float:
        return float(random.choice(known[name].rounds))

    return _costs(one, ledger, answer, busy=busy)


def _costs(value: Any, ledger: str, answer: float, *, busy: bool) -> Costs:
    kind = "" if busy else " work"

    # What is committed must be on the disk, which takes no processor.
    sync = 0.0 if busy else 1.0 / float(value("commits plain 1"))

    def of(what: str, per: str) -> float:
        is_commit = per != "an article" and what not in ("intake", "move")
        return max(0.0, float(value(f"{ledger} {what}{kind} {per}"))) + (sync if is_commit else 0.0)

    whole = {per: of("intake", per) for per in ("a batch", "an article")}
    parts = {per: [of(what, per) for what in ("record", "move", "mark")] for per in ("a batch", "an article")}
    record, move, mark = parts["an article"]
    record_batch, move_batch, mark_batch = parts["a batch"]
    least = float(value("read an article")) + float(value("tag an article"))
    return Costs(
        look=0.0,
        look_file=float(value("look a file")),
        prepare_batch=max(0.0, whole["a batch"] - sum(parts["a batch"])) + move_batch,
        prepare_article=max(least, whole["an article"] - sum(parts["an article"])),
        record_batch=record_batch,
        record_article=record,
        move_article=move,
        mark_batch=mark_batch,
        mark_article=mark,
        before_message=of("before", "a message"),
        after_message=of("after", "a message"),
        answer=answer,
    )


def run(home: Path, scratch: Path, moments: Moments, *, ledger: str = "", seed: int = 0) -> Seen:
    """Drop a file at each moment, seconds from the beginning, into the inbox of a real daemon."""
    backlog = list(texts.backlog(len(moments) + seed, _LABELLED))[seed:]
    keys, alerting = _keys(home, backlog)
    shutil.copytree(home / "models", scratch / "home" / "models", symlinks=True)
    storage = f'[storage]\ndatabase = "{ledger}"\n' if ledger else ""
    arrived: dict[str, float] = {}
    with SlackStandIn() as slack:

        def hear(call: Call) -> None:
            payload = call.given["metadata"]["event_payload"]
            for key in str(payload.get("alerts", payload["key"])).split(","):
                arrived.setdefault(key, time.perf_counter())

        slack.on("chat.postMessage", "arrived", hear)
        daemon = DaemonProcess(scratch / "home", config=slack_config(slack, scratch, _STORIES_OFF + storage))
        try:
            daemon.wait_until_watching()
            dropped = _drop(backlog, moments, scratch, daemon.inbox)
            owed = {key for key, alerts in zip(keys, alerting, strict=True) if alerts}
            until = time.monotonic() + _PATIENCE
            while not owed <= arrived.keys() and time.monotonic() < until:
                time.sleep(0.05)
            processes = [daemon.process.pid, *children(daemon.process.pid)]
            memory, messages = sum(map(resident, processes)), len(slack.texts())
        finally:
            daemon.kill()
    missing = len(owed - arrived.keys())
    if missing:
        say(f"reality: {missing} of {len(owed)} alerts did not come in time")
    waits = [arrived[key] - at for key, at in zip(keys, dropped, strict=True) if key in arrived]
    return Seen(np.array(dropped) - dropped[0], tuple(alerting), np.array(waits), messages, memory)


def _keys(home: Path, backlog: Sequence[str]) -> tuple[list[str], list[bool]]:
    """The key of the alert that each text would raise, and whether it does."""
    articles = [read_articles(text.encode(), "a.txt")[0] for text in backlog]
    tagged = load(home / "models").tag_all(articles)
    keys = [alert_key("desk", article.fingerprint) for article in articles]
    return keys, [bool(each.topics(Grade.MAIN)) for each in tagged]


def _drop(backlog: Sequence[str], moments: Moments, scratch: Path, inbox: Path) -> list[float]:
    """Rename each into the inbox at its moment; when that was."""
    fresh = scratch / "fresh"
    fresh.mkdir()
    for number, text in enumerate(backlog):
        (fresh / f"{number:06}.txt").write_text(text, encoding="utf-8")
    dropped: list[float] = []
    began = time.perf_counter() + 0.1
    pause = threading.Event()
    for number, moment in enumerate(moments):
        pause.wait(max(0.0, began + float(moment) - time.perf_counter()))
        dropped.append(time.perf_counter())
        (fresh / f"{number:06}.txt").rename(inbox / f"{number:06}.txt")
    return dropped


def predicted(
    seen: Seen, known: dict[str, Figure], plan: Plan, ledger: str, shares: Sequence[float], *, answer: float
) -> list[Predicted]:
    """What the simulation says of the same arrivals: the 95 % of replications in the middle."""
    found: list[list[float]] = []
    for number in range(REPLICATIONS):
        random = np.random.default_rng(number)
        outcome: Outcome = simulate(
            seen.moments,
            replace(plan, channels=1, workspaces=0),
            drawn(known, ledger, random, answer=answer),
            random,
            after=600.0,
            alerting=seen.alerting,
        )
        found.append([outcome.alert_after(share) for share in shares])
    low, high = np.quantile(np.array(found), [0.025, 0.975], axis=0)
    return [Predicted(float(a), float(b)) for a, b in zip(low, high, strict=True)]


def compared(home: Path, scratch: Path) -> str:
    """A table: what was said before, and what came. The costs are measured in the same minutes."""
    place = scratch / "costs"
    place.mkdir()
    known = figures.read()
    for part in (measuring.taking_of(home, place, ("sqlite",), rounds=5), measuring.sending(home, place)):
        known |= part
    random = np.random.default_rng(11)
    rows: Rows = []
    for name, moments in _runs(random):
        say(f"reality: {name}")
        folder = scratch / f"run-{len(rows)}"
        folder.mkdir()
        seen = run(home, folder, moments, seed=100 * len(rows))
        say(f"reality: {seen.messages} messages, waits {np.quantile(seen.waits, SHARES).round(2)}")
        said = predicted(seen, known, Plan(), "sqlite", SHARES, answer=_STAND_IN)
        cells = [
            f"{seen.after(share):.2f} s ({each.low:.2f}–{each.high:.2f}{_mark(each, seen.after(share))})"
            for share, each in zip(SHARES, said, strict=True)
        ]
        rows.append((name, f"{len(seen.waits)}", *cells, f"{seen.memory:.0f} MiB"))
    return shown(["articles", "alerts", "median", "95 %", "99 %", "memory"], rows)


def _runs(random: np.random.Generator) -> list[tuple[str, Moments]]:
    """Articles as a quiet desk has them, as a busy one, and an agency's batch on top."""
    slow, fast = (np.cumsum(random.exponential(1.0 / rate, int(90 * rate))) for rate in (0.5, 5.0))
    batch = np.sort(np.concatenate([slow, 20.0 + random.random(400)]))
    return [
        ("0.5 a second (43,000 a day)", slow),
        ("5 a second (430,000 a day)", fast),
        ("0.5 a second and 400 at once", batch),
    ]


def _mark(said: Predicted, seen: float) -> str:
    return "" if said.low - _TOLERANCE <= seen <= said.high + _TOLERANCE else ", missed"
