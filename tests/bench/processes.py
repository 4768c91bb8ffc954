"""What processes use of memory and processor, as Linux tells it."""

from __future__ import annotations

import os
import re
from pathlib import Path

_RESIDENT = re.compile(r"^VmRSS:\s+(\d+) kB$", re.MULTILINE)


def resident(process: int) -> float:
    """MiB that a process has in memory now; 0 where it has ended."""
    try:
        found = _RESIDENT.search(Path(f"/proc/{process}/status").read_text(encoding="ascii"))
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return int(found[1]) / 1024 if found else 0.0


def processor_time(process: int) -> float:
    """Seconds that the threads of a process have worked in all; 0 where it has ended."""
    try:
        found = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    # The name before the last bracket may hold blanks (proc_pid_stat(5)).
    numbers = found.rpartition(")")[2].split()
    return (int(numbers[11]) + int(numbers[12])) / os.sysconf("SC_CLK_TCK")


def children(process: int) -> list[int]:
    """The processes that a process started, and those that they did."""
    found: list[int] = []
    for thread in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            started = [int(each) for each in thread.read_text(encoding="ascii").split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
        for each in started:
            found += [each, *children(each)]
    return found
