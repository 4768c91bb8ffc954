"""A process that tags one file: from its start to its end."""

from __future__ import annotations

from pathlib import Path

import joblib

from classifier.storage import load
from tests.bench import texts
from tests.bench.page import Section, compared
from tests.measuring import compare_processes
from tests.reference import Pipeline

TITLE = "Cold start"
_ABOUT = """\
`classifier tag one.txt` from the start of the process to its end, against a process that loads the
same model with joblib and scores the same file with scikit-learn (`tests/cold_reference.py`).
"""


def measure(home: Path, scratch: Path, *, small: bool) -> Section:
    pickled, file = scratch / "pipeline.joblib", scratch / "one.txt"
    joblib.dump(Pipeline(load(home / "models").weights), pickled)
    file.write_text(texts.mixed_texts(1)[0], encoding="utf-8")
    rows = compare_processes(
        ["-m", "tests.cold_reference", str(pickled), str(file)],
        ["-m", "classifier.cli", "tag", str(file), "--home", str(home)],
        2 if small else 7,
    )
    return compared(TITLE, _ABOUT, ("what", "scikit-learn", "topicwire", "ratio"), rows)
