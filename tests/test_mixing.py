"""Articles mixed of held-out passages: what they are made of, and how they are graded."""

from __future__ import annotations

import numpy as np

from classifier.mixing import Pool, can_mix, mix
from classifier.tagging import FEATURES


def pool(quiet: int = 60, each: int = 10) -> Pool:
    """Two topics that score +2 where they are, -2 elsewhere."""
    truth = np.zeros((quiet + 2 * each, 2), dtype=bool)
    truth[quiet : quiet + each, 0] = True
    truth[quiet + each :, 1] = True
    return Pool(np.where(truth, 2.0, -2.0), truth)


def test_half_of_the_mixed_articles_are_about_nothing() -> None:
    mixed = mix(pool(), np.random.default_rng(1), 800)

    assert mixed.features.shape == (800, 2, len(FEATURES))
    assert 0.42 < (~mixed.main.any(axis=1)).mean() < 0.58


def test_no_topic_is_main_and_mention_of_an_article() -> None:
    mixed = mix(pool(), np.random.default_rng(2), 400)

    assert not (mixed.main & mixed.mention).any()
    assert mixed.mention.any()


def test_a_main_topic_lifts_the_features_of_its_articles() -> None:
    mixed = mix(pool(), np.random.default_rng(3), 400)

    best_two = mixed.features[:, :, FEATURES.index("best two")]

    assert best_two[mixed.main].mean() > 1.0
    assert best_two[~mixed.main & ~mixed.mention].mean() < -1.0


def test_the_same_seed_mixes_the_same_articles() -> None:
    first = mix(pool(), np.random.default_rng(4), 50)
    second = mix(pool(), np.random.default_rng(4), 50)

    assert np.array_equal(first.features, second.features)
    assert np.array_equal(first.main, second.main)


def test_too_few_quiet_passages_or_a_single_topic_cannot_be_mixed() -> None:
    one_topic = pool()
    one_topic.truth[:, 1] = False

    assert can_mix(pool())
    assert not can_mix(pool(quiet=5))
    assert not can_mix(one_topic)
