"""The Slack receiver over the wire: one request a send, every answer read for what it means."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

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
from daemon.messages import DigestBody, Entry, Form, Message, Remark, TopicVolume, alone
from daemon.records import AlertTopic, Sent
from daemon.slack import SlackSender
from daemon.slackapi import SlackApp
from daemon.slackforms import EVENT_TYPE, Label, Look, metadata, plainer
from daemon.slackforms import Form as Dress
from daemon.slackhistory import message_id
from tests.builders import make_alert
from tests.odd_servers import answering, nobody_there
from tests.slack_stand_in import Fault, SlackStandIn

CHANNEL = "C0DESK"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(200)
BAD_MESSAGE_CODES = ["msg_too_long", "msg_blocks_too_long", "invalid_blocks", "no_text", "invalid_arguments"]


@pytest.fixture
def app(slack: SlackStandIn) -> SlackApp:
    return SlackApp(slack.token, slack.url)


@pytest.fixture
def sender(app: SlackApp) -> SlackSender:
    return SlackSender(app, CHANNEL)


@pytest.fixture
def closed(slack: SlackStandIn, app: SlackApp) -> SlackSender:
    """A sender to a public channel that we are not in, with the right to go in."""
    slack.strict_scopes = True
    slack.scopes = "chat:write,channels:history,channels:read,channels:join"
    slack.add_channel(CHANNEL, is_member=False)
    return SlackSender(app, CHANNEL)


def message(number: int = 1, **changes: Any) -> Message:
    return replace(alone(make_alert(number=number)), **changes)


def several(*numbers: int, **changes: Any) -> Message:
    alerts = [make_alert(number=number) for number in numbers]
    entries = tuple(Entry(alert) for alert in alerts)
    return Message(key=alerts[0].key, receiver="desk", form=Form.BURST, entries=entries, **changes)


def digest(**changes: Any) -> Message:
    volume = TopicVolume("energy", "Energy", 3, (1, 2), ())
    body = DigestBody(
        title="Yesterday", since="4 March", until="5 March", articles=3, days=("4", "5"), volumes=(volume,)
    )
    return Message(key="digest-1", receiver="desk", form=Form.DIGEST, digest=body, **changes)


def failure(sender: SlackSender, wanted: Message | None = None) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        sender.send(wanted or message())
    assert "\n" not in str(caught.value)
    assert "xoxb" not in str(caught.value)
    return caught.value


def posted(slack: SlackStandIn, key: str, *, event: str = EVENT_TYPE, **changes: Any) -> None:
    """As if it had been posted to the channel just now."""
    found = {"event_type": event, "event_payload": {"key": key}}
    ts = f"{time.time() + len(slack.messages) / 1e4:.6f}"
    slack.messages.append({"channel": CHANNEL, "ts": ts, "text": "", "metadata": found} | changes)


def just_now() -> float:
    """A moment before anything that a test posts, Unix time."""
    return clock.now().timestamp() - 60.0


# Sending


def test_an_alert_is_one_message_in_block_kit_that_carries_its_key(
    slack: SlackStandIn, sender: SlackSender
) -> None:
    alert = make_alert()

    sent = sender.send(alone(alert))

    (kept,) = slack.messages
    assert sent == Sent(CHANNEL, kept["ts"])
    assert kept["channel"] == CHANNEL
    assert kept["metadata"] == {"event_type": "topicwire_alert", "event_payload": {"key": alert.key}}
    assert kept["blocks"]
    assert kept["text"].startswith("Headline 1")
    assert (kept["unfurl_links"], kept["unfurl_media"]) == (False, False)
    assert "thread_ts" not in kept
    assert slack.requests == ["chat.postMessage"]


def test_only_an_app_that_hears_of_clicks_shows_buttons(slack: SlackStandIn, app: SlackApp) -> None:
    SlackSender(app, CHANNEL).send(message())
    deaf = SlackSender(app, CHANNEL, interactive=False)
    deaf.update(message(2), deaf.send(message(2)))

    kinds = [{block["type"] for block in kept["blocks"]} for kept in slack.messages]
    assert ["actions" in each for each in kinds] == [True, False]


def test_a_message_of_several_alerts_names_them_all(slack: SlackStandIn, sender: SlackSender) -> None:
    wanted = several(1, 2, 3)

    sender.send(wanted)

    payload = slack.messages[0]["metadata"]["event_payload"]
    assert payload == {"key": wanted.key, "alerts": ",".join(wanted.keys)}


def test_a_reply_goes_in_its_thread_and_only_where_wanted_to_the_channel_too(
    slack: SlackStandIn, sender: SlackSender
) -> None:
    root = sender.send(message(1)).message

    sender.send(message(2, thread=root))
    sender.send(message(3, thread=root, broadcast=True))
    sender.send(message(4, broadcast=True))

    assert [kept.get("thread_ts") for kept in slack.messages] == [None, root, root, None]
    assert [kept.get("reply_broadcast") for kept in slack.messages] == [None, False, True, None]


def test_the_same_message_has_the_same_id_and_another_has_another(
    slack: SlackStandIn, sender: SlackSender
) -> None:
    for number in (1, 1, 2):
        sender.send(message(number))

    first, again, other = (kept["client_msg_id"] for kept in slack.messages)
    assert first == again != other


def test_the_id_of_a_message_is_for_ever() -> None:
    assert message_id("a key") == "4926f8e5-4807-5c86-8b69-abf3c5caecdc"


def test_a_message_that_slack_has_already_is_where_slack_says(
    slack: SlackStandIn, sender: SlackSender
) -> None:
    slack.deduplicates = True

    first = sender.send(message())
    again = sender.send(message())

    assert first == again
    assert len(slack.messages) == 1


def test_what_an_article_says_pings_nobody(slack: SlackStandIn, sender: SlackSender) -> None:
    hostile = "<!channel> <@U123> <http://evil.example|x> @here *b* &lt;"
    topic = AlertTopic("energy", "Energy", "main", 0.9, hostile, (hostile,))
    alert = make_alert(headline=hostile, file=hostile, source=hostile, topics=(topic,))

    sender.send(alone(alert))
    slack.faults.append(Fault("error", error="invalid_blocks"))
    sender.send(alone(alert))

    said = json.dumps(slack.messages, ensure_ascii=False)
    assert not re.search("[<>]", said)
    assert "@here" not in said
    assert "link_names" not in said
    assert "parse" not in slack.messages[0]


def test_letters_of_every_script_arrive_as_they_are(slack: SlackStandIn, sender: SlackSender) -> None:
    sender.send(alone(make_alert(headline="Қазақстан мұнайы مصفاة النفط 🛢")))

    assert "Қазақстан мұнайы" in slack.texts()[0]
    assert "مصفاة النفط" in slack.texts()[0]


def test_where_nobody_listens_it_is_certainly_not_delivered() -> None:
    error = failure(SlackSender(SlackApp("xoxb-1-test", nobody_there()), CHANNEL))

    assert type(error) is TemporaryDeliveryError
    assert "cannot be reached" in str(error)


@pytest.mark.parametrize("posted", [False, True])
@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", status=429, headers={"Retry-After": "7"}),
        Fault("error", error="ratelimited"),
        Fault("status", status=500),
        Fault("status", status=502),
        Fault("reset"),
        Fault("close"),
        Fault("half"),
        Fault("html"),
        *(Fault("error", error=code) for code in ("internal_error", "duplicate_message_not_found", "what")),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}-{fault.error}",
)
def test_what_leaves_it_open_whether_slack_has_it_is_unknown_and_sent_only_once(
    slack: SlackStandIn, sender: SlackSender, fault: Fault, posted: bool
) -> None:
    slack.faults.append(replace(fault, posted=posted))

    error = failure(sender)

    assert isinstance(error, UnknownOutcomeError)
    assert slack.requests == ["chat.postMessage"]
    assert len(slack.messages) == posted


def test_an_ok_without_a_place_is_looked_up() -> None:
    with answering(200, b'{"ok": true, "is_duplicate": true}') as (address, _):
        error = failure(SlackSender(SlackApp("xoxb-1-test", address), CHANNEL))

    assert isinstance(error, UnknownOutcomeError)


# What Slack does not take


@pytest.mark.parametrize("code", BAD_MESSAGE_CODES)
def test_a_message_that_slack_does_not_take_goes_once_more_as_plain_text(
    slack: SlackStandIn, sender: SlackSender, code: str
) -> None:
    slack.faults.append(Fault("error", error=code))
    alert = make_alert()

    sent = sender.send(alone(alert))

    (kept,) = slack.messages
    assert sent.message == kept["ts"]
    assert "blocks" not in kept
    assert "Headline 1" in kept["text"]
    assert slack.keys() == [alert.key]
    assert kept["client_msg_id"] == message_id(alert.key)
    assert slack.requests == ["chat.postMessage"] * 2


def test_a_digest_whose_picture_is_not_taken_goes_without_it(
    slack: SlackStandIn, sender: SlackSender
) -> None:
    sent = sender.send(digest(picture="F00000099"))

    (kept,) = slack.messages
    assert sent.message == kept["ts"]
    assert kept["blocks"]
    assert "F00000099" not in json.dumps(kept)
    assert slack.requests == ["chat.postMessage"] * 2


def test_a_picture_that_is_taken_is_shown(slack: SlackStandIn, sender: SlackSender) -> None:
    file = sender.upload(PNG, "Topics")

    sender.send(digest(picture=file))

    assert file in json.dumps(slack.messages[0]["blocks"])


def test_a_message_whose_keys_are_too_many_is_found_by_its_own(
    slack: SlackStandIn, sender: SlackSender
) -> None:
    slack.faults.append(Fault("error", error="metadata_too_large"))
    wanted = several(1, 2, 3)

    sender.send(wanted)

    (kept,) = slack.messages
    assert kept["metadata"]["event_payload"] == {"key": wanted.key}
    assert kept["blocks"]


def test_a_message_is_not_held_back_because_slack_takes_no_metadata(
    slack: SlackStandIn, sender: SlackSender
) -> None:
    slack.faults += [Fault("error", error="metadata_must_be_sent_from_app")] * 2
    since = just_now()

    sent = sender.send(message())

    (kept,) = slack.messages
    assert "metadata" not in kept
    assert kept["blocks"]
    assert sender.find(message(), since) == sent  # by its client_msg_id


def test_a_message_that_slack_does_not_take_in_any_form_is_dead_after_a_few_tries(
    slack: SlackStandIn, sender: SlackSender
) -> None:
    slack.weather = Fault("error", error="invalid_arguments")

    error = failure(sender, digest(picture="F00000099"))

    assert type(error) is PermanentDeliveryError
    assert "invalid_arguments" in str(error)
    assert slack.requests == ["chat.postMessage"] * 6


@pytest.mark.parametrize("code", ["invalid_blocks", "metadata_too_large", "msg_too_long"])
def test_every_form_is_plainer_than_the_one_before(code: str) -> None:
    form: Dress | None = Dress()
    seen = []
    while form is not None:
        assert form not in seen
        seen.append(form)
        form = plainer(form, digest(picture="F1"), code)

    assert len(seen) <= len(Look) + len(Label) - 1


def test_a_break_while_it_goes_as_plain_text_is_unknown_as_well(
    slack: SlackStandIn, sender: SlackSender
) -> None:
    slack.faults += [Fault("error", error="invalid_blocks"), Fault("reset", posted=True)]

    assert isinstance(failure(sender), UnknownOutcomeError)
    assert len(slack.messages) == 1


# Threads, channels and apps that refuse


@pytest.mark.parametrize(
    "code",
    ["thread_not_found", "cannot_reply_to_message", "restricted_action_thread_locked", "message_not_found"],
)
def test_a_thread_that_takes_no_replies_is_said_to_be_the_fault(
    slack: SlackStandIn, sender: SlackSender, code: str
) -> None:
    slack.faults.append(Fault("error", error=code))

    error = failure(sender, message(thread="1700000000.000100"))

    assert type(error) is ThreadRefusedError
    assert code in str(error)
    assert slack.requests == ["chat.postMessage"]


def test_a_message_without_a_thread_is_kept_where_slack_speaks_of_threads(
    slack: SlackStandIn, sender: SlackSender
) -> None:
    slack.faults.append(Fault("error", error="thread_not_found"))

    assert type(failure(sender)) is ReceiverRefusedError


@pytest.mark.parametrize("code", ["channel_not_found", "is_archived", "restricted_action"])
def test_a_channel_that_takes_nothing_until_a_person_mends_it_says_why(
    slack: SlackStandIn, sender: SlackSender, code: str
) -> None:
    slack.faults.append(Fault("error", error=code))

    error = failure(sender)

    assert type(error) is ReceiverRefusedError
    assert code in str(error)
    assert slack.requests == ["chat.postMessage"]


def test_a_public_channel_that_we_are_not_in_is_joined_and_told(
    slack: SlackStandIn, closed: SlackSender
) -> None:
    closed.send(message())

    assert len(slack.messages) == 1
    assert slack.requests == ["chat.postMessage", "conversations.join", "chat.postMessage"]


def test_who_shows_us_out_of_a_channel_means_it(slack: SlackStandIn, closed: SlackSender) -> None:
    closed.send(message(1))
    slack.remove_bot(CHANNEL)
    slack.requests.clear()

    assert "not_in_channel" in str(failure(closed, message(2)))
    assert "not_in_channel" in str(failure(closed, message(2)))
    assert slack.requests == ["chat.postMessage", "conversations.info"]
    slack.invite_bot(CHANNEL)
    closed.send(message(2))
    assert len(slack.messages) == 2


def test_a_channel_that_we_may_not_join_is_asked_without_posting_until_we_are_in(
    slack: SlackStandIn, closed: SlackSender
) -> None:
    slack.scopes = "chat:write,channels:history,channels:read"

    for _ in range(3):
        assert type(failure(closed)) is ReceiverRefusedError
    assert slack.requests == ["chat.postMessage", "conversations.info", "conversations.info"]
    slack.invite_bot(CHANNEL)
    closed.send(message())

    assert len(slack.messages) == 1


def test_an_archived_channel_is_asked_without_posting_until_it_is_restored(
    slack: SlackStandIn, sender: SlackSender
) -> None:
    slack.archive(CHANNEL)

    for _ in range(3):
        assert "is_archived" in str(failure(sender))
    assert slack.requests == ["chat.postMessage", "conversations.info", "conversations.info"]
    slack.restore(CHANNEL)
    sender.send(message())
    sender.send(message(2))

    assert slack.requests[3:] == ["conversations.info", "chat.postMessage", "chat.postMessage"]


@pytest.mark.parametrize(
    "fault",
    [
        Fault("error", error="missing_scope", method="conversations.info"),
        Fault("error", error="channel_not_found", method="conversations.info"),
        Fault("html", method="conversations.info"),
        Fault("status", status=503, method="conversations.info"),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.error}",
)
def test_a_channel_of_which_we_may_not_know_is_asked_by_posting(
    slack: SlackStandIn, sender: SlackSender, fault: Fault
) -> None:
    slack.faults.append(Fault("error", error="channel_not_found"))
    failure(sender)
    slack.faults.append(fault)

    sender.send(message())

    assert len(slack.messages) == 1


def test_an_app_that_may_post_from_outside_is_not_kept_back_because_it_is_outside(
    slack: SlackStandIn, closed: SlackSender
) -> None:
    slack.scopes = "chat:write,channels:history,channels:read"
    failure(closed)
    slack.scopes += ",chat:write.public"

    closed.send(message())

    assert len(slack.messages) == 1


def test_a_token_that_is_revoked_stops_the_channels_of_the_app_and_no_more_is_asked(
    slack: SlackStandIn, app: SlackApp, sender: SlackSender
) -> None:
    other = SlackSender(app, "C0OTHER")
    slack.revoke_token()

    assert type(failure(sender)) is AppRefusedError
    assert other.pause() > 0
    assert other.update_pause() > 0
    assert slack.requests == ["chat.postMessage"]


# Looking


def test_a_message_is_found_again_by_its_key(slack: SlackStandIn, sender: SlackSender) -> None:
    since = just_now()
    slack.faults.append(Fault("reset", posted=True))
    failure(sender, message(1))
    sender.send(message(2))

    found = sender.find(message(1), since)

    assert found == Sent(CHANNEL, slack.messages[0]["ts"])
    assert slack.requests[-1] == "conversations.history"


def test_an_alert_is_found_in_the_message_that_carries_it_with_others(
    slack: SlackStandIn, sender: SlackSender
) -> None:
    since = just_now()
    sent = sender.send(several(1, 2, 3))

    assert [sender.find(message(number), since) for number in (1, 2, 3, 4)] == [sent, sent, sent, None]


def test_a_reply_is_found_in_its_thread(slack: SlackStandIn, sender: SlackSender) -> None:
    since = just_now()
    root = sender.send(message(1)).message
    slack.faults.append(Fault("close", posted=True))
    failure(sender, message(2, thread=root))

    assert sender.find(message(2, thread=root), since) == Sent(CHANNEL, slack.messages[1]["ts"])
    assert sender.find(message(3, thread=root), since) is None
    assert slack.requests[-2:] == ["conversations.replies", "conversations.history"]


def test_a_reply_that_went_as_a_message_of_its_own_is_found_as_well(
    slack: SlackStandIn, sender: SlackSender
) -> None:
    since = just_now()
    root = sender.send(message(1)).message
    sent = sender.send(message(2))

    assert sender.find(message(2, thread=root), since) == sent


def test_a_reply_whose_thread_is_deleted_is_looked_for_in_the_channel(
    slack: SlackStandIn, sender: SlackSender
) -> None:
    since = just_now()
    sent = sender.send(message(2))

    assert sender.find(message(2, thread="1700000000.000100"), since) == sent
    assert sender.find(message(3, thread="1700000000.000100"), since) is None


def test_after_a_restore_replies_are_looked_for_in_every_thread_of_ours(
    slack: SlackStandIn, sender: SlackSender
) -> None:
    since = just_now()
    roots = [sender.send(message(number)).message for number in (1, 2)]
    person = slack.say(CHANNEL, "lunch?")["ts"]
    slack.say(CHANNEL, "yes", thread_ts=person)
    sent = sender.send(message(3, thread=roots[1]))

    assert sender.find(message(3), since) is None
    assert sender.find(message(3), since, everywhere=True) == sent
    asked = [call.given["ts"] for call in slack.calls if call.method == "conversations.replies"]
    assert asked == [roots[1]]


def test_a_thread_that_was_read_is_read_again_only_when_something_came_to_it(
    slack: SlackStandIn, sender: SlackSender
) -> None:
    since = just_now()
    roots = [sender.send(message(number)).message for number in (1, 2)]
    for number, root in zip((3, 4), roots, strict=True):
        sender.send(message(number, thread=root))
    for _ in range(3):
        assert sender.find(message(9), since, everywhere=True) is None
    assert slack.requests.count("conversations.replies") == 2

    sent = sender.send(message(9, thread=roots[0]))

    assert sender.find(message(9), since, everywhere=True) == sent
    assert slack.requests.count("conversations.replies") == 3


def test_what_was_seen_once_is_found_without_asking_again(slack: SlackStandIn, sender: SlackSender) -> None:
    since = just_now()
    sent = [sender.send(message(number)) for number in range(1, 9)]
    assert sender.find(message(1), since) == sent[0]
    asked = len(slack.requests)

    assert [sender.find(message(number), since) for number in range(1, 9)] == sent
    assert len(slack.requests) == asked


def test_a_message_is_found_behind_several_pages_of_others(slack: SlackStandIn, sender: SlackSender) -> None:
    wanted = message()
    posted(slack, wanted.key)
    for number in range(450):
        posted(slack, f"another {number}")

    found = sender.find(wanted, just_now())

    assert found == Sent(CHANNEL, slack.messages[0]["ts"])
    assert slack.requests == ["conversations.history"] * 3


def test_a_message_that_is_not_there_is_not_found(slack: SlackStandIn, sender: SlackSender) -> None:
    for number in range(201):
        posted(slack, f"another {number}")

    assert sender.find(message(), just_now()) is None
    assert slack.requests == ["conversations.history"] * 2


def test_only_our_own_message_in_our_own_channel_and_time_is_the_one(
    slack: SlackStandIn, sender: SlackSender
) -> None:
    key = message().key
    posted(slack, key, channel="C0OTHER")
    posted(slack, key, event="somebody_elses")
    posted(slack, "another", text=key)
    posted(slack, key, text=key, metadata=None)
    posted(slack, key, metadata={"event_type": EVENT_TYPE})
    posted(slack, key, ts=f"{time.time() - 3600:.6f}")

    assert sender.find(message(), just_now()) is None


def unreadable(sender: SlackSender) -> DeliveryError:
    with pytest.raises(DeliveryError, match="reading history") as caught:
        sender.find(message(), just_now())
    return caught.value


def test_a_history_that_nobody_answers_for_is_told_from_one_that_is_refused(
    slack: SlackStandIn, sender: SlackSender
) -> None:
    assert unreadable(SlackSender(SlackApp("xoxb-1-test", nobody_there()), CHANNEL)).unanswered

    slack.strict_scopes = True
    slack.scopes = "chat:write"
    assert not unreadable(sender).unanswered


def test_a_history_for_which_the_app_has_no_scope_is_not_to_be_known(
    slack: SlackStandIn, sender: SlackSender
) -> None:
    slack.strict_scopes = True
    slack.scopes = "chat:write"

    assert type(unreadable(sender)) is ReceiverRefusedError
    assert sender.pause() == 0.0


def test_a_token_that_is_revoked_hides_the_history_only_for_now(
    slack: SlackStandIn, sender: SlackSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    since = just_now()
    sent = sender.send(message())
    slack.revoke_token()
    assert type(unreadable(sender)) is TemporaryDeliveryError
    asked = len(slack.requests)
    assert type(unreadable(sender)) is TemporaryDeliveryError
    assert len(slack.requests) == asked

    slack.restore_token()
    later = clock.monotonic() + 31
    monkeypatch.setattr(clock, "monotonic", lambda: later)

    assert sender.find(message(), since) == sent


@pytest.mark.parametrize("code", ["not_in_channel", "channel_not_found", "is_archived"])
def test_where_we_may_not_post_either_the_history_is_hidden_only_for_now(
    slack: SlackStandIn, sender: SlackSender, code: str
) -> None:
    slack.weather = Fault("error", error=code)

    assert type(unreadable(sender)) is TemporaryDeliveryError


def test_where_we_may_post_all_the_same_a_hidden_history_is_not_to_be_known(
    slack: SlackStandIn, closed: SlackSender
) -> None:
    slack.scopes = "chat:write,chat:write.public,channels:history"
    closed.send(message())

    assert type(unreadable(closed)) is ReceiverRefusedError


def test_a_public_channel_is_joined_to_read_what_we_may_have_posted(
    slack: SlackStandIn, closed: SlackSender
) -> None:
    posted(slack, message().key)

    assert closed.find(message(), just_now()) == Sent(CHANNEL, slack.messages[0]["ts"])
    assert slack.requests == ["conversations.history", "conversations.join", "conversations.history"]


def test_a_history_that_cannot_be_read_now_is_not_an_empty_one() -> None:
    assert type(unreadable(SlackSender(SlackApp("x", nobody_there()), CHANNEL))) is TemporaryDeliveryError


@pytest.mark.parametrize(
    ("status", "body", "headers", "seconds"),
    [
        (429, b'{"ok": false, "error": "ratelimited"}', {"Retry-After": "9"}, 9.0),
        (500, b"{}", {}, None),
        (403, b"blocked by the proxy", {}, None),
        (200, b"<html>", {}, None),
        (200, b'{"ok": false, "error": "internal_error"}', {}, None),
        (200, b'{"ok": false, "error": "invalid_arguments"}', {}, None),
    ],
)
def test_a_failure_of_the_history_is_one_for_now(
    status: int, body: bytes, headers: dict[str, str], seconds: float | None
) -> None:
    with answering(status, body, headers) as (address, _):
        error = unreadable(SlackSender(SlackApp("xoxb-1-test", address), CHANNEL))

    assert type(error) is TemporaryDeliveryError
    assert getattr(error, "retry_after", None) == seconds


def test_where_our_clock_is_wrong_by_slack_s_own_the_whole_history_is_read(
    sender: SlackSender, slack: SlackStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = sender.send(message())
    ahead = clock.now() + timedelta(days=365)
    monkeypatch.setattr(clock, "now", lambda: ahead)

    assert sender.find(message(), since=ahead.timestamp() - 3600.0) == sent


def test_a_history_without_end_is_a_refusal_and_not_an_alert_that_did_not_arrive(
    sender: SlackSender, slack: SlackStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.slackhistory._MOST_PAGES", 2)
    monkeypatch.setattr("daemon.slackhistory._PAGE", 1)
    for number in (1, 2, 3):
        sender.send(message(number))

    with pytest.raises(ReceiverRefusedError, match="more than 2 messages"):
        sender.find(message(1), since=0.0)


# Showing anew


def test_what_stands_there_is_shown_anew_and_can_still_be_found(
    slack: SlackStandIn, sender: SlackSender
) -> None:
    since = just_now()
    sent = sender.send(message())
    alert = make_alert()
    remarked = replace(message(), entries=(Entry(alert, (Remark("U1", "energy", "right"),)),))

    sender.update(remarked, sent)
    sender.update(remarked, sent)

    (kept,) = slack.messages
    assert "U1" in json.dumps(kept["blocks"])
    assert kept["metadata"] == metadata(remarked)
    assert sender.find(message(), since) == sent
    assert slack.calls[-2].given["parse"] == "none"


@pytest.mark.parametrize("code", ["message_not_found", "cant_update_message", "edit_window_closed"])
def test_a_message_that_is_gone_is_not_shown_anew(
    slack: SlackStandIn, sender: SlackSender, code: str
) -> None:
    slack.faults.append(Fault("error", error=code, method="chat.update"))

    with pytest.raises(TargetGoneError, match=code):
        sender.update(message(), Sent(CHANNEL, "1700000000.000100"))


def test_a_message_of_which_nobody_knows_where_it_is_cannot_be_shown_anew(sender: SlackSender) -> None:
    with pytest.raises(TargetGoneError):
        sender.update(message(), Sent())


def test_a_message_in_an_archived_channel_is_shown_anew_when_it_is_restored(
    slack: SlackStandIn, sender: SlackSender
) -> None:
    sent = sender.send(message())
    slack.archive(CHANNEL)

    with pytest.raises(ReceiverRefusedError):
        sender.update(message(), sent)


def test_blocks_that_slack_does_not_take_are_taken_off_a_message_that_is_shown_anew(
    slack: SlackStandIn, sender: SlackSender
) -> None:
    sent = sender.send(message())
    slack.faults.append(Fault("error", error="msg_blocks_too_long", method="chat.update"))

    sender.update(message(), sent)

    assert "blocks" not in slack.messages[0]
    assert slack.calls[-1].given["blocks"] == []
    assert slack.requests == ["chat.postMessage", "chat.update", "chat.update"]


def test_a_message_that_is_not_taken_in_any_form_is_given_up_after_a_few_tries(
    slack: SlackStandIn, sender: SlackSender
) -> None:
    sent = sender.send(message())
    slack.weather = Fault("error", error="msg_too_long")

    with pytest.raises(PermanentDeliveryError):
        sender.update(message(), sent)

    assert slack.requests.count("chat.update") <= 5


def test_an_update_that_breaks_is_not_sent_again_by_itself(slack: SlackStandIn, sender: SlackSender) -> None:
    sent = sender.send(message())
    slack.faults.append(Fault("reset", method="chat.update"))

    with pytest.raises(UnknownOutcomeError):
        sender.update(message(), sent)

    assert slack.requests == ["chat.postMessage", "chat.update"]


# Pictures


def test_a_picture_is_uploaded_without_being_posted(slack: SlackStandIn, sender: SlackSender) -> None:
    file = sender.upload(PNG, "Topics of the week")

    assert slack.files[file].data == PNG
    assert slack.files[file].title == "Topics of the week"
    assert slack.messages == []


def test_a_picture_is_named_when_slack_is_done_with_it(slack: SlackStandIn, sender: SlackSender) -> None:
    slack.file_delay = 0.4

    sender.send(digest(picture=sender.upload(PNG, "Topics")))

    assert slack.requests.count("files.info") > 1
    assert slack.requests.count("chat.postMessage") == 1


def test_a_picture_that_slack_never_has_ready_is_given_up_after_half_a_minute(
    slack: SlackStandIn, sender: SlackSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    slack.file_delay = 3600.0
    slept: list[float] = []
    monkeypatch.setattr("daemon.slackfiles.time.sleep", slept.append)
    monkeypatch.setattr(clock, "monotonic", lambda: 1000.0 + sum(slept))

    with pytest.raises(TemporaryDeliveryError, match="30 seconds"):
        sender.upload(PNG, "Topics")

    assert 25 < sum(slept) <= 30


@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "upload", "files.completeUploadExternal"])
@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", status=500),
        Fault("reset"),
        Fault("half"),
        Fault("error", error="missing_scope"),
        Fault("status", status=429, headers={"Retry-After": "0.5"}),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}",
)
def test_any_failure_of_a_picture_is_one_of_delivery_and_stops_no_alert(
    slack: SlackStandIn, sender: SlackSender, method: str, fault: Fault
) -> None:
    if method == "upload" and fault.kind == "error":
        fault = Fault("status", status=404)
    slack.faults.append(replace(fault, method=method))

    with pytest.raises(DeliveryError) as caught:
        sender.upload(PNG, "Topics")

    assert "/upload/" not in str(caught.value)
    assert sender.pause() == 0.0


@pytest.mark.parametrize(
    "address",
    ["http://files.example/upload", "file:///etc/passwd", "ftp://127.0.0.1/x", "https://", "http://[", ""],
)
def test_a_picture_goes_to_no_address_that_is_not_safe(address: str) -> None:
    said = json.dumps({"ok": True, "upload_url": address, "file_id": "F1"}).encode()
    with answering(200, said) as (url, asked), pytest.raises(TemporaryDeliveryError, match="no safe address"):
        SlackSender(SlackApp("xoxb-1-test", url), CHANNEL).upload(PNG, "Topics")

    assert len(asked) == 1


@pytest.mark.parametrize("status", [302, 307, 308])
def test_a_picture_is_not_sent_on_to_another_address(status: int) -> None:
    with (
        answering(200, b"caught") as (elsewhere, caught),
        answering(status, b"", {"Location": elsewhere}) as (first, _),
    ):
        said = json.dumps({"ok": True, "upload_url": first, "file_id": "F1"}).encode()
        with answering(200, said) as (url, _), pytest.raises(DeliveryError):
            SlackSender(SlackApp("xoxb-1-test", url), CHANNEL).upload(PNG, "Topics")

    assert caught == []


# Paces


def test_a_short_burst_may_go_at_once_and_then_about_one_a_second(sender: SlackSender) -> None:
    waits = [sender.pause() for _ in range(4)]

    assert waits[:3] == [0.0, 0.0, 0.0]
    assert 0.5 < waits[3] <= 1.0


def test_messages_are_shown_anew_fifty_times_a_minute_by_all_channels_together(
    app: SlackApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    senders = [SlackSender(app, channel) for channel in ("C0ONE", "C0TWO")]
    now = 1000.0
    monkeypatch.setattr(clock, "monotonic", lambda: now)

    taken = 0
    for _ in range(600):
        taken += sum(sender.update_pause() == 0.0 for sender in senders)
        now += 0.1

    assert 50 <= taken <= 53


@pytest.mark.parametrize("number", [1, 2])
def test_while_slack_limits_posting_no_channel_posts(
    slack: SlackStandIn, app: SlackApp, sender: SlackSender, number: int
) -> None:
    slack.faults.append(Fault("status", status=429, headers={"Retry-After": "20"}))
    failure(sender)

    waiting: list[Callable[[], float]] = [sender.pause, SlackSender(app, "C0OTHER").pause]

    assert 19 < waiting[number - 1]() <= 20
    assert sender.update_pause() == 0.0
