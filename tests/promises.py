"""How often weeks keep a promise: simulated on streams that we know, and on labels split at random.

`python -m tests.promises [MODELS]` prints the tables; MODELS is a folder of models whose current version
keeps its folds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifier.folds import Folds, read_folds
from classifier.promising import (
    Labelled,
    Settled,
    allowed_failures,
    for_precision,
    for_recall,
    hardest_week,
    least_labels,
)
from classifier.storage import current

Floats = NDArray[np.float64]
Settle = Callable[[Labelled, float], Settled]

WEEKS = (20, 50, 200)
SHARES = (0.8, 0.9, 0.95)


@dataclass(frozen=True, slots=True)
class Kept:
    """How many of the simulated newsrooms were promised something, and of their weeks how many kept it."""

    promised: float
    weeks: float


def sure(generator: np.random.Generator, number: int, *, about: bool) -> Floats:
    """Probabilities of articles that are about a topic, or not: most far apart, some the other way."""
    scores = generator.normal(2.2 if about else -2.2, 1.3, number)
    found: Floats = 1 / (1 + np.exp(-scores))
    return found


def positives(probabilities: Floats) -> Labelled:
    everything = np.ones(len(probabilities), dtype=bool)
    return Labelled(probabilities, everything, everything)


def by_conformal_risk_control(labelled: Labelled, recall: float) -> Settled:
    """The cut by which the *mean* share of missed articles is kept: (missed + 1) / (n + 1) of 1 - recall."""
    found = np.sort(labelled.probabilities[labelled.about])
    missed = int((1 - recall) * (len(found) + 1) + 1e-9) - 1
    return Settled(float(found[missed]) if missed >= 0 else None, len(found))


def recall_kept(
    labels: int,
    week: int,
    recall: float,
    *,
    newsrooms: int = 3000,
    seed: int = 1,
    settle: Settle = for_recall,
) -> Kept:
    """Each newsroom with labels of its own and one week, of so many articles about the topic."""
    generator = np.random.default_rng(seed)
    promised = kept = 0
    for _ in range(newsrooms):
        cut = settle(positives(sure(generator, labels, about=True)), recall).cut
        missed = int((sure(generator, week, about=True) < (cut or 0.0)).sum())
        promised += cut is not None
        kept += cut is not None and missed <= allowed_failures(recall, week)
    return Kept(promised / newsrooms, kept / max(promised, 1))


def precision_kept(
    about: int, others: int, week: int, precision: float, *, newsrooms: int = 1000, seed: int = 1
) -> Kept:
    """Each newsroom with labels of its own and one week, of so many articles that are said."""
    generator = np.random.default_rng(seed)
    truth = np.arange(about + others) < about
    promised = kept = 0
    for _ in range(newsrooms):
        stream = Labelled(_stream(generator, about, others), truth, truth)
        cut = for_precision(stream, precision).cut
        if cut is None:
            continue
        said = truth[np.zeros(0, dtype=int)]
        while len(said) < week:
            said = np.append(said, generator.permutation(truth[_stream(generator, about, others) >= cut]))
        promised += 1
        kept += int((~said[:week]).sum()) <= allowed_failures(precision, week)
    return Kept(promised / newsrooms, kept / max(promised, 1))


def _stream(generator: np.random.Generator, about: int, others: int) -> Floats:
    mine, theirs = sure(generator, about, about=True), sure(generator, others, about=False)
    return np.concatenate([mine, theirs])


@dataclass(frozen=True, slots=True)
class Split:
    """A topic: how often a random half of its labels promised, and a week of the other half kept it."""

    topic: str
    labels: int
    kept: Kept


def splits(folds: Folds, share: float, week: int, *, kind: str, times: int = 200) -> Iterator[Split]:
    """For each topic; a week is drawn from the half that the promise does not rest on."""
    generator = np.random.default_rng(7)
    for topic in folds.topics:
        whole = Labelled.of(folds, topic)
        promised = kept = 0
        for _ in range(times):
            order = generator.permutation(len(whole.about))
            half, other = (_only(whole, rows) for rows in np.array_split(order, 2))
            cut = (for_recall if kind == "recall" else for_precision)(half, share).cut
            if cut is None:
                continue
            said = other.probabilities >= cut
            fails = ~said[other.about] if kind == "recall" else ~other.about[said]
            if len(fails) < week:
                continue
            promised += 1
            kept += int(generator.permutation(fails)[:week].sum()) <= allowed_failures(share, week)
        yield Split(topic, int(whole.about.sum()), Kept(promised / times, kept / max(promised, 1)))


def _only(labelled: Labelled, rows: NDArray[np.int64]) -> Labelled:
    return Labelled(labelled.probabilities[rows], labelled.about[rows], labelled.whole[rows])


def main() -> None:
    print("Simulated weeks that keep a promise of recall (and by conformal risk control, of the mean)")
    print("recall  labels " + " ".join(f"{f'week of {week}':>18}" for week in (*WEEKS, "hardest")))
    for recall in SHARES:
        for labels in (least_labels(recall) - 1, least_labels(recall), 200, 500):
            cells = []
            for week in (*WEEKS, hardest_week(recall)[0]):
                ours = recall_kept(labels, week, recall)
                plain = recall_kept(labels, week, recall, settle=by_conformal_risk_control)
                cells.append(f"{ours.weeks:.3f} ({plain.weeks:.3f})" if ours.promised else "not promised")
            print(f"{recall:6}  {labels:6} " + " ".join(f"{cell:>18}" for cell in cells))
    print("\nThe same of precision, of so many articles about the topic and ten times as many others")
    print("precision about promised " + " ".join(f"{f'week of {week}':>15}" for week in (*WEEKS, "hardest")))
    for precision in SHARES:
        for about in (50, 200, 400):
            found = [
                precision_kept(about, 10 * about, week, precision, newsrooms=400)
                for week in (*WEEKS, hardest_week(precision)[0])
            ]
            print(
                f"{precision:9} {about:5} {found[0].promised:8.2f} "
                + " ".join(f"{e.weeks:15.3f}" for e in found)
            )
    if len(sys.argv) > 1:
        models = Path(sys.argv[1])
        folds = read_folds(models, current(models) or "")
        assert folds is not None
        _print_splits(folds)


def _print_splits(folds: Folds) -> None:
    print(
        "\nLabels split at random 200 times: weeks of the other half that keep what the first half promised"
    )
    for kind in ("recall", "precision"):
        for share in SHARES:
            for week in (20, hardest_week(share)[0]):
                found = [each for each in splits(folds, share, week, kind=kind) if each.kept.promised]
                weeks = sum(each.kept.promised * each.kept.weeks for each in found)
                promised = sum(each.kept.promised for each in found)
                worst = min(
                    (each.kept.weeks for each in found if each.kept.promised > 0.25), default=float("nan")
                )
                print(
                    f"{kind:9} {share:4}  week of {week:2}: {len(found):2} topics, promised"
                    f" {promised / len(folds.topics):.2f}, kept {weeks / max(promised, 1e-9):.3f},"
                    f" by the worst topic {worst:.3f}"
                )


if __name__ == "__main__":
    main()
