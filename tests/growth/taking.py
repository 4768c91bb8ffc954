"""What it costs to take articles in: reading, tagging, recording, moving; on any ledger.

The daemon's own functions, batch by batch, each timed apart. What one process does alone is timed by
its processor time, what waits for a disk or a database by the clock.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
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
class Taken:
    """What a batch of `files` cost, in seconds. `record` and `mark` are turns to write into the ledger;
    of `statements` each is there and back at least once, in these turns.
    """

    files: int
    read: float
    tag: float
    record: float
    move: float
    mark: float
    statements: int
    alerts: int


@dataclass
class Newsdesk:
    """A home with an inbox and a ledger; `desks` receivers, one a topic, or one that hears of everything."""

    home: Path
    database: Database
    model: Model
    settings: Settings
    _number: Iterator[int] = field(default_factory=itertools.count)
    _statements: int = 0

    def __post_init__(self) -> None:
        app.make_home(self.settings)
        self._inbox = Inbox(self.settings.inbox, 0.0)
        self._reader = Reader(self.settings.reading.rules)
        serving = Serving(self.settings.models, self.model)
        self.intake = Intake(self.settings, self.database, serving, lambda: None, lambda: None)
        event.listen(Engine, "before_cursor_execute", self._count)
        self._turns, self._end_timing = turns_timed()

    def _count(self, *_: object) -> None:
        self._statements += 1

    def close(self) -> None:
        event.remove(Engine, "before_cursor_execute", self._count)
        self._end_timing()
        self._reader.close()
        self.intake.close()

    def take(self, texts: Sequence[str]) -> Taken:
        """Files with these texts come into the inbox and are taken as one batch."""
        self._write(texts)
        candidates = self._inbox.look(time.monotonic()).ready
        assert len(candidates) == len(texts)
        worked = time.process_time()
        opened = [self._opened(each) for each in candidates]
        reading = time.process_time() - worked
        worked = time.process_time()
        tagged = arrivals.tag(opened, self.model)
        tagging = time.process_time() - worked
        before, at = self._statements, time.perf_counter()
        self._turns.clear()
        with self.database.transaction() as connection:
            placements = recorder(connection, self.settings, self.model.titles).arrivals(connection, tagged)
        assert not shelve(self.settings.home, self.database, placements).failed
        recording, marking = self._turns
        moving = time.perf_counter() - at - recording - marking
        statements = self._statements - before
        alerts = sum(each.alerts for each in placements)
        return Taken(len(texts), reading, tagging, recording, moving, marking, statements, alerts)

    def whole(self, texts: Sequence[str]) -> float:
        """Seconds that the daemon's intake takes from its look to the end, of files with these texts."""
        self._write(texts)
        at = time.perf_counter()
        while (wait := self.intake.work()) == 0.0 or any(self.settings.inbox.glob("*.txt")):
            time.sleep(min(wait, 0.01))
        return time.perf_counter() - at

    def _write(self, texts: Sequence[str]) -> None:
        for text in texts:
            (self.settings.inbox / f"{next(self._number):07}.txt").write_text(text, encoding="utf-8")

    def _opened(self, candidate: Candidate) -> Arrival:
        content = arrivals.read(candidate, self._reader)
        assert content is not None
        return arrivals.opened(content, content.fingerprint, self._reader)


def turns_timed() -> tuple[list[float], Callable[[], None]]:
    """Seconds that each turn to write took, of any ledger, from now on; and how to end that."""
    turns: list[float] = []
    transaction = Database.transaction

    @contextmanager
    def timed(database: Database) -> Iterator[Connection]:
        at = time.perf_counter()
        with transaction(database) as connection:
            yield connection
        turns.append(time.perf_counter() - at)

    patched = patch.object(Database, "transaction", timed)
    patched.start()
    return turns, patched.stop


def newsdesk(home: Path, models: Path, address: str, database: Database) -> Newsdesk:
    """One with a desk for each topic that the model knows."""
    model = load(models)
    topics = [each for each in model.topics if each not in model.retired]
    settings = make_settings(home).model_copy(
        update={
            "database": address,
            "receivers": tuple(Receiver(name=each, type="console") for each in topics),
            "routes": tuple(Route(receiver=each, topics=(each,)) for each in topics),
        }
    )
    return Newsdesk(home, database, model, settings)
