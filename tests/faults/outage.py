"""A day without Slack, in simulated time: alerts pile up, and afterwards each arrives once, in order.

Fault A02 of the list: refused connections, 500 and 503, 429 with Retry-After, a captive portal,
resets, and answers that say "failed" though the message was posted. The ledger, the senders and
the HTTP are real; only the clock is ours.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from daemon import clock, deliveries, outbox
from daemon.database import Database, open_database
from daemon.dispatch import Dispatch
from daemon.records import Alert, Sent
from daemon.slack import SlackSender
from daemon.worker import Worker
from tests.builders import NOON, make_alert, owe
from tests.faults.accounting import Outcome
from tests.faults.clockwork import Clockwork, Turn, quiet
from tests.slack_stand_in import Fault, SlackStandIn

CHANNELS = ("desk-1", "desk-2", "desk-3")
DAY = 86_400.0

_REFUSED = None  # nobody listens
# Minutes of weather, and whether the history can be read meanwhile. Lies ("failed", though posted)
# come after times of honest reading, when something is sent again.
_WEATHER: tuple[tuple[float, Fault | None, bool], ...] = (
    (180.0, _REFUSED, False),
    (115.0, Fault(status=500, posted=True), False),
    (120.0, Fault(status=503), True),
    (120.0, Fault(status=429, headers={"Retry-After": "120"}), False),
    (120.0, Fault("reset"), True),
    (120.0, Fault("reset", posted=True), False),
    (120.0, Fault("html"), False),
    (180.0, _REFUSED, False),
    (120.0, Fault("close"), True),
    (5.0, Fault(status=500, posted=True), True),
    (120.0, Fault("error", error="ratelimited", headers={"Retry-After": "30"}), True),
    (120.0, _REFUSED, False),
)
_LONGEST_PAUSE = 300.0 * 1.25  # between tries: Backoff's ceiling and its jitter
_BURST_IN_TEN_SECONDS = 13  # one a second and a burst of three
_PATIENCE = DAY  # for the drain


@dataclass(frozen=True, slots=True)
class Outage:
    """What came of one outage. `faults` is empty when all was as promised."""

    faults: tuple[str, ...]
    alerts: int
    tries: int  # while Slack was down
    longest_pause: float  # seconds between two tries of a channel that owes something
    drain: float  # seconds from the first answer of Slack to the last alert


@dataclass(slots=True)
class Patience:
    """How long a channel that owes something has gone without a try or a look: true time."""

    tries: int = 0
    since: float = 0.0
    longest: float = 0.0

    def begin(self, now: float) -> None:
        self.since = now

    def tried(self, now: float) -> None:
        self.tries += 1
        self.longest = max(self.longest, now - self.since)
        self.since = now


class NotedSender(SlackSender):
    """Notes each try."""

    def __init__(self, stand_in: SlackStandIn, channel: str, patience: Patience) -> None:
        super().__init__(stand_in.token, channel, stand_in.url)
        self._patience = patience

    def send(self, alert: Alert) -> Sent:
        self._patience.tried(clock.monotonic())
        return super().send(alert)

    def find(self, alert: Alert, since: float) -> Sent | None:
        self._patience.tried(clock.monotonic())
        return super().find(alert, since)


SenderMaker = Callable[[SlackStandIn, str, Patience], SlackSender]
Brace = Callable[[Dispatch], None]


def run(folder: Path, say: Callable[[str], None]) -> list[Outcome]:
    """The full part: 5,000 alerts, one every 17 seconds."""
    started = time.monotonic()
    found = endure(folder, alerts=5000)
    say(f"outage: {found.alerts} alerts, drained in {found.drain:.0f} simulated seconds")
    note = (
        f"{len(CHANNELS)} channels, {found.tries} tries in 24 h, longest pause {found.longest_pause:.0f} s,"
        f" drained in {found.drain:.0f} s, all simulated; took {time.monotonic() - started:.0f} s"
    )
    return [Outcome("Slack down for 24 h", found.alerts, found.faults, note)]


def endure(
    folder: Path,
    *,
    alerts: int,
    seed: int = 1,
    sender: SenderMaker = NotedSender,
    brace: Brace = lambda dispatch: None,
) -> Outage:
    """One day of outage while `alerts` are owed, evenly spread over it; then Slack is back.

    `sender` and `brace` (called with each Dispatch) are there to plant faults.
    """
    random.seed(seed)  # the jitter of retries, so that a fault comes again
    clockwork = Clockwork(NOON)
    patience = {channel: Patience() for channel in CHANNELS}
    folder.mkdir(parents=True, exist_ok=True)
    with (
        quiet(),
        clockwork.in_charge(),
        SlackStandIn(clockwork.true_time) as stand_in,
        closing(open_database(f"sqlite:///{folder}/ledger.db")) as database,
    ):
        turns = {}
        for channel in CHANNELS:
            dispatch = Dispatch(channel, sender(stand_in, channel, patience[channel]), database)
            brace(dispatch)
            turns[channel] = Turn(Worker(channel, dispatch.work))
        owed = _suffer(clockwork, stand_in, database, turns, patience, alerts)
        tries = sum(channel.tries for channel in patience.values())
        back = clockwork.elapsed
        _clear_up(stand_in)
        while _owes(database) and clockwork.elapsed < back + _PATIENCE:
            clockwork.pass_to(clockwork.elapsed + 60.0, list(turns.values()))
        with stand_in.lock:
            messages = list(stand_in.messages)
        counts = _counts(database)
    arrived = _arrivals(messages, clockwork.true_time() - clockwork.elapsed)
    delivered = [moment for found in arrived.values() for _, moment in found]
    return Outage(
        faults=tuple(_faults(owed, arrived, patience, counts)),
        alerts=alerts,
        tries=tries,
        longest_pause=max(channel.longest for channel in patience.values()),
        drain=max(delivered, default=back) - back,
    )


def _suffer(
    clockwork: Clockwork,
    stand_in: SlackStandIn,
    database: Database,
    turns: Mapping[str, Turn],
    patience: Mapping[str, Patience],
    alerts: int,
) -> dict[str, list[str]]:
    """The day itself. Returns the keys that each channel is owed, in order."""
    owed: dict[str, list[str]] = {channel: [] for channel in CHANNELS}
    everyone = list(turns.values())
    changes = _changes()
    for number in range(alerts):
        moment = DAY * number / alerts
        while changes and changes[0][0] <= moment:
            clockwork.pass_to(changes[0][0], everyone)
            _bring(stand_in, *changes.pop(0)[1:])
        clockwork.pass_to(moment, everyone)
        channel = CHANNELS[number % len(CHANNELS)]
        alert = make_alert(channel, number=number)
        with database.transaction() as connection:
            if deliveries.oldest(connection, channel) is None:
                patience[channel].begin(moment)
            owe(connection, alert, now=clockwork.now())
        owed[channel].append(alert.key)
        turns[channel].worker.wake()
    clockwork.pass_to(DAY, everyone)
    return owed


def _changes() -> list[tuple[float, Fault | None, bool]]:
    """When the weather changes, in seconds from the start, and to what."""
    ends = accumulate(minutes * 60.0 for minutes, _, _ in _WEATHER)
    starts = [0.0, *ends][: len(_WEATHER)]
    return [(start, fault, reads) for start, (_, fault, reads) in zip(starts, _WEATHER, strict=True)]


def _bring(stand_in: SlackStandIn, weather: Fault | None, can_read: bool) -> None:
    stand_in.weather = weather
    stand_in.spared = frozenset({"conversations.history"} if can_read else ())
    if weather is None:
        stand_in.go_down()
    else:
        stand_in.come_up()


def _clear_up(stand_in: SlackStandIn) -> None:
    stand_in.weather = None
    stand_in.come_up()


def _counts(database: Database) -> dict[str, dict[str, int]]:
    with database.reading() as connection:
        return outbox.counts(connection)


def _owes(database: Database) -> bool:
    return any(set(states) - {"sent", "dead"} for states in _counts(database).values())


def _arrivals(messages: Iterable[Mapping[str, object]], start: float) -> dict[str, list[tuple[str, float]]]:
    """Key and moment of each message in each channel, in the order Slack got them."""
    found: dict[str, list[tuple[str, float]]] = {channel: [] for channel in CHANNELS}
    for message in messages:
        metadata = message["metadata"]
        assert isinstance(metadata, dict)
        key = str(metadata["event_payload"]["key"])
        found[str(message["channel"])].append((key, float(str(message["ts"])) - start))
    return found


def _faults(
    owed: Mapping[str, Sequence[str]],
    arrived: Mapping[str, Sequence[tuple[str, float]]],
    patience: Mapping[str, Patience],
    counts: Mapping[str, Mapping[str, int]],
) -> Iterable[str]:
    for channel, keys in owed.items():
        found = [key for key, _ in arrived[channel]]
        times = Counter(found)
        lost = [key for key in keys if key not in times]
        if lost:
            yield f"{channel}: {len(lost)} of {len(keys)} alerts never arrived, the first is {lost[0]}"
        doubled = [key for key, number in times.items() if number > 1]
        if doubled:
            yield f"{channel}: {len(doubled)} alerts arrived more than once, the first is {doubled[0]}"
        if not lost and not doubled and found != list(keys):
            yield f"{channel}: the alerts arrived out of order"
        if (fast := _fastest(moment for _, moment in arrived[channel])) > _BURST_IN_TEN_SECONDS:
            yield f"{channel}: {fast} messages within ten seconds"
        if (longest := patience[channel].longest) > _LONGEST_PAUSE + 1.0:
            yield f"{channel}: {longest:.0f} s between two tries"
        if counts.get(channel, {}) != {"sent": len(keys)}:
            yield f"{channel}: the outbox ends with {dict(counts.get(channel, {}))}"


def _fastest(moments: Iterable[float]) -> int:
    """The most messages within any ten seconds."""
    inside: list[float] = []
    most = 0
    for moment in moments:
        inside = [earlier for earlier in inside if moment - earlier < 10.0] + [moment]
        most = max(most, len(inside))
    return most
