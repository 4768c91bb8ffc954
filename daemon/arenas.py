"""Arenas: the heaps that glibc gives to threads, up to eight a processor. What is free in one no other uses.

The daemon's threads are many and brief, so that each heap in the end has had the most that any thread needed:
in a day of 24 hours 250 MiB of 470 were free and kept (python -m tests.day). Source: mallopt(3).
"""

from __future__ import annotations

import ctypes
from contextlib import suppress

_ARENA_MAX = -8  # M_ARENA_MAX of malloc.h
_FEW = 2  # the interpreter's lock lets one thread at a time ask for memory, but for sqlite's and numpy's


def keep_few() -> None:
    """This process has two from here on; to be called before it starts threads. Nothing without glibc."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, _FEW)
