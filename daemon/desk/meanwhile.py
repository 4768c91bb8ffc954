"""What takes a while is found out meanwhile: by a thread of its own, while a page says what is known."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from daemon import clock

logger = logging.getLogger(__name__)

_T = TypeVar("_T")


class Meanwhile(Generic[_T]):
    """One thing that is found out when it is asked for, and again when it is older than `fresh` seconds.

    What is older than `old` seconds passes for unknown while somebody waits.

    Safe to share between threads; at most one of them finds out.
    """

    def __init__(self, find: Callable[[], _T], *, fresh: float, old: float = math.inf) -> None:
        self._find = find
        self._fresh = fresh
        self._old = old
        self._lock = threading.Lock()
        self._known: _T | None = None
        self._since = -fresh
        self._ready = threading.Event()
        self._running = False
        self.failed = False

    def ask(self, wait: float = 0.0) -> _T | None:
        """What is known, however old; None where nothing is.

        Whoever asks first waits so many seconds for it: of a small ledger it is found out at once, and of a
        large one not every page is to wait for it.
        """
        with self._lock:
            age = clock.monotonic() - self._since
            is_first = age >= self._fresh and not self._running
            if is_first:
                self._running = True
                self._ready.clear()
                threading.Thread(target=self._run, name="meanwhile", daemon=True).start()
            known = self._known
        if (known is None or age >= self._old) and is_first and wait > 0:
            self._ready.wait(wait)
            with self._lock:
                known = self._known
        return known

    def settle(self, wait: float) -> bool:
        """Wait until nothing is being found out; whether that came about in so many seconds."""
        with self._lock:
            running = self._running
        return not running or self._ready.wait(wait)

    def _run(self) -> None:
        found: _T | None = None
        try:
            found = self._find()
        except Exception as error:
            # Whoever asks next has it tried again; a page goes without it meanwhile.
            logger.warning(
                "something for the desk cannot be found out",
                extra={"what": getattr(self._find, "__qualname__", ""), "error": repr(error)[:300]},
            )
        with self._lock:
            self.failed = found is None
            self._known = self._known if found is None else found
            self._since = clock.monotonic()
            self._running = False
            self._ready.set()
