"""Speed, as ratios to a plain scikit-learn pipeline of the same features in the same run.

    make bench

Absolute times depend on the machine and are printed only so that the ratios can be read.
"""

from __future__ import annotations

import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer

from classifier import shipped
from classifier.cli import main as classifier
from classifier.features import PASSAGES
from classifier.model import Model
from classifier.reading import read_articles, read_bytes
from classifier.storage import load
from tests.builders import ENERGY_ARTICLE
from tests.daemon_process import DaemonProcess
from tests.reference import Reference

ARTICLES = 300
LENGTH = 3500  # characters
ROUNDS = 5
DROPS = 20


class Pipeline:
    """The same scores the usual way: every text through a vectoriser, then one product."""

    def __init__(self, model: Model) -> None:
        reference = Reference(model.weights)
        self._vectoriser = CountVectorizer(analyzer=_features, vocabulary=reference.names)
        self._idf, self._coefficients = reference.idf, reference.coefficients

    def scores(self, texts: Sequence[str]) -> object:
        counts = self._vectoriser.transform(texts).astype(np.float64)
        norms = np.sqrt(counts @ self._idf**2)
        norms[norms == 0.0] = 1.0
        return sparse.diags(1.0 / norms) @ (counts @ sparse.diags(self._idf)) @ self._coefficients


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="topicwire-bench-") as folder:
        home = Path(folder) / "home"
        started = time.perf_counter()
        with redirect_stdout(io.StringIO()):
            assert classifier(["train", "--json", "--home", str(home)]) == 0
        training = time.perf_counter() - started
        model = load(home / "models")
        texts = articles()
        pipeline = Pipeline(model)
        batch = ratio(lambda: pipeline.scores(texts), lambda: model.scores(texts))
        single = ratio(lambda: [pipeline.scores([text]) for text in texts[:60]],
                       lambda: [model.scores([text]) for text in texts[:60]])  # fmt: skip
        waits, waits_of_whole = alert_waits(home), alert_waits(home, whole=True)
    table = Table()
    for name in ("what", "scikit-learn", "topicwire", "ratio"):
        table.add_column(name, justify="left" if name == "what" else "right")
    for name, (slow, fast) in (("scoring, all at once", batch), ("scoring, one a call", single)):
        table.add_row(name, f"{slow:.3f} s", f"{fast:.3f} s", f"{slow / fast:.0f} ×")
    console = Console(width=100)
    console.print(f"{ARTICLES} articles of {LENGTH} characters, medians of {ROUNDS} rounds, one core")
    console.print(table)
    console.print(f"training from the shipped labels: {training:.1f} s")
    console.print(f"a file renamed into the inbox: {told(waits)}, 2.00 s of them the settle time")
    console.print(f"a file renamed into it from inbox/tmp: {told(waits_of_whole)}")
    return 0


def told(waits: list[float]) -> str:
    ninety_fifth = sorted(waits)[int(0.95 * len(waits))]
    return (
        f"{len(waits)} times, its alert on the console after {statistics.median(waits):.2f} s (median),"
        f" {ninety_fifth:.2f} s (95th percentile)"
    )


def articles() -> list[str]:
    """Texts of one length, made of the seeds' passages, no two alike."""
    seeds = sorted(shipped("seeds").glob("*.txt"))
    whole = "\n".join(a.text for s in seeds for a in read_articles(read_bytes(s), s.name))
    generator = np.random.default_rng(1)
    lines = whole.split("\n")
    return ["\n".join(generator.permutation(lines))[:LENGTH] for _ in range(ARTICLES)]


def ratio(slow: Callable[[], object], fast: Callable[[], object]) -> tuple[float, float]:
    """Median seconds of both, their rounds interleaved."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for kept, work in zip(times, (slow, fast), strict=True):
            started = time.perf_counter()
            work()
            kept.append(time.perf_counter() - started)
    return statistics.median(times[0]), statistics.median(times[1])


def alert_waits(home: Path, *, whole: bool = False) -> list[float]:
    """Seconds from a rename into the inbox to the alert on the console; `whole`: from inbox/tmp."""
    daemon = DaemonProcess(home)
    daemon.wait_until_watching()
    beside = daemon.inbox / "tmp" if whole else home
    beside.mkdir(exist_ok=True)
    time.sleep(1.0)  # the new folder is watched
    waits = []
    for number in range(DROPS):
        title = f"Refinery {'tmp' if whole else ''} number {number} restarts crude unit"
        fresh = beside / "fresh.txt"
        fresh.write_text(ENERGY_ARTICLE.replace("Refinery in Atyrau restarts crude unit", title))
        fresh.rename(daemon.inbox / f"{number}.txt")
        started = time.perf_counter()
        daemon.wait_until(lambda title=title: title in daemon.output)  # type: ignore[misc]
        waits.append(time.perf_counter() - started)
    daemon.stop()
    return waits


def _features(text: str) -> list[str]:
    return [feature for word in PASSAGES.words_of(text) for feature in PASSAGES.features(word)]


if __name__ == "__main__":
    sys.exit(main())
