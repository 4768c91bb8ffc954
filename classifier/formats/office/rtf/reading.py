"""An RTF file ▶ an article."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from dataclasses import replace

from classifier.articles import Contents
from classifier.errors import UnreadableArticleError
from classifier.formats.office.paragraphs import Flow, Style, article_of
from classifier.formats.office.rtf.charsets import CHARSETS, CODE_PAGES, PAGES, Fonts
from classifier.formats.office.rtf.groups import ASIDE, Group
from classifier.formats.office.rtf.marks import CHARACTERS, SYMBOLS, TOKEN, UNICODE
from classifier.formats.ways import Way

_MOST_TOKENS = 1_500_000
_MOST_GROUPS = 2_000  # one in the other
_MOST_STYLES = 20_000
_LONGEST_TITLE = 300

_MEND = "open it, save it anew as docx or text and drop it again"
_STYLES = {"title": Style.TITLE, "heading 1": Style.HEADING}


def read(data: bytes, name: str, way: Way) -> Contents:
    """One article. Raises UnreadableArticleError."""
    reading = _Reading(data, way)
    reading.run()
    return Contents((article_of(reading.flow.paragraphs, way, core_title=reading.core_title),))


def warm() -> None:
    """Load the codecs."""
    for codec in {*CODE_PAGES.values(), *CHARSETS.values(), *PAGES.values()}:
        codecs.decode(b"a", codec)


class _Reading:
    """A pass over the file: each byte is looked at once."""

    def __init__(self, data: bytes, way: Way) -> None:
        self.flow = Flow(way)
        self._data = data
        self._groups: list[Group] = []
        self._group = Group()
        self._fonts = Fonts()
        self._styles: dict[int, Style] = {}
        self._style = 0
        self._bytes = bytearray()  # not yet decoded
        self._named: list[str] = []  # the title, or a style's name, in pieces
        self._left_to_skip = 0
        self._half = 0  # of a character that comes as a pair of surrogates
        self._is_optional = False  # after \*
        self.core_title = ""

    def run(self) -> None:
        self.flow.open()
        at, count, token = max(self._data.find(b"{\\rtf"), 0), 0, TOKEN.match
        data = self._data
        while match := token(data, at):
            at = match.end()
            count += 1
            kind = match.lastindex
            if kind == 1:
                self._text(match[1].translate(None, b"\r\n\0"))
            elif kind == 2:
                self._text(bytes.fromhex(match[2].replace(b"\\'", b"").decode()))
            elif kind == 3:
                self._unicodes(match[3])
            elif kind in (4, 5):
                number = int(match[5]) if match[5] else None
                if match[4] == b"bin":
                    at += max(number or 0, 0)
                else:
                    self._word(match[4], number)
            elif kind == 6:
                self._symbol(match[6])
            elif kind == 7 and not self._brace(match[7]):
                break
            if count > _MOST_TOKENS:
                raise UnreadableArticleError("too large: it has more marks than text", _MEND)
        self._decode()
        while self.flow.depth:
            self.flow.close()

    def _text(self, text: bytes) -> None:
        self._is_optional = False
        if self._left_to_skip:
            skipped = min(self._left_to_skip, len(text))
            self._left_to_skip -= skipped
            text = text[skipped:]
        if self._is_seen:
            self._bytes += text

    def _symbol(self, symbol: bytes) -> None:
        if symbol == b"*":
            self._is_optional = True
        elif symbol in b"\r\n":
            self._end_paragraph()
        elif self._left_to_skip:
            self._left_to_skip -= 1
        elif symbol in SYMBOLS:
            self._put(SYMBOLS[symbol])

    def _brace(self, brace: bytes) -> bool:
        """Whether the file goes on."""
        self._left_to_skip = 0
        self._is_optional = False
        self._decode()
        if brace == b"{":
            if len(self._groups) >= _MOST_GROUPS:
                raise UnreadableArticleError("nested too deep", _MEND)
            self._groups.append(self._group)
            self._group = replace(self._group, is_aside=False)
            return True
        closed = self._group
        if closed.is_aside:
            self.flow.close()
        self._group = self._groups.pop() if self._groups else Group()
        if closed.into == "title" != self._group.into:
            self.core_title = "".join(self._named) or self.core_title
            self._named = []
        return bool(self._groups)

    def _word(self, word: bytes, number: int | None) -> None:
        is_optional, self._is_optional = self._is_optional, False
        if self._left_to_skip:
            if word in CHARACTERS:
                self._left_to_skip -= 1
                return
            self._left_to_skip = 0  # what else follows is no character's stand-in
        if word in CHARACTERS:
            self._put(CHARACTERS[word])
        elif word in _WORDS:
            _WORDS[word](self, word, number)
        else:
            self._destination(word, is_optional)

    def _destination(self, word: bytes, is_optional: bool) -> None:
        """A group begins with this word, or it is one that we do not know."""
        is_aside = word in ASIDE and not self._group.is_apart
        if is_aside:
            self._decode()
        self._group.begin(word, is_optional=is_optional)
        if is_aside:
            self.flow.open()

    @property
    def _is_seen(self) -> bool:
        group = self._group
        if group.into == "text":
            return not (group.is_hidden or group.is_deleted)
        return group.into in ("styles", "title")

    def _unicodes(self, run: bytes) -> None:
        """Several characters, each with one that stands for it where it is not known."""
        self._is_optional = False
        for code, mark, digits in UNICODE.findall(run):
            self._unicode(b"u", int(code))
            self._text(mark or bytes.fromhex(digits.decode()))

    def _unicode(self, word: bytes, number: int | None) -> None:
        self._left_to_skip = self._group.skips
        if number is None or not -0x8000 <= number <= 0x10FFFF:
            return
        code = number if number >= 0 else number + 0x10000
        half, self._half = self._half, 0
        if 0xD800 <= code < 0xDC00:
            self._half = code
        elif 0xDC00 <= code < 0xE000:
            if half:
                self._put(chr(0x10000 + ((half - 0xD800) << 10) + (code - 0xDC00)))
        else:
            self._put(chr(code))

    def _skips(self, word: bytes, number: int | None) -> None:
        self._group.skips = max(number if number is not None else 1, 0)

    def _hide(self, word: bytes, number: int | None) -> None:
        self._decode()
        if word == b"v":
            self._group.is_hidden = number != 0
        else:
            self._group.is_deleted = number != 0

    def _put(self, text: str) -> None:
        if self._is_seen:
            self._decode()
            self._add(text)

    def _add(self, text: str) -> None:
        if self._group.into == "text":
            self.flow.add(text)
        elif len(self._named) < _LONGEST_TITLE:
            self._named.append(text)
            if self._group.into == "styles" and ";" in text:
                self._set_style()

    def _decode(self) -> None:
        if self._bytes:
            page = self._fonts.codec_of(self._group)
            text = self._bytes.decode(page, "replace")
            self._bytes.clear()
            self._add(text)

    def _end_paragraph(self, word: bytes = b"par", number: int | None = None) -> None:
        self._decode()
        if self._group.into == "text":
            self.flow.next()
            self.flow.style(self._styles.get(self._style, Style.BODY))

    def _choose_font(self, word: bytes, number: int | None) -> None:
        self._decode()
        group = self._group
        if group.into == "fonttbl":
            self._fonts.current = number or 0
        elif word == b"f":
            group.font = number or 0
        elif word == b"af":
            group.other_font = number or 0
        elif word == b"plain":
            group.font = group.other_font = -1
            group.is_hidden = group.is_deleted = group.is_leftward = False
        else:
            group.is_leftward = word == b"rtlch"

    def _choose_style(self, word: bytes, number: int | None) -> None:
        if self._group.into == "styles":
            if word == b"s":
                self._decode()
                self._named = []
                self._style = number or 0
        elif self._group.into == "text":
            if word == b"outlinelevel":
                if number == 0:
                    self.flow.style(Style.HEADING)
                return
            self._style = number or 0 if word == b"s" else 0
            self.flow.style(self._styles.get(self._style, Style.BODY))

    def _set_style(self) -> None:
        """A style's name has come to its end."""
        name = "".join(self._named).partition(";")[0].strip().casefold()
        self._named = []
        if name in _STYLES and len(self._styles) < _MOST_STYLES:
            self._styles[self._style] = _STYLES[name]
        self._style = 0

    def _choose_page(self, word: bytes, number: int | None) -> None:
        self._decode()
        self._fonts.choose(word, number or 0)

    def _set_font(self, word: bytes, number: int | None) -> None:
        if self._group.into == "fonttbl":
            self._fonts.define(word, number or 0)


_WORDS: dict[bytes, Callable[[_Reading, bytes, int | None], None]] = {
    b"u": _Reading._unicode,
    b"uc": _Reading._skips,
    **dict.fromkeys((b"f", b"af", b"ltrch", b"rtlch", b"plain"), _Reading._choose_font),
    **dict.fromkeys((b"v", b"deleted"), _Reading._hide),
    **dict.fromkeys((b"pard", b"s", b"outlinelevel"), _Reading._choose_style),
    **dict.fromkeys((b"ansicpg", b"deff", b"mac", b"pc", b"pca"), _Reading._choose_page),
    **dict.fromkeys((b"fcharset", b"cpg"), _Reading._set_font),
    **dict.fromkeys((b"par", b"sect", b"page", b"column"), _Reading._end_paragraph),
    **dict.fromkeys((b"cell", b"nestcell", b"row", b"nestrow"), _Reading._end_paragraph),
}
