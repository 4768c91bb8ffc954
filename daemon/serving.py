"""The model that serves now, changed over when `models/current` names another."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from classifier import LabelError, Model, ModelError, Topic, current_version, load_model, load_topics, shipped
from daemon import promises
from daemon.config import Promise
from daemon.promises import Standing

logger = logging.getLogger(__name__)


class Serving:
    """Holds one model. A new one that cannot be trusted is refused and the old one serves on.

    `own_topics` is the user's topics.toml: what it retires is not said any more, at once. `promised` is
    what the configuration promises of topics.
    """

    def __init__(
        self,
        models: Path,
        model: Model,
        own_topics: Path | None = None,
        promised: Mapping[str, Promise] | None = None,
    ) -> None:
        self._models = models
        self._own_topics = own_topics
        self._seen_topics: int | None = None
        self._topics: tuple[Topic, ...] = ()
        self._refused: str | None = None
        self._promised = dict(promised or {})
        self._take_up(model)

    def choices(self) -> tuple[tuple[str, str], ...]:
        """The topics that an article may be about, id and title, by title."""
        model = self.model
        topics = (topic for topic in model.topics if topic not in model.retired)
        titles = ((topic, model.titles.get(topic, topic)) for topic in topics)
        return tuple(sorted(titles, key=lambda choice: choice[1].casefold()))

    def refresh(self) -> None:
        """Look which version is current, and what is retired; cheap enough to do before each batch."""
        self._change_over()
        self._retire()

    def promise(self, promised: Mapping[str, Promise]) -> None:
        """Another configuration promises other things."""
        if self._promised != promised:
            self._promised = dict(promised)
            self._take_up(self._loaded)

    def _take_up(self, model: Model) -> None:
        """Serve a model that was loaded, with the promised cuts."""
        self._loaded = model
        self.standings: tuple[Standing, ...] = promises.standings(self._models, self._promised, model)
        promises.warn(self.standings, promises.unknown(self._promised, model))
        self._serve()

    def _serve(self) -> None:
        cuts = promises.cuts_of(self.standings, self._loaded)
        self.model = self._loaded.with_cuts(cuts).without(self._topics)

    def _change_over(self) -> None:
        try:
            version = current_version(self._models)
            if version in (None, self._loaded.version, self._refused):
                return
            fresh = load_model(self._models)
        except ModelError as error:
            self._refuse(error)
            return
        logger.info("model changed", extra={"model": fresh.version, "before": self._loaded.version})
        self._take_up(fresh)
        self._refused = None

    def _retire(self) -> None:
        try:
            changed = self._own_topics.stat().st_mtime_ns if self._own_topics else 0
        except OSError:
            changed = 0
        if changed == self._seen_topics:
            return
        self._seen_topics = changed
        try:
            topics = load_topics(shipped("labels") / "topics.toml", self._own_topics)
        except LabelError as error:
            logger.error("topics refused", extra={"error": str(error)})
            return
        self._topics = topics
        self._serve()

    def _refuse(self, error: ModelError) -> None:
        try:
            version = current_version(self._models)
        except ModelError:
            version = "?"
        if version != self._refused:
            serving = self.model.version
            logger.error("model refused", extra={"error": str(error), "serving": serving})
        self._refused = version
