"""The tree of a web page ▶ all that the page says of itself, by where it says it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TypeAlias

from lxml import etree

Element: TypeAlias = etree._Element

_MOST_ENTRIES = 2000  # meta elements, itemprops, times: a page of news has some dozens
LONGEST_TITLE = 300  # characters
_NOT_OF_THE_PAGE = re.compile(
    r"comment|disqus|related|sidebar|(?<!elementor-)widget|footer|recommend|promo|teaser", re.I
)
_CHANGED = re.compile(r"updated|modified|changed", re.I)
_OTHERS = frozenset({"nav", "aside", "footer"})


@dataclass(slots=True)
class Said:
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


def gather(root: Element) -> Said:
    """What a page says, but for what it says of other things than its own article."""
    said = Said()
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


def _hear(said: Said, node: Element, tag: str, is_of_others: bool) -> None:
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


def _hear_text(said: Said, node: Element, tag: str) -> None:
    if tag == "h1":
        said.headings.append(_text(node))
        said.entries += 1
    elif tag == "time" and node.get("datetime"):
        said.entries += 1
        if node.get("pubdate") is not None:
            said.published.append(node.get("datetime", ""))
        elif not _CHANGED.search(f"{node.get('class', '')} {node.get('itemprop', '')}"):
            said.times.append(node.get("datetime", ""))


def _add(said: Said, there: dict[str, list[str]], name: str, value: str | None) -> None:
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
        if length > 4 * LONGEST_TITLE:
            break
    return " ".join("".join(words).split())
