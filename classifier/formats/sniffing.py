"""Bytes ▶ their format. What the bytes are counts; the name only where they could be several things.

Of a file that could be read in two ways, what it is at its first byte counts. Only a PDF may have
something before it, as its readers allow. It is called for each plain text too, so it looks at little.
"""

from __future__ import annotations

import codecs
import re
import struct
from collections.abc import Iterator

from classifier.errors import UnreadableArticleError
from classifier.formats.kinds import Format
from classifier.formats.signatures import kind_of

_LOOKED_AT = 8192  # bytes
_LONGEST_PROLOG = 256 * 1024  # bytes of comments and declarations before the first tag
_BEFORE_A_PDF = 1024  # bytes
_LONGEST_ENDING = 8  # characters
_LONGEST_LINE = 1024 * 1024  # bytes of a JSON record on a line of its own

_MEND = "save it as text, PDF, web page or document and drop it again"

_BY_ENDING = {
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
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BLANKS = b" \t\r\n\0"
_BEFORE_A_TEXT = b"\xef\xbb\xbf\xff\xfe" + _BLANKS

_PDF = re.compile(rb"%PDF-\d")

_TAG_NAME = re.compile(r"<([A-Za-z_][\w.-]{0,60}(?::[A-Za-z_][\w.-]{0,60})?)(?=[\s/>])")
_DOCTYPE = re.compile(r"<!doctype\s+([\w:.-]{1,60})", re.I)
_FEEDS = frozenset({"rss", "feed"})
_PAGES = frozenset(
    """
    html head body title meta link base script style noscript header footer main nav section article aside
    div p span h1 h2 h3 h4 h5 h6 ul ol li dl table tbody thead tr td th form font center b i u em strong a
    br hr img figure blockquote pre small big code iframe picture video amp-img frameset
    """.split()
)
_NEWS_IN_XML = frozenset({"nitf", "newsml", "newsitem", "newsmessage", "packageitem"})

_OBJECT = re.compile(r'\s*(?:\[\s*)?\{\s*(?:"[^"]{0,200}"\s*:|\}\s*\]?\s*\Z)')

_HEADER = re.compile(r"([A-Za-z][A-Za-z0-9-]{1,40}):(?:[ \t]|\r?\Z)")
_MAIL_HEADERS = frozenset(
    """
    from to cc bcc date subject message-id mime-version received return-path content-type delivered-to
    reply-to sender x-mailer user-agent content-transfer-encoding in-reply-to references dkim-signature
    list-id x-received authentication-results
    """.split()
)
_HEADERS_LOOKED_AT = 200  # lines
_PAGE_SAVERS = ("<saved by ", "snapshot-content-location:")


def sniff(data: bytes, name: str) -> Format:
    """The format of a file. Raises UnreadableArticleError for what is surely no article."""
    kind = kind_of(data)
    if kind:
        raise _refused(kind)
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK00PK\x03\x04")):
        return _of_zip(data, _ending(name))
    format = _of_mark_up(data, name)
    pdf = _PDF.search(data, 0, _BEFORE_A_PDF + 6)
    if pdf and format not in (Format.MAIL, Format.MBOX, Format.MHTML) and _is_pdf(data, pdf.start()):
        return Format.PDF
    return format


def _refused(kind: str) -> UnreadableArticleError:
    return UnreadableArticleError(f"not text but {kind}", _MEND)


def _ending(name: str) -> str:
    """What follows the last dot, in small letters; empty where that is no usual ending."""
    ending = name[-300:].rstrip("\0 .\r\n\t").rpartition(".")[2]
    return ending.lower() if len(ending) <= _LONGEST_ENDING else ""


def _is_pdf(data: bytes, start: int) -> bool:
    """A text may speak of `%PDF-`. A file that is one, and has something before it, goes on like one."""
    return start == 0 or b" obj" in data[start : start + _LOOKED_AT] or b"startxref" in data[-1024:]


# Texts


def _of_mark_up(data: bytes, name: str) -> Format:
    """By the first character: most texts begin with a letter, and are none of these but perhaps a mail."""
    start = data[:64].lstrip(_BEFORE_A_TEXT)[:1]
    if start == b"<":
        return _of_tags(data, _ending(name))
    if start in (b"{", b"["):
        return _of_braces(data, _ending(name))
    if start.isalpha() and (_has_header(data) or data.startswith(b"From ")):
        format = _of_mail(data, _ending(name))
        if format:
            return format
    if not start and len(data) > 64:  # a page of blanks before it, which lstrip of all would look through
        stripped = data[:_LONGEST_PROLOG].lstrip(_BLANKS)
        if stripped[:1] in (b"<", b"{", b"["):
            return _of_mark_up(stripped, name)
    by_name = _BY_ENDING.get(_ending(name))
    return by_name if by_name in (Format.MARKDOWN, Format.HTML) else Format.TEXT


def _readable(data: bytes, most: int = _LOOKED_AT) -> str:
    """The start of a text so that mark-up can be recognised in it, whatever its encoding."""
    head = data[:most]
    for mark in _MARKS:
        head = head.removeprefix(mark)
    return head.replace(b"\0", b"").decode("latin-1")


def _of_tags(data: bytes, ending: str) -> Format:
    head = _readable(data)
    tag, doctype, is_xml = _opening(head)
    if tag is None and len(data) > _LOOKED_AT:
        tag, doctype, is_xml = _opening(_readable(data, _LONGEST_PROLOG))
    root = (tag or doctype or "").lower()
    prefix, _, local = root.rpartition(":")
    if doctype == "html" or root in _PAGES:
        return Format.HTML
    if local in _FEEDS or (local == "rdf" and prefix and "purl.org/rss" in head):
        return Format.FEED
    if local == "svg":
        raise _refused("a picture")
    if local == "plist":
        raise _refused("a shortcut or settings")
    # XML of another kind: news agencies have several. What is between its tags is its text.
    if is_xml or local in _NEWS_IN_XML or " xmlns" in head or _BY_ENDING.get(ending) is Format.HTML:
        return Format.HTML
    if tag is None and head.lstrip().startswith("<!--"):
        return Format.HTML  # nothing but comments, or one that never ends
    return Format.TEXT


def _opening(head: str) -> tuple[str | None, str | None, bool]:
    """The first tag's name, the name that a DOCTYPE gives, and whether it says that it is XML.

    Each step begins where the last ended, so however many comments there are it looks once.
    """
    at, doctype, is_xml, close = 0, None, False, "?>"
    while True:
        while head[at : at + 1].isspace():
            at += 1
        if head.startswith("<?", at):
            is_xml = is_xml or head.startswith("<?xml", at)
            end = head.find(close, at)
            if end < 0:  # HTML ends it so, and nobody after it needs to look that far again
                close = ">"
                end = head.find(close, at)
            end = end + len(close) - 1 if end >= 0 else end
        elif head.startswith("<!--", at):
            end = head.find("-->", at + 2)
            end = end + 2 if end >= 0 else end
        elif named := _DOCTYPE.match(head, at):
            doctype = named[1].lower()
            end = _end_of_doctype(head, named.end())
        else:
            tag = _TAG_NAME.match(head, at)
            return tag and tag[1], doctype, is_xml
        if end < 0:
            return None, doctype, is_xml
        at = end + 1


def _end_of_doctype(head: str, at: int) -> int:
    end = head.find(">", at)
    if end < 0:
        return -1
    subset = head.find("[", at, end)
    if subset < 0:
        return end
    close = head.find("]", subset)
    return head.find(">", close) if close >= 0 else -1


def _of_braces(data: bytes, ending: str) -> Format:
    """RTF, JSON, JSON Lines, or a text that begins with a bracket: "[Reuters] …"."""
    head = _readable(data).lstrip()
    if head.startswith("{\\rtf"):
        return Format.RTF
    by_name = _BY_ENDING.get(ending)
    is_record = bool(_OBJECT.match(head))
    if is_record and head[0] == "{" and _is_lines(data):
        return Format.JSONL
    if by_name is Format.JSONL and head[0] == "{":
        return Format.JSONL
    if by_name in (Format.JSON, Format.JSONL):
        return Format.JSON
    if is_record and data[-64:].rstrip(_BLANKS)[-1:] in (b"}", b"]"):
        return Format.JSON
    return by_name if by_name in (Format.MARKDOWN, Format.HTML) else Format.TEXT


def _is_lines(data: bytes) -> bool:
    """Whether the first line is a whole record and another one follows."""
    end = data.find(b"\n", 0, _LONGEST_LINE)
    if end < 0:
        return False
    first = data[max(end - 16, 0) : end].rstrip(_BLANKS)
    return first.endswith(b"}") and data[end + 1 : end + 65].lstrip(_BLANKS).startswith(b"{")


def _has_header(data: bytes) -> bool:
    line = data[:128].lstrip(_BEFORE_A_TEXT)
    colon = line.find(b":", 0, 48)
    return colon > 0 and line[:colon].replace(b"-", b"").replace(b"\0", b"").isalnum()


def _of_mail(data: bytes, ending: str) -> Format | None:
    """A mail, many, or a saved web page; None where it only begins like one."""
    head = _readable(data).lstrip("\r\n")
    if head.startswith("From "):
        return Format.MBOX if _is_mail(head.partition("\n")[2]) else None
    if not _is_mail(head):
        return None
    return Format.MHTML if _is_saved_page(head.lower(), ending) else Format.MAIL


def _is_saved_page(head: str, ending: str) -> bool:
    """Mails have parts that belong together as well, but were sent by somebody to somebody."""
    if "multipart/related" not in head:
        return False
    if _BY_ENDING.get(ending) is Format.MHTML or any(sign in head for sign in _PAGE_SAVERS):
        return True
    return "\ncontent-location:" in head and "\nto:" not in head and "\nreceived:" not in head


def _is_mail(head: str) -> bool:
    """Whether it opens with headers of a mail: three at least that mails have, or the two of MIME."""
    found: set[str] = set()
    for line in head.split("\n", _HEADERS_LOOKED_AT)[:_HEADERS_LOOKED_AT]:
        if line[:1] in (" ", "\t") and found:
            continue
        header = _HEADER.match(line)
        if not header:
            break
        found.add(header[1].lower())
    known = found & _MAIL_HEADERS
    return len(known) >= 3 or {"mime-version", "content-type"} <= known


# Zips: by the names that are in them. Their directory stands at the end.

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


def _of_zip(data: bytes, ending: str) -> Format:
    says = _says_it_is(data)
    if says.startswith("application/vnd.oasis.opendocument.text"):
        return Format.ODT
    for kind, word in _OPEN_DOCUMENTS.items():
        if says.startswith(kind):
            raise _refused(word)
    names = frozenset(_names(data))
    if not names:  # cut off, or with a directory that lies
        by_name = _BY_ENDING.get(ending)
        return by_name if by_name in (Format.DOCX, Format.ODT) else Format.ZIP
    return _of_names(names)


def _of_names(names: frozenset[str]) -> Format:
    if "[Content_Types].xml" in names:
        if any(name.startswith("word/document") for name in names):
            return Format.DOCX
        for folder, word in _OFFICE:
            if any(name.startswith(folder) for name in names):
                raise _refused(word)
    if {"content.xml", "META-INF/manifest.xml"} <= names:
        return Format.ODT
    if "META-INF/MANIFEST.MF" in names or "AndroidManifest.xml" in names:
        raise _refused("a program")
    if "Index/Document.iwa" in names or "META-INF/container.xml" in names:
        raise _refused("a Pages document or an e-book")
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
