"""With which runs of characters words are spelled, found for many words together.

A run is at most six letters. With its letters numbered it fits into one machine word, so that
all runs of all words are cut, looked up and compared exactly by a few operations on arrays. That
takes a third of the time of cutting strings and looking up each.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from classifier.features import BOUNDARY, LONGEST_RUN, SHORTEST_RUN
from classifier.names import Names

_BITS = 63 // LONGEST_RUN
MOST_LETTERS = (1 << _BITS) - 2  # one number is for none, one for any other

Numbers = NDArray[np.int64]


class Spelling:
    """Made of the runs that a model knows, which takes as long as to look up some thousand words.

    Raises ValueError where they have more than `MOST_LETTERS` letters.
    """

    def __init__(self, runs: Names) -> None:
        known = np.char.decode(runs.encoded, "utf-8").astype(f"U{LONGEST_RUN}")
        codes = known.view(np.uint32).reshape(len(known), LONGEST_RUN)
        letters = np.unique(codes[codes > 0])
        if len(letters) > MOST_LETTERS:
            raise ValueError(f"{len(letters)} letters")
        self._other = len(letters) + 1
        # By code point; the last place is for all beyond.
        self._number = np.full(int(letters.max(initial=0)) + 2, self._other, dtype=np.int64)
        self._number[letters] = np.arange(1, self._other)
        self._number[0] = 0  # where a run is shorter
        keys = self._keys(self._number[codes].T)
        self._order = np.argsort(keys)
        self._sorted = keys[self._order]

    def of(self, words: Sequence[str]) -> tuple[Numbers, Numbers]:
        """The places of the runs of each word, one word's after the other, and how many each has.

        Of a word they come as `features.runs` has them, without those that are not known.
        """
        numbers, owners, left = self._letters(words)
        found: list[tuple[Numbers, Numbers]] = []
        for length in range(SHORTEST_RUN, LONGEST_RUN + 1):
            starts = np.flatnonzero(left >= length)
            places = self._places(self._keys([numbers[starts + place] for place in range(length)]))
            known = places >= 0
            found.append((owners[starts[known]], places[known]))
        whose, places = map(np.concatenate, zip(*found, strict=True))
        return places[np.argsort(whose, kind="stable")], np.bincount(whose, minlength=len(words))

    def _letters(self, words: Sequence[str]) -> tuple[Numbers, Numbers, Numbers]:
        """Of each sign of the words with their boundaries: its number, whose it is, how many are left."""
        bounded = "".join(f"{BOUNDARY}{word}{BOUNDARY}" for word in words)
        codes = np.frombuffer(bounded.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        sizes = np.array([len(word) + 2 for word in words], dtype=np.int64)
        owners = np.repeat(np.arange(len(words)), sizes)
        left = np.cumsum(sizes)[owners] - np.arange(len(codes))
        return self._number[np.minimum(codes, len(self._number) - 1)], owners, left

    def _places(self, keys: Numbers) -> Numbers:
        found = np.minimum(np.searchsorted(self._sorted, keys), len(self._sorted) - 1)
        return np.where(self._sorted[found] == keys, self._order[found], -1)

    @staticmethod
    def _keys(letters: Sequence[Numbers] | Numbers) -> Numbers:
        """One number for each run, from the numbers of its letters: the first of all runs, the second, …"""
        keys = np.zeros(len(letters[0]), dtype=np.int64)
        for place, numbers in enumerate(letters):
            keys |= numbers << (_BITS * place)
        return keys
