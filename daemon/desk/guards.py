"""The guards: what stands before every page. (In the making: they let everybody in.)"""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from daemon.desk.people import Person, Role
from daemon.desk.state import Desk

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class Guards:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        self._app = app
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            state = scope.setdefault("state", {})
            state["person"] = Person("operator", Role.EDITOR)
            state["csrf"] = ""
        await self._app(scope, receive, send)
