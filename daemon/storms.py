"""Storms: the same line of the log again and again. Of each kind so many a minute are let through, the others
are counted and said as one. Decides only: the time is told, nothing is written.
"""

from __future__ import annotations

from dataclasses import dataclass

MOST = 10  # lines of a kind that are let through in a window
SECONDS = 60.0  # how long a window is
MOST_KINDS = 500  # that are told apart at a time; all others share one

_UNTOLD = 80  # characters of a text beyond which it tells no kinds apart


@dataclass(frozen=True, slots=True)
class Kind:
    """What makes two lines the same: who says it, how loud, the message, and what went wrong."""

    logger: str
    level: int
    message: str
    fault: str = ""


ALL_OTHERS = Kind("", 0, "")


@dataclass(frozen=True, slots=True)
class Rest:
    """So many lines of a kind were left out, in so many seconds."""

    kind: Kind
    number: int
    seconds: float


@dataclass(slots=True)
class _Window:
    began: float
    passed: int = 0
    left_out: int = 0


class Storms:
    """Remembers kinds while their windows last, and never more than so many. For one thread at a time."""

    def __init__(self, *, most: int = MOST, seconds: float = SECONDS, kinds: int = MOST_KINDS) -> None:
        self._most = most
        self._seconds = seconds
        self._kinds = kinds
        self._windows: dict[Kind, _Window] = {}  # in the order in which they began

    def passes(self, kind: Kind, now: float) -> bool:
        """Whether a line of this kind is let through at a monotonic moment. Ask `ended` first."""
        known = kind if kind in self._windows or len(self._windows) < self._kinds else ALL_OTHERS
        window = self._windows.setdefault(known, _Window(now))
        if window.passed < self._most:
            window.passed += 1
            return True
        window.left_out += 1
        return False

    def ended(self, now: float) -> list[Rest]:
        """What is to be said of windows that have ended by now; they are forgotten."""
        found = []
        for kind, window in list(self._windows.items()):
            if now - window.began < self._seconds:
                break
            del self._windows[kind]
            found += _rest(kind, window, self._seconds)
        return found

    def everything(self, now: float) -> list[Rest]:
        """The same of all windows, at the end of the log."""
        found = [rest for kind, each in self._windows.items() for rest in _rest(kind, each, now - each.began)]
        self._windows.clear()
        return found

    def next_end(self) -> float | None:
        """When the first window ends in which something was left out; None where nothing was."""
        ends = (each.began + self._seconds for each in self._windows.values() if each.left_out)
        return min(ends, default=None)


def outline(text: str) -> str:
    """What stays the same of a text whose numbers, names and paths change: its beginning without them."""
    for place, sign in enumerate(text[:_UNTOLD]):
        if sign.isdigit() or sign in "/'\"":
            return text[:place]
    return text[:_UNTOLD]


def _rest(kind: Kind, window: _Window, seconds: float) -> list[Rest]:
    return [Rest(kind, window.left_out, round(seconds, 1))] if window.left_out else []
