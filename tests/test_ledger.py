"""The ledger: which files arrived, which articles were in them, and what we concluded."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from classifier.articles import Grade
from daemon import ledger
from daemon.records import FileRecord, FileState, signed
from tests.builders import MINUTE, NOON, make_tag, make_tagged

PRINT = "f" * 64


def record(
    connection: Connection,
    name: str = "a.txt",
    *,
    fingerprint: str = PRINT,
    state: FileState = FileState.TAKEN,
    raw_name: bytes | None = None,
    duplicate_of: int | None = None,
    version_of: int | None = None,
    reason: str | None = None,
    inode: int | None = 1,
    now: datetime = NOON,
) -> FileRecord:
    return ledger.record_file(
        connection,
        fingerprint=fingerprint,
        name=name,
        raw_name=raw_name,
        size=7,
        inode=inode,
        modified=8,
        state=state,
        target=f"done/{name}",
        duplicate_of=duplicate_of,
        version_of=version_of,
        reason=reason,
        now=now,
    )


def columns(connection: Connection, names: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.execute(text(f"SELECT {names} FROM files ORDER BY id"))]


def test_a_file_is_written_with_all_that_is_known_of_it(connection: Connection) -> None:
    file = ledger.record_file(
        connection,
        fingerprint=PRINT,
        name="desk/мақала\\xff.txt",
        raw_name="desk/мақала".encode() + b"\xff.txt",
        size=12,
        inode=2**40,
        modified=1_772_712_000_000_000_000,
        state=FileState.FAILED,
        target="failed/мақала_.txt",
        reason="empty",
        mend="drop it again",
        now=NOON,
    )

    assert file == FileRecord(
        id=file.id,
        fingerprint=PRINT,
        name="desk/мақала\\xff.txt",
        state=FileState.FAILED,
        target="failed/мақала_.txt",
        duplicate_of=None,
        reason="empty",
        mend="drop it again",
        raw_name="desk/мақала".encode() + b"\xff.txt",
        inode=2**40,
        size=12,
        modified=1_772_712_000_000_000_000,
    )
    assert file.inbox_name == os.fsdecode("desk/мақала".encode() + b"\xff.txt")
    row = connection.execute(text("SELECT size, arrived_at FROM files")).one()
    assert tuple(row) == (12, "2026-03-05T12:00:00.000000Z")


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_numbers_of_the_file_system_fit_and_those_that_differ_still_do(one: int, other: int) -> None:
    """mergerfs and CIFS give inodes of 64 bits; anybody may date a file to the year 2302."""
    assert -(2**63) <= signed(one) < 2**63
    assert (signed(one) == signed(other)) is (one == other)
    assert one >= 2**63 or signed(one) == one


@pytest.mark.parametrize(("inode", "modified"), [(2**64 - 1, 8), (1, 10_500_000_000 * 10**9), (1, -(10**18))])
def test_a_file_is_written_whatever_its_inode_and_its_date(
    connection: Connection, inode: int, modified: int
) -> None:
    ledger.record_file(
        connection,
        fingerprint=PRINT,
        name="a.txt",
        size=1,
        inode=signed(inode),
        modified=signed(modified),
        state=FileState.TAKEN,
        now=NOON,
    )

    (file,) = ledger.unmoved_files(connection)
    assert (file.inode, file.modified) == (signed(inode), signed(modified))


def test_a_content_never_seen_has_no_first_file(connection: Connection) -> None:
    record(connection, fingerprint="e" * 64)

    assert ledger.first_file(connection, PRINT) is None


def test_the_first_file_is_the_one_that_brought_the_content_first(connection: Connection) -> None:
    first = record(connection, "a.txt")
    record(connection, "b.txt", duplicate_of=first.id)
    record(connection, "c.txt")

    assert ledger.first_file(connection, PRINT) == first


def test_first_files_are_found_among_more_than_a_statement_takes(connection: Connection) -> None:
    first = record(connection)
    asked = [f"{number:064}" for number in range(12_000)]

    assert ledger.first_files(connection, [*asked, PRINT, *asked]) == {PRINT: first}


def test_files_recorded_together_have_their_own_ids_in_order(connection: Connection) -> None:
    one = replace(record(connection), id=ledger.NOT_YET)
    files = [replace(one, name=f"{number}.txt", fingerprint=f"{number:064}") for number in range(1500)]

    recorded = ledger.record_files(connection, files, now=NOON)

    assert [replace(file, id=ledger.NOT_YET) for file in recorded] == files
    assert ledger.files_after(connection, after=1, most=2000) == recorded


def test_a_failure_is_no_first_file(connection: Connection) -> None:
    record(connection, "bad.txt", state=FileState.FAILED, reason="empty")
    record(connection, "on its way.txt", state=FileState.TAKEN, reason="empty")

    assert ledger.first_file(connection, PRINT) is None


def test_unmoved_files_have_the_names_that_they_have_in_the_inbox(connection: Connection) -> None:
    record(connection, "caf\\xe9.txt", raw_name=b"caf\xe9.txt")
    record(connection, "of an older ledger.txt", raw_name=None)

    names = [file.inbox_name for file in ledger.unmoved_files(connection)]

    assert names == [os.fsdecode(b"caf\xe9.txt"), "of an older ledger.txt"]


def test_a_file_may_be_sent_to_another_place_before_it_is_moved(connection: Connection) -> None:
    ledger.retarget(connection, record(connection), "done/elsewhere.txt")

    assert columns(connection, "state, target") == [("taken", "done/elsewhere.txt")]


def test_a_file_marked_as_placed_is_no_longer_unmoved_and_stands_where_it_was_put(
    connection: Connection,
) -> None:
    file, other = record(connection, "a.txt"), record(connection, "b.txt")

    ledger.mark_placed(connection, [(file, "done/a-2.txt")])

    assert ledger.unmoved_files(connection) == [other]
    found = ledger.first_file(connection, PRINT)
    assert found is not None
    assert (found.state, found.target) == (FileState.DONE, "done/a-2.txt")


def test_a_file_with_a_reason_is_placed_as_failed(connection: Connection) -> None:
    file = record(connection, "a.txt", reason="empty")

    ledger.mark_placed(connection, [(file, "failed/a.txt")])

    assert columns(connection, "state, target, reason") == [("failed", "failed/a.txt", "empty")]


def test_a_file_that_went_before_it_was_moved_is_gone_and_stands_nowhere(connection: Connection) -> None:
    file = record(connection)

    ledger.mark_gone(connection, file)

    assert ledger.unmoved_files(connection) == []
    assert columns(connection, "state, target") == [("gone", None)]


def test_the_content_of_a_file_that_went_is_known_all_the_same(connection: Connection) -> None:
    file = record(connection)
    ledger.mark_gone(connection, file)

    found = ledger.first_file(connection, PRINT)

    assert found is not None
    assert found.id == file.id


def test_the_same_bytes_may_be_counted_instead_of_recorded(connection: Connection) -> None:
    file = record(connection)

    for _ in range(3):
        ledger.count_repeat(connection, file)

    assert columns(connection, "repeats") == [(3,)]


def test_files_come_in_pages_by_id_from_the_first_that_arrived_since_a_moment(connection: Connection) -> None:
    record(connection, "old.txt", state=FileState.DONE, now=NOON - MINUTE)
    states = [FileState.DONE, FileState.TAKEN, FileState.FAILED, FileState.GONE, FileState.OUTGROWN]
    files = [record(connection, f"{state}.txt", state=state) for state in states]
    last = record(connection, "last.txt", state=FileState.DONE)

    before = ledger.last_before(connection, NOON)
    assert before is not None
    first_page = ledger.files_after(connection, after=before, most=2)
    second_page = ledger.files_after(connection, after=first_page[-1].id, most=2)

    assert ledger.last_before(connection, NOON + MINUTE) is None
    assert first_page == files[:2]
    assert second_page == files[2:4]
    assert ledger.files_after(connection, after=files[4].id, most=9) == [last]


def test_a_file_that_was_touched_has_its_new_stamp(connection: Connection) -> None:
    ledger.restamp(connection, record(connection), size=9, modified=10)

    assert columns(connection, "size, modified, state") == [(9, 10, "taken")]


def test_articles_before_are_those_of_all_that_a_file_was(connection: Connection) -> None:
    oldest = record(connection, state=FileState.OUTGROWN)
    older = record(connection, state=FileState.OUTGROWN, version_of=oldest.id)
    newest = record(connection, state=FileState.DONE, version_of=older.id)
    other = record(connection, "other.txt")
    ids = {}
    for file, position in [(oldest, 0), (older, 0), (older, 1), (newest, 2), (other, 0)]:
        tagged = make_tagged(make_tag(), text=f"Title\nText {file.id} {position}.")
        ids[file.id, position] = ledger.record_article(connection, file, position, tagged, now=NOON)

    found = ledger.articles_before(connection, newest)

    assert [(each.id, each.position) for each in found] == [
        (ids[newest.id, 2], 2),
        (ids[older.id, 0], 0),
        (ids[older.id, 1], 1),
        (ids[oldest.id, 0], 0),
    ]
    assert (found[0].title, found[0].text) == ("Title", f"Title\nText {newest.id} 2.")


def test_deaths_are_counted_by_name_and_stamp_and_forgotten_by_name(connection: Connection) -> None:
    odd = os.fsdecode(b"caf\xe9.txt")
    for name, stamp in [(odd, "1"), (odd, "1"), (odd, "2"), ("b.txt", "1")]:
        ledger.record_death(connection, name, stamp, now=NOON)
    assert ledger.deaths(connection) == {(odd, "1"): 2, (odd, "2"): 1, ("b.txt", "1"): 1}

    ledger.forget_deaths(connection, odd)

    assert ledger.deaths(connection) == {("b.txt", "1"): 1}


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
