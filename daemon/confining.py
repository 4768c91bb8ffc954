"""A process beside this one that does long work under limits, and says in lines of JSON how it goes.

It starts with limits of time and memory, gives way to everything else, and ends with whoever started
it. Sources: man-pages setrlimit(2), sched(7), nice(2).
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

from daemon import clock
from daemon.errors import DaemonError

NO_MEMORY = 77  # exit status

_LAST = 19  # of the niceness
_MIB = 2**20
_TO_SPEAK = 64 * _MIB  # bytes that a process without memory gets, to say so
_LONGEST_LINE = 32 * _MIB
_MOST_COMPLAINTS = _MIB  # bytes on stderr: one without memory may complain for ever (measured)
_TAIL = 4000  # bytes of complaints that are kept
_PIECE = 2**16
# One thread and one process: what a limit counts is then all that the work needs. joblib reads the last.
_ALONE = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "LOKY_MAX_CPU_COUNT": "1"}
# These are also how a library ends that is given no memory.
_CRASHES = frozenset({signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS})


@dataclass(frozen=True, slots=True)
class Limits:
    """Of wall clock and of memory: what a process has for itself, not files that it maps."""

    minutes: float
    memory_mib: int


class EndedError(DaemonError):
    """The process ended without having finished; the message is the reason, in one line."""


class Confined:
    """A process that runs a module's `main`; starts when made.

    `gently`: it gives way to all other work of this machine, and works in one thread.
    """

    def __init__(self, module: str, given: dict[str, Any], limits: Limits, *, gently: bool = True) -> None:
        self._limits = limits
        self._until = clock.monotonic() + 60.0 * limits.minutes
        self._cancelled = ""
        self._complaints: deque[bytes] = deque()
        self._complained = 0
        self._lock = threading.Lock()
        self._has_ended = False
        # A group of its own, so that whatever it starts ends with it; but not a session: with
        # autogroups a niceness counts inside a session alone (sched(7)).
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | (_ALONE if gently else {}),
            process_group=0,
        )
        assert self._process.stdin
        assert self._process.stdout
        assert self._process.stderr
        self._in, self._out, self._err = self._process.stdin, self._process.stdout, self._process.stderr
        self.tell({**given, "memory_mib": limits.memory_mib, "gently": gently})

    def tell(self, line: dict[str, Any]) -> None:
        """Say something to it. Where it has gone nobody hears it: `said` tells why it has."""
        with suppress(OSError):
            self._in.write(json.dumps(line).encode() + b"\n")
            self._in.flush()

    def said(self) -> Iterator[dict[str, Any]]:
        """What it says, line by line, until it has ended well. Raises EndedError where it did not."""
        try:
            reason = yield from self._heard()
        finally:
            self.close()
        if reason is None:
            reason = ending(self._process.returncode, b"".join(self._complaints), self._limits)
        if self._cancelled:
            raise EndedError(self._cancelled)
        if reason:
            raise EndedError(reason)

    def cancel(self, why: str) -> None:
        """End it; from any thread. `said` then raises EndedError with this reason."""
        self._cancelled = why
        self._kill()

    def close(self) -> None:
        """End it, if it has not ended, with whatever it started."""
        self._kill()
        self._process.wait()
        with self._lock:
            self._has_ended = True
        for pipe in (self._in, self._out, self._err):
            with suppress(OSError):
                pipe.close()

    def _kill(self) -> None:
        with self._lock, suppress(ProcessLookupError, PermissionError):
            if not self._has_ended:
                os.killpg(self._process.pid, signal.SIGKILL)

    def _heard(self) -> Generator[dict[str, Any], None, str | None]:
        """Hears both pipes until its end; returns why it was cut off, if it was."""
        ended = os.pidfd_open(self._process.pid)
        waiting = select.poll()
        open_ = {self._out.fileno(): self._out, self._err.fileno(): self._err}
        for source in (*open_, ended):
            waiting.register(source, select.POLLIN)
        unread = bytearray()
        try:
            while True:
                left = self._until - clock.monotonic()
                if left <= 0:
                    return _too_long(self._limits)
                ready = [source for source, _ in waiting.poll(left * 1000)]
                for source in ready:
                    pipe = open_.get(source)
                    if pipe is None:
                        continue
                    piece = os.read(source, _PIECE)
                    if not piece:
                        waiting.unregister(source)
                        del open_[source]
                    elif pipe is self._err:
                        self._complain(piece)
                    else:
                        unread += piece
                        yield from _lines(unread)
                if self._complained > _MOST_COMPLAINTS or len(unread) > _LONGEST_LINE:
                    self._kill()
                    return _without_memory(self._limits) if self._lacked_memory() else "said too much"
                # What it said before it ended is read first; what it started may hold the pipes open.
                if ready == [ended]:
                    return None
        finally:
            os.close(ended)

    def _complain(self, piece: bytes) -> None:
        self._complained += len(piece)
        self._complaints.append(piece[-_TAIL:])
        while len(self._complaints) > 1 and sum(map(len, self._complaints)) > 2 * _TAIL:
            self._complaints.popleft()

    def _lacked_memory(self) -> bool:
        return b"MemoryError" in b"".join(self._complaints)


def ending(code: int, complaints: bytes, limits: Limits) -> str:
    """Why a process ended that was not cut off, in one line; empty where it ended well."""
    if code == 0:
        return ""
    if code == NO_MEMORY or b"MemoryError" in complaints:
        return _without_memory(limits)
    if code < 0 and -code in _CRASHES:
        return (
            f"ended by {signal.Signals(-code).name}, as programs are that get no more memory:"
            f" raise retrain.memory_mib, which is {limits.memory_mib}"
        )
    if code < 0:
        return f"killed by {_name(-code)}"
    said = complaints.decode(errors="replace").strip().splitlines()
    return said[-1] if said else f"ended with {code} and said nothing"


def _without_memory(limits: Limits) -> str:
    return f"needed more than {limits.memory_mib} MiB; raise retrain.memory_mib"


def _too_long(limits: Limits) -> str:
    return f"took longer than {limits.minutes:g} minutes; raise retrain.minutes"


def _lines(unread: bytearray) -> Iterator[dict[str, Any]]:
    """The whole lines of what was read, which are taken out of it; one that is no object is nothing."""
    *whole, rest = bytes(unread).split(b"\n")
    unread[:] = rest
    for line in whole:
        with suppress(ValueError):
            found = json.loads(line)
            if isinstance(found, dict):
                yield found


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class Voice:
    """The process's own side: what it was given, and a way to say things to whoever started it.

    To be made first of all, and once. It takes stdin and stdout: what is printed goes to stderr.
    """

    def __init__(self) -> None:
        self._hears: BinaryIO = os.fdopen(os.dup(0), "rb")
        self._speaks: BinaryIO = os.fdopen(os.dup(1), "wb")
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        self.given = self._hear()
        confine(int(self.given["memory_mib"]), gently=bool(self.given["gently"]))
        self._lock = threading.Lock()
        self._answers: deque[dict[str, Any]] = deque()
        self._answered = threading.Semaphore(0)
        threading.Thread(target=self._listen, daemon=True, name="listening").start()

    def say(self, line: dict[str, Any]) -> None:
        """Ends the process where nobody hears it any more."""
        try:
            with self._lock:
                self._speaks.write(json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
                self._speaks.flush()
        except OSError:
            os._exit(1)

    def ask(self, line: dict[str, Any]) -> dict[str, Any]:
        """Say something and wait for the answer."""
        self.say(line)
        self._answered.acquire()
        return self._answers.popleft()

    def _listen(self) -> None:
        while True:
            self._answers.append(self._hear())
            self._answered.release()

    def _hear(self) -> dict[str, Any]:
        """Ends the process where whoever started it has gone."""
        line = self._hears.readline()
        if not line.endswith(b"\n"):
            os._exit(1)
        return dict(json.loads(line))


def confine(memory_mib: int, *, gently: bool) -> None:
    """Put limits on this process, for good.

    The limit of memory is on what is its own, heap and anonymous maps (RLIMIT_DATA since Linux 4.7):
    the address space of numpy's libraries is several times that, and says nothing.
    """
    limit_data(memory_mib * _MIB)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if not gently:
        return
    with suppress(OSError):
        os.nice(_LAST)
    # Whoever wakes pushes it aside at once; one that is only nice runs to the end of its turn, which
    # made an alert 1.6 times as slow (measured; sched(7)).
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def limit_data(most: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    reserve = most + _TO_SPEAK
    hard = reserve if hard == resource.RLIM_INFINITY else min(reserve, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (min(most, hard), hard))


def let_speak() -> None:
    """Give this process, which has no memory left, enough to say so."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))
