"""What comes out of the jail is believed in nothing but its shape."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier import answers
from classifier.answers import MalformedError
from classifier.articles import Article, Contents
from classifier.errors import UnreadableArticleError

ARTICLE = Article(
    "Refinery restarts\nIt had stood still for a week.",
    "Refinery restarts",
    "2026-11-21T14:05+05:00",
    source="The Steppe Courier",
    author="A. Serik",
    url="https://courier.example/refinery",
    caveats=("encoding guessed: cp1251",),
)


def test_contents_come_back_as_they_were() -> None:
    contents = Contents((ARTICLE, Article("Only text.")), ("photo.png: a picture",))

    assert answers.contents(answers.of_contents(contents)) == contents


def test_a_failure_comes_back_as_the_error_it_was() -> None:
    answer = answers.of_failure(UnreadableArticleError("no text", "drop its text"))

    with pytest.raises(UnreadableArticleError) as failure:
        answers.contents(answer)

    assert (failure.value.reason, failure.value.mend) == ("no text", "drop its text")


def test_contents_without_an_article_are_a_failure() -> None:
    with pytest.raises(UnreadableArticleError, match="empty"):
        answers.contents(answers.of_contents(Contents(())))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'"reason"',
        b"{}",
        b'{"articles": []',
        b'{"articles": 7, "left_out": []}',
        b'{"articles": [7], "left_out": []}',
        b'{"articles": [{"text": 7}], "left_out": []}',
        b'{"reason": 7, "mend": "x"}',
        b'{"reason": "x"}',
        b"[" * 100_000,
        answers.of_contents(Contents((ARTICLE,))).replace(b'"left_out": []', b'"left_out": [7]'),
        answers.of_contents(Contents((ARTICLE,))).replace(b'"The Steppe Courier"', b'["x"]'),
    ],
)
def test_what_is_no_answer_is_refused(answer: bytes) -> None:
    with pytest.raises(MalformedError):
        answers.contents(answer)


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(answer: bytes) -> None:
    with pytest.raises((MalformedError, UnreadableArticleError)):
        answers.contents(answer)


def test_marks_that_do_not_belong_in_an_article_are_gone_from_every_field() -> None:
    dirty = "a\u202eb\0\ud800"
    given_ = {"text": dirty, "title": None, "caveats": [dirty], "date": None, "language": None}
    given_ |= {"given_id": dirty, "source": dirty, "author": dirty, "url": dirty}
    answer = json.dumps({"articles": [given_], "left_out": [dirty]}).encode()

    contents = answers.contents(answer)

    (article,) = contents.articles
    for text in (article.text, article.source, article.author, article.given_id):
        assert text == "ab\ufffd"
    assert article.url is None
    assert article.caveats == contents.left_out == ("ab\ufffd",)


def test_a_title_is_one_line_and_of_bounded_length() -> None:
    article = Article("x", "long " * 10_000)

    (found,) = answers.contents(answers.of_contents(Contents((article,)))).articles

    assert found.title is not None
    assert len(found.title) <= 2000
    assert found.text.startswith(found.title + "\n")


def test_a_language_is_a_code_or_nothing() -> None:
    answers_with = [Article("text", language=code) for code in ("kk", "x" * 50, "Kazakh")]

    found = answers.contents(answers.of_contents(Contents(tuple(answers_with)))).articles

    assert [article.language for article in found] == ["kk", None, None]


def test_an_article_of_which_nothing_is_left_costs_none_of_the_others() -> None:
    contents = Contents((Article("\x03"), ARTICLE))

    assert answers.contents(answers.of_contents(contents)).articles == (ARTICLE,)
    with pytest.raises(UnreadableArticleError, match="empty"):
        answers.contents(answers.of_contents(Contents((Article("\x03"),))))


@pytest.mark.parametrize(
    "address", ["https://ok.example/a|b><!channel>", "javascript:alert(1)", "https://a b", "ftp://a"]
)
def test_an_address_that_is_not_sound_is_none(address: str) -> None:
    (found,) = answers.contents(answers.of_contents(Contents((Article("text", url=address),)))).articles

    assert found.url is None
