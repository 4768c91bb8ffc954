"""The formats that articles come in."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"
    MHTML = "mhtml"  # a saved web page with all that belongs to it
    PDF = "pdf"
    DOCX = "docx"
    ODT = "odt"
    RTF = "rtf"
    MAIL = "mail"
    MBOX = "mbox"
    JSON = "json"
    JSONL = "jsonl"
    FEED = "feed"
    ZIP = "zip"


# What can hold files of other formats.
HOLDERS = frozenset({Format.MAIL, Format.MBOX, Format.ZIP})
# Can be read in a simpler way than the first: without its marks or its layout being understood.
HAS_SIMPLER_WAY = HOLDERS | {
    Format.HTML,
    Format.MHTML,
    Format.MARKDOWN,
    Format.PDF,
    Format.FEED,
    Format.JSON,
    Format.JSONL,
}
# What the ending of a name says, where the bytes leave it open.
BY_ENDING = {
    "md": Format.MARKDOWN,
    "markdown": Format.MARKDOWN,
    "html": Format.HTML,
    "htm": Format.HTML,
    "xhtml": Format.HTML,
    "shtml": Format.HTML,
    "mht": Format.MHTML,
    "mhtml": Format.MHTML,
    "docx": Format.DOCX,
    "docm": Format.DOCX,
    "odt": Format.ODT,
    "json": Format.JSON,
    "jsonl": Format.JSONL,
    "ndjson": Format.JSONL,
}
