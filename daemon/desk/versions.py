"""The versions of the model as a page shows them: which serves, how good each is, and why one may not serve.

A version never changes once it is there, so what it says of itself is read once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

from classifier import (
    Gate,
    ModelError,
    Served,
    current_version,
    gate_of,
    model_before,
    model_card,
    model_history,
    model_versions,
    refusal_of_model,
)

_KEPT = 64  # cards in memory, of some kilobytes each
_MADE = "%Y%m%dT%H%M%SZ"


class Stand(StrEnum):
    """`candidate`: the gate refused it; `ready`: it may serve and never has; `past`: it has served."""

    SERVES = "serves"
    PAST = "past"
    READY = "ready"
    CANDIDATE = "candidate"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Figures:
    """How good a version is on folds. `interval` holds 95 of 100, of F1."""

    articles: int
    positives: int
    precision: float
    recall: float
    f1: float
    interval: tuple[float, float] | None
    alarms: int
    quiet: int

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Figures | None:
        """None where a version says less than it takes."""
        try:
            low, high = given.get("f1_interval") or (None, None)
            return cls(
                int(given["articles"]),
                int(given["positives"]),
                float(given["precision"]),
                float(given["recall"]),
                float(given["f1"]),
                None if low is None or high is None else (float(low), float(high)),
                int(given["alarms"]),
                int(given["quiet"]),
            )
        except (KeyError, TypeError, ValueError):
            return None


@dataclass(frozen=True, slots=True)
class Version:
    """`quality`: of everything together. `refused`: why the gate says that it should not serve."""

    name: str
    stand: Stand
    made_at: datetime | None
    quality: Figures | None
    made_from: str
    refused: tuple[str, ...] = ()
    served: tuple[Served, ...] = ()
    error: str = ""

    @property
    def last_served(self) -> Served | None:
        return self.served[-1] if self.served else None


@dataclass(frozen=True, slots=True)
class Row:
    """A topic or a language, and how good a version is in it. `cuts`: main and mention, of a topic."""

    name: str
    title: str
    figures: Figures
    cuts: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Closely:
    """All that is known of one version."""

    version: Version
    gate: Gate | None
    topics: tuple[Row, ...]
    languages: tuple[Row, ...]
    labels: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """All versions, the newest first. `before` is the one that a step back leads to."""

    versions: tuple[Version, ...]
    served: str | None
    before: str | None
    history: tuple[Served, ...]
    error: str = ""

    def find(self, name: str) -> Version | None:
        return next((each for each in self.versions if each.name == name), None)

    @property
    def serving(self) -> Version | None:
        return self.find(self.served) if self.served else None


def shelf(models: Path) -> Shelf:
    """What there is. Never raises for a version that cannot be read: that one says so."""
    error = ""
    try:
        served, before = current_version(models), model_before(models)
    except ModelError as problem:
        served, before, error = None, None, str(problem)
    entries = model_history(models)
    names = list(reversed(model_versions(models)))
    found = tuple(_version(models, name, served, entries) for name in names)
    return Shelf(found, served, before if before in names else None, entries, error)


def closely(models: Path, name: str) -> Closely | None:
    """One version; None where there is none of this name."""
    found = shelf(models).find(name)
    if found is None:
        return None
    try:
        card = _card(models, name)
    except ModelError:
        return Closely(found, gate_of(models, name), (), (), "")
    quality, cuts = card.get("quality", {}), card.get("cuts", {})
    titles = {topic["id"]: str(topic["title"]) for topic in card.get("topics", ())}
    return Closely(
        found,
        gate_of(models, name),
        _rows(quality.get("topics", {}), titles, cuts),
        _rows(quality.get("languages", {}), {}, {}),
        str(card.get("labels", "")),
    )


def cards(models: Path, *names: str) -> list[Mapping[str, Any]]:
    """What versions say of themselves. Raises ModelError."""
    return [_card(models, name) for name in names]


def _version(models: Path, name: str, served: str | None, entries: Sequence[Served]) -> Version:
    own = tuple(entry for entry in entries if entry.version == name)
    try:
        card = _card(models, name)
    except ModelError as error:
        return Version(name, Stand.UNREADABLE, _made_at(name), None, "", served=own, error=str(error))
    refused = refusal_of_model(models, name)
    stand = (
        Stand.SERVES if name == served else Stand.CANDIDATE if refused else Stand.PAST if own else Stand.READY
    )
    return Version(
        name,
        stand,
        _made_at(name),
        Figures.of(card.get("quality", {}).get("all", {})),
        str(card.get("made_by", {}).get("from", "labels")),
        refused.reasons if refused else (),
        own,
    )


def _rows(given: Mapping[str, Any], titles: Mapping[str, str], cuts: Mapping[str, Any]) -> tuple[Row, ...]:
    rows = [
        Row(name, titles.get(name, name), figures, _cuts(cuts.get(name)))
        for name, each in given.items()
        if (figures := Figures.of(each)) is not None
    ]
    return tuple(sorted(rows, key=lambda row: row.title.casefold()))


def _cuts(given: Mapping[str, Any] | None) -> tuple[float, float] | None:
    return None if given is None else (float(given["main"]), float(given["mention"]))


def _made_at(name: str) -> datetime | None:
    """The moment that the name of a version begins with."""
    try:
        return datetime.strptime(name.partition("-")[0], _MADE).replace(tzinfo=UTC)
    except ValueError:
        return None


def _card(models: Path, name: str) -> Mapping[str, Any]:
    try:
        status = (models / name / "MANIFEST.json").stat()
    except OSError as error:
        raise ModelError(f"{models / name}: cannot be read: {error.strerror}") from error
    return _read_card(models, name, status.st_mtime_ns)


@lru_cache(maxsize=_KEPT)
def _read_card(models: Path, name: str, written: int) -> Mapping[str, Any]:
    return model_card(models, name)
