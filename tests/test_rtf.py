"""Rich Text Format: whatever code page it is in, what a reader sees is read, once, and nothing else."""

from __future__ import annotations

import pytest

from classifier.articles import Article, Contents
from classifier.errors import UnreadableArticleError
from classifier.formats.kinds import Format
from classifier.formats.office.rtf import reading
from classifier.formats.ways import Way
from classifier.reading import Reader
from classifier.rules import Limits, Rules

TITLE = "Порт открыли после ремонта"
BODY = "Суда снова заходят в порт Актау, сообщили в управлении порта."
FONTS = rb"{\fonttbl{\f0\fswiss\fcharset0 A;}{\f1\fnil\fcharset204 Arial CYR;}{\f2\fcharset178 T;}}"


def hexed(text: str, encoding: str) -> bytes:
    return b"".join(b"\\'%02x" % byte for byte in text.encode(encoding))


def nothing_inside(data: bytes, name: str, way: Way) -> Contents:
    raise AssertionError


def read(data: bytes, **limits: int) -> Article:
    (article,) = reading.read(data, "a.rtf", Way(Rules(limits=Limits(**limits)), nothing_inside)).articles
    return article


def lines(body: bytes) -> list[str]:
    return read(rb"{\rtf1\ansi\ansicpg1252\deff0" + FONTS + body + b"}").text.split("\n")


def reason(data: bytes) -> str:
    with pytest.raises(UnreadableArticleError) as refusal:
        read(data)
    return refusal.value.reason


def test_a_text_is_read_in_the_jail(reader: Reader) -> None:
    body = rb"\pard " + hexed(TITLE, "cp1251") + rb"\par 05.03.2026\par " + hexed(BODY, "cp1251") + rb"\par"

    (article,) = reader.read(rb"{\rtf1\ansi\ansicpg1251 " + body + b"}", "порт.rtf").articles

    assert (article.title, article.date, article.author) == (TITLE, "2026-03-05", None)
    assert article.text.split("\n") == [TITLE, "05.03.2026", BODY]
    assert article.language == "ru"


# Encodings


@pytest.mark.parametrize(
    ("text", "encoding", "number"),
    [
        ("Порт «Актау» – № 1", "cp1251", b"1251"),
        ("الميناء مفتوح", "cp1256", b"1256"),
        ("The café’s “port” – reopened", "cp1252", b"1252"),
        ("Порт", "cp866", b"866"),
        ("Қазақ тілі", "utf-8", b"65001"),
        ("港口重新开放", "gbk", b"936"),
    ],
)
def test_bytes_are_in_the_code_page_that_the_file_names(text: str, encoding: str, number: bytes) -> None:
    head = rb"{\rtf1\ansi\ansicpg" + number + b" "

    assert read(head + hexed(text, encoding) + b"}").text == text
    if encoding in ("cp1251", "cp1256"):
        assert read(head + text.encode(encoding) + b"}").text == text  # not by the book, and often so


def test_bytes_are_in_the_code_page_of_their_font_where_that_has_one() -> None:
    port, arabic, yes = hexed("Порт", "cp1251"), hexed(" ميناء ", "cp1256"), hexed("да", "cp1251")
    body = rb"\f1 " + port + rb"{\f2 " + arabic + b"}" + yes + rb"\plain " + hexed(" café", "cp1252")

    assert lines(body) == ["Порт ميناء да café"]


def test_a_font_of_the_usual_kind_has_the_files_code_page() -> None:
    data = rb"{\rtf1\ansi\ansicpg1251\deff0" + FONTS + rb"\f0 " + hexed("Порт", "cp1251") + b"}"

    assert read(data).text == "Порт"


@pytest.mark.parametrize(
    "body",
    [
        rb"\u1055?\u1086?\u1088?\u1090?",
        rb"\u1055 ?\u1086 ?\u1088 ?\u1090 ?",
        rb"\u1055\'cf\u1086\'ee\u1088\'f0\u1090\'f2",
        rb"\uc0\u1055\u1086\u1088\u1090",
        rb"\uc2\u1055ab\u1086\'61\'62\u1088\'61b\u1090{ab}\uc1".replace(b"{ab}", b"ab"),
        rb"{\uc0\u1055\u1086}\u1088?\u1090?",
        rb"{\upr{PORT}{\*\ud{\u1055?\u1086?\u1088?\u1090?}}}",
        rb"\u1055?\u1086?\u1088?\u1090\endash ",
    ],
)
def test_characters_by_number_come_without_what_stands_for_them(body: bytes) -> None:
    assert lines(body) == ["Порт"]


def test_what_stands_for_a_character_never_takes_a_paragraphs_end() -> None:
    assert lines(rb"\u1055\par\u1086\par") == ["П", "о"]
    assert lines(rb"\u1055\b word") == ["Пword"]


def test_characters_by_negative_numbers_and_in_halves() -> None:
    assert lines(rb"\u-256?x\u-10179?\u-8704?\u-10179?y\u99999999?") == ["\uff00x😀y"]


# What is read


@pytest.mark.parametrize(
    "inside",
    [
        rb"{\b In}{\i side}",
        rb"{\field{\*\fldinst{HYPERLINK http://example.org/ }}{\fldrslt{\ul Inside}}}",
        rb"{\field{\fldinst PAGE}{\fldrslt Inside}}",
        rb"{\object{\*\objdata 0105}{\result Inside}}",
        rb"{\v hidden}Inside{\v0 }",
        rb"\v hidden\v0 Inside",
        rb"{\deleted gone}Inside",
        rb"{\*\newdestination what}Inside",
        rb"{\pict\wmetafile8 0102030405ff}Inside",
        rb"{\*\shppict{\pict\bin12 {}{}\par{}{}}}{\nonshppict{\pict 00}}Inside",
        rb"{\header Head}{\footerr Foot}{\*\annotation A caveat}Inside",
        rb"{\info{\title Name}{\author Who}{\doccomm What}}Inside",
        rb"{\listtext 1.\tab}Inside",
        rb"{\*\bkmkstart a}In{\*\bkmkend a}side",
        rb"{\stylesheet{\s1 Heading;}{\*\cs2 Other;}}Inside",
        rb"In\-side",
        b"In\r\nside",
    ],
)
def test_text_is_read_once_and_only_what_is_seen(inside: bytes) -> None:
    assert lines(rb"Before\par " + inside + rb"\par After\par") == ["Before", "Inside", "After"]


@pytest.mark.parametrize(
    "aside",
    [
        rb"{\footnote\pard\plain {\super\chftn} Aside\par}",
        rb"{\*\footnote\chftn\pard Aside\par}",
        rb"{\shp{\*\shpinst\shpleft1{\sp{\sn shapeType}{\sv 202}}{\shptxt\pard Aside\par}}"
        rb"{\shprslt{\*\do\dptxbx{\dptxbxtext\pard Aside\par}}}}",
        rb"{\*\do\dobxcolumn\dptxbx{\dptxbxtext\pard Aside\par}}",
    ],
)
def test_notes_and_boxes_follow_the_paragraph_that_they_hang_on(aside: bytes) -> None:
    assert lines(rb"Before\par An" + aside + rb"chor\par After\par") == ["Before", "Anchor", "Aside", "After"]


def test_a_box_in_the_head_of_pages_is_not_read() -> None:
    assert lines(rb"{\header{\shp{\*\shpinst{\shptxt Head}}}}Text") == ["Text"]


def test_cells_breaks_and_signs() -> None:
    table = rb"\trowd\intbl one\cell two\cell\row"
    signs = rb"\pard three\line four\tab five\~six\_seven \ldblquote\{\\\}\rdblquote\emdash\par"

    assert lines(table + signs) == ["one", "two", "three four five six-seven “{\\}”—"]


# Titles


STYLES = rb"{\stylesheet{\s0 Normal;}{\s15\sbasedon0 Title;}{\s1 heading 1;}}"


@pytest.mark.parametrize("style", [rb"\s15", rb"\s1", rb"\outlinelevel0"])
def test_the_title_is_what_has_a_titles_style(style: bytes) -> None:
    body = rb"PRESS\par\pard" + style + rb" Port opens.\par\pard Ships came.\par}"

    article = read(rb"{\rtf1" + STYLES + body)

    assert article.title == "Port opens."
    assert article.text.split("\n") == ["Port opens.", "PRESS", "Ships came."]


def test_what_a_file_says_of_itself_is_its_title_only_where_the_text_begins_with_it() -> None:
    title = rb"{\title {\b " + hexed(TITLE[:4], "cp1251") + b"}" + hexed(TITLE[4:], "cp1251") + b"}"
    head = rb"{\rtf1\ansicpg1251{\info" + title + rb"{\author A}}"

    assert read(head + hexed(f"{TITLE}!", "cp1251") + rb"\par Text.}").title == f"{TITLE}!"
    assert read(head + rb"Text is here.\par And here.}").title is None


# Hostile files


@pytest.mark.parametrize("data", [b"{\\rtf1", b"{\\rtf1 \\par }", b"{\\rtf1 {\\pict 00", b"{\\rtf1}after it"])
def test_a_file_without_text_says_so(data: bytes) -> None:
    assert reason(data) == "no text"


def test_what_stands_before_the_file_begins_is_no_text() -> None:
    assert read(b"\xef\xbb\xbf\r\n{\\rtf1 Ships came}").text == "Ships came"


def test_a_file_that_was_cut_off_is_read_as_far_as_it_goes() -> None:
    assert read(b"{\\rtf1 {\\b Ships came\\par to the po").text == "Ships came\nto the po"


def test_deep_nesting_is_refused() -> None:
    assert reason(b"{\\rtf1 " + b"{" * 100_000) == "nested too deep"


def test_binary_data_is_stepped_over_however_long_it_says_it_is() -> None:
    assert lines(rb"a{\pict\bin6 }}}}}}}b") == ["ab"]
    assert lines(rb"a\bin9999999999 b") == ["a"]
    assert lines(rb"a\bin-5 b") == ["ab"]


PICTURE = b"{\\pict\\pngblip\n" + (b"89504e470d0a1a0a" * 8 + b"\n") * 80_000 + b"}"


@pytest.mark.parametrize(
    ("inside", "length"),
    [
        (PICTURE, 9),
        (b"\\" + b"a" * 1_000_000 + b" ", 999_977),
        (b"\\b" + b"9" * 1_000_000 + b" ", 1_000_000),
        (b"{\\field{\\*\\fldinst{HYPERLINK \"a\" }}}" * 20_000, 9),
        (b"{\\fonttbl" + b"\\f1 \\fcharset2 " * 50_000 + b"}", 9),
        (b"\\'e0" * 1_000_000, 1_000_009),
        (b"\\u1055?" * 200_000, 200_009),
        (b"\\par" * 100_000, 9),
    ],
)  # fmt: skip
def test_time_grows_with_the_file_and_not_with_its_square(inside: bytes, length: int) -> None:
    text = read(b"{\\rtf1 word" + inside + b" word}").text

    assert abs(len(text) - length) < 20


@pytest.mark.slow
@pytest.mark.parametrize("mark", [b"{}", b"\\b", b"\\par", b"\\u1055", b"{\\footnote a}"])
def test_a_file_of_marks_is_refused(reader: Reader, mark: bytes) -> None:
    with pytest.raises(
        UnreadableArticleError, match=r"more marks than text|took longer"
    ):  # on a busy machine
        reader.jail.read(Format.RTF, b"{\\rtf1 x" + mark * 1_600_000 + b"}", "a.rtf")


def test_text_longer_than_the_limit_is_refused() -> None:
    with pytest.raises(UnreadableArticleError, match="longer than 100 characters"):
        read(b"{\\rtf1 " + b"word " * 30 + b"}", characters=100)
