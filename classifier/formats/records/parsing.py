"""Bytes ▶ JSON, whole or line by line."""

from __future__ import annotations

import json
from collections.abc import Iterator

from classifier import decoding
from classifier.errors import UnreadableArticleError, empty

MEND = "mend the file, or name its keys in the configuration"
_LONGEST_NUMBER = 300  # digits


def text_of(data: bytes) -> tuple[str, tuple[str, ...]]:
    """The file's characters. Not cleaned yet: a line break that is data must not part a line."""
    if not data.strip(b" \t\r\n\0"):
        raise empty()
    encoding = json.detect_encoding(data)
    try:
        return data.decode(encoding), ()
    except UnicodeDecodeError:
        decoded = decoding.decode(data)
        return decoded.text, decoded.caveats


def parsed(text: str, at: int | None = None) -> object:
    """JSON ▶ what it says. NaN is nothing; of a key that comes twice the last counts."""
    try:
        return json.loads(text, strict=False, parse_int=_integer, parse_constant=_nothing_of)
    except json.JSONDecodeError as error:
        where = "" if at else f" at line {error.lineno}"
        if error.pos >= len(text.rstrip()):
            where += ", where it ends too early"
        raise UnreadableArticleError(f"not JSON: {error.msg.removesuffix(' at')}{where}", MEND) from error
    except RecursionError as error:
        raise UnreadableArticleError("not JSON that we read: nested too deep", MEND) from error


def _integer(digits: str) -> int | None:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else None


def _nothing_of(constant: str) -> None:
    return None


def is_of_lines(text: str, name: str) -> bool:
    """By its name, or because its first line is an object and another follows."""
    if name.lower().endswith((".jsonl", ".ndjson")):
        return not text.lstrip("\ufeff \t\r\n").startswith("[")
    first, _, rest = text.strip().partition("\n")
    if not (
        first.lstrip().startswith("{") and first.rstrip().endswith("}") and rest.lstrip().startswith("{")
    ):
        return False
    try:
        parsed(first)
    except UnreadableArticleError:
        return False
    return True


def lines_of(text: str) -> Iterator[tuple[int, str]]:
    """The lines that are not empty, with their numbers."""
    place, number = 0, 0
    while place < len(text):
        number += 1
        end = text.find("\n", place)
        end = len(text) if end < 0 else end
        line = text[place:end].strip("\ufeff \t\r")
        if line:
            yield number, line
        place = end + 1
