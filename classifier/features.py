"""What the model sees of a word: the word itself, and the runs of characters inside it.

Every feature belongs to one word, so a passage's features are a sum over its words. That is
what lets a trained model collapse into a table with one row a word.
"""

from __future__ import annotations

SHORTEST_RUN = 3
LONGEST_RUN = 6

_WHOLE = "="  # opens a word's own feature; no normalised word contains it
_BOUNDARY = " "


def features(word: str) -> list[str]:
    """The features of one normalised word, repeated ones as often as they occur."""
    return [whole(word), *runs(word)]


def whole(word: str) -> str:
    """The feature that is the word itself."""
    return _WHOLE + word


def is_run(feature: str) -> bool:
    return not feature.startswith(_WHOLE)


def runs(word: str) -> list[str]:
    """The runs of 3 to 6 characters inside a word, its boundaries marked by blanks.

    The same that scikit-learn's analyzer "char_wb" takes, but that a word shorter than a run
    is not taken whole again and again.
    """
    bounded = f"{_BOUNDARY}{word}{_BOUNDARY}"
    return [
        bounded[start : start + length]
        for length in range(SHORTEST_RUN, LONGEST_RUN + 1)
        for start in range(len(bounded) - length + 1)
    ]
