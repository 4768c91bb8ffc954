"""Health: what `topicwired status` says, what is wrong first; and two addresses for programs that look on."""

from __future__ import annotations

import importlib.metadata
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from classifier import ModelError, current_version
from daemon import backups, clock, holds, interventions, status
from daemon.alive import process_of_daemon
from daemon.database import newest_schema
from daemon.desk import articles, failed
from daemon.desk.doors import Editor, Reader
from daemon.desk.languages import marked
from daemon.desk.meanwhile import Meanwhile
from daemon.desk.rendering import page
from daemon.desk.state import Desk, desk_of
from daemon.errors import DaemonError
from daemon.interventions import Deed
from daemon.manifests import LEDGER

logger = logging.getLogger(__name__)
router = APIRouter()

_FRESH = 5.0  # seconds; all that `status` says is found out no more often
_OLD = 60.0  # seconds after which it is no longer how things stand
_PATIENCE = 0.5  # seconds that a page waits for it the first time; then it goes without
_MOST_FILES = 50  # a page
_MOST_AT_ONCE = 500  # files put back by one request
_MOST_DEEDS = 10
_FAR_BEHIND = 1000  # articles

_LAST_CLICK = text("SELECT taken_at FROM clicks ORDER BY id DESC LIMIT 1")
_REACHABLE = text("SELECT 1")

PLACES: Mapping[str, str] = {
    "inbox": marked("inbox"),
    "done": marked("done"),
    "failed": marked("failed"),
    "ledger": marked("ledger"),
}
STATES: Mapping[str, str] = {
    "present": marked("runs"),
    "left": marked("was stopped"),
    "gone": marked("is not heard of"),
}
SHELVES: Mapping[str, str] = {
    "taken": marked("on their way"),
    "done": marked("done"),
    "failed": marked("failed"),
    "gone": marked("taken away by somebody"),
    "outgrown": marked("written to again"),
    "retried": marked("tried again"),
}


@dataclass(frozen=True, slots=True)
class BackupShown:
    name: str
    made_at: datetime
    size: int


@dataclass(frozen=True, slots=True)
class Following:
    """How far the index of the desk has followed the ledger; articles by their ids."""

    article: int
    newest: int

    @property
    def behind(self) -> int:
        return max(0, self.newest - self.article)

    @property
    def is_far_behind(self) -> bool:
        return self.behind > _FAR_BEHIND


@dataclass(frozen=True, slots=True)
class Now:
    """What is asked at each look. `process` as of `process_of_daemon`."""

    process: int | None
    following: Following
    held: tuple[holds.Hold, ...]
    clicked_at: str | None
    backups: tuple[BackupShown, ...]
    release: str
    schema: str


class Standing:
    """What `topicwired status` says, found out in a thread now and then: there is much to be counted."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.meanwhile: Meanwhile[dict[str, Any]] = Meanwhile(self._find, fresh=_FRESH, old=_OLD)

    def _find(self) -> dict[str, Any]:
        return status.gather(self._desk.settings, self._desk.database)


@router.get("/health", response_class=HTMLResponse)
def health(
    request: Request,
    person: Reader,
    number: Annotated[int, Query(ge=0, le=10**9)] = 0,
    left: Annotated[int, Query(ge=0, le=10**9)] = 0,
    after: Annotated[str, Query(pattern="^([0-9a-f]{24})?$")] = "",
) -> HTMLResponse:
    return _health(request, number=number, left=left, after=after)


@router.post("/health/files/retry")
def take_again(
    request: Request,
    person: Editor,
    file: Annotated[list[str], Form(max_length=_MOST_AT_ONCE)] = [],  # noqa: B006  FastAPI makes a new one
    everything: Annotated[str, Form(max_length=5)] = "",
) -> Response:
    """Put failed files back into the inbox, by their marks or all of them."""
    desk = desk_of(request)
    found = failed.put_back(
        desk.settings, desk.database, None if everything else frozenset(file), most=_MOST_AT_ONCE
    )
    if found.names:
        with desk.database.transaction() as connection:
            interventions.add(
                connection,
                Deed.TAKE_AGAIN,
                person=person.name,
                now=clock.now(),
                about=found.names[0],
                number=len(found.names),
            )
        told = {"person": person.name, "number": len(found.names), "file": found.names[0]}
        logger.info("failed files were put back by hand", extra=told)
    if found.problems:
        return _health(request, status=409, number=len(found.names), left=found.left, problems=found.problems)
    query = urlencode({"number": len(found.names), "left": found.left})
    return RedirectResponse(f"/health?{query}#failed", 303)


@router.api_route("/-/healthy", methods=["GET", "HEAD"], response_class=PlainTextResponse)
def healthy() -> str:
    """Whether the desk answers. Anybody may ask, and learns nothing else."""
    return "ok\n"


@router.api_route("/-/ready", methods=["GET", "HEAD"], response_class=PlainTextResponse)
def ready(request: Request) -> PlainTextResponse:
    """Whether there is a ledger that can be read and a model that serves. Anybody may ask."""
    desk = desk_of(request)
    try:
        with desk.database.reading() as connection:
            connection.execute(_REACHABLE).scalar_one()
        is_ready = current_version(desk.settings.models) is not None
    except (DaemonError, ModelError, SQLAlchemyError):
        is_ready = False
    return PlainTextResponse("ok\n" if is_ready else "not ready\n", 200 if is_ready else 503)


def _health(
    request: Request,
    *,
    status: int = 200,
    number: int = 0,
    left: int = 0,
    after: str = "",
    problems: tuple[str, ...] = (),
) -> HTMLResponse:
    desk = desk_of(request)
    with desk.database.reading() as connection:
        now = _now(desk, connection)
        deeds = interventions.last(connection, _MOST_DEEDS)
    names = failed.names(desk.settings)
    rest = _behind(names, after)
    return page(
        request,
        "health.html",
        status=status,
        found=_standing(request).meanwhile.ask(_PATIENCE),
        now=now,
        slack=any(each.type == "slack" for each in desk.settings.receivers),
        files=failed.listed(desk.settings, rest[:_MOST_FILES]),
        failed=len(names),
        after=failed.mark_of(rest[_MOST_FILES - 1]) if len(rest) > _MOST_FILES else None,
        number=number,
        left=left,
        problems=problems[:_MOST_FILES],
        places=PLACES,
        shelves=SHELVES,
        states=STATES,
        deeds=deeds,
        mebibytes=_mebibytes,
    )


def _now(desk: Desk, connection: Connection) -> Now:
    return Now(
        process=process_of_daemon(desk.home),
        following=Following(desk.index.position().article, articles.last(connection)),
        held=tuple(holds.listed(connection)),
        clicked_at=connection.execute(_LAST_CLICK).scalar_one_or_none(),
        backups=_backups(desk),
        release=importlib.metadata.version("topicwire"),
        schema=newest_schema(),
    )


def _backups(desk: Desk) -> tuple[BackupShown, ...]:
    """The newest first: of the ledger alone, and of the whole home, with the size of the ledger in each."""
    place = desk.settings.backup.path
    files = [*backups.listed(desk.settings), *(backups.bundles_in(place) if place is not None else ())]
    found = []
    for file in sorted(files, key=backups.made_at, reverse=True):
        try:
            kept = (file / LEDGER if file.is_dir() else file).stat()
        except OSError:
            continue
        found.append(BackupShown(file.name, datetime.fromtimestamp(kept.st_mtime, UTC), kept.st_size))
    return tuple(found)


def _behind(names: list[str], after: str) -> list[str]:
    """The names behind the one that a mark names; all of them where it is gone."""
    place = next((place for place, name in enumerate(names, 1) if after and failed.mark_of(name) == after), 0)
    return names[place:]


def _mebibytes(number: float) -> float:
    return round(number / 2**20, 1) if number < 100 * 2**20 else round(number / 2**20)


def _standing(request: Request) -> Standing:
    found = request.app.state.standing
    assert isinstance(found, Standing)
    return found
