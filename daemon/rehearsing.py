"""Rehearsal: which alerts another model, other cuts or other routes would make of what the ledger has.

Decided by the code that decides for intake. Left aside are the desks' wishes, which have an end, and
stories: a follow-up is told in a thread either way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from classifier import Model, Tagged
from daemon import clock, replaying, routing
from daemon.config import Route, Settings
from daemon.database import Database
from daemon.records import AlertTopic
from daemon.rehearsals import Change, Heard, Kind, Rehearsal, Tally
from daemon.replaying import Recorded, Span

__all__ = ["Change", "Heard", "Kind", "Rehearsal", "Tally", "rehearse", "rehearse_days"]

Tell = Callable[[int, int], None]
Key = tuple[str, str]  # receiver, topic

_COUNTED = ("before", "after", "gained", "lost", "moved_in", "moved_out", "lost_right")
_RANKS = (Kind.LOST, Kind.MOVED, Kind.GAINED)  # after what is lost ✓
_MOST_KEPT = 200  # changes of each rank; their numbers are exact
# A probability is told to four digits, and decided upon with all of them.
_ROUNDED = 1e-4


def rehearse(
    database: Database,
    settings: Settings,
    *,
    since: datetime,
    before: Model,
    after: Model,
    routes: Sequence[Route] | None = None,
    tell: Tell | None = None,
) -> Rehearsal:
    """Replay the articles that the ledger took since a moment: what is heard with one model and the
    settings' routes, and what with another and, if there are any, other `routes`.

    Only reads, in short transactions; about a millisecond an article and model. `tell` is told the
    articles done, and all. Memory does not grow with their number.
    """
    old = _Side(before, settings.routes)
    new = _Side(after, settings.routes if routes is None else tuple(routes))
    found = _Found()
    with database.reading() as connection:
        there = replaying.span(connection, since)
    done = 0
    for recorded in replaying.parts(database, there):
        tagged = before.tag_all([each.article for each in recorded])
        again = _tagged_again(before, after, tagged)
        for each, one, other in zip(recorded, tagged, again, strict=True):
            found.add(each, old.outcome(one), new.outcome(other))
        done += len(recorded)
        if tell is not None:
            tell(done, there.articles)
    return found.rehearsal(there, before.version, after.version)


def rehearse_days(
    database: Database,
    settings: Settings,
    *,
    days: float,
    most: int,
    before: Model,
    after: Model,
    tell: Tell | None = None,
) -> tuple[Rehearsal, bool]:
    """The same of the last days; whether it is of all their articles: of too many only the newest are."""
    since = clock.now() - timedelta(days=days)
    with database.reading() as connection:
        later = replaying.beyond(connection, since, most)
    found = rehearse(database, settings, since=later or since, before=before, after=after, tell=tell)
    return found, later is None


def _tagged_again(before: Model, after: Model, tagged: Sequence[Tagged]) -> list[Tagged]:
    """What the model after says of articles that the model before has tagged.

    Where only cuts differ, it can only say another thing of an article with a probability between two
    cuts of a topic: the others need no second look.
    """
    if after is before:
        return list(tagged)
    if not _differ_by_cuts(before, after):
        return after.tag_all([each.article for each in tagged])
    between = _between(before, after)
    open_ = [each for each in tagged if any(each.probabilities[t] in span for t, span in between)]
    again = dict(zip(map(id, open_), after.tag_all([each.article for each in open_]), strict=True))
    return [again.get(id(each), each) for each in tagged]


def _differ_by_cuts(before: Model, after: Model) -> bool:
    """Whether two models say the same probabilities, one being the other with other cuts."""
    return before.weights is after.weights and all(
        getattr(before, name) == getattr(after, name)
        for name in ("topics", "calibration", "recipe", "retired")
    )


@dataclass(frozen=True, slots=True)
class _Between:
    """The probabilities between two cuts; to either side what rounding may have done."""

    low: float
    high: float

    def __contains__(self, probability: float) -> bool:
        return self.low - _ROUNDED <= probability <= self.high + _ROUNDED


def _between(before: Model, after: Model) -> list[tuple[str, _Between]]:
    found = []
    for topic in before.topics:
        old, new = before.cuts[topic], after.cuts[topic]
        pairs = [(old.main, new.main), (old.mention, new.mention)]
        found += [(topic, _Between(min(pair), max(pair))) for pair in pairs if pair[0] != pair[1]]
    return found


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a model says of an article, and what is heard because of it."""

    model: Model
    tagged: Tagged
    heard: Mapping[Key, AlertTopic]

    def probability(self, topic: str) -> float | None:
        return self.tagged.probabilities.get(topic)

    def says(self, topic: str, grade: str) -> bool:
        return any(tag.topic == topic and tag.grade == grade for tag in self.tagged.tags)

    def cut(self, topic: str, grade: str) -> float | None:
        cuts = self.model.cuts.get(topic)
        return None if cuts is None else cuts.main if grade == "main" else cuts.mention


@dataclass(frozen=True, slots=True)
class _Side:
    model: Model
    routes: Sequence[Route]

    def outcome(self, tagged: Tagged) -> _Outcome:
        alerts = routing.alerts(tagged, self.routes, self.model.titles, file="") if tagged.tags else []
        heard = {(alert.receiver, topic.id): topic for alert in alerts for topic in alert.topics}
        return _Outcome(self.model, tagged, heard)


def _changes(recorded: Recorded, old: _Outcome, new: _Outcome) -> list[Change]:
    """What an article has lost and gained. One of each are one move: rather within a receiver, else
    within a topic, else any two.
    """
    lost, gained = sorted(old.heard.keys() - new.heard.keys()), sorted(new.heard.keys() - old.heard.keys())
    pairs: list[tuple[Key | None, Key | None]] = []
    for part in (0, 1, None):
        for key in list(lost):
            other = next((each for each in gained if part is None or each[part] == key[part]), None)
            if other is not None:
                lost.remove(key)
                gained.remove(other)
                pairs.append((key, other))
    pairs += [(key, None) for key in lost]
    pairs += [(None, key) for key in gained]
    return [
        Change(
            recorded.article.fingerprint,
            recorded.article.headline,
            recorded.article.language,
            was and _heard(recorded, was, old.heard[was], old, new),
            now and _heard(recorded, now, new.heard[now], old, new),
        )
        for was, now in pairs
    ]


def _heard(recorded: Recorded, key: Key, said: AlertTopic, old: _Outcome, new: _Outcome) -> Heard:
    receiver, topic = key
    return Heard(
        receiver=receiver,
        topic=topic,
        grade=said.grade,
        before=old.probability(topic),
        after=new.probability(topic),
        cut_before=old.cut(topic, said.grade),
        cut_after=new.cut(topic, said.grade),
        passage=said.passage,
        words=said.words,
        by_routes=old.says(topic, said.grade) and new.says(topic, said.grade),
        mark=recorded.marks.get(topic),
    )


@dataclass(slots=True)
class _Found:
    """Counts everything, and keeps the first changes of each rank."""

    counts: dict[str, Counter[Key]] = field(default_factory=lambda: {name: Counter() for name in _COUNTED})
    before: Counter[str] = field(default_factory=Counter)
    after: Counter[str] = field(default_factory=Counter)
    kept: list[list[Change]] = field(default_factory=lambda: [[] for _ in range(1 + len(_RANKS))])

    def add(self, recorded: Recorded, old: _Outcome, new: _Outcome) -> None:
        self.counts["before"].update(old.heard.keys())
        self.counts["after"].update(new.heard.keys())
        self.before.update({receiver for receiver, _ in old.heard})
        self.after.update({receiver for receiver, _ in new.heard})
        if old.heard.keys() != new.heard.keys():
            for change in _changes(recorded, old, new):
                self._count(change)

    def _count(self, change: Change) -> None:
        moved = change.kind is Kind.MOVED
        if change.was is not None:
            self.counts["moved_out" if moved else "lost"][change.was.key] += 1
            self.counts["lost_right"][change.was.key] += change.loses_right
        if change.now is not None:
            self.counts["moved_in" if moved else "gained"][change.now.key] += 1
        rank = 0 if change.loses_right else 1 + _RANKS.index(change.kind)
        if len(self.kept[rank]) < _MOST_KEPT:
            self.kept[rank].append(change)

    def rehearsal(self, there: Span, before: str, after: str) -> Rehearsal:
        keys = set().union(*self.counts.values())
        topics = {key: Tally(**{name: found[key] for name, found in self.counts.items()}) for key in keys}
        receivers = self.before.keys() | self.after.keys()
        return Rehearsal(
            since=there.since,
            articles=there.articles,
            before=before,
            after=after,
            topics=topics,
            alerts={name: (self.before[name], self.after[name]) for name in receivers},
            changes=tuple(change for rank in self.kept for change in rank),
        )
