"""Glyphs where they stand on a page ▶ lines ▶ paragraphs. Pure geometry and text: no PDF.

A page says where each glyph stands and little else: which glyphs are a word, which words a line and
which lines a paragraph is for the reader's eye to tell. Lengths are in points, y grows upwards.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain, pairwise
from typing import NamedTuple

from classifier.formats import bidi
from classifier.formats.lines import ends_sentence, goes_on, is_date, opens_entry

# All in shares of the size of the font.
_SAME_LINE = 0.25  # how far its glyphs may stand above and below it
_RAISED = 0.5  # ... where they touch: a raised or lowered number
_JUMP = 1.2  # between glyphs of one run
_FITS = 0.35  # between a line and a run that was drawn after others but belongs to it
_BLANK = 0.17  # between words
_BLANK_WHERE_DRAWN = 0.22  # ... where blanks are drawn too, so that one is missing here
_LEAST_BLANK = 0.03  # ... with a blank drawn somewhere near
_USUAL_BLANK = 0.2
_INDENT = 0.7
_MIDDLE = 0.6  # how far the middles of centred lines may be apart
_BESIDE = 0.9  # lines nearer to each other stand side by side

_OTHER_SIZE = 1.12
_USUAL_DISTANCE = 1.3  # of lines, in sizes of their font
_APART = 1.25  # of the usual distance of lines
_NEAR = 40  # glyphs
_MARK_REACHES = 6  # shapes
_UPON = 0.4  # of the narrower of two words: they are drawn one upon the other
_HALF = 0.5  # of a column: a line so long may have been broken for another reason than its length
_BUCKET = 2.0  # points
_LOOKED_AT = 40  # lines of one height: hostile pages have thousands


class Glyph(NamedTuple):
    """A sign with the box it takes and the point it is drawn at.

    `blank`: a blank was drawn between it and the one before; `unplaced`: it took no place.
    """

    sign: str
    left: float
    right: float
    base: float
    size: float
    origin: float
    blank: bool = False
    unplaced: bool = False


class _Shape(NamedTuple):
    """A letter with its marks, or letters that share a shape; `start` to `end` in the order of drawing."""

    sign: str
    left: float
    right: float
    base: float
    size: float
    start: int
    end: int

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
    blanks = list(accumulate(glyph.blank for glyph in glyphs))
    unplaced = list(accumulate(glyph.blank and glyph.unplaced for glyph in glyphs))
    least = _BLANK_WHERE_DRAWN if blanks[-1] * 40 > len(glyphs) else _BLANK
    right_to_left = bidi.runs_right_to_left("".join(glyph.sign for glyph in glyphs))
    typeset = _Typeset(blanks, unplaced, least, right_to_left)
    found = [typeset.line(rows.runs) for rows in _gathered(_runs(_shapes(glyphs)))]
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
            found.append(_Shape(glyph.sign, *glyph[1:5], start=number, end=number))
        last = glyph
    for at, mark in marks:
        _attach(mark, at, found)
    for at, shape in enumerate(found):
        if len(shape.sign) > 1 and any(map(_is_mark, shape.sign)):
            found[at] = _levelled(shape, found[max(at - 1, 0) : at] + found[at + 1 : at + 2])
    return found


def _is_mark(sign: str) -> bool:
    return sign > "\u02ff" and unicodedata.category(sign) == "Mn"


def _attach(mark: Glyph, at: int, shapes: list[_Shape]) -> None:
    """Give a mark to the shape that it stands above or below."""
    middle = (mark.left + mark.right) / 2
    near = range(max(at - _MARK_REACHES, 0), min(at + _MARK_REACHES, len(shapes)))
    for owner in sorted(near, key=lambda each: _away(shapes[each], middle)):
        shape = shapes[owner]
        if abs(shape.base - mark.base) < max(shape.size, mark.size):
            shapes[owner] = shape._replace(sign=shape.sign + mark.sign)
            return


def _away(shape: _Shape, middle: float) -> tuple[float, float]:
    return max(shape.left - middle, middle - shape.right, 0.0), abs(shape.middle - middle)


def _levelled(shape: _Shape, neighbours: Sequence[_Shape]) -> _Shape:
    """A letter that stands where its mark does, as some programs write it, on the line of its neighbours."""
    for each in sorted(neighbours, key=lambda each: _away(each, shape.middle)):
        if abs(each.base - shape.base) < each.size:
            return shape._replace(base=each.base)
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


@dataclass(frozen=True, slots=True)
class _Typeset:
    """How a page's words are parted.

    `blanks` and `unplaced` ones drawn up to each glyph, the `least` gap, the direction of reading.
    """

    blanks: Sequence[int]
    unplaced: Sequence[int]
    least: float
    right_to_left: bool

    def line(self, runs: Sequence[_Run]) -> Line:
        words = list(self._words([shape for run in runs for shape in run]))
        if len(words) > 1 and _are_upon_each_other(words):
            signs, first = self._as_drawn(words), 0.0
        else:
            signs, first = self._as_they_stand(sorted(chain(*words), key=_middle))
        text = "".join(signs)
        if bidi.is_right_to_left(text):
            text = bidi.in_order_of_reading(signs, right_to_left=self.right_to_left)
        shapes = [shape for word in words for shape in word]
        return Line(
            bidi.base_letters(text).strip(),
            min(shape.left for shape in shapes),
            max(shape.right for shape in shapes),
            max(shapes, key=lambda shape: shape.size).base,
            sorted(shape.size for shape in shapes)[len(shapes) // 2],
            first,
            self.right_to_left,
        )

    def _words(self, shapes: Sequence[_Shape]) -> Iterator[_Run]:
        """What was drawn without a blank, from left to right."""
        word = [shapes[0]]
        for last, shape in pairwise(shapes):
            gap = max(shape.left - last.right, last.left - shape.right)
            is_drawn = self.blanks[shape.start] > self.blanks[last.end]
            if is_drawn or gap > self.least * max(shape.size, last.size):
                yield sorted(word, key=_middle)
                word = []
            word.append(shape)
        yield sorted(word, key=_middle)

    def _as_drawn(self, words: Sequence[_Run]) -> list[str]:
        """The signs of words that hide each other, so that only the order of drawing can be right."""
        leftwards = sum(later[0].left < earlier[0].left for earlier, later in pairwise(words))
        if self.right_to_left and 2 * leftwards > len(words):
            words = words[::-1]
        signs = [sign for word in words for sign in (" ", *(shape.sign for shape in word))]
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
        earlier, later = (left, right) if left.start < right.start else (right, left)
        if later.start - earlier.end == 1 and self.blanks[later.start] > self.blanks[earlier.end]:
            return True
        is_near = later.start - earlier.end <= _NEAR
        if is_near and self.unplaced[later.start] > self.unplaced[earlier.end]:
            return gap > _LEAST_BLANK * size
        return gap > self.least * size


def _middle(shape: _Shape) -> float:
    return shape.middle


def _are_upon_each_other(words: Sequence[_Run]) -> bool:
    hulls = sorted(map(_hull, words))
    return any(
        left[1] - right[0] > _UPON * min(left[1] - left[0], right[1] - right[0])
        for left, right in pairwise(hulls)
    )


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
                    is_new = _parts(found[-1], line, edges.of_size(line.size), distances)
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
    """How far lines of each size run in a column."""

    everywhere: float
    by_size: dict[int, float]

    @classmethod
    def of(cls, column: Sequence[Line]) -> _Edges:
        ends: defaultdict[int, list[float]] = defaultdict(list)
        for line in column:
            ends[_rounded(line.size)].append(line.end)
        furthest = {size: max(found) for size, found in ends.items() if len(found) > 2}
        return cls(max(line.end for line in column), furthest)

    def of_size(self, size: float) -> float:
        return self.by_size.get(_rounded(size), self.everywhere)


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


def _parts(above: Sequence[Line], line: Line, edge: float, distances: _Distances) -> bool:
    """Whether a line opens another paragraph than the one above it."""
    last = above[-1]
    if not _are_of_one_size(last, line) or distances.are_apart(last, line):
        return True
    if is_date(last.text) or is_date(line.text):
        return True
    # Had its first word fitted on the line above, a machine would have put it there.
    is_full = last.end + _USUAL_BLANK * line.size + line.first > edge
    if opens_entry(line.text, last.text, above[0].text, is_full=is_full):
        return True
    if _is_set_apart(above, line):
        return True
    if is_full:
        return False
    is_long = last.end - last.start >= _HALF * (edge - last.start)
    return not (is_long and goes_on(last.text, line.text))


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
