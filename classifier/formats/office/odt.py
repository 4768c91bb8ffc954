"""OpenDocument text ▶ an article. Its XML is walked, not loaded; a flat one (.fodt) has it unpacked.

Boxes, notes, tables and lists are read once each; deletions, comments and descriptions of pictures
are not.
"""

from __future__ import annotations

from collections.abc import Mapping

from lxml import etree

from classifier.articles import Contents
from classifier.errors import UnreadableArticleError
from classifier.formats.office import zipped
from classifier.formats.office.paragraphs import Flow, Style, article_of
from classifier.formats.office.sax import Walk, text_of, walk
from classifier.formats.office.zipped import Archive
from classifier.formats.ways import Way

_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_SPACES = {
    "office": "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}",
    "text": "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}",
    "style": "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}",
    "table": "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}",
    "svg": "{urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0}",
    "draw": "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}",
}
_TEXT = "application/vnd.oasis.opendocument.text"
_OTHERS = {
    "spreadsheet": "a spreadsheet",
    "presentation": "slides",
    "graphics": "a drawing",
    "chart": "a chart",
    "formula": "a formula",
    "database": "a database",
    "base": "a database",
    "image": "a picture",
}
_MEND = "open it, save it anew as odt and drop it again"


def read(data: bytes, name: str, way: Way) -> Contents:
    """One article. Raises UnreadableArticleError."""
    if data.startswith(b"PK"):
        return read_package(Archive(data, way), way)
    most = way.rules.limits.part_mib
    if len(data) > most * 2**20:
        raise UnreadableArticleError(f"larger than {most} MiB", "part it into smaller files")
    return _article(data, data, way)


def read_package(archive: Archive, way: Way) -> Contents:
    """The article of a document whose archive is open. Raises UnreadableArticleError."""
    kind = kind_of(archive)
    if kind and not kind.startswith(_TEXT):
        family = kind.rpartition(".")[2].partition("-")[0]
        other = _OTHERS.get(family, "another kind of document")
        raise UnreadableArticleError(f"not text but {other}", "save its text and drop that")
    if b"encryption-data" in (archive.part("META-INF/manifest.xml") or b""):
        raise UnreadableArticleError("encrypted", "open it with its password, save it without and drop that")
    content = archive.part("content.xml")
    if content is None:
        raise UnreadableArticleError("not a sound odt file: its text is missing", _MEND)
    return _article(content, archive.part("meta.xml"), way)


def kind_of(archive: Archive) -> str | None:
    """The media type that an OpenDocument archive says it is of; None where it is none."""
    entry = next((entry for entry in archive.entries if entry.path == "mimetype"), None)
    if entry is None or entry.size > 200:
        return None
    kind = archive.read(entry).decode("ascii", "replace").strip()
    return kind if kind.startswith("application/vnd.oasis.opendocument.") else None


def warm() -> None:
    """Load the parser and the codecs."""
    zipped.warm()
    text_of(b"<a>one</a>", "a")


def _article(content: bytes, meta: bytes | None, way: Way) -> Contents:
    body = _Body(way)
    walk(content, body)
    return Contents((article_of(body.flow.paragraphs, way, core_title=_core_title(meta)),))


def _core_title(meta: bytes | None) -> str:
    try:
        return text_of(meta, _TITLE) if meta else ""
    except (etree.XMLSyntaxError, UnreadableArticleError):
        return ""  # what the file says of itself is not what it was dropped for


def _in(names: str) -> frozenset[str]:
    found = (each.split(":") for each in names.split())
    return frozenset(_SPACES[space] + name for space, name in found)


_SKIPPED = _in(
    """
    office:annotation office:annotation-end office:forms office:binary-data office:event-listeners
    office:master-styles office:meta office:settings office:scripts office:font-face-decls
    text:tracked-changes text:note-citation text:ruby-text text:hidden-text
    text:sequence-decls text:variable-decls text:user-field-decls text:dde-connection-decls
    text:table-of-content-source text:illustration-index-source text:table-index-source
    text:object-index-source text:user-index-source text:alphabetical-index-source text:bibliography-source
    table:covered-table-cell table:shapes svg:title svg:desc draw:object draw:object-ole
    """
)
_PARAGRAPHS = _in("text:p text:h")
_BODY = _SPACES["office"] + "text"
_STYLE, _NAME = _SPACES["style"] + "style", _SPACES["style"] + "name"
_PARENT = _SPACES["style"] + "parent-style-name"
_STYLE_NAME, _LEVEL = _SPACES["text"] + "style-name", _SPACES["text"] + "outline-level"
_HEADING = _SPACES["text"] + "h"
_BLANKS = {_SPACES["text"] + "s": " ", _SPACES["text"] + "tab": "\t", _SPACES["text"] + "line-break": "\n"}


class _Body(Walk):
    def __init__(self, way: Way) -> None:
        super().__init__()
        self.flow = Flow(way)
        self._in_text = False
        self._parents: dict[str, str] = {}

    def opened(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag in _SKIPPED:
            self.skip()
        elif tag == _BODY:
            self._in_text = True
        elif tag == _STYLE:
            self._parents[attributes.get(_NAME, "")] = attributes.get(_PARENT, "")
        elif not self._in_text:
            return
        elif tag in _PARAGRAPHS:
            self.flow.open()
            self.flow.style(self._style(tag, attributes))
        elif tag in _BLANKS:
            self.flow.add(_BLANKS[tag])

    def closed(self, tag: str) -> None:
        if tag == _BODY:
            self._in_text = False
        elif self._in_text and tag in _PARAGRAPHS:
            self.flow.close()

    def words(self, text: str) -> None:
        if self._in_text:
            self.flow.add(text.replace("\n", " "))

    def _style(self, tag: str, attributes: Mapping[str, str]) -> Style:
        name = attributes.get(_STYLE_NAME, "")
        if "Title" in (name, self._parents.get(name)):
            return Style.TITLE
        if tag == _HEADING and attributes.get(_LEVEL, "1") == "1":
            return Style.HEADING
        return Style.BODY
