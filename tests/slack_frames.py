"""As much of WebSocket (RFC 6455) as a server needs that speaks to one well-behaved kind of client."""

from __future__ import annotations

import base64
import hashlib
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
_CONTINUATION = 0x0
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3


class Link:
    """One WebSocket connection, as its server holds it. Any thread may send."""

    def __init__(self, connection: socket.socket, number: int) -> None:
        self.number = number
        self.pongs = 0
        self.pings = 0
        self.is_open = False  # for messages: after hello, before the end
        self.is_zombie = False
        self._connection = connection
        self._lock = threading.Lock()
        self._kind, self._parts = _CONTINUATION, b""  # of a message that is not whole yet

    def shake_hands(self, is_welcome: Callable[[str], bool]) -> bool:
        """Answer the request to upgrade, if its path is welcome."""
        lines = self._head().split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines[1:])
        }
        path = lines[0].split(" ")[1] if lines[0].count(" ") == 2 else ""
        key = headers.get("sec-websocket-key")
        if key is None or headers.get("upgrade", "").lower() != "websocket" or not is_welcome(path):
            self._connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            return False
        accepted = base64.b64encode(hashlib.sha1(key.encode() + _MAGIC).digest()).decode()
        self._connection.sendall(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accepted}\r\n\r\n".encode()
        )
        return True

    def _head(self) -> str:
        found = b""
        while not found.endswith(b"\r\n\r\n"):
            found += self._exactly(1)
        return found.decode("latin-1").removesuffix("\r\n\r\n")

    def receive(self) -> tuple[int, bytes]:
        """The next message: what it is, and its payload. ConnectionError at the end."""
        while True:
            first, second = self._exactly(2)
            length = second & 0x7F
            if length == 126:
                (length,) = struct.unpack("!H", self._exactly(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", self._exactly(8))
            if not second & 0x80:
                raise ConnectionError("a client that does not mask")  # section 5.1
            mask = self._exactly(4)
            payload = bytes(byte ^ mask[at % 4] for at, byte in enumerate(self._exactly(length)))
            if first & 0x0F >= CLOSE:
                return first & 0x0F, payload  # may come between the parts of a message
            self._kind, self._parts = first & 0x0F or self._kind, self._parts + payload
            if first & 0x80:
                whole, self._parts = self._parts, b""
                return self._kind, whole

    def _exactly(self, number: int) -> bytes:
        found = b""
        while len(found) < number:
            part = self._connection.recv(number - len(found))
            if not part:
                raise ConnectionError("closed")
            found += part
        return found

    def send(self, kind: int, payload: bytes = b"") -> bool:
        """Whether it went out."""
        if len(payload) < 126:
            head = struct.pack("!BB", 0x80 | kind, len(payload))
        elif len(payload) < 65536:
            head = struct.pack("!BBH", 0x80 | kind, 126, len(payload))
        else:
            head = struct.pack("!BBQ", 0x80 | kind, 127, len(payload))
        try:
            with self._lock:
                self._connection.sendall(head + payload)
        except OSError:
            return False
        return True

    def close(self, code: int = 1000) -> None:
        """The orderly end, from our side."""
        self.is_open = False
        self.send(CLOSE, struct.pack("!H", code))
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        """The end without a word: a reset."""
        self.is_open = False
        with suppress(OSError):
            self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # Closing alone does nothing while another thread receives from it.
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RD)
        self._connection.close()
