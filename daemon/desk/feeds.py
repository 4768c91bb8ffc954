"""Feeds: the newest articles of a topic, or of any query of Today, for feed readers (Atom, RFC 4287).

Their pages follow each other as RFC 5005 has it. A feed reader cannot sign in: it has a key in its address.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from itertools import chain
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from lxml import etree

from classifier import shorten
from daemon.clock import from_text
from daemon.desk import filters, problems, queries
from daemon.desk.admission import Admission
from daemon.desk.articles import ArticleShown
from daemon.desk.doors import Reader
from daemon.desk.filters import Asked
from daemon.desk.problems import ProblemError
from daemon.desk.queries import Cursor
from daemon.desk.rendering import page
from daemon.desk.state import Desk, desk_of
from daemon.neutral import address, cleaned

router = APIRouter()
_feeds = APIRouter()

MEDIA_TYPE = "application/atom+xml"
_ATOM = "http://www.w3.org/2005/Atom"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_MOST = 50
_LONGEST_TITLE, _LONGEST_SUMMARY, _LONGEST_NAME, _LONGEST_LINK = 300, 1000, 200, 2000
_NOBODY = "topicwire"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOTHING_YET = "1970-01-01T00:00:00Z"
# What no XML 1.0 may hold, whatever it is written as (section 2.2).
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
# Of this the ids are made that entries and feeds keep for ever.
_NAMESPACE = uuid.UUID("5b0d4c0a-9d0d-5f5e-8f0e-6f1a6f2f7f51")


@dataclass(frozen=True, slots=True)
class Feed:
    """What a feed says of itself. `here` is its path and query without key and cursor, `home` where people
    read the same; both from the root of the site, which is `base`. `topic`: whose passage each entry tells.
    """

    title: str
    base: str
    here: str
    home: str
    topic: str | None = None
    cursor: str | None = None
    key: str | None = None

    @property
    def id(self) -> str:
        return urn(f"feed {self.here}")

    def address(self, cursor: str | None = None) -> str:
        """Absolute, with the key of whoever asked: their reader cannot follow it without."""
        more = {name: value for name, value in (("cursor", cursor), ("key", self.key)) if value}
        joint = "&" if "?" in self.here else "?"
        return f"{self.base}{self.here}{joint if more else ''}{urlencode(more)}"


def feeds_of(desk: Desk, admission: Admission) -> FastAPI:
    """The application to be mounted at /feeds; every failure of it is a problem."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.desk = desk
    app.state.admission = admission
    problems.install(app)
    app.include_router(_feeds)
    return app


@_feeds.api_route("/articles.atom", methods=["GET", "HEAD"])
def articles_feed(request: Request, person: Reader, cursor: Cursor | None = None) -> Response:
    """The articles that a query of Today leaves, in Today's own words."""
    asked, titles = filters.asked(request.query_params), desk_of(request).topics()
    what = ", ".join(titles.get(each, each) for each in asked.topics) or asked.text
    feed = _feed(request, what, asked.address("/feeds/articles.atom"), asked)
    return _response(request, feed, asked, cursor)


@_feeds.api_route("/topics/{id}.atom", methods=["GET", "HEAD"])
def topic_feed(request: Request, person: Reader, id: str, cursor: Cursor | None = None) -> Response:
    """The articles about a topic, or that mention it, each with the passage that carries it."""
    title = desk_of(request).topics().get(id)
    if title is None:
        raise ProblemError(404, "there is no such topic; GET /api/topics lists those there are")
    asked = Asked(topics=(id,))
    return _response(request, _feed(request, title, f"/feeds/topics/{quote(id)}.atom", asked), asked, cursor)


@router.get("/subscribe", response_class=HTMLResponse)
def subscribe(request: Request, person: Reader) -> HTMLResponse:
    """The address for somebody's feed reader, of what Today shows them."""
    asked, titles = filters.asked(request.query_params), desk_of(request).topics()
    here = asked.address("/feeds/articles.atom")
    if [name for name, _ in asked.pairs] == ["topic"] and asked.topics[0] in titles:
        here = f"/feeds/topics/{quote(asked.topics[0])}.atom"
    key = request.app.state.admission.feed_key(person)
    address = replace(_feed(request, "", here, asked), key=key, cursor=None).address()
    topics = [titles.get(each, each) for each in asked.topics]
    return page(request, "subscribe.html", address=address, asked=asked, topics=topics)


def urn(what: str) -> str:
    """An id that stays whatever the site is called: the same thing has the same for ever (RFC 9562, 5.5)."""
    return uuid.uuid5(_NAMESPACE, what).urn


def atom(
    feed: Feed, found: Sequence[ArticleShown], titles: Mapping[str, str], *, following: str | None
) -> bytes:
    """A feed as XML. `following` is the cursor of the page behind this one."""
    root = etree.Element(f"{{{_ATOM}}}feed", nsmap={None: _ATOM})
    root.set(_XML_LANG, "en")
    _add(root, "id", feed.id)
    _add(root, "title", _plain(feed.title, _LONGEST_TITLE) or _NOBODY)
    _add(root, "updated", max((_moment(each.tagged_at) for each in found), default=_NOTHING_YET))
    _add(_add(root, "author"), "name", _NOBODY)
    _link(root, "self", feed.address(feed.cursor), MEDIA_TYPE)
    _link(root, "alternate", f"{feed.base}{feed.home}", "text/html")
    _link(root, "first", feed.address(), MEDIA_TYPE)
    if following is not None:
        _link(root, "next", feed.address(following), MEDIA_TYPE)
    for each in found:
        _entry(root, feed, each, titles)
    return bytes(etree.tostring(root, encoding="utf-8", xml_declaration=True))


def _entry(root: Any, feed: Feed, article: ArticleShown, titles: Mapping[str, str]) -> None:
    entry = _add(root, "entry")
    if article.language and _LANGUAGE.fullmatch(article.language):
        entry.set(_XML_LANG, article.language)
    _add(entry, "id", urn(f"article {article.fingerprint}"))
    _add(entry, "title", _plain(article.headline, _LONGEST_TITLE) or "(no title)")
    _add(entry, "updated", _moment(article.tagged_at))
    published = _published(article.date)
    if published is not None:
        _add(entry, "published", published)
    who = (_plain(each, _LONGEST_NAME) for each in (article.source or "", article.author or ""))
    _add(_add(entry, "author"), "name", next((each for each in who if each), _NOBODY))
    _link(entry, "alternate", f"{feed.base}/articles/{article.id}", "text/html")
    original = address(article.url, _LONGEST_LINK)
    if original is not None:
        _link(entry, "via", original)
    for tag in article.tags:
        title = _plain(titles.get(tag.topic, tag.topic), _LONGEST_TITLE)
        _add(entry, "category", term=_plain(tag.topic, _LONGEST_TITLE), label=title)
    summary = _plain(_passage(article, feed.topic), _LONGEST_SUMMARY)
    _add(entry, "summary", summary or "-", type="text")


def _passage(article: ArticleShown, topic: str | None) -> str:
    """The passage that carries the topic, or the likeliest one; else how the article begins."""
    tags = sorted(article.tags, key=lambda tag: tag.topic != topic)
    passages = (passage for tag in tags for passage in tag.passages if passage.strip())
    lines = article.text.split("\n", 2)
    return next(passages, lines[1] if article.title and len(lines) > 1 else lines[0])


def _feed(request: Request, what: str, here: str, asked: Asked) -> Feed:
    parameters = request.query_params
    return Feed(
        title=f"{what} · topicwire" if what else "topicwire",
        base=_base(request),
        here=here,
        home=asked.address(),
        topic=asked.topics[0] if asked.topics else None,
        cursor=parameters.get("cursor"),
        key=parameters.get("key"),
    )


def _base(request: Request) -> str:
    """The root of the site as whoever asks has reached it; the guards know the host."""
    admission = request.app.state.admission
    assert isinstance(admission, Admission)
    scheme = "https" if admission.is_secure(request.scope) else "http"
    return f"{scheme}://{request.url.netloc}"


def _response(request: Request, feed: Feed, asked: Asked, cursor: str | None) -> Response:
    desk = desk_of(request)
    before = queries.begins_below(cursor)
    with desk.database.reading() as connection:
        parts = queries.found(connection, desk.index, asked.filter, asked.span, before=before, most=_MOST + 1)
        found = list(chain.from_iterable(parts))
    following = queries.cursor_of(found[_MOST - 1].identity) if len(found) > _MOST else None
    body = atom(feed, found[:_MOST], desk.topics(), following=following)
    return _unless_known(request, body, found[:_MOST])


def _unless_known(request: Request, body: bytes, found: Sequence[ArticleShown]) -> Response:
    """The feed, or 304 where the reader has it as it is (RFC 9110, 13.2.2: the tag goes before the date)."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    changed = max((from_text(each.tagged_at) for each in found), default=_EPOCH).astimezone(UTC)
    headers = {
        "ETag": tag,
        "Last-Modified": format_datetime(changed.replace(microsecond=0), usegmt=True),
        "Cache-Control": "private, no-cache",
    }
    known = request.headers.get("if-none-match")
    if known is not None:
        same = known.strip() == "*" or tag in (each.strip().removeprefix("W/") for each in known.split(","))
    else:
        same = _is_since(request.headers.get("if-modified-since"), changed)
    if same:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=f"{MEDIA_TYPE}; charset=utf-8")


def _is_since(given: str | None, changed: datetime) -> bool:
    """Whether nothing has changed since then, to the second."""
    try:
        moment = parsedate_to_datetime(given or "")
        return moment.astimezone(UTC) >= changed.replace(microsecond=0)
    except (ValueError, TypeError, OverflowError):
        return False


def _add(parent: Any, name: str, text: str | None = None, **attributes: str) -> Any:
    element = etree.SubElement(parent, f"{{{_ATOM}}}{name}", attributes)
    element.text = text
    return element


def _link(parent: Any, rel: str, href: str, type: str | None = None) -> None:
    _add(parent, "link", rel=rel, href=href, **({"type": type} if type else {}))


def _plain(text: str, most: int) -> str:
    """A text of one line that XML can hold."""
    return shorten(_FORBIDDEN.sub("", cleaned(text)), most)


def _moment(text: str) -> str:
    """A moment as RFC 3339 has it, to the second."""
    return from_text(text).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _published(date: str | None) -> str | None:
    """When it was published, where the article says it to the minute and says where."""
    try:
        moment = from_text(date or "")
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None
