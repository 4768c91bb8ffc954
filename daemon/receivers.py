"""Receivers: what delivers to each of them, and how it wants to hear."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

from daemon.apprising import AppriseSender
from daemon.backoff import Pace
from daemon.config import Receiver, Settings, secret
from daemon.console import ConsoleSender
from daemon.dispatch import Manner
from daemon.errors import ConfigError
from daemon.grouping import Burst
from daemon.quiet import hearing
from daemon.senders import Sender
from daemon.slack import BURST, SlackSender
from daemon.slackapi import SlackApp
from daemon.tables import is_this_machine
from daemon.webhook import WebhookSender


def senders_of(settings: Settings) -> dict[str, Sender]:
    """What delivers to each receiver, by name. Raises ConfigError where a secret is missing or unsafe."""
    app_token(settings)
    makers = Senders(settings)
    return {receiver.name: makers.sender(receiver) for receiver in settings.receivers}


def app_token(settings: Settings) -> str | None:
    """The token by which Slack tells us what people press; None where there is none."""
    return secret("slack-app-token", "SLACK_APP_TOKEN", settings.slack.app_token_file)


def manners_of(settings: Settings) -> Mapping[str, Manner]:
    """How each receiver wants to hear, by name."""
    burst = settings.burst
    rule = Burst(burst.alerts, timedelta(minutes=burst.minutes)) if burst.minutes else None
    found = {}
    for receiver in settings.receivers:
        hears = hearing(receiver, settings)
        found[receiver.name] = Manner(
            burst=rule,
            hours=hears.quiet_hours,
            zone=hears.quiet_zone,
            resend=settings.slack.on_unknown == "resend",
        )
    return found


@dataclass(slots=True)
class Senders:
    """Makes senders. Those of one Slack app share it, and those of one channel its pace."""

    settings: Settings
    _apps: dict[str, SlackApp] = field(default_factory=dict)
    _paces: dict[str, Pace] = field(default_factory=dict)

    def sender(self, receiver: Receiver) -> Sender:
        """What delivers to a receiver. Raises ConfigError where its secret is missing."""
        match receiver.type:
            case "console":
                return ConsoleSender()
            case "webhook":
                url = self._address(receiver, "slack-webhook-url", "SLACK_WEBHOOK_URL")
                _must_be_safe(receiver, url)
                return WebhookSender(url)
            case "apprise":
                return AppriseSender(self._address(receiver, "apprise-url", "APPRISE_URL"), receiver.name)
            case "slack":
                channel = receiver.channel or ""
                pace = self._paces.setdefault(channel, Pace(self.settings.slack.pace_seconds, BURST))
                # Without an app token nobody would hear of a click.
                heard = app_token(self.settings) is not None
                return SlackSender(self.app(f"receiver {receiver.name!r}"), channel, pace, interactive=heard)

    def app(self, asked: str) -> SlackApp:
        """The Slack app of the configuration. Raises ConfigError, that names who asked, without a token."""
        token = secret("slack-bot-token", "SLACK_BOT_TOKEN", self.settings.slack.token_file)
        if not token:
            raise ConfigError(
                [f"{asked}: no Slack token; name its file in slack.token_file, or set"
                 " SLACK_BOT_TOKEN"]
            )  # fmt: skip
        if token not in self._apps:
            self._apps[token] = SlackApp(token, self.settings.slack.api_url)
        return self._apps[token]

    @staticmethod
    def _address(receiver: Receiver, credential: str, variable: str) -> str:
        url = secret(credential, variable, receiver.url_file)
        if url:
            return url
        raise ConfigError(
            [f"receiver {receiver.name!r}: no {receiver.type} address; name its file in url_file, or"
             f" set {variable}"]
        )  # fmt: skip


def _must_be_safe(receiver: Receiver, url: str) -> None:
    """The address is the secret: over plain http anyone on the way could read it."""
    try:
        scheme, host = urlsplit(url).scheme, urlsplit(url).hostname or ""
    except ValueError:
        scheme, host = "", ""
    if scheme not in ("https", "http") or not host:
        raise ConfigError([f"receiver {receiver.name!r}: the webhook address is not one"])
    if scheme == "http" and not is_this_machine(host):
        raise ConfigError([f"receiver {receiver.name!r}: the webhook address should begin with https://"])
