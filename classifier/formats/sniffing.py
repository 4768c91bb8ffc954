"""Bytes ▶ their format. What the bytes are counts; the name only where they could be several things."""

from __future__ import annotations

import codecs
import re
from pathlib import PurePath

from classifier.errors import UnreadableArticleError
from classifier.formats.kinds import Format

_LOOKED_AT = 8192  # bytes

_MEND = "save it as text, PDF, web page or document and drop it again"
_REFUSED = {
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an old office document or an Outlook message",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"II*\x00": "a picture",
    b"MM\x00*": "a picture",
    b"\x7fELF": "a program",
    b"MZ\x90": "a program",
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"Rar!": "a rar archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"SQLite format 3\x00": "a database",
    b"ID3": "a sound",
    b"OggS": "a sound",
    b"RIFF": "a sound, film or picture",
    b"\x1aE\xdf\xa3": "a film",
}

_MARKDOWN = frozenset({".md", ".markdown"})
_HTML = frozenset({".html", ".htm", ".xhtml"})
_JSON = frozenset({".json"})
_JSONL = frozenset({".jsonl", ".ndjson"})

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_OPENS_A_PAGE = re.compile(
    r"\s*(?:<!--[^>]*-->\s*)*<(?:!doctype\s+html|html|head|body|div|p|article|meta|title)\b", re.I
)
_OPENS_A_FEED = re.compile(r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--[^>]*-->\s*)*<(?:rss|feed|rdf:RDF)\b", re.I)
_OPENS_XML = re.compile(r"\s*<\?xml\b")
_HEADER = re.compile(r"([A-Za-z][A-Za-z0-9-]{1,40}):[ \t]?\S")
_MAIL_HEADERS = frozenset(
    """
    from to cc date subject message-id mime-version received return-path content-type delivered-to
    reply-to sender x-mailer user-agent content-transfer-encoding
    """.split()
)


def sniff(data: bytes, name: str) -> Format:
    """The format of a file. Raises UnreadableArticleError for what is surely no article."""
    for start, kind in _REFUSED.items():
        if data.startswith(start):
            raise UnreadableArticleError(f"not text but {kind}", _MEND)
    ending = PurePath(name).suffix.lower()
    head = data[:_LOOKED_AT]
    if b"%PDF-" in head[:1024]:
        return Format.PDF
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _packed(data)
    if head.startswith(b"{\\rtf"):
        return Format.RTF
    return _of_text(_readable(head), ending)


def _packed(data: bytes) -> Format:
    if b"application/vnd.oasis.opendocument.text" in data[:200]:
        return Format.ODT
    if b"word/document.xml" in data:
        return Format.DOCX
    return Format.ZIP


def _readable(head: bytes) -> str:
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return head[len(mark) :].decode(encoding, "replace")
    return head.replace(b"\0", b"").decode("latin-1")


def _of_text(head: str, ending: str) -> Format:
    start = head.lstrip()[:1]
    if start == "<":
        if _OPENS_A_FEED.match(head):
            return Format.FEED
        if _OPENS_A_PAGE.match(head) or ending in _HTML or _OPENS_XML.match(head):
            return Format.HTML
    if start in ("{", "["):
        if ending in _JSONL:
            return Format.JSONL
        if ending in _JSON:
            return Format.JSON
    if ending in _HTML:
        return Format.HTML
    if head.startswith("From ") and _is_mail(head.partition("\n")[2]):
        return Format.MBOX
    if _is_mail(head):
        return Format.MHTML if "multipart/related" in head and ending in (".mhtml", ".mht") else Format.MAIL
    return Format.MARKDOWN if ending in _MARKDOWN else Format.TEXT


def _is_mail(head: str) -> bool:
    """Whether it opens with headers of a mail: three at least that mails have."""
    found = 0
    for line in head.splitlines()[:60]:
        if line[:1] in (" ", "\t") and found:
            continue
        header = _HEADER.match(line)
        if not header:
            break
        found += header[1].lower() in _MAIL_HEADERS
    return found >= 3
