"""What a day comes to: whether memory grew, files and threads did. Pure: it is given the looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from scipy.stats import t as students_t

from tests.day.looking import Look

PROMISED = 1.0  # MiB an hour of the day
HOUR = 3600.0

_WARM = 0.4  # of a life's length: what remembers words is mostly full, and a second model has been loaded
_FIRST, _LAST = 0.1, 0.25  # of its looks, in which what is held is compared
_LEAST_POINTS = 6
_MAY_GROW = {"files": 4, "threads": 1}  # a training that runs at the end holds a process and its pipes
# A pool of SQLAlchemy's has 15 connections at most, ten of which it closes. SQLite keeps the file of a closed
# one open while another of the process has a lock on it, and uses it again (sqlite.org/src, os_unix.c).
_MOST_DATABASES = 20


@dataclass(frozen=True, slots=True)
class Slope:
    """MiB an hour, with its 95 % interval; of a series of so many hours, after its warm-up."""

    value: float
    low: float
    high: float
    hours: float
    points: int
    first: float
    last: float

    def __str__(self) -> str:
        return (
            f"{self.value:+.2f} MiB an hour ({self.low:+.2f} to {self.high:+.2f}) over {self.hours:.1f} h,"
            f" {self.first:.0f} ▶ {self.last:.0f} MiB"
        )


@dataclass(frozen=True, slots=True)
class Held:
    """Files or threads: what was held in the first and in the last part of a life, and the most ever."""

    first: int
    last: int
    most: int


@dataclass(frozen=True, slots=True)
class Series:
    """A process from its start to its end."""

    who: str
    process: int
    looks: tuple[Look, ...]

    @property
    def hours(self) -> float:
        return (self.looks[-1].at - self.looks[0].at) / HOUR


def series(looks: Sequence[Look]) -> list[Series]:
    """By process, the longest first."""
    ordered = sorted(looks, key=lambda each: (each.who, each.process, each.at))
    found = [
        Series(who, process, tuple(some))
        for (who, process), some in groupby(ordered, key=lambda each: (each.who, each.process))
    ]
    return sorted(found, key=lambda each: -each.hours)


def slope(given: Series) -> Slope | None:
    """By least squares over medians of memory in equal parts of the life after its warm-up.

    Medians of parts, because looks that follow each other are not independent: memory goes up in steps and
    stays. None where there are too few looks.
    """
    start = given.looks[0].at + _WARM * (given.looks[-1].at - given.looks[0].at)
    warm = [each for each in given.looks if each.at >= start]
    parts = min(24, len(warm) // 5)
    if parts < _LEAST_POINTS:
        return None
    pieces = np.array_split(np.array([(each.at / HOUR, each.rss) for each in warm]), parts)
    x = np.array([np.median(piece[:, 0]) for piece in pieces])
    y = np.array([np.median(piece[:, 1]) for piece in pieces])
    value, intercept = np.polyfit(x, y, 1)
    rest = y - (value * x + intercept)
    error = float(np.sqrt(np.sum(rest**2) / (parts - 2) / np.sum((x - x.mean()) ** 2)))
    wide = float(students_t.ppf(0.975, parts - 2)) * error
    return Slope(
        float(value), float(value) - wide, float(value) + wide, float(x[-1] - x[0]), parts, y[0], y[-1]
    )


def held(given: Series, what: str) -> Held:
    """The lower quartile of a part: more is held during a piece of work, less while it is reloaded."""
    found = [int(getattr(each, what)) for each in given.looks]
    first, last = (max(1, int(share * len(found))) for share in (_FIRST, _LAST))
    low, high = (int(np.percentile(some, 25)) for some in (found[:first], found[-last:]))
    return Held(low, high, max(found))


def by_hour(given: Series) -> list[float]:
    """The median of memory in each hour, in MiB."""
    hours: dict[int, list[float]] = {}
    for each in given.looks:
        hours.setdefault(int(each.at // HOUR), []).append(each.rss)
    return [float(np.median(some)) for some in hours.values()]


def grown(given: Series) -> list[str]:
    """What this process should not have done."""
    faults = []
    found = slope(given)
    if found is not None and found.value >= PROMISED:
        faults.append(f"the {given.who}'s memory grew: {found}")
    for what, more in _MAY_GROW.items():
        some = held(given, what)
        if some.last > some.first + more:
            kinds = _differing(given)
            faults.append(f"the {given.who} holds {some.last} {what}, and held {some.first}{kinds}")
    most = max(each.databases for each in given.looks)
    if most > _MOST_DATABASES:
        faults.append(f"the {given.who} had {most} databases open, which a pool does not have")
    return faults


def _differing(given: Series) -> str:
    def least(looks: Sequence[Look]) -> Mapping[str, int]:
        kinds = [dict(each.kinds) for each in looks]
        names = {name for one in kinds for name in one}
        return {name: int(np.percentile([one.get(name, 0) for one in kinds], 25)) for name in names}

    part, end = (max(1, int(share * len(given.looks))) for share in (_FIRST, _LAST))
    first, last = least(given.looks[:part]), least(given.looks[-end:])
    more = {name: last[name] - first.get(name, 0) for name in last if last[name] > first.get(name, 0)}
    return f" ({', '.join(f'{number:+} {name}' for name, number in sorted(more.items()))})" if more else ""
