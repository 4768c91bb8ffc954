"""The newsroom in the simulation: articles, inboxes, daemons, the lock of the ledger, channels.

A daemon looks at its inbox, takes as many ready files as a batch holds, reads and tags them, waits for
its turn to write into the ledger, records, moves the files and marks them in another turn. A channel
writes before each message and after it. One writes at a time, on SQLite as on PostgreSQL. Left out:
stories (each alert goes alone or in a burst), verdicts, the desk page, retraining, and all that fails.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daemon.grouping import Burst
from tests.growth.arrivals import Moments
from tests.growth.channels import BURST, Channel
from tests.growth.events import Station, Then, World

Numbers = NDArray[np.int64]

MOST = 400  # files a batch
_MOST_JAILED = 40
_BESIDE_FROM = 2000  # files that wait: a process beside tags the next batch as one is recorded
_EVERY = 2.0  # seconds between two looks where no event wakes
WORKSPACE = 300 / 60  # messages a second: "several hundred a minute" (docs.slack.dev)


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds of each step, for a batch however small and for each article more.

    In `record_*`, `mark_*`, `before_message` and `after_message` nobody else may write. `answer`: what Slack
    takes for a request. `spread`: a batch takes as much longer or shorter as one of these.
    """

    look: float = 0.0
    look_file: float = 3e-6
    prepare_batch: float = 0.0
    prepare_article: float = 6e-4
    record_batch: float = 2e-3
    record_article: float = 6e-4
    move_article: float = 3e-5
    mark_batch: float = 1e-3
    mark_article: float = 1e-5
    before_message: float = 2e-3
    after_message: float = 1e-3
    answer: float = 0.2
    spread: tuple[float, ...] = (1.0,)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is there: daemons at so many inboxes, alike; channels, each with the alerts of a topic.

    `polls`: a share, which wakes nobody. `cores`: what all daemons have together; None: each its own.
    `parsed`: the share of files that need a parser, each `parse` seconds. `workspaces`: 0 has no limit.
    """

    daemons: int = 1
    inboxes: int = 1
    channels: int = 12
    workspaces: int = 1
    settle: float = 2.0
    polls: bool = False
    cores: int | None = None
    parsed: float = 0.0
    parse: float = 0.017
    alerted: float = 0.36
    burst: Burst | None = BURST

    @property
    def batch(self) -> int:
        return min(MOST, round(_MOST_JAILED / self.parsed)) if self.parsed else MOST


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it.

    `alert` and `taken`: seconds from an article's arrival to its alert's request, and to its commit, of
    those that came so far. `behind`: articles not taken, `owed`: alerts not sent, at the end.
    `writing`: the share of the time in which somebody wrote; `turn_wait`: seconds one waited for that.
    """

    alert: Moments
    taken: Moments
    behind: int
    owed: int
    writing: float
    turn_wait: float
    batches: int
    messages: int
    busiest_channel: int
    seconds: float

    def alert_after(self, share: float) -> float:
        """So many seconds or fewer for this share of the alerts."""
        return float(np.quantile(self.alert, share)) if len(self.alert) else float("nan")


def simulate(
    moments: Moments,
    plan: Plan,
    costs: Costs,
    random: np.random.Generator,
    *,
    warm: float = 0.0,
    after: float = 60.0,
    alerting: Sequence[bool] | None = None,
) -> Outcome:
    """Let articles come at these moments. Those of the first `warm` seconds count for nothing.

    `alerting`: which of them raise an alert, where that is known. It ends so many seconds `after` the last
    article.
    """
    return _Newsroom(moments, plan, costs, random, alerting).run(warm, after)


class _Newsroom:
    def __init__(
        self,
        moments: Moments,
        plan: Plan,
        costs: Costs,
        random: np.random.Generator,
        alerting: Sequence[bool] | None,
    ) -> None:
        self.world = World()
        self.plan, self.costs, self.random = plan, costs, random
        self.start = float(moments[0]) if len(moments) else 0.0
        self.moments = moments - self.start
        number = len(moments)
        self.channel_of = self._channels_of(number, alerting)
        self.taken_at = np.full(number, np.nan)
        self.alert_at = np.full(number, np.nan)
        self.turn = Station(self.world)
        self.processors = Station(self.world, plan.cores) if plan.cores else None
        spaces = [Station(self.world) for _ in range(plan.workspaces)]
        self.channels = [
            Channel(
                self.world,
                self._arrived,
                before=costs.before_message,
                after=costs.after_message,
                answer=costs.answer,
                turn=self.turn,
                burst=plan.burst,
                workspace=spaces[each % len(spaces)] if spaces else None,
                workspace_gap=1.0 / WORKSPACE,
            )
            for each in range(plan.channels)
        ]
        self.batches = 0
        inbox_of = random.integers(plan.inboxes, size=number)
        self.folders = [_Folder(self, np.flatnonzero(inbox_of == each)) for each in range(plan.inboxes)]
        for daemon in range(plan.daemons):
            _Daemon(self, self.folders[daemon % plan.inboxes], _EVERY * float(random.random())).rest()

    def _channels_of(self, number: int, alerting: Sequence[bool] | None) -> Numbers:
        """Each article's channel, -1 without an alert. The first topics come most often."""
        weights = 1.0 / np.arange(1, self.plan.channels + 1)
        chosen = self.random.choice(self.plan.channels, size=number, p=weights / weights.sum())
        alerts = self.random.random(number) < self.plan.alerted if alerting is None else np.asarray(alerting)
        return np.where(alerts, chosen, -1)

    def run(self, warm: float, after: float) -> Outcome:
        end = float(self.moments[-1]) + after if len(self.moments) else 0.0
        self.world.run(end)
        counted = self.moments >= warm
        waits = self.alert_at - self.moments
        told = counted & ~np.isnan(self.alert_at)
        taken = counted & ~np.isnan(self.taken_at)
        return Outcome(
            alert=waits[told],
            taken=(self.taken_at - self.moments)[taken],
            behind=int(np.isnan(self.taken_at).sum()),
            owed=sum(channel.waiting for channel in self.channels),
            writing=self.turn.busy / end if end else 0.0,
            turn_wait=float(np.mean(self.turn.waits)) if self.turn.waits else 0.0,
            batches=self.batches,
            messages=sum(channel.messages for channel in self.channels),
            busiest_channel=max((channel.messages for channel in self.channels), default=0),
            seconds=end,
        )

    def commit(self, articles: Numbers) -> None:
        """These are recorded, and their alerts owed."""
        self.batches += 1
        self.taken_at[articles] = self.world.now
        channels = self.channel_of[articles]
        for channel in np.unique(channels[channels >= 0]):
            self.channels[channel].owe(articles[channels == channel].tolist())

    def work(self, seconds: float, then: Then) -> None:
        """Work on a processor: on one's own, or on one of those that all have together."""
        if self.processors is None:
            self.world.after(seconds, then)
        else:
            self.processors.enter(seconds, then)

    def _arrived(self, article: int) -> None:
        self.alert_at[article] = self.world.now


class _Folder:
    """An inbox: its files in the order of their arrival, and the daemons that have nothing to do."""

    def __init__(self, room: _Newsroom, articles: Numbers) -> None:
        self._room, self._world = room, room.world
        self._articles = articles
        self._came_at = room.moments[articles]
        self._claimed = 0
        self._idle: list[tuple[float, _Daemon]] = []  # by the phase of their looks
        self._asked = 0  # how often a look was asked for; only the last one counts

    def ready(self) -> int:
        """How many files have stood still long enough and are nobody's."""
        settled = self._world.now - self._room.plan.settle
        return int(np.searchsorted(self._came_at, settled + 1e-9, side="right")) - self._claimed

    def standing(self) -> int:
        """How many files a look goes over."""
        return int(np.searchsorted(self._came_at, self._world.now, side="right")) - self._claimed

    def claim(self) -> Numbers:
        """The oldest that are ready, up to a batch of them."""
        number = min(self.ready(), self._room.plan.batch)
        claimed = self._articles[self._claimed : self._claimed + number]
        self._claimed += number
        return claimed

    def rest(self, daemon: _Daemon) -> None:
        """It has nothing to do until a file is ready."""
        insort(self._idle, (daemon.phase, daemon), key=lambda each: each[0])
        self.wake_next()

    def wake_next(self) -> None:
        """Let one of those who rest look as soon as the next file is ready."""
        self._asked += 1
        if not self._idle or self._claimed >= len(self._articles):
            return
        ready_at = max(self._world.now, float(self._came_at[self._claimed]) + self._room.plan.settle)
        place, wait = 0, 0.0
        if self._room.plan.polls:
            phase = ready_at % _EVERY
            place = bisect_left(self._idle, phase, key=lambda each: each[0]) % len(self._idle)
            wait = (self._idle[place][0] - phase) % _EVERY
        asked, daemon = self._asked, self._idle[place][1]
        self._world.at(ready_at + wait, lambda: self._wake(asked, daemon))

    def _wake(self, asked: int, daemon: _Daemon) -> None:
        if asked != self._asked:
            return  # others rest by now, or it works
        self._idle = [each for each in self._idle if each[1] is not daemon]
        daemon.look()
        self.wake_next()


class _Daemon:
    """Prepares a batch, which is to read and tag it, then records it; beside each other where many wait."""

    def __init__(self, room: _Newsroom, folder: _Folder, phase: float) -> None:
        self.phase = phase
        self._room, self._world, self._folder = room, room.world, folder
        self._is_preparing = self._is_recording = False
        self._prepared: Numbers | None = None

    def rest(self) -> None:
        self._folder.rest(self)

    def look(self) -> None:
        """Take what is ready, or rest."""
        costs = self._room.costs
        if self._folder.ready() == 0:
            if not self._is_recording:
                self.rest()
            return
        standing = self._folder.standing()
        claimed = self._folder.claim()
        self._is_preparing = True
        plan, spread = self._room.plan, self._spread()
        each = costs.prepare_article + plan.parsed * plan.parse
        work = costs.look + costs.look_file * standing + spread * (costs.prepare_batch + each * len(claimed))
        self._room.work(work, lambda: self._have(claimed))

    def _spread(self) -> float:
        spread = self._room.costs.spread
        return spread[int(self._room.random.integers(len(spread)))]

    def _have(self, batch: Numbers) -> None:
        self._is_preparing = False
        if self._is_recording:
            self._prepared = batch
            return
        self._record(batch)

    def _record(self, batch: Numbers) -> None:
        self._is_recording = True
        if self._folder.ready() >= _BESIDE_FROM:
            self.look()
        costs, spread, files = self._room.costs, self._spread(), len(batch)

        def recorded() -> None:
            self._room.commit(batch)
            self._room.work(spread * costs.move_article * files, moved)

        def moved() -> None:
            self._write(spread * (costs.mark_batch + costs.mark_article * files), self._marked)

        self._write(spread * (costs.record_batch + costs.record_article * files), recorded)

    def _write(self, seconds: float, then: Then) -> None:
        """Write for so long when it is our turn, on a processor."""
        turn = self._room.turn

        def begin() -> None:
            began = self._world.now

            def written() -> None:
                turn.release(self._world.now - began)
                then()

            self._room.work(seconds, written)

        turn.acquire(begin)

    def _marked(self) -> None:
        self._is_recording = False
        prepared, self._prepared = self._prepared, None
        if prepared is not None:
            self._record(prepared)
        elif not self._is_preparing:
            self.look()
