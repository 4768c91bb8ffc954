"""Mails and mailboxes: headers that take for ever, parts in parts, boundaries that play games."""

from __future__ import annotations

import base64

from tests.hostile_files.corpus import Build, Case, cut_off, either, read, refused
from tests.hostile_files.documents import laughs
from tests.hostile_files.sound import (
    BODY,
    WORD,
    attached,
    document_xml,
    docx,
    mail,
    mailbox,
    mixed,
    page,
    saved_page,
    simple_pdf,
    text,
    zipped,
)

_MIB = 2**20
_LONG = "headers? (is )?too long|too deep"
_PLAIN = b"Content-Type: text/plain\r\n\r\n"


def _headed(title: str, headers: bytes, *, slow: bool = False) -> Case:
    """A sound mail with more headers: its text must be read, unless one is longer than any mail has."""
    return either(title, "a.eml", lambda: mail(headers=headers), WORD, reason=_LONG, slow=slow)


def _receivers(number: int) -> bytes:
    """As the programs of a press service write them."""
    each = (b'"Desk %d" <desk%d@newspaper.example>' % (n, n) for n in range(number))
    return b"Cc: " + b",\r\n ".join(each) + b"\r\n"


def _typed(title: str, type: bytes, *words: str) -> Case:
    return either(title, "a.eml", lambda: mail(type=type), *words)


def _in_parts(depth: int) -> Build:
    """Parts in parts; the usual text in the innermost."""

    def build() -> bytes:
        opening = b"".join(
            b'--b%d\r\nContent-Type: multipart/mixed; boundary="b%d"\r\n\r\n' % (n, n + 1)
            for n in range(depth)
        )
        return mail(opening + b"--b%d\r\n" % depth + _PLAIN + text(), type=b'multipart/mixed; boundary="b0"')

    return build


def _in_mails(depth: int) -> Build:
    """Mails in mails; the usual text in the innermost."""
    one = b"From: a@b.example\r\nSubject: inside\r\nMIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\n"
    return lambda: one * depth + mail()


def _with_parts(title: str, *parts: bytes, slow: bool = False) -> Case:
    return read(title, "a.eml", lambda: mixed(*parts), WORD, slow=slow)


def _transferred(title: str, encoding: bytes, body: bytes, *words: str, slow: bool = False) -> Case:
    return either(
        title,
        "a.eml",
        lambda: mail(body, headers=b"Content-Transfer-Encoding: " + encoding + b"\r\n"),
        *words,
        slow=slow,
    )


def _with_docx() -> bytes:
    return mixed(attached(docx(), "a.docx"))


def _box(title: str, build: Build, *words: str, slow: bool = False) -> Case:
    return either(f"mbox: {title}", "a.mbox", build, *words, slow=slow)


_BASE64 = base64.encodebytes(text())

CASES = (
    _headed("a header of 48 KiB of semicolons", b"Content-Disposition: " + b";" * 48 * 1024 + b"\r\n"),
    _headed("a header of 1 MiB of semicolons", b"Content-Disposition: attachment" + b";" * _MIB + b"\r\n"),
    either(
        "a kind of 48 KiB of semicolons",
        "a.eml",
        lambda: mail(type=b"text/plain" + b";" * 48 * 1024),
        WORD,
        reason=_LONG,
    ),
    either(
        "a kind of 48 KiB of quotes",
        "a.eml",
        lambda: mail(type=b"text/plain; a=" + b'"' * 48 * 1024),
        WORD,
        reason=_LONG,
    ),
    either(
        "a kind of 48 KiB of backslashes",
        "a.eml",
        lambda: mail(type=b'text/plain; a="' + b"\\" * 48 * 1024 + b'"'),
        WORD,
        reason=_LONG,
    ),
    either(
        "a kind of 100,000 particulars",
        "a.eml",
        lambda: mail(type=b"text/plain; charset=utf-8" + b"; a=b" * 100_000),
        WORD,
        reason=_LONG,
    ),
    either(
        "a kind in 10,000 pieces",
        "a.eml",
        lambda: mail(type=b"text/plain" + b"".join(b";\r\n a*%d*=%%41" % n for n in range(10_000))),
        WORD,
        reason=_LONG,
    ),
    _headed("400 KiB of receivers", b"To: " + b"a@b.example, " * 32_000 + b"\r\n"),
    read("a thousand receivers, folded", "a.eml", lambda: mail(headers=_receivers(1_000)), WORD),
    _headed("48 KiB of opening brackets", b"Cc: " + b"(" * 48 * 1024 + b"\r\n"),
    _headed("400 KiB of angle brackets", b"Cc: " + b"<" * 400 * 1024 + b"\r\n"),
    _headed("400 KiB of quotes in an address", b"Reply-To: " + b'"\\' * 200 * 1024 + b"\r\n"),
    _headed("groups of receivers", b"Cc: " + b"a: b;, " * 50_000 + b"\r\n"),
    _headed("a header of 5 MiB", b"X-A: " + b"x" * 5 * _MIB + b"\r\n"),
    _headed("a header of 300,000 folds", b"X-A: x" + b"\r\n x" * 300_000 + b"\r\n"),
    _headed("100,000 headers", b"X-A: x\r\n" * 100_000),
    _headed("20,000 subjects", b"Subject: x\r\n" * 20_000),
    _headed("10,000 receipts", b"Received: from a by b; Thu, 05 Mar 2026 15:20:00 +0500\r\n" * 10_000),
    _headed("50,000 encoded words", b"Comments: " + b"=?utf-8?q?a?= " * 50_000 + b"\r\n"),
    either(
        "a subject of 50,000 encoded words",
        "a.eml",
        lambda: mail(subject=b"=?utf-8?b?b2ls?= " * 50_000),
        WORD,
        reason=_LONG,
    ),
    either(
        "encoded words that do not end",
        "a.eml",
        lambda: mail(subject=b"=?utf-8?q?" * 50_000),
        WORD,
        reason=_LONG,
    ),
    read(
        "encoded words of no encoding",
        "a.eml",
        lambda: mail(subject=b"=?x-none?q?a?= =?rot13?q?bvy?= =?utf-8?x?a?= =?zlib?b?eA==?="),
        WORD,
    ),
    either(
        "an encoded word of noise",
        "a.eml",
        lambda: mail(subject=b"=?utf-8?b?" + b"/w" * 99_999 + b"?="),
        WORD,
        reason=_LONG,
    ),
    read(
        "a subject of lone surrogates",
        "a.eml",
        lambda: mail(subject=b"=?utf-16?b?2ADYANgA?= \xed\xa0\x80"),
        WORD,
    ),
    either("a subject of 1 MiB", "a.eml", lambda: mail(subject=b"x" * _MIB), WORD, reason=_LONG),
    _headed("a date of 1 MiB of digits", b"Date: " + b"1" * _MIB + b"\r\n"),
    _headed("a date that is none", b"Date: Thu, 99 Foo 99999 99:99:99 +9999999999999999\r\n"),
    _headed("names with zero bytes", b"X\0Y: z\r\nX: \0\r\n"),
    either("no end of its headers", "a.eml", lambda: mail()[:150] + b"X-A: x\r\n" * 9999),
    either("headers and nothing more", "a.eml", lambda: mail(b"")),
    either("a text for headers", "a.eml", lambda: b"Subject: a\nFrom: b\nTo: c\n" + text(), WORD),
    either("3,000 parts in each other", "a.eml", lambda: mixed(_in_parts(3_000)()), WORD, reason=_LONG),
    either("its text in 3,000 parts in each other", "a.eml", _in_parts(3_000)),
    either("its text in 20 parts in each other", "a.eml", _in_parts(20), WORD, reason=_LONG),
    either("200 mails in each other", "a.eml", _in_mails(200)),
    either("20,000 mails in each other", "a.eml", _in_mails(20_000), slow=True),
    read("a mail in a mail", "a.eml", _in_mails(1), WORD),
    either("150 parts", "a.eml", lambda: mixed(*[_PLAIN + b"oil"] * 150), WORD),
    either("10,000 parts", "a.eml", lambda: mixed(*[_PLAIN + b"oil"] * 10_000), WORD),
    either("300,000 parts", "a.eml", lambda: mixed(*[_PLAIN] * 300_000), WORD, slow=True),
    either("an empty boundary", "a.eml", lambda: mixed(boundary=b""), WORD),
    either("a boundary of 70,000 letters", "a.eml", lambda: mixed(boundary=b"b" * 70_000), WORD),
    either("a boundary that is a pattern", "a.eml", lambda: mixed(boundary=b"(a+)+$"), WORD),
    either("a boundary of blanks", "a.eml", lambda: mixed(boundary=b"  "), WORD),
    _typed("parts without a boundary", b"multipart/mixed"),
    _typed("a boundary that never comes", b'multipart/mixed; boundary="zzz"'),
    read("no last boundary", "a.eml", lambda: mixed(end=False), WORD),
    read(
        "a boundary that begins like another",
        "a.eml",
        lambda: mixed(
            b'Content-Type: multipart/mixed; boundary="==b==x"\r\n\r\n--==b==x\r\n'
            + _PLAIN
            + b"x\r\n--==b==x--"
        ),
        WORD,
    ),
    either(
        "the same boundary inside",
        "a.eml",
        lambda: mixed(b'Content-Type: multipart/mixed; boundary="==b=="\r\n\r\n--==b==\r\n' + _PLAIN + b"x"),
        WORD,
    ),
    either("300,000 boundaries", "a.eml", lambda: mixed() + b"--==b==\r\n" * 300_000, WORD, slow=True),
    _typed("a character set that is none", b"text/plain; charset=x-none", WORD),
    _typed("a character set that is a codec", b"text/plain; charset=zlib", WORD),
    _typed("a character set that turns letters", b"text/plain; charset=rot13", WORD),
    _typed("a character set of names", b"text/plain; charset=idna"),
    _typed("a character set of 1 MiB", b"text/plain; charset=" + b"x" * _MIB, WORD),
    _typed("a character set with zero bytes", b'text/plain; charset="\0utf\0"', WORD),
    _typed("UTF-16 that is none", b"text/plain; charset=utf-16"),
    _typed("UTF-7", b"text/plain; charset=utf-7", WORD),
    _typed("a kind without a name", b"/; charset=utf-8"),
    _typed("a kind of its own", b"application/x-none"),
    _transferred("base64 that is none", b"base64", b"!!!!" * 9999),
    _transferred("base64 with one letter too many", b"base64", _BASE64 + b"A"),
    _transferred(
        "base64 with noise between",
        b"base64",
        b"\xff \0".join(bytes([each]) for each in _BASE64.replace(b"\n", b"")),
        WORD,
    ),
    _transferred("base64 without its end", b"base64", _BASE64.rstrip(b"=\n"), "refinery"),
    _transferred("base64 of 20 MiB", b"base64", base64.encodebytes(b"oil " * 5 * _MIB), slow=True),
    _transferred("equals signs", b"quoted-printable", b"=" * _MIB + text(), "refinery"),
    _transferred("300,000 soft line breaks", b"quoted-printable", b"=\r\n" * 300_000 + text(), WORD),
    _transferred("quoted letters that are none", b"quoted-printable", b"=zz=g=" * 9999 + text(), "refinery"),
    _transferred("a transfer that is none", b"x-none", text(), WORD),
    _transferred("uuencode without its end", b"x-uuencode", b"begin 644 a.txt\nM" + b"x" * 9999),
    _with_parts(
        "an attachment of a zip bomb", attached(zipped(("a.txt", bytes(300 * _MIB))), "a.zip"), slow=True
    ),
    _with_parts(
        "an attachment of a smaller zip bomb", attached(zipped(("a.txt", bytes(60 * _MIB))), "a.zip")
    ),
    _with_parts("an attachment of a docx bomb", attached(docx(document_xml(" " * 60 * _MIB)), "a.docx")),
    _with_parts(
        "an attachment that laughs",
        attached(docx(document_xml("<w:p><w:r><w:t>&l9;</w:t></w:r></w:p>", laughs("w:document"))), "a.docx"),
    ),
    _with_parts(
        "an attachment that outlives its time",
        attached(page("<!--" * 300_000), "a.html"),
        attached(simple_pdf(), "b.pdf"),
    ),
    _with_parts("a name that leads out", attached(text(), "../../../etc/passwd")),
    either(
        "a name of 64 kB", "a.eml", lambda: mixed(attached(text(), "a" * 65_536 + ".txt")), WORD, reason=_LONG
    ),
    _with_parts("a name of another kind", attached(simple_pdf(), "a.html"), attached(page(), "a.pdf")),
    _with_parts("a program", attached(b"MZ\x90\0" + bytes(99), "article.pdf")),
    _with_parts("100 attachments", *[attached(page(), f"{n}.html") for n in range(100)]),
    _with_parts(
        "a part of the mail at a host",
        b'Content-Type: message/external-body; access-type=URL; URL="http://127.0.0.1:9/"\r\n\r\n' + _PLAIN,
    ),
    _with_parts(
        "a part in pieces", b"Content-Type: message/partial; id=1; number=1; total=99\r\n\r\n" + mail()
    ),
    _with_parts(
        "a notice of delivery",
        b"Content-Type: message/delivery-status\r\n\r\n" + b"Action: failed\r\n\r\n" * 9999,
    ),
    refused("nothing but a picture", "a.eml", lambda: mail(b"\x89PNG\r\n\x1a\n" * 9, type=b"image/png"), "."),
    read("HTML alone", "a.eml", lambda: mail(page(), type=b"text/html; charset=utf-8"), WORD),
    read(
        "HTML of 500,000 comments",
        "a.eml",
        lambda: mail(page("<!--" * 500_000), type=b"text/html; charset=utf-8"),
        WORD,
    ),
    *(
        either(
            f"cut off at {share:.0%}",
            "a.eml",
            cut_off(_with_docx, share),
        )
        for share in (0.1, 0.3, 0.5, 0.9)
    ),
    _box(
        "100,000 that are empty",
        lambda: mailbox() + b"From a@b.example Thu Mar  5 15:20:00 2026\n\n" * 100_000,
        WORD,
        slow=True,
    ),
    _box("300,000 lines that open one", lambda: mailbox() + b"From \n" * 300_000, slow=True),
    _box("none in it", lambda: b"From a@b.example Thu Mar  5 15:20:00 2026\nFrom: a\nTo: b\nSubject: c\n"),
    _box("150 mails", lambda: mailbox([mail()] * 150), WORD),
    _box("10,000 mails", lambda: mailbox([mail()] * 10_000), WORD, slow=True),
    _box(
        "a bomb in one of two",
        lambda: mailbox([mixed(attached(docx(document_xml(" " * 60 * _MIB)), "a.docx")), mail()]),
        WORD,
    ),
    _box(
        "a mail of semicolons in it",
        lambda: mailbox([mail(type=b"text/plain" + b";" * 48 * 1024), mail()]),
        WORD,
    ),
    _box("a line of 20 MB", lambda: mailbox() + b"x" * 20 * _MIB, WORD, slow=True),
    either("saved page: half of it", "a.mhtml", lambda: saved_page()[:500]),
    either(
        "saved page: no page in it",
        "a.mhtml",
        lambda: saved_page().replace(b"text/html\r\nContent-Transfer", b"image/png\r\nContent-Transfer"),
    ),
    either("saved page: another boundary", "a.mhtml", lambda: saved_page().replace(b"--xx", b"--yy")),
    either(
        "saved page: 10,000 parts",
        "a.mhtml",
        lambda: saved_page() + b"--xx\r\nContent-Type: text/css\r\n\r\na {}\r\n" * 10_000,
        WORD,
    ),
    read(
        "saved page: 300,000 comments",
        "a.mhtml",
        lambda: saved_page().replace(b"</article>", b"</article>" + b"<!--" * 300_000),
        WORD,
    ),
    read("the sound one", "a.eml", mail, *(line.split()[-1].rstrip(".") for line in BODY)),
)
