"""What is to be lived: how long, how fast, how many articles, and which fault at which moment."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

DAY = 86400.0

# Faults that a daemon lives through, and such as end it. The first are in the first two thirds or more, so
# that one life lasts long enough to see whether it grows.
FIRST = "a model swapped"  # what takes memory once is taken before it is looked whether memory grows
LIVED = (
    "slack is too busy",
    "slack answers 500",
    "the desk is killed",
    "a damaged file",
    "configuration reloaded",
    "the ledger is locked",
    "the training is killed",
    "slack resets",
    "the inbox is gone",
    "clock forward",
    "a broken configuration",
    "the parser is killed",
    "stopped for a while",
    "slack refuses connections",
    "the disk is full",
    "few descriptors",
    "slack hangs",
    "labels broken",
    "the log is blocked",
    "clock back",
    "a backup in motion",
    "slack half answers",
    "configuration reloaded",
)
ENDING = ("the daemon is killed", "the daemon is told to stop", "the daemon is killed", "slack hangs, killed")


_SHOWN_BY = {"thread": ("configuration reloaded",), "rows": ("the ledger is locked",)}
_LEAST_GAP = 20.0  # seconds, real


@dataclass(frozen=True, slots=True)
class Plan:
    """`minutes` real ones for `hours` of a day; `faults` in their order, one each `gap` real seconds."""

    minutes: float = 20.0
    hours: float = 24.0
    articles: int = 5000
    seed: int = 1
    samples: int = 144
    faults: tuple[str, ...] = ()
    plant: str = ""
    desk: bool = True
    scrape: float = 15.0  # seconds of the day between two
    digests: str = "0 * * * *"
    backups: str = "15 */4 * * *"
    restored: int = 100  # of the backups, at most so many, the newest, are put into homes of their own
    least_hours: float = 5.0  # that a life must have lasted, or nothing is said of its growth

    @property
    def speed(self) -> float:
        return self.hours * 60.0 / self.minutes

    @property
    def gap(self) -> float:
        return self.minutes * 60.0 / (len(self.faults) + 1)

    def moments(self) -> Sequence[tuple[float, str]]:
        """Real seconds after the start, and what then happens."""
        return [((number + 0.5) * self.gap, name) for number, name in enumerate(self.faults)]


def full(minutes: float, hours: float, articles: int, seed: int, planted: Sequence[str] = ()) -> Plan:
    """At least a fault each real minute: each of `LIVED` in an order of its own, then each of `ENDING`.

    A shorter day has fewer of them: each takes a third of a minute. With something planted there is what
    brings it to light, again and again, and nothing that ends a life.
    """
    chance = random.Random(seed)
    room = int(minutes * 60.0 / _LEAST_GAP)
    ending = ENDING[: max(1, min(len(ENDING), room // 5))]
    lived: list[str] = []
    while len(lived) + len(ending) < minutes or not lived:
        lived += chance.sample(LIVED, len(LIVED))
    lived = [FIRST, *lived][: max(1, room - len(ending))]
    if planted:
        shown = [fault for name in planted for fault in _SHOWN_BY.get(name, ())] or [LIVED[0]]
        lived, ending = (shown * room)[: max(len(shown), room // 2)], ()
    return Plan(
        minutes,
        hours,
        articles,
        seed,
        faults=(*lived, *ending),
        plant=",".join(planted),
        least_hours=0.4 * hours,
    )
