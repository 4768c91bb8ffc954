"""Builders of what Slack sends when a person presses something or types a command."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from daemon.actions import Action, Verb
from daemon.clicks import Click, parse
from tests.builders import NOON, SECOND

CHANNEL = "C0123DESK"
MESSAGE = "1772712000.000100"


def make_press(
    verb: Verb = Verb.RIGHT,
    alert: str = "a" * 32,
    topic: str | None = None,
    duration: str | None = None,
    *,
    person: str = "U1",
    channel: str = CHANNEL,
    after: timedelta = SECOND,
    action_id: str | None = None,
) -> dict[str, Any]:
    """An interactive payload, as docs.slack.dev has it: a person pressed a button some time after noon."""
    return {
        "type": "block_actions",
        "user": {"id": person, "username": "ana", "team_id": "T1"},
        "api_app_id": "A1",
        "token": "verification",
        "container": {"type": "message", "message_ts": MESSAGE, "channel_id": channel, "is_ephemeral": False},
        "trigger_id": "1.2.3",
        "team": {"id": "T1", "domain": "newsroom"},
        "channel": {"id": channel, "name": "desk"},
        "message": {"type": "message", "ts": MESSAGE, "text": "Refinery restarts"},
        "response_url": "https://hooks.slack.com/actions/T1/1/secret",
        "actions": [
            {
                "type": "button",
                "action_id": action_id or f"{verb}:{topic}",
                "block_id": "b1",
                "text": {"type": "plain_text", "text": "Right"},
                "value": Action(verb, alert, topic, duration).value(),
                "action_ts": at(NOON + after),
            }
        ],
    }


def make_choice(alert: str = "a" * 32, topic: str = "space", **changes: Any) -> dict[str, Any]:
    """The same of a menu."""
    press = make_press(Verb.OTHER, alert, topic, **changes)
    (action,) = press["actions"]
    option = {"text": {"type": "plain_text", "text": "Space"}, "value": action.pop("value")}
    action |= {"type": "static_select", "selected_option": option}
    return press


def make_click(*given: Any, **changes: Any) -> Click:
    click = parse(make_press(*given, **changes))
    assert click is not None
    return click


def make_typed(text: str = "list", *, person: str = "U1", channel: str = CHANNEL) -> dict[str, Any]:
    """The payload of a slash command."""
    return {
        "command": "/topicwire",
        "text": text,
        "user_id": person,
        "user_name": "ana",
        "channel_id": channel,
        "channel_name": "desk",
        "team_id": "T1",
        "token": "verification",
        "trigger_id": "1.2.3",
        "response_url": "https://hooks.slack.com/commands/T1/1/secret",
    }


def at(moment: datetime) -> str:
    """A moment as Slack writes it."""
    return f"{int(moment.timestamp())}.{moment.microsecond:06d}"
