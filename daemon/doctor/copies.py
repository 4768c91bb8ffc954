"""Backups: whether there are any, how old the newest is, and whether it could be restored."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from daemon import backups, clock, postgres
from daemon.config import Settings
from daemon.errors import DaemonError
from daemon.findings import Finding, fine, problem, warning
from daemon.tables import NEVER

_OLD = timedelta(hours=48)
_READ = 2048 * 2**20  # bytes; a larger one was checked as it was made


def examine(settings: Settings) -> Iterator[Finding]:
    if postgres.is_one(settings.database):
        yield fine("backups", "the ledger stands on a server, and is backed up there")
        return
    found = newest(settings)
    if found is None:
        if backups.has_files(settings.done):
            yield warning("backups", "there is none yet", f"topicwired backup --home {settings.home}")
        else:
            yield fine("backups", "none yet, as there is nothing to be lost")
        return
    yield _age(settings, found)
    yield _sound(found)


def newest(settings: Settings) -> Path | None:
    """The newest backup by its name, of the ledger alone or of the whole home."""
    place = settings.backup.path
    found = [*backups.listed(settings), *(backups.bundles_in(place) if place is not None else ())]
    return max(found, key=backups.made_at, default=None)


def _age(settings: Settings, file: Path) -> Finding:
    age = clock.now() - backups.made_at(file)
    said = f"the newest is {file}, {age.total_seconds() / 3600:.0f} h old"
    if settings.backup.cron == NEVER:
        said = f"{said}; the timetable makes none (backup.cron)"
        return warning("backups", said, "topicwired backup") if age > _OLD else fine("backups", said)
    if age > _OLD:
        mend = "topicwired backup; why the job fails, `topicwired status` and the log say"
        return warning("backups", said, mend)
    return fine("backups", said)


def _sound(file: Path) -> Finding:
    ledger = file / "ledger.db" if file.is_dir() else file
    try:
        if ledger.stat().st_size > _READ:
            return fine("backups", f"{ledger}: too large to be read here; it was checked as it was made")
        articles = backups.check(ledger)
    except DaemonError as error:
        return problem("backups", str(error), "topicwired backup")
    except OSError as error:
        return problem("backups", f"{ledger}: cannot be read: {error.strerror}", "topicwired backup")
    return fine("backups", f"{ledger.name}: can be restored, {articles} articles")
