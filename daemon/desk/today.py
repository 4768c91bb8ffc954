"""Today: articles as they come, and those that a filter leaves."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from daemon.desk import articles
from daemon.desk.doors import Reader
from daemon.desk.index import Filter
from daemon.desk.rendering import page
from daemon.desk.state import desk_of

router = APIRouter()

_MOST = 50


@router.get("/", response_class=HTMLResponse)
def today(request: Request, person: Reader) -> HTMLResponse:
    desk = desk_of(request)
    with desk.database.reading() as connection:
        found = articles.newest(connection, desk.index, Filter(), most=_MOST)
    return page(request, "today.html", articles=found, titles=desk.topics())
