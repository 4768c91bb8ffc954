"""A ledger of an earlier release becomes one of ours; as it was it is kept, for the way back."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from daemon import alive, backups, clock, postgres
from daemon.config import Settings
from daemon.database import Database, knows_schema, newest_schema, open_database, schema_of
from daemon.errors import LedgerError

logger = logging.getLogger(__name__)


def opened(settings: Settings) -> Database:
    """The ledger, in our schema. One in a file that has an earlier schema is copied and checked first.

    Raises LedgerError where it cannot be opened, or where a daemon of an earlier release still works on
    it, and DaemonError where the copy cannot be made: then it stays as it is.
    """
    if not postgres.is_one(settings.database):
        _keep(settings)
    return open_database(settings.database)


def _keep(settings: Settings) -> None:
    path = backups.ledger_path(settings)
    if not path.exists() or path.stat().st_size == 0:
        return
    schema = schema_of(settings.database)
    if not schema or schema == newest_schema() or not knows_schema(schema):
        return  # what is not ours, or newer than we are, is refused by who opens it
    runs = alive.process_of_daemon(settings.home)
    if runs and runs != os.getpid():
        raise LedgerError(
            f"{path}: a daemon of an earlier release still runs on it (process {runs}); start it anew, and"
            " it brings the ledger up to date"
        )
    copy = _copy_of(settings, schema)
    if not copy.exists():  # else it was made in this very second, before a kill
        copy.parent.mkdir(exist_ok=True)
        backups.make(settings, copy)
    logger.warning(
        "the ledger is brought up to date",
        extra={"from": schema, "to": newest_schema(), "kept": str(copy)},
    )


def _copy_of(settings: Settings, schema: str) -> Path:
    """Named by the schema it has, and never rotated: the way back must not go by itself."""
    return backups.folder(settings) / f"schema-{schema}-{clock.now():%Y%m%dT%H%M%SZ}.db"
