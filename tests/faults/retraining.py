"""Retraining broken at each of its steps: the old or the new model serves, the row of the ledger says
what happened, and the next training completes.

The process that learns, the one that started it, or both are killed just before a step (`planted`).
Each training has one more label, so that each would give another model.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from classifier import ModelError, load_model, use_model
from daemon import clock, ledger, retraining, status, trainings, verdicts
from daemon.database import Database, open_database
from daemon.records import FileState
from daemon.verdicts import Verdict
from tests import schooling
from tests.builders import make_tag, make_tagged
from tests.daemon_process import DaemonProcess
from tests.faults import planted
from tests.faults.accounting import Outcome
from tests.faults.articles import article_text
from tests.faults.full_disks import NoSmallDiskError, namespace
from tests.faults.newsroom import configuration, drop
from tests.slack_stand_in import SlackStandIn

WHOM = ("itself", "parent", "both")
SWAP = "os.rename current"  # before it the old model serves, after it the new one

_ENDS_WITHIN = 20.0  # seconds, for a process whose parent has gone
_PATIENCE = 240.0  # seconds
_COMMAND = ("-m", "daemon.cli", "retrain", "--home")


def run(folder: Path, say: Callable[[str], None]) -> list[Outcome]:
    """Every step, and everybody who can be killed at it; a full disk; and 1,000 articles meanwhile."""
    outcomes = [sweep(folder / whom, whom, say=say) for whom in WHOM]
    try:
        outcomes.append(examine(folder / "disk"))
    except NoSmallDiskError as error:
        outcomes.append(Outcome("retraining: disk full", 0, (), f"skipped: {error}"))
    outcomes.append(restarted(folder / "restarted"))
    return [*outcomes, meanwhile(folder / "meanwhile", articles=1000, say=say)]


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
        school.note()
        faults += [
            f"killed {whom} at {name!r}: {fault}"
            for fault in school.killed(name, whom, swaps=_swaps(names, name, whom))
        ]
    faults += school.completes()
    return Outcome(f"retraining: SIGKILL of {whom}", len(chosen), tuple(faults), f"{len(names)} steps")


def _swaps(names: list[str], name: str, whom: str) -> set[bool]:
    """Before the swap the old model serves, after it the new one. An orphan that was allowed to swap may
    have done so before it hears that it is one.
    """
    step, swap = names.index(name), names.index(SWAP)
    allowed = names.index("says serves")
    return {True, False} if whom == "parent" and allowed < step <= swap else {step > swap}


def meanwhile(folder: Path, *, articles: int, say: Callable[[str], None] = lambda line: None) -> Outcome:
    """Articles arrive before, while and after a daemon trains by its timetable: each names one model."""
    school = School(folder)
    before = school.version
    with SlackStandIn() as stand_in:
        config = configuration(folder, stand_in, settle=0.1, more="rehearse_days = 1\n")
        config = config.replace('cron = "never"', 'cron = "0 3 1 1 *"')
        with patch.dict(os.environ, school.planted(look_every=0.3)):
            daemon = DaemonProcess(school.home, config=config)
        try:
            daemon.wait_until_watching()
            dropped = _drop(school.home, range(articles // 4))
            daemon.wait_until(lambda: school.tagged() >= dropped, seconds=_PATIENCE)
            school.one_more_label()
            school.fall_due()
            until = time.monotonic() + _PATIENCE
            while not school.has_learned() and time.monotonic() < until:
                if dropped < articles - articles // 4:
                    dropped += _drop(school.home, range(dropped, dropped + 5))
                time.sleep(0.05)
            say(f"{dropped} of {articles} articles when the new model serves")
            arrived_meanwhile = dropped - articles // 4
            dropped += _drop(school.home, range(dropped, articles))
            daemon.wait_until(lambda: school.tagged() >= articles, seconds=_PATIENCE)
        finally:
            daemon.stop()
        log = daemon.log
    faults = list(_one_model_each(school, before, articles))
    if log.count("model changed") != 1:
        faults.append(f"the model changed {log.count('model changed')} times")
    note = f"{arrived_meanwhile} of {articles} arrived while it was trained"
    return Outcome("retraining: articles meanwhile", articles, tuple(faults), note)


def restarted(folder: Path) -> Outcome:
    """The daemon is killed while it trains by its timetable; started again it does that anew."""
    school = School(folder)
    school.one_more_label()
    faults = []
    with SlackStandIn() as stand_in:
        config = configuration(folder, stand_in).replace('cron = "never"', 'cron = "0 3 1 1 *"')
        with patch.dict(os.environ, school.planted(look_every=0.3, kill="says learning", whom="parent")):
            daemon = DaemonProcess(school.home, config=config)
        daemon.wait_until_watching()
        school.fall_due()
        if (code := daemon.process.wait(_PATIENCE)) != -signal.SIGKILL:
            faults.append(f"the daemon was not killed, and ended with {code}")
        faults += school.leaves_processes()
        with patch.dict(os.environ, school.planted(look_every=0.3)):
            daemon = DaemonProcess(school.home, config=config)
        try:
            daemon.wait_until(lambda: school.has_learned("served"), seconds=_PATIENCE)
        finally:
            daemon.stop()
    told = [(row["state"], str(row["result"]).partition(",")[0]) for row in schooling.rows(school.home)]
    if told != [("failed", "cut off"), ("served", f"serving {school.served()}")]:
        faults.append(f"the ledger says {told}, and {school.served()} serves")
    return Outcome("retraining: the daemon killed and started again", 1, tuple(faults))


def _drop(home: Path, numbers: Collection[int]) -> int:
    for number in numbers:
        drop(home / "inbox", f"article-{number:04}.txt", article_text(number, quiet=True))
    return len(numbers)


def _one_model_each(school: School, before: str, articles: int) -> Iterator[str]:
    """Each article is there once, tagged by the old model or the new: the old ones first."""
    found = school.asked(
        "SELECT files.name, articles.model FROM articles JOIN files ON files.id = file_id"
        " WHERE files.state = 'done' AND files.name LIKE 'article-%' ORDER BY articles.id"
    )
    names = sorted(name for name, _ in found)
    if names != [f"article-{number:04}.txt" for number in range(articles)]:
        yield f"{len(names)} articles of {len(set(names))} files, not {articles}"
    models = [model for _, model in found]
    after = school.served()
    if after == before or set(models) != {before, after}:
        yield f"{before} served, now {after} does, and the articles name {set(models)}"
    if models != sorted(models, key=[before, after].index):
        yield "articles of the old model come after those of the new one"
    if left := list((school.home / "inbox").iterdir()):
        yield f"{len(left)} files are left in the inbox"


def examine(folder: Path) -> Outcome:
    """A disk that fills up while the model is written, in a mount namespace of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [*namespace(), sys.executable, "-m", "tests.faults.retraining", str(folder)]
    found = subprocess.run(command, capture_output=True, text=True, check=False, cwd=planted.ROOT)
    name = "retraining: disk full"
    if found.returncode != 0:
        return Outcome(name, 1, (f"the case itself failed: {found.stderr[-500:]}",))
    return Outcome(name, 1, tuple(json.loads(found.stdout)))


def fill(folder: Path) -> list[str]:
    """The models lie on a disk with room for one and a bit; later there is more."""
    school = School(folder)
    models, before = school.home / "models", school.version
    kept = folder / "kept"
    shutil.copytree(models, kept)
    size = sum(path.stat().st_size for path in kept.rglob("*") if path.is_file())
    options = f"size={size * 3 // 2 // 1024}k"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(models)], check=True)
    shutil.copytree(kept, models, dirs_exist_ok=True)
    faults = []
    with school.at_work() as database:
        outcome = school.learn(database)
        if outcome.state != "failed" or "No space left" not in outcome.result or "\n" in outcome.result:
            faults.append(f"full: {outcome.state}, {outcome.result}")
        if school.served() != before:
            faults.append(f"full: {school.served()} serves")
        load_model(models)
        faults += [f"half written: {path}" for path in models.glob(".2*")]
        subprocess.run(["mount", "-o", "remount,size=64m", str(models)], check=True)
        outcome = school.learn(database)
        if outcome.state != "served" or school.served() != outcome.version:
            faults.append(f"with room: {outcome.state}, {outcome.result}")
    return faults


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

    @property
    def sheet(self) -> Path:
        return self.home / "labels" / "verdicts.jsonl"

    def served(self) -> str:
        return schooling.served(self.home)

    def note(self) -> None:
        """Have the history say what serves, as a kill may have kept it from doing: the next training
        would do so before the swap, by a step of the same name as after it.
        """
        use_model(self.home / "models", self.served(), because="found serving")

    @contextmanager
    def at_work(self) -> Iterator[Database]:
        with closing(open_database(f"sqlite:///{self.home}/ledger.db")) as database:
            yield database

    def learn(self, database: Database, **plants: object) -> trainings.Outcome:
        """One training with one more label; whoever starts it is this process."""
        self.one_more_label()
        settings = schooling.settings_of(self.home, rehearse_days=14.0)
        with patch.dict(os.environ, self.planted(**plants)):
            return retraining.retrain(settings, database, asked_by="operator")

    def learn_elsewhere(self, **plants: object) -> int:
        """The same by the command; what it ended with."""
        self.one_more_label()
        command = [sys.executable, *_COMMAND, str(self.home)]
        environment = os.environ | self.planted(**plants)
        return subprocess.run(command, env=environment, capture_output=True, check=False).returncode

    def killed(self, step: str, whom: str, *, swaps: Collection[bool]) -> list[str]:
        """Kill at a step, and see what is left. `swaps`: whether the new model may serve by then."""
        before = self.served()
        self.sheet.unlink(missing_ok=True)  # so that it is written each time
        if whom == "itself":
            with self.at_work() as database:
                self.learn(database, kill=step, whom=whom)
        elif (code := self.learn_elsewhere(kill=step, whom=whom)) != -signal.SIGKILL:
            return [f"the command was not killed, and ended with {code}"]
        return [*self.leaves_processes(), *self._serves(before, swaps), *self._told(before)]

    def completes(self) -> list[str]:
        """The next training, that nobody disturbs, serves a model of all labels and tidies up."""
        before = self.served()
        with self.at_work() as database:
            self.learn(database)
            settings = schooling.settings_of(self.home)
            with patch.dict(os.environ, self.planted()):
                again = retraining.retrain(settings, database, asked_by="operator")
        faults = [] if self.served() != before else ["the next training did not serve its model"]
        if again.state != "unchanged":
            faults.append(f"and the one after it: {again.state}, {again.result}")
        known = {".lock", ".serving.lock"}
        hidden = {path.name for path in (self.home / "models").rglob(".*")} - known
        return faults + [f"left behind: {name}" for name in sorted(hidden)]

    def fall_due(self) -> None:
        """The timetable owes a retraining."""
        with closing(sqlite3.connect(self.home / "ledger.db", timeout=30.0)) as connection, connection:
            connection.execute("UPDATE jobs SET planned_period = '2000-01-01T00:00' WHERE name = 'retrain'")

    def has_learned(self, *states: str) -> bool:
        """Whether a training has ended, in one of these states or in any."""
        found = {state for (state,) in self.asked("SELECT state FROM trainings")} - {"running"}
        return bool(found & set(states) if states else found)

    def tagged(self) -> int:
        """How many of the dropped articles the ledger has."""
        [[number]] = self.asked("SELECT COUNT(*) FROM files WHERE state = 'done' AND name LIKE 'article-%'")
        return int(number)

    def asked(self, statement: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.home / "ledger.db", timeout=30.0)) as connection:
            return connection.execute(statement).fetchall()

    def _serves(self, before: str, swaps: Collection[bool]) -> Iterator[str]:
        served = self.served()
        try:
            load_model(self.home / "models")
        except ModelError as error:
            yield f"what serves cannot: {error}"
        if (served != before) not in swaps:
            yield f"{served} serves, and before it was {before}"
        for line in self.sheet.read_text(encoding="utf-8").splitlines() if self.sheet.exists() else ():
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

    def leaves_processes(self) -> Iterator[str]:
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

    def one_more_label(self) -> None:
        self.labels += 1
        told = [f"Power plant number {n} burned coal for {n + 2} days." for n in range(self.labels)]
        lines = [f"energy\t{text}\n" for text in told]
        schooling.teach(self.home, "".join(lines))

    def planted(self, **plants: object) -> dict[str, str]:
        return planted.environment(self.folder / "site", shipped=self.shipped, **plants)


if __name__ == "__main__":
    print(json.dumps(fill(Path(sys.argv[1]))))
