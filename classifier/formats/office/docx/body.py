"""The XML of a document, or of its notes ▶ paragraphs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from classifier.errors import UnreadableArticleError
from classifier.formats.office.docx.names import EITHER, MATH, WORD, attribute, spaced
from classifier.formats.office.paragraphs import Flow, Paragraph, Style
from classifier.formats.office.sax import Walk
from classifier.formats.ways import Way

_OTHERS = {
    "workbook": "a spreadsheet",
    "presentation": "slides",
    "VisioDocument": "a drawing",
}

MEND = "open it, save it anew as docx and drop it again"


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


class Body(Walk):
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
        if self._runs and attribute(attributes, "val") not in ("0", "false", "off"):
            self._runs[-1].is_hidden = True

    def _take_style(self, attributes: Mapping[str, str]) -> None:
        style = self._styles.get(attribute(attributes, "val"))
        if style:
            self.flow.style(style)

    def _take_level(self, attributes: Mapping[str, str]) -> None:
        if attribute(attributes, "val") == "0":
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
            fields.take(attribute(attributes, "fldCharType"))

    def _footnote(self, attributes: Mapping[str, str]) -> None:
        self._follow("footnote", attributes)

    def _endnote(self, attributes: Mapping[str, str]) -> None:
        self._follow("endnote", attributes)

    def _follow(self, kind: str, attributes: Mapping[str, str]) -> None:
        notes = self._notes.get(kind, {})
        if self._is_seen:
            self.flow.follow(notes.pop(attribute(attributes, "id"), ()))

    def _open_note(self, attributes: Mapping[str, str]) -> None:
        self.flow.paragraphs = []
        self.own_notes[attribute(attributes, "id")] = self.flow.paragraphs

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


def _check_root(tag: str) -> None:
    space, _, name = tag.rpartition("}")
    if f"{space}}}" in WORD:
        return
    if name in _OTHERS:
        raise UnreadableArticleError(f"not text but {_OTHERS[name]}", "save its text and drop that")
    raise UnreadableArticleError("not a sound docx file: its text is something else", MEND)


_SKIPPED = spaced(WORD, "del moveFrom sectPr rPrChange pPrChange tblPr tblGrid trPr tcPr sdtPr sdtEndPr rt")
_Opened = Callable[[Body, Mapping[str, str]], None]
_Closed = Callable[[Body], None]


def _opened() -> dict[str, _Opened]:
    by_name: dict[str, _Opened] = {
        "p": Body._open_paragraph,
        "pPr": Body._open_properties,
        "rPr": Body._open_look,
        "r": Body._open_run,
        "vanish": Body._hide,
        "pStyle": Body._take_style,
        "outlineLvl": Body._take_level,
        "t": Body._open_text,
        "tab": Body._tab,
        "ptab": Body._tab,
        "br": Body._break,
        "cr": Body._break,
        "noBreakHyphen": Body._hyphen,
        "fldChar": Body._field,
        "footnoteReference": Body._footnote,
        "endnoteReference": Body._endnote,
        "footnote": Body._open_note,
        "endnote": Body._open_note,
        "altChunk": Body._foreign,
    }
    found = {space + name: each for space in WORD for name, each in by_name.items()}
    found |= dict.fromkeys(spaced(MATH, "t"), Body._open_text)
    found[EITHER + "AlternateContent"] = Body._open_alternatives
    return found | dict.fromkeys(spaced((EITHER,), "Choice Fallback"), Body._alternative)


def _closed() -> dict[str, _Closed]:
    by_name: dict[str, _Closed] = {
        "p": Body._close_paragraph,
        "pPr": Body._close_properties,
        "r": Body._close_run,
        "t": Body._close_text,
    }
    found = {space + name: each for space in WORD for name, each in by_name.items()}
    found |= dict.fromkeys(spaced(MATH, "t"), Body._close_text)
    found[EITHER + "AlternateContent"] = Body._close_alternatives
    return found


_OPENED, _CLOSED = _opened(), _closed()
