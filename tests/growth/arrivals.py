"""How articles come: more of them by day than by night, and some as an agency's batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HOUR, DAY = 3600.0, 86400.0
_BUSIEST = 11 * HOUR
Moments = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Load:
    """So many articles `a_day`; in the busiest hour `peak` times as many as on average.

    The share `in_batches` comes `batch` at once, within a second; the others singly, as a Poisson
    process. A newsroom has its own day: these are assumptions, not measurements.
    """

    a_day: float
    peak: float = 1.8
    in_batches: float = 0.1
    batch: int = 400

    def rate(self, moment: Moments) -> Moments:
        """Articles a second at a second of the day: a cosine about the mean."""
        wave = np.cos(2 * np.pi * (moment - _BUSIEST) / DAY)
        return np.asarray(self.a_day / DAY * (1.0 + (self.peak - 1.0) * wave))

    @property
    def busiest(self) -> float:
        """Articles a second at the busiest moment."""
        return self.a_day / DAY * self.peak

    def window(self, most: float) -> tuple[float, float]:
        """The whole day, or as much of it about its busiest moment as brings about `most` articles."""
        length = min(DAY, most / self.busiest)
        return (0.0, DAY) if length >= DAY else (_BUSIEST - length / 2, _BUSIEST + length / 2)


def moments(load: Load, window: tuple[float, float], random: np.random.Generator) -> Moments:
    """When articles come in a part of the day, in order."""
    batch = max(1, min(load.batch, int(load.a_day / 50)))
    singly = _poisson(lambda at: (1.0 - load.in_batches) * load.rate(at), load.busiest, window, random)
    often = load.in_batches / batch
    starts = _poisson(lambda at: often * load.rate(at), often * load.busiest, window, random)
    together = (starts[:, None] + random.random((len(starts), batch))).ravel()
    return np.sort(np.concatenate([singly, together]))


def _poisson(
    rate: Callable[[Moments], Moments],
    most: float,
    window: tuple[float, float],
    random: np.random.Generator,
) -> Moments:
    """A Poisson process whose rate changes and never exceeds `most`, by thinning (Lewis and Shedler 1979)."""
    start, end = window
    tried = random.uniform(start, end, random.poisson(most * (end - start)))
    return np.sort(tried[random.random(len(tried)) * most < rate(tried)])
