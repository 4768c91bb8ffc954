"""One Slack app: what each of Slack's answers means for the outbox, and the gate before its channels."""

from __future__ import annotations

import http.client
import itertools
import socket
import ssl
import urllib.error
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.message import Message as Headers
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from daemon import clock
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
from daemon.slackapi import SlackApp
from daemon.slackerrors import code_of, translated
from tests.slack_stand_in import Fault, SlackStandIn

CODES: dict[type[DeliveryError], list[str]] = {
    UnknownOutcomeError: ["ratelimited", "rate_limited", "message_limit_exceeded", "internal_error",
                          "fatal_error", "service_unavailable", "request_timeout", "never_heard_of",
                          "duplicate_message_not_found", "duplicate_channel_not_found", ""],
    PermanentDeliveryError: ["msg_too_long", "msg_blocks_too_long", "invalid_blocks", "no_text",
                             "invalid_blocks_format", "metadata_too_large", "invalid_metadata_format",
                             "invalid_arguments", "too_many_attachments"],
    ThreadRefusedError: ["thread_not_found", "cannot_reply_to_message", "restricted_action_thread_locked",
                         "restricted_action_non_threadable_channel"],
    ReceiverRefusedError: ["channel_not_found", "not_in_channel", "is_archived", "restricted_action",
                           "restricted_action_read_only_channel", "ekm_access_denied",
                           "restricted_action_thread_only_channel"],
    AppRefusedError: ["invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive",
                      "missing_scope", "not_allowed_token_type", "accesslimited",
                      "team_access_not_granted"],
    TargetGoneError: ["message_not_found", "cant_update_message", "edit_window_closed"],
}  # fmt: skip


class Hands:
    """A clock that only a test turns."""

    def __init__(self) -> None:
        self.at = 1000.0

    def monotonic(self) -> float:
        return self.at


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hands]:
    hands = Hands()
    monkeypatch.setattr(clock, "monotonic", hands.monotonic)
    yield hands


@pytest.fixture
def app(slack: SlackStandIn) -> SlackApp:
    return SlackApp(slack.token, slack.url)


def answer(data: Any, status: int = 200, headers: dict[str, Any] | None = None) -> SlackApiError:
    """An error as slack_sdk raises it for an answer."""
    response = SlackResponse(
        client=None,
        http_verb="POST",
        api_url="https://slack.example/api/chat.postMessage",
        req_args={"headers": {"Authorization": "Bearer xoxb-secret"}},
        data=data,
        headers=headers or {},
        status_code=status,
    )
    return SlackApiError("The request to the Slack API failed.", response)  # type: ignore[no-untyped-call]


def post(app: SlackApp) -> DeliveryError | None:
    """What becomes of one post."""
    try:
        app.call("chat.postMessage", lambda: app.writing.chat_postMessage(channel="C0DESK", text="x"))
    except DeliveryError as error:
        return error
    return None


@pytest.mark.parametrize(
    ("meaning", "code"), [(kind, code) for kind, codes in CODES.items() for code in codes]
)
def test_each_of_slack_s_codes_says_what_the_outbox_should_do(
    meaning: type[DeliveryError], code: str
) -> None:
    error = translated(answer({"ok": False, "error": code}))

    assert type(error) is meaning
    assert code in str(error)
    assert "xoxb" not in str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0.5"}, 0.5),
        ({"retry-after": "2"}, 2.0),
        ({"Retry-After": ["3"]}, 3.0),
        ({"Retry-After": "soon"}, 30.0),
        ({"Retry-After": "nan"}, 30.0),
        ({"Retry-After": "inf"}, 30.0),
        ({"Retry-After": "-3"}, 0.0),
        ({"Retry-After": "86400000"}, 3600.0),
        ({}, 30.0),
    ],
)
@pytest.mark.parametrize("status", [200, 429])
def test_who_limits_us_may_have_posted_and_is_given_the_time_it_asks_for(
    status: int, headers: dict[str, Any], seconds: float
) -> None:
    error = translated(answer({"ok": False, "error": "ratelimited"}, status, headers))

    assert isinstance(error, UnknownOutcomeError)
    assert error.retry_after == seconds


@pytest.mark.parametrize(
    ("status", "data", "meaning"),
    [
        (500, {"ok": False, "error": "invalid_auth"}, UnknownOutcomeError),
        (502, "<html>", UnknownOutcomeError),
        (503, {}, UnknownOutcomeError),
        (504, {}, UnknownOutcomeError),
        (408, {}, UnknownOutcomeError),
        (302, "", UnknownOutcomeError),
        (200, "<html>Sign in", UnknownOutcomeError),
        (400, {}, PermanentDeliveryError),
        (413, "", PermanentDeliveryError),
        (401, {"ok": False, "error": "invalid_auth"}, AppRefusedError),
        (400, {"ok": False, "error": "is_archived"}, ReceiverRefusedError),
        (403, "", ReceiverRefusedError),
        (404, "", ReceiverRefusedError),
        (407, "", ReceiverRefusedError),
        (410, "", ReceiverRefusedError),
        (429, "", UnknownOutcomeError),
    ],
)
def test_a_status_counts_where_slack_says_nothing_better(
    status: int, data: Any, meaning: type[DeliveryError]
) -> None:
    assert type(translated(answer(data, status))) is meaning


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (urllib.error.URLError(ConnectionRefusedError(111, "refused")), TemporaryDeliveryError),
        (urllib.error.URLError(socket.gaierror(-2, "Name or service not known")), TemporaryDeliveryError),
        (urllib.error.URLError(ssl.SSLCertVerificationError("self-signed")), TemporaryDeliveryError),
        (urllib.error.URLError(TimeoutError("timed out")), UnknownOutcomeError),
        (urllib.error.URLError(OSError(113, "No route to host")), UnknownOutcomeError),
        (
            urllib.error.HTTPError("https://files.example/t0ken", 404, "gone", Headers(), None),
            ReceiverRefusedError,
        ),
        (TimeoutError("timed out"), UnknownOutcomeError),
        (http.client.IncompleteRead(b"{", 40), UnknownOutcomeError),
        (http.client.RemoteDisconnected("gone"), UnknownOutcomeError),
        (ConnectionResetError(104, "reset"), UnknownOutcomeError),
        (ValueError("Invalid header value b'Bearer xoxb-secret'"), UnknownOutcomeError),
    ],
)
def test_only_what_never_reached_slack_counts_as_certainly_not_delivered(
    error: Exception, meaning: type[DeliveryError]
) -> None:
    found = translated(error)

    assert type(found) is meaning
    network = isinstance(error, OSError | http.client.HTTPException)
    assert found.unanswered == (network and not isinstance(error, urllib.error.HTTPError))
    assert str(found)
    assert "xoxb" not in str(found)
    assert "t0ken" not in str(found)


def test_what_is_raised_tells_slack_s_own_word(slack: SlackStandIn, app: SlackApp) -> None:
    slack.faults.append(Fault("error", error="is_archived"))

    assert code_of(post(app)) == "is_archived"
    assert code_of(TemporaryDeliveryError("no answer")) == ""


def test_a_write_that_breaks_is_not_sent_again(slack: SlackStandIn, app: SlackApp) -> None:
    slack.faults.append(Fault("reset", posted=True))

    assert isinstance(post(app), UnknownOutcomeError)
    assert slack.requests == ["chat.postMessage"]


def test_an_app_that_is_refused_sends_nothing_until_one_probe_is_answered_well(
    slack: SlackStandIn, app: SlackApp, hands: Hands
) -> None:
    slack.faults.append(Fault("error", error="token_revoked"))
    post(app)
    slack.requests.clear()
    slack.weather = Fault("error", error="token_revoked")

    assert app.wait("chat.postMessage") == 5.0
    assert slack.requests == []
    hands.at += 31
    assert app.wait("chat.postMessage") > 0
    assert app.wait("chat.postMessage") > 0
    assert slack.requests == ["auth.test"]

    slack.weather = None
    hands.at += 59
    assert app.wait("chat.postMessage") > 0
    hands.at += 2
    assert app.wait("chat.postMessage") == 0
    assert app.wait("chat.update") == 0
    assert slack.requests == ["auth.test"] * 2


def test_probes_grow_rare_and_never_rarer_than_every_ten_minutes(
    slack: SlackStandIn, app: SlackApp, hands: Hands
) -> None:
    slack.weather = Fault("error", error="account_inactive")
    post(app)
    moments = []
    for _ in range(7200):
        before = len(slack.requests)
        app.wait("chat.postMessage")
        if len(slack.requests) > before:
            moments.append(hands.at)
        hands.at += 1

    gaps = [round(later - sooner) for sooner, later in itertools.pairwise(moments)]
    assert gaps[:4] == [60, 120, 240, 480]
    assert set(gaps[4:]) == {600}


def test_requests_that_were_on_their_way_put_the_probe_off_no_further(
    slack: SlackStandIn, app: SlackApp, hands: Hands
) -> None:
    slack.faults += [Fault("error", error="token_revoked")] * 3
    for _ in range(3):
        post(app)

    hands.at += 31
    assert app.wait("chat.postMessage") == 0


def test_after_a_message_went_through_the_probes_begin_anew(
    slack: SlackStandIn, app: SlackApp, hands: Hands
) -> None:
    for _ in range(3):
        slack.faults.append(Fault("error", error="token_revoked"))
        post(app)
        hands.at += 31
        assert app.wait("chat.postMessage") == 0
        assert post(app) is None


def test_of_many_who_wait_one_alone_asks(slack: SlackStandIn, app: SlackApp, hands: Hands) -> None:
    slack.faults.append(Fault("error", error="invalid_auth"))
    post(app)
    slack.requests.clear()
    slack.weather = Fault("error", error="invalid_auth", seconds=0.2)
    hands.at += 31

    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda _: app.wait("chat.postMessage"), range(8)))

    assert slack.requests == ["auth.test"]
    assert all(0 < wait <= 5 for wait in waits)


def test_a_probe_that_nobody_answers_is_no_good_answer(
    slack: SlackStandIn, app: SlackApp, hands: Hands
) -> None:
    slack.faults.append(Fault("error", error="invalid_auth"))
    post(app)
    slack.go_down()
    hands.at += 31

    assert app.wait("chat.postMessage") > 0


def test_an_app_without_the_scope_to_post_waits_until_it_has_it(
    slack: SlackStandIn, app: SlackApp, hands: Hands
) -> None:
    slack.faults.append(Fault("error", error="missing_scope"))
    slack.scopes = "channels:history"
    post(app)

    hands.at += 31
    assert app.wait("chat.postMessage") > 0
    slack.scopes = "channels:history,chat:write"
    hands.at += 61
    assert app.wait("chat.postMessage") == 0


def test_a_probe_that_is_answered_well_while_posts_are_still_refused_brings_no_storm(
    slack: SlackStandIn, app: SlackApp, hands: Hands
) -> None:
    slack.weather = Fault("error", error="accesslimited")
    slack.spared = frozenset({"auth.test"})
    for _ in range(3600):
        if app.wait("chat.postMessage") == 0:
            post(app)
        hands.at += 1

    assert slack.requests.count("chat.postMessage") == 10  # in an hour


def test_a_scope_that_only_another_method_lacks_stops_no_alert(slack: SlackStandIn, app: SlackApp) -> None:
    slack.faults.append(Fault("error", error="missing_scope", method="files.info"))

    with pytest.raises(AppRefusedError):
        app.call("files.info", lambda: app.reading.files_info(file="F1"))

    assert app.wait("chat.postMessage") == 0


def test_a_method_that_is_limited_is_left_alone_by_all_channels_until_the_time_it_asks_for(
    slack: SlackStandIn, app: SlackApp, hands: Hands
) -> None:
    slack.faults.append(Fault("status", status=429, headers={"Retry-After": "12.5"}))
    post(app)

    assert app.wait("chat.postMessage") == 12.5
    assert app.wait("chat.update") == 0
    hands.at += 12.5
    assert app.wait("chat.postMessage") == 0


def test_a_read_while_its_method_is_limited_asks_slack_nothing(
    slack: SlackStandIn, app: SlackApp, hands: Hands
) -> None:
    slack.faults.append(Fault("error", error="ratelimited", headers={"Retry-After": "9"}, method=None))

    def read() -> Any:
        return app.read("conversations.info", lambda: app.reading.conversations_info(channel="C0DESK"))

    with pytest.raises(UnknownOutcomeError):
        read()
    with pytest.raises(TemporaryDeliveryError) as caught:
        read()

    assert caught.value.retry_after == 9.0
    assert slack.requests == ["conversations.info"]


def test_the_scopes_are_known_from_what_slack_says_of_them(slack: SlackStandIn, app: SlackApp) -> None:
    slack.scopes = "chat:write, channels:history"

    app.identity()

    assert app.scopes == {"chat:write", "channels:history"}
