"""Socket Mode of the stand-in for Slack keeps Slack's promises, as slack_sdk's own client sees them."""

from __future__ import annotations

import json
import logging
import socket
import urllib.parse
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from tests.slack_faults import Call
from tests.slack_frames import CLOSE, PING, PONG, TEXT
from tests.slack_stand_in import Fault, SlackStandIn

CHANNEL = "C0DESK"
BLOCKS: list[dict[str, Any]] = [
    {
        "type": "actions",
        "block_id": "said",
        "elements": [
            {
                "type": "button",
                "action_id": "right",
                "text": {"type": "plain_text", "text": "Right"},
                "value": "right k1",
            },
            {
                "type": "static_select",
                "action_id": "other",
                "options": [{"text": {"type": "plain_text", "text": "Trade"}, "value": "other k1 trade"}],
            },
        ],
    }
]

logging.getLogger("slack_sdk").setLevel(logging.CRITICAL)


class App:
    """An app as slack_sdk makes it. What it got is in `heard`; it acks if it `answers`."""

    def __init__(self, slack: SlackStandIn) -> None:
        self.heard: list[SocketModeRequest] = []
        self.answers = True
        web = WebClient(base_url=slack.url, retry_handlers=[])
        self.client = SocketModeClient(slack.app_token, web_client=web, ping_interval=0.1)
        self.client.socket_mode_request_listeners.append(self._listen)

    def stop(self) -> None:
        """No more reconnecting; and its worker, which waits a second for messages, gets one."""
        self.client.closed = True
        self.client.default_auto_reconnect_enabled = self.client.auto_reconnect_enabled = False
        self.client.message_queue.put("")

    def _listen(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        self.heard.append(request)
        if self.answers:
            client.send_socket_mode_response(SocketModeResponse(request.envelope_id, {"text": "Noted"}))


@pytest.fixture
def apps(slack: SlackStandIn) -> Iterator[list[App]]:
    """Apps that are closed in the end; the first is connected."""
    made = [App(slack)]
    made[0].client.connect()
    assert slack.wait_for_connections(1)
    yield made
    for app in made:
        app.stop()
    slack.socket_mode.cut()  # or a client waits until it has something to read
    for app in made:
        with suppress(AttributeError):  # slack_sdk's, where two of its threads close at once
            app.client.close()


@pytest.fixture
def app(apps: list[App]) -> App:
    return apps[0]


@pytest.fixture
def ts(slack: SlackStandIn) -> str:
    """A message with something to click on."""
    return str(slack.keep({"channel": CHANNEL, "text": "News", "blocks": BLOCKS})["ts"])


def test_a_click_reaches_the_app_and_its_ack_is_kept(slack: SlackStandIn, app: App, ts: str) -> None:
    click = slack.click(ts, "right k1", user="U7")

    ack = slack.wait_for_ack(click)

    (heard,) = app.heard
    action = heard.payload["actions"][0]
    assert (heard.type, heard.payload["type"], heard.payload["user"]["id"]) == (
        "interactive",
        "block_actions",
        "U7",
    )
    assert (action["action_id"], action["block_id"], action["value"]) == ("right", "said", "right k1")
    assert heard.payload["container"]["message_ts"] == heard.payload["message"]["ts"] == ts
    assert heard.payload["channel"]["id"] == CHANNEL
    assert ack is not None
    assert (ack.payload, ack.seconds < 3.0) == ({"text": "Noted"}, True)
    assert slack.acks == {click.id: ack}


def test_a_choice_in_a_menu_tells_the_option(slack: SlackStandIn, app: App, ts: str) -> None:
    slack.wait_for_ack(slack.click(ts, "other k1 trade"))

    (heard,) = app.heard
    assert heard.payload["actions"][0]["selected_option"]["value"] == "other k1 trade"
    state = heard.payload["state"]["values"]["said"]["other"]
    assert state["selected_option"]["value"] == "other k1 trade"


def test_two_clicks_are_told_apart_by_their_moment(slack: SlackStandIn, app: App, ts: str) -> None:
    slack.clock = lambda: 1_700_000_000.0

    clicks = [slack.click(ts, "right k1") for _ in range(2)]

    assert len({click.payload["actions"][0]["action_ts"] for click in clicks}) == 2


def test_only_what_is_shown_can_be_clicked_unless_a_view_is_stale(
    slack: SlackStandIn, app: App, ts: str
) -> None:
    with pytest.raises(LookupError):
        slack.click(ts, "wrong k1")

    assert slack.wait_for_ack(slack.click(ts, "wrong k1", anyway=True))
    assert app.heard[0].payload["actions"][0]["value"] == "wrong k1"


def test_a_click_in_a_thread_says_in_which(slack: SlackStandIn, ts: str) -> None:
    reply = slack.keep({"channel": CHANNEL, "text": "More", "blocks": BLOCKS, "thread_ts": ts})

    click = slack.click(reply["ts"], action_id="right")

    assert click.payload["container"]["thread_ts"] == click.payload["message"]["thread_ts"] == ts


def test_a_slash_command_may_be_answered_in_its_ack_and_later(slack: SlackStandIn, app: App) -> None:
    command = slack.slash("/topicwire", "mute energy 2h", user="U7", channel=CHANNEL)

    ack = slack.wait_for_ack(command)

    (heard,) = app.heard
    assert (heard.type, heard.accepts_response_payload) == ("slash_commands", True)
    assert (heard.payload["command"], heard.payload["text"]) == ("/topicwire", "mute energy 2h")
    assert (heard.payload["user_id"], heard.payload["channel_id"]) == ("U7", CHANNEL)
    assert ack is not None
    assert ack.payload == {"text": "Noted"}
    assert heard.payload["response_url"].startswith(slack.response_url)


def test_a_click_while_nobody_is_connected_is_gone(slack: SlackStandIn, ts: str) -> None:
    click = slack.click(ts, "right k1")

    assert not click.is_delivered
    assert slack.connections == 0


@pytest.mark.parametrize("anew", [False, True])
def test_what_is_not_acknowledged_comes_again(slack: SlackStandIn, app: App, ts: str, anew: bool) -> None:
    slack.socket_mode.redeliver_after, slack.socket_mode.redeliver_anew = 0.1, anew
    app.answers = False

    click = slack.click(ts, "right k1")
    slack.wait_until(lambda: len(app.heard) == 2)
    app.answers = True

    assert slack.wait_for_ack(click)
    assert len({heard.envelope_id for heard in app.heard}) == (len(app.heard) if anew else 1)
    assert all(heard.payload == click.payload for heard in app.heard)


def test_any_of_several_connections_may_get_a_click(slack: SlackStandIn, apps: list[App], ts: str) -> None:
    apps.append(App(slack))
    apps[1].client.connect()
    assert slack.wait_for_connections(2)

    for _ in range(4):
        assert slack.wait_for_ack(slack.click(ts, "right k1"))

    assert [len(app.heard) for app in apps] == [2, 2]


def test_a_client_that_is_asked_to_refresh_opens_another_connection(
    slack: SlackStandIn, app: App, ts: str
) -> None:
    slack.socket_mode.disconnect("refresh_requested", close_after=0.1)

    assert slack.wait_until(lambda: slack.socket_mode.opened == 2 and slack.connections == 1, 5.0)
    assert slack.wait_for_ack(slack.click(ts, "right k1"))


def test_a_client_that_is_cut_off_comes_back(slack: SlackStandIn, app: App, ts: str) -> None:
    slack.socket_mode.cut()
    assert not slack.click(ts, "right k1").is_delivered

    assert slack.wait_for_connections(1)
    assert slack.wait_for_ack(slack.click(ts, "right k1"))


def test_a_connection_can_end_in_good_order_or_with_a_reset(slack: SlackStandIn) -> None:
    with ByHand(slack.link_address()) as first, ByHand(slack.link_address()) as second:
        assert [first.receive()[0], second.receive()[0]] == [TEXT, TEXT]
        assert slack.wait_for_connections(2)

        slack.socket_mode.links[0].close(1001)
        assert first.receive() == (CLOSE, b"\x03\xe9")

        slack.socket_mode.cut()
        with pytest.raises(ConnectionResetError):
            second.receive()
    assert slack.wait_for_connections(0)


def test_while_slack_is_down_there_is_no_connection(slack: SlackStandIn, app: App, ts: str) -> None:
    slack.go_down()
    assert slack.connections == 0
    slack.come_up()

    assert slack.wait_for_connections(1)


def test_a_zombie_is_open_and_dumb(slack: SlackStandIn, apps: list[App], ts: str) -> None:
    slack.socket_mode.zombify()
    pings = slack.socket_mode.links[0].pings
    assert not slack.click(ts, "right k1").is_delivered
    apps.append(App(slack))
    apps[1].client.connect()
    assert slack.wait_for_connections(2)

    assert slack.wait_for_ack(slack.click(ts, "right k1"))
    assert [len(app.heard) for app in apps] == [0, 1]
    assert slack.socket_mode.links[0].pings == pings


def test_before_hello_there_is_nothing(slack: SlackStandIn, ts: str) -> None:
    slack.socket_mode.hello_delay = 0.2
    with ByHand(slack.link_address()) as connection:
        assert not slack.click(ts, "right k1").is_delivered
        assert json.loads(connection.receive()[1])["type"] == "hello"
        assert slack.wait_for_connections(1)
        assert slack.click(ts, "right k1").is_delivered


def test_an_address_is_good_once(slack: SlackStandIn) -> None:
    url = slack.link_address()

    with ByHand(url) as first, ByHand(url) as second:
        assert "101 Switching" in first.head
        assert "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in first.head
        assert "400 Bad" in second.head


def test_there_may_be_ten_connections(slack: SlackStandIn) -> None:
    with ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(ByHand(slack.link_address()))
        assert slack.wait_for_connections(10)
        eleventh = stack.enter_context(ByHand(slack.link_address()))

        assert json.loads(eleventh.receive()[1])["reason"] == "too_many_websockets"
        assert eleventh.receive()[0] == CLOSE
        assert slack.connections == 10


def test_an_ack_may_come_in_parts(slack: SlackStandIn, ts: str) -> None:
    with ByHand(slack.link_address()) as connection:
        connection.receive()
        assert slack.wait_for_connections(1)
        click = slack.click(ts, "right k1")
        whole = json.dumps({"envelope_id": click.id}).encode()

        connection.send(TEXT, whole[:9])
        connection.send(0x80 | PING, b"in between")
        connection.send(0x80, whole[9:])

        assert slack.wait_for_ack(click)
        assert connection.receive()[0] == TEXT
        assert connection.receive() == (PONG, b"in between")


def test_a_ping_of_slack_s_is_answered(slack: SlackStandIn, app: App) -> None:
    slack.socket_mode.ping()

    assert slack.wait_until(lambda: slack.socket_mode.links[0].pongs == 1, 2.0)


def test_a_test_may_step_in_when_an_ack_comes(slack: SlackStandIn, app: App, ts: str) -> None:
    seen: list[Call] = []
    slack.on("ack", "arrived", seen.append)

    click = slack.click(ts, "right k1")
    slack.wait_for_ack(click)

    assert [call.given["envelope_id"] for call in seen] == [click.id]


@pytest.mark.parametrize(
    ("fault", "token", "status", "code"),
    [
        (None, "xoxb-1-test", 200, "not_allowed_token_type"),
        (None, "xapp-1-other", 200, "invalid_auth"),
        (Fault(status=429, headers={"Retry-After": "1"}), "xapp-1-test", 429, None),
        (Fault("error", error="internal_error"), "xapp-1-test", 200, "internal_error"),
    ],
)
def test_slack_may_not_give_an_address(
    slack: SlackStandIn, fault: Fault | None, token: str, status: int, code: str | None
) -> None:
    if fault is not None:
        fault.method = "apps.connections.open"
        slack.faults.append(fault)

    with pytest.raises(SlackApiError) as caught:
        WebClient(base_url=slack.url).apps_connections_open(app_token=token)

    assert (caught.value.response.status_code, caught.value.response.get("error")) == (status, code)


class ByHand:
    """A connection as a client holds it that knows nothing of Slack. The key is the RFC's example."""

    def __init__(self, url: str) -> None:
        parts = urllib.parse.urlsplit(url)
        self._socket = socket.create_connection((str(parts.hostname), int(parts.port or 80)), timeout=3.0)
        self._socket.sendall(
            f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.hostname}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self._file = self._socket.makefile("rb")
        self.head = b"".join(iter(self._file.readline, b"\r\n")).decode()

    def __enter__(self) -> ByHand:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()

    def receive(self) -> tuple[int, bytes]:
        """The next message; no message of a test is longer than 65,535 bytes."""
        first, second = self._file.read(2)
        length = int.from_bytes(self._file.read(2), "big") if second == 126 else second
        return first & 0x0F, self._file.read(length)

    def send(self, first: int, payload: bytes) -> None:
        """A masked frame, RFC 6455 section 5.2."""
        mask = b"\x37\xfa\x21\x3d"
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        self._socket.sendall(bytes([first, 0x80 | len(payload)]) + mask + masked)
