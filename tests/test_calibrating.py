"""Curves that mean what they say, and cuts that do not collapse."""

from __future__ import annotations

import numpy as np
import pytest

from classifier.calibrating import best_cut, choose_cuts, curve
from classifier.mixing import Mixed
from classifier.tagging import FEATURES, Calibration

STEEP = Calibration((1.0, *[0.0] * (len(FEATURES) - 1)), 0.0)


def articles(scores: np.ndarray, main: np.ndarray) -> Mixed:
    """Articles of one passage each, whose features all are its score."""
    features = np.zeros((*scores.shape, len(FEATURES)))
    features[:, :, :3] = scores[:, :, None]
    return Mixed(features, main, np.zeros_like(main))


def test_a_curve_says_how_often_it_is_so() -> None:
    generator = np.random.default_rng(1)
    scores = generator.normal(0.0, 2.0, (4000, 1))
    main = generator.random((4000, 1)) < 1 / (1 + np.exp(-scores))

    said = curve(articles(scores, main)).probabilities(articles(scores, main).features)

    for low in (0.1, 0.3, 0.5, 0.7):
        inside = (said >= low) & (said < low + 0.2)
        assert main[inside].mean() == pytest.approx(said[inside].mean(), abs=0.06)


def test_the_best_cut_parts_what_can_be_parted() -> None:
    cut = best_cut(np.array([0.9, 0.8, 0.3, 0.1]), np.array([True, True, False, False]))

    assert cut == pytest.approx(0.55)


def test_weighing_precision_moves_the_cut_up() -> None:
    generator = np.random.default_rng(2)
    truth = generator.random(2000) < 0.2
    said = np.clip(generator.normal(np.where(truth, 0.6, 0.35), 0.15), 0, 1)

    assert best_cut(said, truth, beta=0.5) > best_cut(said, truth, beta=1.0) > best_cut(said, truth, beta=2.0)


def test_equal_probabilities_are_said_together_or_not_at_all() -> None:
    said = np.array([0.7, 0.7, 0.7, 0.2])

    cut = best_cut(said, np.array([True, False, False, False]))

    assert not 0.65 < cut <= 0.7


def test_a_topic_of_two_articles_does_not_say_everything() -> None:
    generator = np.random.default_rng(3)
    scores = generator.normal(-2.0, 0.5, (400, 2))
    main = np.zeros((400, 2), dtype=bool)
    main[:100, 0] = True
    scores[:100, 0] = 2.0
    main[:2, 1] = True

    cuts = choose_cuts(("often", "rare"), {"": articles(scores, main)}, {"": STEEP})

    said = STEEP.probabilities(articles(scores, main).features)[:, 1] >= cuts["rare"].main
    assert said.sum() <= 40
    assert cuts["often"].mention <= cuts["often"].main


def test_a_topic_that_no_article_has_yet_takes_the_common_cut() -> None:
    generator = np.random.default_rng(4)
    scores = generator.normal(-2.0, 0.5, (200, 2))
    main = np.zeros((200, 2), dtype=bool)
    main[:60, 0] = True
    scores[:60, 0] = 2.0
    judged = articles(scores, main)

    cuts = choose_cuts(("known", "new"), {"": judged}, {"": STEEP})

    everything = STEEP.probabilities(judged.features)
    assert cuts["new"].main == pytest.approx(best_cut(everything, main), abs=1e-6)
