"""Whether `classifier suggest` asks better than chance: labels are hidden, and bought fifty at a time.

    python -m tests.suggesting [--seeds 5] [--on NAME] [--tune]

A model is trained from a hundred labels drawn at random. Then by rounds fifty more are bought, of
passages that `suggest` would ask about, or of any, and the next model is judged on the benchmark's
test split. --tune buys from a part of the training split and judges on another: to change the
ranking by, so that the test split stays unseen.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from classifier import evaluation, features, tagging, training
from classifier.articles import Article, Grade
from classifier.corpus import Corpus, Judged, Stretch
from classifier.decoding import clean
from classifier.model import Model
from classifier.scouting import Pool
from classifier.suggesting import Candidate, Needs, suggest
from classifier.topics import Topic
from tests.measuring import say

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("TOPICWIRE_DATA") or ROOT.parent / "shared" / "data")

FIRST, BATCH, ROUNDS = 100, 50, 8
_LANGUAGES = {"arb_Arab": "ar", "eng_Latn": "en", "rus_Cyrl": "ru", "kaz_Cyrl": "kk"}
_FOLLOWED = frozenset({"politics", "health", "sports", "science/technology"})
_REUTERS = 1000  # articles of each split: a round on all takes minutes

Buy = Callable[[Model, Sequence[Judged], Sequence[Judged], np.random.Generator], list[int]]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Articles whose labels can be bought, and those to judge by."""

    title: str
    recipe: features.Recipe
    pool: tuple[Judged, ...]
    test: tuple[Judged, ...]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.suggesting")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--on", choices=sorted(_BENCHMARKS), action="append")
    parser.add_argument("--tune", action="store_true")
    options = parser.parse_args(arguments)
    if not DATA.is_dir():
        print(f"{DATA} is not here (TOPICWIRE_DATA)", file=sys.stderr)
        return 1
    for name in options.on or _BENCHMARKS:
        benchmark = _BENCHMARKS[name](options.tune)
        curves = {}
        for how, buy in (("at random", at_random), ("suggested", as_suggested)):
            runs = []
            for seed in range(options.seeds):
                say(f"{name}, {how}, seed {seed}")
                runs.append(learn(benchmark, buy, seed))
            curves[how] = np.array(runs)
        print("\n".join(table(benchmark, curves["at random"], curves["suggested"])), flush=True)
    return 0


def learn(benchmark: Benchmark, buy: Buy, seed: int) -> Floats:
    """Micro- and macro-F1 on the test articles after each round (rounds × 2).

    Both ways of buying begin with the same labels for the same seed.
    """
    generator = np.random.default_rng(seed)
    order = [benchmark.pool[row] for row in generator.permutation(len(benchmark.pool))]
    bought, left = order[:FIRST], order[FIRST:]
    points = []
    for number in range(ROUNDS + 1):
        model = training.train(_corpus(bought), terms=False, recipe=benchmark.recipe).model
        points.append(_quality(model, benchmark))
        if number < ROUNDS:
            rows = frozenset(buy(model, bought, left, generator))
            bought = bought + [left[row] for row in sorted(rows)]
            left = [judged for row, judged in enumerate(left) if row not in rows]
    return np.array(points)


def at_random(
    model: Model, bought: Sequence[Judged], left: Sequence[Judged], generator: np.random.Generator
) -> list[int]:
    return [int(row) for row in generator.permutation(len(left))[:BATCH]]


def as_suggested(
    model: Model, bought: Sequence[Judged], left: Sequence[Judged], generator: np.random.Generator
) -> list[int]:
    """What the command would ask about."""
    labels: dict[str, Counter[str]] = {topic: Counter() for topic in model.topics}
    for judged in bought:
        for topic in judged.main:
            labels[topic][judged.article.language or "?"] += 1
    cuts = tuple(model.cuts[topic].main for topic in model.topics)
    needs = Needs(model.topics, cuts, labels, frozenset(model.topics))
    pool = Pool(2 * BATCH)
    scores = model.scores([judged.article.text for judged in left])
    for row, (judged, score) in enumerate(zip(left, scores, strict=True)):
        curve = model.curve(judged.article.language)
        likely = curve.probabilities(tagging.features_alone(score[None, :]))
        article = judged.article
        candidate = Candidate(
            article.text, article.language or "?", str(row), article.fingerprint, tuple(likely[0].tolist())
        )
        pool.add([(article.fingerprint, candidate)], needs.doubts(likely))
    asked = suggest(pool.doubted(), pool.drawn(), needs, BATCH)
    return [int(suggestion.candidate.source) for suggestion in asked]


def table(benchmark: Benchmark, random: Floats, suggested: Floats) -> Iterator[str]:
    """The curves, and the paired difference with its 95 % interval over the seeds (Student's t)."""
    yield f"## {benchmark.title}"
    yield f"{len(benchmark.pool):,} to buy from, {len(benchmark.test):,} to judge by, {len(random)} seeds."
    yield ""
    yield "| labels | micro-F1, random | suggested | difference | macro-F1, random | suggested | difference |"
    yield "|---|---|---|---|---|---|---|"
    for number in range(ROUNDS + 1):
        yield _row(str(FIRST + number * BATCH), random[:, number], suggested[:, number])
    yield _row("mean of the rounds", random[:, 1:].mean(axis=1), suggested[:, 1:].mean(axis=1))
    yield ""


def _row(name: str, random: Floats, suggested: Floats) -> str:
    cells = [name]
    for column in range(2):
        gained = suggested[:, column] - random[:, column]
        cells += [f"{100 * values[:, column].mean():.1f}" for values in (random, suggested)]
        half = stats.t.ppf(0.975, len(gained) - 1) * stats.sem(gained) if len(gained) > 1 else np.nan
        cells.append(f"{100 * gained.mean():+.1f} ± {100 * half:.1f}")
    return "| " + " | ".join(cells) + " |"


def _corpus(articles: Sequence[Judged]) -> Corpus:
    names = sorted(set[str]().union(*(judged.main for judged in articles)))
    return Corpus(tuple(Topic(name, name, "a topic of the benchmark", {}) for name in names), tuple(articles))


def _quality(model: Model, benchmark: Benchmark) -> tuple[float, float]:
    """Over all topics of the benchmark: one of which no label was bought yet is missed."""
    topics = sorted(set[str]().union(*(judged.main for judged in (*benchmark.pool, *benchmark.test))))
    tagged = model.tag_all(judged.article for judged in benchmark.test)
    said = evaluation.flags(topics, [frozenset(found.topics(Grade.MAIN)) for found in tagged])
    true = evaluation.flags(topics, [judged.main for judged in benchmark.test])
    counts = np.array([(said & true).sum(axis=0), (said & ~true).sum(axis=0), (~said & true).sum(axis=0)])
    kept = true.any(axis=0)
    return _f1(counts.sum(axis=1)[:, None]).item(), float(_f1(counts[:, kept]).mean())


def _f1(counts: NDArray[np.int64]) -> Floats:
    right, wrong, missed = counts
    return np.asarray(2 * right / np.maximum(2 * right + wrong + missed, 1))


def _sib(title: str, recipe: features.Recipe, followed: frozenset[str] | None, *, tune: bool) -> Benchmark:
    splits = ("train", "dev") if tune else ("train", "test")
    found = []
    for split in splits:
        lines = [line for line in _lines("sib200_en_ar_ru_kk.jsonl.gz") if line["split"] == split]
        found.append(_distinct(_judged(line, _LANGUAGES[line["lang"]], followed) for line in lines))
    return Benchmark(title, recipe, *found)


def _reuters(*, tune: bool) -> Benchmark:
    lines = list(_lines("reuters_modapte90.jsonl.gz"))
    generator = np.random.default_rng(20261122)
    train, test = (
        _distinct(_judged(line, "en", None) for line in lines if line["split"] == split)
        for split in ("train", "test")
    )
    shuffled = [train[row] for row in generator.permutation(len(train))]
    pool = tuple(shuffled[:_REUTERS])
    rest = tuple(shuffled[_REUTERS : 2 * _REUTERS])
    drawn = tuple(test[row] for row in generator.permutation(len(test))[:_REUTERS])
    title = f"Reuters R(90), {_REUTERS:,} of the training articles"
    return Benchmark(title, features.SMALL, pool, rest if tune else drawn)


def _lines(name: str) -> Iterator[dict[str, Any]]:
    with gzip.open(DATA / name, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _judged(line: dict[str, Any], language: str, followed: frozenset[str] | None) -> Judged:
    main = frozenset(line["labels"]) & (followed or frozenset(line["labels"]))
    text = clean(line["text"])
    return Judged(Article(text, language=language), main, frozenset(), (Stretch(text, main),))


def _distinct(articles: Iterator[Judged]) -> tuple[Judged, ...]:
    found = {judged.article.fingerprint: judged for judged in articles}
    return tuple(found.values())


_BENCHMARKS: dict[str, Callable[[bool], Benchmark]] = {
    "followed": lambda tune: _sib(
        "SIB-200, four of its seven topics followed", features.PASSAGES, _FOLLOWED, tune=tune
    ),
    "sib": lambda tune: _sib("SIB-200, all seven topics", features.SMALL, None, tune=tune),
    "reuters": lambda tune: _reuters(tune=tune),
}


if __name__ == "__main__":
    sys.exit(main())
