"""strace at a process that waits: counts its system calls, and lets one of them fail or kill it.

With strace's `when=N` the N-th call of one name in the traced thread is meant; other threads of the
process (watchdog's) are not traced and do not count.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

KILL = "SIGKILL"

_CALL = re.compile(r"^(\w+)\(")


@dataclass(frozen=True, slots=True)
class Injection:
    """What happens at the `number`-th call of a name, or (`ever`) from then on at each."""

    call: str
    number: int
    effect: str  # SIGKILL, before the call does anything; or an error such as EIO, in place of it
    ever: bool = False

    def __str__(self) -> str:
        return f"{self.effect} at {self.call} {self.number}{' and ever after' if self.ever else ''}"

    @property
    def option(self) -> str:
        kind = "signal" if self.effect.startswith("SIG") else "error"
        return f"inject={self.call}:{kind}={self.effect}:when={self.number}{'+' if self.ever else ''}"


@cache
def missing() -> str | None:
    """Why no process can be traced here, in one line; None where it can."""
    if shutil.which("strace") is None:
        return "strace is not installed: apt-get install strace"
    waiting = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        with traced(waiting.pid, Injection("openat", 65_535, "EIO")):
            return None
    except RuntimeError as error:
        return f"processes cannot be traced here: {error}"
    finally:
        waiting.kill()
        waiting.communicate()


@contextmanager
def traced(
    process: int, injection: Injection | None = None, *, calls: Collection[str] = (), to: Path | None = None
) -> Iterator[None]:
    """strace holds the process inside this block. Without `calls` and `injection` it sees every call.

    `to` takes what it saw, one call a line. RuntimeError where strace cannot take hold.
    """
    names = {*calls, injection.call} if injection else set(calls)
    command = ["strace", "-p", str(process), "-o", str(to or "/dev/null"), "-e", "signal=none"]
    if names:
        command += ["-e", "trace=" + ",".join(f"?{name}" for name in sorted(names))]
    if injection:
        command += ["-e", injection.option]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert tracer.stderr
    try:
        said = tracer.stderr.readline()
        if "attached" not in said:
            raise RuntimeError(said.strip() or "strace said nothing")
        yield
    finally:
        tracer.terminate()
        tracer.communicate()


def calls_in(trace: Path) -> list[str]:
    """The names of the calls in a trace, in their order."""
    lines = trace.read_text(encoding="utf-8", errors="replace").splitlines()
    return [found[1] for line in lines if (found := _CALL.match(line))]
