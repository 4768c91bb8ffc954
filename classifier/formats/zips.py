"""A zip ▶ its format, by the names that are in it. Their directory stands at its end."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from classifier.formats.kinds import BY_ENDING, Format
from classifier.formats.signatures import refused

_END_OF_ZIP = b"PK\x05\x06"
_FARTHEST_END = 22 + 65535  # bytes from a zip's end: the comment may be as long
_ENTRY = struct.Struct("<4s6H3I5H2I")  # of the directory
_NAMES_LOOKED_AT = 2000
_OFFICE = (
    ("xl/", "an Excel table"),
    ("ppt/", "PowerPoint slides"),
    ("visio/", "a Visio drawing"),
)
_OPEN_DOCUMENTS = {
    "application/epub+zip": "an e-book",
    "application/vnd.oasis.opendocument.spreadsheet": "a table (ODS)",
    "application/vnd.oasis.opendocument.presentation": "slides (ODP)",
    "application/vnd.oasis.opendocument.graphics": "a drawing (ODG)",
}


def of_zip(data: bytes, ending: str) -> Format:
    """Raises UnreadableArticleError for what is surely no article."""
    says = _says_it_is(data)
    if says.startswith("application/vnd.oasis.opendocument.text"):
        return Format.ODT
    for kind, word in _OPEN_DOCUMENTS.items():
        if says.startswith(kind):
            raise refused(word)
    names = frozenset(_names(data))
    if not names:  # cut off, or with a directory that lies
        by_name = BY_ENDING.get(ending)
        return by_name if by_name in (Format.DOCX, Format.ODT) else Format.ZIP
    return _of_names(names)


def _of_names(names: frozenset[str]) -> Format:
    if "[Content_Types].xml" in names:
        if any(name.startswith("word/document") for name in names):
            return Format.DOCX
        for folder, word in _OFFICE:
            if any(name.startswith(folder) for name in names):
                raise refused(word)
    if {"content.xml", "META-INF/manifest.xml"} <= names:
        return Format.ODT
    if "META-INF/MANIFEST.MF" in names or "AndroidManifest.xml" in names:
        raise refused("a program")
    if "Index/Document.iwa" in names or "META-INF/container.xml" in names:
        raise refused("a Pages document or an e-book")
    return Format.ZIP


def _says_it_is(data: bytes) -> str:
    """What an entry called `mimetype` says, which comes first and unpacked in those that have one."""
    if data[30:38] != b"mimetype":
        return ""
    extra = int.from_bytes(data[28:30], "little")
    return data[38 + extra : 38 + extra + 80].decode("latin-1")


def _names(data: bytes) -> Iterator[str]:
    """Names in the directory; none where it is not where the end says, or is cut off."""
    end = data.rfind(_END_OF_ZIP, max(len(data) - _FARTHEST_END, 0))
    if end < 0:
        return
    size = int.from_bytes(data[end + 12 : end + 16], "little")
    at = end - size  # not by its place, which is wrong where something stands before the zip
    if size == 0xFFFFFFFF or at < 0 or data[at : at + 4] != b"PK\x01\x02":
        at = int.from_bytes(data[end + 16 : end + 20], "little")
    for _ in range(_NAMES_LOOKED_AT):
        if at + _ENTRY.size > end:
            return
        fields = _ENTRY.unpack_from(data, at)
        if fields[0] != b"PK\x01\x02":
            return
        length, extra, comment = fields[10:13]
        start = at + _ENTRY.size
        yield data[start : start + length].decode("utf-8", "replace")
        at = start + length + extra + comment
