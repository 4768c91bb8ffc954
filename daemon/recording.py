"""Recording: what goes into the ledger and the outbox for a file, all in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from classifier import Tagged
from daemon import clock, ledger, outbox, routing, shelves
from daemon.arrivals import Arrival
from daemon.config import Settings
from daemon.growth import Grown
from daemon.records import Alert, FileRecord, FileState
from daemon.shelving import Placement


@dataclass(frozen=True, slots=True)
class Recorder:
    """Knows who follows what: the settings' routes, and the titles of the served model's topics."""

    settings: Settings
    titles: Mapping[str, str]

    def arrival(self, connection: Connection, arrival: Arrival) -> Placement:
        """Record a file with its articles, tags and alerts; returns where it is to go."""
        candidate, home = arrival.candidate, self.settings.home
        unmoved = ledger.unmoved_file(connection, arrival.fingerprint, candidate.name)
        if unmoved is not None:
            return Placement(candidate, unmoved.target or "", unmoved)
        if arrival.failure is not None:
            target = shelves.failed_target(home, arrival.name, arrival.fingerprint)
            return Placement(candidate, target, self._file(connection, arrival, target))
        target = shelves.done_target(home, arrival.name, arrival.fingerprint, clock.now())
        first = ledger.first_file(connection, arrival.fingerprint)
        if first is None:
            file = self._file(connection, arrival, target)
            alerts = self._articles(connection, file, arrival.tagged)
            return Placement(candidate, target, file, articles=len(arrival.tagged), alerts=alerts)
        if self.settings.on_duplicate == "count":
            ledger.count_repeat(connection, first)
            return Placement(candidate, target, None, first=first.name)
        file = self._file(connection, arrival, target, duplicate_of=first.id)
        return Placement(candidate, target, file, first=first.name)

    def grown(
        self,
        connection: Connection,
        grown: Grown,
        *,
        fingerprint: str,
        tagged: Iterable[Tagged],
        reason: str | None = None,
    ) -> int:
        """Record a file of done/ again, as it is after it was written to.

        Its articles are new versions of those at the same places before; a receiver hears of
        one only if it is about a topic that it was not told of yet. Returns how many alerts.
        """
        before = grown.file
        first = ledger.first_file(connection, fingerprint)
        file = ledger.record_file(
            connection,
            fingerprint=fingerprint,
            name=before.name,
            raw_name=before.raw_name,
            size=grown.stamp.size,
            inode=grown.stamp.inode,
            modified=grown.stamp.modified,
            state=FileState.DONE,
            target=before.target,
            duplicate_of=first.id if first else None,
            version_of=before.id,
            reason=reason,
            now=clock.now(),
        )
        earlier = ledger.articles_before(connection, before)
        ledger.mark_outgrown(connection, before)
        if first is not None:
            return 0
        return self._articles(connection, file, tagged, earlier)

    def _file(
        self, connection: Connection, arrival: Arrival, target: str, *, duplicate_of: int | None = None
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
            reason=failure.reason if failure else None,
            mend=failure.mend if failure else None,
            now=clock.now(),
        )

    def _articles(
        self,
        connection: Connection,
        file: FileRecord,
        tagged: Iterable[Tagged],
        earlier: Mapping[int, list[int]] | None = None,
    ) -> int:
        """The articles of a file, and every alert they make; how many of these."""
        owed, now = 0, clock.now()
        for position, each in enumerate(tagged):
            article = ledger.record_article(connection, file, position, each, now=now)
            if article is None:
                continue  # the same text was here before, and so were its alerts
            told = outbox.topics_told(connection, (earlier or {}).get(position, ()))
            for alert in self._alerts(each, file):
                if not {topic.id for topic in alert.topics} <= told.get(alert.receiver, set()):
                    owed += outbox.add(connection, alert, article=article, now=now)
        return owed

    def _alerts(self, tagged: Tagged, file: FileRecord) -> list[Alert]:
        source = file.name.rpartition("/")[0] or None
        return routing.alerts(tagged, self.settings.routes, self.titles, file=file.name, source=source)
