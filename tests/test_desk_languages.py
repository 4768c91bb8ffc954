"""The desk speaks English, Russian and Kazakh: whole, and with whatever is not ours escaped."""

from __future__ import annotations

import re
from functools import cache

import pytest
from babel.messages.catalog import Catalog

from classifier import load_topics, shipped
from daemon.desk.languages import LANGUAGES, catalogue
from daemon.desk.rendering import Spoken, direction
from tests.at_the_desk import AtDesk
from tests.desk_words import TRANSLATED, brought_up_to_date, extracted, forms, translations

_PLACE = re.compile(r"%\((\w+)\)([a-z])|%%")


@cache
def words_of_today() -> Catalog:
    return extracted()


def ids(kept: Catalog) -> set[str | tuple[str, ...]]:
    return {tuple(each.id) if isinstance(each.id, list | tuple) else each.id for each in kept if each.id}


def places(text: str) -> list[str]:
    return sorted(set(_PLACE.findall(text)))


def test_words_are_found_in_templates_and_in_code() -> None:
    found = ids(words_of_today())

    assert "Skip to the content" in found  # base.html
    assert "Sign in first" in found  # failures.py, marked


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_has_a_translation_that_nobody_has_to_check(language: str) -> None:
    kept = translations(language)

    missing = ids(words_of_today()) - ids(kept)
    empty = [each.id for each in kept if each.id and not all(forms(each))]
    fuzzy = [each.id for each in kept if each.id and each.fuzzy]

    assert (missing, empty, fuzzy) == (set(), [], []), "make words, and translate what is new"
    assert ids(kept) - ids(words_of_today()) == set(), "make words"


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_has_the_places_of_its_text_and_every_form_of_a_number(language: str) -> None:
    kept = translations(language)

    wrong = [
        (each.id, form)
        for each in kept
        if each.id
        for form in forms(each)
        if places(form) != places(each.id if isinstance(each.id, str) else each.id[1])
    ]
    short = [each.id for each in kept if each.pluralizable and len(forms(each)) != kept.num_plurals]

    assert (wrong, short) == ([], [])


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_catalogue_is_as_make_words_writes_it(language: str) -> None:
    assert catalogue(language).read_bytes() == brought_up_to_date(language)


def test_the_shipped_topics_have_a_title_in_every_language() -> None:
    topics = load_topics(shipped("labels") / "topics.toml")

    for language in TRANSLATED:
        spoken = Spoken(language)
        assert [each.title for each in topics if spoken.topic(each.title) == each.title] == []


def test_a_text_is_never_markup_whatever_stands_in_it() -> None:
    spoken = Spoken("ru")

    assert spoken.text("100% of <b>%(this)s</b>") == "100% of &lt;b&gt;%(this)s&lt;/b&gt;"
    assert spoken.text("of %(this)s", this="<b>") == "of &lt;b&gt;"
    assert spoken.number_of("%(num)s of %(this)s", "%(num)s of %(this)s", 2, this="<i>") == "2 of &lt;i&gt;"
    assert spoken.text("") == ""


@pytest.mark.parametrize(("asked", "language", "title"), [
    ("ru-RU,ru;q=0.9,en;q=0.8", "ru", "Сегодня"),
    ("kk", "kk", "Бүгін"),
    ("de, fr;q=0.5", "en", "Today"),
    ("de, en;q=0.4, kk;q=0.7", "kk", "Бүгін"),
])  # fmt: skip
def test_a_page_speaks_the_language_that_the_browser_asks_for(
    at_desk: AtDesk, asked: str, language: str, title: str
) -> None:
    shown = at_desk.client.get("/", headers={"Accept-Language": asked})

    assert f'<html lang="{language}">' in shown.text
    assert re.search(rf"<h1[^>]*>{title}</h1>", shown.text)


def test_the_language_that_somebody_chose_holds_against_what_the_browser_asks_for(at_desk: AtDesk) -> None:
    csrf = _csrf(at_desk.client.get("/").text)

    answer = at_desk.client.post("/language", data={"language": "kk", "csrf": csrf})
    shown = at_desk.client.get("/", headers={"Accept-Language": "ru"})

    assert answer.status_code == 303
    assert '<html lang="kk">' in shown.text
    assert re.search(r'value="kk" lang="kk" aria-current="true"', shown.text)


def test_an_article_is_marked_with_its_own_language_and_direction(at_desk: AtDesk) -> None:
    shown = at_desk.client.get("/", headers={"Accept-Language": "ru"}).text

    assert re.search(r'dir="rtl"[^>]*lang="ar"[^>]*>(\s*<[^>]*>)*\s*استأنفت', shown)
    assert re.search(r'dir="auto"[^>]*lang="kk"[^>]*>(\s*<[^>]*>)*\s*Зауыт', shown)


def test_kazakh_runs_as_its_letters_do() -> None:
    assert [direction(each) for each in ("ru", "ar", "kk", None)] == ["ltr", "rtl", "auto", "auto"]


def test_there_is_a_catalogue_for_each_language_but_ours() -> None:
    assert set(TRANSLATED) == set(LANGUAGES) - {"en"}
    assert all(catalogue(language).is_file() for language in TRANSLATED)


def _csrf(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]*)"', page)
    assert found
    return found[1]
