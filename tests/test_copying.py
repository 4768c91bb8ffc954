"""A ledger copied from SQLite to PostgreSQL and back: every row, or nothing."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from daemon import carrying, copying
from daemon.carrying import Row, Table
from daemon.cli import main as topicwired
from daemon.copying import Copied, address_of
from daemon.database import newest_schema, open_database
from daemon.errors import DaemonError
from tests.filled import fill
from tests.postgres import Server
from tests.several import Room
from tests.slack_stand_in import SlackStandIn
from tests.test_conversation import Desk
from tests.test_telling import COPY, FIRST, REWRITE

pytestmark = pytest.mark.sqlite("names both sides itself")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with rows in every table. Tests only read it."""
    path = tmp_path_factory.mktemp("filled") / "ledger.db"
    fill(path)
    return path


@pytest.fixture
def there(postgresql: Server, shared_template: str) -> Iterator[str]:
    """The address of an empty ledger, as a configuration has it."""
    address = postgresql.configured(postgresql.fresh(like=shared_template))
    yield address
    postgresql.drop(address)


def copy(source: Path | str, target: Path | str, *, mend: bool = False, home: Path | None = None) -> Copied:
    return copying.copy(
        address_of(str(source)),
        address_of(str(target)),
        daemon="north",
        homes=[home] if home else [],
        mend=mend,
        tell=lambda _: lambda _done, _total: None,
    )


def refusal(source: Path | str, target: Path | str, **given: Any) -> str:
    with pytest.raises(DaemonError) as refused:
        copy(source, target, **given)
    return str(refused.value)


def contents(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All that is in a file, with the kind that SQLite gives each value; without our code."""
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        names = sorted(name for (name,) in found)
        return {name: sorted(connection.execute(_typed(connection, name)), key=repr) for name in names}


def _typed(connection: sqlite3.Connection, table: str) -> str:
    columns = [column for _, column, *_ in connection.execute(f"PRAGMA table_info({table})")]
    listed = ", ".join(f'"{each}", typeof("{each}")' for each in columns)
    return f"SELECT {listed} FROM {table}"


def rows_in(server: Server, address: str) -> int:
    tables = server.run("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", address)
    ours = {name for (name,) in tables} - carrying.NOT_CARRIED
    return sum(int(server.run(f'SELECT COUNT(*) FROM "{name}"', address)[0][0]) for name in ours)


def changed(path: Path, target: Path, *statements: str) -> Path:
    """A copy of a ledger with something in it that only another program would write."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(path.read_bytes())
    with closing(sqlite3.connect(target)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return target


# Every row


def test_a_ledger_that_went_to_a_server_to_another_and_back_is_the_same_to_the_last_bit(
    filled: Path, there: str, postgresql: Server, tmp_path: Path
) -> None:
    elsewhere = postgresql.configured(postgresql.fresh())
    back = tmp_path / "back.db"

    copied = [copy(filled, there), copy(there, elsewhere), copy(elsewhere, back)]

    assert contents(back) == contents(filled)
    assert {table.rows for table in copied[0].tables} == {40}
    assert copied[0].checksum == copied[1].checksum
    postgresql.drop(elsewhere)


def test_files_are_known_to_be_in_the_home_of_the_daemon_that_had_them(
    filled: Path, there: str, postgresql: Server
) -> None:
    copied = copy(filled, there)

    assert postgresql.run("SELECT DISTINCT daemon FROM files", there) == [("north",)]
    assert copied.remarks == ("its files lie in the home of the daemon that storage.daemon calls north",)


def test_new_rows_get_numbers_behind_those_that_came(filled: Path, there: str, postgresql: Server) -> None:
    copy(filled, there)

    numbered = postgresql.run(
        "SELECT table_name FROM information_schema.columns WHERE column_default LIKE 'nextval%'", there
    )
    assert len(numbered) > 10
    for (name,) in numbered:
        [(following,)] = postgresql.run(f"SELECT nextval(pg_get_serial_sequence('{name}', 'id'))", there)
        assert following == 41


def test_what_daemons_of_the_old_ledger_were_doing_stays_behind(
    room: Room, there: str, postgresql: Server
) -> None:
    north = room.peer("north")
    assert north.holds("timetable")
    north.leave()
    with north.database.transaction() as connection:
        connection.exec_driver_sql(
            "INSERT INTO holds (receiver, person, reason, since) VALUES ('desk', 'ana', '', 'now')"
        )

    copied = copy(postgresql.configured(room.address), there)

    assert copied.rows == 1
    assert [postgresql.run(f"SELECT * FROM {name}", there) for name in ("daemons", "leases")] == [[], []]


def test_an_older_ledger_is_brought_to_our_schema_first_and_that_is_said(
    filled: Path, there: str, tmp_path: Path
) -> None:
    older = changed(
        filled,
        tmp_path / "older.db",
        # What 0015 added is taken away; 0014 changes nothing in SQLite.
        "DROP INDEX articles_forgotten",
        "DROP INDEX files_leaving",
        "ALTER TABLE articles DROP COLUMN forgotten_at",
        "UPDATE alembic_version SET version_num = '0013'",
    )

    copied = copy(older, there)

    assert copied.remarks[0] == (
        f"{address_of(str(older))}: was brought from schema 0013 to {newest_schema()} first"
    )


@pytest.mark.slow
def test_rows_are_read_a_part_at_a_time(tmp_path: Path, there: str) -> None:
    ledger = tmp_path / "long.db"
    fill(ledger, 800, paragraphs=100)  # 16 kB an article

    tracemalloc.start()
    copy(ledger, there)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < ledger.stat().st_size / 3


# What is refused


def test_a_target_with_a_single_row_is_refused_and_left_as_it_is(
    filled: Path, there: str, postgresql: Server
) -> None:
    open_database(there).close()
    postgresql.run("INSERT INTO holds VALUES ('desk', 'ana', '', 'now')", there)

    said = refusal(filled, there)

    assert said == f"{there}: is not empty, there are 1 rows in holds; name an empty database"
    assert rows_in(postgresql, there) == 1


def test_a_database_of_something_else_is_left_alone(
    filled: Path, pg_address: str, postgresql: Server
) -> None:
    postgresql.run("CREATE TABLE invoices (id int)", pg_address)
    at = postgresql.configured(pg_address)

    assert refusal(filled, at) == f"{at}: holds tables of something else; name an empty database (createdb)"
    assert postgresql.run("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", at) == [
        ("invoices",)
    ]


def test_a_file_that_stands_there_is_never_written_over(filled: Path, there: str, tmp_path: Path) -> None:
    copy(filled, there)
    for name, content in (("ledger.db", filled.read_bytes()), ("notes.db", b"do not delete")):
        (tmp_path / name).write_bytes(content)

        said = refusal(there, tmp_path / name)

        assert said.endswith("is no empty ledger; name another file, or move it away")
        assert (tmp_path / name).read_bytes() == content


def test_an_empty_ledger_that_stands_there_is_set_aside(filled: Path, there: str, tmp_path: Path) -> None:
    copy(filled, there)
    path = tmp_path / "ledger.db"
    open_database(address_of(str(path))).close()

    copy(there, path)

    assert contents(path) == contents(filled)
    assert [each.name for each in tmp_path.glob("ledger.db.set-aside-*")] != []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing.db", "no such ledger"),
        ("empty.db", "there is no ledger to copy"),
        ("notes.txt", "notes.txt: file is not a database"),
    ],
)
def test_what_is_no_ledger_is_not_copied(
    there: str, tmp_path: Path, postgresql: Server, name: str, said: str
) -> None:
    (tmp_path / "empty.db").touch()
    (tmp_path / "notes.txt").write_text("no ledger " * 1000)

    assert said in refusal(tmp_path / name, there)
    assert rows_in(postgresql, there) == 0


def test_a_ledger_of_a_newer_topicwire_is_refused(filled: Path, there: str, tmp_path: Path) -> None:
    newer = changed(filled, tmp_path / "newer.db", "UPDATE alembic_version SET version_num = '9999'")

    assert "made by a newer topicwire" in refusal(newer, there)


def test_two_files_and_the_same_ledger_twice_are_refused(filled: Path, there: str, tmp_path: Path) -> None:
    assert "`topicwired backup FILE`" in refusal(filled, tmp_path / "other.db")
    assert refusal(there, there) == f"{there}: is both; name two ledgers"


def test_an_address_with_a_password_in_it_is_refused_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(DaemonError) as refused:
        address_of("postgresql+psycopg://topicwire:hunter2@db.example.org/topicwire")

    assert "should have no password in it" in str(refused.value)
    assert "hunter2" not in str(refused.value)


# Whoever is at work


def test_a_ledger_whose_daemon_runs_is_refused(filled: Path, there: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    ledger = changed(filled, home / "elsewhere.db")
    holder = (
        "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX);"
        " print(1, flush=True); input()"
    )

    with Busy(holder, home / ".lock"):
        assert refusal(ledger, there) == f"{home}: a topicwired runs on this home; stop it first"
        assert refusal(filled, there, home=home) == f"{home}: a topicwired runs on this home; stop it first"

    assert copy(ledger, there).rows == 920


def test_a_ledger_that_somebody_has_open_is_refused_wherever_their_home_is(
    filled: Path, there: str, tmp_path: Path
) -> None:
    ledger = changed(filled, tmp_path / "ledger.db", "PRAGMA journal_mode=WAL")
    holder = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]);"
        " c.execute('SELECT * FROM files').fetchone(); print(1, flush=True); input()"
    )

    with Busy(holder, ledger):
        said = refusal(ledger, there)

    assert said == f"{ledger}: somebody has it open; stop topicwired and what else reads it first"
    assert copy(ledger, there).rows == 920


class Busy:
    """A process that does something until the block ends."""

    def __init__(self, program: str, *arguments: object) -> None:
        command = [sys.executable, "-c", program, *map(str, arguments)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self) -> None:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"1\n"

    def __exit__(self, *_: object) -> None:
        self._process.communicate(b"\n")


def test_a_server_with_a_daemon_on_it_is_neither_copied_nor_copied_to(
    room: Room, filled: Path, there: str, postgresql: Server
) -> None:
    room.peer("south")
    at = postgresql.configured(room.address)

    for source, target in ((at, there), (filled, at)):
        said = refusal(source, target)
        assert re.fullmatch(rf"{re.escape(at)}: has daemons that run: south on \S+; stop them first", said)

    room.peer("south").leave()
    assert copy(filled, at).rows == 920


# All of it or nothing


def _wrong(change: Callable[[Iterator[Row]], Iterator[Row]]) -> Callable[..., None]:
    right = carrying.copy_into_postgres

    def write(connection: Any, table: Table, given: Iterator[Row]) -> None:
        right(connection, table, change(given) if table.name == "tags" else given)

    return write


def _nearly(rows: Iterator[Row]) -> Iterator[Row]:
    for row in rows:
        yield tuple(1 / 3 + 2**-54 if value == 1 / 3 else value for value in row)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: islice(rows, 39), "was not copied as it is; nothing was kept"),
        (
            lambda rows: (tuple("x" if value == "" else value for value in row) for row in rows),
            "was not copied as",
        ),
        (_nearly, "was not copied as it is; nothing was kept"),
    ],
    ids=["a row less", "a text", "the last bit of a number"],
)
def test_a_difference_in_one_row_takes_all_of_the_copy_back(
    filled: Path,
    there: str,
    postgresql: Server,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Iterator[Row]], Iterator[Row]],
    said: str,
) -> None:
    monkeypatch.setattr(carrying, "copy_into_postgres", _wrong(change))

    assert said in refusal(filled, there)

    assert rows_in(postgresql, there) == 0
    monkeypatch.undo()
    assert copy(filled, there).rows == 920


def test_a_row_too_many_takes_the_copy_back(
    filled: Path, there: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy(filled, there)
    right = carrying.insert_into_sqlite

    def write(connection: Any, table: Table, given: Iterator[Row]) -> None:
        right(connection, table, given)
        if table.name == "holds":
            connection.exec_driver_sql("INSERT INTO holds VALUES ('\U0010ffff', 'ana', '', 'now')")

    monkeypatch.setattr(carrying, "insert_into_sqlite", write)

    assert refusal(there, tmp_path / "back.db") == "holds: has other rows than there were; nothing was kept"
    assert list(tmp_path.iterdir()) == []


def test_signs_that_postgresql_does_not_take_are_told_row_by_row_and_nothing_is_copied(
    filled: Path, there: str, tmp_path: Path, postgresql: Server
) -> None:
    odd = changed(filled, tmp_path / "odd.db", *_ODD)

    said = refusal(odd, there).splitlines()

    assert said == [
        "PostgreSQL does not take these; --mend replaces the signs with U+FFFD. Nothing was copied",
        "files 7: name has bytes that are no text",
        "articles 3: title has a NUL sign",
        "articles 3: text has a NUL sign",
    ]
    assert rows_in(postgresql, there) == 0


_ODD = (
    "UPDATE articles SET title = 'Gas' || char(0) || 'oil', text = char(0) || 'oil' WHERE id = 3",
    "UPDATE files SET name = CAST(x'636166e92e747874' AS TEXT) WHERE id = 7",
)


def test_signs_that_are_mended_are_told_and_the_rest_is_as_it_was(
    filled: Path, there: str, tmp_path: Path, postgresql: Server
) -> None:
    odd = changed(filled, tmp_path / "odd.db", *_ODD)

    copied = copy(odd, there, mend=True)

    assert len(copied.mended) == 3
    assert postgresql.run("SELECT title, text FROM articles WHERE id = 3", there) == [
        ("Gas\ufffdoil", "\ufffdoil")
    ]
    assert postgresql.run("SELECT name FROM files WHERE id = 7", there) == [("caf\ufffd.txt",)]
    back = tmp_path / "back.db"
    copy(there, back)
    differing = [name for name, rows in contents(back).items() if rows != contents(filled)[name]]
    assert differing == ["articles", "files"]


def test_a_value_that_its_column_cannot_have_is_told(filled: Path, there: str, tmp_path: Path) -> None:
    odd = changed(filled, tmp_path / "odd.db", "UPDATE files SET size = 'large' WHERE id = 7")

    assert refusal(odd, there) == "files 7: size is of the kind str, where int belongs"


# The command


def run(*arguments: str) -> int:
    return topicwired(["storage", "copy", *arguments])


def test_the_command_says_each_table_with_its_rows_and_what_to_do_next(
    filled: Path, there: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(str(filled), there, "--home", str(tmp_path), "--json", "--daemon", "east") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["rows"] == 920
    assert found["tables"]["articles"]["rows"] == 40

    assert run(there, str(tmp_path / "back.db"), "--home", str(tmp_path)) == 0
    out, err = capsys.readouterr()
    assert re.search(r"(?m)^articles +40  [0-9a-f]{16}$", out)
    assert "920 rows, each read back and compared" in out
    assert err == f"topicwired: name it in storage.database; {there} stays as it is\n"
    assert not (tmp_path / "inbox").exists()  # it makes no home


def test_the_daemon_is_named_as_the_configuration_names_it(
    filled: Path, there: str, tmp_path: Path, postgresql: Server
) -> None:
    config = tmp_path / "topicwire.toml"
    config.write_text('[storage]\ndaemon = "newsroom-1"\n')

    assert run(str(filled), there, "--home", str(tmp_path), "--config", str(config)) == 0

    assert postgresql.run("SELECT DISTINCT daemon FROM files", there) == [("newsroom-1",)]


# Real processes


def command(source: Path | str, target: Path | str, *more: str) -> list[str]:
    return [sys.executable, "-m", "daemon.cli", "storage", "copy", str(source), str(target), *more]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_copy_that_is_killed_at_any_moment_leaves_nothing_and_the_next_one_is_whole(
    there: str, postgresql: Server, tmp_path: Path
) -> None:
    large, back = tmp_path / "large.db", tmp_path / "back.db"
    rows = sum(fill(large, 2000).values())

    def is_there(target: str | Path) -> bool:
        if isinstance(target, Path):
            return target.exists()
        found = rows_in(postgresql, target)
        assert found in (0, rows)
        return found > 0

    for source, target in ((large, there), (there, back)):
        begun = time.monotonic()
        whole = postgresql.configured(postgresql.fresh()) if target == there else tmp_path / "whole.db"
        subprocess.run(command(source, whole), check=True, capture_output=True)
        seconds = time.monotonic() - begun
        for share in (0.6, 0.75, 0.9):
            process = subprocess.Popen(command(source, target), stdout=subprocess.DEVNULL)
            time.sleep(share * seconds)
            process.kill()
            process.wait()
            if is_there(target):
                break  # and then whole, as is seen below
        if not is_there(target):
            subprocess.run(command(source, target), check=True, capture_output=True)

    assert rows_in(postgresql, there) == rows
    assert contents(back) == contents(large)
    assert not list(tmp_path.glob(".*.new*"))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_ring_goes_on_where_the_ledger_was_copied_to_and_back(
    home: Path, slack: SlackStandIn, tmp_path: Path, there: str
) -> None:
    desk = Desk(home, slack, tmp_path)
    config = desk.config
    desk.drop("agency/first.txt", FIRST)
    [root] = desk.wait_for(1)
    _press(desk, slack, root, "wrong", "U0ANN")
    assert desk.process.stop() == 0

    old = home / "ledger.db"
    subprocess.run(command(old, there, "--home", str(home), "--daemon", "north"), check=True)
    old.rename(tmp_path / "old.db")
    desk.config = f'{config}\n[storage]\ndatabase = "{there}"\ndaemon = "north"\n'
    desk.start()
    desk.drop("known.txt", FIRST)  # the same once more
    desk.drop("wire/rewrite.txt", REWRITE)  # goes on with the story
    _, reply = desk.wait_for(2)
    _press(desk, slack, root, "right", "U0BOB")
    assert reply["thread_ts"] == root["ts"]
    assert desk.process.stop() == 0

    subprocess.run(command(there, old, "--home", str(home)), check=True)
    desk.config = config
    desk.start()
    for name, article in (("known again.txt", FIRST), ("rewritten.txt", REWRITE), ("copyist/copy.txt", COPY)):
        desk.drop(name, article)
    desk.wait_until_shows(root, "also in: 2 sources")
    desk.process.wait_until(lambda: len(desk.process.done()) == 6)
    desk.wait_until_shows(root, "<@U0ANN>")
    desk.wait_until_shows(root, "<@U0BOB>")
    assert desk.process.stop() == 0

    assert len(desk.messages()) == 2
    with closing(sqlite3.connect(old)) as connection:
        assert connection.execute("SELECT person, verdict FROM verdicts ORDER BY person").fetchall() == [
            ("U0ANN", "wrong"),
            ("U0BOB", "right"),
        ]
        assert connection.execute("SELECT COUNT(*) FROM stories").fetchone() == (1,)
        assert connection.execute("SELECT DISTINCT daemon FROM files").fetchall() == [("",)]


def _press(desk: Desk, slack: SlackStandIn, message: dict[str, Any], verb: str, person: str) -> None:
    assert slack.wait_for_ack(slack.click(message["ts"], desk.value(message, verb), user=person)) is not None
    desk.wait_until_shows(message, f"<@{person}>")
