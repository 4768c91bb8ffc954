"""Model: which version serves and how good it is, what others there are, and the next one in the making.

A version changes by the same rename as with `classifier models use`, which the daemon takes up before its
next batch; a training is the one of `topicwired retrain`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, HTTPException, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from classifier import ModelError, compared_cards, use_model
from daemon import clock, interventions, trainings
from daemon.desk import versions
from daemon.desk.comparing import Comparisons
from daemon.desk.doors import Editor, Reader
from daemon.desk.languages import marked
from daemon.desk.learningcurve import Curve, Learned, curve
from daemon.desk.rendering import page
from daemon.desk.state import desk_of
from daemon.desk.teaching import Teaching
from daemon.desk.versions import Shelf, Stand, Version
from daemon.errors import DaemonError
from daemon.interventions import Deed
from daemon.trainings import Training, TrainingState

logger = logging.getLogger(__name__)
router = APIRouter()

_MOST_CHANGES = 30  # of a rehearsal, on a page
_MOST_DEEDS = 10
_VERSION = r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}"

Name = Annotated[str, Query(pattern=f"^{_VERSION}$")]
NameGiven = Annotated[str, Form(pattern=f"^{_VERSION}$")]
NameInPath = Annotated[str, Path(pattern=f"^{_VERSION}$")]

STANDS: Mapping[str, str] = {
    Stand.SERVES: marked("serves"),
    Stand.PAST: marked("served before"),
    Stand.READY: marked("never served"),
    Stand.CANDIDATE: marked("refused by the gate"),
    Stand.UNREADABLE: marked("cannot be read"),
}
STATES: Mapping[str, str] = {
    TrainingState.RUNNING: marked("In the making"),
    TrainingState.SERVED: marked("A new model serves"),
    TrainingState.REFUSED: marked("The new model was refused"),
    TrainingState.UNCHANGED: marked("There was nothing to learn"),
    TrainingState.FAILED: marked("The training failed"),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """The last training as a page shows it. `report` is what it found, as the ledger has it."""

    training: Training | None
    state: TrainingState | None
    result: str
    report: Mapping[str, Any]
    error: str = ""
    is_beginning: bool = False

    @property
    def is_running(self) -> bool:
        return self.state is TrainingState.RUNNING or self.is_beginning


@router.get("/model", response_class=HTMLResponse)
def model(request: Request, person: Reader, done: Annotated[Deed | None, Query()] = None) -> HTMLResponse:
    desk = desk_of(request)
    shelf = versions.shelf(desk.settings.models)
    serving = shelf.serving
    with desk.database.reading() as connection:
        deeds = [
            each
            for each in interventions.last(connection, 10 * _MOST_DEEDS)
            if each.what in (Deed.USE, Deed.RETRAIN)
        ]
    return page(
        request,
        "model.html",
        shelf=shelf,
        closely=versions.closely(desk.settings.models, serving.name) if serving else None,
        curve=_curve(shelf),
        stands=STANDS,
        seen=_seen(request, shelf.served),
        states=STATES,
        deeds=deeds[:_MOST_DEEDS],
        done=done,
    )


@router.get("/model/training", response_class=HTMLResponse)
def training(
    request: Request, person: Reader, was: Annotated[str, Query(pattern="^(running|idle)$")] = "idle"
) -> HTMLResponse:
    """The part of the page that tells how far a training is. When one has ended the page is loaded anew."""
    shelf = versions.shelf(desk_of(request).settings.models)
    seen = _seen(request, shelf.served)
    ended = was == "running" and not seen.is_running
    headers = {"HX-Refresh": "true"} if ended else {}
    return page(request, "model_training.html", headers=headers, seen=seen, states=STATES)


@router.get("/model/versions/{name}", response_class=HTMLResponse)
def version(request: Request, person: Reader, name: NameInPath) -> HTMLResponse:
    """All of one version, and how it may come to serve."""
    return _version(request, name)


@router.post("/model/use")
def use(
    request: Request,
    person: Editor,
    version: NameGiven,
    instead_of: Annotated[str, Form(max_length=100)] = "",
    reason: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Have a version serve in place of the one that somebody saw serving, and of no other."""
    desk = desk_of(request)
    models = desk.settings.models
    shelf = versions.shelf(models)
    found = shelf.find(version)
    if found is None:
        raise HTTPException(404, "no such version")
    why = " ".join(reason.split())
    if found.stand is Stand.CANDIDATE and not why:
        return _version(request, version, status=422, missing=True)
    if (shelf.served or "") != instead_of and version != shelf.served:
        return _version(
            request, version, status=409, error=marked("Another version has come to serve meanwhile.")
        )
    back = version == shelf.before
    try:
        use_model(
            models,
            version,
            because="rolled back at the desk" if back else "chosen at the desk",
            by=person.name,
            despite=why or None,
            instead_of=shelf.served,
        )
    except ModelError as error:
        return _version(request, version, status=409, error=str(error))
    if version != shelf.served:
        with desk.database.transaction() as connection:
            interventions.add(
                connection, Deed.USE, person=person.name, now=clock.now(), about=version, reason=why
            )
        told = {"model": version, "before": shelf.served, "person": person.name}
        logger.warning("a version was chosen by hand", extra=told)
    return RedirectResponse(f"/model?{urlencode({'done': Deed.USE.value})}", 303)


@router.post("/model/retrain")
def retrain(request: Request, person: Editor, anyway: Annotated[str, Form(max_length=5)] = "") -> Response:
    teaching = _teaching(request)
    try:
        teaching.begin(person.name, if_changed=not anyway)
    except DaemonError as error:
        shelf = versions.shelf(desk_of(request).settings.models)
        seen = _seen(request, shelf.served)
        return page(request, "model_busy.html", status=409, seen=seen, states=STATES, error=str(error))
    if "HX-Request" in request.headers:
        return training(request, person)
    return RedirectResponse("/model", 303)


@router.get("/model/diff", response_class=HTMLResponse)
def diff(
    request: Request,
    person: Reader,
    before: Name,
    after: Name,
    anew: Annotated[str, Query(max_length=5)] = "",
) -> Response:
    """What two versions are made to be; and where they decide differently, as soon as that is known."""
    desk = desk_of(request)
    comparisons = _comparisons(request)
    pair = (before, after)
    address = f"/model/diff?{urlencode({'before': before, 'after': after})}"
    if anew:
        comparisons.forget(*pair)
        return RedirectResponse(address, 303)
    try:
        rows = compared_cards(*versions.cards(desk.settings.models, *pair))
    except ModelError as error:
        raise HTTPException(404, "no such version") from error
    titles = {
        topic["id"]: str(topic["title"])
        for card in versions.cards(desk.settings.models, *pair)
        for topic in card["topics"]
    }
    progress = comparisons.ask(*pair)
    part = "HX-Request" in request.headers and not progress.has_ended
    return page(
        request,
        "model_progress.html" if part else "model_diff.html",
        headers={"HX-Refresh": "true"} if "HX-Request" in request.headers and progress.has_ended else {},
        before=before,
        after=after,
        rows=rows,
        titles=titles,
        progress=progress,
        most=_MOST_CHANGES,
        versions=versions.shelf(desk.settings.models).versions,
        address=address,
    )


def _version(
    request: Request, name: str, *, status: int = 200, error: str = "", missing: bool = False
) -> HTMLResponse:
    desk = desk_of(request)
    closely = versions.closely(desk.settings.models, name)
    if closely is None:
        raise HTTPException(404, "no such version")
    shelf = versions.shelf(desk.settings.models)
    return page(
        request,
        "model_version.html",
        status=status,
        closely=closely,
        shelf=shelf,
        stands=STANDS,
        error=error,
        missing=missing,
    )


def _curve(shelf: Shelf) -> Curve | None:
    """Of the versions that say how good they are, made from labels like the one that serves."""
    serving = shelf.serving
    source = serving.made_from if serving else "labels"
    return curve(
        _learned(each)
        for each in reversed(shelf.versions)
        if each.quality is not None and each.made_from == source
    )


def _learned(version: Version) -> Learned:
    assert version.quality is not None
    low, high = version.quality.interval or (None, None)
    return Learned(version.name, version.quality.articles, version.quality.f1, low, high)


def _seen(request: Request, served: str | None) -> Seen:
    """The last training; one that nobody is at any more is told as what it was."""
    desk, teaching = desk_of(request), _teaching(request)
    is_at_work = teaching.is_at_work  # before the row is read: it is there until the thread ends
    with desk.database.reading() as connection:
        last = trainings.last(connection)
        report = trainings.report(connection, last.id) if last else {}
    if last is None:
        return Seen(None, None, "", {}, teaching.error, is_beginning=is_at_work)
    state, result = last.state, last.result or ""
    if last.is_cut_off:
        ended = trainings.end_of(last, trainings.CUT_OFF, served=served)
        state, result = ended.state, ended.result
    is_beginning = is_at_work and state is not TrainingState.RUNNING
    return Seen(last, state, result, report, teaching.error, is_beginning)


def _teaching(request: Request) -> Teaching:
    found = request.app.state.teaching
    assert isinstance(found, Teaching)
    return found


def _comparisons(request: Request) -> Comparisons:
    found = request.app.state.comparisons
    assert isinstance(found, Comparisons)
    return found
