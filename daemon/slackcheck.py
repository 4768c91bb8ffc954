"""Is Slack set up for what the configuration asks: tokens, scopes, channels, and so what is promised."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from slack_sdk.web import SlackResponse

from daemon.config import secret
from daemon.errors import DeliveryError
from daemon.slackapi import SlackApp
from daemon.slackapp import NAME, Finding, mend
from daemon.slackerrors import code_of
from daemon.tables import NEVER, Receiver, Settings

ONCE, AT_LEAST_ONCE = "exactly once", "at least once"

_INVITE = f"write `/invite @{NAME}` in it"
_ADD = "add it under OAuth & Permissions of the app, and reinstall the app to the workspace"
_APP_TOKEN = (
    "generate one with the scope connections:write under Basic Information, App-Level Tokens, of the app,"
    " and name its file in slack.app_token_file"
)  # noqa: S105  an advice


def examine(settings: Settings) -> list[Finding]:
    """What is promised to each receiver, and what stands in the way. Only asks; posts and joins nothing."""
    findings = []
    desks = [receiver for receiver in settings.receivers if receiver.type == "slack"]
    if desks:
        findings += list(_app_and_desks(settings, desks))
    findings += [
        Finding(True, f"receiver {receiver.name}", f"a {receiver.type}: {AT_LEAST_ONCE}, as nothing can be looked up")
        for receiver in settings.receivers
        if receiver.type != "slack"
    ]
    return findings


def _app_and_desks(settings: Settings, desks: list[Receiver]) -> Iterator[Finding]:
    token = secret("slack-bot-token", "SLACK_BOT_TOKEN", settings.slack.token_file)
    if not token:
        yield Finding(
            False, "Slack", "there is no bot token", "name its file in slack.token_file, or set SLACK_BOT_TOKEN"
        )
        return
    app = SlackApp(token, settings.slack.api_url)
    try:
        who = app.identity()
    except DeliveryError as error:
        yield Finding(False, "Slack", str(error), mend(error) or "look at the network, and at slack.api_url")
        return
    yield Finding(True, "Slack", f"knows us as {who.get('user')} in {who.get('team')}")
    yield from _of_app_token(settings, app)
    desks_seen = [_Desk(app, receiver) for receiver in desks]
    yield from _of_scopes(settings, app, desks_seen)
    for desk in desks_seen:
        yield from desk.findings()


def _of_app_token(settings: Settings, app: SlackApp) -> Iterator[Finding]:
    """Verdicts and /topicwire come by Socket Mode, which has a token of its own."""
    token = secret("slack-app-token", "SLACK_APP_TOKEN", settings.slack.app_token_file)
    if not token:
        yield Finding(True, "verdicts", f"no app token, so messages have no buttons; {_APP_TOKEN}")
        return
    if not token.startswith("xapp-"):
        yield Finding(False, "verdicts", "the app token is of another kind; it should begin with xapp-", _APP_TOKEN)
        return
    try:
        app.call("apps.connections.open", lambda: app.reading.apps_connections_open(app_token=token))
    except DeliveryError as error:
        yield Finding(False, "verdicts", str(error), _APP_TOKEN if code_of(error) else None)
        return
    yield Finding(True, "verdicts", "Slack takes the app token, so buttons and /topicwire work")


def _of_scopes(settings: Settings, app: SlackApp, desks: list[_Desk]) -> Iterator[Finding]:
    if not app.scopes:
        yield Finding(True, "scopes", "Slack does not say which the app has")
        return
    needed = {"chat:write": "to post"}
    for desk in desks:
        needed |= desk.needed()
    if any((receiver.digest or settings.digest.cron) != NEVER for receiver in settings.receivers):
        if settings.digest.chart:
            needed |= {"files:write": "for charts", "files:read": "for charts"}
    if secret("slack-app-token", "SLACK_APP_TOKEN", settings.slack.app_token_file):
        needed["commands"] = "for /topicwire"
    missing = [f"{scope} ({why})" for scope, why in needed.items() if scope not in app.scopes]
    if missing:
        yield Finding(False, "scopes", f"the app lacks {', '.join(missing)}", _ADD)
    else:
        yield Finding(True, "scopes", "the app has all that is used")
