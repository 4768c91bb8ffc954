"""PDF files become articles: of their text layer, whole or broken, and never at the reader's cost."""

from __future__ import annotations

import base64
import io
import time
import zlib
from collections.abc import Sequence

import pypdf
import pytest

from classifier.articles import Article
from classifier.errors import UnreadableArticleError
from classifier.formats.pdf import bidi
from classifier.formats.pdf.layout import lines_of
from classifier.formats.pdf.shapes import Glyph
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
    out += b"trailer <</Size %d /Root 1 0 R %s>>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        trailer,
        start,
    )
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
        b"BT /F1 %g Tf %g %g Td (%s) Tj ET"
        % (size, x, y, text.replace("(", r"\(").replace(")", r"\)").encode("cp1252"))
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
    assert article.caveats == ()


def test_the_head_foot_and_number_of_each_page_are_left_out(reader: Reader) -> None:
    pages = [
        set_text(head="Press service of the ministry", foot=f"- {number} -", title=f"{TITLE} ({number})")
        for number in (1, 2, 3)
    ]

    text = read(reader, book([stream(page) for page in pages])).text

    assert "Press service" not in text
    assert "- 2 -" not in text
    assert text.count(TITLE) == 3
    assert text.count(" ".join(FIRST)) == 3


def test_a_wider_gap_parts_paragraphs_though_the_line_above_it_is_full(reader: Reader) -> None:
    rows = [(FIRST[1], 700.0), (FIRST[0], 686.0), (FIRST[1], 662.0), (FIRST[0], 648.0)]

    text = read(reader, book([stream(drawn(*[(line, 72.0, y, 12.0) for line, y in rows]))])).text

    assert text == f"{FIRST[1]} {FIRST[0]}\n{FIRST[1]} {FIRST[0]}"


def test_a_paragraph_goes_on_from_one_page_to_the_next(reader: Reader) -> None:
    first = drawn(*[(line, 72.0, 700.0 - 14 * row, 12.0) for row, line in enumerate(FIRST[:2])])
    second = drawn(
        (FIRST[2], 72.0, 760.0, 12.0), (SECOND[0], 72.0, 720.0, 12.0), (SECOND[1], 72.0, 706.0, 12.0)
    )

    article = read(reader, book([stream(first), stream(second)]))

    assert article.text == f"{' '.join(FIRST)}\n{' '.join(SECOND)}"


def test_a_title_in_two_lines_is_one_line(reader: Reader) -> None:
    page = drawn(
        ("Grain exports through the Caspian ports rise for", 72.0, 780.0, 20.0),
        ("the third month in a row", 72.0, 757.0, 20.0),
        *[(line, 72.0, 700.0 - 14 * row, 12.0) for row, line in enumerate(FIRST)],
    )

    assert read(reader, book([stream(page)])).title == f"{TITLE} for the third month in a row"


def test_two_columns_are_read_one_after_the_other(reader: Reader) -> None:
    left = [(line, 40.0, 700.0 - 14 * row, 9.0) for row, line in enumerate(FIRST)]
    right = [(line, 320.0, 700.0 - 14 * row, 9.0) for row, line in enumerate(SECOND)]

    text = read(reader, book([stream(drawn(*left, *right))])).text

    assert text == f"{' '.join(FIRST)}\n{' '.join(SECOND)}"


def test_the_name_a_file_gives_itself_is_its_title_only_where_the_text_begins_with_it(reader: Reader) -> None:
    plain = drawn(
        (TITLE, 72.0, 760.0, 12.0), *[(line, 72.0, 720.0 - 14 * row, 12.0) for row, line in enumerate(FIRST)]
    )

    named = read(reader, book([stream(plain)], info=b"/Title(%s)" % TITLE.encode()))
    draft = read(reader, book([stream(set_text())], info=b"/Title(Microsoft Word - draft 3.doc)"))

    assert named.title == TITLE
    assert draft.title == TITLE
    assert "Microsoft" not in draft.text


def test_a_name_that_is_no_text_is_passed_over(reader: Reader) -> None:
    assert read(reader, book([stream(set_text())], info=b"/Title<feffd800d800>")).text == WHOLE


def test_a_line_that_is_a_date_is_the_date_of_the_article_and_its_making_is_not(reader: Reader) -> None:
    dated = drawn(
        (TITLE, 72.0, 760.0, 20.0), ("14 March 2026", 72.0, 735.0, 12.0), (FIRST[0], 72.0, 700.0, 12.0)
    )
    made_at = b"/CreationDate(D:20200101120000Z)"

    assert read(reader, book([stream(dated)], info=made_at)).date == "2026-03-14"
    assert read(reader, book([stream(set_text())], info=made_at)).date is None


def lzw(data: bytes) -> bytes:
    """Packed by LZW without ever using a word twice, so that codes stay nine bits wide."""
    bits = "".join(
        f"{256:09b}" + "".join(f"{byte:09b}" for byte in data[start : start + 100])
        for start in range(0, len(data), 100)
    )
    bits += f"{257:09b}"
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


PACKED = {
    b"/Filter/LZWDecode": lzw(set_text()),
    b"/Filter/FlateDecode": zlib.compress(set_text()),
    b"/Filter/ASCII85Decode": base64.a85encode(set_text()) + b"~>",
    b"/Filter/ASCIIHexDecode": set_text().hex().encode() + b">",
    b"/Filter[/ASCIIHexDecode/FlateDecode]": zlib.compress(set_text()).hex().encode() + b">",
}


@pytest.mark.parametrize("filters", PACKED)
def test_pages_are_read_however_they_are_packed(reader: Reader, filters: bytes) -> None:
    assert read(reader, book([stream(PACKED[filters], filters)])).text == WHOLE


def test_a_table_of_contents_that_is_packed_is_read(reader: Reader) -> None:
    body = b"%PDF-1.7\n"
    places = []
    objects = [
        b"<</Type/Catalog /Pages 2 0 R>>",
        b"<</Type/Pages /Kids [4 0 R] /Count 1>>",
        HELVETICA,
        b"<</Type/Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R"
        b" /Resources <</Font <</F1 3 0 R>>>>>>",
        stream(set_text()),
    ]
    for number, each in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"\0" * 6 + b"".join(b"\1" + place.to_bytes(4, "big") + b"\0" for place in [*places, len(body)])
    keys = b"/Type/XRef /Size 7 /Root 1 0 R /W [1 4 1] /Filter/FlateDecode"
    tail = b"6 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (
        stream(zlib.compress(table), keys),
        len(body),
    )

    article = read(reader, body + tail)

    assert article.text == WHOLE
    assert article.caveats == ()


def written_anew(data: bytes, *, password: str | None = None) -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(data))
    if password is not None:
        writer.encrypt(password, "owner", algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_a_file_that_only_its_owner_may_change_is_read(reader: Reader) -> None:
    assert read(reader, written_anew(book([stream(set_text())]), password="")).text == WHOLE


def test_a_file_with_a_password_is_refused_as_encrypted(reader: Reader) -> None:
    assert refused(reader, written_anew(book([stream(set_text())]), password="secret")) == "encrypted"


def test_a_scan_has_no_text(reader: Reader) -> None:
    assert refused(reader, book([stream(b"0 0 m 100 100 l S")])) == "no text"


def test_a_scan_with_page_numbers_has_no_text_either(reader: Reader) -> None:
    numbered = [stream(drawn((str(number), 290.0, 30.0, 9.0))) for number in (1, 2, 3)]

    assert refused(reader, book(numbered)) == "no text"


def test_letters_without_a_meaning_are_no_text(reader: Reader) -> None:
    secret = b"begincmap 1 begincodespacerange <00> <ff> endcodespacerange "
    secret += b"2 beginbfrange <20> <60> <0020> <61> <7a> <e061> endbfrange"
    font = b"<</Type/Font /Subtype/Type1 /BaseFont/Helvetica /ToUnicode 5 0 R>>"

    assert refused(reader, book([stream(set_text())], font=font, more=[stream(secret)])) == "no text"


def test_cyrillic_that_its_font_calls_latin_is_mended_and_told(reader: Reader) -> None:
    lines = ("Перевалка зерна через порт", "достигла в феврале 412 тысяч тонн.")
    broken = [line.encode("cp1251").decode("cp1252") for line in lines]

    article = read(
        reader,
        book([stream(drawn(*[(line, 72.0, 700.0 - 14 * row, 12.0) for row, line in enumerate(broken)]))]),
    )

    assert article.text == " ".join(lines)
    assert article.caveats == ("encoding guessed: windows-1251",)


def arabic(visual: str) -> bytes:
    """A PDF in which a line of Arabic is drawn from left to right, as it looks."""
    codes = {sign: number for number, sign in enumerate(dict.fromkeys(visual), 1)}
    table = b"".join(
        b"<%02x> <%s>\n" % (code, sign.encode("utf-16-be").hex().encode()) for sign, code in codes.items()
    )
    unicode = b"begincmap 1 begincodespacerange <00> <ff> endcodespacerange %d beginbfchar\n%sendbfchar" % (
        len(codes),
        table,
    )
    widths = b" ".join([b"500"] * len(codes))
    font = (
        b"<</Type/Font /Subtype/TrueType /BaseFont/Naskh /FirstChar 1 /LastChar %d"
        b" /Widths [%s] /ToUnicode 5 0 R>>" % (len(codes), widths)
    )
    text = bytes(codes[sign] for sign in visual).hex().encode()
    page = b"BT /F1 12 Tf 72 700 Td <%s> Tj ET" % text
    return book([stream(page)], font=font, more=[stream(unicode)])


def test_arabic_is_read_from_the_right_in_its_base_letters_with_numbers_and_names_as_they_are(
    reader: Reader,
) -> None:
    # As it looks: "بلغت 412 طن (KASE) في" from the right, in forms of the letters.
    looks = "ﻲﻓ (KASE) ﻦﻃ 412 ﺖﻐﻠﺑ"

    assert read(reader, arabic(looks)).text == "بلغت 412 طن (KASE) في"


@pytest.mark.parametrize("lost", [150, 400])
def test_of_a_file_that_was_cut_off_the_rest_is_read(reader: Reader, lost: int) -> None:
    other = drawn(("Another page of other words, of which some are lost.", 72.0, 400.0, 12.0))
    whole = book([stream(set_text()), stream(other)])

    article = read(reader, whole[:-lost])

    assert article.text.startswith(WHOLE)
    assert article.caveats == ("the file is broken: read what is left of it",)


def test_a_page_that_cannot_be_read_is_counted_and_the_others_are_read(reader: Reader) -> None:
    data = made(
        [
            b"<</Type/Catalog /Pages 2 0 R>>",
            b"<</Type/Pages /Kids [5 0 R 9 0 R] /Count 2>>",
            HELVETICA,
            b"null",
            b"<</Type/Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 6 0 R"
            b" /Resources <</Font <</F1 3 0 R>>>>>>",
            stream(set_text()),
        ]
    )

    article = read(reader, data)

    assert article.text == WHOLE
    assert article.caveats == ("1 page could not be read",)


def test_a_file_with_too_many_pages_is_too_large() -> None:
    reader = Reader(Rules(limits=Limits(pages=20)))
    try:
        assert refused(reader, book([stream(b"")] * 21)).startswith("too large")
        assert read(reader, book([stream(set_text())] * 2)).text.startswith(TITLE)
    finally:
        reader.close()


SELF_FORM = (
    b"<</Type/XObject /Subtype/Form /BBox [0 0 9 9] /Resources <</XObject <</X 5 0 R>>>> /Length 12>>\n"
    b"stream\n/X Do /X Do \nendstream"
)
HOSTILE = {
    "a bomb": lambda: book([stream(zlib.compress(bytes(200_000_000), 9), b"/Filter/FlateDecode")]),
    "a bomb in a bomb": lambda: book(
        [stream(zlib.compress(zlib.compress(bytes(200_000_000), 9), 9), b"/Filter[/FlateDecode/FlateDecode]")]
    ),
    "pages in a ring": lambda: made(
        [b"<</Type/Catalog /Pages 2 0 R>>", b"<</Type/Pages /Kids [2 0 R 2 0 R] /Count 5>>"]
    ),
    "a drawing of itself": lambda: book(
        [stream(b"/X Do")], more=[SELF_FORM], page=b"/Resources <</XObject <</X 5 0 R>>>>"
    ),
    "a false number of pages": lambda: made(
        [b"<</Type/Catalog /Pages 2 0 R>>", b"<</Type/Pages /Kids [] /Count 2000000000>>"]
    ),
    "no pages": lambda: book([]),
    "deep brackets": lambda: book([stream(b"[" * 1_000_000)]),
    "noise": lambda: b"%PDF-1.7\n" + b"\xff\x00abc" * 1000,
}


SLOW = {"a bomb in a bomb", "a drawing of itself"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in HOSTILE]
)
def test_a_hostile_file_is_refused_and_the_next_is_read(reader: Reader, name: str) -> None:
    reason = refused(reader, HOSTILE[name]())

    assert "poison" not in reason
    assert "took longer" not in reason
    assert read(reader, book([stream(set_text())])).text == WHOLE


def test_a_hundred_thousand_objects_cost_nothing(reader: Reader) -> None:
    assert read(reader, book([stream(set_text())], more=[b"<</A 1>>"] * 100_000)).text == WHOLE


@pytest.mark.parametrize(
    ("looks", "reads"),
    [
        ("تغلب", "بلغت"),
        ("نط 412 تغلب", "بلغت 412 طن"),
        ("لاير 18.5%", "18.5% ريال"),
        ("2026/03/14 خيراتب", "بتاريخ 2026/03/14"),
        ("نإ Caspian Research ةكرش تلاق", "قالت شركة Caspian Research إن"),
        (".)لقأ( ةبرع 870", "870 عربة (أقل)."),
        ("»ةيرح« :لاق", "قال: «حرية»"),
        ("«ةيرح» :لاق", "قال: «حرية»"),
    ],
)
def test_a_line_of_arabic_is_turned_round_but_not_what_in_it_is_read_from_the_left(
    looks: str, reads: str
) -> None:
    assert bidi.in_order_of_reading(list(looks), right_to_left=True) == reads


def test_an_arabic_name_in_an_english_line_is_turned_round_by_itself() -> None:
    assert bidi.in_order_of_reading(list("He said حبص to us."), right_to_left=False) == "He said صبح to us."


def glyphs(signs: str, *, left: float = 72.0, base: float = 700.0, blanks: bool = True) -> list[Glyph]:
    """A line of glyphs, each half as wide as it is high."""
    found, blank = [], None
    for number, sign in enumerate(signs):
        x = left + 6 * number
        if sign == " ":
            blank = x + 3 if blanks else None
            continue
        found.append(Glyph(sign, x, x + 6, base, 12.0, x, blank))
        blank = None
    return found


@pytest.mark.parametrize("blanks", [True, False])
def test_words_are_parted_whether_or_not_blanks_are_drawn(blanks: bool) -> None:
    (line,) = lines_of(glyphs("the port of Aktau", blanks=blanks))

    assert line.text == "the port of Aktau"


def test_a_letter_that_is_drawn_last_stands_where_it_belongs() -> None:
    # As office programs draw Kazakh in a font that lacks some of its letters.
    line = glyphs("арқылы жол")
    strange = line.pop(2)

    assert [each.text for each in lines_of([*line, strange])] == ["арқылы жол"]


def test_marks_go_to_their_letter_wherever_they_are_drawn() -> None:
    letters = glyphs("abc")
    mark = Glyph("\u0301", 79.0, 82.0, 705.0, 12.0, 79.0)

    for drawn_as in ([*letters, mark], [mark, *letters], [letters[0], mark, *letters[1:]]):
        assert [each.text for each in lines_of(drawn_as)] == ["ab\u0301c"]


def test_a_letter_and_its_mark_that_share_a_box_part_no_word() -> None:
    # As browsers write them: each has half of the box, and another letter comes between.
    line = glyphs("abcdefgh the rest of it")
    line[2:4] = [
        line[2]._replace(left=84.0, right=87.0),
        line[3],
        Glyph("\u0301", 87.0, 90.0, 700.0, 12.0, line[2].origin),
    ]

    assert [each.text for each in lines_of(line)] == ["abc\u0301defgh the rest of it"]


def test_ten_thousand_lines_at_odd_places_take_no_time() -> None:
    page = [Glyph("a", 7.0 * n % 5000, 7.0 * n % 5000 + 5, 100.0 * (n % 2), 9.0, 0.0) for n in range(10_000)]
    start = time.monotonic()

    assert sum(len(line.text) for line in lines_of(page)) >= 10_000
    assert time.monotonic() - start < 20
