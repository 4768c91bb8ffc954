"""How things stand: what waits in the inbox, what is owed to whom, when jobs ran, what is wrong."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from classifier import ModelError, current_version, gate_of, model_card, model_versions
from daemon import (
    alive,
    clock,
    concerns,
    dues,
    feedback,
    holds,
    ledger,
    neighbours,
    outbox,
    rates,
    safekeeping,
    shelves,
    timetable,
    trainings,
    wishes,
)
from daemon.clock import to_text
from daemon.concerns import Concern
from daemon.config import Settings
from daemon.database import Database
from daemon.findings import Level
from daemon.inbox import files_below, printable
from daemon.overview import lines
from daemon.records import DeliveryState
from daemon.tables import SQLITE

__all__ = ["gather", "lines"]

_LAST_RUN = text("SELECT state FROM runs WHERE name = :name ORDER BY started_at DESC, period DESC LIMIT 1")


def gather(settings: Settings, database: Database) -> dict[str, Any]:
    """Everything `topicwired status` shows, as one JSON object. Raises what the ledger raises.

    All that the ledger says is as of one moment; what the folders say, of just before and after it.
    """
    inbox = _inbox(settings)
    try:
        model = current_version(settings.models)
    except ModelError as error:
        model = f"unreadable: {error}"
    now = clock.now()
    with database.reading() as connection:
        files = ledger.counts(connection)
        deliveries = outbox.counts(connection)
        stopped = holds.listed(connection)
        kept = {each.receiver for each in stopped}
        others = neighbours.gather(connection)
        found: dict[str, Any] = {
            "at": to_text(now),
            "home": str(settings.home),
            "model": model,
            "inbox": inbox,
            "files": files,
            "in_failed": _failed(settings),
            "deliveries": deliveries,
            "owed": sum(_total(deliveries, state) for state in dues.STILL),
            "parked": _total(deliveries, DeliveryState.PARKED),
            "dead": _total(deliveries, DeliveryState.DEAD),
            "held": _total(deliveries, DeliveryState.HELD),
            "feedback": {what: number for what, number in feedback.counts(connection).items() if number},
            "wishes": _wishes(connection),
            "holds": [asdict(each) for each in stopped],
            "trouble": [
                {"receiver": receiver, "state": state, "reason": reason, "alerts": number}
                for receiver, state, reason, number in outbox.trouble(connection)
            ],
            "receivers": dues.gather(connection, settings, held=kept, now=now),
            "rate": rates.gather(connection, now),
            "jobs": [
                job | {"state": connection.execute(_LAST_RUN, {"name": job["name"]}).scalar_one_or_none()}
                for job in timetable.listed(connection)
            ],
            "training": trainings.standing(connection, served=model),
            "daemons": others.as_json(),
        }
    found |= {
        "serving": _serving(settings, model),
        "disk": _disk(settings),
        "backup": safekeeping.told(settings),
        "process": _process(settings),
    }
    owed = {name for name, states in deliveries.items() if any(states.get(state) for state in dues.STILL)}
    of_others = [Concern(Level.WARNING, each) for each in neighbours.warnings(others, owed - kept)]
    told = [*concerns.of(found), *of_others]
    return found | {
        "warnings": [each.text for each in told],
        # The desk page, which shows the warnings, has seen itself whether a daemon runs.
        "concerns": [each.as_json() for each in (*concerns.of_process(found), *told)],
    }


def _wishes(connection: Connection) -> list[dict[str, str]]:
    return [
        {
            "receiver": each.receiver,
            "wish": each.wish.value,
            "topic": each.topic,
            "until": to_text(each.until),
            "person": each.person,
        }
        for each in wishes.active(connection, clock.now()).records
    ]


def _serving(settings: Settings, model: str | None) -> dict[str, Any] | None:
    """What is known of the model that serves, and what the gate said of the newest one; None without one."""
    if model is None:
        return None
    try:
        card = model_card(settings.models, model)
        newest = (model_versions(settings.models) or [model])[-1]
        gate = gate_of(settings.models, newest)
    except (ModelError, OSError):
        return None
    quality = card.get("quality", {}).get("all", {})
    return {
        "version": model,
        "trained_at": _trained_at(model),
        "topics": len(card.get("topics", ())),
        "quality": {key: quality.get(key) for key in ("f1", "precision", "recall", "articles")},
        "gate": None
        if gate is None
        else {"version": newest, "passed": gate.passed, "reasons": list(gate.reasons)},
    }


def _trained_at(version: str) -> str | None:
    """The moment that a version has in its name."""
    try:
        moment = datetime.strptime(version.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    return to_text(moment)


def _process(settings: Settings) -> dict[str, Any] | None:
    """The daemon that runs on this home; None where none does. Process 0: there is one that we cannot see."""
    process = alive.process_of_daemon(settings.home)
    if process is None:
        return None
    plate = alive.nameplate(settings.home)
    if plate is None or (process and plate.process != process):
        return {"process": process, "release": None, "since": None}
    return {"process": process, "release": plate.release, "since": plate.since}


def _inbox(settings: Settings) -> dict[str, Any]:
    """Files waiting, for how many seconds the oldest has been there, and what is left alone and why."""
    odd: dict[str, str] = {}
    try:
        changed = [file.stamp.changed for file in files_below(settings.inbox, odd.__setitem__)]
    except OSError:
        return {"files": 0, "oldest_seconds": None, "left_alone": {}, "missing": True}
    return {
        "files": len(changed),
        "oldest_seconds": max(0.0, time.time() - min(changed) / 1e9) if changed else None,
        "left_alone": {printable(name): what for name, what in sorted(odd.items())},
        "missing": False,
    }


def _failed(settings: Settings) -> int:
    try:
        return len(shelves.failed_names(settings.home))
    except OSError:
        return 0


def _disk(settings: Settings) -> dict[str, int | None]:
    """Free bytes where each of our folders lies; None where there is no such folder, or it is elsewhere."""
    places = {"inbox": settings.inbox, "done": settings.done, "failed": settings.failed}
    file = settings.database.removeprefix(SQLITE)
    ledger_is = _free(Path(file).parent) if file != settings.database else None
    return {name: _free(place) for name, place in places.items()} | {"ledger": ledger_is}


def _free(place: Path) -> int | None:
    try:
        return shutil.disk_usage(os.path.realpath(place)).free
    except OSError:
        return None


def _total(deliveries: dict[str, dict[str, int]], state: DeliveryState) -> int:
    return sum(states.get(state, 0) for states in deliveries.values())
