"""Word's documents: all that a reader sees of one is read once, and nothing that a reader does not."""

from __future__ import annotations

import io
import zipfile

import docx as python_docx
import pytest

from classifier.articles import Article, Contents
from classifier.errors import UnreadableArticleError
from classifier.formats.kinds import Format
from classifier.formats.office.docx import reading
from classifier.formats.opening import open_as
from classifier.formats.ways import Way
from classifier.reading import Reader
from classifier.rules import Limits, Rules

TITLE = "Порт открыли после ремонта"
BODY = "Суда снова заходят в порт Актау, сообщили в управлении порта."
W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/wordprocessingml/main"
SPACES = (
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:v="urn:schemas-microsoft-com:vml" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
)
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def p(text: str, style: str = "") -> str:
    look = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{look}{r(text)}</w:p>"


def r(text: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r>'


def links(**parts: str) -> str:
    inner = "".join(
        f'<Relationship Id="{kind}" Type="{OFFICE}/{kind.replace("_", "-")}" Target="{part}"/>'
        for kind, part in parts.items()
    )
    return f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{inner}</Relationships>'


def packed(parts: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in parts.items():
            file.writestr(name, text)
    return out.getvalue()


def document(body: str, *, space: str = W, before: str = "", core_title: str = "", **others: str) -> bytes:
    """A package; `others` are the insides of its further parts: styles, footnotes, endnotes."""
    core = f'<a xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{core_title}</dc:title></a>'
    main = f'<w:document xmlns:w="{space}" {SPACES}><w:body>{body}</w:body></w:document>'
    parts = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": links(officeDocument="word/document.xml", core_properties="docProps/core.xml"),
        "docProps/core.xml": core,
        "word/document.xml": before + main,
        "word/_rels/document.xml.rels": links(**{each: f"{each}.xml" for each in others}),
    }
    for each, inside in others.items():
        parts[f"word/{each}.xml"] = f'<w:{each} xmlns:w="{space}" {SPACES}>{inside}</w:{each}>'
    return packed(parts)


def nothing_inside(data: bytes, name: str, way: Way) -> Contents:
    raise AssertionError


def read(data: bytes, **limits: int) -> Article:
    (article,) = reading.read(data, "a.docx", Way(Rules(limits=Limits(**limits)), nothing_inside)).articles
    return article


def lines(body: str, **others: str) -> list[str]:
    return read(document(body, **others)).text.split("\n")


def reason(data: bytes) -> str:
    with pytest.raises(UnreadableArticleError) as refusal:
        read(data)
    return refusal.value.reason


# What is read


def test_a_document_of_python_docx_is_read_in_the_jail(reader: Reader) -> None:
    made = python_docx.Document()
    made.add_heading(TITLE, level=0)
    made.add_paragraph("05.03.2026")
    made.add_paragraph(BODY)
    made.add_paragraph("Первый рейс – в среду.", style="List Bullet")
    made.add_table(rows=1, cols=2).rows[0].cells[1].text = "Ячейка"
    out = io.BytesIO()
    made.save(out)

    (article,) = reader.read(out.getvalue(), "порт.docx").articles

    assert (article.title, article.date, article.author) == (TITLE, "2026-03-05", None)
    assert article.text.split("\n") == [TITLE, "05.03.2026", BODY, "Первый рейс – в среду.", "Ячейка"]
    assert article.language == "ru"


BOX = f"<w:txbxContent>{p('In the box')}</w:txbxContent>"


@pytest.mark.parametrize(
    "inside",
    [
        p("Inside"),
        f"<w:sdt><w:sdtPr><w:alias w:val='x'/></w:sdtPr><w:sdtContent>{p('Inside')}</w:sdtContent></w:sdt>",
        f"<w:p><w:sdt><w:sdtContent>{r('In')}</w:sdtContent></w:sdt>{r('side')}</w:p>",
        f"<w:tbl><w:tr><w:tc>{p('Inside')}</w:tc></w:tr></w:tbl>",
        f"<w:tbl><w:tr><w:tc><w:tbl><w:tr><w:tc>{p('Inside')}</w:tc></w:tr></w:tbl></w:tc></w:tr></w:tbl>",
        f"<w:p><w:ins w:id='1'>{r('Inside')}</w:ins></w:p>",
        f"<w:p><w:moveTo w:id='1'>{r('Inside')}</w:moveTo></w:p>",
        f"<w:p><w:hyperlink r:id='x'>{r('In')}</w:hyperlink>{r('side')}</w:p>",
        f"<w:p><w:smartTag>{r('Inside')}</w:smartTag></w:p>",
        f"<w:p><w:fldSimple w:instr='DATE'>{r('Inside')}</w:fldSimple></w:p>",
        "<w:p><m:oMath><m:r><m:t>Inside</m:t></m:r></m:oMath></w:p>",
    ],
)
def test_text_is_read_once_wherever_it_is(inside: str) -> None:
    assert lines(p("Before") + inside + p("After")) == ["Before", "Inside", "After"]


@pytest.mark.parametrize(
    "box",
    [
        f"<w:pict><v:shape><v:textbox>{BOX}</v:textbox></v:shape></w:pict>",
        "<mc:AlternateContent>"
        f"<mc:Choice Requires='wps'><w:drawing><wps:txbx>{BOX}</wps:txbx></w:drawing></mc:Choice>"
        f"<mc:Fallback><w:pict><v:textbox>{BOX}</v:textbox></w:pict></mc:Fallback></mc:AlternateContent>",
    ],
)
def test_a_text_box_is_read_once_after_the_paragraph_that_it_hangs_on(box: str) -> None:
    body = f"{p('Before')}<w:p>{r('An')}<w:r>{box}</w:r>{r('chor')}</w:p>{p('After')}"

    assert lines(body) == ["Before", "Anchor", "In the box", "After"]


def test_a_note_follows_the_paragraph_that_refers_to_it() -> None:
    body = f"<w:p>{r('Claim')}<w:r><w:footnoteReference w:id='2'/></w:r>{r(' made.')}</w:p>{p('After')}"
    notes = f"<w:footnote w:id='0' w:type='separator'>{p('---')}</w:footnote>"
    notes += f"<w:footnote w:id='2'>{p('Source.')}</w:footnote>"
    ending = "<w:p><w:r><w:endnoteReference w:id='2'/></w:r></w:p>"

    found = lines(
        body + ending, footnotes=notes, endnotes=f"<w:endnote w:id='2'>{p('At the end.')}</w:endnote>"
    )

    assert found == ["Claim made.", "Source.", "After", "At the end."]


def test_footnotes_that_cannot_be_read_are_a_caveat() -> None:
    article = read(document(p(BODY), footnotes="<w:footnote>"))

    assert article.text == BODY
    assert article.caveats == ("left out: its footnotes, which cannot be read",)


def test_tabs_breaks_and_hyphens() -> None:
    run = (
        "<w:r><w:t>one</w:t><w:tab/><w:t>two</w:t><w:br/><w:t>three</w:t><w:noBreakHyphen/><w:t>four</w:t>"
        "<w:softHyphen/><w:t>ty</w:t><w:br/><w:br/><w:t>five</w:t></w:r>"
    )

    assert lines(f"<w:p><w:pPr><w:tabs><w:tab w:pos='9'/></w:tabs></w:pPr>{run}</w:p>") == [
        "one two three-fourty",
        "five",
    ]


@pytest.mark.parametrize(
    "inside",
    [
        "<w:del w:id='1'><w:r><w:delText>Gone</w:delText></w:r></w:del>",
        f"<w:del w:id='1'>{r('Gone')}</w:del>",
        f"<w:moveFrom w:id='1'>{r('Gone')}</w:moveFrom>",
        "<w:r><w:instrText>HYPERLINK</w:instrText></w:r>",
        "<w:r><w:fldChar w:fldCharType='begin'/></w:r><w:r><w:instrText>IF</w:instrText></w:r>"
        "<w:r><w:fldChar w:fldCharType='begin'/></w:r><w:r><w:fldChar w:fldCharType='separate'/></w:r>"
        f"{r('Code')}<w:r><w:fldChar w:fldCharType='end'/></w:r>{r('Code')}"
        "<w:r><w:fldChar w:fldCharType='end'/></w:r>",
        "<w:r><w:rPr><w:vanish/></w:rPr><w:t>Hidden</w:t></w:r>",
        "<w:r><w:commentReference w:id='1'/></w:r>",
    ],
)
def test_what_a_reader_does_not_see_is_not_read(inside: str) -> None:
    assert lines(f"<w:p>{r('One ')}{inside}{r('two')}</w:p>", comments=p("A caveat")) == ["One two"]


def test_what_a_field_makes_is_read() -> None:
    body = (
        "<w:p><w:r><w:fldChar w:fldCharType='begin'/></w:r><w:r><w:fldChar w:fldCharType='separate'/></w:r>"
        f"{r('Shown')}<w:r><w:fldChar w:fldCharType='end'/></w:r></w:p>"
        "<w:p><w:r><w:rPr><w:vanish w:val='0'/></w:rPr><w:t>Shown too</w:t></w:r></w:p>"
    )

    assert lines(body) == ["Shown", "Shown too"]


def test_a_field_that_never_ends_hides_no_more_than_its_paragraph() -> None:
    body = f"<w:p><w:r><w:fldChar w:fldCharType='begin'/></w:r>{r('Code')}</w:p>{p('After')}"

    assert lines(body) == ["After"]


# Titles


LOCAL = (
    '<w:style w:styleId="a3"><w:name w:val="Title"/></w:style>'
    '<w:style w:styleId="a4"><w:name w:val="Наш"/><w:basedOn w:val="a3"/></w:style>'
    '<w:style w:styleId="1"><w:name w:val="heading 1"/></w:style>'
)


@pytest.mark.parametrize("style", ["a3", "a4", "1"])
def test_the_title_is_what_has_a_titles_style_whatever_its_key(style: str) -> None:
    article = read(document(p("Пресс-релиз") + p(f"{TITLE}.", style) + p(BODY), styles=LOCAL))

    assert article.title == f"{TITLE}."
    assert article.text.split("\n") == [f"{TITLE}.", "Пресс-релиз", BODY]


def test_a_title_of_two_paragraphs_is_one() -> None:
    article = read(document(p("Порт открыли", "Title") + p("после ремонта", "Title") + p(BODY)))

    assert article.title == TITLE
    assert article.text == f"{TITLE}\n{BODY}"


def test_a_heading_in_the_middle_is_no_title() -> None:
    article = read(document(p(BODY) + p("О порте", "Heading1") + p(BODY)))

    assert article.title is None
    assert article.text.split("\n") == [BODY, "О порте", BODY]


def test_what_a_file_says_of_itself_is_its_title_only_where_the_text_begins_with_it() -> None:
    text = p("Порт открыли:") + p("после ремонта!") + p(BODY)

    assert read(document(text, core_title=TITLE.upper())).title == "Порт открыли: после ремонта!"
    assert read(document(p(BODY) + p(BODY), core_title="Бланк управления")).title is None
    assert read(document(p(TITLE) + p(BODY), core_title="Бланк управления")).title == TITLE


def test_a_date_above_the_title_is_the_date() -> None:
    article = read(document(p("05.03.2026") + p(TITLE, "Title") + p(BODY)))

    assert (article.date, article.title) == ("2026-03-05", TITLE)


# Packages


def test_a_package_says_where_its_text_is() -> None:
    data = packed(
        {
            "[Content_Types].xml": "<Types/>",
            "_rels/.rels": links(officeDocument="/odd\\main.xml"),
            "ODD/Main.xml": f'<w:document xmlns:w="{W}"><w:body>{p(BODY)}</w:body></w:document>',
            "word/document.xml": f'<w:document xmlns:w="{W}"><w:body>{p("Not this.")}</w:body></w:document>',
        }
    )

    assert read(data).text == BODY


def test_a_package_without_its_links_is_read_where_the_text_usually_is() -> None:
    xml = f'<w:document xmlns:w="{W}"><w:body>{p(TITLE, "Heading1")}{p(BODY)}</w:body></w:document>'

    assert read(packed({"word/document.xml": xml})).title == TITLE


def test_strict_documents_are_read() -> None:
    assert read(document(p(TITLE, "Title") + p(BODY), space=STRICT)).text == f"{TITLE}\n{BODY}"


@pytest.mark.parametrize(("root", "kind"), [("workbook", "a spreadsheet"), ("presentation", "slides")])
def test_what_is_no_text_says_what_it_is(root: str, kind: str) -> None:
    data = packed(
        {"[Content_Types].xml": "", "_rels/.rels": links(officeDocument="x.xml"), "x.xml": f"<{root}/>"}
    )

    assert reason(data) == f"not text but {kind}"


def test_a_document_without_a_text_part_or_without_text() -> None:
    assert "its text is missing" in reason(packed({"[Content_Types].xml": "<Types/>"}))
    assert reason(document(p(" ") + "<w:p/>")) == "no text"


def test_a_part_in_another_format_is_a_caveat() -> None:
    assert read(document(p(BODY) + "<w:altChunk r:id='x'/>")).caveats == (
        "left out: a part of it in another format",
    )


# Hostile files


XXE = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
LAUGHS = "<!DOCTYPE a [<!ENTITY a 'ha'><!ENTITY x '&a;&a;&a;&a;&a;&a;&a;&a;'>]>"


@pytest.mark.parametrize("before", [XXE, LAUGHS, "<!DOCTYPE a SYSTEM 'http://127.0.0.1:9/a.dtd'>"])
def test_a_document_that_declares_entities_is_refused(before: str) -> None:
    assert "entities" in reason(document(p("&x;" if "x" in before else BODY), before=before))


def test_deep_nesting_is_refused() -> None:
    assert reason(document("<w:sdt>" * 5000 + "</w:sdt>" * 5000)) == "nested too deep"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f"<w:p><w:r><w:t xml:space='preserve'>{' ' * 5_000_000}</w:t></w:r></w:p>", "longer than 4,194,304"),
        pytest.param("<w:p/>" * 1_100_000, "more marks than text", marks=pytest.mark.slow),
        ("<!-- -->" * 6_600_000, "more than 50 MiB"),
    ],
)
def test_a_document_that_is_small_only_when_packed_is_too_large(
    reader: Reader, body: str, expected: str
) -> None:
    with pytest.raises(UnreadableArticleError, match=expected):
        reader.jail.read(Format.DOCX, document(body), "a.docx")


def test_fields_without_number_cost_no_more_than_their_own() -> None:
    field = "<w:r><w:fldChar w:fldCharType='begin'/><w:fldChar w:fldCharType='separate'/></w:r>" + r("a ")

    article = read(document(f"<w:p>{field * 20_000}</w:p>"))

    assert len(article.text) == 2 * 20_000 - 1


def test_a_damaged_document_is_refused_in_the_jail(reader: Reader) -> None:
    with pytest.raises(UnreadableArticleError, match="not a sound docx file"):
        reader.read(document("<w:p><w:r>"), "a.docx")


def test_text_longer_than_the_limit_is_refused() -> None:
    with pytest.raises(UnreadableArticleError, match="longer than 100 characters"):
        read(document(p("word " * 30)), characters=100)


def test_the_format_is_found_by_what_is_in_the_file() -> None:
    (article,) = open_as(Format.DOCX, document(p(TITLE, "Title") + p(BODY)), "a.txt", Rules()).articles

    assert article.title == TITLE
