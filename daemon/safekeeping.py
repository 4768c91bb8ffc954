"""Safekeeping: the newest of all backups, of the ledger alone or of the whole home."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from daemon import backups, clock
from daemon.config import Settings


def newest(settings: Settings) -> Path | None:
    """By its name; not checked."""
    place = settings.backup.path
    found = [*backups.listed(settings), *(backups.bundles_in(place) if place is not None else ())]
    return max(found, key=backups.made_at, default=None)


def told(settings: Settings) -> dict[str, Any] | None:
    """The newest as `topicwired status` tells it; None where there is none."""
    try:
        file = newest(settings)
    except OSError:
        return None
    if file is None:
        return None
    made = backups.made_at(file)
    return {
        "file": str(file),
        "made_at": clock.to_text(made),
        "age_seconds": round(max(0.0, (clock.now() - made).total_seconds())),
    }
