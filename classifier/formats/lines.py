"""Lines that a page or a mail client broke ▶ paragraphs. Pure text: no fonts, no places on a page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from classifier import dates
from classifier.formats.hyphens import HYPHENS, Hyphens

_WIDEST = 130  # characters; text with longer lines was not broken to a width
_NARROWEST = 24  # characters; what is narrower is a list or a poem
_FEW = 5  # lines; of so few the longest one is the width, of more an odd one may be longer
_ODD = 1.15  # of the length of most long lines
_LOOSE = 0.5  # of the width: a line so long that goes on in lower case was broken
_LONG = 40  # characters; or so long
_TITLE_LINES = 3
_INDENTED = 8  # blanks; what is set in further stands in the middle: a title, a signature
_TAB = 8

_ENDS = (".", "!", "?", "…", "؟", "۔")
_OPENS_A_LIST = (":", "：", ";", "؛")
_OPENERS = "\"'«“„‘([—–- "
_CLOSERS = "\"'»”’)]"
_MARK = re.compile(r"(?:([•●▪◦‣∙·*])|([-–—])|\(?(?:\d{1,3}[.)]|[^\W\d_]\)))[ \t]+(?=\S)")


@dataclass(frozen=True, slots=True)
class _Line:
    text: str  # without the blanks around it
    indent: int

    @property
    def right(self) -> int:
        return self.indent + len(self.text)


def ends_sentence(line: str) -> bool:
    """Whether a line ends as a sentence does."""
    return line.rstrip(_CLOSERS).endswith(_ENDS)


def goes_on(above: str, line: str) -> bool:
    """Whether a line surely goes on with the sentence above it: that did not end, and it has no capital."""
    if ends_sentence(above) or above.endswith(_OPENS_A_LIST):
        return False
    return _opening(line).islower()


def is_date(line: str) -> bool:
    """Whether a line is a date and nothing else."""
    return dates.of_line(line) is not None


def opens_entry(line: str, above: str, first: str, *, is_full: bool) -> bool:
    """Whether a line opens an entry of a list; a dash or a number may begin it within a sentence as well.

    `first` is the first line of the paragraph above, `is_full`: there was no room for more `above`.
    """
    mark = _mark(line)
    if not mark:
        return False
    if not is_full or ends_sentence(above) or above.endswith(_OPENS_A_LIST):
        return True
    return mark == "bullet" or _mark(first) == mark


def _mark(line: str) -> str | None:
    """What sort of list mark it begins with."""
    found = _MARK.match(line)
    if not found:
        return None
    return "bullet" if found[1] else "dash" if found[2] else "number"


def _opening(line: str) -> str:
    """Its first character that is no quotation mark, bracket or dash."""
    return line.lstrip(_OPENERS)[:1]


def unwrapped(lines: Sequence[str]) -> list[str]:
    """The paragraphs of a text whose lines were broken to a width, in order; none is empty.

    Blank lines, indentation, short last lines, list marks and sentence ends say where one ends. A first
    line that may be a title is left by itself. A text that was not broken keeps its lines.
    """
    blocks = _blocks(lines)
    width = _width(blocks)
    hyphens = Hyphens.of(lines)
    paragraphs: list[str] = []
    for number, block in enumerate(blocks):
        for paragraph in _parted(block, width, is_first=number == 0, is_only=len(blocks) == 1):
            paragraphs.append(hyphens.joined(line.text for line in paragraph))
    return paragraphs


def joined(paragraphs: Sequence[Sequence[str]]) -> list[str]:
    """Each paragraph of its lines; words that were hyphenated at the end of a line are whole again."""
    hyphens = Hyphens.of([line for paragraph in paragraphs for line in paragraph])
    return [hyphens.joined(map(str.strip, paragraph)) for paragraph in paragraphs]


def _blocks(lines: Iterable[str]) -> list[list[_Line]]:
    """The lines between blank ones."""
    found = (_line(each) for each in lines)
    return [list(block) for is_text, block in groupby(found, lambda line: bool(line.text)) if is_text]


def _line(raw: str) -> _Line:
    text = raw.strip()
    blanks = raw[: len(raw) - len(raw.lstrip())]
    return _Line(text, len(blanks) + (_TAB - 1) * blanks.count("\t"))


def _width(blocks: Sequence[Sequence[_Line]]) -> int:
    """How wide the lines were allowed to be; 0 where they were not broken to a width."""
    found = sorted(line.right for block in blocks for line in block[:-1] if " " in line.text)
    if not found:
        return 0
    usual = found[int(0.9 * (len(found) - 1))]
    width = found[-1] if len(found) < _FEW else max(each for each in found if each <= _ODD * usual)
    return width if _NARROWEST <= width <= _WIDEST else 0


def _parted(block: Sequence[_Line], width: int, *, is_first: bool, is_only: bool) -> Iterator[list[_Line]]:
    """The paragraphs of a block, as their lines."""
    # By itself and without a sentence's end: a title in some lines.
    is_title = not is_only and len(block) <= _TITLE_LINES and not ends_sentence(block[-1].text)
    paragraph = [block[0]]
    for number, line in enumerate(block[1:]):
        opens = is_first and number == 0 and not is_title
        if (opens and _may_be_title(paragraph[0].text, line.text, is_only=is_only)) or _parts(
            paragraph, line, width
        ):
            yield paragraph
            paragraph = []
        paragraph.append(line)
    yield paragraph


def _may_be_title(first: str, second: str, *, is_only: bool) -> bool:
    """Whether the text's first line may be a title that stands right upon the text."""
    if ends_sentence(first) or first.endswith((*HYPHENS, ",")):
        return False
    opening = _opening(second)
    if opening.isalpha() and opening.lower() == opening.upper():
        return is_only  # no capitals in this script; where blank lines part paragraphs, one is missing here
    return not opening.islower()


def _parts(paragraph: Sequence[_Line], line: _Line, width: int) -> bool:
    """Whether a line opens another paragraph than the one above it."""
    last = paragraph[-1]
    if not width or is_date(last.text) or is_date(line.text):
        return True
    # Had its first word fitted on the line above, a machine would have put it there.
    is_full = last.right + 1 + len(line.text.split(" ", 1)[0]) > width
    if opens_entry(line.text, last.text, paragraph[0].text, is_full=is_full):
        return True
    if _is_set_apart(paragraph, line):
        return True
    if is_full:
        return False
    is_long = len(last.text) >= min(_LONG, _LOOSE * width)
    return not (is_long and goes_on(last.text, line.text))


def _is_set_apart(paragraph: Sequence[_Line], line: _Line) -> bool:
    """Whether its indentation says that a line opens a paragraph."""
    last = paragraph[-1]
    further = line.indent - last.indent
    if abs(further) <= 1:
        return False
    if further > 0:
        return not (len(paragraph) == 1 and _mark(last.text)) or further > _INDENTED
    return len(paragraph) > 1 or -further > _INDENTED
