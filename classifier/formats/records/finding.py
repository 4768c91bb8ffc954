"""JSON ▶ its records, wherever in it they are."""

from __future__ import annotations

from classifier.errors import UnreadableArticleError
from classifier.formats import keys
from classifier.formats.keys import Record
from classifier.formats.records.fields import TEXTS, TITLES
from classifier.formats.records.parsing import MEND
from classifier.rules import Rules

_LISTS = ("articles", "items", "results", "data", "entries", "records", "docs", "news", "hits", "@graph")
_MOST_LOOKED_AT = 2_000  # values in which a list of records is looked for
_DEEPEST = 4  # objects in objects


def records_of(whole: object, rules: Rules) -> list[object]:
    """The records of a file: it is one, a list of them, or has such a list somewhere."""
    if isinstance(whole, list):
        return whole
    if not isinstance(whole, dict):
        raise UnreadableArticleError("no text: neither an object nor a list of them", MEND)
    if keys.first(whole, rules.text_fields, keys.prose):
        return [whole]
    return _list_in(whole, rules) or [whole]


def _list_in(whole: Record, rules: Rules) -> list[object] | None:
    """The first list of records with a title or a text, those of a likely name first, the nearest first."""
    level: list[object] = [whole]
    looked_at = 0
    for _ in range(_DEEPEST):
        below: list[object] = []
        for each in level:
            if not isinstance(each, dict):
                continue
            likely = [each[key] for key in _LISTS if key in each]
            for value in [*likely, *each.values()]:
                looked_at += 1
                if looked_at > _MOST_LOOKED_AT:
                    return None
                if isinstance(value, list) and _is_of_records(value, rules):
                    return value
                if isinstance(value, dict):
                    below.append(value)
        level = below
    return None


def _is_of_records(values: list[object], rules: Rules) -> bool:
    for each in values[:20]:
        record = unwrapped(each)
        if record is not None and (
            keys.first(record, (*rules.text_fields, *TEXTS), keys.prose)
            and keys.first(record, (*rules.title_fields, *TITLES), keys.prose)
        ):
            return True
    return False


def unwrapped(given: object) -> Record | None:
    """The record itself; search engines put it into another."""
    if not isinstance(given, dict):
        return None
    inner = given.get("_source")
    return inner if isinstance(inner, dict) else given


def outlet_of(whole: object) -> str | None:
    """The name of a JSON Feed."""
    if not isinstance(whole, dict):
        return None
    version = whole.get("version")
    is_feed = isinstance(version, str) and "jsonfeed.org/version" in version
    return keys.one_line(whole.get("title")) if is_feed else None
