"""A process beside this one that tags what was read, while here a batch before it is recorded.

    python -m daemon.beside MODELS

It is handed batches on stdin and answers on stdout, and ends with whoever started it. It touches
neither the inbox nor the ledger: should it die, nothing has happened.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from classifier import Model, load_model
from daemon import arrivals
from daemon.arrivals import Arrival, Content

_LONGEST = 120.0  # seconds that a batch may take
_UNUSABLE = (OSError, EOFError, pickle.UnpicklingError)


class GoneError(Exception):
    """The process has ended, or does not answer."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What is to be tagged, each with its fingerprint, and by which model."""

    version: str
    retired: frozenset[str]
    read: tuple[tuple[Content, str], ...]


class Beside:
    """Starts when made, and needs as long to be ready as it takes to load a model."""

    def __init__(self, models: Path) -> None:
        command = [sys.executable, "-m", "daemon.beside", str(models)]
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

    def take(self) -> list[Arrival] | None:
        """The batch, tagged and sketched; None where that failed. Waits for it. Raises GoneError."""
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


def main(models: Path) -> None:
    """Tag batches until whoever hands them has gone."""
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
                answer = _tagged(batch, replace(model, retired=batch.retired))
            except Exception:
                answer = None  # the one who handed it finds out which article it is
    except (EOFError, OSError):
        return


def _tagged(batch: Batch, model: Model) -> Sequence[Arrival]:
    tagged = arrivals.tag([arrivals.opened(*each) for each in batch.read], model)
    return [arrivals.sketched(each) for each in tagged]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
