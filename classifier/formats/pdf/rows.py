"""Shapes in the order of drawing ▶ rows: what stands side by side on one height."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from classifier.formats.pdf.shapes import Shape

# All in shares of the size of the font.
_SAME_LINE = 0.25  # how far its glyphs may stand above and below it
_RAISED = 0.5  # ... where they touch: a raised or lowered number
_JUMP = 1.2  # between glyphs of one run
_FITS = 0.35  # between a line and a run that was drawn after others but belongs to it

_BUCKET = 2.0  # points
_FLUSH = 3.0  # points
MORE_FLUSH = 1.5  # edges of lines on one side than on the other
_POINTS = frozenset(".:،؛,;!؟?")
_LOOKED_AT = 10  # lines of one height: hostile pages have thousands

Run = list[Shape]


def _runs(shapes: Sequence[Shape]) -> Iterator[Run]:
    """Stretches that were drawn one after the other side by side."""
    run: Run = []
    for shape in shapes:
        if run:
            last = run[-1]
            gap = max(shape.left - last.right, last.left - shape.right)
            size = max(shape.size, last.size)
            if abs(shape.base - last.base) > _SAME_LINE * size or gap > _JUMP * size:
                yield run
                run = []
        run.append(shape)
    if run:
        yield run


@dataclass(slots=True)
class Row:
    """Runs of one line."""

    base: float
    size: float
    left: float
    right: float
    runs: list[Run] = field(default_factory=list)

    def takes(self, run: Run, *, follows: bool) -> bool:
        """Whether a run belongs to it; `follows`: it was drawn right after the row's last one."""
        first = run[0]
        size = max(self.size, first.size)
        height = abs(first.base - self.base)
        left, right = _hull(run)
        gap = max(left - self.right, self.left - right)
        if height <= _SAME_LINE * size:
            return follows or gap <= _FITS * size
        return follows and height <= _RAISED * size and first.size != self.size and gap <= _FITS * size

    def add(self, run: Run) -> None:
        left, right = _hull(run)
        self.left, self.right = min(self.left, left), max(self.right, right)
        if run[0].size > self.size:
            self.base, self.size = run[0].base, run[0].size
        self.runs.append(run)


def _hull(run: Run) -> tuple[float, float]:
    return min(shape.left for shape in run), max(shape.right for shape in run)


def rows_of(shapes: Sequence[Shape]) -> list[Row]:
    """The rows of a page, in the order in which each was begun."""
    found: list[Row] = []
    by_height: defaultdict[int, list[Row]] = defaultdict(list)
    for run in _runs(shapes):
        height = int(run[0].base // _BUCKET)
        if found and found[-1].takes(run, follows=True):
            found[-1].add(run)
            continue
        rows = (row for at in (height, height - 1, height + 1) for row in by_height[at][-_LOOKED_AT:])
        row = next((row for row in rows if row.takes(run, follows=False)), None)
        if row is None:
            row = Row(run[0].base, run[0].size, *_hull(run))
            found.append(row)
            by_height[height].append(row)
        row.add(run)
    return found


def begin_left(rows: Sequence[Row]) -> bool:
    """Whether lines begin on the left and have their points on the right.

    So does Arabic in a file that nobody told that it is.
    """
    left, right = (most_alike([edge(row) for row in rows]) for edge in (_left, _right))
    return left > MORE_FLUSH * right and sum(map(_points_to, rows)) > 0


def _points_to(row: Row) -> int:
    """1 where the last point or comma of a line is on its right, -1 where it is on its left."""
    shapes = [shape for run in row.runs for shape in run]
    first, last = min(shapes, key=middle).sign, max(shapes, key=middle).sign
    return (last in _POINTS) - (first in _POINTS)


def _left(row: Row) -> float:
    return row.left


def _right(row: Row) -> float:
    return row.right


def most_alike(edges: Sequence[float]) -> int:
    """How many of them are about the same."""
    return max(Counter(round(edge / _FLUSH) for edge in edges).values(), default=0)


def middle(shape: Shape) -> float:
    return shape.middle
