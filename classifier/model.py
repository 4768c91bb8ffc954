"""The trained model as it serves: a table with one row a word. Imports numpy, not scikit-learn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np

from classifier import tagging, words
from classifier.articles import Article
from classifier.errors import ModelError
from classifier.features import PASSAGES, Recipe
from classifier.passages import Passage, passages
from classifier.table import Weights, WordTable
from classifier.tagging import Calibration, Cuts, Evidence, Scores, Tag, Tagged
from classifier.topics import Topic


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
        return self.table.scores(texts) + self.weights.intercepts

    def article_scores(self, article: Article, cut_up: Sequence[Passage]) -> Scores:
        """The scores from which an article is judged: its passages', or by recipe one for it whole."""
        if not self.recipe.whole:
            return self.scores([passage.text for passage in cut_up])
        score = self.scores([article.text])
        if self.recipe.title and article.title:
            marked = map(self.recipe.mark, words.split(article.title))
            score = score + self.recipe.title * self.table.score(marked)
        return score

    def contributions(self, text: str, topic: str) -> dict[str, float]:
        """What each word of a text, as it is written there, adds to the text's score for a topic.

        With the topic's intercept they sum to the score.
        """
        written, parts = self.table.contributions(text)
        column = parts[:, self.topics.index(topic)].tolist()
        found = tagging.summed(zip(written, column, strict=True))
        return {word: value for word, value in found.items() if value}

    def tag(self, article: Article) -> Tagged:
        """The tags of an article with their evidence, and each topic's probability."""
        (tagged,) = self.tag_all([article])
        return tagged

    def tag_all(self, articles: Iterable[Article]) -> list[Tagged]:
        """The same of several articles in their order; many at once are tagged faster."""
        cut_up = [(article, passages(article)) for article in articles]
        if not cut_up:
            return []
        scores, probabilities = self._likely(cut_up)
        curves = [self.curve(article.language) for article, _ in cut_up]
        return [
            self._tagged(*each, own, dict(zip(self.topics, likely, strict=True)), curve)
            for each, own, likely, curve in zip(cut_up, scores, probabilities.tolist(), curves, strict=True)
        ]

    def probabilities(self, articles: Iterable[Article]) -> Scores:
        """The probabilities by which articles are tagged (articles × topics): `Tagged` has them rounded.

        Of an article without a passage nothing is said, whatever it is.
        """
        cut_up = [(article, passages(article)) for article in articles]
        return self._likely(cut_up)[1] if cut_up else np.zeros((0, len(self.topics)))

    def _likely(self, cut_up: Sequence[tuple[Article, Sequence[Passage]]]) -> tuple[list[Scores], Scores]:
        """The scores of each article's passages, and each article's probabilities."""
        together = self.scores([passage.text for _, found in cut_up for passage in found])
        scores = np.split(together, np.cumsum([len(found) for _, found in cut_up])[:-1])
        judged = [self._judged(*each, own) for each, own in zip(cut_up, scores, strict=True)]
        features = tagging.features_of_all(np.concatenate(judged), [len(each) for each in judged])
        curves = [self.curve(article.language) for article, _ in cut_up]
        return scores, tagging.probabilities_by(curves, features)

    def _judged(self, article: Article, cut_up: Sequence[Passage], scores: Scores) -> Scores:
        judged = self.article_scores(article, cut_up) if self.recipe.whole else scores
        # Nothing but blanks has no passage.
        return judged if len(judged) else self.weights.intercepts[None, :]

    def _tagged(
        self,
        article: Article,
        cut_up: Sequence[Passage],
        scores: Scores,
        everything: Mapping[str, float],
        curve: Calibration,
    ) -> Tagged:
        said = {
            topic: grade
            for topic, probability in everything.items()
            if cut_up and topic not in self.retired and (grade := self.cuts[topic].grade(probability))
        }
        quoted = self._evidence(list(said), cut_up, scores, curve)
        tags = [
            Tag(topic, grade, round(everything[topic], 4), carried)
            for (topic, grade), carried in zip(said.items(), quoted, strict=True)
        ]
        tags.sort(key=lambda tag: (-tag.probability, tag.topic))
        rounded = {topic: round(probability, 4) for topic, probability in everything.items()}
        return Tagged(article, tuple(tags), rounded, self.version)

    def _evidence(
        self, topics: Sequence[str], cut_up: Sequence[Passage], scores: Scores, curve: Calibration
    ) -> Iterator[tuple[Evidence, ...]]:
        """For each topic the passages that speak most for it, each with its own probability and words."""
        if not topics:
            return
        alone = curve.probabilities(tagging.features_alone(scores))
        contributions = cache(lambda row: self.table.contributions(cut_up[row].text))
        for topic in topics:
            column = self.topics.index(topic)
            carried = []
            for row in tagging.quotable(tagging.best_passages(scores[:, column]), cut_up):
                written, parts = contributions(row)
                said = zip(written, parts[:, column].tolist(), strict=True)
                carried.append(tagging.evidence(cut_up[row], float(alone[row, column]), said))
            yield tuple(carried)

    def without(self, topics: Iterable[Topic]) -> Model:
        """The same model, saying nothing of the topics that are retired by now."""
        retired = frozenset(topic.id for topic in topics if topic.retired)
        return replace(self, retired=self.retired | retired)

    def with_cuts(self, cuts: Mapping[str, Cuts]) -> Model:
        """The same model with other cuts for some topics; the others keep theirs.

        A mention cut above its main cut would never be met, so it comes down to it. Raises ModelError
        where the model has no such topic.
        """
        for topic in cuts:
            if topic not in self.cuts:
                raise ModelError(f"model {self.version} has no topic {topic!r}")
        lowered = {topic: Cuts(cut.main, min(cut.main, cut.mention)) for topic, cut in cuts.items()}
        return replace(self, cuts={**self.cuts, **lowered})

    def curve(self, language: str | None) -> Calibration:
        """The calibration for a language, or the common one."""
        return self.calibration.get(language or "", self.calibration[""])
