"""Verdicts become a label file: all that people said, who and when, and nothing that nobody said."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from classifier import archives
from classifier.articles import Grade
from classifier.decoding import clean
from classifier.verdicts import Opinion, disputed, read_verdicts
from daemon import labelling, ledger, verdicts
from daemon.database import Database
from daemon.records import FileState
from daemon.verdicts import Verdict
from tests import ledgers
from tests.builders import MINUTE, NOON, make_tag, make_tagged

TOPICS = ("energy", "health", "trade")
RIGHT, WRONG = Verdict.RIGHT, Verdict.WRONG
OLD_SHEET = "# What desks said, written anew before each training by topicwired. Edit your own labels in\n"


def arrive(database: Database, text_: str) -> int | None:
    """An article that the model finds mainly about energy; None where the same text arrived before."""
    with database.transaction() as connection:
        file = ledger.record_file(
            connection, fingerprint="f" * 64, name="a.txt", size=1, state=FileState.DONE, now=NOON
        )
        tagged = make_tagged(make_tag("energy", Grade.MAIN), text=text_)
        return ledger.record_article(connection, file, 0, tagged, now=NOON)


def judge(database: Database, text_: str, *said: tuple[str, Verdict], person: str = "ana") -> bool:
    """An article and what a person said of it; False where the same text was judged before."""
    article = arrive(database, text_)
    if article is not None:
        for topic, verdict in said:
            say(database, article, topic, verdict, person)
    return article is not None


def say(
    database: Database, article: int, topic: str, verdict: Verdict, person: str, *, after: int = 0
) -> None:
    with database.transaction() as connection:
        verdicts.add(
            connection,
            article=article,
            topic=topic,
            verdict=verdict,
            person=person,
            now=NOON + after * MINUTE,
        )


def write(home: Path, database: Database, weight: float = 1.0) -> int:
    return labelling.write_verdicts(home, database, weight=weight)


def label_file(home: Path) -> Path:
    return home / "labels" / "verdicts.jsonl"


def rows(home: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in label_file(home).read_text(encoding="utf-8").splitlines()]


def opinions(home: Path) -> tuple[Opinion, ...]:
    """The label file as the classifier reads it."""
    return read_verdicts(label_file(home), TOPICS)


def test_a_judged_article_is_a_line_with_all_that_people_said_and_what_carried_the_tag(
    tmp_path: Path, database: Database
) -> None:
    article = arrive(database, "The refinery\nIt restarted.")
    assert article is not None
    say(database, article, "energy", RIGHT, "ana")
    say(database, article, "trade", RIGHT, "ben", after=1)
    judge(database, "Nobody judged\nthis one.")

    assert write(tmp_path, database, weight=2.0) == 1

    (row,) = rows(tmp_path)
    assert row.pop("id") == make_tagged(text="The refinery\nIt restarted.").article.fingerprint[:16]
    assert row == {
        "title": "The refinery",
        "text": "The refinery\nIt restarted.",
        "lang": "en",
        "verdicts": [
            {
                "topic": "energy", "verdict": "right", "by": "ana", "at": "2026-03-05T12:00:00.000000Z",
                "weight": 2.0,
            },
            {
                "topic": "trade", "verdict": "right", "by": "ben", "at": "2026-03-05T12:01:00.000000Z",
                "weight": 2.0,
            },
        ],
        "evidence": {"energy": ["The refinery restarted."]},
    }  # fmt: skip


def test_a_tag_of_the_models_that_nobody_judged_is_no_label(tmp_path: Path, database: Database) -> None:
    judge(database, "The dancer\nHer energy.", ("trade", WRONG))

    write(tmp_path, database)

    (opinion,) = opinions(tmp_path)
    assert [(each.topic, each.right) for each in opinion.said] == [("trade", False)]


@pytest.mark.parametrize(
    "text_",
    [
        "# A comment?\nNo, a title.", "a\tb\tc", "-\tdash", "energy\thealth", "x\u2028y\x85z",
        "мақала\n\n\nمقال", '{"text": "x"}', "\ufeffmark",
    ],
)  # fmt: skip
def test_an_article_of_any_shape_is_one_line_and_stays_the_same_article(
    tmp_path: Path, database: Database, text_: str
) -> None:
    judge(database, clean(text_), ("health", RIGHT))

    write(tmp_path, database)

    (opinion,) = opinions(tmp_path)
    assert opinion.article.fingerprint == make_tagged(text=clean(text_)).article.fingerprint


@settings(max_examples=10)
@given(texts=st.lists(st.text(min_size=1).map(clean).filter(str.strip), min_size=1, max_size=10))
def test_any_text_that_can_be_an_article_can_be_a_label(
    tmp_path_factory: pytest.TempPathFactory, new_ledger: Path, texts: list[str]
) -> None:
    home = tmp_path_factory.mktemp("home")
    shutil.copy(new_ledger, home / "ledger.db")
    database = ledgers.opened(home)
    judged = [text_ for text_ in texts if judge(database, text_.strip(), ("energy", WRONG))]

    write(home, database)

    database.close()
    found = {opinion.article.fingerprint for opinion in opinions(home)}
    assert found == {make_tagged(text=text_.strip()).article.fingerprint for text_ in judged}


@settings(max_examples=15)
@given(
    said=st.lists(
        st.tuples(st.sampled_from(["ana", "ben", "cy"]), st.booleans(), st.booleans(), st.integers(0, 3)),
        min_size=1,
        max_size=8,
    )
)
def test_the_ledger_and_the_reader_of_the_labels_agree_on_what_is_disputed(
    tmp_path_factory: pytest.TempPathFactory, new_ledger: Path, said: list[tuple[str, bool, bool, int]]
) -> None:
    home = tmp_path_factory.mktemp("home")
    shutil.copy(new_ledger, home / "ledger.db")
    database = ledgers.opened(home)
    article = arrive(database, "The dancer\nHer energy.")
    assert article is not None
    for person, right, settles, minute in said:
        with database.transaction() as connection:
            speak = verdicts.settle if settles else verdicts.add
            speak(
                connection, article=article, topic="energy", verdict=RIGHT if right else WRONG, person=person,
                now=NOON + minute * MINUTE,
            )  # fmt: skip

    write(home, database)

    with database.reading() as connection:
        in_ledger = {each.person for each in verdicts.all_verdicts(connection) if each.disputed}
        counted = verdicts.counts(connection)["disputed"]
    database.close()
    (opinion,) = opinions(home)
    assert {each.by for each in disputed(opinion.said).get("energy", ())} == in_ledger
    assert counted == bool(in_ledger)


def test_without_a_verdict_no_file_is_made(tmp_path: Path, database: Database) -> None:
    judge(database, "Nobody judged\nthis one.")

    assert write(tmp_path, database) == 0
    assert not (tmp_path / "labels").exists()


def test_the_file_is_written_anew_and_nothing_else_in_its_folder_touched(
    tmp_path: Path, database: Database
) -> None:
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "own.tsv").write_text("energy\tMy own label.\n")
    label_file(tmp_path).write_text("something old, torn off in the mid")
    judge(database, "The dancer\nHer energy.", ("energy", WRONG))

    write(tmp_path, database)

    assert len(opinions(tmp_path)) == 1
    assert (tmp_path / "labels" / "own.tsv").read_text() == "energy\tMy own label.\n"
    assert sorted(path.name for path in (tmp_path / "labels").iterdir()) == ["own.tsv", "verdicts.jsonl"]


def test_the_sheet_that_an_earlier_release_wrote_is_taken_away(tmp_path: Path, database: Database) -> None:
    old = tmp_path / "labels" / "verdicts.tsv"
    old.parent.mkdir()
    old.write_text(f"{OLD_SHEET}energy\tThe dancer Her energy.\n")

    write(tmp_path, database)

    assert not old.exists()


def test_a_sheet_of_that_name_that_a_person_wrote_stays(tmp_path: Path, database: Database) -> None:
    own = tmp_path / "labels" / "verdicts.tsv"
    own.parent.mkdir()
    own.write_text("energy\tMy own label.\n")
    judge(database, "The dancer\nHer energy.", ("energy", WRONG))

    write(tmp_path, database)

    assert own.read_text() == "energy\tMy own label.\n"


def test_verdicts_that_were_all_taken_back_leave_an_empty_file(tmp_path: Path, database: Database) -> None:
    judge(database, "The dancer\nHer energy.", ("energy", WRONG))
    write(tmp_path, database)
    with database.transaction() as connection:
        verdicts.withdraw(connection, article=1, person="ana", moment=NOON)

    assert write(tmp_path, database) == 0
    assert rows(tmp_path) == []


def test_the_same_verdicts_give_the_same_file_to_the_byte_and_leave_it_alone(
    tmp_path: Path, database: Database
) -> None:
    for number in range(5):
        judge(database, f"Article {number}\nText.", ("trade", RIGHT), ("health", RIGHT))
    write(tmp_path, database)
    before = label_file(tmp_path).stat()
    other = tmp_path / "other"
    other.mkdir()

    write(tmp_path, database)
    write(other, database)

    assert label_file(tmp_path).stat().st_ino == before.st_ino
    assert label_file(other).read_bytes() == label_file(tmp_path).read_bytes()


def test_a_verdict_on_a_topic_that_is_no_more_is_left_out(tmp_path: Path, database: Database) -> None:
    judge(database, "The dancer\nHer energy.", ("energy", WRONG), ("ballet", RIGHT))
    judge(database, "The swan\nHer lake.", ("ballet", RIGHT))

    assert write(tmp_path, database) == 1

    (row,) = rows(tmp_path)
    assert [each["topic"] for each in row["verdicts"]] == ["energy"]


def test_articles_of_which_every_topic_is_judged_are_examples_that_training_reads(
    tmp_path: Path, database: Database
) -> None:
    judge(database, "The refinery\nIt restarted.", ("energy", RIGHT), ("health", WRONG), ("trade", WRONG))
    judge(database, "Half known\nTo us.", ("energy", RIGHT))
    judge(database, "Disputed\nBy two.", ("energy", RIGHT), ("health", WRONG), ("trade", WRONG))
    say(database, 3, "energy", WRONG, "ben")
    with database.transaction() as connection:
        connection.execute(text("UPDATE articles SET language = NULL WHERE id = 1"))
        found = labelling.examples(connection, TOPICS)

    (tmp_path / "examples.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in found))
    (judged,) = archives.read(tmp_path / "examples.jsonl")
    assert (judged.article.text, set(judged.main)) == ("The refinery\nIt restarted.", {"energy"})


def test_a_dispute_that_was_settled_keeps_no_article_from_the_examples(
    tmp_path: Path, database: Database
) -> None:
    judge(database, "The refinery\nIt restarted.", ("energy", RIGHT))
    say(database, 1, "energy", WRONG, "ben")
    with database.transaction() as connection:
        assert labelling.examples(connection, ["energy"]) == []
        verdicts.settle(connection, article=1, topic="energy", verdict=WRONG, person="cy", now=NOON)
        (found,) = labelling.examples(connection, ["energy"])

    assert found["main"] == []


def test_a_verdict_of_somebody_without_a_name_does_not_make_the_labels_unreadable(
    tmp_path: Path, database: Database
) -> None:
    judge(database, "Refinery restarts", ("energy", RIGHT), person=" ")

    write(tmp_path, database)

    assert [said.by for opinion in opinions(tmp_path) for said in opinion.said] == ["?"]
