"""The model that serves now, changed over when `models/current` names another."""

from __future__ import annotations

import logging
from pathlib import Path

from classifier import Model, ModelError, current_version, load_model

logger = logging.getLogger(__name__)


class Serving:
    """Holds one model. A new one that cannot be trusted is refused and the old one serves on."""

    def __init__(self, models: Path, model: Model) -> None:
        self._models = models
        self._refused: str | None = None
        self.model = model

    def refresh(self) -> None:
        """Look which version is current; cheap enough to do before each batch."""
        try:
            version = current_version(self._models)
            if version in (None, self.model.version, self._refused):
                return
            fresh = load_model(self._models)
        except ModelError as error:
            self._refuse(error)
            return
        logger.info("model changed", extra={"model": fresh.version, "before": self.model.version})
        self.model = fresh
        self._refused = None

    def _refuse(self, error: ModelError) -> None:
        try:
            version = current_version(self._models)
        except ModelError:
            version = "?"
        if version != self._refused:
            serving = self.model.version
            logger.error("model refused", extra={"error": str(error), "serving": serving})
        self._refused = version
