"""Queue: what people should decide next, one key a decision."""

from __future__ import annotations

import logging
import threading
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import urlencode

import numpy as np
from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel
from sqlalchemy import Connection, Row

from classifier import ModelError, read_folds, shorten
from daemon import clock, decisions, feedback
from daemon.decisions import Decision
from daemon.desk import articles, deciding, waiting
from daemon.desk.articles import ArticleShown
from daemon.desk.deciding import Choice, Chosen
from daemon.desk.doors import Editor, Reader
from daemon.desk.people import Person
from daemon.desk.progress import last_trained, progress
from daemon.desk.recent import Recent
from daemon.desk.rendering import page
from daemon.desk.state import Desk, desk_of
from daemon.desk.turns import Turns
from daemon.desk.waiting import Entry, Kind, Known, Order, Waiting
from daemon.desk.worth import Labels
from daemon.neutral import cleaned
from daemon.verdicts import Verdict

logger = logging.getLogger(__name__)
router = APIRouter()

_MOST_PASSAGES, _LONGEST_PASSAGE, _LONGEST_OPENING = 2, 500, 600
_MOST_PEOPLE = 5  # of whom it is told what they said meanwhile
_MOST_DIGITS = 18
_FINGERPRINT = 64
_LETTERS = "abcdefghijklmnopqrstuvwxyz"

_making = threading.Lock()


@dataclass
class _Kept:
    """What the queue keeps in memory, for a desk. `labels`: those of the model of a version."""

    recent: Recent = field(default_factory=Recent)
    turns: Turns = field(default_factory=Turns)
    labels: tuple[str, Labels] = ("", {})


@dataclass(frozen=True, slots=True)
class View:
    """Which kinds somebody works through, and in which order."""

    kinds: frozenset[Kind]
    order: Order

    def address(self, **more: object) -> str:
        kinds = [each for each in Kind if each in self.kinds] if len(self.kinds) < len(Kind) else []
        chosen = [("kinds", each.value) for each in kinds]
        order = [("order", self.order.value)] if self.order is not Order.WORTH else []
        query = urlencode([*chosen, *order, *((name, str(value)) for name, value in more.items())])
        return f"/queue?{query}" if query else "/queue"


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry as it is shown: what is read of the article, who says what, and the mark of that.

    `offered` is the topic that one key says yes to. `passages` carry the tag, or are how the text begins.
    """

    entry: Entry
    article: ArticleShown
    offered: str | None
    passages: tuple[str, ...]
    said: tuple[Row[object], ...]
    mark: str


@dataclass(frozen=True, slots=True)
class Statement:
    """What somebody said of an article, in short. `only_right`: what it is not about goes without saying."""

    person: str
    said: tuple[tuple[str, str], ...]  # topic and verdict
    only_right: bool

    @property
    def right(self) -> list[str]:
        return [topic for topic, verdict in self.said if verdict == Verdict.RIGHT]


@dataclass(frozen=True, slots=True)
class News:
    """What came of what somebody did last: `what` is a word that the page knows."""

    what: str
    headline: str = ""
    statements: tuple[Statement, ...] = ()


class Posted(BaseModel):
    """A form of the queue. What it means is for `_chosen` to say: a browser can send anything."""

    kind: str = ""
    article: str = ""
    topic: str = ""
    mark: str = ""
    choice: str = ""
    other: list[str] = []
    kinds: list[str] = []
    order: str = ""

    @property
    def view(self) -> View:
        return _view(self.kinds, self.order)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a form. `more` stands in the address of the page that follows; `status` is that of a
    page that stands where the form was sent, for nothing came of it. `told` is what the log says of it.
    """

    news: News | None
    status: int = 303
    more: Mapping[str, int] = field(default_factory=dict)
    told: Mapping[str, str] = field(default_factory=dict)


@router.get("/queue")
def queue(request: Request, person: Reader) -> Response:
    given = request.query_params
    view = _view(given.getlist("kinds"), given.get("order", ""))
    with desk_of(request).database.reading() as connection:
        news = News("skipped") if "skipped" in given else None
        for what in ("done", "undone"):
            decision = decisions.one(connection, _number(given.get(what, "")))
            if decision is not None and decision.person == person.name:
                news = _news(connection, what, decision)
        return _page(request, connection, person, view, news, at=_number(given.get("at", "")))


@router.post("/queue")
def decide(request: Request, person: Editor, posted: Annotated[Posted, Form()]) -> Response:
    """Write a decision, if the entry is still what it was when it was shown."""
    desk, turns = desk_of(request), _kept(request).turns
    asked = list(desk.topics())
    with desk.database.transaction() as connection:
        outcome = _decided(connection, turns, posted, person, asked)
    _say(outcome, person)
    return _answer(request, person, posted.view, outcome)


@router.post("/queue/undo")
def undo(request: Request, person: Editor, posted: Annotated[Posted, Form()]) -> Response:
    """Take back the last step of this person: a skip, or a decision."""
    skipped = _kept(request).turns.unskip(person.name)
    if skipped is not None:
        return _answer(request, person, posted.view, Outcome(News("brought-back"), more={"at": skipped[1]}))
    with desk_of(request).database.transaction() as connection:
        outcome = _undone(connection, person)
    _say(outcome, person)
    return _answer(request, person, posted.view, outcome)


@router.post("/queue/again")
def again(request: Request, person: Editor, posted: Annotated[Posted, Form()]) -> Response:
    """What this person skipped waits again."""
    _kept(request).turns.bring_back(person.name)
    return _answer(request, person, posted.view, Outcome(News("brought-back")))


def _decided(
    connection: Connection, turns: Turns, posted: Posted, person: Person, asked: Sequence[str]
) -> Outcome:
    chosen = _chosen(connection, posted)
    if chosen is None:
        return Outcome(News("unreadable"), 400)
    topic = None if chosen.kind is Kind.MISSED else chosen.topic
    if chosen.choice is Choice.SKIP and (topic is None or topic in asked):
        turns.skip(person.name, (chosen.kind, chosen.article, topic))
        return Outcome(News("skipped"), more={"skipped": 1})
    verdicts = deciding.verdicts_of(chosen, asked)
    if verdicts is None:
        return Outcome(News("unreadable"), 400)
    found = deciding.sides(connection, chosen.kind, chosen.article, topic)
    if found.mark != posted.mark or not deciding.is_open(connection, chosen.kind, chosen.article, found):
        return Outcome(_meanwhile(connection, chosen, found.said), 409)
    number = deciding.decide(connection, chosen, verdicts, person=person.name, now=clock.now())
    turns.decided(person.name)
    decision = decisions.one(connection, number)
    told = {"said": ",".join(f"{topic} {verdict}" for topic, verdict in verdicts.items())}
    return Outcome(
        _news(connection, "done", decision) if decision else None,
        more={"done": number},
        told={"article": feedback.id_of(connection, chosen.article), **told},
    )


def _say(outcome: Outcome, person: Person) -> None:
    """One line for a decision that was written, or taken back."""
    if outcome.told:
        logger.info("decision taken", extra={"work": "verdict", **outcome.told, "person": person.name})


def _undone(connection: Connection, person: Person) -> Outcome:
    undone = deciding.undo(connection, person=person.name, now=clock.now())
    if undone is None:
        return Outcome(News("nothing"), 409)
    decision = undone.decision
    if undone.kept:
        return Outcome(_news(connection, "kept", decision), 409)
    more = {"undone": decision.id, "at": decision.article}
    told = {"article": feedback.id_of(connection, decision.article), "said": "undone"}
    return Outcome(_news(connection, "undone", decision), more=more, told=told)


def _answer(request: Request, person: Person, view: View, outcome: Outcome) -> Response:
    """The next entry: in place of this one, or where there is no JavaScript by its address."""
    if outcome.status == 303 and not _is_part(request):
        return RedirectResponse(view.address(**outcome.more), 303)
    with desk_of(request).database.reading() as connection:
        at = outcome.more.get("at", 0)
        return _page(request, connection, person, view, outcome.news, at=at, status=outcome.status)


def _chosen(connection: Connection, posted: Posted) -> Chosen | None:
    """What a form says; None where it says nothing that could be."""
    # The whole fingerprint: a form that somebody left open never means another article.
    if len(posted.article) != _FINGERPRINT or posted.kind not in list(Kind):
        return None
    article = articles.identity_of(connection, posted.article)
    if article is None:
        return None
    kind, others = Kind(posted.kind), tuple(dict.fromkeys(posted.other))
    choice = posted.choice
    if not choice and others:
        choice = Choice.ABOUT if kind is Kind.MISSED else Choice.OTHER
    if choice not in list(Choice):
        return None
    return Chosen(kind, article, posted.topic or None, Choice(choice), others)


def _page(
    request: Request,
    connection: Connection,
    person: Person,
    view: View,
    news: News | None,
    *,
    at: int = 0,
    status: int = 200,
) -> Response:
    """The queue, with `at` the article that stands first if it waits."""
    desk, kept, now = desk_of(request), _kept(request), clock.now()
    titles = desk.topics()
    untrained = waiting.untrained(connection, last_trained(connection) or "")
    known = _known(desk, kept, titles)
    found = waiting.waiting(connection, kept.recent, known, untrained=untrained, now=now)
    standing = progress(connection, person.name, now)
    entries = waiting.in_order(found, view.kinds, view.order, decided=standing.own)
    entries.sort(key=lambda each: each.article != at)
    entry = kept.turns.first(person.name, entries, takes=person.may_change)
    last = decisions.last(connection, person.name, since=now - deciding.UNDONE_WITHIN)
    is_part = _is_part(request)
    return page(
        request,
        "part_queue.html" if is_part else "queue.html",
        status=200 if is_part else status,  # htmx shows no other
        shown=_shown(connection, entry, titles) if entry else None,
        news=news,
        view=view,
        kinds=list(Kind),
        tallies=_tallies(found),
        waits=bool(entries),
        skipped=kept.turns.skipped(person.name, entries),
        progress=standing,
        last=_news(connection, "done", last) if last else None,
        was_skip=kept.turns.has_skipped(person.name),
        titles=titles,
        lettered=list(zip(_LETTERS.ljust(len(titles)), titles.items(), strict=False)),
        may_decide=person.may_change,
        is_part=is_part,
        days=waiting.DAYS,
    )


def _shown(connection: Connection, entry: Entry, titles: Container[str]) -> Shown:
    (article,) = articles.shown(connection, [entry.article])
    found = deciding.sides(connection, entry.kind, entry.article, entry.topic)
    offered = entry.topic
    if entry.kind is Kind.MISSED:
        nearest = waiting.nearest(connection, entry.article)
        offered = nearest if nearest in titles else None
    tag = next((tag for tag in article.tags if tag.topic == offered), None)
    passages = tag.passages[:_MOST_PASSAGES] if tag else ()
    return Shown(
        entry,
        article,
        offered,
        tuple(shorten(cleaned(each), _LONGEST_PASSAGE) for each in passages) or _opening(article),
        tuple(waiting.standing(found.said)) if entry.kind is Kind.DISPUTED else (),
        found.mark,
    )


def _opening(article: ArticleShown) -> tuple[str, ...]:
    text = article.text.removeprefix(article.title or "")[: 2 * _LONGEST_OPENING]
    found = shorten(cleaned(text), _LONGEST_OPENING)
    return (found,) if found else ()


def _news(connection: Connection, what: str, decision: Decision) -> News:
    said = tuple((topic, verdict) for topic, (verdict, _) in decision.said.items())
    statement = Statement(decision.person, said, decision.kind == Kind.MISSED)
    return News(what, _headline(connection, decision.article), (statement,))


def _meanwhile(connection: Connection, chosen: Chosen, rows: Sequence[Row[object]]) -> News:
    """What people have said since an entry was shown: whoever spoke last first."""
    people: dict[str, list[tuple[str, str]]] = {}
    for row in reversed(rows):
        people.setdefault(row.person, []).append((row.topic, row.verdict))
    only_right = chosen.kind is Kind.MISSED
    statements = [Statement(person, tuple(said), only_right) for person, said in people.items()]
    return News("meanwhile", _headline(connection, chosen.article), tuple(statements[:_MOST_PEOPLE]))


def _headline(connection: Connection, article: int) -> str:
    found = articles.shown(connection, [article])
    return cleaned(found[0].headline) if found else ""


def _tallies(found: Waiting) -> dict[Kind, str]:
    return {
        kind: f"{waiting.MOST}+" if len(entries) > waiting.MOST else str(len(entries))
        for kind, entries in found.items()
    }


def _known(desk: Desk, kept: _Kept, titles: Mapping[str, str]) -> Known:
    """Without a model that can serve nothing is doubted."""
    try:
        model = desk.models.served()
        if kept.labels[0] != model.version:
            kept.labels = (model.version, _labels(desk, model.version))
    except ModelError:
        return Known(titles, {}, {})
    cuts = {topic: cut for topic, cut in model.cuts.items() if topic in titles}
    return Known(titles, cuts, kept.labels[1])


def _labels(desk: Desk, version: str) -> Labels:
    """How many articles a version was trained on, by main topic and language."""
    try:
        folds = read_folds(desk.settings.models, version)
    except ModelError:
        return {}
    if folds is None:
        return {}
    languages = np.array(folds.languages)
    return {
        (topic, str(language)): int(number)
        for language in set(folds.languages)
        for topic, number in zip(folds.topics, folds.main[languages == language].sum(axis=0), strict=True)
    }


def _kept(request: Request) -> _Kept:
    with _making:
        state = request.app.state
        if not hasattr(state, "queue"):
            state.queue = _Kept()
        found = state.queue
    assert isinstance(found, _Kept)
    return found


def _view(kinds: Sequence[str], order: str) -> View:
    """What is not known does not matter: an address is easily mistyped."""
    chosen = frozenset(Kind(each) for each in kinds if each in list(Kind))
    return View(chosen or frozenset(Kind), Order(order) if order in list(Order) else Order.WORTH)


def _number(given: str) -> int:
    is_one = given.isascii() and given.isdecimal() and len(given) <= _MOST_DIGITS
    return int(given) if is_one else 0


def _is_part(request: Request) -> bool:
    return request.headers.get("HX-Request") == "true"
