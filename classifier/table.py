"""A table with one row a word: what the word contributes to each topic, and its share of the norm.

It gives the scores of a linear model over tf·idf features, exactly. Imports numpy, not scikit-learn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from classifier import words
from classifier.features import Recipe, runs, saturated
from classifier.names import Names
from classifier.transliteration import is_kazakh_in_arabic

if TYPE_CHECKING:
    from classifier.spelling import Spelling

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
_Found = TypeVar("_Found")

# Texts seen are looked up once and remembered, up to this many.
_MOST_REMEMBERED = 200_000
_LONGEST_REMEMBERED = 160  # characters

_AT_ONCE = 100_000  # characters; the rows of their words fit into the processor's cache
_MOST_ROWS = 1 << 32
_MANY = 10_000  # words that training did not see; for fewer it does not pay to make a `Spelling`
_NO_WORD = 0  # the row of words that say nothing: zeros


@dataclass(frozen=True, slots=True)
class Weights:
    """What training leaves.

    `word_rows` has a row for each word seen in training, with a column a topic (what the word
    contributes) and a last one (its share of the squared norm). A word never seen gets such a
    row from its runs of characters, by their coefficients (runs × topics) and idf.
    `intercepts` has one number a topic.
    """

    words: Names
    word_rows: NDArray[np.float64]
    runs: Names
    run_coefficients: NDArray[np.float32]
    run_idf: NDArray[np.float64]
    intercepts: NDArray[np.float64]


class Remembered(dict[str, _Found]):
    """What is found for a text, found once. A very long text is not remembered."""

    def __init__(self, find: Callable[[str], _Found]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, text: str) -> _Found:
        found = self._find(text)
        if len(text) <= _LONGEST_REMEMBERED:
            self[text] = found
        return found


class WordTable:
    """Looks up the row of each word; a word never seen gets its row from its runs, once."""

    def __init__(self, weights: Weights, recipe: Recipe) -> None:
        self._weights = weights
        self._recipe = recipe
        columns = weights.word_rows.shape[1]
        self._used = 1 + len(weights.word_rows)
        # What is never written to costs no memory.
        self._rows = np.zeros((self._used + max(1024, self._used // 2), columns))
        self._rows[1 : self._used] = weights.word_rows
        self._new: dict[str, int] = {}  # by word, of those not seen in training
        self._unfilled: list[str] = []  # the last of them, whose rows are still to be found
        self._spelling: Spelling | None = None
        self._until_it_pays: float = _MANY
        self._by_token = Remembered(self._number)
        self._by_stretch = Remembered(self._number_of_stretch)
        self._several: dict[int, tuple[int, ...]] = {}  # words written together, by a number below 0

    def scores(self, texts: Sequence[str]) -> Floats:
        """What the words of each text say of each topic (texts × topics)."""
        found = [np.zeros((0, self._rows.shape[1] - 1))]
        for block in _blocks(texts):
            self._make_room()
            found.append(self._scores([self._read(text) for text in block]))
        return np.concatenate(found)

    def score(self, tokens: Iterable[str]) -> Floats:
        """What tokens say of each topic (1 × topics); those of a title come marked as `Recipe` does."""
        self._make_room()
        return self._scores([self._numbers(tokens)])

    def contributions(self, text: str) -> tuple[list[str], Floats]:
        """The words of a text in order as they are written there, and what each adds to its score.

        That is words × topics, and sums to `scores`. A word that is said again adds to the score
        as a whole; that is shared by all places where it is said.
        """
        self._make_room()
        written = words.as_written(text)
        numbers = self._numbers(words.as_known(written, text))
        self._fill()
        rows, places, often = np.unique(
            np.array(numbers, dtype=np.int64), return_inverse=True, return_counts=True
        )
        counted = often.astype(np.float64)
        parts = self._rows.take(rows, axis=0) * saturated(counted)[:, None]
        norm = np.sqrt(parts[:, -1].sum()) or 1.0
        shares = parts[:, :-1] / (counted * norm)[:, None]
        return written, shares.take(places, axis=0)

    def _read(self, text: str) -> list[int]:
        """The numbers of a text's words in order; one of `_several` stands for several words."""
        if is_kazakh_in_arabic(text):
            return self._numbers(words.split(text))
        # Between blanks stands mostly one word with its punctuation. To look it up as it stands is
        # four times as fast as to find the word in it.
        return list(map(self._by_stretch.__getitem__, text.split()))

    def _scores(self, texts: Sequence[list[int]]) -> Floats:
        """Sums of the rows of each text over the square root of its share of the norm."""
        self._fill()
        owners, numbers = self._words_apart(texts)
        keys, often = np.unique(owners * _MOST_ROWS + numbers, return_counts=True)
        numbers = keys % _MOST_ROWS
        rows = self._rows.take(numbers, axis=0)
        rows *= saturated(often.astype(np.float64))[:, None]
        sums = np.add.reduceat(rows, np.flatnonzero(numbers == _NO_WORD), axis=0)
        norms = np.sqrt(sums[:, -1:])
        norms[norms == 0.0] = 1.0
        return np.asarray(sums[:, :-1] / norms)

    def _words_apart(self, texts: Sequence[list[int]]) -> tuple[Numbers, Numbers]:
        """For every word: which text it is in, and the number of its row. No text is without no word."""
        sizes = [len(found) for found in texts]
        owners = np.repeat(np.arange(len(texts)), sizes)
        numbers = np.fromiter(chain.from_iterable(texts), np.int64, sum(sizes))
        joined = np.flatnonzero(numbers < 0)
        parts = [self._several[number] for number in numbers[joined].tolist()]
        numbers[joined] = _NO_WORD
        more = np.repeat(owners[joined], [len(part) for part in parts])
        apart = np.fromiter(chain.from_iterable(parts), np.int64)
        none = np.full(len(texts), _NO_WORD)
        return (
            np.concatenate([np.arange(len(texts)), owners, more]),
            np.concatenate([none, numbers, apart]),
        )

    def _make_room(self) -> None:
        """Forgets what it remembers where that has become too much. Numbers hold until then."""
        if len(self._by_token) + len(self._by_stretch) + len(self._several) >= _MOST_REMEMBERED:
            self._by_token.clear()
            self._by_stretch.clear()
            self._several.clear()
            self._new.clear()
            self._unfilled.clear()
            self._used = 1 + len(self._weights.words)

    def _numbers(self, tokens: Iterable[str]) -> list[int]:
        return list(map(self._by_token.__getitem__, tokens))

    def _number_of_stretch(self, stretch: str) -> int:
        """The number of the only word in a stretch without blanks, or one of `_several`."""
        if stretch.isalpha() and len(stretch) <= words.LONGEST_TOKEN:
            return self._number(stretch)
        found = self._numbers(words.as_written(stretch))
        if len(found) <= 1:
            return found[0] if found else _NO_WORD
        number = -1 - len(self._several)
        self._several[number] = tuple(found)
        return number

    def _number(self, token: str) -> int:
        word = self._recipe.normalise_marked(token)
        if not word:
            return _NO_WORD
        row = self._weights.words.place(word) + 1 or self._new.get(word, _NO_WORD)
        if row == _NO_WORD and self._weights.runs:
            row = self._new[word] = self._used + len(self._unfilled)
            self._unfilled.append(word)
        return row

    def _fill(self) -> None:
        """Find the rows of the new words, all together: a fifth of the time that one by one takes."""
        if not self._unfilled:
            return
        end = self._used + len(self._unfilled)
        if end > len(self._rows):
            room = np.zeros((max(1024, len(self._rows) // 2, end - len(self._rows)), self._rows.shape[1]))
            self._rows = np.vstack([self._rows, room])
        self._rows[self._used : end] = self._from_runs(self._unfilled)
        self._used = end
        self._unfilled.clear()

    def _from_runs(self, new: Sequence[str]) -> Floats:
        """The rows of words that training did not see: sums over the runs of characters that it saw."""
        places, sizes = self._spelled(new)
        idf = self._weights.run_idf.take(places)[:, None]
        parts = np.hstack([self._weights.run_coefficients.take(places, axis=0) * idf, idf**2])
        sums = np.zeros((len(new), parts.shape[1]))
        some = np.flatnonzero(sizes)
        if some.size:
            sums[some] = np.add.reduceat(parts, (np.cumsum(sizes) - sizes)[some], axis=0)
        return sums

    def _spelled(self, new: Sequence[str]) -> tuple[Numbers, Numbers]:
        """The runs of words, those that training saw, and how many each word has."""
        self._until_it_pays -= len(new)
        if self._spelling is None and self._until_it_pays <= 0:
            from classifier.spelling import Spelling

            try:
                self._spelling = Spelling(self._weights.runs)
            except ValueError:
                self._until_it_pays = math.inf
        if self._spelling is not None:
            return self._spelling.of(new)
        spelled = [runs(word) for word in new]
        places = self._weights.runs.places(chain.from_iterable(spelled))
        owners = np.repeat(np.arange(len(new)), [len(found) for found in spelled])
        return places[places >= 0], np.bincount(owners[places >= 0], minlength=len(new))


def _blocks(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """The texts in order, as many together as have about `_AT_ONCE` characters."""
    start = length = 0
    for number, text in enumerate(texts, 1):
        length += len(text)
        if length >= _AT_ONCE or number == len(texts):
            yield texts[start:number]
            start, length = number, 0
