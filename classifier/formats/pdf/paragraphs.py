"""Lines where they stand on pages ▶ paragraphs. Pure geometry and text: no PDF."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

from classifier.formats.lines import ends_sentence, goes_on, is_date, opens_entry
from classifier.formats.pdf.layout import Line
from classifier.formats.pdf.rows import MORE_FLUSH, most_alike

# In shares of the size of the font.
_USUAL_BLANK = 0.2
_INDENT = 0.7
_MIDDLE = 0.6  # how far the middles of centred lines may be apart
_USUAL_DISTANCE = 1.3  # of lines

_OTHER_SIZE = 1.12
_APART = 1.25  # of the usual distance of lines
_HALF = 0.5  # of a column: a line so long may have been broken for another reason than its length


@dataclass(frozen=True, slots=True)
class Paragraph:
    lines: tuple[Line, ...]

    @property
    def size(self) -> float:
        return max(self.lines, key=lambda line: len(line.text)).size


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
        starts = most_alike([line.start for line in column])
        are_ragged = most_alike([line.end for line in column]) > MORE_FLUSH * starts
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
