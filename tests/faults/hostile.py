"""Every hostile file, the slow ones too: within its limits, as it must end, and the next one read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.faults.accounting import Outcome
from tests.hostile_files.corpus import PARTS, Case, of_part
from tests.hostile_files.trying import Bench, Trial


def run(folder: Path, say: Callable[[str], None]) -> list[Outcome]:
    """The full part."""
    bench = Bench()
    try:
        return [_outcome(part, [_tried(bench, part, case, say) for case in of_part(part)]) for part in PARTS]
    finally:
        bench.close()


def _tried(bench: Bench, part: str, case: Case, say: Callable[[str], None]) -> Trial:
    say(f"{part}: {case.title}")
    return bench.try_case(case)


def _outcome(part: str, trials: list[Trial]) -> Outcome:
    faults = tuple(f"{trial.case.title}: {fault}" for trial in trials for fault in trial.faults)
    slowest = max(trials, key=lambda trial: trial.seconds)
    largest = max(trials, key=lambda trial: trial.mib)
    time, memory = f"{slowest.seconds:.1f} s", f"{largest.mib:.0f} MiB"
    note = f"at most {time} ({slowest.case.title}), {memory} ({largest.case.title})"
    return Outcome(f"hostile {part}", len(trials), faults, note)
