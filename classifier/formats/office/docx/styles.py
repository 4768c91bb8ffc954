"""The styles of a document ▶ what they mean for an article."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from lxml import etree

from classifier.errors import UnreadableArticleError
from classifier.formats.office.docx.names import WORD, attribute
from classifier.formats.office.docx.packages import Link, linked_part
from classifier.formats.office.paragraphs import Style
from classifier.formats.office.sax import each
from classifier.formats.office.zipped import Archive

_STYLE, _NAME, _BASED_ON = (tuple(space + n for space in WORD) for n in ("style", "name", "basedOn"))
_LARGEST_STYLES = 4 * 2**20  # bytes
_FIRST_OF_STYLE = 12  # elements, in which its name and base are
_MOST_BASES = 5  # from one style to the next


def styles_of(archive: Archive, links: list[Link]) -> dict[str, Style]:
    """What the document's styles mean, by their keys. The names are English in every language's Word."""
    names = {"Title": "title", "Heading1": "heading 1"}  # a key must do where nothing else is known
    bases: dict[str, str] = {}
    with suppress(etree.XMLSyntaxError, UnreadableArticleError):
        xml = linked_part(archive, links, "styles") or b""
        for style in each(xml, _STYLE) if len(xml) <= _LARGEST_STYLES else ():
            key = attribute(style.attrib, "styleId")
            for child in style[:_FIRST_OF_STYLE]:
                if child.tag in _NAME:
                    names[key] = attribute(child.attrib, "val").casefold()
                elif child.tag in _BASED_ON:
                    bases[key] = attribute(child.attrib, "val")
    return _meanings(names, bases)


def _meanings(names: Mapping[str, str], bases: Mapping[str, str]) -> dict[str, Style]:
    """What each style means, by its own name or that of one that it is made from."""
    named = {"title": Style.TITLE, "heading 1": Style.HEADING}
    found: dict[str, Style] = {}
    for key in [*names, *bases]:
        at, steps = key, 0
        while names.get(at) not in named and at in bases and steps < _MOST_BASES:
            at, steps = bases[at], steps + 1
        meaning = named.get(names.get(at, ""))
        if meaning:
            found[key] = meaning
    return found
