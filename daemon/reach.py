"""Reach: does a receiver answer us at all. Of several daemons another may have a way to it that we lack."""

from __future__ import annotations

_SILENCE = 60.0  # seconds without any answer; a receiver that is down for a moment is back by then
_STANDS_BACK = 60.0  # seconds in which others may take what was ours


class Reach:
    """Of one receiver, by the monotonic clock of its caller."""

    def __init__(self) -> None:
        self._silent_since: float | None = None
        self._stands_back_until = float("-inf")

    def hear(self, now: float, *, answered: bool) -> None:
        """A request has ended, with any answer or with none."""
        if answered:
            self._silent_since = None
        elif self._silent_since is None:
            self._silent_since = now

    def is_lost(self, now: float) -> bool:
        """Whether every request since so long ago had no answer."""
        return self._silent_since is not None and now - self._silent_since >= _SILENCE

    def stand_back(self, now: float) -> None:
        """Others may try; after a while we do again."""
        self._silent_since = None
        self._stands_back_until = now + _STANDS_BACK

    def try_on(self) -> None:
        """There is nobody else."""
        self._silent_since = None

    def stands_back(self, now: float) -> bool:
        return now < self._stands_back_until
