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
from classifier.formats.layout import Glyph

_HYPHEN = 2  # PDFium's sign for one at the end of a line
_ASKEW = 12  # degrees; what leans more is a watermark
_LEAST_TURNED = 0.2  # of a page's glyphs; fewer that run another way are a note at its edge
_BLANKS = frozenset((9, 10, 13, 32, 0xA0, 0x2002, 0x2003, 0x2009, 0x202F))
_MEANINGLESS = frozenset(("Cc", "Co", "Cn", "Cs"))
_LEAST_PLACE = 0.1  # points
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

    def __init__(self, file: Any) -> None:
        self._file = file

    @property
    def pages(self) -> int:
        return len(self._file)

    @property
    def title(self) -> str:
        return str(self._file.get_metadata_value("Title") or "")

    def page(self, number: int, most: int) -> Page | str:
        """The glyphs of a page, its bare text where it has more than `most`. Raises PageError."""
        try:
            page = self._file[number]
            try:
                text = page.get_textpage()
                try:
                    count = text.count_chars()
                    return _page(text.raw, count) if count <= most else str(text.get_text_range())
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
        file = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if error.err_code in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY):
            raise UnreadableArticleError(
                "encrypted", "save it without a password and drop it again"
            ) from error
        raise UnreadableArticleError(
            "not a sound PDF file", "open it, save it anew and drop it again"
        ) from error
    try:
        yield Book(file)
    finally:
        file.close()


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

    def takes_place(self, number: int) -> bool:
        """Whether a blank has any width."""
        pdfium.FPDFText_GetLooseCharBox(self._text, number, self._box)
        return self._box.right - self._box.left + abs(self._box.top - self._box.bottom) > _LEAST_PLACE

    def glyph(self, number: int, sign: str, blanks: tuple[bool, bool]) -> tuple[int | None, Glyph]:
        """A glyph as if its line were level, and how many quarter turns that takes; None where it leans."""
        box, x, y = self._box, self._x, self._y
        pdfium.FPDFText_GetLooseCharBox(self._text, number, box)
        pdfium.FPDFText_GetCharOrigin(self._text, number, x, y)
        if y.value != self._at:
            self._look(number)
            self._at = y.value
        size = self._size
        if self._turn == 1:
            return 1, Glyph(sign, box.bottom, box.top, -x.value, size, y.value, *blanks)
        if self._turn == 2:
            return 2, Glyph(sign, -box.right, -box.left, -y.value, size, -x.value, *blanks)
        if self._turn == 3:
            return 3, Glyph(sign, -box.top, -box.bottom, x.value, size, -y.value, *blanks)
        return self._turn, Glyph(sign, box.left, box.right, y.value, size, x.value, *blanks)

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


def _page(text: Any, count: int) -> Page:
    by_turn: defaultdict[int | None, list[Glyph]] = defaultdict(list)
    meaningless = 0
    pen, blank, unplaced = _Pen(text), False, False
    for number in range(count):
        code = pdfium.FPDFText_GetUnicode(text, number)
        if code in _BLANKS:
            if not pdfium.FPDFText_IsGenerated(text, number):
                blank = True
                unplaced = unplaced or not pen.takes_place(number)
            pen.lift()
            continue
        sign = "-" if code == _HYPHEN else _sign(code)
        if number % _SAMPLED == 0 and pdfium.FPDFText_HasUnicodeMapError(text, number) == 1:
            meaningless += _SAMPLED
        elif not sign:
            meaningless += 1
        turn, glyph = pen.glyph(number, sign or "\ufffd", (blank, unplaced))
        by_turn[turn].append(glyph)
        blank = unplaced = False
    levels = sorted((each for turn, each in by_turn.items() if turn is not None), key=len, reverse=True)
    kept = [each for each in levels if len(each) >= _LEAST_TURNED * len(levels[0])]
    return Page(tuple(map(tuple, kept)), min(meaningless, sum(map(len, by_turn.values()))))


def _sign(code: int) -> str:
    """The sign of a code; "" where it has no meaning outside its font."""
    sign = chr(code) if 0 < code < sys.maxunicode else ""
    return "" if not sign or unicodedata.category(sign) in _MEANINGLESS or sign == "\ufffd" else sign


def warm() -> None:
    """Load PDFium."""
