"""Linear models by recipe: the same matrix, the same weights, whatever the recipe."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from classifier.estimators import fit
from classifier.features import LARGE, PASSAGES, RECIPES, Recipe


def texts(seed: int = 1) -> tuple[sparse.csr_matrix, NDArray[np.bool_]]:
    """120 texts of 60 features; a text's topic lifts that topic's ten."""
    generator = np.random.default_rng(seed)
    dense = generator.random((120, 60)) * (generator.random((120, 60)) < 0.2)
    truth = np.zeros((120, 3), dtype=bool)
    for topic in range(3):
        rows = slice(30 * topic, 30 * topic + 30)
        truth[rows, topic] = True
        dense[rows, 10 * topic : 10 * topic + 10] += 0.5
    return sparse.csr_matrix(dense), truth


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=str)
def test_topics_are_told_apart_and_a_second_fit_is_the_same_to_the_bit(recipe: Recipe) -> None:
    matrix, truth = texts()

    fitted, again = fit(matrix, truth, recipe), fit(matrix, truth, recipe)

    scores = matrix @ fitted.coefficients + fitted.intercepts
    assert (scores[:90].argmax(axis=1) == truth[:90].argmax(axis=1)).mean() > 0.95
    assert np.array_equal(fitted.coefficients, again.coefficients)
    assert np.array_equal(fitted.intercepts, again.intercepts)
    assert np.array_equal(fitted.coefficients, fitted.coefficients.astype(np.float32))


@pytest.mark.parametrize("recipe", [PASSAGES, LARGE], ids=str)
def test_a_topic_that_no_text_of_a_fold_has_is_not_said(recipe: Recipe) -> None:
    matrix, truth = texts()
    truth[:, 1] = False

    fitted = fit(matrix, truth, recipe)

    assert (matrix @ fitted.coefficients + fitted.intercepts)[:, 1].max() < 0.0
