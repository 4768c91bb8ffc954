"""Paragraphs of a document ▶ an article: what its styles say is the title, and what its text says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

from classifier import dates
from classifier.articles import Article
from classifier.errors import UnreadableArticleError, too_long
from classifier.formats import heading
from classifier.formats.ways import Way

_LONGEST_TITLE = 300  # characters
_LONGEST_ABOVE = 100  # characters of a line above the title: a rubric, a place, a date
_MOST_ABOVE = 4
_LONGEST_CORE_TITLE = 3  # lines that a title may be broken into


class Style(Enum):
    """What a paragraph's style says of it."""

    BODY = auto()
    TITLE = auto()
    HEADING = auto()  # of the first level


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: str
    style: Style = Style.BODY


@dataclass(slots=True)
class _Open:
    pieces: list[str] = field(default_factory=list)
    style: Style = Style.BODY
    after: list[Paragraph] = field(default_factory=list)


class Flow:
    """Takes text as a parser comes upon it. What is inside a paragraph (a box, a note) follows it."""

    def __init__(self, way: Way) -> None:
        self.paragraphs: list[Paragraph] = []
        self._open: list[_Open] = []
        self._most = way.rules.limits.characters
        self._length = 0

    @property
    def depth(self) -> int:
        """How many paragraphs are open, one in the other."""
        return len(self._open)

    def open(self) -> None:
        """A paragraph begins, it may be in another one."""
        self._open.append(_Open())

    def close(self) -> None:
        """The paragraph that was opened last ends."""
        if not self._open:
            return
        done = self._open.pop()
        into = self._open[-1].after if self._open else self.paragraphs
        if done.pieces:
            into += [Paragraph(text, done.style) for text in _split("".join(done.pieces), done.style)]
        into += done.after

    def next(self) -> None:
        """The open paragraph ends and another one begins."""
        if self._open and (self._open[-1].pieces or self._open[-1].after):
            self.close()
            self.open()

    def add(self, text: str) -> None:
        """Text of the open paragraph. Raises UnreadableArticleError where it is too long in all."""
        if self._open:
            self._length += len(text)
            if self._length > self._most:
                raise too_long(self._most)
            self._open[-1].pieces.append(text)

    def style(self, style: Style) -> None:
        """What the open paragraph is."""
        if self._open:
            self._open[-1].style = style

    def follow(self, paragraphs: Iterable[Paragraph]) -> None:
        """Paragraphs, of a note, that come after the open one."""
        (self._open[-1].after if self._open else self.paragraphs).extend(paragraphs)


def article_of(
    paragraphs: list[Paragraph], way: Way, *, core_title: str = "", caveats: tuple[str, ...] = ()
) -> Article:
    """An article of a document's paragraphs; `core_title` is what the file says of itself.

    The title is what has the style of one, or the first heading, where only short lines are above it.
    What the file says of itself counts where the text begins with just those words: it is often of
    the document's template. Raises UnreadableArticleError where there is no text, or too much.
    """
    if not paragraphs:
        raise UnreadableArticleError("no text", "if it is a picture of a text, drop the text itself")
    most = way.rules.limits.characters
    if sum(len(each.text) for each in paragraphs) > most:
        raise too_long(most)
    start, end = _styled(paragraphs) or _named(paragraphs, core_title) or (0, 0)
    title = " ".join(each.text for each in paragraphs[start:end])
    others = [each.text for each in paragraphs[:start] + paragraphs[end:]]
    lines = [title, *others] if title else others
    return heading.article_of("\n".join(lines), title=title or None, caveats=caveats)


def _split(text: str, style: Style) -> Iterator[str]:
    """The text's lines joined, but parted at empty ones: a line break is often a paragraph's end."""
    if style is not Style.BODY:
        joined = " ".join(text.split())
        if joined:
            yield joined
        return
    together: list[str] = []
    for line in [*text.split("\n"), ""]:
        words = line.split()
        if words:
            together += words
        elif together:
            yield " ".join(together)
            together = []


def _styled(paragraphs: list[Paragraph]) -> tuple[int, int] | None:
    """Where the title is, by style: paragraphs of one style that follow each other are one title."""
    for style in (Style.TITLE, Style.HEADING):
        start = next((i for i, each in enumerate(paragraphs[: _MOST_ABOVE + 1]) if each.style is style), None)
        if start is None or not all(_is_above(each.text) for each in paragraphs[:start]):
            continue
        end = start + 1
        while style is Style.TITLE and end < len(paragraphs) and paragraphs[end].style is style:
            end += 1
        if sum(len(each.text) for each in paragraphs[start:end]) <= _LONGEST_TITLE:
            return start, end
    return None


def _is_above(line: str) -> bool:
    return len(line) <= _LONGEST_ABOVE and (line[-1] not in ".!?…؟" or dates.of_line(line) is not None)


def _named(paragraphs: list[Paragraph], title: str) -> tuple[int, int] | None:
    """The first paragraphs, where they are just the words of `title`."""
    wanted = _letters(title)
    if not wanted or len(title) > _LONGEST_TITLE:
        return None
    found = ""
    for end, paragraph in enumerate(paragraphs[:_LONGEST_CORE_TITLE], 1):
        found += _letters(paragraph.text[: 2 * _LONGEST_TITLE])
        if found == wanted:
            return (0, end) if end < len(paragraphs) else None
    return None


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))
