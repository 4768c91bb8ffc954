"""In which way an archive is learned from: exactly, all of it in memory, or by streaming."""

from __future__ import annotations

from pathlib import Path

from classifier.errors import ClassifierError
from classifier.rules import table_of

STREAMING_ABOVE = 200_000  # articles

BOUNDS = (1, 1_000_000_000)


def streaming_above(config: Path | None) -> int:
    """How many articles are learned from exactly: `training.streaming_above` of a configuration.

    Raises ClassifierError in one line.
    """
    if config is None:
        return STREAMING_ABOVE
    for key, value in table_of(config, "training").items():
        if key != "streaming_above":
            raise ClassifierError(f"{config}: training.{key}: unknown; there is streaming_above")
        if not isinstance(value, int) or isinstance(value, bool) or not BOUNDS[0] <= value <= BOUNDS[1]:
            said = f"should be a whole number from {BOUNDS[0]:,} to {BOUNDS[1]:,}"
            raise ClassifierError(f"{config}: training.{key}: {said}")
        return value
    return STREAMING_ABOVE
