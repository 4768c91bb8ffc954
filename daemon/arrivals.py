"""Arrivals: files of the inbox as they were read, with their articles tagged."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from classifier import Article, Contents, Model, Reader, Tagged, UnreadableArticleError
from daemon.inbox import Candidate, Stamp, printable
from daemon.sketches import Sketch

_SPARSE = UnreadableArticleError("a sparse file that holds next to nothing", "drop the article's text itself")


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of a file that stood still, or why it is not opened."""

    candidate: Candidate
    data: bytes = b""
    failure: UnreadableArticleError | None = None

    @property
    def fingerprint(self) -> str:
        """sha256 of the bytes; "" where the file was not opened, or is too large."""
        return "" if self.failure else hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file as it was read: its articles with their tags, or why there are none.

    Neither where the ledger knows its bytes already. `sketches`, where they were made, has for each
    article what it is known by; None for one that nobody would be told of. `articles` are those that
    are still to be tagged. `left_out` has a line for each part of the file that is no article.
    """

    candidate: Candidate
    fingerprint: str
    tagged: tuple[Tagged, ...] = ()
    failure: UnreadableArticleError | None = None
    articles: tuple[Article, ...] = ()
    sketches: tuple[Sketch | None, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Printable, with the sub-folder it came in."""
        return printable(self.candidate.name)

    @property
    def raw_name(self) -> bytes:
        return os.fsencode(self.candidate.name)


def read(candidate: Candidate, reader: Reader) -> Content | None:
    """Read a file; None where it was written to meanwhile, or something else took its name.

    Raises FileNotFoundError where it has gone, and OSError where it cannot be read now.
    """
    if candidate.is_sparse:
        return Content(candidate, failure=_SPARSE)
    content = _content(candidate, reader)
    return content if Stamp.of(candidate.path.lstat()) == candidate.stamp else None


def _content(candidate: Candidate, reader: Reader) -> Content:
    try:
        return Content(candidate, reader.bytes_of(candidate.path))
    except UnreadableArticleError as unreadable:
        return Content(candidate, failure=unreadable)


def opened(content: Content, fingerprint: str, reader: Reader) -> Arrival:
    """The articles of what was read, not yet tagged."""
    candidate = content.candidate
    if content.failure is not None:
        return Arrival(candidate, fingerprint, failure=content.failure)
    contents, failure = contents_of(candidate.path.name, content.data, reader)
    return Arrival(
        candidate, fingerprint, failure=failure, articles=contents.articles, left_out=contents.left_out
    )


def contents_of(name: str, data: bytes, reader: Reader) -> tuple[Contents, UnreadableArticleError | None]:
    """What a file holds, or why that cannot be known."""
    try:
        return reader.read(data, name), None
    except UnreadableArticleError as unreadable:
        return Contents(()), unreadable


def tag(arrivals: Sequence[Arrival], model: Model) -> list[Arrival]:
    """The same with their articles tagged, all together."""
    tagged = tag_each(model, [arrival.articles for arrival in arrivals])
    return [replace(arrival, tagged=own, articles=()) for arrival, own in zip(arrivals, tagged, strict=True)]


def tag_each(model: Model, files: Sequence[Sequence[Article]]) -> list[tuple[Tagged, ...]]:
    """The articles of each file, tagged all together."""
    tagged = iter(model.tag_all(article for articles in files for article in articles))
    return [tuple(islice(tagged, len(articles))) for articles in files]


def deadly(deaths: int) -> UnreadableArticleError:
    """Why a file is not read again: the process died over it too often."""
    reason = f"the process died {deaths} times with this file in hand"
    return UnreadableArticleError(reason, "look at what is in it")
