"""What is answered where there is no page: in the manner of whoever asked."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException as AnyHTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.types import Scope

from classifier import ClassifierError
from daemon.database import plainly
from daemon.desk import problems
from daemon.desk.admission import is_for_programs
from daemon.desk.hosts import asked_for, is_plain
from daemon.desk.languages import marked
from daemon.desk.rendering import page
from daemon.errors import DaemonError

logger = logging.getLogger(__name__)

TITLES: Mapping[int, str] = {
    400: marked("This request cannot be read"),
    401: marked("Sign in first"),
    403: marked("This may not be done"),
    404: marked("There is nothing here"),
    405: marked("This cannot be done here"),
    413: marked("This is too large"),
    422: marked("Something in this request is not right"),
    429: marked("Too many attempts"),
    503: marked("Not now"),
}
_OTHER = marked("Something went wrong")


def answer(scope: Scope, status: int, why: str = "", *, headers: Mapping[str, str] | None = None) -> Response:
    """A page that says why, or for programs a problem (RFC 9457). `why` is a text of ours."""
    if is_for_programs(scope["path"]):
        return problems.answer(status, why or _phrase(status), headers=headers)
    if not is_plain(scope["path"]):  # which a page would lead back to
        return PlainTextResponse(f"{why}\n", status, dict(headers or {}))
    try:
        return page(
            Request(scope),
            "error.html",
            status=status,
            headers=headers,
            title=TITLES.get(status, _OTHER),
            why=why,
        )
    except Exception:  # what fails while a failure is told must not hide it
        logger.exception("an error page cannot be shown")
        return PlainTextResponse(f"{status}\n", status, dict(headers or {}))


def again(scope: Scope) -> Response:
    """A page that goes on to the address that was asked for, as one of ours."""
    return page(Request(scope), "again.html", where=asked_for(scope["path"], scope["query_string"]))


def add_to(app: FastAPI) -> None:
    """Errors of a page that are known are answered so; what is not known the guards answer."""
    app.add_exception_handler(AnyHTTPException, _http)
    app.add_exception_handler(RequestValidationError, _not_valid)
    for each in (DaemonError, ClassifierError):
        app.add_exception_handler(each, _ours)
    app.add_exception_handler(SQLAlchemyError, _ledger)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, AnyHTTPException)
    why = error.detail if isinstance(error.detail, str) and error.detail != _phrase(error.status_code) else ""
    return answer(request.scope, error.status_code, why, headers=error.headers)


async def _not_valid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    said = "; ".join(
        f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors()[:5]
    )
    return answer(request.scope, 422, said[:1000])


async def _ours(request: Request, error: Exception) -> Response:
    """What a person can mend; its message says where."""
    logger.warning("a page cannot be shown", extra={"path": request.url.path, "error": str(error)})
    return answer(request.scope, 503, str(error))


async def _ledger(request: Request, error: Exception) -> Response:
    assert isinstance(error, SQLAlchemyError)
    logger.warning("the ledger cannot be read", extra={"path": request.url.path, "error": plainly(error)})
    return answer(request.scope, 503, plainly(error))


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
