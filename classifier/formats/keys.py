"""The values of a JSON record by their keys, as an owner or a news service calls them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Record = dict[str, Any]


def first(record: Record, keys: Sequence[str], sound: Callable[[object], str | None]) -> str | None:
    """The first of these keys whose value is sound."""
    for key in keys:
        found = sound(value(record, key))
        if found:
            return found
    return None


def value(record: Record, key: str) -> object:
    """The value of a key; dots reach into an inner record, and into the first of a list."""
    if key in record:
        return record[key]
    found: object = record
    for step in key.split("."):
        if isinstance(found, list) and found:
            found = found[0]
        if not isinstance(found, dict):
            return None
        found = found.get(step)
    return found


def prose(given: object) -> str | None:
    """A text, or a list of its paragraphs."""
    if isinstance(given, list) and given and all(isinstance(each, str) for each in given):
        given = "\n".join(given)
    return given if isinstance(given, str) and given.strip() else None


def one_line(given: object) -> str | None:
    """A text without line breaks; None where it is empty, or is none."""
    return " ".join(given.split()) or None if isinstance(given, str) else None
