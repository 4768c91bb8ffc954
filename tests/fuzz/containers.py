"""Packed documents, made around the part of them that is fuzzed: compressed bytes teach a fuzzer nothing.

The first byte says which part the other bytes are; all others are sound.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Mapping
from datetime import datetime

_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_DOCUMENT = f"{_OFFICE}/relationships"
_TEXT = "The port of Aktau loaded its first train on Monday, the ministry said."

_DOCX = {
    "word/document.xml": (
        f"<w:document {_W}><w:body><w:p><w:r><w:t>{_TEXT}</w:t></w:r></w:p></w:body></w:document>"
    ),
    "docProps/core.xml": (
        f'<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Port</dc:title></cp:coreProperties>'
    ),
    "word/styles.xml": (
        f'<w:styles {_W}><w:style w:styleId="Title"><w:name w:val="Title"/></w:style></w:styles>'
    ),
    "word/_rels/document.xml.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="r1" Type="{_DOCUMENT}/styles" Target="styles.xml"/>'
        f'<Relationship Id="r2" Type="{_DOCUMENT}/footnotes" Target="footnotes.xml"/></Relationships>'
    ),
    "word/footnotes.xml": f"<w:footnotes {_W}/>",
    "word/header1.xml": f"<w:hdr {_W}/>",
    "[Content_Types].xml": (
        f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{_WORD}.document.main+xml"/>'
        f'<Override PartName="/word/styles.xml" ContentType="{_WORD}.styles+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="r1" Type="{_DOCUMENT}/officeDocument" Target="word/document.xml"/>'
        f'<Relationship Id="r2" Type="{_PACKAGE}/relationships/metadata/core-properties"'
        ' Target="docProps/core.xml"/></Relationships>'
    ),
}
_ODT_NAMES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for name in ("office", "text", "meta", "style", "table", "draw")
)
_ODT = {
    "content.xml": (
        f"<office:document-content {_ODT_NAMES}><office:body><office:text><text:p>{_TEXT}</text:p>"
        "</office:text></office:body></office:document-content>"
    ),
    "meta.xml": f"<office:document-meta {_ODT_NAMES}><office:meta/></office:document-meta>",
    "styles.xml": f"<office:document-styles {_ODT_NAMES}/>",
    "META-INF/manifest.xml": (
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        '<manifest:file-entry manifest:full-path="/"'
        ' manifest:media-type="application/vnd.oasis.opendocument.text"/></manifest:manifest>'
    ),
}
_ODT_TYPE = b"application/vnd.oasis.opendocument.text"

_NEXT_FILE, _NEXT_NAME = b"\x00\x01", b"\x00\x02"
_MOMENT = datetime(2026, 3, 5, 15, 20).timetuple()[:6]


def docx(data: bytes) -> bytes:
    """A document of which the bytes are one part."""
    return _packed(_with_part(_DOCX, data))


def odt(data: bytes) -> bytes:
    """A document of which the bytes are one part."""
    return _packed({"mimetype": _ODT_TYPE} | dict(_with_part(_ODT, data)))


def packed(data: bytes) -> bytes:
    """An archive: each file is a name, 0 2, what is in it, 0 1. Bytes that begin like one are left alone."""
    if data.startswith(b"PK"):
        return data
    packing = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(packing, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # that two files have one name
        for part in data.split(_NEXT_FILE)[:50]:
            name, _, inside = part.rpartition(_NEXT_NAME)
            entry = zipfile.ZipInfo(name[:200].decode("utf-8", "replace") or "a.txt", _MOMENT)
            archive.writestr(entry, inside)
    return packing.getvalue()


def pdf(data: bytes) -> bytes:
    """Bytes that begin like a PDF; any others are what a page of one shows."""
    if b"%PDF-" in data[:1024]:
        return data
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%b\nendstream" % (len(data), data),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    )
    made = b"%PDF-1.4\n"
    places = []
    for number, each in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj%b\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    trailer = b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % len(made)
    return made + b"xref\n0 6\n0000000000 65535 f \n" + table + trailer


def _with_part(parts: Mapping[str, str], data: bytes) -> Mapping[str, bytes]:
    names = list(parts)
    chosen = names[(data[0] if data else 0) % len(names)]
    return {name: data[1:] if name == chosen else text.encode() for name, text in parts.items()}


def _packed(parts: Mapping[str, bytes]) -> bytes:
    packing = io.BytesIO()
    with zipfile.ZipFile(packing, "w") as archive:
        for name, inside in parts.items():
            archive.writestr(zipfile.ZipInfo(name, _MOMENT), inside)
    return packing.getvalue()
