"""How much of an article a reader found: words recovered, words in order, words that are not its own.

Words are counted as a multiset, which is linear. That they came in order is looked at in the words that
occur once in both texts: the share of them in the longest rising run of their places.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from classifier.articles import Article
from classifier.decoding import clean
from tests.formats.texts import TEXTS, NewsText

_WORD = re.compile(r"[^\W_]+")
# Arabic vowel marks, and the joiners within Persian words: written or not, it is the same word.
_UNWRITTEN = re.compile("[\u064b-\u0652\u0670\u200c\u200d]")
_FIELDS = ("source", "author", "url")


@dataclass(frozen=True, slots=True)
class Found:
    """Shares of 0 to 1, and in `wrong` a line for each field that is not as expected.

    `recovered` and `in_order` are of the words expected, `foreign` of the words found, `whole` of the
    paragraphs expected: those that are one line each.
    """

    recovered: float
    in_order: float
    foreign: float
    whole: float
    wrong: dict[str, str] = field(default_factory=dict)


def measure(article: Article, expected: dict[str, Any], paragraphs: int = 0) -> Found:
    """What a reader found; where `paragraphs` is not 0, only so many of the article are in the file."""
    text = TEXTS[expected["article"]]
    text = replace(text, paragraphs=text.paragraphs[: paragraphs or None])
    adds, may = expected["adds"], expected["may"]
    wanted = words("\n".join([text.title, *text.paragraphs]))
    added, allowed = words("\n".join(adds)), words("\n".join(may))
    found = words(article.text)
    needed, have = Counter([*wanted, *added]), Counter(found)
    recovered = (needed & have).total() / needed.total()
    foreign = (have - needed - Counter(allowed)).total() / max(1, len(found))
    lines = {" ".join(words(line)) for line in article.text.split("\n")}
    whole = sum(" ".join(words(each)) in lines for each in text.paragraphs) / len(text.paragraphs)
    return Found(recovered, _in_order(wanted, found), foreign, whole, _wrong(article, expected, text))


def words(text: str) -> list[str]:
    return _WORD.findall(_UNWRITTEN.sub("", clean(text)).casefold())


def _in_order(wanted: Sequence[str], found: Sequence[str]) -> float:
    once = {word for word, times in Counter(wanted).items() if times == 1}
    once &= {word for word, times in Counter(found).items() if times == 1}
    place = {word: at for at, word in enumerate(found) if word in once}
    places = [place[word] for word in wanted if word in once]
    return _longest_rise(places) / len(places) if places else 0.0


def _longest_rise(places: Iterable[int]) -> int:
    ends: list[int] = []  # the least end of a rising run of each length
    for place in places:
        at = bisect_left(ends, place)
        ends[at : at + 1] = [place]
    return len(ends)


def _wrong(article: Article, expected: dict[str, Any], text: NewsText) -> dict[str, str]:
    """What is not as expected: missing where the file tells it, or another than the truth."""
    also = expected["also"]
    wrong: dict[str, str] = {}
    if article.language != expected["language"]:
        wrong["language"] = f"{article.language}, not {expected['language']}"
    if article.title != expected["title"] and not (expected["title"] is None and article.title == text.title):
        wrong["title"] = f"{article.title!r}, not {expected['title']!r}"
    if not _right_date(article.date, expected["date"], [text.date, *also.get("date", [])]):
        wrong["date"] = f"{article.date}, not {expected['date']}"
    for name in _FIELDS:
        got, want = getattr(article, name), expected[name]
        truths = [getattr(text, name), *also.get(name, [])] if want is None else [want]
        if (got is None and want is not None) or (got is not None and got not in truths):
            wrong[name] = f"{got}, not {want}"
    return wrong


def _right_date(got: str | None, expected: str | None, truths: Sequence[str]) -> bool:
    """At least as exact as expected, and true: the day, the minute where it is, or the very instant."""
    if got is None:
        return expected is None
    return len(got) >= len(expected or "") - len(":00") and any(_agrees(got, truth) for truth in truths)


def _agrees(got: str, truth: str) -> bool:
    try:
        said, true = datetime.fromisoformat(got), datetime.fromisoformat(truth)
    except ValueError:
        return False
    if len(got) == len("2026-01-31"):
        return said.date() == true.date()
    return said == (true if said.tzinfo else true.replace(tzinfo=None))
