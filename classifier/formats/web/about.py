"""The tree of a web page ▶ what the page says of itself: title, date, outlet, author, address.

Only what is said plainly counts. Where a page contradicts itself, or says it of something else (a
comment, another story), the answer is None. Nothing here makes a guess from the text.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeAlias
from urllib.parse import urljoin, urlsplit

from lxml import etree

from classifier import dates
from classifier.decoding import clean
from classifier.formats.web import linked

Element: TypeAlias = etree._Element

_MOST_ENTRIES = 2000  # meta elements, itemprops, times: a page of news has some dozens
_LONGEST_TITLE = 300
_LONGEST_NAME = 100
_MOST_AUTHORS = 5
_EARLIEST = 1990
_TOP = 4096  # characters

_TITLES = ("og:title", "twitter:title", "dc.title", "dcterms.title")
_OUTLETS = ("og:site_name", "dc.publisher", "dcterms.publisher")
_AUTHORS = ("author", "article:author", "dc.creator", "dcterms.creator", "parsely-author", "sailthru.author")
_DATES = (
    "article:published_time",
    "article:published",
    "og:article:published_time",
    "og:published_time",
    "datepublished",
    "mediator_published_time",
    "parsely-pub-date",
    "sailthru.date",
    "pubdate",
    "publish-date",
    "publish_date",
    "publishdate",
    "publication_date",
    "dc.date.issued",
    "dcterms.issued",
    "dc.date.created",
    "dc.date",
    "dcterms.date",
    "date",
)
_SEPARATORS = ("|", "»", "::", " - ", " – ", " — ", " / ", " · ", " • ", ": ")
_SURE_SEPARATORS = ("|", "::", "»")
_NOT_OF_THE_PAGE = re.compile(
    r"comment|disqus|related|sidebar|(?<!elementor-)widget|footer|recommend|promo|teaser", re.I
)
_CHANGED = re.compile(r"updated|modified|changed", re.I)
_OTHERS = frozenset({"nav", "aside", "footer"})
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


@dataclass(slots=True)
class _Said:
    """All that a page says, by where it says it; gathered in one walk over its tree."""

    metas: dict[str, list[str]] = field(default_factory=dict)
    properties: dict[str, list[str]] = field(default_factory=dict)
    times: list[str] = field(default_factory=list)
    published: list[str] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    name: str = ""
    address: str = ""
    base: str = ""
    entries: int = 0


def of_tree(root: Element, url: str | None = None) -> PageData:
    """What a page says of itself. `url` is where it came from, where that is known from elsewhere."""
    said = _gather(root)
    records = linked.records_of(said.scripts)
    address = _address(said, url)
    article = linked.article_of(records, address)
    address = address or _own_address(article)
    source = _source(said, article, records)
    return PageData(
        title=_title(said, article, source, address),
        date=_date(said, article),
        source=source,
        author=_author(said, article, source),
        url=address,
    )


def saved_from(text: str) -> str | None:
    """Where a browser saved a page from, which it says in a comment above it."""
    found = _SAVED_FROM.search(text[:_TOP])
    return found[1] if found else None


# Gathering


def _gather(root: Element) -> _Said:
    said = _Said()
    others: set[Element] = set()
    for node in root.iter():
        if said.entries > _MOST_ENTRIES:
            break
        tag = node.tag
        if not isinstance(tag, str):
            continue
        parent = node.getparent()
        if parent in others or _is_of_others(node, tag):
            others.add(node)
        _hear(said, node, tag, node in others)
    return said


def _is_of_others(node: Element, tag: str) -> bool:
    """Whether what stands here is not about the page's own article."""
    if tag in _OTHERS:
        return True
    if tag in ("html", "body", "main"):
        return False
    names = f"{node.get('class', '')[:200]} {node.get('id', '')[:100]}"
    # "content-with-sidebar" is what has the article in it
    return bool(_NOT_OF_THE_PAGE.search(names)) and node.find(".//h1") is None


def _hear(said: _Said, node: Element, tag: str, is_of_others: bool) -> None:
    if tag == "meta":
        _add(said, said.metas, node.get("property") or node.get("name") or "", node.get("content"))
    elif tag == "link":
        if "canonical" in node.get("rel", "").lower().split():
            said.address = said.address or node.get("href", "")
    elif tag == "base":
        said.base = said.base or node.get("href", "")
    elif tag == "title":
        said.name = said.name or _text(node)
    elif tag == "script":
        if node.get("type", "").strip().lower() == "application/ld+json":
            said.scripts.append(node.text or "")
            said.entries += 1
    elif not is_of_others:
        _hear_text(said, node, tag)
    if not is_of_others:
        for name in node.get("itemprop", "").split()[:5]:
            _add(said, said.properties, name, _value(node, tag))


def _hear_text(said: _Said, node: Element, tag: str) -> None:
    if tag == "h1":
        said.headings.append(_text(node))
        said.entries += 1
    elif tag == "time" and node.get("datetime"):
        said.entries += 1
        if node.get("pubdate") is not None:
            said.published.append(node.get("datetime", ""))
        elif not _CHANGED.search(f"{node.get('class', '')} {node.get('itemprop', '')}"):
            said.times.append(node.get("datetime", ""))


def _add(said: _Said, there: dict[str, list[str]], name: str, value: str | None) -> None:
    said.entries += 1
    if name and value and value.strip():
        there.setdefault(name.strip().lower(), []).append(value.strip()[:2000])


def _value(node: Element, tag: str) -> str:
    given = node.get("content") or (node.get("datetime") if tag == "time" else None)
    return given or _text(node)


def _text(node: Element) -> str:
    """The words in an element, as far as a title or a name can be long."""
    words: list[str] = []
    length = 0
    for piece in node.itertext():
        words.append(str(piece))
        length += len(piece)
        if length > 4 * _LONGEST_TITLE:
            break
    return " ".join("".join(words).split())


# Deciding


def _address(said: _Said, url: str | None) -> str | None:
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


def _source(said: _Said, article: linked.Record, records: list[linked.Record]) -> str | None:
    given = [*said.metas.get("og:site_name", ())[:1], *linked.names(article.get("publisher"))]
    given += [name for key in _OUTLETS[1:] for name in said.metas.get(key, ())[:1]]
    for record in records:
        if {"WebSite", "NewsMediaOrganization"} & set(linked.types(record)):
            given += linked.names(record.get("name"))
    return next((name for each in given if (name := _name(each))), None)


def _author(said: _Said, article: linked.Record, source: str | None) -> str | None:
    ways = [list(linked.names(article.get("author")))]
    ways += [said.metas.get(key, []) for key in _AUTHORS]
    ways.append(said.properties.get("author", []))
    for given in ways:
        names = dict.fromkeys(name for each in given if (name := _person(each, source)))
        if 0 < len(names) <= _MOST_AUTHORS:
            return ", ".join(names)
    return None


def _person(given: str, source: str | None) -> str | None:
    name = _name(_BY.sub("", given.strip(), count=1) if _BY.match(given.strip()) else given)
    if not name or name.casefold() in _NO_PERSON or (source and _is_same(name, source)):
        return None
    return name


def _name(given: str) -> str | None:
    """A name on one line; None for an address, and for what is too long to be one."""
    name = _line(given)
    if (
        not name
        or len(name) > _LONGEST_NAME
        or "://" in name
        or "@" in name
        or not any(map(str.isalpha, name))
    ):
        return None
    return name


def _line(given: str) -> str:
    text = given[:2000]
    if "&" in text:  # written for a machine, and escaped once more than it is read
        text = html.unescape(re.sub(r"&#\d{8,}+;?", "", text))
    return " ".join(clean(text).split())


def _is_same(one: str, other: str) -> bool:
    return _letters(one) == _letters(other)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def _title(said: _Said, article: linked.Record, source: str | None, address: str | None) -> str | None:
    heading = _heading(said)
    outlets = [each for each in (source, _host(address)) if each]
    given = [each for each in linked.listed(article.get("headline")) if isinstance(each, str)]
    given += said.properties.get("headline", [])[:1]
    given += [each for key in _TITLES for each in said.metas.get(key, [])[:1]]
    for each in [*given, heading, said.name]:
        title = _without_outlet(_line(each), outlets, heading)
        if title and len(title) <= _LONGEST_TITLE and not any(_is_same(title, outlet) for outlet in outlets):
            return _whole(title, heading)
    return None


def _heading(said: _Said) -> str:
    """The page's one h1; of several the one that its <title> has in it."""
    headings = list(dict.fromkeys(line for each in said.headings if (line := _line(each))))
    if len(headings) == 1:
        return headings[0]
    name = _letters(said.name)
    fitting = [each for each in headings if (letters := _letters(each)) and name.startswith(letters)]
    return max(fitting, key=len, default="")


def _whole(title: str, heading: str) -> str:
    """The heading, where the title is the heading cut short for other sites."""
    cut = title.rstrip(".… ")
    if cut != title and len(cut) > 20 and heading.startswith(cut) and len(heading) <= _LONGEST_TITLE:
        return heading
    return title


def _host(address: str | None) -> str:
    host = (urlsplit(address).hostname or "") if address else ""
    return host.removeprefix("www.")


def _without_outlet(title: str, outlets: list[str], heading: str) -> str:
    """A title without the outlet's name, which pages put behind it or before it."""
    if heading and title != heading and len(heading) > 10 and _ends_in_outlet(title, heading):
        return heading
    for separator in _SEPARATORS:
        if separator not in title:
            continue
        head, _, tail = title.rpartition(separator)
        if head.strip() and any(_names_outlet(tail, outlet) for outlet in outlets):
            return head.strip(" |»:-–—")
        head, _, tail = title.partition(separator)
        if tail.strip() and any(_names_outlet(head, outlet) for outlet in outlets):
            return tail.strip(" |»:-–—")
    for separator in _SURE_SEPARATORS:
        head, _, tail = title.rpartition(separator)
        if len(head.split()) >= 4 > len(tail.split()):
            return head.strip()
        head, _, tail = title.partition(separator)
        if len(tail.split()) >= 4 > len(head.split()):
            return tail.strip()
    return title


def _ends_in_outlet(title: str, heading: str) -> bool:
    """Whether a title is the page's heading with something put to it behind a separator."""
    if title.startswith(heading):
        rest = title[len(heading) :].lstrip()
        return rest[:1] in ("|", "-", "–", "—", "»", "·", "•", "/") or rest.startswith("::")
    if title.endswith(heading):
        rest = title[: -len(heading)].rstrip()
        return rest[-1:] in ("|", "-", "–", "—", "»", "·", "•", "/", ":")
    return False


def _names_outlet(part: str, outlet: str) -> bool:
    letters, name = _letters(part), _letters(outlet)
    if not letters or not name:
        return False
    # "example.kz" names what is written "Example" or "EXAMPLE.KZ: news of the steppe"
    return letters == name or (len(name) > 3 and name.startswith(letters) and "." in outlet)


def _date(said: _Said, article: linked.Record) -> str | None:
    ways: list[list[Any]] = [linked.listed(article.get("datePublished"))[:1]]
    ways += [said.metas.get(key, [])[:1] for key in _DATES[:5]]
    ways += [said.properties.get("datepublished", []), said.published]
    ways += [said.metas.get(key, [])[:1] for key in _DATES[5:]]
    ways.append(said.times)
    for given in ways:
        moments = dict.fromkeys(moment for each in given if (moment := _moment(each)))
        if len(moments) == 1:
            return next(iter(moments))
        if moments:
            return None  # which of them it is nobody says
    return None


def _moment(given: Any) -> str | None:
    if not isinstance(given, str):
        return None
    text = given.strip()[:60]
    found = dates.of_machine(text) or dates.of_machine(text.replace(" +", "+")) or dates.of_line(text)
    found = found or _of_mail(text)
    if not found or not found[:4].isdigit():
        return None
    return found if _EARLIEST <= int(found[:4]) <= datetime.now(UTC).year + 1 else None


def _of_mail(text: str) -> str | None:
    """`Thu, 05 Mar 2026 15:20:00 +0500`"""
    if "," not in text or ":" not in text:
        return None
    try:
        return parsedate_to_datetime(text).isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
