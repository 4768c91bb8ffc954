"""A home as an earlier topicwire left it: a ledger of the first schema, with a file in it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from daemon import database
from tests.faults import way

NUMBER = 5
DATA = b" \n"

_ADD = text(
    """
    INSERT INTO files (fingerprint, name, size, state, target, reason, arrived_at)
    VALUES (:fingerprint, :name, :size, 'failed', :target, 'empty', '2026-03-05T12:00:00.000000Z')
    """
)


def prepare(home: Path, articles: Mapping[int, bytes]) -> None:
    """As `way.prepare`; the ledger is older and knows of one file in failed/."""
    way.prepare(home, articles, ledger=False)
    name = way.file_name(NUMBER)
    (home / "failed" / name).write_bytes(DATA)
    (home / "failed" / f"{name}.error.json").write_text("{}")
    config = Config()
    config.set_main_option("script_location", str(database._MIGRATIONS))
    engine = create_engine(way.settings_of(home).database)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        fingerprint = hashlib.sha256(DATA).hexdigest()
        row = {"fingerprint": fingerprint, "name": name, "size": len(DATA), "target": f"failed/{name}"}
        connection.execute(_ADD, row)
    engine.dispose()
