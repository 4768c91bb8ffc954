"""Reading and tagging what a program sends, without keeping anything of it."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import BinaryIO

from fastapi import Request

from classifier import Contents, Reader, Rules, Tagged, UnreadableArticleError
from daemon.desk.problems import ProblemError
from daemon.desk.state import desk_of

_PATIENCE = 5.0  # seconds that a file waits for those before it


class Tagging:
    """One file at a time: each may take as much memory as the configuration allows."""

    def __init__(self, rules: Rules) -> None:
        self._reader = Reader(rules)
        self._lock = Lock()
        weakref.finalize(self, self._reader.close)

    def tag(self, request: Request, content: BinaryIO, name: str) -> tuple[list[Tagged], tuple[str, ...]]:
        """The articles of a file with their tags, and what in it is none. Raises ProblemError."""
        with self._turn():
            contents = self._read(content.read(), name)
            with desk_of(request).models.at_work() as model:
                return model.tag_all(contents.articles), contents.left_out

    def _read(self, data: bytes, name: str) -> Contents:
        try:
            return self._reader.read(data, name)
        except UnreadableArticleError as error:
            errors = [("body", f"{error.reason}; {error.mend}")]
            raise ProblemError(422, "this is no article that can be read", errors) from error

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=_PATIENCE):
            raise ProblemError(503, "other files are being read; try again", headers={"Retry-After": "5"})
        try:
            yield
        finally:
            self._lock.release()
