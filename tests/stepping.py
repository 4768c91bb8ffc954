"""Work that is killed before its n-th step, in a process of its own. Steps: what Python audits (PEP 578)."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

Counts = Callable[[str, tuple[object, ...]], bool]


def killed_at(step: int, work: Callable[[], object], *, counts: Counts) -> bool:
    """Whether it came to its end before. `counts`: is an event, with its details, a step."""
    child = os.fork()
    if child == 0:
        seen = 0

        def count(event: str, details: tuple[object, ...]) -> None:
            nonlocal seen
            if counts(event, details):
                seen += 1
                if seen == step:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert not os.WIFEXITED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFEXITED(status)
