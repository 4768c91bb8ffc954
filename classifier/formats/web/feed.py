"""A feed (RSS, Atom) ▶ its entries, each an article."""

from __future__ import annotations

import io
import re
from typing import Any

import feedparser

from classifier import dates
from classifier.articles import Article, Contents
from classifier.decoding import decode
from classifier.errors import UnreadableArticleError, too_long
from classifier.formats.mime import parting
from classifier.formats.mime.coding import sound_codec
from classifier.formats.mime.headers import moment
from classifier.formats.ways import Way
from classifier.formats.web import html
from classifier.formats.web.stripping import strip_tags

_LARGEST = 16 * 2**20  # bytes
_MOST_TAGS = 600_000  # feedparser takes ten microseconds for one
_MOST_ENTRIES = 5_000
_MOST_ATTRIBUTES = 2_000  # of one tag, for which its time is quadratic
_MEND = "part it into smaller files"

_DECLARATION = re.compile(r"\s*<\?xml\b[^>]{0,200}\?>")
_DECLARED = re.compile(rb"<\?xml\b[^>]{0,200}?encoding\s{0,10}=\s{0,10}[\"']([A-Za-z0-9._-]{1,40})[\"']")
_ENTRY = re.compile(rb"<(?:item|entry)[\s>]")
_SURELY_MARKUP = ("text/html", "application/xhtml+xml")


def read(data: bytes, name: str, way: Way) -> Contents:
    """The articles of the entries, in order; at least one. Raises UnreadableArticleError."""
    if len(data) > _LARGEST:
        raise UnreadableArticleError(f"too large: a feed of more than {_LARGEST // 2**20} MiB", _MEND)
    declared = _DECLARED.search(data[:1000])
    decoded = decode(data, sound_codec(declared[1].decode()) if declared else None)
    found = _parsed(decoded.text)
    outlet = _line(found.get("feed", {}).get("title"))
    articles: list[Article] = []
    left_out: list[str] = []
    room = way.rules.limits.characters
    for number, entry in enumerate(found.entries, 1):
        article = _article(entry, outlet, decoded.caveats)
        if article is None:
            left_out.append(f"entry {number}: no text")
            continue
        room -= len(article.text)
        if room < 0:
            raise too_long(way.rules.limits.characters)
        articles.append(article)
    if not articles:
        raise UnreadableArticleError("no text: no entry in it has a title or a text", "drop the articles")
    return Contents(tuple(articles), tuple(left_out))


def warm() -> None:
    """Load the parser and what reads the text of an entry."""
    parting.warm()
    html.warm()
    decode("Цена на нефть выросла сегодня".encode("cp1251"))
    sound = (
        '<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>a</title><entry><title>b</title>'
        '<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>c</p></div></content>'
        "<updated>2026-03-07T12:00:00Z</updated></entry></feed>"
    )
    rss = (
        '<rss version="2.0"><channel><item><title>b</title><description>c &nbsp; d</description>'
        "<pubDate>Sat, 07 Mar 2026 12:00:00 +0500</pubDate></item></channel>"
    )
    for text in sound, rss:
        for entry in _parsed(text).entries:
            _article(entry, None, ())


def _parsed(text: str) -> Any:
    data = _DECLARATION.sub("", text, count=1).encode("utf-8", "replace")
    _check(data)
    # As a file, for a text may be taken for an address. It need not make the markup safe, for which it
    # takes quadratic time: of markup only the text is kept.
    return feedparser.parse(io.BytesIO(data), sanitize_html=False, resolve_relative_uris=False)


def _check(data: bytes) -> None:
    """Refuse what feedparser would take too long for."""
    if sum(1 for _ in _ENTRY.finditer(data)) > _MOST_ENTRIES:
        raise UnreadableArticleError(f"more than {_MOST_ENTRIES:,} entries", _MEND)
    if data.count(b"<") > _MOST_TAGS:
        raise UnreadableArticleError(f"too large: a feed of more than {_MOST_TAGS:,} tags", _MEND)
    if any(len(tag) > _MOST_ATTRIBUTES and tag.count(b"=") > _MOST_ATTRIBUTES for tag in data.split(b"<")):
        raise UnreadableArticleError(f"a tag of more than {_MOST_ATTRIBUTES:,} attributes", _MEND)


def _article(entry: Any, outlet: str | None, caveats: tuple[str, ...]) -> Article | None:
    title = _line(entry.get("title"))
    body = _body(entry)
    if not (title or body):
        return None
    if title and body.split("\n", 1)[0] == title:
        body = body[len(title) :].lstrip("\n")
    return Article(
        "\n".join(filter(None, (title, body))),
        title,
        _date(entry.get("published") or entry.get("updated")),
        source=_line(entry.get("source", {}).get("title")) or outlet,
        author=_author(entry),
        url=_url(entry.get("link")),
        caveats=caveats,
    )


def _body(entry: Any) -> str:
    """The text: the whole of it where the feed has that, else the summary."""
    given = [*entry.get("content", ()), entry.get("summary_detail")]
    for each in given:
        value = each.get("value") if each else None
        if not value:
            continue
        is_markup = each.get("type") in _SURELY_MARKUP and ("<" in value or "&" in value)
        found = html.fragment(value) if is_markup else "\n".join(map(str.strip, value.split("\n")))
        if found.strip():
            return "\n".join(line for line in found.split("\n") if line.strip())
    return ""


def _line(given: object) -> str | None:
    """One line of a text that may have tags in it."""
    if not isinstance(given, str):
        return None
    return " ".join((strip_tags(given) if "<" in given or "&" in given else given).split()) or None


def _author(entry: Any) -> str | None:
    found = _line(entry.get("author_detail", {}).get("name")) or _line(entry.get("author"))
    return found if found and "@" not in found and "://" not in found else None


def _url(given: object) -> str | None:
    is_one = isinstance(given, str) and given.startswith(("http://", "https://")) and len(given) <= 2000
    return str(given) if is_one else None


def _date(given: object) -> str | None:
    return dates.of_machine(given) or moment(given if isinstance(given, str) else None)
