"""A web page ▶ its tree, and what in it is surely no part of an article: lists of links, comments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from lxml import etree
from lxml.html import HtmlElement, HTMLParser, document_fromstring

Element: TypeAlias = etree._Element

# Without text of the page in them.
UNREAD = frozenset(
    """
    script style title noscript template svg iframe object audio video canvas noembed noframes datalist
    """.split()
)
MENUS = frozenset({"nav", "header", "footer", "aside", "menu", "dialog", "select", "button", "label"})
_NO_MAIN_TEXT = re.compile(
    r"comment|cookie|consent|sidebar|menu|navigation|navbar|(?<![a-z])nav(?![a-z])|related|share|social|banner"
    r"|promo|footer|disqus",
    re.I,
)
# Names of classes and ids that say what a part of a page is for, as the common systems write them.
_NAMED = re.compile(
    r"(?:^|\s)(?:comments?(?:[-_](?:area|list|section|block|form|respond|wrap\w{0,8}))?|disqus_thread|respond"
    r"|(?:cookies?|consent|gdpr)[-_]?(?:notice|banner|bar|box|popup|law|policy|info)\S{0,30}"
    r"|related(?:[-_]\S{0,30})?|read[-_]?(?:also|more)|recommended(?:[-_]\S{0,30})?|see[-_]?also"
    r"|share(?:[-_]\S{0,30})?|social(?:[-_]\S{0,30})?|breadcrumbs?|newsletter(?:[-_]\S{0,30})?"
    r"|subscribe(?:[-_]\S{0,30})?|sidebar|banner(?:[-_]\S{0,30})?|copyright|site-footer)(?=\s|$)",
    re.I,
)
_ALWAYS_CUT = frozenset({"nav", "menu", "dialog"})
_CAN_BE_NAMED = frozenset({"div", "section", "aside", "ul", "ol", "p", "details", "article", "table", "td"})
# A list of links is one of these with so many links, which hold so much of its text.
_HOLDS_LINKS = frozenset({"div", "ul", "ol", "td", "table", "section", "dl", "p", "center", "menu"})
_LEAST_LINKS = 3
_LINKED_SHARE = 0.75
_LEAST_LEFT = 12  # words of a page; where fewer are no links, the links are its text

_WORD = re.compile(r"[^\W\d_]+")  # neither what parts links from each other nor the dates beside them
_INVALID = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_XML_DECLARATION = re.compile(r"\s*+<\?xml[^>]{0,200}\?>", re.I)


@dataclass(slots=True)
class Weights:
    """What an element holds: its words, those in links and those that may be main text; links, headings."""

    words: int = 0
    linked: int = 0
    main: int = 0
    links: int = 0
    headings: int = 0


@dataclass(frozen=True, slots=True)
class Survey:
    """What there is in a page: the words of all of it, those that may be main text, what is surely none.

    A page is `plain` that has no menus nor forms and few links, as a word processor writes it.
    """

    words: int
    main: int
    asides: tuple[Element, ...]
    is_plain: bool


def parse(text: str) -> HtmlElement | None:
    """The tree of a page; None where there is none. What libxml2 finds too deep is not in it."""
    text = _INVALID.sub("", text)
    declaration = _XML_DECLARATION.match(text)  # which lxml refuses in text that is decoded
    text = text[declaration.end() :] if declaration else text
    if not text.strip():
        return None
    try:
        # Without comments: the text behind one would be no element's own, and is overlooked easily.
        parser = HTMLParser(huge_tree=False, remove_comments=True, remove_pis=True)
        return document_fromstring(text, parser=parser)
    except etree.ParserError:
        return None


def survey(root: Element) -> Survey:
    """Look through a page once, from its leaves up."""
    nodes = [node for node in root.iter() if isinstance(node.tag, str)]
    weights = {node: Weights() for node in nodes}
    for node in reversed(nodes):
        _weigh(node, weights)
    whole = weights[root]
    asides = _asides(nodes, weights, whole)
    has_menus = any(node.tag in ("nav", "footer", "form", "button") or _is_menu(node) for node in nodes)
    is_plain = not has_menus and not asides and whole.linked <= 0.3 * whole.words
    return Survey(whole.words, whole.main, asides, is_plain)


def cut(asides: tuple[Element, ...]) -> None:
    """Take lists of links, comments and the like out of their page."""
    for aside in asides:
        above = aside.getparent()
        if above is None:
            continue
        if aside.tail:
            before = aside.getprevious()
            if before is not None:
                before.tail = (before.tail or "") + aside.tail
            else:
                above.text = (above.text or "") + aside.tail
        above.remove(aside)


def _weigh(node: Element, weights: dict[Element, Weights]) -> None:
    """Add an element's own words to those of what it holds, and all of it to what holds it."""
    mine = weights[node]
    if node.tag in UNREAD:
        weights[node] = mine = Weights()
    else:
        own = count_words(node.text)
        mine.words += own
        mine.main += own
        mine.headings += node.tag == "h1"
    if node.tag == "a":
        mine.linked, mine.main, mine.links = mine.words, 0, 1
    elif node.tag in MENUS or _is_named(node, mine):
        mine.main = 0
    above = node.getparent()
    if above is None or above not in weights:
        return
    tail = count_words(node.tail)
    theirs = weights[above]
    theirs.words += mine.words + tail
    theirs.linked += mine.linked
    theirs.main += mine.main + tail
    theirs.links += mine.links
    theirs.headings += mine.headings


def count_words(text: str | None) -> int:
    return len(_WORD.findall(text)) if text else 0


def _is_menu(node: Element) -> bool:
    if node.tag in MENUS:
        return node.tag != "header" and not node.get("role", "").startswith("doc-")
    if node.tag in ("html", "body", "main", "article", "h1"):
        return False
    names = _names(node)
    return bool(names) and bool(_NO_MAIN_TEXT.search(names))


def _names(node: Element) -> str:
    return f"{node.get('class', '')[:200]} {node.get('id', '')[:100]}".strip()


def _asides(nodes: list[Element], weights: dict[Element, Weights], whole: Weights) -> tuple[Element, ...]:
    """The outermost elements that are lists of links, or are named as no part of the article.

    They are none where too little of the page would be left: then they are the page.
    """
    inside: set[Element] = set()
    farms: list[Element] = []
    named: list[Element] = []
    for node in nodes:
        if node.getparent() in inside:
            inside.add(node)
        elif _is_farm(node, weights[node]):
            inside.add(node)
            farms.append(node)
        elif _is_named(node, weights[node]):
            inside.add(node)
            named.append(node)
    left = whole.words - whole.linked
    if left < _LEAST_LEFT:
        return ()
    left -= sum(weights[node].words - weights[node].linked for node in named)
    return tuple(farms + named) if left >= _LEAST_LEFT else tuple(farms)


def _is_farm(node: Element, weight: Weights) -> bool:
    return (
        node.tag in _HOLDS_LINKS
        and weight.links >= _LEAST_LINKS
        and weight.linked >= _LINKED_SHARE * weight.words
        and not weight.headings
    )


def _is_named(node: Element, weight: Weights) -> bool:
    if weight.headings or node.tag not in _CAN_BE_NAMED:
        return node.tag in _ALWAYS_CUT and not weight.headings
    return any(_NAMED.search(node.get(key, "")[:200]) for key in ("class", "id") if node.get(key))
