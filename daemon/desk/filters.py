"""Today's filters as they stand in an address: read, kept, and taken away one by one. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from urllib.parse import urlencode

from babel import Locale, UnknownLocaleError
from starlette.datastructures import QueryParams

from daemon.desk import languages
from daemon.desk.articles import Span
from daemon.desk.languages import marked
from daemon.desk.matching import LONGEST_TEXT, Filter

_MOST = 20  # values of one name
_LONGEST = 500  # characters of a value
_FIRST_YEAR, _LAST_YEAR = 1971, 2999  # what any database and clock can take
_LARGEST = 2**62

KINDS: Mapping[str, str] = {
    "q": marked("Text"),
    "topic": marked("Topic"),
    "grade": marked("Mentions"),
    "language": marked("Language"),
    "source": marked("Source"),
    "since": marked("From"),
    "until": marked("Until"),
    "alerted": marked("Alerts"),
    "story": marked("Story"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks Today for. Days are those of this machine, the last one included."""

    text: str = ""
    topics: tuple[str, ...] = ()
    grade: str | None = None
    languages: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    alerted: bool | None = None
    story: int | None = None

    @property
    def filter(self) -> Filter:
        return Filter(
            self.text, self.topics, self.grade, self.languages, self.sources, self.alerted, self.story
        )

    @property
    def span(self) -> Span:
        return Span(
            since=_begin(self.since) if self.since else None,
            until=_begin(self.until + timedelta(days=1)) if self.until else None,
        )

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Names and values as an address has them."""
        return list(self._pairs())

    def address(self, path: str = "/", **more: object) -> str:
        """Where this is asked for."""
        given = [*self.pairs, *((name, str(value)) for name, value in more.items())]
        return f"{path}?{urlencode(given)}" if given else path

    def without(self, name: str, value: str) -> Asked:
        """The same with one value less."""
        rest = [pair for pair in self.pairs if pair != (name, value)]
        return asked(QueryParams(rest))

    def _pairs(self) -> Iterator[tuple[str, str]]:
        if self.text:
            yield "q", self.text
        for name, values in (("topic", self.topics), ("language", self.languages), ("source", self.sources)):
            yield from ((name, value) for value in values)
        if self.grade:
            yield "grade", self.grade
        for name, day in (("since", self.since), ("until", self.until)):
            if day:
                yield name, day.isoformat()
        if self.alerted is not None:
            yield "alerted", "yes" if self.alerted else "no"
        if self.story is not None:
            yield "story", str(self.story)


def asked(given: QueryParams) -> Asked:
    """What an address asks for; what nobody could mean is passed over."""
    return Asked(
        text=(given.get("q") or "").strip()[:LONGEST_TEXT],
        topics=_values(given, "topic"),
        grade="main" if given.get("grade") == "main" else None,
        languages=_values(given, "language"),
        sources=_values(given, "source"),
        since=_day(given.get("since")),
        until=_day(given.get("until")),
        alerted={"yes": True, "no": False}.get(given.get("alerted") or ""),
        story=number(given.get("story")),
    )


@lru_cache(maxsize=512)  # an address may have any
def language_name(code: str, language: str) -> str:
    """What a language is called in one of ours."""
    try:
        return str(Locale.parse(code).get_language_name(languages.locale(language)) or code)
    except (ValueError, TypeError, UnknownLocaleError):
        return code


def number(given: str | None) -> int | None:
    """An id of the ledger."""
    if given and given.isascii() and given.isdigit() and len(given) < 20:
        found = int(given)
        return found if found <= _LARGEST else None
    return None


def _values(given: QueryParams, name: str) -> tuple[str, ...]:
    found = dict.fromkeys(value[:_LONGEST] for value in given.getlist(name) if value)
    return tuple(found)[:_MOST]


def _day(given: str | None) -> date | None:
    try:
        day = date.fromisoformat(given or "")
    except ValueError:
        return None
    return day if _FIRST_YEAR <= day.year <= _LAST_YEAR else None


def _begin(day: date) -> datetime:
    return datetime(day.year, day.month, day.day).astimezone()
