"""The slider: what another cut of one topic would have made of the last two weeks, at once.

The same as `topicwired rehearse --cut` says, decided by the same routes: what the model says of each article
is found once, in a thread of its own; a move of the slider is arithmetic on that.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from classifier import Article, Cuts, Grade, Model, Tag, Tagged, current_version, load_model
from daemon import clock, replaying, routing
from daemon.clock import from_text, to_text
from daemon.config import Route, Settings
from daemon.database import Database
from daemon.desk.meanwhile import Meanwhile
from daemon.rehearsals import Tally
from daemon.replaying import Mark, Span

DAYS = 14
MOST = 70_000  # articles; they take half a minute

_AT_ONCE = 40  # articles: other pages want this process as well
_BREATH = 0.002  # seconds
_FRESH = 30.0  # seconds
_HEARINGS = 12  # topics for which it is kept who hears what
_QUOTES = 2000
_LEAST_DAYS = 1.0  # what came in a shorter time says nothing of a week
_NO_PASSAGE = -1.0  # the probability of an article of which nothing is ever said

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Grades = NDArray[np.int8]

_NONE, _MENTION, _MAIN = 0, 1, 2

_WINDOW = text(
    """
    SELECT COUNT(*), COALESCE(MIN(id), 0), COALESCE(MAX(id), 0), MIN(tagged_at)
    FROM (
        SELECT id, tagged_at
        FROM articles
        WHERE tagged_at >= :since
        ORDER BY tagged_at DESC
        LIMIT :most
    ) AS newest
    """
)


@dataclass(frozen=True, slots=True)
class Said:
    """What a model says of the articles that were taken since a moment, in the order of their ids.

    `probabilities` are articles × topics, not rounded. `is_cut_short`: older ones of these days are left out.
    """

    model: Model
    since: datetime
    until: datetime
    began: datetime | None
    ids: Numbers
    languages: tuple[str | None, ...]
    probabilities: Floats
    is_cut_short: bool

    @property
    def articles(self) -> int:
        return len(self.ids)

    @property
    def days(self) -> float:
        """In which they came, at least one."""
        if self.began is None:
            return _LEAST_DAYS
        return max((self.until - self.began) / timedelta(days=1), _LEAST_DAYS)

    def of(self, topic: str) -> Floats:
        found: Floats = self.probabilities[:, self.model.topics.index(topic)]
        return found


@dataclass(frozen=True, slots=True)
class Hearing:
    """Which receivers hear of each article (articles × receivers): for the topic, where it is said as main
    and where as a mention, and for another topic anyway.
    """

    receivers: tuple[str, ...]
    as_main: Flags
    as_mention: Flags
    otherwise: Flags


@dataclass(frozen=True, slots=True)
class Change:
    """A row of `Said` of which some hear anew, or no more."""

    row: int
    article: int
    probability: float
    receivers: tuple[str, ...]
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a cut would have made of the last days. Pairs are of now and then.

    `said` are articles that are said to be mainly about the topic, `false` how many of these are likely
    not, by their probabilities. `tallies` and `alerts` are by receiver, as a rehearsal counts them.
    `lost` and `gained` are all there are, what a desk called right before the others, then the likeliest.
    """

    before: Cuts
    after: Cuts
    said: tuple[int, int]
    false: tuple[float, float]
    tallies: Mapping[str, Tally]
    alerts: Mapping[str, tuple[int, int]]
    lost: tuple[Change, ...]
    gained: tuple[Change, ...]

    @property
    def heard(self) -> tuple[int, int]:
        """Alerts of the topic, one for each receiver."""
        return sum(each.before for each in self.tallies.values()), sum(
            each.after for each in self.tallies.values()
        )

    @property
    def changed(self) -> tuple[int, int]:
        """Alerts of the topic gained, and lost."""
        return sum(each.gained for each in self.tallies.values()), sum(
            each.lost for each in self.tallies.values()
        )

    @property
    def lost_right(self) -> int:
        """Articles that are lost and that a desk called right."""
        return sum(each.mark is Mark.RIGHT for each in self.lost)


@dataclass(frozen=True, slots=True)
class Judged:
    """Articles that desks agree to be about the topic, or not to be: those that a cut says, and all."""

    right: int
    wrong: int
    all_right: int
    all_wrong: int


def cuts_at(model: Model, topic: str, cut: float) -> Cuts:
    """The cuts that a promise of this cut comes to: of a mention as the model has it."""
    return Cuts(cut, model.cuts[topic].mention)


def hearing(said: Said, served: Model, routes: Sequence[Route], topic: str) -> Hearing:
    """Who hears what, as routing says; `served` has the cuts that serve now, for the other topics."""
    listeners = _Listeners(routes)
    shape = (said.articles, len(listeners.receivers))
    as_main, as_mention, otherwise = (np.zeros(shape, dtype=np.bool_) for _ in range(3))
    for row, (language, likely) in enumerate(zip(said.languages, said.of(topic).tolist(), strict=True)):
        rounded = round(likely, 4)
        as_main[row] = listeners.of(language, [(topic, _MAIN, rounded)])
        as_mention[row] = listeners.of(language, [(topic, _MENTION, rounded)])
    others: dict[int, list[tuple[str, int, float]]] = {}
    for column, other in enumerate(said.model.topics):
        if other == topic or other in served.retired:
            continue
        likely = said.probabilities[:, column]
        grades = _grades(likely, served.cuts[other])
        for row in np.flatnonzero(grades).tolist():
            others.setdefault(row, []).append((other, int(grades[row]), round(float(likely[row]), 4)))
    for row, tags in others.items():
        otherwise[row] = listeners.of(said.languages[row], tags)
    return Hearing(listeners.receivers, as_main, as_mention, otherwise)


def outlook(
    said: Said, heard: Hearing, topic: str, before: Cuts, after: Cuts, marks: Mapping[int, Mark]
) -> Outlook:
    """What other cuts of a topic would have made; `marks` are what desks say of it, by article."""
    likely = said.of(topic)
    grades = _grades(likely, before), _grades(likely, after)
    was, will = (_heard(heard, each) for each in grades)
    lost, gained = was & ~will, will & ~was
    right = np.isin(said.ids, [article for article, mark in marks.items() if mark is Mark.RIGHT])
    tallies = {
        name: Tally(
            before=int(was[:, column].sum()),
            after=int(will[:, column].sum()),
            gained=int(gained[:, column].sum()),
            lost=int(lost[:, column].sum()),
            lost_right=int((lost[:, column] & right).sum()),
        )
        for column, name in enumerate(heard.receivers)
    }
    alerts = {
        name: (
            int((was | heard.otherwise)[:, column].sum()),
            int((will | heard.otherwise)[:, column].sum()),
        )
        for column, name in enumerate(heard.receivers)
    }
    mains = [each == _MAIN for each in grades]
    return Outlook(
        before=before,
        after=after,
        said=(int(mains[0].sum()), int(mains[1].sum())),
        false=(float((1 - likely[mains[0]]).sum()), float((1 - likely[mains[1]]).sum())),
        tallies=tallies,
        alerts=alerts,
        lost=_changes(said, heard, topic, lost, marks),
        gained=_changes(said, heard, topic, gained, marks),
    )


def judged(said: Said, topic: str, cut: float, marks: Mapping[int, Mark]) -> Judged:
    """How many of the judged articles a cut lets through; those of which people disagree count nowhere."""
    likely = said.of(topic)
    counts = {}
    for mark in (Mark.RIGHT, Mark.WRONG):
        asked = np.isin(said.ids, [article for article, each in marks.items() if each is mark])
        counts[mark] = int((asked & (likely >= cut)).sum()), int(asked.sum())
    (right, all_right), (wrong, all_wrong) = counts[Mark.RIGHT], counts[Mark.WRONG]
    return Judged(right, wrong, all_right, all_wrong)


def _grades(likely: Floats, cuts: Cuts) -> Grades:
    found = np.where(likely >= cuts.main, _MAIN, np.where(likely >= cuts.mention, _MENTION, _NONE))
    return np.where(likely == _NO_PASSAGE, _NONE, found).astype(np.int8)


def _heard(heard: Hearing, grades: Grades) -> Flags:
    as_main = heard.as_main & (grades == _MAIN)[:, None]
    found: Flags = as_main | (heard.as_mention & (grades == _MENTION)[:, None])
    return found


def _changes(
    said: Said, heard: Hearing, topic: str, changed: Flags, marks: Mapping[int, Mark]
) -> tuple[Change, ...]:
    likely = said.of(topic)
    found = []
    for row in np.flatnonzero(changed.any(axis=1)).tolist():
        article = int(said.ids[row])
        names = tuple(np.array(heard.receivers, dtype=object)[changed[row]].tolist())
        found.append(Change(row, article, float(likely[row]), names, marks.get(article)))
    return tuple(
        sorted(found, key=lambda each: (each.mark is not Mark.RIGHT, -each.probability, -each.article))
    )


class _Listeners:
    """Who hears of tags, by the code that decides for intake; what is alike for it is decided once."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes
        self._least = sorted({route.min_probability for route in routes})
        self._known: dict[tuple[object, ...], Flags] = {}
        self.receivers = tuple(dict.fromkeys(route.receiver for route in routes))

    def of(self, language: str | None, tags: Sequence[tuple[str, int, float]]) -> Flags:
        alike = [
            (topic, grade, sum(likely >= least for least in self._least)) for topic, grade, likely in tags
        ]
        key = (language, *alike)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._decide(language, tags)
        return found

    def _decide(self, language: str | None, tags: Sequence[tuple[str, int, float]]) -> Flags:
        made = tuple(
            Tag(topic, Grade.MAIN if grade == _MAIN else Grade.MENTION, likely, ())
            for topic, grade, likely in tags
        )
        tagged = Tagged(Article("", language=language), made, {}, "")
        carried = {route.receiver for route in self._routes if routing.match(tagged, route).topics}
        return np.array([name in carried for name in self.receivers], dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class Quote:
    """The passage of an article that speaks most for a topic, and its words."""

    passage: str
    words: tuple[str, ...]


class Lookout:
    """Keeps what the served model says of the last days' articles; one for a process."""

    def __init__(self, settings: Settings, database: Database, *, most: int = MOST) -> None:
        self._settings = settings
        self._database = database
        self._most = most
        self._lock = threading.Lock()  # a model is for one thread at a time
        self._last: Said | None = None
        self._hearings: dict[str, tuple[Said, Mapping[str, Cuts], Hearing]] = {}
        self._quotes: dict[tuple[str, int, str], Quote] = {}
        self._meanwhile = Meanwhile(self._look, fresh=_FRESH)
        self.progress = (0, 0)  # articles looked at, and all

    def said(self, wait: float) -> Said | None:
        """What is known; None where it is still being found out, which is begun, after so many seconds."""
        found = self._meanwhile.ask(wait)
        if found is not None and found.model.version != current_version(self._settings.models):
            return None
        return found

    @property
    def failed(self) -> bool:
        """Whether it could not be found out, for a reason that stands in the log."""
        return self._meanwhile.failed

    def settle(self, wait: float) -> bool:
        """Wait until the thread rests."""
        return self._meanwhile.settle(wait)

    def hearing(self, said: Said, served: Model, topic: str) -> Hearing:
        """Who hears what, kept for the topics that were asked for last."""
        known = self._hearings.get(topic)
        if known is not None and known[0] is said and known[1] is served.cuts:
            return known[2]
        found = hearing(said, served, self._settings.routes, topic)
        if len(self._hearings) >= _HEARINGS:
            self._hearings.pop(next(iter(self._hearings)), None)
        self._hearings[topic] = (said, served.cuts, found)
        return found

    def quotes(self, said: Said, topic: str, articles: Mapping[int, Article]) -> dict[int, Quote]:
        """What speaks most for a topic in some articles, whether it is said of them or not."""
        version = said.model.version
        asked = {id: article for id, article in articles.items() if (version, id, topic) not in self._quotes}
        if asked:
            if len(self._quotes) + len(asked) > _QUOTES:
                self._quotes.clear()
            others = frozenset(said.model.topics) - {topic}
            quoting = replace(said.model, retired=others).with_cuts({topic: Cuts(0.0, 0.0)})
            with self._lock:
                tagged = quoting.tag_all(asked.values())
            for id, each in zip(asked, tagged, strict=True):
                self._quotes[version, id, topic] = _quote(each)
        return {id: self._quotes.get((version, id, topic), Quote("", ())) for id in articles}

    def _look(self) -> Said:
        """Only what is new is looked at, unless the model is."""
        model = self._model()
        now = clock.now()
        since = now - timedelta(days=DAYS)
        with self._database.reading() as connection:
            window, cut_short = _window(connection, since, self._most)
        last = self._last if self._last is not None and self._last.model is model else None
        kept = last.ids >= window.first if last is not None else np.zeros(0, dtype=np.bool_)
        new = window
        if last is not None and len(last.ids):
            new = replace(window, first=max(window.first, int(last.ids[-1]) + 1))
        ids, languages, rows = self._look_at(model, new, window.articles - int(kept.sum()))
        if last is not None:
            ids = np.concatenate([last.ids[kept], ids])
            old = [each for each, still in zip(last.languages, kept.tolist(), strict=True) if still]
            languages = [*old, *languages]
            rows = np.concatenate([last.probabilities[kept], rows])
        self._last = Said(model, window.since, now, window.began, ids, tuple(languages), rows, cut_short)
        return self._last

    def _look_at(self, model: Model, span: Span, number: int) -> tuple[Numbers, list[str | None], Floats]:
        ids: list[int] = []
        languages: list[str | None] = []
        rows = [np.zeros((0, len(model.topics)))]
        self.progress = (0, number)
        for recorded in replaying.parts(self._database, span, most=_AT_ONCE):
            with self._lock:
                likely = model.probabilities([each.article for each in recorded])
            likely[[not each.article.text.strip() for each in recorded]] = _NO_PASSAGE
            ids += [each.id for each in recorded]
            languages += [each.article.language for each in recorded]
            rows.append(likely)
            self.progress = (len(ids), max(number, len(ids)))
            time.sleep(_BREATH)
        return np.array(ids, dtype=np.int64), languages, np.concatenate(rows)

    def _model(self) -> Model:
        """The model that serves, with its own cuts; the same one while it does."""
        version = current_version(self._settings.models)
        if self._last is not None and self._last.model.version == version:
            return self._last.model
        return load_model(self._settings.models)


def _window(connection: Connection, since: datetime, most: int) -> tuple[Span, bool]:
    """The newest articles since a moment, as many as there is room for; whether there are more."""
    asked = {"since": to_text(since), "most": most + 1}
    number, first, last, began = connection.execute(_WINDOW, asked).one()
    if number <= most:
        return Span(since, number, first, last, from_text(began) if began else None), False
    number, first, last, began = connection.execute(_WINDOW, asked | {"most": most}).one()
    return Span(from_text(began), number, first, last, from_text(began)), True


def _quote(tagged: Tagged) -> Quote:
    for tag in tagged.tags:
        for evidence in tag.evidence:
            return Quote(evidence.passage, tuple(word for word, weight in evidence.words if weight > 0))
    return Quote("", ())
