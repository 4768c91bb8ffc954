"""The stand-in for Slack keeps Slack's promises, as slack_sdk sees them."""

from __future__ import annotations

import socket
import time
import urllib.request
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse
from slack_sdk.webhook import WebhookClient

from tests.slack_faults import Call
from tests.slack_stand_in import Fault, SlackStandIn

CHANNEL = "C0DESK"
NOON = 1_700_000_000.0
METADATA = {"event_type": "topicwire_alert", "event_payload": {"key": "k1"}}
Block = dict[str, Any]


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(slack: SlackStandIn) -> Clock:
    slack.clock = Clock()
    return slack.clock


@pytest.fixture
def client(slack: SlackStandIn) -> WebClient:
    return WebClient(slack.token, base_url=slack.url, timeout=5, retry_handlers=[])


def post(client: WebClient, text: str = "News", **more: Any) -> str:
    """The ts of a new message."""
    return str(client.chat_postMessage(channel=CHANNEL, text=text, **more)["ts"])


def refusal(ask: Callable[..., SlackResponse], **given: Any) -> str:
    """The error code of a call that is refused."""
    with pytest.raises(SlackApiError) as caught:
        ask(**given)
    return str(caught.value.response["error"])


def texts(answer: SlackResponse) -> list[str]:
    return [message["text"] for message in answer["messages"]]


def section(text: str = "x", **more: Any) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def button(action_id: str = "a", **more: Any) -> Block:
    return {"type": "button", "action_id": action_id, "text": {"type": "plain_text", "text": "Yes"}, **more}


def option(value: str = "v", text: str = "Option") -> Block:
    return {"text": {"type": "plain_text", "text": text}, "value": value}


def actions(*elements: Block, **more: Any) -> Block:
    return {"type": "actions", "elements": list(elements), **more}


# Messages, threads and reading them


def test_history_tells_the_newest_first_and_metadata_only_who_asks(client: WebClient) -> None:
    post(client, "first", metadata=METADATA)
    post(client, "second")

    plain = client.conversations_history(channel=CHANNEL)
    full = client.conversations_history(channel=CHANNEL, include_all_metadata=True)

    assert texts(plain) == ["second", "first"]
    assert "metadata" not in plain["messages"][1]
    assert full["messages"][1]["metadata"] == METADATA


def test_history_has_roots_and_broadcasts_and_the_thread_has_all(client: WebClient) -> None:
    root = post(client, "root")
    post(client, "reply", thread_ts=root)
    last = post(client, "told to all", thread_ts=root, reply_broadcast=True)

    history = client.conversations_history(channel=CHANNEL)
    thread = client.conversations_replies(channel=CHANNEL, ts=root)

    assert texts(history) == ["told to all", "root"]
    assert history["messages"][0]["subtype"] == "thread_broadcast"
    assert history["messages"][0]["root"]["ts"] == root
    assert texts(thread) == ["root", "reply", "told to all"]
    for told in (history["messages"][1], thread["messages"][0]):
        assert (told["thread_ts"], told["reply_count"], told["latest_reply"]) == (root, 2, last)


def test_history_comes_in_pages_that_new_messages_do_not_shift(client: WebClient) -> None:
    for number in range(5):
        post(client, str(number))

    page = client.conversations_history(channel=CHANNEL, limit=2)
    post(client, "new")
    rest = client.conversations_history(
        channel=CHANNEL, limit=3, cursor=page["response_metadata"]["next_cursor"]
    )

    assert (texts(page), page["has_more"]) == (["4", "3"], True)
    assert (texts(rest), rest["has_more"]) == (["2", "1", "0"], False)
    assert refusal(client.conversations_history, channel=CHANNEL, cursor="2") == "invalid_cursor"


def test_a_long_thread_comes_in_pages_and_its_root_on_each(client: WebClient) -> None:
    root = post(client, "root")
    for number in range(3):
        post(client, str(number), thread_ts=root)

    page = client.conversations_replies(channel=CHANNEL, ts=root, limit=2)
    rest = client.conversations_replies(
        channel=CHANNEL, ts=root, cursor=page["response_metadata"]["next_cursor"]
    )

    assert texts(page) == ["root", "0", "1"]
    assert texts(rest) == ["root", "2"]


def test_the_oldest_moment_itself_counts_only_where_it_is_inclusive(client: WebClient) -> None:
    first, second = post(client, "first"), post(client, "second")

    assert texts(client.conversations_history(channel=CHANNEL, oldest=first)) == ["second"]
    assert texts(client.conversations_history(channel=CHANNEL, oldest=second, inclusive=True)) == ["second"]


def test_history_may_lag_behind(slack: SlackStandIn, client: WebClient, clock: Clock) -> None:
    slack.history_lag = 3.0
    root = post(client)

    at_once = texts(client.conversations_history(channel=CHANNEL))
    thread = refusal(client.conversations_replies, channel=CHANNEL, ts=root)
    clock.now += 3.0

    assert (at_once, thread) == ([], "thread_not_found")
    assert texts(client.conversations_history(channel=CHANNEL)) == ["News"]


def test_a_reply_needs_a_root_that_is_there_and_is_one(client: WebClient) -> None:
    reply = post(client, thread_ts=post(client))

    lost = {"channel": CHANNEL, "text": "x", "thread_ts": "1.000000"}
    nested = lost | {"thread_ts": reply}

    assert refusal(client.chat_postMessage, **lost) == "thread_not_found"
    assert refusal(client.chat_postMessage, **nested) == "cannot_reply_to_message"


def test_an_update_keeps_the_place_and_the_metadata(slack: SlackStandIn, client: WebClient) -> None:
    ts = post(client, metadata=METADATA, blocks=[section("old")])

    for _ in range(2):
        answer = client.chat_update(channel=CHANNEL, ts=ts, text="New", blocks=[section("new")])

    (message,) = slack.messages
    assert answer["ts"] == message["ts"] == ts
    assert answer["message"]["edited"]["user"] == "U0TOPICWIRE"
    assert (message["text"], message["blocks"], message["metadata"]) == ("New", [section("new")], METADATA)
    assert len(slack.updates) == 2


def test_an_update_with_text_alone_takes_the_blocks_away(slack: SlackStandIn, client: WebClient) -> None:
    ts = post(client, blocks=[section()])

    client.chat_update(channel=CHANNEL, ts=ts, text="New")

    assert "blocks" not in slack.messages[0]


def test_an_update_needs_a_message_of_ours_that_may_be_changed(
    slack: SlackStandIn, client: WebClient
) -> None:
    ours, theirs = post(client), slack.say(CHANNEL, "Hello")["ts"]

    def refused(ts: str, text: str = "x") -> str:
        return refusal(client.chat_update, channel=CHANNEL, ts=ts, text=text)

    assert refused("1.000000") == "message_not_found"
    assert refused(theirs) == "cant_update_message"
    assert refused(ours, "ж" * 2001) == "msg_too_long"  # 4,000 bytes
    slack.archive(CHANNEL)
    assert refused(ours) == "is_inactive"
    slack.restore(CHANNEL)
    slack.delete(ours)
    assert refused(ours) == "message_not_found"


@pytest.mark.parametrize("deduplicates", [False, True])
def test_a_workspace_may_know_a_message_by_its_client_msg_id(
    slack: SlackStandIn, client: WebClient, deduplicates: bool
) -> None:
    slack.deduplicates = deduplicates
    first, again = (
        client.chat_postMessage(channel=CHANNEL, text="x", client_msg_id="id-1") for _ in range(2)
    )

    assert (first["ts"] == again["ts"]) is deduplicates
    assert bool(again.get("is_duplicate")) is deduplicates
    assert len(slack.messages) == 2 - deduplicates


def test_a_very_long_text_is_cut_with_a_warning(slack: SlackStandIn, client: WebClient) -> None:
    answer = client.chat_postMessage(channel=CHANNEL, text="x" * 40_001)

    assert answer["warning"] == "message_truncated"
    assert len(slack.messages[0]["text"]) == 40_000


def test_a_message_has_an_address_and_one_person_may_be_told_alone(
    slack: SlackStandIn, client: WebClient
) -> None:
    root = post(client)
    reply = post(client, thread_ts=root)

    link = client.chat_getPermalink(channel=CHANNEL, message_ts=reply)["permalink"]
    client.chat_postEphemeral(channel=CHANNEL, user="U1", text="Only you")

    assert link.endswith(f"/{CHANNEL}/p{reply.replace('.', '')}?thread_ts={root}&cid={CHANNEL}")
    assert [told["user"] for told in slack.ephemeral] == ["U1"]
    assert len(slack.messages) == 2


# Who may do what


def test_channels_refuse_for_what_they_are() -> None:
    with SlackStandIn(channels=[CHANNEL]) as slack:
        client = WebClient(slack.token, base_url=slack.url, retry_handlers=[])

        def refused() -> str:
            return refusal(client.chat_postMessage, channel=CHANNEL, text="x")

        assert refusal(client.chat_postMessage, channel="C0OTHER", text="x") == "channel_not_found"
        slack.remove_bot(CHANNEL)
        assert refused() == "not_in_channel"
        assert refusal(client.conversations_history, channel=CHANNEL) == "not_in_channel"
        assert client.conversations_info(channel=CHANNEL)["channel"]["is_member"] is False
        assert client.conversations_join(channel=CHANNEL)["channel"]["is_member"] is True
        slack.archive(CHANNEL)
        assert refused() == "is_archived"
        slack.restore(CHANNEL)
        post(client)
        slack.add_channel("C0HIDDEN", is_private=True, is_member=False)
        assert refusal(client.conversations_join, channel="C0HIDDEN") == "channel_not_found"


def test_a_token_can_be_revoked_and_restored(slack: SlackStandIn, client: WebClient) -> None:
    slack.revoke_token()
    assert refusal(client.auth_test) == "token_revoked"
    slack.restore_token()

    who = client.auth_test()

    assert (who["user"], who["user_id"], who["bot_id"]) == ("topicwire", "U0TOPICWIRE", "B0TOPICWIRE")
    assert who.headers["X-OAuth-Scopes"] == slack.scopes
    assert refusal(WebClient(slack.app_token, base_url=slack.url).auth_test) == "not_allowed_token_type"
    assert refusal(WebClient(base_url=slack.url).auth_test) == "not_authed"


def test_a_missing_scope_is_named(slack: SlackStandIn, client: WebClient) -> None:
    slack.strict_scopes = True
    slack.scopes = "chat:write"
    post(client)

    with pytest.raises(SlackApiError) as caught:
        client.conversations_history(channel=CHANNEL)

    assert caught.value.response["error"] == "missing_scope"
    assert caught.value.response["needed"] == "channels:history"


# What a message may hold


@pytest.mark.parametrize(
    "blocks",
    [
        [section("x" * 3000), {"type": "divider"}],
        [section(accessory=button(style="danger", value="v" * 2000))],
        [actions(*(button(str(number)) for number in range(25)))],
        [actions({"type": "static_select", "action_id": "s", "options": [option()] * 100})],
        [actions({"type": "static_select", "action_id": "s", "options": [option("v" * 150, "x" * 75)]})],
        [{"type": "header", "text": {"type": "plain_text", "text": "x" * 150, "emoji": False}}],
        [{"type": "context", "elements": [{"type": "mrkdwn", "text": "x", "verbatim": True}] * 10}],
        [{"type": "image", "image_url": "https://example.org/a.png", "alt_text": "A picture"}],
        [section() for _ in range(50)],
    ],
)
def test_what_the_documentation_allows_is_taken(client: WebClient, blocks: list[Block]) -> None:
    assert post(client, blocks=blocks)


@pytest.mark.parametrize(
    ("blocks", "code"),
    [
        ([section() for _ in range(51)], "invalid_blocks"),
        ([section("x" * 3001)], "invalid_blocks"),
        ([section("")], "invalid_blocks"),
        ([{"type": "section"}], "invalid_blocks"),
        ([section(colour="red")], "invalid_blocks"),
        ([section(block_id="b"), section(block_id="b")], "invalid_blocks"),
        ([{"type": "section", "text": {"type": "mrkdwn", "text": "x", "emoji": True}}], "invalid_blocks"),
        ([{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}], "invalid_blocks"),
        ([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}], "invalid_blocks"),
        ([{"type": "context", "elements": []}], "invalid_blocks"),
        ([actions(*(button(str(number)) for number in range(26)))], "invalid_blocks"),
        ([actions(button("a"), button("a"))], "invalid_blocks"),
        ([actions(button("a")), actions(button("a"))], "invalid_blocks"),
        ([actions(button(value="v" * 2001))], "invalid_blocks"),
        ([actions(button(style="warning"))], "invalid_blocks"),
        ([actions({"type": "static_select", "options": [option("v" * 151)]})], "invalid_blocks"),
        ([actions({"type": "static_select", "options": [option(text="x" * 76)]})], "invalid_blocks"),
        ([actions({"type": "static_select", "options": [option()] * 101})], "invalid_blocks"),
        ([actions({"type": "overflow", "options": [option()] * 6})], "invalid_blocks"),
        ([{"type": "image", "image_url": "https://example.org/a.png", "alt_text": ""}], "invalid_blocks"),
        ([{"type": "image", "slack_file": {"id": "F00000009"}, "alt_text": "x"}], "invalid_blocks"),
        ([{"type": "carousel"}], "invalid_blocks"),
        ([section("x" * 2900) for _ in range(5)], "msg_blocks_too_long"),
        ({"type": "section"}, "invalid_blocks_format"),
    ],
)
def test_what_the_documentation_forbids_is_refused(
    slack: SlackStandIn, client: WebClient, blocks: Any, code: str
) -> None:
    assert refusal(client.chat_postMessage, channel=CHANNEL, text="x", blocks=blocks) == code
    assert slack.messages == []


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ({"event_type": "e"}, "invalid_metadata_format"),
        ({"event_type": "", "event_payload": {}}, "invalid_metadata_format"),
        ({"event_type": "e", "event_payload": {"keys": ["a", "b"]}}, "invalid_metadata_schema"),
        ({"event_type": "e", "event_payload": {"key": None}}, "invalid_metadata_schema"),
        ({"event_type": "e", "event_payload": {"key": "k" * 9000}}, "metadata_too_large"),
    ],
)
def test_metadata_has_its_own_rules(client: WebClient, metadata: Any, code: str) -> None:
    assert refusal(client.chat_postMessage, channel=CHANNEL, text="x", metadata=metadata) == code


@pytest.mark.filterwarnings("ignore:The top-level `text` argument")
def test_a_message_says_something(client: WebClient) -> None:
    assert refusal(client.chat_postMessage, channel=CHANNEL, text=" ") == "no_text"
    assert client.chat_postMessage(channel=CHANNEL, blocks=[section()])["message"]["text"] == ""


def test_a_webhook_says_what_is_wrong_by_its_status(slack: SlackStandIn) -> None:
    webhook = WebhookClient(slack.webhook_url, retry_handlers=[])

    taken, refused = webhook.send(text="x"), webhook.send(text="x", blocks=[section("")])

    assert (taken.status_code, taken.body) == (200, "ok")
    assert (refused.status_code, refused.body) == (400, "invalid_blocks")
    assert len(slack.webhook_messages) == 1


# Files


def test_a_picture_can_be_shown_some_time_after_it_was_completed(
    slack: SlackStandIn, client: WebClient, clock: Clock
) -> None:
    slack.file_delay = 2.0
    id = client.files_upload_v2(filename="chart.png", content=b"PNG", title="Chart")["file"]["id"]
    blocks = [{"type": "image", "slack_file": {"id": id}, "alt_text": "Chart"}]

    early = refusal(client.chat_postMessage, channel=CHANNEL, text="x", blocks=blocks)
    seen_early = client.files_info(file=id)["file"]["mimetype"]
    clock.now += 2.0

    assert (early, seen_early) == ("invalid_blocks", "")
    assert client.files_info(file=id)["file"]["mimetype"] == "image/png"
    assert post(client, blocks=blocks)
    assert (slack.files[id].data, slack.files[id].title) == (b"PNG", "Chart")


def test_an_upload_is_completed_only_with_its_bytes(slack: SlackStandIn, client: WebClient) -> None:
    ticket = client.files_getUploadURLExternal(filename="chart.png", length=3)
    files = [{"id": ticket["file_id"], "title": "Chart"}]

    early = refusal(client.files_completeUploadExternal, files=files)
    urllib.request.urlopen(urllib.request.Request(ticket["upload_url"], b"PNG")).close()

    assert early == "file_not_found"
    assert client.files_completeUploadExternal(files=files)["files"][0]["title"] == "Chart"
    assert slack.messages == []  # nobody was told of it


# Limits


def test_who_posts_too_fast_is_told_when_to_come_again(
    slack: SlackStandIn, client: WebClient, clock: Clock
) -> None:
    slack.limits = slack.new_limits()
    for _ in range(3):
        post(client)

    with pytest.raises(SlackApiError) as caught:
        post(client)
    client.chat_postMessage(channel="C0OTHER", text="another channel")
    clock.now += float(caught.value.response.headers["Retry-After"])
    post(client)

    assert caught.value.response.status_code == 429
    assert slack.throttled == 1
    assert len(slack.messages) == 5


def test_a_method_has_its_number_of_calls_a_minute(
    slack: SlackStandIn, client: WebClient, clock: Clock
) -> None:
    slack.limits = slack.new_limits()
    for _ in range(50):
        client.conversations_history(channel=CHANNEL)

    assert refusal(client.conversations_history, channel=CHANNEL) == "ratelimited"
    clock.now += 60.0
    client.conversations_history(channel=CHANNEL)


# Faults


@pytest.mark.parametrize("posted", [False, True])
@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        (Fault(status=429, headers={"Retry-After": "0.5"}), "SlackApiError"),
        (Fault(status=503), "SlackApiError"),
        (Fault("error", error="fatal_error"), "SlackApiError"),
        (Fault("html"), "SlackApiError"),
        (Fault("reset"), "ConnectionResetError"),
        (Fault("close"), "RemoteDisconnected"),
        (Fault("hang", seconds=0.2), "RemoteDisconnected"),
        (Fault("half"), "IncompleteRead"),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else value,
)
def test_a_fault_is_felt_whether_or_not_the_message_is_kept(
    slack: SlackStandIn, client: WebClient, fault: Fault, seen: str, posted: bool
) -> None:
    slack.faults.append(Fault(fault.kind, posted, fault.status, headers=fault.headers, seconds=fault.seconds))

    with pytest.raises((SlackApiError, OSError, HTTPException)) as caught:
        post(client)

    assert type(caught.value).__name__ == seen
    assert len(slack.messages) == posted
    post(client)  # it was one fault


def test_a_fault_waits_for_its_method(slack: SlackStandIn, client: WebClient) -> None:
    slack.faults.append(Fault("reset", posted=True, method="chat.update"))
    ts = post(client)

    with pytest.raises(ConnectionResetError):
        client.chat_update(channel=CHANNEL, ts=ts, text="New")

    assert slack.texts() == ["New"]
    assert slack.faults == []


def test_history_may_fail_while_posts_go_through(slack: SlackStandIn, client: WebClient) -> None:
    slack.weather, slack.spared = Fault(status=503), frozenset({"chat.postMessage"})

    post(client)

    with pytest.raises(SlackApiError) as caught:
        client.conversations_history(channel=CHANNEL)
    assert caught.value.response.status_code == 503


def test_a_slow_answer_is_a_true_one(slack: SlackStandIn, client: WebClient) -> None:
    slack.faults.append(Fault("slow", seconds=0.2))
    started = time.monotonic()

    ts = post(client)

    assert time.monotonic() - started >= 0.2
    assert ts == slack.messages[0]["ts"]


def test_a_request_that_was_cut_off_may_still_be_done_later(
    slack: SlackStandIn, client: WebClient, clock: Clock
) -> None:
    slack.faults.append(Fault("reset", posted=True, late=5.0))
    with pytest.raises(ConnectionResetError):
        post(client)

    clock.now += 4.9
    before = texts(client.conversations_history(channel=CHANNEL))
    clock.now += 0.1

    assert before == []
    assert texts(client.conversations_history(channel=CHANNEL)) == ["News"]


def test_a_late_one_comes_by_itself(slack: SlackStandIn, client: WebClient) -> None:
    slack.faults.append(Fault("close", posted=True, late=0.1))
    with pytest.raises(OSError, match="closed"):
        post(client)

    assert slack.texts() == []
    assert slack.wait_for(1, 2.0)


def test_a_test_may_step_in_at_each_moment_of_a_request(slack: SlackStandIn, client: WebClient) -> None:
    seen: list[tuple[str, str, int]] = []

    def note(moment: str) -> Callable[[Call], None]:
        return lambda call: seen.append((moment, call.given["text"], len(slack.messages)))

    stops = [slack.on("chat.postMessage", moment, note(moment)) for moment in ("arrived", "kept", "answered")]
    post(client, "one")
    slack.wait_until(lambda: len(seen) == 3)
    for stop in stops:
        stop()
    post(client, "two")

    assert seen == [("arrived", "one", 0), ("kept", "one", 1), ("answered", "one", 1)]


@pytest.mark.filterwarnings("ignore:The top-level `text` argument")
def test_what_slack_refuses_is_not_kept(slack: SlackStandIn, client: WebClient) -> None:
    kept: list[Call] = []
    slack.on(None, "kept", kept.append)

    refusal(client.chat_postMessage, channel=CHANNEL, text=" ")

    assert kept == []


def test_while_it_is_down_connections_are_refused(slack: SlackStandIn, client: WebClient) -> None:
    slack.go_down()
    with pytest.raises(OSError, match="refused"):
        post(client)
    slack.come_up()

    assert post(client)


# The wire


def test_a_form_is_read_as_json_is(slack: SlackStandIn) -> None:
    body = b"channel=C0DESK&text=%D0%96&token=" + slack.token.encode()
    body += b"&metadata=%7B%22event_type%22%3A%22e%22%2C%22event_payload%22%3A%7B%22key%22%3A%22k%22%7D%7D"
    urllib.request.urlopen(urllib.request.Request(f"{slack.url}chat.postMessage", body)).close()

    (message,) = slack.messages
    assert message["text"] == "Ж"
    assert slack.keys() == ["k"]
    assert "token" not in message


def test_a_request_that_breaks_off_in_its_body_is_none(slack: SlackStandIn, client: WebClient) -> None:
    with socket.create_connection(("127.0.0.1", slack.port), timeout=3.0) as connection:
        connection.sendall(
            b"POST /api/chat.postMessage HTTP/1.1\r\nContent-Length: 99\r\n\r\n"
            b"channel=C0DESK&text=x&token=" + slack.token.encode()
        )
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""

    assert (slack.requests, slack.messages) == ([], [])


def test_each_answer_says_what_time_it_is_at_slack(client: WebClient, clock: Clock) -> None:
    date = client.auth_test().headers["Date"]

    assert parsedate_to_datetime(date).timestamp() == NOON


def test_a_method_that_does_not_exist_is_unknown(client: WebClient) -> None:
    assert refusal(client.api_call, api_method="chat.whisper") == "unknown_method"


def test_what_our_messages_hold_can_be_counted(slack: SlackStandIn, client: WebClient) -> None:
    held = {"event_type": "topicwire_alert", "event_payload": {"key": "burst", "alerts": "k2,k3"}}
    post(client, metadata=METADATA)
    post(client, metadata=held)
    slack.say(CHANNEL, "What is this?")

    assert slack.keys() == ["k1", "burst"]
    assert slack.alert_keys() == ["k1", "k2", "k3"]
