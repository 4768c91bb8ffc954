"""An article is cut into passages, and each knows where in the text it stands."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier import shipped
from classifier.articles import Article, compose
from classifier.boilerplate import is_boilerplate
from classifier.passages import LONGEST, passages, sentences
from classifier.reading import read_articles, read_bytes

SENTENCE = "The refinery in Atyrau resumed processing crude oil on Monday after a month of repairs."

PIECES = [
    "a",
    "Oil",
    "нефть",
    "النفط",
    "Dr",
    "5",
    ".",
    "!",
    "؟",
    "…",
    "»",
    ")",
    " ",
    "\n",
    "\t",
    "\u00a0",
    "💧",
    "e\u0301",
]
GENERATED = st.lists(st.sampled_from(PIECES), max_size=400).map("".join) | st.text(max_size=600)


def cut(paragraph: str) -> list[str]:
    return [paragraph[start:end].strip() for start, end in sentences(paragraph)]


@given(GENERATED)
def test_each_passage_is_the_stretch_of_the_text_that_it_says(text: str) -> None:
    article = Article(text)

    for passage in passages(article):
        assert article.text[passage.start : passage.end] == passage.text
        assert passage.text == passage.text.strip() != ""


@given(GENERATED.filter(lambda text: not any(map(is_boilerplate, text.split("\n")))))
def test_passages_cover_the_text_in_order_and_leave_only_blanks(text: str) -> None:
    place = 0
    for passage in passages(Article(text)):
        assert passage.start >= place
        assert not text[place : passage.start].strip()
        place = passage.end

    assert not text[place:].strip()


@given(GENERATED.map(lambda text: text.replace("\n", " ")))
def test_sentences_cover_their_paragraph_without_a_gap(paragraph: str) -> None:
    found = list(sentences(paragraph))

    assert "".join(paragraph[start:end] for start, end in found) == paragraph


def test_the_offsets_hold_in_every_shipped_seed() -> None:
    for path in sorted(shipped("seeds").iterdir()):
        for article in read_articles(read_bytes(path), path.name):
            found = passages(article)

            assert len(found) > 1
            assert all(article.text[p.start : p.end] == p.text for p in found)


def test_the_title_is_a_passage_of_its_own_and_marked() -> None:
    article = compose("Refinery restarts", f"{SENTENCE}\n\nRefinery restarts\n{SENTENCE}")

    found = passages(article)

    assert [passage.text for passage in found] == [
        "Refinery restarts",
        SENTENCE,
        "Refinery restarts",
        SENTENCE,
    ]
    assert [passage.is_title for passage in found] == [True, False, False, False]


def test_a_first_line_that_is_not_the_title_is_not_marked() -> None:
    assert [passage.is_title for passage in passages(Article(f"Refinery restarts\n{SENTENCE}"))] == [
        False,
        False,
    ]


def test_lines_around_the_text_are_no_passages_and_the_others_stand_where_they_stood() -> None:
    article = compose(
        "Oil rises", f"Photo: Reuters\n{SENTENCE}\n\n  Читайте также: Газ\n{SENTENCE}\nТеги: нефть"
    )

    found = passages(article)

    assert [passage.text for passage in found] == ["Oil rises", SENTENCE, SENTENCE]
    assert all(article.text[p.start : p.end] == p.text for p in found)


def test_a_title_is_a_passage_whatever_it_says() -> None:
    found = passages(compose("Advertisement", f"{SENTENCE}\nAdvertisement"))

    assert [(passage.text, passage.is_title) for passage in found] == [
        ("Advertisement", True),
        (SENTENCE, False),
    ]


def test_a_text_of_nothing_but_such_lines_is_kept() -> None:
    assert [passage.text for passage in passages(Article("Photo: Reuters\nFollow us on X"))] == [
        "Photo: Reuters",
        "Follow us on X",
    ]


def test_a_short_paragraph_stays_whole() -> None:
    paragraph = f"{SENTENCE} {SENTENCE}"

    assert [passage.text for passage in passages(Article(paragraph))] == [paragraph]


def test_a_long_paragraph_is_cut_at_sentence_ends() -> None:
    paragraph = " ".join(f"{SENTENCE} {number}" for number in range(20))

    found = passages(Article(paragraph))

    assert len(found) > 2
    assert all(len(passage.text) <= LONGEST for passage in found)
    assert all(passage.text.endswith("repairs.") for passage in found[:-1])


def test_a_short_sentence_is_not_left_alone() -> None:
    long = "Crude oil " + "and petrol " * 38 + "rose."

    assert [passage.text for passage in passages(Article(f"Yes. {long}"))] == [f"Yes. {long}"]


@pytest.mark.parametrize(
    ("paragraph", "first"),
    [
        ("Oil rose. Gas fell.", "Oil rose."),
        ("Oil rose! Gas fell.", "Oil rose!"),
        ("“Oil rose.” Gas fell.", "“Oil rose.”"),
        ("Нефть подорожала… Газ подешевел.", "Нефть подорожала…"),
        ("هل ارتفع النفط؟ انخفض الغاز.", "هل ارتفع النفط؟"),
        ("«Мұнай қымбаттады.» Газ арзандады.", "«Мұнай қымбаттады.»"),
        ("Oil rose. 12 wells opened.", "Oil rose."),
    ],
)
def test_sentences_end_at_full_stops_and_the_like(paragraph: str, first: str) -> None:
    assert cut(paragraph)[0] == first
    assert len(cut(paragraph)) == 2


@pytest.mark.parametrize(
    "paragraph",
    [
        "Mr. Sadykov visited the plant.",
        "B. Sadykov and E. Ivanova signed.",
        "It cost 5 млн. Долларов никто не видел.",
        "Добыто 90 млн. Тонн меньше, чем ждали.",
        "Ministers met at 3.5 per cent growth.",
        "Oil rose... and fell.",
        "Wells, pumps etc. were closed.",
    ],
)
def test_a_shortened_word_an_initial_or_a_number_ends_no_sentence(paragraph: str) -> None:
    assert cut(paragraph) == [paragraph]


@pytest.mark.parametrize("text", ["", "\n \n\t\n"])
def test_a_text_of_blanks_has_no_passages(text: str) -> None:
    assert passages(Article(text)) == ()


@pytest.mark.parametrize("stuff", ["oil ", "o", "oil, ", "нефть", "ﷺ", "a.b", "? ", ". ", "Oil!” "])
def test_a_megabyte_without_a_sentence_end_is_cut_quickly(stuff: str) -> None:
    text = stuff * (1_000_000 // len(stuff))

    started = time.perf_counter()
    found = passages(Article(text))

    assert time.perf_counter() - started < 20
    assert max(len(passage.text) for passage in found) <= 4 * LONGEST
    assert sum(passage.end - passage.start for passage in found) > 0.5 * len(text)
