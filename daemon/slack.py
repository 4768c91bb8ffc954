"""The Slack receivers: a bot with `chat.postMessage`, and an incoming webhook.

slack_sdk by default sends a message again when the connection breaks, also when Slack had it
already; so it never retries here, and the outbox decides.
"""

from __future__ import annotations

import http.client
import socket
import urllib.error
import uuid
from email.utils import parsedate_to_datetime
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse
from slack_sdk.webhook import WebhookClient

from daemon import blocks, clock
from daemon.backoff import Pace
from daemon.errors import (
    DeliveryError,
    PermanentDeliveryError,
    ReceiverRefusedError,
    TemporaryDeliveryError,
    UnknownOutcomeError,
)
from daemon.records import Alert, Sent

EVENT_TYPE = "topicwire_alert"
TIMEOUT = 10  # seconds
SCOPES = frozenset({"chat:write", "channels:history"})

_NAMESPACE = uuid.UUID("6f0f8e5a-7f0a-5f0e-9a55-746f70696377")
# Slack takes about one message a second a channel (docs.slack.dev, rate limits) and short bursts.
INTERVAL, BURST = 1.0, 3
_DEFAULT_RETRY_AFTER = 30.0
_MOST_PAGES, _PAGE = 50, 200
_CLOCKS_APART = 1800.0  # seconds

_THROTTLED = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_REFUSED = frozenset(
    {
        # the app is bad
        "invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive",
        "missing_scope", "not_allowed_token_type", "accesslimited", "team_access_not_granted",
        "no_permission", "org_login_required",
        # the channel is bad
        "channel_not_found", "not_in_channel", "is_archived", "restricted_action",
        "restricted_action_read_only_channel", "restricted_action_non_threadable_channel",
        "ekm_access_denied",
    }
)  # fmt: skip
_BAD_MESSAGE = frozenset(
    {
        "msg_too_long", "msg_blocks_too_long", "invalid_blocks", "invalid_blocks_format", "no_text",
        "metadata_too_large", "invalid_metadata_format", "invalid_metadata_schema",
        "metadata_must_be_sent_from_app", "invalid_arguments", "too_many_attachments",
    }
)  # fmt: skip


class SlackSender:
    """Posts alerts to one channel, and finds again what it may have posted."""

    can_look = True

    def __init__(self, token: str, channel: str, api_url: str, pace: Pace | None = None) -> None:
        self._client = WebClient(token, base_url=api_url, timeout=TIMEOUT, retry_handlers=[])
        self._channel = channel
        self._pace = pace or Pace(INTERVAL, BURST)

    def send(self, alert: Alert) -> Sent:
        """Post an alert; once more as plain text if Slack does not take its blocks."""
        try:
            return self._post(alert, blocks=blocks.blocks(alert))
        except PermanentDeliveryError:
            return self._post(alert)

    def find(self, alert: Alert, since: float) -> Sent | None:
        """The message that carries this alert's key, posted since a moment (Unix time), if there is one.

        TemporaryDeliveryError where the history cannot be read now, ReceiverRefusedError where
        the app may not read it, or it is too long to be read.
        """
        cursor: str | None = None
        for number in range(_MOST_PAGES):
            page = self._history(since, cursor)
            if number == 0 and _clock_is_wrong(page.headers):
                since = 0.0  # so was the moment from which we look, then
                page = self._history(since, cursor)
            for message in page.get("messages") or []:
                if _key_of(message) == alert.key:
                    return Sent(self._channel, str(message.get("ts")))
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or None
            if cursor is None:
                return None
        raise ReceiverRefusedError(f"more than {_MOST_PAGES * _PAGE:,} messages in the channel since")

    def pause(self) -> float:
        """Seconds until the channel may get another message."""
        return self._pace.wait(clock.monotonic())

    def identity(self) -> tuple[str, frozenset[str]]:
        """Who the token says we are, and the scopes it has (`auth.test`)."""
        try:
            answer = self._client.auth_test()
        except Exception as error:
            raise translated(error) from error
        headers = {str(name).lower(): value for name, value in dict(answer.headers).items()}
        scopes = str(headers.get("x-oauth-scopes", ""))
        return str(answer.get("user")), frozenset(filter(None, scopes.replace(" ", "").split(",")))

    def _post(self, alert: Alert, **more: Any) -> Sent:
        try:
            answer = self._client.chat_postMessage(
                channel=self._channel,
                text=blocks.fallback(alert),
                metadata={"event_type": EVENT_TYPE, "event_payload": {"key": alert.key}},
                unfurl_links=False,
                unfurl_media=False,
                client_msg_id=str(uuid.uuid5(_NAMESPACE, alert.key)),
                **more,
            )
        except Exception as error:
            raise translated(error) from error
        if not answer.get("ts"):
            raise UnknownOutcomeError("Slack said ok, but not where the message is")
        return Sent(str(answer.get("channel") or self._channel), str(answer["ts"]))

    def _history(self, oldest: float, cursor: str | None) -> SlackResponse:
        try:
            return self._client.conversations_history(
                channel=self._channel,
                oldest=f"{oldest:.6f}",
                inclusive=True,
                limit=_PAGE,
                include_all_metadata=True,
                cursor=cursor,
            )
        except Exception as error:
            found = translated(error)
            if isinstance(found, ReceiverRefusedError):
                raise found from error
            after = getattr(found, "retry_after", None)
            raise TemporaryDeliveryError(f"reading history: {found}", retry_after=after) from error


class WebhookSender:
    """Posts alerts to an incoming webhook. It answers "ok" and no more, so at least once."""

    can_look = False

    def __init__(self, url: str) -> None:
        self._client = WebhookClient(url, timeout=TIMEOUT, retry_handlers=[])
        self._pace = Pace(INTERVAL, BURST)

    def send(self, alert: Alert) -> Sent:
        try:
            answer = self._client.send(text=blocks.fallback(alert), blocks=blocks.blocks(alert))
        except Exception as error:
            raise translated(error) from error
        if answer.status_code != 200:
            raise _by_status(answer.status_code, str(answer.body), answer.headers)
        return Sent()

    def find(self, alert: Alert, since: float) -> Sent | None:
        raise NotImplementedError("a webhook has no history")

    def pause(self) -> float:
        return self._pace.wait(clock.monotonic())


def translated(error: Exception) -> DeliveryError:
    """Whatever slack_sdk and the network raise, as what the outbox should do about it."""
    if isinstance(error, SlackApiError):
        return _by_answer(error.response)
    if isinstance(error, urllib.error.URLError) and isinstance(
        error.reason, ConnectionRefusedError | socket.gaierror
    ):
        return TemporaryDeliveryError(f"Slack cannot be reached: {error.reason}")
    if isinstance(error, OSError | http.client.HTTPException):
        return UnknownOutcomeError(f"no answer from Slack: {type(error).__name__}: {error}")
    # Its text may hold what it could not use: a header with the token, an address with a secret.
    return UnknownOutcomeError(f"unexpected: {type(error).__name__}")


def _by_answer(response: Any) -> DeliveryError:
    status = int(getattr(response, "status_code", 200) or 200)
    data = getattr(response, "data", None)
    code = str(data.get("error", "")) if isinstance(data, dict) else ""
    headers = getattr(response, "headers", {}) or {}
    if status != 200:
        return _by_status(status, code, headers)
    if code in _THROTTLED:
        return UnknownOutcomeError(f"Slack is limiting us: {code}", retry_after=_wait(headers))
    if code in _REFUSED:
        return ReceiverRefusedError(f"Slack refuses: {code}")
    if code in _BAD_MESSAGE:
        return PermanentDeliveryError(f"Slack does not take the message: {code}")
    return UnknownOutcomeError(f"Slack answered {code or 'something that is not JSON'}")


def _by_status(status: int, body: str, headers: Any) -> DeliveryError:
    if status == 429:
        # Seen in the wild: a 429 whose message was posted all the same.
        return UnknownOutcomeError("Slack is limiting us (429)", retry_after=_wait(headers))
    if status in (403, 404, 410):
        return ReceiverRefusedError(f"Slack answered {status}: {body[:200]}")
    if 400 <= status < 500:
        return PermanentDeliveryError(f"Slack answered {status}: {body[:200]}")
    return UnknownOutcomeError(f"Slack answered {status}")


def _clock_is_wrong(headers: Any) -> bool:
    """Whether Slack's clock, as its answer tells it (RFC 9110, Date), says quite another time than ours."""
    for name, value in dict(headers).items():
        if str(name).lower() == "date":
            told = value[0] if isinstance(value, list) and value else value
            try:
                apart = parsedate_to_datetime(str(told)) - clock.now()
            except (TypeError, ValueError):
                return False
            return abs(apart.total_seconds()) > _CLOCKS_APART
    return False


def _wait(headers: Any) -> float:
    """Retry-After in seconds; it may be fractional, missing, or in any letter case."""
    for name, value in dict(headers).items():
        if str(name).lower() == "retry-after":
            first = value[0] if isinstance(value, list) and value else value
            try:
                return max(0.0, float(first))
            except (TypeError, ValueError):
                break
    return _DEFAULT_RETRY_AFTER


def _key_of(message: Any) -> str | None:
    metadata = message.get("metadata") if isinstance(message, dict) else None
    if not isinstance(metadata, dict) or metadata.get("event_type") != EVENT_TYPE:
        return None
    payload = metadata.get("event_payload")
    return str(payload.get("key")) if isinstance(payload, dict) else None
