"""PDF ▶ an article, of its text layer. A scan without one has no text for us."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from classifier.articles import Article, Contents
from classifier.errors import UnreadableArticleError, too_long
from classifier.formats.heading import article_of
from classifier.formats.lines import joined, unwrapped
from classifier.formats.pdf import bidi, glyphs, simply
from classifier.formats.pdf.layout import Line, lines_of
from classifier.formats.pdf.paragraphs import paragraphs_of
from classifier.formats.pdf.running import running_lines, without_running_lines
from classifier.formats.pdf.sample import small_file
from classifier.formats.pdf.titles import LARGER, title_at, usual_size, with_title
from classifier.formats.ways import Way

_MOST_GLYPHS = 600_000  # of a file: of what is beyond we take the bare text, which costs a tenth
_MOST_OF_PAGE = 60_000
_SHARE_OF_LAYOUT = 0.3  # of a file's seconds, for pages of which we look where each glyph stands
_SHARE = 0.4  # ... for all pages
_JUNK = 0.5  # of the glyphs
_SMALLER = 0.95  # than the text: a head or foot
_NEAR = 1.7  # of its size: a head or foot stands further from the text
_LONGEST_RUNNING = 60  # characters

_ACCENTED = frozenset(map(chr, range(0xC0, 0x100)))
_CYRILLIC = {code: bytes([code]).decode("cp1251") for code in (0xA8, 0xB8, 0xB9, *range(0xC0, 0x100))}
_MOST_ACCENTED = 0.7  # of the letters
_SAMPLED = 20_000  # characters


@dataclass(slots=True)
class _Found:
    """What the pages of a file gave."""

    pages: list[list[Line]] = field(default_factory=list)
    bare: list[list[str]] = field(default_factory=list)  # of pages of which we took the bare text
    seen: int = 0  # glyphs
    characters: int = 0
    meaningless: int = 0
    unreadable: int = 0
    late: int = 0
    is_mended: bool = False

    def add(self, page: glyphs.Page | str) -> None:
        if not isinstance(page, str):
            lines = [line for each in page.glyphs for line in lines_of(each)]
            self.pages.append(lines)
            self.seen += sum(map(len, page.glyphs))
            self.meaningless += page.meaningless
            self.characters += sum(len(line.text) for line in lines)
        elif bidi.runs_right_to_left(page):
            self.late += 1  # without its layout the words of Arabic are out of order
        else:
            self.bare.append(page.splitlines())
            self.seen += len(page)
            self.characters += len(page)

    @property
    def caveats(self) -> tuple[str, ...]:
        told = ["the file is broken: read what is left of it"] if self.is_mended else []
        if self.unreadable:
            told.append(f"{_pages(self.unreadable)} could not be read")
        if self.late:
            told.append(f"{_pages(self.late)} left out: there was no time for more")
        if self.bare:
            told.append(f"{_pages(len(self.bare))} read without regard to the layout: too much text")
        return tuple(told)


def read(data: bytes, name: str, way: Way) -> Contents:
    """One article. Raises UnreadableArticleError."""
    if way.simply:
        return Contents((simply.article(data, way.rules.limits),))
    limits = way.rules.limits
    with glyphs.opened(data) as book:
        simply.check_pages(book.pages, limits)
        found = _read(book, limits.seconds, limits.characters)
        title = book.title
    if not found.seen and found.unreadable:
        raise UnreadableArticleError("no page of it can be read", "open it, save it anew and drop it again")
    if found.meaningless > _JUNK * found.seen:
        raise simply.no_text("its letters are pictures without a meaning; drop the text itself")
    return Contents((_article(found, title),))


def warm() -> None:
    """Load all that reading may need, and read a page with each kind of font and packing."""
    sample = small_file()
    glyphs.warm(sample)
    simply.warm(sample)


def _read(book: glyphs.Book, seconds: float, most: int) -> _Found:
    """The text of all pages; of those for which the time is too short the bare text, or none."""
    found = _Found(is_mended=book.is_mended)
    start = time.monotonic()
    for number in range(book.pages):
        spent = (time.monotonic() - start) / seconds
        if number and spent > _SHARE:
            found.late += book.pages - number
            break
        room = 0 if spent > _SHARE_OF_LAYOUT else min(_MOST_OF_PAGE, _MOST_GLYPHS - found.seen)
        try:
            found.add(book.page(number, room))
        except glyphs.PageError:
            found.unreadable += 1
        if found.characters > most:
            raise too_long(most)
    return found


def _pages(count: int) -> str:
    return "1 page" if count == 1 else f"{count:,} pages"


def _article(found: _Found, given: str) -> Article:
    paragraphs = paragraphs_of(_without_running_lines(found.pages))
    texts = joined([[line.text for line in paragraph.lines] for paragraph in paragraphs])
    title, texts = with_title(title_at(paragraphs), texts, " ".join(given.split()))
    texts += unwrapped([line for page in without_running_lines(found.bare) for line in [*page, ""]])
    text = "\n".join(texts)
    caveats = found.caveats
    if _is_cyrillic_taken_for_latin(text):
        text, title = text.translate(_CYRILLIC), title and title.translate(_CYRILLIC)
        caveats = (*caveats, "encoding guessed: windows-1251")
    if not any(map(str.isalpha, text)):
        raise simply.no_text("a scan, it seems; drop its text, or run it through text recognition")
    return article_of(text, title=title, caveats=caveats)


def _is_cyrillic_taken_for_latin(text: str) -> bool:
    """Whether nearly all letters have accents, as in no language: old fonts call their Cyrillic Latin."""
    letters = [letter for letter in text[:_SAMPLED] if letter.isalpha()]
    return sum(map(_ACCENTED.__contains__, letters)) > _MOST_ACCENTED * len(letters)


def _without_running_lines(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    body = usual_size(line for page in pages for line in page)
    kept = []
    for page, running in zip(
        pages, running_lines([[line.text for line in page] for page in pages]), strict=True
    ):
        kept.append(
            [
                line
                for at, line in enumerate(page)
                if at not in running or _is_of_text(line, page, body, is_outermost=at in (0, len(page) - 1))
            ]
        )
    return kept


def _is_of_text(line: Line, page: Sequence[Line], body: float, *, is_outermost: bool) -> bool:
    """Whether what looks like a page's head or foot is not: a title, or a line among others."""
    if line.size > LARGER * body:
        return True
    if line.size < _SMALLER * body or (is_outermost and len(line.text) <= _LONGEST_RUNNING):
        return False
    nearest = min((abs(each.base - line.base) for each in page if each is not line), default=0.0)
    return nearest < _NEAR * line.size
