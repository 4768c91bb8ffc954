"""Problems: what an answer to a program says that is no success, as RFC 9457 has it (problem+json)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match, Route

from classifier import ModelError
from daemon.database import plainly
from daemon.errors import DaemonError

MEDIA_TYPE = "application/problem+json"
_MOST_ERRORS, _LONGEST = 20, 300
_RETRY_SECONDS = "5"


class FieldProblem(BaseModel):
    """What is wrong with one field of what was sent; `field` is where it stands, "query.limit" say."""

    field: str
    problem: str


class Problem(BaseModel):
    """What went wrong. `title` says what `status` means, `detail` what to do about it here."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = []


class ProblemError(Exception):
    """Ends a request with a problem; nothing was changed."""

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Iterable[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})


def answer(
    status: int,
    detail: str,
    errors: Iterable[tuple[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The problem as a response."""
    told = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        errors=[FieldProblem(field=field, problem=problem) for field, problem in errors],
    )
    return JSONResponse(told.model_dump(), status, dict(headers or {}), media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Have an application tell whatever goes wrong as a problem, and nothing of how it is made."""
    for kind in (SQLAlchemyError, sqlite3.Error, DaemonError, ModelError, OSError):
        app.add_exception_handler(kind, _unable)
    app.add_exception_handler(ProblemError, _told)
    app.add_exception_handler(ClientDisconnect, _left)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _broken)


def _told(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ProblemError)
    return answer(error.status, error.detail, error.errors, error.headers)


def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    said = str(error.detail)
    if said == HTTPStatus(error.status_code).phrase:
        said = _SAID.get(error.status_code, said)
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(sorted(_methods(request)))
    return answer(error.status_code, said, headers=headers)


def _methods(request: Request) -> set[str]:
    """All that an address takes: a route knows of its own alone."""
    routes = (route for route in request.app.routes if isinstance(route, Route))
    matching = (route for route in routes if route.matches(request.scope)[0] is not Match.NONE)
    return {method for route in matching for method in route.methods or ()}


def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [field_problem(each["loc"], each["msg"]) for each in error.errors()[:_MOST_ERRORS]]
    return answer(422, "something in the request is not as it should be; see errors", errors)


def _unable(request: Request, error: Exception) -> JSONResponse:
    """The fault is neither the request's nor ours, and may pass."""
    said = str(error) if isinstance(error, ModelError) else plainly(error)
    return answer(503, said[:_LONGEST], headers={"Retry-After": _RETRY_SECONDS})


def _left(request: Request, error: Exception) -> JSONResponse:
    return answer(400, "the request ended too early")  # which nobody hears any more


def _broken(request: Request, error: Exception) -> JSONResponse:
    return answer(500, "a fault of ours; the log has more")


def field_problem(place: Iterable[object], said: str) -> tuple[str, str]:
    """Where in a request something is wrong, and what, as pydantic tells both."""
    return ".".join(str(each)[:80] for each in place)[:_LONGEST] or "body", said[:_LONGEST]


_SAID = {
    404: "there is nothing at this address; GET /api lists what there is",
    405: "this address does not take this method; GET /api lists what there is",
}
