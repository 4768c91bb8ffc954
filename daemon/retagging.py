"""Retagging: the ledger's articles tagged anew, from their stored text, by the model that serves now.

A part at a time, each in a short transaction of its own: the daemon goes on beside it, and a kill
leaves parts that are done and parts that are not. What is done is passed over when it runs again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from classifier import Model, Tag, Tagged
from daemon import changes, clock, deliveries, ledger, replaying, routing, wishes
from daemon.changes import State
from daemon.config import Settings
from daemon.database import Database
from daemon.recording import is_version
from daemon.records import KnownArticle
from daemon.replaying import Mark, Recorded
from daemon.shifts import Difference, Retagged, Shift
from daemon.telling import Teller, Telling, owe

__all__ = ["Difference", "Retagged", "Shift", "retag"]


def retag(
    database: Database,
    settings: Settings,
    model: Model,
    *,
    since: datetime,
    dry_run: bool = False,
    alert: bool = False,
    show: Callable[[Difference], None] | None = None,
    tell: Callable[[int, int], None] | None = None,
) -> Retagged:
    """Tag the articles that the ledger took since a moment anew; tags, evidence and the model's name are
    replaced where they differ, and what they were is kept in `changes`.

    No alert of before is sent again. With `alert`, those are owed that routes make of what is new, to
    receivers that were not told of that topic for the article, a version of it or its story.
    With `dry_run` nothing is written, and the alerts are those at most. `show` is given each
    article that changed, once that is written; `tell` the articles done, and all.
    """
    run = _Run(database, settings, model, dry_run, alert)
    with database.reading() as connection:
        there = replaying.span(connection, since)
    for recorded in replaying.parts(database, there):
        for difference in run.part(recorded):
            if show is not None:
                show(difference)
        if tell is not None:
            tell(run.found.articles, there.articles)
    return run.found


@dataclass(frozen=True, slots=True)
class _Stale:
    """An article of which the ledger says something else than the model does."""

    recorded: Recorded
    before: State
    tagged: Tagged

    @property
    def difference(self) -> Difference | None:
        """The topics that are other ones or of another grade; None where they are the same."""
        before, after, marks = self.before.tags, changes.state_of(self.tagged).tags, self.recorded.marks
        shifts = tuple(
            Shift(topic, before.get(topic), after.get(topic), marks.get(topic))
            for topic in sorted(before.keys() | after.keys())
            if topic not in before or topic not in after or before[topic][0] is not after[topic][0]
        )
        article = self.recorded.article
        known = (article.fingerprint, article.headline, article.language, self.before.model)
        return Difference(*known, shifts) if shifts else None

    @property
    def tagged_before(self) -> Tagged:
        """As far as routes ask."""
        tags = [Tag(topic, *said, ()) for topic, said in self.before.tags.items()]
        return Tagged(self.recorded.article, tuple(tags), {}, self.before.model)


@dataclass(frozen=True, slots=True)
class _Told:
    """Whom a part's articles are told to, and who is not told again of an article; a name for each time."""

    owed: tuple[str, ...] = ()
    had_alert: tuple[str, ...] = ()

    def __add__(self, other: _Told) -> _Told:
        return _Told(self.owed + other.owed, self.had_alert + other.had_alert)


class _Run:
    def __init__(
        self, database: Database, settings: Settings, model: Model, dry_run: bool, alert: bool
    ) -> None:
        self._database = database
        self._settings = settings
        self._model = model
        self._dry_run = dry_run
        self._alert = alert
        self.found = Retagged(model.version, dry_run)

    def part(self, recorded: Sequence[Recorded]) -> list[Difference]:
        """Look at a few hundred articles, and write what is new of them, all or nothing."""
        tagged = self._model.tag_all([each.article for each in recorded])
        anew = list(zip(recorded, tagged, strict=True))
        with self._database.reading() as connection:
            stale = _stale(connection, anew)
            told = self._told(connection, stale) if self._dry_run else _Told()
        if stale and not self._dry_run:
            with self._database.transaction() as connection:
                stale = _stale(connection, anew)  # somebody may have written since
                changed = ((each.recorded.id, each.before, each.tagged) for each in stale)
                changes.replace(connection, changed, now=clock.now())
                told = self._told(connection, stale)
        return self._count(len(recorded), stale, told)

    def _told(self, connection: Connection, stale: Sequence[_Stale]) -> _Told:
        if not self._alert:
            return _Told()
        now = clock.now()
        teller = Teller(self._settings, self._model.titles, wishes.active(connection, now))
        alerting = _Alerting(connection, teller, now, write=not self._dry_run)
        return sum((alerting.tell(each) for each in stale), _Told())

    def _count(self, looked_at: int, stale: Sequence[_Stale], told: _Told) -> list[Difference]:
        found = self.found
        differences = [each.difference for each in stale]
        changed = [each for each in differences if each is not None]
        found.articles += looked_at
        found.rewritten += len(stale)
        found.changed += len(changed)
        found.alerts.update(told.owed)
        found.had_alert.update(told.had_alert)
        for shift in (shift for each in changed for shift in each.shifts):
            found.topics[shift.topic][shift.how] += 1
            found.right_lost += shift.after is None and shift.mark is Mark.RIGHT
        return changed


def _stale(connection: Connection, anew: Sequence[tuple[Recorded, Tagged]]) -> list[_Stale]:
    states = changes.states(connection, [recorded.id for recorded, _ in anew])
    found = [_Stale(recorded, states[recorded.id], tagged) for recorded, tagged in anew]
    return [each for each in found if each.before != changes.state_of(each.tagged)]


@dataclass(frozen=True, slots=True)
class _Alerting:
    """Owes the alerts that routes make of what is new of an article, in the transaction that writes it;
    without `write` it only says whose they would be.
    """

    connection: Connection
    teller: Teller
    now: datetime
    write: bool
    files: dict[int, Sequence[KnownArticle]] = field(default_factory=dict)

    def tell(self, stale: _Stale) -> _Told:
        new = self._new_topics(stale)
        if not new:
            return _Told()
        article = stale.recorded.id
        told = deliveries.topics_told(self.connection, [article])
        # An alert is known by its receiver and article: there is no second one.
        had = tuple(receiver for receiver in new if receiver in told and not new[receiver] <= told[receiver])
        new = {receiver: topics for receiver, topics in new.items() if receiver not in told}
        earlier, later = self._versions(stale.recorded) if new else ([], [])
        if not new or later:
            return _Told(had_alert=had)  # what an article became since is told by itself
        owed = self._owed(stale, new, earlier) if self.write else new
        return _Told(tuple(owed), had)

    def _owed(
        self, stale: _Stale, new: Mapping[str, AbstractSet[str]], earlier: Sequence[int]
    ) -> Iterator[str]:
        recorded, everything = stale.recorded, frozenset(stale.tagged.probabilities)
        told = {
            receiver.name: set(everything - new.get(receiver.name, frozenset()))
            for receiver in self.teller.settings.receivers
        }
        for receiver, topics in deliveries.topics_told(self.connection, earlier).items():
            told.setdefault(receiver, set()).update(topics)
        tellings = self.teller.tellings(
            self.connection,
            stale.tagged,
            article=recorded.id,
            file=recorded.file_name,
            told=told,
            now=self.now,
        )
        for telling in tellings:
            receiver = telling.alert.receiver
            if new[receiver] <= told[receiver] | self._told_of_story(telling):
                continue
            if owe(self.connection, telling, article=recorded.id, now=self.now):
                yield receiver

    def _new_topics(self, stale: _Stale) -> dict[str, AbstractSet[str]]:
        """For each receiver the topics that its routes carry now and did not carry before; without
        those that a desk called wrong.
        """
        wrong = {topic for topic, mark in stale.recorded.marks.items() if mark is Mark.WRONG}
        before, after = self._carried(stale.tagged_before), self._carried(stale.tagged)
        new = {receiver: topics - before.get(receiver, set()) - wrong for receiver, topics in after.items()}
        return {receiver: topics for receiver, topics in new.items() if topics}

    def _carried(self, tagged: Tagged) -> dict[str, set[str]]:
        carried: dict[str, set[str]] = {}
        for route in self.teller.settings.routes:
            carried.setdefault(route.receiver, set()).update(routing.match(tagged, route).topics)
        return carried

    def _told_of_story(self, telling: Telling) -> frozenset[str]:
        if telling.story is None:
            return frozenset()
        told = deliveries.told_of_story(self.connection, telling.story, telling.alert.receiver)
        return told.topics if told else frozenset()

    def _versions(self, recorded: Recorded) -> tuple[list[int], list[int]]:
        """The articles that were this one before its file was written to, and those that it became since."""
        if recorded.file not in self.files:
            self.files[recorded.file] = ledger.versions(self.connection, recorded.file)
        known = [
            each.id
            for each in self.files[recorded.file]
            if each.id != recorded.id and is_version(each, recorded.article, recorded.position)
        ]
        return [each for each in known if each < recorded.id], [each for each in known if each > recorded.id]
