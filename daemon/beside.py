"""A process beside this one that tags what was read, while here a batch before it is recorded.

It is handed batches on stdin and answers on stdout, and ends with whoever started it. It touches
neither the inbox nor the ledger: should it die, nothing has happened.
"""

from __future__ import annotations

import gc
import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple

from classifier import Cuts, Grade, Model, Reader, Rules, Tagged, UnreadableArticleError, load_model, rules_of
from daemon import sketches
from daemon.arrivals import contents_of, tag_each
from daemon.sketches import Sketch

_SELDOM = 100_000  # objects made between two collections
_LONGEST = 120.0  # seconds that a batch may take
# The last two: the program was changed under us.
_UNUSABLE = (OSError, EOFError, pickle.UnpicklingError, AttributeError, ImportError)


class GoneError(Exception):
    """The process has ended, or does not answer."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Files to be tagged, each a name and its bytes, and by which model with which cuts."""

    version: str
    retired: frozenset[str]
    cuts: Mapping[str, Cuts]
    files: tuple[tuple[str, bytes], ...]


class Found(NamedTuple):
    """What came of a file: its articles with their tags, or why there are none.

    `sketches`: what each article is known by; None for one that hardly anybody would be told of.
    """

    tagged: tuple[Tagged, ...]
    sketches: tuple[Sketch | None, ...] = ()
    failure: UnreadableArticleError | None = None
    left_out: tuple[str, ...] = ()


class Beside:
    """Starts when made, and needs as long to be ready as it takes to load a model."""

    def __init__(self, models: Path, rules: Rules) -> None:
        its_end, hand = os.pipe()
        take, its_other_end = os.pipe()
        command = [sys.executable, "-c", "from daemon.beside import main; main()"]
        command += [str(models), json.dumps(rules.as_json())]
        try:
            self._process = subprocess.Popen(command, stdin=its_end, stdout=its_other_end)
        except OSError as error:
            os.close(hand)
            os.close(take)
            raise GoneError from error
        finally:
            os.close(its_end)
            os.close(its_other_end)
        self._hand = Connection(hand, readable=False)
        self._take = Connection(take, writable=False)
        self._is_ready = False
        self._sending: Thread | None = None

    def is_ready(self) -> bool:
        """Whether it would begin at once with what it is handed. Raises GoneError."""
        if not self._is_ready and self._take.poll(0.0):
            self._is_ready = self._answer() is True
        return self._is_ready

    def hand(self, batch: Batch) -> None:
        """Give it a batch, while it has no more than one in hand. Raises GoneError."""
        # One that is stopped reads nothing: to write to it would take for ever.
        self._sending = Thread(target=self._send, args=(batch,), daemon=True, name="handing beside")
        self._sending.start()
        self._sending.join(_LONGEST)
        if self._sending.is_alive():
            raise GoneError

    def _send(self, batch: Batch) -> None:
        with suppress(OSError):  # it has gone, which whoever takes its answer is told
            self._hand.send(batch)

    def take(self) -> list[Found] | None:
        """What came of the first batch, file by file; None where it failed. Raises GoneError.

        Waits for it.
        """
        if not self._take.poll(_LONGEST):
            raise GoneError
        return self._answer()  # type: ignore[no-any-return]

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        if self._sending is not None:
            self._sending.join()  # nobody reads any more, so it ends; only then may the pipe be closed
        self._hand.close()
        self._take.close()

    def _answer(self) -> Any:
        try:
            return self._take.recv()
        except _UNUSABLE as error:
            raise GoneError from error


def main() -> None:
    """Tag batches until whoever hands them has gone, with models from the folder and rules that are named."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started us hears of it, and ends us
    hands, answers = Connection(os.dup(0), writable=False), Connection(os.dup(1), readable=False)
    os.dup2(2, 1)
    batches: SimpleQueue[Batch] = SimpleQueue()
    Thread(target=_listen, args=(hands, batches), daemon=True).start()
    work = _Work(Path(sys.argv[1]), Reader(rules_of(json.loads(sys.argv[2]))))
    with suppress(BrokenPipeError):
        answers.send(True)
        while True:
            answers.send(work.answer(batches.get()))


def _listen(hands: Connection, batches: SimpleQueue[Batch]) -> None:
    """Hear of the next batch while one is in the making; and of the end."""
    try:
        while True:
            batches.put(hands.recv())
    except (EOFError, OSError):
        os._exit(0)


class _Work:
    """Tags with the model that a batch names, loaded once."""

    def __init__(self, models: Path, reader: Reader) -> None:
        self._models = models
        self._reader = reader
        self._model: Model | None = None

    def answer(self, batch: Batch) -> list[Found] | None:
        try:
            model = replace(self._served(batch.version), retired=batch.retired, cuts=batch.cuts)
            return _found(batch, model, self._reader)
        except Exception:
            return None  # the one who handed it finds out which article it is

    def _served(self, version: str) -> Model:
        if self._model is None or self._model.version != version:
            self._model = load_model(self._models, version)
            # What lives on is not to be looked through again and again.
            gc.collect()
            gc.freeze()
            gc.set_threshold(_SELDOM)
        return self._model


def _found(batch: Batch, model: Model, reader: Reader) -> list[Found]:
    read = [contents_of(name, data, reader) for name, data in batch.files]
    tagged = tag_each(model, [contents.articles for contents, _ in read])
    return [
        Found(own, _sketches(own), failure, contents.left_out)
        for own, (contents, failure) in zip(tagged, read, strict=True)
    ]


def _sketches(tagged: tuple[Tagged, ...]) -> tuple[Sketch | None, ...]:
    for each in tagged:
        each.article.remember_fingerprint()
    return tuple(sketches.of(each.article) if each.topics(Grade.MAIN) else None for each in tagged)
