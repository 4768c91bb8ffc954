"""An article's text as a page shows it: in lines, with the passages that carry tags, and words in colour.

Decisions alone: no ledger, no model. The text is cut into stretches, each with all that holds for it.
"""

from __future__ import annotations

import math
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from classifier import Passage, SpokenPassage, SpokenWord

TONES = 5
_FAINTEST = 0.04  # of the strongest word; below it a word has its number and no colour
_LOOKED_AT = 400  # characters of a line by which its direction is found

# What nobody would see, and what turns the direction of a text, takes a sign that is seen.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
_UNSEEN = re.compile(
    "[\x80-\x84\x86-\x9f\u061c\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)


@dataclass(frozen=True, slots=True)
class Quoted:
    """A passage that carries the tag of a topic, by its place in the text; `probability` is its own."""

    topic: str
    start: int
    end: int
    probability: float


@dataclass(frozen=True, slots=True)
class Piece:
    """Some letters. Of a word that says something of the chosen topic: what it adds, and its tone,
    "for-1" to "for-5" or "against-1" to "against-5"; "" where that is next to nothing.
    """

    text: str
    value: float | None = None
    tone: str = ""

    @property
    def told(self) -> str:
        return f"{self.value:+.3f}" if self.value is not None else ""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a line for which the same holds: the tags that it carries, and its passage.

    `begins`, `ends`: where the stretch begins and ends its passage. `score`: of a passage that counted
    for the chosen topic.
    """

    start: int
    pieces: tuple[Piece, ...]
    quoted: tuple[Quoted, ...] = ()
    passage: int | None = None  # where it starts in the text; None between passages
    begins: bool = False
    ends: bool = False
    score: float | None = None

    @property
    def told_quotes(self) -> tuple[Quoted, ...]:
        """The tags whose evidence ends here: they are named once."""
        end = self.start + sum(len(piece.text) for piece in self.pieces)
        return tuple(each for each in self.quoted if each.end == end)


@dataclass(frozen=True, slots=True)
class Line:
    """`direction` where it is another than that of the text as a whole."""

    stretches: tuple[Stretch, ...]
    direction: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A long text is shown in parts, each from `start` up to `end`; they end with a line where they can."""

    number: int
    start: int
    end: int


def parts(text: str, most: int, most_lines: int) -> tuple[Part, ...]:
    """The parts of a text, at most so many characters and lines each; they cover it without a gap."""
    found: list[Part] = []
    start = 0
    while start < len(text) or not found:
        end = _end(text, start, most, most_lines)
        found.append(Part(len(found) + 1, start, end))
        start = end
    return tuple(found)


def _end(text: str, start: int, most: int, most_lines: int) -> int:
    """Where a part ends that starts there: behind a line, but for one that goes on for too long."""
    end = start
    for _ in range(most_lines):
        line = text.find("\n", end, start + most)
        if line < 0:
            is_last = len(text) - start <= most
            return len(text) if is_last else end if end - start >= most // 2 else start + most
        end = line + 1
    return end


def placed(text: str, topic: str, passage: str, start: int, probability: float) -> Quoted | None:
    """Evidence where it stands in the text, also where the offset is no longer right."""
    if not passage:
        return None
    if text[start : start + len(passage)] != passage:
        start = text.find(passage)
    return Quoted(topic, start, start + len(passage), probability) if start >= 0 else None


def lines(
    text: str,
    part: Part,
    cut_up: Sequence[Passage],
    quoted: Iterable[Quoted],
    *,
    usual: str,
    spoken: Sequence[SpokenPassage] = (),
) -> tuple[Line, ...]:
    """The lines of a part of a text. `usual` is the direction of the whole: "ltr", "rtl" or "auto".

    Empty lines are left out. `spoken` has the words of a chosen topic.
    """
    inner = [passage for passage in cut_up if passage.start < part.end and passage.end > part.start]
    marker = _Marker(text, inner, tuple(quoted), spoken)
    found = []
    start = part.start
    for line in text[part.start : part.end].split("\n"):
        if line.strip():
            stretches = tuple(marker.stretches(start, start + len(line)))
            found.append(Line(stretches, _direction(line, usual)))
        start += len(line) + 1
    return tuple(found)


def visible(text: str) -> str:
    """`text` with a sign of the same width for each that nobody would see, or that turns what follows it."""
    found = _CONTROL.sub(lambda sign: "\u2421" if sign[0] == "\x7f" else chr(0x2400 + ord(sign[0])), text)
    return _UNSEEN.sub("\ufffd", found)


class _Marker:
    """Cuts lines into stretches. Everything is found by bisection: a text may have thousands of passages."""

    def __init__(
        self,
        text: str,
        cut_up: Sequence[Passage],
        quoted: tuple[Quoted, ...],
        spoken: Sequence[SpokenPassage],
    ) -> None:
        self._text = text
        self._passages = cut_up
        self._quoted = quoted
        self._starts = [passage.start for passage in cut_up]
        self._scores = {each.start: each.score for each in spoken if each.counted}
        self._words = [word for each in spoken for word in each.words if word.value]
        self._word_starts = [word.start for word in self._words]
        self._strongest = max((abs(word.value) for word in self._words), default=0.0)
        ends = {place for each in quoted for place in (each.start, each.end)}
        ends |= {place for passage in cut_up for place in (passage.start, passage.end)}
        self._cuts = sorted(ends)

    def stretches(self, start: int, end: int) -> Iterator[Stretch]:
        inner = self._cuts[bisect_right(self._cuts, start) : bisect_left(self._cuts, end)]
        for left, right in zip([start, *inner], [*inner, end], strict=True):
            passage = self._passage(left, within=(start, end))
            quoted = tuple(each for each in self._quoted if each.start <= left and right <= each.end)
            yield Stretch(
                left,
                tuple(self._pieces(left, right)),
                quoted,
                passage.start if passage else None,
                begins=passage is not None and passage.start == left,
                ends=passage is not None and passage.end == right,
                score=self._scores.get(passage.start) if passage else None,
            )

    def _passage(self, place: int, within: tuple[int, int]) -> Passage | None:
        """The passage at a place, where the line has it whole."""
        row = bisect_right(self._starts, place) - 1
        found = self._passages[row] if row >= 0 else None
        is_whole = found is not None and within[0] <= found.start and found.end <= within[1]
        return found if found and is_whole and place < found.end else None

    def _pieces(self, start: int, end: int) -> Iterator[Piece]:
        place = start
        first = bisect_left(self._word_starts, start)
        for word in self._words[first : bisect_left(self._word_starts, end, first)]:
            if word.end > end:
                break
            if place < word.start:
                yield Piece(visible(self._text[place : word.start]))
            yield self._piece(word)
            place = word.end
        if place < end:
            yield Piece(visible(self._text[place:end]))

    def _piece(self, word: SpokenWord) -> Piece:
        share = abs(word.value) / self._strongest
        tone = ""
        if share >= _FAINTEST:
            tone = f"{'for' if word.value > 0 else 'against'}-{max(1, math.ceil(share * TONES))}"
        return Piece(visible(self._text[word.start : word.end]), word.value, tone)


def _direction(line: str, usual: str) -> str | None:
    """That of a line none of whose letters runs as the text does: a Latin line among Arabic ones."""
    kinds = {unicodedata.bidirectional(letter) for letter in line[:_LOOKED_AT]}
    left, right = "L" in kinds, bool(kinds & {"R", "AL"})
    if usual == "rtl":
        return "ltr" if left and not right else None
    if usual == "ltr":
        return "rtl" if right and not left else None
    return "auto"
