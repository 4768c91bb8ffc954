"""PDF ▶ the glyphs of its pages, with the places where they stand. All that we have of PDFium is here."""

from __future__ import annotations

import ctypes
import math
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from classifier.errors import UnreadableArticleError
from classifier.formats.pdf import bidi, mending
from classifier.formats.pdf.shapes import Glyph

_HYPHEN = 2  # PDFium's sign for one at the end of a line
_ASKEW = 12  # degrees; what leans more is a watermark
_LEAST_TURNED = 0.2  # of a page's glyphs; fewer that run another way are a note at its edge
_BLANKS = frozenset((9, 10, 13, 32, 0xA0, 0x2002, 0x2003, 0x2009, 0x202F))
_MEANINGLESS = frozenset(("Cc", "Co", "Cn", "Cs"))
_SAMPLED = 8  # each so manyeth glyph is asked whether it has a meaning


class PageError(Exception):
    """A page that cannot be read."""


@dataclass(frozen=True, slots=True)
class Page:
    """Glyphs in the order of drawing, those that run one way together, most of them first.

    `meaningless`: how many stand for no sign that we know.
    """

    glyphs: tuple[tuple[Glyph, ...], ...]
    meaningless: int


class Book:
    """An open PDF."""

    def __init__(self, file: Any, *, is_mended: bool) -> None:
        self._file = file
        self.is_mended = is_mended

    @property
    def pages(self) -> int:
        return len(self._file)

    @property
    def title(self) -> str:
        """What the file calls itself; "" where it says nothing that can be read."""
        try:
            return str(self._file.get_metadata_value("Title") or "")
        except UnicodeError:
            return ""

    def page(self, number: int, most: int) -> Page | str:
        """The glyphs of a page, its bare text where it has more than `most`. Raises PageError."""
        try:
            page = self._file[number]
            try:
                text = page.get_textpage()
                try:
                    count = text.count_chars()
                    if count > most:
                        return str(text.get_text_range())
                    return _page(page.raw, text.raw, count)
                finally:
                    text.close()
            finally:
                page.close()
        except (pypdfium2.PdfiumError, UnicodeError, ValueError) as error:
            raise PageError from error


@contextmanager
def opened(data: bytes) -> Iterator[Book]:
    """An open PDF. Raises UnreadableArticleError."""
    try:
        file, is_mended = pypdfium2.PdfDocument(data), False
    except pypdfium2.PdfiumError as error:
        if error.err_code in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY):
            raise UnreadableArticleError(
                "encrypted", "save it without a password and drop it again"
            ) from error
        file, is_mended = _opened_mended(data), True
    try:
        yield Book(file, is_mended=is_mended)
    finally:
        file.close()


def _opened_mended(data: bytes) -> Any:
    refusal = UnreadableArticleError("not a sound PDF file", "open it, save it anew and drop it again")
    whole = mending.mended(data)
    if whole is None:
        raise refusal
    try:
        return pypdfium2.PdfDocument(whole)
    except pypdfium2.PdfiumError as error:
        raise refusal from error


class _Pen:
    """Asks PDFium for one glyph after the other."""

    def __init__(self, text: Any) -> None:
        self._text = text
        self._box = pdfium.FS_RECTF()
        self._matrix = pdfium.FS_MATRIX()
        self._x, self._y = ctypes.c_double(), ctypes.c_double()
        self._at: float | None = None
        self._turn: int | None = 0
        self._size = 1.0

    def lift(self) -> None:
        """The next glyph begins a word: its font may be another one."""
        self._at = None

    def place(self, number: int) -> float:
        """Where a blank stands along its line."""
        box = self._box
        pdfium.FPDFText_GetLooseCharBox(self._text, number, box)
        low, high = map(float, ((box.left, box.right), (box.bottom, box.top))[(self._turn or 0) % 2])
        return (low + high) / (2 if (self._turn or 0) < 2 else -2)

    def glyph(self, number: int, sign: str, blank: float | None) -> tuple[int | None, Glyph]:
        """A glyph as if its line were level, and how many quarter turns that takes; None where it leans."""
        box, x, y = self._box, self._x, self._y
        pdfium.FPDFText_GetLooseCharBox(self._text, number, box)
        pdfium.FPDFText_GetCharOrigin(self._text, number, x, y)
        if y.value != self._at:
            self._look(number)
            self._at = y.value
        size = self._size
        if self._turn == 1:
            return 1, Glyph(sign, box.bottom, box.top, -x.value, size, y.value, blank)
        if self._turn == 2:
            return 2, Glyph(sign, -box.right, -box.left, -y.value, size, -x.value, blank)
        if self._turn == 3:
            return 3, Glyph(sign, -box.top, -box.bottom, x.value, size, -y.value, blank)
        return self._turn, Glyph(sign, box.left, box.right, y.value, size, x.value, blank)

    def _look(self, number: int) -> None:
        matrix = self._matrix
        if not pdfium.FPDFText_GetMatrix(self._text, number, matrix):
            self._turn, self._size = 0, 1.0
            return
        size = pdfium.FPDFText_GetFontSize(self._text, number) * math.hypot(matrix.c, matrix.d)
        degrees = math.degrees(math.atan2(matrix.b, matrix.a))
        turn = round(degrees / 90)
        self._turn = None if abs(degrees - 90 * turn) > _ASKEW else turn % 4
        self._size = max(abs(size), 0.1)


def _page(page: Any, text: Any, count: int) -> Page:
    by_turn: defaultdict[int | None, list[tuple[int, Glyph]]] = defaultdict(list)
    meaningless = 0
    pen = _Pen(text)
    blank: float | None = None
    for number in range(count):
        code = pdfium.FPDFText_GetUnicode(text, number)
        if code in _BLANKS:
            if not pdfium.FPDFText_IsGenerated(text, number):
                blank = pen.place(number)
            pen.lift()
            continue
        sign = "-" if code == _HYPHEN else _sign(code)
        if number % _SAMPLED == 0 and pdfium.FPDFText_HasUnicodeMapError(text, number) == 1:
            meaningless += _SAMPLED
        elif not sign:
            meaningless += 1
        turn, glyph = pen.glyph(number, sign or "\ufffd", blank)
        by_turn[turn].append((number, glyph))
        blank = None
    found = sorted((each for turn, each in by_turn.items() if turn is not None), key=len, reverse=True)
    kept = [each for each in found if len(each) >= _LEAST_TURNED * len(found[0])]
    if any(bidi.is_right_to_left(glyph.sign) for each in kept for _, glyph in each):
        strings = _strings(page)
        glyphs = [_with_strings(each, text, strings) for each in kept]
    else:
        glyphs = [[glyph for _, glyph in each] for each in kept]
    return Page(tuple(map(tuple, glyphs)), min(meaningless, sum(map(len, by_turn.values()))))


def _strings(page: Any) -> dict[int | None, int]:
    """Which in the order of drawing each object of a page is."""
    count = pdfium.FPDFPage_CountObjects(page)
    return {_address(pdfium.FPDFPage_GetObject(page, number)): number for number in range(count)}


def _address(what: Any) -> int | None:
    return ctypes.cast(what, ctypes.c_void_p).value


def _with_strings(
    numbered: list[tuple[int, Glyph]], text: Any, strings: dict[int | None, int]
) -> list[Glyph]:
    """Glyphs that know when the page draws them: PDFium mixes strings that stand upon each other."""
    found = []
    for number, glyph in numbered:
        address = _address(pdfium.FPDFText_GetTextObject(text, number))
        found.append(glyph._replace(string=strings.setdefault(address, len(strings))))
    return found


def _sign(code: int) -> str:
    """The sign of a code; "" where it has no meaning outside its font."""
    sign = chr(code) if 0 < code < sys.maxunicode else ""
    return "" if not sign or unicodedata.category(sign) in _MEANINGLESS or sign == "\ufffd" else sign


def warm(sample: bytes) -> None:
    """Read a file here, so that what PDFium and Python load late is there."""
    with opened(sample) as book:
        for number in range(book.pages):
            book.page(number, 1000)
            book.page(number, 0)
        str(book.title)
