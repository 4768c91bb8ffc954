"""What the model sees of a word: the word itself, and the runs of characters inside it.

Every feature belongs to one word, so a passage's features are a sum over its words. That is
what lets a trained model collapse into a table with one row a word.
"""

from __future__ import annotations

from collections import Counter

SHORTEST_RUN = 3
LONGEST_RUN = 6

# A word's own feature starts with this mark, which no normalised word contains.
_WHOLE = "="
_BOUNDARY = " "


def features(word: str) -> Counter[str]:
    """The features of one normalised word and how often each occurs in it.

    Runs of 3 to 6 characters are taken inside the word with its boundaries marked, as
    scikit-learn's analyzer "char_wb" does.
    """
    bounded = f"{_BOUNDARY}{word}{_BOUNDARY}"
    runs = [
        bounded[start : start + length]
        for length in range(SHORTEST_RUN, LONGEST_RUN + 1)
        for start in range(len(bounded) - length + 1)
    ]
    return Counter([_WHOLE + word, *runs])
