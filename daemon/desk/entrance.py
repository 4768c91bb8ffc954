"""The entrance: signing in and out, and the choice of a language."""

from __future__ import annotations

import secrets
import time
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from daemon.desk import failures
from daemon.desk.admission import OPERATOR, Admission
from daemon.desk.doors import Reader
from daemon.desk.hosts import safe_path
from daemon.desk.languages import COOKIE, LANGUAGES, marked
from daemon.desk.people import Person
from daemon.desk.rendering import page
from daemon.desk.sessions import DAYS

router = APIRouter()

_YEAR = 365 * 24 * 3600
_BEFORE_SECONDS = 3600
_WRONG = marked("That is not right. Check the name and the password, and try again.")
_WAIT = marked("Too many attempts. Wait a little, and try again.")


def admission_of(request: Request) -> Admission:
    found = request.app.state.admission
    assert isinstance(found, Admission)
    return found


def feed_key(request: Request, person: Person) -> str:
    """What stands as `key=` in the address of a feed, for this person's feed reader."""
    return admission_of(request).feed_key(person)


@router.get("/enter")
def enter(request: Request, token: Annotated[str, Query()] = "") -> Response:
    """The link that a terminal shows. It begins a session, and leaves the token behind."""
    admission = admission_of(request)
    if admission.way != "token":
        return RedirectResponse("/login", 303)
    address = admission.address_of(request.scope)
    answer: Response
    if admission.is_token(token):
        answer = page(request, "again.html", where="/")
        _begin(answer, request, OPERATOR, admission.stamp_of(OPERATOR) or "")
    elif wait := admission.attempts.begin(address, now=time.monotonic()):
        answer = _too_many(request, wait)
    else:
        answer = failures.answer(request.scope, 403, marked("This link does not let you in."))
    answer.headers["referrer-policy"] = "no-referrer"  # the address has the token in it
    return answer


@router.get("/login")
def login(request: Request, next: Annotated[str, Query()] = "/") -> Response:
    if getattr(request.state, "person", None) is not None:
        return RedirectResponse(safe_path(next), 303)
    return _form(request, next=safe_path(next))


@router.post("/login")
def sign_in(
    request: Request,
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    token: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",
) -> Response:
    """By name and password; or by the token, where that lets people in."""
    admission = admission_of(request)
    where = safe_path(next)
    address = admission.address_of(request.scope)
    if admission.way == "token" and admission.is_token(token.strip()):
        return _in(request, where, OPERATOR, admission.stamp_of(OPERATOR) or "")
    if wait := admission.attempts.begin(address, now=time.monotonic()):
        return _too_many(request, wait)
    if admission.way == "password" and (known := admission.people.check(name.strip(), password)):
        admission.attempts.right(address)
        return _in(request, where, known.person.name, known.stamp)
    return _form(request, next=where, status=403, wrong=_WRONG, name=name[:80])


@router.post("/sign-out")
def sign_out(request: Request, person: Reader) -> Response:
    admission = admission_of(request)
    cookie = admission.cookie(request.scope)
    admission.sessions.end(request.cookies.get(cookie, ""))
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(cookie, secure=admission.is_secure(request.scope), httponly=True, samesite="strict")
    return answer


@router.post("/language")
def choose_language(
    request: Request, language: Annotated[str, Form()], next: Annotated[str, Form()] = ""
) -> Response:
    """Goes back to where it was chosen."""
    answer = RedirectResponse(safe_path(next or _page_before(request)), 303)
    if language in LANGUAGES:
        answer.set_cookie(
            COOKIE,
            language,
            max_age=_YEAR,
            samesite="strict",
            httponly=True,
            secure=admission_of(request).is_secure(request.scope),
        )
    return answer


def _page_before(request: Request) -> str:
    """The page of ours that a form stood on; ours come with their whole address (see the guards)."""
    said = urlsplit(request.headers.get("referer", "")[:2000])
    if said.netloc.lower() != request.headers.get("host", "").lower():
        return "/"
    return said.path + (f"?{said.query}" if said.query else "")


def _in(request: Request, where: str, name: str, stamp: str) -> Response:
    answer = RedirectResponse(where, 303)
    _begin(answer, request, name, stamp)
    return answer


def _begin(answer: Response, request: Request, name: str, stamp: str) -> None:
    admission = admission_of(request)
    secure = admission.is_secure(request.scope)
    answer.set_cookie(
        admission.cookie(request.scope),
        admission.sessions.begin(name, stamp),
        max_age=DAYS * 24 * 3600,
        httponly=True,
        samesite="strict",
        secure=secure,
    )
    before = admission.cookie_before(request.scope)
    answer.delete_cookie(before, secure=secure, httponly=True, samesite="strict")


def _too_many(request: Request, wait: float) -> Response:
    return failures.answer(request.scope, 429, _WAIT, headers={"Retry-After": str(int(wait) + 1)})


def _form(request: Request, *, next: str, status: int = 200, wrong: str = "", name: str = "") -> Response:
    """The form is bound to the browser by a cookie, so that nobody can have us sign in as them."""
    admission = admission_of(request)
    cookie = admission.cookie_before(request.scope)
    before = request.cookies.get(cookie) or secrets.token_urlsafe(16)
    request.state.csrf = admission.sessions.token_of(f"before {before}")
    answer = page(
        request,
        "login.html",
        status=status,
        way=admission.way,
        next=next,
        wrong=wrong,
        name=name,
        nobody=admission.way == "password" and not admission.people.known(),
    )
    secure = admission.is_secure(request.scope)
    answer.set_cookie(
        cookie, before, max_age=_BEFORE_SECONDS, httponly=True, samesite="strict", secure=secure
    )
    return answer
