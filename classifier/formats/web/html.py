"""A web page ▶ an article: its main text without menus, and what it says of itself."""

from __future__ import annotations

import re

from classifier.articles import Article, Contents, compose
from classifier.boilerplate import is_boilerplate
from classifier.decoding import clean, decode
from classifier.errors import UnreadableArticleError, empty, too_long
from classifier.formats.ways import Way
from classifier.formats.web import about, extraction, trees
from classifier.formats.web.stripping import long_tags, strip_tags

ALL_TAKEN = "page without a main text found: all of its text taken"

_LEAST_FOUND = 0.2  # of the words that may be main text
_LEAST_PARSED = 0.5  # of a page's words that must be in its tree
_LONGEST_PARSED = 4 * 2**20  # characters of a page; no newsroom's page has a tenth of it
_MOST_TAGS = 60_000
_LONG_TAG = 3000  # characters
_MOST_ATTRIBUTES = 200
_HEAD = 4096  # bytes in which a page says its encoding
_TITLE_WITHIN = 5  # first lines of a text

_META_CHARSET = re.compile(
    rb"<meta[^>]{0,300}?charset\s{0,5}=\s{0,5}[\"']?\s{0,5}([A-Za-z0-9_:.-]{2,40})", re.I
)
_XML_ENCODING = re.compile(
    rb"\s{0,50}<\?xml[^>]{0,200}?encoding\s{0,5}=\s{0,5}[\"']([A-Za-z0-9_:.-]{2,40})", re.I
)
_TITLE = re.compile(r"<title(?:\s[^>]{0,200})?>([^<]{1,1000})</title", re.I)
# Pictures that a browser saved into the page.
_INLINE_DATA = re.compile(r"data:[a-z0-9/+.-]{0,60};base64,[A-Za-z0-9+/=%]*+", re.I)
_QUOTED = re.compile(r"\"[^\"]*+\"|'[^']*+'")
_HAS_TAG = re.compile(r"<(?:/?[a-z]|!)", re.I | re.A)


def read(data: bytes, name: str, way: Way) -> Contents:
    """One article. Raises UnreadableArticleError."""
    decoded = decode(data, _declared(data))
    article = page(decoded.text, simply=way.simply, caveats=decoded.caveats)
    most = way.rules.limits.characters
    if len(article.text) > most:
        raise too_long(most)
    return Contents((article,))


def page(
    text: str, *, simply: bool = False, url: str | None = None, caveats: tuple[str, ...] = ()
) -> Article:
    """The article of a page that is decoded already. Raises UnreadableArticleError where it has no text.

    `simply` takes all its text and tries nothing else. `url` is where the page came from, where that is
    known from elsewhere; what the page says itself goes before it.
    """
    data, body, is_all = _read(text, simply, url)
    if is_all:
        caveats = (*caveats, ALL_TAKEN)
    body = clean(body)
    title = " ".join(clean(data.title).split()) if data.title else None
    if not body.strip():
        if title:  # a program that would write the page: nobody has run it
            raise UnreadableArticleError("no text", "save it from a browser that shows it, and drop that")
        raise empty()
    return compose(
        title,
        _without_footer(_without_title(body, title)),
        date=data.date,
        source=data.source,
        author=data.author,
        url=data.url,
        caveats=caveats,
    )


def fragment(text: str) -> str:
    """A small piece of a page, or plain text: its text without tags, a paragraph a line."""
    if _HAS_TAG.search(text):
        return clean(strip_tags(text))
    return clean("\n".join(filter(None, (strip_tags(line) for line in text.split("\n")))))


def warm() -> None:
    """Load the parser and the extractor, and have both do what they can."""
    words = "<p>" + "One sentence after another stands here. " * 8 + "</p>"
    page(
        f"<html><head><title>One</title><script type='application/ld+json'>{{}}</script></head>"
        f"<body><nav><a href='/'>Two</a></nav><article><h1>One</h1>{words}<table><tr><td>3</td></tr></table>"
        "<ul><li>four</li></ul><blockquote>five</blockquote></article></body></html>"
    )
    page("<html><body><nav>one</nav><div><span>two</span><br>three</div></body></html>")


def _declared(data: bytes) -> str | None:
    found = _XML_ENCODING.match(data) or _META_CHARSET.search(data[:_HEAD])
    return found[1].decode("ascii") if found else None


def _read(text: str, simply: bool, url: str | None) -> tuple[about.PageData, str, bool]:
    """What a page says of itself, its text, and whether that is all of its text for want of a main one."""
    text = _INLINE_DATA.sub("", text)
    plain = strip_tags(text)
    if simply or _is_hostile(text):
        return _little_data(text, url), plain, True
    tree = trees.parse(text)
    if tree is None:
        return _little_data(text, url), plain, True
    data = about.of_tree(tree, url or about.saved_from(text))
    seen = trees.survey(tree)
    if seen.words < _LEAST_PARSED * trees.count_words(plain):
        return data, plain, True  # the parser lost it, without a word
    if seen.is_plain:
        return data, plain, False
    trees.cut(seen.asides)
    found = extraction.main_text(tree)
    if found and trees.count_words(found) >= _LEAST_FOUND * seen.main:
        return data, found, False
    return data, strip_tags(text, menus=False) or plain, True


def _is_hostile(text: str) -> bool:
    """Whether a page is so large, or has a tag of so many attributes, that parsing it costs too much."""
    if len(text) > _LONGEST_PARSED or text.count("<") > _MOST_TAGS:
        return True
    return any(_attributes(tag) > _MOST_ATTRIBUTES for tag in long_tags(text, _LONG_TAG))


def _attributes(tag: str) -> int:
    return len(_QUOTED.sub(" ", tag).replace("/", " ").split())


def _little_data(text: str, url: str | None) -> about.PageData:
    found = _TITLE.search(text)
    return about.PageData(title=strip_tags(found[1]) if found else None, url=url)


def _without_footer(body: str) -> str:
    """A text that does not end with whose rights are reserved and whom to follow, as sites end."""
    lines = body.rstrip().split("\n")
    while len(lines) > 1 and is_boilerplate(lines[-1]):
        del lines[-1]
    return "\n".join(lines)


def _without_title(body: str, title: str | None) -> str:
    """A text that does not begin with its title a second time."""
    if not title:
        return body
    lines = body.split("\n")
    for number, line in enumerate(lines[:_TITLE_WITHIN]):
        if line.casefold() == title.casefold():
            return "\n".join(lines[:number] + lines[number + 1 :])
    return body
