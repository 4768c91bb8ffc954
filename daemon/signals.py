"""Signals that ask something of the daemon: to stop, or to read its configuration again."""

from __future__ import annotations

import os
import select
import signal
import socket
from collections.abc import Callable
from types import FrameType

STOP = frozenset({signal.SIGTERM, signal.SIGINT})
RELOAD = signal.SIGHUP


class Signals:
    """Waits for signals in the main thread. Asked twice to stop, the process ends at once.

    A signal that comes just before a wait on a lock is noticed only when that wait is over; so
    the interpreter writes it to a socket, and we wait for that (signal.set_wakeup_fd).
    """

    def __init__(self, before_exit: Callable[[], None]) -> None:
        self._before_exit = before_exit
        self._asked_to_stop = False
        self._reading, writing = socket.socketpair()
        self._writing = writing
        for end in (self._reading, writing):
            end.setblocking(False)
        signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        for number in (*STOP, RELOAD):
            signal.signal(number, self._on_signal)

    def wait(self, seconds: float) -> int | None:
        """The next signal, or None after so many seconds. Many that came together are one."""
        ready, _, _ = select.select([self._reading], [], [], seconds)
        came = self._reading.recv(4096) if ready else b""
        stops = [number for number in came if number in STOP]
        if stops:
            return stops[0]
        return RELOAD if RELOAD in came else None

    def close(self) -> None:
        """No more signals are told; another to stop still ends the process."""
        signal.set_wakeup_fd(-1)
        self._reading.close()
        self._writing.close()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if number == RELOAD:
            return
        if self._asked_to_stop:
            # What is under way is safe to leave.
            self._before_exit()
            os._exit(128 + number)
        self._asked_to_stop = True
