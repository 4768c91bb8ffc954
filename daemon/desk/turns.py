"""Whose turn it is at what: what somebody skipped comes back later, and two people are shown two entries.

Kept in memory alone: after a restart everything is asked of everybody again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from daemon import clock
from daemon.desk.waiting import Entry, Name

SKIPPED_FOR = 3600.0  # seconds
_SHOWN_FOR = 120.0  # seconds in which nobody else is asked of what is in front of somebody
_MOST_PEOPLE, _MOST_SKIPPED = 500, 1000


@dataclass
class _Own:
    """What somebody skipped, with the moment until which; `steps` are skips since their last decision."""

    skipped: OrderedDict[Name, float] = field(default_factory=OrderedDict)
    steps: list[Name] = field(default_factory=list)
    shown: tuple[Name, float] | None = None


class Turns:
    """Safe to share between threads. Moments are by the monotonic clock."""

    def __init__(self, now: Callable[[], float] = clock.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._people: OrderedDict[str, _Own] = OrderedDict()

    def first(self, person: str, entries: Sequence[Entry], *, takes: bool) -> Entry | None:
        """The first that this person has not skipped, and if possible nobody else has in front of them.

        `takes`: it is then in front of this person.
        """
        with self._lock:
            now, own = self._now(), self._of(person)
            left = [each for each in entries if own.skipped.get(each.name, 0.0) <= now]
            taken = {
                other.shown[0]
                for name, other in self._people.items()
                if name != person and other.shown is not None and other.shown[1] > now
            }
            found = next((each for each in left if each.name not in taken), left[0] if left else None)
            if takes:
                own.shown = (found.name, now + _SHOWN_FOR) if found else None
            return found

    def skipped(self, person: str, entries: Sequence[Entry]) -> int:
        """How many of the entries this person has skipped."""
        with self._lock:
            now, own = self._now(), self._of(person)
            return sum(own.skipped.get(each.name, 0.0) > now for each in entries)

    def skip(self, person: str, name: Name) -> None:
        with self._lock:
            own = self._of(person)
            own.skipped.pop(name, None)
            own.skipped[name] = self._now() + SKIPPED_FOR
            own.steps.append(name)
            del own.steps[:-_MOST_SKIPPED]
            while len(own.skipped) > _MOST_SKIPPED:
                own.skipped.popitem(last=False)

    def unskip(self, person: str) -> Name | None:
        """Take back the last skip, if nothing was decided after it."""
        with self._lock:
            own = self._of(person)
            if not own.steps:
                return None
            name = own.steps.pop()
            own.skipped.pop(name, None)
            return name

    def bring_back(self, person: str) -> None:
        """All that this person skipped waits again."""
        with self._lock:
            self._of(person).skipped.clear()
            self._of(person).steps.clear()

    def has_skipped(self, person: str) -> bool:
        """Whether the last step of this person was a skip."""
        with self._lock:
            return bool(self._of(person).steps)

    def decided(self, person: str) -> None:
        """This person decided something: what they skipped before is no more the last step."""
        with self._lock:
            self._of(person).steps.clear()

    def _of(self, person: str) -> _Own:
        own = self._people.setdefault(person, _Own())
        self._people.move_to_end(person)
        while len(self._people) > _MOST_PEOPLE:
            self._people.popitem(last=False)
        return own
