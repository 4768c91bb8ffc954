"""Article: the whole text and why it was tagged so, what people said of it, and the place to correct it."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Form, HTTPException, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Connection

from classifier import (
    Article,
    ClassifierError,
    Cuts,
    LabelledPassage,
    Model,
    Passage,
    Spoken,
    passages_of,
    serves_examples,
    spoken,
)
from daemon import clock, feedback, passages, verdicts
from daemon.desk import articles, marking
from daemon.desk.articles import ArticleShown, identity_of
from daemon.desk.doors import Editor, Reader
from daemon.desk.dossier import Dossier, EvidenceShown, gather
from daemon.desk.languages import marked
from daemon.desk.marking import Part, Quoted
from daemon.desk.people import Person
from daemon.desk.rendering import direction, page
from daemon.desk.state import Desk, desk_of
from daemon.neutral import address
from daemon.passages import LabelledElsewhereError
from daemon.sayings import Said, Saying
from daemon.verdicts import Verdict, VerdictRecord

logger = logging.getLogger(__name__)
router = APIRouter(prefix="/articles")

MOST_AT_ONCE = 60_000  # characters of a text on one page
_MOST_LINES = 2_000
_MOST_EXPLAINED = 20_000  # passages; an article of a megabyte has five thousand
_STRONGEST = 10
_LONGEST_LINK = 2000

DONE: Mapping[str, str] = {
    "right": marked("Noted: right."),
    "wrong": marked("Noted: wrong."),
    "settled": marked("The dispute is settled."),
    "undone": marked("Undone."),
    "nothing": marked("There was nothing of yours to undo."),
    "labelled": marked("The passage is labelled; the next training learns from it."),
    "taken": marked("The label is taken away."),
    "unlabelled": marked("This passage had no label here."),
}
SAID: Mapping[Said, str] = {
    Said.RIGHT: marked("right"),
    Said.WRONG: marked("wrong"),
    Said.WITHDRAWN: marked("nothing any more"),
}
STATES: Mapping[str, str] = {
    "held": marked("waits for a digest"),
    "pending": marked("waiting"),
    "sending": marked("on its way"),
    "unknown": marked("may have arrived"),
    "parked": marked("parked"),
    "sent": marked("sent"),
    "merged": marked("sent with others"),
    "dead": marked("given up"),
}
FORMS: Mapping[str, str] = {
    "alert": marked("alert"),
    "burst": marked("one of many at once"),
    "quiet": marked("after quiet hours"),
    "list": marked("in a list"),
    "digest": marked("digest"),
    "question": marked("question"),
}

Id = Annotated[str, Path(min_length=8, max_length=64, pattern="^[0-9a-f]+$")]
TopicName = Annotated[str, Form(max_length=80)]
Chosen = Annotated[str, Query(max_length=80)]
PartNumber = Annotated[int, Query(ge=1, le=100_000)]
Place = Annotated[int, Query(ge=0, le=2**31)]


@dataclass(frozen=True, slots=True)
class Heard:
    """What the model that serves says of an article. `cuts` and `probabilities` by topic."""

    version: str
    probabilities: Mapping[str, float]
    cuts: Mapping[str, Cuts]
    spoken: Spoken | None  # of the chosen topic, where the model has it


@dataclass(frozen=True, slots=True)
class TagRow:
    """A topic that was said of the article, or of which people said something. `mine`: what whoever looks
    says of it. `probability` is that of the tag, else that of the model that serves.
    """

    topic: str
    title: str
    grade: str | None
    probability: float | None
    cuts: Cuts | None
    evidence: tuple[EvidenceShown, ...]
    said: tuple[VerdictRecord, ...]
    disputed: bool
    mine: Verdict | None


@dataclass(frozen=True, slots=True)
class Unsaid:
    """A topic that was not said of the article."""

    topic: str
    title: str
    probability: float
    cuts: Cuts


@dataclass(frozen=True, slots=True)
class View:
    """What somebody asked to see: the topic whose words are coloured, the part of the text, and whether
    passages are to be labelled, and which.
    """

    topic: str = ""
    part: int = 1
    label: bool = False
    passage: int | None = None

    def query(self, **changes: str | int) -> str:
        """The address behind the article's own, with some of it changed; what is usual is left out."""
        asked = {"topic": self.topic, "part": self.part, "label": int(self.label)} | changes
        usual = {"topic": "", "part": 1, "label": 0}
        kept = {key: value for key, value in asked.items() if value != usual.get(key)}
        return f"?{urlencode(kept)}" if kept else ""


@router.get("/{id_}", response_class=HTMLResponse)
def article(
    request: Request,
    person: Reader,
    id_: Id,
    topic: Chosen = "",
    part: PartNumber = 1,
    label: Literal["", "0", "1"] = "",
    passage: Place | None = None,
    done: Annotated[str, Query(max_length=20)] = "",
) -> HTMLResponse:
    view = View(topic, part, label == "1" and person.may_change, passage)
    return _shown(request, person, id_, view, said=DONE.get(done, ""))


@router.post("/{id_}/verdicts")
def judge(
    request: Request,
    person: Editor,
    id_: Id,
    topic: TopicName,
    verdict: Annotated[Verdict, Form()],
    settles: Annotated[Literal["", "1"], Form()] = "",
    shown: TopicName = "",
) -> Response:
    desk = desk_of(request)
    with desk.database.transaction() as connection:
        identity = _identity(connection, id_)
        if topic not in desk.topics() and not _is_tagged(connection, identity, topic):
            raise HTTPException(422, marked("There is no such topic."))
        feedback.judge(
            connection,
            article=identity,
            topic=topic,
            verdict=verdict,
            person=person.name,
            now=clock.now(),
            settles=settles == "1",
        )
    done = "settled" if settles else verdict.value
    _say(person, id_, topic, done)
    return _judged(request, person, id_, View(shown), done)


@router.post("/{id_}/undo")
def undo(request: Request, person: Editor, id_: Id, topic: TopicName = "", shown: TopicName = "") -> Response:
    """Back to what this person had said of the topic before; without one, of that of their last word."""
    with desk_of(request).database.transaction() as connection:
        identity = _identity(connection, id_)
        meant = topic or _last_topic(connection, identity, person)
        undone = bool(meant) and feedback.undo(
            connection, article=identity, topic=meant, person=person.name, now=clock.now()
        )
    if undone:
        _say(person, id_, meant, "undone")
    return _judged(request, person, id_, View(shown), "undone" if undone else "nothing")


@router.post("/{id_}/labels")
def label(
    request: Request,
    person: Editor,
    id_: Id,
    passage: Annotated[int | None, Form(ge=0, le=2**31)] = None,
    about: Annotated[tuple[str, ...], Form(max_length=200)] = (),
    action: Annotated[Literal["label", "none", "take away"], Form()] = "label",
    shown: TopicName = "",
    part: Annotated[int, Form(ge=1, le=100_000)] = 1,
) -> Response:
    """Say what a passage is about: a label that the next training learns from; or take the label away."""
    desk = desk_of(request)
    view = View(shown, part, label=True, passage=passage)
    with desk.database.reading() as connection:
        found = _dossier(connection, id_).article
    cut_up = {each.start: each for each in passages_of(_as_article(found))}
    if passage is None or passage not in cut_up:
        return _refused(request, person, id_, view, marked("Choose a passage first."))
    if action == "label" and not about:
        said = marked("Choose the topics of the passage, or say that it is about none of them.")
        return _refused(request, person, id_, view, said)
    if not set(about) <= passages.topics(desk.home).keys():
        return _refused(request, person, id_, view, marked("There is no such topic."))
    given = cut_up[passage].text
    if action == "take away":
        done = "taken" if passages.take_back(desk.home, given) else "unlabelled"
    else:
        topics = about if action == "label" else ()
        try:
            passages.label(desk.home, given, topics, person=person.name, article=found.id, now=clock.now())
        except LabelledElsewhereError as error:
            said = marked("This passage is labelled already in another file; change it there:")
            return _refused(request, person, id_, view, said, where=error.place)
        done = "labelled"
    # Without a fragment: a browser would go there and leave the chosen passage without the focus.
    return RedirectResponse(f"/articles/{id_}{view.query(passage=passage, done=done)}", 303)


def _shown(
    request: Request,
    person: Person,
    id_: str,
    view: View,
    *,
    said: str = "",
    problem: str = "",
    where: str = "",
    status: int = 200,
) -> HTMLResponse:
    desk = desk_of(request)
    with desk.database.reading() as connection:
        dossier = _dossier(connection, id_)
    found = dossier.article
    parts = marking.parts(found.text, MOST_AT_ONCE, _MOST_LINES)
    part = _part_of(parts, view)
    cut_up = passages_of(_as_article(found))
    heard = _heard(desk, found, cut_up, view.topic, part)
    titles = desk.topics()
    quoted = _quoted(dossier)
    lines = marking.lines(
        found.text,
        part,
        cut_up,
        quoted,
        usual=direction(found.language),
        spoken=heard.spoken.passages if heard and heard.spoken else (),
    )
    return page(
        request,
        "article.html",
        status=status,
        **_known(dossier, heard, titles, person, view),
        said=said,
        problem=problem,
        where=where,
        url=address(found.url, _LONGEST_LINK),
        lines=lines,
        part=part,
        parts=parts,
        places=_places(parts, quoted),
        strongest=_strongest(found.text, heard),
        focused=_focused(cut_up, part, view),
        labels=_labels(desk, cut_up, part) if view.label else {},
        label_topics=passages.topics(desk.home) if view.label else {},
        explained=len(cut_up) <= _MOST_EXPLAINED,
        taught=not serves_examples(desk.settings.models),
        states=STATES,
        forms=FORMS,
    )


def _say(person: Person, id_: str, topic: str, said: str) -> None:
    told = {"work": "verdict", "article": id_[:16], "topic": topic, "said": said, "person": person.name}
    logger.info("verdict taken", extra=told)


def _judged(request: Request, person: Person, id_: str, view: View, done: str) -> Response:
    """The part of the page that a verdict changes, for htmx; else the page anew."""
    if not request.headers.get("hx-request"):
        return RedirectResponse(f"/articles/{id_}{view.query(done=done)}#judged", 303)
    desk = desk_of(request)
    with desk.database.reading() as connection:
        dossier = _dossier(connection, id_)
    heard = _heard(desk, dossier.article, passages_of(_as_article(dossier.article)), "", Part(1, 0, 0))
    known = _known(dossier, heard, desk.topics(), person, view)
    return page(request, "part_judged.html", **known, said=DONE[done])


def _refused(
    request: Request, person: Person, id_: str, view: View, problem: str, *, where: str = ""
) -> HTMLResponse:
    return _shown(request, person, id_, view, problem=problem, where=where, status=422)


def _known(
    dossier: Dossier, heard: Heard | None, titles: Mapping[str, str], person: Person, view: View
) -> dict[str, Any]:
    """What both the page and the part of it that a verdict changes are made from."""
    rows = _tag_rows(dossier, heard, titles, person)
    shown = {row.topic for row in rows}
    unsaid = _unsaid(heard, titles, shown) if heard else []
    return {
        "dossier": dossier,
        "article": dossier.article,
        "heard": heard,
        "titles": titles,
        "rows": rows,
        "unsaid": unsaid,
        "view": view,
        "may_undo": _last_of(dossier.history, dossier.verdicts, person) is not None,
        "said_words": SAID,
    }


def _unsaid(heard: Heard, titles: Mapping[str, str], shown: Collection[str]) -> list[Unsaid]:
    """The other topics of the model that serves, likeliest first."""
    found = [
        Unsaid(topic, titles[topic], probability, heard.cuts[topic])
        for topic, probability in heard.probabilities.items()
        if topic not in shown and topic in titles
    ]
    return sorted(found, key=lambda each: (-each.probability, each.title))


def _tag_rows(
    dossier: Dossier, heard: Heard | None, titles: Mapping[str, str], person: Person
) -> list[TagRow]:
    """The tags, likeliest first, and then the topics of which people alone said something."""
    tags = {tag.topic: tag for tag in dossier.article.tags}
    found = []
    for topic in dict.fromkeys([*tags, *(each.topic for each in dossier.verdicts)]):
        tag, said = tags.get(topic), dossier.said_of(topic)
        likely = heard.probabilities.get(topic) if heard else None
        found.append(
            TagRow(
                topic,
                titles.get(topic, topic),
                tag.grade if tag else None,
                tag.probability if tag else likely,
                heard.cuts.get(topic) if heard else None,
                dossier.evidence.get(topic, ()),
                said,
                dossier.is_disputed(topic),
                next((each.verdict for each in said if each.person == person.name), None),
            )
        )
    return found


def _heard(
    desk: Desk, found: ArticleShown, cut_up: tuple[Passage, ...], topic: str, part: Part
) -> Heard | None:
    """None where no model can serve or the topics cannot be read; and for a text of so many passages that
    to look at each takes seconds.
    """
    if len(cut_up) > _MOST_EXPLAINED:
        return None
    given = _as_article(found)
    try:
        with desk.models.at_work() as model:
            likely = dict(model.tag(given).probabilities)
            said = _spoken(model, given, topic, part)
    except ClassifierError as error:
        logger.warning("no model explains an article", extra={"article": found.id, "error": str(error)})
        return None
    return Heard(model.version, likely, model.cuts, said)


def _spoken(model: Model, given: Article, topic: str, part: Part) -> Spoken | None:
    if topic not in model.topics:
        return None
    return spoken(model, given, topic, start=part.start, end=part.end)


def _quoted(dossier: Dossier) -> list[Quoted]:
    """The evidence of the tags, where it stands in the text."""
    found = [
        marking.placed(dossier.article.text, topic, each.passage, each.start, each.probability)
        for topic, evidence in dossier.evidence.items()
        for each in evidence
    ]
    return [each for each in found if each is not None]


def _places(parts: tuple[Part, ...], quoted: list[Quoted]) -> dict[tuple[str, int], int]:
    """In which part of the text the evidence of a topic begins that starts there."""
    return {
        (each.topic, each.start): next((part.number for part in parts if each.start < part.end), 1)
        for each in quoted
    }


def _strongest(text: str, heard: Heard | None) -> tuple[list[tuple[str, float]], list[tuple[str, float]]]:
    """The words that add most for and against the chosen topic in the passages that counted."""
    sums: dict[str, float] = {}
    for each in heard.spoken.passages if heard and heard.spoken else ():
        for word in each.words if each.counted else ():
            written = text[word.start : word.end]
            sums[written] = sums.get(written, 0.0) + word.value
    ranked = sorted(sums.items(), key=lambda each: -each[1])
    helped = [each for each in ranked if each[1] > 0][:_STRONGEST]
    hindered = [each for each in reversed(ranked) if each[1] < 0][:_STRONGEST]
    return helped, hindered


def _labels(desk: Desk, cut_up: tuple[Passage, ...], part: Part) -> dict[int, LabelledPassage]:
    """What the passages of a part are labelled with at the desk, by where they start."""
    known = passages.labelled(desk.home)
    found = {
        each.start: passages.said_of(known, each.text)
        for each in cut_up
        if part.start <= each.start < part.end
    }
    return {start: said for start, said in found.items() if said is not None}


def _focused(cut_up: tuple[Passage, ...], part: Part, view: View) -> int | None:
    """The passage on which somebody who labels begins: the chosen one, else the first."""
    if view.passage is not None:
        return view.passage
    return next((each.start for each in cut_up if each.start >= part.start), None)


def _part_of(parts: tuple[Part, ...], view: View) -> Part:
    """The part that was asked for, or the one in which the passage stands that was."""
    if view.passage is not None:
        return next((part for part in parts if view.passage < part.end), parts[-1])
    return parts[min(view.part, len(parts)) - 1]


def _as_article(found: ArticleShown) -> Article:
    return Article(found.text, title=found.title, language=found.language)


def _identity(connection: Connection, id_: str) -> int:
    found = identity_of(connection, id_)
    if found is None:
        raise HTTPException(404, marked("No article has this id."))
    return found


def _dossier(connection: Connection, id_: str) -> Dossier:
    found = gather(connection, _identity(connection, id_))
    if found is None:
        raise HTTPException(404, marked("No article has this id."))
    return found


def _is_tagged(connection: Connection, identity: int, topic: str) -> bool:
    about: set[str] = set()
    for each in articles.shown(connection, [identity]):
        about |= {tag.topic for tag in each.tags} | {said.topic for said in each.verdicts}
    return topic in about


def _last_topic(connection: Connection, identity: int, person: Person) -> str:
    found = _last_of(
        verdicts.history(connection, identity), tuple(verdicts.of_article(connection, identity)), person
    )
    return found.topic if found else ""


def _last_of(
    history: tuple[Saying, ...], standing: tuple[VerdictRecord, ...], person: Person
) -> Saying | None:
    """What a person said last of those topics of which a word of theirs holds."""
    held = {each.topic for each in standing if each.person == person.name}
    own = [each for each in history if each.person == person.name and each.topic in held]
    return own[-1] if own else None
