"""Which passages to ask a person about: those whose labels would teach the model most. No files here.

A passage is worth asking about where its probability is near the cut of some topic, more so where
that topic has few labels in the passage's language, and less so the more it is like passages that
are asked about already. One in five is drawn at random, for what the model is wrongly sure of.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from classifier import doubting
from classifier.features import LARGE

Floats = NDArray[np.float64]

# A model's doubts never lead to what it is wrongly sure of, and labels that only doubts asked for
# say nothing of what comes in as a whole.
DRAWN_SHARE = 0.2

_LIKE = 0.6  # cosine; two that are more alike are one question asked twice
_SAME_ARTICLE = 0.25  # what a second passage of an article is worth


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage that may be asked about.

    `probabilities` has one a topic, of the passage as an article of its own; `article` is the
    fingerprint of its article, and `source` says where that came from.
    """

    text: str
    language: str
    source: str
    article: str
    probabilities: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A passage to ask about, for what the model doubts most in it; or it was drawn at random."""

    candidate: Candidate
    topic: str
    probability: float
    cut: float
    drawn: bool

    def __str__(self) -> str:
        why = "drawn at random; " if self.drawn else ""
        said = f"{why}{self.topic} {self.probability:.2f} (cut {self.cut:.2f})?"
        return f"{said} {self.candidate.language}, from {self.candidate.source}"

    def as_json(self) -> dict[str, object]:
        return {
            "text": self.candidate.text,
            "language": self.candidate.language,
            "from": self.candidate.source,
            "topic": self.topic,
            "probability": round(self.probability, 4),
            "cut": self.cut,
            "drawn": self.drawn,
        }


@dataclass(frozen=True, slots=True)
class Needs:
    """What a model knows and lacks: its topics, their cuts, and its labels by topic and language.

    `asked` are the topics about which to ask.
    """

    topics: tuple[str, ...]
    cuts: tuple[float, ...]
    labels: Mapping[str, Mapping[str, int]]
    asked: frozenset[str]

    def doubts(self, probabilities: Floats) -> Floats:
        """How much each is doubted (… × topics); 0 for topics that are not asked about."""
        asked = np.array([topic in self.asked for topic in self.topics])
        return np.asarray(doubting.doubts(probabilities, self.cuts) * asked)


def suggest(
    doubted: Sequence[Candidate], lots: Sequence[Candidate], needs: Needs, number: int
) -> list[Suggestion]:
    """`number` passages to ask about, where there are so many: the most useful of `doubted`, best
    first, and every fifth the next of `lots`, which are in the order in which they were drawn.

    A sheet that is given up half-way so has its random share as well.
    """
    drawn = _drawn(lots, needs, round(number * DRAWN_SHARE))
    taken = [suggestion.candidate for suggestion in drawn]
    chosen = choose(doubted, needs, number - len(drawn), taken)
    every = max(len(chosen) // max(len(drawn), 1), 1)
    for place, suggestion in enumerate(drawn, 1):
        chosen.insert(place * (every + 1) - 1, suggestion)
    return chosen


def choose(
    candidates: Sequence[Candidate], needs: Needs, number: int, taken: Sequence[Candidate] = ()
) -> list[Suggestion]:
    """The passages to ask about for what they would teach, beside those taken already.

    Greedy, as ranked batch-mode active learning (Cardoso et al. 2017): always the one of most
    worth, by margin (Settles 2009, section 3.1) and by labels that are wanting, discounted by its
    likeness to those taken before it.
    """
    return list(_chosen(candidates, needs, number, taken))


def _drawn(lots: Sequence[Candidate], needs: Needs, number: int) -> list[Suggestion]:
    """The first of the lots, one an article, each with what the model doubts most in it."""
    by_article: dict[str, Candidate] = {}
    for candidate in lots:
        by_article.setdefault(candidate.article, candidate)
    found = list(by_article.values())[:number]
    doubts = needs.doubts(_probabilities(found)) if found else ()
    return [
        _suggestion(candidate, needs, int(own.argmax()), drawn=True)
        for candidate, own in zip(found, doubts, strict=True)
    ]


def _chosen(
    candidates: Sequence[Candidate], needs: Needs, number: int, taken: Sequence[Candidate]
) -> Iterator[Suggestion]:
    if not candidates:
        return
    doubts = needs.doubts(_probabilities(candidates))
    wanted = _Wanted(needs, [candidate.language for candidate in candidates])
    fresh = _Fresh(candidates, taken)
    for _ in range(min(number, len(candidates))):
        worth = doubts * wanted.shares * fresh.shares[:, None]
        best, topic = map(int, np.unravel_index(worth.argmax(), worth.shape))
        if worth[best, topic] <= 0:
            return
        yield _suggestion(candidates[best], needs, topic, drawn=False)
        wanted.ask(best, topic)
        fresh.take(best)


class _Wanted:
    """How much a label of each candidate for each topic is wanted, as more and more are asked for."""

    def __init__(self, needs: Needs, languages: Sequence[str]) -> None:
        self._languages = np.array(languages)
        self._labels = {
            language: np.array([needs.labels.get(topic, {}).get(language, 0) for topic in needs.topics])
            for language in set(languages)
        }
        self._asked = {language: np.zeros(len(needs.topics)) for language in self._labels}
        self.shares: Floats = np.stack([self._wanted(language) for language in languages])

    def ask(self, row: int, topic: int) -> None:
        language = self._languages[row]
        self._asked[language][topic] += 1
        self.shares[self._languages == language] = self._wanted(language)

    def _wanted(self, language: str) -> Floats:
        return doubting.wanted(self._labels[language], self._asked[language])


class _Fresh:
    """How unlike each candidate is what was taken: 1 for nothing in common, 0 for the same again."""

    def __init__(self, candidates: Sequence[Candidate], taken: Sequence[Candidate]) -> None:
        self._vectors = word_vectors([candidate.text for candidate in [*candidates, *taken]])
        self._articles = np.array([candidate.article for candidate in [*candidates, *taken]])
        self._own = len(candidates)
        self.shares: Floats = np.ones(self._own)
        for row in range(self._own, self._own + len(taken)):
            self.take(row)

    def take(self, row: int) -> None:
        like = np.asarray((self._vectors[: self._own] @ self._vectors[row].T).todense()).ravel()
        self.shares *= np.where(like > _LIKE, 0.0, 1 - like)
        self.shares[self._articles[: self._own] == self._articles[row]] *= _SAME_ARTICLE
        if row < self._own:
            self.shares[row] = 0.0


def _probabilities(candidates: Sequence[Candidate]) -> Floats:
    return np.array([candidate.probabilities for candidate in candidates])


def _suggestion(candidate: Candidate, needs: Needs, topic: int, *, drawn: bool) -> Suggestion:
    return Suggestion(
        candidate, needs.topics[topic], candidate.probabilities[topic], needs.cuts[topic], drawn
    )


def word_vectors(texts: Sequence[str]) -> sparse.csr_matrix:
    """Texts as unit vectors of their words (texts × words), so that a product is a cosine."""
    if not any(map(LARGE.words_of, texts)):
        return sparse.csr_matrix((len(texts), 1))
    return TfidfVectorizer(analyzer=LARGE.words_of, sublinear_tf=True).fit_transform(texts)
