"""Listening: one verdict a click, whatever becomes of the connection, of the envelope and of us."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from slack_sdk import WebClient

from daemon import clock, commands, feedback, verdicts, wishes
from daemon.actions import Action, Verb
from daemon.backoff import Backoff
from daemon.clicks import Click, Outcome, Typed
from daemon.database import Database
from daemon.listening import Listener, _is_slacks
from daemon.messages import Answered
from daemon.records import Alert
from daemon.worker import Worker
from tests import asked, ledgers
from tests.builders import MINUTE, NOON, SECOND, make_alert, owe
from tests.presses import make_press, make_typed
from tests.slack_socket import SocketMode
from tests.slack_stand_in import Fault, SlackStandIn

QUICK = Backoff(first=0.01, ceiling=0.05)
TOPICS = {"energy": "Energy"}


def ignore(click: Click) -> None:
    """Nothing is to be said of it."""


class Clockwork:
    """The monotonic clock, which a test may turn forward."""

    def __init__(self) -> None:
        self.turned = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.turned


@pytest.fixture
def turn(monkeypatch: pytest.MonkeyPatch) -> Clockwork:
    clockwork = Clockwork()
    monkeypatch.setattr(clock, "monotonic", clockwork)
    return clockwork


class Desk:
    """A daemon as far as clicks go: takes them into a ledger. `fault` is called before each click."""

    def __init__(self, slack: SlackStandIn, database: Database, token: str | None = None) -> None:
        self.slack = slack
        self.database = database
        self.outcomes: list[Outcome] = []
        self.fault: Callable[[], object] = lambda: None
        self.listener = Listener(token or slack.app_token, slack.url, self.take, self.answer, backoff=QUICK)

    def take(self, click: Click) -> str | None:
        self.fault()
        with self.database.transaction() as connection:
            outcome = feedback.take(connection, click, NOON)
        self.outcomes.append(outcome)
        return commands.reply_to(click, outcome, TOPICS, NOON)

    def answer(self, typed: Typed) -> str:
        with self.database.transaction() as connection:
            command = commands.parse_command(typed.text)
            return commands.answer(connection, command, ["desk"], TOPICS, person=typed.person, now=NOON)

    def until(self, is_so: Callable[[], object], seconds: float = 10.0) -> bool:
        """Let the listener work until something is so; whether it came to be so."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.listener.work()
            if is_so():
                return True
            time.sleep(0.02)
        return False

    def is_on(self, number: int) -> bool:
        """Whether it listens on the connection that was the so-manieth."""
        links = self.slack.socket_mode.open_links()
        return self.listener.standing.connected and any(link.number == number for link in links)


@pytest.fixture
def alert(database: Database) -> Alert:
    """An alert on energy that is owed to a desk."""
    alert = make_alert()
    with database.transaction() as connection:
        owe(connection, alert)
    return alert


@pytest.fixture
def desk(slack: SlackStandIn, database: Database, alert: Alert) -> Iterator[Desk]:
    """A desk that listens on its first connection."""
    opened = Desk(slack, database)
    assert opened.until(lambda: opened.is_on(1))
    yield opened
    opened.listener.close()


def press(alert: Alert, verb: Verb = Verb.RIGHT, *, person: str = "U1", after: int = 1) -> dict[str, Any]:
    return make_press(verb, alert.key, "energy", person=person, after=after * SECOND)


def said(database: Database) -> list[tuple[str, str]]:
    with database.reading() as connection:
        return [(each.person, each.verdict.value) for each in verdicts.all_verdicts(connection)]


def send(slack: SlackStandIn, payload: dict[str, Any], kind: str = "interactive") -> Any:
    return slack.socket_mode.send(kind, payload)


def test_a_click_is_in_the_ledger_before_slack_is_told_that_we_have_it(
    slack: SlackStandIn, database: Database, desk: Desk, alert: Alert
) -> None:
    known_at_ack: list[list[tuple[str, str]]] = []
    slack.on("ack", "arrived", lambda _: known_at_ack.append(said(database)))

    ack = slack.wait_for_ack(send(slack, press(alert)))

    assert ack is not None
    assert (ack.payload, ack.seconds < 3.0) == (None, True)
    assert known_at_ack == [[("U1", "right")]]
    assert desk.listener.standing.clicks == 1


def test_a_press_on_a_posted_message_comes_as_slack_tells_it(
    slack: SlackStandIn, database: Database, desk: Desk, alert: Alert
) -> None:
    values = [Action(verb, alert.key, "energy").value() for verb in (Verb.RIGHT, Verb.WRONG)]
    label = {"type": "plain_text", "text": "press"}
    elements: list[dict[str, Any]] = [
        {"type": "button", "action_id": value, "text": label, "value": value} for value in values
    ]
    option = {"text": label, "value": Action(Verb.OTHER, alert.key, "space").value()}
    elements.append({"type": "static_select", "action_id": "o", "placeholder": label, "options": [option]})
    posted = WebClient(slack.token, base_url=slack.url).chat_postMessage(
        channel="C1", text="Alert", blocks=[{"type": "actions", "elements": elements}]
    )

    for value in (values[0], str(option["value"])):
        assert slack.wait_for_ack(slack.click(posted["ts"], value, user="U7")) is not None

    assert desk.outcomes == [Outcome.TAKEN] * 2
    assert said(database) == [("U7", "right")] * 2


@pytest.mark.parametrize("anew", [False, True], ids=["the same envelope", "a new envelope"])
def test_a_click_that_is_delivered_again_is_one_verdict_and_acknowledged_again(
    slack: SlackStandIn, database: Database, desk: Desk, alert: Alert, anew: bool
) -> None:
    envelope = send(slack, press(alert))
    assert slack.wait_for_ack(envelope)
    slack.socket_mode.again(envelope, anew=anew)

    assert slack.wait_until(lambda: slack.socket_mode.ack_counts.total() == 2)
    assert desk.outcomes == [Outcome.TAKEN, Outcome.REPEATED]
    assert said(database) == [("U1", "right")]


def test_a_click_that_comes_over_two_connections_at_once_is_one_verdict(
    slack: SlackStandIn, database: Database, desk: Desk, alert: Alert
) -> None:
    other = Desk(slack, database)
    assert other.until(lambda: slack.connections == 2)
    envelope = send(slack, press(alert))
    slack.socket_mode.again(envelope, anew=True)

    assert slack.wait_until(lambda: slack.socket_mode.ack_counts.total() == 2)
    assert sorted(desk.outcomes + other.outcomes) == [Outcome.REPEATED, Outcome.TAKEN]
    assert len(set(envelope.links)) == 2
    assert said(database) == [("U1", "right")]
    other.listener.close()


def test_an_answer_that_is_delivered_again_and_over_two_connections_is_one_answer(
    slack: SlackStandIn, database: Database, desk: Desk
) -> None:
    with database.transaction() as connection:
        question = asked.put(connection)
    other = Desk(slack, database)
    assert other.until(lambda: slack.connections == 2)
    presses = [
        make_press(Verb.OTHER, question.key, topic, after=number * SECOND)
        for number, topic in enumerate(("energy", "space"), start=1)
    ]
    for later in reversed(presses):
        slack.socket_mode.again(send(slack, later), anew=True)

    assert slack.wait_until(lambda: slack.socket_mode.ack_counts.total() == 4)
    outcomes = sorted(desk.outcomes + other.outcomes)
    assert outcomes == [Outcome.REPEATED] * 2 + [Outcome.TAKEN] * 2
    with database.reading() as connection:
        assert feedback.answers(connection, question.key) == (Answered("U1", ("energy", "space")),)
    other.listener.close()


def test_a_command_is_done_and_answered_with_the_acknowledgement(
    slack: SlackStandIn, database: Database, desk: Desk
) -> None:
    known_at_ack: list[int] = []

    def look(_: object) -> None:
        with database.reading() as connection:
            known_at_ack.append(len(wishes.active(connection, NOON).records))

    slack.on("ack", "arrived", look)

    ack = slack.wait_for_ack(slack.slash("/topicwire", "mute energy 2h"))

    assert ack is not None
    assert ack.payload["response_type"] == "ephemeral"
    assert ack.payload["text"].startswith("*Energy* is muted here until 5 March 2026, 14:00 UTC")
    assert known_at_ack == [1]


def test_who_mutes_a_topic_with_a_button_is_told_until_when_and_nobody_else(
    slack: SlackStandIn, desk: Desk, alert: Alert
) -> None:
    mute = make_press(Verb.MUTE, alert.key, "energy", "2h") | {"response_url": f"{slack.response_url}r1"}

    assert slack.wait_for_ack(send(slack, mute)) is not None

    assert slack.wait_until(lambda: slack.responses)
    (response,) = slack.responses
    assert response["text"].startswith("*Energy* is muted here until 5 March 2026, 14:00 UTC (2 hours")
    assert (response["response_type"], response["replace_original"]) == ("ephemeral", False)


def test_an_answer_goes_nowhere_but_to_slack(slack: SlackStandIn, desk: Desk, alert: Alert) -> None:
    addresses = [
        slack.response_url.replace("127.0.0.1", "localhost"),
        "http://[",
        "file:///etc/passwd",
        "",
        None,
    ]
    for number, address in enumerate(addresses):
        mute = make_press(Verb.MUTE, alert.key, "energy", "2h", after=number * SECOND)
        assert slack.wait_for_ack(send(slack, mute | {"response_url": address})) is not None
    last = make_press(Verb.MUTE, alert.key, "energy", "2h", after=MINUTE)
    send(slack, last | {"response_url": f"{slack.response_url}last"})

    assert slack.wait_until(lambda: slack.responses)
    assert [response["id"] for response in slack.responses] == ["last"]
    assert desk.outcomes == [Outcome.TAKEN] * 6


@pytest.mark.parametrize(
    ("address", "api_url", "is_slacks"),
    [
        ("https://hooks.slack.com/actions/T/1/x", "https://slack.com/api/", True),
        ("https://hooks.slack-gov.com/actions/T/1/x", "https://slack-gov.com/api/", True),
        ("https://hooks.slack.com/actions/T/1/x", "https://proxy.example/slack/", True),
        ("http://hooks.slack.com/actions/T/1/x", "https://slack.com/api/", False),
        ("https://hooks.slack.com.evil.example/x", "https://slack.com/api/", False),
        ("https://hooks.slack.com@evil.example/x", "https://slack.com/api/", False),
    ],
)
def test_where_slack_takes_answers(address: str, api_url: str, is_slacks: bool) -> None:
    assert _is_slacks(address, api_url) is is_slacks


def test_what_cannot_be_committed_is_not_acknowledged_and_is_taken_when_it_comes_again(
    slack: SlackStandIn, database: Database, desk: Desk, alert: Alert, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise OSError("disk full")

    desk.fault = fail
    envelope = send(slack, press(alert))
    assert desk.until(lambda: desk.listener.standing.failed == 1)
    assert slack.wait_for_ack(envelope, 0.2) is None

    desk.fault = lambda: None
    slack.socket_mode.again(envelope, anew=True)

    assert slack.wait_for_ack(envelope) is not None
    assert said(database) == [("U1", "right")]
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == [
        "what Slack told us was not taken"
    ]


def test_an_error_that_nobody_thought_of_ends_neither_the_listener_nor_its_connection(
    slack: SlackStandIn, database: Database, desk: Desk, alert: Alert
) -> None:
    def fail() -> None:
        raise RuntimeError("a fault of ours")

    desk.fault = fail
    for _ in range(5):
        send(slack, press(alert))
    assert desk.until(lambda: desk.listener.standing.failed == 5)
    desk.fault = lambda: None

    assert slack.wait_for_ack(send(slack, press(alert))) is not None
    assert said(database) == [("U1", "right")]
    assert slack.socket_mode.opened == 1


def test_what_is_none_of_ours_is_acknowledged_and_changes_nothing(slack: SlackStandIn, desk: Desk) -> None:
    foreign: list[tuple[str, dict[str, Any]]] = [
        ("interactive", {"type": "view_submission"}),
        ("interactive", {"type": "block_actions", "actions": [{"value": ["right"]}]}),
        ("interactive", {}),
        ("events_api", {"event": {"type": "app_mention"}}),
        ("slash_commands", {"text": 7}),
        ("of_tomorrow", {"x": "y" * 100_000}),
    ]
    acks = [slack.wait_for_ack(send(slack, payload, kind)) for kind, payload in foreign]

    assert [ack is not None and ack.payload for ack in acks] == [None] * len(foreign)
    assert desk.outcomes == []


def test_nonsense_on_the_line_does_not_end_it(
    slack: SlackStandIn, database: Database, desk: Desk, alert: Alert
) -> None:
    (link,) = slack.socket_mode.open_links()
    for message in (
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b"\xff\xfe",
        b'{"envelope_id": 7, "type": [], "payload": 1}',
    ):
        link.send(0x1, message)
        link.send(0x2, message)
        time.sleep(0.02)  # slack_sdk drops what it reads together with what is not UTF-8

    assert slack.wait_for_ack(send(slack, press(alert))) is not None
    assert desk.until(lambda: desk.is_on(1))


def test_a_refresh_loses_and_doubles_no_click(
    slack: SlackStandIn, database: Database, desk: Desk, alert: Alert
) -> None:
    slack.socket_mode.redeliver_after = 0.3
    envelopes = []
    for number in range(40):
        if number in (10, 25):
            slack.socket_mode.disconnect(close_after=0.3)
        if number in (15, 30):
            assert desk.until(lambda: desk.is_on(2 if number == 15 else 3))  # noqa: B023
        envelopes.append(send(slack, press(alert, person=f"U{number}", after=number)))
        desk.until(lambda: True)

    assert desk.until(lambda: all(slack.socket_mode.ack_of(each) for each in envelopes))
    assert sorted(said(database)) == sorted((f"U{number}", "right") for number in range(40))
    assert slack.socket_mode.opened == 3
    assert desk.outcomes.count(Outcome.TAKEN) == 40


def test_while_another_connection_is_made_the_old_one_still_brings_clicks(
    slack: SlackStandIn, database: Database, desk: Desk, alert: Alert
) -> None:
    slack.weather = Fault("error", error="internal_error")
    slack.socket_mode.disconnect()
    assert desk.until(lambda: not desk.listener.standing.connected)

    assert slack.wait_for_ack(send(slack, press(alert))) is not None
    slack.weather = None
    assert desk.until(lambda: desk.is_on(2))


def hang_up(slack: SlackStandIn) -> None:
    for link in slack.socket_mode.open_links():
        link.is_open = False
        link._connection.shutdown(2)


@pytest.mark.parametrize(
    "end",
    [lambda slack: slack.socket_mode.close(), lambda slack: slack.socket_mode.cut(), hang_up],
    ids=["closed", "reset", "without a word"],
)
def test_a_connection_that_ends_is_followed_by_another_at_once(
    slack: SlackStandIn, desk: Desk, alert: Alert, database: Database, end: Callable[[SlackStandIn], None]
) -> None:
    end(slack)

    assert desk.until(lambda: desk.is_on(2), 2.0)
    assert slack.wait_for_ack(send(slack, press(alert))) is not None
    assert said(database) == [("U1", "right")]


def test_a_socket_that_answers_no_ping_any_more_is_left_after_a_minute(
    slack: SlackStandIn, desk: Desk, alert: Alert, database: Database, turn: Clockwork
) -> None:
    (link,) = slack.socket_mode.open_links()
    assert desk.until(lambda: link.pings >= 1)
    slack.socket_mode.zombify()
    time.sleep(0.1)  # what it answered last is read
    assert desk.until(lambda: desk.listener.standing.connected)
    turn.turned += 59
    desk.listener.work()
    assert desk.listener.standing.connected
    turn.turned += 2

    assert desk.until(lambda: desk.is_on(2), 2.0)
    assert "no answer to a ping for 6" in desk.listener.standing.trouble
    assert slack.wait_for_ack(send(slack, press(alert))) is not None


def test_a_socket_that_never_answered_a_ping_is_left_too(
    slack: SlackStandIn, database: Database, alert: Alert, turn: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaf = Desk(slack, database)
    with monkeypatch.context() as planted:
        planted.setattr(SocketMode, "_hear", lambda _, link: bool(link.receive()))
        assert deaf.until(lambda: deaf.is_on(1))
    turn.turned += 61

    assert deaf.until(lambda: deaf.is_on(2), 2.0)
    deaf.listener.close()


def test_a_line_that_answers_is_kept_however_long(
    slack: SlackStandIn, desk: Desk, turn: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    (link,) = slack.socket_mode.open_links()
    for _ in range(3):
        answered = link.pings
        session = desk.listener._line._client.current_session  # type: ignore[union-attr]
        session.check_state()  # type: ignore[union-attr]
        assert slack.wait_until(lambda: link.pings > answered)  # noqa: B023
        time.sleep(0.05)
        turn.turned += 50
        desk.listener.work()

    assert desk.is_on(1)


def test_a_token_that_slack_refuses_is_said_once_and_tried_every_ten_minutes(
    slack: SlackStandIn, database: Database, turn: Clockwork, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk(slack, database, "xapp-1-revoked")
    for _ in range(3):
        desk.listener.work()
        desk.listener.work()
        turn.turned += 599
        desk.listener.work()
        turn.turned += 2

    assert slack.requests == ["apps.connections.open"] * 3
    assert [record.message for record in caplog.records] == ["cannot listen to Slack"]
    assert desk.listener.standing.trouble == "Slack refuses the app: invalid_auth"
    slack.app_token = "xapp-1-revoked"
    assert desk.until(lambda: desk.is_on(1))
    desk.listener.close()


def test_who_is_throttled_waits_as_long_as_slack_asks(
    slack: SlackStandIn, database: Database, turn: Clockwork
) -> None:
    throttled = {"Retry-After": "45.5"}
    slack.faults = [Fault("status", method="apps.connections.open", status=429, headers=throttled)]
    desk = Desk(slack, database)
    desk.listener.work()
    turn.turned += 45
    desk.listener.work()
    assert slack.requests == ["apps.connections.open"]

    turn.turned += 1
    assert desk.until(lambda: desk.is_on(1))
    desk.listener.close()


def test_while_slack_is_away_it_is_asked_ever_more_rarely(
    slack: SlackStandIn, database: Database, turn: Clockwork
) -> None:
    slack.weather = Fault("status", status=503)
    listener = Listener(slack.app_token, slack.url, ignore, str)
    for _ in range(1200):  # ten minutes
        turn.turned += listener.work()

    assert 8 <= len(slack.requests) <= 12
    listener.close()


def test_connections_that_never_last_are_not_asked_for_all_the_time(
    slack: SlackStandIn, database: Database, turn: Clockwork
) -> None:
    listener = Listener(slack.app_token, slack.url, ignore, str)
    for _ in range(120):  # a minute
        if slack.connections:
            slack.socket_mode.close()
            time.sleep(0.05)
        turn.turned += listener.work()

    assert 2 <= slack.socket_mode.opened <= 8
    listener.close()


def test_who_had_a_connection_for_long_gets_another_without_waiting(
    slack: SlackStandIn, database: Database, turn: Clockwork
) -> None:
    listener = Listener(slack.app_token, slack.url, ignore, str, patience=1000.0)
    listener.work()
    assert slack.wait_for_connections()
    turn.turned += 100
    slack.socket_mode.close()
    time.sleep(0.05)
    listener.work()

    assert slack.wait_for_connections()
    assert slack.socket_mode.opened == 2
    listener.close()


def test_a_socket_that_refuses_us_is_tried_again(
    slack: SlackStandIn, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = set(threading.enumerate())
    desk = Desk(slack, database)
    with monkeypatch.context() as planted:
        planted.setattr(slack.socket_mode, "address", lambda: "ws://127.0.0.1:1/link/?ticket=t")
        desk.listener.work()
    assert desk.listener.standing.trouble.startswith("Slack's socket cannot be opened: ")
    assert slack.wait_until(lambda: not threads_since(before), 5.0)

    assert desk.until(lambda: desk.is_on(1))
    desk.listener.close()


def threads_since(before: set[threading.Thread]) -> list[str]:
    """The threads that are not the stand-in's own."""
    new = [each.name for each in threading.enumerate() if each not in before]
    return [name for name in new if "process_request" not in name and "serve_forever" not in name]


def test_closing_leaves_no_thread_and_no_connection_behind(
    slack: SlackStandIn, database: Database, alert: Alert
) -> None:
    before = set(threading.enumerate())
    desk = Desk(slack, database)
    for number in range(1, 4):
        assert desk.until(lambda: desk.is_on(number))  # noqa: B023
        slack.socket_mode.disconnect()
        assert desk.until(lambda: not desk.is_on(number))  # noqa: B023
    assert desk.until(lambda: desk.is_on(4))

    started = time.monotonic()
    desk.listener.close()

    assert time.monotonic() - started < 2.0
    assert slack.wait_for_connections(0)
    assert threads_since(before) == []
    assert not desk.listener.standing.connected
    desk.listener.work()
    assert slack.socket_mode.opened == 4


def test_a_worker_keeps_the_listener_going(slack: SlackStandIn, database: Database, alert: Alert) -> None:
    desk = Desk(slack, database)
    worker = Worker("listening", desk.listener.work)
    worker.start()
    assert slack.wait_for_connections()
    slack.socket_mode.cut()

    assert slack.wait_until(lambda: desk.is_on(2), 5.0)
    assert worker.stop(5.0)
    desk.listener.close()


def test_an_old_connection_is_ended_in_time(
    slack: SlackStandIn, desk: Desk, turn: Clockwork, alert: Alert
) -> None:
    slack.socket_mode.disconnect()
    assert desk.until(lambda: desk.is_on(2))
    assert slack.connections == 2
    turn.turned += 31

    assert desk.until(lambda: slack.connections == 1)
    assert desk.is_on(2)


def test_no_secret_comes_into_the_log(
    slack: SlackStandIn, database: Database, alert: Alert, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    slack.app_token = token = "xapp-1-" + "s3cret" * 5
    desk = Desk(slack, database)
    assert desk.until(lambda: desk.is_on(1))
    desk.fault = lambda: (_ for _ in ()).throw(RuntimeError(token))
    send(slack, press(alert))
    send(slack, make_typed("help"), "slash_commands")
    assert desk.until(lambda: desk.listener.standing.failed and desk.listener.standing.commands)
    slack.socket_mode.cut()
    assert desk.until(lambda: desk.is_on(2))
    slack.weather = Fault("html")
    slack.socket_mode.close()
    assert desk.until(lambda: not desk.listener.standing.connected)
    desk.until(lambda: False, 0.2)
    desk.listener.close()
    Listener(f"{token}\nX: y", slack.url, ignore, str).work()

    messages = [f"{record.getMessage()} {record.__dict__}" for record in caplog.records]
    known = [
        line for line in messages if "ticket=" in line or "verification" in line or "hooks.slack" in line
    ]
    assert known == []
    # Of an error of ours the trace is shown; logs.hide_secrets takes tokens out of it.
    assert [line for line in messages if "s3cret" in line and "RuntimeError" not in line] == []


@pytest.mark.parametrize(
    ("way", "kept"),
    [("dies before the commit", []), ("dies after the commit", [("U1", "right")])],
)
def test_a_process_killed_over_a_click_leaves_one_verdict_once_it_is_delivered_again(
    slack: SlackStandIn, database: Database, alert: Alert, tmp_path: Any, way: str, kept: list[Any]
) -> None:
    envelope = die_over(slack, tmp_path, alert, way)
    assert slack.socket_mode.ack_of(envelope) is None
    assert said(database) == kept

    desk = Desk(slack, database)
    assert desk.until(lambda: desk.is_on(2))
    slack.socket_mode.again(envelope, anew=True)

    assert slack.wait_for_ack(envelope) is not None
    assert said(database) == [("U1", "right")]
    desk.listener.close()


def test_planted_who_acknowledges_before_the_commit_loses_a_click(
    slack: SlackStandIn, database: Database, alert: Alert, tmp_path: Any
) -> None:
    envelope = die_over(slack, tmp_path, alert, "acknowledges first")

    assert slack.socket_mode.ack_of(envelope) is not None  # so Slack never tells us again
    assert said(database) == []


def die_over(slack: SlackStandIn, tmp_path: Any, alert: Alert, way: str) -> Any:
    """A click over which another process, which listened, dies in some way."""
    command = [
        sys.executable,
        "-m",
        "tests.listening_process",
        slack.url,
        ledgers.address(tmp_path),
        way,
    ]
    child = subprocess.Popen(command)
    try:
        assert slack.wait_for_connections(1, 20.0)
        envelope = send(slack, press(alert))
        assert child.wait(20.0) == -9
    finally:
        child.kill()
        child.wait()
    assert slack.wait_for_connections(0)
    return envelope


def test_a_click_is_acknowledged_in_time_though_the_ledger_is_busy(
    slack: SlackStandIn, database: Database, desk: Desk, alert: Alert
) -> None:
    with database.transaction():
        envelope = send(slack, press(alert))
        assert slack.wait_for_ack(envelope, 0.5) is None
    ack = slack.wait_for_ack(envelope)

    assert ack is not None
    assert ack.seconds < 3.0
