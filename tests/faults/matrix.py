"""Every lie of Slack, and death at every point of a delivery: each message stands there once, in its place.

    python -m tests.faults.matrix "burst | reset, after | chat.postMessage 1 | committed 3"      # one again

A case is a subject (`owed`), a lie (`lies`) that strikes one of its requests, and the point at which
the process is killed. A first run without a kill tells which points there are; a second life does
what is left, and then what stands in the channel is counted.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from queue import SimpleQueue

from daemon import app
from tests.faults import owed
from tests.faults.accounting import Outcome
from tests.faults.ahead import SharedClock
from tests.faults.lies import LIES, Lie
from tests.faults.lives import IDLE, Life, Lives, settings_of
from tests.faults.owed import SUBJECTS, Subject, Target
from tests.faults.patient_slack import PatientSlack
from tests.slack_stand_in import Call, SlackStandIn

LANES = 2
_DOWN = 60.0  # seconds for which nobody listens
_START_AGAIN = 3.0
_FAR_ENOUGH = 12  # points after a lie: by then what it struck has been settled


@dataclass(frozen=True, slots=True)
class Case:
    """`kills`: at which event each life ends, but the last, which is left in peace."""

    subject: str
    lie: str
    target: Target
    kills: tuple[str, ...] = ()
    plant: str = ""

    def __str__(self) -> str:
        struck = f"{self.target[0]} {self.target[1]}"
        return " | ".join((self.subject, self.lie, struck, *self.kills))

    @classmethod
    def named(cls, name: str) -> Case:
        """As `str` writes it."""
        subject, lie, struck, *kills = name.split(" | ")
        method, number = struck.split(" ")
        return cls(subject, lie, (method, int(number)), tuple(kills))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one case. `trace`: the events of all its lives; `reached`: each kill was."""

    case: Case
    faults: tuple[str, ...]
    trace: tuple[str, ...]
    reached: bool
    seconds: float = 0.0  # simulated


class Lane:
    """Runs one case after the other in a folder of its own; use it with `with`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ledgers: dict[str, bytes] = {}
        self._lives = Lives()

    def __enter__(self) -> Lane:
        self.folder.mkdir(parents=True)
        app.make_home(settings_of(self.folder))
        self.clock = SharedClock(self.folder / "clock")
        for subject in SUBJECTS.values():
            place = self.folder / f"{subject.name}.db"
            owed.make_ledger(subject, place)
            self._ledgers[subject.name] = place.read_bytes()
        self._lives.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._lives.__exit__(None, None, None)

    def run(self, case: Case) -> Verdict:
        subject, lie = SUBJECTS[case.subject], LIES[case.lie]
        self._lay_out(subject)
        with PatientSlack(self.clock.unix_time) as slack:
            slack.messages.extend(owed.in_channel(subject))
            world = _World(self, slack, subject, lie, case)
            ends = list(self._live(case, lie, slack, world))
            world.rest()
            slack.catch_up(all=True)
            found = owed.faults(
                subject,
                self.ledger,
                slack.messages,
                may_be_uprooted=lie.uproots,
                may_be_stale=lie.makes_stale,
                may_be_unnamed=lie.unnames,
            )
            faults = [f"the last life ended with {ends[-1]}"] * (ends[-1] != IDLE)
            faults += [f"a life ended with {end}" for end in ends[:-1] if end not in (IDLE, -signal.SIGKILL)]
            faults += found
        reached = all(end == -signal.SIGKILL for end in ends[: len(case.kills)])
        trace = (self.folder / "trace").read_text().splitlines()
        return Verdict(case, tuple(faults), tuple(trace), reached, self.clock.elapsed)

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger.db"

    def _lay_out(self, subject: Subject) -> None:
        for name in ("ledger.db-wal", "ledger.db-shm", "trace", "log"):
            with suppress(FileNotFoundError):
                (self.folder / name).unlink()
        self.ledger.write_bytes(self._ledgers[subject.name])
        self.clock.set_to(1.0)

    def _live(self, case: Case, lie: Lie, slack: SlackStandIn, world: _World) -> Iterator[int]:
        life = Life(self.folder, slack.url, case.subject, plant=case.plant, timeout=lie.timeout)
        if lie.is_down:
            slack.go_down()
        for kill in (*case.kills, *([""] if lie.is_down else ()), ""):
            world.begin(kill)
            last = not kill and slack.is_up
            yield self._lives.live(replace(life, kill=kill, until=0.0 if slack.is_up else _DOWN))
            if last:
                return
            self.clock.move_on(_START_AGAIN)
            if not kill:
                slack.come_up()


@dataclass
class _World:
    """Listens to what arrives at Slack: strikes, kills, and writes it down."""

    lane: Lane
    slack: SlackStandIn
    subject: Subject
    lie: Lie
    case: Case
    _seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    _kill: str = ""
    _rests: bool = False

    def __post_init__(self) -> None:
        self._trace = (self.lane.folder / "trace").open("ab", buffering=0)
        self.slack.on(None, "arrived", partial(self._hear, "arrived"))
        self.slack.on(None, "kept", partial(self._hear, "kept"))

    def begin(self, kill: str) -> None:
        self._kill = kill

    def rest(self) -> None:
        self._rests = True
        self._trace.close()

    def _hear(self, moment: str, call: Call) -> None:
        if self._rests:
            return  # done late, when all is over
        self._seen[call.method, moment] += 1
        number = self._seen[call.method, moment]
        event = f"{call.method} {moment} {number}"
        self._trace.write(f"{event}\n".encode())
        if event == self.subject.verdict_at:
            owed.say_more(self.lane.ledger)
        if (call.method, number) == self.case.target and moment == "arrived":
            self.lie.strike(self.slack, call)
        if event == self._kill:
            os.kill(self.lane.clock.process, signal.SIGKILL)


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


# What is planted, and the words by which it must be found.
PLANTED: Mapping[str, tuple[str, str]] = {
    "resends at once": ("alert", "2 times"),
    "leaves retries to the SDK": ("alert", "2 times"),
    "sent before the answer": ("alert", "0 times"),
    "replies do not wait": ("digest", "in the thread None"),
    "shown before the answer": ("update", "is not shown"),
}


class Bench:
    """So many lanes side by side."""

    def __init__(self, folder: Path, lanes: int = LANES) -> None:
        self._lanes = [Lane(folder / f"lane-{number}") for number in range(lanes)]

    def __enter__(self) -> Bench:
        self._stack = ExitStack()
        self._free: SimpleQueue[Lane] = SimpleQueue()
        for lane in self._lanes:
            self._free.put(self._stack.enter_context(lane))
        self._pool = self._stack.enter_context(ThreadPoolExecutor(len(self._lanes)))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(self, cases: Sequence[Case]) -> list[Verdict]:
        return list(self._pool.map(self._run, cases))

    def _run(self, case: Case) -> Verdict:
        lane = self._free.get()
        try:
            return lane.run(case)
        finally:
            self._free.put(lane)


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


def find(bench: Bench, plant: str, *, at_most: int = 1000) -> Outcome:
    """A dispatcher that is broken on purpose: at least one case must say so, in the right words.

    Stops looking when it is found, after `at_most` cases at once.
    """
    subject, words = PLANTED[plant]
    cases = [
        replace(case, plant=plant)
        for case in whole_cases([subject])
        if _meets_kills(case) and case.target == SUBJECTS[subject].targets[0]
    ]
    verdicts = bench.run(cases[:1])
    cases = [*cases[1:], *killed_cases(verdicts[0])]
    while not (found := [each for each in verdicts if _says(each, words)]) and cases:
        verdicts += bench.run(cases[:at_most])
        del cases[:at_most]
    faults = () if found else (f"{plant}: nobody noticed",)
    note = f"{len(found)} cases say {words!r}, such as: {found[0].case}" if found else ""
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
