"""The label audit: what in the labels is missing, likely wrong, or of no use."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from classifier import words
from classifier.articles import shorten
from classifier.corpus import Corpus
from classifier.evaluation import Judgements
from classifier.languages import SHIPPED
from classifier.verdicts import disputed


@dataclass(frozen=True, slots=True)
class Doubt:
    """A label that models trained without it do not share. `probability` is theirs."""

    where: str
    topic: str
    labelled: bool
    probability: float
    text: str

    def __str__(self) -> str:
        said = "labelled, but" if self.labelled else "not labelled, and yet"
        return f"{self.where}: {self.topic} {said} {self.probability:.0%}: {shorten(self.text, 100)}"


@dataclass(frozen=True, slots=True)
class TermUse:
    """How often a term stands in labelled passages: of its own topic, and of others."""

    topic: str
    language: str
    term: str
    own: int
    others: int
    rival: str | None  # the other topic in whose passages it stands most

    def __str__(self) -> str:
        return (
            f"{self.topic} ({self.language}): {self.term!r} stands in {self.own} passages of its"
            f" topic and in {self.others} of {self.rival}"
        )


@dataclass(frozen=True, slots=True)
class Dispute:
    """A topic of an article of which people say the contrary: nobody's word is trained on."""

    where: str
    id: str
    topic: str
    right: tuple[str, ...]  # who says that the article is about it
    wrong: tuple[str, ...]
    headline: str

    def __str__(self) -> str:
        return (
            f"{self.where}: {self.topic} is right to {', '.join(self.right)}"
            f" and wrong to {', '.join(self.wrong)}: {self.headline}"
        )


@dataclass(frozen=True, slots=True)
class Overruled:
    """A topic of which a desk says the contrary of a sheet, and has its way."""

    where: str
    sheet: str
    topic: str
    right: bool

    def __str__(self) -> str:
        said, labelled = ("right", "does not name") if self.right else ("wrong", "names")
        return f"{self.where}: {self.topic} is {said}, and {self.sheet} {labelled} it; the verdict counts"


def disputes(corpus: Corpus) -> list[Dispute]:
    """What people dispute, article by article."""
    return [
        Dispute(
            opinion.where,
            opinion.article.fingerprint[:16],
            topic,
            right=tuple(sorted(said.by for said in last_words if said.right)),
            wrong=tuple(sorted(said.by for said in last_words if not said.right)),
            headline=opinion.article.headline,
        )
        for opinion in corpus.opinions
        for topic, last_words in sorted(disputed(opinion.said).items())
    ]


def overruled(corpus: Corpus) -> list[Overruled]:
    """Where verdicts contradict the sheets."""
    places = {opinion.article.fingerprint: opinion.where for opinion in corpus.opinions}
    return [
        Overruled(places[judged.article.fingerprint], judged.where, topic, topic in judged.main)
        for judged in corpus.articles
        for topic in sorted(judged.overruled)
    ]


def verdict_count(corpus: Corpus) -> int:
    """How many verdicts are trained on: a topic of an article each, however many people agree."""
    return sum(len(judged.weights) for judged in corpus.articles)


def too_few(corpus: Corpus, at_least: int) -> list[str]:
    """Topics with fewer main articles than that in a language."""
    return [
        f"{topic}: {count[language]} main articles in {language}"
        for topic, count in corpus.counts().items()
        for language in SHIPPED
        if count[language] < at_least
    ]


def doubts(
    corpus: Corpus, judged: Judgements, most: int, *, sheets: Collection[str] | None = None
) -> list[Doubt]:
    """The labels that the judgements contradict most, strongest first; without mentions, and without what
    nobody judged. Of `sheets`, where those are given, only what is likelier wrong than right.
    """
    distance = np.where(judged.mention, 0.0, np.abs(judged.main - judged.probabilities))
    if sheets is not None:
        own = [article.where.rpartition(":")[0] in sheets for article in corpus.articles]
        distance = np.where(np.array(own)[:, None], distance, 0.0)
        most = min(most, int((distance > 0.5).sum()))
    order = np.argsort(-distance, axis=None, kind="stable")[:most]
    found = []
    for row, column in zip(*np.unravel_index(order, distance.shape), strict=True):
        article = corpus.articles[int(row)]
        found.append(
            Doubt(
                article.where,
                judged.topics[int(column)],
                bool(judged.main[row, column]),
                float(judged.probabilities[row, column]),
                article.article.headline,
            )
        )
    return found


def term_use(corpus: Corpus) -> list[TermUse]:
    """How each term fares in the labelled passages of its language."""
    found = []
    terms = _terms_by_first_word(corpus)
    stands: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    for judged in corpus.articles:
        language = judged.article.language or "?"
        for stretch in judged.stretches:
            for name, term in _standing(stretch.text, terms.get(language, {})):
                stands[name, language, term].update(stretch.topics or {""})
    for topic in corpus.topics:
        for language, given in topic.terms.items():
            for term in given:
                count = stands[topic.id, language, term]
                rivals = Counter({name: n for name, n in count.items() if name not in (topic.id, "")})
                rival = rivals.most_common(1)[0] if rivals else (None, 0)
                found.append(TermUse(topic.id, language, term, count[topic.id], rival[1], rival[0]))
    return found


def _normalised(text: str) -> tuple[str, ...]:
    return tuple(word for word in map(words.normalise, words.split(text)) if word)


_Terms = dict[str, list[tuple[tuple[str, ...], str, str]]]


def _terms_by_first_word(corpus: Corpus) -> dict[str, _Terms]:
    """By language and first word: the words of each term, its topic, and the term."""
    found: dict[str, _Terms] = {}
    for topic in corpus.topics:
        for language, given in topic.terms.items():
            for term in given:
                parts = _normalised(term)
                if parts:
                    first = found.setdefault(language, {}).setdefault(parts[0], [])
                    first.append((parts, topic.id, term))
    return found


def _standing(text: str, terms: _Terms) -> Iterator[tuple[str, str]]:
    """Topic and term of each term that stands in a text."""
    tokens: Sequence[str] = _normalised(text)
    seen: set[tuple[str, str]] = set()
    for place, token in enumerate(tokens):
        for parts, topic, term in terms.get(token, ()):
            if tuple(tokens[place : place + len(parts)]) == parts and (topic, term) not in seen:
                seen.add((topic, term))
                yield topic, term
