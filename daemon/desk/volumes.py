"""How many articles there were of a topic, by day or week, by language and by source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from daemon.desk.index import Index

PERIODS = (30, 90, 365)  # days
_WEEKS_FROM = 180  # days from which weeks are counted
_WEEK = 7


@dataclass(frozen=True, slots=True)
class Period:
    """The days that are shown. Weeks begin on Mondays; the last one goes on."""

    days: int
    first: date
    last: date
    by_week: bool

    @property
    def starts(self) -> list[date]:
        """The first day of each column."""
        step = _WEEK if self.by_week else 1
        return [
            self.first + timedelta(number) for number in range(0, (self.last - self.first).days + 1, step)
        ]


@dataclass(frozen=True, slots=True)
class Volumes:
    """Articles about a topic in a period: for each column, and by language and source ("" where unknown)."""

    period: Period
    articles: int
    main: int
    by_time: tuple[tuple[date, int], ...]
    by_language: Mapping[str, int]
    by_source: Mapping[str, int]


def period(days: int, today: date, *, by_week: bool | None = None) -> Period:
    """So many days until today; weeks are whole ones, and so begin up to six days earlier."""
    weekly = days >= _WEEKS_FROM if by_week is None else by_week
    first = today - timedelta(days - 1)
    if weekly:
        first -= timedelta(first.weekday())
    return Period(days, first, today, weekly)


def of_topic(index: Index, topic: str, shown: Period) -> Volumes:
    """What the index counts of a topic, mentions too."""
    since = shown.first.isoformat()
    by_day: Counter[str] = Counter()
    main = 0
    for (day, grade), number in index.volumes(since, topic=topic, by=("day", "grade")):
        by_day[day] += number
        main += number if grade == "main" else 0
    by_language: Counter[str] = Counter()
    by_source: Counter[str] = Counter()
    for (language, source), number in index.volumes(since, topic=topic, by=("language", "source")):
        by_language[language] += number
        by_source[source] += number
    return Volumes(shown, by_day.total(), main, _by_time(shown, by_day), +by_language, +by_source)


def of_all(index: Index, shown: Period) -> dict[str, list[int]]:
    """Articles a day for each topic that there were any of; "" for all articles."""
    days = {start.isoformat(): place for place, start in enumerate(shown.starts)}
    counts: dict[str, list[int]] = {}
    for (topic, day), number in index.volumes(shown.first.isoformat(), by=("topic", "day")):
        if day in days:
            counts.setdefault(topic, [0] * len(days))[days[day]] += number
    return counts


def _by_time(shown: Period, by_day: Mapping[str, int]) -> tuple[tuple[date, int], ...]:
    starts = shown.starts
    numbers = [0] * len(starts)
    step = _WEEK if shown.by_week else 1
    for day, number in by_day.items():
        place = (date.fromisoformat(day) - shown.first).days // step
        # The clock may have been ahead.
        numbers[min(max(place, 0), len(numbers) - 1)] += number
    return tuple(zip(starts, numbers, strict=True))


def sums(counts: Mapping[str, Sequence[int]], topic: str) -> tuple[list[int] | None, int]:
    """A topic's numbers by day, if there are any, and today's."""
    found = counts.get(topic)
    return (list(found), found[-1]) if found else (None, 0)
