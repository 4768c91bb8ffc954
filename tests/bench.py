"""Speed, as ratios measured in one run. The table is printed, and written to tests/bench.md.

    make bench

The scikit-learn side is `tests.reference.Pipeline`: the same features through a vectoriser, then
one product. Both sides get the same texts, already in memory, and give a score for each text and
topic. In "tagging" the scikit-learn side gives the scores of the same passages and no more, ours
cuts the articles up, decides, and finds evidence. Each figure is a median of rounds by turns;
absolute times depend on the machine and stand there only so that the ratios can be read.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
from rich.console import Console
from rich.table import Table

from classifier import bulk, shipped
from classifier.articles import Article, Grade
from classifier.cli import main as classifier
from classifier.languages import detect
from classifier.model import Model
from classifier.passages import passages
from classifier.reading import read_articles, read_bytes
from classifier.storage import load
from tests.daemon_process import DaemonProcess
from tests.measuring import ROUNDS, Compared, compare, compare_processes
from tests.reference import Pipeline

ARTICLES = 300
LENGTH = 3500  # characters
ALONE = 60  # articles, one a call
ARCHIVE = 3000  # articles
FEW_WORDS = 4000
DROPS = 20

COLUMNS = ("what", "scikit-learn", "topicwire", "ratio", "rounds")
GROWTH = ("what", "grown", "as shipped", "times as long", "rounds")
SPREAD = ("what", "one core", "two cores", "ratio", "rounds")
WRITTEN = Path(__file__).with_name("bench.md")


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="topicwire-bench-") as folder:
        home = Path(folder) / "home"
        with redirect_stdout(io.StringIO()):
            assert classifier(["train", "--json", "--home", str(home)]) == 0
        model = load(home / "models")
        against = [*scoring(model), *cold_start(model, home)]
        grown = list(growth(model))
        spread = two_cores(home)
        console = Console(width=110)
        tables = [
            (f"{ROUNDS} rounds by turns, one core", COLUMNS, against),
            ("growth", GROWTH, grown),
            ("an archive", SPREAD, [spread]),
        ]
        for title, columns, rows in tables:
            table = Table(*columns, title=title)
            for row in rows:
                table.add_row(*row.cells)
            console.print(table)
        notes = [
            f"a file renamed into the inbox: {told(alert_waits(home))}, 2.00 s of them the settle time",
            f"a file renamed into it from inbox/tmp: {told(alert_waits(home, whole=True))}",
        ]
    for note in notes:
        console.print(note)
    WRITTEN.write_text(as_markdown(tables, notes), encoding="utf-8")
    return 0


def scoring(model: Model) -> Iterator[Compared]:
    texts = mixed_texts(ARTICLES)
    pipeline = Pipeline(model.weights)
    yield compare(
        f"scoring {ARTICLES} articles of {LENGTH} characters",
        lambda: pipeline.scores(texts),
        lambda: model.scores(texts),
    )
    alone = texts[:ALONE]
    yield compare(
        f"scoring {ALONE} of them, one a call",
        lambda: [pipeline.scores([text]) for text in alone],
        lambda: [model.scores([text]) for text in alone],
    )
    articles = news()
    cut_up = [passage.text for article in articles for passage in passages(article)]
    yield compare(
        f"tagging with evidence ({len(articles)} labelled articles)",
        lambda: pipeline.scores(cut_up),
        lambda: model.tag_all(articles),
    )


def cold_start(model: Model, home: Path) -> tuple[Compared, Compared]:
    pickled, file = home / "pipeline.joblib", home / "one.txt"
    joblib.dump(Pipeline(model.weights), pickled)
    file.write_text(mixed_texts(1)[0], encoding="utf-8")
    return compare_processes(
        ["-m", "tests.cold_reference", str(pickled), str(file)],
        ["-m", "classifier.cli", "tag", str(file), "--home", str(home)],
    )


def growth(model: Model) -> Iterator[Compared]:
    """How much longer the same texts take as the model grows: hardly, for a look-up is a look-up."""
    texts = mixed_texts(ARTICLES)
    small = with_words(model, FEW_WORDS)
    for times in (10, 100):
        grown = with_words(model, FEW_WORDS * times)
        what = f"scoring, vocabulary of {FEW_WORDS} words × {times}"
        yield compare(what, lambda m=grown: m.scores(texts), lambda: small.scores(texts))  # type: ignore[misc]
    topics = with_topics(model, 16)
    yield compare("scoring, topics × 16", lambda: topics.scores(texts), lambda: model.scores(texts))


def with_words(model: Model, number: int) -> Model:
    """The model with so many words of its own, or others made up beside them."""
    weights = model.weights
    made_up = [f"{word}{copy}" for copy in range(number // len(weights.words)) for word in weights.words]
    words = [*weights.words, *made_up][:number]
    rows = np.resize(weights.word_rows, (number, weights.word_rows.shape[1]))
    return replace(model, weights=replace(weights, words=words, word_rows=rows), _table=[])


def with_topics(model: Model, times: int) -> Model:
    weights = model.weights
    rows = np.hstack([np.tile(weights.word_rows[:, :-1], times), weights.word_rows[:, -1:]])
    coefficients = np.tile(weights.run_coefficients, times)
    intercepts = np.tile(weights.intercepts, times)
    grown = replace(weights, word_rows=rows, run_coefficients=coefficients, intercepts=intercepts)
    return replace(model, weights=grown, _table=[])


def two_cores(home: Path) -> Compared:
    archive = home / "archive.jsonl"
    lines = (
        json.dumps({"id": str(number), "text": text}) for number, text in enumerate(mixed_texts(ARCHIVE))
    )
    archive.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def tag(jobs: int) -> None:
        parser = argparse.ArgumentParser()
        bulk.add_options(parser)
        parser.set_defaults(home=home, json=True)
        arguments = [str(archive), "--jobs", str(jobs), "--output", str(home / "tags.jsonl"), "--overwrite"]
        with redirect_stdout(io.StringIO()):
            assert bulk.tag(parser.parse_args(arguments)) == 0

    return compare(f"tagging {ARCHIVE} articles of a file", lambda: tag(1), lambda: tag(2))


def told(waits: list[float]) -> str:
    ninety_fifth = sorted(waits)[int(0.95 * len(waits))]
    return (
        f"{len(waits)} times, its alert on the console after {statistics.median(waits):.2f} s (median),"
        f" {ninety_fifth:.2f} s (95th percentile)"
    )


def mixed_texts(number: int) -> list[str]:
    """Texts of one length, made of the seeds' passages, no two alike."""
    seeds = sorted(shipped("seeds").glob("*.txt"))
    whole = "\n".join(a.text for s in seeds for a in read_articles(read_bytes(s), s.name))
    generator = np.random.default_rng(1)
    lines = whole.split("\n")
    return ["\n".join(generator.permutation(lines))[:LENGTH] for _ in range(number)]


def news() -> list[Article]:
    """The labelled articles that nobody trained on, in four languages, as long as they are."""
    lines = (shipped("labels") / "held-out" / "dev.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)["text"] for line in lines]
    return [Article(text, language=detect(text)) for text in texts]


def alert_waits(home: Path, *, whole: bool = False) -> list[float]:
    """Seconds from a rename into the inbox to the alert on the console; `whole`: from inbox/tmp."""
    daemon = DaemonProcess(home)
    daemon.wait_until_watching()
    beside = daemon.inbox / "tmp" if whole else home
    beside.mkdir(exist_ok=True)
    time.sleep(1.0)  # the new folder is watched
    waits = []
    for number, text in enumerate(tagged_texts(home)[DROPS * whole :][:DROPS]):
        fresh = beside / "fresh.txt"
        title = f"Item {number} of {'tmp' if whole else 'the day'}"
        fresh.write_text(f"{title}\n{text}\n", encoding="utf-8")
        fresh.rename(daemon.inbox / f"{number}.txt")
        started = time.perf_counter()
        daemon.wait_until(lambda title=title: title in daemon.output)  # type: ignore[misc]
        waits.append(time.perf_counter() - started)
    daemon.stop()
    return waits


def tagged_texts(home: Path) -> list[str]:
    """Texts that raise an alert each, whatever their title."""
    tagged = load(home / "models").tag_all(news())
    return [
        found.article.text
        for found in tagged
        if found.topics(Grade.MAIN) and found.tags[0].probability > 0.95
    ]


def as_markdown(tables: Sequence[tuple[str, Sequence[str], list[Compared]]], notes: list[str]) -> str:
    parts = ["# Speed\n\nWritten by `make bench`; what it compares stands in `tests/bench.py`.\n"]
    for title, columns, rows in tables:
        lines = [columns, ("---",) * len(columns), *(row.cells for row in rows)]
        parts.append(f"## {title.capitalize()}\n\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines))
    parts.append("".join(f"- {note}\n" for note in notes))
    return "\n".join(parts)


if __name__ == "__main__":
    sys.exit(main())
