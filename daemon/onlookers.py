"""Onlookers: programs that ask over HTTP how we are. GET and HEAD of a few addresses; nobody holds it up.

Whoever connects has so many seconds in all; of many who send nothing, who came first makes room.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_MOST = 16  # connections at once
_WITH_US = 10.0  # seconds that any of them may last
_SILENT = 5.0  # seconds of it in which nothing comes
_LONGEST_HEAD = 16 * 1024
_LOOK_EVERY = 0.5  # seconds
PLAIN = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to a request."""

    body: bytes
    status: HTTPStatus = HTTPStatus.OK
    kind: str = PLAIN


Page = Callable[[], Answer]


def line(text: str, status: HTTPStatus = HTTPStatus.OK) -> Answer:
    """An answer of one line."""
    return Answer(f"{text}\n".encode(errors="replace"), status)


class Onlookers:
    """Answers from the moment it is made until `end`. Raises OSError where the address cannot be had."""

    def __init__(self, host: str, port: int, pages: Mapping[str, Page]) -> None:
        self._server = _Server(host, port, pages)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_LOOK_EVERY,), name="metrics", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def end(self) -> None:
        """Nobody listens when this returns; who is being answered is cut off."""
        self._server.shutdown()
        self._server.server_close()
        self._server.end_all()
        self._thread.join(_SILENT)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    allow_reuse_address = True

    def __init__(self, host: str, port: int, pages: Mapping[str, Page]) -> None:
        [(family, *_, address), *_] = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        self.address_family = family
        self.pages = pages
        self._lock = threading.Lock()
        self._since: dict[socket.socket, float] = {}  # who came first stands first
        self._asked: set[socket.socket] = set()  # of these, whose request has come
        super().__init__((str(address[0]), port), _Handler)

    def server_bind(self) -> None:
        # Not HTTPServer's, which asks the name server for our own name.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            silent = next((each for each in self._since if each not in self._asked), None)
            is_full = len(self._since) >= _MOST
            if is_full and silent is not None:
                del self._since[silent]  # its own thread closes it, once it sees its end
                _cut_off(silent)
            elif is_full:
                super().shutdown_request(request)
                return
            self._since[request] = time.monotonic()
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # no thread can be had: a limit of the system
            self.shutdown_request(request)

    def heard(self, request: socket.socket) -> None:
        """The request of a connection has come."""
        with self._lock:
            self._asked.add(request)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._since.pop(request, None)
            self._asked.discard(request)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Called at every look: who has been here too long goes."""
        latest = time.monotonic() - _WITH_US
        with self._lock:
            for request, since in self._since.items():
                if since < latest:
                    _cut_off(request)

    def end_all(self) -> None:
        with self._lock:
            for request in self._since:
                _cut_off(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who breaks off, or is cut off, is none of our errors."""


def _cut_off(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _SILENT
    server_version, sys_version = "topicwire", ""
    rbufsize = _LONGEST_HEAD

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.server.heard(self.request)
        page = self.server.pages.get(self.path.partition("?")[0])
        self._say(page() if page is not None else line("not found", HTTPStatus.NOT_FOUND))

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """In one line rather than in HTML, and nothing of what was asked comes back."""
        self._say(line(HTTPStatus(code).phrase.lower(), HTTPStatus(code)))

    def _say(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, *_: object) -> None:
        """Who looks on is not worth a line."""
