"""A home whose model learns two topics from a few labels, so that a training takes a second or two."""

from __future__ import annotations

import json
from pathlib import Path

from classifier import make_model, use_model
from classifier.storage import current
from daemon.config import Retrain, Settings
from tests import ledgers
from tests.builders import make_settings, write_labels

NEW_LABEL = "energy\tThe turbine hall of the coal plant in Ekibastuz burned for an hour on Sunday.\n"


def write_shipped(folder: Path) -> Path:
    """A folder that stands for the shipped seeds and labels."""
    write_labels(folder / "labels")
    (folder / "seeds").mkdir(exist_ok=True)
    (folder / "labels" / "seeds").mkdir(exist_ok=True)
    return folder


def found(home: Path, shipped: Path) -> str:
    """Make the first model of a home, as the daemon would; its version."""
    made = make_model(home, seeds=shipped / "seeds", labels=shipped / "labels")
    use_model(home / "models", made.version, because="the first", by="a test")
    return made.version


def settings_of(home: Path, **retrain: object) -> Settings:
    """Nothing is rehearsed unless the test says so."""
    return make_settings(home, retrain=Retrain.model_validate({"rehearse_days": 0.0, **retrain}))


def teach(home: Path, label: str = NEW_LABEL) -> None:
    """Add a label of the home's own."""
    (home / "labels").mkdir(exist_ok=True)
    (home / "labels" / "own.tsv").write_text(label, encoding="utf-8")


def served(home: Path) -> str:
    version = current(home / "models")
    assert version is not None
    return version


def rows(home: Path) -> list[dict[str, object]]:
    """The trainings in the ledger, oldest first."""
    return ledgers.records(home, "SELECT * FROM trainings ORDER BY id")


def report(row: dict[str, object]) -> dict[str, object]:
    found: dict[str, object] = json.loads(str(row["report"]))
    return found
