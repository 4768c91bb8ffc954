"""One case of the matrix: what is owed, what Slack does to it, where the process dies, what stands there."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from queue import SimpleQueue

from daemon import app
from tests.faults import owed
from tests.faults.ahead import SharedClock
from tests.faults.lies import LIES, Lie
from tests.faults.lives import IDLE, Life, Lives, settings_of
from tests.faults.owed import SUBJECTS, Subject, Target
from tests.faults.patient_slack import PatientSlack
from tests.slack_stand_in import Call, Fault, SlackStandIn

LANES = 2

_DOWN = 60.0  # seconds for which nobody listens
_START_AGAIN = 3.0


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
            if moment == "arrived":  # and was lost on the way
                self.slack.faults.insert(0, Fault("close", method=call.method))


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
