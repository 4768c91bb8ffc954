"""PDF files become articles: of their text layer, whole or broken, and never at the reader's cost."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator, Sequence

import pypdf
import pytest

from classifier.articles import Article
from classifier.errors import UnreadableArticleError
from classifier.reading import Reader
from classifier.rules import Limits, Rules

TITLE = "Grain exports through the Caspian ports rise"
FIRST = (
    "Shipments through the port of Aktau reached 412,000 tonnes",
    "in February, the ministry of agriculture said on Friday, a fifth",
    "more than a year earlier.",
)
SECOND = (
    "Traders point to a shortage of covered wagons and expect the",
    "difference to be carried by road.",
)
ARABIC = {1: "س", 2: "لا", 3: "م", 4: "ع", 5: "ل", 6: "ي", 7: "ك", 8: "و", 9: " "}


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    reader = Reader()
    yield reader
    reader.close()


def made(objects: Sequence[bytes], *, trailer: bytes = b"") -> bytes:
    """A PDF of objects numbered from 1, of which the first is the catalogue."""
    out = bytearray(b"%PDF-1.7\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer <</Size %d /Root 1 0 R %s>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, start)
    return bytes(out)


def stream(data: bytes, keys: bytes = b"") -> bytes:
    return b"<</Length %d %s>>\nstream\n%s\nendstream" % (len(data), keys, data)


HELVETICA = b"<</Type/Font /Subtype/Type1 /BaseFont/Helvetica /Encoding/WinAnsiEncoding>>"


def book(
    pages: Sequence[bytes],
    *,
    font: bytes = HELVETICA,
    info: bytes = b"",
    more: Sequence[bytes] = (),
    page: bytes = b"",
) -> bytes:
    """A PDF of pages, each given as the stream that draws it; `more` objects are numbered from 5."""
    first = 5 + len(more)
    kids = b" ".join(b"%d 0 R" % (first + 2 * number) for number in range(len(pages)))
    objects = [
        b"<</Type/Catalog /Pages 2 0 R>>",
        b"<</Type/Pages /Kids [%s] /Count %d>>" % (kids, len(pages)),
        font,
        b"<<%s>>" % info,
        *more,
    ]
    for number, drawn in enumerate(pages):
        objects.append(
            b"<</Type/Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R"
            b" /Resources <</Font <</F1 3 0 R>>>> %s>>" % (first + 2 * number + 1, page)
        )
        objects.append(drawn)
    return made(objects, trailer=b"/Info 4 0 R")


def drawn(*lines: tuple[str, float, float, float]) -> bytes:
    """What draws lines, each at its x and y in its size."""
    return b"\n".join(
        b"BT /F1 %g Tf %g %g Td (%s) Tj ET" % (size, x, y, text.replace("(", r"\(").encode("cp1252"))
        for text, x, y, size in lines
    )


def set_text(*, head: str = "", foot: str = "", title: str = TITLE) -> bytes:
    """A page with a title in a larger font and two paragraphs."""
    lines = [(head, 72, 810, 9), (foot, 290, 30, 9), (title, 72, 760, 20)]
    lines += [(line, 72, 720 - 14 * row, 12) for row, line in enumerate(FIRST)]
    lines += [(line, 72, 660 - 14 * row, 12) for row, line in enumerate(SECOND)]
    return drawn(*[(text, float(x), float(y), float(size)) for text, x, y, size in lines if text])


def read(reader: Reader, data: bytes) -> Article:
    (article,) = reader.read(data, "release.pdf").articles
    return article


def refused(reader: Reader, data: bytes) -> str:
    with pytest.raises(UnreadableArticleError) as failure:
        reader.read(data, "release.pdf")
    return failure.value.reason


WHOLE = f"{TITLE}\n{' '.join(FIRST)}\n{' '.join(SECOND)}"


def test_lines_become_paragraphs_under_a_title_that_is_set_larger(reader: Reader) -> None:
    article = read(reader, book([stream(set_text())]))

    assert article.text == WHOLE
    assert article.title == TITLE
    assert article.language == "en"
    assert article.remarks == ()
