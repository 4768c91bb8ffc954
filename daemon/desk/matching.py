"""Filters, and how the index is asked for what they leave: as an expression of FTS5. Pure.

Every article has, beside its words, a mark for each fact about it (sqlite.org/fts5.html, "Full-text
Query Syntax"): a filter is then one look at sorted lists.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from daemon.desk.words import beginning, words

LONGEST_TEXT = 200  # characters of a filter's text that are looked at
_MOST_WORDS = 12
_SHORTEST_BEGINNING = 3  # letters
_OF_ANY = "_main"  # the mark of an article that is mainly about something
_QUOTES = re.compile(r'["“”„«»]')


@dataclass(frozen=True, slots=True)
class Filter:
    """Which articles; what is not said does not matter. Of several topics all, of the rest any.

    Of `text` all words, each also where another begins with it; words in quotation marks stand side by
    side, as they are. `story` is its id in the ledger.
    """

    text: str = ""
    topics: tuple[str, ...] = ()
    grade: str | None = None  # "main": passing mentions are left out; without topics, main of any
    languages: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    alerted: bool | None = None
    story: int | None = None

    @property
    def is_empty(self) -> bool:
        return not (
            self.text.strip()
            or self.topics
            or self.grade == "main"
            or self.languages
            or self.sources
            or self.alerted is not None
            or self.story is not None
        )


# The words that begin so, where too many articles have one for all of them to be looked at.
Commonest = Callable[[str], Sequence[str] | None]


def expression(wanted: Filter, commonest: Commonest) -> str | None:
    """The filter in FTS5's words; None where the text has no word that could be looked for."""
    parts = list(_marks_wanted(wanted))
    if wanted.text.strip():
        asked = list(_asked(wanted.text))
        if not asked:
            return None
        parts += [_worded(each, commonest) for each in asked]
    return " AND ".join(parts)


def marks(
    grades: Mapping[str, str], language: str, source: str, alerted: bool, story: int | None
) -> Iterator[str]:
    """The marks of an article. No word of a text can be one: these have a sign that words have not."""
    for topic, grade in grades.items():
        yield _mark("topic", topic)
        if grade == "main":
            yield _mark("main", topic)
    if "main" in grades.values():
        yield _OF_ANY
    yield _mark("language", language)
    yield _mark("source", source)
    yield _mark("alerted", _yes_or_no(alerted))
    if story is not None:
        yield _of_story(story)


def _marks_wanted(wanted: Filter) -> Iterator[str]:
    kind = "main" if wanted.grade == "main" else "topic"
    for topic in wanted.topics:
        yield _mark(kind, topic)
    if wanted.grade == "main" and not wanted.topics:
        yield _OF_ANY
    for kind, values in (("language", wanted.languages), ("source", wanted.sources)):
        if values:
            yield f"({' OR '.join(_mark(kind, value) for value in values)})"
    if wanted.alerted is not None:
        yield _mark("alerted", _yes_or_no(wanted.alerted))
    if wanted.story is not None:
        yield _of_story(wanted.story)


def _asked(text: str) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Single words, and with True what stands in quotation marks."""
    left = _MOST_WORDS
    for number, part in enumerate(_QUOTES.split(text[:LONGEST_TEXT])):
        found = words(part)[:left]
        left -= len(found)
        if number % 2:
            if found:
                yield tuple(found), True
        else:
            yield from (((word,), False) for word in found)


def _worded(asked: tuple[tuple[str, ...], bool], commonest: Commonest) -> str:
    found, quoted = asked
    phrase = f'"{" ".join(found)}"'
    if quoted or len(found[0]) < _SHORTEST_BEGINNING:
        return phrase
    begins = beginning(found[0])
    common = commonest(begins)
    if common is None:
        return f'"{begins}"*'
    alike = (f'"{word}"' for word in dict.fromkeys((*found, begins, *common)))
    return f"({' OR '.join(alike)})"


def _mark(kind: str, value: str) -> str:
    """A word of letters, digits and the underline alone, whatever the value is of."""
    return f"_{kind}{hashlib.sha256(value.encode('utf-8', 'replace')).hexdigest()[:16]}"


def _of_story(story: int) -> str:
    return f"_story{story}"


def _yes_or_no(value: bool) -> str:
    return "yes" if value else "no"
