"""What is known of the topics: by the labels, by the model that serves, and by what people said."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import Request

from classifier import (
    ClassifierError,
    LabelError,
    Labelled,
    Model,
    Topic,
    load_model,
    read_folds,
    serves_examples,
    topics_of,
)
from daemon import clock, promises, quality
from daemon.desk.meanwhile import Meanwhile
from daemon.desk.slider import Lookout
from daemon.desk.state import Desk, desk_of
from daemon.promises import Standing
from daemon.quality import Quality, TopicQuality

logger = logging.getLogger(__name__)

_FRESH = 60.0  # seconds for which what people said is not counted again
_WAIT = 0.3  # seconds; then the page goes without
_START = threading.Lock()


@dataclass(frozen=True, slots=True)
class Known:
    """A topic. `labelled` is what the topics file says of it; `learned`: the model that serves knows it."""

    id: str
    title: str
    labelled: Topic | None
    learned: bool
    retired: bool


@dataclass(frozen=True, slots=True)
class Book:
    """All topics by id, in the order of their titles. `complaints`: why the topics file cannot be read.

    `by_examples`: the model was made from examples, so that the topics file says nothing of it.
    """

    topics: Mapping[str, Known]
    complaints: tuple[str, ...]
    by_examples: bool

    @property
    def titles(self) -> dict[str, str]:
        """Those that an article may be about."""
        return {each.id: each.title for each in self.topics.values() if not each.retired}


@dataclass(frozen=True, slots=True)
class Learned:
    """What a version learned from: for each topic the labelled articles with what was said of them by a fit
    without them, how many are about it by language, and what is promised of it.
    """

    version: str
    labelled: Mapping[str, Labelled]
    counts: Mapping[str, Mapping[str, int]]
    standings: Mapping[str, Standing]
    by_examples: bool


class Knowledge:
    """What the pages of topics remember; one for a process."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = threading.Lock()
        self._learned: Learned | None = None
        self._quality = Meanwhile(self._find_quality, fresh=_FRESH)
        self.lookout = Lookout(desk.settings, desk.database)

    def model(self) -> Model | None:
        """The model that serves; None where none can."""
        try:
            return self._desk.models.served()
        except ClassifierError:
            return None

    def learned(self, model: Model) -> Learned:
        """What the version that serves learned from, read once."""
        with self._lock:
            if self._learned is None or self._learned.version != model.version:
                self._learned = _learned(self._desk, model)
            return self._learned

    def book(self) -> Book:
        """The topics as they stand."""
        model = self.model()
        by_examples = model is not None and self.learned(model).by_examples
        complaints: tuple[str, ...] = ()
        labelled: dict[str, Topic] = {}
        if not by_examples:
            try:
                labelled = {topic.id: topic for topic in topics_of(self._desk.home)}
            except LabelError as error:
                complaints = tuple(each.replace(f"{self._desk.home}/", "") for each in error.problems)
        titles = dict(model.titles) if model is not None else {}
        titles |= {topic.id: topic.title for topic in labelled.values()}
        retired = model.retired if model is not None else frozenset()
        found = [
            Known(
                id,
                title,
                labelled.get(id),
                learned=model is not None and id in model.topics,
                retired=labelled[id].retired if id in labelled else id in retired,
            )
            for id, title in titles.items()
        ]
        found.sort(key=lambda each: (each.title.casefold(), each.id))
        return Book({each.id: each for each in found}, complaints, by_examples)

    def quality(self) -> Quality | None:
        """What verdicts and answers say; None while it is being counted for the first time."""
        return self._quality.ask(_WAIT)

    def quality_of(self, topic: str) -> TopicQuality | None:
        """The same of one topic."""
        found = self.quality()
        return next((each for each in found.topics if each.topic == topic), None) if found else None

    def _find_quality(self) -> Quality:
        with self._desk.database.reading() as connection:
            return quality.gather(connection, self._desk.settings.sample, self.book().titles, clock.now())


def knowledge_of(request: Request) -> Knowledge:
    """The knowledge of the process that answers a request."""
    state = request.app.state
    with _START:
        if not hasattr(state, "knowledge"):
            state.knowledge = Knowledge(desk_of(request))
    found = state.knowledge
    assert isinstance(found, Knowledge)
    return found


def _learned(desk: Desk, model: Model) -> Learned:
    models = desk.settings.models
    try:
        folds = read_folds(models, model.version)
        own = load_model(models, model.version)
    except ClassifierError as error:
        logger.warning("a model does not tell what it learned from", extra={"error": str(error)})
        folds, own = None, model
    labelled: dict[str, Labelled] = {}
    counts: dict[str, Counter[str]] = {}
    for column, topic in enumerate(folds.topics if folds is not None else ()):
        assert folds is not None
        labelled[topic] = Labelled.of(folds, topic)
        about = folds.main[:, column].tolist()
        counts[topic] = Counter(
            language for language, said in zip(folds.languages, about, strict=True) if said
        )
    standings = promises.standings(models, desk.settings.promises, own)
    return Learned(
        model.version, labelled, counts, {each.topic: each for each in standings}, serves_examples(models)
    )
