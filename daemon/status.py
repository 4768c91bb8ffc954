"""How things stand: what waits in the inbox, what is owed to whom, when jobs ran."""

from __future__ import annotations

import time
from typing import Any

from classifier import ModelError, current_version
from daemon import ledger, outbox, timetable
from daemon.config import Settings
from daemon.database import Database
from daemon.inbox import files_below


def gather(settings: Settings, database: Database) -> dict[str, Any]:
    """Everything `topicwired status` shows, as one JSON object."""
    waiting, oldest = _inbox(settings)
    with database.reading() as connection:
        files = ledger.counts(connection)
        deliveries = outbox.counts(connection)
        trouble = outbox.trouble(connection)
        jobs = timetable.listed(connection)
    try:
        model = current_version(settings.models)
    except ModelError as error:
        model = f"unreadable: {error}"
    return {
        "home": str(settings.home),
        "model": model,
        "inbox": {"files": waiting, "oldest_seconds": oldest},
        "files": files,
        "deliveries": deliveries,
        "trouble": [
            {"receiver": receiver, "state": state, "reason": reason, "alerts": number}
            for receiver, state, reason, number in trouble
        ],
        "jobs": jobs,
    }


def lines(found: dict[str, Any]) -> list[str]:
    """The same for people."""
    oldest = found["inbox"]["oldest_seconds"]
    age = f", the oldest for {oldest:.0f} s" if oldest is not None else ""
    files = found["files"]
    text = [
        f"home       {found['home']}",
        f"model      {found['model'] or 'none yet'}",
        f"inbox      {found['inbox']['files']} files{age}",
        f"ledger     {files.get('articles', 0)} articles from {files.get('done', 0)} files,"
        f" {files.get('failed', 0)} files failed",
    ]
    for receiver, states in found["deliveries"].items():
        parts = ", ".join(f"{number} {state}" for state, number in states.items())
        text.append(f"receiver   {receiver}: {parts}")
    for row in found["trouble"]:
        text.append(f"trouble    {row['receiver']}: {row['alerts']} {row['state']}: {row['reason']}")
    for job in found["jobs"]:
        last = f"last {job['finished_at']}: {job['result']}" if job["finished_at"] else "not run yet"
        text.append(f"job        {job['name']}: due {job['due_at']}, {last}")
    return text


def _inbox(settings: Settings) -> tuple[int, float | None]:
    """Files waiting, and for how many seconds the oldest has been there."""
    try:
        changed = [file.stamp.changed for file in files_below(settings.inbox)]
    except OSError:
        return 0, None
    oldest = max(0.0, time.time() - min(changed) / 1e9) if changed else None
    return len(changed), oldest
