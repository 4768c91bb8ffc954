"""Vitals: what can be said of this process from within, and whether it is alive and ready."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text

from classifier import ModelError, current_version
from daemon.config import Settings
from daemon.database import Database

_REACHABLE = text("SELECT 1 FROM articles LIMIT 1")


@dataclass(frozen=True, slots=True)
class Vitals:
    """Asked from any thread. `busy`: for how many seconds each worker has been at its piece of work;
    `hanging`: those whose work does not end; `model`: the version that serves; `hears_desks`: whether
    Slack tells us what desks press, None where it is not asked to.
    """

    busy: Callable[[], Mapping[str, float]] = dict
    hanging: Callable[[], Sequence[str]] = tuple
    model: Callable[[], str] = str
    is_watching: Callable[[], bool] = bool
    hears_desks: Callable[[], bool | None] = lambda: None


def why_not_alive(vitals: Vitals) -> str | None:
    """In one line what hangs; None where all goes on."""
    hanging = vitals.hanging()
    return f"hanging: {', '.join(hanging)}" if hanging else None


def why_not_ready(settings: Settings, database: Database, vitals: Vitals) -> str | None:
    """In one line why files that are dropped now would wait; None where they would be taken.

    Raises what the ledger raises.
    """
    if not vitals.is_watching():
        return "starting or stopping"
    try:
        if current_version(settings.models) is None:
            return f"no model: {settings.models / 'current'} is not there"
    except ModelError as error:
        return f"no model: {error}"
    mount = settings.mount_point
    if not settings.inbox.is_dir() or (mount is not None and not mount.is_mount()):
        return f"the inbox is missing: {settings.inbox}"
    with database.reading() as connection:
        connection.execute(_REACHABLE).one_or_none()
    return why_not_alive(vitals)
