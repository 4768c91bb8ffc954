"""Today: articles as they come, and those that a filter leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import Connection
from starlette.responses import Response

from classifier import ModelError, current_version
from daemon import clock
from daemon.desk import articles, filters
from daemon.desk.articles import ArticleShown
from daemon.desk.doors import Reader
from daemon.desk.filters import Asked
from daemon.desk.index import IndexFailure
from daemon.desk.languages import marked
from daemon.desk.rendering import page
from daemon.desk.state import Desk, desk_of
from daemon.records import DeliveryState

router = APIRouter()

_MOST = 50  # articles of a page
_BEHIND = 500  # articles; a ledger that is followed is never so far ahead of the index

_STATES: Mapping[str, str] = {
    DeliveryState.HELD: marked("waits for a digest"),
    DeliveryState.PENDING: marked("owed"),
    DeliveryState.SENDING: marked("on its way"),
    DeliveryState.UNKNOWN: marked("nobody knows whether it arrived"),
    DeliveryState.PARKED: marked("parked"),
    DeliveryState.SENT: marked("sent"),
    DeliveryState.MERGED: marked("sent with others"),
    DeliveryState.DEAD: marked("could not be delivered"),
}


@dataclass(frozen=True, slots=True)
class Progress:
    """How many articles the index has, of how many."""

    done: int
    all: int


@dataclass(frozen=True, slots=True)
class _Found:
    """A page of articles. `after` is up to where there was a look for new ones; `told`: others of a story."""

    articles: Sequence[ArticleShown]
    told: Mapping[int, int]
    after: int
    older: int | None
    progress: Progress | None
    problem: str | None = None
    is_empty: bool = False  # the ledger has no article at all


@router.get("/", response_class=HTMLResponse)
def today(request: Request, person: Reader) -> HTMLResponse:
    desk, asked = desk_of(request), filters.asked(request.query_params)
    before = filters.number(request.query_params.get("before"))
    found = _found(desk, asked, before)
    sources, languages = _origins(desk)
    titles = desk.topics()
    return page(
        request,
        "today.html",
        status=503 if found.problem else 200,
        found=found,
        asked=asked,
        kinds=filters.KINDS,
        titles=titles,
        states=_STATES,
        sources=sources,
        article_languages=languages,
        before=before,
        is_live=before is None and not found.problem and not _has_ended(asked),
        most_of_a_story=articles.MOST_OF_A_STORY,
        language_name=filters.language_name,
        inbox=str(desk.settings.inbox),
        home=str(desk.home),
        has_model=_has_model(desk),
    )


@router.get("/today/new", response_class=HTMLResponse)
def new(request: Request, person: Reader) -> Response:
    """What has come since a page was shown; nothing (204) where nothing has.

    A reader who is further down the page is told how many (`waiting`, and `told` of them already), so that
    what they read stays where it is.
    """
    desk, asked, given = desk_of(request), filters.asked(request.query_params), request.query_params
    after = filters.number(given.get("after"))
    if after is None:
        return Response(status_code=204)
    with desk.database.reading() as connection:
        found = articles.newest_ids(
            connection, desk.index, asked.filter, asked.span, after=after, most=_MOST + 1
        )
        waiting = bool(given.get("waiting")) or len(found) > _MOST
        if not found or (waiting and given.get("told") == str(len(found))):
            return Response(status_code=204)
        shown = [] if waiting else articles.shown(connection, found)
        told = articles.others(connection, shown)
    return page(
        request,
        "today_new.html",
        asked=asked,
        articles=shown,
        others=told,
        after=after if waiting else found[0],
        number=len(found),
        most=_MOST,
        waiting=waiting,
        titles=desk.topics(),
        states=_STATES,
        most_of_a_story=articles.MOST_OF_A_STORY,
        language_name=filters.language_name,
    )


def _found(desk: Desk, asked: Asked, before: int | None) -> _Found:
    with desk.database.reading() as connection:
        last = articles.last(connection)
        try:
            position = desk.index.position().article
            ids = _ids(desk, connection, asked, before)
        except IndexFailure as error:
            if not asked.filter.is_empty:
                return _Found((), {}, last, None, None, str(error), last == 0)
            position, ids = last, _ids(desk, connection, asked, before)
        shown = articles.shown(connection, ids[:_MOST])
        return _Found(
            shown,
            articles.others(connection, shown),
            after=last if asked.filter.is_empty else min(last, position),
            older=ids[_MOST - 1] if len(ids) > _MOST else None,
            progress=Progress(position, last) if last - position > _BEHIND else None,
            is_empty=last == 0,
        )


def _ids(desk: Desk, connection: Connection, asked: Asked, before: int | None) -> list[int]:
    """One more than a page shows, where there is one."""
    more: dict[str, Any] = {} if before is None else {"before": before}
    return articles.newest_ids(connection, desk.index, asked.filter, asked.span, most=_MOST + 1, **more)


def _origins(desk: Desk) -> tuple[list[str], list[str]]:
    """The sources and the languages that a form offers."""
    try:
        return desk.index.sources(), desk.index.languages()
    except IndexFailure:
        return [], []


def _has_ended(asked: Asked) -> bool:
    """Whether nothing new can come into what is asked for."""
    until = asked.span.until
    return until is not None and until <= clock.now()


def _has_model(desk: Desk) -> bool:
    try:
        return current_version(desk.settings.models) is not None
    except ModelError:
        return False
