"""Whether one text stands in another, word for word or nearly so. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

_WORD = re.compile(r"\w+")
_RUN = 3  # words; single ones are in any text on the same subject
_MOST_WORDS = 20_000
_STANDS_IN = 0.85  # of its runs of words


class _Runs:
    """A text by its runs of words."""

    def __init__(self, text: str) -> None:
        words: list[str] = []
        for match in _WORD.finditer(text):
            words.append(match[0].casefold())
            if len(words) == _MOST_WORDS:
                break
        self.runs = {hash(tuple(words[at : at + _RUN])) for at in range(max(1, len(words) - _RUN + 1))}

    def stands_in(self, other: _Runs) -> bool:
        return len(self.runs & other.runs) >= _STANDS_IN * len(self.runs)


def repeats(texts: Sequence[str]) -> dict[int, int]:
    """Which of some texts stand in another of them, each with that one; the longest first."""
    runs = [_Runs(text) for text in texts]
    kept: list[int] = []
    found: dict[int, int] = {}
    for number in sorted(range(len(runs)), key=lambda each: -len(runs[each].runs)):
        whole = next((each for each in kept if runs[number].stands_in(runs[each])), None)
        if whole is None:
            kept.append(number)
        else:
            found[number] = whole
    return found
