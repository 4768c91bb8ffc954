"""A real HTTP server that stands in for Slack, and does to us what Slack does.

Its Web API keeps what was posted and holds to Slack's rules; its Socket Mode sends what people
click. It takes planted faults: each request eats the first of `faults` that waits for its method.
While `weather` holds a fault, every request meets it but those for the methods in `spared`; between
`go_down` and `come_up` connections are refused.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from tests import slack_clicks, slack_files, slack_methods
from tests.slack_faults import MOMENTS, Call, Fault, Hook, SlackError, TooFastError
from tests.slack_limits import Limits
from tests.slack_socket import Ack, Envelope, SocketMode
from tests.slack_workspace import Workspace

__all__ = ["Ack", "Call", "Envelope", "Fault", "SlackStandIn"]


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
        self.limits: Limits | None = Limits() if limits else None
        self.throttled = 0
        self.socket_mode = SocketMode(lambda: self.clock(), self.reach)
        self._hooks: list[tuple[str | None, str, Hook]] = []
        self._late: list[tuple[float, Callable[[], object]]] = []
        stand_in = self

        class Handler(_Handler):
            slack = stand_in

        self._handler = Handler
        self._address = _reserved_address()
        self.port = int(self._address.getsockname()[1])
        self._server = self._listen()
        self.is_up = False
        self.url = f"http://127.0.0.1:{self.port}/api/"
        self.webhook_url = f"http://127.0.0.1:{self.port}/hook"
        self.upload_url = f"http://127.0.0.1:{self.port}/upload/v1/"
        self.response_url = f"http://127.0.0.1:{self.port}/response/"

    def _listen(self) -> _Server:
        return _Server(("127.0.0.1", self.port), self._handler)

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

    def texts(self) -> list[str]:
        with self.lock:
            return [str(message["text"]) for message in self.messages]

    def keys(self) -> list[str]:
        with self.lock:
            return [message["metadata"]["event_payload"]["key"] for message in self.messages]

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


@dataclass(frozen=True, slots=True)
class _Reply:
    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = "application/json; charset=utf-8"


class _Server(ThreadingHTTPServer):
    allow_reuse_port = True
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # who hangs up in the middle is nothing to us
            super().handle_error(request, client_address)


def _reserved_address() -> socket.socket:
    """A port that nobody else is given while we refuse connections: bound, and never listening."""
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind(("127.0.0.1", 0))
    return reserved


class _Handler(BaseHTTPRequestHandler):
    slack: SlackStandIn
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return  # cut off in the middle: Slack has nothing of it
        place, _, rest = self.path.partition("?")[0].lstrip("/").partition("/")
        method = rest if place == "api" else place
        with self.slack.lock:
            self.slack.requests.append(method)
        self.slack.catch_up()
        if place == "api":
            self._api(method, body)
        else:
            self._elsewhere(method, rest, body)

    def _api(self, method: str, body: bytes) -> None:
        try:
            given = self._arguments(body)
            self.slack.check_token(self._token(given), app=method == "apps.connections.open")
        except SlackError as error:
            self._write(self._json(error.answer))
            return
        given = slack_methods.arguments(given)
        self._answer(Call(method, given, self.slack.clock()), lambda: self._asked(method, given))

    def _asked(self, method: str, given: dict[str, Any]) -> _Reply:
        return self._json(slack_methods.call(self.slack, method, given))

    def _elsewhere(self, method: str, rest: str, body: bytes) -> None:
        call = Call(method, {"body": body, "path": rest}, self.slack.clock())
        match method:
            case "hook":
                self._answer(call, lambda: self._hook(body))
            case "upload":
                self._answer(call, lambda: self._upload(rest.rpartition("/")[2], body))
            case "response":
                self._answer(call, lambda: self._response(rest, body))
            case _:
                self._write(_Reply(b"not found", 404, kind="text/html"))

    def _answer(self, call: Call, ask: Callable[[], _Reply]) -> None:
        """Do what was asked and answer, unless the request meets a fault."""
        with self.slack.lock:
            self.slack.calls.append(call)
        self.slack.reach("arrived", call)
        fault = self.slack.meets(call.method)
        if fault is None:
            self._write(self._done(call, ask, limited=True))
        else:
            reply = self._done(call, ask) if fault.is_done else None
            if fault.seconds:
                time.sleep(fault.seconds)
            self._suffer(fault, reply)
            if fault.posted and fault.late:
                self.slack.do_late(fault.late, lambda: self._done(call, ask))
        self.slack.reach("answered", call)

    def _done(self, call: Call, ask: Callable[[], _Reply], *, limited: bool = False) -> _Reply:
        try:
            if limited:
                self._check_pace(call)
            reply = ask()
        except TooFastError as error:
            with self.slack.lock:
                self.slack.throttled += 1
            return self._json(error.answer, 429, {"Retry-After": str(error.retry_after)})
        except SlackError as error:
            return self._json(error.answer)
        self.slack.reach("kept", call)
        return reply

    def _check_pace(self, call: Call) -> None:
        if self.slack.limits is not None:
            with self.slack.lock:
                self.slack.limits.check(call.method, str(call.given.get("channel")), call.at)

    def _suffer(self, fault: Fault, reply: _Reply | None) -> None:
        match fault.kind:
            case "status":
                self._write(_Reply(b"{}", fault.status, fault.headers))
            case "error":
                self._write(self._json({"ok": False, "error": fault.error}, headers=fault.headers))
            case "html":
                self._write(_Reply(b"<html>Sign in to the airport Wi-Fi</html>", kind="text/html"))
            case "slow" if reply is not None:
                self._write(reply)
            case "half":
                self._write(reply or self._json({"ok": True, "channel": "C", "ts": "1"}), half=True)
                self._hang_up()
            case "reset":
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.close_connection = True
                self.connection.close()
            case _:
                self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _arguments(self, body: bytes) -> dict[str, Any]:
        if "json" in self.headers.get("Content-Type", ""):
            try:
                found = json.loads(body or b"{}")
            except ValueError:
                raise SlackError("invalid_json") from None
            if not isinstance(found, dict):
                raise SlackError("json_not_object")
            return found
        query = self.path.partition("?")[2]
        return {key: values[0] for key, values in parse_qs(f"{query}&{body.decode()}").items()}

    def _token(self, given: dict[str, Any]) -> str | None:
        kind, _, token = self.headers.get("Authorization", "").partition(" ")
        return token if kind == "Bearer" else given.get("token")

    def _hook(self, body: bytes) -> _Reply:
        try:
            message = json.loads(body)
        except ValueError:
            return _Reply(b"invalid_payload", 400, kind="text/html")
        try:
            slack_methods.check_content(self.slack, message)
        except SlackError as error:
            return _Reply(str(error).encode(), 400, kind="text/html")
        with self.slack.lock:
            self.slack.webhook_messages.append(message)
        return _Reply(b"ok", kind="text/html")

    def _upload(self, id: str, body: bytes) -> _Reply:
        status, answer = slack_files.take(self.slack, id, body)
        return _Reply(answer, status, kind="text/plain")

    def _response(self, id: str, body: bytes) -> _Reply:
        with self.slack.lock:
            self.slack.responses.append({"id": id, **json.loads(body)})
        return self._json({"ok": True})

    def _json(
        self, answer: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None
    ) -> _Reply:
        more = {"X-OAuth-Scopes": self.slack.scopes} | (headers or {})
        return _Reply(json.dumps(answer).encode(), status, more)

    def _write(self, reply: _Reply, *, half: bool = False) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.kind)
        self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body[: len(reply.body) // 2] if half else reply.body)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The Date header says what Slack's clock says."""
        return formatdate(self.slack.clock() if timestamp is None else timestamp, usegmt=True)

    def log_message(self, format: str, *args: Any) -> None:
        pass
