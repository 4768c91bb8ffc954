"""A day of 24 hours in 20 minutes with a fault each minute (tests/day), in a process of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.faults.accounting import Outcome
from tests.faults.nursery import ROOT

_FOUND = "FOUND "
_FAULTS = re.compile(r"^(\d+) faults of", re.MULTILINE)
_MEMORY = re.compile(r"^  memory   (.*)$", re.MULTILINE)


def run(folder: Path, say: Callable[[str], None]) -> list[Outcome]:
    """The full part: 20 minutes, and some to count."""
    report = folder / "report.txt"
    command = [sys.executable, "-m", "tests.day"]
    with report.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE, cwd=ROOT)
        assert process.stderr
        for line in process.stderr:
            say(line.decode(errors="replace").strip())
        code = process.wait()
    text = report.read_text(encoding="utf-8", errors="replace")
    found = [line.removeprefix(_FOUND) for line in text.splitlines() if line.startswith(_FOUND)]
    if code != 0 and not found:
        found.append(f"`python -m tests.day` ended with {code}")
    cases, memory = _FAULTS.search(text), _MEMORY.search(text)
    note = memory[1] if memory else ""
    return [Outcome("a day in 20 minutes", int(cases[1]) if cases else 0, tuple(found), note)]
