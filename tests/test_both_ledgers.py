"""What both databases must take alike: every statement of the daemon, and whatever an article may hold."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import ClauseElement, Connection, Engine, Executable, TextClause, create_engine, inspect, text

import daemon
from daemon import holds, ledger, outbox
from daemon.database import open_database
from daemon.records import FileState
from daemon.statements import Statement
from tests.builders import NOON, make_alert, make_tag, make_tagged, owe

LONG = "a name far longer than any that we thought of " * 20
ONLY_POSTGRESQL = (
    "daemon.claiming",
    "daemon.leases",
    "daemon.presence",
    "daemon.postgres",
    "daemon.database",
)


def statements() -> Iterator[tuple[str, ClauseElement]]:
    """Every statement that stands in a module of the daemon, with its name."""
    for module in pkgutil.walk_packages(daemon.__path__, "daemon."):
        if "migrations" in module.name or module.name.endswith("__main__"):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            found = value.text if isinstance(value, Statement) else value
            if isinstance(found, ClauseElement) and isinstance(found, Executable) and _is_asked(str(found)):
                yield f"{module.name}.{name}", found


def _is_asked(sql: str) -> bool:
    """Only these can be prepared."""
    return sql.strip().startswith(("SELECT", "INSERT", "UPDATE", "DELETE", "WITH"))


def prepared(statement: ClauseElement, engine: Engine) -> set[str]:
    """As a server is asked to prepare it, with parameters of no type; lists with a value and without one."""
    found = {_numbered(str(statement.compile(dialect=engine.dialect)))}
    parameters = statement._bindparams if isinstance(statement, TextClause) else {}
    if any(each.expanding for each in parameters.values()):
        nothing: dict[str, Any] = {name: [] if each.expanding else None for name, each in parameters.items()}
        without = statement.params(nothing)
        asked = without.compile(dialect=engine.dialect, compile_kwargs={"render_postcompile": True})
        found.add(_numbered(str(asked)))
    return {f"PREPARE said AS {sql}" for sql in found}


def _numbered(sql: str) -> str:
    names: list[str] = []

    def number(found: re.Match[str]) -> str:
        if found[1] not in names:
            names.append(found[1])
        return f"${names.index(found[1]) + 1}"

    sql = re.sub(r"\(__\[POSTCOMPILE_(\w+)\]\)", r"(%(\1)s)", sql)
    return re.sub(r"%\((\w+)\)s", number, sql).replace("%%", "%")


def test_postgresql_understands_every_statement_and_the_type_of_every_parameter(pg_address: str) -> None:
    open_database(pg_address).close()
    engine = create_engine(pg_address, isolation_level="AUTOCOMMIT")
    refused, number = {}, 0
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        for name, statement in statements():
            number += 1
            for asked in prepared(statement, engine):
                try:
                    driver.execute(asked)
                    driver.execute("DEALLOCATE said")
                except Exception as error:
                    refused[name] = str(error)
    engine.dispose()

    assert number > 200
    assert refused == {}


def test_on_a_server_texts_have_no_length_and_sort_by_their_bytes_and_ids_have_64_bits(
    pg_address: str,
) -> None:
    open_database(pg_address).close()
    engine = create_engine(pg_address)
    found = inspect(engine)
    kinds = {
        str(column["type"])
        for table in found.get_table_names()
        if table != "alembic_version"
        for column in found.get_columns(table)
    }
    with engine.connect() as connection:
        sequences = connection.execute(text("SELECT DISTINCT data_type::text FROM pg_sequences")).scalars()
        assert sequences.all() == ["bigint"]
    engine.dispose()

    assert {kind for kind in kinds if "CHAR" in kind or kind in ("INTEGER", "JSON", "SMALLINT")} == set()
    assert {kind for kind in kinds if "TEXT" in kind} == {'TEXT COLLATE "C"'}


def test_what_is_longer_than_its_column_was_meant_to_be_is_kept_whole(connection: Connection) -> None:
    owe(connection, make_alert(LONG))
    tagged = make_tagged(make_tag(topic=LONG), text=f"{LONG}\nA text.", language=LONG)
    file = ledger.record_file(
        connection,
        fingerprint="f" * 64,
        name=LONG,
        size=2**40,
        state=FileState.DONE,
        now=NOON,
        inode=-(2**63),
    )

    assert ledger.record_article(connection, file, 0, tagged, now=NOON)

    kept = connection.execute(text("SELECT language, title FROM articles ORDER BY id DESC LIMIT 1")).one()
    assert tuple(kept) == (LONG, tagged.article.title)
    assert outbox.counts(connection) == {LONG: {"pending": 1}}


@pytest.mark.parametrize("name", [b"a\xff.txt", "naïve .txt".encode(), b"tab\there.txt"])
def test_a_name_is_kept_as_the_file_system_has_it(connection: Connection, name: bytes) -> None:
    ledger.record_file(
        connection, fingerprint="f" * 64, name="shown", size=1, state=FileState.DONE, now=NOON, raw_name=name
    )

    (kept,) = ledger.files_after(connection, after=0, most=9)

    assert kept.raw_name == name


@pytest.mark.parametrize("sign", ["\0", "\u2028", "\U0001f600", "\ufffe"])
def test_any_sign_in_a_text_is_taken_and_at_most_shown_as_one_that_cannot_be(
    connection: Connection, sign: str
) -> None:
    said = f"before{sign}after"

    holds.put(connection, "desk", person=said, reason=said, now=NOON)

    (held,) = holds.listed(connection)
    assert held.reason in (said, said.replace("\0", "\ufffd"))
    assert not holds.lift(connection, said)
