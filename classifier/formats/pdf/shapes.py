"""Glyphs of a page ▶ shapes: letters with their marks, on one height with their neighbours."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from classifier.formats.pdf import bidi

_MARK_REACHES = 40  # shapes
_MARK_OFF = 0.6  # of the size: how far a mark is drawn above or below its letter


class Glyph(NamedTuple):
    """A sign with the box it takes and the point it is drawn at.

    `blank`: where a blank was drawn before it and after the one before; `string`: which of those
    that the page draws it is of, in the order of drawing, where that is known.
    """

    sign: str
    left: float
    right: float
    base: float
    size: float
    origin: float
    blank: float | None = None
    string: int = 0


class Shape(NamedTuple):
    """A letter with its marks, or letters that share a shape; `start` to `end` in the order of drawing."""

    sign: str
    left: float
    right: float
    base: float
    size: float
    origin: float
    start: int
    end: int
    string: int
    is_moved: bool = False  # from the place of its mark

    @property
    def is_marked(self) -> bool:
        return len(self.sign) > 1 and any(map(_is_mark, self.sign))

    @property
    def middle(self) -> float:
        return (self.left + self.right) / 2


def shapes_of(glyphs: Sequence[Glyph]) -> list[Shape]:
    """Shapes in the order of drawing, on one height with their neighbours, each with its marks."""
    found: list[Shape] = []
    marks: list[tuple[int, Glyph]] = []  # drawn by themselves, with the place where a shape would be
    last = None
    for number, glyph in enumerate(glyphs):
        if last and found and (last.origin, last.base) == (glyph.origin, glyph.base):
            shape = found[-1]
            found[-1] = shape._replace(
                sign=bidi.ligature(shape.sign + glyph.sign),
                left=min(shape.left, glyph.left),
                right=max(shape.right, glyph.right),
                end=number,
            )
        elif _is_mark(glyph.sign):
            marks.append((len(found), glyph))
            continue
        else:
            found.append(Shape(glyph.sign, *glyph[1:6], start=number, end=number, string=glyph.string))
        last = glyph
    for at, mark in marks:
        _attach(mark, at, found)
    for at, shape in enumerate(found):
        if shape.is_marked:
            found[at] = _levelled(shape, found[max(at - 1, 0) : at] + found[at + 1 : at + 2])
    return found


def _is_mark(sign: str) -> bool:
    return sign > "\u02ff" and unicodedata.category(sign) == "Mn"


def _attach(mark: Glyph, at: int, shapes: list[Shape]) -> None:
    """Give a mark to the shape that it stands above or below."""
    middle = (mark.left + mark.right) / 2
    reach = range(max(at - _MARK_REACHES, 0), min(at + _MARK_REACHES, len(shapes)))
    near = [each for each in reach if abs(shapes[each].base - mark.base) < _MARK_OFF * mark.size]
    # A program may write a letter and its mark as one, with others between.
    is_one = {each: (shapes[each].origin, shapes[each].base) == (mark.origin, mark.base) for each in near}
    owner = min(near, key=lambda each: (not is_one[each], *_away(shapes[each], middle)), default=None)
    if owner is not None:
        shape = shapes[owner]
        left, right = (
            (min(shape.left, mark.left), max(shape.right, mark.right))
            if is_one[owner]
            else (shape.left, shape.right)
        )
        shapes[owner] = shape._replace(sign=shape.sign + mark.sign, left=left, right=right)


def _away(shape: Shape, middle: float) -> tuple[float, float]:
    return max(shape.left - middle, middle - shape.right, 0.0), abs(shape.middle - middle)


def _levelled(shape: Shape, neighbours: Sequence[Shape]) -> Shape:
    """A letter that stands where its mark does, as some programs write it, on the line of its neighbours."""
    for each in sorted(neighbours, key=lambda each: _away(each, shape.middle)):
        if abs(each.base - shape.base) < each.size:
            if each.base == shape.base:
                return shape
            return shape._replace(base=each.base, left=min(shape.left, shape.origin), is_moved=True)
    return shape
