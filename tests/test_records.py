"""JSON becomes articles, whatever its keys are called and however it is wrapped."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from classifier.articles import Article, Contents
from classifier.errors import UnreadableArticleError
from classifier.formats.kinds import Format
from classifier.formats.opening import open_as
from classifier.reading import Reader
from classifier.rules import Limits, Rules

TEXT = "It stood still for a week."


def read(given: object, name: str = "a.json", rules: Rules | None = None) -> Contents:
    data = given if isinstance(given, bytes) else json.dumps(given, ensure_ascii=False).encode()
    format = Format.JSONL if name.endswith(".jsonl") else Format.JSON
    return open_as(format, data, name, rules or Rules())


def one(given: object, **more: Any) -> Article:
    [article] = read(given, **more).articles
    return article


def reason(given: object, name: str = "a.json") -> str:
    with pytest.raises(UnreadableArticleError) as raised:
        read(given, name)
    return raised.value.reason


def test_all_that_a_record_says_is_read() -> None:
    article = one(
        {
            "id": 7,
            "title": " Refinery\n stands still ",
            "text": f"{TEXT}\n\nPrices rose.",
            "date": "2026-03-07T12:00:00+05:00",
            "url": "https://news.example/7",
            "source": "Wire",
            "author": "A. Reporter",
            "lang": "en",
        }
    )

    assert article == Article(
        text=f"Refinery stands still\n{TEXT}\nPrices rose.",
        title="Refinery stands still",
        date="2026-03-07T12:00:00+05:00",
        language="en",
        given_id="7",
        source="Wire",
        author="A. Reporter",
        url="https://news.example/7",
    )


def test_what_is_not_sound_is_unknown() -> None:
    article = one(
        {
            "text": TEXT,
            "id": True,
            "title": ["a"],
            "date": "soon",
            "url": "javascript:alert(1)",
            "source": 5,
            "author": {"name": None},
            "lang": "xx",
        }
    )

    assert article == Article(TEXT)


@pytest.mark.parametrize(
    ("given", "language"), [("en-US", "en"), ("kk_KZ", "kk"), ("русский", None), ("e", None)]
)
def test_a_language_is_a_code_or_unknown(given: str, language: str | None) -> None:
    assert one({"text": TEXT, "language": given}).language == language


RECORD = {"title": "Refinery", "text": TEXT}


@pytest.mark.parametrize(
    "whole",
    [
        RECORD,
        [RECORD],
        {"articles": [RECORD]},
        {"status": "ok", "data": {"items": [RECORD]}},
        {"response": {"results": [RECORD]}},
        {"hits": {"total": 1, "hits": [{"_id": "1", "_source": RECORD}]}},
        {"title": "A search", "tags": [{"name": "oil"}], "found": [RECORD]},
    ],
)
def test_records_are_found_where_they_are(whole: object) -> None:
    assert one(whole).text == f"Refinery\n{TEXT}"


def test_newsapis_answers_are_read() -> None:
    article = one(
        {
            "status": "ok",
            "totalResults": 1,
            "articles": [
                {
                    "source": {"id": "wire", "name": "The Wire"},
                    "author": "By A. Reporter",
                    "title": "Refinery",
                    "description": "Short.",
                    "url": "https://wire.example/1",
                    "publishedAt": "2026-03-07T12:00:00+00:00",
                    "content": f"{TEXT} Prices… [+1234 chars]",
                }
            ],
        }
    )

    assert article.text == f"Refinery\n{TEXT} Prices…"
    assert (article.source, article.author) == ("The Wire", "A. Reporter")
    assert article.date == "2026-03-07T12:00:00+00:00"
    assert article.caveats == ("cut short by its source",)


def test_the_guardians_answers_are_read() -> None:
    result = {
        "id": "business/1",
        "webTitle": "Refinery",
        "webUrl": "https://guardian.example/1",
        "webPublicationDate": "2026-03-07T12:00:00+00:00",
        "fields": {"bodyText": TEXT, "byline": "A. Reporter"},
    }

    article = one({"response": {"status": "ok", "results": [result]}})

    assert (article.text, article.author) == (f"Refinery\n{TEXT}", "A. Reporter")
    assert (article.url, article.date) == ("https://guardian.example/1", "2026-03-07T12:00:00+00:00")


@pytest.mark.parametrize(
    "body", [{"body_text": TEXT}, {"body_html": f"<p>{TEXT}</p>"}, {"bodies": [{"value": f"<p>{TEXT}</p>"}]}]
)
def test_ninjs_is_read(body: dict[str, object]) -> None:
    article = one(
        {
            "uri": "urn:1",
            "headline": "Refinery",
            "versioncreated": "2026-03-07T12:00:00+05:00",
            "byline": "A. Reporter",
            "language": "en",
            **body,
        }
    )

    assert (article.text, article.given_id) == (f"Refinery\n{TEXT}", "urn:1")
    assert (article.author, article.date, article.language) == (
        "A. Reporter",
        "2026-03-07T12:00:00+05:00",
        "en",
    )


def test_an_article_of_schema_org_is_read() -> None:
    article = one(
        {
            "@type": "NewsArticle",
            "headline": "Refinery",
            "articleBody": TEXT,
            "datePublished": "2026-03-07",
            "author": [{"name": "A"}, {"name": "B"}],
            "publisher": {"name": "Wire"},
            "mainEntityOfPage": {"@id": "https://wire.example/1"},
        }
    )

    assert (article.author, article.source, article.url) == ("A, B", "Wire", "https://wire.example/1")


def test_markup_in_a_text_is_taken_away() -> None:
    article = one(
        {"title": "Oil <i>up</i>", "text": "<p>One <b>two</b></p><p>Three &amp; four</p><script>x()</script>"}
    )

    assert article.text == "Oil up\nOne two\nThree & four"


def test_a_text_that_compares_numbers_keeps_them() -> None:
    assert one({"text": "2 < 3 and 5 > 4 & so on"}).text == "2 < 3 and 5 > 4 & so on"


def test_a_text_in_paragraphs_is_one_text() -> None:
    assert one({"text": ["One.", "Two."]}).text == "One.\nTwo."


def test_the_owners_keys_go_first() -> None:
    rules = Rules(title_fields=("meta.head",), text_fields=("meta.story", "lead"))

    article = one({"meta": {"head": "Own", "story": TEXT}, "lead": "No", "text": "No"}, rules=rules)

    assert article.text == f"Own\n{TEXT}"


def test_records_without_text_are_left_out_with_their_place() -> None:
    found = read([RECORD, {"title": "No text"}, "a string", RECORD])

    assert len(found.articles) == 2
    assert found.left_out == ("record 2: no text", "record 3: not an object")


def test_lines_that_are_broken_are_left_out_with_their_place() -> None:
    data = b'{"text": "One."}\n\n{"text": \n{"title": "x"}\n{"text": "Two\xe2\x80\xa8lines."}\n'

    found = read(data, "a.jsonl")

    assert [each.text for each in found.articles] == ["One.", "Two\nlines."]
    assert found.left_out == ("line 3: not JSON: Expecting value, where it ends too early", "line 4: no text")


def test_lines_are_read_under_the_name_of_json_as_well() -> None:
    assert len(read(b'{"text": "One."}\n{"text": "Two."}\n').articles) == 2


def test_a_list_is_read_under_the_name_of_lines_as_well() -> None:
    assert len(read(b'[{"text": "One."},\n{"text": "Two."}]\n', "a.jsonl").articles) == 2


def test_who_finds_no_text_says_which_keys_were_looked_for_and_which_are_there() -> None:
    said = reason([{"heading": "x", "story": TEXT}])

    assert said.startswith("no text: looked for text, body, content, articleBody, ")
    assert said.endswith("; there are heading, story")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"text": "a",\n"title": }', "not JSON: Expecting value at line 2"),
        (b'[{"text": "a"},\n{"text": "ab', "not JSON: Unterminated string starting at line 2"),
        (b'{"text": "a",\n"b": [1', "not JSON: Expecting ',' delimiter at line 2, where it ends too early"),
        (b"[" * 100_000, "not JSON that we read: nested too deep"),
        (b'{"a":' * 100_000, "not JSON that we read: nested too deep"),
        (b'"text"', "no text: neither an object nor a list of them"),
        (b" \n", "empty"),
        (b'{"text": "' + b"word " * 1_000_000 + b'"}', "longer than 4,194,304 characters"),
        (b"[" + b"{}," * 60_000 + b"{}]", "more than 50,000 records"),
    ],
)
def test_what_is_wrong_is_said(data: bytes, said: str) -> None:
    started = time.process_time()

    assert reason(data) == said
    assert time.process_time() - started < 20


def test_two_million_broken_lines_are_given_up() -> None:
    assert reason(b"x\n" * 2_000_000, "a.jsonl") == "more than 50,000 records"


def test_numbers_that_are_none_and_keys_that_come_twice_stop_nothing() -> None:
    digits = b"9" * 10_000_000

    article = one(b'{"id": ' + digits + b', "date": NaN, "x": -Infinity, "text": "first", "text": "last"}')

    assert (article.text, article.given_id, article.date) == ("last", None, None)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32-be"])
def test_json_is_read_in_any_unicode(encoding: str) -> None:
    assert one('{"title": "Завод", "text": "Стоял."}'.encode(encoding)).text == "Завод\nСтоял."


def test_another_encoding_is_guessed_and_said() -> None:
    text = "Нефтеперерабатывающий завод стоял целую неделю, сообщило министерство энергетики в субботу."

    article = one(f'{{"text": "{text}"}}'.encode("cp1251"))

    assert article.text == text
    assert article.caveats[0].startswith("encoding guessed: ")


def test_the_caps_are_the_owners() -> None:
    with pytest.raises(UnreadableArticleError):
        read([RECORD, RECORD], rules=Rules(Limits(characters=50)))


def test_records_and_lines_are_read_in_the_jail() -> None:
    reader = Reader()
    try:
        found = reader.read(json.dumps([{"text": "<p>One</p>"}]).encode(), "a.json")
        cyrillic = reader.read('{"text": "Нефть дорожает третий день подряд."}'.encode("cp1251"), "a.json")
        lines = reader.read(b'{"text": "Two", "date": "Sat, 07 Mar 2026 12:00:00 +0500"}\n', "a.jsonl")
    finally:
        reader.close()

    assert found.articles[0].text == "One"
    assert cyrillic.articles[0].text == "Нефть дорожает третий день подряд."
    assert (lines.articles[0].text, lines.articles[0].date) == ("Two", "2026-03-07T12:00:00+05:00")
