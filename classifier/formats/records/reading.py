"""A file of records ▶ articles, and what is none."""

from __future__ import annotations

from dataclasses import replace

from classifier.articles import Article, Contents
from classifier.errors import UnreadableArticleError, too_long
from classifier.formats.mime import parting
from classifier.formats.records.fields import article_of
from classifier.formats.records.finding import outlet_of, records_of, unwrapped
from classifier.formats.records.parsing import MEND, is_of_lines, lines_of, parsed, text_of
from classifier.formats.ways import Way
from classifier.formats.web import html

_MOST_RECORDS = 50_000
_MOST_LEFT_OUT = 1_000  # lines; who has more of them has named the wrong keys


def read(data: bytes, name: str, way: Way) -> Contents:
    """The articles of the records, in order; at least one. Raises UnreadableArticleError."""
    text, caveats = text_of(data)
    lines = lines_of(text) if is_of_lines(text, name) else None
    found = _Found(way, caveats)
    if lines is not None:
        for number, line in lines:
            found.take_line(number, line)
    else:
        whole = parsed(text)
        outlet = outlet_of(whole)
        for number, record in enumerate(records_of(whole, way.rules), 1):
            found.take_record(number, record, outlet)
    return found.contents()


def warm() -> None:
    """Load what reads the markup of a text."""
    html.warm()
    parting.warm()
    text_of("Цена на нефть выросла сегодня".encode("cp1251"))


class _Found:
    """Articles and what is none, while a file is read."""

    def __init__(self, way: Way, caveats: tuple[str, ...]) -> None:
        self._way = way
        self._caveats = caveats
        self._articles: list[Article] = []
        self._left_out: list[str] = []
        self._keys: dict[str, None] = {}
        self._room = way.rules.limits.characters
        self._number = 0

    def take_line(self, number: int, line: str) -> None:
        self._count()
        try:
            record = parsed(line, at=number)
        except UnreadableArticleError as failure:
            self._leave_out(f"line {number}: {failure.reason}")
            return
        self._take(f"line {number}", record, None)

    def take_record(self, number: int, record: object, outlet: str | None) -> None:
        self._count()
        self._take(f"record {number}", record, outlet)

    def _count(self) -> None:
        self._number += 1
        if self._number > _MOST_RECORDS:
            raise UnreadableArticleError(f"more than {_MOST_RECORDS:,} records", "part it into smaller files")

    def _take(self, place: str, given: object, outlet: str | None) -> None:
        record = unwrapped(given)
        if record is None:
            self._leave_out(f"{place}: not an object")
            return
        if len(self._keys) < 20:
            self._keys.update(dict.fromkeys(key[:40] for key in record))
        article = article_of(record, self._way)
        if article is None:
            self._leave_out(f"{place}: no text")
            return
        self._room -= len(article.text)
        if self._room < 0:
            raise too_long(self._way.rules.limits.characters)
        self._articles.append(
            replace(article, source=article.source or outlet, caveats=self._caveats + article.caveats)
        )

    def contents(self) -> Contents:
        if not self._articles:
            raise self._nothing()
        return Contents(tuple(self._articles), tuple(self._left_out))

    def _leave_out(self, line: str) -> None:
        if len(self._left_out) < _MOST_LEFT_OUT:
            self._left_out.append(line)
        elif len(self._left_out) == _MOST_LEFT_OUT:
            self._left_out.append("and more")

    def _nothing(self) -> UnreadableArticleError:
        if self._keys:
            wanted = ", ".join(self._way.rules.text_fields)
            there = ", ".join(list(self._keys)[:20])
            return UnreadableArticleError(f"no text: looked for {wanted}; there are {there}", MEND)
        if self._left_out:
            return UnreadableArticleError(self._left_out[0], MEND)
        return UnreadableArticleError("no text", "drop it again when there are articles in it")
