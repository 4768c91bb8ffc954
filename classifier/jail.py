"""The jail: files that need a parser are read in a child without rights, which may die of them.

A keeper (jailer.py) has all parsers loaded and forks a child a file. It starts with the first such
file and ends with this process.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from threading import Lock, Thread
from typing import Any, NamedTuple

from classifier import answers
from classifier.answers import MalformedError
from classifier.articles import Contents
from classifier.errors import JailError, UnreadableArticleError
from classifier.formats.kinds import HAS_SIMPLER_WAY, Format
from classifier.rules import Limits, Rules
from classifier.walls import ANSWERED, LATE, NO_MEMORY, TOO_LONG, UNABLE, Walls

logger = logging.getLogger(__name__)

TRIES = 3  # a file over which the parser dies so often is poison

_STARTS_WITHIN = 60.0  # seconds, on a machine that is busy
_GRACE = 2.0  # seconds beyond a file's own in which the keeper must have answered
_LOADING = 30.0  # seconds more for the first file of a format, whose parser is loaded first
_FIRST_SHARE = 0.6  # of a file's seconds; the rest is for reading it the simplest way
_LEAST = 0.5  # seconds
_GONE = "the keeper of the jail ended"
_KEPT_OF_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "LD_LIBRARY_PATH", "TZ")
_MEND = "look at what is in it, or save its text and drop that"


class _GoneError(Exception):
    """The keeper has ended, or does not answer."""


class Reply(NamedTuple):
    """How a child ended and what it said."""

    ending: str
    answer: bytes
    memory_kib: int


class Jail:
    """Reads one file at a time; safe to share between threads."""

    def __init__(self, rules: Rules, keeper: str = "classifier.jailer") -> None:
        """`keeper` is the module whose `main` keeps the jail."""
        self.rules = rules
        self._module = keeper
        self._lock = Lock()
        self._keeper: _Keeper | None = None
        self._warned = False
        self._is_closed = False

    def read(self, format: Format, data: bytes, name: str) -> Contents:
        """The contents of a file. Raises UnreadableArticleError; OSError where no keeper can start."""
        with self._lock:
            return self._tried(format, data, name)

    def walls(self) -> Walls:
        """What holds a parser in on this machine. Starts the keeper; raises OSError where it cannot."""
        with self._lock:
            return self._kept().walls

    def close(self) -> None:
        """End it; what reads just now fails with OSError, at once."""
        self._is_closed = True
        keeper = self._keeper
        if keeper is not None:
            keeper.kill()  # whoever waits for it, with the lock in hand, waits no longer
        with self._lock:
            self._end()

    def _tried(self, format: Format, data: bytes, name: str) -> Contents:
        """A first reading, then others: simpler where a limit was reached, again where the parser died."""
        limits = self.rules.limits
        deadline = time.monotonic() + limits.seconds
        simply, deaths = False, 0
        while True:
            left = max(deadline - time.monotonic(), _LEAST)
            is_simplest = simply or format not in HAS_SIMPLER_WAY
            reply = self._asked(format, data, name, left if is_simplest else left * _FIRST_SHARE, simply)
            if reply.ending.startswith(UNABLE):
                raise JailError(
                    f"the jail cannot read {format} files now: {reply.ending.removeprefix(UNABLE)}"
                )
            if reply.ending == ANSWERED:
                with suppress(MalformedError):
                    return answers.contents(reply.answer)
                reply = reply._replace(ending="what it said made no sense")
            is_over = time.monotonic() >= deadline
            if reply.ending == _GONE and is_over:  # a keeper that was stopped, say: no file's fault
                raise JailError("the keeper of the jail does not answer")
            if reply.ending in _REACHED and (is_simplest or is_over):
                raise UnreadableArticleError(_REACHED[reply.ending](limits), _MEND)
            if reply.ending not in _REACHED:
                deaths += 1
                if deaths == TRIES or is_over:
                    times = "once" if deaths == 1 else f"{deaths} times"
                    raise UnreadableArticleError(f"poison: its parser died {times} ({reply.ending})", _MEND)
            simply = True

    def _asked(self, format: Format, data: bytes, name: str, seconds: float, simply: bool) -> Reply:
        try:
            return self._kept().ask(format, data, name, seconds, simply)
        except _GoneError:
            self._end()
            return Reply(_GONE, b"", 0)

    def _kept(self) -> _Keeper:
        if self._is_closed:
            raise JailError("the jail is closed")
        if self._keeper is None:
            self._keeper = _Keeper(self._module, self.rules)
            if not self._warned:
                self._warned = True
                for line in self._keeper.walls.missing:
                    logger.warning("the jail lacks a wall: %s", line)
        return self._keeper

    def _end(self) -> None:
        if self._keeper is not None:
            self._keeper.close()
            self._keeper = None


_REACHED: dict[str, Callable[[Limits], str]] = {
    LATE: lambda limits: f"took longer than {limits.seconds:g} seconds to read",
    NO_MEMORY: lambda limits: f"too large: needs more than {limits.memory_mib} MiB to read",
    TOO_LONG: lambda limits: f"longer than {limits.characters:,} characters",
}


class _Keeper:
    """Our end of the keeper's process."""

    def __init__(self, module: str, rules: Rules) -> None:
        its_end, hand = os.pipe()
        take, its_other_end = os.pipe()
        call = f"from {module} import main; main()"
        command = [sys.executable, "-P", "-c", call, json.dumps(rules.as_json())]
        # No secret of ours may be where a hostile file could find it.
        environment = {name: os.environ[name] for name in _KEPT_OF_ENVIRONMENT if name in os.environ}
        try:
            self._process = subprocess.Popen(
                command, stdin=its_end, stdout=its_other_end, env=environment, cwd="/"
            )
        except OSError:
            os.close(hand)
            os.close(take)
            raise
        finally:
            os.close(its_end)
            os.close(its_other_end)
        self._loaded: set[Format] = set()
        self._hand = Connection(hand, readable=False)
        self._take = Connection(take, writable=False)
        try:
            self.walls = _walls(self._heard(_STARTS_WITHIN))
        except _GoneError as error:
            self.close()
            raise JailError("the jail for hostile files does not start") from error

    def ask(self, format: Format, data: bytes, name: str, seconds: float, simply: bool) -> Reply:
        """Have a file read. Raises _GoneError."""
        asked = {"format": format, "name": name, "seconds": seconds, "simply": simply}
        # One that is stopped reads nothing: to write to it would take for ever.
        sending = Thread(target=self._send, args=(json.dumps(asked).encode(), data), daemon=True)
        sending.start()
        reply = self._heard(seconds + _GRACE + _LOADING * (format not in self._loaded))
        self._loaded.add(format)
        return Reply(reply["ending"], self._bytes(_GRACE), reply["memory_kib"])

    def kill(self) -> None:
        self._process.kill()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._hand.close()
        self._take.close()

    def _send(self, *parts: bytes) -> None:
        with suppress(OSError):  # it has gone, which whoever waits for its answer is told
            for part in parts:
                self._hand.send_bytes(part)

    def _heard(self, seconds: float) -> dict[str, Any]:
        return json.loads(self._bytes(seconds))  # type: ignore[no-any-return]

    def _bytes(self, seconds: float) -> bytes:
        try:
            if self._take.poll(seconds):
                return self._take.recv_bytes()
        except (OSError, EOFError) as error:
            raise _GoneError from error
        raise _GoneError


def _walls(given: dict[str, Any]) -> Walls:
    return Walls(given["landlock"], given["seccomp"], tuple(given["missing"]))
