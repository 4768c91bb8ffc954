"""A day without Slack, in simulated time: alerts pile up, and afterwards each arrives once, in order.

Fault A02 of the list: refused connections, 500 and 503, 429 with Retry-After, a captive portal,
resets, and answers that say "failed" though the message was posted. The ledger, the senders and
the HTTP are real; only the clock is ours. What piled up arrives by the burst rule, many alerts in
a message; and half an hour of 429 is asked no more often than Slack allows.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from daemon import clock, deliveries, outbox
from daemon.database import Database, open_database
from daemon.dispatch import Dispatch, Manner
from daemon.messages import Message
from daemon.records import Sent
from daemon.slack import SlackSender
from daemon.slackapi import SlackApp
from daemon.worker import Worker
from tests.builders import NOON, make_alert, owe
from tests.faults.accounting import Outcome, keys_in
from tests.faults.clockwork import Clockwork, Turn, quiet
from tests.faults.owed import DEFAULT_BURST
from tests.slack_stand_in import Call, Fault, SlackStandIn

CHANNELS = ("desk-1", "desk-2", "desk-3")
DAY = 86_400.0

# Minutes of weather (None: nobody listens), and whether the history can be read meanwhile.
Weather = tuple[tuple[float, Fault | None, bool], ...]

_REFUSED = None
# Lies ("failed", though posted) come after times of honest reading, when something is sent again.
A_DAY: Weather = (
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
HALF_AN_HOUR: Weather = ((30.0, Fault(status=429, headers={"Retry-After": "120"}), False),)

_READING = frozenset({"conversations.history", "conversations.replies"})
# Between tries: Backoff's ceiling and its jitter; and what Slack told another channel holds for all.
_LONGEST_PAUSE = 300.0 * 1.25 + 120.0
_BURST_IN_TEN_SECONDS = 13  # one a second and a burst of three
_PATIENCE = DAY  # for the drain


@dataclass(frozen=True, slots=True)
class Outage:
    """What came of one outage. `faults` is empty when all was as promised."""

    faults: tuple[str, ...]
    alerts: int
    messages: int
    tries: int  # while Slack was down
    requests: int  # meanwhile
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

    def __init__(self, app: SlackApp, channel: str, patience: Patience) -> None:
        super().__init__(app, channel)
        self._patience = patience

    def send(self, message: Message) -> Sent:
        self._patience.tried(clock.monotonic())
        return super().send(message)

    def find(self, message: Message, since: float, *, everywhere: bool = False) -> Sent | None:
        self._patience.tried(clock.monotonic())
        return super().find(message, since, everywhere=everywhere)


SenderMaker = Callable[[SlackApp, str, Patience], SlackSender]
Brace = Callable[[Dispatch], None]


def run(folder: Path, say: Callable[[str], None]) -> list[Outcome]:
    """The full part: a day with 5,000 alerts, one every 17 seconds; half an hour with 2,000."""
    outcomes = []
    for name, alerts, channels, weather in (
        ("Slack down for 24 h", 5000, CHANNELS, A_DAY),
        ("429 for half an hour", 2000, CHANNELS[:1], HALF_AN_HOUR),
    ):
        started = time.monotonic()
        found = endure(folder / name, alerts=alerts, channels=channels, weather=weather)
        say(f"{name}: {found.alerts} alerts, drained in {found.drain:.0f} simulated seconds")
        note = (
            f"{len(channels)} channels; {found.requests} requests while down, longest pause"
            f" {found.longest_pause:.0f} s; then {found.messages} messages in {found.drain / 60:.1f} min, all"
            f" simulated; took {time.monotonic() - started:.0f} s"
        )
        outcomes.append(Outcome(name, found.alerts, found.faults, note))
    return outcomes


def endure(
    folder: Path,
    *,
    alerts: int,
    seed: int = 1,
    channels: Sequence[str] = CHANNELS,
    weather: Weather = A_DAY,
    sender: SenderMaker = NotedSender,
    brace: Brace = lambda dispatch: None,
) -> Outage:
    """Bad weather while `alerts` are owed, evenly spread over it; then Slack is back.

    `sender` and `brace` (called with each Dispatch) are there to plant faults.
    """
    random.seed(seed)  # the jitter of retries, so that a fault comes again
    clockwork = Clockwork(NOON)
    patience = {channel: Patience() for channel in channels}
    folder.mkdir(parents=True, exist_ok=True)
    with (
        quiet(),
        clockwork.in_charge(),
        SlackStandIn(clockwork.true_time) as stand_in,
        closing(open_database(f"sqlite:///{folder}/ledger.db")) as database,
    ):
        app = SlackApp(stand_in.token, stand_in.url)
        turns = {}
        for channel in channels:
            made = sender(app, channel, patience[channel])
            dispatch = Dispatch(channel, made, database, manner=Manner(burst=DEFAULT_BURST))
            brace(dispatch)
            turns[channel] = Turn(Worker(channel, dispatch.work))
        owed = _suffer(clockwork, stand_in, database, turns, patience, alerts, weather)
        tries, requests = sum(channel.tries for channel in patience.values()), list(stand_in.calls)
        back = clockwork.elapsed
        _clear_up(stand_in)
        while _owes(database) and clockwork.elapsed < back + _PATIENCE:
            clockwork.pass_to(clockwork.elapsed + 60.0, list(turns.values()))
        with stand_in.lock:
            messages = list(stand_in.messages)
        counts = _counts(database)
    start = clockwork.true_time() - clockwork.elapsed
    arrived = _arrivals(channels, messages, start)
    delivered = [moment for found in arrived.values() for _, moment in found]
    return Outage(
        faults=(*_faults(owed, arrived, patience, counts), *_impatience(requests, weather, start)),
        alerts=alerts,
        messages=len(messages),
        tries=tries,
        requests=len(requests),
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
    weather: Weather,
) -> dict[str, list[str]]:
    """The outage itself. Returns the keys that each channel is owed, in order."""
    channels = list(turns)
    owed: dict[str, list[str]] = {channel: [] for channel in channels}
    everyone = list(turns.values())
    changes = _changes(weather)
    length = _length(weather)
    for number in range(alerts):
        moment = length * number / alerts
        while changes and changes[0][0] <= moment:
            clockwork.pass_to(changes[0][0], everyone)
            _bring(stand_in, *changes.pop(0)[1:])
        clockwork.pass_to(moment, everyone)
        channel = channels[number % len(channels)]
        alert = make_alert(channel, number=number)
        with database.transaction() as connection:
            if deliveries.oldest(connection, channel) is None:
                patience[channel].begin(moment)
            owe(connection, alert, now=clockwork.now())
        owed[channel].append(alert.key)
        turns[channel].worker.wake()
    clockwork.pass_to(length, everyone)
    return owed


def _length(weather: Weather) -> float:
    return 60.0 * sum(minutes for minutes, _, _ in weather)


def _changes(weather: Weather) -> list[tuple[float, Fault | None, bool]]:
    """When the weather changes, in seconds from the start, and to what."""
    ends = accumulate(minutes * 60.0 for minutes, _, _ in weather)
    starts = [0.0, *ends][: len(weather)]
    return [(start, fault, reads) for start, (_, fault, reads) in zip(starts, weather, strict=True)]


def _bring(stand_in: SlackStandIn, weather: Fault | None, can_read: bool) -> None:
    stand_in.weather = weather
    stand_in.spared = _READING if can_read else frozenset()
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
    return any(set(states) - {"sent", "merged", "dead"} for states in _counts(database).values())


def _arrivals(
    channels: Iterable[str], messages: Iterable[Mapping[str, object]], start: float
) -> dict[str, list[tuple[list[str], float]]]:
    """The keys in each message of each channel and its moment, in the order Slack got them."""
    found: dict[str, list[tuple[list[str], float]]] = {channel: [] for channel in channels}
    for message in messages:
        found[str(message["channel"])].append((keys_in(message), float(str(message["ts"])) - start))
    return found


def _impatience(requests: Sequence[Call], weather: Weather, start: float) -> Iterator[str]:
    """Where a method was called again before Slack allowed it; its limits are those of a method."""
    changes = _changes(weather)
    for (begins, fault, can_read), ends in zip(
        changes, [*(moment for moment, _, _ in changes[1:]), _length(weather)], strict=True
    ):
        pause = float(fault.headers.get("Retry-After", 0.0)) if fault is not None else 0.0
        last: dict[str, float] = {}
        for call in requests:
            moment = call.at - start
            if not begins <= moment < ends or (can_read and call.method in _READING):
                continue
            since = moment - last.get(call.method, -pause)
            if since < pause - 0.01:
                yield f"{call.method}: again after {since:.1f} s, and not {pause:.0f}"
            last[call.method] = moment


def _faults(
    owed: Mapping[str, Sequence[str]],
    arrived: Mapping[str, Sequence[tuple[list[str], float]]],
    patience: Mapping[str, Patience],
    counts: Mapping[str, Mapping[str, int]],
) -> Iterable[str]:
    for channel, wanted in owed.items():
        found = [key for keys, _ in arrived[channel] for key in keys]
        times = Counter(found)
        lost = [key for key in wanted if key not in times]
        if lost:
            yield f"{channel}: {len(lost)} of {len(wanted)} alerts never arrived, the first is {lost[0]}"
        doubled = [key for key, number in times.items() if number > 1]
        if doubled:
            yield f"{channel}: {len(doubled)} alerts arrived more than once, the first is {doubled[0]}"
        if not lost and not doubled and found != list(wanted):
            yield f"{channel}: the alerts arrived out of order"
        if (fast := _fastest(moment for _, moment in arrived[channel])) > _BURST_IN_TEN_SECONDS:
            yield f"{channel}: {fast} messages within ten seconds"
        if (longest := patience[channel].longest) > _LONGEST_PAUSE + 1.0:
            yield f"{channel}: {longest:.0f} s between two tries"
        ends = Counter(counts.get(channel, {}))
        if ends["sent"] != len(arrived[channel]) or ends["sent"] + ends["merged"] != len(wanted):
            yield f"{channel}: the outbox ends with {dict(ends)}"


def _fastest(moments: Iterable[float]) -> int:
    """The most messages within any ten seconds."""
    inside: list[float] = []
    most = 0
    for moment in moments:
        inside = [earlier for earlier in inside if moment - earlier < 10.0] + [moment]
        most = max(most, len(inside))
    return most
