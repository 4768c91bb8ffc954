"""A world in which time is told by events, and stations where one waits until a server is free."""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable

Then = Callable[[], None]


class World:
    """Calls what was asked for in the order of its time; what is asked for the same moment, in order."""

    def __init__(self) -> None:
        self.now = 0.0
        self._waiting: list[tuple[float, int, Then]] = []
        self._number = itertools.count()

    def at(self, when: float, then: Then) -> None:
        """Call `then` at this time, which is not in the past."""
        assert when >= self.now
        heapq.heappush(self._waiting, (when, next(self._number), then))

    def after(self, seconds: float, then: Then) -> None:
        self.at(self.now + seconds, then)

    def run(self, until: float = float("inf")) -> None:
        """Until nothing is left to do, or that time has come."""
        while self._waiting and self._waiting[0][0] <= until:
            self.now, _, then = heapq.heappop(self._waiting)
            then()
        if until < float("inf"):
            self.now = max(self.now, until)


class Station:
    """So many servers and one line before them: who came first is served first.

    `waits` has what each waited before its service began, in order; `busy` is how long servers were
    kept in all.
    """

    def __init__(self, world: World, servers: int = 1) -> None:
        self.waits: list[float] = []
        self.busy = 0.0
        self._world = world
        self._free = servers
        self._line: deque[tuple[float, Then]] = deque()

    def enter(self, seconds: float, then: Then) -> None:
        """Wait for a server, keep it so long, and go on."""

        def served() -> None:
            self.release(seconds)
            then()

        self.acquire(lambda: self._world.after(seconds, served))

    def acquire(self, then: Then) -> None:
        """Wait for a server, and go on with it in hand."""
        self._line.append((self._world.now, then))
        self._serve()

    def release(self, kept: float) -> None:
        """Give a server back that was kept for so many seconds."""
        self._free += 1
        self.busy += kept
        self._serve()

    def _serve(self) -> None:
        while self._free and self._line:
            came, then = self._line.popleft()
            self._free -= 1
            self.waits.append(self._world.now - came)
            then()
