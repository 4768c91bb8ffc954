"""Listening: what people press and type in Slack, over one Socket Mode connection after the other."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from slack_sdk import WebClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.webhook import WebhookClient
from sqlalchemy.exc import SQLAlchemyError

from classifier import shorten
from daemon import clicks, clock
from daemon.backoff import Backoff
from daemon.clicks import Click, Typed
from daemon.database import plainly
from daemon.errors import DaemonError, DeliveryError, ReceiverRefusedError
from daemon.lines import REPLACED, SILENT, Line
from daemon.slackerrors import translated

logger = logging.getLogger(__name__)

_GLANCE = 0.5  # seconds between two looks
_PATIENCE = 60.0  # seconds without an answer to a ping
_TIMEOUT = 5  # seconds for Slack to name an address
_REFUSED = 600.0  # seconds until a token that Slack refuses is tried again
_LONG_LIVED = 60.0  # seconds; apps.connections.open is of tier 1, about one call a minute
_KEPT = {REPLACED: 30.0}  # seconds that a line which is left may still bring something
_KEPT_OTHERWISE = 1.0
_MOST_OLD = 3
_OTHERS_LISTEN = 10.0  # seconds until a daemon looks again whether it is needed
_END_SECONDS = 4.0  # a read of slack_sdk's takes up to 3
_MOST_SAID = 3000  # characters of an answer


@dataclass(frozen=True, slots=True)
class Standing:
    """How listening goes. `trouble`: why there is no connection, or the last one was left.

    `failed` counts the clicks and commands that could not be taken.
    """

    connected: bool = False
    since: datetime | None = None
    built: int = 0
    clicks: int = 0
    commands: int = 0
    failed: int = 0
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class _Done:
    """What goes with the acknowledgement, and what is said to the person besides."""

    answer: dict[str, Any] | None = None
    aside: str | None = None


class Listener:
    """Keeps a connection to Slack, and hands on what comes over it.

    `on_click` commits what a click does, and returns what is to be said to the person of it, if
    anything; `on_command` commits what a command does, and returns its answer. Both are called from
    any thread. Slack is told that we have it after they return; if they raise it is not, and shows
    the person a fault, or sends it again. `may_listen`: an app has ten connections at most
    (docs.slack.dev, Socket Mode), so of many daemons some listen.
    """

    def __init__(
        self,
        app_token: str,
        api_url: str,
        on_click: Callable[[Click], str | None],
        on_command: Callable[[Typed], str],
        *,
        patience: float = _PATIENCE,
        backoff: Backoff | None = None,
        may_listen: Callable[[], bool] = lambda: True,
    ) -> None:
        self._token = app_token
        self._web = WebClient(base_url=api_url, timeout=_TIMEOUT, retry_handlers=[], logger=SILENT)
        self._api_url = api_url
        self._on_click = on_click
        self._on_command = on_command
        self._patience = patience
        self._may_listen = may_listen
        self._backoff = backoff or Backoff(first=1.0, ceiling=120.0)
        self._line: Line | None = None
        self._old: list[tuple[Line, float]] = []  # with the moment at which each is to end
        self._ending: list[Line] = []
        self._built_at = 0.0
        self._failures = 0
        self._free_at = float("-inf")
        self._closed = False
        self._standing = Standing()
        self._counting = threading.Lock()

    @property
    def standing(self) -> Standing:
        return self._standing

    def work(self) -> float:
        """See that there is a good line. Returns in how many seconds to be called again."""
        now = clock.monotonic()
        self._end_old(now)
        trouble = self._line.trouble(self._patience) if self._line is not None else None
        if self._line is not None and trouble is not None:
            self._leave(self._line, trouble, now)
        if self._line is None and now >= self._free_at and not self._closed:
            if self._may_listen():
                self._build()
            else:
                self._free_at = now + _OTHERS_LISTEN
        return _GLANCE

    def close(self) -> None:
        """End every connection; what is being taken is taken. No other is made."""
        self._closed = True
        lines = [*self._ending, *(line for line, _ in self._old), *filter(None, [self._line])]
        self._line, self._old, self._ending = None, [], []
        self._note(connected=False, since=None)
        for line in lines:
            line.end()
        until = clock.monotonic() + _END_SECONDS
        for line in lines:
            line.wait(max(0.0, until - clock.monotonic()))

    def _build(self) -> None:
        try:
            line = Line(self._address(), self._web, self._heard)
        except DeliveryError as error:
            self._put_off(error)
            return
        self._line, self._built_at = line, clock.monotonic()
        if self._closed:  # meanwhile
            line.end()
            return
        self._note(connected=True, since=clock.now(), built=self._standing.built + 1)
        logger.info("listening to Slack", extra={"connections": self._standing.built})

    def _address(self) -> str:
        try:
            return str(self._web.apps_connections_open(app_token=self._token)["url"])
        except Exception as error:
            raise translated(error) from error

    def _put_off(self, error: DeliveryError) -> None:
        self._failures += 1
        after = getattr(error, "retry_after", None)
        wait = self._backoff.delay(self._failures, retry_after=after)
        if isinstance(error, ReceiverRefusedError):
            wait = _REFUSED
        self._free_at = clock.monotonic() + wait
        reason = str(error)
        if reason != self._standing.trouble:
            logger.error("cannot listen to Slack", extra={"error": reason, "again_in": round(wait, 1)})
        self._note(trouble=reason)

    def _leave(self, line: Line, trouble: str, now: float) -> None:
        """Another line is due: at once if this one served for long, else as after a failure."""
        self._failures = 0 if now - self._built_at >= _LONG_LIVED else self._failures + 1
        self._free_at = now + self._backoff.delay(self._failures) if self._failures else now
        self._line = None
        self._old.append((line, now + _KEPT.get(trouble, _KEPT_OTHERWISE)))
        self._note(connected=False, since=None, trouble=trouble)
        logger.info("a connection to Slack is left", extra={"reason": trouble})

    def _end_old(self, now: float) -> None:
        self._ending = [line for line in self._ending if not line.wait(0.0)]
        kept: list[tuple[Line, float]] = []
        for place, (line, until) in enumerate(reversed(self._old)):
            last = min(until, now + _KEPT_OTHERWISE) if line.is_closed else until
            if last <= now or place >= _MOST_OLD:
                line.end()
                self._ending.append(line)
            else:
                kept.insert(0, (line, last))
        self._old = kept

    def _heard(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        """First what is said is done, and then Slack is told that we have it."""
        try:
            done = self._do(request)
        except Exception as error:
            self._count(failed=1)
            known = isinstance(error, SQLAlchemyError | DaemonError | OSError)
            said = {"kind": str(request.type)[:40], "error": plainly(error)}
            logger.error("what Slack told us was not taken", extra=said, exc_info=not known)
            return
        try:
            client.send_socket_mode_response(SocketModeResponse(request.envelope_id, done.answer))
        except Exception as error:
            # It is kept all the same; Slack may tell us again, and then it is done already.
            logger.info("Slack could not be told that we have it", extra={"error": type(error).__name__})
        if done.aside:
            self._say_aside(clicks.response_address(request.payload), done.aside)

    def _do(self, request: SocketModeRequest) -> _Done:
        """What is not for us is acknowledged as well, or Slack would go on to tell us."""
        if request.type == "interactive":
            click = clicks.parse(request.payload)
            if click is not None:
                said = self._on_click(click)
                self._count(clicks=1)
                return _Done(aside=said)
        elif request.type == "slash_commands":
            typed = clicks.parse_typed(request.payload)
            if typed is not None:
                answer = self._on_command(typed)
                self._count(commands=1)
                return _Done({"response_type": "ephemeral", "text": shorten(answer, _MOST_SAID)})
        return _Done()

    def _say_aside(self, address: str | None, said: str) -> None:
        """To the person alone, once: nothing depends on its arriving."""
        if address is None or not _is_slacks(address, self._api_url):
            return
        client = WebhookClient(address, timeout=_TIMEOUT, retry_handlers=[], logger=SILENT)
        try:
            client.send(text=shorten(said, _MOST_SAID), response_type="ephemeral", replace_original=False)
        except Exception as error:
            logger.info("a click could not be answered", extra={"error": type(error).__name__})

    def _count(self, *, clicks: int = 0, commands: int = 0, failed: int = 0) -> None:
        with self._counting:
            now = self._standing
            self._standing = replace(
                now, clicks=now.clicks + clicks, commands=now.commands + commands, failed=now.failed + failed
            )

    def _note(self, **changes: Any) -> None:
        with self._counting:
            self._standing = replace(self._standing, **changes)


def _is_slacks(address: str, api_url: str) -> bool:
    """Whether an answer to a click may go there; Slack takes them at a host of its own."""
    try:
        there, ours = urlsplit(address), urlsplit(api_url)
    except ValueError:
        return False
    hosts = {ours.netloc, f"hooks.{ours.netloc}"} if there.scheme == ours.scheme else set()
    return there.netloc in hosts or (there.scheme, there.netloc) == ("https", "hooks.slack.com")
