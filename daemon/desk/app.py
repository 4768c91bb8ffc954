"""The desk put together: what answers which address."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from daemon.desk import article, deliveries, feeds, health, model, queue, today, topics
from daemon.desk.guards import Guards
from daemon.desk.state import Desk

_STATIC = Path(__file__).with_name("static")
_PAGES = (today, article, queue, topics, model, deliveries, health, feeds)


def app_of(desk: Desk) -> FastAPI:
    """The application of a desk. Its parts find the desk by `desk_of`."""
    app = FastAPI(title="topicwire", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.desk = desk
    for each in _PAGES:
        app.include_router(each.router, include_in_schema=False)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    app.add_middleware(Guards, desk=desk)
    return app
