"""What Slack's errors mean for the outbox: each becomes the DeliveryError that says what to do."""

from __future__ import annotations

import http.client
import math
import re
import socket
import ssl
import urllib.error
from typing import Any

from slack_sdk.errors import SlackApiError

from daemon.errors import (
    AppRefusedError,
    DeliveryError,
    PermanentDeliveryError,
    ReceiverRefusedError,
    TargetGoneError,
    TemporaryDeliveryError,
    ThreadRefusedError,
    UnknownOutcomeError,
)

_DEFAULT_RETRY_AFTER = 30.0
_LONGEST_RETRY_AFTER = 3600.0

# The error codes of chat.postMessage, chat.update and of all methods, from docs.slack.dev.
_THROTTLED = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_BAD_TOKEN = frozenset(
    {
        "invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive",
        "accesslimited", "team_access_not_granted", "org_login_required", "team_added_to_org",
        "two_factor_setup_required", "enterprise_is_restricted",
    }
)  # fmt: skip
_BAD_RIGHTS = frozenset(
    {"missing_scope", "not_allowed_token_type", "method_deprecated", "deprecated_endpoint"}
)
_BAD_CHANNEL = frozenset(
    {
        "channel_not_found", "not_in_channel", "is_archived", "channel_is_archived", "restricted_action",
        "restricted_action_read_only_channel", "restricted_action_thread_only_channel",
        "posting_to_channel_denied", "messages_tab_disabled", "ekm_access_denied", "no_permission",
        "access_denied", "is_inactive",
    }
)  # fmt: skip
_BAD_THREAD = frozenset(
    {
        "thread_not_found", "cannot_reply_to_message", "invalid_thread_ts", "thread_locked",
        "restricted_action_thread_locked", "restricted_action_non_threadable_channel",
    }
)  # fmt: skip
_BAD_MESSAGE = frozenset(
    {
        "msg_too_long", "msg_blocks_too_long", "invalid_blocks", "invalid_blocks_format", "no_text",
        "metadata_too_large", "invalid_metadata_format", "invalid_metadata_schema",
        "metadata_must_be_sent_from_app", "invalid_arguments", "too_many_attachments",
        "too_many_contact_cards", "markdown_text_conflict", "slack_connect_file_link_sharing_blocked",
        "invalid_arg_name", "invalid_array_arg", "invalid_charset", "invalid_form_data", "invalid_json",
        "invalid_post_type", "missing_post_type", "json_not_object",
    }
)  # fmt: skip
_TARGET_GONE = frozenset(
    {"message_not_found", "cant_update_message", "edit_window_closed", "cant_broadcast_message"}
)
_MEANINGS: tuple[tuple[frozenset[str], type[DeliveryError], str], ...] = (
    (_BAD_TOKEN | _BAD_RIGHTS, AppRefusedError, "Slack refuses the app"),
    (_BAD_CHANNEL, ReceiverRefusedError, "Slack refuses"),
    (_BAD_THREAD, ThreadRefusedError, "the thread takes no replies"),
    (_BAD_MESSAGE, PermanentDeliveryError, "Slack does not take the message"),
    (_TARGET_GONE, TargetGoneError, "the message cannot be shown anew"),
)
_CODE = re.compile(r"[a-z0-9_]{1,80}")
_SCOPES = re.compile(r"[a-z:.,_]{1,80}")
_BAD_REQUEST_STATUSES = frozenset({400, 413, 422})
_UNSURE_STATUSES = frozenset({408, 425})


def translated(error: Exception) -> DeliveryError:
    """Whatever slack_sdk and the network raise, as what the outbox should do about it."""
    if isinstance(error, SlackApiError):
        return _by_answer(error.response)
    if isinstance(error, urllib.error.HTTPError):
        return by_status(error.code, "", error.headers)
    if isinstance(error, OSError | http.client.HTTPException):
        return _unanswered(error)
    # Its text may hold what it could not use: a header with the token, an address with a secret.
    return UnknownOutcomeError(f"unexpected: {type(error).__name__}")


def _unanswered(error: OSError | http.client.HTTPException) -> DeliveryError:
    """Certainly not delivered only where the request cannot have gone out."""
    found: DeliveryError = UnknownOutcomeError(f"no answer from Slack: {type(error).__name__}: {error}")
    if isinstance(error, urllib.error.URLError) and isinstance(
        error.reason, ConnectionRefusedError | socket.gaierror | ssl.SSLCertVerificationError
    ):
        found = TemporaryDeliveryError(f"Slack cannot be reached: {error.reason}")
    found.unanswered = True
    return found


def by_code(code: str, headers: Any = None, *, needed: str = "") -> DeliveryError:
    """What an answer of `"ok": false` means. An unknown code leaves open what happened.

    `needed`: the scope that the app lacks.
    """
    if code in _THROTTLED:
        return UnknownOutcomeError(f"Slack is limiting us: {code}", retry_after=_retry_after(headers))
    for codes, meaning, saying in _MEANINGS:
        if code in codes:
            return meaning(f"{saying}: {code}" + (f" ({needed})" if needed else ""))
    return UnknownOutcomeError(f"Slack answered {code or 'something that is not JSON'}")


def by_status(status: int, body: str, headers: Any) -> DeliveryError:
    """What an HTTP status other than 200 means. `body` is shown to the reader."""
    said = f"Slack answered {status}" + (f": {body[:200]}" if body else "")
    if status == 429:
        # Seen in the wild: a 429 whose message was posted all the same.
        return UnknownOutcomeError("Slack is limiting us (429)", retry_after=_retry_after(headers))
    if status in _BAD_REQUEST_STATUSES:
        return PermanentDeliveryError(said)
    if 400 <= status < 500 and status not in _UNSURE_STATUSES:
        return ReceiverRefusedError(said)
    return UnknownOutcomeError(f"Slack answered {status}")


def code_of(error: BaseException | None) -> str:
    """Slack's own word for a failure, its own or the DeliveryError made from it; "" if it had none."""
    if isinstance(error, DeliveryError):
        error = error.__cause__
    return _code_in(getattr(error, "response", None))


def is_of_rights(error: DeliveryError) -> bool:
    """Whether the token is good, but not for the method that was called."""
    return code_of(error) in _BAD_RIGHTS


def header(headers: Any, name: str) -> str | None:
    """A header of an answer, in whatever letter case and shape slack_sdk hands it on."""
    for key, value in dict(headers or {}).items():
        if str(key).lower() == name:
            return str(value[0] if isinstance(value, list) and value else value)
    return None


def _by_answer(response: Any) -> DeliveryError:
    status = int(getattr(response, "status_code", 200) or 200)
    headers = getattr(response, "headers", None)
    code = _code_in(response)
    found = by_code(code, headers, needed=_needed_in(response))
    # A status beats a code that says nothing, and a server in trouble may have posted all the same.
    if status == 200 or (400 <= status < 500 and not isinstance(found, UnknownOutcomeError)):
        return found
    return by_status(status, code, headers)


def _code_in(response: Any) -> str:
    """slack_sdk puts the whole page there where the answer was none of Slack's: that is no code."""
    data = getattr(response, "data", None)
    code = str(data.get("error") or "") if isinstance(data, dict) else ""
    return code if _CODE.fullmatch(code) else ""


def _needed_in(response: Any) -> str:
    """The scope that the app lacks, where Slack says so."""
    data = getattr(response, "data", None)
    needed = str(data.get("needed") or "") if isinstance(data, dict) else ""
    return needed if _SCOPES.fullmatch(needed) else ""


def _retry_after(headers: Any) -> float:
    """Seconds; the header may be fractional, missing, or nonsense."""
    try:
        seconds = float(header(headers, "retry-after") or "")
    except ValueError:
        return _DEFAULT_RETRY_AFTER
    return min(max(0.0, seconds), _LONGEST_RETRY_AFTER) if math.isfinite(seconds) else _DEFAULT_RETRY_AFTER
