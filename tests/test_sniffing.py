"""A file is what its bytes are; its name counts only where they could be several things."""

from __future__ import annotations

import codecs
import io
import zipfile

import pytest

from classifier.errors import UnreadableArticleError
from classifier.formats.kinds import Format
from classifier.formats.sniffing import sniff

BODY = b"The refinery in Atyrau resumed processing crude oil on Monday, the ministry said.\n" * 20
MAIL = b"From: desk@example.org\r\nTo: all@example.org\r\nSubject: Refinery\r\n\r\n" + BODY
PAGE = b"<!DOCTYPE html><html><head><title>Refinery</title></head><body><p>" + BODY
PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n"
RECORD = b'{"title": "Refinery", "text": "It resumed."}'


def packed(*names: str, mimetype: str | None = None) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        if mimetype:
            archive.writestr("mimetype", mimetype)
        for name in names:
            archive.writestr(name, "x")
    return file.getvalue()


def old_office(stream: str) -> bytes:
    head = bytearray(512)
    head[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    head[30:32] = (9).to_bytes(2, "little")
    head[48:52] = (1).to_bytes(4, "little")
    return (
        bytes(head)
        + bytes(512)
        + "Root Entry".encode("utf-16-le").ljust(128, b"\0")
        + stream.encode("utf-16-le")
    )


DOCX = packed("[Content_Types].xml", "_rels/.rels", "word/document.xml")
ODT = packed("content.xml", mimetype="application/vnd.oasis.opendocument.text")


@pytest.mark.parametrize(
    ("data", "format"),
    [
        (BODY, Format.TEXT),
        (
            b'<?xml version="1.0"?>\n<office:document xmlns:office="urn:x"'
            b' office:mimetype="application/vnd.oasis.opendocument.text"><office:body/></office:document>',
            Format.ODT,
        ),
        ("Мұнай зауыты жұмысын қайта бастады.\n".encode() * 9, Format.TEXT),
        ("Завод возобновил работу.\n".encode("cp1251") * 9, Format.TEXT),
        ("مصفاة النفط".encode("utf-16"), Format.TEXT),
        (b"", Format.TEXT),
        (b"[Reuters] " + BODY, Format.TEXT),
        (b"[1] A footnote.\n" + BODY, Format.TEXT),
        (b'{"Oil", he said.}\n' + BODY, Format.TEXT),
        (b'{"oil": a word}\n' + BODY, Format.TEXT),
        (b"<Reuters> " + BODY, Format.TEXT),
        (b"#!/bin/sh\necho oil\n", Format.TEXT),
        (b"BMW raised its prices.\n" + BODY, Format.TEXT),
        (b"MZ is the ending of an hour.\n" + BODY, Format.TEXT),
        (b"RIFF is how it began.\n" + BODY, Format.TEXT),
        (b"A PDF begins with %PDF-1.7, said a spokesman.\n" + BODY, Format.TEXT),
        (b"From: Our correspondent\nTo: all\n" + BODY, Format.TEXT),
        (b"From Monday on: oil.\nSubject: prices.\n" + BODY, Format.TEXT),
        (b"Date: 5 March\n" + BODY, Format.TEXT),
        (PAGE, Format.HTML),
        (b"\n\n  " + PAGE, Format.HTML),
        (b" " * 5000 + PAGE, Format.HTML),
        (codecs.BOM_UTF8 + PAGE, Format.HTML),
        (PAGE.decode().encode("utf-16"), Format.HTML),
        (PAGE.decode().encode("utf-16-be"), Format.HTML),
        (b"<div class='a'>" + BODY, Format.HTML),
        (b"<p>" + BODY, Format.HTML),
        (b"<!-- saved -->\n<!-- twice --><h1>" + BODY, Format.HTML),
        (b"<!--" + b"x" * 20_000 + b"--><html>" + BODY, Format.HTML),
        (b"<!--" + BODY * 5, Format.HTML),
        (b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "-//W3C" "x">\n<html>', Format.HTML),
        (b'<?xml version="1.0"?><nitf><body>' + BODY, Format.HTML),
        (b'<NewsML Version="1.2"><p>' + BODY, Format.HTML),
        (b'<?xml version="1.0"?><rss version="2.0"><channel>', Format.FEED),
        (b'<rss version="2.0"><channel>', Format.FEED),
        (b'<?xml version="1.0"?><?xml-stylesheet href="a>b"?><!-- c --><rss version="2">', Format.FEED),
        (b'<feed xmlns="http://www.w3.org/2005/Atom">', Format.FEED),
        (b'<a:feed xmlns:a="http://www.w3.org/2005/Atom">', Format.FEED),
        (b'<!DOCTYPE rss [<!ENTITY a "x>y">]>\n<rss version="2.0">', Format.FEED),
        (b'<!DOCTYPE rss SYSTEM "http://x.example/rss.dtd"><rss>', Format.FEED),
        (b'<rdf:RDF xmlns:rdf="r" xmlns="http://purl.org/rss/1.0/">', Format.FEED),
        ('<?xml version="1.0" encoding="UTF-16"?><rss version="2.0">'.encode("utf-16"), Format.FEED),
        (RECORD, Format.JSON),
        (b"[" + RECORD + b"]\n", Format.JSON),
        (b'{\n  "title": "Refinery"\n}\n', Format.JSON),
        (RECORD.decode().encode("utf-16"), Format.JSON),
        (codecs.BOM_UTF8 + RECORD, Format.JSON),
        (RECORD + b"\n" + RECORD + b"\n", Format.JSONL),
        (RECORD + b"\r\n" + RECORD, Format.JSONL),
        (b"{\\rtf1\\ansi Oil}", Format.RTF),
        (b"\r\n{\\rtf1\\ansi Oil}", Format.RTF),
        (MAIL, Format.MAIL),
        (b"\r\n" + MAIL, Format.MAIL),
        (b"X-A: 1\n folded\n" + MAIL, Format.MAIL),
        (b"Received: " + b"x" * 9000 + b"\n" + MAIL, Format.TEXT),
        (b"From desk Thu Mar  5 15:20:00 2026\n" + MAIL, Format.MBOX),
        (
            b"From: <Saved by Blink>\r\nSnapshot-Content-Location: https://a.example/\r\nSubject: Oil\r\n"
            b"MIME-Version: 1.0\r\nContent-Type: multipart/related;\r\n\tboundary=x\r\n\r\n",
            Format.MHTML,
        ),
        (
            b'MIME-Version: 1.0\nContent-Type: multipart/related; boundary="x"\n\n--x\n'
            b"Content-Location: file:///C:/a.htm\nContent-Type: text/html\n\n<html>",
            Format.MHTML,
        ),
        (b"MIME-Version: 1.0\nContent-Type: multipart/related; boundary=x\n" + MAIL, Format.MAIL),
        (PDF, Format.PDF),
        (b"\r\nHTTP/1.1 200 OK\r\nServer: x\r\n\r\n" + PDF, Format.PDF),
        (b"\xef\xbb\xbf" + PDF, Format.PDF),
        (b"<br/>Warning: x\n" + PDF, Format.PDF),
        (DOCX, Format.DOCX),
        (packed("[Content_Types].xml", "word/document2.xml"), Format.DOCX),
        (ODT, Format.ODT),
        (packed("content.xml", "META-INF/manifest.xml"), Format.ODT),
        (packed("word/document.xml", "a.txt"), Format.ZIP),
        (packed("a.txt", "b.html"), Format.ZIP),
        (packed(), Format.ZIP),
        (DOCX + b"\0" * 100, Format.DOCX),
        (DOCX[: len(DOCX) // 2], Format.ZIP),
    ],
)
@pytest.mark.parametrize("name", ["a.txt", "a", "a.pdf", "a.html.txt", "\0\n/..", "x" * 65_536, "a."])
def test_what_the_bytes_are_counts(data: bytes, format: Format, name: str) -> None:
    assert sniff(data, name) is format


@pytest.mark.parametrize(
    ("data", "name", "format"),
    [
        (b"# Refinery\n" + BODY, "a.md", Format.MARKDOWN),
        (b"# Refinery\n" + BODY, "a.MARKDOWN", Format.MARKDOWN),
        (b"# Refinery\n" + BODY, "md", Format.MARKDOWN),
        (b"[a](b)\n" + BODY, "a.md", Format.MARKDOWN),
        (b"Skip to content <p>" + BODY, "a.html", Format.HTML),
        (b"Skip to content <p>" + BODY, "a.html. ", Format.HTML),
        (b"<x-story>" + BODY, "a.htm", Format.HTML),
        (b'["a"]', "a.json", Format.JSON),
        (b'{"a"', "a.json", Format.JSON),
        (RECORD, "a.jsonl", Format.JSONL),
        (b"[\n" + RECORD + b"]", "a.jsonl", Format.JSON),
        (RECORD + b"\n" + RECORD, "a.json", Format.JSONL),
        (DOCX[: len(DOCX) // 2], "a.docx", Format.DOCX),
        (ODT[:-30], "a.odt", Format.ODT),
        (BODY, "a.json", Format.TEXT),
        (BODY, "a.pdf", Format.TEXT),
        (BODY, "a.docx", Format.TEXT),
        (BODY, "a.md" + "x" * 65_536, Format.TEXT),
    ],
)
def test_where_they_leave_it_open_the_name_counts(data: bytes, name: str, format: Format) -> None:
    assert sniff(data, name) is format


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"\x89PNG\r\n\x1a\n", "a picture"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "a picture"),
        (b"GIF89a=1;alert(1)", "a picture"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "a picture"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "a picture"),
        (b"II*\0", "a picture"),
        (b"BM\x46\0\0\0\0\0\0\0\x36\0", "a picture"),
        (b"8BPS\0\1", "a picture"),
        (b"\0\0\1\0\1\0", "a picture"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg">', "a picture"),
        (b'<!-- a --><svg width="1">', "a picture"),
        (b"\x7fELF\2", "a program"),
        (b"MZ\x90\0\3\0" + packed("a.txt"), "a program"),
        (b"\xcf\xfa\xed\xfe", "a program"),
        (packed("META-INF/MANIFEST.MF", "A.class"), "a program"),
        (b"\x1f\x8b\x08", "a gzip archive"),
        (b"BZh91AY&SY", "a bzip2 archive"),
        (b"\xfd7zXZ\0", "an xz archive"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (b"Rar!\x1a\x07\0", "a rar archive"),
        (b"a.txt".ljust(257, b"\0") + b"ustar\x0000", "a tar archive"),
        (old_office("WordDocument"), "an old Word document"),
        (old_office("Workbook"), "an old Excel table"),
        (old_office("__properties_version1.0"), "an Outlook message"),
        (old_office("EncryptedPackage"), "an encrypted office document"),
        (old_office("x")[:60], "an old office document"),
        (packed("[Content_Types].xml", "xl/workbook.xml"), "an Excel table"),
        (packed("[Content_Types].xml", "ppt/presentation.xml"), "PowerPoint slides"),
        (packed(mimetype="application/epub+zip"), "an e-book"),
        (packed(mimetype="application/vnd.oasis.opendocument.spreadsheet"), "a table"),
        (packed(mimetype="application/vnd.oasis.opendocument.presentation"), "slides"),
        (b"SQLite format 3\0", "a database"),
        (b"ID3\x04\0", "a sound"),
        (b"\0\0\0\x20ftypisom\0\0", "a film"),
        (b"\0\1\0\0\0\x0f", "a font"),
        (b"wOF2\0\1\0\0", "a font"),
        (b"%!PS-Adobe-3.0\n", "PostScript"),
        (b"[InternetShortcut]\r\nURL=https://a.example/\r\n", "a shortcut"),
        (b'<?xml version="1.0"?><!DOCTYPE plist PUBLIC "a" "b"><plist version="1.0">', "a shortcut"),
    ],
)
@pytest.mark.parametrize("name", ["a.txt", "a.docx", "a.html", ""])
def test_what_is_surely_no_article_is_refused_with_its_word(data: bytes, word: str, name: str) -> None:
    with pytest.raises(UnreadableArticleError) as refused:
        sniff(data, name)

    assert refused.value.reason.startswith(f"not text but {word}")


@pytest.mark.parametrize(
    ("data", "format"),
    [
        (PDF + packed("a.txt"), Format.PDF),
        (packed("a.txt") + PDF, Format.ZIP),
        (PDF + PAGE, Format.PDF),
        (PAGE[:200] + PDF, Format.PDF),
        (PAGE + PDF, Format.HTML),
        (MAIL[:200] + PDF, Format.MAIL),
        (PAGE + packed("a.txt"), Format.HTML),
        (MAIL + PAGE, Format.MAIL),
        (b"{\\rtf1 " + PAGE, Format.RTF),
    ],
)
def test_of_a_file_that_is_two_things_one_counts(data: bytes, format: Format) -> None:
    assert (
        len({sniff(data, f"a.{ending}") for ending in ("pdf", "html", "zip", "eml", "txt")} | {format}) == 1
    )


@pytest.mark.parametrize(
    "start",
    [
        b"<!--",
        b"<!---->",
        b"<?x>",
        b"<!DOCTYPE a [",
        b"<!DOCTYPE a>",
        b"<",
        b" ",
        b"\n",
        b"\0",
        b"a:\n",
        b"{",
        b'[{"',
        b"PK\x03\x04",
    ],
)
def test_hostile_starts_are_looked_at_once(start: bytes) -> None:
    sniff(start * (8 * 2**20 // len(start)), "a.txt")  # the time limit of tests is what would say so
