"""Lines of the pages of a file ▶ those that are a page's number, or a head or foot of most pages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

_EDGE = 3  # lines at the top of a page and at its foot that may be the same on every page
_MOST_PAGES = 0.6  # of all pages
_PAGE_NUMBER = re.compile(
    r"\W{0,3}(?:\w{1,10}\W{1,2})?\d{1,4}(?:(?:\W{1,3}|\W{1,2}\w{1,4}\W{1,2})\d{1,4})?\W{0,3}"
)
_NUMBERS = re.compile(r"\d+")


def without_running_lines(pages: Sequence[Sequence[str]]) -> list[list[str]]:
    """The lines of each page without its number and without heads and feet that most pages have."""
    return [
        [line for at, line in enumerate(page) if at not in leave]
        for page, leave in zip(pages, running_lines(pages), strict=True)
    ]


def running_lines(pages: Sequence[Sequence[str]]) -> list[frozenset[int]]:
    """Of each page, which of its lines are its number, or a head or foot that most pages have there."""
    seen = Counter(place for page in pages for place in _edges(page).values())
    least = max(2, _MOST_PAGES * len(pages))
    heads = [frozenset(at for at, place in _edges(page).items() if seen[place] >= least) for page in pages]
    numbers = [
        frozenset(at for at in _edges(page) if _numbers(page[at], number, len(pages)))
        for number, page in enumerate(pages, 1)
    ]
    if all(len(head | number) == len(page) for head, number, page in zip(heads, numbers, pages, strict=True)):
        return numbers  # pages that are all alike: what stands on them is the text
    return [head | number for head, number in zip(heads, numbers, strict=True)]


def _edges(page: Sequence[str]) -> dict[int, tuple[int, str]]:
    """The lines near the top and the foot, each with its place, counted from there, and its form."""
    top = {at: (at, _form(page[at])) for at in range(min(_EDGE, len(page)))}
    foot = {at: (at - len(page), _form(page[at])) for at in range(max(len(page) - _EDGE, _EDGE), len(page))}
    return top | foot


def _form(line: str) -> str:
    """A line with its numbers alike, which differ from page to page."""
    return _NUMBERS.sub("#", " ".join(line.split())).casefold()


def _numbers(line: str, number: int, count: int) -> bool:
    """Whether a line is this page's number and nothing else."""
    line = line.strip()
    if len(line) > 30 or not _PAGE_NUMBER.fullmatch(line):
        return False
    found = [int(each) for each in _NUMBERS.findall(line)]
    return found in ([number], [number, count])
