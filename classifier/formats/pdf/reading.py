"""PDF ▶ an article, of its text layer. A scan without one has no text for us."""

from __future__ import annotations

import base64
import time
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from classifier.articles import Article, Contents
from classifier.errors import UnreadableArticleError
from classifier.formats.heading import article_of
from classifier.formats.lines import joined, running_lines, unwrapped, without_running_lines
from classifier.formats.pdf import bidi, glyphs, simply
from classifier.formats.pdf.layout import Line, Paragraph, lines_of, paragraphs_of
from classifier.formats.ways import Way

_MOST_GLYPHS = 600_000  # of a file: of what is beyond we take the bare text, which costs a tenth
_MOST_OF_PAGE = 60_000
_SHARE_OF_LAYOUT = 0.3  # of a file's seconds, for pages of which we look where each glyph stands
_SHARE = 0.4  # ... for all pages
_JUNK = 0.5  # of the glyphs

_LARGER = 1.15  # than the text under it: a title
_SMALLER = 0.95  # than the text: a head or foot
_NEAR = 1.7  # of its size: a head or foot stands further from the text
_LONGEST_RUNNING = 60  # characters
_FIRST_PARAGRAPHS = 6
_LONGEST_TITLE = 300  # characters
_LONGEST_HEAD = 120  # characters of what may stand above a title

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
    sample = _sample()
    glyphs.warm(sample)
    simply.warm(sample)


def _sample() -> bytes:
    """A small PDF with fonts and packings of many sorts."""
    words = b"BT /A 12 Tf 72 700 Td (word) Tj /B 12 Tf <00410645> Tj ET"
    packed = {
        b"": words,
        b"/Filter/FlateDecode": zlib.compress(words),
        b"/Filter/ASCII85Decode": base64.a85encode(words) + b"~>",
        b"/Filter/ASCIIHexDecode": words.hex().encode() + b">",
        b"/Filter/RunLengthDecode": bytes([len(words) - 1]) + words + b"\x80",
        b"/Filter/LZWDecode": b"\x80\x0b\x60\x50\x22\x0c\x0c\x85\x01",
    }
    to_unicode = (
        b"1 begincodespacerange <0000> <ffff> endcodespacerange 1 beginbfchar <0645> <0645> endbfchar"
    )
    objects = [
        b"<</Type/Catalog /Pages 2 0 R>>",
        b"<</Type/Pages /Count %d /Kids [%s]>>"
        % (len(packed), b" ".join(b"%d 0 R" % (10 + 2 * number) for number in range(len(packed)))),
        b"<</Type/Font /Subtype/Type1 /BaseFont/Helvetica /Encoding/WinAnsiEncoding>>",
        b"<</Type/Font /Subtype/Type0 /BaseFont/Other /Encoding/Identity-H /DescendantFonts [5 0 R]"
        b" /ToUnicode 6 0 R>>",
        b"<</Type/Font /Subtype/CIDFontType2 /BaseFont/Other /CIDSystemInfo <</Registry(Adobe)"
        b" /Ordering(Identity) /Supplement 0>>>>",
        b"<</Length %d>>\nstream\n%s\nendstream" % (len(to_unicode), to_unicode),
        b"<</Title<feff0645>>>",
        b"null",
        b"null",
    ]
    for number, (filters, data) in enumerate(packed.items()):
        objects.append(
            b"<</Type/Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R"
            b" /Resources <</Font <</A 3 0 R /B 4 0 R>>>>>>" % (11 + 2 * number)
        )
        objects.append(b"<</Length %d %s>>\nstream\n%s\nendstream" % (len(data), filters, data))
    whole = b"".join(b"%d 0 obj\n%s\nendobj\n" % each for each in enumerate(objects, 1))
    return b"%%PDF-1.7\n%strailer\n<</Root 1 0 R /Info 7 0 R>>\nstartxref\n0\n%%%%EOF\n" % whole


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
            raise UnreadableArticleError(f"longer than {most:,} characters", "part it into smaller files")
    return found


def _pages(count: int) -> str:
    return "1 page" if count == 1 else f"{count:,} pages"


def _article(found: _Found, given: str) -> Article:
    paragraphs = paragraphs_of(_without_running_lines(found.pages))
    texts = joined([[line.text for line in paragraph.lines] for paragraph in paragraphs])
    title, texts = _with_title(_title_at(paragraphs), texts, " ".join(given.split()))
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
    body = _usual_size(line for page in pages for line in page)
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
    if line.size > _LARGER * body:
        return True
    if line.size < _SMALLER * body or (is_outermost and len(line.text) <= _LONGEST_RUNNING):
        return False
    nearest = min((abs(each.base - line.base) for each in page if each is not line), default=0.0)
    return nearest < _NEAR * line.size


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
