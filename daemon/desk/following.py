"""Following the ledger: what was recorded or tagged anew comes into the index, a little at a time."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Mapping, Sequence
from threading import Event, Thread
from typing import Any

from sqlalchemy import Connection, Row, bindparam, text
from sqlalchemy.exc import SQLAlchemyError

from daemon.clock import from_text
from daemon.database import Database
from daemon.desk.index import Entry, Index, Position
from daemon.errors import DaemonError

logger = logging.getLogger(__name__)

_AT_ONCE = 200  # articles
_EVERY = 0.5  # seconds
_BREATH = 0.02  # seconds between two batches, for whoever else wants the disk
_AFTER_A_FAULT = 10.0  # seconds

_NEXT = text(
    """
    SELECT id, fingerprint, title, text, language, source, tagged_at,
        EXISTS (SELECT 1 FROM alerts WHERE alerts.article_id = articles.id) AS alerted
    FROM articles
    WHERE id > :after
    ORDER BY id
    LIMIT :most
    """
)
_ALREADY = text(
    """
    SELECT id, fingerprint, title, text, language, source, tagged_at,
        EXISTS (SELECT 1 FROM alerts WHERE alerts.article_id = articles.id) AS alerted
    FROM articles
    WHERE id IN :articles
    ORDER BY id
    """
).bindparams(bindparam("articles", expanding=True))
_TAGS = text("SELECT article_id, topic, grade FROM tags WHERE article_id IN :articles").bindparams(
    bindparam("articles", expanding=True)
)
_CHANGES = text("SELECT id, article_id FROM changes WHERE id > :after ORDER BY id LIMIT :most")
_LAST_CHANGE = text("SELECT COALESCE(MAX(id), 0) FROM changes")
_FINGERPRINT = text("SELECT fingerprint FROM articles WHERE id = :id")


class Follower:
    """A thread that follows; `catch_up` does the same here and now."""

    def __init__(self, database: Database, index: Index) -> None:
        self._database = database
        self._index = index
        self._stop = Event()
        self._thread = Thread(target=self._run, name="following", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(5.0)

    def catch_up(self) -> None:
        """Until nothing is new."""
        while self._step():
            pass

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                wait = _BREATH if self._step() else _EVERY
            except (DaemonError, SQLAlchemyError, sqlite3.Error) as error:
                logger.warning("the index of the desk cannot follow", extra={"error": type(error).__name__})
                wait = _AFTER_A_FAULT
            self._stop.wait(wait)

    def _step(self) -> bool:
        """Take some up; whether there may be more."""
        position = self._index.position()
        with self._database.reading() as connection:
            if not _is_same_ledger(connection, position):
                self._index.begin_anew()
                return True
            if position.article == 0:
                # What was tagged anew before is taken up as it is now.
                position = Position(0, "", int(connection.execute(_LAST_CHANGE).scalar_one()))
            rows = connection.execute(_NEXT, {"after": position.article, "most": _AT_ONCE}).all()
            if rows:
                now = Position(rows[-1].id, rows[-1].fingerprint, position.change)
                self._index.write(_entries(connection, rows), now)
                return True
            changes = connection.execute(_CHANGES, {"after": position.change, "most": _AT_ONCE}).all()
            if not changes:
                return False
            changed = {row.article_id for row in changes if row.article_id <= position.article}
            rows = connection.execute(_ALREADY, {"articles": sorted(changed)}).all()
            now = Position(position.article, position.fingerprint, changes[-1].id)
            self._index.write(_entries(connection, rows), now)
            return True


def _is_same_ledger(connection: Connection, position: Position) -> bool:
    if position.article == 0:
        return True
    found = connection.execute(_FINGERPRINT, {"id": position.article}).scalar_one_or_none()
    return found == position.fingerprint


def _entries(connection: Connection, rows: Sequence[Row[Any]]) -> list[Entry]:
    grades: dict[int, dict[str, str]] = {}
    for tag in connection.execute(_TAGS, {"articles": [row.id for row in rows]}):
        grades.setdefault(tag.article_id, {})[tag.topic] = tag.grade
    return [_entry(row, grades.get(row.id, {})) for row in rows]


def _entry(row: Row[Any], grades: Mapping[str, str]) -> Entry:
    return Entry(
        article=row.id,
        title=row.title or "",
        text=row.text,
        language=row.language or "",
        source=row.source or "",
        day=from_text(row.tagged_at).astimezone().date().isoformat(),
        grades=grades,
        alerted=bool(row.alerted),
    )
