"""Lines that a page or a mail client broke become paragraphs again."""

from __future__ import annotations

import textwrap
import time

import pytest

from classifier.formats.lines import joined, unwrapped
from classifier.formats.pdf.running import running_lines, without_running_lines

ENGLISH = (
    "Shipments through the port of Aktau reached 412,000 tonnes in February, the ministry said, "
    "a fifth more than a year earlier, and officials expect the flow to remain steady until the harvest.",
    "Traders point to a shortage of covered wagons. About twelve hundred were asked for each day, "
    "and only 870 were supplied; the difference had to be carried by road.",
)
RUSSIAN = (
    "Перевалка зерна через порт Актау достигла в феврале 412 тысяч тонн, сообщило министерство, "
    "что на пятую часть больше, чем годом ранее, и поток сохранится до нового урожая.",
    "Трейдеры указывают на нехватку крытых вагонов. Запрашивалось около 1200 вагонов в сутки, "
    "а подавалось только 870; остальное пришлось везти по государственной трассе.",
)
KAZAKH = (
    "Ақтау порты арқылы астық тасымалы ақпан айында 412 мың тоннаға жетті, деп хабарлады министрлік, "
    "бұл өткен жылғы көрсеткіштен бестен бір бөлікке көп, ағын жаңа егінге дейін сақталады.",
    "Трейдерлер жабық вагондардың жетіспейтінін айтады. Тәулігіне 1200 вагон сұралған, ал тек 870 "
    "вагон берілген; қалғанын мемлекеттік жолмен жүк көліктері тасыды.",
)
ARABIC = (
    "بلغت شحنات الحبوب عبر ميناء أكتاو 412 ألف طن في فبراير بحسب ما أعلنته الوزارة أي بزيادة قدرها "
    "الخمس عن العام السابق، ويتوقع المسؤولون أن يبقى التدفق ثابتا حتى الحصاد المقبل.",
    "ويشير التجار إلى نقص في العربات المغطاة. فقد طلبت نحو 1200 عربة يوميا ولم يوفر منها سوى 870 "
    "عربة أما الباقي فقد نقل بالشاحنات على الطريق السريع.",
)
TEXTS = {"en": ENGLISH, "ru": RUSSIAN, "kk": KAZAKH, "ar": ARABIC}


def wrapped(*paragraphs: str, width: int = 72, between: str = "\n\n", indent: str = "") -> list[str]:
    broken = (
        textwrap.fill(each, width, initial_indent=indent, break_on_hyphens=False) for each in paragraphs
    )
    return between.join(broken).split("\n")


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("width", [40, 66, 72, 78])
def test_paragraphs_between_blank_lines_are_whole_again(language: str, width: int) -> None:
    assert unwrapped(wrapped("Title", *TEXTS[language], width=width)) == ["Title", *TEXTS[language]]


@pytest.mark.parametrize("language", TEXTS)
def test_indentation_opens_a_paragraph(language: str) -> None:
    lines = wrapped(*TEXTS[language], between="\n", indent="   ")

    assert unwrapped(["A title of some words", *lines]) == ["A title of some words", *TEXTS[language]]


@pytest.mark.parametrize("language", ["en", "ru", "kk"])
def test_a_short_last_line_ends_a_paragraph(language: str) -> None:
    lines = wrapped(*TEXTS[language], between="\n")

    assert unwrapped(["A title", *lines, "A short line"]) == ["A title", *TEXTS[language], "A short line"]


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("length", range(20, 72, 4))
def test_a_title_is_never_glued_to_the_text_right_under_it(language: str, length: int) -> None:
    title = ("слово " * 12)[:length].strip() if language != "ar" else ("كلمة " * 16)[:length].strip()

    found = unwrapped([title, *wrapped(TEXTS[language][0])])

    assert found[0] == title


def test_a_title_in_two_lines_over_a_blank_one_is_one_line() -> None:
    lines = ["Экспорт зерна через порты Каспия растёт третий месяц подряд благодаря", "новому тарифу"]

    assert unwrapped([*lines, "", *wrapped(*RUSSIAN)])[0] == " ".join(lines)


def test_entries_of_a_list_stay_apart_and_whole() -> None:
    entries = [
        "- the port fee falls from 310 to 290 tenge for every tonne that is carried to Baku;",
        "- two more ferries begin to work on the line between Kuryk and Alat in the second half;",
        "- the queue becomes electronic.",
    ]
    broken = [line for each in entries for line in textwrap.wrap(each, 60, subsequent_indent="  ")]

    assert unwrapped([*wrapped(ENGLISH[0], width=60), "What changes:", *broken])[1:] == [
        "What changes:",
        *entries,
    ]


def test_a_dash_within_a_sentence_opens_no_entry() -> None:
    lines = [
        "«Мы ожидаем, что поток зерна сохранится до самого нового урожая»,",
        "— сказал заместитель министра.",
    ]

    assert unwrapped(["Заголовок", "", *lines]) == ["Заголовок", " ".join(lines)]


def test_lines_that_were_not_broken_to_a_width_stay() -> None:
    assert unwrapped([*ENGLISH, "", "One", "Two", "Three"]) == [*ENGLISH, "One", "Two", "Three"]


def test_an_address_stays_in_its_lines() -> None:
    lines = ["Press service", "Abai avenue 5", "Almaty", "tel. 33 44 55"]

    assert unwrapped([*wrapped(*ENGLISH), "", *lines])[2:] == lines


def test_a_date_under_a_title_stays_by_itself() -> None:
    assert unwrapped(["Grain exports rise", "2026-03-14", *wrapped(ENGLISH[0])])[:2] == [
        "Grain exports rise",
        "2026-03-14",
    ]


@pytest.mark.parametrize(
    ("first", "second", "whole"),
    [
        ("the minis-", "try said", "the ministry said"),
        ("сообщило минис-", "терство", "сообщило министерство"),
        ("the state\u00ad", "ment", "the statement"),
        ("a state-owned road, state-", "owned", "a state-owned road, state-owned"),
        ("вышел из-", "за стола", "вышел из-за стола"),
        ("какие-", "либо", "какие-либо"),
        ("Jean-", "Pierre", "Jean-Pierre"),
        ("the COVID-", "19 wave", "the COVID-19 wave"),
        ("a pause -", "then", "a pause - then"),
    ],
)
def test_a_word_that_was_hyphenated_is_whole_and_a_compound_keeps_its_hyphen(
    first: str, second: str, whole: str
) -> None:
    assert joined([[first, second]]) == [whole]


def test_hyphens_at_few_ends_of_lines_are_those_of_compounds() -> None:
    lines = wrapped(*ENGLISH * 8, width=40)
    lines[3:5] = ["and so they carried all of it on a long-", "planned road to the east of the country"]

    assert "a long-planned road" in " ".join(unwrapped(lines))


def test_heads_feet_and_page_numbers_are_left_out() -> None:
    texts = ("the first of three texts", "another one of them", "and the last")
    pages = [
        ["Press service, March", text, *ENGLISH, f"Page {number} of 3"]
        for number, text in enumerate(texts, 1)
    ]
    pages[1][3:3] = ["a line that only this page has"]

    found = without_running_lines(pages)

    assert [page[0] for page in found] == list(texts)
    assert all("Page" not in page[-1] for page in found)


def test_a_number_that_is_not_the_page_stays() -> None:
    assert running_lines([["Votes", "412"]]) == [frozenset()]
    assert running_lines([["Votes", "1"]]) == [frozenset({1})]


def test_hostile_lines_take_no_time() -> None:
    start = time.monotonic()

    unwrapped(["- " * 500_000, "a-" * 500_000, "(" * 1_000_000])
    unwrapped(["a-"] * 50_000)
    unwrapped(["\t" * 20 + "x"] * 30_000)

    assert time.monotonic() - start < 20


def test_pages_that_are_all_alike_keep_what_stands_on_them() -> None:
    pages = [["Oil rose on Friday.", str(number)] for number in range(1, 6)]

    assert without_running_lines(pages) == [["Oil rose on Friday."]] * 5
