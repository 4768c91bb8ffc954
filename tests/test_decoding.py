"""Which encoding a file is in, and what does not belong in an article."""

from __future__ import annotations

import codecs
import random
import re
import subprocess
import sys
import time
import unicodedata
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.decoding import Decoded, clean, decode
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

    assert decode(mark + text.encode(encoding)).text == text


@pytest.mark.parametrize(
    ("language", "encoding"),
    [
        ("ru", "cp1251"),
        ("ru", "koi8_r"),
        ("ru", "cp866"),
        ("ru", "iso8859_5"),
        ("ru", "mac_cyrillic"),
        ("kk", "kz1048"),
        ("ar", "cp1256"),
        ("ar", "iso8859_6"),
        ("en", "cp1252"),
    ],
)
def test_the_code_pages_of_newsrooms_are_told_apart(language: str, encoding: str) -> None:
    text = TEXTS[language]

    decoded = decode(text.encode(encoding))

    assert decoded.text == text
    assert (decoded.encoding, decoded.is_guess) == (encoding, True)
    assert decode((text * 200).encode(encoding)).text == text * 200


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1251", "Нефть дорожает"),
        ("koi8_r", "Нефть дорожает"),
        ("cp866", "Нефть дорожает"),
        ("iso8859_5", "Нефть дорожает"),
        ("mac_cyrillic", "Нефть дорожает третий день"),
        ("cp1251", "НЕФТЬ ДОРОЖАЕТ"),
        ("koi8_r", "НЕФТЬ ДОРОЖАЕТ"),
        ("kz1048", "Мұнай қымбаттады"),
        ("kz1048", "МҰНАЙ ҚЫМБАТТАДЫ"),
        ("cp1256", "ارتفاع أسعار النفط"),
        ("iso8859_6", "ارتفاع أسعار النفط"),
        ("cp1252", "Exports to Türkiye rise"),
        ("cp1252", "Oil costs £5 more"),
        ("cp1252", "Minus 30°C in Astana"),
    ],
)
def test_a_headline_is_enough_to_tell_them_apart(encoding: str, text: str) -> None:
    assert decode(text.encode(encoding)).text == text


@pytest.mark.parametrize(
    "text",
    [
        "Кабінет міністрів України ухвалив рішення про тарифи на електроенергію, їхній розмір ще не відомо.",
        "Урад Беларусі прыняў рашэнне аб павышэнні коштаў на электраэнергію, паведаміў міністр у чацвер.",
        "Влада Србије усвојила је нови закон о енергетици, који ће бити објављен у четвртак, саопштено је.",
        "Правителството прие нов закон за енергетиката, съобщиха в четвъртък от пресслужбата.",
    ],
)
def test_the_neighbours_in_windows_1251_are_not_taken_for_kazakh(text: str) -> None:
    assert decode(text.encode("cp1251")).text == text


def test_a_guess_is_said_under_the_name_that_people_know() -> None:
    assert decode(KAZAKH.encode("kz1048")).caveats == ("encoding guessed: kz1048",)
    assert decode(RUSSIAN.encode("koi8_r")).caveats == ("encoding guessed: koi8-r",)
    assert decode(ARABIC.encode("iso8859_6")).caveats == ("encoding guessed: iso-8859-6",)
    assert decode(ENGLISH.encode("utf-16-le")).caveats == ("encoding guessed: utf-16-le",)
    assert decode(ENGLISH.encode()).caveats == ()


@pytest.mark.parametrize("text", ["Oil", "Нефть", "Мұнай", "نفط", "النفط يرتفع", "А это 5 %"])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_few_words_of_utf16_without_a_mark_are_read(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)).text == text


def test_letters_set_apart_by_blanks_are_not_utf16() -> None:
    assert decode(b"1 2 3 4 5 6 7 8 9 ").text == "1 2 3 4 5 6 7 8 9 "


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [
        ("windows-1251", "cp1251"),
        ("CP-1251", "cp1251"),
        ("KOI8-R", "koi8_r"),
        ('"ibm866"', "cp866"),
        ("x-mac-cyrillic", "mac_cyrillic"),
        ("ISO-8859-5", "iso8859_5"),
    ],
)
def test_a_declared_encoding_that_fits_is_no_guess(declared: str, encoding: str) -> None:
    decoded = decode(RUSSIAN.replace("ё", "е").encode(encoding), declared)

    assert decoded.text == RUSSIAN.replace("ё", "е")
    assert (decoded.encoding, decoded.is_guess, decoded.caveats) == (encoding, False, ())


def test_a_declared_encoding_that_is_never_guessed_is_believed() -> None:
    turkish, polish = "Türkiye'nin dış ticaret açığı büyüdü", "Zażółć gęślą jaźń, powiedział minister"

    assert decode(turkish.encode("cp1254"), "windows-1254").text == turkish
    assert decode(polish.encode("iso8859_2"), "iso-8859-2").text == polish


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        (
            "windows-1253",
            "Η κυβέρνηση ανακοίνωσε την Πέμπτη αύξηση των τιμών του πετρελαίου από τον Αύγουστο.",
        ),
        ("iso-8859-7", "Η ΚΥΒΕΡΝΗΣΗ ΑΝΑΚΟΙΝΩΣΕ ΤΗΝ ΠΕΜΠΤΗ ΑΥΞΗΣΗ ΤΩΝ ΤΙΜΩΝ ΤΟΥ ΠΕΤΡΕΛΑΙΟΥ"),
        ("windows-1255", "הממשלה הודיעה ביום חמישי על העלאת מחירי הנפט החל מחודש אוגוסט הקרוב"),
        ("windows-1250", "Vláda ve čtvrtek oznámila zvýšení cen ropy od srpna, řekl ministr průmyslu."),
        ("koi8-u", "Кабінет міністрів України ухвалив рішення про тарифи на електроенергію, їхній розмір."),
        ("gb18030", "政府周四宣布从八月起提高石油价格部长表示新的计划将在明年公布并提交议会审议"),
        ("shift_jis", "政府は木曜日に石油価格の引き上げを発表した。大臣は来年の計画を示した。"),
    ],
)
def test_languages_that_we_do_not_read_are_left_in_their_code_page(declared: str, text: str) -> None:
    assert decode(text.encode(declared), declared).text == text


@pytest.mark.parametrize(
    "declared", ["windows-1251", "iso-8859-1", "utf-8", "x-unknown", "rot13", "zip", "."]
)
@pytest.mark.parametrize("text", [RUSSIAN, ARABIC, KAZAKH, ENGLISH])
def test_utf8_that_holds_is_stronger_than_what_is_declared(declared: str, text: str) -> None:
    decoded = decode(text.encode(), declared)

    assert (decoded.text, decoded.encoding, decoded.is_guess) == (text, "utf-8", False)


@pytest.mark.parametrize(
    "declared",
    """
    iso-8859-1 us-ascii utf-8 koi8-r windows-1256 windows-1253 iso-8859-2 x-unknown unicode_escape
    a_name_that_is_longer_than_that_of_any_encoding
    """.split(),
)
def test_a_declared_encoding_that_the_bytes_do_not_bear_is_not_believed(declared: str) -> None:
    decoded = decode(RUSSIAN.encode("cp1251"), declared)

    assert decoded.text == RUSSIAN
    assert decoded.caveats == ("encoding guessed: windows-1251",)


def test_utf16_that_is_declared_is_no_guess() -> None:
    assert decode(ARABIC.encode("utf-16-le"), "utf-16") == Decoded(ARABIC, "utf-16-le")


def test_a_letter_of_utf8_cut_off_at_the_end_costs_only_itself() -> None:
    decoded = decode("Нефть дорожает".encode()[:-1])

    assert decoded == Decoded("Нефть дорожае", "utf-8", losses=("unreadable: 1 character",))


def test_a_few_broken_bytes_do_not_make_another_code_page_of_utf8() -> None:
    data = RUSSIAN.encode()

    decoded = decode(data[:30] + b"\xff" + data[31:] + b"\xfe" + data)

    assert decoded.encoding == "utf-8"
    assert decoded.text.endswith(RUSSIAN)
    assert decoded.caveats == ("unreadable: 3 characters",)


def test_an_accent_at_the_end_of_a_latin_text_is_not_a_cut_off_letter() -> None:
    assert decode("He opened a café".encode("cp1252")).text == "He opened a café"


def test_files_put_together_in_two_encodings_are_read_line_by_line() -> None:
    decoded = decode(RUSSIAN.encode() + RUSSIAN.encode("cp1251") + KAZAKH.encode())

    assert decoded.text == RUSSIAN * 2 + KAZAKH
    assert decoded.caveats == ("some lines guessed: windows-1251",)


def test_arabic_letters_in_their_printed_shapes_become_plain_letters() -> None:
    assert clean("ﺍﻟﻨﻔﻂ ﻻ ﷲ") == "النفط لا الله"
    assert clean("ﷺ ﴾") == "ﷺ ﴾"


def test_a_vowel_mark_that_stood_alone_leaves_no_gap_in_the_word() -> None:
    assert clean("ﻣ\ufe78ﺪ") == "مُد"


def test_persian_keeps_what_parts_its_words_and_nothing_else_does() -> None:
    assert clean("می\u200cشود کتاب\u200cها") == "می\u200cشود کتاب\u200cها"
    assert clean("کار \u200cخوب\u200c.") == "کار خوب."
    assert clean("النف\u200cط") == "النفط"
    assert clean("oi\u200cl") == "oil"


def test_in_the_jail_nothing_is_left_to_load() -> None:
    call = (
        "import sys; from classifier import decoding; decoding.warm(); before = set(sys.modules);"
        "decoding.decode('Нефть'.encode('koi8_r'), 'windows-1253');"
        "decoding.decode('Нефть'.encode('mac_cyrillic'), 'euc-kr');"
        "print(*set(sys.modules) - before)"
    )
    process = subprocess.run([sys.executable, "-c", call], capture_output=True, text=True, check=True)

    assert process.stdout.strip() == ""


@pytest.mark.parametrize(
    "stuff", [b"\xe9", b"\xd0", b"a\xff", b"\xe9 ", b"\xd0\xbf\xff", b"\n\xcf", b"\xc9\xac\n"]
)
def test_a_megabyte_of_anything_is_decided_quickly(stuff: bytes) -> None:
    started = time.perf_counter()
    with suppress(UnreadableArticleError):
        decode(stuff * (2_000_000 // len(stuff)))

    assert time.perf_counter() - started < 20


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
    assert decode(b"The refinery \0restarted on Monday.").text == "The refinery restarted on Monday."


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_a_letter_cut_off_at_the_end_costs_only_itself(encoding: str) -> None:
    mark = "\ufeff".encode(encoding)

    decoded = decode(mark + RUSSIAN.strip().encode(encoding)[:-1])

    assert decoded.text == RUSSIAN.strip()[:-1]
    assert decoded.caveats == ("unreadable: 1 character",)


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (codecs.BOM_UTF32_LE + b"abc", "utf-32-le"),
        (codecs.BOM_UTF16_BE + b"\xd8\x00", "utf-16-be"),
        (codecs.BOM_UTF16_LE + b"\x00\xd8\x20\x00" * 40, "utf-16-le"),
        (codecs.BOM_UTF32_BE + ENGLISH.encode(), "utf-32-be"),
    ],
)
def test_a_mark_that_does_not_hold_is_named(data: bytes, encoding: str) -> None:
    with pytest.raises(UnreadableArticleError, match=f"begins like {encoding} and is not"):
        decode(data)


def test_a_code_page_behind_the_mark_of_utf8_is_read_all_the_same() -> None:
    decoded = decode(codecs.BOM_UTF8 + RUSSIAN.encode("cp1251"))

    assert decoded.text == RUSSIAN
    assert decoded.caveats == ("encoding guessed: windows-1251",)


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
        ("Arabic letter mark", "\u061c"),
        ("zero-width non-joiner", "\u200c"),
        ("a tag that nobody sees", "\U000e0041"),
    ],
)
def test_controls_and_marks_that_turn_or_hide_text_are_dropped(name: str, mark: str) -> None:
    assert decode(f"The refin{mark}ery restarted.".encode()).text == "The refinery restarted.", name


def test_a_text_cannot_colour_a_terminal() -> None:
    assert "\x1b" not in decode(b"\x1b[31mThe refinery\x1b[0m restarted \x1b]0;title\x07on Monday.").text


@pytest.mark.parametrize("line_break", ["\r\n", "\r", "\n", "\u2028", "\u2029", "\x85", "\x0b", "\x0c"])
def test_each_line_break_is_a_plain_one(line_break: str) -> None:
    assert decode(f"Title{line_break}Text.".encode()).text == "Title\nText."


def test_tabs_stay() -> None:
    assert clean("Aktau\t3.2 m tonnes") == "Aktau\t3.2 m tonnes"


def test_composed_and_decomposed_letters_come_out_alike() -> None:
    assert decode("Краи\u0306 и е\u0308лка".encode()).text == "Край и ёлка"


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
        text = decode(data).text
    except UnreadableArticleError as error:
        assert error.reason
        assert error.mend
    else:
        assert text.strip()


def test_a_letter_under_a_heap_of_marks_costs_no_more_than_another() -> None:
    """Normalising takes the square of the number of marks on a letter: 80,000 of them take seconds."""
    started = time.process_time()

    text = clean("Oil rose a" + "\u0301\u0323" * 2_000_000 + " again.")

    assert time.process_time() - started < 20
    assert len(text) < 60
    assert text.endswith(" again.")


def test_vowelled_arabic_and_lines_of_signs_stay_as_they_are() -> None:
    text = "وَقَالَ الوَزِيرُ إِنَّ الإِنْتَاجَ " * 300 + "—" * 80 + "🙂" * 50

    assert clean(text) == unicodedata.normalize("NFC", text)


def test_characters_that_a_database_wrote_as_pairs_are_whole_again_and_lone_halves_are_told() -> None:
    pair, half = "😀".encode("utf-16-be"), "\ud83d".encode("utf-8", "surrogatepass")
    written = b"".join(
        chr(int.from_bytes(each, "big")).encode("utf-8", "surrogatepass") for each in (pair[:2], pair[2:])
    )

    whole, broken = decode(b"Oil rose " + written), decode(b"Oil rose " + half)

    assert (whole.text, whole.caveats) == ("Oil rose 😀", ())
    assert (broken.text, broken.caveats) == ("Oil rose \ufffd", ("unreadable: 1 character",))
