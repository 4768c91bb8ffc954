"""OpenDocument texts: all that a reader sees of one is read once, and nothing that a reader does not."""

from __future__ import annotations

import io
import zipfile

import pytest

from classifier.articles import Article, Contents
from classifier.errors import UnreadableArticleError
from classifier.formats.kinds import Format
from classifier.formats.office import odt
from classifier.formats.ways import Way
from classifier.reading import Reader
from classifier.rules import Limits, Rules

TITLE = "Порт ашылды"
BODY = "Кемелер Ақтау портына қайта кіре бастады, деп хабарлады порт басқармасы."
KIND = "application/vnd.oasis.opendocument.text"
SPACES = " ".join(
    f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{long}:1.0"'
    for short, long in {
        "office": "office",
        "text": "text",
        "style": "style",
        "table": "table",
        "draw": "drawing",
        "svg": "svg-compatible",
    }.items()
)


def p(inside: str, style: str = "Standard") -> str:
    return f'<text:p text:style-name="{style}">{inside}</text:p>'


def content(body: str, *, root: str = "document-content", styles: str = "") -> str:
    return (
        f"<office:{root} {SPACES}><office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:text>{body}</office:text></office:body></office:{root}>"
    )


def packed(parts: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in parts.items():
            file.writestr(name, text, zipfile.ZIP_STORED if name == "mimetype" else None)
    return out.getvalue()


def document(body: str, *, kind: str = KIND, styles: str = "", manifest: str = "", title: str = "") -> bytes:
    meta = f'<a xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{title}</dc:title></a>'
    return packed(
        {
            "mimetype": kind,
            "content.xml": content(body, styles=styles),
            "meta.xml": meta,
            "META-INF/manifest.xml": f"<manifest>{manifest}</manifest>",
        }
    )


def nothing_inside(data: bytes, name: str, way: Way) -> Contents:
    raise AssertionError


def read(data: bytes, **limits: int) -> Article:
    (article,) = odt.read(data, "a.odt", Way(Rules(limits=Limits(**limits)), nothing_inside)).articles
    return article


def lines(body: str) -> list[str]:
    return read(document(body)).text.split("\n")


def reason(data: bytes) -> str:
    with pytest.raises(UnreadableArticleError) as refusal:
        read(data)
    return refusal.value.reason


def test_a_document_is_read_in_the_jail(reader: Reader) -> None:
    heading = f'<text:h text:outline-level="1">{TITLE}</text:h>'

    (article,) = reader.read(document(heading + p("2026-03-05") + p(BODY)), "порт.odt").articles

    assert (article.title, article.date, article.author) == (TITLE, "2026-03-05", None)
    assert article.text.split("\n") == [TITLE, "2026-03-05", BODY]
    assert article.language == "kk"


@pytest.mark.parametrize(
    "inside",
    [
        p("In<text:span>si<text:span>de</text:span></text:span>"),
        p("<text:a>Inside</text:a>"),
        p("In<text:bookmark/>si<text:soft-page-break/>de"),
        '<text:h text:outline-level="2">Inside</text:h>',
        f"<text:list><text:list-item>{p('Inside')}</text:list-item></text:list>",
        f"<text:section>{p('Inside')}</text:section>",
        f"<table:table><table:table-row><table:table-cell>{p('Inside')}</table:table-cell>"
        f"<table:covered-table-cell>{p('Covered')}</table:covered-table-cell></table:table-row></table:table>",
        f"<draw:frame><svg:title>Name</svg:title><draw:text-box>{p('Inside')}</draw:text-box></draw:frame>",
        f"<text:tracked-changes><text:changed-region><text:deletion>{p('Gone')}</text:deletion>"
        f"</text:changed-region></text:tracked-changes>{p('Inside<text:change/>')}",
        p(f"In<office:annotation>{p('A caveat')}</office:annotation>side"),
        p('Inside<draw:frame><draw:image><office:binary-data>AAAA</office:binary-data></draw:image>'
          "<svg:desc>What it shows</svg:desc></draw:frame>"),
        "<text:sequence-decls/>" + p("Inside"),
    ],
)  # fmt: skip
def test_text_is_read_once_wherever_it_is(inside: str) -> None:
    assert lines(p("Before") + inside + p("After")) == ["Before", "Inside", "After"]


def test_notes_and_boxes_follow_the_paragraph_that_they_hang_on() -> None:
    note = "<text:note><text:note-citation>1</text:note-citation>"
    note += f"<text:note-body>{p('Source.')}</text:note-body></text:note>"
    box = f"<draw:frame><draw:text-box>{p('In the box')}</draw:text-box></draw:frame>"

    assert lines(p(f"Claim{note} made.") + p(f"An{box}chor")) == [
        "Claim made.",
        "Source.",
        "Anchor",
        "In the box",
    ]


def test_blanks_tabs_and_breaks() -> None:
    body = p('one<text:s text:c="999999999"/>two<text:tab/>three<text:line-break/>four\n   five')

    assert lines(body) == ["one two three four five"]


def test_the_title_may_have_a_style_made_from_the_titles() -> None:
    style = '<style:style style:name="P7" style:parent-style-name="Title"/>'

    article = read(document(p("Пресс-релиз") + p(TITLE, "P7") + p(BODY), styles=style))

    assert (article.title, article.text) == (TITLE, f"{TITLE}\nПресс-релиз\n{BODY}")


def test_what_a_file_says_of_itself_is_its_title_only_where_the_text_begins_with_it() -> None:
    assert read(document(p(f"{TITLE}!") + p(BODY), title=TITLE)).title == f"{TITLE}!"
    assert read(document(p(BODY) + p(BODY), title="Бланк")).title is None


def test_a_flat_document_is_read_too() -> None:
    flat = content(p(TITLE, "Title") + p(BODY), root="document")

    assert read(f'<?xml version="1.0" encoding="UTF-8"?>{flat}'.encode()).text == f"{TITLE}\n{BODY}"


def test_an_encrypted_document_says_so() -> None:
    assert reason(document(p(BODY), manifest="<encryption-data/>")) == "encrypted"


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("spreadsheet", "a spreadsheet"),
        ("presentation-template", "slides"),
        ("something", "another kind of document"),
    ],
)
def test_what_is_no_text_says_what_it_is(kind: str, what: str) -> None:
    assert reason(document("", kind=f"application/vnd.oasis.opendocument.{kind}")) == f"not text but {what}"


def test_a_document_without_a_text_part_or_without_text() -> None:
    assert "its text is missing" in reason(packed({"mimetype": KIND}))
    assert reason(document(p(" "))) == "no text"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>', "entities"),
        ("<!DOCTYPE a [<!ENTITY a 'ha'><!ENTITY x '&a;&a;&a;&a;'>]>", "entities"),
    ],
)
def test_a_document_that_declares_entities_is_refused(before: str, after: str) -> None:
    assert after in reason(packed({"mimetype": KIND, "content.xml": before + content(p("&x;"))}))


def test_deep_nesting_is_refused() -> None:
    assert reason(document("<text:section>" * 999 + "</text:section>" * 999)) == "nested too deep"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (p("x" * 5_000_000), "longer than 4,194,304"),
        pytest.param("<text:p/>" * 1_100_000, "more marks than text", marks=pytest.mark.slow),
        pytest.param(p("<text:s/>" * 1_100_000), "more marks than text", marks=pytest.mark.slow),
        (p(" " * 52_500_000), "more than 50 MiB"),
    ],
)
def test_a_document_that_is_small_only_when_packed_is_too_large(
    reader: Reader, body: str, expected: str
) -> None:
    with pytest.raises(UnreadableArticleError, match=expected):
        reader.jail.read(Format.ODT, document(body), "a.odt")
