"""Tells systemd how we are (sd_notify(3)); silent where nobody listens."""

from __future__ import annotations

import os
import socket


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


def ping_seconds(longest: float) -> float:
    """How often systemd wants to hear WATCHDOG=1: half of what it waits, and at most `longest`."""
    try:
        waits = int(os.environ["WATCHDOG_USEC"]) / 1e6
    except (KeyError, ValueError):
        return longest
    return max(0.1, min(longest, waits / 2))
