"""Streaming beside the exact way: `python -m tests.streaming [SCRATCH]`.

How good both are on Reuters' test split, with a bootstrap interval of the difference; then time and peak
memory of both, and of all processes that they start, on archives of perturbed Reuters: the exact way on
those of at most --exact articles. Reuters is read from ../shared/data (TOPICWIRE_DATA).
"""

from __future__ import annotations

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from classifier.archives import read
from classifier.evaluation import Judgements, quality
from classifier.judging import judge
from classifier.passages import sentences
from classifier.storage import load
from tests.bench.processes import children, resident
from tests.bench.texts import Rewriter
from tests.measuring import say
from tests.real_news import DATA

SIZES = (10_000, 100_000, 250_000, 1_000_000)
WAYS = ("--no-streaming", "--streaming")
_RESAMPLES = 10_000
_MOST_SAID_OF = 4000  # characters of an article
_LOOK = 0.1  # seconds
_SAID = 60.0


@dataclass(frozen=True, slots=True)
class Run:
    """Seconds, and MiB that the process and all that it starts have at most."""

    seconds: float
    peak: float


def main(given: Sequence[str] | None = None) -> int:
    options = _options(given)
    with tempfile.TemporaryDirectory(prefix="streaming-", dir=options.scratch) as folder:
        scratch = Path(folder)
        _quality(scratch)
        for size in options.sizes:
            archive = scratch / "archive.jsonl"
            with archive.open("w", encoding="utf-8") as lines:
                lines.writelines(json.dumps(row) + "\n" for row in perturbed(size))
            runs = {way: train(archive, scratch / way, way) for way in WAYS[size > options.exact :]}
            print(_row(size, archive, runs), flush=True)
    return 0


def _quality(scratch: Path) -> None:
    for split in ("train", "test"):
        with (scratch / f"{split}.jsonl").open("w", encoding="utf-8") as lines:
            lines.writelines(json.dumps(row) + "\n" for row in reuters(split))
    said = {}
    for way in WAYS:
        train(scratch / "train.jsonl", scratch / way, way)
        articles = read(scratch / "test.jsonl")
        said[way] = judge(load(scratch / way / "models"), articles, lambda what, done, steps: None)[0]
        print(f"Reuters R(90), {way}: micro-F1 {100 * quality(said[way]).f1:.2f}", flush=True)
    low, high = difference(*said.values())
    print(
        f"streaming less exact: {low:+.2f} to {high:+.2f} points (95 %, bootstrap of the articles)",
        flush=True,
    )


def difference(before: Judgements, after: Judgements) -> tuple[float, float]:
    """The 95 % interval of what the second has more of micro-F1, in points: articles are drawn anew, each
    with the decisions of both (Efron and Tibshirani 1993, chapter 13).
    """
    generator = np.random.default_rng(0)
    number = len(before.languages)
    draws = generator.multinomial(number, np.full(number, 1 / number), _RESAMPLES)
    found = []
    for judged in (before, after):
        said = judged.said & ~judged.mention
        counts = np.stack(
            [2 * (said & judged.main).sum(axis=1), said.sum(axis=1) + judged.main.sum(axis=1)], axis=1
        )
        twice, whole = (draws @ counts).T
        found.append(100 * twice / whole)
    low, high = np.percentile(found[1] - found[0], [2.5, 97.5])
    return float(low), float(high)


def train(archive: Path, home: Path, way: str) -> Run:
    """`classifier train`, in a process of its own."""
    command = [sys.executable, "-m", "classifier.cli", "train", way, "--examples", str(archive)]
    begun = said = time.monotonic()
    peak = 0.0
    with subprocess.Popen([*command, "--home", str(home), "--json"], stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, sum(map(resident, [process.pid, *children(process.pid)])))
            if time.monotonic() - said > _SAID:
                said = time.monotonic()
                say(f"{way}: {said - begun:.0f} s, at most {peak:,.0f} MiB")
            time.sleep(_LOOK)
    if process.returncode:
        raise SystemExit(f"{way}: exit code {process.returncode}")
    return Run(time.monotonic() - begun, peak)


def reuters(split: str) -> Iterator[dict[str, Any]]:
    """The articles of a split, as lines of an archive of examples."""
    with gzip.open(DATA / "reuters_modapte90.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            if line["split"] == split:
                yield {
                    "id": line["id"],
                    "title": line["title"],
                    "text": line["text"],
                    "main": line["labels"],
                    "lang": "en",
                }


def perturbed(number: int) -> Iterator[dict[str, Any]]:
    """Articles of the training split again and again, each time with other sentences and made-up words."""
    rewriter = Rewriter(11)
    told = []
    for row in reuters("train"):
        text = row["text"][:_MOST_SAID_OF]
        if parts := [said for a, b in sentences(text) if (said := text[a:b].strip())]:
            told.append((row, parts))
    for each in range(number):
        row, parts = told[each % len(told)]
        yield {**row, "id": str(each), "text": rewriter.perturbed(parts, "latin")}


def _row(size: int, archive: Path, runs: dict[str, Run]) -> str:
    streamed, exact = runs["--streaming"], runs.get("--no-streaming")
    row = (
        f"{size:>9,} articles, {archive.stat().st_size / 1e6:,.0f} MB: streaming {streamed.seconds:,.0f} s,"
        f" {size / streamed.seconds:,.0f} a second, peak {streamed.peak:,.0f} MiB"
    )
    if exact is None:
        return row
    ratio = streamed.seconds / exact.seconds
    return f"{row}; exact {exact.seconds:,.0f} s, peak {exact.peak:,.0f} MiB; time {ratio:.2f} ×"


def _options(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.streaming")
    parser.add_argument("scratch", nargs="?", metavar="SCRATCH", help="a folder for 2 GB")
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES, metavar="N")
    parser.add_argument("--exact", type=int, default=100_000, metavar="N", help="the most for the exact way")
    return parser.parse_args(given)


if __name__ == "__main__":
    sys.exit(main())
