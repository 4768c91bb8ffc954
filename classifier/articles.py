"""An article, and the words for how much it is about a topic."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

_FOLDED_AT_ONCE = 20_000  # characters


class Grade(StrEnum):
    """How much an article is about a topic: substantially, or in passing."""

    MAIN = "main"
    MENTION = "mention"


@dataclass(frozen=True, slots=True)
class Article:
    """One news text.

    `text` is the whole of it; where there is a title, the text begins with it, on a line of
    its own. `date` is ISO 8601, as exact as the source was. `language` is an ISO 639-1 code,
    or None where we would have to guess. `source` is the outlet. `caveats` say in a line each what
    whoever reads the article should know of how it was read: what was guessed, what was left out.
    """

    text: str
    title: str | None = None
    date: str | None = None
    language: str | None = None
    given_id: str | None = None
    source: str | None = None
    author: str | None = None
    url: str | None = None
    caveats: tuple[str, ...] = ()
    _fingerprint: str = field(default="", init=False, repr=False, compare=False)  # once it was asked for

    @property
    def id(self) -> str:
        """The id that came with the article, else the start of its fingerprint."""
        return self.given_id or self.fingerprint[:16]

    @property
    def fingerprint(self) -> str:
        """sha256 of the normalised text: blanks, letter case and compatibility forms do not count."""
        return self._fingerprint or self.remember_fingerprint()

    def remember_fingerprint(self) -> str:
        """Find the fingerprint now, so that it need not be found where time is short."""
        sha256 = hashlib.sha256()
        for number, piece in enumerate(_pieces(self.text)):
            words = unicodedata.normalize("NFKC", piece).casefold().split()
            sha256.update((" " * (number > 0) + " ".join(words)).encode("utf-8", "replace"))
        found = sha256.hexdigest()
        object.__setattr__(self, "_fingerprint", found)
        return found

    @property
    def headline(self) -> str:
        """The title, or the opening words where the article has none. At most 150 characters."""
        if self.title:
            return shorten(self.title, 150)
        return shorten(self.text.split("\n", 1)[0], 150)


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds: its articles in order, and a line for each part of it that is none."""

    articles: tuple[Article, ...]
    left_out: tuple[str, ...] = ()


def compose(
    title: str | None,
    body: str,
    *,
    date: str | None = None,
    language: str | None = None,
    given_id: str | None = None,
    source: str | None = None,
    author: str | None = None,
    url: str | None = None,
    caveats: tuple[str, ...] = (),
) -> Article:
    """An article from a title and a body that came apart."""
    text = f"{title}\n{body}" if title else body
    return Article(text, title or None, date, language, given_id, source, author, url, caveats)


def _pieces(text: str) -> Iterator[str]:
    """A text in pieces that end at a blank where there is one: a letter may become eighteen by NFKC."""
    start = 0
    while len(text) - start > _FOLDED_AT_ONCE:
        end = start + _FOLDED_AT_ONCE
        gap = max(text.rfind(" ", start, end), text.rfind("\n", start, end))
        yield text[start : gap if gap > start else end]
        start = gap if gap > start else end
    yield text[start:]


def shorten(text: str, most: int) -> str:
    """`text` in at most `most` characters, cut at a blank where one is near."""
    if len(text) <= most:
        return text
    head = text[: most - 1]
    at_blank = head.rpartition(" ")[0]
    return (at_blank if len(at_blank) > most // 2 else head).rstrip() + "…"
