"""An archive on two cores against one."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path

from threadpoolctl import threadpool_limits

from classifier.spreading import Tagger, spread
from classifier.storage import load
from classifier.streams import Batch, batches, pieces
from tests.bench import texts
from tests.bench.page import Section, compared
from tests.measuring import compare

TITLE = "Two cores"
_ABOUT = """\
Lines of JSON in memory, an article each, become lines of tags in order, by the way that `classifier
tag --output` goes: in one process and thread, and in two processes, which are started before the
time begins.
"""


def measure(home: Path, scratch: Path, *, small: bool) -> Section:
    number, rounds = (1000, 1) if small else (40_000, 5)
    model = load(home / "models")
    tagger = Tagger(home / "models", model.version, model.retired, json=True)
    held = _in_memory(scratch / "articles.jsonl", number)

    def tag(jobs: int) -> None:
        # What came of each batch is let go, as when it is written to a file.
        deque(spread(tagger, iter(held), jobs=jobs, backend="loky"), maxlen=0)

    with threadpool_limits(1):
        what = f"tagging {number:,} articles, the labelled ones perturbed"
        row = compare(what, lambda: tag(1), lambda: tag(2), rounds, time.perf_counter)
    return compared(TITLE, _ABOUT, ("what", "one core", "two cores", "ratio"), [row])


def _in_memory(file: Path, number: int) -> list[Batch]:
    with file.open("wb") as lines:
        lines.writelines(texts.archive(texts.labelled(), number))
    return list(batches(pieces([str(file)])))
