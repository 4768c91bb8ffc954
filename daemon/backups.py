"""Backups: copies of the ledger made while the daemon writes. A copy counts only once it is checked.

Labels and models are not in them: those are in `bundles`, with such a copy.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import re
import shutil
import sqlite3
import stat
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from daemon import clock, postgres, whole
from daemon.config import Backup as BackupTable
from daemon.config import Settings
from daemon.database import knows_schema, one_line, plainly
from daemon.errors import DaemonError, LedgerError
from daemon.rotation import kept
from daemon.tables import SQLITE

logger = logging.getLogger(__name__)

# What is done, of how much; called now and then while a long work goes on.
Progress = Callable[[int, int], None]

_NAME = re.compile(r"ledger-(\d{8}T\d{6}Z)\.db")
_BUNDLE = re.compile(r"topicwire-(\d{8}T\d{6}Z)")
_STAMP = "%Y%m%dT%H%M%SZ"
_UNFINISHED = re.compile(r"\.ledger-\d{8}T\d{6}Z\.db\.new(-journal|-wal)?")
# "twbd" in the header of each backup that we made (sqlite.org/fileformat.html, 1.3.14): only
# such a file is ever deleted.
OURS = 0x74776264
_OURS_AT = 68
_PAGES_AT_ONCE = 2048  # 8 MiB
_BUSY_SECONDS = 10.0
_SPARED = 64 * 2**20  # bytes of the disk that a backup leaves to the ledger itself
_PARTS = ("", "-wal", "-shm")
_ON_A_SERVER = "the ledger stands on a server, and is backed up there: {}"
_RESTORED_THERE = "the ledger stands on a server, and is restored there: stop every daemon, then {}"


@dataclass(frozen=True, slots=True)
class Backup:
    """A finished, checked copy of the ledger."""

    file: Path
    size: int
    articles: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A backup that cannot be restored, and why."""

    file: Path
    reason: str


def nightly(settings: Settings) -> str:
    """The timetable's job: one more backup, and the oldest go beyond those that are kept."""
    made = make(settings)
    logger.info("backup made", extra={"file": made.file.name, "articles": made.articles, "bytes": made.size})
    return f"{made.file.name}: {made.articles} articles, {made.size} bytes"


def make(settings: Settings, file: Path | None = None, progress: Progress | None = None) -> Backup:
    """Copy the ledger as it stands at this moment, to `file` or to a new one in HOME/backups.

    The copy has its name only once it is whole, checked and on the disk; a kill at any moment
    leaves what was there before. Raises LedgerError where there is no ledger, or a damaged one,
    and DaemonError where the copy cannot be written.
    """
    source = ledger_path(settings)
    if not source.exists():
        raise LedgerError(f"{source}: no ledger to copy; `topicwired run` makes it")
    if file is not None:
        return _make(source, file.absolute(), progress)
    place = folder(settings)
    target = place / f"ledger-{clock.now():{_STAMP}}.db"
    with alone(place):
        _remove_unfinished(place)
        made = _make(source, target, progress, mark=OURS)
        _prune(target, settings.backup)
    return made


def copy(
    source: Path,
    target: Path,
    progress: Progress | None = None,
    *,
    live: bool = False,
    mark: int = 0,
    look: Callable[[sqlite3.Connection], None] = lambda source: None,
) -> None:
    """Copy a database with SQLite's own backup (sqlite.org/backup.html), as of one moment.

    The copy stands on its own: no log beside it, and not yet sure to be on the disk. A `live`
    source may be written to meanwhile; `look` sees it as it was copied.
    """
    with (
        closing(_open(source, live=live)) as old,
        closing(sqlite3.connect(target, isolation_level=None)) as new,
    ):
        new.execute("PRAGMA synchronous=OFF")
        # In a transaction of its own the source keeps one state: writers do not wait, and do not
        # make the copy begin anew.
        old.execute("BEGIN")
        old.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        old.backup(new, pages=_PAGES_AT_ONCE, progress=_reported(progress), sleep=0)
        look(old)
        old.execute("ROLLBACK")
        new.execute("PRAGMA journal_mode=DELETE")
        new.execute(f"PRAGMA application_id={mark}")


def check(file: Path, *, said_of: Path | None = None) -> int:
    """How many articles are in a ledger, every page of which was read and found sound.

    Raises LedgerError where it is damaged, not a ledger, or made by a newer topicwire.
    """
    name = said_of or file
    try:
        with closing(_open(file, live=False)) as connection:
            [found] = connection.execute("PRAGMA integrity_check(1)").fetchone()
            if found != "ok":
                raise LedgerError(
                    f"{name}: is damaged: {one_line(str(found))}; `topicwired restore` mends it"
                )
            [version] = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            if not knows_schema(str(version)):
                raise LedgerError(
                    f"{name}: made by a newer topicwire, which this one cannot read ({version})"
                )
            # We make none. Whoever put one in would have it do something as we write.
            strange = connection.execute(
                "SELECT type, name FROM sqlite_master WHERE type IN ('trigger', 'view') ORDER BY name LIMIT 1"
            ).fetchone()
            if strange is not None:
                said = one_line(" ".join(map(str, strange)))
                raise LedgerError(f"{name}: not a ledger of ours: it has the {said[:80]} in it")
            [articles] = connection.execute("SELECT COUNT(*) FROM articles").fetchone()
            return int(articles)
    except (sqlite3.Error, TypeError) as error:
        said = one_line(str(error)) if isinstance(error, sqlite3.Error) else "it has no version"
        raise LedgerError(f"{name}: not a sound ledger: {said}") from error


def publish(fresh: Path, target: Path) -> None:
    """Give a finished file its name, for good: both are on the disk when this returns."""
    whole.sync(fresh)
    os.rename(fresh, target)
    whole.sync(target.parent)


def clean(settings: Settings) -> None:
    """Take away what a backup left that was killed in the middle; nobody else may be making one."""
    place = folder(settings)
    if place.is_dir():
        with alone(place):
            _remove_unfinished(place)


def rows_of(connection: sqlite3.Connection) -> dict[str, int]:
    """How many rows each table has."""
    found = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name"
    )
    tables = [str(name) for (name,) in found]
    counted = (connection.execute(f'SELECT COUNT(*) FROM "{table}"').fetchone() for table in tables)  # noqa: S608
    return {table: int(number) for table, (number,) in zip(tables, counted, strict=True)}


def newest_sound(settings: Settings) -> tuple[Path | None, tuple[Refused, ...]]:
    """The newest backup of the ledger that can be restored, and the newer ones that cannot.

    From HOME/backups and, where all of the home is backed up elsewhere, from there.
    """
    refused = []
    for file in reversed(_known(settings)):
        try:
            check(file)
        except LedgerError as error:
            refused.append(Refused(file, str(error)))
            continue
        return file, tuple(refused)
    return None, tuple(refused)


def listed(settings: Settings) -> list[Path]:
    """The backups in HOME/backups by their names, oldest first; not checked."""
    try:
        return sorted(file for file in folder(settings).iterdir() if _is_named(file))
    except FileNotFoundError:
        return []


def bundles_in(place: Path) -> list[Path]:
    """The backups of a whole home in a folder by their names, oldest first; not checked."""
    try:
        return sorted(each for each in place.iterdir() if _moment(each.name, _BUNDLE) and _is_folder(each))
    except OSError:
        return []


def is_bundle(place: Path) -> bool:
    """Whether a folder has the name of a backup of a whole home."""
    return _moment(place.absolute().name, _BUNDLE) is not None


def bundle_name(made: datetime) -> str:
    """What a backup of a whole home is called."""
    return f"topicwire-{made:{_STAMP}}"


def made_at(file: Path) -> datetime:
    """The moment that a backup of ours, of whichever kind, has in its name."""
    found = _moment(file.name)
    if found is None:
        raise ValueError(f"{file.name}: not the name of a backup of ours")
    return found


def missing_ledger(settings: Settings) -> str | None:
    """The one line to say, and refuse to start, where a ledger must have been and is not.

    A new one would know none of the articles in done/, and alert again of each that comes again.
    """
    cut_off = restoring_mark(settings.home)
    if cut_off.exists():
        return f"{cut_off}: a restore was cut off; run `topicwired restore` with the same backup again"
    try:
        path = ledger_path(settings)
    except DaemonError:
        return None
    if path.exists() and path.stat().st_size > 0:
        return None
    backups, done = _known(settings), has_files(settings.done)
    if not backups and not done:
        return None
    what = "is empty" if path.exists() else "is missing"
    why = (
        f"{settings.done} holds files that were taken in"
        if done
        else f"there are backups of it in {backups[-1].parent}"
    )
    mend = "`topicwired restore`" if backups else "`topicwired restore --rebuild`"
    return f"{path}: the ledger {what}, and {why}; put it back, or run {mend}"


def set_aside(path: Path) -> Path | None:
    """Take a ledger from its place, with its log, and keep it beside; None where there is none.

    A kill at any moment leaves it whole, at its place or aside.
    """
    if not any(os.path.lexists(f"{path}{part}") for part in _PARTS):
        return None
    there = os.path.lexists(path)
    aside = _free(path.with_name(f"{path.name}.set-aside-{clock.now():%Y%m%dT%H%M%SZ}"))
    for part in _PARTS:
        if os.path.lexists(f"{path}{part}"):
            _keep(Path(f"{path}{part}"), Path(f"{aside}{part}"))
    whole.sync(path.parent)
    # The log goes last: a new ledger beside an old log would be damaged by it, and a ledger
    # without its log has lost its last commits.
    for part in _PARTS:
        Path(f"{path}{part}").unlink(missing_ok=True)
    whole.sync(path.parent)
    return aside if there else None


def ledger_path(settings: Settings) -> Path:
    """The ledger's file. Raises DaemonError where the ledger is not a file."""
    path = settings.database.removeprefix(SQLITE)
    if path == settings.database:
        raise DaemonError(
            _ON_A_SERVER.format(postgres.command("pg_dump --format=custom --file=ledger.dump", path))
        )
    return Path(path).resolve()  # SQLite keeps the log beside the file itself, not beside a link


def must_be_a_file(settings: Settings) -> None:
    """Raises DaemonError where a ledger is restored otherwise, with how."""
    if postgres.is_one(settings.database):
        program = "pg_restore --clean --if-exists --single-transaction --no-owner ledger.dump"
        raise DaemonError(_RESTORED_THERE.format(postgres.command(program, settings.database)))


def folder(settings: Settings) -> Path:
    return settings.home / "backups"


def restoring_mark(home: Path) -> Path:
    """A file that stands in a home while it is being put together from a backup."""
    return home / ".restoring"


def must_have_room(size: int, place: Path) -> None:
    """Raises DaemonError where a copy of this many bytes would leave the ledger itself no room."""
    left = shutil.disk_usage(place).free - size
    if left < _SPARED:
        raise DaemonError(f"{place}: no room for a copy of {size} bytes that leaves {_SPARED} for the ledger")


def remove(file: Path) -> None:
    """Take away an unfinished copy and what SQLite keeps beside it."""
    for part in (*_PARTS, "-journal"):
        Path(f"{file}{part}").unlink(missing_ok=True)


def _make(source: Path, target: Path, progress: Progress | None, *, mark: int = 0) -> Backup:
    if os.path.lexists(target):
        raise DaemonError(f"{target}: stands there already; a backup overwrites nothing")
    fresh = target.with_name(f".{target.name}.new")
    try:
        must_have_room(source.stat().st_size, target.parent)
        remove(fresh)
        copy(source, fresh, progress, live=True, mark=mark)
        shutil.copymode(source, fresh)
        articles = check(fresh, said_of=source)
        publish(fresh, target)
        return Backup(target, target.stat().st_size, articles)
    except (OSError, sqlite3.Error) as error:
        raise DaemonError(f"{target}: the backup cannot be made: {plainly(error)}") from error
    finally:
        remove(fresh)


def _open(file: Path, *, live: bool) -> sqlite3.Connection:
    """A connection that never makes a database. One that nobody writes to is not touched either."""
    if live:
        mode = "mode=rw"
    elif _size(Path(f"{file}-wal")):
        mode = "mode=ro"
    else:
        mode = "mode=ro&immutable=1"
    address = f"file:{quote(str(file.absolute()))}?{mode}"
    return sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS, isolation_level=None)


def _reported(progress: Progress | None) -> Callable[[int, int, int], None] | None:
    if progress is None:
        return None
    return lambda status, left, total: progress(total - left, total)


@contextmanager
def alone(place: Path) -> Iterator[None]:
    """One backup at a time in a folder: the next one removes what an interrupted one left."""
    try:
        place.mkdir(parents=True, exist_ok=True)
        handle = os.open(place / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise DaemonError(f"{place}: no backup can be made there: {plainly(error)}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise DaemonError(f"{place}: another backup is being made") from error
    try:
        yield
    finally:
        os.close(handle)


def _remove_unfinished(place: Path) -> None:
    for file in list(place.iterdir()):
        if _UNFINISHED.fullmatch(file.name):
            file.unlink(missing_ok=True)


def _prune(newest: Path, asked: BackupTable) -> None:
    """Delete our own backups but those that are to stay; `newest` does whatever the clock says."""
    others = [
        file for file in newest.parent.iterdir() if file != newest and _is_named(file) and _is_ours(file)
    ]
    for file in beyond(others, newest, asked):
        file.unlink()
        logger.info("old backup deleted", extra={"file": file.name})
    whole.sync(newest.parent)


def beyond(others: Collection[Path], newest: Path, asked: BackupTable) -> list[Path]:
    """Which of the backups beside the newest one are too many, oldest first."""
    # The one just made counts as the newest of all, also where the clock was set back.
    moments = [made_at(file) for file in others]
    latest = max([*moments, made_at(newest)])
    stay = kept(
        [*moments, latest + timedelta(seconds=1)],
        newest=asked.keep,
        weekly=asked.keep_weekly,
        monthly=asked.keep_monthly,
    )
    return sorted(file for file in others if made_at(file) not in stay)


def _known(settings: Settings) -> list[Path]:
    """Files that should be a ledger as it was, oldest first."""
    place = settings.backup.path
    bundles = [each / "ledger.db" for each in bundles_in(place)] if place is not None else []
    found = [*listed(settings), *(each for each in bundles if each.is_file())]
    return sorted(found, key=lambda file: _moment(file.name) or made_at(file.parent))


def _is_named(file: Path) -> bool:
    return _moment(file.name, _NAME) is not None and stat.S_ISREG(file.lstat().st_mode)


def _moment(name: str, *kinds: re.Pattern[str]) -> datetime | None:
    """When a backup with a name of ours was made; None where the name is not ours."""
    for kind in kinds or (_NAME, _BUNDLE):
        if found := kind.fullmatch(name):
            try:
                return datetime.strptime(found[1], _STAMP).replace(tzinfo=UTC)
            except ValueError:
                return None
    return None


def _is_folder(path: Path) -> bool:
    return stat.S_ISDIR(path.lstat().st_mode)


def _is_ours(file: Path) -> bool:
    with file.open("rb") as opened:
        header = opened.read(_OURS_AT + 4)
    return header[_OURS_AT:] == OURS.to_bytes(4, "big")


def has_files(place: Path) -> bool:
    """Whether a folder holds a file that is not hidden, at any depth."""
    return any(not name.startswith(".") for _, _, names in os.walk(place) for name in names)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _free(path: Path) -> Path:
    """This name, or with a number, such that none of a ledger's files stands there."""
    number, free = 1, path
    while any(os.path.lexists(f"{free}{part}") for part in _PARTS):
        number += 1
        free = path.with_name(f"{path.name}-{number}")
    return free


def _keep(source: Path, target: Path) -> None:
    """One more name for a file; a copy, where the file system knows no such names."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS):
            raise
        shutil.copy2(source, target)
        whole.sync(target)
