"""An article: its id, its fingerprint, its headline."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.articles import Article, compose, shorten

TEXT = "Refinery restarts\nThe refinery in Atyrau restarted."


@pytest.mark.parametrize(
    "other",
    [
        "REFINERY RESTARTS\nThe refinery in Atyrau restarted.",
        "Refinery restarts\n\n  The refinery   in\tAtyrau restarted. \n",
        "Ｒefinery restarts The refinery in Atyrau restarted.",
    ],
)
def test_blanks_case_and_compatibility_forms_do_not_change_the_fingerprint(other: str) -> None:
    assert Article(other).fingerprint == Article(TEXT).fingerprint


@pytest.mark.parametrize("other", [TEXT + " Again.", TEXT.replace("Atyrau", "Aktau"), ""])
def test_another_text_has_another_fingerprint(other: str) -> None:
    assert Article(other).fingerprint != Article(TEXT).fingerprint


def test_an_id_that_came_with_the_article_is_kept() -> None:
    assert Article(TEXT, given_id="wire-17").id == "wire-17"
    assert Article(TEXT).id == Article(TEXT).fingerprint[:16]


def test_a_title_and_a_body_that_came_apart_are_one_text() -> None:
    article = compose("Refinery restarts", "The refinery in Atyrau restarted.", date="2026-03-05")

    assert article.text == TEXT
    assert article.title == "Refinery restarts"
    assert article.date == "2026-03-05"


def test_an_article_without_a_title_is_headed_by_its_opening_words() -> None:
    article = compose(None, "word " * 100 + "\nMore.")

    assert article.title is None
    assert article.headline.startswith("word word")
    assert article.headline.endswith("word…")


def test_a_text_is_cut_at_a_blank_where_one_is_near() -> None:
    assert shorten("Refinery restarts", 17) == "Refinery restarts"
    assert shorten("Refinery restarts today", 20) == "Refinery restarts…"
    assert shorten("Rindfleischetikettierung", 10) == "Rindfleis…"


@given(st.text(), st.integers(1, 200))
def test_a_shortened_text_is_never_longer_than_asked(text: str, most: int) -> None:
    short = shorten(text, most)

    assert len(short) <= most
    assert short == text or text.startswith(short.removesuffix("…"))


def test_a_long_text_has_the_fingerprint_of_its_words_as_a_short_one_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = ["Oil  rose\nby ﷺ ½ a cent. " * 50, "x" * 95 + "\n", " ".join(["é"] * 60)]
    whole = [Article(text).fingerprint for text in texts]

    monkeypatch.setattr("classifier.articles._FOLDED_AT_ONCE", 17)

    assert [Article(text).fingerprint for text in texts[::2]] == whole[::2]


def test_a_letter_that_becomes_eighteen_costs_no_more_memory_than_the_text() -> None:
    import tracemalloc

    article = Article("\ufdfa" * 1_000_000)
    tracemalloc.start()
    article.remember_fingerprint()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 4 * 4 * 1_000_000
