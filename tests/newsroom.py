"""A home with its ledger and the intake that a daemon would run on it, for tests that break things."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from classifier.model import Model
from daemon import app, clock
from daemon.config import Settings
from daemon.database import Database
from daemon.inbox import Candidate, Stamp
from daemon.intake import Intake
from daemon.observing import NOBODY, Observer
from daemon.records import Alert, alert_from_json
from daemon.serving import Serving
from tests import ledgers
from tests.builders import ENERGY_ARTICLE, QUIET_ARTICLE

HEADLINE = "Refinery in Atyrau restarts crude unit"
DIGEST = f"""05.03.2026, 15:20 4496

{ENERGY_ARTICLE}
05.03.2026, 16:40 112

{QUIET_ARTICLE}"""


@dataclass
class Clocks:
    """Both clocks, ahead of the real ones by as much as a test says."""

    ahead: float = 0.0

    def turn(self, monkeypatch: pytest.MonkeyPatch) -> Clocks:
        monotonic = clock.monotonic
        # Whether or not the clock of a server is followed: that is this machine's as well.
        monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) + timedelta(seconds=self.ahead))
        monkeypatch.setattr(clock, "monotonic", lambda: monotonic() + self.ahead)
        return self

    def go_by(self, seconds: float) -> None:
        self.ahead += seconds

    def now(self) -> datetime:
        return clock.now()


class Newsroom:
    """Starts when made, as a daemon does: it knows only what the ledger and the disk know."""

    def __init__(
        self, settings: Settings, database: Database, model: Model, observer: Observer = NOBODY
    ) -> None:
        self.settings, self.database, self.model = settings, database, model
        self.observer = observer
        self.home, self.inbox = settings.home, settings.inbox
        self.wakes = 0
        self.inbox.mkdir(parents=True, exist_ok=True)
        self.start()

    def start(self) -> None:
        app.start_up(self.settings, self.database)
        serving = Serving(self.settings.models, self.model)
        self.intake = Intake(
            self.settings, self.database, serving, self._woken, lambda: None, observer=self.observer
        )

    def restart(self, **changes: Any) -> None:
        """Stop and start again, perhaps with another configuration."""
        self.intake.close()
        self.settings = self.settings.model_copy(update=changes)
        self.start()

    def _woken(self) -> None:
        self.wakes += 1

    def drop(self, name: str, content: str | bytes) -> Path:
        path = self.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def take_all(self) -> None:
        while self.intake.work() == 0.0:
            pass

    def alerts(self) -> list[Alert]:
        return [
            alert_from_json(payload) for (payload,) in self.rows("SELECT payload FROM alerts ORDER BY id")
        ]

    def headlines(self) -> list[str]:
        return [alert.headline for alert in self.alerts()]

    def files(self) -> list[tuple[str, str]]:
        return [
            (str(name), str(state)) for name, state in self.rows("SELECT name, state FROM files ORDER BY id")
        ]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.database.reading() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    def execute(self, statement: str) -> None:
        with self.database.transaction() as connection:
            connection.execute(text(statement))

    @contextmanager
    def ledger_failing(self, event: str) -> Iterator[None]:
        """The ledger refuses one step, as a fault of what is written, and takes the rest back."""
        self.refuse(event)
        yield
        with self.database.transaction() as connection:
            ledgers.refuse_no_more(connection, event)

    def refuse(self, event: str, when: str = "") -> None:
        """The same from now on, perhaps for some rows alone."""
        with self.database.transaction() as connection:
            ledgers.refuse(connection, event, when=when)

    def done(self) -> list[str]:
        folder = self.home / "done"
        found = sorted(path for path in folder.rglob("*") if path.is_file())
        for path in found:
            year, month, day = path.relative_to(folder).parts[:-1]
            assert len(year + month + day) == 8
        return [path.name for path in found]

    def placed(self, name: str) -> Path:
        """Where a file stands in done/."""
        [path] = (self.home / "done").rglob(name)
        return path

    def failed(self) -> list[str]:
        return sorted(path.name for path in (self.home / "failed").glob("*"))

    def waiting(self) -> list[str]:
        return sorted(
            str(path.relative_to(self.inbox)) for path in self.inbox.rglob("*") if not path.is_dir()
        )


def candidate(path: Path) -> Candidate:
    """A file as a look just saw it."""
    status = path.lstat()
    return Candidate(path.parent, path.name, Stamp.of(status), status.st_blocks)


def energy_article(place: str) -> str:
    return ENERGY_ARTICLE.replace("Atyrau", place)


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))
