"""Promises ▶ the cuts that serve: what the configuration promises of a topic, and what it comes to.

A promise that the labels do not carry falls back to the model's own cut, and says what it lacks.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from classifier import (
    Cuts,
    Folds,
    Grade,
    Labelled,
    Model,
    ModelError,
    Settled,
    Tagged,
    for_precision,
    for_recall,
    read_folds,
    topics_of,
)
from daemon.config import Promise, Settings

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a promise comes to with a model.

    `own` is the model's cut, `cut` the one that serves. `settled` is None where no label was asked, and
    `lacks` where the promise is kept. `labelled` is what it rests on, where there is something.
    """

    topic: str
    promise: Promise
    own: float
    cut: float
    settled: Settled | None = None
    labelled: Labelled | None = None
    lacks: str | None = None

    @property
    def is_kept(self) -> bool:
        return self.lacks is None

    def __str__(self) -> str:
        """Which cut serves, and where it comes from."""
        if self.lacks is not None:
            return f"cut {digits(self.cut)}, the model's own; {wording(self.promise)} needs {self.lacks}"
        if self.promise.cut is not None:
            return f"cut {digits(self.cut)}: as configured"
        return f"cut {digits(self.cut)}: {wording(self.promise)} promised"


def digits(probability: float) -> str:
    """As many as tell it from 0 and from 1."""
    if 0.01 <= probability <= 0.99:
        return f"{probability:.2f}"
    return f"{probability:.2g}" if probability < 0.01 else f"{probability:.4f}"


def wording(promise: Promise) -> str:
    """A promise as it stands in the configuration: "recall 0.95"."""
    return ", ".join(f"{key} {value:g}" for key, value in promise.model_dump(exclude_none=True).items())


def standings(models: Path, promises: Mapping[str, Promise], model: Model) -> tuple[Standing, ...]:
    """What each promise comes to with a model of this folder, by topic. The same for the same model.

    Promises of topics that the model does not know are left out: see `unknown`.
    """
    known = {topic: promise for topic, promise in sorted(promises.items()) if topic in model.cuts}
    folds: Folds | None = None
    missing = "labels that are kept with the model; train a new one"
    if any(promise.cut is None for promise in known.values()):
        try:
            folds = read_folds(models, model.version)
        except ModelError as error:
            missing = f"labels that can be read: {error}"
    return tuple(_standing(topic, promise, model, folds, missing) for topic, promise in known.items())


def unknown(promises: Mapping[str, Promise], model: Model) -> list[str]:
    """The topics of promises that the model has not learned yet, of which it says nothing."""
    return sorted(topic for topic in promises if topic not in model.cuts)


def cuts_of(found: Iterable[Standing], model: Model) -> dict[str, Cuts]:
    """The cuts that serve where promises are kept; of a mention as the model has it, or the main one."""
    return {each.topic: Cuts(each.cut, model.cuts[each.topic].mention) for each in found if each.is_kept}


def served_model(settings: Settings, model: Model) -> Model:
    """A model as it serves with a configuration: promised cuts, and nothing of what is retired by now."""
    found = standings(settings.models, settings.promises, model)
    return model.without(topics_of(settings.home)).with_cuts(cuts_of(found, model))


@dataclass(frozen=True, slots=True)
class Reason:
    """What is said of an article and a topic, with which probability and by which cut."""

    topic: str
    grade: Grade
    probability: float
    cut: float
    because: str

    def __str__(self) -> str:
        said = "is about" if self.grade is Grade.MAIN else "mentions"
        return f"{said} {self.topic}, probability {digits(self.probability)}; {self.because}"

    def as_json(self) -> dict[str, object]:
        return {
            "topic": self.topic,
            "grade": self.grade.value,
            "probability": self.probability,
            "cut": round(self.cut, 6),
            "because": self.because,
        }


def reasons(tagged: Tagged, model: Model, found: Iterable[Standing]) -> tuple[Reason, ...]:
    """Of each tag of an article that the served model gave it, likeliest first."""
    by_topic = {each.topic: str(each) for each in found}
    rows = []
    for tag in tagged.tags:
        cuts = model.cuts[tag.topic]
        cut, because = cuts.main, by_topic.get(tag.topic, f"cut {digits(cuts.main)}: the model's own")
        if tag.grade is Grade.MENTION:
            cut, because = cuts.mention, f"cut {digits(cuts.mention)} of a mention, as main {because}"
        rows.append(Reason(tag.topic, tag.grade, tag.probability, cut, because))
    return tuple(rows)


def warn(found: Iterable[Standing], strangers: Iterable[str]) -> None:
    """Log each promise that is not kept: nobody should rely on one that is not."""
    for each in found:
        if each.lacks is not None:
            told = {"topic": each.topic, "promise": wording(each.promise), "needs": each.lacks}
            logger.warning("a promise is not kept, the model's own cut serves", extra=told)
    for topic in strangers:
        logger.warning("a promise is not kept, the model does not know the topic", extra={"topic": topic})


def _standing(topic: str, promise: Promise, model: Model, folds: Folds | None, missing: str) -> Standing:
    own = model.cuts[topic].main
    labelled = Labelled.of(folds, topic) if folds is not None and topic in folds.topics else None
    if promise.cut is not None:
        return Standing(topic, promise, own, promise.cut, labelled=labelled)
    if labelled is None:
        return Standing(topic, promise, own, own, lacks=missing)
    settled = _settled(promise, labelled)
    if settled.cut is None:
        return Standing(topic, promise, own, own, settled, labelled, _lacking(promise, settled))
    return Standing(topic, promise, own, settled.cut, settled, labelled)


def _settled(promise: Promise, labelled: Labelled) -> Settled:
    if promise.recall is not None:
        return for_recall(labelled, promise.recall)
    if promise.precision is not None:
        return for_precision(labelled, promise.precision)
    raise ValueError("a promise of nothing")  # the configuration refuses it


def _lacking(promise: Promise, settled: Settled) -> str:
    if promise.recall is not None:
        return f"{settled.missing} more articles labelled as about it"
    if settled.missing is None:
        return f"a better model: too many of the {settled.labels} articles it is surest of are wrong"
    return f"{settled.missing} more labelled articles of which the model is as sure"
