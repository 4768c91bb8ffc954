"""Glyphs where they stand on a page ▶ lines ▶ paragraphs. Pure geometry and text: no PDF.

A page says where each glyph stands and little else: which glyphs are a word, which words a line and
which lines a paragraph is for the reader's eye to tell. Lengths are in points, y grows upwards.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import NamedTuple

from classifier.formats.lines import ends_sentence, goes_on, is_date, opens_entry
from classifier.formats.pdf import bidi

# All in shares of the size of the font.
_SAME_LINE = 0.25  # how far its glyphs may stand above and below it
_RAISED = 0.5  # ... where they touch: a raised or lowered number
_JUMP = 1.2  # between glyphs of one run
_FITS = 0.35  # between a line and a run that was drawn after others but belongs to it
_BLANK = 0.17  # between words
_BLANK_WHERE_DRAWN = 0.22  # ... where blanks are drawn too, so that one is missing here
_LEAST_BLANK = 0.06  # ... with a blank drawn somewhere near
_BLANK_AT_MARKS = 1.0  # ... behind a letter of which we have but the box of its mark
_BLANK_OFF = 0.45  # how far beside its gap a blank may have been drawn
_USUAL_BLANK = 0.2
_WORD = 40  # glyphs; where there are fewer blanks, none are drawn
_INDENT = 0.7
_MIDDLE = 0.6  # how far the middles of centred lines may be apart
_BESIDE = 0.9  # lines nearer to each other stand side by side

_OTHER_SIZE = 1.12
_USUAL_DISTANCE = 1.3  # of lines, in sizes of their font
_APART = 1.25  # of the usual distance of lines
_NEAR = 40  # glyphs
_MARK_REACHES = 40  # shapes
_MARK_OFF = 0.6  # of the size: how far a mark is drawn above or below its letter
_UPON = 0.5  # of the narrower of two shapes: they are drawn one upon the other
_OVERLAP = 0.3  # of the size; letters of one word overlap no more
_BLANK_WHERE_UPON = 0.1
_HALF = 0.5  # of a column: a line so long may have been broken for another reason than its length
_BUCKET = 2.0  # points
_FLUSH = 3.0  # points
_MORE_FLUSH = 1.5
_POINTS = frozenset(".:،؛,;!؟?")
_LOOKED_AT = 10  # lines of one height: hostile pages have thousands


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


class _Shape(NamedTuple):
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


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text, in the order of reading; `first` is how wide its first word is."""

    text: str
    left: float
    right: float
    base: float
    size: float
    first: float
    right_to_left: bool = False

    @property
    def start(self) -> float:
        """How far its first letter is from the side where lines begin, or from any fixed point there."""
        return -self.right if self.right_to_left else self.left

    @property
    def end(self) -> float:
        return -self.left if self.right_to_left else self.right


@dataclass(frozen=True, slots=True)
class Paragraph:
    lines: tuple[Line, ...]

    @property
    def size(self) -> float:
        return max(self.lines, key=lambda line: len(line.text)).size


def lines_of(glyphs: Sequence[Glyph]) -> list[Line]:
    """The lines of a page in the order of reading, from its glyphs in the order of drawing."""
    if not glyphs:
        return []
    blanks = [glyph.blank for glyph in glyphs]
    are_drawn = (len(blanks) - blanks.count(None)) * _WORD > len(blanks)
    least = _BLANK_WHERE_DRAWN if are_drawn else _BLANK
    rows = _gathered(_runs(_shapes(glyphs)))
    is_arabic = bidi.runs_right_to_left("".join(glyph.sign for glyph in glyphs))
    typeset = _Typeset(blanks, least, is_arabic and not _begin_left(rows))
    found = [typeset.line(row.runs) for row in rows]
    return _downwards([line for line in found if line.text])


def _shapes(glyphs: Sequence[Glyph]) -> list[_Shape]:
    """Shapes in the order of drawing, on one height with their neighbours, each with its marks."""
    found: list[_Shape] = []
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
            found.append(_Shape(glyph.sign, *glyph[1:6], start=number, end=number, string=glyph.string))
        last = glyph
    for at, mark in marks:
        _attach(mark, at, found)
    for at, shape in enumerate(found):
        if shape.is_marked:
            found[at] = _levelled(shape, found[max(at - 1, 0) : at] + found[at + 1 : at + 2])
    return found


def _is_mark(sign: str) -> bool:
    return sign > "\u02ff" and unicodedata.category(sign) == "Mn"


def _attach(mark: Glyph, at: int, shapes: list[_Shape]) -> None:
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


def _away(shape: _Shape, middle: float) -> tuple[float, float]:
    return max(shape.left - middle, middle - shape.right, 0.0), abs(shape.middle - middle)


def _levelled(shape: _Shape, neighbours: Sequence[_Shape]) -> _Shape:
    """A letter that stands where its mark does, as some programs write it, on the line of its neighbours."""
    for each in sorted(neighbours, key=lambda each: _away(each, shape.middle)):
        if abs(each.base - shape.base) < each.size:
            if each.base == shape.base:
                return shape
            return shape._replace(base=each.base, left=min(shape.left, shape.origin), is_moved=True)
    return shape


_Run = list[_Shape]


def _runs(shapes: Sequence[_Shape]) -> Iterator[_Run]:
    """Stretches that were drawn one after the other side by side."""
    run: _Run = []
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
class _Row:
    """Runs of one line."""

    base: float
    size: float
    left: float
    right: float
    runs: list[_Run] = field(default_factory=list)

    def takes(self, run: _Run, *, follows: bool) -> bool:
        """Whether a run belongs to it; `follows`: it was drawn right after the row's last one."""
        first = run[0]
        size = max(self.size, first.size)
        height = abs(first.base - self.base)
        left, right = _hull(run)
        gap = max(left - self.right, self.left - right)
        if height <= _SAME_LINE * size:
            return follows or gap <= _FITS * size
        return follows and height <= _RAISED * size and first.size != self.size and gap <= _FITS * size

    def add(self, run: _Run) -> None:
        left, right = _hull(run)
        self.left, self.right = min(self.left, left), max(self.right, right)
        if run[0].size > self.size:
            self.base, self.size = run[0].base, run[0].size
        self.runs.append(run)


def _hull(run: _Run) -> tuple[float, float]:
    return min(shape.left for shape in run), max(shape.right for shape in run)


def _gathered(runs: Iterator[_Run]) -> list[_Row]:
    found: list[_Row] = []
    by_height: defaultdict[int, list[_Row]] = defaultdict(list)
    for run in runs:
        height = int(run[0].base // _BUCKET)
        if found and found[-1].takes(run, follows=True):
            found[-1].add(run)
            continue
        rows = (row for at in (height, height - 1, height + 1) for row in by_height[at][-_LOOKED_AT:])
        row = next((row for row in rows if row.takes(run, follows=False)), None)
        if row is None:
            row = _Row(run[0].base, run[0].size, *_hull(run))
            found.append(row)
            by_height[height].append(row)
        row.add(run)
    return found


def _begin_left(rows: Sequence[_Row]) -> bool:
    """Whether lines begin on the left and have their points on the right.

    So does Arabic in a file that nobody told that it is.
    """
    left, right = (_most_alike([edge(row) for row in rows]) for edge in (_left, _right))
    return left > _MORE_FLUSH * right and sum(map(_points_to, rows)) > 0


def _points_to(row: _Row) -> int:
    """1 where the last point or comma of a line is on its right, -1 where it is on its left."""
    shapes = [shape for run in row.runs for shape in run]
    first, last = min(shapes, key=_middle).sign, max(shapes, key=_middle).sign
    return (last in _POINTS) - (first in _POINTS)


def _left(row: _Row) -> float:
    return row.left


def _right(row: _Row) -> float:
    return row.right


def _most_alike(edges: Sequence[float]) -> int:
    return max(Counter(round(edge / _FLUSH) for edge in edges).values(), default=0)


@dataclass(frozen=True, slots=True)
class _Typeset:
    """How a page's words are parted: where `blanks` were drawn before each glyph, the `least` gap."""

    blanks: Sequence[float | None]
    least: float
    right_to_left: bool

    def line(self, runs: Sequence[_Run]) -> Line:
        shapes = sorted(chain(*runs), key=_middle)
        if _are_upon_each_other(shapes):
            signs, first = self._as_drawn(sorted(shapes, key=lambda shape: (shape.string, shape.start))), 0.0
        else:
            signs, first = self._as_they_stand(shapes)
        text = "".join(signs)
        if bidi.is_right_to_left(text):
            text = bidi.in_order_of_reading(signs, right_to_left=self.right_to_left)
        return Line(
            bidi.base_letters(text).strip(),
            min(shape.left for shape in shapes),
            max(shape.right for shape in shapes),
            max(shapes, key=lambda shape: shape.size).base,
            sorted(shape.size for shape in shapes)[len(shapes) // 2],
            first,
            self.right_to_left,
        )

    def _as_drawn(self, shapes: Sequence[_Shape]) -> list[str]:
        """Signs of words that hide each other, where only the order of drawing tells them apart."""
        words = [[shapes[0]]]
        for last, shape in pairwise(shapes):
            gap = max(shape.left - last.right, last.left - shape.right)
            size = max(shape.size, last.size)
            turns = bidi.is_right_to_left(shape.sign) != bidi.is_right_to_left(last.sign)
            if not -_OVERLAP * size < gap < _BLANK_WHERE_UPON * size or (turns and _are_words(last, shape)):
                words.append([])
            words[-1].append(shape)
        leftwards = sum(later[0].left < earlier[0].left for earlier, later in pairwise(words))
        if self.right_to_left and 2 * leftwards >= len(words):
            words.reverse()
        signs = [sign for word in words for sign in (" ", *(each.sign for each in sorted(word, key=_middle)))]
        return signs[1:]

    def _as_they_stand(self, shapes: Sequence[_Shape]) -> tuple[list[str], float]:
        """Signs from left to right, with blanks, and how wide the first word is."""
        signs = [shapes[0].sign]
        ends = []  # of words, but the last
        for left, right in pairwise(shapes):
            if self._are_parted(left, right):
                signs.append(" ")
                ends.append((left.right, right.left))
            signs.append(right.sign)
        if not ends:
            return signs, shapes[-1].right - shapes[0].left
        if self.right_to_left:
            return signs, shapes[-1].right - ends[-1][1]
        return signs, ends[0][0] - shapes[0].left

    def _are_parted(self, left: _Shape, right: _Shape) -> bool:
        """Whether there is a blank between two neighbours."""
        gap = right.left - left.right
        size = max(left.size, right.size)
        if self._is_blank_drawn(left, right, _BLANK_OFF * size):
            return gap > _LEAST_BLANK * size
        if left.is_moved:
            return gap > _BLANK_AT_MARKS * size
        return gap > self.least * size

    def _is_blank_drawn(self, left: _Shape, right: _Shape, off: float) -> bool:
        """Whether one was drawn at about this place, after the earlier of the two and before the later."""
        earlier, later = (left, right) if left.start < right.start else (right, left)
        if later.start - earlier.end > _NEAR:
            return False
        found = self.blanks[earlier.end + 1 : later.start + 1]
        return any(at is not None and left.right - off <= at <= right.left + off for at in found)


def _middle(shape: _Shape) -> float:
    return shape.middle


def _are_words(*shapes: _Shape) -> bool:
    return all(shape.sign[0].isalnum() for shape in shapes)


def _are_upon_each_other(shapes: Sequence[_Shape]) -> bool:
    """Whether two words of a line hide each other; that a letter reaches below another is usual."""
    upon = 0
    for left, right in pairwise(shapes):
        narrower = min(left.right - left.left, right.right - right.left)
        if left.right - right.left > _UPON * narrower > 0 and not (left.is_marked or right.is_marked):
            upon += 2 if left.sign.isdigit() != right.sign.isdigit() else 1
    return upon > 1


def _downwards(lines: list[Line]) -> list[Line]:
    """Lines from the top to the foot; as they were drawn where they stand in columns."""
    ordered = sorted(lines, key=lambda line: -line.base)
    for upper, lower in pairwise(ordered):
        is_beside = max(upper.left, lower.left) >= min(upper.right, lower.right)
        if is_beside and upper.base - lower.base < _BESIDE * min(upper.size, lower.size):
            return lines
    return ordered


def paragraphs_of(pages: Sequence[Sequence[Line]]) -> list[Paragraph]:
    """The paragraphs of all pages, in order; one may go on from a column or page to the next."""
    distances = _Distances.of(pages)
    found: list[list[Line]] = []
    for page in pages:
        for column in _columns(page):
            edges = _Edges.of(column)
            for number, line in enumerate(column):
                if not found:
                    is_new = True
                elif number:
                    is_new = _parts(found[-1], line, edges, distances)
                else:
                    is_new = not _goes_on_elsewhere(found[-1][-1], line)
                if is_new:
                    found.append([])
                found[-1].append(line)
    return [Paragraph(tuple(lines)) for lines in found]


def _columns(page: Sequence[Line]) -> Iterator[list[Line]]:
    column: list[Line] = []
    for line in page:
        if column and line.base >= column[-1].base:
            yield column
            column = []
        column.append(line)
    if column:
        yield column


def _rounded(size: float) -> int:
    return round(size * 2)


@dataclass(frozen=True, slots=True)
class _Edges:
    """How far lines of each size run in a column, and how wide they are where their starts are ragged."""

    everywhere: float
    by_size: dict[int, float]
    are_ragged: bool

    @classmethod
    def of(cls, column: Sequence[Line]) -> _Edges:
        starts = _most_alike([line.start for line in column])
        are_ragged = _most_alike([line.end for line in column]) > _MORE_FLUSH * starts
        ends: defaultdict[int, list[float]] = defaultdict(list)
        for line in column:
            ends[_rounded(line.size)].append(_reach(line, are_ragged=are_ragged))
        furthest = {size: max(found) for size, found in ends.items() if len(found) > 2}
        return cls(max(chain(*ends.values())), furthest, are_ragged)

    def are_reached(self, last: Line, line: Line) -> bool:
        """Whether the first word of a line had no room on the last."""
        edge = self.by_size.get(_rounded(line.size), self.everywhere)
        return _reach(last, are_ragged=self.are_ragged) + _USUAL_BLANK * line.size + line.first > edge

    def is_long(self, line: Line) -> bool:
        edge = self.by_size.get(_rounded(line.size), self.everywhere)
        reach = _reach(line, are_ragged=self.are_ragged)
        return line.end - line.start >= _HALF * (edge - reach + line.end - line.start)


def _reach(line: Line, *, are_ragged: bool) -> float:
    return line.end - line.start if are_ragged else line.end


@dataclass(frozen=True, slots=True)
class _Distances:
    """How far apart the lines of a paragraph are, by the size of their font."""

    by_size: dict[int, float]

    @classmethod
    def of(cls, pages: Sequence[Sequence[Line]]) -> _Distances:
        found: defaultdict[int, list[float]] = defaultdict(list)
        for page in pages:
            for upper, lower in pairwise(page):
                distance = upper.base - lower.base
                if _are_of_one_size(upper, lower) and 0.8 < distance / lower.size < 3:
                    found[_rounded(lower.size)].append(distance)
        return cls({size: sorted(each)[len(each) // 5] for size, each in found.items() if len(each) > 2})

    def are_apart(self, upper: Line, lower: Line) -> bool:
        usual = self.by_size.get(_rounded(lower.size), _USUAL_DISTANCE * lower.size)
        return upper.base - lower.base > _APART * usual


def _are_of_one_size(one: Line, other: Line) -> bool:
    larger, smaller = max(one.size, other.size), min(one.size, other.size)
    return larger <= _OTHER_SIZE * smaller


def _parts(above: Sequence[Line], line: Line, edges: _Edges, distances: _Distances) -> bool:
    """Whether a line opens another paragraph than the one above it."""
    last = above[-1]
    if not _are_of_one_size(last, line) or distances.are_apart(last, line):
        return True
    if is_date(last.text) or is_date(line.text):
        return True
    # Had its first word fitted on the line above, a machine would have put it there.
    is_full = edges.are_reached(last, line)
    if opens_entry(line.text, last.text, above[0].text, is_full=is_full):
        return True
    if not edges.are_ragged and _is_set_apart(above, line):
        return True
    return not (is_full or (edges.is_long(last) and goes_on(last.text, line.text)))


def _is_set_apart(above: Sequence[Line], line: Line) -> bool:
    """Whether its indentation says that a line opens a paragraph."""
    last = above[-1]
    further = (line.start - last.start) / line.size
    middles = abs((line.left + line.right) - (last.left + last.right)) / 2
    if abs(further) < _INDENT or middles < _MIDDLE * line.size:
        return False
    if further > 0:
        return not (len(above) == 1 and opens_entry(last.text, "", "", is_full=False))
    return len(above) > 1


def _goes_on_elsewhere(last: Line, line: Line) -> bool:
    """Whether a paragraph goes on at the top of the next column or page."""
    return (
        _are_of_one_size(last, line)
        and not ends_sentence(last.text)
        and not is_date(line.text)
        and not opens_entry(line.text, last.text, "", is_full=True)
        and (goes_on(last.text, line.text) or len(last.text) >= 40)
    )
