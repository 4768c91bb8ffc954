"""Held-out passages ▶ mixed articles, from which calibration and cuts are learned.

Labels are mostly single passages; the articles that come in have from one passage to a hundred.
What the scores of many passages say of an article is learned from articles mixed of labelled
passages: some quiet throughout, some with a topic in a third of their passages or more, some
with another topic in passing. So the calibration depends on this make-up, which is fixed, and
not on how many labels of which kind there happen to be.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.tagging import Scores, article_features

Flags = NDArray[np.bool_]

ARTICLES = 1500  # mixed for each language

_LENGTHS = (1, 2, 3, 4, 6, 9, 13, 20, 30)  # passages
_QUIET = 0.5  # share of articles about nothing
_LEAST_SHARE = 0.3  # of its passages are about an article's main topic
_MAIN_SHARE = 0.25  # from this share of the passages a topic is main
_PASSING = 0.4  # share of the articles with a topic in passing as well
# Measured on real news (unlabelled, 500 articles a language): around nothing, passages of one
# article have a standard deviation of 0.60 to 0.68, and articles lean towards a topic as a whole
# by 0.26 to 0.34. Passages that we wrote, mixed at random, have 0.55 to 0.6 and no such lean.
_SPREAD = 0.25
_LEAN = 0.3


@dataclass(frozen=True, slots=True)
class Pool:
    """Labelled passages with the scores of a model that was not trained on them."""

    scores: Scores  # passages × topics
    truth: Flags  # passages × topics


@dataclass(frozen=True, slots=True)
class Mixed:
    """Mixed articles: their features (articles × topics × features) and grades."""

    features: Scores
    main: Flags
    mention: Flags


def can_mix(pool: Pool) -> bool:
    """Whether there are passages enough: some about nothing, and some topics."""
    quiet = ~pool.truth.any(axis=1)
    return int(quiet.sum()) >= 20 and int(pool.truth.any(axis=0).sum()) >= 2


def mix(pool: Pool, generator: np.random.Generator, articles: int = ARTICLES) -> Mixed:
    """Articles mixed of the passages of a pool for which `can_mix` holds."""
    made = [_article(pool, _choose(pool, generator), generator) for _ in range(articles)]
    features, main, mention = zip(*made, strict=True)
    return Mixed(np.stack(features), np.stack(main), np.stack(mention))


def _choose(pool: Pool, generator: np.random.Generator) -> NDArray[np.int64]:
    """Rows of the pool that make one article, the first of them about its topic if it has one."""
    quiet = np.flatnonzero(~pool.truth.any(axis=1))
    length = int(generator.choice(_LENGTHS))
    if generator.random() < _QUIET:
        return generator.choice(quiet, length)
    topics = np.flatnonzero(pool.truth.any(axis=0))
    topic = generator.choice(topics)
    about = max(1, round(length * generator.uniform(_LEAST_SHARE, 1.0)))
    rows = np.concatenate(
        [
            generator.choice(np.flatnonzero(pool.truth[:, topic]), about),
            generator.choice(quiet, length - about),
        ]
    )
    if length > 3 and generator.random() < _PASSING:
        other = generator.choice(topics)
        rows[-1] = generator.choice(np.flatnonzero(pool.truth[:, other]))
    generator.shuffle(rows[1:])
    return rows


def _article(
    pool: Pool, rows: NDArray[np.int64], generator: np.random.Generator
) -> tuple[Scores, Flags, Flags]:
    topics = pool.scores.shape[1]
    lean = generator.normal(0.0, _LEAN, topics)
    scores = pool.scores[rows] + lean + generator.normal(0.0, _SPREAD, (len(rows), topics))
    passages = pool.truth[rows].sum(axis=0)
    # The opening passage says what an article is about.
    main = (passages >= max(1.0, _MAIN_SHARE * len(rows))) | pool.truth[rows[0]]
    return article_features(scores), main, (passages > 0) & ~main
