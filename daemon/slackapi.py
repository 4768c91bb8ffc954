"""One Slack app: its client, and the gate that the senders of all its channels pass.

slack_sdk by default sends a request again when the connection breaks, also when Slack had it
already; so what writes is never retried here, and the outbox decides.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Lock

from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from daemon import clock
from daemon.backoff import Backoff, Pace
from daemon.errors import AppRefusedError, DeliveryError, TemporaryDeliveryError
from daemon.slackerrors import header, is_of_rights, translated

logger = logging.getLogger(__name__)

TIMEOUT = 10  # seconds
READING_TIMEOUT = 5
# chat.update is of tier 3: 50 a minute a workspace (docs.slack.dev, rate limits).
UPDATE_INTERVAL, UPDATE_BURST = 1.2, 3

_PROBE = Backoff(first=30.0, ceiling=600.0)
_GLANCE = 5.0  # seconds after which whoever waits at the gate sees whether it is open


class SlackApp:
    """One token, shared by the senders of all its channels. For any number of threads.

    Once Slack refuses the app, nothing is sent until a lone probe (`auth.test`, after 30 seconds,
    then ever more rarely, at last every 10 minutes) is answered well. A method that Slack limits is
    left alone until the time it asks for.
    """

    def __init__(self, token: str, api_url: str, *, update_pace: Pace | None = None) -> None:
        self.writing = WebClient(token, base_url=api_url, timeout=TIMEOUT, retry_handlers=[])
        # Reading might be repeated, but slack_sdk sleeps in between; whoever asks comes again anyway.
        self.reading = WebClient(token, base_url=api_url, timeout=READING_TIMEOUT, retry_handlers=[])
        self.update_pace = update_pace or Pace(UPDATE_INTERVAL, UPDATE_BURST)
        self.scopes: frozenset[str] = frozenset()
        self._lock = Lock()
        self._free_at: dict[str, float] = {}
        self._refusal: AppRefusedError | None = None
        self._refusals = 0
        self._probe_at = 0.0
        self._probing = False

    def wait(self, method: str) -> float:
        """Seconds until this method may be called; a probe goes out from here when it is due."""
        left = self._at_the_gate()
        with self._lock:
            return max(left, self._free_at.get(method, 0.0) - clock.monotonic(), 0.0)

    def call(self, method: str, request: Callable[[], SlackResponse]) -> SlackResponse:
        """The answer to a request, or the DeliveryError that its failure is, from what caused it."""
        try:
            answer = request()
        except Exception as error:
            self._note_scopes(getattr(error, "response", None))
            found = translated(error)
            found.__cause__ = error
            self._learn(method, found)
            raise found from error
        self._note_scopes(answer)
        if method == "chat.postMessage":
            self._refusals = 0
        return answer

    def read(self, method: str, request: Callable[[], SlackResponse]) -> SlackResponse:
        """The same for a request without a pace of its own: TemporaryDeliveryError while it has to wait."""
        wait = self.wait(method)
        if wait > 0:
            raise TemporaryDeliveryError(f"{method} has to wait: {self.refusal}", retry_after=wait)
        return self.call(method, request)

    def identity(self) -> SlackResponse:
        """Whom Slack takes us for (`auth.test`); `scopes` is known from then on."""
        return self.call("auth.test", self.reading.auth_test)

    @property
    def refusal(self) -> str:
        """Why nothing is sent at present."""
        return str(self._refusal or "Slack is limiting us")

    def _at_the_gate(self) -> float:
        with self._lock:
            if self._refusal is None:
                return 0.0
            left = self._probe_at - clock.monotonic()
            if left > 0 or self._probing:
                return min(max(left, 1.0), _GLANCE)
            self._probing = True
        is_good = False
        try:
            is_good = self._probe()
        finally:
            with self._lock:
                self._probing = False
                if is_good:
                    self._refusal = None
                else:
                    self._shut()
        logger.info("Slack takes the app again" if is_good else "Slack still refuses the app")
        return 0.0 if is_good else _GLANCE

    def _probe(self) -> bool:
        try:
            self.identity()
        except DeliveryError:
            return False
        return not self.scopes or any(_may_post(scope) for scope in self.scopes)

    def _learn(self, method: str, found: DeliveryError) -> None:
        """What a failure says of all that is sent after it."""
        retry_after = getattr(found, "retry_after", None)
        if retry_after:
            with self._lock:
                self._free_at[method] = clock.monotonic() + retry_after
        if not isinstance(found, AppRefusedError) or method == "auth.test":
            return
        if is_of_rights(found) and not method.startswith("chat."):
            return  # that method lacks its scope; alerts go on
        with self._lock:
            is_new = self._refusal is None
            self._refusal = found
            if is_new:
                self._shut()
        if is_new:
            logger.error("Slack refuses the app, nothing is sent", extra={"error": str(found)})

    def _shut(self) -> None:
        self._refusals += 1
        self._probe_at = clock.monotonic() + _PROBE.delay(self._refusals)

    def _note_scopes(self, answer: SlackResponse | None) -> None:
        told = header(getattr(answer, "headers", None), "x-oauth-scopes")
        if told is not None:
            self.scopes = frozenset(filter(None, told.replace(" ", "").split(",")))


def _may_post(scope: str) -> bool:
    return scope.startswith("chat:write") or scope == "bot"  # as apps of old have it
