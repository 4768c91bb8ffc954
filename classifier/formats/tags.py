"""A text that begins with a tag ▶ its format, by its first tags."""

from __future__ import annotations

import re

from classifier.formats.kinds import BY_ENDING, Format
from classifier.formats.signatures import LONGEST_PROLOG, LOOKED_AT, readable, refused

_TAG_NAME = re.compile(r"<([A-Za-z_][\w.-]{0,60}(?::[A-Za-z_][\w.-]{0,60})?)(?=[\s/>])")
_DOCTYPE = re.compile(r"<!doctype\s+([\w:.-]{1,60})", re.I)
_FEEDS = frozenset({"rss", "feed"})
_PAGES = frozenset(
    """
    html head body title meta link base script style noscript header footer main nav section article aside
    div p span h1 h2 h3 h4 h5 h6 ul ol li dl table tbody thead tr td th form font center b i u em strong a
    br hr img figure blockquote pre small big code iframe picture video amp-img frameset
    """.split()
)
_NEWS_IN_XML = frozenset({"nitf", "newsml", "newsitem", "newsmessage", "packageitem"})


def of_tags(data: bytes, ending: str) -> Format:
    """Raises UnreadableArticleError for what is surely no article."""
    head = readable(data)
    tag, doctype, is_xml = _opening(head)
    if tag is None and len(data) > LOOKED_AT:
        tag, doctype, is_xml = _opening(readable(data, LONGEST_PROLOG))
    root = (tag or doctype or "").lower()
    prefix, _, local = root.rpartition(":")
    if doctype == "html" or root in _PAGES:
        return Format.HTML
    if local in _FEEDS or (local == "rdf" and prefix and "purl.org/rss" in head):
        return Format.FEED
    if root == "office:document" and "opendocument.text" in head:
        return Format.ODT  # in one file, as LibreOffice saves .fodt
    if local == "svg":
        raise refused("a picture")
    if local == "plist":
        raise refused("a shortcut or settings")
    # XML of another kind: news agencies have several. What is between its tags is its text.
    if is_xml or local in _NEWS_IN_XML or " xmlns" in head or BY_ENDING.get(ending) is Format.HTML:
        return Format.HTML
    if tag is None and head.lstrip().startswith("<!--"):
        return Format.HTML  # nothing but comments, or one that never ends
    return Format.TEXT


def _opening(head: str) -> tuple[str | None, str | None, bool]:
    """The first tag's name, the name that a DOCTYPE gives, and whether it says that it is XML.

    Each step begins where the last ended, so however many comments there are it looks once.
    """
    at, doctype, is_xml, close = 0, None, False, "?>"
    while True:
        while head[at : at + 1].isspace():
            at += 1
        if head.startswith("<?", at):
            is_xml = is_xml or head.startswith("<?xml", at)
            end = head.find(close, at)
            if end < 0:  # HTML ends it so, and nobody after it needs to look that far again
                close = ">"
                end = head.find(close, at)
            end = end + len(close) - 1 if end >= 0 else end
        elif head.startswith("<!--", at):
            end = head.find("-->", at + 2)
            end = end + 2 if end >= 0 else end
        elif named := _DOCTYPE.match(head, at):
            doctype = named[1].lower()
            end = _end_of_doctype(head, named.end())
        else:
            tag = _TAG_NAME.match(head, at)
            return tag and tag[1], doctype, is_xml
        if end < 0:
            return None, doctype, is_xml
        at = end + 1


def _end_of_doctype(head: str, at: int) -> int:
    end = head.find(">", at)
    if end < 0:
        return -1
    subset = head.find("[", at, end)
    if subset < 0:
        return end
    close = head.find("]", subset)
    return head.find(">", close) if close >= 0 else -1
