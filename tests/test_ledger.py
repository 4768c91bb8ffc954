"""The ledger: which files arrived, which articles were in them, and what we concluded."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from sqlalchemy import Connection, text

from classifier.articles import Grade
from daemon import ledger
from daemon.records import FileRecord, FileState
from tests.builders import MINUTE, NOON, make_tag, make_tagged

PRINT = "f" * 64


def record(
    connection: Connection,
    name: str = "a.txt",
    *,
    fingerprint: str = PRINT,
    state: FileState = FileState.TAKEN,
    duplicate_of: int | None = None,
    now: datetime = NOON,
) -> FileRecord:
    return ledger.record_file(
        connection,
        fingerprint=fingerprint,
        name=name,
        size=7,
        state=state,
        target=f"done/{name}",
        duplicate_of=duplicate_of,
        now=now,
    )


def test_a_file_is_written_with_all_that_is_known_of_it(connection: Connection) -> None:
    file = ledger.record_file(
        connection,
        fingerprint=PRINT,
        name="desk/мақала.txt",
        size=12,
        state=FileState.FAILED,
        target="failed/мақала.txt",
        reason="empty",
        now=NOON,
    )

    assert file == FileRecord(
        file.id, PRINT, "desk/мақала.txt", FileState.FAILED, "failed/мақала.txt", None, "empty"
    )
    row = connection.execute(text("SELECT size, arrived_at FROM files")).one()
    assert tuple(row) == (12, "2026-03-05T12:00:00.000000Z")


def test_a_content_never_seen_has_no_first_file(connection: Connection) -> None:
    record(connection, fingerprint="e" * 64)

    assert ledger.first_file(connection, PRINT) is None


def test_the_first_file_is_the_one_that_brought_the_content_first(connection: Connection) -> None:
    first = record(connection, "a.txt")
    record(connection, "b.txt", duplicate_of=first.id)
    record(connection, "c.txt")

    assert ledger.first_file(connection, PRINT) == first


def test_a_failure_is_no_first_file(connection: Connection) -> None:
    record(connection, "bad.txt", state=FileState.FAILED)

    assert ledger.first_file(connection, PRINT) is None


def test_an_unmoved_file_is_known_by_content_and_name(connection: Connection) -> None:
    file = record(connection, "a.txt")

    assert ledger.unmoved_file(connection, PRINT, "a.txt") == file
    assert ledger.unmoved_file(connection, PRINT, "b.txt") is None
    assert ledger.unmoved_file(connection, "e" * 64, "a.txt") is None


def test_a_file_marked_done_is_no_longer_unmoved_and_stands_where_it_was_put(
    connection: Connection,
) -> None:
    file, other = record(connection, "a.txt"), record(connection, "b.txt")

    ledger.mark_done(connection, file, "done/a-2.txt")

    assert ledger.unmoved_files(connection) == [other]
    assert ledger.unmoved_file(connection, PRINT, "a.txt") is None
    found = ledger.first_file(connection, PRINT)
    assert found is not None
    assert (found.state, found.target) == (FileState.DONE, "done/a-2.txt")


def test_unmoved_files_come_in_the_order_they_arrived(connection: Connection) -> None:
    files = [record(connection, name, now=NOON - n * MINUTE) for n, name in enumerate("cab")]

    assert ledger.unmoved_files(connection) == files


def test_an_article_is_written_with_its_tags_and_their_evidence(connection: Connection) -> None:
    file = record(connection)
    tagged = make_tagged(
        make_tag("energy", Grade.MAIN, 0.93, "Мұнай зауыты."),
        make_tag("trade", Grade.MENTION, 0.4),
        text="Тақырып\nМәтін.",
        language="kk",
    )

    article = ledger.record_article(connection, file, 3, tagged, now=NOON)

    columns = "id, file_id, fingerprint, position, title, text, language, date, model, tagged_at"
    row = connection.execute(text(f"SELECT {columns} FROM articles")).one()
    assert tuple(row) == (
        article,
        file.id,
        tagged.article.fingerprint,
        3,
        "Тақырып",
        "Тақырып\nМәтін.",
        "kk",
        None,
        "model-1",
        "2026-03-05T12:00:00.000000Z",
    )
    tags = connection.execute(
        text("SELECT article_id, topic, grade, probability, evidence FROM tags ORDER BY topic")
    ).all()
    assert [tuple(tag)[:4] for tag in tags] == [
        (article, "energy", "main", 0.93),
        (article, "trade", "mention", 0.4),
    ]
    assert json.loads(tags[0][4]) == [
        {
            "passage": "Мұнай зауыты.",
            "start": 0,
            "end": 13,
            "score": 0.9,
            "words": [["refinery", 1.2], ["restarted", 0.1]],
        }
    ]


@pytest.mark.parametrize("again", ["A title\nA text.", "A  TITLE\n\nA text.", "Ａ title\nA text."])
def test_the_same_text_is_written_once_whatever_its_blanks_and_letter_case(
    connection: Connection, again: str
) -> None:
    first, second = record(connection, "a.txt"), record(connection, "b.txt", fingerprint="e" * 64)
    ledger.record_article(connection, first, 0, make_tagged(make_tag()), now=NOON)

    found = ledger.record_article(connection, second, 0, make_tagged(make_tag("trade"), text=again), now=NOON)

    assert found is None
    assert connection.execute(text("SELECT file_id FROM articles")).scalars().all() == [first.id]
    assert connection.execute(text("SELECT topic FROM tags")).scalars().all() == ["energy"]


def test_an_article_about_nothing_is_written_as_well(connection: Connection) -> None:
    article = ledger.record_article(connection, record(connection), 0, make_tagged(), now=NOON)

    assert article is not None
    assert connection.execute(text("SELECT COUNT(*) FROM tags")).scalar_one() == 0


def test_counts_tell_files_by_state_and_all_articles(connection: Connection) -> None:
    assert ledger.counts(connection) == {"articles": 0}

    file = record(connection, "a.txt")
    record(connection, "b.txt", state=FileState.FAILED)
    record(connection, "c.txt", state=FileState.FAILED)
    ledger.record_article(connection, file, 0, make_tagged(), now=NOON)

    assert ledger.counts(connection) == {"taken": 1, "failed": 2, "articles": 1}
