"""The desk put together: what answers which address."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from daemon.desk import article, deliveries, entrance, failures, feeds, health, model, queue, today, topics
from daemon.desk.admission import Admission
from daemon.desk.api import page as api_page
from daemon.desk.api.application import api_of
from daemon.desk.comparing import Comparisons
from daemon.desk.guards import Guards
from daemon.desk.state import Desk
from daemon.desk.teaching import Teaching

_STATIC = Path(__file__).with_name("static")
_PAGES = (entrance, today, article, queue, topics, model, deliveries, health, feeds, api_page)


def app_of(desk: Desk) -> FastAPI:
    """The application of a desk. Its parts find the desk by `desk_of`."""
    app = FastAPI(title="topicwire", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.state.desk = desk
    app.state.admission = admission = Admission(desk.settings)
    app.state.teaching, app.state.comparisons = Teaching(desk), Comparisons(desk)
    app.state.standing = health.Standing(desk)
    failures.add_to(app)
    for each in _PAGES:
        app.include_router(each.router, include_in_schema=False)
    api = api_of(desk)
    app.state.contract = api.state.contract
    app.mount("/api", api)
    app.mount("/feeds", feeds.feeds_of(desk, admission))
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    app.add_middleware(Guards, desk=desk, admission=admission)
    return app
