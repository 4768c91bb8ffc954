"""A real HTTP server that stands in for Slack's Web API, and does to us what Slack does.

It keeps what was posted, answers history with metadata, and takes planted faults: each post
eats one fault from the front of `faults`. While `weather` holds a fault, every request meets it
but those for the methods in `spared`; between `go_down` and `come_up` connections are refused.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs


@dataclass
class Fault:
    """What happens to one post. `posted`: whether the message is kept all the same."""

    kind: str = "status"  # status | error | reset | close | hang | html
    posted: bool = False
    status: int = 500
    error: str = "internal_error"
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


class SlackStandIn:
    """Start it with `with SlackStandIn() as slack:`; `slack.url` is the `[slack] api_url`."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.messages: list[dict[str, Any]] = []
        self.webhook_messages: list[dict[str, Any]] = []
        self.requests: list[str] = []
        self.faults: list[Fault] = []
        self.weather: Fault | None = None
        self.spared: frozenset[str] = frozenset()
        self.token = "xoxb-1-test"
        self.scopes = "chat:write,channels:history,channels:read"
        self.lock = threading.Lock()
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
        """From now on connections are refused."""
        if self.is_up:
            self._server.shutdown()
            self._server.server_close()
            self.is_up = False

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
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if len(self.texts()) >= number:
                return True
            time.sleep(0.02)
        return False


class _Server(ThreadingHTTPServer):
    allow_reuse_port = True
    daemon_threads = True


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
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        method = self.path.rpartition("/")[2]
        with self.slack.lock:
            self.slack.requests.append(method)
        if self.path == "/hook":
            self._hook(body)
            return
        given = self._arguments(body)
        if self.headers.get("Authorization") != f"Bearer {self.slack.token}":
            self._json({"ok": False, "error": "invalid_auth"})
            return
        if self.slack.weather is not None and method not in self.slack.spared:
            self._meet(self.slack.weather, method, given)
            return
        answer = {
            "auth.test": self._auth_test,
            "chat.postMessage": self._post_message,
            "conversations.history": self._history,
        }.get(method)
        if answer is None:
            self._json({"ok": False, "error": "unknown_method"})
            return
        answer(given)

    def _arguments(self, body: bytes) -> dict[str, Any]:
        if "json" in self.headers.get("Content-Type", ""):
            return dict(json.loads(body or b"{}"))
        given: dict[str, Any] = {key: values[0] for key, values in parse_qs(body.decode()).items()}
        for key in ("metadata", "blocks"):
            if isinstance(given.get(key), str):
                given[key] = json.loads(given[key])
        return given

    def _auth_test(self, given: dict[str, Any]) -> None:
        self._json({"ok": True, "user": "topicwire"}, headers={"X-OAuth-Scopes": self.slack.scopes})

    def _post_message(self, given: dict[str, Any]) -> None:
        with self.slack.lock:
            fault = self.slack.faults.pop(0) if self.slack.faults else None
        if fault is None or fault.posted:
            message = self._keep(given)
        if fault is None:
            self._json({"ok": True, "channel": given["channel"], "ts": message["ts"], "message": message})
            return
        self._fail(fault)

    def _meet(self, weather: Fault, method: str, given: dict[str, Any]) -> None:
        if weather.posted and method == "chat.postMessage":
            self._keep(given)
        self._fail(weather)

    def _keep(self, given: dict[str, Any]) -> dict[str, Any]:
        with self.slack.lock:
            ts = f"{self.slack.clock():.6f}"
            while any(message["ts"] == ts for message in self.slack.messages):
                ts = f"{float(ts) + 0.000001:.6f}"
            message = {**given, "ts": ts}
            self.slack.messages.append(message)
        return message

    def _fail(self, fault: Fault) -> None:
        if fault.seconds:
            time.sleep(fault.seconds)
        match fault.kind:
            case "status":
                self._send(fault.status, b"{}", fault.headers)
            case "error":
                self._json({"ok": False, "error": fault.error}, headers=fault.headers)
            case "html":
                self._send(200, b"<html>Sign in to the airport Wi-Fi</html>", {}, kind="text/html")
            case "reset":
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.close_connection = True
                self.connection.close()
            case _:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)

    def _history(self, given: dict[str, Any]) -> None:
        oldest = float(given.get("oldest") or 0)
        with self.slack.lock:
            found = [
                message
                for message in self.slack.messages
                if message["channel"] == given["channel"] and float(message["ts"]) >= oldest
            ]
        found.sort(key=lambda message: -float(message["ts"]))
        start = int(given.get("cursor") or 0)
        limit = int(given.get("limit") or 100)
        page = found[start : start + limit]
        cursor = str(start + limit) if start + limit < len(found) else ""
        self._json({"ok": True, "messages": page, "response_metadata": {"next_cursor": cursor}})

    def _hook(self, body: bytes) -> None:
        with self.slack.lock:
            self.slack.webhook_messages.append(json.loads(body))
        self._send(200, b"ok", {}, kind="text/html")

    def _json(self, answer: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self._send(200, json.dumps(answer).encode(), headers or {})

    def _send(
        self, status: int, body: bytes, headers: dict[str, str], kind: str = "application/json"
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass
