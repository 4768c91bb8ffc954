"""How much one request may ask of us: of its head, its body, our time, and how many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from daemon.desk import failures
from daemon.desk.hosts import is_plain
from daemon.desk.languages import marked

MIB = 2**20
_CLOSE = {"Connection": "close"}


@dataclass(frozen=True, slots=True)
class Bounds:
    """`larger` has the paths that may be sent more than others, with how many bytes."""

    body: int = MIB
    larger: Mapping[str, int] = field(default_factory=dict)
    path: int = 2_000  # bytes
    query: int = 8_000
    headers: int = 64
    seconds: float = 30.0  # until an answer begins
    larger_seconds: float = 300.0  # the same where more may be sent
    at_once: int = 64

    def of_body(self, path: str) -> int:
        return self.larger.get(path, self.body)

    def of_time(self, path: str) -> float:
        return self.larger_seconds if path in self.larger else self.seconds


class Limits:
    """ASGI middleware: refuses what is too much before anything else looks at it."""

    def __init__(self, app: ASGIApp, bounds: Bounds) -> None:
        self._app = app
        self._bounds = bounds
        self._busy: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = self._refusal(scope)
        if refused is not None:
            # Its body may still be coming, and nobody will read it.
            await failures.answer(scope, *refused, headers=_CLOSE)(scope, receive, send)
            return
        answer = _Answer(send)
        body = _Body(receive, self._bounds.of_body(scope["path"]))
        task = asyncio.ensure_future(_run(self._app(scope, body, answer)))
        self._busy.add(task)
        task.add_done_callback(self._busy.discard)
        try:
            await self._in_time(task, answer, scope, receive)
        except asyncio.CancelledError:
            # The desk is being closed, and this takes longer than it waits: an answer like any other, where
            # uvicorn would write a trace into the log.
            task.cancel()
            if not answer.begun.is_set():
                await _too_long(answer, scope, receive)

    async def _in_time(
        self, task: asyncio.Task[None], answer: _Answer, scope: Scope, receive: Receive
    ) -> None:
        begun = asyncio.ensure_future(answer.begun.wait())
        seconds = self._bounds.of_time(scope["path"])
        try:
            await asyncio.wait((task, begun), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            begun.cancel()
        if task.done() or answer.begun.is_set():
            await task
        else:
            # A thread that works for it cannot be stopped, and a task that is cancelled forgets it: so it
            # goes on, still one of those at once, and what it answers is dropped.
            await _too_long(answer, scope, receive)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        if refused := _too_much(scope, self._bounds):
            return refused
        if len(self._busy) >= self._bounds.at_once:
            return 503, marked("Too many requests at once. Try again later.")
        return None


async def _too_long(answer: _Answer, scope: Scope, receive: Receive) -> None:
    """Answer in its place."""
    refusal = failures.answer(scope, 503, marked("This takes too long. Try again later."), headers=_CLOSE)
    await refusal(scope, receive, answer.take_over())


def _too_much(scope: Scope, bounds: Bounds) -> tuple[int, str] | None:
    if len(scope.get("raw_path") or b"") > bounds.path or len(scope["query_string"]) > bounds.query:
        return 414, marked("The address is too long.")
    if len(scope["headers"]) > bounds.headers:
        return 431, marked("The request has too many headers.")
    if not is_plain(scope["path"]):
        return 400, marked("The address cannot be read.")
    said = dict(scope["headers"])
    length = said.get(b"content-length")
    if length is not None and b"transfer-encoding" in said:
        # Whoever stands before us may have read it as another request than we do (RFC 9112, 6.1).
        return 400, marked("The length of this request is said twice.")
    if length is not None and not (length.isdigit() and int(length[:20]) <= bounds.of_body(scope["path"])):
        return 413, marked("That is too large.")
    return None


class TooLargeError(Exception):
    """More came than a request may send."""


async def _run(work: Awaitable[None]) -> None:
    await work


class _Answer:
    """What the application sends, until somebody else answers in its place."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._taken = False
        self.begun = asyncio.Event()

    async def __call__(self, message: Message) -> None:
        if self._taken:
            return
        if message["type"] == "http.response.start":
            self.begun.set()
        await self._send(message)

    def take_over(self) -> Send:
        self._taken = True
        return self._send


class _Body:
    """What comes, up to a limit; it counts also where no length was said."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive = receive
        self._left = most

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                raise TooLargeError
        return message
