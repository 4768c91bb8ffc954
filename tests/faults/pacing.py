"""Pace: as fast as Slack takes messages, and no faster; on a clock that runs ahead.

The stand-in holds to Slack's limits and answers 429 to who goes too fast: none of these may be ours.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from daemon import outbox
from daemon.backoff import Pace
from daemon.database import Database, open_database
from daemon.dispatch import Dispatch, Manner
from daemon.slack import BURST, SlackSender
from daemon.slackapi import UPDATE_BURST, SlackApp
from daemon.worker import Worker
from tests.builders import NOON, make_alert, owe
from tests.faults.accounting import Outcome, keys_in
from tests.faults.clockwork import Clockwork, Turn, quiet
from tests.faults.owed import DEFAULT_BURST
from tests.slack_stand_in import Call, SlackStandIn

POST, UPDATE = "chat.postMessage", "chat.update"

_PATIENCE = 6 * 3600.0
_A_SECOND = 1.1  # messages a channel, over the whole
_A_MINUTE = 50.0  # of tier 3, over the whole
_TOUCH_ALL = text("UPDATE deliveries SET revision = revision + 1 WHERE state = 'sent'")
_CUT_OFF = text(
    """
    UPDATE deliveries
    SET state = 'sending', attempts = 1, first_sent_at = due_at, lease_until = due_at
    WHERE id IN (SELECT MIN(id) FROM deliveries GROUP BY receiver)
    """
)


@dataclass(frozen=True, slots=True)
class Load:
    """So many alerts to each of so many channels. `updates`: how often all messages are to be shown anew
    afterwards; `cut_off`: the process died while it sent the first one of each channel.
    """

    channels: int = 1
    alerts: int = 600
    manner: Manner = Manner()  # noqa: RUF009  it never changes
    updates: int = 0
    cut_off: bool = False
    interval: float = 1.0  # of our pace, to plant a fault


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a load. Seconds are simulated."""

    faults: tuple[str, ...]
    messages: int
    throttled: int
    seconds: float
    a_second: float  # posts, of the fastest channel
    updates: int
    a_minute: float  # updates


LOADS: Mapping[str, Load] = {
    "600 messages to one channel": Load(),
    "ten channels, 60 messages each": Load(10, 60),
    "600 alerts by the burst rule": Load(manner=Manner(burst=DEFAULT_BURST)),
    "two channels, and every message shown anew twice": Load(2, 60, updates=2),
    "ten channels after a crash while sending": Load(10, 5, cut_off=True),
}


def run(folder: Path, say: Callable[[str], None]) -> list[Outcome]:
    """The full part."""
    outcomes = []
    for name, load in LOADS.items():
        started = time.monotonic()
        found = carry(folder / name, load)
        say(f"{name}: {found.seconds:.0f} simulated seconds")
        note = (
            f"{found.messages} messages in {found.seconds:.0f} s, {found.a_second:.2f} a second and channel;"
            f" {found.updates} updates, {found.a_minute:.0f} a minute; {found.throttled} times 429;"
            f" took {time.monotonic() - started:.0f} s"
        )
        outcomes.append(Outcome(name, found.messages + found.updates, found.faults, note))
    return outcomes


def carry(folder: Path, load: Load) -> Run:
    """Deliver all of a load, each channel by its own worker, and look how fast it went."""
    folder.mkdir(parents=True, exist_ok=True)
    clockwork = Clockwork(NOON)
    with (
        quiet(),
        clockwork.in_charge(),
        SlackStandIn(clockwork.true_time, limits=True) as slack,
        closing(open_database(f"sqlite:///{folder}/ledger.db")) as database,
    ):
        channels = [f"C{number:03}" for number in range(load.channels)]
        keys = _owe(database, channels, load)
        turns = _turns(database, slack, channels, load)
        _pass_until_at_rest(clockwork, database, turns)
        posts = _calls(slack, POST)
        for _ in range(load.updates):
            with database.transaction() as connection:
                connection.execute(_TOUCH_ALL)
            _wake(turns)
            _pass_until_at_rest(clockwork, database, turns)
        updates = _calls(slack, UPDATE)
        faults = [*_miscounted(keys, slack), *_left(database)]
    a_second = max(_rate(calls) for calls in posts.values())
    shown = sorted((call for calls in updates.values() for call in calls), key=lambda call: call.at)
    a_minute = 60.0 * _rate(shown)
    if slack.throttled:
        faults.append(f"Slack had to say 429 {slack.throttled} times")
    if any(_exceed(calls, _A_SECOND, BURST) for calls in posts.values()):
        faults.append(f"{a_second:.2f} messages a second to one channel")
    if _exceed(shown, _A_MINUTE / 60.0, UPDATE_BURST):
        faults.append(f"{a_minute:.0f} updates a minute")
    return Run(
        tuple(faults),
        len(slack.messages),
        slack.throttled,
        max(call.at for calls in posts.values() for call in calls) - NOON.timestamp(),
        a_second,
        len(shown),
        a_minute,
    )


def _owe(database: Database, channels: Sequence[str], load: Load) -> list[str]:
    keys = []
    with database.transaction() as connection:
        for number in range(load.alerts * load.channels):
            alert = make_alert(channels[number % load.channels], number=number)
            owe(connection, alert, now=NOON)
            keys.append(alert.key)
        if load.cut_off:
            connection.execute(_CUT_OFF)
            outbox.recover(connection, due_at=NOON)
    return keys


def _turns(database: Database, slack: SlackStandIn, channels: Sequence[str], load: Load) -> list[Turn]:
    app = SlackApp(slack.token, slack.url)
    turns = []
    for channel in channels:
        sender = SlackSender(app, channel, Pace(load.interval, BURST))
        dispatch = Dispatch(channel, sender, database, manner=load.manner)
        turns.append(Turn(Worker(channel, dispatch.work)))
    return turns


def _wake(turns: Iterable[Turn]) -> None:
    for turn in turns:
        turn.worker.wake()


def _pass_until_at_rest(clockwork: Clockwork, database: Database, turns: Sequence[Turn]) -> None:
    until = clockwork.elapsed + _PATIENCE
    while clockwork.elapsed < until and list(_left(database)):
        clockwork.pass_to(clockwork.elapsed + 10.0, turns)


_LEFT = text(
    """
    SELECT state, COUNT(*)
    FROM deliveries
    WHERE state NOT IN ('sent', 'merged') OR (state = 'sent' AND revision > shown)
    GROUP BY state
    """
)


def _left(database: Database) -> Iterator[str]:
    with database.reading() as connection:
        for state, number in connection.execute(_LEFT):
            yield f"{number} deliveries end as {state!r}, or are not shown as they are"


def _calls(slack: SlackStandIn, method: str) -> dict[str, list[Call]]:
    """By channel."""
    found: dict[str, list[Call]] = defaultdict(list)
    with slack.lock:
        for call in slack.calls:
            if call.method == method:
                found[str(call.given["channel"])].append(call)
    return found


def _miscounted(keys: Sequence[str], slack: SlackStandIn) -> Iterator[str]:
    counts = Counter(key for message in slack.messages for key in keys_in(message))
    if lost := [key for key in keys if not counts[key]]:
        yield f"{len(lost)} alerts never arrived"
    if doubled := [key for key in keys if counts[key] > 1]:
        yield f"{len(doubled)} alerts arrived more than once"


def _exceed(calls: Sequence[Call], rate: float, burst: int) -> bool:
    """Whether there are more calls than a burst and then so many a second."""
    return bool(calls) and len(calls) > burst + rate * (calls[-1].at - calls[0].at)


def _rate(calls: Sequence[Call]) -> float:
    """Calls a second over the whole time."""
    if len(calls) < 2:
        return 0.0
    return len(calls) / max(1.0, calls[-1].at - calls[0].at)
