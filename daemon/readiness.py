"""Tells systemd how we are (sd_notify(3)); silent where nobody listens."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_ASKED_EVERY = 20.0  # seconds
_ASKED_FOR = 60.0  # seconds from each time on
_LONGEST = 3600.0  # seconds of one piece of a start: what hangs is not waited for for ever


def tell(state: str) -> None:
    """Send a state such as "READY=1" or "STATUS=…" to the socket that systemd named."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    name = "\0" + address[1:] if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as peer:
        try:
            peer.connect(name)
            peer.sendall(state.encode())
        except OSError:
            pass  # whoever started us has gone; the work goes on


@contextmanager
def taking_long(what: str, *, every: float = _ASKED_EVERY, longest: float = _LONGEST) -> Iterator[None]:
    """Until the block ends, or for `longest` seconds, whoever starts us waits, and can read what for.

    For what a start may take minutes for: a first model, a ledger of an earlier version, a large home. It
    says at once and `every` so many seconds that it needs more time (sd_notify(3), EXTEND_TIMEOUT_USEC).
    """
    if not os.environ.get("NOTIFY_SOCKET"):
        yield
        return
    done = threading.Event()

    def ask() -> None:
        left = longest
        while not done.wait(every) and left > 0:
            left -= every
            tell(_more_time(every))

    tell(f"STATUS={what}\n{_more_time(every)}")
    asking = threading.Thread(target=ask, name="start", daemon=True)
    asking.start()
    try:
        yield
    finally:
        done.set()
        asking.join()


def _more_time(every: float) -> str:
    return f"EXTEND_TIMEOUT_USEC={int(1e6 * max(_ASKED_FOR, 3 * every))}"


def ping_seconds(longest: float) -> float:
    """How often systemd wants to hear WATCHDOG=1: half of what it waits, and at most `longest`."""
    try:
        waits = int(os.environ["WATCHDOG_USEC"]) / 1e6
    except (KeyError, ValueError):
        return longest
    return max(0.1, min(longest, waits / 2))
