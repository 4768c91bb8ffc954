"""Sounding: the figures of a ledger and of a home that metrics tell, found out in a few queries each.

What has to be counted row by row is apart from the rest, so that a large ledger is not counted at each look.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from classifier import ModelError, current_version
from daemon import (
    backups,
    clock,
    feedback,
    holds,
    ledger,
    neighbours,
    outbox,
    quiet,
    shelves,
    timetable,
    trainings,
    wishes,
)
from daemon.clock import from_text
from daemon.config import Settings
from daemon.database import Database
from daemon.inbox import files_below
from daemon.tables import NEVER, SQLITE
from daemon.trainings import TrainingState

_LAST_ARTICLE = text("SELECT tagged_at FROM articles ORDER BY id DESC LIMIT 1")
_OLDEST_OWED = text(
    """
    SELECT deliveries.receiver, MIN(alerts.created_at) AS written
    FROM deliveries
    JOIN alerts ON alerts.id = deliveries.alert_id
    WHERE deliveries.state IN ('pending', 'sending', 'unknown')
    GROUP BY deliveries.receiver
    ORDER BY deliveries.receiver
    """
)
_SAID = text("SELECT topic, said, COUNT(*) FROM sayings GROUP BY topic, said ORDER BY topic, said")
_SUCCEEDED = text(
    """
    SELECT runs.name, MAX(runs.finished_at)
    FROM runs
    JOIN jobs ON jobs.name = runs.name
    WHERE runs.state = 'done'
    GROUP BY runs.name
    ORDER BY runs.name
    """
)
_LAST_RUNS = text(
    """
    SELECT runs.name, runs.state
    FROM runs
    JOIN (
        SELECT runs.name, MAX(runs.period) AS period
        FROM runs
        JOIN jobs ON jobs.name = runs.name
        WHERE runs.state <> 'running'
        GROUP BY runs.name
    ) AS latest ON latest.name = runs.name AND latest.period = runs.period
    WHERE runs.state <> 'running'
    ORDER BY runs.name
    """
)


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of the ledger: `files` by state, `deliveries` by receiver and state, `said` by topic and word."""

    articles: int
    files: Mapping[str, int]
    deliveries: Mapping[tuple[str, str], int]
    clicks: Mapping[tuple[str, str], int]
    said: Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class Now:
    """How things stand in the ledger. Moments are seconds since 1970; ages are in seconds.

    `owed_for` has the age of the oldest alert that is owed, by receiver; `failed` the jobs whose last run
    failed; `training` whether the last one failed, None where there was none.
    """

    last_article: float
    owed_for: Mapping[str, float]
    held: frozenset[str]
    wishes: int
    due: Mapping[str, float]
    finished: Mapping[str, float]
    succeeded: Mapping[str, float]
    failed: Mapping[str, bool]
    trainings: Mapping[str, int]
    training: bool | None
    daemons: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Place:
    """Bytes of the disk that one of our folders lies on."""

    free: int
    size: int


@dataclass(frozen=True, slots=True)
class Home:
    """What stands in the folders. `oldest`: seconds since the file in the inbox changed that waits longest;
    `backup`: when the newest was made, and its bytes.
    """

    is_missing: bool
    files: int
    oldest: float
    left_alone: int
    failed: int
    quiet: Mapping[str, bool]
    disks: Mapping[str, Place] = field(default_factory=dict)
    backups: int = 0
    backup: tuple[float, int] | None = None
    ledger_bytes: int | None = None


def counts(database: Database) -> Counts:
    """All that has to be counted. Raises what the ledger raises."""
    with database.reading() as connection:
        files = ledger.counts(connection)
        clicks = feedback.counts(connection)
        articles = files.pop("articles")
        return Counts(
            articles=articles,
            files=files,
            deliveries={
                (receiver, state): number
                for receiver, states in outbox.counts(connection).items()
                for state, number in states.items()
            },
            clicks={_two_words(said): number for said, number in clicks.items() if number},
            said={(topic, said): number for topic, said, number in connection.execute(_SAID)},
        )


def now(settings: Settings, database: Database) -> Now:
    """The rest of it. Raises what the ledger raises."""
    try:
        served = current_version(settings.models)
    except ModelError:
        served = None
    moment = clock.now()
    with database.reading() as connection:
        jobs = timetable.listed(connection)
        learned = trainings.standing(connection, served=served)
        last = learned["last"]
        return Now(
            last_article=_seconds(connection.execute(_LAST_ARTICLE).scalar_one_or_none()) or 0.0,
            owed_for=_ages(connection, moment),
            held=frozenset(each.receiver for each in holds.listed(connection)),
            wishes=len(wishes.active(connection, moment).records),
            due={str(job["name"]): _seconds(job["due_at"]) or 0.0 for job in jobs},
            finished={str(job["name"]): at for job in jobs if (at := _seconds(job["finished_at"]))},
            succeeded={name: _seconds(at) or 0.0 for name, at in connection.execute(_SUCCEEDED)},
            failed={name: state == "failed" for name, state in connection.execute(_LAST_RUNS)},
            trainings=learned["states"],
            training=last["state"] == TrainingState.FAILED if last else None,
            daemons=neighbours.gather(connection).as_json(),
        )


def home(settings: Settings) -> Home:
    """What the folders say; nothing is opened but them. A folder that cannot be seen counts as empty."""
    odd: list[str] = []
    try:
        changed = [
            file.stamp.changed for file in files_below(settings.inbox, lambda name, _: odd.append(name))
        ]
        is_missing = settings.mount_point is not None and not settings.mount_point.is_mount()
    except OSError:
        changed, is_missing = [], True
    moment = clock.now()
    hearing = {each.name: quiet.hearing(each, settings) for each in settings.receivers}
    kept, newest = _backups(settings)
    file = _ledger_file(settings)
    return Home(
        is_missing=is_missing,
        files=len(changed),
        oldest=max(0.0, time.time() - min(changed) / 1e9) if changed else 0.0,
        left_alone=len(odd),
        failed=_failed(settings),
        quiet={name: each.quiet_until(moment) is not None for name, each in hearing.items()},
        disks=_disks(settings, file),
        backups=kept,
        backup=newest,
        ledger_bytes=_size(file),
    )


def _ages(connection: Connection, moment: datetime) -> dict[str, float]:
    found = connection.execute(_OLDEST_OWED)
    return {name: max(0.0, (moment - from_text(written)).total_seconds()) for name, written in found}


def _failed(settings: Settings) -> int:
    try:
        return len(shelves.failed_names(settings.home))
    except OSError:
        return 0


def _backups(settings: Settings) -> tuple[int, tuple[float, int] | None]:
    """How many there are; of the newest when it was made and its bytes, where they are made at all."""
    place = settings.backup.path
    try:
        found = [*backups.listed(settings), *(backups.bundles_in(place) if place is not None else ())]
        newest = max(found, key=backups.made_at, default=None)
        if newest is None or settings.backup.cron == NEVER:
            return len(found), None
        parts = [newest, *newest.rglob("*")] if newest.is_dir() else [newest]
        size = sum(part.lstat().st_size for part in parts if part.is_file())
    except OSError:
        return 0, None
    return len(found), (backups.made_at(newest).timestamp(), size)


def _ledger_file(settings: Settings) -> Path | None:
    file = settings.database.removeprefix(SQLITE)
    return None if file == settings.database else Path(file)


def _size(file: Path | None) -> int | None:
    """With what SQLite has written beside it and not into it yet."""
    if file is None:
        return None
    found = []
    for part in (file, file.with_name(f"{file.name}-wal")):
        with suppress(OSError):
            found.append(part.stat().st_size)
    return sum(found) if found else None


def _disks(settings: Settings, file: Path | None) -> dict[str, Place]:
    """By folder; one that is not there, or is on another machine, has none."""
    places = {"inbox": settings.inbox, "done": settings.done, "failed": settings.failed}
    if file is not None:
        places["ledger"] = file.resolve().parent
    found = {}
    for name, place in places.items():
        try:
            usage = shutil.disk_usage(place.resolve())
        except OSError:
            continue
        found[name] = Place(usage.free, usage.total)
    return found


def _two_words(said: str) -> tuple[str, str]:
    kind, _, what = said.partition(" ")
    return kind, what


def _seconds(moment: str | None) -> float | None:
    return from_text(moment).timestamp() if moment else None
