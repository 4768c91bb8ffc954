"""What Slack tells an app of what people do: the payloads of clicks, choices and slash commands."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from tests.slack_elements import elements_of, options_of
from tests.slack_shapes import is_reply, shown
from tests.slack_workspace import APP, DOMAIN, TEAM, Workspace

_VERIFICATION = "verification-token"


def click(
    workspace: Workspace,
    message: dict[str, Any],
    value: str | None,
    action_id: str | None,
    *,
    user: str,
    response_url: str,
    anyway: bool,
) -> dict[str, Any]:
    """The payload of a click on a button, or on an option of a menu, that the message shows.

    LookupError if it shows none with this value or action_id, unless somebody may click `anyway`, on
    what a stale view still shows.
    """
    seen = shown(workspace, message, metadata=False)
    action = next(_actions(seen, value, action_id), None)
    if action is None and not anyway:
        raise LookupError(f"nothing to click on: {value or action_id!r}")
    action = action or _button(value or "", action_id or "gone")
    channel = workspace.channel(message["channel"])
    container = {
        "type": "message",
        "message_ts": message["ts"],
        "channel_id": channel.id,
        "is_ephemeral": False,
    }
    if is_reply(message):
        container["thread_ts"] = message["thread_ts"]
    return {
        "type": "block_actions",
        "user": {"id": user, "username": user.lower(), "name": user.lower(), "team_id": TEAM},
        "api_app_id": APP,
        "token": _VERIFICATION,
        "container": container,
        "trigger_id": _trigger_id(),
        "team": {"id": TEAM, "domain": DOMAIN},
        "enterprise": None,
        "is_enterprise_install": False,
        "channel": {"id": channel.id, "name": channel.name},
        "message": seen,
        "state": {"values": _state(seen, action)},
        "response_url": response_url,
        "actions": [{**action, "action_ts": workspace.new_moment()}],
    }


def _actions(seen: dict[str, Any], value: str | None, action_id: str | None) -> Iterator[dict[str, Any]]:
    """The actions that a message offers, of those with this value or action_id."""
    for block in seen.get("blocks") or []:
        for element in elements_of(block):
            if action_id is not None and element.get("action_id") != action_id:
                continue
            names = {"action_id": element.get("action_id", ""), "block_id": block["block_id"]}
            if element["type"] == "button":
                if value is None or element.get("value") == value:
                    yield {**names, **_without(element, "confirm")}
                continue
            for option in options_of(element):
                if value is None or option["value"] == value:
                    kept = _without(element, "options", "option_groups", "confirm")
                    yield {**names, **kept, "selected_option": option}


def _without(element: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in element.items() if key not in keys}


def _button(value: str, action_id: str) -> dict[str, Any]:
    text = {"type": "plain_text", "text": "?", "emoji": True}
    return {"type": "button", "action_id": action_id, "block_id": "gone", "text": text, "value": value}


def _state(seen: dict[str, Any], action: dict[str, Any]) -> dict[str, Any]:
    """What all menus of the message stand at."""
    found: dict[str, Any] = {}
    for block in seen.get("blocks") or []:
        for element in elements_of(block):
            if element["type"] == "static_select":
                chosen = element.get("initial_option")
                if element.get("action_id") == action["action_id"]:
                    chosen = action.get("selected_option")
                stands = {"type": "static_select", "selected_option": chosen}
                found.setdefault(block["block_id"], {})[element.get("action_id", "")] = stands
    return found


def slash(
    workspace: Workspace, command: str, text: str, *, user: str, channel: str, response_url: str
) -> dict[str, Any]:
    """The payload of a slash command."""
    found = workspace.channel(channel)
    return {
        "token": _VERIFICATION,
        "team_id": TEAM,
        "team_domain": DOMAIN,
        "channel_id": found.id,
        "channel_name": found.name,
        "user_id": user,
        "user_name": user.lower(),
        "command": command,
        "text": text,
        "api_app_id": APP,
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": _trigger_id(),
    }


def _trigger_id() -> str:
    return f"{uuid.uuid4().int % 10**13}.{uuid.uuid4().int % 10**12}.{uuid.uuid4().hex}"
