"""What comes out of the jail, as bytes: contents or a failure, in JSON and nothing else.

A hostile file may have become the parser. So nothing is believed of an answer but its shape, which
is checked, and its text, which is cleaned.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from classifier.articles import Article, Contents
from classifier.decoding import clean
from classifier.errors import UnreadableArticleError, empty

_LONGEST_LINE = 2000  # characters of a title, a name, an address, a caveat
_FIELDS = ("date", "language", "given_id", "source", "author", "url")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_ADDRESS = re.compile(r"https?://[^\s<>\"|\\^`{}]+")
_LONGEST_DATE = 32  # characters


class MalformedError(Exception):
    """Not an answer."""


def of_contents(contents: Contents) -> bytes:
    articles = [
        {"text": each.text, "title": each.title, "caveats": each.caveats}
        | {name: getattr(each, name) for name in _FIELDS}
        for each in contents.articles
    ]
    return _bytes({"articles": articles, "left_out": contents.left_out})


def of_failure(failure: UnreadableArticleError) -> bytes:
    return _bytes({"reason": failure.reason, "mend": failure.mend})


def contents(answer: bytes) -> Contents:
    """What an answer says. Raises UnreadableArticleError where it is a failure, else MalformedError."""
    try:
        given = json.loads(answer)
        if "reason" in given:
            raise UnreadableArticleError(_line(given["reason"]) or "?", _line(given["mend"]) or "?")
        articles = tuple(article for each in given["articles"] if (article := _article(each)))
        left_out = _lines(given["left_out"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise MalformedError from error
    if not articles:
        raise empty()
    return Contents(articles, left_out)


def _article(given: dict[str, Any]) -> Article | None:
    """None where nothing is left of its text when it is clean."""
    text = clean(_string(given["text"])).strip()
    title = _line(given["title"])
    if title and not text.startswith(title):
        text = f"{title}\n{text}"
    if not text:
        return None
    said = {name: _line(given[name]) for name in _FIELDS}
    for name, is_sound in _SOUND.items():
        if not is_sound(said[name] or ""):
            said[name] = None
    return Article(text, title, **said, caveats=_lines(given["caveats"]))


def _is_moment(given: str) -> bool:
    try:
        datetime.fromisoformat(given)
    except ValueError:
        return False
    return len(given) <= _LONGEST_DATE


_SOUND: dict[str, Callable[[str], object]] = {
    "date": _is_moment,
    "language": _LANGUAGE.fullmatch,
    "url": _ADDRESS.fullmatch,
}


def _lines(given: Any) -> tuple[str, ...]:
    return tuple(line for each in given if (line := _line(each)))


def _line(given: Any) -> str | None:
    if given is None:
        return None
    return " ".join(clean(_string(given)[:_LONGEST_LINE]).split()) or None


def _string(given: Any) -> str:
    if not isinstance(given, str):
        raise TypeError
    return given


def _bytes(given: dict[str, Any]) -> bytes:
    return json.dumps(given, ensure_ascii=False).encode("utf-8", "replace")
