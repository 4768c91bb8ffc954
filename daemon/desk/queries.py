"""Queries: which articles a program asks for in an address, and pages of those that there are.

The words are those of Today's filters; but days are moments here, and what is not understood is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from sqlalchemy import Connection

from daemon.desk.articles import NEWEST, ArticleShown, Span, newest_ids, shown
from daemon.desk.index import Filter, Index

# Of each article the whole text is read; so many of them at once.
_AT_ONCE = 20
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:")
CURSOR = r"^[0-9a-z]{1,13}$"


def _is_written_out(given: Any) -> Any:
    """A number would be a moment too, to pydantic."""
    if isinstance(given, str) and not _MOMENT.match(given):
        raise ValueError("should be a moment as RFC 3339 has it, like 2026-03-05T12:00:00Z")
    return given


Moment = Annotated[AwareDatetime, BeforeValidator(_is_written_out)]
Named = Annotated[str, Field(min_length=1, max_length=80)]
Cursor = Annotated[str, Field(pattern=CURSOR, description="`next` of the page before says it.")]


class ArticleQuery(BaseModel):
    """Of several topics an article has all, of the rest any one."""

    model_config = ConfigDict(extra="forbid")

    topic: list[Named] = Field([], max_length=20, description="An article has each of these topics.")
    grade: Literal["main", "mention"] | None = Field(
        None, description='"main": articles that only mention the topics are left out.'
    )
    language: list[Named] = Field([], max_length=20, description="ISO 639-1 codes; any of them.")
    source: list[Annotated[str, Field(min_length=1, max_length=500)]] = Field(
        [], max_length=20, description="Any of these sources."
    )
    since: Moment | None = Field(None, description="Taken in at this moment or later.")
    until: Moment | None = Field(None, description="Taken in before this moment.")
    q: str = Field("", max_length=200, description="Words that an article has, all of them.")
    alerted: bool | None = Field(None, description="Whether somebody was told of it.")
    story: int | None = Field(None, ge=0, le=2**62, description="Tells this story.")

    @property
    def filter(self) -> Filter:
        return Filter(
            text=self.q,
            topics=tuple(self.topic),
            grade="main" if self.grade == "main" else None,
            languages=tuple(self.language),
            sources=tuple(self.source),
            alerted=self.alerted,
            story=self.story,
        )

    @property
    def span(self) -> Span:
        return Span(_within(self.since), _within(self.until))


def found(
    connection: Connection, index: Index, wanted: Filter, span: Span, *, before: int, most: int
) -> Iterator[list[ArticleShown]]:
    """Up to `most` articles with ids below `before`, newest first, a few at a time: they may be long."""
    ids = newest_ids(connection, index, wanted, span, before=before, most=most)
    for start in range(0, len(ids), _AT_ONCE):
        yield shown(connection, ids[start : start + _AT_ONCE])


def cursor_of(identity: int) -> str:
    """What stands for "after this one" in an address. Programs are to hand it back, and no more."""
    digits = ""
    while identity:
        identity, digit = divmod(identity, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits or "0"


def begins_below(cursor: str | None) -> int:
    """The id that a page begins below."""
    return NEWEST if cursor is None else min(int(cursor, len(_DIGITS)), NEWEST)


def _within(moment: datetime | None) -> datetime | None:
    """A moment that the ledger can write: nothing was taken in before the first or after the last."""
    if moment is None:
        return None
    plain = moment.replace(tzinfo=UTC)  # a day off at most, and no sum that leaves the calendar
    if plain.year < _FIRST.year + 1:
        return _FIRST
    return moment if plain < _LAST else _LAST
