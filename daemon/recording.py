"""Recording: what goes into the ledger and the outbox for a file, all in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection

from classifier import Article, Tagged
from daemon import clock, deliveries, ledger, shelves, wishes
from daemon.arrivals import Arrival
from daemon.config import Settings
from daemon.inbox import Stamp
from daemon.observing import FileResult
from daemon.records import FileRecord, FileState, KnownArticle
from daemon.shelving import Placement, Recorded
from daemon.sketches import Sketch
from daemon.telling import Teller, Telling, owe


def recorder(connection: Connection, settings: Settings, titles: Mapping[str, str]) -> Recorder:
    """For one batch, in the transaction that is to record it."""
    unmoved: dict[str, list[FileRecord]] = {}
    for file in ledger.unmoved_files(connection):
        unmoved.setdefault(file.inbox_name, []).append(file)
    teller = Teller(settings, titles, wishes.active(connection, clock.now()))
    return Recorder(settings, teller, unmoved)


def earlier_versions(known: Sequence[KnownArticle], articles: Sequence[Article]) -> list[list[int]]:
    """For each article of a file that was written to, the ids of what it was before.

    That is what stands nowhere in the file any more and has a text that begins as the other does,
    or stood at the same place with the same title. Anything else is another article: a file may
    have been replaced rather than written to, and file systems use an inode's number again.
    """
    if not known:
        return [[] for _ in articles]
    still_there = {article.fingerprint for article in articles}
    old = [each for each in known if each.fingerprint not in still_there]
    return [
        [each.id for each in old if is_version(each, article, position)]
        for position, article in enumerate(articles)
    ]


def is_version(old: KnownArticle, new: Article, position: int) -> bool:
    """Whether an article of a file is what another, of the same file at another time, was or became."""
    if old.position == position and old.title is not None and old.title == new.title:
        return True
    return bool(old.text) and (new.text.startswith(old.text) or old.text.startswith(new.text))


@dataclass(frozen=True, slots=True)
class Recorder:
    """Records one batch. Knows which files are `unmoved`, by their names in the inbox.

    `news` has the articles that it recorded: those whose text was not here before.
    """

    settings: Settings
    teller: Teller
    unmoved: Mapping[str, Sequence[FileRecord]]
    news: list[Tagged] = field(default_factory=list)
    _reserved: set[str] = field(default_factory=set)  # places of this batch that nobody stands at yet

    def arrivals(self, connection: Connection, batch: Sequence[Arrival]) -> list[Placement]:
        """Record files with their articles, tags and alerts; returns where each is to go, in order."""
        placements: list[Placement] = []
        for part in _without_repeats(batch):
            placements += self._part(connection, part)
        return placements

    def _part(self, connection: Connection, part: Sequence[Arrival]) -> list[Placement]:
        """The same of files whose bytes all differ."""
        firsts = ledger.first_files(connection, [each.fingerprint for each in part if not each.failure])
        plans = [self._plan(connection, each, firsts.get(each.fingerprint)) for each in part]
        new = [plan.file for plan in plans if plan.is_new and plan.file]
        recorded = iter(ledger.record_files(connection, new, now=clock.now()))
        plans = [replace(plan, file=next(recorded)) if plan.is_new else plan for plan in plans]
        read = [
            _Read(plan.file, plan.arrival.tagged, plan.before, plan.arrival.sketches)
            for plan in plans
            if plan.tells and plan.file
        ]
        recorded_articles = iter(self._articles(connection, read))
        return [plan.placement(next(recorded_articles) if plan.tells else ()) for plan in plans]

    def _plan(self, connection: Connection, arrival: Arrival, first: FileRecord | None) -> _Plan:
        for file in self.unmoved.get(arrival.candidate.name, ()):
            if file.fingerprint == arrival.fingerprint:
                return self._go_on(connection, arrival, file)
        before = self._version_before(connection, arrival)
        target = self._target(arrival)
        if arrival.failure is not None:
            return _Plan(arrival, target, self._file(arrival, target), is_new=True)
        if first is None:
            file = self._file(arrival, target, version_of=before)
            return _Plan(arrival, target, file, is_new=True, before=before, tells=True)
        if self.settings.on_duplicate == "count":
            ledger.count_repeat(connection, first)
            return _Plan(arrival, target, None, first=first.name)
        file = self._file(arrival, target, duplicate_of=first.id)
        return _Plan(arrival, target, file, is_new=True, first=first.name)

    def _go_on(self, connection: Connection, arrival: Arrival, file: FileRecord) -> _Plan:
        """With a file that is recorded and was not moved, by us or by a daemon that is no more."""
        if file.daemon != self.settings.daemon:
            file = ledger.take_over(connection, file, self._target(arrival), self.settings.daemon)
        return _Plan(arrival, file.target or "", file)

    def grown(
        self,
        connection: Connection,
        before: FileRecord,
        stamp: Stamp,
        *,
        fingerprint: str,
        tagged: Sequence[Tagged],
        reason: str | None = None,
        left_out: Sequence[str] = (),
    ) -> list[Recorded]:
        """Record a file of done/ again, as it is after it was written to.

        Its articles are new versions of those at the same places before; a receiver hears of
        one only if it is about a topic that it was not told of yet. Returns what was new.
        """
        first = ledger.first_file(connection, fingerprint)
        file = ledger.record_file(
            connection,
            fingerprint=fingerprint,
            name=before.name,
            raw_name=before.raw_name,
            size=stamp.size,
            inode=stamp.inode,
            modified=stamp.modified,
            state=FileState.DONE,
            target=before.target,
            duplicate_of=first.id if first else None,
            version_of=before.id,
            reason=reason,
            left_out=left_out,
            daemon=self.settings.daemon,
            now=clock.now(),
        )
        ledger.mark_outgrown(connection, before)
        if first is not None:
            return []
        (recorded,) = self._articles(connection, [_Read(file, tagged, before)])
        return recorded

    def _target(self, arrival: Arrival) -> str:
        home, name, fingerprint = self.settings.home, arrival.name, arrival.fingerprint
        if arrival.failure is not None:
            target = shelves.failed_target(home, name, fingerprint, self._reserved)
        else:
            target = shelves.done_target(home, name, fingerprint, clock.now(), self._reserved)
        self._reserved.add(target)
        return target

    def _version_before(self, connection: Connection, arrival: Arrival) -> FileRecord | None:
        """The same file as it was taken already, if it was written to before it could be moved."""
        before = None
        for file in self.unmoved.get(arrival.candidate.name, ()):
            if file.inode == arrival.candidate.stamp.inode:
                ledger.mark_outgrown(connection, file)
                before = file
            elif file.daemon == self.settings.daemon:  # another may have one of that name in its own inbox
                ledger.mark_gone(connection, file)
        return before

    def _file(
        self,
        arrival: Arrival,
        target: str,
        *,
        duplicate_of: int | None = None,
        version_of: FileRecord | None = None,
    ) -> FileRecord:
        stamp, failure = arrival.candidate.stamp, arrival.failure
        return FileRecord(
            id=ledger.NOT_YET,
            fingerprint=arrival.fingerprint,
            name=arrival.name,
            raw_name=arrival.raw_name,
            size=stamp.size,
            inode=stamp.inode,
            modified=stamp.modified,
            state=FileState.TAKEN,
            target=target,
            duplicate_of=duplicate_of,
            version_of=version_of.id if version_of else None,
            reason=failure.reason if failure else None,
            mend=failure.mend if failure else None,
            left_out="\n".join(arrival.left_out) or None,
            daemon=self.settings.daemon,
        )

    def _articles(self, connection: Connection, read: Sequence[_Read]) -> list[list[Recorded]]:
        """The articles of files, and every alert they make; of each file those that were new."""
        now = clock.now()
        found = [(each.file, place, tagged) for each in read for place, tagged in enumerate(each.tagged)]
        ids = iter(ledger.record_articles(connection, found, now=now))
        return [self._alerts(connection, each, list(islice(ids, len(each.tagged))), now) for each in read]

    def _alerts(
        self, connection: Connection, read: _Read, ids: Sequence[int | None], now: datetime
    ) -> list[Recorded]:
        recorded = []
        known = ledger.articles_before(connection, read.before) if read.before is not None else []
        earlier = earlier_versions(known, [each.article for each in read.tagged])
        sketches = read.sketches or [None] * len(ids)
        for each, article, versions, sketch in zip(read.tagged, ids, earlier, sketches, strict=True):
            if article is None:
                continue  # the same text was here before, and so were its alerts
            self.news.append(each)
            told = deliveries.topics_told(connection, versions)
            tellings = self.teller.tellings(
                connection, each, article=article, file=read.file.name, told=told, now=now, sketch=sketch
            )
            owed = [telling for telling in tellings if owe(connection, telling, article=article, now=now)]
            recorded.append(_recorded(each, owed))
        return recorded


@dataclass(frozen=True, slots=True)
class _Read:
    """A file that is recorded, with its articles; `before` is the file as it was before it grew."""

    file: FileRecord
    tagged: Sequence[Tagged]
    before: FileRecord | None
    sketches: Sequence[Sketch | None] = ()


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be written of a file, which has its id once it `is_new` no more.

    `tells`: its articles are new; `first` names the file that brought its bytes before.
    """

    arrival: Arrival
    target: str
    file: FileRecord | None
    is_new: bool = False
    before: FileRecord | None = None
    tells: bool = False
    first: str | None = None

    def placement(self, recorded: Sequence[Recorded]) -> Placement:
        articles = len(self.arrival.tagged) if self.tells else 0
        return Placement(
            self.arrival.candidate,
            self.target,
            self.file,
            self.first,
            articles,
            sum(len(each.receivers) for each in recorded),
            self._result,
            tuple(recorded),
        )

    @property
    def _result(self) -> FileResult | None:
        if self.first is not None:
            return FileResult.DUPLICATE
        if self.tells:
            return FileResult.TAKEN
        return FileResult.FAILED if self.is_new else None


def _recorded(tagged: Tagged, owed: Sequence[Telling]) -> Recorded:
    topics = tuple(tag.topic for tag in tagged.tags)
    receivers = tuple(telling.alert.receiver for telling in owed)
    return Recorded(tagged.article.fingerprint[:16], topics, receivers)


def _without_repeats(batch: Sequence[Arrival]) -> Iterator[list[Arrival]]:
    """A batch in parts: bytes that come again are a repeat only once the first are recorded."""
    part: list[Arrival] = []
    seen: set[str] = set()
    for arrival in batch:
        if arrival.fingerprint in seen and not arrival.failure:
            yield part
            part, seen = [], set()
        part.append(arrival)
        seen.add(arrival.fingerprint)
    if part:
        yield part
