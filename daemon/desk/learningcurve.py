"""The learning curve: how good successive versions are against the labels they were made from. Arithmetic."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from daemon.desk.drawing import Tick

WIDTH, HEIGHT = 640.0, 260.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 48.0, 24.0, 16.0, 34.0
_LEAST_SPAN = 0.1  # of the quality that is shown, so that chance does not look like a mountain
_STEPS = (1, 2, 5)
_ABOUT = 5  # steps of an axis


@dataclass(frozen=True, slots=True)
class Learned:
    """A version: from how many labelled articles, and its F1 with the interval, if that is known."""

    version: str
    labels: int
    f1: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """Where a version stands; `low` and `high` are the ends of its interval."""

    of: Learned
    x: float
    y: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Curve:
    """In the units of a view box of `width` by `height`. `line` is what SVG calls points."""

    points: tuple[Point, ...]
    line: str
    across: tuple[Tick, ...]  # numbers of labelled articles
    up: tuple[Tick, ...]  # F1 in hundredths
    left: float = _LEFT
    right: float = WIDTH - _RIGHT
    base: float = HEIGHT - _BOTTOM
    width: float = WIDTH
    height: float = HEIGHT


def curve(versions: Iterable[Learned]) -> Curve | None:
    """Versions in the order in which they were made; None where there is not one."""
    learned = list(versions)
    if not learned:
        return None
    labels = _axis([each.labels for each in learned], least=_ABOUT)
    ends = [value for each in learned for value in (each.low, each.f1, each.high) if value is not None]
    quality = _axis([100 * value for value in ends], least=100 * _LEAST_SPAN, most=100)

    def x(number: float) -> float:
        return _between(number, labels, _LEFT + 12, WIDTH - _RIGHT - 12)

    def y(share: float | None) -> float | None:
        return None if share is None else _between(100 * share, quality, HEIGHT - _BOTTOM, _TOP)

    points = tuple(
        Point(each, x(each.labels), y(each.f1) or 0.0, y(each.low), y(each.high)) for each in learned
    )
    return Curve(
        points,
        " ".join(f"{point.x:g},{point.y:g}" for point in points),
        tuple(Tick(x(number), number) for number in labels),
        tuple(Tick(y(number / 100) or 0.0, number) for number in quality),
    )


def _axis(values: Sequence[float], *, least: float, most: float = math.inf) -> list[int]:
    """Round numbers, equally far apart, from below the lowest to above the highest value; `least` apart."""
    low, high = min(values), max(values)
    middle, span = (low + high) / 2, max(high - low, least)
    low, high = max(0.0, middle - span / 2), min(most, middle + span / 2)
    step = _step((high - low) / _ABOUT)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [step * number for number in range(first, max(last, first + 1) + 1)]


def _step(rough: float) -> int:
    """The round number (1, 2 or 5, with noughts) that is not below."""
    power = 10 ** max(0, math.floor(math.log10(max(rough, 1))))
    return int(next((each * power for each in _STEPS if each * power >= rough), 10 * power))


def _between(value: float, axis: Sequence[int], start: float, end: float) -> float:
    return round(start + (end - start) * (value - axis[0]) / (axis[-1] - axis[0]), 1)
