"""JSON and JSON Lines: numbers, depths and texts that are none."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.hostile_files.corpus import Case, either, read, refused
from tests.hostile_files.sound import TITLE, WORD, record, records, text

_MIB = 2**20
_TEXT = json.dumps(text().decode())


def _with(title: str, extra: str | Callable[[], str], *words: str, slow: bool = False) -> Case:
    """A sound record with something more in it."""

    def build() -> bytes:
        more = extra if isinstance(extra, str) else extra()
        return f'{{"title": "{TITLE}", "more": {more}, "text": {_TEXT}}}'.encode("utf-8", "surrogatepass")

    return either(title, "a.json", build, *words, slow=slow)


def _as(title: str, written: str, *words: str) -> Case:
    return either(title, "a.json", lambda: f'{{"title": "{TITLE}", "text": {written}}}'.encode(), *words)


CASES = (
    _with("300,000 lists in each other", "[" * 300_000 + "]" * 300_000),
    _with("300,000 records in each other", '{"a":' * 300_000 + "1" + "}" * 300_000),
    _with("500 lists in each other", "[" * 500 + "]" * 500, WORD),
    either("100,000 lists that do not end", "a.json", lambda: b"[" * 100_000),
    either("its text 100,000 records deep", "a.json", lambda: b'{"a":' * 100_000 + record() + b"}" * 100_000),
    _with("a number of a million digits", "9" * _MIB),
    _with("a number with a million digits behind its point", "0." + "9" * _MIB, WORD),
    _with("numbers that are none", "[NaN, Infinity, -Infinity, 1e999999]"),
    _with("a number of a huge power", "1e-9999999999999999999", WORD),
    _with("a text of 20 MB", f'"{"x" * 20 * _MIB}"', WORD),
    _with("4 MB of letters by number", '"' + "\\u0061" * 700_000 + '"', WORD),
    _with("a million keys", lambda: "{" + ",".join(f'"{n}":0' for n in range(500_000)) + "}", slow=True),
    _with("one key 300,000 times", lambda: "{" + ",".join(['"a":0'] * 300_000) + "}", WORD),
    _with("a million numbers", "[" + "0," * 1_000_000 + "0]", WORD),
    _as("a text of lone surrogates", '"oil \\ud800 \\udfff \\ud83d"', "oil"),
    _as("a text of zeros and marks", '"oil \\u0000\\u202e\\u001b[31m"', "oil"),
    _as("a text of marks that must be sorted", '"oil a' + "\\u0301\\u0323" * 200_000 + '"', "oil"),
    _as("a text that is a number", "7"),
    _as("a text that is a list", '["oil", ["rose"], 7, null]'),
    _as("a text that is a record", '{"text": {"text": {"text": "oil"}}}'),
    _as("no text", "null"),
    _as("an empty text", '""'),
    _as("a text of HTML", json.dumps("<p>oil" + "<!--" * 99_999), "oil"),
    _as("a text of 5 MB", '"' + "oil " * 1_250_000 + '"'),
    refused("no record", "a.json", lambda: b"[]", "."),
    refused("no text in any", "a.json", lambda: b'[{"title": "a"}, {"title": "b"}]', "."),
    refused("a record of numbers", "a.json", lambda: b"[1, 2, 3]", "."),
    either(
        "60 MiB of records", "a.json", lambda: b"[" + (record() + b",") * 170_000 + record() + b"]", slow=True
    ),
    either("10,000 records", "a.json", lambda: b"[" + (record() + b",") * 9_999 + record() + b"]", slow=True),
    either(
        "60 MiB of one list", "a.json", lambda: b'[{"text": "oil"}' + b",0" * 31_000_000 + b"]", slow=True
    ),
    either("60 MiB of lists", "a.json", lambda: b'[{"text": "oil"}' + b",[]" * 20_000_000 + b"]", slow=True),
    either("60 MiB of blanks", "a.json", lambda: b"{" + b" " * 60 * _MIB + record()[1:], slow=True),
    either("half of a record", "a.json", lambda: record()[:100]),
    either("something behind it", "a.json", lambda: record() + b" oil }"),
    either("two records without a line between", "a.json", lambda: record() + record()),
    either("a comment in it", "a.json", lambda: b"/* oil */" + record(), WORD),
    either("bytes that are no UTF-8", "a.json", lambda: record().replace(b"April", b"\xff\xfe")),
    read("in UTF-16", "a.json", lambda: record().decode().encode("utf-16"), WORD),
    read("in UTF-16 without a mark", "a.json", lambda: record().decode().encode("utf-16-le"), WORD),
    read("in UTF-32", "a.json", lambda: record().decode().encode("utf-32"), WORD),
    read("behind a mark", "a.json", lambda: b"\xef\xbb\xbf" + record(), WORD),
    _with(
        "particulars of other kinds",
        '0, "id": [1], "date": {"a": 1}, "lang": 7, "author": [[]], "url": 5, "source": {}',
        WORD,
    ),
    _with("particulars that are huge", '0, "id": "' + "x" * _MIB + '", "date": "' + "9" * _MIB + '"', WORD),
    read(
        "lines, some of which are none",
        "a.jsonl",
        lambda: records() + b"oil\n{\n[]\nnull\n7\n" + records(),
        WORD,
    ),
    either("lines: the first is none", "a.jsonl", lambda: b"{oil}\n" + records(), WORD),
    either("lines: 20,000", "a.jsonl", lambda: records() * 10_000, slow=True),
    either("lines: 60 MiB", "a.jsonl", lambda: records() * 80_000, slow=True),
    either(
        "lines: a million that are empty",
        "a.jsonl",
        lambda: records() + b"\n" * 1_000_000 + records(),
        WORD,
        slow=True,
    ),
    either(
        "lines: 300,000 that are none",
        "a.jsonl",
        lambda: records() + b"{\n" * 300_000 + records(),
        WORD,
        slow=True,
    ),
    either(
        "lines: one of 300,000 lists", "a.jsonl", lambda: records() + b"[" * 300_000 + b"\n" + records(), WORD
    ),
    either(
        "lines: one of 20 MB",
        "a.jsonl",
        lambda: records() + b'{"text": "' + b"x" * 20 * _MIB + b'"}\n' + records(),
        WORD,
        slow=True,
    ),
    either(
        "lines: line breaks of another kind", "a.jsonl", lambda: records().replace(b"\n", b"\xe2\x80\xa8")
    ),
    either("lines: cut off", "a.jsonl", lambda: records()[:-50], WORD),
)
