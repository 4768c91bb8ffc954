"""Splitting a text into words, and the one form of a word that the model knows."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.transliteration import is_kazakh_in_arabic
from classifier.words import LONGEST_WORD, as_written, normalise, split

KAZAKH_IN_ARABIC = {
    "قازاقستان": "қазақстан",
    "مۇناي": "мұнай",
    "مەكتەپ": "мектеп",
    "ءبىلىم": "білім",
    "جۇيە": "жүйе",
    "كۇن": "күн",
    "ءتىل": "тіл",
    "ءدام": "дәм",
    "ٴسان": "сән",
    "بويىنشا": "бойынша",
    "جىلى": "жылы",
    "قالا": "қала",
    "سۋ": "су",
    "ءۇي": "үй",
    "سەنات": "сенат",
}
ARABIC_SENTENCE = "استأنفت مصفاة النفط تكرير الخام بعد شهر من الصيانة"

LETTERS = st.characters(categories=["L", "M", "Nd"])


def test_words_come_in_order_repeated_ones_too() -> None:
    text = "Oil, gas – and (more) oil: €5 a barrel."

    words = split(text)

    assert words == ["Oil", "gas", "and", "more", "oil", "5", "a", "barrel"]


def test_a_text_without_letters_has_no_words() -> None:
    assert split("") == []
    assert split(" …!? — € \n\t") == []


@pytest.mark.parametrize("word", ["за́мок", "مُحَمَّد", "й", "café", "كتابًا"])
def test_the_marks_on_a_letter_belong_to_its_word(word: str) -> None:
    assert split(f"({word})") == [word]


@pytest.mark.parametrize(
    ("written", "known"),
    [
        ("OIL", "oil"),
        ("Straße", "strasse"),
        ("İstanbul", "istanbul"),
        ("ＯＩＬ", "oil"),
        ("ﬁnance", "finance"),
        ("CO₂", "co2"),
        ("5G", "5g"),
        ("over_load", "overload"),
        ("Қазақстан", "қазақстан"),
    ],
)
def test_letter_case_and_compatibility_forms_do_not_count(written: str, known: str) -> None:
    assert normalise(written) == known


@pytest.mark.parametrize("written", ["ёлка", "Ёлка", "елка", "ЕЛКА", "е\u0308лка", "ё́лка"])
def test_yo_is_the_same_letter_as_ye(written: str) -> None:
    assert normalise(written) == "елка"


def test_short_i_stays_a_letter_of_its_own_however_it_is_composed() -> None:
    assert normalise("край") == normalise("краи\u0306") == "край"
    assert normalise("краи") == "краи"


@pytest.mark.parametrize(
    ("written", "known"),
    [
        ("أحمد", "احمد"),
        ("إدارة", "اداره"),
        ("آسيا", "اسيا"),
        ("ٱلطاقة", "الطاقه"),
        ("مستشفى", "مستشفي"),
        ("نفــط", "نفط"),
        ("کتاب", "كتاب"),
        ("علی", "علي"),
        ("ﻧﻔﻂ", "نفط"),
        ("ﻻجئ", "لاجئ"),
    ],
)
def test_arabic_letter_variants_are_one_letter(written: str, known: str) -> None:
    assert normalise(written) == known


@pytest.mark.parametrize("written", ["مُحَمَّد", "مُحمّد", "محمّدٌ", "مـحمد", "محمد"])
def test_arabic_vowel_signs_do_not_count(written: str) -> None:
    assert normalise(written) == "محمد"


def test_stress_marks_do_not_count() -> None:
    assert normalise("за́мок") == normalise("замо́к") == "замок"
    assert normalise("кра́й") == "край"


@pytest.mark.parametrize("written", ["2026", "٢٠٢٦", "1000000", "a", "я", "و", "ُ", "ـــ", "½", ""])
def test_numbers_and_single_letters_say_nothing(written: str) -> None:
    assert normalise(written) == ""


def test_a_word_of_a_megabyte_is_cut_and_costs_no_more_than_its_beginning() -> None:
    hostile = "ﷺ" * 1_000_000

    started = time.perf_counter()
    known = normalise(hostile)

    assert len(known) == LONGEST_WORD
    assert time.perf_counter() - started < 0.1


@given(st.text(LETTERS, max_size=LONGEST_WORD // 2))
def test_however_a_word_is_composed_it_is_the_same_word(word: str) -> None:
    decomposed = unicodedata.normalize("NFD", word)

    assert normalise(decomposed) == normalise(unicodedata.normalize("NFC", word))


@given(st.text())
def test_a_normalised_word_fits_into_a_list_of_words(text: str) -> None:
    # A model file parts words by line breaks, and a word's own feature opens with "=".
    for word in map(normalise, split(text)):
        assert len(word) <= LONGEST_WORD
        assert not set(word) & {"\n", "="}


@pytest.mark.parametrize(("arabic", "cyrillic"), KAZAKH_IN_ARABIC.items())
def test_kazakh_in_arabic_script_comes_in_cyrillic_letters(arabic: str, cyrillic: str) -> None:
    text = " ".join([arabic, *KAZAKH_IN_ARABIC])

    words = split(text)

    assert words[0] == cyrillic


def test_words_as_written_keep_the_script_of_the_text() -> None:
    text = " ".join(KAZAKH_IN_ARABIC)

    assert as_written(text) == list(KAZAKH_IN_ARABIC)
    assert split(text) == list(KAZAKH_IN_ARABIC.values())


@given(st.text(st.sampled_from("سۋقەۇمن ءمىу.oil\n")))
def test_there_is_one_word_as_written_for_each_word(text: str) -> None:
    assert len(as_written(text)) == len(split(text))


@pytest.mark.parametrize(
    "text",
    [
        ARABIC_SENTENCE,
        "پالایشگاه نفت پس از یک ماه تعمیر کار خود را از سر گرفت",
        "تیل کی قیمتوں میں اضافہ ہوا اور حکومت نے اجلاس طلب کیا",
        "Refinery restarts",
        "",
    ],
)
def test_other_languages_are_not_taken_for_kazakh_in_arabic_script(text: str) -> None:
    assert not is_kazakh_in_arabic(text)
    assert split(text) == as_written(text)


@given(st.text(st.sampled_from("سۋقەۇمنڭۆ\u0620\u06d6 اىу.o")))
def test_a_text_is_kazakh_in_arabic_script_when_a_letter_in_twenty_says_so(text: str) -> None:
    telling = [letter for letter in text if letter in "ەۇۋڭۆ"]
    arabic = [letter for letter in text if "\u0621" <= letter <= "\u06d5"]

    assert is_kazakh_in_arabic(text) == (20 * len(telling) > len(arabic))


def test_an_arabic_text_that_quotes_a_kazakh_word_stays_arabic() -> None:
    text = f"{ARABIC_SENTENCE} {ARABIC_SENTENCE} قالا سۋ"

    assert "النفط" in split(text)
