"""A trained model the plain way: scikit-learn's own pipeline over a passage's features, no table.

Nothing here is collapsed or remembered, nor shared with the serving code but how a word is
normalised and spelled in features; and, for tags, how an article is cut up and what is decided
from the scores of its passages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

from classifier import tagging, words
from classifier.articles import Article, Grade
from classifier.features import LARGE, PASSAGES, runs
from classifier.model import Model
from classifier.passages import Passage, passages
from classifier.table import Weights
from classifier.tagging import Evidence, Tag, Tagged

_MOST_WORDS = 8  # of an evidence

Floats = NDArray[np.float64]


class Reference:
    """Scores of passages, as a vectoriser, an idf, a norm and a linear model give them."""

    def __init__(self, weights: Weights) -> None:
        own_idf, own_coefficients = _own_features(weights)
        kept = np.flatnonzero(own_idf > 0.0).tolist()
        self.names = [*weights.runs, *(whole(weights.words[row]) for row in kept)]
        self.idf = np.concatenate([weights.run_idf, own_idf[kept]])
        self.coefficients = np.vstack([weights.run_coefficients, own_coefficients[kept]])
        self.intercepts = weights.intercepts
        self.speller = CountVectorizer(analyzer=PASSAGES.features, vocabulary=self.names)

    def scores(self, texts: Sequence[str]) -> Floats:
        counts = self._counts(texts)
        weighted = counts @ sparse.diags(self.idf)
        norms = np.sqrt(counts @ self.idf**2)
        norms[norms == 0.0] = 1.0
        return np.asarray(sparse.diags(1.0 / norms) @ weighted @ self.coefficients + self.intercepts)

    def contributions(self, texts: Sequence[str]) -> list[dict[str, Floats]]:
        """For each text its words, as they are written there, and what they add to its scores."""
        written = [words.as_written(text) for text in texts]
        known = [
            list(map(PASSAGES.normalise, words.as_known(found, text)))
            for found, text in zip(written, texts, strict=True)
        ]
        row_of = {word: row for row, word in enumerate(sorted(set().union(*known) - {""}))}
        if not row_of:
            return [{} for _ in texts]
        spelled = self.speller.transform(row_of).astype(np.float64)
        parts, shares = spelled @ (self.coefficients * self.idf[:, None]), spelled @ self.idf**2
        found = []
        for each, normal in zip(written, known, strict=True):
            often = {word: 1.0 + np.log(number) for word, number in Counter(normal).items() if word}
            norm = np.sqrt(sum(value * shares[row_of[word]] for word, value in often.items())) or 1.0
            said = Counter(zip(each, normal, strict=True))
            among = Counter(normal)
            found.append(
                {
                    token: parts[row_of[word]] * (often[word] * number / among[word] / norm)
                    for (token, word), number in said.items()
                    if word
                }
            )
        return found

    def _counts(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """texts × features: 1 + ln(tf) of each word, spread over what the word is spelled with."""
        if not any(PASSAGES.words_of(text) for text in texts):
            return sparse.csr_matrix((len(texts), len(self.names)))
        counter = CountVectorizer(analyzer=PASSAGES.words_of)
        counts = counter.fit_transform(texts).astype(np.float64)
        counts.data = 1.0 + np.log(counts.data)
        return counts @ self.speller.transform(counter.get_feature_names_out())


class Pipeline:
    """The same features the usual way: every text through a vectoriser, then one product.

    It gives a score for each text and topic, as the table does, but counts a repeated feature as
    often as it stands there (which spares it the logarithm).
    """

    def __init__(self, weights: Weights) -> None:
        reference = Reference(weights)
        self._vectoriser = CountVectorizer(analyzer=features)
        # As if it had been fitted.
        self._vectoriser.vocabulary_ = {name: column for column, name in enumerate(reference.names)}
        self._idf, self._coefficients = reference.idf, reference.coefficients
        self._intercepts = reference.intercepts

    def scores(self, texts: Sequence[str]) -> Floats:
        counts = self._vectoriser.transform(texts).astype(np.float64)
        norms = np.sqrt(counts @ self._idf**2)
        norms[norms == 0.0] = 1.0
        weighted = sparse.diags(1.0 / norms) @ (counts @ sparse.diags(self._idf))
        return np.asarray(weighted @ self._coefficients + self._intercepts)


class WholeReference:
    """Scores of whole articles, by `LARGE`: a vectoriser, idf and product each for text and title.

    It is fitted to the articles that the model was trained on; the model gives only its coefficients.
    """

    def __init__(self, model: Model, training: Sequence[Article]) -> None:
        row_of = {word: row for row, word in enumerate(model.weights.words)}
        self._intercepts = model.weights.intercepts
        self._blocks = []
        for weight, mark, text_of in ((1.0, "", _text), (LARGE.title, "^", _title)):
            counter = CountVectorizer(analyzer=LARGE.words_of, min_df=LARGE.rarest)
            weigher = TfidfTransformer(norm=None, sublinear_tf=True)
            weigher.fit(counter.fit_transform(map(text_of, training)))
            names = counter.get_feature_names_out()
            rows = model.weights.word_rows[[row_of[mark + name] for name in names]]
            coefficients = rows[:, :-1] / np.sqrt(rows[:, -1:])
            self._blocks.append((text_of, counter, weigher, weight * coefficients))

    def scores(self, articles: Sequence[Article]) -> Floats:
        scores = np.tile(self._intercepts, (len(articles), 1))
        for text_of, counter, weigher, coefficients in self._blocks:
            weighted = weigher.transform(counter.transform(map(text_of, articles)))
            norms = np.sqrt(weighted @ weigher.idf_)
            norms[norms == 0.0] = 1.0
            scores += sparse.diags(1.0 / norms) @ weighted @ coefficients
        return scores


def _text(article: Article) -> str:
    return article.text


def _title(article: Article) -> str:
    return article.title or ""


def grades(model: Model, article: Article, scores: Floats) -> dict[str, Grade]:
    """What is decided from the scores of an article's passages, or from its score as a whole."""
    likely = model.curve(article.language).probabilities(tagging.article_features(scores)).tolist()
    found = {topic: model.cuts[topic].grade(value) for topic, value in zip(model.topics, likely, strict=True)}
    return {topic: grade for topic, grade in found.items() if grade and topic not in model.retired}


class PlainTagger:
    """Tags as `Model.tag_all` does, the plain way: all passages of a call through scikit-learn together.

    Its tags are the model's, so it scores as `Reference` does and not as `Pipeline`: that counts
    repeated words in full, which changes a decision here and there.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._reference = Reference(model.weights)

    def tag_all(self, articles: Sequence[Article]) -> list[Tagged]:
        judged = self.judge(articles)
        quoted = {passage.text for each in judged for found in each.quoted.values() for passage, _ in found}
        words_of = dict(zip(quoted, self._reference.contributions(list(quoted)), strict=True))
        return [self._tagged(each, words_of) for each in judged]

    def judge(self, articles: Sequence[Article]) -> list[Decision]:
        """What is decided of articles, without the words that counted."""
        cut_up = [passages(article) for article in articles]
        ends = np.cumsum([0, *map(len, cut_up)])
        scores = self._reference.scores([passage.text for found in cut_up for passage in found])
        return [
            self._judge(article, found, scores[start:end])
            for article, found, start, end in zip(articles, cut_up, ends, ends[1:], strict=False)
        ]

    def _judge(self, article: Article, cut_up: Sequence[Passage], scores: Floats) -> Decision:
        model, curve = self._model, self._model.curve(article.language)
        if not cut_up:
            scores = model.weights.intercepts[None, :]
        likely = curve.probabilities(tagging.article_features(scores)).tolist()
        judged = Decision(article, scores, dict(zip(model.topics, likely, strict=True)))
        if not cut_up:
            return judged
        alone = curve.probabilities(tagging.features_alone(scores))
        for topic, grade in grades(model, article, scores).items():
            column = model.topics.index(topic)
            rows = tagging.quotable(tagging.best_passages(scores[:, column]), cut_up)
            judged.grades[topic] = grade
            judged.quoted[topic] = [(cut_up[row], float(alone[row, column])) for row in rows]
        return judged

    def _tagged(self, judged: Decision, words_of: Mapping[str, Mapping[str, Floats]]) -> Tagged:
        tags = []
        for topic, grade in judged.grades.items():
            column = self._model.topics.index(topic)
            carried = [
                _evidence(passage, alone, {word: row[column] for word, row in words_of[passage.text].items()})
                for passage, alone in judged.quoted[topic]
            ]
            tags.append(Tag(topic, grade, round(judged.probabilities[topic], 4), tuple(carried)))
        tags.sort(key=lambda tag: (-tag.probability, tag.topic))
        rounded = {topic: round(value, 4) for topic, value in judged.probabilities.items()}
        return Tagged(judged.article, tuple(tags), rounded, self._model.version)


@dataclass(frozen=True, slots=True)
class Decision:
    """An article with its passages' scores and its probabilities, and by tag the passages to quote."""

    article: Article
    scores: Floats
    probabilities: dict[str, float]
    grades: dict[str, Grade] = field(default_factory=dict)
    quoted: dict[str, list[tuple[Passage, float]]] = field(default_factory=dict)


def _evidence(passage: Passage, probability: float, said: Mapping[str, float]) -> Evidence:
    helped = sorted((-value, word) for word, value in said.items() if value > 0)[:_MOST_WORDS]
    largest = tuple((word, round(-float(value), 4)) for value, word in helped)
    return Evidence(passage.text, passage.start, passage.end, round(probability, 4), largest)


def features(text: str) -> list[str]:
    """All features of a text's words."""
    return [feature for word in PASSAGES.words_of(text) for feature in PASSAGES.features(word)]


def whole(word: str) -> str:
    """The feature that is a word itself: the first that it is spelled with."""
    return PASSAGES.features(word)[0]


def _own_features(weights: Weights) -> tuple[Floats, Floats]:
    """idf and coefficients of the features that are whole words; 0 where a word has none.

    The model keeps only a word's sums, so they are what its sums have beyond its runs.
    """
    counter = CountVectorizer(analyzer=runs, vocabulary=list(weights.runs))
    spelled = counter.transform(weights.words).astype(np.float64)
    parts = np.column_stack([weights.run_coefficients * weights.run_idf[:, None], weights.run_idf**2])
    beyond = weights.word_rows - spelled @ parts
    # An idf is at least 1, so what is far below it is rounding.
    idf = np.sqrt(np.where(beyond[:, -1] > 0.5, beyond[:, -1], 0.0))
    return idf, beyond[:, :-1] / np.where(idf > 0.0, idf, 1.0)[:, None]
