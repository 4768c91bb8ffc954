"""The ledger's database: durable, brought to our schema, refused in one line where it cannot be used."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from daemon.database import Database, newest_schema, open_database
from daemon.errors import LedgerError

ADD = text(
    """
    INSERT INTO jobs (name, schedule, due_at)
    VALUES (:name, '', '')
    """
)
NAMES = text("SELECT name FROM jobs ORDER BY name")


def names(database: Database) -> list[str]:
    with database.reading() as connection:
        return [str(name) for name in connection.execute(NAMES).scalars()]


def refusal(address: str) -> str:
    with pytest.raises(LedgerError) as caught:
        open_database(address)
    return str(caught.value)


def test_a_commit_is_on_the_disk_before_it_returns(database: Database) -> None:
    with database.transaction() as connection:
        journal = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
        synchronous = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
        foreign_keys = connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one()

    full = 2
    assert (journal, synchronous, foreign_keys) == ("wal", full, 1)


def test_every_thread_gets_a_connection_with_the_same_guarantees(database: Database) -> None:
    found: list[int] = []

    def ask() -> None:
        with database.reading() as connection:
            found.append(int(connection.exec_driver_sql("PRAGMA synchronous").scalar_one()))

    with database.reading():
        in_threads(ask, ask)

    assert found == [2, 2]


def test_a_new_ledger_has_the_newest_schema(database: Database) -> None:
    with database.reading() as connection:
        version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()

    assert version == newest_schema()


def test_opening_a_ledger_again_keeps_what_is_in_it(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/ledger.db"
    first = open_database(address)
    with first.transaction() as connection:
        connection.execute(ADD, {"name": "kept"})
    first.close()

    second = open_database(address)

    assert names(second) == ["kept"]
    second.close()


def test_an_exception_takes_the_whole_transaction_back(database: Database) -> None:
    with pytest.raises(RuntimeError), database.transaction() as connection:
        connection.execute(ADD, {"name": "half"})
        raise RuntimeError("a crash")

    assert names(database) == []


def test_what_was_written_while_reading_is_not_kept(database: Database) -> None:
    with database.reading() as connection:
        connection.execute(ADD, {"name": "slipped in"})

    assert names(database) == []


def test_a_row_that_points_nowhere_is_refused(database: Database) -> None:
    astray = text("INSERT INTO tags VALUES (99, 'energy', 'main', 0.5, '[]')")

    with pytest.raises(IntegrityError), database.transaction() as connection:
        connection.execute(astray)


def test_two_threads_that_write_wait_for_each_other_and_lose_nothing(database: Database) -> None:
    def write(mark: str) -> None:
        for number in range(40):
            with database.transaction() as connection:
                # A read before the write: a transaction that had not said so would fail here.
                connection.execute(NAMES).all()
                connection.execute(ADD, {"name": f"{mark}{number:02}"})

    in_threads(lambda: write("a"), lambda: write("b"))

    assert names(database) == [f"{mark}{number:02}" for mark in "ab" for number in range(40)]


def test_a_reader_waits_for_no_writer_and_sees_only_what_is_committed(database: Database) -> None:
    started = time.monotonic()

    with database.transaction() as connection:
        connection.execute(ADD, {"name": "not yet"})
        seen = names(database)

    assert seen == []
    assert time.monotonic() - started < 2.0
    assert names(database) == ["not yet"]


def test_a_ledger_of_a_newer_topicwire_is_refused_in_one_line_and_left_alone(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/ledger.db"
    database = open_database(address)
    with database.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()

    said = refusal(address)

    assert said.startswith(f"{address}: made by a newer topicwire")
    assert "9999" in said
    assert "\n" not in said
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]


@pytest.mark.parametrize(
    "content", [b"this is an article, not a ledger\n" * 200, b"SQLite format 3\0" + b"\xff" * 4096]
)
def test_a_damaged_ledger_is_refused_in_one_line_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(content)

    said = refusal(f"sqlite:///{path}")

    assert said == f"sqlite:///{path}: file is not a database"
    assert path.read_bytes() == content


def test_a_ledger_with_a_page_overwritten_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    open_database(f"sqlite:///{path}").close()
    content = bytearray(path.read_bytes())
    content[100:4096] = b"\xff" * 3996  # the rest of the first page: the list of tables
    path.write_bytes(content)

    said = refusal(f"sqlite:///{path}")

    assert said.startswith(f"sqlite:///{path}: ")
    assert "malformed" in said
    assert "\n" not in said


@pytest.mark.parametrize("folder", ["/proc", "/nowhere/at/all"])
def test_a_folder_where_nothing_can_be_written_is_named_in_one_line(folder: str) -> None:
    said = refusal(f"sqlite:///{folder}/ledger.db")

    assert said == f"sqlite:///{folder}/ledger.db: unable to open database file"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_named_in_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)

    said = refusal(f"sqlite:///{folder}/ledger.db")

    assert said == f"sqlite:///{folder}/ledger.db: unable to open database file"


def in_threads(*works: Callable[[], None]) -> None:
    """Run them side by side; the first exception of any is ours."""
    failures: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30.0)
    if failures:
        raise failures[0]
