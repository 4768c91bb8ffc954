"""How much a person's judgement would teach a model: of what it doubts, and where labels are wanting."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def doubts(probabilities: ArrayLike, cuts: ArrayLike) -> Floats:
    """1 where a probability is its cut, towards 0 on either side; of any shapes that go together.

    That is 4q(1 - q) of the probability q that is left when the log-odds of the cut are taken off: the
    variance of a decision at the cut. 0.75 is where the odds are three times, or a third of, the cut's.
    """
    likely, cut = np.asarray(probabilities, dtype=np.float64), np.asarray(cuts, dtype=np.float64)
    above, below = likely * (1 - cut), cut * (1 - likely)
    moved = above / np.maximum(above + below, 1e-300)
    return np.asarray(4 * moved * (1 - moved))


def wanted(labels: ArrayLike, asked: ArrayLike) -> Floats:
    """How much one more label of a topic in a language is wanted: 1 / sqrt((1 + n)(1 + m)), where there
    are n already, and m were asked for just now.

    Where labels abound one more question hardly changes their number, so it counts by itself too: else
    people would be asked of the topic alone that has the fewest.
    """
    known, more = np.asarray(labels, dtype=np.float64), np.asarray(asked, dtype=np.float64)
    return np.asarray(1 / np.sqrt((1 + known + more) * (1 + more)))
