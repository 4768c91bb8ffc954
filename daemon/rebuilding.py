"""Rebuilding: puts a lost ledger together again, from a backup and from what stands in done/.

A new ledger is made beside the old one and takes its place when it is whole, so that a kill at
any moment leaves one or the other.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from classifier import Contents, Model, Reader, Tagged, UnreadableArticleError
from daemon import backups, clock, deliveries, forgetting, ledger, remembering, sampling, whole
from daemon.backups import Progress, Refused
from daemon.clock import to_text
from daemon.config import Sample, Settings
from daemon.database import Database, open_database, plainly
from daemon.errors import DaemonError, LedgerError
from daemon.inbox import printable
from daemon.recording import earlier_versions
from daemon.records import FileRecord, FileState, KnownArticle, signed
from daemon.tables import SQLITE
from daemon.telling import Teller, Telling, owe

_AT_ONCE = 200  # files a transaction
# How far back we ask a receiver for what it has. Slack shows a free workspace ninety days; and
# what is a month old was delivered then, or held up where everybody saw it.
_LOOKED_FOR = timedelta(days=30)
_ONE_DAY = timedelta(days=1)
_DATED = re.compile(r"done/(\d{4}/\d{2}/\d{2})")
_DOUBT = "the ledger was restored"

_FILES_OF_A_DAY = text(
    """
    SELECT id, target, size, modified
    FROM files
    WHERE arrived_at >= :since
      AND arrived_at < :until
      AND state IN ('done', 'forgotten')
      AND target IS NOT NULL
    """
)
_IS_THERE = text(
    """
    SELECT 1
    FROM files
    WHERE fingerprint = :fingerprint
      AND target = :target
      AND state IN ('done', 'forgotten')
    LIMIT 1
    """
)
_DOUBT_OWED = text(
    """
    UPDATE deliveries
    SET state = 'unknown',
        attempts = 0,
        looks = 0,
        due_at = :now,
        lease_until = NULL,
        generation = generation + 1,
        first_sent_at = COALESCE(
            first_sent_at, (SELECT created_at FROM alerts WHERE alerts.id = deliveries.alert_id), due_at
        ),
        error = :error
    WHERE receiver = :receiver
      AND state IN ('pending', 'sending', 'unknown', 'parked')
    """
)
# What was held may have gone out with a digest since: it is looked for when it is let go.
_DOUBT_HELD = text(
    """
    UPDATE deliveries
    SET first_sent_at = (SELECT created_at FROM alerts WHERE alerts.id = deliveries.alert_id)
    WHERE receiver = :receiver
      AND state = 'held'
    """
)
# The digest of this period may have been posted. It owes no past; what it told comes with the next.
_PLAN_DIGESTS_ANEW = text("DELETE FROM jobs WHERE name LIKE 'digest %'")
_COUNT_OWED = text(
    """
    SELECT COUNT(*)
    FROM deliveries
    WHERE receiver = :receiver
      AND state IN ('pending', 'sending', 'unknown', 'parked')
    """
)
_DOUBT_ONE = text(
    """
    UPDATE deliveries
    SET state = 'unknown', looks = 0, due_at = :now, first_sent_at = :since, error = :error
    WHERE alert_id = (SELECT id FROM alerts WHERE key = :key)
    """
)


@dataclass(slots=True)
class Found:
    """What was put together from done/, and what is owed because of it.

    `looked_up`: alerts that their receiver is asked for before they are sent; `owed`: alerts sent
    without asking; `unsent` and `too_old`: alerts that are not sent, by receiver, because it
    cannot be asked, or not so far back. `perhaps_twice`: alerts that the backup says are owed to
    a receiver that cannot be asked. `questions`: drawn anew and put to nobody. `unreadable`: files that
    stay where they are, each with why. `forgotten`: files that had left done/ before, known again by their
    fingerprints.
    """

    files: int = 0
    articles: int = 0
    forgotten: int = 0
    looked_up: int = 0
    owed: int = 0
    unsent: Counter[str] = field(default_factory=Counter)
    too_old: Counter[str] = field(default_factory=Counter)
    perhaps_twice: Counter[str] = field(default_factory=Counter)
    questions: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Restored:
    """A ledger that was put in place: from which backup, and where the one before it is now."""

    backup: Path | None
    refused: tuple[Refused, ...]
    set_aside: Path | None
    found: Found

    def lines(self) -> Iterator[str]:
        """What was done and what was not, for a person."""
        found = self.found
        yield f"ledger     {f'from {self.backup}' if self.backup else 'made anew'}"
        if self.set_aside is not None:
            yield f"set aside  {self.set_aside}"
        yield f"done/      {found.files} files recorded again, with {found.articles} articles"
        if found.forgotten:
            yield f"forgotten  {found.forgotten} files known again, by their fingerprints alone"
        if found.looked_up:
            yield f"alerts     {found.looked_up} are looked up before anything is sent"
        if found.owed:
            yield f"alerts     {found.owed} are sent without looking, and may come twice"
        held = (
            (found.unsent, "are not sent, it cannot be asked which it has; see --alert-all"),
            (found.too_old, f"are not sent, they are over {_LOOKED_FOR.days} days old; see --alert-all"),
            (found.perhaps_twice, "were owed at the time of the backup, and may come twice"),
        )
        for numbers, said in held:
            for name, number in sorted(numbers.items()):
                yield f"alerts     {number} to {name} {said}"
        if found.questions:
            yield f"questions  {found.questions} drawn, put to nobody lest it be twice: `topicwired sample`"
        if found.unreadable:
            yield f"unread     {len(found.unreadable)} files of done/, left where they are"

    def as_json(self) -> dict[str, object]:
        found = self.found
        return {
            "backup": self.backup and str(self.backup),
            "refused": [{"file": str(each.file), "reason": each.reason} for each in self.refused],
            "set_aside": self.set_aside and str(self.set_aside),
            "files": found.files,
            "articles": found.articles,
            "forgotten": found.forgotten,
            "looked_up": found.looked_up,
            "owed": found.owed,
            "unsent": dict(found.unsent),
            "too_old": dict(found.too_old),
            "perhaps_twice": dict(found.perhaps_twice),
            "questions": found.questions,
            "unreadable": [{"file": name, "reason": reason} for name, reason in found.unreadable],
        }


def restore(
    settings: Settings,
    model: Model,
    *,
    backup: Path | None = None,
    from_scratch: bool = False,
    alert_all: bool = False,
    progress: Progress | None = None,
) -> Restored:
    """Put a ledger in place: a backup, or a new one `from_scratch`, and all that done/ has beyond it.

    Without `backup` it is the newest sound one. The caller holds the home's lock. Raises
    DaemonError, and leaves all as it was, where no backup is sound or the disk does not let us.
    """
    place = backups.ledger_path(settings)
    fresh = place.with_name(f".{place.name}.new")
    try:
        refused: tuple[Refused, ...] = ()
        if backup is not None:
            backups.check(backup)
        elif not from_scratch:
            backup, refused = backups.newest_sound(settings)
            if backup is None:
                raise LedgerError(_no_backup(settings, refused))
        backups.remove(fresh)
        try:
            if backup is not None:
                backups.must_have_room(backup.stat().st_size, place.parent)
                backups.copy(backup, fresh)
            found = _fill(fresh, settings, model, alert_all=alert_all, progress=progress)
            if place.exists():
                shutil.copymode(place, fresh)
            whole.sync(fresh)
            aside = backups.set_aside(place)
            backups.publish(fresh, place)
        finally:
            backups.remove(fresh)
    except (OSError, sqlite3.Error, SQLAlchemyError) as error:
        raise DaemonError(f"{place}: the ledger cannot be restored: {plainly(error)}") from error
    return Restored(backup, refused, aside, found)


def rebuild(
    database: Database,
    settings: Settings,
    model: Model,
    *,
    alert_all: bool = False,
    progress: Progress | None = None,
) -> Found:
    """Record each file of done/ that the ledger does not know, with its articles and their tags.

    Twice is as once. Nobody knows whether its alerts went out: a receiver that can be asked is
    owed them with unknown outcome, which is looked up before anything is sent; others are owed
    them only if told so with `alert_all`.
    """
    with closing(Reader(settings.reading.rules)) as reader:
        return _rebuilt(_Rebuilder(settings, model, alert_all, reader), database, progress)


def _rebuilt(rebuilder: _Rebuilder, database: Database, progress: Progress | None) -> Found:
    settings = rebuilder.settings
    rebuilder.found.forgotten = _remember(database, settings.done)
    folders = list(_folders(settings.done, rebuilder.found))
    total, seen = sum(len(names) for _, names in folders), 0
    for folder, names in folders:
        with database.reading() as connection:
            day = _Day.of(connection, settings.home, folder)
        files = iter(day.sorted(names))
        while batch := tuple(islice(files, _AT_ONCE)):
            with database.transaction() as connection:
                for path in batch:
                    rebuilder.file(connection, day, path)
            seen += len(batch)
            if progress is not None:
                progress(seen, total)
    return rebuilder.found


def _remember(database: Database, done: Path) -> int:
    """What was forgotten before is known by its fingerprints, so that a repeat of it is one."""
    lines, number = remembering.read(done), 0
    while batch := list(islice(lines, _AT_ONCE)):
        with database.transaction() as connection:
            number += forgetting.record_again(connection, batch, now=clock.now())
    return number


def doubt(database: Database, settings: Settings) -> Counter[str]:
    """What a backup says is owed may have been sent since: whoever can be asked, is asked first.

    Returns the number of alerts that may come twice, by receiver that cannot be asked.
    """
    unasked: Counter[str] = Counter()
    with database.transaction() as connection:
        connection.execute(_PLAN_DIGESTS_ANEW)
        for receiver in settings.receivers:
            row = {"receiver": receiver.name}
            if _can_be_asked(receiver.type):
                connection.execute(_DOUBT_OWED, row | {"now": to_text(clock.now()), "error": _DOUBT})
                connection.execute(_DOUBT_HELD, row)
            else:
                unasked[receiver.name] = connection.execute(_COUNT_OWED, row).scalar_one()
    return +unasked


def _fill(
    fresh: Path, settings: Settings, model: Model, *, alert_all: bool, progress: Progress | None
) -> Found:
    database = open_database(f"{SQLITE}{fresh}")
    try:
        perhaps_twice = doubt(database, settings)
        found = rebuild(database, settings, model, alert_all=alert_all, progress=progress)
        found.perhaps_twice = perhaps_twice
        if settings.sample.receiver is not None:
            found.questions = _draw_for_nobody(database, settings.sample)
    finally:
        database.close()
    if Path(f"{fresh}-wal").exists():
        raise DaemonError(f"{fresh}: another program has it open; leave it alone and try again")
    return found


def _draw_for_nobody(database: Database, sample: Sample) -> int:
    """Draw from what no draw of the backup has reached: later ones may have put it to the desk already."""
    silent = sample.model_copy(update={"receiver": None})
    drawn = sampling.draw(database, silent, topics=(), now=clock.now())
    return len(drawn.questions) if drawn is not None else 0


def _no_backup(settings: Settings, refused: Iterable[Refused]) -> str:
    said = "".join(f"; {each.reason}" for each in refused)
    place = backups.folder(settings)
    return f"{place}: no sound backup{said}; `topicwired restore --rebuild` makes a ledger from done/ alone"


def _can_be_asked(kind: str) -> bool:
    """Whether a receiver of this type shows what it has got."""
    return kind == "slack"


@dataclass(frozen=True, slots=True)
class _Known:
    """A file of done/ as the ledger has it."""

    id: int
    size: int
    modified: int | None

    def is_as(self, status: os.stat_result) -> bool:
        same_time = self.modified in (None, status.st_mtime_ns)
        return self.size == status.st_size and same_time


@dataclass(frozen=True, slots=True)
class _Day:
    """One folder of done/: the day it stands for, if it does, and what the ledger knows of it."""

    home: Path
    folder: Path
    start: datetime | None
    known: Mapping[str, _Known]

    @classmethod
    def of(cls, connection: Connection, home: Path, folder: Path) -> _Day:
        dated = _DATED.fullmatch(folder.relative_to(home).as_posix())
        try:
            start = datetime.strptime(dated[1], "%Y/%m/%d").replace(tzinfo=UTC) if dated else None
        except ValueError:
            start = None
        if start is None:
            return cls(home, folder, None, {})
        # A file that grew is recorded again up to a day later.
        span = {"since": to_text(start), "until": to_text(start + 2 * _ONE_DAY)}
        rows = connection.execute(_FILES_OF_A_DAY, span)
        known = {target: _Known(id, size, modified) for id, target, size, modified in rows}
        return cls(home, folder, start, known)

    def sorted(self, names: Iterable[str]) -> list[Path]:
        """In the order in which they were taken, as far as that can be told."""
        paths = [self.folder / name for name in names]
        return sorted(paths, key=lambda path: (self.arrived(path), path.name))

    def arrived(self, path: Path) -> datetime:
        """When a file was taken: the move to done/ changed its ctime, and other things may have since."""
        try:
            changed = datetime.fromtimestamp(path.lstat().st_ctime, UTC)
        except OSError:
            changed = self.start or clock.now()
        if self.start is None:
            return changed
        return min(max(changed, self.start), self.start + _ONE_DAY - timedelta(microseconds=1))

    def since(self, path: Path) -> datetime:
        """A moment before which no alert of a file can have gone out."""
        return self.start or self.arrived(path)

    def target(self, path: Path) -> str:
        return path.relative_to(self.home).as_posix()


@dataclass(slots=True)
class _Rebuilder:
    settings: Settings
    model: Model
    alert_all: bool
    reader: Reader
    found: Found = field(default_factory=Found)

    def file(self, connection: Connection, day: _Day, path: Path) -> None:
        """Record a file if the ledger does not know it; list it if it cannot be read."""
        try:
            with connection.begin_nested():
                self._file(connection, day, path)
        except (OperationalError, DaemonError):
            raise
        except UnreadableArticleError as error:
            self.found.unreadable.append((day.target(path), error.reason))
        except Exception as error:
            # Whatever one file does to us, the others have to come back.
            self.found.unreadable.append((day.target(path), plainly(error)))

    def _file(self, connection: Connection, day: _Day, path: Path) -> None:
        target, status = day.target(path), path.stat()
        before = day.known.get(target)
        if before is not None and before.is_as(status):
            return
        data = self.reader.bytes_of(path)
        fingerprint = hashlib.sha256(data).hexdigest()
        if connection.execute(_IS_THERE, {"fingerprint": fingerprint, "target": target}).first():
            return
        first = ledger.first_file(connection, fingerprint)
        if first is not None and self._was_on_its_way(first, target):
            ledger.mark_placed(connection, [(first, target)])
            return
        if first is not None and self.settings.on_duplicate == "count":
            return
        contents = self.reader.read(data, path.name) if first is None else Contents(())
        tagged = self.model.tag_all(contents.articles)
        file = ledger.record_file(
            connection,
            fingerprint=fingerprint,
            name=path.name,
            size=status.st_size,
            inode=signed(status.st_ino),
            modified=signed(status.st_mtime_ns),
            state=FileState.DONE,
            target=target,
            duplicate_of=first.id if first else None,
            version_of=before.id if before else None,
            left_out=contents.left_out,
            now=day.arrived(path),
        )
        known = self._outgrow(connection, before, file)
        self._articles(connection, file, tagged, known, day.since(path))
        self.found.files += 1

    def _was_on_its_way(self, first: FileRecord, target: str) -> bool:
        if first.state is not FileState.TAKEN:
            return False
        return first.target == target or not os.path.lexists(self.settings.home / (first.target or ""))

    def _outgrow(self, connection: Connection, before: _Known | None, file: FileRecord) -> list[KnownArticle]:
        """What the ledger knows at this place is the file as it was before it grew."""
        if before is None:
            return []
        older = FileRecord(before.id, "", file.name, FileState.DONE, file.target)
        ledger.mark_outgrown(connection, older)
        return ledger.articles_before(connection, older)

    def _articles(
        self,
        connection: Connection,
        file: FileRecord,
        tagged: Sequence[Tagged],
        known: Sequence[KnownArticle],
        since: datetime,
    ) -> None:
        earlier = earlier_versions(known, [each.article for each in tagged])
        for position, each in enumerate(tagged):
            article = ledger.record_article(connection, file, position, each, now=clock.now())
            if article is None:
                continue  # the same text is there already, and so are its alerts
            self.found.articles += 1
            told = deliveries.topics_told(connection, earlier[position])
            tellings = Teller(self.settings, self.model.titles).tellings(
                connection, each, article=article, file=file.name, told=told, now=since
            )
            for telling in tellings:
                self._alert(connection, telling, article, since)

    def _alert(self, connection: Connection, telling: Telling, article: int, since: datetime) -> None:
        now = clock.now()
        [receiver] = [each for each in self.settings.receivers if each.name == telling.alert.receiver]
        if not self.alert_all:
            if not _can_be_asked(receiver.type):
                self.found.unsent[receiver.name] += 1
                return
            if now - since > _LOOKED_FOR:
                self.found.too_old[receiver.name] += 1
                return
        # What waited for a digest may have been told in one: it is looked for as the others are.
        if not owe(connection, replace(telling, held=False), article=article, now=now):
            return
        if _can_be_asked(receiver.type):
            row = {"key": telling.alert.key, "now": to_text(now), "since": to_text(min(since, now))}
            connection.execute(_DOUBT_ONE, row | {"error": _DOUBT})
            self.found.looked_up += 1
        else:
            self.found.owed += 1


def _folders(done: Path, found: Found) -> Iterator[tuple[Path, list[str]]]:
    """The folders of done/ with their files, days in order; what is no file of ours is listed."""

    def lost(error: OSError) -> None:
        found.unreadable.append((printable(os.fspath(error.filename or done)), plainly(error)))

    for folder, folders, names in os.walk(done, onerror=lost):
        folders.sort()
        files = []
        for name in names:
            path = Path(folder, name)
            if name.startswith("."):
                continue  # a copy on its way to its place
            if path.is_symlink() or not path.is_file():
                found.unreadable.append((printable(os.fspath(path)), "not a regular file"))
            elif name != printable(name):
                found.unreadable.append((printable(os.fspath(path)), "its name is not plain text"))
            else:
                files.append(name)
        if files:
            yield Path(folder), files
