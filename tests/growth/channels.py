"""A Slack channel in the simulation: the daemon's own pace and its own decisions on bursts."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from datetime import timedelta

from daemon import grouping, slack
from daemon.backoff import Pace
from daemon.grouping import Burst, Situation, Way
from daemon.records import Form
from tests.growth.events import Station, World

_LONGEST_BURST = 3600.0  # as daemon.grouping has it
BURST = Burst(10, timedelta(minutes=5))  # the defaults of [burst]


class Channel:
    """Sends the alerts that wait, oldest first. `arrived` is told of each when its request is on its way.

    `before` and `after`: seconds that a message writes into the ledger before its request and after the
    answer, each time in its `turn` among all who write. `answer`: seconds of Slack's.
    `workspace`: who sends there keeps a place of it for `workspace_gap` seconds.
    """

    def __init__(
        self,
        world: World,
        arrived: Callable[[int], None],
        *,
        before: float = 0.0,
        after: float = 0.0,
        answer: float = 0.0,
        turn: Station | None = None,
        burst: Burst | None = BURST,
        workspace: Station | None = None,
        workspace_gap: float = 0.0,
    ) -> None:
        self.messages = 0
        self._world, self._arrived = world, arrived
        self._before, self._after, self._answer = before, after, answer
        self._turn = turn or Station(world)
        self._burst = burst
        self._within = burst.within.total_seconds() if burst else 0.0
        self._enough = max(grouping.MOST, burst.alerts if burst else 0) + 1
        self._workspace, self._gap = workspace, workspace_gap
        self._pace = Pace(slack.INTERVAL, slack.BURST)
        self._waiting: deque[int] = deque()
        self._in_thread = 0  # of the oldest that wait
        self._told: deque[float] = deque(maxlen=4 * self._enough)
        self._burst_at = float("-inf")
        self._busy = False

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def owe(self, alerts: Sequence[int]) -> None:
        """These are committed; wake up."""
        self._waiting.extend(alerts)
        if not self._busy:
            self._busy = True
            self._next()

    def _next(self) -> None:
        if not self._waiting:
            self._busy = False
            return
        pause = self._pace.wait(self._world.now)
        if pause > 0.0:
            self._world.after(pause, self._next)
        elif self._workspace is None:
            self._send()
        else:
            self._workspace.acquire(self._send_from_place)

    def _send_from_place(self) -> None:
        workspace = self._workspace
        assert workspace is not None
        self._world.after(self._gap, lambda: workspace.release(self._gap))
        self._send()

    def _send(self) -> None:
        alerts = [self._waiting.popleft() for _ in range(self._together())]
        self.messages += 1
        self._told.extend([self._world.now] * len(alerts))
        self._turn.enter(self._before, lambda: self._on_its_way(alerts))

    def _on_its_way(self, alerts: Sequence[int]) -> None:
        for alert in alerts:
            self._arrived(alert)
        self._world.after(self._answer, lambda: self._turn.enter(self._after, self._next))

    def _together(self) -> int:
        """How many of the oldest go as one message."""
        if not self._in_thread:
            match grouping.way(self._situation(), self._burst):
                case Way.BURST:
                    together = min(grouping.MOST, len(self._waiting))
                    self._in_thread = len(self._waiting) - together
                    self._burst_at = self._world.now
                    return together
                case Way.JOIN_BURST:
                    self._in_thread = len(self._waiting)
                case _:
                    return 1
        way = grouping.way(Situation(min(self._in_thread, self._enough), root=Form.BURST), self._burst)
        together = min(grouping.MOST, self._in_thread) if way is Way.LIST else 1
        self._in_thread -= together
        return together

    def _situation(self) -> Situation:
        now = self._world.now
        waiting = min(len(self._waiting), self._enough)
        told = sum(at > now - self._within for at in self._told)
        is_open = self._burst_at > now - max(self._within, _LONGEST_BURST)
        return Situation(waiting, told, open_burst=is_open)
