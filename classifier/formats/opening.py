"""Opens bytes of a known format. Here the formats meet: a mail holds documents, a zip holds mails."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import ModuleType

from classifier import decoding
from classifier.articles import Contents
from classifier.formats import sniffing
from classifier.formats.kinds import HOLDERS, Format
from classifier.formats.ways import Way
from classifier.rules import Rules

_MODULES = {
    Format.TEXT: "plain",
    Format.MARKDOWN: "markdown",
    Format.HTML: "web.html",
    Format.MHTML: "web.mhtml",
    Format.PDF: "pdf.reading",
    Format.DOCX: "office.docx.reading",
    Format.ODT: "office.odt",
    Format.RTF: "office.rtf.reading",
    Format.MAIL: "mail.reading",
    Format.MBOX: "mail.mbox",
    Format.JSON: "records.reading",
    Format.JSONL: "records.reading",
    Format.FEED: "web.feed",
    Format.ZIP: "office.packed",
}
Read = Callable[[bytes, str, Way], Contents]


def open_as(format: Format, data: bytes, name: str, rules: Rules, *, simply: bool = False) -> Contents:
    """The contents of a file of that format; at least one article. Raises UnreadableArticleError."""
    return _read(format, data, name, Way(rules, _open, simply))


def warm(format: Format) -> None:
    """Load all that reading this format may need, that of files inside it included."""
    decoding.warm()
    sniffing.warm()
    for each in _MODULES if format in HOLDERS else (format,):
        _module(each).warm()


def _open(data: bytes, name: str, way: Way) -> Contents:
    return _read(sniffing.sniff(data, name), data, name, way)


def _read(format: Format, data: bytes, name: str, way: Way) -> Contents:
    read: Read = _module(format).read
    return read(data, name, way)


def _module(format: Format) -> ModuleType:
    return import_module(f"classifier.formats.{_MODULES[format]}")
