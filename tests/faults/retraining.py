"""Retraining broken at each of its steps: the old or the new model serves, the row of the ledger says
what happened, and the next training completes.

The process that learns, the one that started it, or both are killed just before a step (`planted`).
Each training has one more label, so that each would give another model.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from classifier import ModelError, load_model
from daemon import clock, ledger, retraining, status, verdicts
from daemon.database import Database, open_database
from daemon.records import FileState
from daemon.verdicts import Verdict
from tests import schooling
from tests.builders import make_tag, make_tagged
from tests.faults import planted
from tests.faults.accounting import Outcome

WHOM = ("itself", "parent", "both")
SWAP = "os.rename current"  # before it the old model serves, after it the new one

_ENDS_WITHIN = 20.0  # seconds, for a process whose parent has gone
_COMMAND = ("-m", "daemon.cli", "retrain", "--home")


def run(folder: Path, say: Callable[[str], None]) -> list[Outcome]:
    """Every step, and everybody who can be killed at it."""
    return [sweep(folder / whom, whom, say=say) for whom in WHOM]


def sweep(
    folder: Path,
    whom: str,
    *,
    steps: Collection[str] | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Outcome:
    """Kill at each step of a training that completes, or at those named."""
    school = School(folder)
    before = school.version
    with school.at_work() as database:
        school.learn(database, trace=folder / "trace")
    names = list(dict.fromkeys((folder / "trace").read_text(encoding="utf-8").splitlines()))
    faults = [] if school.served() != before else ["a training that nobody disturbs serves nothing"]
    chosen = [name for name in names if steps is None or name in steps]
    if steps is not None and set(chosen) != set(steps):
        faults.append(f"there is no step {', '.join(sorted(set(steps) - set(chosen)))}; there are {names}")
    for number, name in enumerate(chosen, 1):
        say(f"{whom}: {number} of {len(chosen)}: {name}")
        faults += [
            f"killed {whom} at {name!r}: {fault}"
            for fault in school.killed(name, whom, swapped=names.index(name) > names.index(SWAP))
        ]
    faults += school.completes()
    return Outcome(f"retraining: SIGKILL of {whom}", len(chosen), tuple(faults), f"{len(names)} steps")


@dataclass(slots=True)
class School:
    """A home with a small model and one judged article, and labels to come."""

    folder: Path
    labels: int = 0
    version: str = ""

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True)
        schooling.write_shipped(self.shipped)
        self.version = schooling.found(self.home, self.shipped)
        with self.at_work() as database, database.transaction() as connection:
            file = ledger.record_file(
                connection, fingerprint="f" * 64, name="a.txt", size=1, state=FileState.DONE, now=clock.now()
            )
            tagged = make_tagged(make_tag(), text="The refinery\nA judged article about crude oil.")
            article = ledger.record_article(connection, file, 0, tagged, now=clock.now())
            assert article is not None
            verdicts.add(
                connection,
                article=article,
                topic="energy",
                verdict=Verdict.RIGHT,
                person="ana",
                now=clock.now(),
            )

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def shipped(self) -> Path:
        return self.folder / "shipped"

    def served(self) -> str:
        return schooling.served(self.home)

    @contextmanager
    def at_work(self) -> Iterator[Database]:
        with closing(open_database(f"sqlite:///{self.home}/ledger.db")) as database:
            yield database

    def learn(self, database: Database, **plants: object) -> None:
        """One training with one more label; whoever starts it is this process."""
        self._one_more_label()
        settings = schooling.settings_of(self.home, rehearse_days=14.0)
        with patch.dict(os.environ, self._planted(**plants)):
            retraining.retrain(settings, database, asked_by="operator")

    def learn_elsewhere(self, **plants: object) -> int:
        """The same by the command; what it ended with."""
        self._one_more_label()
        command = [sys.executable, *_COMMAND, str(self.home)]
        environment = os.environ | self._planted(**plants)
        return subprocess.run(command, env=environment, capture_output=True, check=False).returncode

    def killed(self, step: str, whom: str, *, swapped: bool) -> list[str]:
        """Kill at a step, and see what is left."""
        before = self.served()
        if whom == "itself":
            with self.at_work() as database:
                self.learn(database, kill=step, whom=whom)
        elif (code := self.learn_elsewhere(kill=step, whom=whom)) != -signal.SIGKILL:
            return [f"the command was not killed, and ended with {code}"]
        return [*self._leaves_processes(), *self._serves(before, swapped=swapped), *self._told(before)]

    def completes(self) -> list[str]:
        """The next training, that nobody disturbs, serves a model of all labels and tidies up."""
        before = self.served()
        with self.at_work() as database:
            self.learn(database)
            settings = schooling.settings_of(self.home)
            with patch.dict(os.environ, self._planted()):
                again = retraining.retrain(settings, database, asked_by="operator")
        faults = [] if self.served() != before else ["the next training did not serve its model"]
        if again.state != "unchanged":
            faults.append(f"and the one after it: {again.state}, {again.result}")
        known = {".lock", ".serving.lock"}
        hidden = {path.name for path in (self.home / "models").rglob(".*")} - known
        return faults + [f"left behind: {name}" for name in sorted(hidden)]

    def _serves(self, before: str, *, swapped: bool) -> Iterator[str]:
        served = self.served()
        try:
            load_model(self.home / "models")
        except ModelError as error:
            yield f"what serves cannot: {error}"
        if (served != before) != swapped:
            yield f"{served} serves, and before it was {before}"
        sheet = self.home / "labels" / "verdicts.jsonl"
        for line in sheet.read_text(encoding="utf-8").splitlines():
            json.loads(line)

    def _told(self, before: str) -> Iterator[str]:
        """What the row and `status` say."""
        with self.at_work() as database:
            found = status.gather(schooling.settings_of(self.home), database)["training"]["last"]
        if self.served() != before and (found["state"], found["version"]) != ("served", self.served()):
            yield f"the new model serves, and status says {found}"
        if self.served() == before and found["state"] != "failed":
            yield f"the old model serves, and status says {found}"
        if not any(word in found["result"] for word in ("killed", "cut off", "ended before")):
            yield f"status does not say how it ended: {found}"

    def _leaves_processes(self) -> Iterator[str]:
        """Whoever is killed, the process that learns ends."""
        until = time.monotonic() + _ENDS_WITHIN
        while (left := list(self._learners())) and time.monotonic() < until:
            time.sleep(0.05)
        for process in left:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
            yield f"process {process} learns on"

    def _learners(self) -> Iterator[int]:
        for path in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                if str(self.shipped).encode() in path.read_bytes():
                    command = path.with_name("cmdline").read_bytes()
                    if b"daemon.learning" in command:
                        yield int(path.parent.name)

    def _one_more_label(self) -> None:
        self.labels += 1
        lines = [f"energy\tPower plant number {n} burned coal for {n + 2} days.\n" for n in range(self.labels)]
        schooling.teach(self.home, "".join(lines))

    def _planted(self, **plants: object) -> dict[str, str]:
        return planted.environment(self.folder / "site", shipped=self.shipped, **plants)
