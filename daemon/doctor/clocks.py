"""The clock: whether somebody keeps it right, and by which time zone cron lines go."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator

from tzlocal import get_localzone_name

from daemon.config import Settings
from daemon.findings import Finding, fine, warning

_ERROR = 5  # adjtimex(2), TIME_ERROR
_UNSYNCHRONISED = 0x0040  # STA_UNSYNC
_TIMEX_BYTES = 512  # more than a struct timex takes on any machine
_STATUS_AT = 5 * ctypes.sizeof(ctypes.c_long)  # behind modes, offset, freq, maxerror and esterror


def examine(settings: Settings) -> Iterator[Finding]:
    yield kept_right(is_synchronised())
    zone = os.environ.get("TZ") or get_localzone_name()
    yield fine("time zone", f"{zone}: cron lines go by it, unless they have a zone of their own")


def is_synchronised() -> bool | None:
    """Whether the kernel's clock follows another, as NTP lets it; None where the kernel does not say."""
    try:
        adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
    except (AttributeError, OSError):
        return None
    asked = ctypes.create_string_buffer(_TIMEX_BYTES)  # modes 0: it changes nothing
    state = adjtimex(asked)
    if state < 0:
        return None
    status = int.from_bytes(asked.raw[_STATUS_AT : _STATUS_AT + 4], "little")
    return state != _ERROR and not status & _UNSYNCHRONISED


def kept_right(found: bool | None) -> Finding:
    if found is None:
        return fine("time", "the kernel does not say whether it is kept right")
    if not found:
        return warning(
            "time",
            "nothing keeps the clock of this machine right: digests and quiet hours go by it",
            "timedatectl set-ntp true",
        )
    return fine("time", "is kept right by NTP")
