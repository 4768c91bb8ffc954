"""Is Slack set up for what the configuration asks: tokens, scopes, channels, and so what is promised."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from slack_sdk.web import SlackResponse

from daemon import clock
from daemon.config import secret
from daemon.errors import DeliveryError
from daemon.findings import Finding, fine, warning
from daemon.slackapi import SlackApp
from daemon.slackapp import INVITE, mend
from daemon.slackerrors import code_of, header, is_of_rights
from daemon.slackhistory import POSTS_FROM_OUTSIDE
from daemon.tables import NEVER, Receiver, Settings

_ADD = "add what is missing under OAuth & Permissions of the app, and reinstall the app to the workspace"
_CLOCKS_APART = 30.0  # seconds
_MAKE_ONE = (
    "generate one with the scope connections:write under Basic Information, App-Level Tokens, of the app,"
    " and name its file in slack.app_token_file"
)


@dataclass(frozen=True, slots=True)
class _Desk:
    """A Slack receiver and what Slack says of its channel: each an answer, or why there is none."""

    about: str
    id: str
    channel: dict[str, Any] | DeliveryError
    history: dict[str, Any] | DeliveryError

    @property
    def name(self) -> str:
        named = isinstance(self.channel, dict) and self.channel.get("name")
        return f"#{named}" if named else self.id


def examine(settings: Settings) -> list[Finding]:
    """What is promised to each receiver, and what stands in the way. Only asks: posts and joins nothing."""
    receivers = [receiver for receiver in settings.receivers if receiver.type == "slack"]
    others = [receiver for receiver in settings.receivers if receiver.type != "slack"]
    return [
        *(_of_slack(settings, receivers) if receivers else ()),
        *(
            Finding(True, _about(each), f"a {each.type} cannot be looked at, so at least once")
            for each in others
        ),
    ]


def _of_slack(settings: Settings, receivers: list[Receiver]) -> Iterator[Finding]:
    token = secret("slack-bot-token", "SLACK_BOT_TOKEN", settings.slack.token_file)
    if not token:
        mending = "name its file in slack.token_file, or set SLACK_BOT_TOKEN"
        yield Finding(False, "Slack", "there is no bot token", mending)
        return
    app = SlackApp(token, settings.slack.api_url)
    try:
        who = app.identity()
    except DeliveryError as error:
        yield Finding(False, "Slack", str(error), mend(error) or "look at the network, and at slack.api_url")
        return
    yield Finding(True, "Slack", f"knows us as {who.get('user')} in {who.get('team')}")
    yield from _of_clock(header(who.headers, "date"), clock.now())
    app_token = secret("slack-app-token", "SLACK_APP_TOKEN", settings.slack.app_token_file)
    yield _of_app_token(app, app_token)
    desks = [_desk(app, receiver) for receiver in receivers]
    yield _of_scopes(app.scopes, _needed(settings, desks, with_verdicts=bool(app_token)))
    for desk in desks:
        yield _of_desk(desk, app.scopes)


def _of_clock(said: str | None, now: datetime) -> Iterator[Finding]:
    """Slack's clock is right. What it said has come to us since, so seconds mean nothing."""
    try:
        theirs = parsedate_to_datetime(said or "")
        apart = (now - theirs).total_seconds()
    except (TypeError, ValueError):
        return  # something between us and Slack takes it out
    if abs(apart) > _CLOCKS_APART:
        way = "ahead of" if apart > 0 else "behind"
        text = f"this machine's is {abs(apart):.0f} s {way} Slack's: digests and quiet hours go by it"
        yield warning("Slack's clock", text, "timedatectl set-ntp true")
    else:
        yield fine("Slack's clock", "this machine's and Slack's agree")


def _of_app_token(app: SlackApp, token: str | None) -> Finding:
    """Verdicts and /topicwire come by Socket Mode, which has a token of its own."""
    if not token:
        return Finding(
            True, "verdicts", "none, as there is no app token: messages have no buttons", _MAKE_ONE
        )
    if not token.startswith("xapp-"):
        return Finding(
            False, "verdicts", "the app token should begin with xapp-, it is of another kind", _MAKE_ONE
        )
    opened = _asked(app, "apps.connections.open", lambda: app.reading.apps_connections_open(app_token=token))
    if isinstance(opened, DeliveryError):
        return Finding(False, "verdicts", str(opened), _MAKE_ONE if code_of(opened) else None)
    return Finding(True, "verdicts", "Slack takes the app token, so buttons and /topicwire work")


def _desk(app: SlackApp, receiver: Receiver) -> _Desk:
    id = receiver.channel or ""
    info = _asked(app, "conversations.info", lambda: app.reading.conversations_info(channel=id))
    history = _asked(
        app, "conversations.history", lambda: app.reading.conversations_history(channel=id, limit=1)
    )
    return _Desk(_about(receiver), id, info if isinstance(info, DeliveryError) else info["channel"], history)


def _needed(settings: Settings, desks: list[_Desk], *, with_verdicts: bool) -> dict[str, str]:
    """The scopes that are used, each with what for."""
    needed = {"chat:write": "to post"}
    for desk in desks:
        if isinstance(desk.channel, DeliveryError):
            if is_of_rights(desk.channel):
                needed |= {"channels:read": "to see channels"}
        else:
            kind = "groups" if desk.channel.get("is_private") else "channels"
            needed |= {
                f"{kind}:history": "to look whether a message arrived",
                f"{kind}:read": "to see channels",
            }
    digests = [
        receiver.digest or settings.digest.cron for receiver in settings.receivers if receiver.type == "slack"
    ]
    if settings.digest.chart and any(cron != NEVER for cron in digests):
        needed |= {"files:write": "for charts", "files:read": "for charts"}
    return needed | ({"commands": "for /topicwire"} if with_verdicts else {})


def _of_scopes(scopes: frozenset[str], needed: dict[str, str]) -> Finding:
    if not scopes:
        return Finding(True, "scopes", "Slack does not say which the app has")
    missing = [f"{scope} ({what_for})" for scope, what_for in needed.items() if scope not in scopes]
    if missing:
        return Finding(False, "scopes", f"the app lacks {', '.join(missing)}", _ADD)
    return Finding(True, "scopes", "the app has all that are used")


def _of_desk(desk: _Desk, scopes: frozenset[str]) -> Finding:
    channel = desk.channel
    if isinstance(channel, DeliveryError) and not is_of_rights(channel):
        return Finding(False, desk.about, f"{desk.name}: {channel}", mend(channel))
    if isinstance(channel, dict) and channel.get("is_archived"):
        return Finding(False, desk.about, f"{desk.name} is archived", "restore it, or name another")
    if isinstance(channel, dict) and channel.get("is_member") is False:
        return _of_outside(desk, scopes, is_private=bool(channel.get("is_private")))
    if isinstance(desk.history, DeliveryError):
        said = f"{desk.name}: at least once, as its history cannot be read ({desk.history})"
        return Finding(False, desk.about, said, mend(desk.history))
    return Finding(True, desk.about, f"{desk.name}: exactly once, as its history can be read")


def _of_outside(desk: _Desk, scopes: frozenset[str], *, is_private: bool) -> Finding:
    if not is_private and "channels:join" in scopes:
        return Finding(
            True, desk.about, f"{desk.name}: topicwire goes in with its first alert; exactly once from then"
        )
    if not is_private and POSTS_FROM_OUTSIDE in scopes:
        said = f"{desk.name}: at least once, as topicwire is not in it and cannot read its history"
        return Finding(False, desk.about, said, INVITE)
    return Finding(False, desk.about, f"{desk.name}: topicwire is not in it", INVITE)


def _asked(
    app: SlackApp, method: str, request: Callable[[], SlackResponse]
) -> dict[str, Any] | DeliveryError:
    try:
        answer = app.call(method, request)
    except DeliveryError as error:
        return error
    return answer.data if isinstance(answer.data, dict) else {}


def _about(receiver: Receiver) -> str:
    return f"receiver {receiver.name}"
