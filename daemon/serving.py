"""The model that serves now, changed over when `models/current` names another."""

from __future__ import annotations

import logging
from pathlib import Path

from classifier import LabelError, Model, ModelError, Topic, current_version, load_model, load_topics, shipped

logger = logging.getLogger(__name__)


class Serving:
    """Holds one model. A new one that cannot be trusted is refused and the old one serves on.

    `own_topics` is the user's topics.toml: what it retires is not said any more, at once.
    """

    def __init__(self, models: Path, model: Model, own_topics: Path | None = None) -> None:
        self._models = models
        self._own_topics = own_topics
        self._seen_topics: int | None = None
        self._topics: tuple[Topic, ...] = ()
        self._refused: str | None = None
        self._loaded = model
        self.model = model

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
        self._loaded = fresh
        self.model = fresh.without(self._topics)
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
        self.model = self._loaded.without(topics)

    def _refuse(self, error: ModelError) -> None:
        try:
            version = current_version(self._models)
        except ModelError:
            version = "?"
        if version != self._refused:
            serving = self.model.version
            logger.error("model refused", extra={"error": str(error), "serving": serving})
        self._refused = version
