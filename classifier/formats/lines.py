"""Lines that a page or a mail client broke ▶ paragraphs. Pure text: no fonts, no places on a page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from classifier import dates

_WIDEST = 130  # characters; text with longer lines was not broken to a width
_NARROWEST = 30  # characters; a narrower column is a list or a poem
_LOOSE = 0.75  # of the width: a line so long may have been broken early, for a long word
_INDENTED = 8  # blanks: what is set in further is centred, a title or a signature
_EDGE = 3  # lines at the top of a page and at its end that may be there on every page
_LONGEST_MARK = 12  # characters of a page number with its words: "page 12 of 30"

_SENTENCE_ENDS = ".!?…؟۔"
_CLOSERS = "\"'»”’)]"
_MARK = re.compile(r"(?:([•●▪◦‣∙·*])|([-–—])|\(?(?:\d{1,3}|[^\W\d_])[.)])[ \t]+(?=\S)")
_HYPHENS = "-\u2010\u00ad"
_SOFT = "\u00ad"
# What is written with a hyphen is not one word that was broken at it.
_HYPHENATED = re.compile(r"\w{1,30}[-\u2010]\w{1,30}")
_FIRST_PARTS = frozenset("из кое кой по во в non self well anti ex vice all half".split())
_LAST_PARTS = frozenset("то либо нибудь таки за под ка де тен based made owned".split())
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class _Line:
    text: str  # without the blanks around it
    indent: int

    @property
    def right(self) -> int:
        return self.indent + len(self.text)

    @property
    def mark(self) -> str | None:
        """What sort of list mark it opens with."""
        found = _MARK.match(self.text)
        if not found:
            return None
        return "bullet" if found[1] else "dash" if found[2] else "number"

    @property
    def ends(self) -> bool:
        """Whether it ends as a sentence does."""
        return self.text.rstrip(_CLOSERS)[-1:] in tuple(_SENTENCE_ENDS)


def unwrapped(lines: Sequence[str]) -> list[str]:
    """The paragraphs of a text whose lines were broken to a width; none is empty.

    Blank lines, indentation, short last lines, list marks and sentence ends say where a paragraph ends.
    Where it stays open whether the first line is a title it is left by itself. A text that was not broken
    keeps its lines.
    """
    blocks = _blocks([_line(each) for each in lines])
    width = _width(blocks)
    words = _hyphenated(lines)
    paragraphs: list[str] = []
    for number, block in enumerate(blocks):
        opens = number == 0 and (len(blocks) == 1 or len(block) > _EDGE)
        for lines_of_one in _parted(block, width, opens=opens, is_only=len(blocks) == 1):
            paragraphs.append(_joined([line.text for line in lines_of_one], words))
    return paragraphs


def joined(lines: Sequence[str]) -> str:
    """One paragraph of its lines, words that were hyphenated at a line's end made whole."""
    return _joined([line.strip() for line in lines], _hyphenated(lines))
