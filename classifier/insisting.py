"""Insisting: what a desk called right and a new model does not say weighs more in another training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from classifier.articles import Grade
from classifier.corpus import Corpus, Judged, Stretch
from classifier.model import Model

ROUNDS = 2  # further trainings at most; each takes as long as the first
_HEAVIER = 3.0  # in each round


def unsaid(model: Model, corpus: Corpus) -> dict[int, frozenset[str]]:
    """By the number of the article: the topics that a desk called right and the model does not say to be
    main. Articles where it says all of them are left out; so are topics that are retired.
    """
    numbers = [number for number, judged in enumerate(corpus.articles) if judged.right]
    tagged = model.tag_all(corpus.articles[number].article for number in numbers)
    missing = {
        number: corpus.articles[number].right - model.retired - set(found.topics(Grade.MAIN))
        for number, found in zip(numbers, tagged, strict=True)
    }
    return {number: topics for number, topics in missing.items() if topics}


def heavier(corpus: Corpus, unsaid: Mapping[int, frozenset[str]]) -> Corpus:
    """The same labels, those that are named by article and topic weighing more."""
    articles = [
        _heavier(judged, unsaid[number]) if number in unsaid else judged
        for number, judged in enumerate(corpus.articles)
    ]
    return replace(corpus, articles=tuple(articles))


def _heavier(judged: Judged, topics: frozenset[str]) -> Judged:
    return replace(judged, stretches=tuple(_heavier_stretch(each, topics) for each in judged.stretches))


def _heavier_stretch(stretch: Stretch, topics: frozenset[str]) -> Stretch:
    more = {topic: stretch.weights.get(topic, 1.0) * _HEAVIER for topic in topics & stretch.topics}
    return replace(stretch, weights={**stretch.weights, **more}) if more else stretch
