"""A clock of our own, and the daemon's workers going by it: all in one thread, and no one sleeps."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from daemon import clock
from daemon.worker import Worker

_MOST_TURNS_AT_ONE_MOMENT = 20_000


class RestlessError(AssertionError):
    """A worker asks to be called again at once, for ever."""


class Clockwork:
    """True time, which only `pass_to` moves, and a wall clock that may be set wrong."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self.elapsed = 0.0
        self.wrong_by = 0.0

    def monotonic(self) -> float:
        return self.elapsed

    def now(self) -> datetime:
        """What the wall clock says."""
        return self._start + timedelta(seconds=self.elapsed + self.wrong_by)

    def true_time(self) -> float:
        """Seconds since 1970 by a clock that is right, such as Slack's."""
        return self._start.astimezone(UTC).timestamp() + self.elapsed

    @contextmanager
    def in_charge(self) -> Iterator[None]:
        """The daemon asks this clock and no other."""
        with ExitStack() as stack:
            stack.enter_context(patch.object(clock, "now", self.now))
            stack.enter_context(patch.object(clock, "monotonic", self.monotonic))
            yield

    def pass_to(self, moment: float, turns: Sequence[Turn]) -> None:
        """Let every worker work whenever its wait is over or it was woken, until `moment`."""
        called = 0
        while (turn := min(turns, key=lambda turn: turn.due, default=None)) and turn.due <= moment:
            if turn.due > self.elapsed:
                self.elapsed, called = turn.due, 0
            called += 1
            if called > _MOST_TURNS_AT_ONE_MOMENT:
                raise RestlessError(f"{turn.worker.name} works without rest at {self.now()}")
            turn.take(self)
        self.elapsed = max(self.elapsed, moment)


@dataclass
class Turn:
    """One of the daemon's workers, driven as its own thread would drive it."""

    worker: Worker
    failures: int = 0
    last_error: str = ""
    _due: float = 0.0

    @property
    def due(self) -> float:
        """A wake is heard at once, but not while the worker rests after a failure."""
        woken = self.failures == 0 and self.worker._wake.is_set()
        return 0.0 if woken else self._due

    def take(self, clockwork: Clockwork) -> None:
        self.worker._wake.clear()
        try:
            wait = max(0.0, self.worker._work())
            self.failures = 0
        except Exception as error:
            self.failures += 1
            self.last_error = f"{type(error).__name__}: {error}"
            wait = self.worker._rest.delay(self.failures)
        self._due = clockwork.elapsed + wait


@contextmanager
def quiet() -> Iterator[None]:
    """No logs: a day of faults would fill the screen, and the writing takes longer than the day."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
