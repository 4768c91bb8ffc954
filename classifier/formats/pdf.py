"""PDF ▶ an article, of its text layer. A scan without one has no text for us."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from classifier.articles import Article, Contents
from classifier.errors import UnreadableArticleError
from classifier.formats import bidi, glyphs, pdfsimply
from classifier.formats.heading import article_of
from classifier.formats.layout import Line, Paragraph, lines_of, paragraphs_of
from classifier.formats.lines import joined, running_lines, unwrapped
from classifier.formats.ways import Way

_MOST_GLYPHS = 600_000  # of a file: of what is beyond we take the bare text, which costs a tenth
_MOST_OF_PAGE = 60_000
_SHARE = 0.4  # of a file's seconds, for its pages
_JUNK = 0.5  # of the glyphs

_LARGER = 1.15  # than the text under it: a title
_FIRST_PARAGRAPHS = 6
_LONGEST_TITLE = 300  # characters
_LONGEST_HEAD = 120  # characters of what may stand above a title


@dataclass(slots=True)
class _Found:
    """What the pages of a file gave."""

    pages: list[list[Line]] = field(default_factory=list)
    bare: list[list[str]] = field(default_factory=list)  # of pages of which we took the bare text
    glyphs: int = 0
    characters: int = 0
    meaningless: int = 0
    unreadable: int = 0
    late: int = 0

    @property
    def remarks(self) -> tuple[str, ...]:
        told = []
        if self.unreadable:
            told.append(f"{_pages(self.unreadable)} could not be read")
        if self.late:
            told.append(f"the last {_pages(self.late)} left out: they took too long")
        if self.bare:
            told.append(f"{_pages(len(self.bare))} read without regard to the layout: too much text")
        return tuple(told)


def read(data: bytes, name: str, way: Way) -> Contents:
    """One article. Raises UnreadableArticleError."""
    if way.simply:
        return Contents((pdfsimply.article(data, way.rules.limits),))
    limits = way.rules.limits
    with glyphs.opened(data) as book:
        pdfsimply.check_pages(book.pages, limits)
        found = _read(book, time.monotonic() + _SHARE * limits.seconds, limits.characters)
        title = book.title
    if not found.glyphs and found.unreadable:
        raise UnreadableArticleError("no page of it can be read", "open it, save it anew and drop it again")
    if found.meaningless > _JUNK * found.glyphs:
        raise pdfsimply.no_text("its letters are pictures without a meaning; drop the text itself")
    if not found.characters:
        raise pdfsimply.no_text("a scan, it seems; drop its text, or run it through text recognition")
    return Contents((_article(found, title),))


def warm() -> None:
    """Load all that reading may need, and read a page with each kind of font and packing."""
    glyphs.warm()
    pdfsimply.warm()


def _read(book: glyphs.Book, deadline: float, most: int) -> _Found:
    found = _Found()
    for number in range(book.pages):
        if number and time.monotonic() > deadline:
            found.late = book.pages - number
            break
        try:
            page = book.page(number, min(_MOST_OF_PAGE, _MOST_GLYPHS - found.glyphs))
        except glyphs.PageError:
            found.unreadable += 1
            continue
        if isinstance(page, str):
            found.bare.append(page.splitlines())
            found.glyphs += len(page)
            found.characters += len(page)
        else:
            lines = [line for each in page.glyphs for line in lines_of(each)]
            found.pages.append(lines)
            found.glyphs += sum(map(len, page.glyphs))
            found.meaningless += page.meaningless
            found.characters += sum(len(line.text) for line in lines)
        if found.characters > most:
            raise UnreadableArticleError(f"longer than {most:,} characters", "part it into smaller files")
    return found


def _pages(count: int) -> str:
    return "1 page" if count == 1 else f"{count:,} pages"


def _article(found: _Found, given: str) -> Article:
    paragraphs = paragraphs_of(_without_running_lines(found.pages))
    texts = joined([[line.text for line in paragraph.lines] for paragraph in paragraphs])
    title, texts = _with_title(_title_at(paragraphs), texts, " ".join(given.split()))
    texts += unwrapped([line for page in found.bare for line in page])
    return article_of("\n".join(texts), title=title, remarks=found.remarks)


def _without_running_lines(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    body = _usual_size(line for page in pages for line in page)
    kept = []
    for number, leave in enumerate(running_lines([[line.text for line in page] for page in pages])):
        # A title that is the head of every other page is larger where it is the title.
        kept.append(
            [
                line
                for at, line in enumerate(pages[number])
                if at not in leave or (not number and line.size > _LARGER * body)
            ]
        )
    return kept


def _usual_size(lines: Iterable[Line]) -> float:
    seen: Counter[float] = Counter()
    for line in lines:
        seen[round(line.size, 1)] += len(line.text)
    return max(seen, key=lambda size: seen[size], default=0.0)


def _title_at(paragraphs: Sequence[Paragraph]) -> int | None:
    """Which of the first paragraphs is set so much larger than the rest that it is the title."""
    body = _usual_size(line for paragraph in paragraphs for line in paragraph.lines)
    best = None
    for at, paragraph in enumerate(paragraphs[:_FIRST_PARAGRAPHS]):
        length = sum(len(line.text) for line in paragraph.lines)
        size = max(line.size for line in paragraph.lines)
        if length <= _LONGEST_TITLE and size > _LARGER * (
            paragraphs[best].size if best is not None else body
        ):
            best = at
        if length > _LONGEST_HEAD:
            break
    return best


def _with_title(at: int | None, texts: list[str], given: str) -> tuple[str | None, list[str]]:
    """The title, and the texts with it first. `at`: which of them the eye takes for it.

    `given` is what the file calls itself. That is believed only where the text begins with these words:
    it is often the name of a draft.
    """
    if given and texts:
        for first in range(min(_FIRST_PARAGRAPHS, len(texts))):
            rest = _behind(given, texts[first])
            if rest is not None:
                remaining = [*texts[:first], *([rest] if rest else []), *texts[first + 1 :]]
                return given, [given, *_without_repeated(given, remaining)]
    if at is None:
        return None, texts
    title = texts[at]
    return title, [title, *_without_repeated(title, [*texts[:at], *texts[at + 1 :]])]


def _behind(title: str, text: str) -> str | None:
    """What follows the title in a text that begins with it; None where it does not."""
    words, title_words = text.split(), title.split()
    if _folded(words[: len(title_words)]) != _folded(title_words):
        return None
    return " ".join(words[len(title_words) :])


def _folded(words: Sequence[str]) -> str:
    return bidi.base_letters(" ".join(words)).casefold()


def _without_repeated(title: str, texts: list[str]) -> list[str]:
    """Texts without the title that stands there once more, as programs print it above the page."""
    again = next((at for at, text in enumerate(texts[:_FIRST_PARAGRAPHS]) if text == title), None)
    return texts if again is None else [*texts[:again], *texts[again + 1 :]]
