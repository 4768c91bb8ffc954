"""A worker: a thread that works when woken, and now and then anyway."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from daemon.backoff import Backoff
from daemon.database import plainly
from daemon.errors import DaemonError

logger = logging.getLogger(__name__)


class Worker:
    """Calls `work` again and again; `work` returns in how many seconds it wants to be called next.

    An exception in `work` is logged and the work tried again, later each time: a worker never
    dies while the daemon lives.
    """

    def __init__(self, name: str, work: Callable[[], float], *, rest: Backoff | None = None) -> None:
        self.name = name
        self._work = work
        self._rest = rest or Backoff(first=0.5, ceiling=60.0)
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._busy_since: float | None = None
        self._said = ""
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """There may be something to do now. Cheap, from any thread."""
        self._wake.set()

    def ask_to_stop(self) -> None:
        """No further piece of work; returns at once."""
        self._stopping.set()
        self._wake.set()

    def stop(self, timeout: float) -> bool:
        """Let the piece of work in hand end; whether the thread has ended within `timeout` seconds."""
        self.ask_to_stop()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def busy_seconds(self) -> float:
        """For how long the piece of work in hand has taken; 0.0 while there is none."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    @property
    def stopping(self) -> bool:
        return self._stopping.is_set()

    def _run(self) -> None:
        failures = 0
        while not self.stopping:
            self._wake.clear()
            self._busy_since = time.monotonic()
            try:
                wait = self._work()
                failures = 0
                self._say_it_goes_on()
            except Exception as error:
                self._busy_since = None
                failures += 1
                wait = self._rest.delay(failures)
                self._say(error, wait)
                self._pause(wait)
                continue
            self._busy_since = None
            self._wake.wait(max(0.0, wait))

    def _say(self, error: Exception, wait: float) -> None:
        """Once, in one line where we know what it means; else it is a fault of ours, with its trace."""
        known = isinstance(error, SQLAlchemyError | DaemonError | OSError)
        reason = plainly(error)
        if known and reason == self._said:
            return
        self._said = reason
        said = {"worker": self.name, "error": reason, "seconds": wait}
        logger.error("work failed, trying again", extra=said, exc_info=not known)

    def _say_it_goes_on(self) -> None:
        if self._said:
            logger.info("work goes on", extra={"worker": self.name})
        self._said = ""

    def _pause(self, seconds: float) -> None:
        """Rest after a failure whatever wakes us, unless we are to stop."""
        until = time.monotonic() + seconds
        while not self.stopping and (left := until - time.monotonic()) > 0:
            self._stopping.wait(left)
