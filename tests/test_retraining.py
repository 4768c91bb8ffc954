"""Retraining: what desks said becomes a label sheet that the classifier takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.articles import Grade
from classifier.decoding import clean
from classifier.labels import read_examples
from daemon import ledger, retraining, verdicts
from daemon.database import Database, open_database
from daemon.errors import DaemonError
from daemon.records import FileState
from daemon.verdicts import Verdict
from tests.builders import NOON, make_tag, make_tagged

TOPICS = ("energy", "health", "trade")


def judge(database: Database, text: str, *said: tuple[str, Verdict], person: str = "ana") -> bool:
    """An article that the model finds mainly about energy, and what a person said of it.

    False where the same text was judged before.
    """
    with database.transaction() as connection:
        file = ledger.record_file(
            connection, fingerprint="f" * 64, name="a.txt", size=1, state=FileState.DONE, now=NOON
        )
        tagged = make_tagged(make_tag("energy", Grade.MAIN), text=text)
        article = ledger.record_article(connection, file, 0, tagged, now=NOON)
        if article is None:
            return False
        for topic, verdict in said:
            verdicts.add(connection, article=article, topic=topic, verdict=verdict, person=person, now=NOON)
        return True


def sheet(home: Path) -> list[tuple[str, frozenset[str]]]:
    """The label sheet as the classifier reads it."""
    return [(row.text, row.topics) for row in read_examples(home / "labels" / "verdicts.tsv", TOPICS)]


def test_judged_articles_become_a_sheet_that_the_classifier_takes(tmp_path: Path, database: Database) -> None:
    judge(database, "The refinery\nIt restarted.", ("energy", Verdict.RIGHT), ("trade", Verdict.RIGHT))
    judge(database, "The dancer\nHer energy.", ("energy", Verdict.WRONG))
    judge(database, "Nobody judged\nthis one.")

    rows = retraining.write_verdicts(tmp_path, database)

    assert rows == 2
    assert sorted(sheet(tmp_path)) == [
        ("The dancer Her energy.", frozenset()),
        ("The refinery It restarted.", frozenset({"energy", "trade"})),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "# A comment?\nNo, a title.",
        "a\tb\tc",
        "-\tdash",
        "energy\thealth",
        "x\u2028y\x85z",
        "мақала\n\n\nمقال",
    ],
)
def test_an_article_of_any_shape_is_one_row(tmp_path: Path, database: Database, text: str) -> None:
    judge(database, text, ("health", Verdict.RIGHT))

    retraining.write_verdicts(tmp_path, database)

    assert sheet(tmp_path) == [(" ".join(text.split()), frozenset({"energy", "health"}))]


@settings(max_examples=10)
@given(st.lists(st.text(min_size=1).map(clean).filter(str.strip), min_size=1, max_size=10))
def test_any_text_that_can_be_an_article_can_be_a_label(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    home = tmp_path_factory.mktemp("home")
    database = open_database(f"sqlite:///{home}/ledger.db")
    judged = [text for text in texts if judge(database, text, ("energy", Verdict.WRONG))]

    retraining.write_verdicts(home, database)

    database.close()
    assert sorted(sheet(home)) == sorted((" ".join(text.split()), frozenset()) for text in judged)


def test_without_a_verdict_no_sheet_is_made(tmp_path: Path, database: Database) -> None:
    judge(database, "Nobody judged\nthis one.")

    assert retraining.write_verdicts(tmp_path, database) == 0
    assert not (tmp_path / "labels").exists()


def test_the_sheet_is_written_anew_and_nothing_else_in_its_folder_touched(
    tmp_path: Path, database: Database
) -> None:
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "own.tsv").write_text("energy\tMy own label.\n")
    (tmp_path / "labels" / "verdicts.tsv").write_text("trade\tSomething old.\n")
    judge(database, "The dancer\nHer energy.", ("energy", Verdict.WRONG))

    retraining.write_verdicts(tmp_path, database)

    assert sheet(tmp_path) == [("The dancer Her energy.", frozenset())]
    assert (tmp_path / "labels" / "own.tsv").read_text() == "energy\tMy own label.\n"
    assert sorted(path.name for path in (tmp_path / "labels").iterdir()) == ["own.tsv", "verdicts.tsv"]


def test_verdicts_that_came_to_be_disputed_leave_the_sheet(tmp_path: Path, database: Database) -> None:
    judge(database, "The dancer\nHer energy.", ("energy", Verdict.WRONG))
    retraining.write_verdicts(tmp_path, database)
    with database.transaction() as connection:
        verdicts.add(connection, article=1, topic="energy", verdict=Verdict.RIGHT, person="ben", now=NOON)

    assert retraining.write_verdicts(tmp_path, database) == 0
    assert sheet(tmp_path) == []


def test_the_same_verdicts_give_the_same_sheet_to_the_byte(tmp_path: Path, database: Database) -> None:
    for number in range(5):
        judge(database, f"Article {number}\nText.", ("trade", Verdict.RIGHT), ("health", Verdict.RIGHT))

    contents = set()
    for _ in range(2):
        retraining.write_verdicts(tmp_path, database)
        contents.add((tmp_path / "labels" / "verdicts.tsv").read_bytes())

    assert len(contents) == 1


def test_a_training_that_fails_says_why_in_the_words_of_the_classifier(tmp_path: Path) -> None:
    sheet = tmp_path / "labels" / "own.tsv"
    sheet.parent.mkdir()
    sheet.write_text("energy The tab is missing.\n")

    with pytest.raises(DaemonError) as caught:
        retraining.retrain(tmp_path)

    assert str(caught.value).startswith("training failed: ")
    assert f"{sheet}:1: should be topics, one tab, text" in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_a_night_without_a_new_label_trains_nothing(home: Path, database: Database) -> None:
    versions = sorted(path.name for path in (home / "models").iterdir())

    assert retraining.nightly(home, database) == "no label changed"

    assert sorted(path.name for path in (home / "models").iterdir()) == versions
