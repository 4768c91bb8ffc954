"""A desk and the daemon talk over Slack, end to end: alerts, threads, clicks, commands, a burst."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.daemon_process import DaemonProcess
from tests.newsroom import energy_article
from tests.slack_stand_in import SlackStandIn
from tests.test_telling import COPY, FIRST, REWRITE

CHANNEL = "C0DESK"


class Desk:
    """A real daemon, one channel, and the people in it."""

    def __init__(self, home: Path, slack: SlackStandIn, tokens: Path, more: str = "") -> None:
        self.home, self.slack = home, slack
        bot, app = tokens / "bot", tokens / "app"
        for file, token in ((bot, slack.token), (app, "xapp-1-test")):
            file.write_text(token)
            file.chmod(0o600)
        self.config = (
            f'[inbox]\nsettle_seconds = 0.05\n[slack]\ntoken_file = "{bot}"\napp_token_file = "{app}"\n'
            f'api_url = "{slack.url}"\npace_seconds = 0.01\n[burst]\nalerts = 4\n'
            f'[[receiver]]\nname = "desk"\ntype = "slack"\nchannel = "{CHANNEL}"\n{more}'
        )
        self.start()

    def start(self) -> None:
        self.process = DaemonProcess(self.home, config=self.config)
        self.process.wait_until_watching()
        assert self.slack.wait_for_connections(1, seconds=20.0)

    def drop(self, name: str, content: str) -> None:
        path = self.process.inbox / name
        path.parent.mkdir(exist_ok=True)
        fresh = self.home / "fresh"
        fresh.write_text(content, encoding="utf-8")
        fresh.rename(path)

    def messages(self) -> list[dict[str, Any]]:
        with self.slack.lock:
            return [dict(message) for message in self.slack.messages]

    def wait_for(self, number: int) -> list[dict[str, Any]]:
        self.process.wait_until(lambda: len(self.messages()) >= number)
        return self.messages()

    def value(self, message: dict[str, Any], verb: str) -> str:
        """What a button or an option of a message with this verb says."""
        return next(value for value in self.values(message) if value.startswith(f"{verb} "))

    def values(self, message: dict[str, Any]) -> list[str]:
        """What each button and option of a message says."""
        return list(_values(message["blocks"]))

    def wait_until_shows(self, message: dict[str, Any], text: str) -> None:
        def shows() -> bool:
            [now] = [each for each in self.messages() if each["ts"] == message["ts"]]
            return text in json.dumps(now["blocks"], ensure_ascii=False)

        self.process.wait_until(shows)


def _values(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("value"), str):
            yield part["value"]
        for inner in part.values():
            yield from _values(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _values(inner)


@pytest.fixture
def desk(home: Path, slack: SlackStandIn, tmp_path: Path) -> Iterator[Desk]:
    running = Desk(home, slack, tmp_path)
    yield running
    running.process.stop()


@pytest.mark.slow
def test_a_story_is_told_in_one_thread_and_verdicts_show_in_its_message(
    desk: Desk, slack: SlackStandIn
) -> None:
    desk.drop("agency/first.txt", FIRST)
    [root] = desk.wait_for(1)
    assert "Fire halts refinery in Zharkent" in root["text"]

    desk.drop("wire/rewrite.txt", REWRITE)
    _, reply = desk.wait_for(2)
    assert reply["thread_ts"] == root["ts"]
    assert "2.7 million" in json.dumps(reply["blocks"])
    desk.drop("copyist/copy.txt", COPY)
    desk.wait_until_shows(root, "also in: 2 sources")

    for person, verb in (("U0ANN", "wrong"), ("U0BOB", "right")):
        envelope = slack.click(root["ts"], desk.value(root, verb), user=person)
        assert slack.wait_for_ack(envelope) is not None
    desk.wait_until_shows(root, "<@U0ANN>")
    desk.wait_until_shows(root, "<@U0BOB>")
    assert len(desk.messages()) == 2


@pytest.mark.slow
def test_a_topic_that_is_muted_from_slack_is_silent_and_a_restart_knows_it(
    desk: Desk, slack: SlackStandIn
) -> None:
    ack = slack.wait_for_ack(slack.slash("/topicwire", "mute energy 2h", user="U0ANN", channel=CHANNEL))
    assert ack is not None and "muted here until" in json.dumps(ack.payload)
    assert desk.process.stop() == 0
    desk.start()

    desk.drop("muted.txt", energy_article("Zharkent"))
    desk.process.wait_until(lambda: len(desk.process.done()) == 1)
    ack = slack.wait_for_ack(slack.slash("/topicwire", "unmute energy", user="U0BOB", channel=CHANNEL))
    assert ack is not None
    desk.drop("heard.txt", FIRST)
    [heard] = desk.wait_for(1)

    assert "Fire halts refinery" in heard["text"]


@pytest.mark.slow
def test_many_at_once_come_as_one_message_with_the_rest_in_its_thread(
    desk: Desk, slack: SlackStandIn
) -> None:
    towns = [f"Town {number}" for number in range(30)]
    slack.go_down()
    for number, town in enumerate(towns):
        desk.drop(f"{number}.txt", energy_article(town))
    desk.process.wait_until(lambda: len(desk.process.done()) == len(towns))
    slack.come_up()

    desk.process.wait_until(lambda: len(set(slack.alert_keys())) == len(towns), seconds=60.0)

    first, *others = desk.messages()
    assert len(slack.alert_keys()) == len(towns)
    assert len(others) <= 5
    roots = {message.get("thread_ts") for message in others}
    assert roots == {first["ts"]} or roots == {others[0]["ts"], None}
