"""Bytes ▶ their format. What the bytes are counts; the name only where they could be several things.

Of a file that could be read in two ways, what it is at its first byte counts. Only a PDF may have
something before it, as its readers allow. It is called for each plain text too, so it looks at little,
and what a plain text does not need is loaded late.
"""

from __future__ import annotations

import re

from classifier.formats.kinds import BY_ENDING, Format
from classifier.formats.signatures import LONGEST_PROLOG, LOOKED_AT, kind_of, readable, refused

_BEFORE_A_PDF = 1024  # bytes
_LONGEST_ENDING = 8  # characters
_LONGEST_LINE = 1024 * 1024  # bytes of a JSON record on a line of its own
_BLANKS = b" \t\r\n\0"
_BEFORE_A_TEXT = b"\xef\xbb\xbf\xff\xfe" + _BLANKS

_PDF = re.compile(rb"%PDF-\d")

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
        raise refused(kind)
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK00PK\x03\x04")):
        from classifier.formats.zips import of_zip

        return of_zip(data, _ending(name))
    format = _of_mark_up(data, name)
    pdf = _PDF.search(data, 0, _BEFORE_A_PDF + 6)
    if pdf and format not in (Format.MAIL, Format.MBOX, Format.MHTML) and _is_pdf(data, pdf.start()):
        return Format.PDF
    return format


def warm() -> None:
    """Load what is loaded late."""
    sniff(b"<p>", "")
    sniff(b"PK\x03\x04", "")


def _ending(name: str) -> str:
    """What follows the last dot, in small letters; empty where that is no usual ending."""
    ending = name[-300:].rstrip("\0 .\r\n\t").rpartition(".")[2]
    return ending.lower() if len(ending) <= _LONGEST_ENDING else ""


def _is_pdf(data: bytes, start: int) -> bool:
    """A text may speak of `%PDF-`. A file that is one, and has something before it, goes on like one."""
    return start == 0 or b" obj" in data[start : start + LOOKED_AT] or b"startxref" in data[-1024:]


def _of_mark_up(data: bytes, name: str) -> Format:
    """By the first character: most texts begin with a letter, and are none of these but perhaps a mail."""
    start = data[:64].lstrip(_BEFORE_A_TEXT)[:1]
    if start == b"<":
        from classifier.formats.tags import of_tags

        return of_tags(data, _ending(name))
    if start in (b"{", b"["):
        return _of_braces(data, _ending(name))
    if start.isalpha() and (_has_header(data) or data.startswith(b"From ")):
        format = _of_mail(data, _ending(name))
        if format:
            return format
    if not start and len(data) > 64:  # a page of blanks before it, which lstrip of all would look through
        stripped = data[:LONGEST_PROLOG].lstrip(_BLANKS)
        if stripped[:1] in (b"<", b"{", b"["):
            return _of_mark_up(stripped, name)
    by_name = BY_ENDING.get(_ending(name))
    return by_name if by_name in (Format.MARKDOWN, Format.HTML) else Format.TEXT


def _of_braces(data: bytes, ending: str) -> Format:
    """RTF, JSON, JSON Lines, or a text that begins with a bracket: "[Reuters] …"."""
    head = readable(data).lstrip()
    if head.startswith("{\\rtf"):
        return Format.RTF
    by_name = BY_ENDING.get(ending)
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
    head = readable(data).lstrip("\r\n")
    if head.startswith("From "):
        return Format.MBOX if _is_mail(head.partition("\n")[2]) else None
    if not _is_mail(head):
        return None
    return Format.MHTML if _is_saved_page(head.lower(), ending) else Format.MAIL


def _is_saved_page(head: str, ending: str) -> bool:
    """Mails have parts that belong together as well, but were sent by somebody to somebody."""
    if "multipart/related" not in head:
        return False
    if BY_ENDING.get(ending) is Format.MHTML or any(sign in head for sign in _PAGE_SAVERS):
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
