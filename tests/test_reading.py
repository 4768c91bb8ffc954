"""Files become articles: plain text, digests, Markdown, JSON Lines; and what is refused."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

import pytest

from classifier import shipped
from classifier.articles import Article
from classifier.errors import UnreadableArticleError
from classifier.reading import LARGEST_FILE, articles_of_lines, read_articles, read_bytes, read_jsonl
from classifier.rules import Limits, Rules

DIGEST = "001_98a66882711a9a9f.txt"
BODY = "The refinery in Atyrau resumed processing crude oil on Monday after a month of repairs."


def read_one(text: str, name: str = "article.txt") -> Article:
    (article,) = read_articles(text.encode(), name)
    return article


def test_a_short_first_line_is_the_title() -> None:
    article = read_one(f"\n\nRefinery restarts \n\n{BODY}\n")

    assert article.title == "Refinery restarts"
    assert article.text == f"Refinery restarts \n\n{BODY}"
    assert article.language == "en"


@pytest.mark.parametrize(
    "opening",
    [
        "The refinery has restarted.",
        "Has the refinery restarted?",
        "هل عادت المصفاة؟",
        "He said:",
        "word " * 41,
    ],
)
def test_a_first_line_that_is_a_sentence_or_long_is_no_title(opening: str) -> None:
    article = read_one(f"{opening}\n{BODY}")

    assert article.title is None
    assert article.text.startswith(opening.strip())


def test_a_single_line_is_a_text_without_a_title() -> None:
    article = read_one("Refinery restarts\n")

    assert article.title is None
    assert article.text == "Refinery restarts"


@pytest.mark.parametrize(
    ("line", "date"),
    [
        ("2026-03-05", "2026-03-05"),
        ("05.03.2026", "2026-03-05"),
        ("5 March 2026", "2026-03-05"),
        ("March 5, 2026", "2026-03-05"),
    ],
)
def test_a_date_on_a_line_of_its_own_is_the_date(line: str, date: str) -> None:
    assert read_one(f"Refinery restarts\n{line}\n{BODY}").date == date
    assert read_one(f"Refinery restarts\n{BODY}\n{BODY}\n{BODY}\n{BODY}\n{BODY}\n {line} \n").date == date


@pytest.mark.parametrize("line", ["2026-02-30", "31.04.2026", "5 Marchember 2026", "On 2026-03-05 it did"])
def test_what_only_looks_like_a_date_is_none(line: str) -> None:
    assert read_one(f"Refinery restarts\n{line}\n{BODY}").date is None


def test_a_press_service_digest_is_nine_articles_each_with_its_moment() -> None:
    articles = read_articles(read_bytes(shipped("seeds") / DIGEST), DIGEST)

    assert [article.date for article in articles] == [
        "2026-03-05T19:58",
        "2026-03-05T15:20",
        "2026-03-03T18:11",
        "2026-03-02T14:51",
        "2026-03-02T10:19",
        "2026-02-27T13:04",
        "2026-02-27T09:10",
        "2026-02-26T15:11",
        "2026-02-26T11:20",
    ]
    assert len({article.id for article in articles}) == 9
    assert articles[0].title == "Senate Speaker extends Kazakh President’s condolences to the people of Iran"


def test_no_line_of_a_digest_is_lost_or_told_twice() -> None:
    data = read_bytes(shipped("seeds") / DIGEST)

    lines = [line.strip() for a in read_articles(data, DIGEST) for line in a.text.split("\n") if line.strip()]

    source = [line.strip() for line in data.decode().splitlines() if line.strip()]
    assert lines == [line for line in source if not re.fullmatch(r"\d\d\.\d\d\.\d{4}, \d\d:\d\d \d+", line)]


def test_what_stands_before_the_first_date_line_is_an_article_too() -> None:
    text = f"Refinery restarts\n{BODY}\n05.03.2026, 15:20 4496\nPort opens\nThe port opened.\n"

    first, second = read_articles(text.encode(), "digest.txt")

    assert (first.title, first.date) == ("Refinery restarts", None)
    assert (second.title, second.date) == ("Port opens", "2026-03-05T15:20")


def test_an_impossible_moment_still_parts_a_digest() -> None:
    text = f"45.13.2026, 15:20 1\nRefinery restarts\n{BODY}\n05.03.2026, 15:20 2\nPort opens\nIt opened.\n"

    articles = read_articles(text.replace("\n", "\r\n").encode(), "digest.txt")

    assert [article.date for article in articles] == [None, "2026-03-05T15:20"]


def test_a_date_line_without_an_article_gives_none() -> None:
    text = f"05.03.2026, 15:20 1\n\n04.03.2026, 15:20 2\nRefinery restarts\n{BODY}\n"

    assert [article.title for article in read_articles(text.encode(), "a.txt")] == ["Refinery restarts"]


@pytest.mark.parametrize("text", ["", " \n ", "05.03.2026, 15:20 4496\n", "\ufeff"])
@pytest.mark.parametrize("name", ["a.txt", "a.md"])
def test_a_file_without_an_article_is_refused(text: str, name: str) -> None:
    if text.startswith("05") and name == "a.md":
        text = "---\n---\n"

    with pytest.raises(UnreadableArticleError, match="empty; drop it again when there is text in it"):
        read_articles(text.encode(), name)


def test_a_text_longer_than_any_article_is_refused() -> None:
    data = b"oil " * (Limits().characters // 4 + 1)

    with pytest.raises(UnreadableArticleError, match="longer than 4,194,304 characters; part it"):
        read_articles(data, "a.txt")


def test_markdown_is_read_without_its_markup() -> None:
    text = (
        "# Refinery *restarts*\n\n"
        "The [refinery](https://example.org/r?a=1) in **Atyrau**\nresumed `crude` oil.\n\n"
        "- Petrol output\n- ![A tank](tank.png)\n\n> The ministry said so.\n\n```\nA = 1\n```\n"
    )

    article = read_one(text, "article.MD")

    assert article.title == "Refinery restarts"
    assert article.text.split("\n") == [
        "Refinery restarts",
        "The refinery in Atyrau resumed crude oil.",
        "Petrol output",
        "A tank",
        "The ministry said so.",
        "A = 1",
    ]


def test_the_same_bytes_are_plain_text_under_another_name() -> None:
    assert read_one(f"# Refinery\n{BODY}", "article.txt").title == "# Refinery"


@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_front_matter_gives_title_and_date(line_break: str) -> None:
    text = f'---\nTitle: "Refinery: restart"\ndate: 2026-03-05\ntags:\n---\n\n{BODY}\n'

    article = read_one(text.replace("\n", line_break), "article.md")

    assert article.title == "Refinery: restart"
    assert article.date == "2026-03-05"
    assert article.text == f"Refinery: restart\n{BODY}"
    assert article.language == "en"


def test_a_title_that_is_also_the_heading_stands_once() -> None:
    article = read_one(f"---\ntitle: Refinery restarts\n---\n# Refinery restarts\n\n{BODY}\n", "a.md")

    assert article.text == f"Refinery restarts\n{BODY}"


def test_front_matter_that_never_ends_is_text() -> None:
    article = read_one(f"---\ntitle: Refinery\n\n{BODY}\n", "a.md")

    assert "title: Refinery" in article.text
    assert BODY in article.text


def test_hostile_markdown_ends_quickly() -> None:
    started = time.perf_counter()
    for mark in ("[", "**a ", "![", "` "):
        read_one(mark * 5_000 + " oil", "a.md")

    assert time.perf_counter() - started < 20


def test_html_in_markdown_is_text_and_not_markup() -> None:
    assert read_one("A <b>tank</b>\n", "a.md").text == "A <b>tank</b>"
    assert "Oil rose." in read_one("<div>\nOil rose.\n</div>\n", "a.md").text


def test_each_line_of_json_lines_is_an_article(tmp_path: Path) -> None:
    path = tmp_path / "articles.jsonl"
    rows = [
        {"id": "w-1", "title": "Refinery restarts", "text": BODY, "date": "2026-03-05", "lang": "en"},
        {"id": 0, "text": "Завод в Атырау возобновил переработку нефти, сообщили в министерстве."},
        {"text": f"{BODY}\u2028More."},
    ]
    path.write_text("\n\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")

    first, second, third = read_jsonl(path)

    assert (first.id, first.title, first.date, first.language) == (
        "w-1",
        "Refinery restarts",
        "2026-03-05",
        "en",
    )
    assert first.text == f"Refinery restarts\n{BODY}"
    assert (second.id, second.title, second.language) == ("0", None, "ru")
    assert third.text == f"{BODY}\nMore."
    assert third.id == third.fingerprint[:16]


def test_a_text_in_json_lines_is_cleaned_like_one_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "articles.jsonl"
    path.write_text(
        '{"text": "Oil \\u202e\\u0007price\\r\\nrose \\ud800", "title": "A\\u001b[31m"}\n', encoding="utf-8"
    )

    (article,) = read_jsonl(path)

    assert article.text == "A[31m\nOil price\nrose \ufffd"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("not json", "not JSON"),
        ('{"text": "Oil', "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", 'no "text" in it'),
        ('"text"', 'no "text" in it'),
        ('{"title": "Oil"}', 'no "text" in it'),
    ],
)
def test_a_bad_line_of_json_lines_is_named(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "articles.jsonl"
    path.write_text(f'{{"text": "Oil."}}\n\n{line}\n', encoding="utf-8")
    articles = read_jsonl(path)
    next(articles)

    with pytest.raises(UnreadableArticleError) as caught:
        next(articles)

    assert str(caught.value).startswith(f"{path}:3: {reason}")
    assert "\n" not in str(caught.value)


def test_the_bytes_of_a_file_are_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "article.txt"
    path.write_bytes(b"\x00\xff\r\n" * 1000)

    assert read_bytes(path) == b"\x00\xff\r\n" * 1000


def test_a_link_is_refused_wherever_it_leads(tmp_path: Path) -> None:
    target = tmp_path / "target.txt"
    target.write_text(BODY)
    for name, end in (
        ("link.txt", target),
        ("dangling.txt", tmp_path / "nothing"),
        ("loop.txt", tmp_path / "loop.txt"),
    ):
        (tmp_path / name).symlink_to(end)

        with pytest.raises(UnreadableArticleError, match="a symbolic link; drop the file itself"):
            read_bytes(tmp_path / name)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "article.txt"
    os.mkfifo(pipe)

    started = time.perf_counter()
    with pytest.raises(UnreadableArticleError, match="not a regular file"):
        read_bytes(pipe)

    assert time.perf_counter() - started < 20


def test_a_device_is_refused() -> None:
    with pytest.raises(UnreadableArticleError, match="not a regular file"):
        read_bytes(Path("/dev/zero"))


def test_a_file_larger_than_any_article_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "article.txt"
    path.touch()
    os.truncate(path, LARGEST_FILE + 1)

    with pytest.raises(UnreadableArticleError, match="larger than 64 MiB; part it into smaller files"):
        read_bytes(path)


def test_a_file_that_has_gone_may_come_back_so_it_is_not_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"gone\.txt"):
        read_bytes(tmp_path / "gone.txt")


def test_refused_files_are_closed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    before = len(os.listdir("/proc/self/fd"))

    for _ in range(50):
        with pytest.raises(UnreadableArticleError):
            read_bytes(tmp_path / "pipe")

    assert len(os.listdir("/proc/self/fd")) < before + 25


def test_lines_have_their_texts_where_the_rules_say(tmp_path: Path) -> None:
    lines = [
        '{"story": {"head": "Oil", "words": "Brent rose."}, "text": "not this"}',
        '{"words": "nor this"}',
    ]
    rules, refused = Rules(text_fields=("story.words",), title_fields=("story.head",)), list[Exception]()

    (article,) = articles_of_lines(lines, "a.jsonl", 1, refused.append, rules)

    assert article.text == "Oil\nBrent rose."
    assert [str(each).partition(";")[0] for each in refused] == ['a.jsonl:2: no "story.words" in it']


def test_lines_of_a_news_service_are_found_by_its_own_names() -> None:
    line = '{"fields": {"headline": "Oil", "body": "<p>Brent rose.</p><p>Gas fell.</p>"}, "webUrl": "https://a.example/1"}'

    (article,) = articles_of_lines([line], "a.jsonl")

    assert (article.text, article.title) == ("Oil\nBrent rose.\nGas fell.", "Oil")
    assert article.url == "https://a.example/1"
