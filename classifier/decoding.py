"""Bytes ▶ text: which encoding a file is in, and the characters that do not belong in an article."""

from __future__ import annotations

import codecs
import re
import unicodedata
from dataclasses import dataclass, replace

from classifier.errors import UnreadableArticleError, empty

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

# Controls other than tab and line break, and the marks that turn or hide text: an article
# does not need them, and a terminal or a Slack client must not obey them.
_UNWANTED = re.compile(
    "[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u061c\u200b\u200d-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_LINE_BREAK = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# Arabic letters as a printer's cases hold them, which no dictionary does. The two left out are whole
# phrases in one sign, and would make of a text one of many times its length.
_SHAPED = re.compile("[\ufb50-\ufdf9\ufdfc\ufe70-\ufefc]+")
# Persian parts a word with it ("می\u200cشود") and is misspelled without; elsewhere it hides words.
_STRAY_JOINT = re.compile("(?<![\u0620-\u06d3])\u200c|\u200c(?![\u0620-\u06d3])")
_PERSIAN = re.compile("[کی]")
# To normalise takes the square of the number of marks on one letter: more than 15 ms in a longer text.
_LONG = 5000  # characters
_MOST_MARKS = 30
_PILE = re.compile(rf"[^\w\s\x00-\x7f]{{{_MOST_MARKS + 1},}}")
# All that the six above find. Most articles have nothing of it, and are looked through once.
_UNCLEAN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff"
    "\ufb50-\ufdf9\ufdfc\ufe70-\ufefc\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")

_SCRIPTS = b"\x00\x04\x06"  # high bytes of UTF-16: Latin, Cyrillic, Arabic
_PAGES = _SCRIPTS + b"\x20"  # and punctuation

# What a page, a mail or a feed may say that it is in. Other codecs of Python are not for text, or slow.
_SAID = frozenset(
    """
    utf_8 utf_16 utf_16_le utf_16_be utf_32 utf_32_le utf_32_be cp1250 cp1251 cp1252 cp1253 cp1254 cp1255
    cp1256 cp1257 cp1258 iso8859_2 iso8859_3 iso8859_4 iso8859_5 iso8859_6 iso8859_7 iso8859_8 iso8859_9
    iso8859_10 iso8859_13 iso8859_14 iso8859_15 iso8859_16 koi8_r koi8_u koi8_t kz1048 ptcp154 cp437 cp850
    cp852 cp855 cp864 cp866 mac_cyrillic mac_roman mac_latin2 mac_turkish mac_greek mac_arabic shift_jis
    cp932 euc_jp gb2312 gbk gb18030 big5 cp949 euc_kr cp874 tis_620
    """.split()
)
# By their other names; the first two are said of all that Windows writes, and of anything by default.
_OTHER_NAMES = {
    "latin_1": "cp1252",
    "iso8859_1": "cp1252",
    "cp_1251": "cp1251",
    "x_cp1251": "cp1251",
    "win_1251": "cp1251",
    "win1251": "cp1251",
    "x_mac_cyrillic": "mac_cyrillic",
    "x_sjis": "shift_jis",
    "strk1048_2002": "kz1048",
    "utf8mb4": "utf_8",
    "unicode_1_1_utf_8": "utf_8",
}
_PRINTED = {"koi8_r": "koi8-r", "koi8_u": "koi8-u", "mac_cyrillic": "x-mac-cyrillic"}

_MOST_LINES = 100_000  # of a file in two encodings

_MEND = "save it as plain text in UTF-8 and drop it again"
_NO_TEXT = "not text in any encoding we know"


@dataclass(frozen=True, slots=True)
class Decoded:
    """Clean text, and which encoding it was in: a codec of Python's.

    `losses` say in a line each what could not be read.
    """

    text: str
    encoding: str
    is_guess: bool = False
    losses: tuple[str, ...] = ()

    @property
    def caveats(self) -> tuple[str, ...]:
        guessed = (f"encoding guessed: {_printed(self.encoding)}",) if self.is_guess else ()
        return guessed + self.losses


def decode(data: bytes, declared: str | None = None) -> Decoded:
    """The clean text of a file; `declared` is the encoding that it says it is in.

    It is believed where the bytes bear it, and is then no guess. Marks at the start and UTF-8 that
    holds are stronger. Raises UnreadableArticleError where the file is empty or not text.
    """
    found = _decoded(data, declared)
    text = clean(found.text)
    if len(text) != len(found.text):
        _check_for_controls(found.text)
    if not text.strip():
        raise empty()
    return replace(found, text=text)


def clean(text: str) -> str:
    """`text` in NFC, with plain line breaks, without control, direction and invisible marks."""
    if _UNCLEAN.search(text):
        text = _LONE_SURROGATE.sub("\ufffd", text)
        text = _LINE_BREAK.sub("\n", text)
        text = _UNWANTED.sub("", text)
        text = _SHAPED.sub(_unshaped, text)
        if "\u200c" in text:
            text = _STRAY_JOINT.sub("", text) if _PERSIAN.search(text) else text.replace("\u200c", "")
    if len(text) > _LONG and not text.isascii():
        text = _PILE.sub(_lower, text)
    return unicodedata.normalize("NFC", text)


def _lower(pile: re.Match[str]) -> str:
    """As many of the marks on a letter as any language has, and more: the "stream-safe" text of UAX #15."""
    kept: list[str] = []
    marks = 0
    for character in pile[0]:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= _MOST_MARKS:
            kept.append(character)
    return "".join(kept)


def warm() -> None:
    """Load all that `decode` may need, for where no file can be opened any more."""
    from classifier import codepages

    for name in _SAID:
        codecs.lookup(name)
    for page in codepages.PAGES:
        decode("Нефть, نفط: oil".encode(page, "ignore"))
    decode("Нефть\nНефтяной терминал".encode() + "\nзавод".encode("cp1251"), "x-unknown")


def _unshaped(match: re.Match[str]) -> str:
    # The form of a vowel mark that stands alone has a blank to stand on.
    return unicodedata.normalize("NFKC", match[0]).replace(" ", "")


def _check_for_controls(text: str) -> None:
    controls = len(_CONTROL.findall(text))
    if controls * 20 > len(text):
        kind = "zero bytes" if text.count("\0") * 2 > controls else "control characters"
        raise UnreadableArticleError(f"not text: too many {kind}", _MEND)


def _decoded(data: bytes, declared: str | None) -> Decoded:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _marked(data[len(mark) :], encoding)
    wide = _wide_encoding(data)
    if wide:
        said = _codec(declared)
        return replace(_wide(data, wide), is_guess=not (said and said.startswith("utf_16")))
    try:
        return Decoded(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        found = _cesu8(data) or _nearly_utf8(data) or _mixed(data) or _as_declared(data, declared)
        return found or _guessed(data) or _broken_utf8(data)


def _marked(data: bytes, encoding: str) -> Decoded:
    """Of a file whose mark says what it is in."""
    if encoding != "utf-8":
        return _wide(data, encoding)
    try:
        return Decoded(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        return _nearly_utf8(data) or _mixed(data) or _guessed(data) or _broken_utf8(data)


def _wide(data: bytes, encoding: str) -> Decoded:
    """UTF-16 or UTF-32, of which the last character may be cut off."""
    width = 4 if "32" in encoding else 2
    rest = len(data) % width
    text = data[: len(data) - rest].decode(encoding, "replace")
    lost = _new_losses(text, data, "\ufffd".encode(encoding)) + bool(rest)
    if lost * 50 > len(text) + 50 or (lost and lost * 2 >= len(text)):
        raise UnreadableArticleError(f"begins like {encoding} and is not", _MEND)
    return Decoded(text, encoding, losses=_losses(lost))


def _wide_encoding(data: bytes) -> str | None:
    """UTF-16 without a mark: every second byte is one of a few (a script's page, or zero)."""
    sample = data[:4096]
    if not (b"\0" in sample or b"\4" in sample or b"\6" in sample) or len(sample) < 4:
        return None
    for offset, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        high = sample[offset : len(sample) // 2 * 2 : 2]
        low = sample[1 - offset : len(sample) // 2 * 2 : 2]
        others = len(high.translate(None, _PAGES))
        letters = len(high) - len(high.translate(None, _SCRIPTS))
        if others <= 0.05 * len(high) and letters * 2 > len(high) and len(set(low)) > len(set(high)):
            return encoding
    return None


def _cesu8(data: bytes) -> Decoded | None:
    """UTF-8 in which a character beyond 65,535 stands as two, as some databases write it (UTR #26)."""
    try:
        pairs = data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None
    text = pairs.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return Decoded(text, "utf-8", losses=_losses(_new_losses(text, data, b"\xef\xbf\xbd")))


def _nearly_utf8(data: bytes) -> Decoded | None:
    """UTF-8 with a letter cut off at its end, or a few broken bytes among many sound ones."""
    text = data.decode("utf-8", "replace")
    lost = _new_losses(text, data, b"\xef\xbf\xbd")
    sound = len(text) - len(text.encode("ascii", "ignore")) - text.count("\ufffd")
    is_cut = lost == 1 and text.endswith("\ufffd") and sound > 0
    if is_cut:
        text = text[:-1]
    elif lost * 4 > sound:
        return None
    return Decoded(text, "utf-8", losses=_losses(lost))


def _mixed(data: bytes) -> Decoded | None:
    """Lines of UTF-8 and lines in a code page: files that were put together of others."""
    if data.count(b"\n") > _MOST_LINES:
        return None
    lines = data.split(b"\n")
    sound = [_utf8(line) for line in lines]
    others = b"\n".join(line for line, text in zip(lines, sound, strict=True) if text is None)
    letters = sum(len(text) - len(text.encode("ascii", "ignore")) for text in sound if text)
    if letters < 10 or letters * 10 < len(others):
        return None
    page = _page(others)
    if page is None:
        return None
    whole = (
        line.decode(page, "replace") if text is None else text
        for line, text in zip(lines, sound, strict=True)
    )
    return Decoded("\n".join(whole), "utf-8", losses=(f"some lines guessed: {_printed(page)}",))


def _utf8(line: bytes) -> str | None:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _as_declared(data: bytes, declared: str | None) -> Decoded | None:
    codec = _codec(declared)
    if codec is None or codec == "utf_8":
        return None
    from classifier import codepages

    if codepages.is_lie(data, codec):
        return None
    text = data.decode(codec, "replace")
    lost = text.count("\ufffd")
    if lost * 100 > len(text) or len(_UNWANTED.findall(text)) * 50 > len(text):
        return None
    return Decoded(text, codec, losses=_losses(lost))


def _codec(declared: str | None) -> str | None:
    """Python's name of a declared encoding; None where we do not know it, or where it says nothing."""
    if not declared or len(declared) > 40:
        return None
    from encodings import normalize_encoding
    from encodings.aliases import aliases

    name = normalize_encoding(declared.strip().strip("\"'").lower())
    name = _OTHER_NAMES.get(name, aliases.get(name, name))
    name = _OTHER_NAMES.get(name, name)
    return name if name in _SAID else None


def _broken_utf8(data: bytes) -> Decoded:
    """UTF-8 but for a few bytes, which are those of no code page either."""
    text = data.decode("utf-8", "replace")
    lost = _new_losses(text, data, b"\xef\xbf\xbd")
    if lost * 50 > len(text) or len(_UNWANTED.findall(text)) * 50 > len(text):
        raise UnreadableArticleError(_NO_TEXT, _MEND)
    return Decoded(text, "utf-8", losses=_losses(lost))


def _guessed(data: bytes) -> Decoded | None:
    page = _page(data)
    if page is None:
        return None
    text = data.decode(page, "replace")
    lost = text.count("\ufffd")
    if lost * 100 > len(text) or len(_UNWANTED.findall(text)) * 50 > len(text):
        return None
    return Decoded(text, page, is_guess=True, losses=_losses(lost))


def _page(data: bytes) -> str | None:
    # Imported here: most files are UTF-8 and never need it.
    from classifier import codepages

    return codepages.guess(data)


def _new_losses(text: str, data: bytes, sign: bytes) -> int:
    """How many characters could not be decoded; some say themselves that another could not."""
    return text.count("\ufffd") - data.count(sign)


def _losses(number: int) -> tuple[str, ...]:
    if number < 1:
        return ()
    return (f"unreadable: {number} character{'s' if number > 1 else ''}",)


def _printed(codec: str) -> str:
    """The name of an encoding that people know."""
    if codec.startswith("cp125"):
        return f"windows-{codec[2:]}"
    return _PRINTED.get(codec, codec.replace("iso8859_", "iso-8859-"))
