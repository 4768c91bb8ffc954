"""How things stand: what waits in the inbox, what is owed to whom, when jobs ran, what is wrong."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from classifier import ModelError, current_version
from daemon import clock, feedback, holds, ledger, neighbours, outbox, shelves, timetable, trainings, wishes
from daemon.clock import to_text
from daemon.config import Settings
from daemon.database import Database
from daemon.inbox import files_below, printable
from daemon.records import DeliveryState
from daemon.tables import SQLITE

_LITTLE = 64 * 2**20  # bytes; with less on a disk we say so
_LONG = 300.0  # seconds that a file may wait before we say so
_OWED = (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.UNKNOWN)


def gather(settings: Settings, database: Database) -> dict[str, Any]:
    """Everything `topicwired status` shows, as one JSON object."""
    inbox = _inbox(settings)
    try:
        model = current_version(settings.models)
    except ModelError as error:
        model = f"unreadable: {error}"
    with database.reading() as connection:
        files = ledger.counts(connection)
        deliveries = outbox.counts(connection)
        trouble = outbox.trouble(connection)
        jobs = timetable.listed(connection)
        learned = trainings.standing(connection, served=model)
        said = feedback.counts(connection)
        wished = wishes.active(connection, clock.now()).records
        stopped = holds.listed(connection)
        others = neighbours.gather(connection)
    found: dict[str, Any] = {
        "home": str(settings.home),
        "model": model,
        "inbox": inbox,
        "files": files,
        "in_failed": _failed(settings),
        "deliveries": deliveries,
        "owed": sum(_total(deliveries, state) for state in _OWED),
        "parked": _total(deliveries, DeliveryState.PARKED),
        "dead": _total(deliveries, DeliveryState.DEAD),
        "held": _total(deliveries, DeliveryState.HELD),
        "feedback": {what: number for what, number in said.items() if number},
        "wishes": [
            {
                "receiver": each.receiver,
                "wish": each.wish.value,
                "topic": each.topic,
                "until": to_text(each.until),
                "person": each.person,
            }
            for each in wished
        ],
        "holds": [asdict(each) for each in stopped],
        "trouble": [
            {"receiver": receiver, "state": state, "reason": reason, "alerts": number}
            for receiver, state, reason, number in trouble
        ],
        "jobs": jobs,
        "training": learned,
        "disk": _disk(settings),
        "daemons": others.as_json(),
    }
    kept = {each.receiver for each in stopped}
    owed = {name for name, states in deliveries.items() if any(states.get(state) for state in _OWED)}
    return found | {"warnings": [*_warnings(found), *neighbours.warnings(others, owed - kept)]}


def lines(found: dict[str, Any]) -> list[str]:
    """The same for people."""
    inbox, files = found["inbox"], found["files"]
    age = f", the oldest for {inbox['oldest_seconds']:.0f} s" if inbox["oldest_seconds"] is not None else ""
    text = [
        f"home       {found['home']}",
        f"model      {found['model'] or 'none yet'}",
        f"inbox      {inbox['files']} files{age}" if not inbox["missing"] else "inbox      missing",
        f"ledger     {files.get('articles', 0)} articles from {files.get('done', 0)} files,"
        f" {found['in_failed']} files in failed/",
        f"alerts     {found['owed']} owed, {found['parked']} parked, {found['dead']} dead"
        + (f", {found['held']} held for a digest" if found["held"] else ""),
    ]
    text += [f"daemon     {neighbours.line(each)}" for each in found["daemons"]]
    if found["feedback"]:
        parts = ", ".join(f"{number} {said}" for said, number in found["feedback"].items())
        text.append(f"desks      {parts}")
    for wish in found["wishes"]:
        until = f"until {wish['until']}, {wish['person']}"
        text.append(f"wish       {wish['receiver']}: {wish['wish']} {wish['topic']} {until}")
    for hold in found["holds"]:
        why = f": {hold['reason']}" if hold["reason"] else ""
        text.append(f"hold       {hold['receiver']}: since {hold['since']}, {hold['person']}{why}")
    for receiver, states in found["deliveries"].items():
        parts = ", ".join(f"{number} {state}" for state, number in states.items())
        text.append(f"receiver   {receiver}: {parts}")
    for row in found["trouble"]:
        text.append(f"trouble    {row['receiver']}: {row['alerts']} {row['state']}: {row['reason']}")
    for job in found["jobs"]:
        last = f"last {job['finished_at']}: {job['result']}" if job["finished_at"] else "not run yet"
        text.append(f"job        {job['name']}: due {job['due_at']}, {last}")
    if found["training"]["last"]:
        text.append(f"training   {_training(found['training']['last'])}")
    return text + [f"warning    {warning}" for warning in found["warnings"]]


def _training(last: dict[str, Any]) -> str:
    if last["state"] == "running":
        far = f", {last['done']} of {last['total']}" if last["total"] else ""
        return f"running since {last['started_at']}, asked for by the {last['asked_by']}: {last['step']}{far}"
    return f"{last['state']} {last['finished_at'] or last['started_at']}: {last['result']}"


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


def _warnings(found: dict[str, Any]) -> list[str]:
    inbox = found["inbox"]
    warnings = ["the inbox is missing: nothing can be taken"] if inbox["missing"] else []
    if (inbox["oldest_seconds"] or 0.0) > _LONG:
        warnings.append(f"a file has waited in the inbox for {inbox['oldest_seconds']:.0f} s; see the log")
    warnings += [f"left alone in the inbox: {name}: {what}" for name, what in inbox["left_alone"].items()]
    for place, free in found["disk"].items():
        if free is not None and free < _LITTLE:
            warnings.append(f"the disk of {place} is nearly full: {free // 2**20} MiB left")
    if found["in_failed"]:
        warnings.append(f"{found['in_failed']} files in failed/; each says why in its .error.json")
    if found["dead"]:
        warnings.append(f"{found['dead']} alerts are dead: their receiver will never take them")
    return warnings
