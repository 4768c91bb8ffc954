"""A process beside this one that tags what was read, while here a batch before it is recorded.

It is handed batches on stdin and answers on stdout, and ends with whoever started it. It touches
neither the inbox nor the ledger: should it die, nothing has happened.
"""

from __future__ import annotations

import gc
import os
import pickle
import select
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from classifier import Article, Grade, Model, Tagged, UnreadableArticleError, load_model, read_articles
from daemon import sketches
from daemon.sketches import Sketch

_SELDOM = 100_000  # objects made between two collections
_LONGEST = 120.0  # seconds that a batch may take
# The last two: the program was changed under us.
_UNUSABLE = (OSError, EOFError, pickle.UnpicklingError, AttributeError, ImportError)


class GoneError(Exception):
    """The process has ended, or does not answer."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Files to be tagged, each a name and its bytes, and by which model."""

    version: str
    retired: frozenset[str]
    files: tuple[tuple[str, bytes], ...]


class Found(NamedTuple):
    """What came of a file: its articles with their tags, or why there are none.

    `sketches`: what each article is known by; None for one that hardly anybody would be told of.
    """

    tagged: tuple[Tagged, ...]
    sketches: tuple[Sketch | None, ...] = ()
    failure: UnreadableArticleError | None = None


class Beside:
    """Starts when made, and needs as long to be ready as it takes to load a model."""

    def __init__(self, models: Path) -> None:
        # Not with -m: what it answers would be of a module of another name.
        command = [sys.executable, "-c", "from daemon.beside import main; main()", str(models)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._is_ready = False

    def is_ready(self) -> bool:
        """Whether it would begin at once with what it is handed. Raises GoneError."""
        if not self._is_ready and self._has_said_something(0.0):
            self._is_ready = self._heard() is True
        return self._is_ready

    def hand(self, batch: Batch) -> None:
        """Give it a batch to begin with; its answer must be taken before the next. Raises GoneError."""
        try:
            assert self._process.stdin is not None
            pickle.dump(batch, self._process.stdin, pickle.HIGHEST_PROTOCOL)
            self._process.stdin.flush()
        except OSError as error:
            raise GoneError from error

    def take(self) -> list[Found] | None:
        """What came of the batch, file by file; None where it failed. Waits for it. Raises GoneError."""
        if not self._has_said_something(_LONGEST):
            raise GoneError
        return self._heard()  # type: ignore[return-value]

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):  # what it did not read cannot be written any more
                    pipe.close()

    def _has_said_something(self, seconds: float) -> bool:
        assert self._process.stdout is not None
        return bool(select.select([self._process.stdout], [], [], seconds)[0])

    def _heard(self) -> object:
        try:
            assert self._process.stdout is not None
            return pickle.load(self._process.stdout)  # noqa: S301  by a process of our own, through a pipe
        except _UNUSABLE as error:
            raise GoneError from error


def main() -> None:
    """Tag batches until whoever hands them has gone, with models from the folder that is named."""
    models = Path(sys.argv[1])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started us hears of it, and ends us
    said = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    model: Model | None = None
    answer: object = True
    try:
        while True:
            pickle.dump(answer, said, pickle.HIGHEST_PROTOCOL)
            said.flush()
            batch: Batch = pickle.load(sys.stdin.buffer)  # noqa: S301  by the process that started us
            try:
                if model is None or model.version != batch.version:
                    model = load_model(models, batch.version)
                    # What lives on is not to be looked through again and again.
                    gc.collect()
                    gc.freeze()
                    gc.set_threshold(_SELDOM)
                answer = _found(batch, replace(model, retired=batch.retired))
            except Exception:
                answer = None  # the one who handed it finds out which article it is
    except (EOFError, OSError):
        return


def _found(batch: Batch, model: Model) -> list[Found]:
    read = [_articles(name, data) for name, data in batch.files]
    tagged = iter(model.tag_all(article for articles, _ in read for article in articles))
    return [_sketched(tuple(islice(tagged, len(articles))), failure) for articles, failure in read]


def _articles(name: str, data: bytes) -> tuple[tuple[Article, ...], UnreadableArticleError | None]:
    try:
        return read_articles(data, name), None
    except UnreadableArticleError as unreadable:
        return (), unreadable


def _sketched(tagged: tuple[Tagged, ...], failure: UnreadableArticleError | None) -> Found:
    for each in tagged:
        each.article.remember_fingerprint()
    found = (sketches.of(each.article) if each.topics(Grade.MAIN) else None for each in tagged)
    return Found(tagged, tuple(found), failure)
