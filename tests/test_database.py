"""The ledger's database: durable, brought to our schema, refused in one line where it cannot be used."""

from __future__ import annotations

import errno
import os
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import ModuleType

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, TextClause, create_engine, event, text
from sqlalchemy.exc import (
    DatabaseError,
    DBAPIError,
    IntegrityError,
    OperationalError,
    SQLAlchemyError,
    StatementError,
)

from daemon import candidates, deliveries, grouping, ledger, mounts, outbox, showing, stories
from daemon import database as database_module
from daemon.database import Database, knows_schema, newest_schema, open_database, plainly
from daemon.errors import LedgerError
from daemon.statements import Statement

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

    mend = "`topicwired restore` puts the newest backup in its place"
    assert said == f"sqlite:///{path}: file is not a database; {mend}"
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
    assert "`topicwired restore`" in said
    assert "\n" not in said


@pytest.mark.parametrize("folder", ["/proc", "/nowhere/at/all"])
def test_a_folder_where_nothing_can_be_written_is_named_in_one_line(folder: str) -> None:
    said = refusal(f"sqlite:///{folder}/ledger.db")

    assert said.startswith(f"sqlite:///{folder}/ledger.db: unable to open database file")
    assert "no such file or directory" in said
    assert "\n" not in said


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_named_in_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)

    said = refusal(f"sqlite:///{folder}/ledger.db")

    assert said.startswith(f"sqlite:///{folder}/ledger.db: unable to open database file: no right")


@pytest.mark.parametrize(
    "name", ["what?now", "a#b", "100%25 sure", "наш дом", "two  blanks", "a&mode=memory"]
)
def test_a_ledger_stands_where_its_path_says_whatever_signs_are_in_it(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir()

    database = open_database(f"sqlite:///{folder}/ledger.db")
    with database.transaction() as connection:
        connection.execute(ADD, {"name": "here"})

    assert names(database) == ["here"]
    database.close()
    assert [path.name for path in folder.iterdir()] == ["ledger.db"]


def test_a_ledger_on_a_network_share_is_refused_and_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    share = f"44 1 0:43 / {tmp_path} rw - nfs4 server:/news rw\n".encode()
    table = tmp_path / "mountinfo"
    table.write_bytes(b"27 1 254:0 / / rw - ext4 /dev/vda rw\n" + share)
    monkeypatch.setattr(mounts, "_TABLE", table)

    said = refusal(f"sqlite:///{tmp_path}/home/ledger.db")

    assert said.startswith(f"sqlite:///{tmp_path}/home/ledger.db: lies on a network file system (nfs4)")
    assert "storage.database" in said
    assert "\n" not in said
    assert not (tmp_path / "home").exists()


def deleted(path: Path) -> None:
    path.unlink()


def moved_away(path: Path) -> None:
    path.rename(path.with_name("elsewhere.db"))


def replaced(path: Path) -> None:
    copy = path.with_name("copy.db")
    shutil.copy(path, copy)
    copy.replace(path)


def emptied_by_a_new_file(path: Path) -> None:
    path.unlink()
    path.touch()


@pytest.mark.parametrize("harm", [deleted, moved_away, replaced, emptied_by_a_new_file])
def test_a_ledger_that_has_gone_while_we_ran_is_said_and_none_is_made(
    harm: Callable[[Path], None], tmp_path: Path
) -> None:
    path = tmp_path / "ledger.db"
    database = open_database(f"sqlite:///{path}")
    with database.transaction() as connection:
        connection.execute(ADD, {"name": "before"})
    harm(path)
    stands = path.stat().st_size if path.exists() else None

    for use in (database.transaction, database.reading):
        with pytest.raises(LedgerError, match="was deleted or replaced"), use() as connection:
            connection.execute(ADD, {"name": "seen by nobody"})
    # Nor does a connection that is opened anew make one.
    database.close()
    with pytest.raises(LedgerError), database.transaction():
        pass

    assert (path.stat().st_size if path.exists() else None) == stands


@pytest.mark.parametrize("part", ["", "-wal"])
def test_a_commit_to_a_file_that_went_meanwhile_is_no_commit(part: str, tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    database = open_database(f"sqlite:///{path}")

    with pytest.raises(LedgerError, match="was deleted"), database.transaction() as connection:
        connection.execute(ADD, {"name": "seen by nobody"})
        Path(f"{path}{part}").unlink()
    database.close()


def test_the_same_ledger_put_back_is_used_again(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    database = open_database(f"sqlite:///{path}")
    path.rename(tmp_path / "away.db")
    with pytest.raises(LedgerError), database.transaction():
        pass

    (tmp_path / "away.db").rename(path)
    with database.transaction() as connection:
        connection.execute(ADD, {"name": "back"})

    assert names(database) == ["back"]
    database.close()


def test_after_an_error_of_the_disk_every_connection_is_opened_anew(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/ledger.db")
    with database.transaction() as one, database.reading() as other:
        before = [driver_of(one), driver_of(other)]

    with pytest.raises(OperationalError) as caught, a_disk_that_fails_beyond(400_000):
        for number in range(50):
            with database.transaction() as connection:
                connection.execute(ADD, {"name": f"{number:02}" * 10_000})
    kept = len(names(database))
    with database.transaction() as one, database.reading() as other:
        after = [driver_of(one), driver_of(other)]
        one.execute(ADD, {"name": "later"})

    assert plainly(caught.value) == "the disk of the ledger fails (input/output error)"
    assert not {id(each) for each in before} & {id(each) for each in after}
    assert 0 < kept < 50
    assert len(names(database)) == kept + 1
    database.close()


def test_an_error_of_the_disk_at_the_start_of_a_transaction_leaves_us_able_to_go_on(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    database = open_database(f"sqlite:///{path}")
    database.close()  # the next connection is opened, and fails, within the transaction
    with pytest.raises(OperationalError), a_disk_that_fails_beyond(10), database.transaction() as connection:
        connection.execute(ADD, {"name": "lost"})

    with database.transaction() as connection:
        connection.execute(ADD, {"name": "kept"})

    assert names(database) == ["kept"]
    database.close()


def test_a_full_disk_is_waited_for_with_the_same_connections(database: Database) -> None:
    with database.transaction() as connection:
        before = driver_of(connection)
        connection.exec_driver_sql("PRAGMA max_page_count=60")
    with pytest.raises(OperationalError) as caught, database.transaction() as connection:
        connection.execute(ADD, {"name": "x" * 1_000_000})

    with database.transaction() as connection:
        connection.execute(ADD, {"name": "room again"})
        assert driver_of(connection) is before

    assert plainly(caught.value) == "the disk is full"
    assert names(database) == ["room again"]


@pytest.mark.parametrize("lock", ["EXCLUSIVE", "IMMEDIATE"])
def test_a_ledger_that_another_program_holds_is_waited_for_and_then_used(
    lock: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.sqlite._BUSY_SECONDS", 0.3)
    database = open_database(f"sqlite:///{tmp_path}/ledger.db")

    with held_by_another_program(tmp_path / "ledger.db", lock):
        started = time.monotonic()
        for _ in range(3):  # whoever tries again meets the same, and nothing is left half done
            with pytest.raises(OperationalError) as caught, database.transaction() as connection:
                connection.execute(ADD, {"name": "not now"})
        waited = time.monotonic() - started
        assert names(database) == []  # readers wait for nobody
    with database.transaction() as connection:
        connection.execute(ADD, {"name": "now"})

    assert waited >= 0.9
    assert plainly(caught.value) == "the ledger is locked by another program"
    assert names(database) == ["now"]
    database.close()


def test_a_ledger_of_our_schema_is_opened_while_another_program_writes(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    open_database(f"sqlite:///{path}").close()

    with held_by_another_program(path, "IMMEDIATE"):
        started = time.monotonic()
        database = open_database(f"sqlite:///{path}")
        found = names(database)

    assert found == []
    assert time.monotonic() - started < 5.0
    database.close()


def test_a_small_ledger_is_checked_after_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    database = open_database(f"sqlite:///{path}")
    with database.transaction() as connection:
        for number in range(2000):
            connection.execute(ADD, {"name": f"{number:0200}"})
    database.close()
    overwrite_a_leaf(path)

    open_database(f"sqlite:///{path}").close()  # a clean stop: not looked at
    Path(f"{path}-wal").write_bytes(b"what a kill leaves")
    said = refusal(f"sqlite:///{path}")

    assert said.startswith(f"sqlite:///{path}: the ledger is damaged: ")
    assert "`topicwired restore`" in said
    assert "\n" not in said


def test_a_disk_that_is_full_or_fails_at_the_opening_is_said_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    open_database(f"sqlite:///{path}").close()

    with a_disk_that_fails_beyond(10):
        said = refusal(f"sqlite:///{path}")

    assert said.startswith(f"sqlite:///{path}: disk I/O error (the disk ")
    assert "\n" not in said


def test_damage_met_while_running_is_said_with_its_mend(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    database = open_database(f"sqlite:///{path}")
    with database.transaction() as connection:
        for number in range(2000):
            connection.execute(ADD, {"name": f"{number:0200}"})
    database.close()
    overwrite_a_leaf(path)

    with pytest.raises(DatabaseError) as caught, database.reading() as connection:
        connection.execute(NAMES).all()  # reads an index
        connection.execute(text("SELECT * FROM jobs")).all()  # reads the table
    database.close()

    assert plainly(caught.value) == "the ledger is damaged: stop topicwired and run `topicwired restore`"


def test_a_kill_at_any_statement_of_a_migration_leaves_the_old_schema_or_the_new(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    first_schema(path)
    old = schema_of(path)
    statements, ended = 0, False
    while not ended:
        statements += 1
        ended = opened_and_killed_at(path, statements)
        found = schema_of(path)
        assert found == old or found[0] == newest_schema()
    new = schema_of(path)
    fresh = tmp_path / "fresh.db"
    open_database(f"sqlite:///{fresh}").close()
    database = open_database(f"sqlite:///{path}")

    assert statements > 10
    assert old[0] == "0001"
    assert new == schema_of(fresh)
    assert names(database) == ["kept"]
    database.close()


def test_the_revisions_up_to_ours_are_known_and_a_later_one_is_not() -> None:
    assert knows_schema("0001")
    assert knows_schema(newest_schema())
    assert not knows_schema("9999")


STATEMENT = "INSERT INTO articles (text) VALUES (:text)"
ARTICLE = "The minister resigned"


def of_sqlite(code: int, kind: type[sqlite3.Error] = sqlite3.OperationalError) -> SQLAlchemyError:
    original = kind(ARTICLE)
    original.sqlite_errorcode = code
    return DBAPIError(STATEMENT, {"text": ARTICLE}, original)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (of_sqlite(sqlite3.SQLITE_FULL), "the disk is full"),
        (of_sqlite(sqlite3.SQLITE_BUSY_SNAPSHOT), "the ledger is locked by another program"),
        (of_sqlite(sqlite3.SQLITE_IOERR_FSYNC), "the disk of the ledger fails"),
        (of_sqlite(sqlite3.SQLITE_IOERR_SHMSIZE), "the disk is full"),
        (of_sqlite(sqlite3.SQLITE_CORRUPT_INDEX, sqlite3.DatabaseError), "the ledger is damaged"),
        (of_sqlite(sqlite3.SQLITE_NOTADB, sqlite3.DatabaseError), "`topicwired restore`"),
        (of_sqlite(sqlite3.SQLITE_READONLY_DIRECTORY), "may not be written"),
        (of_sqlite(sqlite3.SQLITE_READONLY_DBMOVED), "moved or deleted"),
        (of_sqlite(sqlite3.SQLITE_CANTOPEN), "cannot be opened"),
        (of_sqlite(sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.IntegrityError), "the ledger refuses"),
        (sqlite3.OperationalError(ARTICLE), "the ledger refuses"),
        (StatementError(ARTICLE, STATEMENT, {"t": ARTICLE}, ValueError(ARTICLE)), "unexpected: ValueError"),
        (ValueError(ARTICLE), "unexpected: ValueError"),
        (LedgerError("ledger.db: gone\nfor good"), "ledger.db: gone for good"),
        (OSError(errno.ENOSPC, "No space", "/done/a.txt"), "the disk is full: /done/a.txt"),
        (OSError(errno.EDQUOT, "Quota", b"/done/a.txt"), "the disk quota is used up: /done/a.txt"),
        (OSError(errno.EROFS, "x", "/done"), "the disk is read-only: /done"),
        (OSError(errno.EMFILE, "x"), "this program has too many files open"),
        (OSError(errno.ENFILE, "x"), "this machine has too many files open"),
        (OSError(errno.EIO, "x", "a\n\x1b[2Jb"), "the disk fails (input/output error): a  [2Jb"),
        (OSError(errno.EACCES, "x", "/inbox/a\udcff.txt"), "no right to do that: /inbox/a\\udcff.txt"),
        (OSError(errno.ELOOP, "Too many links", "/inbox/a"), "too many links: /inbox/a"),
    ],
)  # fmt: skip
def test_what_went_wrong_is_said_in_one_plain_line_without_the_article(error: Exception, said: str) -> None:
    line = plainly(error)

    assert said in line
    assert line.isprintable()
    line.encode()
    assert ARTICLE not in line
    assert "INSERT" not in line


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A ledger with 200,000 articles, each alerted of; nearly all of the alerts are still owed."""
    path = tmp_path_factory.mktemp("large") / "ledger.db"
    database = open_database(f"sqlite:///{path}")
    with database.transaction() as connection:
        for statement in LARGE:
            connection.exec_driver_sql(f"{NUMBERS} {statement}")
    yield database
    database.close()


MANY = 200_000
NUMBERS = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY})"
MOMENT = "'2026-03-05T12:00:00.000000Z'"
LARGE = (
    "INSERT INTO files (id, fingerprint, name, size, state, target, arrived_at)"
    f" SELECT i, 'f' || i, i || '.txt', 9, 'done', 'done/' || i, {MOMENT} FROM n",
    "INSERT INTO articles (id, file_id, fingerprint, position, text, model, tagged_at)"
    f" SELECT i, i, 'a' || i, 0, 'Text ' || i, 'm', {MOMENT} FROM n",
    "INSERT INTO tags SELECT i, 'energy', 'main', 0.9, '[]' FROM n",
    "INSERT INTO alerts (id, key, article_id, receiver, payload, created_at)"
    f" SELECT i, 'k' || i, i, 'desk', '{{}}', {MOMENT} FROM n",
    "INSERT INTO deliveries (id, alert_id, receiver, key, state, attempts, looks, due_at)"
    " SELECT i, i, 'desk', 'k' || i, CASE WHEN i > 1000 THEN 'pending' ELSE 'sent' END, 1, 0,"
    f" {MOMENT} FROM n",
)

# Counting all of a table, a table of a few rows, or an answer that a person asked for once.
MAY_SCAN = {"_COUNT_ARTICLES", "_COUNT_FILES", "_COUNTS", "_TROUBLE", "_DEATHS"}
MAY_SCAN |= {"_TOLD"}  # the newest few rows, which the test of a large ledger times
# Once a start.
MAY_SORT = {"_OWED_RECEIVERS"}
# A story's articles, and the few marks that an article is looked up by.
MAY_SORT |= {"_ALSO_TOLD", "_COMPARED"}
GIVEN = ("SCAN asked", "SCAN likely", "SCAN 12 CONSTANT ROWS")
# Checks of rows that point here. SQLite shows them in the plan of an insert and leaves them out
# unless a row points nowhere, which ours never do (sqlite.org/foreignkeys.html, 3).
INSERTS = ("INSERT",)


def statements_of(module: ModuleType) -> Iterator[tuple[str, TextClause]]:
    for name, value in vars(module).items():
        if isinstance(value, TextClause | Statement):
            yield name, value.text if isinstance(value, Statement) else value


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "name", "statement"),
    [
        pytest.param(module.__name__, name, statement, id=f"{module.__name__}.{name}")
        for module in (ledger, outbox, deliveries, showing, grouping, candidates, stories)
        for name, statement in statements_of(module)
        if name not in MAY_SCAN and not statement.text.lstrip().startswith(INSERTS)
    ],
)
def test_what_the_daemon_asks_for_each_file_and_alert_reads_no_whole_table(
    module: str, name: str, statement: TextClause, large: Database
) -> None:
    nothing = dict.fromkeys(statement.compile().params)
    # Where any number of values is taken, one is.
    query = re.sub(r"\bIN (:\w+)", r"IN (\1)", statement.text)
    with large.reading() as connection:
        rows = connection.execute(text(f"EXPLAIN QUERY PLAN {query}"), nothing).all()

    plan = [str(row[3]) for row in rows]
    assert plan
    assert not [step for step in plan if step.startswith("SCAN") and step not in GIVEN], plan
    assert name in MAY_SORT or not [step for step in plan if "TEMP B-TREE" in step], plan


@pytest.mark.slow
def test_on_a_large_ledger_a_file_and_an_alert_are_looked_up_at_once(large: Database) -> None:
    started = time.monotonic()
    for number in range(100):
        with large.reading() as connection:
            assert ledger.first_file(connection, f"f{number + 1}") is not None
            assert ledger.first_file(connection, f"new {number}") is None
            assert ledger.unmoved_files(connection) == []
            told = {"receiver": "desk", "since": "2026-03-05", "most": 40}
            assert connection.execute(grouping._TOLD, told).scalar_one() <= 80

    assert time.monotonic() - started < 2.0


def driver_of(connection: Connection) -> object:
    return connection.connection.driver_connection


@contextmanager
def a_disk_that_fails_beyond(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes: a write says EFBIG, which SQLite calls an I/O error."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def held_by_another_program(path: Path, lock: str) -> Iterator[None]:
    program = (
        "import sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "connection.execute('BEGIN ' + sys.argv[2])\n"
        "print('held', flush=True)\n"
        "sys.stdin.read()\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", program, str(path), lock], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdin is not None and other.stdout is not None
    assert other.stdout.readline() == b"held\n"
    try:
        yield
    finally:
        other.stdin.close()
        other.wait(10)
        other.stdout.close()


def overwrite_a_leaf(path: Path) -> None:
    """One page in the middle: rows of a table, not the list of tables."""
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = b"\xff" * 4096
    path.write_bytes(content)


def first_schema(path: Path) -> None:
    """A ledger as the first release made it, with a row."""
    config = Config()
    config.set_main_option("script_location", str(Path(database_module.__file__).parent / "migrations"))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(ADD, {"name": "kept"})
    engine.dispose()


def schema_of(path: Path) -> tuple[str, list[str]]:
    with closing(sqlite3.connect(path)) as connection:
        [version] = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        tables = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
        return version, [sql for (sql,) in tables]


def opened_and_killed_at(path: Path, statement: int) -> bool:
    """Open a ledger in a process that is killed before this statement; whether it came to its end."""
    child = os.fork()
    if child == 0:
        seen = 0

        def count(*_: object) -> None:
            nonlocal seen
            seen += 1
            if seen == statement:
                os.kill(os.getpid(), signal.SIGKILL)

        event.listen(Engine, "before_cursor_execute", count)
        try:
            open_database(f"sqlite:///{path}")
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFEXITED(status)


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
