"""A stand-in for Slack that does one thing after the other, for walks whose clock runs ahead.

In a walk the thirteen seconds after which a message surely shows are over at once, and the process
that sent it may be dead; so nothing is answered here before all that came earlier is kept.
"""

from __future__ import annotations

import sys
from typing import Any

from tests.slack_stand_in import SlackStandIn, _Handler, _Server


class PatientSlack(SlackStandIn):
    """As `SlackStandIn`; who hangs up in the middle is nothing to it."""

    def _listen(self) -> _Server:
        handler = type("Handler", (_Whole, self._handler), {})
        return _OneByOne(("127.0.0.1", self.port), handler)


class _Whole(_Handler):
    def _arguments(self, body: bytes) -> dict[str, Any]:
        if len(body) < int(self.headers["Content-Length"]):
            raise ConnectionAbortedError("cut off in the middle")
        return super()._arguments(body)


class _OneByOne(_Server):
    def process_request(self, request: Any, client_address: Any) -> None:
        self.finish_request(request, client_address)
        self.shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)
