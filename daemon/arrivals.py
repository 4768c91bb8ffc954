"""Arrivals: files of the inbox as they were read, with their articles tagged."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass

from sqlalchemy import Connection

from classifier import Model, Tagged, UnreadableArticleError, read_articles, read_bytes
from daemon import ledger
from daemon.inbox import Candidate, Stamp, printable

_SPARSE = UnreadableArticleError("a sparse file that holds next to nothing", "drop the article's text itself")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file as it was read: its tagged articles, or why there are none.

    Neither where the ledger knows its bytes already. `fingerprint` is "" where the file was not
    opened, or is too large.
    """

    candidate: Candidate
    fingerprint: str
    tagged: tuple[Tagged, ...] = ()
    failure: UnreadableArticleError | None = None

    @property
    def name(self) -> str:
        """Printable, with the sub-folder it came in."""
        return printable(self.candidate.name)

    @property
    def raw_name(self) -> bytes:
        return os.fsencode(self.candidate.name)


def read(connection: Connection, candidate: Candidate, model: Model) -> Arrival | None:
    """Read and tag a file; None where it was written to meanwhile, or something else took its name.

    Raises FileNotFoundError where it has gone, and OSError where it cannot be read now.
    """
    if candidate.is_sparse:
        return Arrival(candidate, "", failure=_SPARSE)
    failure: UnreadableArticleError | None = None
    data = b""
    try:
        data = read_bytes(candidate.path)
    except UnreadableArticleError as unreadable:
        failure = unreadable
    if Stamp.of(candidate.path.lstat()) != candidate.stamp:
        return None
    if failure is not None:
        return Arrival(candidate, "", failure=failure)
    fingerprint = hashlib.sha256(data).hexdigest()
    if ledger.first_file(connection, fingerprint):
        return Arrival(candidate, fingerprint)
    try:
        articles = read_articles(data, candidate.path.name)
    except UnreadableArticleError as unreadable:
        return Arrival(candidate, fingerprint, failure=unreadable)
    return Arrival(candidate, fingerprint, tuple(model.tag(article) for article in articles))


def deadly(deaths: int) -> UnreadableArticleError:
    """Why a file is not read again: the process died over it too often."""
    reason = f"the process died {deaths} times with this file in hand"
    return UnreadableArticleError(reason, "look at what is in it")
