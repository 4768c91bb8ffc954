"""Times as ratios: two ways of doing the same by turns, so that a busy machine slows both."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

ROUNDS = 7

# A process's peak counts what it was forked from, so a small one starts it.
_LAUNCH = """
import resource, subprocess, sys, time
started = time.perf_counter()
subprocess.run([sys.executable, *sys.argv[1:]], stdout=subprocess.DEVNULL, check=True)
print(time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@dataclass(frozen=True, slots=True)
class Compared:
    """What two ways of doing the same took, round by round."""

    what: str
    slow: tuple[float, ...]
    fast: tuple[float, ...]
    unit: str = "s"

    @property
    def ratios(self) -> list[float]:
        """How many times as much the slow way took, in each round, smallest first."""
        return sorted(slow / fast for slow, fast in zip(self.slow, self.fast, strict=True))

    @property
    def cells(self) -> tuple[str, str, str, str, str]:
        ratios = self.ratios
        slow, fast = statistics.median(self.slow), statistics.median(self.fast)
        return (
            self.what,
            f"{slow:.3g} {self.unit}",
            f"{fast:.3g} {self.unit}",
            f"{statistics.median(ratios):.3g} ×",
            f"{ratios[0]:.3g}–{ratios[-1]:.3g}",
        )


def say(what: str) -> None:
    """What is done now, for who waits."""
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def compare(
    what: str,
    slow: Callable[[], object],
    fast: Callable[[], object],
    times: int = ROUNDS,
    clock: Callable[[], float] = time.process_time,
) -> Compared:
    """Both once for nothing, then by turns. What this process alone does is timed by its own work."""
    say(what)
    slow(), fast()
    rounds = [(_seconds(slow, clock), _seconds(fast, clock)) for _ in range(times)]
    return Compared(what, tuple(s for s, _ in rounds), tuple(f for _, f in rounds))


def compare_processes(
    slow: Sequence[str], fast: Sequence[str], times: int = ROUNDS
) -> tuple[Compared, Compared]:
    """Start to exit of two Python processes, and the most memory each had.

    As an installed program they find their modules compiled.
    """
    what = "a process that tags one file, start to exit"
    say(what)
    with tempfile.TemporaryDirectory(prefix="topicwire-compiled-") as compiled:
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        installed = kept | {"PYTHONPYCACHEPREFIX": compiled}
        process(slow, installed), process(fast, installed)
        rounds = [(process(slow, installed), process(fast, installed)) for _ in range(times)]
    seconds = Compared(what, tuple(s[0] for s, _ in rounds), tuple(f[0] for _, f in rounds))
    memory = Compared(
        "its peak memory", tuple(s[1] for s, _ in rounds), tuple(f[1] for _, f in rounds), "MiB"
    )
    return seconds, memory


def _seconds(work: Callable[[], object], clock: Callable[[], float]) -> float:
    started = clock()
    work()
    return clock() - started


def process(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> tuple[float, float]:
    """Seconds that a Python process took, and the peak memory in MiB of the largest that it came to."""
    launched = subprocess.run(
        [sys.executable, "-c", _LAUNCH, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=environment,
    )
    seconds, kibibytes = launched.stdout.split()
    return float(seconds), int(kibibytes) / 1024
