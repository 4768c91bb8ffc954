"""Numbers ▶ what a chart is made of: bars, ticks and points, in the units of its view box. Pure arithmetic.

Templates write them as SVG, with classes for colours, and say them once more as a table.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_STEPS = (1, 2, 5, 10)
_ABOUT = 4  # steps of an axis

WIDTH, HEIGHT = 640.0, 220.0
_LEFT, _TOP, _BOTTOM = 56.0, 14.0, 30.0
_GAP = 0.2  # of a column's room
_DATES = 5  # that have room below the columns
_ROW, _ROW_BAR = 40.0, 12.0


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle for a number, with what it counts."""

    label: str
    number: int
    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return round(self.x + self.width / 2, 2)


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis, and the number that stands there."""

    at: float
    number: float


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns side by side over an axis; `dated` are those that have their label written below."""

    width: float
    height: float
    left: float
    base: float
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    dated: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """Bars below each other, each with its label above it."""

    width: float
    height: float
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Largest:
    """The largest of some counts, most first, and what all the others come to."""

    shown: tuple[tuple[str, int], ...]
    others: int  # how many there are
    number: int  # what they come to


def steps(most: float) -> tuple[int, ...]:
    """From 0 by equal round steps (1, 2 or 5, with noughts) to the first that is not below `most`."""
    if most <= _ABOUT:
        return tuple(range(max(1, math.ceil(most)) + 1))
    rough = most / _ABOUT
    power: int = 10 ** math.floor(math.log10(rough))
    step = next(each * power for each in _STEPS if each * power >= rough)
    return tuple(range(0, step * math.ceil(most / step) + 1, step))


def columns(counts: Sequence[tuple[str, int]], *, dates: int = _DATES) -> Columns:
    """A column for each of the counts, in their order, on an axis with round steps."""
    axis = steps(max((number for _, number in counts), default=0))
    base, room = HEIGHT - _BOTTOM, HEIGHT - _BOTTOM - _TOP
    step = (WIDTH - _LEFT) / max(1, len(counts))
    bars = []
    for place, (label, number) in enumerate(counts):
        height = round(room * number / axis[-1], 2)
        left = _LEFT + (place + _GAP / 2) * step
        bars.append(
            Bar(label, number, round(left, 2), round(base - height, 2), round(step * (1 - _GAP), 2), height)
        )
    ticks = tuple(Tick(round(base - room * number / axis[-1], 2), number) for number in axis)
    every = max(1, math.ceil(len(bars) / dates))
    dated = tuple(bar for place, bar in enumerate(bars) if (len(bars) - 1 - place) % every == 0)
    return Columns(WIDTH, HEIGHT, _LEFT, base, tuple(bars), ticks, dated)


def rows(counts: Sequence[tuple[str, int]]) -> Rows:
    """A bar for each of the counts, in their order; the largest has the whole width.

    What has no label stands for all others: it has no bar, for beside it the others would have none.
    """
    most = max((number for label, number in counts if label), default=0) or 1
    bars = tuple(
        Bar(
            label,
            number,
            0.0,
            round(place * _ROW + _ROW - _ROW_BAR - 4, 2),
            round(WIDTH * number / most, 2) if label else 0.0,
            _ROW_BAR,
        )
        for place, (label, number) in enumerate(counts)
    )
    return Rows(WIDTH, max(1.0, len(bars) * _ROW), bars)


def largest(counts: Mapping[str, int], most: int = 10) -> Largest:
    """So many of the counts that are not nought; of equal ones those that come first by name."""
    there = sorted((each for each in counts.items() if each[1] > 0), key=lambda each: (-each[1], each[0]))
    left = there[most:]
    return Largest(tuple(there[:most]), len(left), sum(number for _, number in left))


def points(numbers: Sequence[int], width: float, height: float) -> str:
    """The points of a line through the numbers, for `<polyline points=…>`; the largest is at the top."""
    most = max(numbers, default=0) or 1
    step = width / max(1, len(numbers) - 1)
    return " ".join(
        f"{round(place * step, 1):g},{round(height - height * number / most, 1):g}"
        for place, number in enumerate(numbers)
    )


@dataclass(frozen=True, slots=True)
class Pin:
    """A place on the scale of probabilities."""

    x: float
    probability: float


@dataclass(frozen=True, slots=True)
class Scale:
    """Probabilities from 0 to 1: how many articles have which, and where something stands.

    The heights of the bars are by the root of the number, so that a few beside thousands can be seen.
    """

    width: float
    height: float
    base: float
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    right: tuple[Pin, ...]
    wrong: tuple[Pin, ...]
    now: Pin
    then: Pin


BINS = 50
_SCALE_HEIGHT, _SCALE_BASE, _SCALE_ROOM = 150.0, 90.0, 80.0
_MARGIN = 20.0


def scale(
    counts: Sequence[int],
    *,
    right: Iterable[float],
    wrong: Iterable[float],
    now: float,
    then: float,
) -> Scale:
    """A histogram of probabilities with marks of what people said, and the cut now and then.

    `counts` are of BINS parts of equal width between 0 and 1.
    """
    most = math.sqrt(max(counts)) or 1.0
    room = (WIDTH - 2 * _MARGIN) / BINS
    bars = []
    for place, number in enumerate(counts):
        height = round(_SCALE_ROOM * math.sqrt(number) / most, 2)
        label = f"{place / BINS:.2f}–{(place + 1) / BINS:.2f}"
        left = round(_MARGIN + place * room, 2)
        bars.append(Bar(label, number, left, round(_SCALE_BASE - height, 2), round(room * 0.9, 2), height))
    return Scale(
        WIDTH,
        _SCALE_HEIGHT,
        _SCALE_BASE,
        tuple(bars),
        tuple(Tick(pin(number / 5).x, number / 5) for number in range(6)),
        tuple(map(pin, right)),
        tuple(map(pin, wrong)),
        pin(now),
        pin(then),
    )


def pin(probability: float) -> Pin:
    """Where a probability stands on the scale."""
    inside = min(1.0, max(0.0, probability))
    return Pin(round(_MARGIN + inside * (WIDTH - 2 * _MARGIN), 2), probability)
