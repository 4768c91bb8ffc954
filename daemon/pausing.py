"""Pausing: nothing can be taken now, whatever the file; all stays where it is, and it is said once."""

from __future__ import annotations

import logging

from daemon import clock
from daemon.backoff import Backoff
from daemon.database import plainly

logger = logging.getLogger(__name__)

_STUCK = 3  # pauses in a row after which a run that is to end by itself waits no longer


class Pause:
    """Begins with an error, grows to twenty seconds while it lasts, and ends with a success."""

    def __init__(self) -> None:
        self._rest = Backoff(first=1.0, ceiling=20.0)
        self._number = 0
        self._reason = ""
        self._until = float("-inf")

    def seconds_left(self) -> float:
        """Until it is worth a try again; 0.0 or less where there is no pause."""
        return self._until - clock.monotonic()

    def begin(self, error: Exception) -> float:
        """Pause, or pause on, for an error; returns for how many seconds."""
        self._number += 1
        wait = self._rest.delay(self._number)
        self._until = clock.monotonic() + wait
        reason = plainly(error)
        if reason != self._reason:
            logger.error("intake pauses, files wait in the inbox", extra={"error": reason})
            self._reason = reason
        return wait

    def end(self) -> None:
        """It went well; said if there was a pause."""
        if self._number:
            logger.info("intake goes on")
            self._number, self._reason = 0, ""

    @property
    def is_long(self) -> bool:
        """Whether several tries in a row came to nothing."""
        return self._number >= _STUCK
