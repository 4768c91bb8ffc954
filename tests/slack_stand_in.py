"""A real HTTP server that stands in for Slack, and does to us what Slack does.

Its Web API keeps what was posted and holds to Slack's rules; its Socket Mode sends what people
click. It takes planted faults: each request eats the first of `faults` that waits for its method.
While `weather` holds a fault, every request meets it but those for the methods in `spared`; between
`go_down` and `come_up` connections are refused.
"""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from tests import slack_clicks
from tests.slack_faults import MOMENTS, Call, Fault, Hook
from tests.slack_http import Handler, Server
from tests.slack_limits import Limits
from tests.slack_socket import Ack, Envelope, SocketMode
from tests.slack_workspace import Workspace

__all__ = ["Ack", "Call", "Envelope", "Fault", "SlackStandIn"]


_Handler = Handler  # for those who make one that is different
_Server = Server


class SlackStandIn(Workspace):
    """Start it with `with SlackStandIn() as slack:`; `slack.url` is the `[slack] api_url`.

    `requests` are the methods that were called ("hook", "upload" and "response" for the other
    addresses), `calls` the same with arguments and moments. With `limits` on, who goes too fast gets
    429; `throttled` counts these. `responses` is what came to response_urls.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        *,
        channels: Iterable[str] | None = None,
        limits: bool = False,
    ) -> None:
        super().__init__(clock, channels)
        self.webhook_messages: list[dict[str, Any]] = []
        self.responses: list[dict[str, Any]] = []
        self.requests: list[str] = []
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.weather: Fault | None = None
        self.spared: frozenset[str] = frozenset()
        self.limits: Limits | None = self.new_limits() if limits else None
        self.throttled = 0
        self.socket_mode = SocketMode(lambda: self.clock(), self.reach)
        self._hooks: list[tuple[str | None, str, Hook]] = []
        self._late: list[tuple[float, Callable[[], object]]] = []
        stand_in = self

        class OurHandler(Handler):
            slack = stand_in

        self._handler = OurHandler
        self._address = _reserved_address()
        self.port = int(self._address.getsockname()[1])
        self._server = self._listen()
        self.is_up = False
        self.url = f"http://127.0.0.1:{self.port}/api/"
        self.webhook_url = f"http://127.0.0.1:{self.port}/hook"
        self.upload_url = f"http://127.0.0.1:{self.port}/upload/v1/"
        self.response_url = f"http://127.0.0.1:{self.port}/response/"

    def _listen(self) -> Server:
        return Server(("127.0.0.1", self.port), self._handler)

    def __enter__(self) -> SlackStandIn:
        self._serve()
        return self

    def __exit__(self, *_: object) -> None:
        self.go_down()
        self._address.close()

    def _serve(self) -> None:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.is_up = True

    def go_down(self) -> None:
        """From now on connections are refused, and those of Socket Mode broken."""
        if self.is_up:
            self._server.shutdown()
            self._server.server_close()
            self.is_up = False
        self.socket_mode.go_down()

    def come_up(self) -> None:
        """Listen again, at the same address."""
        if not self.is_up:
            self._server = self._listen()
            self._serve()

    @staticmethod
    def new_limits() -> Limits:
        """Slack's own, with nothing used up: for `limits`."""
        return Limits()

    def texts(self) -> list[str]:
        with self.lock:
            return [str(message["text"]) for message in self.messages]

    def keys(self) -> list[str]:
        """The keys of our messages."""
        return [str(payload["key"]) for payload in self._payloads()]

    def alert_keys(self) -> list[str]:
        """The keys of the alerts that our messages hold: several, or that of the message alone."""
        payloads = self._payloads()
        return [key for payload in payloads for key in str(payload.get("alerts", payload["key"])).split(",")]

    def _payloads(self) -> list[dict[str, Any]]:
        with self.lock:
            found = [message.get("metadata") for message in self.messages]
        return [metadata["event_payload"] for metadata in found if metadata]

    def wait_for(self, number: int, seconds: float = 20.0) -> bool:
        """Whether that many messages are there in time."""
        return self.wait_until(lambda: len(self.texts()) >= number, seconds)

    def wait_until(self, is_so: Callable[[], object], seconds: float = 20.0) -> bool:
        """Whether something is so in time."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if is_so():
                return True
            time.sleep(0.02)
        return bool(is_so())

    def link_address(self) -> str:
        return self.socket_mode.address()

    @property
    def connections(self) -> int:
        """How many connections of Socket Mode are live."""
        return len(self.socket_mode.open_links())

    @property
    def acks(self) -> dict[str, Ack]:
        """By envelope_id."""
        return self.socket_mode.acks

    def click(
        self,
        message_ts: str,
        value: str | None = None,
        *,
        action_id: str | None = None,
        user: str = "U1",
        channel: str | None = None,
        anyway: bool = False,
    ) -> Envelope:
        """A person clicks on what a message shows: the button, or the option of a menu, with this value.

        LookupError if it shows none, unless the click is to come `anyway`.
        """
        with self.lock:
            found = [one for one in self.messages if one["ts"] == message_ts]
            message = next(one for one in found if channel in (None, one["channel"]))
            payload = slack_clicks.click(
                self,
                message,
                value,
                action_id,
                user=user,
                response_url=self._new_response_url(),
                anyway=anyway,
            )
        return self.socket_mode.send("interactive", payload)

    def slash(self, command: str, text: str = "", user: str = "U1", channel: str = "C1") -> Envelope:
        """A person writes a slash command."""
        url = self._new_response_url()
        payload = slack_clicks.slash(self, command, text, user=user, channel=channel, response_url=url)
        return self.socket_mode.send("slash_commands", payload)

    def _new_response_url(self) -> str:
        return f"{self.response_url}{uuid.uuid4().hex}"

    def wait_for_ack(self, envelope: Envelope, seconds: float = 5.0) -> Ack | None:
        """How the app acknowledged it, if it did in time."""
        self.wait_until(lambda: self.socket_mode.ack_of(envelope), seconds)
        return self.socket_mode.ack_of(envelope)

    def wait_for_connections(self, number: int = 1, seconds: float = 5.0) -> bool:
        """Whether that many connections of Socket Mode are live in time."""
        return self.wait_until(lambda: self.connections == number, seconds)

    def on(self, method: str | None, moment: str, hook: Hook) -> Callable[[], None]:
        """Call `hook` whenever a request of this method (None: any) comes to this moment; how to end that.

        "arrived": nothing is done yet; "kept": done, and not answered; "answered".
        """
        if moment not in MOMENTS:
            raise ValueError(f"a moment is one of {MOMENTS}")
        entry = (method, moment, hook)
        self._hooks.append(entry)
        return lambda: self._hooks.remove(entry)

    def reach(self, moment: str, call: Call) -> None:
        """A request has come to a moment."""
        for method, wanted, hook in list(self._hooks):
            if wanted == moment and method in (None, call.method):
                hook(call)

    def meets(self, method: str) -> Fault | None:
        """The fault that this request meets, which is used up unless it is the weather."""
        with self.lock:
            if self.weather is not None and method not in self.spared:
                return self.weather
            for number, fault in enumerate(self.faults):
                if fault.method in (None, method):
                    return self.faults.pop(number)
        return None

    def do_late(self, seconds: float, what: Callable[[], object]) -> None:
        """Do it when the clock is so much further. Who asks in the meantime does not see it yet."""
        with self.lock:
            self._late.append((self.clock() + seconds, what))
        timer = threading.Timer(seconds, self.catch_up)
        timer.daemon = True
        timer.start()

    def catch_up(self, *, all: bool = False) -> None:
        """Do what is due by now of what was to be done late; or all of it."""
        with self.lock:
            due = [late for late in self._late if all or late[0] <= self.clock()]
            self._late = [late for late in self._late if late not in due]
        for _, what in due:
            what()


def _reserved_address() -> socket.socket:
    """A port that nobody else is given while we refuse connections: bound, and never listening."""
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind(("127.0.0.1", 0))
    return reserved
