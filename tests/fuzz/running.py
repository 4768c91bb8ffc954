"""One entry, fuzzed in a process of its own for some seconds; again from where it was, after a finding."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.names import JAIL, corpus, dictionary

HEADING = (
    f"{'entry':10} {'seconds':>7} {'runs':>9} {'coverage':>14} {'crashes':>7} {'hangs':>6} {'memory':>6}"
)
_LONGEST = 4096  # bytes of an input
_SLOWEST = 20  # seconds
_MOST_FINDINGS = 8  # then the entry is left
_COVERAGE = re.compile(r"cov: (\d+) ft: \d+")
_REASON = re.compile(r"^(\w*Error: .*|==\d+== ?ERROR: libFuzzer: .*)", re.MULTILINE)
_RUNS = re.compile(r"^stat::number_of_executed_units: *(\d+)|^#(\d+)\b", re.MULTILINE)


@dataclass(slots=True)
class Result:
    name: str
    seconds: float = 0.0
    runs: int = 0
    coverage: list[int] = field(default_factory=list)
    findings: list[tuple[str, str]] = field(default_factory=list)  # kind, what was said of it

    @property
    def is_clean(self) -> bool:
        return not self.findings

    def line(self) -> str:
        first, last = (self.coverage[0], self.coverage[-1]) if self.coverage else (0, 0)
        found = [sum(kind == each for kind, _ in self.findings) for each in ("crash", "timeout", "oom")]
        covered = f"{first}+{last - first}"
        counts = "{:7} {:6} {:6}".format(*found)
        return f"{self.name:10} {self.seconds:7.0f} {self.runs:9,} {covered:>14} {counts}"


def run(name: str, seconds: float, scratch: Path) -> Result:
    """Fuzz an entry and say in a line what came of it."""
    result = Result(name)
    learnt = scratch / name / "corpus"
    learnt.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    while (left := seconds - (time.monotonic() - begun)) > 1 and len(result.findings) < _MOST_FINDINGS:
        _once(result, learnt, left, scratch / name)
    result.seconds = time.monotonic() - begun
    print("\n".join((result.line(), *(f"    {kind}: {said}" for kind, said in result.findings))), flush=True)
    return result


def _once(result: Result, learnt: Path, seconds: float, folder: Path) -> None:
    words = dictionary(result.name)
    module = "tests.fuzz.jailed" if result.name == JAIL else "tests.fuzz.one"
    command = [
        *(sys.executable, "-m", module, result.name, str(learnt)),
        *([str(corpus(result.name))] if corpus(result.name).exists() else []),
        f"-max_total_time={int(seconds)}",
        f"-max_len={_LONGEST}",
        f"-timeout={_SLOWEST}",
        f"-artifact_prefix={folder}/",
        "-print_final_stats=1",
        "-verbosity=1",
        *([f"-dict={words}"] if words else []),
    ]
    with (folder / "said.txt").open("ab") as said:
        before, start = set(folder.iterdir()), said.tell()
        status = subprocess.run(command, stdout=said, stderr=said, check=False).returncode
    text = (folder / "said.txt").read_bytes()[start:].decode("utf-8", "replace")
    covered = [int(found[1]) for found in _COVERAGE.finditer(text)]
    result.coverage += covered[:1] if not result.coverage else []
    result.coverage += covered[-1:]
    result.runs += max((int(found[1] or found[2]) for found in _RUNS.finditer(text)), default=0)
    made = sorted(set(folder.iterdir()) - before)
    for path in made:
        kind = path.name.partition("-")[0]
        if kind in ("crash", "timeout", "oom", "leak"):
            result.findings.append((kind, f"{path} {_reason(text)}"))
    if status and not made:
        result.findings.append(("crash", f"ended with {status}: {_reason(text)}; see {folder}/said.txt"))


def _reason(text: str) -> str:
    found = [match[1] for match in _REASON.finditer(text)] or text.splitlines()[-3:]
    return " | ".join(found[-2:])[:300]
