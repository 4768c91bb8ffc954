"""What stands before every page: whose name a request has, where it comes from, how much it is."""

from __future__ import annotations

import asyncio
import itertools
import re
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import BaseRoute, Mount, Route
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from classifier import current_version
from daemon.desk import hosts
from daemon.desk.app import app_of
from daemon.desk.doors import FOR_PROGRAMS
from daemon.desk.keys import token
from daemon.desk.limits import Bounds, Limits
from daemon.tables import Desk as DeskTable
from tests import ledgers
from tests.at_the_desk import ADDRESS, HERE, AtDesk

FOREIGN_HOSTS = (
    "evil.com",
    "evil.com:8460",
    "127.evil.com",
    "127.evil.com:8460",
    "127.0.0.1.evil.com",
    "127.0.0.1.evil.com:8460",
    "127.0.0.1:8460.evil.com",
    "127.0.0.1@evil.com",
    "evil.com@127.0.0.1:8460",
    "127.0.0.1",
    "127.0.0.1:80",
    "127.0.0.1:84600",
    "127.0.0.1:08460",
    "127.0.0.1:8460:8460",
    "127.0.0.1:8460/",
    "127.0.0.1:8460,evil.com",
    "127.0.0.1:8460 evil.com",
    "2130706433:8460",
    "0x7f.1:8460",
    "127.1:8460",
    "0.0.0.0:8460",
    "localhost",
    "localhost.:8460",
    "localhost.evil.com:8460",
    "[::ffff:127.0.0.1]:8460",
    "[::1",
    "::1:8460",
    "",
    " ",
    ":8460",
)
OF_OTHER_SITES = (
    {"Origin": "https://evil.com"},
    {"Origin": "http://127.0.0.1:8461"},
    {"Origin": "http://127.0.0.1"},
    {"Origin": "http://127.0.0.1:8460.evil.com"},
    {"Origin": "http://localhost:8460"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "nonsense"},
)
OUT_OF_THE_FOLDER = (
    "/static/../guards.py",
    "/static/..%2fguards.py",
    "/static/%2e%2e/guards.py",
    "/static/%2e%2e%2f%2e%2e%2fdesk%2fguards.py",
    "/static/..%5cguards.py",
    "/static/....//guards.py",
    "/static//etc/passwd",
    "/static/%2fetc/passwd",
    "/static/desk.css%00.js",
    "/static/%0d%0aSet-Cookie:x",
    "//static/../guards.py",
    "/static/",
)
ELSEWHERE = (
    "//evil.com",
    "///evil.com",
    "https://evil.com",
    "/\\evil.com",
    "\\\\evil.com",
    "/\t/evil.com",
    "\t//evil.com",
    "/\n/evil.com",
    " //evil.com",
    "javascript:alert(1)",
    "evil.com",
    "",
    "/\r\nSet-Cookie: a=b",
)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def app(at_desk: AtDesk) -> FastAPI:
    found = at_desk.client.app
    assert isinstance(found, FastAPI)
    return found


def stranger(at_desk: AtDesk, **named: str) -> TestClient:
    """Somebody at the same desk who has not signed in."""
    return TestClient(app(at_desk), base_url=ADDRESS, follow_redirects=False, client=HERE, headers=named)


def test_a_desk_of_another_name_is_not_this_one(at_desk: AtDesk) -> None:
    for host in FOREIGN_HOSTS:
        refused = at_desk.client.get("/", headers={"Host": host})

        assert refused.status_code == 421, host
        assert "Refinery" not in refused.text


def test_a_desk_is_known_by_the_names_of_where_it_listens(at_desk: AtDesk) -> None:
    for host in ("127.0.0.1:8460", "localhost:8460", "LOCALHOST:8460", "[::1]:8460"):
        assert at_desk.client.get("/", headers={"Host": host}).status_code == 200, host


def test_two_names_at_once_are_none(at_desk: AtDesk) -> None:
    both = [("Host", "127.0.0.1:8460"), ("Host", "evil.com")]

    assert at_desk.client.get("/", headers=both).status_code == 421
    assert not hosts.is_ours([], hosts.names_of(DeskTable()))


def test_a_desk_has_the_names_that_are_configured_and_no_others() -> None:
    names = hosts.names_of(DeskTable(listen="0.0.0.0:8460", hosts=("desk.example.org",)))

    assert hosts.is_ours(["desk.example.org"], names)
    assert hosts.is_ours(["Desk.Example.org:8460"], names)
    assert not hosts.is_ours(["desk.example.org.evil.com"], names)
    assert not hosts.is_ours(["evil.desk.example.org"], names)
    assert not hosts.is_ours(["0.0.0.0:8460"], names)


def test_a_page_of_another_site_changes_nothing_even_with_the_token(at_desk: AtDesk) -> None:
    for headers in OF_OTHER_SITES:
        assert at_desk.client.post("/sign-out", headers=headers).status_code == 403, headers

    assert at_desk.client.get("/").status_code == 200  # still signed in


def test_a_page_of_this_desk_may_change_what_it_shows(at_desk: AtDesk) -> None:
    own = {"Origin": ADDRESS, "Sec-Fetch-Site": "same-origin"}

    assert at_desk.client.post("/sign-out", headers=own).status_code == 303
    assert at_desk.client.get("/").status_code == 303  # to sign in


def test_a_part_of_a_page_is_not_given_to_another_site(at_desk: AtDesk) -> None:
    as_script = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    as_page = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}

    assert at_desk.client.get("/", headers=as_script).status_code == 403
    assert at_desk.client.get("/", headers=as_page).status_code == 200


def test_a_form_without_its_token_is_refused(at_desk: AtDesk) -> None:
    right = at_desk.client.headers.pop("X-CSRF-Token")

    assert at_desk.client.post("/sign-out").status_code == 403
    assert at_desk.client.post("/sign-out", params={"csrf": right}).status_code == 403
    assert at_desk.client.post("/sign-out", content=f"csrf={right}").status_code == 403  # no form
    for wrong in ("", "wrong", "x" * 43, right[:-1], right + "x"):
        assert at_desk.client.post("/sign-out", data={"csrf": wrong}).status_code == 403
        assert at_desk.client.post("/sign-out", headers={"X-CSRF-Token": wrong}).status_code == 403


def test_a_form_with_its_token_is_taken_and_its_fields_reach_the_page(at_desk: AtDesk) -> None:
    given = at_desk.client.headers.pop("X-CSRF-Token")

    taken = at_desk.client.post("/language", data={"language": "ru", "csrf": given, "next": "/queue"})

    assert (taken.status_code, taken.headers["Location"]) == (303, "/queue")
    assert taken.cookies["topicwire_language"] == "ru"


def test_a_form_with_two_tokens_has_none(at_desk: AtDesk) -> None:
    given = at_desk.client.headers.pop("X-CSRF-Token")

    refused = at_desk.client.post("/sign-out", content=f"csrf={given}&csrf={given}", headers=FORM)

    assert refused.status_code == 403


def test_the_token_of_another_session_is_none_here(at_desk: AtDesk) -> None:
    other = stranger(at_desk)
    other.get("/enter", params={"token": token(at_desk.home)})
    page = other.get("/").text
    foreign = page.split('name="csrf" value="')[1].split('"')[0]

    assert other.post("/sign-out", data={"csrf": foreign}).status_code == 303
    del at_desk.client.headers["X-CSRF-Token"]
    assert at_desk.client.post("/sign-out", data={"csrf": foreign}).status_code == 403


def test_no_header_makes_another_method_of_a_request(at_desk: AtDesk) -> None:
    disguised = {"X-HTTP-Method-Override": "POST", "X-Method-Override": "POST", "X-HTTP-Method": "POST"}

    assert at_desk.client.get("/sign-out?_method=POST", headers=disguised).status_code == 405
    assert at_desk.client.request("TRACE", "/").status_code == 405
    assert at_desk.client.request("CONNECT", "/").status_code == 405
    assert at_desk.client.get("/").status_code == 200


def test_nothing_but_what_is_static_is_read_from_the_folder(at_desk: AtDesk) -> None:
    for path in OUT_OF_THE_FOLDER:
        refused = at_desk.client.get(f"{ADDRESS}{path}")

        assert refused.status_code in (400, 404), path
        assert "class Guards" not in refused.text
        assert "root:" not in refused.text


def test_nobody_is_led_away_after_a_choice(at_desk: AtDesk) -> None:
    for next in ELSEWHERE:
        by_form = at_desk.client.post("/language", data={"language": "en", "next": next})
        by_link = at_desk.client.get("/login", params={"next": next})

        assert (by_form.status_code, by_form.headers["Location"]) == (303, "/")
        assert (by_link.status_code, by_link.headers["Location"]) == (303, "/")
    assert hosts.safe_path("/" + "a" * 3000) == "/"


def test_a_page_of_this_desk_is_gone_back_to(at_desk: AtDesk) -> None:
    came_from = {"Referer": f"{ADDRESS}/?topic=energy&text=%D0%BD"}

    back = at_desk.client.post("/language", data={"language": "kk"}, headers=came_from)

    assert back.headers["Location"] == "/?topic=energy&text=%D0%BD"
    foreign = at_desk.client.post("/language", data={"language": "kk"}, headers={"Referer": "http://evil/x"})
    assert foreign.headers["Location"] == "/"


def test_an_address_of_two_slashes_leads_nowhere(at_desk: AtDesk) -> None:
    asked = stranger(at_desk).get(f"{ADDRESS}//evil.com/%2e", headers={"Sec-Fetch-Site": "cross-site"})

    assert asked.status_code in (400, 403)
    assert "evil.com" not in asked.text


def test_an_answer_has_no_header_that_was_asked_for(at_desk: AtDesk) -> None:
    split = at_desk.client.get("/login?next=/%0d%0aSet-Cookie:%20a=b")

    assert "a" not in split.cookies
    assert split.headers["Location"] == "/"


def test_every_answer_says_what_a_browser_may_do_with_it(at_desk: AtDesk) -> None:
    seen = [
        at_desk.client.get("/"),
        at_desk.client.get("/nothing"),
        at_desk.client.get("/", headers={"Host": "evil.com"}),
        stranger(at_desk).get("/"),
        stranger(at_desk).get("/login"),
        at_desk.client.get("/static/desk.css"),
        at_desk.client.get("/api/nothing"),
        at_desk.client.post("/sign-out", headers={"Origin": "null"}),
        at_desk.client.get("/static/nothing"),
    ]

    for answer in seen:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert "Server" not in answer.headers
        assert "Access-Control-Allow-Origin" not in answer.headers
    kept = [answer.headers["Cache-Control"] for answer in seen]
    assert kept == [*["no-store"] * 5, "public, max-age=300", *["no-store"] * 3]


def test_what_is_too_much_is_refused_before_anybody_reads_it(at_desk: AtDesk) -> None:
    client = at_desk.client
    many = {f"X-{number}": "x" for number in range(80)}

    assert client.get("/" + "a" * 3000).status_code == 414
    assert client.get("/?text=" + "a" * 9000).status_code == 414
    assert client.get("/", headers=many).status_code == 431
    assert client.post("/sign-out", content=b"x" * (2**20 + 1), headers=FORM).status_code == 413
    assert client.post("/sign-out", content=b"x", headers={"Content-Length": "9" * 30}).status_code == 413


def test_a_body_that_does_not_say_how_long_it_is_has_the_same_limit(at_desk: AtDesk) -> None:
    del at_desk.client.headers["X-CSRF-Token"]

    def pieces() -> Iterator[bytes]:
        yield from itertools.repeat(b"x" * 2**16, 20)

    assert at_desk.client.post("/sign-out", content=pieces(), headers=FORM).status_code == 413


def test_a_length_that_is_said_in_two_ways_is_refused(at_desk: AtDesk) -> None:
    twice = {"Transfer-Encoding": "chunked", "Content-Length": "4"}

    refused = at_desk.client.post("/sign-out", content=b"csrf", headers=twice)

    assert refused.status_code == 400
    assert refused.headers["Connection"] == "close"


def test_who_has_not_signed_in_is_sent_to_do_so_and_then_to_where_they_were_going(at_desk: AtDesk) -> None:
    asked = stranger(at_desk).get("/topics?since=%D0%B0")
    page = stranger(at_desk).get(asked.headers["Location"])

    assert asked.status_code == 303
    assert page.status_code == 200
    assert 'name="next" value="/topics?since=%D0%B0"' in page.text
    assert "Refinery" not in page.text


def test_a_program_that_has_not_signed_in_is_told_so(at_desk: AtDesk) -> None:
    for path in ("/api/articles", "/api", "/feeds/energy.atom"):
        asked = stranger(at_desk).get(path)

        assert asked.status_code == 401
        assert asked.headers["Content-Type"].startswith("application/problem+json")
        assert asked.json()["status"] == 401


def test_a_part_of_a_page_that_nobody_is_signed_in_for_has_the_page_loaded_anew(at_desk: AtDesk) -> None:
    asked = stranger(at_desk).get("/", headers={"HX-Request": "true"})

    assert (asked.status_code, asked.headers["HX-Refresh"]) == (401, "true")


def test_a_link_from_elsewhere_goes_on_as_one_of_ours(at_desk: AtDesk) -> None:
    """A SameSite=Strict cookie does not come with it, and with the page that we answer it does."""
    asked = stranger(at_desk).get(
        "/topics?a=1&b=2", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    )

    assert asked.status_code == 200
    assert '<meta http-equiv="refresh" content="0;url=/topics?a=1&amp;b=2">' in asked.text


def routes_of(found: Sequence[BaseRoute], within: str = "") -> Iterator[tuple[str, Route]]:
    """Every route with its whole path, those of applications within as well."""
    for each in iter_route_contexts(found):
        route = each.original_route
        if isinstance(route, Mount):
            yield from routes_of(route.routes, within + route.path)
        elif isinstance(route, Route):
            yield within + (each.path or ""), route


def dependencies_of(route: Route) -> set[str]:
    found: set[str] = set()
    left = [route.dependant] if isinstance(route, APIRoute) else []
    while left:
        each = left.pop()
        found.add(getattr(each.call, "__name__", ""))
        left += each.dependencies
    return found


def filled(at_desk: AtDesk, path: str) -> str:
    """A path with something that is there for each of its parameters."""
    with at_desk.database.reading() as connection:
        article = connection.exec_driver_sql("SELECT fingerprint FROM articles LIMIT 1").scalar_one()
    there = {"/articles": article, "/api/articles": article, "/topics": "energy", "/feeds": "energy"}
    there["/model"] = str(current_version(at_desk.settings.models))
    value = next((found for start, found in there.items() if path.startswith(start)), "1")
    return re.sub(r"\{[^}]*\}", value, path)


# What changes nothing that others see, or lets somebody in.
FOR_ANYBODY = {"/login", "/enter", "/language", "/sign-out", *FOR_PROGRAMS}
FOR_READERS = {"/api/tag"}


def test_every_route_says_who_may_come(at_desk: AtDesk) -> None:
    open_to_all = {path for path, route in routes_of(app(at_desk).routes) if not _guarded(route)}

    assert open_to_all <= FOR_ANYBODY


def _guarded(route: Route) -> bool:
    return bool({"person_of", "editor_of"} & dependencies_of(route))


def test_every_route_that_changes_something_is_for_editors(at_desk: AtDesk) -> None:
    changing = {
        path: route
        for path, route in routes_of(app(at_desk).routes)
        if (route.methods or set()) - hosts.SAFE and path not in FOR_ANYBODY | FOR_READERS
    }

    assert [path for path, route in changing.items() if "editor_of" not in dependencies_of(route)] == []


def test_every_route_that_changes_something_asks_for_the_token_of_the_form(at_desk: AtDesk) -> None:
    del at_desk.client.headers["X-CSRF-Token"]
    seen = 0

    for path, route in routes_of(app(at_desk).routes):
        for method in (route.methods or set()) - hosts.SAFE:
            answer = at_desk.client.request(method, filled(at_desk, path))
            assert answer.status_code == 403, (method, path, answer.status_code)
            seen += 1

    assert seen >= 3


def test_looking_changes_nothing(at_desk: AtDesk) -> None:
    before, answers = _all(at_desk), dict[str, int]()

    for path, route in routes_of(app(at_desk).routes):
        if "GET" in (route.methods or set()):
            answers[path] = at_desk.client.get(filled(at_desk, path)).status_code

    assert {path: code for path, code in answers.items() if code >= 500 and not path.startswith("/-/")} == {}
    assert _all(at_desk) == before


def _all(at_desk: AtDesk) -> list[tuple[str, tuple[object, ...]]]:
    with at_desk.database.reading() as connection:
        return ledgers.everything(connection)


def test_an_error_of_ours_says_what_to_mend_and_one_that_is_not_says_nothing(
    at_desk: AtDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A damaged ledger has a reason; a fault in the program has one that is for the log alone."""
    (at_desk.home / "models" / "current").unlink()
    for child in (at_desk.home / "models").iterdir():
        _remove(child)
    broken = app_of(at_desk.desk)

    @broken.get("/broken")
    def fails() -> None:
        raise RuntimeError("a secret of the program")

    @broken.get("/unable")
    def unable() -> None:
        at_desk.desk.models.served()

    client = TestClient(broken, base_url=ADDRESS, client=HERE, follow_redirects=False)
    client.get("/enter", params={"token": token(at_desk.home)})

    assert client.get("/broken").status_code == 500
    assert "secret" not in client.get("/broken").text
    assert client.get("/broken").headers["Content-Security-Policy"]
    assert client.get("/unable").status_code == 503
    assert "no model" in client.get("/unable").text
    assert client.get("/nothing").status_code == 404


def _remove(path: Path) -> None:
    import shutil

    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def test_an_answer_that_takes_too_long_is_given_up_and_still_counts_among_those_at_once() -> None:
    slow, go_on = FastAPI(), threading.Event()

    @slow.get("/api/slow")
    def takes_long() -> str:
        go_on.wait(20)
        return "done"

    @slow.get("/api/quick")
    def takes_none() -> str:
        return "done"

    with TestClient(Passed(Limits(slow, Bounds(seconds=0.2, at_once=2)))) as client:
        assert client.get("/api/quick").status_code == 200
        assert [client.get("/api/slow").status_code for _ in range(2)] == [503, 503]
        refused = client.get("/api/quick")
        assert (refused.status_code, refused.headers["Connection"]) == (503, "close")
        go_on.set()
        until = time.monotonic() + 10
        while client.get("/api/quick").status_code != 200:
            assert time.monotonic() < until


def test_an_answer_that_is_cut_off_as_the_desk_closes_is_one_and_no_trace() -> None:
    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(60)

    said: list[Message] = []

    async def send(message: Message) -> None:
        said.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    scope = {"type": "http", "method": "GET", "path": "/api/slow", "raw_path": b"/api/slow"}
    scope |= {"query_string": b"", "headers": []}

    async def close() -> None:
        asked = asyncio.ensure_future(Limits(endless, Bounds())(scope, receive, send))
        await asyncio.sleep(0.05)
        asked.cancel()
        await asked  # as uvicorn does, which writes a trace of whatever comes out

    asyncio.run(close())

    assert said[0]["status"] == 503
    assert said[-1]["type"] == "http.response.body"


class Passed:
    """The guards let nothing but requests through to what stands behind them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._app(scope, receive, send)
            return
        for end in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{end}.complete"})
