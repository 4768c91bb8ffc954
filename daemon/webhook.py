"""The webhook receiver: Slack's incoming webhook, which answers "ok" and no more, so at least once.

No thread, no message shown anew, no history: a reply says itself what it follows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NoReturn

from slack_sdk.webhook import WebhookClient

from daemon import blocks, clock, plain
from daemon.backoff import Pace
from daemon.errors import DeliveryError, PermanentDeliveryError, TemporaryDeliveryError
from daemon.messages import Message
from daemon.records import Sent
from daemon.slackapi import TIMEOUT
from daemon.slackerrors import by_status, translated

INTERVAL, BURST = 1.0, 3  # Slack takes about one message a second a webhook (docs.slack.dev, rate limits)


class WebhookSender:
    """Posts messages to an incoming webhook."""

    can_look = False
    can_thread = False
    groups = True

    def __init__(self, url: str, pace: Pace | None = None) -> None:
        self._client = WebhookClient(url, timeout=TIMEOUT, retry_handlers=[])
        self._pace = pace or Pace(INTERVAL, BURST)
        self._free_at = 0.0

    def send(self, message: Message) -> Sent:
        """Post a message; once more as plain text if its blocks are not taken."""
        # It has no thread in which there could be more, and may not show our files.
        message = replace(message, thread=None, more=0, picture=None)
        try:
            self._post(text=plain.fallback(message), blocks=blocks.blocks(message, interactive=False))
        except PermanentDeliveryError:
            self._post(text=plain.text(message))
        return Sent()

    def find(self, message: Message, since: float, *, everywhere: bool = False) -> NoReturn:
        raise NotImplementedError("a webhook has no history")

    def take_back(self, sent: Sent) -> None:
        """What stands there stays there."""

    def update(self, message: Message, sent: Sent) -> NoReturn:
        raise NotImplementedError("a webhook does not say where its messages are")

    def upload(self, png: bytes, title: str) -> NoReturn:
        raise TemporaryDeliveryError("a webhook takes no pictures")

    def pause(self) -> float:
        now = clock.monotonic()
        return max(0.0, self._free_at - now) or self._pace.wait(now)

    def update_pause(self) -> float:
        return 0.0

    def _post(self, **given: Any) -> None:
        try:
            answer = self._client.send(**given, unfurl_links=False, unfurl_media=False)
        except Exception as error:
            raise translated(error) from error
        if answer.status_code != 200:
            found = by_status(answer.status_code, str(answer.body), answer.headers)
            self._free_at = clock.monotonic() + _retry_after(found)
            raise found


def _retry_after(error: DeliveryError) -> float:
    return float(getattr(error, "retry_after", None) or 0.0)
