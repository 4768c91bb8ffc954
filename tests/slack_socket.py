"""Socket Mode of the stand-in for Slack: connections, envelopes and their acknowledgements.

As Slack does it: an address to connect to is good once; there may be ten connections, and any of
them may get a payload; a payload waits for nobody.
"""

from __future__ import annotations

import json
import secrets
import socket
import socketserver
import struct
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.slack_faults import Call
from tests.slack_frames import CLOSE, PING, PONG, TEXT, Link
from tests.slack_workspace import APP

_MOST_CONNECTIONS = 10
_MOST_REDELIVERIES = 3


@dataclass
class Envelope:
    """What was sent to the app: `ids`, one for each time that it went out anew; `links`, to whom."""

    kind: str
    payload: dict[str, Any]
    ids: list[str] = field(default_factory=lambda: [str(uuid.uuid4())])
    links: list[int] = field(default_factory=list)
    sent_at: float = 0.0  # monotonic

    @property
    def id(self) -> str:
        return self.ids[0]

    @property
    def is_delivered(self) -> bool:
        """Whether there was anybody to send it to; if not, the user saw an error and it is gone."""
        return bool(self.links)


@dataclass(frozen=True, slots=True)
class Ack:
    """`at`: by the stand-in's clock; `seconds` after the envelope last went out."""

    payload: Any
    at: float
    seconds: float
    link: int


class SocketMode:
    """Listens from the first connection on that is asked for.

    `redeliver_after`: an envelope that has no ack after so many seconds goes out again, up to three
    times, `redeliver_anew` with another envelope_id. `hello_delay`: seconds until hello.
    """

    def __init__(self, clock: Callable[[], float], tell: Callable[[str, Call], None]) -> None:
        self.acks: dict[str, Ack] = {}
        self.ack_counts: Counter[str] = Counter()
        self.envelopes: list[Envelope] = []
        self.links: list[Link] = []
        self.opened = 0  # connections so far
        self.redeliver_after: float | None = None
        self.redeliver_anew = False
        self.hello_delay = 0.0
        self.connection_time = 18060
        self._clock, self._tell = clock, tell
        self._lock = threading.RLock()
        self._tickets: set[str] = set()
        self._turn = 0
        self._server: _Server | None = None

    def address(self) -> str:
        """A new address to connect to."""
        with self._lock:
            if self._server is None:
                self._server = self._listen()
            port = self._server.server_address[1]
            ticket = secrets.token_hex(8)
            self._tickets.add(ticket)
        return f"ws://127.0.0.1:{port}/link/?ticket={ticket}&app_id={APP}"

    def _listen(self) -> _Server:
        server = _Server(("127.0.0.1", 0), self)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server

    def go_down(self) -> None:
        """Listen no more, until somebody asks for an address, and break all connections."""
        with self._lock:
            server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
        self.cut()

    def send(self, kind: str, payload: dict[str, Any]) -> Envelope:
        """Send the app something, over one of its connections, if it has any."""
        envelope = Envelope(kind, payload)
        with self._lock:
            self.envelopes.append(envelope)
        self._send(envelope)
        return envelope

    def again(self, envelope: Envelope, *, anew: bool = False) -> None:
        """Send an envelope once more; `anew`: with another envelope_id."""
        if anew:
            envelope.ids.append(str(uuid.uuid4()))
        self._send(envelope)

    def _send(self, envelope: Envelope) -> None:
        message = {
            "envelope_id": envelope.ids[-1],
            "type": envelope.kind,
            "payload": envelope.payload,
            "accepts_response_payload": envelope.kind == "slash_commands",
        }
        envelope.sent_at = time.monotonic()
        with self._lock:
            able = [link for link in self.links if link.is_open and not link.is_zombie]
            self._turn += 1
            ordered = able[self._turn % len(able) :] + able[: self._turn % len(able)] if able else []
            taker = next((link for link in ordered if self._text(link, message)), None)
        if taker is not None:
            envelope.links.append(taker.number)
        if self.redeliver_after is not None and len(envelope.links) <= _MOST_REDELIVERIES:
            _after(self.redeliver_after, lambda: self._redeliver(envelope))

    def _redeliver(self, envelope: Envelope) -> None:
        if self.ack_of(envelope) is None and self.redeliver_after is not None:
            self.again(envelope, anew=self.redeliver_anew)

    def ack_of(self, envelope: Envelope) -> Ack | None:
        return next((self.acks[id] for id in envelope.ids if id in self.acks), None)

    def disconnect(self, reason: str = "refresh_requested", close_after: float | None = None) -> None:
        """Tell all connections to go: "warning" (soon), "refresh_requested" or "link_disabled"."""
        links = self.open_links()
        for link in links:
            self._text(link, {"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-1"}})
        for link in links if close_after is not None else ():
            _after(close_after or 0.0, link.close)

    def close(self, code: int = 1000) -> None:
        """End all connections in good order."""
        for link in self.open_links():
            link.close(code)

    def cut(self) -> None:
        """Break all connections."""
        with self._lock:
            links = list(self.links)
        for link in links:
            link.cut()

    def zombify(self) -> None:
        """From now on the present connections are open, and nothing comes over them any more."""
        for link in self.open_links():
            link.is_zombie = True

    def ping(self) -> None:
        for link in self.open_links():
            link.send(PING, b"Ping from applink-1")

    def open_links(self) -> list[Link]:
        with self._lock:
            return [link for link in self.links if link.is_open]

    def _text(self, link: Link, message: dict[str, Any]) -> bool:
        return link.send(TEXT, json.dumps(message).encode())

    def serve(self, connection: socket.socket) -> None:
        """One connection, to its end."""
        with self._lock:
            self.opened += 1
            link = Link(connection, self.opened)
        if not link.shake_hands(self._is_ticket):
            return
        with self._lock:
            self.links.append(link)
            self.links.sort(key=lambda one: one.number)
            number = len(self.links)
        try:
            if number > _MOST_CONNECTIONS:
                self._text(link, {"type": "disconnect", "reason": "too_many_websockets"})
                link.close()
            else:
                self._say_hello(link, number)
                while self._hear(link):
                    pass
        finally:
            link.is_open = False
            with self._lock:
                self.links.remove(link)

    def _is_ticket(self, path: str) -> bool:
        ticket = path.partition("ticket=")[2].partition("&")[0]
        with self._lock:
            if ticket not in self._tickets:
                return False
            self._tickets.remove(ticket)
            return True

    def _say_hello(self, link: Link, number: int) -> None:
        hello = {
            "type": "hello",
            "num_connections": number,
            "debug_info": {
                "host": "applink-1",
                "build_number": 1,
                "approximate_connection_time": self.connection_time,
            },
            "connection_info": {"app_id": APP},
        }

        def say() -> None:
            link.is_open = self._text(link, hello)

        if self.hello_delay:
            _after(self.hello_delay, say)
        else:
            say()

    def _hear(self, link: Link) -> bool:
        kind, data = link.receive()
        if link.is_zombie:
            return True
        if kind == PING:
            link.pings += 1
            link.send(PONG, data)
        elif kind == PONG:
            link.pongs += 1
        elif kind == CLOSE:
            link.close(struct.unpack("!H", data[:2])[0] if len(data) >= 2 else 1000)
            return False
        elif kind == TEXT:
            self._hear_ack(link, data)
        return True

    def _hear_ack(self, link: Link, data: bytes) -> None:
        said = json.loads(data)
        id = str(said.get("envelope_id"))
        call = Call("ack", said, self._clock())
        self._tell("arrived", call)
        with self._lock:
            envelope = next((one for one in self.envelopes if id in one.ids), None)
            waited = time.monotonic() - envelope.sent_at if envelope else 0.0
            self.acks.setdefault(id, Ack(said.get("payload"), call.at, waited, link.number))
            self.ack_counts[id] += 1
        self._tell("kept", call)


def _after(seconds: float, what: Callable[[], object]) -> None:
    timer = threading.Timer(seconds, what)
    timer.daemon = True
    timer.start()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, address: tuple[str, int], mode: SocketMode) -> None:
        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with suppress(OSError):  # whoever hangs up, and whom we cut off
                    mode.serve(self.request)

        super().__init__(address, Handler)

    def shutdown_request(self, request: Any) -> None:
        """Close, and no more: an orderly end beforehand would keep a reset from being one."""
        self.close_request(request)
