"""What it costs to take articles in: reading, tagging, recording, moving; on any ledger.

The daemon's own functions, batch by batch, each timed apart. What one process does alone is timed by
its processor time, what waits for a disk or a database by the clock.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine, event

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
    """What a batch of `files` cost, in seconds; `statements` are the round trips to the database."""

    files: int
    read: float
    tag: float
    record: float
    shelve: float
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

    def _count(self, *_: object) -> None:
        self._statements += 1

    def close(self) -> None:
        event.remove(Engine, "before_cursor_execute", self._count)
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
        with self.database.transaction() as connection:
            placements = recorder(connection, self.settings, self.model.titles).arrivals(connection, tagged)
        recording, statements = time.perf_counter() - at, self._statements - before
        at = time.perf_counter()
        assert not shelve(self.settings.home, self.database, placements).failed
        shelving = time.perf_counter() - at
        alerts = sum(each.alerts for each in placements)
        return Taken(len(texts), reading, tagging, recording, shelving, statements, alerts)

    def whole(self, texts: Sequence[str]) -> float:
        """Seconds that the daemon's intake takes from its look to the end, of files with these texts."""
        self._write(texts)
        at = time.perf_counter()
        assert self.intake.work() == 0.0
        seconds = time.perf_counter() - at
        assert not any(self.settings.inbox.glob("*.txt"))
        return seconds

    def _write(self, texts: Sequence[str]) -> None:
        for text in texts:
            (self.settings.inbox / f"{next(self._number):07}.txt").write_text(text, encoding="utf-8")

    def _opened(self, candidate: Candidate) -> Arrival:
        content = arrivals.read(candidate, self._reader)
        assert content is not None
        return arrivals.opened(content, content.fingerprint, self._reader)


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
