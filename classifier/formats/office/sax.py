"""XML of an office document, walked without a tree: what is read costs its own text and no more.

No document type, no entities of its own, no network: an office document has none of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import NoReturn

from lxml import etree

from classifier.errors import UnreadableArticleError

_MOST_ELEMENTS = 1_000_000
_MEND = "open it, save it anew and drop it again"


class Walk:
    """Told of each element as it begins and ends, and of the text in it. `skip` leaves one out.

    Those who know what elements mean override `opened`, `closed` and `words`.
    """

    def __init__(self) -> None:
        self._skipping = 0
        self._count = 0

    def opened(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""

    def closed(self, tag: str) -> None:
        """An element ends that was not skipped."""

    def words(self, text: str) -> None:
        """Text, as it comes: in pieces."""

    def skip(self) -> None:
        """Leave out the element that just began, with all that is in it."""
        self._skipping = 1

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._count += 1
        if self._count > _MOST_ELEMENTS:
            raise UnreadableArticleError("too large: it has more marks than text", _MEND)
        if self._skipping:
            self._skipping += 1
        else:
            self.opened(tag, attributes)

    def end(self, tag: str) -> None:
        if self._skipping:
            self._skipping -= 1
        else:
            self.closed(tag)

    def data(self, text: str) -> None:
        if not self._skipping:
            self.words(text)

    def doctype(self, name: str, public: str | None, system: str | None) -> NoReturn:
        raise UnreadableArticleError("not an office document: it declares entities of its own", _MEND)

    def close(self) -> None:
        """The end of the XML."""


def walk(xml: bytes, walking: Walk) -> None:
    """Raises UnreadableArticleError where it is nested too deep, etree.XMLSyntaxError where it is unsound."""
    parser = etree.XMLParser(
        target=walking, resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False
    )
    try:
        etree.fromstring(xml, parser)
    except etree.XMLSyntaxError as error:
        if "xcessive depth" in str(error):
            raise UnreadableArticleError("nested too deep", _MEND) from error
        raise


def each(xml: bytes, tags: tuple[str, ...]) -> Iterator[etree._Element]:
    """The elements of these names, one after the other; for small parts. Raises etree.XMLSyntaxError."""
    found = etree.iterparse(
        BytesIO(xml),
        events=("end",),
        tag=tags,
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
    )
    for _, element in found:
        yield element
        element.clear()


def text_of(xml: bytes, tag: str) -> str:
    """The text of the first element of that name; empty where there is none."""
    found = _TextOf(tag)
    walk(xml, found)
    return " ".join("".join(found.pieces).split())


class _TextOf(Walk):
    def __init__(self, tag: str) -> None:
        super().__init__()
        self._tag = tag
        self._inside = self._done = False
        self.pieces: list[str] = []

    def opened(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._inside = tag == self._tag and not self._done

    def closed(self, tag: str) -> None:
        self._done = self._done or self._inside
        self._inside = False

    def words(self, text: str) -> None:
        if self._inside:
            self.pieces.append(text)
