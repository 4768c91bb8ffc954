"""Intake: takes files from the inbox, in batches. Read ▶ tag ▶ one transaction ▶ move ▶ mark.

A crash before the commit leaves the files in the inbox as if nothing had been; after it, the
ledger knows their content and only the moves are made up for. Either way no second alert.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import time
from collections.abc import Callable, Sequence

from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, SQLAlchemyError

from classifier import Tagged, UnreadableArticleError
from daemon import arrivals, clock, ledger, mounts, poison, shelves
from daemon.arrivals import Arrival
from daemon.batches import EVERYBODYS, Batches
from daemon.claiming import Claiming, NobodyElse
from daemon.config import Settings
from daemon.database import Database, plainly
from daemon.errors import DaemonError
from daemon.growth import Grown, Growth
from daemon.inbox import Inbox, Look, Stamp, Watch, printable
from daemon.observing import NOBODY, FileResult, Observer
from daemon.pausing import Pause
from daemon.recording import recorder
from daemon.records import FileState
from daemon.serving import Serving
from daemon.shelving import Placement, Recorded, Shelved, reconcile, shelve

logger = logging.getLogger(__name__)

_QUICK = 2.0  # seconds between looks at the folder when no event woke us
_LONG_LOOK = 0.25  # seconds
_OTHERS = 0.5  # seconds between looks at files that only other daemons are at
# watchdog keeps all events back for half a second when a file leaves the folder it watches, in case
# it comes back under another name; our own moves leave it. So long we look without being woken, as
# often as an alert should not wait for, but so that looking takes no more than a tenth of the time.
_BLIND, _WHEN_BLIND, _LOOKS_COST = 0.6, 0.02, 0.1  # seconds, seconds, share
# The fault of what one file would write into the ledger.
_ONES_OWN = (DataError, IntegrityError, InterfaceError, UnicodeError, OverflowError)


class Intake:
    """The work of the inbox worker: looks at the folder and takes what is ready."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        serving: Serving,
        wake_dispatch: Callable[[], None],
        wake_self: Callable[[], None],
        claiming: Claiming | None = None,
        observer: Observer = NOBODY,
    ) -> None:
        kind = mounts.file_system(settings.inbox)
        remote = mounts.is_network(kind)
        if remote:
            logger.info("inbox is on a network mount, looked at without events", extra={"kind": kind})
        settle = max(settings.settle, settings.network_settle) if remote else settings.settle
        self._settings = settings
        self._database = database
        self._serving = serving
        self._wake_dispatch = wake_dispatch
        self._inbox = Inbox(settings.inbox, settle)
        self._suspects: dict[tuple[str, str], int] | None = None
        self._growth = Growth(settings.home, database, settle, settings.daemon)
        self._note = poison.Note(settings.home)
        watched = settings.events and not remote
        self._watch = Watch(settings.inbox, wake_self, self._inbox.vouch) if watched else None
        self._claiming = claiming or NobodyElse()
        self._observer = observer
        self._batches = Batches(settings, database, self._inbox, serving, self._note, self._claiming)
        self._look_at = float("-inf")
        self._look_took = 0.0
        self._moved_at = float("-inf")
        self._missing = False
        self._unmarked = False
        self._pause = Pause()
        self.idle = False  # whether the last look found nothing to take, now or soon

    def work(self) -> float:
        """One look, or one batch of what it found. Returns in how many seconds to be called again."""
        if (left := self._pause.seconds_left()) > 0.0:
            return left
        try:
            wait = self._work(clock.monotonic())
        except (OSError, SQLAlchemyError, DaemonError) as error:
            self._batches.drop()
            return self._pause.begin(error)
        self._pause.end()
        return wait

    @property
    def is_stuck(self) -> bool:
        """Whether something that is no file's fault has kept us from taking any for a while."""
        return self._pause.is_long

    def close(self) -> None:
        if self._watch is not None:
            self._watch.stop()
        # The note first: what breaks off because the jail ends is no death.
        self._note.end()
        self._batches.close()

    def _work(self, now: float) -> float:
        if self._unmarked:
            reconcile(self._settings, self._database)
            self._unmarked = False
        if self._suspects is None:
            self._suspects = self._known_suspects()
        if self._growth.next_in(now) <= 0.0:
            self._take_grown(now)
        if self._batches.are_empty:
            if now < self._look_at:
                return self._look_at - now
            look = self._look(now)
            if look is None:
                self.idle = True
                return _QUICK
            self._batches.add(look.ready)
            self.idle = not look.ready and not look.settling
            if not look.ready:
                self._batches.rest(now)
                soon = look.next_in if look.next_in is not None else _QUICK
                blind = now - self._moved_at < _BLIND
                often = max(_WHEN_BLIND, self._look_took / _LOOKS_COST) if blind else _QUICK
                return min(often, soon, self._growth.next_in(now))
        self._serving.refresh()
        self._take_batch()
        return _OTHERS if self._batches.are_others else 0.0

    def _known_suspects(self) -> dict[tuple[str, str], int]:
        """How often the process died over which file, which the inbox puts last."""
        with self._database.reading() as connection:
            self._inbox.suspects = ledger.deaths(connection)
        return self._inbox.suspects

    def _look(self, now: float) -> Look | None:
        """What stands in the inbox; None, said once, while there is no inbox."""
        mount = self._settings.mount_point
        try:
            if mount is not None and not mount.is_mount():
                raise FileNotFoundError(errno.ENOENT, "nothing is mounted there", str(mount))
            if self._watch is not None:
                self._watch.ensure()
            look = self._inbox.look(now)
        except OSError as error:
            if error.errno in EVERYBODYS:
                raise
            if not self._missing:
                logger.error("inbox missing", extra={"error": plainly(error)})
            self._missing = True
            return None
        if self._missing:
            logger.info("inbox is back", extra={"inbox": str(self._settings.inbox)})
            self._missing = False
        # A look at very many files takes long; however often we are woken, half of our time is ours.
        ended = clock.monotonic()
        self._look_took = ended - now
        if self._look_took > _LONG_LOOK:
            self._look_at = ended + min(_QUICK, self._look_took)
        return look

    def _take_batch(self) -> None:
        """One transaction for all of a batch, or one for each where one of them spoils it."""
        batch = self._batches.next()
        if not batch:
            return
        try:
            placements = self._record(batch)
        except _ONES_OWN:
            placements = self._record_singly(batch)
        # An article may make no alert, and a message that is there show more.
        if any(placement.articles for placement in placements):
            self._wake_dispatch()
        self._unmarked = True  # until all of it is
        shelved = shelve(self._settings.home, self._database, placements)
        self._unmarked = bool(shelved.failed)
        self._moved_at = clock.monotonic()
        self._claiming.let_go(arrival.candidate for arrival in batch)
        self._say(shelved)

    def _record(self, batch: Sequence[Arrival]) -> list[Placement]:
        """The one transaction: files, articles, tags, and every alert that is owed."""
        with self._database.transaction() as connection:
            ours = self._claiming.confirmed(connection, batch)
            records = recorder(connection, self._settings, self._serving.model.titles)
            for arrival in ours:
                if self._inbox.is_suspect(arrival.candidate):
                    ledger.forget_deaths(connection, arrival.candidate.name)
            placements = records.arrivals(connection, ours)
        self._tell(placements, records.news)
        if len(ours) < len(batch):
            lost = {"files": len(batch) - len(ours)}
            logger.warning("another daemon has taken over what this one was too late with", extra=lost)
        return placements

    def _tell(self, placements: Sequence[Placement], news: Sequence[Tagged]) -> None:
        now = time.time()
        for placement in placements:
            if placement.result is not None:
                waited = max(0.0, now - placement.candidate.stamp.changed / 1e9)
                self._observer.file(placement.result, waited if placement.articles else None)
        self._observer.articles(news, sum(placement.alerts for placement in placements))

    def _record_singly(self, batch: Sequence[Arrival]) -> list[Placement]:
        placements: list[Placement] = []
        for arrival in batch:
            try:
                placements += self._record([arrival])
            except _ONES_OWN as error:
                self._batches.put_off(arrival.candidate, error)
        return placements

    def _say(self, shelved: Shelved) -> None:
        """One line a file; and what could not be moved is tried again, or pauses us."""
        for placement in shelved.placed:
            self._say_placed(placement)
        for placement in shelved.gone:
            name = printable(placement.candidate.name)
            logger.warning("file was taken away before it was moved", extra={"file": name})
        for placement, error in shelved.failed:
            if error.errno in EVERYBODYS or self._is_shut(placement.target):
                raise error
            self._batches.put_off(placement.candidate, error)

    def _is_shut(self, target: str) -> bool:
        """Whether nothing at all can be put into done/, where this file was to go."""
        place = self._settings.home / target
        return self._settings.done in place.parents and not os.access(place.parent, os.W_OK | os.X_OK)

    def _say_placed(self, placement: Placement) -> None:
        name, file = printable(placement.candidate.name), placement.file
        if placement.first is not None:
            facts = {"work": "file", "file": name, "first": placement.first}
            logger.info("same file as before, no alert", extra=facts)
        elif file is not None and file.reason is not None:
            facts = {"work": "file", "file": name, "reason": file.reason, "target": placement.target}
            logger.warning("file set aside", extra=facts)
        else:
            self._say_taken(name, placement)
        if file is not None and file.left_out:
            parts = file.left_out.split("\n")
            told = {"file": name, "parts": len(parts), "first": parts[0]}
            logger.warning("parts of a file are no articles and were left out", extra=told)

    def _say_taken(self, name: str, placement: Placement) -> None:
        """One line a file, which names its article; of a file with several one more for each that was new."""
        numbers = {"articles": placement.articles, "alerts": placement.alerts}
        model = self._serving.model.version
        alone = placement.articles == 1 and len(placement.recorded) == 1
        about = placement.recorded[0].named if alone else {}
        facts = {"work": "file", "file": name, **numbers, "model": model, **about}
        logger.info("file taken", extra=facts)
        if not alone:
            _say_articles(name, placement.recorded)

    def _take_grown(self, now: float) -> None:
        """Files that were written to after they were taken, once they stand still again."""
        for grown in self._growth.look(now):
            try:
                if grown.file.state is FileState.FAILED:
                    self._put_back(grown)
                elif grown.stamp is not None:
                    self._take_again(grown, grown.stamp)
            except OSError as error:
                if error.errno in EVERYBODYS:
                    raise
                said = {"file": grown.file.name, "error": plainly(error)}
                logger.warning("a file that has grown cannot be taken anew", extra=said)

    def _put_back(self, grown: Grown) -> None:
        """A file in failed/ that has grown since deserves another try; one that left it has it."""
        target = grown.file.target or ""
        if grown.stamp is not None:
            shelves.put_back(self._settings.home, grown.path.name, self._settings.inbox)
            logger.info("a failed file has grown, it is tried again", extra={"file": grown.file.name})
        else:
            shelves.forget_reason(self._settings.home, target)
        with self._database.transaction() as connection:
            ledger.mark_retried(connection, target, self._settings.daemon)

    def _take_again(self, grown: Grown, stamp: Stamp) -> None:
        file, reason, fingerprint = grown.file, None, ""
        left_out: tuple[str, ...] = ()
        held = (file.inbox_name, str(stamp))
        try:
            if (self._suspects or {}).get(held, 0) >= self._settings.poison_tries:
                raise arrivals.deadly((self._suspects or {})[held])
            self._note.hold([held])
            reader = self._batches.reader
            data = reader.bytes_of(grown.path)
            fingerprint = hashlib.sha256(data).hexdigest()
            contents = reader.read(data, grown.path.name)
            tagged, left_out = self._serving.model.tag_all(contents.articles), contents.left_out
        except UnreadableArticleError as failure:
            tagged, reason = [], failure.reason
        finally:
            self._note.free()
        with self._database.transaction() as connection:
            if fingerprint == file.fingerprint:
                ledger.restamp(connection, file, size=stamp.size, modified=stamp.modified)
                return
            records = recorder(connection, self._settings, self._serving.model.titles)
            recorded = records.grown(
                connection,
                file,
                stamp,
                fingerprint=fingerprint,
                tagged=tagged,
                reason=reason,
                left_out=left_out,
            )
        self._observer.file(FileResult.GROWN)
        alerts = sum(len(each.receivers) for each in recorded)
        self._observer.articles(records.news, alerts)
        if tagged:
            self._wake_dispatch()
        facts = {"file": file.name, "articles": len(tagged), "alerts": alerts, "reason": reason}
        said = "file was written to after it was taken, and is taken anew"
        logger.info(said, extra={"work": "file", **facts})
        _say_articles(file.name, recorded)


def _say_articles(file: str, recorded: Sequence[Recorded]) -> None:
    for each in recorded:
        logger.info("article taken", extra={"work": "article", "file": file, **each.named})
