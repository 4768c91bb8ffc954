"""A web page that a browser saved as one file becomes the article of that page."""

from __future__ import annotations

import pytest

from classifier.articles import Article
from classifier.errors import UnreadableArticleError
from classifier.formats.kinds import Format
from classifier.formats.opening import open_as
from classifier.reading import Reader
from classifier.rules import Rules

PARAGRAPH = "The refinery in the west stood still for a week, the ministry said on Saturday evening. "
CHROMIUM = b"""From: <Saved by Blink>
Snapshot-Content-Location: https://news.example/refinery
Subject: Refinery stands still
Date: Sun, 22 Nov 2026 09:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/related;
\ttype="text/html";
\tboundary="----MultipartBoundary--abc----"


------MultipartBoundary--abc----
Content-Type: text/html
Content-ID: <frame-1@mhtml.blink>
Content-Transfer-Encoding: quoted-printable
Content-Location: https://news.example/refinery

<!DOCTYPE html><html lang=3D"en"><head><meta http-equiv=3D"Content-Type" content=
=3D"text/html; charset=3DUTF-8"><title>Refinery stands still</title></head><body>
<article><h1>Refinery stands still</h1><p>PARAGRAPH PARAGRAPH</p><p>Price: 5=C2=
=A0=E2=82=B8, =D0=B4=D0=BE=D1=80=D0=BE=D0=B3=D0=BE. PARAGRAPH</p></article></body></html>
------MultipartBoundary--abc----
Content-Type: image/png
Content-Transfer-Encoding: base64
Content-Location: https://news.example/logo.png

iVBORw0KGgo=
------MultipartBoundary--abc----
Content-Type: text/html
Content-ID: <frame-2@mhtml.blink>
Content-Transfer-Encoding: quoted-printable

<p>An advertisement</p>
------MultipartBoundary--abc------
""".replace(b"PARAGRAPH", PARAGRAPH.strip().encode()).replace(b"\n", b"\r\n")


def read(data: bytes, *, simply: bool = False) -> Article:
    found = open_as(Format.MHTML, data, "a.mhtml", Rules(), simply=simply)
    assert not found.left_out
    [article] = found.articles
    return article


@pytest.mark.parametrize("simply", [False, True])
def test_the_page_is_the_article_and_its_address_is_where_it_was_saved_from(simply: bool) -> None:
    article = read(CHROMIUM, simply=simply)

    assert article.title == "Refinery stands still"
    assert article.url == "https://news.example/refinery"
    assert "дорого. The refinery in the west" in article.text
    assert "advertisement" not in article.text


def test_when_it_was_saved_is_not_when_it_was_written() -> None:
    assert read(CHROMIUM).date is None


def test_the_part_that_is_named_as_the_first_is_the_page() -> None:
    data = CHROMIUM.replace(b'type="text/html";', b'type="text/html"; start="<frame-2@mhtml.blink>";')

    assert read(data).text.endswith("An advertisement")


def test_a_page_in_the_encoding_that_its_part_names_is_read() -> None:
    page = "<html><head><title>Завод стоит</title></head><body><p>Завод стоял неделю.</p></body></html>"
    data = b"MIME-Version: 1.0\nContent-Type: multipart/related; boundary=b\n\n--b\n"
    data += b"Content-Type: text/html; charset=koi8-r\nContent-Location: http://news.example/1\n\n"

    article = read(data + page.encode("koi8-r") + b"\n--b--\n")

    assert (article.title, article.url) == ("Завод стоит", "http://news.example/1")
    assert "Завод стоял неделю." in article.text


def test_an_address_on_a_disk_is_none() -> None:
    assert read(CHROMIUM.replace(b"https://news.example/refinery", b"file:///C:/page.html")).url is None


def test_a_saved_page_with_more_pictures_than_a_mail_may_have_parts_is_read() -> None:
    picture = b"------MultipartBoundary--abc----\r\nContent-Type: image/png\r\n\r\nx\r\n"

    first = CHROMIUM.index(b"------MultipartBoundary")
    data = CHROMIUM[:first] + picture * 1000 + CHROMIUM[first:]

    assert read(data).title == "Refinery stands still"


def test_without_a_page_there_is_no_article() -> None:
    with pytest.raises(UnreadableArticleError) as raised:
        read(CHROMIUM.replace(b"text/html", b"text/css"))

    assert raised.value.reason == "no page in it"


def test_a_saved_page_is_read_in_the_jail() -> None:
    reader = Reader()
    try:
        [article] = reader.read(CHROMIUM, "a.mhtml").articles
    finally:
        reader.close()

    assert article.url == "https://news.example/refinery"
