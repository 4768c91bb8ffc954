"""A small PDF that has something of all that reading may have to load."""

from __future__ import annotations

import base64
import zlib


def small_file() -> bytes:
    """A small PDF with fonts and packings of many sorts."""
    words = b"BT /A 12 Tf 72 700 Td (word) Tj /B 12 Tf <00410645> Tj ET"
    packed = {
        b"": words,
        b"/Filter/FlateDecode": zlib.compress(words),
        b"/Filter/ASCII85Decode": base64.a85encode(words) + b"~>",
        b"/Filter/ASCIIHexDecode": words.hex().encode() + b">",
        b"/Filter/RunLengthDecode": bytes([len(words) - 1]) + words + b"\x80",
        b"/Filter/LZWDecode": b"\x80\x0b\x60\x50\x22\x0c\x0c\x85\x01",
    }
    to_unicode = (
        b"1 begincodespacerange <0000> <ffff> endcodespacerange 1 beginbfchar <0645> <0645> endbfchar"
    )
    objects = [
        b"<</Type/Catalog /Pages 2 0 R>>",
        b"<</Type/Pages /Count %d /Kids [%s]>>"
        % (len(packed), b" ".join(b"%d 0 R" % (10 + 2 * number) for number in range(len(packed)))),
        b"<</Type/Font /Subtype/Type1 /BaseFont/Helvetica /Encoding/WinAnsiEncoding>>",
        b"<</Type/Font /Subtype/Type0 /BaseFont/Other /Encoding/Identity-H /DescendantFonts [5 0 R]"
        b" /ToUnicode 6 0 R>>",
        b"<</Type/Font /Subtype/CIDFontType2 /BaseFont/Other /CIDSystemInfo <</Registry(Adobe)"
        b" /Ordering(Identity) /Supplement 0>>>>",
        b"<</Length %d>>\nstream\n%s\nendstream" % (len(to_unicode), to_unicode),
        b"<</Title<feff0645>>>",
        b"null",
        b"null",
    ]
    for number, (filters, data) in enumerate(packed.items()):
        objects.append(
            b"<</Type/Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R"
            b" /Resources <</Font <</A 3 0 R /B 4 0 R>>>>>>" % (11 + 2 * number)
        )
        objects.append(b"<</Length %d %s>>\nstream\n%s\nendstream" % (len(data), filters, data))
    whole = b"".join(b"%d 0 obj\n%s\nendobj\n" % each for each in enumerate(objects, 1))
    return b"%%PDF-1.7\n%strailer\n<</Root 1 0 R /Info 7 0 R>>\nstartxref\n0\n%%%%EOF\n" % whole
