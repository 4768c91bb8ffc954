"""Labelled articles beside what a model says of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from classifier.articles import Grade
from classifier.corpus import Judged
from classifier.errors import LabelError
from classifier.evaluation import Judgements, flags
from classifier.model import Model
from classifier.tagging import Tagged


def judge(
    model: Model, articles: Sequence[Judged], tell: Callable[[str, int, int], None]
) -> tuple[Judgements, tuple[Tagged, ...]]:
    """What was true of the articles, what the model says of them, and its tags.

    Raises LabelError where the labels name a topic that the model does not know.
    """
    named = frozenset[str]().union(*(judged.main | judged.mention for judged in articles))
    unknown = sorted(named - set(model.topics))
    if unknown:
        raise LabelError([f"model {model.version} knows no topic {', '.join(map(repr, unknown))}"])
    tagged = []
    for number, judged in enumerate(articles):
        tell("tagging", number, len(articles))
        tagged.append(model.tag(judged.article))
    judgements = Judgements(
        topics=model.topics,
        languages=tuple(judged.article.language or "?" for judged in articles),
        main=flags(model.topics, [judged.main for judged in articles]),
        mention=flags(model.topics, [judged.mention | judged.unknown for judged in articles]),
        said=flags(model.topics, [frozenset(found.topics(Grade.MAIN)) for found in tagged]),
        probabilities=np.array([[found.probabilities[t] for t in model.topics] for found in tagged]),
    )
    return judgements, tuple(tagged)
