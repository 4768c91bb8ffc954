"""Recording: what goes into the ledger and the outbox for a file, all in the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from classifier import Article, Tagged
from daemon import clock, deliveries, ledger, shelves, wishes
from daemon.arrivals import Arrival
from daemon.config import Settings
from daemon.inbox import Stamp
from daemon.records import FileRecord, FileState, KnownArticle
from daemon.shelving import Placement
from daemon.telling import Teller, owe


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
    still_there = {article.fingerprint for article in articles}
    old = [each for each in known if each.fingerprint not in still_there]
    return [
        [each.id for each in old if _is_version(each, article, position)]
        for position, article in enumerate(articles)
    ]


def _is_version(old: KnownArticle, new: Article, position: int) -> bool:
    if old.position == position and old.title is not None and old.title == new.title:
        return True
    return bool(old.text) and (new.text.startswith(old.text) or old.text.startswith(new.text))


@dataclass(frozen=True, slots=True)
class Recorder:
    """Records one batch. Knows which files are `unmoved`, by their names in the inbox."""

    settings: Settings
    teller: Teller
    unmoved: Mapping[str, Sequence[FileRecord]]
    _reserved: set[str] = field(default_factory=set)  # places of this batch that nobody stands at yet

    def arrival(self, connection: Connection, arrival: Arrival) -> Placement:
        """Record a file with its articles, tags and alerts; returns where it is to go."""
        candidate = arrival.candidate
        for file in self.unmoved.get(candidate.name, ()):
            if file.fingerprint == arrival.fingerprint:
                return Placement(candidate, file.target or "", file)
        before = self._version_before(connection, arrival)
        target = self._target(arrival)
        if arrival.failure is not None:
            return Placement(candidate, target, self._file(connection, arrival, target))
        first = ledger.first_file(connection, arrival.fingerprint)
        if first is None:
            file = self._file(connection, arrival, target, version_of=before)
            alerts = self._articles(connection, file, arrival.tagged, before)
            return Placement(candidate, target, file, articles=len(arrival.tagged), alerts=alerts)
        if self.settings.on_duplicate == "count":
            ledger.count_repeat(connection, first)
            return Placement(candidate, target, None, first=first.name)
        file = self._file(connection, arrival, target, duplicate_of=first.id)
        return Placement(candidate, target, file, first=first.name)

    def grown(
        self,
        connection: Connection,
        before: FileRecord,
        stamp: Stamp,
        *,
        fingerprint: str,
        tagged: Sequence[Tagged],
        reason: str | None = None,
    ) -> int:
        """Record a file of done/ again, as it is after it was written to.

        Its articles are new versions of those at the same places before; a receiver hears of
        one only if it is about a topic that it was not told of yet. Returns how many alerts.
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
            now=clock.now(),
        )
        ledger.mark_outgrown(connection, before)
        return 0 if first is not None else self._articles(connection, file, tagged, before)

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
            else:
                ledger.mark_gone(connection, file)
        return before

    def _file(
        self,
        connection: Connection,
        arrival: Arrival,
        target: str,
        *,
        duplicate_of: int | None = None,
        version_of: FileRecord | None = None,
    ) -> FileRecord:
        stamp, failure = arrival.candidate.stamp, arrival.failure
        return ledger.record_file(
            connection,
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
            now=clock.now(),
        )

    def _articles(
        self,
        connection: Connection,
        file: FileRecord,
        tagged: Sequence[Tagged],
        before: FileRecord | None = None,
    ) -> int:
        """The articles of a file, and every alert they make; how many of these."""
        owed, now = 0, clock.now()
        known = ledger.articles_before(connection, before) if before is not None else []
        earlier = earlier_versions(known, [each.article for each in tagged])
        for position, each in enumerate(tagged):
            article = ledger.record_article(connection, file, position, each, now=now)
            if article is None:
                continue  # the same text was here before, and so were its alerts
            told = deliveries.topics_told(connection, earlier[position])
            tellings = self.teller.tellings(
                connection, each, article=article, file=file.name, told=told, now=now
            )
            for telling in tellings:
                owed += owe(connection, telling, article=article, now=now)
        return owed
