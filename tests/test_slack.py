"""The Slack receivers over the wire: one request a send, and every answer read for what it means."""

from __future__ import annotations

import http.client
import json
import re
import socket
import socketserver
import threading
import time
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from daemon import clock
from daemon.errors import (
    DeliveryError,
    PermanentDeliveryError,
    ReceiverRefusedError,
    TemporaryDeliveryError,
    UnknownOutcomeError,
)
from daemon.records import Alert, AlertTopic, Sent
from daemon.slack import EVENT_TYPE, SlackSender, WebhookSender, translated
from tests.builders import make_alert
from tests.slack_stand_in import Fault, SlackStandIn

CHANNEL = "C0DESK"
REFUSED_CODES = ["invalid_auth", "token_revoked", "account_inactive", "missing_scope",
                 "channel_not_found", "not_in_channel", "is_archived", "restricted_action"]  # fmt: skip
BAD_MESSAGE_CODES = ["msg_too_long", "msg_blocks_too_long", "invalid_blocks", "no_text", "metadata_too_large"]
UNSURE_CODES = ["internal_error", "fatal_error", "service_unavailable", "request_timeout", "never_heard_of"]


@pytest.fixture
def sender(slack: SlackStandIn) -> SlackSender:
    return SlackSender(slack.token, CHANNEL, slack.url)


@contextmanager
def answering(status: int, body: bytes, headers: dict[str, str] | None = None) -> Iterator[str]:
    """A server that answers whatever it is asked in one way; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@contextmanager
def hanging_up() -> Iterator[tuple[str, list[bytes]]]:
    """A server that reads a request and hangs up without an answer; its address, and the requests."""
    requests: list[bytes] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            requests.append(self.request.recv(65536))

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/", requests
        server.shutdown()


def nobody_there() -> str:
    """An address at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/api/"


def failure(sender: SlackSender | WebhookSender, alert: Alert | None = None) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        sender.send(alert or make_alert())
    assert "\n" not in str(caught.value)
    assert "xoxb" not in str(caught.value)
    return caught.value


def posted(slack: SlackStandIn, key: str, *, event: str = EVENT_TYPE, **changes: Any) -> None:
    """As if it had been posted to the channel just now."""
    metadata = {"event_type": event, "event_payload": {"key": key}}
    slack.messages.append(
        {
            "channel": CHANNEL,
            "ts": f"{time.time() + len(slack.messages) / 1e4:.6f}",
            "text": "",
            "metadata": metadata,
        }
        | changes
    )


def just_now() -> float:
    """A moment before anything that a test posts, Unix time."""
    return clock.now().timestamp() - 60.0


def test_an_alert_is_one_message_in_block_kit_that_carries_its_key(
    slack: SlackStandIn, sender: SlackSender
) -> None:
    alert = make_alert()

    sent = sender.send(alert)

    (message,) = slack.messages
    assert sent == Sent(CHANNEL, message["ts"])
    assert message["channel"] == CHANNEL
    assert message["metadata"] == {"event_type": "topicwire_alert", "event_payload": {"key": alert.key}}
    assert [block["type"] for block in message["blocks"]][:2] == ["section", "context"]
    assert message["text"].startswith("Headline 1 — Energy 93%")
    assert (message["unfurl_links"], message["unfurl_media"]) == (False, False)
    assert slack.requests == ["chat.postMessage"]


def test_the_same_alert_has_the_same_message_id_and_another_has_another(
    slack: SlackStandIn, sender: SlackSender
) -> None:
    for number in (1, 1, 2):
        sender.send(make_alert(number=number))

    first, again, other = (message["client_msg_id"] for message in slack.messages)
    assert first == again != other


def test_what_an_article_says_pings_nobody(slack: SlackStandIn, sender: SlackSender) -> None:
    hostile = "<!channel> <@U123> <http://evil.example|x> @here *b* &lt;"
    topic = AlertTopic("energy", "Energy", "main", 0.9, hostile, (hostile,))

    sender.send(make_alert(headline=hostile, file=hostile, source=hostile, topics=(topic,)))

    said = json.dumps(slack.messages, ensure_ascii=False)
    assert "&lt;!channel&gt;" in said
    assert not re.search("[<>]", said)
    assert "@here" not in said
    assert "link_names" not in slack.messages[0]
    assert "parse" not in slack.messages[0]


def test_letters_of_every_script_arrive_as_they_are(slack: SlackStandIn, sender: SlackSender) -> None:
    sender.send(make_alert(headline="Қазақстан мұнайы مصفاة النفط 🛢"))

    assert slack.texts()[0].startswith("Қазақстан мұнайы مصفاة النفط 🛢")


def test_where_nobody_listens_it_is_certainly_not_delivered() -> None:
    error = failure(SlackSender("xoxb-1-test", CHANNEL, nobody_there()))

    assert type(error) is TemporaryDeliveryError
    assert "cannot be reached" in str(error)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0.5"}, 0.5),
        ({"retry-after": "2"}, 2.0),
        ({"Retry-After": "soon"}, 30.0),
        ({"Retry-After": "-3"}, 0.0),
        ({}, 30.0),
    ],
)
@pytest.mark.parametrize("kind", ["status", "error"])
def test_a_receiver_that_limits_us_is_given_the_time_it_asks_for_and_then_looked_at(
    slack: SlackStandIn, sender: SlackSender, kind: str, headers: dict[str, str], seconds: float
) -> None:
    slack.faults.append(Fault(kind, status=429, error="ratelimited", headers=headers))

    error = failure(sender)

    assert isinstance(error, UnknownOutcomeError)
    assert error.retry_after == seconds
    assert slack.requests == ["chat.postMessage"]


@pytest.mark.parametrize("posted", [False, True])
@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", status=500),
        Fault("status", status=502),
        Fault("status", status=503),
        Fault("reset"),
        Fault("close"),
        Fault("html"),
        *(Fault("error", error=code) for code in UNSURE_CODES),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}-{fault.error}",
)
def test_what_leaves_it_open_whether_slack_has_it_is_unknown_and_sent_only_once(
    slack: SlackStandIn, sender: SlackSender, fault: Fault, posted: bool
) -> None:
    slack.faults.append(Fault(fault.kind, posted=posted, status=fault.status, error=fault.error))

    error = failure(sender)

    assert isinstance(error, UnknownOutcomeError)
    assert slack.requests == ["chat.postMessage"]
    assert len(slack.messages) == posted


@pytest.mark.parametrize("code", REFUSED_CODES)
def test_a_receiver_that_takes_nothing_until_a_person_mends_it_says_why(
    slack: SlackStandIn, sender: SlackSender, code: str
) -> None:
    slack.faults.append(Fault("error", error=code))

    error = failure(sender)

    assert isinstance(error, ReceiverRefusedError)
    assert code in str(error)
    assert slack.requests == ["chat.postMessage"]


def test_a_token_that_slack_does_not_know_is_a_refusal(slack: SlackStandIn) -> None:
    error = failure(SlackSender("xoxb-1-other", CHANNEL, slack.url))

    assert isinstance(error, ReceiverRefusedError)
    assert "invalid_auth" in str(error)


@pytest.mark.parametrize("status", [403, 404, 410])
def test_an_address_that_is_no_longer_served_is_a_refusal(
    slack: SlackStandIn, sender: SlackSender, status: int
) -> None:
    slack.faults.append(Fault("status", status=status))

    assert isinstance(failure(sender), ReceiverRefusedError)


@pytest.mark.parametrize("code", BAD_MESSAGE_CODES)
def test_a_message_that_slack_does_not_take_goes_once_more_as_plain_text(
    slack: SlackStandIn, sender: SlackSender, code: str
) -> None:
    slack.faults.append(Fault("error", error=code))
    alert = make_alert()

    sent = sender.send(alert)

    (message,) = slack.messages
    assert sent.message == message["ts"]
    assert "blocks" not in message
    assert message["text"].startswith("Headline 1")
    assert slack.keys() == [alert.key]
    assert slack.requests == ["chat.postMessage"] * 2


def test_a_message_that_slack_does_not_take_in_any_form_is_dead(
    slack: SlackStandIn, sender: SlackSender
) -> None:
    slack.faults += [Fault("error", error="invalid_blocks"), Fault("error", error="msg_too_long")]

    error = failure(sender)

    assert isinstance(error, PermanentDeliveryError)
    assert "msg_too_long" in str(error)
    assert slack.requests == ["chat.postMessage"] * 2


def test_a_break_while_it_goes_as_plain_text_is_unknown_as_well(
    slack: SlackStandIn, sender: SlackSender
) -> None:
    slack.faults += [Fault("error", error="invalid_blocks"), Fault("reset", posted=True)]

    assert isinstance(failure(sender), UnknownOutcomeError)
    assert len(slack.messages) == 1


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (urllib.error.URLError(ConnectionRefusedError(111, "refused")), TemporaryDeliveryError),
        (urllib.error.URLError(socket.gaierror(-2, "Name or service not known")), TemporaryDeliveryError),
        (urllib.error.URLError(TimeoutError("timed out")), UnknownOutcomeError),
        (urllib.error.URLError(OSError(113, "No route to host")), UnknownOutcomeError),
        (TimeoutError("timed out"), UnknownOutcomeError),
        (http.client.IncompleteRead(b"{", 40), UnknownOutcomeError),
        (http.client.RemoteDisconnected("gone"), UnknownOutcomeError),
        (ConnectionResetError(104, "reset"), UnknownOutcomeError),
        (RuntimeError("a bug in a library"), UnknownOutcomeError),
    ],
)
def test_only_what_never_reached_slack_counts_as_certainly_not_delivered(
    error: Exception, meaning: type[DeliveryError]
) -> None:
    found = translated(error)

    assert type(found) is meaning
    assert str(found)


def test_a_message_is_found_again_by_its_key(slack: SlackStandIn, sender: SlackSender) -> None:
    since = just_now()
    slack.faults.append(Fault("reset", posted=True))
    failure(sender, make_alert(number=1))
    sender.send(make_alert(number=2))

    found = sender.find(make_alert(number=1), since)

    assert found == Sent(CHANNEL, slack.messages[0]["ts"])
    assert slack.requests[-1] == "conversations.history"


def test_a_message_is_found_behind_several_pages_of_others(slack: SlackStandIn, sender: SlackSender) -> None:
    alert = make_alert()
    posted(slack, alert.key)
    for number in range(450):
        posted(slack, f"another {number}")

    found = sender.find(alert, just_now())

    assert found == Sent(CHANNEL, slack.messages[0]["ts"])
    assert slack.requests == ["conversations.history"] * 3


def test_a_message_that_is_not_there_is_not_found(slack: SlackStandIn, sender: SlackSender) -> None:
    for number in range(201):
        posted(slack, f"another {number}")

    assert sender.find(make_alert(), just_now()) is None
    assert slack.requests == ["conversations.history"] * 2


def test_only_our_own_message_in_our_own_channel_and_time_is_the_one(
    slack: SlackStandIn, sender: SlackSender
) -> None:
    key = make_alert().key
    posted(slack, key, channel="C0OTHER")
    posted(slack, key, event="somebody_elses")
    posted(slack, "another", text=key)
    posted(slack, key, text=key, metadata=None)
    posted(slack, key, metadata={"event_type": EVENT_TYPE})
    posted(slack, key, ts=f"{time.time() - 3600:.6f}")

    assert sender.find(make_alert(), just_now()) is None


def test_a_history_that_we_may_not_read_is_a_refusal(slack: SlackStandIn) -> None:
    with pytest.raises(ReceiverRefusedError, match="invalid_auth"):
        SlackSender("xoxb-1-other", CHANNEL, slack.url).find(make_alert(), just_now())


def test_a_history_that_cannot_be_read_now_is_not_an_empty_one() -> None:
    with pytest.raises(TemporaryDeliveryError, match="reading history"):
        SlackSender("xoxb-1-test", CHANNEL, nobody_there()).find(make_alert(), just_now())


@pytest.mark.parametrize(
    ("status", "body", "headers", "seconds"),
    [
        (429, b'{"ok": false, "error": "ratelimited"}', {"Retry-After": "9"}, 9.0),
        (500, b"{}", {}, None),
        (200, b"<html>", {}, None),
        (200, b'{"ok": false, "error": "internal_error"}', {}, None),
        (200, b'{"ok": false, "error": "invalid_arguments"}', {}, None),
    ],
)
def test_a_failure_of_the_history_is_one_for_now(
    status: int, body: bytes, headers: dict[str, str], seconds: float | None
) -> None:
    with (
        answering(status, body, headers) as address,
        pytest.raises(TemporaryDeliveryError, match="reading history") as caught,
    ):
        SlackSender("xoxb-1-test", CHANNEL, address).find(make_alert(), just_now())

    assert caught.value.retry_after == seconds


def test_a_short_burst_may_go_at_once_and_then_about_one_a_second(sender: SlackSender) -> None:
    waits = [sender.pause() for _ in range(4)]

    assert waits[:3] == [0.0, 0.0, 0.0]
    assert 0.5 < waits[3] <= 1.0


def test_a_slack_that_tells_no_scopes_gives_none(slack: SlackStandIn, sender: SlackSender) -> None:
    slack.scopes = ""

    assert sender.identity() == ("topicwire", frozenset())


def test_a_token_that_is_no_good_has_no_identity(slack: SlackStandIn) -> None:
    with pytest.raises(ReceiverRefusedError, match="invalid_auth"):
        SlackSender("xoxb-1-other", CHANNEL, slack.url).identity()


def test_a_webhook_gets_the_message_and_tells_nothing(slack: SlackStandIn) -> None:
    sender = WebhookSender(slack.webhook_url)

    sent = sender.send(make_alert(headline="<!channel>"))

    (message,) = slack.webhook_messages
    assert sent == Sent()
    assert message["text"].startswith("&lt;!channel&gt;")
    assert message["blocks"][0]["type"] == "section"
    assert slack.requests == ["hook"]


def test_a_webhook_has_no_history() -> None:
    sender = WebhookSender("http://127.0.0.1:9/hook")

    assert sender.can_look is False
    with pytest.raises(NotImplementedError):
        sender.find(make_alert(), just_now())


@pytest.mark.parametrize(
    ("status", "body", "meaning"),
    [
        (403, b"invalid_token", ReceiverRefusedError),
        (404, b"no_service", ReceiverRefusedError),
        (410, b"channel_is_archived", ReceiverRefusedError),
        (400, b"invalid_blocks", PermanentDeliveryError),
        (429, b"rate_limited", UnknownOutcomeError),
        (500, b"rollup_error", UnknownOutcomeError),
        (503, b"", UnknownOutcomeError),
    ],
)
def test_what_a_webhook_answers_is_read_for_what_it_means(
    status: int, body: bytes, meaning: type[DeliveryError]
) -> None:
    with answering(status, body, {"Retry-After": "4"}) as address:
        error = failure(WebhookSender(address))

    assert type(error) is meaning
    assert getattr(error, "retry_after", None) == (4.0 if status == 429 else None)


def test_a_webhook_that_hangs_up_may_have_the_message_and_is_not_sent_it_again() -> None:
    with hanging_up() as (address, requests):
        error = failure(WebhookSender(address))

    assert isinstance(error, UnknownOutcomeError)
    assert len(requests) == 1


def test_a_webhook_where_nobody_listens_is_certainly_not_delivered() -> None:
    assert type(failure(WebhookSender(nobody_there()))) is TemporaryDeliveryError


def test_where_our_clock_is_wrong_by_slack_s_own_the_whole_history_is_read(
    sender: SlackSender, slack: SlackStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = make_alert()
    sent = sender.send(alert)
    ahead = clock.now() + timedelta(days=365)
    monkeypatch.setattr(clock, "now", lambda: ahead)

    found = sender.find(alert, since=ahead.timestamp() - 3600.0)

    assert found == sent


def test_a_history_without_end_is_a_refusal_and_not_an_alert_that_did_not_arrive(
    sender: SlackSender, slack: SlackStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.slack._MOST_PAGES", 2)
    monkeypatch.setattr("daemon.slack._PAGE", 1)
    for number in (1, 2, 3):
        sender.send(make_alert(number=number))

    with pytest.raises(ReceiverRefusedError, match="more than 2 messages"):
        sender.find(make_alert(number=1), since=0.0)
