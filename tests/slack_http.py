"""The HTTP side of the stand-in for Slack: reads requests, lets them meet their faults, answers."""

from __future__ import annotations

import json
import socket
import struct
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from tests import slack_files, slack_methods
from tests.slack_faults import Call, Fault, SlackError, TooFastError

if TYPE_CHECKING:
    from tests.slack_stand_in import SlackStandIn


@dataclass(frozen=True, slots=True)
class Reply:
    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = "application/json; charset=utf-8"


class Server(ThreadingHTTPServer):
    allow_reuse_port = True
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # who hangs up in the middle is nothing to us
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
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

    def _asked(self, method: str, given: dict[str, Any]) -> Reply:
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
                self._write(Reply(b"not found", 404, kind="text/html"))

    def _answer(self, call: Call, ask: Callable[[], Reply]) -> None:
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
            if fault.posted and fault.late:
                # Before we hang up: whose clock runs ahead is far away as soon as we have.
                self.slack.do_late(fault.late, lambda: self._done(call, ask))
            self._suffer(fault, reply)
        self.slack.reach("answered", call)

    def _done(self, call: Call, ask: Callable[[], Reply], *, limited: bool = False) -> Reply:
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

    def _suffer(self, fault: Fault, reply: Reply | None) -> None:
        match fault.kind:
            case "status":
                self._write(Reply(b"{}", fault.status, fault.headers))
            case "error":
                self._write(self._json({"ok": False, "error": fault.error}, headers=fault.headers))
            case "html":
                self._write(Reply(b"<html>Sign in to the airport Wi-Fi</html>", kind="text/html"))
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
        with suppress(OSError):  # the client may have hung up first
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

    def _hook(self, body: bytes) -> Reply:
        try:
            message = json.loads(body)
        except ValueError:
            return Reply(b"invalid_payload", 400, kind="text/html")
        try:
            slack_methods.check_content(self.slack, message)
        except SlackError as error:
            return Reply(str(error).encode(), 400, kind="text/html")
        with self.slack.lock:
            self.slack.webhook_messages.append(message)
        return Reply(b"ok", kind="text/html")

    def _upload(self, id: str, body: bytes) -> Reply:
        status, answer = slack_files.take(self.slack, id, body)
        return Reply(answer, status, kind="text/plain")

    def _response(self, id: str, body: bytes) -> Reply:
        with self.slack.lock:
            self.slack.responses.append({"id": id, **json.loads(body)})
        return self._json({"ok": True})

    def _json(
        self, answer: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None
    ) -> Reply:
        more = {"X-OAuth-Scopes": self.slack.scopes} | (headers or {})
        return Reply(json.dumps(answer).encode(), status, more)

    def _write(self, reply: Reply, *, half: bool = False) -> None:
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
