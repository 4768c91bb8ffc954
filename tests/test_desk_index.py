"""The index: what is found by words and facts, whatever is asked, and what becomes of a harmed file."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from daemon.desk import indexfile
from daemon.desk.index import EVERYTHING, START, Entry, Index, IndexFailure, Position, TooSlowError
from daemon.desk.matching import Filter
from daemon.desk.words import words

NEWEST = 2**62


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    found = Index(tmp_path / "desk.db")
    yield found
    found.close()


def make_entry(article: int, text: str = "A text.", **changes: Any) -> Entry:
    values: dict[str, Any] = {
        "article": article,
        "title": "",
        "text": text,
        "language": "en",
        "source": "wire.example",
        "day": "2026-11-22",
        "grades": {},
        "alerted": False,
    }
    return Entry(**{**values, **changes})


def take_up(index: Index, *entries: Entry) -> None:
    before = index.position()
    after = Position(max([before.article, *(entry.article for entry in entries)]), "f")
    assert index.write(entries, after, after=before)


def find(index: Index, text: str = "", **wanted: Any) -> list[int]:
    return index.find(Filter(text=text, **wanted), before=NEWEST, most=50)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("The refinery in Atyrau restarted.", "refinery"),
        ("The refinery in Atyrau restarted.", "ATYRAU"),
        ("The refineries restarted.", "refinery".removesuffix("y")),
        ("A refinery restarted.", "refineries"),
        ("Oil exports fell.", "export"),
        ("An oil export was stopped.", "exports"),
        ("The café reopened.", "cafe"),
        ("The cafe reopened.", "café"),
        ("Ёлка стоит на площади.", "елка"),
        ("Елка стоит на площади.", "ёлка"),
        ("Новых санкций не будет.", "санкции"),
        ("Экспорта нефти стало больше.", "экспорт"),
        ("Йодом обработали воду.", "йод"),
        ("Мұнай өңдеу зауытында жөндеу.", "зауыт"),
        ("Мұнай өңдеу зауыты.", "ӨҢДЕУ"),
        ("استأنفت مصفاة النفط العمل", "نفط"),
        ("ارتفع سعر نفط بحر الشمال", "النفط"),
        ("وقال للصحافة إن المدرسة فتحت", "مدرسه"),
        ("فُتِحَتِ المَدْرَسَةُ", "المدرسة"),
        ("أسعار النـــفط", "النفط"),
        ("اسعار الغذاء", "أسعار"),
        ("Seventy ref\u00adineries", "refineries"),
        ("Der Straßenbau", "strassenbau"),
        ("In 2026 it ended.", "2026"),
        ("عام ٢٠٢٦", "2026"),
        ("foo_bar", "bar"),
    ],
)
def test_a_word_is_found_however_it_is_written(index: Index, text: str, asked: str) -> None:
    take_up(index, make_entry(1, text), make_entry(2, "Of something else, иное, آخر."))

    assert find(index, asked) == [1]


def test_letters_of_their_own_are_not_taken_for_others(index: Index) -> None:
    take_up(index, make_entry(1, "Ұлт"), make_entry(2, "Улт"), make_entry(3, "Мой"), make_entry(4, "Мои"))

    assert find(index, "ұлт") == [1]
    assert find(index, "мой") == [3]


def test_all_words_of_a_text_have_to_be_there(index: Index) -> None:
    take_up(index, make_entry(1, "Oil and gas."), make_entry(2, "Oil."), make_entry(3, "Gas."))

    assert find(index, "gas oil") == [1]


def test_words_in_quotation_marks_stand_side_by_side_as_they_are(index: Index) -> None:
    take_up(
        index,
        make_entry(1, "Crude oil prices rose."),
        make_entry(2, "Oil, still crude."),
        make_entry(3, "Crude oils of all kinds."),
    )

    for asked in ('"crude oil"', "«crude oil»", "“crude oil”", '"crude oil'):
        assert find(index, asked) == [1]
    assert find(index, "crude oil") == [3, 2, 1]
    assert find(index, '"crude oil" rose') == [1]


def test_a_phrase_does_not_go_on_from_the_title_into_the_text(index: Index) -> None:
    take_up(index, make_entry(1, "Oil rose.", title="Prices of crude"))

    assert find(index, '"crude oil"') == []
    assert find(index, "crude oil") == [1]


HOSTILE = (
    '"', '""', "'", "*", "oil*", "-oil", "+", "^oil", "oil AND", "AND OR NOT", "NEAR(oil gas, 2)", "oil)",
    "(((", "{title} : oil", "marks:oil", "words MATCH 'x'", "oil; DROP TABLE words", "\0", "oil\0gas",
    "oil\\",
    "%", "_", "_main", "_topic", "?!…—", "😀", "\ud83d", "\u202eoil", "ـــ", "\u064b\u064c", "\u0301", "½",
    "ﷺ",
    "x" * 10_000, "oil " * 3_000, '"' * 10_000, "а" * 10_000, "ا" * 10_000, "\U0010ffff", "ﬀ", "İ",
)  # fmt: skip


def test_whatever_is_asked_is_no_error(index: Index) -> None:
    take_up(index, make_entry(1, "Oil and gas.", grades={"energy": "main"}))

    for asked in HOSTILE:
        assert find(index, asked) in ([], [1]), asked[:40]
        assert find(index, topics=(asked,), languages=(asked,), sources=(asked,)) == []


@pytest.mark.parametrize("asked", ["_main", "_topic", "main", "_story7", "story7", "_alerted", "_" * 20])
def test_no_text_can_ask_for_the_marks_of_an_article_or_be_taken_for_one(index: Index, asked: str) -> None:
    take_up(
        index,
        make_entry(1, "Quiet.", grades={"energy": "main"}, story=7, alerted=True),
        make_entry(2, "_main _story7 _topic"),
    )

    assert 1 not in find(index, asked)
    assert find(index, grade="main") == [1]
    assert find(index, story=7) == [1]


def test_filters_leave_what_passes_all_of_them(index: Index) -> None:
    take_up(
        index,
        make_entry(1, grades={"energy": "main", "trade": "mention"}, language="en"),
        make_entry(2, grades={"energy": "mention"}, language="ru", alerted=True),
        make_entry(3, grades={}, language="kk", source="", story=9),
        make_entry(4, grades={"trade": "main"}, language="ar", source="other.example", story=9),
    )

    assert find(index, topics=("energy",)) == [2, 1]
    assert find(index, topics=("energy",), grade="main") == [1]
    assert find(index, topics=("energy", "trade")) == [1]
    assert find(index, grade="main") == [4, 1]
    assert find(index, languages=("ru", "kk")) == [3, 2]
    assert find(index, sources=("wire.example",)) == [2, 1]
    assert find(index, alerted=True) == [2]
    assert find(index, alerted=False, languages=("en",)) == [1]
    assert find(index, story=9) == [4, 3]
    assert find(index, story=9, grade="main") == [4]
    assert find(index) == [4, 3, 2, 1]


def test_pages_follow_each_other_without_a_gap(index: Index) -> None:
    take_up(index, *(make_entry(number, "Oil.") for number in range(1, 31)))

    first = index.find(Filter("oil"), before=NEWEST, most=10)
    second = index.find(Filter("oil"), before=first[-1], most=10)

    assert first + second == list(range(30, 10, -1))
    assert index.find(Filter("oil"), before=15, least=12, most=10) == [14, 13, 12]


def test_a_beginning_that_very_many_articles_have_stands_for_its_commonest_words(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.desk.index._TOO_MANY", 100)
    entries = [make_entry(number, "Exported.") for number in range(1, 200)]
    take_up(index, *entries, make_entry(200, "Export."), make_entry(201, "Exporters."))

    assert find(index, "export")[:2] == [200, 199]
    assert find(index, "exporters") == [201]


def test_what_is_known_of_an_article_can_change(index: Index) -> None:
    take_up(index, make_entry(1, "Oil.", grades={"energy": "mention"}))

    take_up(index, make_entry(1, "Oil.", grades={"trade": "main"}, alerted=True))

    assert find(index, topics=("energy",)) == []
    assert find(index, topics=("trade",), alerted=True) == [1]
    assert find(index, "oil") == [1]
    assert index.volumes("2026-01-01", by=("topic",)) == [((EVERYTHING,), 1), (("trade",), 1)]


def test_volumes_count_articles_by_what_they_are_asked_by(index: Index) -> None:
    take_up(
        index,
        make_entry(1, day="2026-11-20", grades={"energy": "main"}, language="ru", source="a"),
        make_entry(
            2, day="2026-11-21", grades={"energy": "mention", "trade": "main"}, language="en", source="b"
        ),
        make_entry(3, day="2026-11-21", grades={"energy": "main"}, language="en", source="b"),
        make_entry(4, day="2026-11-21", language="kk", source=""),
    )

    assert index.volumes("2026-11-20", topic=EVERYTHING) == [(("2026-11-20",), 1), (("2026-11-21",), 3)]
    assert index.volumes("2026-11-21", topic="energy", grade="main") == [(("2026-11-21",), 1)]
    assert index.volumes("2026-11-20", topic="energy", by=("source",)) == [(("a",), 1), (("b",), 2)]
    assert index.volumes("2026-11-20", by=("topic", "language")) == [
        (("", "en"), 2), (("", "kk"), 1), (("", "ru"), 1),
        (("energy", "en"), 2), (("energy", "ru"), 1), (("trade", "en"), 1),
    ]  # fmt: skip
    assert index.sources() == ["b", "a"]
    assert index.languages() == ["en", "kk", "ru"]


def test_of_two_that_follow_one_ledger_only_the_first_one_counts(index: Index, tmp_path: Path) -> None:
    other = Index(tmp_path / "desk.db")
    before = other.position()

    assert index.write([make_entry(1)], Position(1, "f"), after=START)
    assert not other.write([make_entry(1)], Position(1, "f"), after=before)

    assert index.volumes("2026-01-01", topic=EVERYTHING) == [(("2026-11-22",), 1)]
    other.close()


def _spoil(path: Path) -> None:
    path.write_bytes(b"This was an index once. " * 4000)


def _cut_short(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(4096)


def _damage_within(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE words_data SET block = x'00112233' WHERE id > 10")
        connection.commit()


def _another(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE words (other)")


def _of_a_newer_release(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize("harm", [Path.unlink, _spoil, _cut_short, _damage_within, _another])
def test_a_file_that_is_harmed_while_it_is_in_use_is_made_anew(
    index: Index, tmp_path: Path, harm: Any
) -> None:
    path = tmp_path / "desk.db"
    take_up(index, *(make_entry(number, f"Oil {number} and gas.") for number in range(1, 400)))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    if harm is _cut_short or harm is _spoil:
        index.close()  # SQLite trusts what it has read of a file that it has open

    harm(path)
    for _ in range(2):  # what is damaged is known when it is read
        try:
            found = find(index, "gas")
        except IndexFailure as failure:
            assert "anew" in str(failure)

    assert found == [] and index.position() == START
    take_up(index, make_entry(1, "Oil again."))
    assert find(index, "again") == [1]


def test_a_file_that_is_not_ours_or_of_another_release_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "desk.db"
    for harm in (_of_a_newer_release, _spoil, _another):
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS old (x)")
        harm(path)
        index = Index(path)
        assert index.position() == START
        take_up(index, make_entry(1, "Oil."))
        assert find(index, "oil") == [1]
        index.close()
        path.unlink()


def test_a_folder_that_cannot_be_written_is_told_and_no_crash(tmp_path: Path) -> None:
    index = Index(tmp_path / "missing" / "desk.db")

    with pytest.raises(IndexFailure, match=r"desk\.db"):
        find(index, "oil")


def test_what_takes_too_long_to_look_up_is_broken_off(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexfile, "_LONGEST_LOOK", 0.05)
    monkeypatch.setattr(indexfile, "_BETWEEN_LOOKS", 0.01)

    with pytest.raises(TooSlowError), index._file.reading() as connection:
        connection.execute(
            "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers)"
            " SELECT MAX(n) FROM numbers"
        ).fetchone()

    assert find(index) == []


def test_many_threads_read_while_one_writes(index: Index) -> None:
    take_up(index, make_entry(1, "Oil."))
    failures: list[BaseException] = []

    def read() -> None:
        try:
            for _ in range(50):
                assert 1 in find(index, "oil")
        except BaseException as error:
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(6)]
    for reader in readers:
        reader.start()
    for number in range(2, 40):
        take_up(index, make_entry(number, "Oil."))
    for reader in readers:
        reader.join()

    assert not failures


def test_words_are_letters_and_digits_alone_and_not_endless() -> None:
    assert words('a_b "c" d*e \0f') == ["a", "b", "c", "d", "e", "f"]
    assert max(map(len, words("x" * 1000 + "é" * 1000))) == 40
