"""Glyphs where they stand on a page ▶ lines, in the order of reading. Pure geometry and text: no PDF.

A page says where each glyph stands and little else: which glyphs are a word, which words a line and
which lines a paragraph is for the reader's eye to tell. Lengths are in points, y grows upwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

from classifier.formats.pdf import bidi
from classifier.formats.pdf.rows import Run, begin_left, middle, rows_of
from classifier.formats.pdf.shapes import Glyph, Shape, shapes_of

# In shares of the size of the font.
_BLANK = 0.17  # between words
_BLANK_WHERE_DRAWN = 0.22  # ... where blanks are drawn too, so that one is missing here
_LEAST_BLANK = 0.06  # ... with a blank drawn somewhere near
_BLANK_AT_MARKS = 1.0  # ... behind a letter of which we have but the box of its mark
_BLANK_OFF = 0.45  # how far beside its gap a blank may have been drawn
_BLANK_WHERE_UPON = 0.1
_OVERLAP = 0.3  # letters of one word overlap no more
_BESIDE = 0.9  # lines nearer to each other stand side by side

_WORD = 40  # glyphs; where there are fewer blanks, none are drawn
_NEAR = 40  # glyphs
_UPON = 0.5  # of the narrower of two shapes: they are drawn one upon the other


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


def lines_of(glyphs: Sequence[Glyph]) -> list[Line]:
    """The lines of a page in the order of reading, from its glyphs in the order of drawing."""
    if not glyphs:
        return []
    blanks = [glyph.blank for glyph in glyphs]
    are_drawn = (len(blanks) - blanks.count(None)) * _WORD > len(blanks)
    least = _BLANK_WHERE_DRAWN if are_drawn else _BLANK
    rows = rows_of(shapes_of(glyphs))
    is_arabic = bidi.runs_right_to_left("".join(glyph.sign for glyph in glyphs))
    typeset = _Typeset(blanks, least, is_arabic and not begin_left(rows))
    found = [typeset.line(row.runs) for row in rows]
    return _downwards([line for line in found if line.text])


@dataclass(frozen=True, slots=True)
class _Typeset:
    """How a page's words are parted: where `blanks` were drawn before each glyph, the `least` gap."""

    blanks: Sequence[float | None]
    least: float
    right_to_left: bool

    def line(self, runs: Sequence[Run]) -> Line:
        shapes = sorted(chain(*runs), key=middle)
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

    def _as_drawn(self, shapes: Sequence[Shape]) -> list[str]:
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
        signs = [sign for word in words for sign in (" ", *(each.sign for each in sorted(word, key=middle)))]
        return signs[1:]

    def _as_they_stand(self, shapes: Sequence[Shape]) -> tuple[list[str], float]:
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

    def _are_parted(self, left: Shape, right: Shape) -> bool:
        """Whether there is a blank between two neighbours."""
        gap = right.left - left.right
        size = max(left.size, right.size)
        if self._is_blank_drawn(left, right, _BLANK_OFF * size):
            return gap > _LEAST_BLANK * size
        if left.is_moved:
            return gap > _BLANK_AT_MARKS * size
        return gap > self.least * size

    def _is_blank_drawn(self, left: Shape, right: Shape, off: float) -> bool:
        """Whether one was drawn at about this place, after the earlier of the two and before the later."""
        earlier, later = (left, right) if left.start < right.start else (right, left)
        if later.start - earlier.end > _NEAR:
            return False
        found = self.blanks[earlier.end + 1 : later.start + 1]
        return any(at is not None and left.right - off <= at <= right.left + off for at in found)


def _are_words(*shapes: Shape) -> bool:
    return all(shape.sign[0].isalnum() for shape in shapes)


def _are_upon_each_other(shapes: Sequence[Shape]) -> bool:
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
