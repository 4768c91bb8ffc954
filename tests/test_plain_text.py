"""Plain text becomes articles: parted as its owner says, its lines whole, its heading found."""

from __future__ import annotations

import textwrap
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier import separators, shipped
from classifier.articles import Article
from classifier.errors import UnreadableArticleError
from classifier.reading import Reader, read_articles, read_bytes
from classifier.rules import Limits, Rules

BODY = "The refinery in Atyrau resumed processing crude oil on Monday after a month of repairs."
WIRE = (r"=== (?P<title>.+) \((?P<date>[\d.]+)\) ===", r"-{5,}")
PARAGRAPHS = {
    "en": (
        "The refinery in Atyrau resumed processing crude oil on Monday after a month of repairs, its owner"
        " said. Petrol output will be back to what it was within days, and the price will not rise before"
        " spring. Drivers in the west of the country had queued for hours.",
        "The ministry of energy promised a review of all three refineries by the end of the year. Its"
        " first findings are expected in parliament on Thursday, together with the plan for next year.",
    ),
    "ru": (
        "Завод в Атырау возобновил переработку нефти в понедельник после месяца ремонта, сообщил его"
        " владелец. Выпуск бензина вернётся к прежнему уровню за несколько дней, и до весны цена не"
        " вырастет. Водители на западе страны часами стояли в очередях.",
        "Министерство энергетики обещало проверить все три завода до конца года. Первые выводы ждут в"
        " парламенте в четверг вместе с планом на следующий год, сказал представитель ведомства.",
    ),
    "ar": (
        "استأنفت مصفاة النفط في أتيراو تكرير الخام يوم الاثنين بعد شهر من أعمال الصيانة كما أعلن مالكها"
        " وسيعود إنتاج البنزين إلى مستواه السابق خلال أيام قليلة ولن ترتفع الأسعار قبل الربيع بحسب"
        " الوزارة بينما انتظر السائقون في غرب البلاد ساعات طويلة.",
        "ووعدت وزارة الطاقة بمراجعة المصافي الثلاث كلها قبل نهاية العام الجاري وينتظر أن تعرض النتائج"
        " الأولى على البرلمان يوم الخميس المقبل مع خطة العام التالي كما قال المتحدث.",
    ),
}


def read(text: str, *patterns: str) -> tuple[Article, ...]:
    return Reader(Rules(separators=patterns)).read(text.encode(), "a.txt").articles


def test_articles_are_parted_at_the_lines_that_the_owner_named() -> None:
    text = f"=== Oil rises (05.03.2026) ===\n{BODY}\n=== Gas falls (06.03.2026) ===\r\n\r\n{BODY}\n"

    first, second = read(text, *WIRE)

    assert (first.title, first.date, first.text) == ("Oil rises", "2026-03-05", f"Oil rises\n{BODY}")
    assert (second.title, second.date, second.text) == ("Gas falls", "2026-03-06", f"Gas falls\n{BODY}")


def test_a_separator_that_names_nothing_leaves_the_heading_to_the_text() -> None:
    first, second = read(f"Oil rises\n5 March 2026\n{BODY}\n----------\nGas falls\n{BODY}\n", *WIRE)

    assert (first.title, first.date) == ("Oil rises", "2026-03-05")
    assert (second.title, second.date) == ("Gas falls", None)


def test_what_stands_before_the_first_separator_is_an_article_if_it_has_letters() -> None:
    assert [a.title for a in read(f"Oil rises\n{BODY}\n-----\nGas falls\n{BODY}", *WIRE)] == [
        "Oil rises",
        "Gas falls",
    ]
    assert [a.title for a in read(f"* * *\n2026\n-----\nGas falls\n{BODY}", *WIRE)] == ["Gas falls"]


def test_a_title_with_no_text_under_it_is_not_lost() -> None:
    first, second = read(f"=== Oil rises (05.03.2026) ===\n=== Gas falls (06.03.2026) ===\n{BODY}", *WIRE)

    assert (first.text, first.date) == ("Oil rises", "2026-03-05")
    assert second.text == f"Gas falls\n{BODY}"


def test_a_date_that_is_none_is_unknown() -> None:
    (article,) = read(f"=== Oil rises (45.13.2026) ===\n{BODY}", *WIRE)

    assert article.date is None


@pytest.mark.parametrize("text", [f"Oil rises\n{BODY}", f"Oil rises ----- or not\n{BODY}"])
def test_a_file_without_a_separator_is_one_article(text: str) -> None:
    assert [article.text for article in read(text, *WIRE)] == [text]


def test_a_digest_is_still_parted_where_an_owner_has_separators() -> None:
    name = "001_98a66882711a9a9f.txt"
    data = read_bytes(shipped("seeds") / name)

    assert Reader(Rules(separators=WIRE)).read(data, name).articles == read_articles(data, name)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "missing )"),
        ("a)(?:b", "unexpected )"),
        ("(?=x)", "invalid perl operator"),
        (r"(.)\1", "invalid escape sequence"),
        ("(?P<titel>.+):", "no group is named 'titel', only title and date"),
        (" *", "matches an empty line"),
        ("", "matches an empty line"),
    ],
)
def test_a_pattern_that_cannot_part_articles_is_named_in_one_line(pattern: str, reason: str) -> None:
    with pytest.raises(ValueError, match="separator") as caught:
        separators.check(pattern)

    assert repr(pattern) in str(caught.value)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_pattern_never_reaches_beyond_its_line() -> None:
    assert [a.text for a in read(f"Oil\n{BODY}", r"Oil\s*The.*")] == [f"Oil\n{BODY}"]
    assert [a.text for a in read(f"Oil\n{BODY}", r"(?s)Oil.*")] == [BODY]


def test_a_careless_pattern_does_not_hold_up_a_hostile_file() -> None:
    started = time.perf_counter()
    with pytest.raises(UnreadableArticleError, match="more than 2,000 articles"):
        read("a\n" * 1_000_000, "(a+)+")
    read(f"{'a' * 2_000_000}!", "(a+)+$", "(a|aa)+")

    assert time.perf_counter() - started < 20


def test_a_file_of_more_bytes_than_a_text_may_have_is_not_even_decoded() -> None:
    reader = Reader(Rules(Limits(characters=1000)))

    with pytest.raises(UnreadableArticleError, match="longer than 1,000 characters"):
        reader.read(b"\xe9" * 5000, "a.txt")


@pytest.mark.parametrize("language", PARAGRAPHS)
@pytest.mark.parametrize("width", [60, 72, 80])
def test_lines_broken_to_a_width_are_paragraphs_again(language: str, width: int) -> None:
    paragraphs = PARAGRAPHS[language] * 2
    broken = "\n\n".join(textwrap.fill(each, width) for each in paragraphs)

    (article,) = read(f"{broken}\n")

    assert article.text.split("\n") == list(paragraphs)


@pytest.mark.parametrize("language", PARAGRAPHS)
def test_a_title_above_broken_lines_stays_the_title(language: str) -> None:
    title = PARAGRAPHS[language][0][:30].rpartition(" ")[0]
    broken = "\n\n".join(textwrap.fill(each, 72) for each in PARAGRAPHS[language])

    (article,) = read(f"{title}\n\n{broken}\n")

    assert article.title == title
    assert article.text.split("\n") == [title, *PARAGRAPHS[language]]


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(PARAGRAPHS["en"]),
        "\n\n".join(PARAGRAPHS["ru"]),
        # A sentence a line, headlines, a table: each line ends where it means to.
        "\n".join(
            f"The price of wheat rose by {n} per cent in the market of Aktau on Monday." for n in range(30)
        ),
        "\n".join(f"{'Wheat ' * (n % 9 + 3)}rises in market {n}" for n in range(30)),
        "\n".join(f"{name:<40}{n:>10}{n * 7:>12}" for n, name in enumerate(["Wheat", "Barley", "Oil"] * 8)),
        "Oil rises\n" + "\n".join(f"{word} went up again at noon" for word in ("Oil", "Gas", "Coal") * 4),
    ],
)
def test_a_text_with_a_paragraph_a_line_is_left_as_it_is(text: str) -> None:
    assert [article.text for article in read(text)] == [text.strip()]


def test_the_shipped_seeds_are_read_to_the_letter() -> None:
    for path in sorted(shipped("seeds").iterdir()):
        data = read_bytes(path)
        lines = [line.strip() for a in read_articles(data, path.name) for line in a.text.split("\n")]

        assert {line for line in lines if line} <= {line.strip() for line in data.decode().split("\n")}


def test_what_says_where_in_a_site_it_stood_is_no_title() -> None:
    (article,) = read(f"Home › News › Energy\n21 November 2026, 14:05\nOil rises\nPhoto: Reuters\n{BODY}")

    assert (article.title, article.date) == ("Oil rises", "2026-11-21T14:05")
    assert article.text == f"Oil rises\nPhoto: Reuters\n{BODY}"


@pytest.mark.parametrize("line", ["Advertisement", "2026-11-21"])
def test_a_text_of_one_such_line_is_still_a_text(line: str) -> None:
    assert [article.text for article in read(line)] == [line]


def test_a_guess_at_the_encoding_is_a_caveat_of_every_article() -> None:
    data = (
        "05.03.2026, 15:20 1\nНефть дорожает\nЦена выросла.\n06.03.2026, 15:20 2\nГаз дешевеет\nЦена упала."
    )

    articles = read_articles(data.encode("koi8_r"), "a.txt")

    assert [article.caveats for article in articles] == [("encoding guessed: koi8-r",)] * 2


@pytest.mark.parametrize(
    "stuff",
    ["2026-11-21\n", "Advertisement\n", "\n", "a\n\n", "05.03.2026, 15:20 4496\n", "ab cd " * 10 + "\n"],
)
def test_a_file_of_many_like_lines_is_read_quickly(stuff: str) -> None:
    started = time.perf_counter()
    for name in ("a.txt",):
        try:
            Reader().read((stuff * (2_000_000 // len(stuff)) + "Oil rises").encode(), name)
        except UnreadableArticleError as error:
            assert "more than 2,000 articles" in error.reason

    assert time.perf_counter() - started < 20


@given(st.text(max_size=300))
def test_every_article_of_any_text_begins_with_its_title(text: str) -> None:
    try:
        articles = read(text, *WIRE)
    except UnreadableArticleError:
        return
    for article in articles:
        assert article.text.strip()
        assert article.title is None or article.text.split("\n")[0].strip() == article.title


def test_a_title_has_no_tab_in_it() -> None:
    (article,) = read("Oil\trises\nBrent gained two per cent.\n")

    assert article.title == "Oil rises"
    assert article.text.startswith("Oil rises\nBrent")
