"""HTTP with deadlines: uvicorn waits for a request as long as it takes (its issue 157), and we do not.

Whoever opens connections and sends little has them for some seconds, and only so many of them.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Patience:
    """How long we wait for whom, and how many may be with us at once."""

    request: float = 15.0  # seconds until a whole request has come
    bytes_a_second: float = 64 * 1024.0  # what a longer one must come with
    reading: float = 30.0  # seconds until somebody takes what we send
    most: int = 512  # connections
    most_of_one: int = 128  # of one address, if it is no proxy of ours
    proxies: Collection[Network] = ()

    def until(self, received: int) -> float:
        """Seconds for a request of which so many bytes have come."""
        return self.request + received / self.bytes_a_second

    def of_address(self, address: str) -> int:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return self.most
        known = any(found in each for each in self.proxies if each.version == found.version)
        return self.most if known else self.most_of_one


@dataclass(slots=True)
class Crowd:
    """Everybody who is connected. Those who have not sent a whole request stand in the order they came."""

    patience: Patience
    _waiting: dict[Visitor, None] = field(default_factory=dict)
    _of_address: Counter[str] = field(default_factory=Counter)
    _number: int = 0

    def let_in(self, visitor: Visitor) -> bool:
        """Whether there is a place; one who has waited longest without asking anything makes room."""
        address = visitor.address
        if self._of_address[address] >= self.patience.of_address(address):
            given = self._turn_out(next((each for each in self._waiting if each.address == address), None))
        elif self._number >= self.patience.most:
            given = self._turn_out(next(iter(self._waiting), None))
        else:
            given = True
        if given:
            self._number += 1
            self._of_address[address] += 1
            self._waiting[visitor] = None
        return given

    def has_asked(self, visitor: Visitor) -> None:
        self._waiting.pop(visitor, None)

    def is_waiting(self, visitor: Visitor) -> None:
        self._waiting.setdefault(visitor)

    def gone(self, visitor: Visitor) -> None:
        self._waiting.pop(visitor, None)
        self._number -= 1
        self._of_address[visitor.address] -= 1
        if not self._of_address[visitor.address]:
            del self._of_address[visitor.address]

    def _turn_out(self, visitor: Visitor | None) -> bool:
        if visitor is None:
            return False
        visitor.leave()
        return True


class Visitor(H11Protocol):
    """A connection. `crowd` is set by `visitors_of`."""

    crowd: Crowd

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.address = ""
        self._counted = False
        self._received = 0
        self._since = 0.0
        self._deadline: asyncio.TimerHandle | None = None
        self._slow: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        super().connection_made(transport)
        self.address = self.client[0] if self.client else ""
        if not self.crowd.let_in(self):
            transport.abort()
            return
        self._counted = True
        self._begin_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        self._cancel_slow()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self._counted:
            return
        if self._deadline is None and self.conn.their_state in _COMING:
            self._begin_waiting()
        self._received += len(data)
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._cancel_slow()
        self._slow = self.loop.call_later(self.crowd.patience.reading, self.leave)

    def resume_writing(self) -> None:
        self._cancel_slow()
        super().resume_writing()

    def leave(self) -> None:
        """At once, and without a word: whoever has not asked is owed no answer."""
        self._forget()
        self.transport.abort()

    def _begin_waiting(self) -> None:
        self._received = 0
        self._since = self.loop.time()
        self._await(self.crowd.patience.request)

    def _await(self, seconds: float) -> None:
        self._deadline = self.loop.call_later(seconds, self._too_late)

    def _too_late(self) -> None:
        """What has come meanwhile may have earned it more time."""
        left = self._since + self.crowd.patience.until(self._received) - self.loop.time()
        if left > 0:
            self._await(left)
        else:
            self.leave()

    def _look(self) -> None:
        """Whether a whole request has come, or one is still to come."""
        if not self._counted:
            return
        if self.conn.their_state in _COMING:
            self.crowd.is_waiting(self)
            return
        self.crowd.has_asked(self)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _forget(self) -> None:
        if self._counted:
            self._counted = False
            self.crowd.gone(self)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _cancel_slow(self) -> None:
        if self._slow is not None:
            self._slow.cancel()
            self._slow = None


_COMING = (h11.IDLE, h11.SEND_BODY)


def visitors_of(crowd: Crowd) -> type[Visitor]:
    """The protocol of a server whose connections are this crowd."""
    return type("VisitorOfCrowd", (Visitor,), {"crowd": crowd})
