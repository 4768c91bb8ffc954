"""What a decision is worth to the model: pure arithmetic over what it doubts and what it has labels of.

The measure is that of `classifier suggest` (classifier/doubting.py): how near a probability is to
its cut (margin; Settles 2009, section 3.1), times how few labels the topic has in the language, fewer
counting more; and of a story one article alone, for two are one question asked twice.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from classifier import Cuts, doubts, wanted

# The odds are within a third and three times those of the cut.
LEAST_DOUBT = 0.75

Labels = Mapping[tuple[str, str], int]  # how many there are of a topic in a language


@dataclass(frozen=True, slots=True)
class Likely:
    """A topic that an article was said to be about (`grade`), or that it came nearest to."""

    article: int
    topic: str
    language: str
    probability: float
    grade: str | None = None


@dataclass(frozen=True, slots=True)
class Doubted:
    """One that the model is unsure of. `cut`: the nearer one of its two."""

    likely: Likely
    cut: float
    worth: float


def doubted(
    found: Sequence[Likely], cuts: Mapping[str, Cuts], labels: Labels, asked: Labels
) -> list[Doubted]:
    """Those near a cut, what is of most worth first, and of equal worth the newest.

    `labels` are those that the model was trained on, `asked` the verdicts that it was not yet.
    """
    known = [each for each in found if each.topic in cuts]
    if not known:
        return []
    both = np.array([(cuts[each.topic].main, cuts[each.topic].mention) for each in known])
    likely = np.array([each.probability for each in known])
    doubt = doubts(likely[:, None], both)
    nearer = doubt.argmax(axis=1)
    best = doubt.max(axis=1)
    worths = best * lacking([(each.topic, each.language) for each in known], labels, asked)
    chosen = [
        Doubted(known[row], float(both[row, nearer[row]]), float(worths[row]))
        for row in np.flatnonzero(best >= LEAST_DOUBT).tolist()
    ]
    return sorted(chosen, key=lambda each: (-each.worth, -each.likely.article, each.likely.topic))


def lacking(asked_of: Sequence[tuple[str, str]], labels: Labels, asked: Labels) -> list[float]:
    """How much a label of each topic in its language is wanted, from 1 towards 0."""
    known = [labels.get(each, 0) for each in asked_of]
    more = [asked.get(each, 0) for each in asked_of]
    return [float(share) for share in wanted(known, more)]


def one_of_each(
    found: Iterable[Doubted], stories: Mapping[int, int], asked: Container[tuple[int, str]]
) -> list[Doubted]:
    """The first of each article and of each story, without stories of which the topic was judged already.

    `stories` by article; `asked` are stories and topics.
    """
    kept, articles, told = [], set(), set()
    for each in found:
        article, story = each.likely.article, stories.get(each.likely.article)
        if article in articles or (
            story is not None and (story in told or (story, each.likely.topic) in asked)
        ):
            continue
        kept.append(each)
        articles.add(article)
        if story is not None:
            told.add(story)
    return kept
