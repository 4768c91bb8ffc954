"""Every lie of Slack, and death at every point of a delivery: each message stands there once, in its place.

    python -m tests.faults.matrix "burst | reset, after | chat.postMessage 1 | committed 3"      # one again

A case is a subject (`owed`), a lie (`lies`) that strikes one of its requests, and the point at which
the process is killed. A first run without a kill tells which points there are; a second life does
what is left, and then what stands in the channel is counted.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.faults import owed
from tests.faults.accounting import Outcome
from tests.faults.crossing import Bench, Case, Lane, Verdict
from tests.faults.lies import LIES
from tests.faults.owed import SUBJECTS

_FAR_ENOUGH = 12  # points after a lie: by then what it struck has been settled


def points(trace: Sequence[str]) -> list[str]:
    """Where it is worth dying. A transaction that begins where the last ended is no point of its own."""
    found = []
    for before, event in zip(("", *trace), trace, strict=False):
        ours = before.startswith(("committed", "begun"))
        if not (event.startswith("begun") and (ours or not before)):
            found.append(event)
    return found


def whole_cases(subjects: Sequence[str] = tuple(SUBJECTS)) -> list[Case]:
    """Every lie that can strike, without a kill."""
    return [
        Case(subject, lie.name, target)
        for subject in subjects
        for target in SUBJECTS[subject].targets
        for lie in LIES.values()
        if lie.may_strike(target[0], subject)
        and (lie.name != "none" or target == SUBJECTS[subject].targets[0])
    ]


def killed_cases(verdict: Verdict) -> list[Case]:
    """A kill at each point of a case; one that a lie strikes only from there on, as it is the same before."""
    case, trace = verdict.case, list(verdict.trace)
    if not _meets_kills(case):
        return []
    if case.lie == "none":
        return [replace(case, kills=(point,)) for point in points(trace)]
    struck = trace.index(f"{case.target[0]} arrived {case.target[1]}")
    later = [point for point in points(trace) if trace.index(point) > struck]
    return [replace(case, kills=(point,)) for point in later[:_FAR_ENOUGH]]


def _meets_kills(case: Case) -> bool:
    """The night's messages go as a burst's do, and an upload that is lost as one that was never begun."""
    if case.lie == "none":
        return True
    if case.subject == "quiet hours":
        return False
    if case.target[0] not in (owed.POST, owed.UPDATE):
        return case.lie == "reset, after"
    return LIES[case.lie].is_typical


def twice_killed_cases(verdict: Verdict) -> list[Case]:
    """The life that makes up for a kill is killed as well."""
    case, trace = verdict.case, list(verdict.trace)
    if not verdict.reached:
        return []
    start = trace.index(case.kills[0]) + 1
    later = list(dict.fromkeys(points(trace[start:])))
    return [replace(case, kills=(*case.kills, point)) for point in later]


@dataclass(frozen=True, slots=True)
class Planted:
    """A case that a broken dispatcher does not come through, and the words that must be said of it."""

    case: str
    words: str


_NAIVE = Planted("alert | reset, after | chat.postMessage 1", "2 times")
_BOASTS = Planted("alert | none | chat.postMessage 1 | committed 4", "0 times")
_WAITS_NOT = Planted("digest | none | chat.postMessage 1", "in the thread None")
_SHOWS_NOT = Planted("update | none | chat.update 1 | chat.update arrived 2", "is not shown")
PLANTED: Mapping[str, Planted] = {
    "resends at once": _NAIVE,
    "leaves retries to the SDK": _NAIVE,
    "sent before the answer": _BOASTS,
    "replies do not wait": _WAITS_NOT,
    "shown before the answer": _SHOWS_NOT,
}


def run(folder: Path, say: Callable[[str], None]) -> list[Outcome]:
    """The full part."""
    with tempfile.TemporaryDirectory(dir=_memory(folder)) as scratch, Bench(Path(scratch)) as bench:
        return [*_sound(bench, say), *(find(bench, plant) for plant in PLANTED)]


def _sound(bench: Bench, say: Callable[[str], None]) -> Iterator[Outcome]:
    started = time.monotonic()
    whole = bench.run(whole_cases())
    say(f"{len(whole)} lies")
    yield _outcome("every lie of Slack", whole, started)
    started = time.monotonic()
    killed = bench.run([case for verdict in whole for case in killed_cases(verdict)])
    say(f"{len(killed)} kills")
    yield _outcome("a lie, and SIGKILL at every point", killed, started)
    started = time.monotonic()
    kept = [verdict for verdict in killed if verdict.case.lie == "none" and "kept" in verdict.case.kills[0]]
    twice = bench.run([case for verdict in kept for case in twice_killed_cases(verdict)])
    yield _outcome("SIGKILL, and again in the life after it", twice, started)


def _outcome(name: str, verdicts: Sequence[Verdict], started: float) -> Outcome:
    faults = [f"{verdict.case}: {fault}" for verdict in verdicts for fault in verdict.faults]
    faults += [f"{verdict.case}: it never came so far" for verdict in verdicts if not verdict.reached]
    struck = Counter(verdict.case.subject for verdict in verdicts)
    each = ", ".join(f"{number} {subject}" for subject, number in struck.items())
    return Outcome(name, len(verdicts), tuple(faults), f"{each}; took {time.monotonic() - started:.0f} s")


def find(bench: Bench, plant: str) -> Outcome:
    """A dispatcher that is broken on purpose meets lies and kills: how many cases say what is wrong."""
    planted = PLANTED[plant]
    telling = Case.named(planted.case)
    [clean] = bench.run([replace(telling, lie="none", kills=(), plant=plant)])
    cases = [each for each in whole_cases([telling.subject]) if _meets_kills(each)]
    cases = [replace(each, plant=plant) for each in cases if each.target == telling.target]
    verdicts = bench.run([replace(telling, plant=plant), *cases, *killed_cases(clean)])
    found = [verdict for verdict in verdicts if _says(verdict, planted.words)]
    faults = () if verdicts[0] in found else (f"{plant}: nobody noticed",)
    note = f"{len(found)} cases say {planted.words!r}, such as: {telling}"
    return Outcome(f"planted: {plant}", len(verdicts), faults, note)


def _says(verdict: Verdict, words: str) -> bool:
    return any(words in fault for fault in verdict.faults)


def main(name: str) -> int:
    """One case again, with all there is to see of it."""
    with tempfile.TemporaryDirectory() as folder, Lane(Path(folder) / "lane") as lane:
        verdict = lane.run(Case.named(name))
        print((lane.folder / "log").read_text())
        print(*verdict.trace, sep="\n")
        print(*(verdict.faults or ("no fault",)), sep="\n")
    return int(bool(verdict.faults))


def _memory(folder: Path) -> Path:
    """In memory where that can be had: only processes die here."""
    memory = Path("/dev/shm")
    return memory if os.access(memory, os.W_OK) else folder


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
