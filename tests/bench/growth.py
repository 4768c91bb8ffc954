"""What larger things cost: models with more words and topics, archives with more articles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from classifier.model import Model
from classifier.names import Names
from classifier.storage import load
from tests.bench import texts
from tests.bench.page import Section, compared
from tests.measuring import Compared, compare, process, say

TITLE = "Growth"
_ABOUT = """\
How much longer the same takes as something grows. A word is looked up in the same time among many
as among few; with topics the sums grow. The archives are lines of JSON, the labelled articles
perturbed, tagged by `classifier tag --output` on all cores; their times are for an article, start
of the process and all. What a process remembers of words is bounded: its memory grows until then,
and no further in a million articles.
"""
_WORDS = 4000
_TOPICS = 16  # times as many
_ARCHIVE = 10_000  # articles, and ten times as many


def measure(home: Path, scratch: Path, *, small: bool) -> Section:
    model = load(home / "models")
    number, rounds = (40, 2) if small else (300, 7)
    with threadpool_limits(1):
        rows = list(_models(model, texts.mixed_texts(number), rounds))
    rows += _archives(home, scratch, *((400, 1) if small else (_ARCHIVE, 3)))
    return compared(TITLE, _ABOUT, ("what", "grown", "before", "times as much"), rows)


def _models(model: Model, mixed: list[str], rounds: int) -> Iterator[Compared]:
    few = with_words(model, _WORDS)
    for times in (10, 100):
        many = with_words(model, _WORDS * times)
        what = f"scoring {len(mixed)} texts, vocabulary of {_WORDS:,} words × {times}"
        yield compare(what, partial(many.scores, mixed), partial(few.scores, mixed), rounds)
    topics = with_topics(model, _TOPICS)
    what = f"scoring them, topics × {_TOPICS}"
    yield compare(what, partial(topics.scores, mixed), partial(model.scores, mixed), rounds)


def with_words(model: Model, number: int) -> Model:
    """The model with so many words of its own, or others made up beside them."""
    weights = model.weights
    made_up = [f"{word}{copy}" for copy in range(number // len(weights.words)) for word in weights.words]
    words = [*weights.words, *made_up][:number]
    order = sorted(range(number), key=words.__getitem__)
    rows = np.resize(weights.word_rows, (number, weights.word_rows.shape[1]))[order]
    names = Names.of(words[place] for place in order)
    return replace(model, weights=replace(weights, words=names, word_rows=rows), _table=[])


def with_topics(model: Model, times: int) -> Model:
    weights = model.weights
    rows = np.hstack([np.tile(weights.word_rows[:, :-1], times), weights.word_rows[:, -1:]])
    coefficients = np.tile(weights.run_coefficients, times)
    intercepts = np.tile(weights.intercepts, times)
    grown = replace(weights, word_rows=rows, run_coefficients=coefficients, intercepts=intercepts)
    return replace(model, weights=grown, _table=[])


def _archives(home: Path, scratch: Path, number: int, rounds: int) -> tuple[Compared, Compared]:
    large, small = (_archive(scratch, size) for size in (10 * number, number))
    what = f"tagging an article of an archive of {number:,} × 10"
    say(what)
    measured = [(_tag(home, large), _tag(home, small)) for _ in range(rounds)]
    times = Compared(
        what,
        tuple(100 * seconds / number for (seconds, _), _ in measured),
        tuple(1000 * seconds / number for _, (seconds, _) in measured),
        "ms",
    )
    memory = Compared(
        "memory of the largest of its processes",
        tuple(mebibytes for (_, mebibytes), _ in measured),
        tuple(mebibytes for _, (_, mebibytes) in measured),
        "MiB",
    )
    return times, memory


def _archive(scratch: Path, number: int) -> Path:
    path = scratch / f"{number}.jsonl"
    with path.open("wb") as lines:
        lines.writelines(texts.archive(texts.labelled(), number))
    return path


def _tag(home: Path, archive: Path) -> tuple[float, float]:
    arguments = [str(archive), "--output", f"{archive}.tags", "--overwrite", "--home", str(home)]
    return process(["-m", "classifier.cli", "tag", *arguments])
