"""Topics: how much there is of each and how well it is told, another cut tried, and terms edited."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated
from urllib.parse import quote

from babel import Locale
from babel.core import UnknownLocaleError
from babel.dates import format_date
from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from classifier import Cuts, LabelError, Topic
from daemon import clock, promises
from daemon.desk import cutting, drawing, languages, terms, volumes
from daemon.desk.doors import Editor, Reader
from daemon.desk.drawing import Columns, Rows
from daemon.desk.known import Book, Known, knowledge_of
from daemon.desk.languages import marked
from daemon.desk.previewing import Preview, preview
from daemon.desk.rendering import page
from daemon.desk.state import Desk, desk_of
from daemon.desk.terms import Complaint, Draft, Sheet
from daemon.desk.volumes import Volumes
from daemon.errors import DaemonError
from daemon.promises import Standing
from daemon.quality import TopicQuality

logger = logging.getLogger(__name__)

router = APIRouter()

_DAYS = 30  # of the overview
_SPARK = (120.0, 28.0)
_LARGEST = 10
_LANGUAGES = ("en", "ru", "kk", "ar")  # that have a field for terms, beside those that a topic has terms in
_NO_TOPIC = marked("There is no such topic.")


@dataclass(frozen=True, slots=True)
class Row:
    """A topic in the overview. `spark` are the points of its line; None where there was no article."""

    topic: Known
    spark: str | None
    articles: int
    today: int
    quality: TopicQuality | None
    cuts: Cuts | None
    standing: Standing | None
    labels: tuple[tuple[str, int], ...]

    @property
    def labelled(self) -> int:
        return sum(number for _, number in self.labels)


@dataclass(frozen=True, slots=True)
class Chart:
    """Something drawn, with the same numbers for a table."""

    drawn: Columns | Rows
    counts: tuple[tuple[str, int], ...]
    others: int = 0  # how many are told as one


@dataclass(frozen=True, slots=True)
class Form:
    """The form of a topic's words, as it is shown: what stands in it, and what is wrong with it.

    `id` is None where the topic is there already. `fields` are languages with their own terms, a line each,
    and the shipped ones.
    """

    id: str | None
    title: str
    covers: str
    fields: tuple[tuple[str, str, str, tuple[str, ...]], ...]
    version: str
    complaints: tuple[Complaint, ...] = ()
    preview: Preview | None = None
    is_stale: bool = False

    def of(self, name: str) -> tuple[Complaint, ...]:
        """The complaints about a field; with "" those about the whole."""
        return tuple(each for each in self.complaints if each.name == name)


async def _fields(request: Request) -> dict[str, str]:
    form = await request.form()
    return {name: value for name, value in form.items() if isinstance(value, str)}


Fields = Annotated[dict[str, str], Depends(_fields)]


@router.get("/topics", response_class=HTMLResponse)
def topics(request: Request, person: Reader) -> HTMLResponse:
    return _overview(request)


@router.post("/topics")
def create(request: Request, person: Editor, fields: Fields) -> Response:
    """A new topic: looked at first, or written."""
    desk, book = desk_of(request), knowledge_of(request).book()
    _must_be_edited(book)
    id = " ".join(fields.get("id", "").split())[:80]
    draft, complaints = terms.draft_of(fields, _LANGUAGES)
    if id in book.topics:
        complaints = (Complaint("id", marked("There is a topic with this id already.")), *complaints)
    elif not id:
        complaints = (Complaint("id", marked("This must not be empty.")), *complaints)
    sheet = terms.read(desk.home)
    done = _edited(desk, person.name, sheet, None, id, draft, complaints, fields)
    if isinstance(done, Response):
        return done
    return _overview(request, form=_form_of(None, id, draft, fields, done), status=done.status)


@router.get("/topics/{id}", response_class=HTMLResponse)
def topic(
    request: Request,
    person: Reader,
    id: str,
    days: Annotated[str, Query()] = "",
    by: Annotated[str, Query()] = "",
    at: Annotated[str | None, Query()] = None,
    done: Annotated[str, Query()] = "",
) -> HTMLResponse:
    return _one(request, id, days=days, by=by, at=at, done=done)


@router.get("/topics/{id}/cut")
def cut(request: Request, person: Reader, id: str, at: Annotated[str | None, Query()] = None) -> Response:
    """The part of the page below the slider; whoever wants a page gets the whole."""
    if "hx-request" not in request.headers:
        query = f"?at={quote(at[:20])}" if at else ""
        return RedirectResponse(f"/topics/{quote(id, safe='')}{query}#cut", 303)
    known, knowledge = _known(request, id), knowledge_of(request)
    model = knowledge.model()
    if model is None or not known.learned or id in model.retired:
        raise HTTPException(404, _NO_TOPIC)
    then = cutting.cut_of(at, model.cuts[id].main)
    if then is None:
        return page(request, "part_cut_wrong.html", status=200)
    shown = cutting.cut_shown(desk_of(request), knowledge, model, id, then)
    moved = request.headers.get("hx-trigger", "")
    return page(request, "part_cut.html", cut=shown, id=id, moved=moved, digits=promises.digits)


@router.post("/topics/{id}/terms")
def edit(request: Request, person: Editor, id: str, fields: Fields) -> Response:
    """Other words for a topic: looked at first, or written."""
    desk, book = desk_of(request), knowledge_of(request).book()
    known = _known(request, id, book)
    _must_be_edited(book)
    sheet = terms.read(desk.home)
    draft, complaints = terms.draft_of(fields, _languages_of(known.labelled, sheet, id))
    done = _edited(desk, person.name, sheet, known.labelled, id, draft, complaints, fields)
    if isinstance(done, Response):
        return done
    return _one(request, id, form=_form_of(known, id, draft, fields, done), status=done.status)


@router.post("/topics/{id}/retire")
def retire(request: Request, person: Editor, id: str) -> Response:
    return _retire(request, person.name, id, retired=True)


@router.post("/topics/{id}/restore")
def restore(request: Request, person: Editor, id: str) -> Response:
    return _retire(request, person.name, id, retired=False)


def _retire(request: Request, person: str, id: str, *, retired: bool) -> Response:
    desk, book = desk_of(request), knowledge_of(request).book()
    _known(request, id, book)
    _must_be_edited(book)
    try:
        sheet = terms.read(desk.home)
        terms.save(desk.home, sheet.version, terms.with_retired(sheet, id, retired))
    except LabelError as error:
        raise HTTPException(422, error.problems[0]) from error
    except DaemonError as error:
        raise HTTPException(409, str(error)) from error
    logger.info("a topic is retired" if retired else "a topic is back", extra=_told(id, person))
    return RedirectResponse(f"/topics/{quote(id, safe='')}?done={'retired' if retired else 'restored'}", 303)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of a form that was not written."""

    version: str
    status: int = 200
    complaints: tuple[Complaint, ...] = ()
    preview: Preview | None = None
    is_stale: bool = False


def _edited(
    desk: Desk,
    person: str,
    sheet: Sheet,
    labelled: Topic | None,
    id: str,
    draft: Draft,
    complaints: tuple[Complaint, ...],
    fields: Mapping[str, str],
) -> _Outcome | Response:
    """Write what a form says, if it is to be written and sound; else what to say of it."""
    if complaints or sheet.complaints:
        found = (*(Complaint("", "%(problem)s", {"problem": each}) for each in sheet.complaints), *complaints)
        return _Outcome(sheet.version, 422, found)
    is_stale = fields.get("version", "") != sheet.version
    difference = terms.difference(sheet, labelled, id, draft)
    try:
        text = terms.with_draft(sheet, id, draft)
        terms.must_load(text)
        if fields.get("do") == "save" and not is_stale:
            terms.save(desk.home, sheet.version, text)
            logger.info("a topic was edited", extra=_told(id, person))
            return RedirectResponse(f"/topics/{quote(id, safe='')}?done=saved#words", 303)
    except LabelError as error:
        return _Outcome(sheet.version, 422, terms.complaints_of(error, draft))
    except terms.StaleError:
        is_stale = True
    except DaemonError as error:
        return _Outcome(sheet.version, 409, (Complaint("", str(error)),))
    shown = preview(desk, id, difference)
    return _Outcome(sheet.version, 409 if is_stale else 200, (), shown, is_stale)


def _overview(request: Request, *, form: Form | None = None, status: int = 200) -> HTMLResponse:
    desk, knowledge = desk_of(request), knowledge_of(request)
    book, model, quality = knowledge.book(), knowledge.model(), knowledge.quality()
    learned = knowledge.learned(model) if model is not None else None
    shown = volumes.period(_DAYS, _today(), by_week=False)
    counts = volumes.of_all(desk.index, shown)
    by_topic = {each.topic: each for each in quality.topics} if quality is not None else {}
    rows = []
    for each in book.topics.values():
        by_day, today = volumes.sums(counts, each.id)
        labels = sorted((learned.counts.get(each.id, {}) if learned is not None else {}).items())
        rows.append(
            Row(
                each,
                drawing.points(by_day, *_SPARK) if by_day else None,
                sum(by_day or ()),
                today,
                by_topic.get(each.id),
                model.cuts.get(each.id) if model is not None else None,
                learned.standings.get(each.id) if learned is not None else None,
                tuple(labels),
            )
        )
    return page(
        request,
        "topics.html",
        status=status,
        rows=[row for row in rows if not row.topic.retired],
        retired=[row for row in rows if row.topic.retired],
        book=book,
        days=_DAYS,
        quality=quality,
        model=model,
        form=form or _new_form(desk),
        is_open=form is not None,
        digits=promises.digits,
        wording=promises.wording,
        names=_Names(request),
    )


def _one(
    request: Request,
    id: str,
    *,
    days: str = "",
    by: str = "",
    at: str | None = None,
    done: str = "",
    form: Form | None = None,
    status: int = 200,
) -> HTMLResponse:
    desk, knowledge = desk_of(request), knowledge_of(request)
    book = knowledge.book()
    known = _known(request, id, book)
    model = knowledge.model()
    length = int(days) if days in map(str, volumes.PERIODS) else volumes.PERIODS[0]
    by_week = {"week": True, "day": False}.get(by)
    found = volumes.of_topic(desk.index, id, volumes.period(length, _today(), by_week=by_week))
    names = _Names(request)
    shown = None
    is_wrong = False
    if model is not None and known.learned and not known.retired and id not in model.retired:
        then = cutting.cut_of(at, model.cuts[id].main)
        is_wrong = then is None
        now = model.cuts[id].main
        shown = cutting.cut_shown(desk, knowledge, model, id, now if then is None else then)
    return page(
        request,
        "topic.html",
        status=400 if is_wrong else status,
        id=id,
        known=known,
        book=book,
        volumes=found,
        periods=volumes.PERIODS,
        by_time=_by_time(found, names),
        by_source=_by(found.by_source, {"": names.unknown_source}),
        by_language=_by(found.by_language, {code: names.language(code) for code in found.by_language}),
        quality=knowledge.quality_of(id),
        quality_days=desk.settings.sample.days,
        cut=shown,
        is_wrong=is_wrong,
        moved="",
        form=form or (_form(desk, known) if known.labelled is not None else None),
        done=done if done in ("saved", "retired", "restored") else "",
        digits=promises.digits,
        names=names,
    )


def _known(request: Request, id: str, book: Book | None = None) -> Known:
    found = (book or knowledge_of(request).book()).topics.get(id)
    if found is None:
        raise HTTPException(404, _NO_TOPIC)
    return found


def _must_be_edited(book: Book) -> None:
    if book.by_examples:
        raise HTTPException(
            409, marked("The model was made from examples, so there is no topics file to edit.")
        )


def _told(id: str, person: str) -> dict[str, str]:
    return {"topic": id, "person": person}


def _today() -> date:
    return clock.now().astimezone().date()


def _by_time(found: Volumes, names: _Names) -> Chart:
    counts = tuple((names.day(day), number) for day, number in found.by_time)
    return Chart(drawing.columns(counts), counts)


def _by(counts: Mapping[str, int], names: Mapping[str, str]) -> Chart | None:
    """The largest ten, and others together. None where there is nothing."""
    largest = drawing.largest(counts, _LARGEST)
    told = tuple((names.get(name, name), number) for name, number in largest.shown)
    if largest.others:
        told = (*told, ("", largest.number))
    return Chart(drawing.rows(told), told, largest.others) if told else None


def _languages_of(labelled: Topic | None, sheet: Sheet, id: str) -> list[str]:
    more = [*(labelled.terms if labelled is not None else ()), *sheet.terms(id)]
    return list(dict.fromkeys([*_LANGUAGES, *more]))


def _new_form(desk: Desk) -> Form:
    fields = tuple((language, f"terms_{language}", "", ()) for language in _LANGUAGES)
    return Form("", "", "", fields, terms.read(desk.home).version)


def _form(desk: Desk, known: Known) -> Form:
    """The form with what the file says at present."""
    assert known.labelled is not None
    sheet = terms.read(desk.home)
    own = sheet.terms(known.id)
    draft = Draft(known.labelled.title, known.labelled.covers, own)
    return Form(None, draft.title, draft.covers, _terms_fields(known, sheet, draft, {}), sheet.version)


def _form_of(
    known: Known | None, id: str, draft: Draft, fields: Mapping[str, str], outcome: _Outcome
) -> Form:
    """The form as somebody filled it in."""
    shown = Sheet("", "", {})
    return Form(
        id if known is None else None,
        draft.title,
        draft.covers,
        _terms_fields(known, shown, draft, fields),
        outcome.version,
        outcome.complaints,
        outcome.preview,
        outcome.is_stale,
    )


def _terms_fields(
    known: Known | None, sheet: Sheet, draft: Draft, fields: Mapping[str, str]
) -> tuple[tuple[str, str, str, tuple[str, ...]], ...]:
    labelled = known.labelled if known is not None else None
    shipped = terms.shipped_topics().get(known.id) if known is not None else None
    found = []
    for language in _languages_of(labelled, sheet, known.id if known is not None else ""):
        name = f"terms_{language}"
        own = fields[name][:200_000] if name in fields else "\n".join(draft.terms.get(language, ()))
        found.append((language, name, own, shipped.terms.get(language, ()) if shipped is not None else ()))
    return tuple(found)


class _Names:
    """Names of languages and days, in the language of whoever asks."""

    def __init__(self, request: Request) -> None:
        usual = desk_of(request).settings.desk.language
        self._code = languages.language_of(request, usual)
        self._locale = languages.locale(self._code)
        self.unknown_source = languages.words(self._code).gettext(_UNKNOWN)

    def language(self, code: str) -> str:
        """That of a language; its code where it has none."""
        if not code:
            return languages.words(self._code).gettext(_UNKNOWN)
        try:
            return str(Locale.parse(code).get_language_name(self._locale) or code)
        except (ValueError, TypeError, UnknownLocaleError):
            return code

    def day(self, day: date) -> str:
        return str(format_date(day, "d MMM", locale=self._locale))


_UNKNOWN = marked("unknown")
