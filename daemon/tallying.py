"""Tallying: the alerts that a receiver had in a time, as what its digest says of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from daemon.messages import DigestBody, Leading, TopicVolume
from daemon.records import Alert

LEADING = 3  # articles named of each topic

_LATE = timedelta(hours=4)  # a digest made so soon after midnight is that of the day before
_SHORT, _LONG = timedelta(hours=13), timedelta(hours=36)  # less or more than a day, however late one was made
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """An alert that was written for a receiver, and when by its clock on the wall."""

    alert: Alert
    story: int | None
    at: datetime
    held: bool = False


@dataclass(slots=True)
class _Tally:
    title: str
    by_day: list[int]
    leading: list[tuple[float, int, Told]] = field(default_factory=list)


def digest(told: Sequence[Told], since: datetime, until: datetime) -> DigestBody:
    """What there was between two moments, which are local time; the topic with the most comes first."""
    days = _days(since.date(), until.date())
    return DigestBody(
        title=title(since, until),
        since=_moment(since),
        until=_moment(until),
        articles=len(told),
        days=tuple(f"{day.day} {_MONTHS[day.month - 1][:3]}" for day in days),
        volumes=_volumes(told, days),
        held=any(each.held for each in told),
    )


def title(since: datetime, until: datetime) -> str:
    """Such as "Digest of 22 November"; a shorter one has its hour, a longer one its first and last day."""
    first, last = (since - _LATE).date(), (until - _LATE).date()
    if until - since < _SHORT:
        return f"Digest of {_moment(until)}"
    if until - since < _LONG or first == last:
        return f"Digest of {_day(last)}"
    if first.year != last.year:
        return f"Digest of {_day(since.date())} {since.year} to {_day(last)} {last.year}"
    from_day = str(since.day) if since.month == last.month else _day(since.date())
    return f"Digest of {from_day} to {_day(last)}"


def _volumes(told: Iterable[Told], days: Sequence[date]) -> tuple[TopicVolume, ...]:
    tallies: dict[str, _Tally] = {}
    for number, each in enumerate(told):
        # The clock may have been changed meanwhile.
        day = min(max((each.at.date() - days[0]).days, 0), len(days) - 1)
        for topic in each.alert.topics:
            tally = tallies.setdefault(topic.id, _Tally(topic.title, [0] * len(days)))
            tally.title = topic.title  # it may have changed: the last one holds
            tally.by_day[day] += 1
            tally.leading.append((-topic.probability, number, each))
    found = (
        TopicVolume(id, tally.title, sum(tally.by_day), tuple(tally.by_day), _leading(tally.leading))
        for id, tally in tallies.items()
    )
    return tuple(sorted(found, key=lambda volume: (-volume.articles, volume.topic)))


def _leading(told: Iterable[tuple[float, int, Told]]) -> tuple[Leading, ...]:
    """The most probable ones, of each story one."""
    found: list[Leading] = []
    stories: set[int] = set()
    for negative, _, each in sorted(told, key=lambda one: one[:2]):
        if each.story in stories:
            continue
        if each.story is not None:
            stories.add(each.story)
        alert = each.alert
        found.append(Leading(alert.headline, alert.url, alert.source, -negative))
        if len(found) == LEADING:
            break
    return tuple(found)


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _day(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]}"


def _moment(moment: datetime) -> str:
    return f"{_day(moment.date())}, {moment:%H:%M}"
