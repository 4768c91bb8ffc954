"""Lines by which an owner parts the articles of a file: patterns in RE2's syntax.

RE2 looks at each letter once whatever the pattern is, so neither a careless pattern nor a hostile
file can hold up what reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
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


def openings(text: str, patterns: Sequence[str]) -> list[Opening]:
    """The lines of a text that one of the patterns matches as a whole, in order."""
    found = {each.start: each for pattern in reversed(patterns) for each in _found(text, pattern)}
    return [found[start] for start in sorted(found)]


def _found(text: str, pattern: str) -> Iterator[Opening]:
    for match in _compiled(pattern).finditer(text):
        said = {name: value.strip() or None for name, value in match.groupdict().items() if value}
        yield Opening(match.start(), match.end(), said.get("title"), said.get("date"))


@cache
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.never_nl = True
    try:
        groups = re2.compile(pattern, options).groupindex
        whole_line = re2.compile(rf"(?m)^[ \t]*(?:{pattern})[ \t]*$", options)
    except re2.error as error:
        said = error.args[0] if error.args else error
        reason = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise ValueError(f"separator {pattern!r}: {reason}") from error
    if unknown := sorted(groups.keys() - NAMES):
        raise ValueError(f"separator {pattern!r}: no group is named {unknown[0]!r}, only title and date")
    if whole_line.search(""):
        raise ValueError(f"separator {pattern!r}: matches an empty line")
    return whole_line
