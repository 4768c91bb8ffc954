"""Word and OpenDocument files: zips that are bombs, XML that is one, and parts that are not there."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable

from tests.hostile_files.corpus import Build, Case, cut_off, either, read, refused
from tests.hostile_files.sound import (
    BODY,
    MANIFEST,
    ODT_TYPE,
    OFFICE,
    WORD,
    content_xml,
    document_xml,
    docx,
    docx_files,
    odt,
    zipped,
)

_MIB = 2**20
_LARGE = "large|many|packed|bomb|damaged"


def laughs(root: str, times: int = 10) -> str:
    more = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * times}">' for n in range(1, 10))
    return f'<?xml version="1.0"?><!DOCTYPE {root} [<!ENTITY l0 "lol">{more}]>'


def reads_a_file(root: str) -> str:
    return f'<?xml version="1.0"?><!DOCTYPE {root} [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


def _quadratic(root: str) -> str:
    return f'<?xml version="1.0"?><!DOCTYPE {root} [<!ENTITY q "{"q" * 50_000}">]>'


def _parameters(root: str) -> str:
    inner = '<!ENTITY % p SYSTEM "http://127.0.0.1:9/a.dtd"> %p;'
    return f'<?xml version="1.0"?><!DOCTYPE {root} [{inner}]>'


def _word(title: str, document: Callable[[], bytes], *words: str, slow: bool = False) -> Case:
    return either(f"docx: {title}", "a.docx", lambda: docx(document()), *words, slow=slow)


def _open(title: str, content: Callable[[], bytes], *words: str, slow: bool = False) -> Case:
    return either(f"odt: {title}", "a.odt", lambda: odt(content()), *words, slow=slow)


def _paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def claiming(data: bytes, size: int) -> bytes:
    """The zip with another unpacked size for each of its entries, in its directory and before each."""
    out = bytearray(data)
    at = 0
    while (at := out.find(b"PK\x03\x04", at)) >= 0:
        out[at + 22 : at + 26] = struct.pack("<I", size)
        at += 4
    at = 0
    while (at := out.find(b"PK\x01\x02", at)) >= 0:
        out[at + 24 : at + 28] = struct.pack("<I", size)
        at += 4
    return bytes(out)


def flagged(data: bytes, flag: int) -> bytes:
    """The zip with a flag set on each of its entries: 1 is "encrypted"."""
    out = bytearray(data)
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = 0
        while (at := out.find(mark, at)) >= 0:
            out[at + place] |= flag
            at += 4
    return bytes(out)


def _without(name: str) -> Build:
    return lambda: zipped(*(each for each in docx_files().items() if each[0] != name))


def _twice() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in docx_files().items():
            archive.writestr(name, data)
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            archive.writestr("word/document.xml", document_xml(_paragraph("another")))
    return out.getvalue()


def _relations(target: str) -> bytes:
    files = docx_files()
    files["_rels/.rels"] = files["_rels/.rels"].replace(b"word/document.xml", target.encode())
    return zipped(*files.items())


_EXTERNAL = (
    b'<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    b'<Relationship Id="r9" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/attachedTemplate"'
    b' Target="http://127.0.0.1:9/a.dotm" TargetMode="External"/></Relationships>'
)


_LOCKED = MANIFEST.replace(
    b'"content.xml" manifest:media-type="text/xml"/>',
    b'"content.xml"><manifest:encryption-data/></manifest:file-entry>',
)


def _attributes(name: str, number: int) -> str:
    return " ".join(f'{name}{n}="1"' for n in range(number))


def _cells(rows: int) -> str:
    row = "<w:tr>" + f"<w:tc>{_paragraph('c')}</w:tc>" * 20 + "</w:tr>"
    return f"<w:tbl>{row * rows}</w:tbl>"


def _nested(opening: str, closing: str, times: int) -> str:
    return opening * times + _paragraph("deep") + closing * times


def _spaces(number: int) -> str:
    return f'<text:p>a<text:s text:c="{number}"/>b</text:p>'


def _rows(number: int) -> str:
    cell = (
        f'<table:table-cell table:number-columns-repeated="{number}"><text:p>cell</text:p></table:table-cell>'
    )
    row = f'<table:table-row table:number-rows-repeated="{number}">{cell}</table:table-row>'
    return f"<table:table>{row}</table:table>"


CASES = (
    refused(
        "docx: a bomb of 300 MiB of blanks",
        "a.docx",
        lambda: docx(document_xml(" " * 300 * _MIB)),
        _LARGE,
        slow=True,
    ),
    refused(
        "docx: a bomb of 60 MiB of blanks", "a.docx", lambda: docx(document_xml(" " * 60 * _MIB)), _LARGE
    ),
    _word("49 MiB of blanks", lambda: document_xml(" " * 49 * _MIB), WORD, slow=True),
    _word("30 MiB of empty paragraphs", lambda: document_xml("<w:p/>" * 5_000_000), slow=True),
    _word("200,000 empty paragraphs", lambda: document_xml("<w:p/>" * 200_000), WORD),
    _word("30 MiB of paragraphs", lambda: document_xml(_paragraph("oil") * 750_000), slow=True),
    _word("one paragraph of 3 MB", lambda: document_xml(_paragraph("oil " * 750_000)), WORD),
    _word("one paragraph of 20 MB", lambda: document_xml(_paragraph("oil " * 5_000_000)), slow=True),
    _word(
        "one paragraph of 100,000 pieces",
        lambda: document_xml(f"<w:p>{'<w:r><w:t>o</w:t></w:r>' * 100_000}</w:p>"),
        WORD,
    ),
    _word("100,000 attributes", lambda: document_xml(f"<w:p {_attributes('w:a', 100_000)}/>"), slow=True),
    _word("5,000 attributes", lambda: document_xml(f"<w:p {_attributes('w:a', 5_000)}/>"), WORD),
    _word("30,000 namespaces", lambda: document_xml(f"<w:p {_attributes('xmlns:a', 30_000)}/>")),
    _word(
        "200 tables in each other",
        lambda: document_xml(_nested("<w:tbl><w:tr><w:tc>", "</w:tc></w:tr></w:tbl>", 80)),
    ),
    _word(
        "10,000 tables in each other",
        lambda: document_xml(_nested("<w:tbl><w:tr><w:tc>", "</w:tc></w:tr></w:tbl>", 10_000)),
    ),
    _word("100,000 elements in each other", lambda: document_xml(_nested("<w:sdt>", "</w:sdt>", 100_000))),
    _word("paragraphs in each other", lambda: document_xml("<w:p>" * 200 + "</w:p>" * 200)),
    _word("a table of 40,000 cells", lambda: document_xml(_cells(2000)), WORD),
    _word(
        "a cell that spans 2^31",
        lambda: document_xml(
            '<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val="2147483647"/></w:tcPr>'
            f"{_paragraph('c')}</w:tc></w:tr></w:tbl>"
        ),
        WORD,
    ),
    _word("one that reads a file", lambda: document_xml(_paragraph("&x;"), reads_a_file("w:document"))),
    _word("one that calls a host", lambda: document_xml("", _parameters("w:document"))),
    _word("a billion laughs", lambda: document_xml(_paragraph("&l9;"), laughs("w:document"))),
    _word("a quadratic blow-up", lambda: document_xml(_paragraph("&q;" * 50_000), _quadratic("w:document"))),
    _word(
        "an entity that names itself",
        lambda: document_xml(
            _paragraph("&x;"), '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY x "&y;"><!ENTITY y "&x;">]>'
        ),
    ),
    _word("no XML", lambda: b"oil"),
    _word("nothing in it", lambda: b""),
    _word("half of its XML", lambda: document_xml()[:400]),
    _word("XML in UTF-16", lambda: document_xml().decode().encode("utf-16"), WORD),
    _word(
        "XML in an encoding that is none", lambda: document_xml("", '<?xml version="1.0" encoding="x-none"?>')
    ),
    _word("a comment of 20 MB", lambda: document_xml(f"<!--{'x' * 20 * _MIB}-->"), slow=True),
    _word("zero bytes", lambda: document_xml().replace(b"oil", b"o\0l")),
    _word("another root", lambda: b'<?xml version="1.0"?><a><b>oil</b></a>'),
    _word(
        "a field that does not end",
        lambda: document_xml('<w:p><w:r><w:fldChar w:fldCharType="begin"/></w:r></w:p>' * 9999),
    ),
    _word(
        "text in boxes in boxes",
        lambda: document_xml(
            _nested("<w:p><w:r><w:pict><w:txbxContent>", "</w:txbxContent></w:pict></w:r></w:p>", 50)
        ),
    ),
    refused(
        "docx: no text",
        "a.docx",
        lambda: docx(document_xml().replace(b"<w:t>", b"<w:x>").replace(b"</w:t>", b"</w:x>")),
        "no text|empty",
    ),
    *(either(f"docx: without {name}", "a.docx", _without(name)) for name in docx_files()),
    refused("docx: encrypted entries", "a.docx", lambda: flagged(docx(), 1), "encrypted|sound"),
    refused("docx: sizes that are too large", "a.docx", lambda: claiming(docx(), 2**31), _LARGE + "|sound"),
    either(
        "docx: sizes that are too small",
        "a.docx",
        lambda: claiming(docx(document_xml(" " * 60 * _MIB)), 10),
        reason="large|sound|damaged",
    ),
    either("docx: its document twice", "a.docx", _twice, WORD),
    either("docx: its document outside of it", "a.docx", lambda: _relations("../../../etc/passwd")),
    either("docx: its document at a host", "a.docx", lambda: _relations("http://127.0.0.1:9/a.xml")),
    either("docx: its document is its table of parts", "a.docx", lambda: _relations("_rels/.rels")),
    read(
        "docx: a template at a host",
        "a.docx",
        lambda: docx(None, **{"word/_rels/document.xml.rels": _EXTERNAL}),
        WORD,
    ),
    either(
        "docx: relations that are no XML",
        "a.docx",
        lambda: docx(None, **{"word/_rels/document.xml.rels": b"oil"}),
        WORD,
    ),
    either(
        "docx: particulars that laugh",
        "a.docx",
        lambda: docx(None, **{"docProps/core.xml": (laughs("a") + "<a>&l9;</a>").encode()}),
        WORD,
    ),
    either(
        "docx: particulars that are huge",
        "a.docx",
        lambda: docx(None, **{"docProps/core.xml": b"<a>" + b"x" * 20 * _MIB + b"</a>"}),
        WORD,
    ),
    either(
        "docx: 5,000 pictures",
        "a.docx",
        lambda: docx(None, **{f"word/media/{n}.png": b"x" for n in range(5_000)}),
        WORD,
    ),
    either(
        "docx: a bomb beside its text",
        "a.docx",
        lambda: docx(None, **{"word/media/a.bin": bytes(300 * _MIB)}),
        WORD,
        slow=True,
    ),
    *(
        either(f"docx: cut off at {share:.0%}", "a.docx", cut_off(docx, share))
        for share in (0.1, 0.5, 0.9, 0.99)
    ),
    refused(
        "odt: a bomb of 300 MiB of blanks",
        "a.odt",
        lambda: odt(content_xml(" " * 300 * _MIB)),
        _LARGE,
        slow=True,
    ),
    refused("odt: a bomb of 60 MiB of blanks", "a.odt", lambda: odt(content_xml(" " * 60 * _MIB)), _LARGE),
    _open("200,000 empty paragraphs", lambda: content_xml("<text:p/>" * 200_000), WORD),
    _open("30 MiB of paragraphs", lambda: content_xml("<text:p>oil</text:p>" * 1_500_000), slow=True),
    _open("one paragraph of 3 MB", lambda: content_xml(f"<text:p>{'oil ' * 750_000}</text:p>"), WORD),
    _open("2^31 blanks in one", lambda: content_xml(_spaces(2**31)), WORD),
    _open("a million blanks, 1,000 times", lambda: content_xml(_spaces(1_000_000) * 1_000), WORD),
    _open("blanks below zero", lambda: content_xml(_spaces(-9)), WORD),
    _open("blanks that are no number", lambda: content_xml('<text:p>a<text:s text:c="x"/>b</text:p>'), WORD),
    _open(
        "blanks of a million digits",
        lambda: content_xml(f'<text:p>a<text:s text:c="{"9" * _MIB}"/>b</text:p>'),
        WORD,
    ),
    _open("a table of 2^60 cells in one", lambda: content_xml(_rows(2**30)), WORD),
    _open(
        "10,000 tables in each other",
        lambda: content_xml(
            "<table:table><table:table-row><table:table-cell>" * 10_000
            + "<text:p>x</text:p>"
            + "</table:table-cell></table:table-row></table:table>" * 10_000
        ),
    ),
    _open(
        "100,000 spans in each other",
        lambda: content_xml(
            "<text:p>" + "<text:span>" * 100_000 + "x" + "</text:span>" * 100_000 + "</text:p>"
        ),
    ),
    _open(
        "200 spans in each other",
        lambda: content_xml("<text:p>" + "<text:span>" * 200 + "oil" + "</text:span>" * 200 + "</text:p>"),
        WORD,
    ),
    _open(
        "one that reads a file",
        lambda: content_xml("<text:p>&x;</text:p>", reads_a_file("office:document-content")),
    ),
    _open("one that calls a host", lambda: content_xml("", _parameters("office:document-content"))),
    _open(
        "a billion laughs", lambda: content_xml("<text:p>&l9;</text:p>", laughs("office:document-content"))
    ),
    _open("a quadratic blow-up", lambda: content_xml(f"<text:p>{'&q;' * 50_000}</text:p>", _quadratic("a"))),
    _open("no XML", lambda: b"oil"),
    _open(
        "another root",
        lambda: f'<?xml version="1.0"?><office:a xmlns:office="{OFFICE}">oil</office:a>'.encode(),
    ),
    either(
        "odt: no more than its kind",
        "a.odt",
        lambda: zipped(("mimetype", ODT_TYPE), method=zipfile.ZIP_STORED),
    ),
    either(
        "odt: encrypted by its manifest",
        "a.odt",
        lambda: odt(
            b"\x8f" * 999,
            manifest=_LOCKED,
        ),
        reason="encrypted",
    ),
    either("odt: encrypted entries", "a.odt", lambda: flagged(odt(), 1), reason="encrypted|sound"),
    either(
        "odt: a manifest that laughs",
        "a.odt",
        lambda: odt(None, manifest=(laughs("a") + "<a>&l9;</a>").encode()),
        WORD,
    ),
    either(
        "odt: particulars that laugh",
        "a.odt",
        lambda: odt(None, ("meta.xml", (laughs("a") + "<a>&l9;</a>").encode())),
        WORD,
    ),
    either(
        "odt: sizes that are too small",
        "a.odt",
        lambda: claiming(odt(content_xml(" " * 60 * _MIB)), 10),
        reason="large|sound|damaged",
    ),
    *(
        either(f"odt: cut off at {share:.0%}", "a.odt", cut_off(odt, share))
        for share in (0.1, 0.5, 0.9, 0.99)
    ),
    read("docx: the sound one", "a.docx", docx, *(line.split()[-1].rstrip(".") for line in BODY)),
    read("odt: the sound one", "a.odt", odt, *(line.split()[-1].rstrip(".") for line in BODY)),
)
