"""Sound files as real programs make them: their words, titles, dates and languages come back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from classifier.articles import Article, compose
from tests.formats import expecting
from tests.formats.judging import Readers, faults, judge
from tests.formats.measuring import measure
from tests.formats.table import FILES
from tests.formats.texts import TEXTS

EXPECTED = expecting.load()


@pytest.fixture(scope="module")
def readers() -> Iterator[Readers]:
    with Readers(EXPECTED) as readers:
        yield readers


@pytest.mark.parametrize("expected", [pytest.param(each, id=each["file"]) for each in EXPECTED])
def test_a_sound_file_gives_its_words_and_what_it_says_of_itself(
    expected: dict[str, Any], readers: Readers
) -> None:
    _, complaints = judge(readers.reader(expected), expected)

    assert not complaints


def test_what_is_expected_is_what_the_table_says() -> None:
    assert [each["file"] for each in EXPECTED] == [made.name for made in FILES]
    assert [json.loads(expecting.line(made)) for made in FILES] == EXPECTED


def test_the_files_are_many_and_small() -> None:
    sizes = [(expecting.MADE / made.name).stat().st_size for made in FILES]

    assert len(sizes) >= 80
    assert max(sizes) <= 100_000
    assert sum(sizes) <= 4_000_000


GRAIN = TEXTS["grain-en"]
SOUND = next(each for each in EXPECTED if each["file"] == "grain-meta.html")["articles"][0]
TOLD = {name: SOUND[name] for name in ("date", "language", "source", "author", "url")}


def an_article(*paragraphs: str, **changes: Any) -> Article:
    return replace(compose(GRAIN.title, "\n".join(paragraphs), **TOLD), **changes)


def test_an_article_as_it_was_written_has_no_faults() -> None:
    assert faults(measure(an_article(*GRAIN.paragraphs), SOUND)) == []


@pytest.mark.parametrize(
    ("article", "fault"),
    [
        (an_article(*GRAIN.paragraphs[1:]), "words recovered"),
        (an_article(*GRAIN.paragraphs, "Accept all cookies and read our privacy policy"), "foreign words"),
        (an_article(*GRAIN.paragraphs[4:], *GRAIN.paragraphs[:4]), "words in order"),
        (an_article(*GRAIN.paragraphs[:2], " ".join(GRAIN.paragraphs[2:])), "paragraphs"),
        (an_article(*GRAIN.paragraphs, language="fr"), "language"),
        (an_article(*GRAIN.paragraphs, date="2026-08-14"), "date"),
        (an_article(*GRAIN.paragraphs, date="2026-08-14T10:20:00+03:00"), "date"),
        (an_article(*GRAIN.paragraphs, date=None), "date"),
        (an_article(*GRAIN.paragraphs, source="A site"), "source"),
        (an_article(*GRAIN.paragraphs, author=None), "author"),
    ],
)
def test_what_falls_short_is_named(article: Article, fault: str) -> None:
    [said] = faults(measure(article, SOUND))

    assert said.startswith(fault)


def test_a_field_that_a_file_does_not_tell_may_be_unknown_but_not_wrong() -> None:
    untold = SOUND | {"date": None, "author": None}

    assert faults(measure(an_article(*GRAIN.paragraphs, date=None, author=None), untold)) == []
    assert faults(measure(an_article(*GRAIN.paragraphs), untold)) == []
    assert faults(measure(an_article(*GRAIN.paragraphs, date="2026-11-22"), untold)) != []
