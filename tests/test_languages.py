"""Telling the language of a text: unknown is allowed, wrong is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.languages import SHIPPED, detect

ENGLISH = "The refinery in Atyrau has resumed processing crude oil, the ministry said on Monday."
RUSSIAN = "Завод в Атырау возобновил переработку нефти, сообщили в министерстве энергетики в понедельник."
KAZAKH = "Атыраудағы зауыт мұнай өңдеуді қайта бастады, деп хабарлады Энергетика министрлігі дүйсенбі күні."
KAZAKH_IN_ARABIC = "اتىراۋداعى زاۋىت مۇناي وڭدەۋدى قايتا باستادى دەپ حابارلادى ەنەرگەتيكا مينيسترلىگى"
ARABIC = "استأنفت مصفاة النفط في أتيراو تكرير الخام، وقالت وزارة الطاقة إن الإنتاج سيعود إلى مستواه."

NEIGHBOURS = {
    "uk": "Уряд схвалив проєкт бюджету на наступний рік, каже міністерка фінансів. Її відомство є автором.",
    "ky": "Кыргыз өкмөтү жаңы мыйзамды жактырды, деп билдирди министрлик. Өлкөнүн түштүгүндө жол оңдолот.",
    "tg": "Ҳукумати ҷумҳурӣ лоиҳаи қонунро ҷонибдорӣ кард, ҳамин тавр хабар дод вазорати маориф.",
    "uz": "Ҳукумат янги қарор қабул қилди, деб хабар берди вазирлик. Ўзбекистонда ғалла ўрими бошланди.",
    "tt": "Хөкүмәт яңа карар кабул итте, дип хәбәр итә министрлык. Җәй көне уңыш җыю башланды, һава җылы.",
    "sr": "Влада је усвојила предлог буџета, саопштило је министарство. Ђаци и њихови родитељи чекају.",
    "bg": "Правителството прие проекта за бюджет, съобщи министерството. Той ще влезе в сила от април, а"
    " първите търгове са обявени за май, каза министърът на пресконференция в София.",
    "mn": "Засгийн газар шинэ төсвийн төслийг баталлаа гэж Сангийн яам мэдээллээ. Өнөөдөр хүйтэн байна.",
    "fa": "پالایشگاه نفت پس از یک ماه تعمیر کار خود را از سر گرفت و تولید بنزین به سطح پیشین بازمی‌گردد.",
    "ur": "تیل کی قیمتوں میں اضافہ ہوا ہے اور حکومت نے ہنگامی اجلاس طلب کر لیا ہے، وزیر نے بتایا۔",
    "ug": "مەملىكەت ئىگىلىكى تەرەققىي قىلىۋاتىدۇ، دېدى ئەمەلدارلار. ئۈرۈمچىدە يېڭى يول ئېچىلدى.",
    "zh": "政府周一批准了明年的预算草案，财政部表示。",
    "el": "Η κυβέρνηση ενέκρινε το σχέδιο του προϋπολογισμού για το επόμενο έτος.",
    "he": "הממשלה אישרה את תקציב המדינה לשנה הבאה, נמסר ממשרד האוצר.",
    "fr": "Le gouvernement a approuvé le projet de budget pour l'année prochaine, selon le ministère.",
    "tr": "Hükümet gelecek yılın bütçe tasarısını onayladı, Maliye Bakanlığı pazartesi günü açıkladı.",
}


@pytest.mark.parametrize(
    ("text", "language"),
    [(ENGLISH, "en"), (RUSSIAN, "ru"), (KAZAKH, "kk"), (KAZAKH_IN_ARABIC, "kk"), (ARABIC, "ar")],
)
def test_each_shipped_language_is_told(text: str, language: str) -> None:
    assert detect(text) == language
    assert detect(text.upper()) == language


@pytest.mark.parametrize(("language", "text"), NEIGHBOURS.items())
def test_a_neighbour_is_never_taken_for_one_of_the_shipped_languages(language: str, text: str) -> None:
    found = detect(text)

    assert found not in SHIPPED
    assert found in (None, language)


@pytest.mark.parametrize("text", ["", " \n", "2026", "1 000 000 €", "!?…", "٢٠٢٦"])
def test_a_text_without_letters_has_no_language(text: str) -> None:
    assert detect(text) is None


def test_letters_that_several_alphabets_have_settle_nothing() -> None:
    # Uzbek and Tajik have the letter as well as Kazakh.
    assert detect("Қарорлар қабул, мақолалар матбуотда чиқди.") is None


def test_a_text_half_in_one_script_and_half_in_another_has_no_plain_language() -> None:
    assert detect("завод и порт, works a port") is None


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (f"{RUSSIAN} {RUSSIAN} {RUSSIAN} Об этом сообщил Ерлан Қошанов.", "ru"),
        (f"{ENGLISH} {ENGLISH} The ministry (министерство) gave no date.", "en"),
        (f"{ARABIC} {ARABIC} وكالة Qazinform", "ar"),
    ],
)
def test_a_quoted_name_does_not_change_the_language(text: str, language: str) -> None:
    assert detect(text) == language


def test_vowel_signs_do_not_change_the_language() -> None:
    assert detect("اِسْتَأْنَفَتْ مَصْفَاةُ النَّفْطِ فِي أَتِيرَاو تَكْرِيرَ الْخَامِ") == "ar"


@given(st.text())
def test_any_text_has_a_language_or_none(text: str) -> None:
    found = detect(text)

    assert found is None or len(found) == 2
