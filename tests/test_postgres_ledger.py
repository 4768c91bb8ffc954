"""The ledger in PostgreSQL: who is let in, what is said where not, and how transactions follow each other."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DatabaseError

from daemon import postgres as engine
from daemon.database import Database, open_database, plainly, server_time
from daemon.errors import LedgerError
from daemon.tables import POSTGRES
from tests.postgres import Server, name_in

DUE = text("INSERT INTO jobs (name, schedule, due_at) VALUES (:name, 'x', 'y')")
NAMES = text("SELECT name FROM jobs ORDER BY name")


def refusal(address: str) -> str:
    """The one line that says why a ledger cannot be opened."""
    with pytest.raises(LedgerError) as refused:
        open_database(address)
    said = str(refused.value)
    assert "\n" not in said
    assert len(said) < 300
    return said


def without_password(server: Server, address: str) -> str:
    return address.replace(f":{server.password}@", "@")


# What is said at the door


def test_a_wrong_password_is_one_line_without_it(postgresql: Server, pg_address: str) -> None:
    said = refusal(pg_address.replace(postgresql.password, "guessed"))

    assert said.endswith(": the ledger's server does not let us in: user or password is wrong")
    assert "guessed" not in said


def test_the_right_password_stands_in_no_error(postgresql: Server, pg_address: str) -> None:
    said = refusal(pg_address.replace(name_in(pg_address), "not_there"))

    assert said.endswith("has no database of this name; make it with createdb")
    assert postgresql.password not in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("/not_there", "the ledger's server has no database of this name; make it with createdb"),
        ("?colour=red", "the address of the ledger has a key that libpq does not know"),
        ("?sslmode=red", "the address of the ledger has an sslmode that libpq does not know"),
        (
            "?sslmode=require",
            "the ledger's server has no certificate;"
            " add ?sslmode=disable to the address where nobody else is on the way to it",
        ),
    ],
)
def test_an_address_that_leads_nowhere_says_why(
    postgresql: Server, pg_address: str, change: str, said: str
) -> None:
    address = pg_address.rpartition("/")[0] + change if change.startswith("/") else pg_address + change

    assert refusal(address).endswith(f": {said}")


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("reader@127.0.0.1:1/news", "nothing listens at that port"),
        ("reader@host.invalid/news", "no host of this name is known"),
        ("reader@/news?host=/not/there", "it has no such socket, or is not running"),
    ],
)
def test_a_server_that_is_not_there_is_named_with_what_is_wrong(place: str, said: str) -> None:
    address = f"{POSTGRES}{place}"

    assert refusal(address) == f"{address}: the ledger's server cannot be reached: {said}"


def test_without_a_password_it_says_where_to_put_one(
    postgresql: Server, pg_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSFILE", "/not/there")

    said = refusal(without_password(postgresql, pg_address))

    assert said.endswith("wants a password: write ?password_file=/path")


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_that_cannot_keep_every_text_is_refused(
    postgresql: Server, pg_address: str, encoding: str
) -> None:
    name = f"{name_in(pg_address)}_{encoding.lower()}"
    postgresql.run(f"CREATE DATABASE {name} ENCODING {encoding} TEMPLATE template0")

    said = refusal(postgresql.address(name))

    postgresql.run(f"DROP DATABASE {name}")
    assert said.endswith(f": its encoding is {encoding}; make it with createdb -E UTF8")


def test_a_server_older_than_we_know_is_refused(pg_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_OLDEST", 990000)

    assert refusal(pg_address).endswith("; 13 is the oldest we know")


def test_a_user_who_may_not_make_tables_is_told_so(postgresql: Server, pg_address: str) -> None:
    name = f"weak_{name_in(pg_address)}"
    postgresql.run(f"CREATE ROLE {name} LOGIN PASSWORD 'weakling'")

    said = refusal(f"{POSTGRES}{name}:weakling@127.0.0.1:{postgresql.port}/{name_in(pg_address)}")

    postgresql.run(f"DROP ROLE {name}")
    assert said.endswith(": the user of the ledger has no right to do that")


def test_a_ledger_of_a_newer_topicwire_is_refused(postgresql: Server, shared_address: str) -> None:
    postgresql.run("UPDATE alembic_version SET version_num = '9999'", shared_address)

    assert "made by a newer topicwire" in refusal(shared_address)


def test_without_psycopg_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)

    said = refusal(f"{POSTGRES}reader:secret@db.example/news")

    assert said.endswith(": needs psycopg; pip install 'topicwire[postgres]'")
    assert "secret@" not in said


@pytest.mark.parametrize("error", [psycopg.errors.FeatureNotSupported, psycopg.errors.ReadOnlySqlTransaction])
def test_a_server_that_takes_no_writes_is_said_to_be_a_standby(error: type[psycopg.Error]) -> None:
    """The first where a transaction says that it will write, as of a pooled connection (PostgreSQL 15)."""
    assert engine.said_of(error()) == "the ledger's server takes no writes: it is a standby"


# The password


@pytest.fixture
def secret(tmp_path: Path, postgresql: Server) -> Path:
    path = tmp_path / "secret"
    path.touch(mode=0o600)
    path.write_text(f"{postgresql.password}\n")
    return path


def test_the_password_stands_in_a_file_that_the_address_names(
    postgresql: Server, common_address: str, secret: Path
) -> None:
    address = f"{without_password(postgresql, common_address)}?password_file={secret}"

    open_database(address).close()


def test_a_password_that_others_may_read_is_refused_by_its_file(
    postgresql: Server, pg_address: str, secret: Path
) -> None:
    secret.chmod(0o644)

    said = refusal(f"{without_password(postgresql, pg_address)}?password_file={secret}")

    assert said == f"{secret}: others may read this secret; `chmod 600` it"


def test_a_password_file_that_is_not_there_is_named(postgresql: Server, pg_address: str) -> None:
    said = refusal(f"{without_password(postgresql, pg_address)}?password_file=/not/there")

    assert said == "/not/there: the secret cannot be read: No such file or directory"


@pytest.mark.parametrize("way", ["environment", "credential"])
def test_the_password_may_come_from_outside(
    postgresql: Server, common_address: str, secret: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    if way == "environment":
        monkeypatch.setenv("TOPICWIRE_DATABASE_PASSWORD", postgresql.password)
    else:
        secret.rename(secret.with_name("database-password"))
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(secret.parent))

    open_database(without_password(postgresql, common_address)).close()


# Beyond this machine


@pytest.mark.parametrize(
    ("place", "mode"),
    [
        ("u@127.0.0.1/x", None),
        ("u@[::1]/x", None),
        ("u@localhost/x", None),
        ("u@/x", None),
        ("u@/x?host=/run/postgresql", None),
        ("u@db.example/x", "verify-full"),
        ("u@10.1.2.3/x", "verify-full"),
        ("u@/x?host=db.example", "verify-full"),
        ("u@127.0.0.1,db.example/x", "verify-full"),
        ("u@localhost/x?hostaddr=10.1.2.3", "verify-full"),
        ("u@db.example/x?sslmode=disable", None),
    ],
)
def test_beyond_this_machine_the_server_must_prove_who_it_is_unless_the_address_says_otherwise(
    place: str, mode: str | None
) -> None:
    assert engine.place_of(f"{POSTGRES}{place}").given.get("sslmode") == mode


def test_a_host_from_the_environment_is_no_less_far_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.example")

    assert engine.place_of(f"{POSTGRES}u@/x").given["sslmode"] == "verify-full"


# Transactions


def in_another_thread(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def wait_for_a_waiter(server: Server, address: str) -> None:
    """Until somebody waits for a lock of this database."""
    until = time.monotonic() + 20.0
    here = f"datname = '{name_in(address)}'"
    asked = f"SELECT 1 FROM pg_stat_activity WHERE {here} AND wait_event_type = 'Lock'"
    while not server.run(asked):
        assert time.monotonic() < until, "nobody waits"
        time.sleep(0.01)


def names(connection: Connection) -> list[str]:
    return list(connection.execute(NAMES).scalars())


def test_who_writes_waits_for_whoever_writes_and_sees_all_of_it(
    postgresql: Server, common_address: str, shared_database: Database
) -> None:
    seen: list[str] = []

    def second() -> None:
        with shared_database.transaction() as connection:
            seen.extend(names(connection))

    with shared_database.transaction() as connection:
        thread = in_another_thread(second)
        wait_for_a_waiter(postgresql, common_address)
        connection.execute(DUE, {"name": "first"})
    thread.join(20.0)

    assert seen == ["first"]


def test_leases_and_claims_wait_for_no_writer(shared_database: Database) -> None:
    with shared_database.transaction(), shared_database.beside() as connection:
        connection.execute(DUE, {"name": "beside"})

    with shared_database.reading() as connection:
        assert names(connection) == ["beside"]


def test_who_reads_waits_for_nobody_and_sees_one_moment(shared_database: Database) -> None:
    with shared_database.reading() as reader:
        before = names(reader)
        with shared_database.transaction() as connection:
            connection.execute(DUE, {"name": "later"})
        after = names(reader)

    assert before == after == []


def test_who_reads_writes_nothing(shared_database: Database) -> None:
    with pytest.raises(DatabaseError), shared_database.reading() as connection:
        connection.execute(DUE, {"name": "a"})


def test_what_an_exception_breaks_off_was_never_written_and_the_turn_is_the_next_one_s(
    shared_database: Database,
) -> None:
    with pytest.raises(RuntimeError), shared_database.transaction() as connection:
        connection.execute(DUE, {"name": "a"})
        raise RuntimeError

    with shared_database.transaction() as connection:
        assert names(connection) == []


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, common_address: str) -> Iterator[Database]:
    """A ledger whose server waits for a tenth of the time, where a test is about how long it does."""
    monkeypatch.setattr(engine, "_SESSION", {**engine._SESSION, "lock_timeout": "300ms"})
    for name in ("_OURS_NEXT", "_BESIDE"):
        monkeypatch.setattr(engine, name, getattr(engine, name).replace("10000", "300"))
    opened = open_database(common_address)
    yield opened
    opened.close()


def test_who_waits_too_long_for_a_turn_says_that_the_ledger_is_locked(impatient: Database) -> None:
    with impatient.reading() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({engine.TURN})")

        with pytest.raises(DatabaseError) as refused, impatient.transaction():
            pass

        connection.exec_driver_sql(f"SELECT pg_advisory_unlock({engine.TURN})")
    assert plainly(refused.value) == "the ledger is locked by another program"


@pytest.mark.parametrize("kind", ["transaction", "beside"])
def test_who_stands_still_in_a_transaction_is_ended_and_keeps_nobody_waiting(
    impatient: Database, kind: str
) -> None:
    with pytest.raises(DatabaseError) as ended, getattr(impatient, kind)() as connection:
        connection.execute(DUE, {"name": "frozen"})
        time.sleep(0.8)
        connection.execute(NAMES)

    assert plainly(ended.value) in (
        "the transaction was ended: this process stood still in it",
        "the connection to the ledger's server has ended",
    )
    with impatient.transaction() as connection:
        assert names(connection) == []


def test_the_bounds_on_standing_still_are_the_server_s_in_each_transaction(
    shared_database: Database,
) -> None:
    asked = text("SHOW idle_in_transaction_session_timeout")
    with shared_database.transaction() as connection:
        assert connection.execute(asked).scalar_one() == "10s"
    with shared_database.beside() as connection:
        assert connection.execute(asked).scalar_one() == "10s"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("lock_timeout", "30s"),
        ("tcp_keepalives_idle", "5"),
        ("tcp_keepalives_interval", "2"),
        ("tcp_keepalives_count", "3"),
        ("tcp_user_timeout", "10000"),
        ("TimeZone", "UTC"),
        ("client_encoding", "UTF8"),
        ("default_transaction_isolation", "read committed"),
        ("synchronous_commit", "on"),
    ],
)
def test_the_server_is_told_when_to_give_us_up(shared_database: Database, setting: str, value: str) -> None:
    with shared_database.reading() as connection:
        said = connection.exec_driver_sql(f"SHOW {setting}").scalar_one()
    assert said in (value, f"{value}s", f"{value}ms")


# A server that goes


def test_a_connection_that_was_ended_is_said_to_be_and_the_next_is_a_new_one(
    postgresql: Server, common_address: str, shared_database: Database
) -> None:
    with pytest.raises(DatabaseError) as ended, shared_database.transaction() as connection:
        connection.execute(DUE, {"name": "cut off"})
        postgresql.terminate_backends(f"datname = '{name_in(common_address)}'")
        connection.execute(NAMES)

    assert plainly(ended.value) == "the connection to the ledger's server has ended"
    with shared_database.transaction() as connection:
        assert names(connection) == []


def test_connections_that_were_ended_while_nobody_used_them_are_nobody_s_error(
    postgresql: Server, common_address: str, shared_database: Database
) -> None:
    with shared_database.transaction() as connection:
        connection.execute(DUE, {"name": "kept"})
    assert postgresql.terminate_backends(f"datname = '{name_in(common_address)}'") >= 1

    with shared_database.reading() as connection:
        assert names(connection) == ["kept"]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("FATAL:  the database system is starting up", "cannot be reached: it is starting"),
        ("FATAL:  the database system is shutting down", "cannot be reached: it is stopping"),
        ("FATAL:  sorry, too many clients already", "takes no more connections (max_connections)"),
        ('FATAL:  no pg_hba.conf entry for host "10.1.2.3"', "nobody in from here: see its pg_hba.conf"),
        ("connection timeout expired", "cannot be reached: no answer"),
        ("SSL error: certificate verify failed", "is not one that we trust"),
        ("the connection is lost", "the connection to the ledger's server has ended"),
        ("consuming input failed: server closed the connection unexpectedly\n\tThis", "server has ended"),
    ],
)
def test_what_libpq_says_in_words_alone_is_one_plain_line(said: str, meant: str) -> None:
    assert engine.said_of(psycopg.OperationalError(said)).endswith(meant)


# The clock


def test_the_server_s_time_is_the_same_wherever_the_database_thinks_it_is(
    postgresql: Server, shared_address: str
) -> None:
    postgresql.run(f"ALTER DATABASE {name_in(shared_address)} SET timezone = 'Asia/Almaty'")
    database = open_database(shared_address)
    with database.reading() as connection:
        said = server_time(connection)
    database.close()

    assert said.utcoffset() is not None
    assert abs((said - datetime.now(UTC)).total_seconds()) < 30.0
