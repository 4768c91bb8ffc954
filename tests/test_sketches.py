"""Sketches: what an article is known by, in four languages; likeness, near-copies and news."""

from __future__ import annotations

import pytest

from daemon.figures import figures
from daemon.likeness import likeness, news
from daemon.names import key, names
from daemon.sketches import Sketch, from_json, sketch

ATYRAU = (
    "Crude flows again at Atyrau plant",
    "The oil refinery in Atyrau restarted its crude unit on Tuesday after 38 days of repairs. It takes in"
    " 13,400 tonnes a day, chief engineer Marat Dosanov said. Some 1,900 contractors took part in the works,"
    " and two heat exchangers were replaced. Deliveries to the western regions went on from stocks of 164,000"
    " tonnes of petrol while the plant stood idle for more than five weeks.",
)
ATYRAU_RU = (
    "Атырауский завод запустил установку",
    "В Атырау после ремонта запущена установка мощностью 13,4 тыс. тонн нефти в сутки. В работах участвовали"
    " 1900 подрядчиков, сообщил главный инженер Марат Досанов. Запасы бензина довели до 164 тыс. тонн.",
)
PAVLODAR = (
    "Crude flows again at Pavlodar plant",
    "The oil refinery in Pavlodar restarted its crude unit on Friday after 26 days of repairs. It takes in"
    " 16,200 tonnes a day, deputy director Sergei Klimov said. Some 1,450 contractors took part in the works,"
    " and the coking drums were overhauled. Deliveries to the northern regions went on from stocks of 210,000"
    " tonnes of diesel while the plant stood idle for nearly four weeks.",
)


def known(article: tuple[str, str], language: str | None = "en") -> Sketch:
    return sketch(*article, language)


def first_figure(text: str, language: str) -> str:
    return figures(text, language)[0].key


@pytest.mark.parametrize(
    "spellings",
    [
        "Tokayev Токаев Токаева Тоқаев Тоқаевтың توكاييف",
        "Karaganda Караганда Карагандинской كاراغاندا",
        "Aktau Актау Ақтау Ақтауда أكتاو",
        "Almaty Алматы Алматыдан ألماتي",
        "Kazakhstan Казахстана Қазақстанда كازاخستان",
        "Shymkent Шымкенте Шымкентте شيمكنت",
        "Osaka Осаку Осакаға أوساكا",
        "Zhumagulov Жумагулов",
        "Yerlan Ерлан يرلان",
    ],
)
def test_a_name_has_one_key_in_all_scripts(spellings: str) -> None:
    keys = {
        sketched for word in spellings.split() for sketched in sketch(None, f"x, {word}", _of(word)).names
    }

    assert len(keys) == 1


def _of(word: str) -> str:
    if word.isascii():
        return "en"
    if "\u0600" <= word[0] <= "\u06ff":
        return "ar"
    return "kk" if set(word.lower()) & set("әғқңөұүһі") or word == "Алматыдан" else "ru"


def test_names_that_sound_apart_have_keys_apart() -> None:
    towns = (
        "Aktau Atyrau Almaty Astana Aktobe Taraz Pavlodar Petropavlovsk Karaganda Kokshetau Kostanay".split()
    )

    assert len({key(town) for town in towns}) == len(towns)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("1200", ["en: 1,200 jobs", "en: 1 200 jobs", "ru: 1200 мест", "ru: 1 200 мест", "ar: ١٢٠٠ وظيفة"]),
        ("4.5e+06", ["en: 4.5 million", "ru: 4,5 млн", "kk: 4,5 миллион", "ar: ٤٫٥ مليون", "ar: 4.5 ملايين"]),
        (
            "1.2e+07",
            ["en: $12m", "en: $12 mln", "ru: 12 миллионов", "ru: 12 млн", "kk: 12 млн", "ar: 12 مليون"],
        ),
        (
            "13400",
            ["en: 13,400 tonnes", "ru: 13,4 тыс. тонн", "kk: 13,4 мың", "en: 13.4 thousand", "ar: 13.4 ألف"],
        ),
        ("71.3", ["en: 71.3 percent", "ru: 71,3%", "kk: 71,3 пайыз", "ar: 71٫3 بالمئة", "ar: 71.3 في المئة"]),
        (
            "9-16",
            [
                "en: September 16",
                "en: 16 September",
                "ru: 16 сентября",
                "kk: 16 қыркүйектегі",
                "ar: 16 سبتمبر",
            ],
        ),
    ],
)
def test_a_figure_has_one_key_however_it_is_written(value: str, written: list[str]) -> None:
    for each in written:
        language, _, phrase = each.partition(": ")
        assert first_figure(f"x, {phrase}.", language) == value, each


def test_years_and_small_bare_numbers_weigh_nothing() -> None:
    found = figures("In 2026 all 7 members met for the 3 rd time", "en")

    assert [figure.weight for figure in found] == [0.0, 0.0, 0.0]


def test_a_capital_that_only_opens_a_sentence_makes_no_name() -> None:
    found = names("Refining went on. Deliveries rose. Then Marat Dosanov left Atyrau.")

    assert [name.shown for name in found] == ["Marat Dosanov", "Atyrau"]


def test_a_headline_in_capitals_names_nobody() -> None:
    found = sketch("Italian Group Wins Large Contract For New Plant", "Nothing more is known.", "en")

    assert not found.names


def test_a_sketch_comes_back_from_its_writing() -> None:
    for article, language in ((ATYRAU, "en"), (ATYRAU_RU, "ru"), (("", ""), None)):
        made = known(article, language)
        assert from_json(made.to_json()) == made


def test_signs_beyond_ascii_part_words_as_those_of_ascii_do() -> None:
    title, text = ATYRAU
    plain = known((title, f"{text} One_word of sub-contractors' e-mails..."))
    marked = known((title, f"{text} One_word of sub-contractors’ e—mails…".replace(" a ", "\u00a0a ")))

    assert (plain.words, plain.triples, plain.length) == (marked.words, marked.triples, marked.length)


def test_the_same_event_is_known_again_in_other_words_and_another_language() -> None:
    assert likeness(known(ATYRAU), known(ATYRAU_RU, "ru"), {}).same_story
    assert not likeness(known(ATYRAU), known(ATYRAU_RU, "ru"), {}).near_copy


def test_the_same_words_about_another_town_are_another_event() -> None:
    assert not likeness(known(ATYRAU), known(PAVLODAR), {}).same_story


def test_marks_that_all_share_say_nothing() -> None:
    one, other = known(ATYRAU), known(ATYRAU_RU, "ru")

    assert not likeness(one, other, dict.fromkeys(other.weights, 0.0)).same_story


def test_a_text_lightly_edited_is_a_near_copy() -> None:
    _, text = ATYRAU
    edited = text.replace("Some 1,900", "About 1,900").replace(" on Tuesday", "")

    assert likeness(known(ATYRAU), known(("Atyrau refinery is back", edited)), {}).near_copy


def test_a_text_cut_short_is_a_near_copy_and_one_with_more_is_not() -> None:
    title, text = ATYRAU
    shorter = (title, text[: text.index(" Deliveries")])

    assert likeness(known(ATYRAU), known(shorter), {}).near_copy
    assert not likeness(known(shorter), known(ATYRAU), {}).near_copy


@pytest.mark.parametrize(
    ("was", "is_now"), [("1,900", "2,100"), ("two heat", "three heat"), ("38 days", "39 days")]
)
def test_a_copy_with_a_new_figure_is_no_near_copy(was: str, is_now: str) -> None:
    title, text = ATYRAU
    assert was in text

    assert not likeness(known(ATYRAU), known((title, text.replace(was, is_now))), {}).near_copy


def test_news_are_the_figures_and_names_that_the_story_had_not() -> None:
    more = (
        "Atyrau refinery director resigns",
        "The director of the refinery in Atyrau, Viktor Leshchenko, resigned on Friday after a fire that cost"
        " 4.5 billion tenge. The crude unit takes in 13,400 tonnes a day. In 2024 there were 3 fires.",
    )

    assert news(known(more), [known(ATYRAU)]) == ("Viktor Leshchenko", "4.5 billion tenge")


def test_a_reworded_article_brings_no_news() -> None:
    assert news(known(ATYRAU_RU, "ru"), [known(ATYRAU)]) == ()


def test_news_are_at_most_five_and_the_most_telling_first() -> None:
    many = (
        "",
        "x, " + ", ".join(f"{number},{number + 7} tonnes" for number in range(110, 130)) + ", 40 tonnes",
    )

    told = news(known(many), [known(ATYRAU)])

    assert len(told) == 5
    assert "40 tonnes" not in told


def test_only_the_first_pages_of_an_article_are_looked_at() -> None:
    title, text = ATYRAU
    pages = text + " The rest is about other things." * 1000

    assert known((title, pages + " Viktor Leshchenko paid 4.5 billion tenge in Osaka.")) == known(
        (title, pages)
    )


@pytest.mark.parametrize(
    "text",
    [
        "7" * 1_000_000,
        "7 " * 500_000,
        "1.2.3,4:5" * 100_000,
        " ".join(f"Name{number}" for number in range(100_000)),
        "Abc " * 250_000,
        "«" * 1_000_000,
        "كازاخستان" * 100_000,
        "a" * 1_000_000,
        "\u0000\ud800" * 1000,
        "١٢٣٤٥٦٧٨٩٠" * 100_000,
        "$" * 100_000 + "1" + ",000" * 100_000,
    ],
)
def test_a_hostile_text_makes_a_small_sketch(text: str) -> None:
    made = sketch(text[:1000], text, "en")

    assert len(made.to_json()) < 20_000
    assert len(made.weights) <= 100
