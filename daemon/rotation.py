"""Which backups stay: the newest, and the last of so many weeks and months. Pure: dates alone."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime


def kept(
    moments: Collection[datetime], *, newest: int, weekly: int = 0, monthly: int = 0
) -> frozenset[datetime]:
    """Those that stay of backups made at these moments.

    The `newest` ones, however far apart; and of each of the last `weekly` weeks and `monthly` months in
    which one was made, the last. A month counts by UTC, a week from Monday (ISO 8601).
    """
    ordered = sorted(set(moments), reverse=True)
    return frozenset(
        [
            *ordered[:newest],
            *_last_of_each(ordered, lambda moment: moment.isocalendar()[:2], weekly),
            *_last_of_each(ordered, lambda moment: (moment.year, moment.month), monthly),
        ]
    )


def _last_of_each(
    ordered: list[datetime], period: Callable[[datetime], tuple[int, int]], number: int
) -> list[datetime]:
    last: dict[tuple[int, int], datetime] = {}
    for moment in ordered:
        last.setdefault(period(moment), moment)
    return list(last.values())[:number]
