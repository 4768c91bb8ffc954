"""The tree of a web page ▶ its main text: trafilatura says which words, the page where its lines end.

Trafilatura may run paragraphs together, where they are no <p>, and leave out one that opens an article
in a box of its own. So each line of the page that has words it found is a line of the text, and so
is each long one between the heading and the last of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

from lxml import etree
from lxml.html import HtmlElement

from classifier.formats.web.trees import MENUS, UNREAD, count_words

Element: TypeAlias = etree._Element

_INLINE = frozenset(
    """
    a abbr acronym amp-ad b bdi bdo big cite code data del dfn em font i img ins kbd label mark nobr q rp rt
    ruby s samp small span strike strong sub sup time tt u var wbr input picture source
    """.split()
)
_CELLS = frozenset({"td", "th"})
_HIDDEN = re.compile(r"display\s{0,3}:\s{0,3}none", re.I)
_TOGETHER = 4  # words in a row by which a line is known again
_LEAST_KNOWN = 0.7  # of them
_LONG_LINE = 12  # words
_LEAST_LINK = 3  # words
_LEAST_KEPT = 0.9  # of the words found


@dataclass(slots=True)
class Line:
    """A line of a page: a paragraph, an item of a list, a row of a table."""

    text: str
    linked: int = 0  # words of it in links
    is_heading: bool = False  # the page's own


def main_text(root: HtmlElement) -> str:
    """The main text of a page, a line for each paragraph; empty where none is found. Changes the tree."""
    page = lines(root)
    found = _found(root)
    kept = _kept(page, found)
    words = sum(map(count_words, found))
    # Where it found more than there are lines, it took the menus too: its last resort.
    has_more = words > sum(count_words(line.text) for line in page)
    if sum(count_words(line.text) for line in kept) < _LEAST_KEPT * words and not (kept and has_more):
        return "\n".join(found)
    # One that is a link and nothing else leads to another story.
    return "\n".join(line.text for line in kept if not _is_link(line))


def lines(root: Element) -> list[Line]:
    """The lines of a page in order, without menus and what is not shown."""
    walk = etree.iterwalk(root, events=("start", "end"))
    gathered: list[Line] = []
    pieces: list[str] = []
    linked = links = headings = 0

    def end_line() -> None:
        nonlocal linked
        text = " ".join("".join(pieces).split())
        if text:
            gathered.append(Line(text, linked, headings > 0))
        pieces.clear()
        linked = 0

    for event, node in walk:
        tag = node.tag
        is_start = event == "start"
        if isinstance(tag, str) and tag not in _INLINE:
            if tag in _CELLS:
                pieces.append(" ")
            else:
                end_line()
        links += (tag == "a") * (1 if is_start else -1)
        headings += (tag == "h1") * (1 if is_start else -1)
        if is_start and _is_unread(node, tag):
            walk.skip_subtree()
        else:
            text = (node.text if is_start else node.tail) if is_start or node is not root else None
            if text:
                pieces.append(text)
                linked += count_words(text) if links else 0
    end_line()
    return gathered


def _is_unread(node: Element, tag: object) -> bool:
    if not isinstance(tag, str) or tag in UNREAD:
        return True
    if tag in MENUS:
        return node.find(".//h1") is None and not node.get("role", "").startswith("doc-")
    return "hidden" in node.attrib or bool(_HIDDEN.search(node.get("style", "")[:300]))


def _found(root: HtmlElement) -> list[str]:
    from trafilatura import bare_extraction
    from trafilatura.settings import Document

    found = bare_extraction(root, fast=True, include_comments=False, include_tables=True, with_metadata=False)
    if not isinstance(found, Document):
        return []
    gathered: list[str] = []
    pieces: list[str] = []
    for event, node in etree.iterwalk(found.body, events=("start", "end")):
        if node.tag not in ("hi", "ref", "del", "cell"):
            gathered.append(" ".join("".join(pieces).split()))
            pieces.clear()
        pieces.append((node.text if event == "start" else node.tail) or "")
        if node.tag == "cell":
            pieces.append(" ")
    return [line for line in [*gathered, " ".join("".join(pieces).split())] if line]


def _kept(page: list[Line], found: list[str]) -> list[Line]:
    """The lines of the page whose words were found, and the long ones among them."""
    rows = [_rows(line.text.split()) for line in page]
    short = {row for each in rows for row in each if len(row) < _TOGETHER}
    words = " ".join(found).split()
    known = {row for size in range(1, _TOGETHER) for row in _runs(words, size) if row in short}
    hashes = {hash(row) for row in _runs(words, _TOGETHER)}  # of a long text the rows would not fit
    places = [
        number
        for number, each in enumerate(rows)
        if sum(row in known or hash(row) in hashes for row in each) >= _LEAST_KNOWN * len(each)
    ]
    if not places:
        return []
    heading = max((number for number, line in enumerate(page[: places[0]]) if line.is_heading), default=None)
    first = places[0] if heading is None else heading
    between = [number for number in range(first, places[-1]) if _is_long(page[number])]
    return [page[number] for number in sorted({*places, *between})]


def _rows(words: list[str]) -> list[tuple[str, ...]]:
    return list(_runs(words, min(len(words), _TOGETHER)))


def _runs(words: list[str], size: int) -> Iterator[tuple[str, ...]]:
    """All runs of so many words."""
    return zip(*(islice(words, start, None) for start in range(size)), strict=False)


def _is_long(line: Line) -> bool:
    words = count_words(line.text)
    return words >= _LONG_LINE and line.linked < words / 2


def _is_link(line: Line) -> bool:
    return not line.is_heading and line.linked >= _LEAST_LINK and line.linked >= count_words(line.text)
