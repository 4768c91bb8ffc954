"""RTF: groups that do not end, lengths that lie, letters that are none."""

from __future__ import annotations

from tests.hostile_files.corpus import Case, either, read, refused
from tests.hostile_files.sound import WORD, rich

_MIB = 2**20


def _with(title: str, extra: str, *words: str, slow: bool = False) -> Case:
    return either(title, "a.rtf", lambda: rich(extra), *words, slow=slow)


CASES = (
    _with("300,000 groups that do not end", "{" * 300_000, WORD),
    refused(
        "300,000 groups in each other",
        "a.rtf",
        lambda: rich("{" * 300_000 + "}" * 300_000),
        "nested too deep",
    ),
    _with("300,000 ends of groups", "}" * 300_000),
    _with("bytes as many as 2^31", "\\bin2147483647 "),
    _with("bytes below zero", "\\bin-1 x", WORD),
    _with("300,000 times no bytes", "\\bin0 " * 300_000, WORD),
    read("a picture of 20 MB", "a.rtf", lambda: rich("{\\pict\\pngblip " + "ab" * 10 * _MIB + "}"), WORD),
    read(
        "a picture of 2 MB",
        "a.rtf",
        lambda: rich("{\\*\\shppict{\\pict\\pngblip\n" + ("ab" * 64 + "\n") * 16_000 + "}}"),
        WORD,
    ),
    _with("a picture that does not end", "{\\pict " + "ab" * _MIB),
    _with("letters of no number", "\\u-99999?\\u999999999?\\u?" * 9999, WORD),
    read("lone surrogates", "a.rtf", lambda: rich("\\u-10240?\\u-8193? " * 99), WORD),
    _with("300,000 letters by number", "\\u1171?" * 300_000, WORD),
    _with("letters that stand for a million", "\\uc1000000\\u1171?"),
    _with("letters that stand for less than none", "\\uc-5\\u1171?", WORD),
    _with("hexadecimal that is none", "\\'zz\\'g\\'" * 9999, WORD),
    _with("300,000 letters by byte", "\\'e0" * 300_000, WORD),
    _with("a million control words", "\\b0" * 1_000_000 + " ", WORD),
    _with("a control word of 1 MB", "\\" + "a" * _MIB + " ", WORD),
    _with("a number of a million digits", "\\b" + "9" * _MIB + " ", WORD),
    _with("a million backslashes", "\\" * _MIB, WORD),
    _with("a million stars", "{\\*" * 100_000, WORD),
    _with("30,000 objects in each other", "{\\object{\\*\\objdata " * 30_000 + "}}" * 30_000, WORD),
    _with("100,000 fonts", "{\\fonttbl" + "{\\f0\\fcharset204 Arial;}" * 100_000 + "}", WORD),
    _with("a code page that is none", "\\ansicpg99999 \\'e0", WORD),
    _with("a code page that is a codec", "\\ansicpg-1 \\'e0", WORD),
    _with("fields in each other", "{\\field{\\*\\fldinst HYPERLINK x}{\\fldrslt " * 20_000, WORD),
    _with("tables of 100,000 cells", "\\trowd\\cellx1 x\\cell\\row " * 100_000, WORD),
    _with("zero bytes", "\0" * 9999, WORD),
    _with("3 MB of letters", "oil " * 750_000 + "\\par ", WORD),
    _with("30 MB of letters", "oil " * 7_500_000 + "\\par ", slow=True),
    _with("400,000 lines", "oil\\par " * 400_000, WORD),
    refused("no text", "a.rtf", lambda: b"{\\rtf1\\ansi{\\fonttbl{\\f0 Arial;}}}", "no text|empty"),
    refused("no more than its name", "a.rtf", lambda: b"{\\rtf", "no text|empty|sound"),
    read("without its end", "a.rtf", lambda: rich()[:-1], WORD),
    read("text behind its end", "a.rtf", lambda: rich() + b"x" * 9999, WORD),
    either("half of it", "a.rtf", lambda: rich()[:200]),
)
