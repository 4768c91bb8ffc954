"""What it costs to take articles in: reading, tagging, recording, moving; on any ledger.

The daemon's own functions, batch by batch, each timed apart. What one process does alone is timed by
its processor time, what waits for a disk or a database by the clock.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

from sqlalchemy import Connection, Engine, event

from classifier import Model, Reader
from classifier.storage import load
from daemon import app, arrivals
from daemon.arrivals import Arrival
from daemon.config import Receiver, Route, Settings
from daemon.database import Database
from daemon.inbox import Candidate, Inbox
from daemon.intake import Intake
from daemon.recording import recorder
from daemon.serving import Serving
from daemon.shelving import shelve
from tests.builders import make_settings

SIZES = (1, 10, 100, 400)  # files a batch


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds by the clock, and of processors: ours, and those of the ledger's server.

    On a machine that others use too the clock tells how busy they were.
    """

    clock: float
    work: float

    def __sub__(self, other: Spent) -> Spent:
        return Spent(self.clock - other.clock, self.work - other.work)


@dataclass(frozen=True, slots=True)
class Taken:
    """What a batch of `files` cost, in seconds. `record` and `mark` are turns to write into the ledger;
    of `statements` each is there and back at least once, in these turns.
    """

    files: int
    read: float
    tag: float
    record: Spent
    move: Spent
    mark: Spent
    statements: int
    alerts: int


class Counted:
    """Counts statements to any ledger from now on."""

    def __init__(self) -> None:
        self.number = 0
        event.listen(Engine, "before_cursor_execute", self._count)

    def end(self) -> None:
        event.remove(Engine, "before_cursor_execute", self._count)

    def _count(self, *_: object) -> None:
        self.number += 1


@dataclass
class Newsdesk:
    """A home with an inbox and a ledger; `desks` receivers, one a topic, or one that hears of everything."""

    home: Path
    database: Database
    model: Model
    settings: Settings
    servers: Callable[[], Collection[int]] = tuple
    _number: Iterator[int] = field(default_factory=itertools.count)
    _serving: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        app.make_home(self.settings)
        self._inbox = Inbox(self.settings.inbox, 0.0)
        self._reader = Reader(self.settings.reading.rules)
        serving = Serving(self.settings.models, self.model)
        self.intake = Intake(self.settings, self.database, serving, lambda: None, lambda: None)
        self._statements = Counted()
        self._turns, self._end_timing = turns_timed(self.spent)

    def close(self) -> None:
        self._statements.end()
        self._end_timing()
        self._reader.close()
        self.intake.close()

    def take(self, texts: Sequence[str]) -> Taken:
        """Files with these texts come into the inbox and are taken as one batch."""
        self._write(texts)
        self._serving = tuple(self.servers())
        candidates = self._inbox.look(time.monotonic()).ready
        assert len(candidates) == len(texts)
        worked = time.process_time()
        opened = [self._opened(each) for each in candidates]
        reading = time.process_time() - worked
        worked = time.process_time()
        tagged = arrivals.tag(opened, self.model)
        tagging = time.process_time() - worked
        before, at = self._statements.number, self.spent()
        self._turns.clear()
        with self.database.transaction() as connection:
            placements = recorder(connection, self.settings, self.model.titles).arrivals(connection, tagged)
        assert not shelve(self.settings.home, self.database, placements).failed
        recording, marking = self._turns
        moving = self.spent() - at - recording - marking
        statements = self._statements.number - before
        alerts = sum(each.alerts for each in placements)
        return Taken(len(texts), reading, tagging, recording, moving, marking, statements, alerts)

    def whole(self, texts: Sequence[str]) -> Spent:
        """What the daemon's intake takes from its look to the end, of files with these texts."""
        self._write(texts)
        self._serving = tuple(self.servers())
        at = self.spent()
        while (wait := self.intake.work()) == 0.0 or any(self.settings.inbox.glob("*.txt")):
            time.sleep(min(wait, 0.01))
        return self.spent() - at

    def spent(self) -> Spent:
        """Up to now."""
        return spent_with(self._serving)

    def _write(self, texts: Sequence[str]) -> None:
        for text in texts:
            (self.settings.inbox / f"{next(self._number):07}.txt").write_text(text, encoding="utf-8")

    def _opened(self, candidate: Candidate) -> Arrival:
        content = arrivals.read(candidate, self._reader)
        assert content is not None
        return arrivals.opened(content, content.fingerprint, self._reader)


def spent_with(servers: Collection[int]) -> Spent:
    """Up to now, by this process and these."""
    return Spent(time.perf_counter(), time.process_time() + sum(map(worked, servers)))


def worked(process: int) -> float:
    """Seconds that a process had a processor (proc_pid_schedstat: ns); 0 where it has ended."""
    try:
        return int(Path(f"/proc/{process}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9
    except (FileNotFoundError, ProcessLookupError):
        return 0.0


def turns_timed(spent: Callable[[], Spent]) -> tuple[list[Spent], Callable[[], None]]:
    """What each turn to write took, of any ledger, from now on; and how to end that."""
    turns: list[Spent] = []
    transaction = Database.transaction

    @contextmanager
    def timed(database: Database) -> Iterator[Connection]:
        at = spent()
        with transaction(database) as connection:
            yield connection
        turns.append(spent() - at)

    patched = patch.object(Database, "transaction", timed)
    patched.start()
    return turns, patched.stop


def newsdesk(
    home: Path, models: Path, address: str, database: Database, servers: Callable[[], Collection[int]] = tuple
) -> Newsdesk:
    """One with a desk for each topic that the model knows. `servers`: processes of the ledger's server."""
    model = load(models)
    topics = [each for each in model.topics if each not in model.retired]
    settings = make_settings(home).model_copy(
        update={
            "database": address,
            "receivers": tuple(Receiver(name=each, type="console") for each in topics),
            "routes": tuple(Route(receiver=each, topics=(each,)) for each in topics),
        }
    )
    return Newsdesk(home, database, model, settings, servers)
