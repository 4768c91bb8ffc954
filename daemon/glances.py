"""Glances: what is found out for whoever asks, in a time that they can wait, and seldom where it is dear.

A thread of its own finds out, so that a locked ledger or a share that is away holds up nobody who asks.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from daemon.database import plainly
from daemon.errors import DaemonError

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

_SHARE = 0.02  # of the time, at most, goes into finding the same thing out
_LONGEST = 600.0  # seconds that anything is kept however long it took


class Glance(Generic[_T]):
    """One thing that `find` finds out. Kept for `least` seconds, and for fifty times as long as it took.

    For `stale` seconds more it is told to whoever will not wait until it is found out anew.

    Safe to share between threads; at most one of them finds out.
    """

    def __init__(self, name: str, find: Callable[[], _T], *, least: float = 0.0, stale: float = 0.0) -> None:
        self._name = name
        self._find = find
        self._least = least
        self._stale = stale
        self._lock = threading.Lock()
        self._known: _T | None = None
        self._good_until = float("-inf")
        self._found: threading.Event | None = None  # while somebody is finding out
        self._said = ""

    def begin(self) -> Callable[[float], _T | None]:
        """Have it found out, where it is not known or is old. Returns at once, with what waits for it."""
        with self._lock:
            if self._found is None and time.monotonic() >= self._good_until:
                self._found = threading.Event()
                threading.Thread(target=self._run, name=f"glance {self._name}", daemon=True).start()
            return partial(self._wait, self._found)

    def ask(self, seconds: float) -> _T | None:
        """What is the case; None where that cannot be found out, or not in so many seconds."""
        return self.begin()(seconds)

    def _wait(self, found: threading.Event | None, seconds: float) -> _T | None:
        in_time = found is None or found.wait(max(0.0, seconds))
        with self._lock:
            is_good = in_time or time.monotonic() < self._good_until + self._stale
            return self._known if is_good else None

    def _run(self) -> None:
        began = time.monotonic()
        known: _T | None = None
        try:
            known = self._find()
            self._said = ""
        except Exception as error:
            self._say(error)
        took = time.monotonic() - began
        with self._lock:
            kept = 0.0 if known is None else min(_LONGEST, max(self._least, took / _SHARE))
            self._known, self._good_until = known, time.monotonic() + kept
            found, self._found = self._found, None
        if found is not None:
            found.set()

    def _say(self, error: Exception) -> None:
        """Once, until it can be found out again."""
        expected = isinstance(error, OSError | SQLAlchemyError | DaemonError)
        reason = plainly(error)
        if reason != self._said:
            said = {"what": self._name, "error": reason}
            logger.warning("metrics cannot be found out", extra=said, exc_info=not expected)
        self._said = reason
