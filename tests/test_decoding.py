"""Which encoding a file is in, and what does not belong in an article."""

from __future__ import annotations

import codecs
import random
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.decoding import clean, decode
from classifier.errors import UnreadableArticleError

ENGLISH = (
    "The “café” at the port\nThe owner’s naïve plan — a terminal for 50 ships — was refused on Monday.\n"
)
RUSSIAN = (
    "Порт Актау принял первый поезд\nПервый контейнерный поезд прибыл в порт Актау во вторник, сообщили"
    " в министерстве транспорта. Объём перевозок вырос на пятую часть за год.\n"
)
ARABIC = (
    "مصفاة النفط تستأنف العمل\nاستأنفت مصفاة النفط تكرير الخام بعد شهر من الصيانة، وقالت وزارة الطاقة"
    " إن إنتاج البنزين سيعود إلى مستواه خلال أيام.\n"
)
KAZAKH = "Мұнай өңдеу зауыты іске қосылды\nАтыраудағы зауыт жұмысын қайта бастады, деді министр.\n"

TEXTS = {"en": ENGLISH, "ru": RUSSIAN, "ar": ARABIC, "kk": KAZAKH}


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (b"", "utf-16-le"),
        (b"", "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_unicode_is_read_with_and_without_a_mark(language: str, mark: bytes, encoding: str) -> None:
    text = TEXTS[language]

    assert decode(mark + text.encode(encoding)) == text


@pytest.mark.parametrize(
    ("language", "encoding"),
    [("ru", "cp1251"), ("ru", "koi8_r"), ("ar", "cp1256"), ("ar", "iso8859_6"), ("en", "cp1252")],
)
def test_the_code_pages_of_newsrooms_are_told_apart(language: str, encoding: str) -> None:
    text = TEXTS[language]

    assert decode(text.encode(encoding)) == text
    assert decode((text * 200).encode(encoding)) == text * 200


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "a PDF"),
        (b"PK\x03\x04\x14\x00", "a zip archive or an office document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old office document"),
        (b"\x89PNG\r\n\x1a\n", "a picture"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "a picture"),
        (b"GIF89a", "a picture"),
        (b"\x7fELF\x02\x01", "a program"),
        (b"MZ\x90\x00", "a program"),
        (b"\x1f\x8b\x08\x00", "a gzip archive"),
    ],
)
def test_a_file_of_another_kind_is_refused_by_its_name(data: bytes, kind: str) -> None:
    with pytest.raises(UnreadableArticleError, match=f"not text but {kind}; save it as plain text"):
        decode(data + ENGLISH.encode())


@pytest.mark.parametrize("size", [9, 100, 5_001, 100_000])
def test_noise_is_not_text(size: int) -> None:
    noise = random.Random(size).randbytes(size)

    with pytest.raises(UnreadableArticleError, match="not text"):
        decode(noise)


def test_noise_behind_a_good_beginning_is_not_text() -> None:
    data = (RUSSIAN * 2_000).encode("cp1251") + b"\x98" * 10_000

    with pytest.raises(UnreadableArticleError, match="not text in any encoding we know"):
        decode(data)


@pytest.mark.parametrize("data", [b"\0" * 4096, b"oil\0\0\0" * 50 + b"."])
def test_a_file_full_of_zero_bytes_is_not_text(data: bytes) -> None:
    with pytest.raises(UnreadableArticleError, match="zero bytes"):
        decode(data)


def test_a_stray_zero_byte_costs_nothing_but_itself() -> None:
    assert decode(b"The refinery \0restarted on Monday.") == "The refinery restarted on Monday."


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (codecs.BOM_UTF16_LE + RUSSIAN.encode("utf-16-le")[:-1], "utf-16"),
        (codecs.BOM_UTF8 + RUSSIAN.encode("cp1251"), "utf-8-sig"),
        (codecs.BOM_UTF32_LE + b"abc", "utf-32"),
    ],
)
def test_a_mark_that_does_not_hold_is_named(data: bytes, encoding: str) -> None:
    with pytest.raises(UnreadableArticleError, match=rf"begins like {encoding} and is not: .+ at byte \d+"):
        decode(data)


@pytest.mark.parametrize(
    "data", [b"", b" \r\n\t ", codecs.BOM_UTF8, codecs.BOM_UTF16_LE, "\u200b\u2060".encode()]
)
def test_a_file_without_text_is_empty(data: bytes) -> None:
    with pytest.raises(UnreadableArticleError) as caught:
        decode(data)

    assert caught.value.reason == "empty"
    assert caught.value.mend == "drop it again when there is text in it"


def test_every_refusal_is_one_line() -> None:
    for data in (
        b"",
        b"%PDF",
        b"\0" * 64,
        random.Random(1).randbytes(999),
        codecs.BOM_UTF16_BE + b"\xd8\x00",
    ):
        with pytest.raises(UnreadableArticleError) as caught:
            decode(data)

        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "mark"),
    [
        ("escape", "\x1b"),
        ("bell", "\x07"),
        ("backspace", "\x08"),
        ("delete", "\x7f"),
        ("a C1 control", "\x9b"),
        ("right-to-left override", "\u202e"),
        ("right-to-left mark", "\u200f"),
        ("an isolate", "\u2067"),
        ("the end of an isolate", "\u2069"),
        ("soft hyphen", "\u00ad"),
        ("zero-width space", "\u200b"),
        ("zero-width joiner", "\u200d"),
        ("byte order mark inside", "\ufeff"),
    ],
)
def test_controls_and_marks_that_turn_or_hide_text_are_dropped(name: str, mark: str) -> None:
    assert decode(f"The refin{mark}ery restarted.".encode()) == "The refinery restarted.", name


def test_a_text_cannot_colour_a_terminal() -> None:
    assert "\x1b" not in decode(b"\x1b[31mThe refinery\x1b[0m restarted \x1b]0;title\x07on Monday.")


@pytest.mark.parametrize("line_break", ["\r\n", "\r", "\n", "\u2028", "\u2029", "\x85", "\x0b", "\x0c"])
def test_each_line_break_is_a_plain_one(line_break: str) -> None:
    assert decode(f"Title{line_break}Text.".encode()) == "Title\nText."


def test_tabs_stay() -> None:
    assert clean("Aktau\t3.2 m tonnes") == "Aktau\t3.2 m tonnes"


def test_composed_and_decomposed_letters_come_out_alike() -> None:
    assert decode("Краи\u0306 и е\u0308лка".encode()) == "Край и ёлка"


def test_half_a_surrogate_pair_cannot_break_what_is_printed_later() -> None:
    assert clean("oil \ud800 gas") == "oil \ufffd gas"


@given(st.text(st.characters()))
def test_a_cleaned_text_is_printable_and_stays_as_it_is(text: str) -> None:
    cleaned = clean(text)

    cleaned.encode("utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", cleaned)
    assert unicodedata.is_normalized("NFC", cleaned)
    assert clean(cleaned) == cleaned


@given(st.binary())
def test_any_bytes_become_text_or_one_clear_refusal(data: bytes) -> None:
    try:
        text = decode(data)
    except UnreadableArticleError as error:
        assert error.reason
        assert error.mend
    else:
        assert text.strip()
