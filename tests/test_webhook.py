"""The webhook receiver: what arrives at an incoming webhook, and what its answers mean."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from daemon import clock
from daemon.errors import (
    DeliveryError,
    PermanentDeliveryError,
    ReceiverRefusedError,
    TemporaryDeliveryError,
    UnknownOutcomeError,
)
from daemon.messages import Form, Message, alone
from daemon.records import Sent
from daemon.webhook import WebhookSender
from tests.builders import make_alert
from tests.odd_servers import answering, hanging_up, nobody_there
from tests.slack_stand_in import Fault, SlackStandIn


def failure(sender: WebhookSender, message: Message | None = None) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        sender.send(message or alone(make_alert()))
    assert "http" not in str(caught.value)
    return caught.value


def test_a_webhook_gets_the_message_without_buttons_and_tells_nothing(slack: SlackStandIn) -> None:
    sent = WebhookSender(slack.webhook_url).send(alone(make_alert(headline="<!channel>")))

    (message,) = slack.webhook_messages
    assert sent == Sent()
    assert "&lt;!" in message["text"]
    assert message["blocks"]
    assert not {"actions", "input"} & {block["type"] for block in message["blocks"]}
    assert "<!channel>" not in json.dumps(message)
    assert slack.requests == ["hook"]


def test_a_reply_says_what_it_follows(slack: SlackStandIn) -> None:
    alert = make_alert(follows="Refinery stops")
    reply = replace(alone(alert), thread="1700000000.000100", follows="Refinery stops")

    WebhookSender(slack.webhook_url).send(reply)

    (message,) = slack.webhook_messages
    assert "Refinery stops" in json.dumps(message["blocks"])
    assert "thread_ts" not in message


def test_it_does_not_speak_of_a_thread_that_it_does_not_have(slack: SlackStandIn) -> None:
    entries = tuple(entry for number in range(3) for entry in alone(make_alert(number=number)).entries)
    burst = replace(alone(make_alert()), form=Form.BURST, entries=entries, more=11)

    WebhookSender(slack.webhook_url).send(burst)

    (message,) = slack.webhook_messages
    assert "thread" not in json.dumps(message)


def test_blocks_that_are_not_taken_go_as_plain_text(slack: SlackStandIn) -> None:
    slack.faults.append(Fault("status", status=400, method="hook"))

    WebhookSender(slack.webhook_url).send(alone(make_alert()))

    (message,) = slack.webhook_messages
    assert "blocks" not in message
    assert "Headline 1" in message["text"]


def test_a_webhook_takes_no_pictures_and_a_digest_goes_without(slack: SlackStandIn) -> None:
    sender = WebhookSender(slack.webhook_url)

    with pytest.raises(DeliveryError):
        sender.upload(b"png", "Topics")
    sender.send(replace(alone(make_alert()), picture="F00000001"))

    assert "F00000001" not in json.dumps(slack.webhook_messages)


def test_what_a_webhook_has_posted_cannot_be_looked_up_or_shown_anew() -> None:
    sender = WebhookSender("http://127.0.0.1:9/hook")

    assert (sender.can_look, sender.can_thread, sender.groups) == (False, False, True)
    with pytest.raises(NotImplementedError):
        sender.find(alone(make_alert()), 0.0)
    with pytest.raises(NotImplementedError):
        sender.update(alone(make_alert()), Sent())


@pytest.mark.parametrize(
    ("status", "body", "meaning"),
    [
        (403, b"action_prohibited", ReceiverRefusedError),
        (404, b"no_service", ReceiverRefusedError),
        (410, b"channel_is_archived", ReceiverRefusedError),
        (400, b"invalid_payload", PermanentDeliveryError),
        (429, b"rate_limited", UnknownOutcomeError),
        (500, b"rollup_error", UnknownOutcomeError),
        (503, b"", UnknownOutcomeError),
    ],
)
def test_what_a_webhook_answers_is_read_for_what_it_means(
    status: int, body: bytes, meaning: type[DeliveryError]
) -> None:
    with answering(status, body, {"Retry-After": "4"}) as (address, _):
        error = failure(WebhookSender(address))

    assert type(error) is meaning
    assert getattr(error, "retry_after", None) == (4.0 if status == 429 else None)


def test_a_webhook_that_limits_us_is_left_alone_until_the_time_it_asks_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    monkeypatch.setattr(clock, "monotonic", lambda: now)
    with answering(429, b"rate_limited", {"Retry-After": "4"}) as (address, _):
        sender = WebhookSender(address)
        failure(sender)

    assert sender.pause() == 4.0
    now += 4.0
    assert sender.pause() == 0.0


def test_a_webhook_that_hangs_up_may_have_the_message_and_is_not_sent_it_again() -> None:
    with hanging_up() as (address, requests):
        error = failure(WebhookSender(address))

    assert isinstance(error, UnknownOutcomeError)
    assert len(requests) == 1


def test_a_webhook_where_nobody_listens_is_certainly_not_delivered() -> None:
    assert type(failure(WebhookSender(nobody_there()))) is TemporaryDeliveryError
