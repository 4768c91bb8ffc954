"""What must hold of anything that reading gives back, whatever was read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from classifier.articles import Article, Contents
from classifier.rules import Limits

_UNWANTED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_UNWANTED_IN_A_LINE = re.compile(_UNWANTED.pattern + "|[\n\t]")
_LONGEST_LINE = 2100  # characters


class FindingError(Exception):
    """What a fuzzer is to tell of."""


def check_contents(contents: Contents, limits: Limits) -> None:
    """Raises FindingError where contents are not what reading promises."""
    if not contents.articles:
        raise FindingError("no article, and no failure")
    for complaint in _complaints(contents):
        raise FindingError(complaint)
    characters = sum(len(article.text) for article in contents.articles)
    if characters > limits.characters:
        raise FindingError(f"{characters:,} characters of text")


def check_failure(reason: str, mend: str) -> None:
    for said in (reason, mend):
        if not said.strip() or _UNWANTED_IN_A_LINE.search(said) or len(said) > _LONGEST_LINE:
            raise FindingError(f"a failure says {said[:200]!r}")


def _complaints(contents: Contents) -> Iterator[str]:
    for article in contents.articles:
        yield from _complaints_of(article)
    for line in contents.left_out:
        if _UNWANTED_IN_A_LINE.search(line) or len(line) > _LONGEST_LINE:
            yield f"left out: {line[:200]!r}"


def _complaints_of(article: Article) -> Iterator[str]:
    if not article.text.strip():
        yield "an article without text"
    if found := _UNWANTED.search(article.text):
        yield f"a text with {found[0]!r}"
    if article.title and not article.text.startswith(article.title):
        yield f"a text that does not begin with its title {article.title[:200]!r}"
    others = (article.title, article.date, article.source, article.author, article.url, article.given_id)
    for line in (*others, *article.caveats):
        if line is None:
            continue
        if not line.strip() or _UNWANTED_IN_A_LINE.search(line) or len(line) > _LONGEST_LINE:
            yield f"a field with {line[:200]!r}"
