"""Retention: texts and files that are old and that nothing needs go, a few at a time, beside the intake.

The ledger forgets first (`forgetting`); then the file leaves done/. A kill between the two leaves a file that
the ledger knows as forgotten, and the next run takes it away.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath

from sqlalchemy.exc import SQLAlchemyError

from daemon import backups, clock, forgetting, remembering, whole
from daemon.config import Settings
from daemon.database import Database, plainly
from daemon.errors import DaemonError
from daemon.forgetting import Cursor, Forgotten, Leaving
from daemon.inbox import files_below

logger = logging.getLogger(__name__)

LEAST_DAYS = 31
# Writers wait for a step, so it is made as large as takes so long; and rests several times that.
_STEP_SECONDS = 0.03
_FEWEST, _MOST = 20, 200  # files a step
_RESTS = 3.0  # times as long as the step took
_LEAST_REST = 0.02  # seconds
_REST_FOR_OTHERS = 0.5  # seconds, while files wait in the inbox
_PRUNED_AT_ONCE = 500

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did. `left`: files that left done/; `ended`: it came to the end of what is old enough."""

    forgotten: Forgotten
    left: int
    ended: bool
    dry: bool = False

    def line(self) -> str:
        found = self.forgotten
        verb = "would forget" if self.dry else "forgot"
        kept = ", ".join(f"{number} {why}" for why, number in sorted(found.kept.items()))
        said = f"{verb} {found.articles} articles of {found.files} files, {found.characters} characters"
        said += f"; kept {kept}" if kept else ""
        return said if self.ended else f"{said}; more next time"

    def as_json(self) -> dict[str, object]:
        found = self.forgotten
        return {
            "files": found.files,
            "articles": found.articles,
            "characters": found.characters,
            "left_done": self.left,
            "kept": dict(found.kept),
            "pruned": dict(found.pruned),
            "ended": self.ended,
            "dry_run": self.dry,
        }


@dataclass(slots=True)
class Pace:
    """How many files a step has, so that it takes about as long as it may; and how long to rest after it."""

    most: int = _FEWEST
    last: float = field(default=0.0)

    def took(self, seconds: float) -> None:
        """What the last step took. Grows slowly, and shrinks at once."""
        self.last = seconds
        if seconds > _STEP_SECONDS:
            self.most = max(_FEWEST, int(self.most * _STEP_SECONDS / seconds))
        else:
            self.most = min(_MOST, self.most + max(1, self.most // 4))

    def rest(self, *, others_wait: bool) -> float:
        """Seconds in which others have the ledger to themselves."""
        return max(_LEAST_REST, _RESTS * self.last, _REST_FOR_OTHERS if others_wait else 0.0)


def nightly(settings: Settings, database: Database) -> str:
    """The timetable's job, its result in one line."""
    days = settings.retention.keep_days
    if days is None:
        return "everything is kept"
    outcome = forget(
        settings, database, older_than=timedelta(days=days), seconds=60 * settings.retention.minutes
    )
    logger.info("retention", extra={"result": outcome.line(), "left_done": outcome.left})
    return outcome.line()


def forget(
    settings: Settings,
    database: Database,
    *,
    older_than: timedelta,
    seconds: float | None = None,
    dry: bool = False,
    progress: Progress = lambda done, total: None,
) -> Outcome:
    """Forget what came in so long ago and is not needed, until all is, or for so many seconds.

    In steps of milliseconds with rests between them. With `dry` nothing is written: what would go is counted.
    Raises DaemonError where `older_than` is less than what is needed of the last days, or the ledger or the
    disk refuses.
    """
    _must_be_long(settings, older_than)
    now = clock.now()
    before, until = now - older_than, None if seconds is None else clock.monotonic() + seconds
    found, left, pace = Forgotten(), 0, Pace(_FEWEST)
    try:
        with database.reading() as connection:
            up_to = forgetting.last_before(connection, before)
        cursor: Cursor | None = Cursor()
        while cursor is not None and (until is None or clock.monotonic() < until):
            begun = time.monotonic()
            opened = database.reading() if dry else database.transaction()
            with opened as connection:
                begun = time.monotonic()  # the turn to write was waited for, and held up nobody
                cursor = forgetting.step(
                    connection, cursor, found, before=before, up_to=up_to, most=pace.most, now=now, dry=dry
                )
            pace.took(time.monotonic() - begun)
            if not dry:
                if found.files - left >= _MOST:
                    left += sweep(settings, database)
                time.sleep(pace.rest(others_wait=_files_wait(settings)))
            progress(cursor.after if cursor else up_to, up_to)
        if not dry:
            while swept := sweep(settings, database):
                left += swept
            _prune(database, found, before)
    except (SQLAlchemyError, OSError) as error:
        raise DaemonError(f"{settings.home}: not all could be forgotten: {plainly(error)}") from error
    return Outcome(found, left, cursor is None, dry)


def sweep(settings: Settings, database: Database, *, most: int = _MOST) -> int:
    """Take files out of done/ that the ledger has forgotten, up to `most`; how many.

    What tells their repeats is on the disk before they go. Raises OSError and what the ledger raises.
    """
    with database.reading() as connection:
        files = forgetting.leaving(connection, daemon=settings.daemon, most=most)
    if not files:
        return 0
    settings.done.mkdir(parents=True, exist_ok=True)
    remembering.write(settings.done, files)
    for file in files:
        _take_away(settings, file)
    for folder in {(settings.home / file.target).parent for file in files}:
        _sync_or_remove(folder, settings.done)
    with database.transaction() as connection:
        forgetting.mark_left(connection, files)
    return len(files)


def sweep_quietly(settings: Settings, database: Database) -> None:
    """The same, for a clock that calls: what goes wrong is said, and tried again."""
    try:
        sweep(settings, database)
    except (SQLAlchemyError, OSError, DaemonError) as error:
        logger.warning("forgotten files stay in done/ for now", extra={"error": plainly(error)})


def compact(settings: Settings) -> tuple[int, int]:
    """Give the room of what was forgotten back to the disk; the ledger's size before and after.

    SQLite writes the file anew (sqlite.org/lang_vacuum.html), so nobody else may have it. Raises DaemonError.
    """
    ledger = backups.ledger_path(settings)
    if not ledger.exists():
        raise DaemonError(f"{ledger}: no ledger")
    before = ledger.stat().st_size
    backups.must_have_room(2 * before, ledger.parent)
    try:
        with closing(sqlite3.connect(f"file:{ledger}?mode=rw", uri=True, isolation_level=None)) as connection:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise DaemonError(f"{ledger}: cannot be made smaller: {plainly(error)}") from error
    return before, ledger.stat().st_size


def _must_be_long(settings: Settings, older_than: timedelta) -> None:
    needed = {
        "": float(LEAST_DAYS),
        " (retrain.rehearse_days)": settings.retrain.rehearse_days,
        " (sample.days)": settings.sample.days,
        " (story.window_hours)": settings.story.window_hours / 24,
    }
    why, days = max(needed.items(), key=lambda each: each[1])
    if older_than < timedelta(days=days):
        raise DaemonError(f"the last {days:g} days are needed{why}; forget what is older than that")


def _prune(database: Database, found: Forgotten, before: datetime) -> None:
    while True:
        with database.transaction() as connection:
            gone = forgetting.prune(connection, before=before, most=_PRUNED_AT_ONCE)
        found.pruned.update(gone)
        if max(gone.values(), default=0) < _PRUNED_AT_ONCE:
            return
        time.sleep(_LEAST_REST)


def _files_wait(settings: Settings) -> bool:
    try:
        return next(iter(files_below(settings.inbox)), None) is not None
    except OSError:
        return False


def _take_away(settings: Settings, file: Leaving) -> None:
    """Only the file that we put there: one that somebody has changed since is theirs."""
    if not _is_in_done(file.target):
        return
    place = settings.home / file.target
    try:
        status = os.lstat(place)
    except (FileNotFoundError, NotADirectoryError):
        return
    if not stat.S_ISREG(status.st_mode) or status.st_size != file.size:
        logger.warning("a forgotten file was changed, and stays", extra={"file": file.target})
        return
    os.unlink(place)


def _is_in_done(target: str) -> bool:
    parts = PurePosixPath(target).parts
    return len(parts) > 1 and parts[0] == "done" and ".." not in parts


def _sync_or_remove(folder: Path, done: Path) -> None:
    """A day that is empty goes, and its month and year with it."""
    while folder != done and done in folder.parents:
        try:
            folder.rmdir()
        except FileNotFoundError:
            pass
        except OSError:
            break
        folder = folder.parent
    if folder.is_dir():
        whole.sync(folder)
