"""Word's documents ▶ an article.

The XML is walked, not loaded: python-docx needs gigabytes for some files of kilobytes, and its
paragraphs leave out what is in boxes, notes, tables, content controls and insertions. Here each of
them is read once, as a reader sees them; deleted and hidden text, the code of fields, comments, heads
and feet of pages are not.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from lxml import etree

from classifier.articles import Contents
from classifier.errors import UnreadableArticleError
from classifier.formats.office import zipped
from classifier.formats.office.paragraphs import Flow, Paragraph, Style, article_of
from classifier.formats.office.sax import Walk, each, text_of, walk
from classifier.formats.office.zipped import Archive
from classifier.formats.ways import Way

_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_WORD = (
    "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}",
    "{http://purl.oclc.org/ooxml/wordprocessingml/main}",  # strict
)
_MATH = (
    "{http://schemas.openxmlformats.org/officeDocument/2006/math}",
    "{http://purl.oclc.org/ooxml/officeDocument/math}",
)
_EITHER = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_OTHERS = {
    "workbook": "a spreadsheet",
    "presentation": "slides",
    "VisioDocument": "a drawing",
}
_STYLE, _NAME, _BASED_ON = (tuple(space + n for space in _WORD) for n in ("style", "name", "basedOn"))
_LARGEST_STYLES = 4 * 2**20  # bytes
_FIRST_OF_STYLE = 12  # elements, in which its name and base are
_MOST_BASES = 5  # from one style to the next

_MEND = "open it, save it anew as docx and drop it again"


def read(data: bytes, name: str, way: Way) -> Contents:
    """One article. Raises UnreadableArticleError."""
    return read_package(Archive(data, way), way)


def read_package(archive: Archive, way: Way) -> Contents:
    """The article of a document whose archive is open. Raises UnreadableArticleError."""
    package = _Package(archive)
    part = package.main()
    xml = archive.part(part)
    if xml is None:
        raise UnreadableArticleError("not a sound docx file: its text is missing", _MEND)
    links = package.links(part)
    caveats: list[str] = []
    notes = {kind: _notes(archive, links, kind, way, caveats) for kind in ("footnote", "endnote")}
    body = _Body(way, _styles(archive, links), notes)
    walk(xml, body)
    if body.has_foreign:
        caveats.append("left out: a part of it in another format")
    article = article_of(
        body.flow.paragraphs, way, core_title=_core_title(archive, package), caveats=tuple(caveats)
    )
    return Contents((article,))


def is_package(archive: Archive) -> bool:
    """Whether an archive is an office document of this family, be it text or not."""
    return any(entry.path.lower() == "[content_types].xml" for entry in archive.entries)


def warm() -> None:
    """Load the parser and the codecs."""
    zipped.warm()
    text_of(b"<a>one</a>", "a")


class _Link(NamedTuple):
    kind: str  # the last part of its type
    part: str


class _Package:
    """Which part is what: a package says so itself, names mean nothing."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self.root = self.links("")

    def main(self) -> str:
        return next((link.part for link in self.root if link.kind == "officeDocument"), "word/document.xml")

    def links(self, part: str) -> list[_Link]:
        folder, name = posixpath.split(part)
        xml = self._archive.part(posixpath.join(folder, "_rels", f"{name}.rels"))
        if xml is None:
            return []
        found = _Links(folder)
        with suppress(etree.XMLSyntaxError):  # then parts have the names that they usually have
            walk(xml, found)
        return found.links


class _Links(Walk):
    def __init__(self, folder: str) -> None:
        super().__init__()
        self._folder = folder
        self.links: list[_Link] = []

    def opened(self, tag: str, attributes: Mapping[str, str]) -> None:
        target = attributes.get("Target")
        if target and attributes.get("TargetMode") != "External":
            kind = attributes.get("Type", "").rpartition("/")[2]
            path = posixpath.normpath(posixpath.join("/", self._folder, target.replace("\\", "/")))
            self.links.append(_Link(kind, path.lstrip("/")))


def _linked(archive: Archive, links: list[_Link], kind: str) -> bytes | None:
    part = next((link.part for link in links if link.kind == kind), None)
    return archive.part(part) if part else None


def _core_title(archive: Archive, package: _Package) -> str:
    try:
        xml = _linked(archive, package.root, "core-properties")
        return text_of(xml, _TITLE) if xml else ""
    except (etree.XMLSyntaxError, UnreadableArticleError):
        return ""  # what the file says of itself is not what it was dropped for


def _styles(archive: Archive, links: list[_Link]) -> dict[str, Style]:
    """What the document's styles mean, by their keys. The names are English in every language's Word."""
    names = {"Title": "title", "Heading1": "heading 1"}  # a key must do where nothing else is known
    bases: dict[str, str] = {}
    with suppress(etree.XMLSyntaxError, UnreadableArticleError):
        xml = _linked(archive, links, "styles") or b""
        for style in each(xml, _STYLE) if len(xml) <= _LARGEST_STYLES else ():
            key = _attribute(style.attrib, "styleId")
            for child in style[:_FIRST_OF_STYLE]:
                if child.tag in _NAME:
                    names[key] = _attribute(child.attrib, "val").casefold()
                elif child.tag in _BASED_ON:
                    bases[key] = _attribute(child.attrib, "val")
    return _meanings(names, bases)


def _notes(
    archive: Archive, links: list[_Link], kind: str, way: Way, caveats: list[str]
) -> dict[str, list[Paragraph]]:
    try:
        xml = _linked(archive, links, f"{kind}s")
        if xml is None:
            return {}
        body = _Body(way, {}, {})
        walk(xml, body)
    except (etree.XMLSyntaxError, UnreadableArticleError):
        caveats.append(f"left out: its {kind}s, which cannot be read")
        return {}
    return body.own_notes


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


@dataclass(slots=True)
class _Run:
    is_hidden: bool = False


class _Fields:
    """The fields that are open in a paragraph: first comes their code, then what it makes."""

    def __init__(self) -> None:
        self.codes = 0  # how many are still at their code
        self._at_code: list[bool] = []

    def take(self, mark: str) -> None:
        match mark:
            case "begin":
                self._at_code.append(True)
                self.codes += 1
            case "separate" if self._at_code and self._at_code[-1]:
                self._at_code[-1] = False
                self.codes -= 1
            case "end" if self._at_code:
                self.codes -= self._at_code.pop()


class _Body(Walk):
    """The text of a document, or of its notes."""

    def __init__(
        self, way: Way, styles: Mapping[str, Style], notes: Mapping[str, dict[str, list[Paragraph]]]
    ) -> None:
        super().__init__()
        self.flow = Flow(way)
        self.own_notes: dict[str, list[Paragraph]] = {}
        self.has_foreign = False
        self._styles = styles
        self._notes = notes
        self._root = ""
        self._is_text = False
        self._in_properties = False
        self._runs: list[_Run] = []
        self._fields: list[_Fields | None] = []  # of each open paragraph that has some
        self._chosen: list[bool] = []  # for each set of alternatives, whether one was taken

    def opened(self, tag: str, attributes: Mapping[str, str]) -> None:
        if not self._root:
            self._root = tag
            _check_root(tag)
        elif tag in _SKIPPED:
            self.skip()
        elif tag in _OPENED:
            _OPENED[tag](self, attributes)

    def closed(self, tag: str) -> None:
        if tag in _CLOSED:
            _CLOSED[tag](self)

    def words(self, text: str) -> None:
        if self._is_text and self._is_seen:
            self.flow.add(text)

    @property
    def _is_seen(self) -> bool:
        fields = self._fields[-1] if self._fields else None
        in_code = fields is not None and fields.codes > 0
        return not in_code and not (self._runs and self._runs[-1].is_hidden)

    def _open_paragraph(self, attributes: Mapping[str, str]) -> None:
        self.flow.open()
        self._fields.append(None)

    def _close_paragraph(self) -> None:
        self.flow.close()
        self._fields.pop()

    def _open_properties(self, attributes: Mapping[str, str]) -> None:
        self._in_properties = True

    def _close_properties(self) -> None:
        self._in_properties = False

    def _open_look(self, attributes: Mapping[str, str]) -> None:
        if self._in_properties:
            self.skip()  # of the paragraph's mark, not of its text

    def _open_run(self, attributes: Mapping[str, str]) -> None:
        self._runs.append(_Run())

    def _close_run(self) -> None:
        self._runs.pop()

    def _hide(self, attributes: Mapping[str, str]) -> None:
        if self._runs and _attribute(attributes, "val") not in ("0", "false", "off"):
            self._runs[-1].is_hidden = True

    def _take_style(self, attributes: Mapping[str, str]) -> None:
        style = self._styles.get(_attribute(attributes, "val"))
        if style:
            self.flow.style(style)

    def _take_level(self, attributes: Mapping[str, str]) -> None:
        if _attribute(attributes, "val") == "0":
            self.flow.style(Style.HEADING)

    def _open_text(self, attributes: Mapping[str, str]) -> None:
        self._is_text = True

    def _close_text(self) -> None:
        self._is_text = False

    def _tab(self, attributes: Mapping[str, str]) -> None:
        self._mark("\t")  # or a stop, before the text, which is of no account

    def _break(self, attributes: Mapping[str, str]) -> None:
        self._mark("\n")

    def _hyphen(self, attributes: Mapping[str, str]) -> None:
        self._mark("-")

    def _mark(self, mark: str) -> None:
        if self._is_seen:
            self.flow.add(mark)

    def _field(self, attributes: Mapping[str, str]) -> None:
        if self._fields:
            fields = self._fields[-1] = self._fields[-1] or _Fields()
            fields.take(_attribute(attributes, "fldCharType"))

    def _footnote(self, attributes: Mapping[str, str]) -> None:
        self._follow("footnote", attributes)

    def _endnote(self, attributes: Mapping[str, str]) -> None:
        self._follow("endnote", attributes)

    def _follow(self, kind: str, attributes: Mapping[str, str]) -> None:
        notes = self._notes.get(kind, {})
        if self._is_seen:
            self.flow.follow(notes.pop(_attribute(attributes, "id"), ()))

    def _open_note(self, attributes: Mapping[str, str]) -> None:
        self.flow.paragraphs = []
        self.own_notes[_attribute(attributes, "id")] = self.flow.paragraphs

    def _foreign(self, attributes: Mapping[str, str]) -> None:
        self.has_foreign = True

    def _open_alternatives(self, attributes: Mapping[str, str]) -> None:
        self._chosen.append(False)

    def _close_alternatives(self) -> None:
        self._chosen.pop()

    def _alternative(self, attributes: Mapping[str, str]) -> None:
        """The first is taken: the others are the same for older programs."""
        if self._chosen and self._chosen[-1]:
            self.skip()
        elif self._chosen:
            self._chosen[-1] = True


def _attribute(attributes: Mapping[str, str], name: str) -> str:
    for space in _WORD:
        found = attributes.get(space + name)
        if found is not None:
            return found
    return ""


def _check_root(tag: str) -> None:
    space, _, name = tag.rpartition("}")
    if f"{space}}}" in _WORD:
        return
    if name in _OTHERS:
        raise UnreadableArticleError(f"not text but {_OTHERS[name]}", "save its text and drop that")
    raise UnreadableArticleError("not a sound docx file: its text is something else", _MEND)


def _in(spaces: tuple[str, ...], names: str) -> frozenset[str]:
    return frozenset(space + name for space in spaces for name in names.split())


_SKIPPED = _in(_WORD, "del moveFrom sectPr rPrChange pPrChange tblPr tblGrid trPr tcPr sdtPr sdtEndPr rt")
_Opened = Callable[[_Body, Mapping[str, str]], None]
_Closed = Callable[[_Body], None]


def _opened() -> dict[str, _Opened]:
    by_name: dict[str, _Opened] = {
        "p": _Body._open_paragraph,
        "pPr": _Body._open_properties,
        "rPr": _Body._open_look,
        "r": _Body._open_run,
        "vanish": _Body._hide,
        "pStyle": _Body._take_style,
        "outlineLvl": _Body._take_level,
        "t": _Body._open_text,
        "tab": _Body._tab,
        "ptab": _Body._tab,
        "br": _Body._break,
        "cr": _Body._break,
        "noBreakHyphen": _Body._hyphen,
        "fldChar": _Body._field,
        "footnoteReference": _Body._footnote,
        "endnoteReference": _Body._endnote,
        "footnote": _Body._open_note,
        "endnote": _Body._open_note,
        "altChunk": _Body._foreign,
    }
    found = {space + name: each for space in _WORD for name, each in by_name.items()}
    found |= dict.fromkeys(_in(_MATH, "t"), _Body._open_text)
    found[_EITHER + "AlternateContent"] = _Body._open_alternatives
    return found | dict.fromkeys(_in((_EITHER,), "Choice Fallback"), _Body._alternative)


def _closed() -> dict[str, _Closed]:
    by_name: dict[str, _Closed] = {
        "p": _Body._close_paragraph,
        "pPr": _Body._close_properties,
        "r": _Body._close_run,
        "t": _Body._close_text,
    }
    found = {space + name: each for space in _WORD for name, each in by_name.items()}
    found |= dict.fromkeys(_in(_MATH, "t"), _Body._close_text)
    found[_EITHER + "AlternateContent"] = _Body._close_alternatives
    return found


_OPENED, _CLOSED = _opened(), _closed()
