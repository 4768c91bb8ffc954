"""A web page saved with all that belongs to it (MHTML) ▶ the article of the page."""

from __future__ import annotations

from dataclasses import replace

from classifier.articles import Contents
from classifier.decoding import decode
from classifier.errors import UnreadableArticleError
from classifier.formats.mime import parting
from classifier.formats.mime.parts import Part
from classifier.formats.ways import Way
from classifier.formats.web import html

_PARTS = 20  # times as many as a mail may have: a page has hundreds of pictures and styles
_PAGES = frozenset({"text/html", "application/xhtml+xml"})


def read(data: bytes, name: str, way: Way) -> Contents:
    """One article. Raises UnreadableArticleError."""
    limits = way.rules.limits
    saved = parting.read(data, limits.parts * _PARTS)
    page = _page(saved)
    if page is None:
        raise UnreadableArticleError("no page in it", "save the page anew, as one HTML file, and drop it")
    # Browsers write the page anew when they save it, and say in which encoding.
    decoded = decode(page.body, page.codec)
    if len(decoded.text) > 4 * limits.characters:
        raise UnreadableArticleError(f"longer than {limits.characters:,} characters", "drop its text")
    article = html.page(decoded.text, simply=way.simply, url=_address(saved, page))
    return Contents((replace(article, caveats=(*decoded.caveats, *article.caveats)),))


def warm() -> None:
    """Load the codecs and what reads a page."""
    parting.warm()
    html.warm()


def _page(saved: Part) -> Part | None:
    """The part that is named as the first to be shown, else the first page."""
    pages = [part for part in saved.walk() if part.type in _PAGES]
    start = (saved.headers.parameter("start") or "").strip("<>")
    named = (part for part in pages if start and (part.headers.text("content-id") or "").strip("<>") == start)
    return next(named, None) or next(iter(pages), None)


def _address(saved: Part, page: Part) -> str | None:
    for given in saved.headers.text("snapshot-content-location"), page.headers.text("content-location"):
        if given and given.startswith(("http://", "https://")):
            return given
    return None
