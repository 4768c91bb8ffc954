"""Intake: takes one file from the inbox. Read ▶ tag ▶ one transaction ▶ move ▶ mark.

A crash before the commit leaves the file in the inbox as if nothing had been; after it, the
ledger knows the file's content and only the move is made up for. Either way no second alert.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from classifier import Tagged, UnreadableArticleError, read_articles, read_bytes
from daemon import clock, ledger, outbox, routing, shelves
from daemon.config import Settings
from daemon.database import Database
from daemon.inbox import Candidate, Inbox, Stamp, Watch, printable
from daemon.records import FileRecord, FileState
from daemon.serving import Serving

logger = logging.getLogger(__name__)

_QUICK = 2.0  # seconds between looks at the folder when no event woke us


class Intake:
    """The work of the inbox worker: looks at the folder and takes what is ready."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        serving: Serving,
        wake_dispatch: Callable[[], None],
        wake_self: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._database = database
        self._serving = serving
        self._wake_dispatch = wake_dispatch
        self._inbox = Inbox(settings.inbox, settings.settle)
        self._watch = Watch(settings.inbox, wake_self)
        self._missing = False
        self.idle = False  # whether the last look found nothing to take, now or soon

    def work(self) -> float:
        """One look; takes what is ready. Returns in how many seconds to look again."""
        try:
            self._watch_inbox()
            look = self._inbox.look(clock.monotonic())
        except OSError as error:
            if not self._missing:
                logger.error("inbox missing", extra={"error": str(error)})
            self._missing = True
            return _QUICK
        if self._missing:
            logger.info("inbox is back", extra={"inbox": str(self._settings.inbox)})
            self._missing = False
        self._serving.refresh()
        for candidate in look.ready:
            self.take(candidate)
        self.idle = not look.ready and not look.settling
        if look.ready:
            return 0.0
        return min(_QUICK, look.next_in) if look.next_in is not None else _QUICK

    def close(self) -> None:
        self._watch.stop()

    def take(self, candidate: Candidate) -> None:
        """Take one file in. Whatever a later try could save is tried later."""
        started = clock.monotonic()
        name = printable(candidate.name)
        try:
            data = read_bytes(candidate.path)
            if Stamp.of(candidate.path.lstat()) != candidate.stamp:
                return  # written to while we read: it is a candidate again at the next look
            self._take_bytes(candidate, name, data, started)
        except FileNotFoundError:
            if not candidate.path.parent.exists() or not os.path.lexists(candidate.path):
                logger.info("file vanished before it was read", extra={"file": name})
                return
            self._put_off(candidate, name, "a folder is missing")
        except UnreadableArticleError as error:
            self._try_to_set_aside(candidate, name, b"", error)
        except (OSError, SQLAlchemyError) as error:
            self._put_off(candidate, name, _plainly(error))
        except Exception as error:
            logger.exception("taking a file failed", extra={"file": name})
            self._put_off(candidate, name, _plainly(error))

    def _take_bytes(self, candidate: Candidate, name: str, data: bytes, started: float) -> None:
        fingerprint = hashlib.sha256(data).hexdigest()
        with self._database.reading() as connection:
            unmoved = ledger.unmoved_file(connection, fingerprint, name)
            first = ledger.first_file(connection, fingerprint)
        if unmoved:
            self._move(candidate.path, unmoved)
            return
        if first:
            self._take_duplicate(candidate, name, len(data), first)
            return
        try:
            articles = read_articles(data, candidate.path.name)
        except UnreadableArticleError as error:
            self._try_to_set_aside(candidate, name, data, error)
            return
        tagged = [self._serving.model.tag(article) for article in articles]
        file, alerts = self._record(candidate, name, len(data), fingerprint, tagged)
        self._wake_dispatch()
        self._move(candidate.path, file)
        logger.info(
            "file taken",
            extra={
                "file": name,
                "articles": len(tagged),
                "alerts": alerts,
                "model": self._serving.model.version,
                "seconds": round(clock.monotonic() - started, 3),
            },
        )

    def _record(
        self, candidate: Candidate, name: str, size: int, fingerprint: str, tagged: list[Tagged]
    ) -> tuple[FileRecord, int]:
        """The one transaction: the file, its articles and tags, and every alert that is owed."""
        now = clock.now()
        source = name.rpartition("/")[0] or None
        owed = 0
        with self._database.transaction() as connection:
            file = ledger.record_file(
                connection,
                fingerprint=fingerprint,
                name=name,
                size=size,
                state=FileState.TAKEN,
                target=shelves.done_target(self._settings.home, name, fingerprint, now),
                now=now,
            )
            for position, found in enumerate(tagged):
                article = ledger.record_article(connection, file, position, found, now=now)
                if article is None:
                    continue  # the same text was here before, and so were its alerts
                for alert in routing.alerts(
                    found,
                    self._settings.routes,
                    self._serving.model.titles,
                    file=name,
                    source=source,
                ):
                    owed += outbox.add(connection, alert, article=article, now=now)
        return file, owed

    def _take_duplicate(self, candidate: Candidate, name: str, size: int, first: FileRecord) -> None:
        now = clock.now()
        target = shelves.done_target(self._settings.home, name, first.fingerprint, now)
        with self._database.transaction() as connection:
            file = ledger.record_file(
                connection,
                fingerprint=first.fingerprint,
                name=name,
                size=size,
                state=FileState.TAKEN,
                target=target,
                duplicate_of=first.id,
                now=now,
            )
        self._move(candidate.path, file)
        logger.info("same file as before, no alert", extra={"file": name, "first": first.name})

    def _try_to_set_aside(
        self, candidate: Candidate, name: str, data: bytes, error: UnreadableArticleError
    ) -> None:
        try:
            self._set_aside(candidate, name, data, error)
        except (OSError, SQLAlchemyError) as later:
            self._put_off(candidate, name, _plainly(later))

    def _set_aside(self, candidate: Candidate, name: str, data: bytes, error: UnreadableArticleError) -> None:
        """To failed/ with the reason beside it; the bytes are kept as they are."""
        now = clock.now()
        fingerprint = hashlib.sha256(data).hexdigest()
        target = shelves.failed_target(self._settings.home, name, fingerprint)
        shelves.explain_failure(self._settings.home, target, reason=error.reason, mend=error.mend, now=now)
        shelves.move(candidate.path, self._settings.home, target)
        with self._database.transaction() as connection:
            ledger.record_file(
                connection,
                fingerprint=fingerprint,
                name=name,
                size=candidate.stamp.size,
                state=FileState.FAILED,
                target=target,
                reason=error.reason,
                now=now,
            )
        logger.warning("file set aside", extra={"file": name, "reason": error.reason, "target": target})

    def _move(self, path: Path, file: FileRecord) -> None:
        """Out of the inbox to where the ledger says, and marked so."""
        home = self._settings.home
        target = file.target or ""
        try:
            shelves.move(path, home, target)
        except FileExistsError:
            target = shelves.done_target(home, file.name, file.fingerprint, clock.now())
            shelves.move(path, home, target)
        with self._database.transaction() as connection:
            ledger.mark_done(connection, file, target)

    def _put_off(self, candidate: Candidate, name: str, error: str) -> None:
        wait = self._inbox.put_off(candidate, clock.monotonic())
        logger.warning(
            "file cannot be taken now, it stays in the inbox",
            extra={"file": name, "error": error, "again_in": wait},
        )

    def _watch_inbox(self) -> None:
        try:
            self._watch.ensure()
        except FileNotFoundError:
            raise
        except OSError as error:
            # The limit on watches, say. Looking every two seconds goes on without them.
            logger.warning("inbox is looked at without events", extra={"error": str(error)})


def reconcile(settings: Settings, database: Database) -> None:
    """After a start: files that were moved, but of which the ledger does not know it yet."""
    with database.reading() as connection:
        unmoved = ledger.unmoved_files(connection)
    for file in unmoved:
        arrived = os.path.lexists(settings.home / (file.target or "?"))
        if arrived:
            with database.transaction() as connection:
                ledger.mark_done(connection, file, file.target or "")
            logger.info("file was moved before the last stop", extra={"file": file.name})


def _plainly(error: Exception) -> str:
    """One line for the log: SQLAlchemy's own texts carry statements and article text."""
    original = getattr(error, "orig", None)
    return f"{type(error).__name__}: {original if original is not None else error}"[:300]
