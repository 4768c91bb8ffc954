"""The time, and how the ledger writes it: UTC, ISO 8601, always of the same width.

All of the daemon asks here, so that a test has one place to turn the clock.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache

# What another clock said, and the monotonic moment when it did. One assignment, so that threads see both.
_followed: tuple[datetime, float] | None = None


def now() -> datetime:
    """The wall clock, which may be set back or forward at any moment; or the one that is followed."""
    followed = _followed
    if followed is None:
        return datetime.now(UTC)
    said, at = followed
    return said + timedelta(seconds=monotonic() - at)


def follow(said: datetime, at: float) -> None:
    """Go by another clock from now on, which said this at a monotonic moment.

    All daemons of one ledger go by its server's: what theirs say does not count, nor that one is set.
    """
    global _followed  # noqa: PLW0603  there is one time in a process
    _followed = (said.astimezone(UTC), at)


def follow_nobody() -> None:
    """Go by this machine's clock again."""
    global _followed  # noqa: PLW0603
    _followed = None


def monotonic() -> float:
    """Seconds since some moment, never back: what delays are measured by."""
    return time.monotonic()


def to_text(moment: datetime) -> str:
    """Sorts as text in the order of time. Raises ValueError without a zone."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone")
    return _written(moment.astimezone(UTC))


# Everything of a batch happens at one moment. Only in UTC are two moments that are equal the same:
# in the hour that comes twice when clocks go back, an earlier one equals a later one.
@lru_cache(maxsize=64)
def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_text(text: str) -> datetime:
    return datetime.fromisoformat(text)
