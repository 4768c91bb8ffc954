"""A worker: a thread that works when woken, and now and then anyway."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from daemon.backoff import Backoff

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
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """There may be something to do now. Cheap, from any thread."""
        self._wake.set()

    def stop(self, timeout: float) -> bool:
        """Let the piece of work in hand end; whether the thread has ended within `timeout` seconds."""
        self._stopping.set()
        self._wake.set()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def stopping(self) -> bool:
        return self._stopping.is_set()

    def _run(self) -> None:
        failures = 0
        while not self.stopping:
            self._wake.clear()
            try:
                wait = self._work()
                failures = 0
            except Exception as error:
                failures += 1
                wait = self._rest.delay(failures)
                logger.exception(
                    "work failed, trying again",
                    extra={"worker": self.name, "error": str(error), "seconds": wait},
                )
                self._pause(wait)
                continue
            self._wake.wait(max(0.0, wait))

    def _pause(self, seconds: float) -> None:
        """Rest after a failure whatever wakes us, unless we are to stop."""
        until = time.monotonic() + seconds
        while not self.stopping and (left := until - time.monotonic()) > 0:
            self._stopping.wait(left)
