"""The tree of a web page ▶ what the page says of itself: title, date, outlet, author, address.

Only what is said plainly counts. Where a page contradicts itself, or says it of something else (a
comment, another story), the answer is None. Nothing here makes a guess from the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from classifier.formats.web import linked
from classifier.formats.web.hearing import Element, Said, gather
from classifier.formats.web.moments import date_of
from classifier.formats.web.names import is_same, name_of
from classifier.formats.web.titles import title_of

_MOST_AUTHORS = 5
_TOP = 4096  # characters
_OUTLETS = ("og:site_name", "dc.publisher", "dcterms.publisher")
_AUTHORS = ("author", "article:author", "dc.creator", "dcterms.creator", "parsely-author", "sailthru.author")
_NO_PERSON = frozenset({"admin", "administrator", "editor", "root", "user", "редакция", "редактор", "админ"})
_BY = re.compile(r"(?:by|автор|авторы|авторлар|بقلم)[ \t]*:?[ \t]+", re.I)
_SAVED_FROM = re.compile(r"saved from url=\(\d{1,6}\)(https?://[^\s<>\"]{1,2000})")


@dataclass(frozen=True, slots=True)
class PageData:
    title: str | None = None
    date: str | None = None
    source: str | None = None
    author: str | None = None
    url: str | None = None


def of_tree(root: Element, url: str | None = None) -> PageData:
    """What a page says of itself. `url` is where it came from, where that is known from elsewhere."""
    said = gather(root)
    records = linked.records_of(said.scripts)
    address = _address(said, url)
    article = linked.article_of(records, address)
    address = address or _own_address(article)
    source = _source(said, article, records)
    return PageData(
        title=title_of(said, article, source, address),
        date=date_of(said, article),
        source=source,
        author=_author(said, article, source),
        url=address,
    )


def saved_from(text: str) -> str | None:
    """Where a browser saved a page from, which it says in a comment above it."""
    found = _SAVED_FROM.search(text[:_TOP])
    return found[1] if found else None


def _address(said: Said, url: str | None) -> str | None:
    base = next((each for each in (url, *said.metas.get("og:url", ()), said.base) if each), "")
    for given in (said.address, *said.metas.get("og:url", ())[:1], url):
        if given and (found := _sound_address(given, base)):
            return found
    return None


def _own_address(article: linked.Record) -> str | None:
    found = (_sound_address(each, "") for each in linked.addresses(article))
    return next((each for each in found if each), None)


def _sound_address(given: str, base: str) -> str | None:
    """An address of a page of the web; the front page of a site is no article's."""
    try:
        found = urljoin(base, given.strip()[:2000])
        parts = urlsplit(found)
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host or any(map(str.isspace, found)):
        return None
    return found if parts.path.strip("/") or parts.query else None


def _source(said: Said, article: linked.Record, records: list[linked.Record]) -> str | None:
    given = [*said.metas.get("og:site_name", ())[:1], *linked.names(article.get("publisher"))]
    given += [name for key in _OUTLETS[1:] for name in said.metas.get(key, ())[:1]]
    for record in records:
        if {"WebSite", "NewsMediaOrganization"} & set(linked.types(record)):
            given += linked.names(record.get("name"))
    return next((name for each in given if (name := name_of(each))), None)


def _author(said: Said, article: linked.Record, source: str | None) -> str | None:
    ways = [list(linked.names(article.get("author")))]
    ways += [said.metas.get(key, []) for key in _AUTHORS]
    ways.append(said.properties.get("author", []))
    for given in ways:
        names = dict.fromkeys(name for each in given if (name := _person(each, source)))
        if 0 < len(names) <= _MOST_AUTHORS:
            return ", ".join(names)
    return None


def _person(given: str, source: str | None) -> str | None:
    name = name_of(_BY.sub("", given.strip(), count=1) if _BY.match(given.strip()) else given)
    if not name or name.casefold() in _NO_PERSON or (source and is_same(name, source)):
        return None
    return name
