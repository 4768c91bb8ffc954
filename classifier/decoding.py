"""Bytes ▶ text: which encoding a file is in, and the characters that do not belong in an article."""

from __future__ import annotations

import codecs
import re
import unicodedata
from dataclasses import dataclass, replace

from classifier.errors import UnreadableArticleError

# The code pages that Cyrillic and Arabic newsrooms still save in; others are not guessed at.
_CODE_PAGES = ["cp1251", "koi8_r", "cp1256", "iso8859_6", "cp1252"]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

# Controls other than tab and line break, and the marks that turn or hide text: an article
# does not need them, and a terminal or a Slack client must not obey them.
_UNWANTED = re.compile(
    "[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
_LINE_BREAK = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# All that the three above find. Most articles have nothing of it, and are looked through once.
_UNCLEAN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
# The high bytes of UTF-16: zero, and the pages of Cyrillic, Arabic and of punctuation.
_PAGES = b"\x00\x04\x06\x20"

_MEND = "save it as plain text in UTF-8 and drop it again"


@dataclass(frozen=True, slots=True)
class Decoded:
    """Clean text, and which encoding it was in."""

    text: str
    encoding: str
    is_guess: bool = False

    @property
    def remarks(self) -> tuple[str, ...]:
        return (f"encoding guessed: {self.encoding}",) if self.is_guess else ()


def decode(data: bytes, declared: str | None = None) -> Decoded:
    """The clean text of a file; `declared` is the encoding that it says it is in.

    Raises UnreadableArticleError where it is empty or not text.
    """
    found = _decoded(data)
    text = clean(found.text)
    if not text.strip():
        raise UnreadableArticleError("empty", "drop it again when there is text in it")
    return replace(found, text=text)


def clean(text: str) -> str:
    """`text` in NFC, with plain line breaks, without control, direction and invisible marks."""
    if _UNCLEAN.search(text):
        text = _LONE_SURROGATE.sub("\ufffd", text)
        text = _LINE_BREAK.sub("\n", text)
        text = _UNWANTED.sub("", text)
    return unicodedata.normalize("NFC", text)


def _decoded(data: bytes) -> Decoded:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return Decoded(_strictly(data, encoding), encoding)
    wide = _wide_encoding(data)
    if wide:
        return Decoded(_strictly(data, wide), wide, is_guess=True)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return _guessed(data)
    if text.count("\0") * 20 > len(text):
        raise UnreadableArticleError("not text: too many zero bytes", _MEND)
    return Decoded(text, "utf-8")


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        reason = f"begins like {encoding} and is not: {error.reason} at byte {error.start}"
        raise UnreadableArticleError(reason, _MEND) from error


def _wide_encoding(data: bytes) -> str | None:
    """UTF-16 without a mark: every second byte is one of a few (a script's page, or zero)."""
    sample = data[:4096]
    if len(data) % 2 or len(sample) < 8:
        return None
    for offset, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        high = sample[offset::2]
        low = sample[1 - offset :: 2]
        others = len(high.translate(None, _PAGES))
        if others <= 0.05 * len(high) and len(set(low)) > len(set(high)):
            return encoding
    return None


def _guessed(data: bytes) -> Decoded:
    # Imported here: most files are UTF-8 and never need it.
    from charset_normalizer import from_bytes

    guess = from_bytes(data[: 256 * 1024], cp_isolation=_CODE_PAGES).best()
    if guess is None:
        raise UnreadableArticleError("not text in any encoding we know", _MEND)
    text = data.decode(guess.encoding, errors="replace")
    if text.count("\ufffd") * 100 > len(text) or len(_UNWANTED.findall(text)) * 50 > len(text):
        raise UnreadableArticleError("not text in any encoding we know", _MEND)
    return Decoded(text, guess.encoding, is_guess=True)
