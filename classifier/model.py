"""The trained model as it serves: a table with one row a word. Imports numpy, not scikit-learn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from classifier import tagging, words
from classifier.articles import Article
from classifier.features import PASSAGES, Recipe, runs, saturated
from classifier.passages import Passage, passages
from classifier.tagging import Calibration, Cuts, Evidence, Scores, Tag, Tagged
from classifier.topics import Topic

# Words never seen in training are computed once and remembered, up to this many.
_MOST_REMEMBERED = 200_000

_NO_WORD = 0  # the row of words that say nothing: zeros


@dataclass(frozen=True, slots=True)
class Weights:
    """What training leaves.

    `word_rows` has a row for each word seen in training, with a column a topic (what the word
    contributes) and a last one (its share of the squared norm). A word never seen gets such a
    row from its runs of characters, by their coefficients (runs × topics) and idf.
    `intercepts` has one number a topic.
    """

    words: Sequence[str]
    word_rows: NDArray[np.float64]
    runs: Sequence[str]
    run_coefficients: NDArray[np.float32]
    run_idf: NDArray[np.float64]
    intercepts: NDArray[np.float64]


class WordTable:
    """Looks up the row of each word; a word never seen gets its row from its runs, once."""

    def __init__(self, weights: Weights, recipe: Recipe) -> None:
        self._weights = weights
        self._recipe = recipe
        columns = weights.word_rows.shape[1]
        self._known = {word: row for row, word in enumerate(weights.words, 1)}
        self._rows = np.vstack([np.zeros((1, columns)), weights.word_rows])
        self._run_row: dict[str, int] | None = None
        self._used = len(self._rows)
        self._index: dict[str, int] = {}  # by token
        self._new: dict[str, int] = {}  # by word, of those not seen in training

    def numbers(self, tokens: Sequence[str]) -> list[int]:
        """The number of each token's row, in order: tokens of the same word have the same.

        A token of the title comes marked as `Recipe` marks it. Numbers hold until the next call.
        """
        if len(self._index) >= _MOST_REMEMBERED:
            self._forget()
        index = self._index
        return [index[t] if t in index else self._look_up(t) for t in tokens]

    def rows(self, numbers: Sequence[int]) -> NDArray[np.float64]:
        """A row for each number, in order."""
        return self._rows[list(numbers)]

    def _look_up(self, token: str) -> int:
        word = self._recipe.normalise_marked(token)
        row = _NO_WORD
        if word:
            row = self._known.get(word) or self._new.get(word, _NO_WORD)
            if row == _NO_WORD and self._weights.runs:
                row = self._new[word] = self._append(self._from_runs(word))
        self._index[token] = row
        return row

    def _from_runs(self, word: str) -> NDArray[np.float64]:
        if self._run_row is None:
            self._run_row = {run: row for row, run in enumerate(self._weights.runs)}
        found = [self._run_row[run] for run in runs(word) if run in self._run_row]
        idf = self._weights.run_idf[found]
        return np.append(idf @ self._weights.run_coefficients[found], np.sum(idf**2))

    def _append(self, row: NDArray[np.float64]) -> int:
        if self._used == len(self._rows):
            room = np.zeros((max(1024, len(self._rows) // 2), self._rows.shape[1]))
            self._rows = np.vstack([self._rows, room])
        self._rows[self._used] = row
        self._used += 1
        return self._used - 1

    def _forget(self) -> None:
        self._index.clear()
        self._new.clear()
        self._used = 1 + len(self._weights.words)


@dataclass(frozen=True)
class Model:
    """A version of the model. Tagging an article changes nothing but what it remembers of words.

    Not safe for several threads at once: each thread that tags has its own.
    """

    version: str
    topics: tuple[str, ...]
    titles: Mapping[str, str]
    cuts: Mapping[str, Cuts]
    calibration: Mapping[str, Calibration]  # by language; "" for all others
    weights: Weights
    labels_fingerprint: str = ""
    quality: Mapping[str, object] = field(default_factory=dict)
    retired: frozenset[str] = frozenset()
    recipe: Recipe = PASSAGES
    _table: list[WordTable] = field(default_factory=list, repr=False)

    @property
    def table(self) -> WordTable:
        if not self._table:
            self._table.append(WordTable(self.weights, self.recipe))
        return self._table[0]

    def scores(self, texts: Sequence[str]) -> Scores:
        """The score of each text for each topic (texts × topics), the texts taken as passages."""
        return self._block([words.split(text) for text in texts]) + self.weights.intercepts

    def article_scores(self, article: Article, cut_up: Sequence[Passage]) -> Scores:
        """The scores from which an article is judged: its passages', or by recipe one for it whole."""
        if not self.recipe.whole:
            return self.scores([passage.text for passage in cut_up])
        score = self.scores([article.text])
        if self.recipe.title and article.title:
            marked = [self.recipe.mark(token) for token in words.split(article.title)]
            score = score + self.recipe.title * self._block([marked])
        return score

    def _block(self, texts: Sequence[Sequence[str]]) -> Scores:
        """Sums of the rows of each text's tokens, over the square root of their shares of the norm."""
        numbers = iter(self.table.numbers([token for tokens in texts for token in tokens]))
        counts = [Counter(islice(numbers, len(tokens))) for tokens in texts]
        rows = self.table.rows([number for found in counts for number in found])
        often = np.array([times for found in counts for times in found.values()], dtype=np.float64)
        rows = rows * saturated(often)[:, None]
        sums = np.zeros((len(texts), rows.shape[1]))
        filled = [number for number, found in enumerate(counts) if found]
        if filled:
            ends = np.cumsum([len(counts[number]) for number in filled])
            sums[filled] = np.add.reduceat(rows, [0, *ends[:-1]], axis=0)
        norms = np.sqrt(sums[:, -1:])
        norms[norms == 0.0] = 1.0
        return np.asarray(sums[:, :-1] / norms)

    def contributions(self, text: str, topic: str) -> dict[str, float]:
        """What each word of a text, as it is written there, adds to the text's score for a topic.

        With the topic's intercept they sum to the score.
        """
        written, tokens = words.as_written(text), words.split(text)
        if not tokens:
            return {}
        # What a word adds is shared evenly among the places where it stands.
        numbers = self.table.numbers(tokens)
        counts = Counter(numbers)
        often = np.array([counts[number] for number in numbers], dtype=np.float64)
        rows = self.table.rows(numbers) * (saturated(often) / often)[:, None]
        norm = float(np.sqrt(rows[:, -1].sum())) or 1.0
        column = rows[:, self.topics.index(topic)] / norm
        found: dict[str, float] = {}
        for word, value in zip(written, column.tolist(), strict=True):
            if value:
                found[word] = found.get(word, 0.0) + value
        return found

    def tag(self, article: Article) -> Tagged:
        """The tags of an article with their evidence, and each topic's probability."""
        cut_up = passages(article)
        scores = self.scores([passage.text for passage in cut_up])
        judged = self.article_scores(article, cut_up) if self.recipe.whole else scores
        curve = self.curve(article.language)
        probabilities = curve.probabilities(tagging.article_features(judged))
        tags = []
        for column, topic in enumerate(self.topics):
            probability = float(probabilities[column])
            grade = None if topic in self.retired else self.cuts[topic].grade(probability)
            if grade is not None:
                carried: list[Evidence] = []
                for row in tagging.quotable(tagging.best_passages(scores[:, column]), cut_up):
                    words_for = self.contributions(cut_up[row].text, topic)
                    alone = tagging.article_features(scores[row : row + 1])[column]
                    own = float(curve.probabilities(alone))
                    carried.append(tagging.evidence(cut_up[row], own, words_for))
                tags.append(Tag(topic, grade, round(probability, 4), tuple(carried)))
        tags.sort(key=lambda tag: (-tag.probability, tag.topic))
        everything = dict(zip(self.topics, probabilities.round(4).tolist(), strict=True))
        return Tagged(article, tuple(tags), everything, self.version)

    def without(self, topics: Iterable[Topic]) -> Model:
        """The same model, saying nothing of the topics that are retired by now."""
        retired = frozenset(topic.id for topic in topics if topic.retired)
        return replace(self, retired=self.retired | retired)

    def curve(self, language: str | None) -> Calibration:
        """The calibration for a language, or the common one."""
        return self.calibration.get(language or "", self.calibration[""])
