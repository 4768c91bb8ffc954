"""The jail's keeper: a process of one thread that has every parser loaded and forks a child a file.

It is handed a format, a name and bytes on stdin, answers on stdout with how the child ended and
what it said, and ends with whoever started it. The child has no rights but to compute and to answer.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import sys
import time
import traceback
from contextlib import suppress
from dataclasses import asdict
from multiprocessing.connection import Connection
from typing import Any, NoReturn

from classifier import answers
from classifier.confinement import Confinement
from classifier.errors import UnreadableArticleError
from classifier.formats import opening
from classifier.formats.kinds import Format
from classifier.rules import Rules, rules_of
from classifier.walls import ANSWERED, LATE, NO_MEMORY, TOO_LONG, UNABLE

_NO_MEMORY = 77  # exit status of a child
_MOST_FILES = 1024  # descriptors that this process may have
_PIECE = 2**18  # bytes read at a time
_STACK = 3000  # calls; parsers of nested things need more than Python's 1,000


def main() -> None:
    """Read files until whoever hands them has gone, by the rules in the first argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started us hears of it, and ends us
    requests, replies = Connection(os.dup(0), writable=False), Connection(os.dup(1), readable=False)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    sys.setrecursionlimit(_STACK)
    try:
        keeper = _Keeper(rules_of(json.loads(sys.argv[1])), requests, replies)
    except OSError as error:
        sys.exit(f"the jail does not start: {error}")
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        keeper.greet()
        while True:
            keeper.serve()


class _Keeper:
    def __init__(self, rules: Rules, requests: Connection, replies: Connection) -> None:
        self._rules = rules
        self._requests = requests
        self._replies = replies
        self._confinement = Confinement(rules.limits)
        self._warm: set[Format] = set()

    def greet(self) -> None:
        """Say which walls there are."""
        self._replies.send_bytes(json.dumps(asdict(self._confinement.walls)).encode())

    def serve(self) -> None:
        asked = json.loads(self._requests.recv_bytes())
        data = self._requests.recv_bytes()
        format = Format(asked["format"])
        try:
            self._load(format)
            ending, answer, peak = self._in_child(format, data, asked)
        except Exception as error:  # the machine's fault, or the installation's, and no file's
            if not isinstance(error, OSError):
                traceback.print_exc()
            ending, answer, peak = f"{UNABLE}{type(error).__name__}: {error}", bytearray(), 0
        self._replies.send_bytes(json.dumps({"ending": ending, "memory_kib": peak}).encode())
        self._replies.send_bytes(bytes(answer))

    def _load(self, format: Format) -> None:
        if format not in self._warm:
            opening.warm(format)
            self._warm.add(format)
            gc.collect()
            gc.freeze()  # a child shares what it does not touch

    def _in_child(self, format: Format, data: bytes, asked: dict[str, Any]) -> tuple[str, bytearray, int]:
        """How a child ended that read the file, what it said, and the most memory it had (KiB)."""
        ours, its = os.pipe()
        child = os.fork()
        if not child:
            self._be_child(its, format, data, asked)
        os.close(its)
        answer = bytearray()
        cut_off = self._hear(child, ours, answer, time.monotonic() + float(asked["seconds"]))
        os.close(ours)
        if cut_off:
            os.kill(child, signal.SIGKILL)
        _, status, usage = os.wait4(child, 0)
        return cut_off or _ending(status), answer, usage.ru_maxrss

    def _hear(self, child: int, ours: int, answer: bytearray, deadline: float) -> str | None:
        """Take the answer as it comes, until the child has ended; else why it is to be cut off."""
        most = 4 * self._rules.limits.characters + _PIECE
        ended = os.pidfd_open(child)
        try:
            waiting = select.poll()
            for source in (ours, ended, self._requests.fileno()):
                waiting.register(source, select.POLLIN)
            while True:
                left = deadline - time.monotonic()
                ready = [source for source, _ in waiting.poll(max(left, 0) * 1000)] if left > 0 else []
                if not ready:
                    return LATE
                if ours in ready:
                    piece = os.read(ours, _PIECE)
                    answer += piece
                    if not piece:
                        waiting.unregister(ours)
                    if len(answer) > most:
                        return TOO_LONG
                elif ended in ready:
                    return None
                else:  # nothing is asked while a file is in hand, so whoever asked has gone
                    os.kill(child, signal.SIGKILL)
                    os._exit(0)
        finally:
            os.close(ended)

    def _be_child(self, its: int, format: Format, data: bytes, asked: dict[str, Any]) -> NoReturn:
        status = 1
        try:
            os.dup2(0, 2)  # what parsers say of a broken file is of no use to anybody
            os.dup2(its, 3)
            os.closerange(4, _MOST_FILES)
            self._confinement.enter()
            _write(3, _answer(format, data, str(asked["name"]), self._rules, bool(asked["simply"])))
            status = 0
        except MemoryError:
            status = _NO_MEMORY
        finally:
            os._exit(status)


def _answer(format: Format, data: bytes, name: str, rules: Rules, simply: bool) -> bytes:
    try:
        return answers.of_contents(opening.open_as(format, data, name, rules, simply=simply))
    except UnreadableArticleError as failure:
        return answers.of_failure(failure)
    except MemoryError:
        raise
    except Exception as error:
        reason = f"not a sound {format} file: {type(error).__name__}: {error}"
        return answers.of_failure(UnreadableArticleError(reason, "save it anew, as text or PDF, and drop it"))


def _write(pipe: int, answer: bytes) -> None:
    left = memoryview(answer)
    while left:
        left = left[os.write(pipe, left) :]


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"  # one of the real-time ones, which have no name of their own


def _ending(status: int) -> str:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return LATE if number == signal.SIGXCPU else _name(number)
    code = os.WEXITSTATUS(status)
    return {0: ANSWERED, _NO_MEMORY: NO_MEMORY}.get(code, f"exit {code}")
