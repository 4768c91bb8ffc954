"""What is wrong with an Atom feed: by the schema beside this, by what RFC 4287 asks beyond any schema, and by
what a feed reader makes of it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import feedparser
from lxml import etree

_NAMES = {"a": "http://www.w3.org/2005/Atom"}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")  # RFC 3339, in capitals
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_SCHEMA = etree.RelaxNG(etree.parse(Path(__file__).with_name("feed.rng")))


def faults(document: bytes) -> list[str]:
    """A line each; none where the feed is valid."""
    try:
        root = etree.fromstring(document)
    except etree.XMLSyntaxError as error:
        return [f"not XML: {error}"]
    found = [] if _SCHEMA.validate(root) else [str(error) for error in _SCHEMA.error_log]
    return found + list(_broken(root)) + list(_misread(document, len(_all(root, "a:entry"))))


def _broken(root: Any) -> Iterator[str]:
    for moment in _all(root, "//a:updated/text() | //a:published/text()"):
        if not _MOMENT.fullmatch(moment):
            yield f"not a moment of RFC 3339: {moment}"
    for address in _all(root, "//a:id/text() | //a:link/@href"):
        if not _ABSOLUTE.fullmatch(address):
            yield f"not absolute: {address}"
    for identity, times in Counter(_all(root, "a:entry/a:id/text()")).items():
        if times > 1:
            yield f"two entries are {identity}"
    if len(_all(root, "a:link[@rel='self']")) != 1:
        yield "a feed should link to itself"
    for each in [root, *_all(root, "a:entry")]:
        kinds = Counter(
            (link.get("type"), link.get("hreflang"))
            for link in _all(each, "a:link[@rel='alternate' or not(@rel)]")
        )
        if any(times > 1 for times in kinds.values()):
            yield "two alternate links of one type and language"
        if each is not root and not kinds and not _all(each, "a:content"):
            yield "an entry with neither content nor an alternate link"
        if not _all(each, "a:author") and not _all(root, "a:author"):
            yield "an author is missing"


def _misread(document: bytes, entries: int) -> Iterator[str]:
    read = feedparser.parse(document)
    if read.bozo:
        yield f"feedparser: {read.bozo_exception}"
    if read.version != "atom10" or len(read.entries) != entries:
        yield f"feedparser reads {len(read.entries)} entries of {read.version}, there are {entries}"


def _all(element: Any, path: str) -> list[Any]:
    return list(element.xpath(path, namespaces=_NAMES))
