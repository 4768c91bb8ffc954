"""The guards: what stands before every page. A request that passes them is meant for this desk, comes from a
page of it, is not too much, and is somebody's who may do what it asks for.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable
from urllib.parse import parse_qsl, quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from daemon.desk import failures, hosts
from daemon.desk.admission import Admission, Admitted, is_for_programs
from daemon.desk.doors import FOR_PROGRAMS
from daemon.desk.languages import marked
from daemon.desk.limits import MIB, Bounds, Limits, TooLargeError
from daemon.desk.state import Desk
from daemon.errors import DaemonError

logger = logging.getLogger(__name__)

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not "no-referrer": with it browsers send "Origin: null" with forms of our own (Fetch, "append a
    # request Origin header"), and other sites learn no more by this.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
_SHORTLY = "public, max-age=300"
_NOT_KEPT = "no-store"

# Where somebody who has not signed in may go.
_OPEN = frozenset(("/login", "/enter", "/language"))
_STATIC = "/static/"
# What a reader may send: it changes nothing that others see.
_READERS_MAY = frozenset(("/sign-out", "/language", "/api/tag"))
_LONGEST_FIELD = 500
_TOKEN_HEADER, _TOKEN_FIELD = "x-csrf-token", "csrf"


class Guards:
    """ASGI middleware. Tells those behind it `request.state.person` and `request.state.csrf`."""

    def __init__(self, app: ASGIApp, desk: Desk, admission: Admission) -> None:
        self._app = app
        self._admission = admission
        self._names = hosts.names_of(desk.settings.desk)
        most = desk.settings.reading.file_mib * MIB
        self._limited = Limits(
            self._guarded, Bounds(larger={"/api/articles": most + MIB, "/api/tag": most + MIB})
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._answered(scope, receive, _WithHeaders(scope, send))
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _answered(self, scope: Scope, receive: Receive, send: _WithHeaders) -> None:
        try:
            await self._limited(scope, receive, send)
        except TooLargeError:
            if not send.begun:
                await failures.answer(scope, 413, marked("That is too large."))(scope, receive, send)
        except DaemonError as error:
            logger.error("nobody can be let in", extra={"error": str(error)})
            await failures.answer(scope, 503)(scope, receive, send)
        except Exception:
            logger.exception("a page failed", extra={"path": scope["path"][:200]})
            if send.begun:
                raise
            await failures.answer(scope, 500)(scope, receive, send)

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = scope.setdefault("state", {})
        state["person"], state["csrf"] = None, ""
        headers = Headers(scope=scope)
        if refused := self._not_for_us(scope, headers):
            await refused(scope, receive, send)
            return
        admitted = self._admission.admit(scope)
        identity = admitted.identity if admitted else self._identity_before(scope)
        if admitted:
            state["person"] = admitted.person
        if identity:
            state["csrf"] = self._admission.sessions.token_of(identity)
        if refused := self._not_admitted(scope, headers, admitted):
            await refused(scope, receive, send)
            return
        if scope["method"] not in hosts.SAFE and not (admitted and admitted.identity is None):
            token, receive = await _token(headers, receive)
            if not identity or not self._admission.sessions.is_token_of(identity, token):
                why = marked("This page was open for too long. Go back, load it anew, and try again.")
                await failures.answer(scope, 403, why)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _not_for_us(self, scope: Scope, headers: Headers) -> Response | None:
        given = headers.getlist("host")
        if not hosts.is_ours(given, self._names):
            return PlainTextResponse("This desk has another name.\n", 421, {"Connection": "close"})
        if scope["method"] not in hosts.METHODS:
            return failures.answer(scope, 405, headers={"Connection": "close", "Allow": "GET, POST"})
        secure = self._admission.is_secure(scope)
        if hosts.is_foreign(scope["method"], headers, host=given[0], secure=secure):
            return failures.answer(scope, 403, marked("This was asked for by a page of another site."))
        return None

    def _not_admitted(self, scope: Scope, headers: Headers, admitted: Admitted | None) -> Response | None:
        path, method = scope["path"], scope["method"]
        if path in _OPEN or path.startswith(_STATIC) or (path in FOR_PROGRAMS and method in hosts.SAFE):
            return None
        if admitted is None:
            return self._to_sign_in(scope, headers)
        if method not in hosts.SAFE and not admitted.person.may_change and path not in _READERS_MAY:
            return failures.answer(scope, 403, marked("A reader may not change anything."))
        return None

    def _to_sign_in(self, scope: Scope, headers: Headers) -> Response:
        if is_for_programs(scope["path"]):
            return failures.answer(scope, 401, "not signed in", headers={"WWW-Authenticate": "Bearer"})
        if self._admission.way == "proxy":
            return failures.answer(scope, 401, marked("The proxy before this desk does not say who you are."))
        if headers.get("hx-request"):
            # A part of a page would show the form in its place; so the whole page is loaded anew.
            return failures.answer(scope, 401, headers={"HX-Refresh": "true"})
        if scope["method"] not in hosts.SAFE:
            return RedirectResponse("/login", 303)
        if headers.get("sec-fetch-site") == "cross-site":
            # Who follows a link from elsewhere sends no SameSite=Strict cookie; a page of ours that goes on
            # to the same place does.
            return failures.again(scope)
        here = hosts.asked_for(scope["path"], scope["query_string"])
        return RedirectResponse("/login" if here == "/" else f"/login?next={quote(here, safe='')}", 303)

    def _identity_before(self, scope: Scope) -> str | None:
        given = HTTPConnection(scope).cookies.get(self._admission.cookie_before(scope), "")
        return f"before {given[:_LONGEST_FIELD]}" if given else None


class _WithHeaders:
    """What is sent has what each answer of the desk has."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._send = send
        self._kept = _SHORTLY if scope["path"].startswith(_STATIC) else _NOT_KEPT
        self.begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("cache-control", self._kept if message["status"] < 400 else _NOT_KEPT)
        await self._send(message)


async def _token(headers: Headers, receive: Receive) -> tuple[str, Receive]:
    """The token of a request, and how to receive it anew where its body had to be read for that."""
    if (given := headers.get(_TOKEN_HEADER)) is not None:
        return given, receive
    if (
        headers.get("content-type", "").partition(";")[0].strip().lower()
        != "application/x-www-form-urlencoded"
    ):
        return "", receive
    messages = [message async for message in _messages(receive)]
    body = b"".join(message.get("body", b"") for message in messages)
    return _field(body), _again(messages, receive)


async def _messages(receive: Receive) -> AsyncIterator[Message]:
    while True:
        message = await receive()
        yield message
        if message["type"] != "http.request" or not message.get("more_body"):
            return


def _again(messages: Iterable[Message], receive: Receive) -> Receive:
    left = iter(messages)

    async def received() -> Message:
        for message in left:
            return message
        return await receive()

    return received


def _field(body: bytes) -> str:
    """The form's token; none where there are two of them, or it is no form."""
    try:
        fields = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=2_000)
    except ValueError:
        return ""
    found = [value for name, value in fields if name == _TOKEN_FIELD]
    return found[0] if len(found) == 1 else ""
