"""Hints: daemons of one ledger wake each other (LISTEN, NOTIFY). What is lost is found by looking."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress

from sqlalchemy.exc import SQLAlchemyError

from daemon.database import Database, Hearing
from daemon.errors import DaemonError

logger = logging.getLogger(__name__)

_LONGEST = 1.0  # seconds that a piece of work listens for; a stop waits no longer


class Hints:
    """Tells other daemons that there may be something to deliver, and hears it from them."""

    def __init__(self, database: Database, wake: Callable[[], None]) -> None:
        self._database = database
        self._wake = wake
        self._hearing: Hearing | None = None

    def tell(self) -> None:
        """There may be something to deliver. Never raises what the ledger raises."""
        with suppress(SQLAlchemyError, DaemonError):
            self._database.notify()

    def work(self) -> float:
        """Listen for a moment. Raises what the ledger raises, and listens anew after that."""
        try:
            if self._hearing is None:
                self._hearing = self._database.listen()
                self._wake()  # something may have been told before
            if self._hearing.wait(_LONGEST):
                self._wake()
        except BaseException:
            self.close()
            raise
        return 0.0

    def close(self) -> None:
        """Listen no more."""
        hearing, self._hearing = self._hearing, None
        if hearing is not None:
            hearing.close()
