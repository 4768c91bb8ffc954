"""A small well-formed file of each format, all telling the same: what hostile files are made from."""

from __future__ import annotations

import base64
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Iterable

WORD = "Atyrau"  # in the text of all of them
TITLE = "Refinery restarts"
BODY = (
    "The refinery in Atyrau resumed processing crude oil on Monday after a month of repairs.",
    "The ministry of energy said that petrol output would reach eight thousand tonnes a day by spring.",
    "Deliveries to the southern regions begin next week, and prices will be looked at again in April.",
)
TEXT = "\n".join((TITLE, *BODY))


def text() -> bytes:
    return TEXT.encode()


def markdown() -> bytes:
    return "\n\n".join((f"# {TITLE}", *BODY)).encode()


def page(extra: str = "", *, head: str = "", before: str = "") -> bytes:
    """A web page; `extra` stands at the end of its body, `before` at its beginning."""
    paragraphs = "".join(f"<p>{each}</p>" for each in BODY)
    return (
        f"<!DOCTYPE html><html><head><meta charset=utf-8><title>{TITLE}</title>{head}</head><body>{before}"
        f"<article><h1>{TITLE}</h1>{paragraphs}</article>{extra}</body></html>"
    ).encode("utf-8", "surrogatepass")


def saved_page() -> bytes:
    return (
        b"From: <Saved by Blink>\r\n"
        b"Snapshot-Content-Location: https://news.example/a\r\nSubject: Refinery\r\n"
        b'MIME-Version: 1.0\r\nContent-Type: multipart/related; type="text/html"; boundary="xx"\r\n\r\n'
        b"--xx\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: 8bit\r\n"
        b"Content-Location: https://news.example/a\r\n\r\n" + page() + b"\r\n--xx--\r\n"
    )


def feed(entries: str = "", *, prolog: str = '<?xml version="1.0"?>', title: str = TITLE) -> bytes:
    return (
        f'{prolog}<rss version="2.0"><channel><title>News</title><link>https://news.example/</link>{entries}'
        f"<item><title>{title}</title><description>{' '.join(BODY)}</description>"
        "<link>https://news.example/a</link></item></channel></rss>"
    ).encode("utf-8", "surrogatepass")


def record() -> bytes:
    return json.dumps({"title": TITLE, "text": "\n".join(BODY)}).encode()


def records() -> bytes:
    return record() + b"\n" + record().replace(b"Refinery", b"Plant") + b"\n"


def rich(extra: str = "") -> bytes:
    paragraphs = "".join(f"\\pard {each}\\par\n" for each in (TITLE, *BODY))
    return ("{\\rtf1\\ansi\\ansicpg1252{\\fonttbl{\\f0 Arial;}}\n" + extra + paragraphs + "}").encode(
        "latin-1"
    )


def mail(
    body: bytes | None = None,
    *,
    headers: bytes = b"",
    type: bytes = b"text/plain; charset=utf-8",
    subject: bytes = b"Refinery restarts",
) -> bytes:
    text = "\r\n\r\n".join(BODY).encode() if body is None else body
    who = b"From: Press service <press@ministry.example>\r\nTo: desk@news.example\r\n"
    when = b"Date: Thu, 05 Mar 2026 15:20:00 +0500\r\nMIME-Version: 1.0\r\n"
    what = b"Subject: " + subject + b"\r\n"
    return who + what + when + headers + b"Content-Type: " + type + b"\r\n\r\n" + text


def mixed(*parts: bytes, boundary: bytes = b"==b==", end: bool = True, **given: bytes) -> bytes:
    """A mail of the usual text and of parts; a part is its headers, a blank line and its body."""
    first = b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + "\r\n\r\n".join(BODY).encode()
    body = b"".join(b"--" + boundary + b"\r\n" + each + b"\r\n" for each in (first, *parts))
    close = b"--" + boundary + b"--\r\n" if end else b""
    return mail(body + close, type=b'multipart/mixed; boundary="' + boundary + b'"', **given)


def attached(data: bytes, name: str, type: str = "application/octet-stream") -> bytes:
    """A part of a mail that is a file."""
    head = f'Content-Type: {type}; name="{name}"\r\nContent-Disposition: attachment; filename="{name}"\r\n'
    return head.encode() + b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(data)


def mailbox(mails: Iterable[bytes] | None = None) -> bytes:
    each = [mail(), mail(subject=b"Plant restarts")] if mails is None else mails
    return b"".join(b"From a@b.example Thu Mar  5 15:20:00 2026\n" + one + b"\n\n" for one in each)


def zipped(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return out.getvalue()


# Documents

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
)
_RELATIONS = (
    '<?xml version="1.0"?><Relationships '
    'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
    'Target="word/document.xml"/></Relationships>'
)


def paragraphs_of_word() -> str:
    return "".join(f"<w:p><w:r><w:t>{each}</w:t></w:r></w:p>" for each in (TITLE, *BODY))


def document_xml(extra: str = "", prolog: str = '<?xml version="1.0"?>') -> bytes:
    inside = f"{paragraphs_of_word()}{extra}"
    return f'{prolog}<w:document xmlns:w="{W}"><w:body>{inside}</w:body></w:document>'.encode()


def docx_files(document: bytes | None = None) -> dict[str, bytes]:
    return {
        "[Content_Types].xml": _TYPES.encode(),
        "_rels/.rels": _RELATIONS.encode(),
        "word/document.xml": document_xml() if document is None else document,
    }


def docx(document: bytes | None = None, **more: bytes) -> bytes:
    return zipped(*docx_files(document).items(), *more.items())


OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"
_TEXT = "urn:oasis:names:tc:opendocument:xmlns:text:1.0"
_TABLE = "urn:oasis:names:tc:opendocument:xmlns:table:1.0"
ODT_TYPE = b"application/vnd.oasis.opendocument.text"
MANIFEST = (
    b'<?xml version="1.0"?><manifest:manifest '
    b'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><manifest:file-entry '
    b'manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.text"/>'
    b'<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
    b"</manifest:manifest>"
)


def content_xml(extra: str = "", prolog: str = '<?xml version="1.0"?>') -> bytes:
    inside = "".join(f"<text:p>{each}</text:p>" for each in (TITLE, *BODY)) + extra
    return (
        f'{prolog}<office:document-content xmlns:office="{OFFICE}" xmlns:text="{_TEXT}" '
        f'xmlns:table="{_TABLE}">'
        f"<office:body><office:text>{inside}</office:text></office:body></office:document-content>"
    ).encode()


def odt(content: bytes | None = None, *more: tuple[str, bytes], manifest: bytes = MANIFEST) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", ODT_TYPE, zipfile.ZIP_STORED)
        archive.writestr("content.xml", content_xml() if content is None else content)
        for name, data in (("META-INF/manifest.xml", manifest), *more):
            archive.writestr(name, data)
    return out.getvalue()


# PDF


def stream(data: bytes, entries: bytes = b"") -> bytes:
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(data), entries, data)


def deflated(data: bytes, entries: bytes = b"") -> bytes:
    return stream(zlib.compress(data, 9), b"/Filter /FlateDecode " + entries)


def written(lines: Iterable[str] = (TITLE, *BODY)) -> bytes:
    """A page's content that writes lines."""
    shown = " ".join(f"({line}) Tj 0 -14 Td" for line in lines)
    return f"BT /F1 8 Tf 36 740 Td {shown} ET".encode("latin-1")


FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"


def pdf(objects: dict[int, bytes], trailer: bytes = b"", *, with_table: bool = True) -> bytes:
    """A PDF of these objects; number 1 is its catalog."""
    out = bytearray(b"%PDF-1.7\n")
    places = {}
    for number, data in objects.items():
        places[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, data)
    if not with_table:
        return bytes(out)
    start, size = len(out), max(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n" % size
    for number in range(1, size):
        out += b"%010d 00000 n \n" % places[number] if number in places else b"0000000000 65535 f \n"
    out += b"trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (size, trailer, start)
    return bytes(out)


def pdf_objects(
    content: bytes | None = None, *, resources: bytes = b"", page: bytes = b""
) -> dict[int, bytes]:
    """Those of one page; `content` is the whole object of its content."""
    return {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources "
        b"<< /Font << /F1 5 0 R >> %s >> %s >>" % (resources, page),
        4: stream(written()) if content is None else content,
        5: FONT,
    }


def simple_pdf() -> bytes:
    return pdf(pdf_objects(deflated(written())))


# Of each format: the usual ending, and a file.
FILES: dict[str, Callable[[], bytes]] = {
    "txt": text,
    "md": markdown,
    "html": page,
    "mhtml": saved_page,
    "pdf": simple_pdf,
    "docx": docx,
    "odt": odt,
    "rtf": rich,
    "eml": mail,
    "mbox": mailbox,
    "json": record,
    "jsonl": records,
    "rss": feed,
    "zip": lambda: zipped(("a.txt", text()), ("b.html", page())),
}
