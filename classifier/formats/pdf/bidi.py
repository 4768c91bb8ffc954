"""The order in which signs stand on a page, left to right ▶ the order in which they are read.

The reverse of Unicode's bidirectional algorithm for one line, where Arabic or Hebrew stands in it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

_RIGHT_TO_LEFT = re.compile("[\u0590-\u065f\u066e-\u06ef\u06fa-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_LEFT_TO_RIGHT = re.compile("[A-Za-z\u00aa\u00b5\u00ba\u00c0-\u02b8\u0370-\u058f\u1e00-\u1fff]")
_FORMS = re.compile("[\ufb1d-\ufdff\ufe70-\ufefc]+")  # letters as they look in a place of a word
_BETWEEN_DIGITS = frozenset(".,:/-+\u00a0\u066b\u066c")
_BESIDE_DIGITS = frozenset("%$€£₸₽٪°#+-±\u2212")
_ALEFS = frozenset("اأإآٱ")
_LAM = "ل"
_TURNED = {"هللا": "الله", "هلل": "لله"}

_FAR = 30  # signs; no more stand between two words of a language that is read from the left

_OPENING, _CLOSING = "([{«‹", ")]}»›"
_TO_OPENING = dict(zip(_CLOSING, _OPENING, strict=True))
_TO_CLOSING = dict(zip(_OPENING, _CLOSING, strict=True))


def is_right_to_left(text: str) -> bool:
    """Whether a text has any letter of a script that runs from right to left."""
    return _RIGHT_TO_LEFT.search(text) is not None


def runs_right_to_left(text: str) -> bool:
    """Whether most letters of a text are of such a script."""
    return len(_RIGHT_TO_LEFT.findall(text)) > len(_LEFT_TO_RIGHT.findall(text))


def base_letters(text: str) -> str:
    """Letters instead of the forms that they take at the start, within and at the end of a word."""
    return _FORMS.sub(lambda forms: unicodedata.normalize("NFKC", forms[0]), text)


def ligature(signs: str) -> str:
    """What one shape on the page stands for, in the order of reading; `signs` in either order."""
    if len(signs) == 2 and signs[1] == _LAM and signs[0] in _ALEFS:
        return signs[::-1]
    return _TURNED.get(signs, signs)


def in_order_of_reading(signs: Sequence[str], *, right_to_left: bool) -> str:
    """The text of a line, of its signs from left to right, each with its marks.

    `right_to_left` is the direction of the text that the line is of.
    """
    if right_to_left:
        turned = _islands_turned(list(reversed(signs)))
        return _brackets("".join(turned))
    return _brackets("".join(_rightward_turned(signs)))


def _kind(sign: str) -> str:
    """L: left to right, R: right to left, N: a digit, else the sign itself or a blank."""
    first = sign[:1]
    if _LEFT_TO_RIGHT.match(first):
        return "L"
    if first.isdigit():
        return "N"
    if _RIGHT_TO_LEFT.match(first):
        return "R"
    return first


def _islands_turned(signs: list[str]) -> list[str]:
    """Signs as they are met from the right, with all that is read from the left turned round."""
    kinds = [_kind(sign) for sign in signs]
    result: list[str] = []
    at = 0
    while at < len(signs):
        end = _end_of_island(kinds, at)
        if end > at:
            result.extend(reversed(signs[at:end]))
            at = end
        else:
            result.append(signs[at])
            at += 1
    return result


def _end_of_island(kinds: Sequence[str], start: int) -> int:
    """Where what begins here and is read from the left ends; `start` where nothing does."""
    at = start
    if kinds[at] in _BESIDE_DIGITS and at + 1 < len(kinds) and kinds[at + 1] == "N":
        at += 1
    if kinds[at] not in ("L", "N"):
        return start
    end = at + 1  # behind the last sign that is surely of it
    has_letter = kinds[at] == "L"
    for later in range(end, len(kinds)):
        kind = kinds[later]
        if kind == "R" or later - end > _FAR:
            break
        if kind == "L":
            # A number further right than letters, too: they are a phrase more often than not.
            has_letter, end = True, later + 1
        elif kind == "N" and (has_letter or later == end or _links(kinds, end, later)):
            end = later + 1
    if not has_letter and end < len(kinds) and kinds[end] in _BESIDE_DIGITS:
        end += 1
    return end


def _links(kinds: Sequence[str], end: int, at: int) -> bool:
    return at == end + 1 and kinds[end] in _BETWEEN_DIGITS


def _rightward_turned(signs: Sequence[str]) -> list[str]:
    """Signs of a line that is read from the left, with each stretch that is not turned round."""
    kinds = [_kind(sign) for sign in signs]
    result: list[str] = []
    at = 0
    for start, end in _leftward_stretches(kinds):
        result.extend(signs[at:start])
        result.extend(_islands_turned(list(reversed(signs[start:end]))))
        at = end
    return [*result, *signs[at:]]


def _leftward_stretches(kinds: Sequence[str]) -> Iterator[tuple[int, int]]:
    """From where to where signs are read from the right, each with the numbers that it ends with."""
    at, number, behind = 0, None, 0  # where the nearest number on the left of a stretch begins
    while at < len(kinds):
        if kinds[at] == "N" and (not at or kinds[at - 1] != "N") and not _links_back(kinds, at):
            # The first thing on a line is no end of anything.
            number = at if at > behind else None
        elif kinds[at] == "L":
            number = None
        elif kinds[at] == "R":
            end = last = at
            while end < len(kinds) and kinds[end] != "L":
                last = end if kinds[end] in ("R", "N") else last
                end += 1
            yield (at if number is None else number), last + 1
            at, number, behind = last, None, last + 1
        at += 1


def _links_back(kinds: Sequence[str], at: int) -> bool:
    return at > 1 and kinds[at - 2] == "N" and kinds[at - 1] in _BETWEEN_DIGITS


def _brackets(text: str) -> str:
    """Brackets and quotation marks that open before a word and close behind one.

    They look the other way in a text from right to left, and programs differ in which they write down.
    """
    if not any(each in _TO_OPENING or each in _TO_CLOSING for each in text):
        return text
    result = list(text)
    for at, sign in enumerate(text):
        before, after = text[at - 1 : at] if at else "", text[at + 1 : at + 2]
        free_before, free_after = not before or before.isspace(), not after or after.isspace()
        if free_before and not free_after:
            result[at] = _TO_OPENING.get(sign, sign)
        elif free_after and not free_before:
            result[at] = _TO_CLOSING.get(sign, sign)
    return _inside(result)


def _inside(signs: list[str]) -> str:
    """Brackets of which a comma or a point hides on which side the word is."""
    for at, sign in enumerate(signs):
        before = signs[at - 1] if at else " "
        after = signs[at + 1] if at + 1 < len(signs) else " "
        if sign in _TO_CLOSING and before.isalnum() and not after.isalnum():
            signs[at] = _TO_CLOSING[sign]
        elif sign in _TO_OPENING and after.isalnum() and not before.isalnum():
            signs[at] = _TO_OPENING[sign]
    return "".join(signs)
