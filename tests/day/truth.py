"""Whether `topicwired status` tells the truth: each of its numbers against a count of our own.

What moves is counted before, again and again while the command runs, and after it: what is said must lie
between the least and the most of these. Files that wait and alerts that are owed come and go between two
counts; they are differences of numbers that only grow, and are bounded by those as well.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.day.household import CHANNELS, Household

_BETWEEN = 0.05  # seconds between two counts
_OWED = ("pending", "sending", "unknown")
_SETTLED = ("sent", "merged", "dead", "parked", "held")
_GROUPS = {
    "files": "SELECT state, COUNT(*) FROM files GROUP BY state",
    "clicks": "SELECT outcome, COUNT(*) FROM clicks GROUP BY outcome",
    "trainings": "SELECT state, COUNT(*) FROM trainings GROUP BY state",
}
_DELIVERIES = "SELECT receiver, state, COUNT(*) FROM deliveries GROUP BY receiver, state"
_ARTICLES = "SELECT COUNT(*) FROM articles"
_DELIVERED = "SELECT sent_at FROM deliveries WHERE state IN ('sent', 'merged') AND alert_id IS NOT NULL"
_SPANS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
_WISHES = "SELECT COUNT(*) FROM wishes WHERE until > ?"
_HOLDS = "SELECT COUNT(*) FROM holds"
_JOBS = "SELECT name, finished_at, result FROM jobs ORDER BY name"


@dataclass(frozen=True, slots=True)
class Count:
    """Our own numbers at one moment, by the name of what they count; `told` is what is no number."""

    numbers: Mapping[str, float]
    told: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checked:
    """One asking: `at` in seconds of the day, how many numbers were compared, and what was not so."""

    at: float
    numbers: int
    faults: tuple[str, ...]
    articles: int = 0
    owed: int = 0
    seconds: float = 0.0  # real, that the command took


def check(household: Household) -> Checked:
    """Ask, count, and compare."""
    first, process = _moments(household), household.process
    counts = [count(household)]
    stop = threading.Event()

    def go_on() -> None:
        while not stop.wait(_BETWEEN):
            with suppress(sqlite3.Error, OSError):
                counts.append(count(household))

    counting = threading.Thread(target=go_on, daemon=True)
    counting.start()
    began = time.monotonic()
    try:
        said = household.command("status", "--json")
    finally:
        took = time.monotonic() - began
        stop.set()
        counting.join()
    counts.append(count(household))
    if said.code != 0:
        return Checked(said.began, 0, (str(said),))
    found, last = said.json(), _moments(household)
    faults = [*compared(found, counts), *_agreeing(found), *_rates(found, first, last)]
    faults += _against_slack(household, found)
    if found["process"] is not None and found["process"]["process"] not in (process, household.process):
        faults.append(f"status says that {found['process']} runs; it is {household.process}")
    numbers = len(_said(found)) + sum(len(spans) for spans in found["rate"].values())
    return Checked(
        said.began, numbers, tuple(faults), int(found["files"]["articles"]), int(found["owed"]), took
    )


def count(household: Household) -> Count:
    """All that we count, of one moment as far as the ledger goes."""
    numbers: dict[str, float] = {}
    waiting = _waiting(household.inbox)
    numbers["inbox.missing"] = float(waiting is None)
    numbers["inbox.files"] = float(len(waiting or ()))
    numbers["in_failed"] = float(_failed(household.home))
    # What status says of time it says of the real: files have no other.
    oldest = min(waiting) if waiting else None
    numbers["inbox.oldest"] = time.time() - oldest if oldest is not None else 0.0
    with household.reading() as connection:
        numbers["articles"] = float(connection.execute(_ARTICLES).fetchone()[0])
        for name, statement in _GROUPS.items():
            for key, number in connection.execute(statement):
                numbers[f"{name}.{key}"] = float(number)
        for receiver, state, number in connection.execute(_DELIVERIES):
            numbers[f"deliveries.{receiver}.{state}"] = float(number)
        now = household.hours.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        numbers["wishes"] = float(connection.execute(_WISHES, (now,)).fetchone()[0])
        numbers["holds"] = float(connection.execute(_HOLDS).fetchone()[0])
        jobs = {name: (finished, result) for name, finished, result in connection.execute(_JOBS)}
    with suppress(OSError):
        numbers["disk"] = float(os.statvfs(household.home).f_bavail * os.statvfs(household.home).f_frsize)
    return Count(numbers, {"jobs": jobs, "model": _served(household.home)})


def _said(found: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of what status said, by the names that ours have."""
    files = dict(found["files"])
    numbers = {"articles": float(files.pop("articles"))}
    numbers |= {f"files.{state}": float(number) for state, number in files.items()}
    numbers |= {
        f"deliveries.{receiver}.{state}": float(number)
        for receiver, states in found["deliveries"].items()
        for state, number in states.items()
    }
    for what, number in found["feedback"].items():
        kind, _, outcome = what.partition(" ")
        if kind == "clicks":
            numbers[f"clicks.{outcome}"] = float(number)
    numbers |= {f"trainings.{state}": float(number) for state, number in found["training"]["states"].items()}
    numbers["inbox.missing"] = float(found["inbox"]["missing"])
    numbers["inbox.files"] = float(found["inbox"]["files"])
    numbers["inbox.oldest"] = float(found["inbox"]["oldest_seconds"] or 0.0)
    numbers["in_failed"] = float(found["in_failed"])
    numbers["wishes"] = float(len(found["wishes"]))
    numbers["holds"] = float(len(found["holds"]))
    if found["disk"].get("ledger") is not None:
        numbers["disk"] = float(found["disk"]["ledger"])
    return numbers


_SLACK = {"inbox.oldest": 1.0, "disk": 2.0 * 2**20}
"""By how much a number may be off that is measured and not counted: seconds, bytes."""


def compared(found: Mapping[str, Any], counts: Sequence[Count]) -> list[str]:
    """Where what status said is not what we counted before, during and after."""
    said = _said(found)
    names = set(said) | {name for each in counts for name in each.numbers}
    faults = []
    for name in sorted(names):
        ours = [each.numbers.get(name, 0.0) for each in counts]
        low, high = min(ours), max(ours)
        slack = _SLACK.get(name, 0.0)
        if name == "inbox.files":
            high = max(high, _came_and_went(counts))
        if name == "inbox.oldest":
            low = 0.0 if min(each.numbers["inbox.files"] for each in counts) == 0 else low
        if _is_between(name):
            low, high = 0.0, max(high, _flow(counts, name))
        value = said.get(name, 0.0)
        if not low - slack <= value <= high + slack:
            faults.append(f"status says {name} {value:g}; it was {_span(low, high)} in {len(counts)} counts")
    jobs = {job["name"]: (job["finished_at"], job["result"]) for job in found["jobs"]}
    if all(jobs != each.told["jobs"] for each in counts):
        faults.append(f"status says of jobs {jobs}; the ledger {counts[-1].told['jobs']}")
    models = [each.told["model"] for each in counts]
    if found["model"] not in models:
        faults.append(f"status says that {found['model']} serves; it is {models[-1]}")
    return faults


def _is_between(name: str) -> bool:
    """Whether a delivery, or a file, only passes through such a state."""
    return name.rpartition(".")[2] in (*_OWED, "taken")


def _flow(counts: Sequence[Count], name: str) -> float:
    """The most that may have been in a state between two counts: what was there, and what moved."""
    moved = 0.0
    place = name.rpartition(".")[0]
    for key in {key for each in counts for key in each.numbers if key.startswith(f"{place}.")}:
        ours = [each.numbers.get(key, 0.0) for each in counts]
        moved += max(ours) - min(ours)
    return max(each.numbers.get(name, 0.0) for each in counts) + moved


def _came_and_went(counts: Sequence[Count]) -> float:
    """The most files that may have waited: what waited, and what was recorded meanwhile."""
    recorded = [sum(n for key, n in each.numbers.items() if key.startswith("files.")) for each in counts]
    return max(each.numbers["inbox.files"] for each in counts) + recorded[-1] - recorded[0] + 1.0


def _agreeing(found: Mapping[str, Any]) -> list[str]:
    """Whether the sums are those of their parts."""
    faults = []
    totals = {"owed": _OWED, "parked": ("parked",), "dead": ("dead",), "held": ("held",)}
    for name, states in totals.items():
        parts = sum(each.get(state, 0) for each in found["deliveries"].values() for state in states)
        if found[name] != parts:
            faults.append(f"status says {found[name]} {name}, and {parts} by receiver")
    for row in found["receivers"]:
        states = found["deliveries"].get(row["receiver"], {})
        ours = {"owed": sum(states.get(state, 0) for state in _OWED)}
        ours |= {state: states.get(state, 0) for state in ("parked", "dead", "held")}
        if any(row[name] != number for name, number in ours.items()):
            faults.append(f"status says {row} of {row['receiver']}, and {states}")
    if found["serving"] is not None and found["serving"]["version"] != found["model"]:
        faults.append(f"status says that {found['model']} serves, and tells of {found['serving']['version']}")
    return faults


@dataclass(frozen=True, slots=True)
class _Moments:
    """When each article was recorded, and each alert delivered, as the ledger writes moments."""

    articles: Sequence[str]
    alerts: Sequence[str]


def _moments(household: Household) -> _Moments:
    with household.reading() as connection:
        articles = [at for (at,) in connection.execute("SELECT tagged_at FROM articles")]
        alerts = [at for (at,) in connection.execute(_DELIVERED) if at is not None]
    return _Moments(articles, alerts)


def _rates(found: Mapping[str, Any], first: _Moments, last: _Moments) -> list[str]:
    """What was done in the last minute, hour and day, counted back from the moment that status names."""
    faults = []
    at = datetime.fromisoformat(found["at"])
    for what, before, after in (
        ("articles", first.articles, last.articles),
        ("alerts", first.alerts, last.alerts),
    ):
        for span, value in found["rate"][what].items():
            since = (at - _SPANS[span]).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            low, high = (sum(moment >= since for moment in moments) for moments in (before, after))
            if not low <= value <= high:
                faults.append(f"status says {value} {what} in a {span}; it was {_span(low, high)}")
    return faults


def _against_slack(household: Household, found: Mapping[str, Any]) -> list[str]:
    """What was sent, says the ledger, is at most what Slack has."""
    faults = []
    with household.slack.lock:
        after = [str(one["channel"]) for one in household.slack.messages]
    for receiver, channel in CHANNELS.items():
        states = found["deliveries"].get(receiver, {})
        if states.get("sent", 0) > after.count(channel):
            there = after.count(channel)
            faults.append(f"status says that {states['sent']} were sent to {receiver}; Slack has {there}")
    return faults


def _waiting(inbox: Path) -> list[float] | None:
    """Since when each file waits; None where there is no inbox."""
    if not inbox.is_dir():
        return None
    found = []
    with suppress(OSError):
        for folder, _, names in os.walk(inbox):
            for name in names:
                with suppress(OSError):
                    found.append((Path(folder) / name).stat().st_ctime)
    return found


def _failed(home: Path) -> int:
    names = {name for name in os.listdir(home / "failed") if not name.startswith(".")}
    return len([name for name in names if not (name.endswith(".error.json") and name[:-11] in names)])


def _served(home: Path) -> str | None:
    place = home / "models" / "current"
    with suppress(OSError):
        return place.readlink().name
    with suppress(OSError):
        return place.read_text().strip()
    return None


def _span(low: float, high: float) -> str:
    return f"{low:g}" if low == high else f"from {low:g} to {high:g}"
