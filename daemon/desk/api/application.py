"""The interface put together: an application of its own, so that every failure of it is a problem."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

from fastapi import FastAPI

from daemon.desk import problems
from daemon.desk.api import articles, dropped, lists, said
from daemon.desk.api.contract import promised
from daemon.desk.api.reading import Tagging
from daemon.desk.doors import Reader
from daemon.desk.state import Desk


def api_of(desk: Desk) -> FastAPI:
    """The application to be mounted at /api."""
    app = FastAPI(title="topicwire", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.desk = desk
    app.state.tagging = Tagging(desk.settings.reading.rules)
    app.state.status = lists.status_of(desk)
    problems.install(app)
    for part in (articles, dropped, said, lists):
        app.include_router(part.router)
    contract = promised(app, _version())
    app.state.contract = contract

    @app.get("/openapi.json", include_in_schema=False)
    def openapi(person: Reader) -> dict[str, Any]:
        return contract

    return app


def _version() -> str:
    try:
        return version("topicwire")
    except PackageNotFoundError:  # from a checkout that was not installed
        return "0"
