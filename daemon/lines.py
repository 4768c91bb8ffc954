"""Lines: a Socket Mode connection, from its opening to its end. A line that is not well is not mended.

slack_sdk's built-in client reads and writes the socket. What it does about a broken one is switched off
here. Measured with 3.47: where the other side hangs up without a word its reader spins at full load
and another connection stands after 25 seconds; a socket on which no ping was ever answered is kept
for ever; being throttled puts it to sleep in the thread that handles what comes.
"""

from __future__ import annotations

import logging
import select
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from slack_sdk import WebClient
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.builtin.connection import Connection
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from daemon import clock
from daemon.database import plainly
from daemon.errors import TemporaryDeliveryError

Heard = Callable[[BaseSocketModeClient, SocketModeRequest], None]

REPLACED = "Slack asked for another connection"
CLOSED = "the connection was closed"

PING_SECONDS = 5.0  # slack_sdk's own
_BUFFER = 2**16  # bytes; slack_sdk reads a long message by recursion, one step a buffer
_AT_ONCE = 4  # threads that hand on what comes

# slack_sdk writes what people say, addresses with tickets and headers with tokens into its log.
SILENT = logging.Logger("slack_sdk", logging.CRITICAL + 1)


class Line:
    """One connection. Opens when it is made, or raises a DeliveryError; `heard` is called from threads
    of its own with every envelope, and has to acknowledge it.
    """

    def __init__(self, address: str, web: WebClient, heard: Heard) -> None:
        self._why = ""
        self._client = _Client(
            app_token="",
            logger=SILENT,
            web_client=web,
            auto_reconnect_enabled=False,
            ping_interval=PING_SECONDS,
            receive_buffer_size=_BUFFER,
            concurrency=_AT_ONCE,
            on_error_listeners=[self._note],
        )
        self._client.wss_uri = address
        self._client.socket_mode_request_listeners.append(heard)
        self._ending: threading.Thread | None = None
        self._last_pong: float | None = None
        self._alive_at = clock.monotonic()
        self._client.connect()
        if not self._client.is_connected():
            self.end()
            raise TemporaryDeliveryError(f"Slack's socket cannot be opened: {self._why or 'it was refused'}")

    def trouble(self, patience: float) -> str | None:
        """Why this line should be left, if it should: one that has not answered a ping for `patience`
        seconds is as bad as a closed one, and Slack may ask for another.
        """
        session = self._client.current_session
        if self._client.is_to_be_replaced:
            return REPLACED
        if session is None or self.is_closed:
            return CLOSED
        now = clock.monotonic()
        # slack_sdk notes by the wall clock when it sent the ping that was answered last.
        if session.last_ping_pong_time != self._last_pong:
            self._last_pong, self._alive_at = session.last_ping_pong_time, now
        silent = now - self._alive_at
        return f"no answer to a ping for {silent:.0f} s" if silent > patience else None

    @property
    def is_closed(self) -> bool:
        """Whether either side has closed it."""
        session = self._client.current_session
        return session is None or _has_hung_up(session)

    def end(self) -> None:
        """Close it; what is being taken is taken. Returns at once."""
        if self._ending is None:
            self._ending = threading.Thread(target=self._end, name="end of a line", daemon=True)
            self._ending.start()

    def wait(self, seconds: float) -> bool:
        """Whether it has ended by then."""
        if self._ending is not None:
            self._ending.join(seconds)
        return self._ending is not None and not self._ending.is_alive()

    def _end(self) -> None:
        client, session = self._client, self._client.current_session
        found = session.sock if session is not None else None
        if found is not None:
            with suppress(OSError):  # wakes slack_sdk's reader, which holds the lock that closing needs
                socket.socket.shutdown(found, socket.SHUT_RDWR)
        client.closed = True
        client.message_queue.put(None)  # wakes the thread that hands on
        try:
            client.close()
        except AttributeError:  # its reader closed the socket between two of its own steps
            client.close()

    def _note(self, error: Exception) -> None:
        self._why = plainly(error)


class _Client(SocketModeClient):
    """Every way by which slack_sdk would connect again leads here, and only says that it wants to."""

    is_to_be_replaced = False

    def connect_to_new_endpoint(self, force: bool = False) -> None:
        self.is_to_be_replaced = True


def _has_hung_up(session: Connection) -> bool:
    """Whether the other side has closed; slack_sdk's reader does not take an empty read for it."""
    found = session.sock
    if found is None:
        return True
    try:
        poll = select.poll()
        poll.register(found, select.POLLRDHUP)
        return bool(poll.poll(0))
    except (OSError, ValueError):  # closed by now
        return True
