"""Plain texts, which are read without a jail: all that they do, they do to us."""

from __future__ import annotations

import codecs
import random

from tests.hostile_files.corpus import either, read, refused
from tests.hostile_files.sound import TEXT, WORD, text

_MIB = 2**20


def _noise(size: int, seed: int = 7) -> bytes:
    return random.Random(seed).randbytes(size)


def _among(each: str, times: int) -> bytes:
    """The usual text with something after its first word, and again at its end."""
    return f"{TEXT} {each * times}\n{TEXT}".encode("utf-8", "surrogatepass")


_RUSSIAN = "Нефтеперерабатывающий завод в Атырау возобновил переработку нефти в понедельник.\n" * 20

CASES = (
    refused("nothing", "a.txt", lambda: b"", "empty"),
    refused("blanks", "a.txt", lambda: b" \t\r\n" * 100_000, "empty"),
    refused(
        "blanks of all kinds",
        "a.txt",
        lambda: "\u00a0\u2003\u3000\u200b\ufeff\u2028".encode() * 9999,
        "empty",
    ),
    refused("a mark of UTF-8 and no more", "a.txt", lambda: codecs.BOM_UTF8, "empty"),
    refused("a mark of UTF-16 and no more", "a.txt", lambda: codecs.BOM_UTF16_LE, "empty"),
    refused("a mark of UTF-32 and no more", "a.txt", lambda: codecs.BOM_UTF32_BE, "empty"),
    refused("a single zero byte", "a.txt", lambda: b"\0", "."),
    refused("zero bytes", "a.txt", lambda: bytes(_MIB), "."),
    refused("60 MiB of zero bytes", "a.txt", lambda: bytes(60 * _MIB), ".", slow=True),
    refused("controls", "a.txt", lambda: bytes(range(1, 9)) * 9999, "."),
    read("zero bytes between", "a.txt", lambda: _among("\0", 3), WORD),
    read("controls between", "a.txt", lambda: _among("\x07\x1b[31m\x08", 3), WORD),
    read("text turned around", "a.txt", lambda: _among("\u202e\u2067\u2066\u200f", 999), WORD),
    read("invisible marks", "a.txt", lambda: _among("\u200b\ufeff\u00ad\u2060", 99_999), WORD),
    read("tags of invisible letters", "a.txt", lambda: _among("\U000e0041\U000e0042", 9999), WORD),
    read("noncharacters", "a.txt", lambda: _among("\ufffe\uffff\U0010ffff", 999), WORD),
    read("letters of private use", "a.txt", lambda: _among("\ue000\uf8ff", 9999), WORD),
    read("lone surrogates as UTF-8", "a.txt", lambda: _among("\ud800\udfff", 3), "refinery"),
    either(
        "lone surrogates in UTF-16",
        "a.txt",
        lambda: codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le") + b"\0\xd8",
    ),
    either("UTF-16 with half a letter", "a.txt", lambda: TEXT.encode("utf-16")[:-1], "refinery"),
    either("UTF-16 the other way round", "a.txt", lambda: codecs.BOM_UTF16_BE + TEXT.encode("utf-16-le")),
    read("UTF-32", "a.txt", lambda: TEXT.encode("utf-32"), WORD),
    either("UTF-7", "a.txt", lambda: (TEXT + "é").encode("utf-7"), WORD),
    either("overlong UTF-8", "a.txt", lambda: text() + b"\xc0\xaf\xe0\x80\xaf" * 3, "refinery"),
    either("EBCDIC", "a.txt", lambda: TEXT.encode("cp500") * 9),
    either("two code pages", "a.txt", lambda: _RUSSIAN.encode("cp1251") + _RUSSIAN.encode("koi8-r")),
    either("a code page in UTF-8", "a.txt", lambda: _RUSSIAN.encode() + _RUSSIAN.encode("cp1251")),
    either("one bad byte in a long text", "a.txt", lambda: text() * 9999 + b"\xff" + text(), WORD),
    read("a million marks on one letter", "a.txt", lambda: _among("\u0301", _MIB), WORD),
    read("marks that must be sorted", "a.txt", lambda: _among("\u0301\u0323", 100_000), WORD),
    read(
        "a million marks that must be sorted",
        "a.txt",
        lambda: _among("\u0301\u0323", 500_000),
        WORD,
        slow=True,
    ),
    read(
        "a few marks on each letter", "a.txt", lambda: _among("a\u0301\u0323\u0334\u0345\u0489", 99_999), WORD
    ),
    read("letters that grow when composed", "a.txt", lambda: _among("\U0001d160", _MIB // 2), WORD),
    read("a word that grows eighteenfold", "a.txt", lambda: _among("\ufdfa", _MIB), WORD),
    read("syllables in parts", "a.txt", lambda: _among("\u1100\u1161\u11a8", 300_000), WORD),
    read("one line of 4 MB", "a.txt", lambda: _among("oil ", 999_000), WORD),
    read("one word of 4 MB", "a.txt", lambda: _among("o", 4_000_000), WORD),
    read("a million lines", "a.txt", lambda: _among("o\n", 999_000), WORD, slow=True),
    read("a million empty lines", "a.txt", lambda: _among("\n", 3_999_000), WORD, slow=True),
    read("line breaks of all kinds", "a.txt", lambda: _among("\r\x0b\x0c\x85\u2028\u2029\r\n", 99_999), WORD),
    refused("a line of 100 MB", "a.txt", lambda: b"o" * 100_000_000, "longer than", slow=True),
    refused("60 MiB of lines", "a.txt", lambda: b"oil rose\n" * 6_900_000, "longer than", slow=True),
    refused(
        "60 MiB of Cyrillic", "a.txt", lambda: _RUSSIAN.encode("cp1251") * 39_000, "longer than", slow=True
    ),
    either(
        "a digest of 100,000 articles",
        "a.txt",
        lambda: _among("\n05.03.2026, 15:20 1\nOil rose.\n", 99_999),
        WORD,
    ),
    either("a digest of dates alone", "a.txt", lambda: _among("\n05.03.2026, 15:20 1", 150_000), WORD),
    read("dates without an end", "a.txt", lambda: _among("05.03.2026, 15:20 ", 99_999), WORD),
    read("digits", "a.txt", lambda: _among("1", _MIB), WORD),
    read("digits of all scripts", "a.txt", lambda: _among("٣९𝟗", 300_000), WORD),
    read("a date of a million digits", "a.txt", lambda: b"1" * _MIB + b" March 2026\n" + text(), WORD),
    read("opening brackets", "a.txt", lambda: _among("[({<", 300_000), WORD),
    read("sentence ends", "a.txt", lambda: _among(". ", _MIB), WORD),
    read("headers of a mail without end", "a.txt", lambda: _among("Subject: ", 300_000), WORD),
    read("addresses", "a.txt", lambda: _among("http://a.example/?a=1&b=", 99_999), WORD),
    either("markdown: brackets", "a.md", lambda: _among("[", 300_000), WORD, slow=True),
    either("markdown: emphasis", "a.md", lambda: _among("**a _b ", 200_000), WORD, slow=True),
    either("markdown: pictures", "a.md", lambda: _among("![a](b", 99_999), WORD, slow=True),
    either(
        "markdown: backticks",
        "a.md",
        lambda: "`".join("x" * (n % 50) for n in range(99_999)).encode() + text(),
        WORD,
        slow=True,
    ),
    either("markdown: quotes in quotes", "a.md", lambda: text() + b"\n\n" + b">" * 300_000 + b" oil\n", WORD),
    either(
        "markdown: lists in lists",
        "a.md",
        lambda: text() + b"\n\n" + b"- " * 300_000 + b"oil\n",
        WORD,
        slow=True,
    ),
    either(
        "markdown: link definitions", "a.md", lambda: text() + b"\n\n" + b"[a]: b\n" * 99_999, WORD, slow=True
    ),
    either("markdown: entities", "a.md", lambda: _among("&amp;&#x41;", 99_999), WORD, slow=True),
    either("markdown: 5,000 brackets", "a.md", lambda: _among("[", 5_000), WORD),
    either("markdown: 5,000 openings of emphasis", "a.md", lambda: _among("**a _b ", 5_000), WORD),
    either("markdown: 5,000 pictures that do not end", "a.md", lambda: _among("![a](b", 5_000), WORD),
    either("markdown: 5,000 backslashes", "a.md", lambda: _among("\\", 5_000), WORD),
    either("markdown: 5,000 blocks of HTML", "a.md", lambda: _among("\n<div", 5_000), WORD),
    either("markdown: 5,000 entities", "a.md", lambda: _among("&amp;&#x41;", 5_000), WORD),
    read("50,000 lines", "a.txt", lambda: _among("o\n", 50_000), WORD),
    either("markdown: table of pipes", "a.md", lambda: _among("|", 999_999), WORD),
    either(
        "markdown: front matter without end",
        "a.md",
        lambda: b"---\n" + b"a: b\n" * 300_000 + text(),
        WORD,
        slow=True,
    ),
    either("markdown: html blocks", "a.md", lambda: _among("\n<div", 99_999), WORD, slow=True),
    either("markdown: autolinks", "a.md", lambda: _among("<http:", 99_999), WORD, slow=True),
    either("markdown: backslashes", "a.md", lambda: _among("\\", 999_999), WORD, slow=True),
    either("noise of 1 KiB", "a.txt", lambda: _noise(1024)),
    either("noise of 64 KiB", "a.txt", lambda: _noise(65_536)),
    either("noise of 4 MiB", "a.txt", lambda: _noise(4 * _MIB)),
    either("noise of 60 MiB", "a.txt", lambda: _noise(60 * _MIB), slow=True),
    either("noise without zeros", "a.txt", lambda: _noise(_MIB).replace(b"\0", b"a")),
    either("noise of high bytes", "a.txt", lambda: bytes(byte | 0x80 for byte in _noise(_MIB))),
    read("a name of 64 kB", "a" * 65_536 + ".txt", text, WORD),
    read("a name with a zero byte", "a\0.txt", text, WORD),
    read("a name of dots", "../../..", text, WORD),
    read("a name of lone surrogates", "\ud800\udfff.html", text, WORD),
    read("no name", "", text, WORD),
)
