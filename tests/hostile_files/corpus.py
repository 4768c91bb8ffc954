"""The table of hostile files: each with what must come of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

Build = Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Case:
    """A hostile file: its name in the table and in the inbox, its bytes, and what must come of it.

    `words` must be in its articles, `reason` (a pattern) in its refusal; one that has both, or is
    neither, may end either way.
    """

    title: str
    file: str
    build: Build
    words: tuple[str, ...] | None = None
    reason: str | None = None
    is_slow: bool = False

    def complaint(self, came: Outcome) -> str | None:
        """What is wrong with how it ended; None where nothing is."""
        if came.reason is not None:
            if self.reason is None:
                return f"refused: {came.reason}"
            return (
                None if re.search(self.reason, came.reason) else f"refused for another reason: {came.reason}"
            )
        if self.words is None:
            return f"read: {came.text[:80]!r}"
        lost = [word for word in self.words if word not in came.text]
        return f"lost: {', '.join(lost)}" if lost else None


class Outcome(NamedTuple):
    """How the reading of a file ended: the text of all its articles, or the reason why there are none."""

    text: str = ""
    reason: str | None = None


def read(title: str, file: str, build: Build, *words: str, slow: bool = False) -> Case:
    """One that must come out as articles, with these words in them."""
    return Case(title, file, build, words, None, slow)


def refused(title: str, file: str, build: Build, reason: str, *, slow: bool = False) -> Case:
    """One of which no article must come, and the refusal must say so."""
    return Case(title, file, build, None, reason, slow)


def either(title: str, file: str, build: Build, *words: str, reason: str = ".", slow: bool = False) -> Case:
    """One that may be read or refused, within its limits; where it is read, words must be in it."""
    return Case(title, file, build, words, reason, slow)


def cases() -> tuple[Case, ...]:
    """All of them, part by part."""
    return tuple(case for part in PARTS for case in of_part(part))


def cut_off(build: Build, share: float) -> Build:
    """That share of a file, from its start."""
    return lambda: build()[: int(len(build()) * share)]


PARTS = ("texts", "pages", "pdfs", "documents", "rich", "mails", "records", "feeds", "zips", "disguises")


def of_part(name: str) -> tuple[Case, ...]:
    from importlib import import_module

    found: tuple[Case, ...] = import_module(f"tests.hostile_files.{name}").CASES
    return found
