"""The tests' own PostgreSQL: what a kill leaves, who is let in, and that nothing of it stays behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, text

from tests import postgres

TELLS_AND_WAITS = """
from tests import postgres
with postgres.server() as server:
    print(server._folder, flush=True)
    input()
"""


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    """The module's own: it is killed here."""
    try:
        with postgres.server() as running:
            yield running
    except postgres.NoPostgresError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_what_was_committed_is_there_after_the_server_ended_and_started(
    server: postgres.Server, how: str
) -> None:
    address = server.fresh()
    server.run("CREATE TABLE kept (name text)", address)
    server.run("INSERT INTO kept VALUES ('before')", address)

    getattr(server, how)()
    with pytest.raises(psycopg.OperationalError):
        server.run("SELECT 1")
    server.start()

    assert server.run("SELECT name FROM kept", address) == [("before",)]


def test_a_copy_has_what_stood_in_the_first_and_goes_its_own_way(server: postgres.Server) -> None:
    first = server.fresh()
    server.run("CREATE TABLE kept (name text)", first)
    copy = server.fresh(like=first)

    server.run("INSERT INTO kept VALUES ('only here')", copy)

    assert server.run("SELECT name FROM kept", first) == []


def test_nobody_is_let_in_without_the_password(server: postgres.Server) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(
            server.address("postgres").replace("+psycopg", "").replace(server.password, "guessed")
        )


def test_a_test_ends_the_connections_it_chooses(server: postgres.Server) -> None:
    engine = create_engine(server.fresh())
    with engine.connect() as connection:
        connection.execute(text("SET application_name = 'the one'"))
        connection.commit()

        ended = server.terminate_backends("application_name = 'the one'")

        assert ended == 1
        with pytest.raises(Exception, match="terminating connection"):
            connection.execute(text("SELECT 1"))
    engine.dispose()


def test_of_a_killed_process_neither_its_server_nor_its_folder_stays(server: postgres.Server) -> None:
    killed = subprocess.Popen(
        [sys.executable, "-c", TELLS_AND_WAITS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert killed.stdout is not None
    folder = Path(killed.stdout.readline().strip())
    assert (folder / "data" / "postmaster.pid").exists()

    killed.send_signal(signal.SIGKILL)
    killed.communicate()

    until = time.monotonic() + 30.0
    while folder.exists():
        assert time.monotonic() < until, f"{folder} stays"
        time.sleep(0.02)
    assert not postgres._works_in(folder / "data")
