"""Setting the Slack app up: its manifest with a one-click address, and a sample that tries everything out."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from daemon import clock
from daemon.errors import DeliveryError
from daemon.findings import Finding
from daemon.messages import Entry, Message, Remark
from daemon.records import Alert, AlertTopic, Sent
from daemon.slack import SlackSender
from daemon.slackapi import SlackApp
from daemon.slackerrors import code_of

NAME = "topicwire"
# What each is for: posting; looking whether a message arrived, in public and in private channels;
# seeing whether we are in a channel; going into public ones; charts; /topicwire.
BOT_SCOPES = (
    "chat:write",
    "channels:history",
    "groups:history",
    "channels:read",
    "groups:read",
    "channels:join",
    "files:write",
    "files:read",
    "commands",
)
_CREATE = "https://api.slack.com/apps?new_app=1&manifest_json="
INVITE = f"write `/invite @{NAME}` in the channel"
_REINSTALL = "add it under OAuth & Permissions of the app, and reinstall the app to the workspace"
_TOKEN = "copy the bot token (xoxb-…) from OAuth & Permissions of the app again"  # noqa: S105  an advice
_MENDS = {
    "invalid_auth": _TOKEN,
    "not_authed": _TOKEN,
    "token_revoked": _TOKEN,
    "token_expired": _TOKEN,
    "account_inactive": "install the app to the workspace again",
    "missing_scope": _REINSTALL,
    "not_allowed_token_type": _TOKEN,
    "channel_not_found": f"look at the channel's id; where it is a private one, {INVITE}",
    "not_in_channel": INVITE,
    "is_archived": "restore the channel, or name another",
    "restricted_action": "let the app post in the channel's settings",
    "restricted_action_read_only_channel": "let the app post in the channel's settings",
}
_LOOKS = (0.0, 1.0, 3.0)  # seconds; the history may lag


def manifest() -> dict[str, Any]:
    """The app as Slack's "create from a manifest" takes it (docs.slack.dev, app manifest)."""
    command = {
        "command": "/topicwire",
        "description": "Mute or follow a topic in this channel for a time",
        "usage_hint": "mute energy 2h",
        "should_escape": False,
    }
    return {
        "display_information": {
            "name": NAME,
            "description": "Tells the desk what a news article is about, and the sentence that says so",
        },
        "features": {
            "bot_user": {"display_name": NAME, "always_online": True},
            "slash_commands": [command],
        },
        "oauth_config": {"scopes": {"bot": list(BOT_SCOPES)}},
        "settings": {
            "interactivity": {"is_enabled": True},
            "org_deploy_enabled": False,
            "socket_mode_enabled": True,
            "token_rotation_enabled": False,
        },
    }


def install_address(manifest: dict[str, Any]) -> str:
    """Where one click makes the app of a manifest."""
    return _CREATE + quote(json.dumps(manifest, separators=(",", ":")), safe="")


def steps() -> list[str]:
    """What is left to do by hand, in order."""
    return [
        "open the address, choose the workspace, press Create, then Install to Workspace",
        "OAuth & Permissions: copy the Bot User OAuth Token (xoxb-…) into the file of slack.token_file",
        "Basic Information, App-Level Tokens: generate one with the scope connections:write, and copy it"
        " (xapp-…) into the file of slack.app_token_file; without it messages have no buttons",
        f"write `/invite @{NAME}` in each private channel; into public ones it goes by itself",
        "topicwired check, then topicwired slack test CHANNEL",
    ]


def mend(error: DeliveryError) -> str | None:
    """What a person can do about an error of Slack's, where that is known."""
    return _MENDS.get(code_of(error))


def sample(channel: str) -> Message:
    """A message as an alert is one; each has a key of its own."""
    topic = AlertTopic(
        id="energy",
        title="Energy",
        grade="main",
        probability=0.93,
        passage="The oil refinery in Atyrau resumed processing crude oil on Monday after a month of repairs.",
        words=("refinery", "crude oil"),
    )
    alert = Alert(
        key=secrets.token_hex(16),
        receiver=channel,
        headline="A sample from topicwire: refinery in Atyrau restarts crude unit",
        language="en",
        date=None,
        source="topicwired slack test",
        file="sample.txt",
        topics=(topic,),
        model="sample",
    )
    return Message(key=alert.key, receiver=channel, entries=(Entry(alert),))


def try_out(app: SlackApp, channel: str, *, twice: bool = False) -> Iterator[Finding]:
    """Post a sample, read it back, show it anew, and say of each whether it worked.

    `twice`: post it again with the same id, to see whether the workspace knows a repeat.
    """
    # Nobody waits for clicks on a sample.
    sender, message = SlackSender(app, channel, interactive=False), sample(channel)
    since = clock.now().timestamp() - 60.0
    try:
        sent = sender.send(message)
    except DeliveryError as error:
        yield Finding(False, "post", str(error), mend(error))
        return
    yield Finding(True, "post", f"a sample stands in {sent.channel}")
    yield _read_back(sender, message, since)
    yield _show_anew(sender, message, sent)
    if twice:
        yield _post_again(sender, message, sent)


def _read_back(sender: SlackSender, message: Message, since: float) -> Finding:
    for wait in _LOOKS:
        time.sleep(wait)
        try:
            found = sender.find(message, since)
        except DeliveryError as error:
            return Finding(False, "history", f"{error}; so alerts arrive at least once", mend(error))
        if found is not None:
            return Finding(
                True, "history", "the sample was found in it by its key; alerts arrive exactly once"
            )
    return Finding(
        False,
        "history",
        "the sample was not found in it; so alerts arrive at least once",
        "look whether something between us and Slack takes the metadata out of messages",
    )


def _show_anew(sender: SlackSender, message: Message, sent: Sent) -> Finding:
    entry = replace(message.entries[0], remarks=(Remark(NAME, "energy", "right"),))
    try:
        sender.update(replace(message, entries=(entry,)), sent)
    except DeliveryError as error:
        return Finding(False, "update", str(error), mend(error))
    return Finding(True, "update", "the sample was shown anew, with a verdict")


def _post_again(sender: SlackSender, message: Message, sent: Sent) -> Finding:
    try:
        again = sender.send(message)
    except DeliveryError as error:
        return Finding(False, "repeat", str(error), mend(error))
    if again == sent:
        return Finding(True, "repeat", "the workspace knows a repeat by its client_msg_id and posts it once")
    return Finding(
        True,
        "repeat",
        "the workspace does not know a repeat; that alerts come once rests on the history alone",
    )
