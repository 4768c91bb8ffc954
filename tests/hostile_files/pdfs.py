"""PDFs: bombs in their streams, loops in their objects, tables of places that lie."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from functools import cache

from tests.hostile_files.corpus import Case, cut_off, either, read, refused
from tests.hostile_files.sound import (
    BODY,
    FONT,
    TITLE,
    WORD,
    deflated,
    pdf,
    pdf_objects,
    simple_pdf,
    stream,
    written,
)

_MIB = 2**20


@cache
def squeezed(mib: int, each: bytes = b" ") -> bytes:
    """So many MiB of one byte, deflated: about a thousandth of that."""
    squeeze = zlib.compressobj(9)
    block = each * _MIB
    return b"".join(squeeze.compress(block) for _ in range(mib)) + squeeze.flush()


def _bomb(mib: int) -> bytes:
    return stream(squeezed(mib), b"/Filter /FlateDecode")


def _twice(mib: int) -> bytes:
    return stream(zlib.compress(squeezed(mib), 9), b"/Filter [/FlateDecode /FlateDecode]")


def _one(title: str, content: Callable[[], bytes], *, slow: bool = False, resources: bytes = b"") -> Case:
    """A file of one page with such a content: only its limits count."""
    return either(title, "a.pdf", lambda: pdf(pdf_objects(content(), resources=resources)), slow=slow)


def _objects(**changed: bytes) -> dict[int, bytes]:
    """Those of the usual file; `o6=…` adds or changes number 6."""
    return pdf_objects() | {int(name[1:]): data for name, data in changed.items()}


def _with(title: str, build: Callable[[], dict[int, bytes]], *words: str, slow: bool = False) -> Case:
    return either(title, "a.pdf", lambda: pdf(build()), *words, slow=slow)


def _two_pages(second: bytes) -> dict[int, bytes]:
    return _objects(
        o2=b"<< /Type /Pages /Kids [3 0 R 6 0 R] /Count 2 >>",
        o6=b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 7 0 R >>",
        o7=second,
    )


def _many_pages(number: int) -> dict[int, bytes]:
    kids = b" ".join(b"%d 0 R" % (10 + n) for n in range(number))
    page = b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"
    tree = b"<< /Type /Pages /Kids [%s] /Count %d /MediaBox [0 0 612 792] >>" % (kids, number)
    return _objects(o2=tree) | {10 + n: page for n in range(number)}


def _deep_tree(depth: int) -> dict[int, bytes]:
    nodes = {
        10 + n: b"<< /Type /Pages /Parent %d 0 R /Kids [%d 0 R] /Count 1 >>" % (9 + n, 11 + n)
        for n in range(depth)
    }
    last = 10 + depth
    page = b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 9 9] /Contents 4 0 R >>" % (last - 1)
    return _objects(o2=b"<< /Type /Pages /Kids [10 0 R] /Count 1 >>") | nodes | {last: page}


def _forms(number: int, times: int, *, loop: bool = False) -> dict[int, bytes]:
    """Forms each of which shows the next so often; or itself."""
    found = _objects(o4=stream(written() + b" /X Do"))
    found[3] = found[3].replace(b"/Resources <<", b"/Resources << /XObject << /X 10 0 R >>")
    for n in range(number):
        following = 10 if loop and n == number - 1 else 11 + n
        entries = (
            b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X %d 0 R >> >>"
            % following
        )
        found[10 + n] = stream(b"/X Do " * times, entries)
    found.setdefault(10 + number, stream(b"BT (x) Tj ET", b"/Type /XObject /Subtype /Form /BBox [0 0 9 9]"))
    return found


def _encrypted(password: str) -> bytes:
    from pypdf import PdfWriter

    writer = PdfWriter(clone_from=io.BytesIO(simple_pdf()))
    writer.encrypt(password, "owner", algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _five_pages() -> bytes:
    return pdf(_many_pages(5))


def _with_map(content: bytes) -> dict[int, bytes]:
    font = b"<< /Type /Font /Subtype /Type0 /BaseFont /A /Encoding /Identity-H /ToUnicode 7 0 R >>"
    return _objects(
        o5=font, o7=deflated(b"1 begincodespacerange <0000> <FFFF> endcodespacerange\n" + content)
    )


def _table_stream(entries: bytes, data: bytes = b"\1\0\0\0" * 9) -> bytes:
    body = pdf(pdf_objects(), with_table=False)
    entries = b"/Type /XRef /Root 1 0 R " + entries
    return body + b"9 0 obj\n" + deflated(data, entries) + b"\nendobj\nstartxref\n%d\n%%%%EOF\n" % len(body)


def _chained(number: int) -> bytes:
    """Tables each of which names another before it, the first the last."""
    body = pdf(pdf_objects(), with_table=False)
    one = b"xref\n0 1\n0000000000 65535 f \ntrailer\n<< /Size 9 /Root 1 0 R /Prev %09d >>\n"
    size = len(one % 0)
    places = [len(body) + n * size for n in range(number)]
    return (
        body + b"".join(one % places[n - 1] for n in range(number)) + b"startxref\n%d\n%%%%EOF\n" % places[-1]
    )


def _object_stream(data: bytes, entries: bytes) -> dict[int, bytes]:
    return _objects(o8=stream(data, b"/Type /ObjStm /Filter /FlateDecode " + entries))


_DEEP = 100_000

CASES = (
    _one("a deflate bomb of 300 MiB", lambda: _bomb(300)),
    _one("a deflate bomb of 2 GiB", lambda: _bomb(2048), slow=True),
    _one("a deflate bomb in a deflate bomb", lambda: _twice(512), slow=True),
    _one("a deflate bomb of 100 MiB, twice packed", lambda: _twice(100)),
    _with("a bomb behind a sound page", lambda: _two_pages(_bomb(300)), WORD),
    _one("a run length bomb", lambda: stream(b"\x81a" * 2_000_000, b"/Filter /RunLengthDecode")),
    _one(
        "a run length bomb, deflated",
        lambda: stream(zlib.compress(b"\x81a" * 9_000_000, 9), b"/Filter [/FlateDecode /RunLengthDecode]"),
    ),
    _one("LZW noise", lambda: stream(bytes(range(256)) * 9999, b"/Filter /LZWDecode")),
    _one(
        "an LZW bomb", lambda: stream(b"\x80\x0b\x60\x50\x22\x0c\x0c\x85\x01" * 99_999, b"/Filter /LZWDecode")
    ),
    _one("hexadecimal of 20 MB", lambda: stream(b"20" * 10_000_000, b"/Filter /ASCIIHexDecode"), slow=True),
    _one("base 85 of 5 MB", lambda: stream(b"z" * 5_000_000 + b"~>", b"/Filter /ASCII85Decode"), slow=True),
    _one("1,000 filters", lambda: stream(b"20>", b"/Filter [" + b"/ASCIIHexDecode " * 1000 + b"]")),
    _one("a filter that is none", lambda: stream(b"x", b"/Filter /Nonsense")),
    _one(
        "a predictor of 2^31 columns",
        lambda: deflated(b"\2" * _MIB, b"/DecodeParms << /Predictor 12 /Columns 2147483647 >>"),
    ),
    _one(
        "a predictor of no columns",
        lambda: deflated(b"\2" * _MIB, b"/DecodeParms << /Predictor 12 /Columns 0 /Colors -1 >>"),
    ),
    _one(
        "a length that points to itself",
        lambda: b"<< /Length 4 0 R >>\nstream\n" + written() + b"\nendstream",
    ),
    _one("a length of 2^40", lambda: b"<< /Length 1099511627776 >>\nstream\n" + written() + b"\nendstream"),
    _one("a length that is negative", lambda: b"<< /Length -9 >>\nstream\n" + written() + b"\nendstream"),
    _one("a stream that does not end", lambda: b"<< /Length 99 >>\nstream\n" + written()),
    _one("a million operators", lambda: deflated(b"q " * 1_000_000 + written()), slow=True),
    _one("100,000 operators", lambda: deflated(b"q " * 100_000 + written())),
    _one("100,000 texts", lambda: deflated(b"BT /F1 8 Tf " + b"(oil) Tj " * 100_000 + b"ET")),
    _one("1,000,000 texts", lambda: deflated(b"BT /F1 8 Tf " + b"(oil) Tj " * 1_000_000 + b"ET"), slow=True),
    _one(
        "texts that each move",
        lambda: deflated(b"BT /F1 8 Tf " + b"1 0 0 1 9 9 Tm (oil) Tj " * 50_000 + b"ET"),
    ),
    _one("one text of 10 MB", lambda: deflated(b"BT /F1 8 Tf (" + b"oil " * 2_500_000 + b") Tj ET")),
    _one("a row of a million", lambda: deflated(b"BT /F1 8 Tf [" + b"(o) -9 " * 300_000 + b"] TJ ET")),
    _one("brackets in brackets", lambda: deflated(b"BT /F1 8 Tf " + b"(" * _DEEP + b") Tj ET")),
    _one("arrays in arrays in its content", lambda: deflated(b"BT " + b"[" * _DEEP + b" TJ ET")),
    _one("tables in tables in its content", lambda: deflated(b"/A " + b"<< /B " * _DEEP + b" BDC")),
    _one("marks in marks", lambda: deflated(b"/Span << /ActualText (x) >> BDC " * 50_000 + written())),
    _one("a picture in its content that does not end", lambda: deflated(b"BI /W 9 /H 9 ID " + b"x" * _MIB)),
    _one("10,000 pictures in its content", lambda: deflated(b"BI /W 1 /H 1 /BPC 8 /CS /G ID x EI " * 10_000)),
    _one("hexadecimal that is none", lambda: deflated(b"BT /F1 8 Tf <" + b"zz" * 99_999 + b"> Tj ET")),
    _one("a number of a million digits", lambda: deflated(b"1" * _MIB + b" Tc " + written())),
    _one("a name of a million letters", lambda: deflated(b"/" + b"A" * _MIB + b" gs " + written())),
    _one("noise for a content", lambda: deflated(bytes((n * n * 7 + n) % 256 for n in range(99_999)))),
    _with(
        "a tree of pages that holds itself",
        lambda: _objects(o2=b"<< /Type /Pages /Kids [3 0 R 2 0 R] /Count 2 >>"),
    ),
    _with(
        "a page that is its own parent",
        lambda: _objects(o3=b"<< /Type /Page /Parent 3 0 R /Contents 4 0 R >>"),
    ),
    _with(
        "two pages each other's parent",
        lambda: _objects(
            o3=b"<< /Type /Pages /Parent 6 0 R /Kids [6 0 R] >>",
            o6=b"<< /Type /Pages /Parent 3 0 R /Kids [3 0 R] >>",
        ),
    ),
    _with(
        "a page 10,000 times",
        lambda: _objects(o2=b"<< /Type /Pages /Kids [" + b"3 0 R " * 10_000 + b"] /Count 10000 >>"),
        slow=True,
    ),
    _with("10,000 pages", lambda: _many_pages(10_000), slow=True),
    read("500 pages", "a.pdf", lambda: pdf(_many_pages(500)), WORD, slow=True),
    _with("a tree of pages 500 deep", lambda: _deep_tree(500)),
    _with("a tree of pages 20,000 deep", lambda: _deep_tree(20_000)),
    _with(
        "a count of 2^31", lambda: _objects(o2=b"<< /Type /Pages /Kids [3 0 R] /Count 2147483647 >>"), WORD
    ),
    _with("a count below zero", lambda: _objects(o2=b"<< /Type /Pages /Kids [3 0 R] /Count -5 >>"), WORD),
    _with("no pages", lambda: _objects(o2=b"<< /Type /Pages /Kids [] /Count 0 >>")),
    _with("no tree of pages", lambda: _objects(o1=b"<< /Type /Catalog >>")),
    _with("a catalog that is a number", lambda: _objects(o1=b"7")),
    _with(
        "arrays in arrays",
        lambda: _objects(o6=b"[" * _DEEP + b"]" * _DEEP, o1=b"<< /Type /Catalog /Pages 2 0 R /A 6 0 R >>"),
    ),
    _with(
        "arrays in arrays in its page",
        lambda: _objects(
            o3=pdf_objects()[3].replace(b"/MediaBox", b"/A " + b"[" * _DEEP + b"]" * _DEEP + b" /MediaBox")
        ),
    ),
    _with(
        "tables in tables in its page",
        lambda: _objects(
            o3=pdf_objects()[3].replace(
                b"/MediaBox", b"/A " + b"<< /A " * 50_000 + b">> " * 50_000 + b" /MediaBox"
            )
        ),
    ),
    _with("a form that shows itself", lambda: _forms(1, 1, loop=True), WORD),
    _with("forms that show each other", lambda: _forms(3, 2, loop=True), WORD, slow=True),
    _with("forms of 10^10 texts", lambda: _forms(10, 10), WORD, slow=True),
    _with(
        "50,000 contents of a page",
        lambda: _objects(
            o3=b"<< /Type /Page /Parent 2 0 R /Contents ["
            + b"4 0 R " * 50_000
            + b"] /Resources << /Font << /F1 5 0 R >> >> >>"
        ),
        slow=True,
    ),
    _with(
        "10,000 fonts",
        lambda: _objects(
            o3=pdf_objects()[3].replace(b"/F1 5 0 R", b" ".join(b"/F%d 5 0 R" % n for n in range(1, 10_000)))
        ),
        WORD,
    ),
    _with(
        "a font that is its own",
        lambda: _objects(
            o5=b"<< /Type /Font /Subtype /Type0 /DescendantFonts [5 0 R] /ToUnicode 5 0 R /Encoding 5 0 R >>"
        ),
    ),
    _with(
        "widths of 2^31 letters",
        lambda: _objects(o5=FONT.replace(b">>", b"/FirstChar 0 /LastChar 2147483647 /Widths [1 2] >>")),
    ),
    _with(
        "differences of a million",
        lambda: _objects(
            o5=FONT.replace(b"/WinAnsiEncoding", b"<< /Differences [0 " + b"/a " * 300_000 + b"] >>")
        ),
    ),
    _with(
        "a map of 2^32 letters",
        lambda: _with_map(b"1 beginbfrange\n<00000000> <FFFFFFFF> <0041>\nendbfrange"),
    ),
    _with(
        "a map of 65,536 letters, 999 times",
        lambda: _with_map(b"1 beginbfrange\n<0000> <FFFF> <0041>\nendbfrange\n" * 999),
        slow=True,
    ),
    _with(
        "a map whose letters are words",
        lambda: _with_map(b"1 beginbfchar\n<0001> <" + b"0041" * _MIB + b">\nendbfchar"),
    ),
    _with("a map that does not end", lambda: _with_map(b"1 beginbfrange\n" + b"<0000> [" * 99_999)),
    _with("a stream of objects that is a bomb", lambda: _object_stream(squeezed(300), b"/N 1 /First 4")),
    _with(
        "a stream of 2^31 objects",
        lambda: _object_stream(zlib.compress(b"1 0 " * 999), b"/N 2147483647 /First 4"),
    ),
    _with(
        "a stream of objects that extends itself",
        lambda: _object_stream(zlib.compress(b"8 0 <<>>"), b"/N 1 /First 4 /Extends 8 0 R"),
    ),
    either(
        "a table of places that is a bomb",
        "a.pdf",
        lambda: _table_stream(b"/Size 9 /W [1 2 1]", bytes(200 * _MIB)),
        slow=True,
    ),
    either(
        "a table of 2^31 places",
        "a.pdf",
        lambda: _table_stream(b"/Size 2147483647 /W [1 2 1] /Index [0 2147483647]"),
    ),
    either(
        "a table of places as wide as 2^20",
        "a.pdf",
        lambda: _table_stream(b"/Size 9 /W [1048576 1048576 1048576]"),
    ),
    either("a table of places of no width", "a.pdf", lambda: _table_stream(b"/Size 999999999 /W [0 0 0]")),
    either(
        "a table of places that comes before itself",
        "a.pdf",
        lambda: _table_stream(b"/Size 9 /W [1 2 1] /Prev 0"),
    ),
    either("a table of places that names itself", "a.pdf", lambda: _chained(1)),
    either("5,000 tables in a ring", "a.pdf", lambda: _chained(5_000)),
    read(
        "no table of places",
        "a.pdf",
        lambda: pdf(pdf_objects(), with_table=False) + b"trailer << /Root 1 0 R >>",
        WORD,
    ),
    either(
        "its table of places elsewhere",
        "a.pdf",
        lambda: simple_pdf().replace(b"startxref\n", b"startxref\n9"),
        WORD,
    ),
    either(
        "its table's place beyond all",
        "a.pdf",
        lambda: simple_pdf().replace(b"startxref\n", b"startxref\n" + b"9" * 5000),
    ),
    either(
        "300,000 objects and no table",
        "a.pdf",
        lambda: b"%PDF-1.4\n" + b"1 0 obj\n<<>>\nendobj\n" * 100_000,
        slow=True,
    ),
    either(
        "300,000 ends of a file",
        "a.pdf",
        lambda: simple_pdf() + b"startxref\n0\n%%EOF\n" * 300_000,
        slow=True,
    ),
    either("5 MB behind its end", "a.pdf", lambda: simple_pdf() + b"x" * 5 * _MIB),
    either(
        "5 MB of comments",
        "a.pdf",
        lambda: simple_pdf().replace(b"%PDF-1.7\n", b"%PDF-1.7\n" + b"%x\n" * 1_700_000),
    ),
    read("1 KiB before it", "a.pdf", lambda: b"x" * 900 + b"\n" + simple_pdf(), WORD),
    refused("encrypted", "a.pdf", lambda: _encrypted("secret"), "encrypted"),
    read("encrypted without a password", "a.pdf", lambda: _encrypted(""), WORD),
    either(
        "encrypted by a method that is none",
        "a.pdf",
        lambda: pdf(_objects(o9=b"<< /Filter /Standard /V 99 /R 99 >>"), b"/Encrypt 9 0 R /ID [<00> <00>]"),
        reason="encrypted|sound",
    ),
    refused("a scan", "a.pdf", lambda: pdf(pdf_objects(deflated(b"q 9 0 0 9 0 0 cm /I Do Q"))), "no text"),
    refused("a page of nothing", "a.pdf", lambda: pdf(pdf_objects(stream(b""))), "no text"),
    refused("a page of blanks", "a.pdf", lambda: pdf(pdf_objects(stream(written(["   "] * 99)))), "no text"),
    refused("no more than a head", "a.pdf", lambda: b"%PDF-1.7\n", "."),
    refused("a head and noise", "a.pdf", lambda: b"%PDF-1.7\n" + bytes(range(256)) * 999, "."),
    *(
        either(f"cut off at {share:.0%}", "a.pdf", cut_off(_five_pages, share))
        for share in (0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
    ),
    read(
        "scripts and actions",
        "a.pdf",
        lambda: pdf(
            _objects(
                o1=b"<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /JavaScript /JS (app.alert(1)) >> "
                b"/AA << /O << /S /Launch /F (/bin/sh) >> >> >>"
            )
        ),
        WORD,
    ),
    read(
        "a title of 1 MB",
        "a.pdf",
        lambda: pdf(
            _objects(o9=b"<< /Title (" + b"x" * _MIB + b") /CreationDate (" + b"9" * _MIB + b") >>"),
            b"/Info 9 0 R",
        ),
        WORD,
    ),
    read(
        "a title of lone surrogates",
        "a.pdf",
        lambda: pdf(
            _objects(o9=b"<< /Title <FEFFD800D800> /Author <FEFFDFFF> /CreationDate [1 2] >>"), b"/Info 9 0 R"
        ),
        WORD,
    ),
    read("particulars that are no table", "a.pdf", lambda: pdf(pdf_objects(), b"/Info 7"), WORD),
    either(
        "an outline that goes round",
        "a.pdf",
        lambda: pdf(
            _objects(
                o1=b"<< /Type /Catalog /Pages 2 0 R /Outlines 9 0 R >>",
                o9=b"<< /First 9 0 R /Last 9 0 R /Next 9 0 R >>",
            )
        ),
        WORD,
    ),
    either(
        "metadata of a billion laughs",
        "a.pdf",
        lambda: pdf(
            _objects(
                o1=b"<< /Type /Catalog /Pages 2 0 R /Metadata 9 0 R >>",
                o9=stream(
                    b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><x>&b;</x>',
                    b"/Type /Metadata /Subtype /XML",
                ),
            )
        ),
        WORD,
    ),
    either(
        "text of a page outside it",
        "a.pdf",
        lambda: pdf(pdf_objects(stream(written().replace(b"36 740", b"-9e30 9e30")))),
        WORD,
    ),
    either(
        "a matrix of no number",
        "a.pdf",
        lambda: pdf(pdf_objects(stream(b"0 0 0 0 0 0 cm 1e999 0 0 -1e999 0 0 cm " + written()))),
        WORD,
    ),
    either(
        f"the usual lines, {TITLE.lower()}, in 40,000 pieces",
        "a.pdf",
        lambda: pdf(pdf_objects(deflated(written(BODY * 2000)))),
    ),
)
