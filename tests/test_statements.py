"""Statements that are compiled once: they say what `sqlalchemy.text` says, to every driver in its way."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.exc import IntegrityError

from daemon.statements import Statement

ADD = Statement("INSERT INTO jobs (first, last, job) VALUES (:now, :now, :job) RETURNING job")
ALL = Statement("SELECT job, first, last FROM jobs WHERE job LIKE '%' AND job <> :other ORDER BY job")


@pytest.fixture
def connection() -> Iterator[Connection]:
    with create_engine("sqlite://").connect() as opened:
        opened.exec_driver_sql("CREATE TABLE jobs (job TEXT PRIMARY KEY, first TEXT, last TEXT)")
        yield opened


def test_values_are_given_by_name_in_any_order_and_more_than_once(connection: Connection) -> None:
    made = ADD.execute(connection, {"now": "noon", "job": "digest", "unused": 1}).scalar_one()
    ADD.execute_all(connection, [{"job": job, "now": "night"} for job in ("backup", "retrain")])

    assert made == "digest"
    assert ALL.execute(connection, {"other": "retrain"}).all() == [
        ("backup", "night", "night"),
        ("digest", "noon", "noon"),
    ]


def test_an_error_is_the_one_that_sqlalchemy_makes_of_it(connection: Connection) -> None:
    ADD.execute(connection, {"job": "digest", "now": "noon"})

    with pytest.raises(IntegrityError):
        ADD.execute(connection, {"job": "digest", "now": "night"})


def test_a_driver_that_takes_names_gets_names() -> None:
    told: list[Any] = []
    postgresql: Any = SimpleNamespace(
        dialect=psycopg.dialect(),  # type: ignore[no-untyped-call]
        exec_driver_sql=lambda *said: told.append(said),
    )

    ALL.execute(postgresql, {"other": "retrain"})

    [(sql, values)] = told
    assert (
        sql % {"other": "$1"}
        == "SELECT job, first, last FROM jobs WHERE job LIKE '%' AND job <> $1 ORDER BY job"
    )
    assert values == {"other": "retrain"}
