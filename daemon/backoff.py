"""When to try a delivery again, and how fast to send. Pure arithmetic: no clock, no database."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that double from `first` up to `ceiling` seconds."""

    first: float = 1.0
    ceiling: float = 300.0

    def delay(self, attempts: int, *, retry_after: float | None = None, jitter: float = 0.0) -> float:
        """Seconds to wait after `attempts` failures, 1 or more.

        `jitter` between 0 and 1 lengthens the wait by up to a quarter, so that many who failed
        together do not come back together. Never sooner than the receiver asked.
        """
        doubled = self.first * 2.0 ** min(max(attempts, 1) - 1, 60)
        wait = min(doubled, self.ceiling) * (1.0 + 0.25 * jitter)
        return max(wait, retry_after or 0.0)


class Pace:
    """A token bucket: `burst` at once, then one every `interval` seconds. For any number of threads."""

    def __init__(self, interval: float, burst: int) -> None:
        self._interval = interval
        self._room = interval * (burst - 1)
        self._free_at = float("-inf")
        self._lock = Lock()

    def wait(self, now: float) -> float:
        """Seconds until one more may go; 0.0 takes the place at once."""
        with self._lock:
            start = max(self._free_at, now - self._room)
            if start <= now:
                self._free_at = start + self._interval
                return 0.0
            return start - now
