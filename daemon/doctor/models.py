"""The model that would serve, read and tried as a start does; and the labels that the next one comes from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from classifier import (
    LabelError,
    ModelError,
    NoModelError,
    current_version,
    fallbacks,
    held_out_articles,
    load_corpus,
    load_model,
    model_card,
    shipped,
    topics_of,
)
from daemon.config import Settings
from daemon.findings import Finding, fine, problem


def examine(settings: Settings) -> Iterator[Finding]:
    yield _model(settings)
    yield _labels(settings)


def trained_at(version: str) -> datetime | None:
    """The moment that a version has in its name."""
    try:
        return datetime.strptime(version.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def _model(settings: Settings) -> Finding:
    try:
        version = current_version(settings.models)
        loaded = load_model(settings.models)
        card = model_card(settings.models, loaded.version)
    except NoModelError:
        return fine("model", f"none in {settings.models} yet; the first start trains one, in half a minute")
    except ModelError as error:
        others = fallbacks(settings.models)
        mend = f"classifier models use {others[0]}" if others else "classifier train"
        return problem("model", str(error), f"{mend} --home {settings.home}")
    trained = trained_at(loaded.version)
    age = f", trained {trained:%Y-%m-%d %H:%M} UTC" if trained else ""
    probes = len(card.get("probes", ()))
    said = f"{version}{age}: its files are whole, and {probes} probe texts score as they did"
    return fine("model", f"{said}{_quality(card)}")


def _quality(card: dict[str, Any]) -> str:
    found = card.get("quality", {}).get("all", {}).get("f1")
    return f"; F1 {found:.3f} across its folds" if isinstance(found, float) else ""


def _labels(settings: Settings) -> Finding:
    """Read as a training reads them, which would fail at night of what is wrong now."""
    own = settings.home / "labels"
    try:
        corpus = load_corpus(shipped("seeds"), shipped("labels"), own if own.is_dir() else None)
        held_out_articles(settings.home, shipped("labels"))
        topics = topics_of(settings.home)
    except LabelError as error:
        lines = str(error).splitlines()
        more = f", and {len(lines) - 1} more" if len(lines) > 1 else ""
        said = f"{lines[0]}{more}: the next training will refuse them"
        return problem("labels", said, f"classifier check --quick --home {settings.home}")
    said = f"{len(corpus.articles)} examples of {len(topics)} topics"
    if not own.is_dir():
        return fine("labels", f"{said}, those that ship")
    return fine("labels", f"{said}, with those of {own}")
