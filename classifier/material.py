"""Corpus ▶ matrices: what scikit-learn trains on, and how a trained model collapses into rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer

from classifier.corpus import Corpus, Stretch
from classifier.errors import LabelError
from classifier.estimators import Fitted
from classifier.evaluation import flags
from classifier.features import Recipe, blocks, is_run, saturated
from classifier.names import Names
from classifier.table import Weights

_AT_ONCE = 256  # articles whose passages are scored together

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Texts = tuple[sparse.csr_matrix, Flags, Recipe, Floats | None]  # what `fit` takes


class Material:
    """The corpus as matrices.

    Rows of `matrix` and `truth` are labelled texts, `owner` says of which article (-1: a term).
    `weights` (rows × topics) is what a text counts in the model of a topic, 0 where nobody knows whether
    it is about it; None where each counts 1. `main`, `mention`, `unknown`, `languages` and `folds` have
    a row an article.
    """

    def __init__(self, corpus: Corpus, recipe: Recipe, *, terms: bool) -> None:
        self.topics = corpus.topic_ids
        self.recipe = recipe
        articles = corpus.articles
        stretches = list(corpus.terms()) if terms else []
        owner = [-1] * len(stretches)
        for number, judged in enumerate(articles):
            whole = (Stretch(judged.article.text, judged.main, judged.unknown, judged.weights),)
            found = whole if recipe.whole else judged.stretches
            stretches += found
            owner += [number] * len(found)
        self.owner = np.array(owner, dtype=np.int64)
        self.truth = flags(self.topics, [stretch.topics for stretch in stretches])
        self.weights = _weights(self.topics, stretches)
        self.main = flags(self.topics, [judged.main for judged in articles])
        self.mention = flags(self.topics, [judged.mention for judged in articles])
        self.unknown = flags(self.topics, [judged.unknown for judged in articles])
        self.languages = np.array([judged.article.language or "?" for judged in articles])
        # By the text itself: a label more leaves every other article in its fold, and so what the folds
        # say of two models can be compared article by article.
        self.folds = np.array([int(judged.article.fingerprint[:8], 16) % recipe.folds for judged in articles])
        _refuse_one_sided(self.topics, self.truth, self.weights)
        titles = [judged.article.title for judged in articles]
        texts = [
            (stretch.text, titles[number] if recipe.whole and number >= 0 else None)
            for stretch, number in zip(stretches, owner, strict=True)
        ]
        if not any(recipe.words_of(*text) for text in texts):
            raise LabelError(["labels: no word in any labelled text"])
        counter = CountVectorizer(analyzer=lambda text: recipe.words_of(*text))
        counts = _saturated(counter.fit_transform(texts))
        self.words: list[str] = counter.get_feature_names_out().tolist()
        self.matrix = self._learn_features(counts)
        if not recipe.whole:
            cut_up = [judged.passages for judged in articles]
            self._passage_ends = np.cumsum([0, *(len(passages) for passages in cut_up)])
            passages = [(passage.text, None) for found in cut_up for passage in found]
            self._passages = _saturated(counter.transform(passages))

    @property
    def known(self) -> Flags:
        """Of which rows it is known for every topic whether they are about it."""
        known: Flags = np.ones(len(self.owner), dtype=bool)
        if self.weights is not None:
            known = np.all(self.weights > 0, axis=1)
        return known

    def texts(self, rows: Flags) -> Texts:
        """Some of the labelled texts, as `fit` takes them."""
        weights = None if self.weights is None else self.weights[rows]
        return self.matrix[rows], self.truth[rows], self.recipe, weights

    def passage_scores(self, articles: Sequence[int], fitted: Fitted) -> Iterator[Floats]:
        """For each of some articles, what a fit says of the passages that tagging would score.

        Their features are made for some articles at a time: those of all would take gigabytes.
        """
        if self.recipe.whole:
            scores = self.matrix[np.searchsorted(self.owner, articles)] @ fitted.coefficients
            yield from (scores + fitted.intercepts)[:, None, :]
            return
        for number in range(0, len(articles), _AT_ONCE):
            some = articles[number : number + _AT_ONCE]
            spans = [np.arange(self._passage_ends[each], self._passage_ends[each + 1]) for each in some]
            features = self._weighted(self._passages[np.concatenate(spans)] @ self.spelled)
            scores = np.asarray(features @ fitted.coefficients + fitted.intercepts)
            yield from np.split(scores, np.cumsum([len(span) for span in spans])[:-1])

    def _learn_features(self, counts: sparse.csr_matrix) -> sparse.csr_matrix:
        """The features, their idf, and the labelled texts in them.

        A text's features are the sum over its words, so words are counted first and their
        features only once: texts × words times words × features.
        """
        names, spelled = _spelled([self.recipe.features(word) for word in self.words])
        found = (counts @ spelled).tocsc()
        frequency = np.diff(found.indptr)
        kept = np.flatnonzero(frequency >= self.recipe.rarest)
        self.features = [names[number] for number in kept]
        self.spelled = spelled[:, kept]
        self.idf = smoothed_idf(counts.shape[0], frequency[kept], self.recipe)
        return self._weighted(found[:, kept].tocsr())

    def _weighted(self, counts: sparse.csr_matrix) -> sparse.csr_matrix:
        return weighted(counts, self.idf, blocks(self.features, self.recipe))

    def serving(self, fitted: Fitted) -> Weights:
        """The linear model collapsed into rows of words and of runs of characters.

        The title's weight is in its block, not in the rows: serving multiplies with it again.
        """
        rows = np.column_stack([fitted.coefficients * self.idf[:, None], self.idf**2])
        kept = [number for number, name in enumerate(self.features) if is_run(name)]
        kept.sort(key=self.features.__getitem__)
        return Weights(
            words=Names.of(self.words),
            word_rows=np.asarray(self.spelled @ rows),
            runs=Names.of(self.features[number] for number in kept),
            run_coefficients=fitted.coefficients[kept].astype(np.float32),
            run_idf=self.idf[kept],
            intercepts=fitted.intercepts,
        )


def smoothed_idf(texts: int, frequency: NDArray[np.int64], recipe: Recipe) -> Floats:
    """The smoothed idf of scikit-learn's TfidfTransformer, to the power of the recipe's rarity.

    `frequency` says in how many of the texts each feature stands.
    """
    found: Floats = (np.log((1 + texts) / (1 + frequency)) + 1.0) ** recipe.rarity
    return found


def weighted(
    counts: sparse.csr_matrix, idf: Floats, parts: Sequence[tuple[Flags, float]]
) -> sparse.csr_matrix:
    """tf·idf over the square root of Σ tf·idf², block by block: a norm that words add up to.

    `counts` are saturated, texts × features; `parts` as `blocks` gives them.
    """
    found = []
    for mask, weight in parts:
        norms = np.sqrt(counts @ (idf**2 * mask))
        norms[norms == 0.0] = 1.0
        found.append(sparse.diags(1.0 / norms) @ counts @ sparse.diags(weight * idf * mask))
    return sum(found[1:], start=found[0]).tocsr()


def refuse_one_sided(topics: Sequence[str], of_it: Sequence[bool], of_others: Sequence[bool]) -> None:
    """Of each topic some of the texts that are known must be about it, and some not. Raises LabelError."""
    problems = [
        f"labels: topic {topic!r} is in {'every' if is_in else 'no'} labelled text"
        for topic, is_in, is_out in zip(topics, of_it, of_others, strict=True)
        if not (is_in and is_out)
    ]
    if problems:
        raise LabelError(problems)


def _spelled(words: list[list[str]]) -> tuple[list[str], sparse.csr_matrix]:
    """The features of all words, in the order in which they first come, and words × features.

    What CountVectorizer does, without sorting half a million names of which most are dropped.
    """
    numbers: dict[str, int] = {}
    columns = np.array(
        [numbers.setdefault(feature, len(numbers)) for found in words for feature in found], dtype=np.int32
    )
    ends = np.cumsum([0, *map(len, words)])
    spelled = sparse.csr_matrix(
        (np.ones(len(columns)), columns, ends.astype(np.int32)), shape=(len(words), len(numbers))
    )
    spelled.sum_duplicates()
    return list(numbers), spelled


def _saturated(counts: sparse.csr_matrix) -> sparse.csr_matrix:
    counts = counts.astype(np.float64)
    counts.data = saturated(counts.data)
    return counts


def _weights(topics: tuple[str, ...], stretches: Sequence[Stretch]) -> Floats | None:
    special = [row for row, stretch in enumerate(stretches) if stretch.unknown or stretch.weights]
    if not special:
        return None
    found: Floats = np.ones((len(stretches), len(topics)))
    for row in special:
        stretch = stretches[row]
        found[row] = [
            0.0 if topic in stretch.unknown else stretch.weights.get(topic, 1.0) for topic in topics
        ]
    return found


def _refuse_one_sided(topics: tuple[str, ...], truth: Flags, weights: Floats | None) -> None:
    known: Flags = np.ones_like(truth) if weights is None else weights > 0
    of_it, of_others = (np.any(known & each, axis=0).tolist() for each in (truth, ~truth))
    refuse_one_sided(topics, of_it, of_others)
