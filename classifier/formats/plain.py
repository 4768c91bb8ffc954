"""Plain text ▶ articles: one, or as many as a press-service digest or the owner's separators part."""

from __future__ import annotations

import re
from datetime import datetime

from classifier.articles import Contents
from classifier.decoding import Decoded, decode
from classifier.errors import UnreadableArticleError
from classifier.formats.heading import article_of, empty
from classifier.formats.ways import Way

# How a press-service digest opens each of its articles: date, time, views.
_DIGEST_LINE = re.compile(r"^(\d{2}\.\d{2}\.\d{4}), (\d{2}:\d{2})[ \t]+\d+[ \t]*$", re.MULTILINE)


def read(data: bytes, name: str, way: Way) -> Contents:
    """The articles of a text, in order; at least one. Raises UnreadableArticleError."""
    decoded = decode(data)
    check_length(decoded, way)
    articles = tuple(
        article_of(body, date=date, remarks=decoded.remarks)
        for date, body in _parts(decoded.text)
        if body.strip()
    )
    if not articles:
        raise empty()
    return Contents(articles)


def warm() -> None:
    """Nothing is loaded late."""


def check_length(decoded: Decoded, way: Way) -> None:
    most = way.rules.limits.characters
    if len(decoded.text) > most:
        raise UnreadableArticleError(f"longer than {most:,} characters", "part it into smaller files")


def _parts(text: str) -> list[tuple[str | None, str]]:
    """Each article's date and text: a digest is parted at its date lines, other files are whole."""
    heads = list(_DIGEST_LINE.finditer(text))
    if not heads:
        return [(None, text)]
    ends = [head.start() for head in heads[1:]] + [len(text)]
    parts: list[tuple[str | None, str]] = [(None, text[: heads[0].start()])]
    for head, end in zip(heads, ends, strict=True):
        parts.append((_moment(f"{head[1]} {head[2]}"), text[head.end() : end]))
    return parts


def _moment(text: str) -> str | None:
    try:
        return datetime.strptime(text, "%d.%m.%Y %H:%M").isoformat(timespec="minutes")
    except ValueError:
        return None
