"""The JSON-LD of a web page ▶ its records, and which of them is of the page's own article."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

Record: TypeAlias = dict[str, Any]

_MOST_DATA = 2**20  # characters in a page
_MOST_RECORDS = 200  # that are looked at


def records_of(scripts: Iterable[str]) -> list[Record]:
    """The records that stand at the top of a page's JSON-LD, and in its graphs and `mainEntity`."""
    waiting: list[Any] = []
    room = _MOST_DATA
    for script in scripts:
        room -= len(script)
        if room < 0:
            break
        try:
            waiting.append(json.loads(script.strip().rstrip(";"), strict=False))
        except (ValueError, RecursionError):
            continue
    found: list[Record] = []
    while waiting and len(found) < _MOST_RECORDS:
        each = waiting.pop(0)
        if isinstance(each, list):
            waiting[:0] = each[:_MOST_RECORDS]
        elif isinstance(each, dict):
            found.append(each)
            waiting[:0] = [each[key] for key in ("@graph", "mainEntity") if key in each]
    return found


def types(record: Record) -> list[str]:
    return [each for each in listed(record.get("@type")) if isinstance(each, str)]


def _is_article(record: Record) -> bool:
    return any(
        kind.rpartition("/")[2].endswith(("Article", "BlogPosting", "Report")) for kind in types(record)
    )


def article_of(records: list[Record], address: str | None) -> Record:
    """The record of the page's own article; empty where there is none, or one of several unnamed."""
    articles = [record for record in records if _is_article(record)]
    if len(articles) > 1 and address:
        articles = [record for record in articles if address in addresses(record)] or articles
    said = {(str(each.get("headline")), str(each.get("datePublished"))) for each in articles}
    return articles[0] if len(said) == 1 else {}


def addresses(record: Record) -> list[str]:
    given = [record.get("url"), record.get("@id"), record.get("mainEntityOfPage")]
    given += [each.get("@id") for each in given if isinstance(each, dict)]
    return [each for each in given if isinstance(each, str)]


def listed(given: Any) -> list[Any]:
    return given[:20] if isinstance(given, list) else [given]


def names(given: Any) -> Iterator[str]:
    for each in listed(given):
        name = each.get("name") if isinstance(each, dict) else each
        for one in listed(name):
            if isinstance(one, str):
                yield one
