"""Lines by which an owner parts the articles of a file: patterns in RE2's syntax.

RE2 looks at each letter once whatever the pattern is, so neither a careless pattern nor a hostile
file can hold up what reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

import re2

NAMES = frozenset({"title", "date"})  # the groups that say something


@dataclass(frozen=True, slots=True)
class Opening:
    """A line that opens an article, from `start` to `end` of the text, and what it says of it."""

    start: int
    end: int
    title: str | None
    date: str | None


def check(pattern: str) -> None:
    """Raises ValueError with one line that names the pattern where it cannot part articles."""
    _compiled(pattern)


def openings(text: str, patterns: Sequence[str], most: int) -> list[Opening]:
    """The lines of a text that one of the patterns matches as a whole, in order.

    Of each pattern at most the first `most` are found.
    """
    data = text.encode("utf-8", "replace")  # as bytes: of a text, each find would be counted off in letters
    found = {match.start(): match for pattern in reversed(patterns) for match in _found(data, pattern, most)}
    openings: list[Opening] = []
    letters = place = 0
    for start in sorted(found):
        match = found[start]
        if start < place:
            continue
        letters += _length(data[place:start])
        end = letters + _length(match[0])
        said = {name: _text(value) for name, value in match.groupdict().items() if value}
        openings.append(Opening(letters, end, said.get(b"title"), said.get(b"date")))
        letters, place = end, match.end()
    return openings


def _found(data: bytes, pattern: str, most: int) -> Iterator[Any]:
    return islice(_compiled(pattern).finditer(data), most)


def _length(data: bytes) -> int:
    return len(data.decode("utf-8"))


def _text(data: bytes) -> str | None:
    return data.decode("utf-8").strip() or None


@cache
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.never_nl = True
    try:
        groups = re2.compile(pattern, options).groupindex
        whole_line = re2.compile(rf"(?m)^[ \t]*(?:{pattern})[ \t]*$".encode(), options)
    except re2.error as error:
        said = error.args[0] if error.args else error
        reason = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise ValueError(f"separator {pattern!r}: {reason}") from error
    if unknown := sorted(groups.keys() - NAMES):
        raise ValueError(f"separator {pattern!r}: no group is named {unknown[0]!r}, only title and date")
    if whole_line.search(b""):
        raise ValueError(f"separator {pattern!r}: matches an empty line")
    return whole_line
