"""Following the ledger: what was recorded, tagged anew or told to somebody comes into the index, a little
at a time.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, TextClause, bindparam, text

from daemon import clock
from daemon.backoff import Backoff
from daemon.clock import from_text
from daemon.database import Database, plainly
from daemon.desk.index import START, Entry, Index, Position
from daemon.worker import Worker

_AT_ONCE = 1000  # articles
_MOST_TEXT = 4_000_000  # characters of a batch; articles may be long
_ANEW_AT_ONCE = 200  # changes or alerts
_EVERY = 0.5  # seconds
_BREATH = 0.02  # seconds between two batches, for whoever else wants the disk
_NICENESS = 15  # of the thread: intake goes first, and then the pages
_REST = Backoff(first=1.0, ceiling=30.0)
_STOP_SECONDS = 5.0
_WEAR_EVERY = 600.0  # seconds
_LEAST_WORN = 1000  # articles

_COLUMNS = """
    articles.id, title, text, language, articles.source, tagged_at, story_id, forgotten_at,
    EXISTS (SELECT 1 FROM alerts WHERE alerts.article_id = articles.id) AS alerted
"""
_NEXT = text(
    f"""
    SELECT {_COLUMNS}
    FROM articles
    LEFT JOIN sketches ON sketches.article_id = articles.id
    WHERE articles.id > :after
    ORDER BY articles.id
    LIMIT :most
    """  # noqa: S608  our own words
)
_ALREADY = text(
    f"""
    SELECT {_COLUMNS}
    FROM articles
    LEFT JOIN sketches ON sketches.article_id = articles.id
    WHERE articles.id IN :articles
    ORDER BY articles.id
    """  # noqa: S608  our own words
).bindparams(bindparam("articles", expanding=True))
_TAGS = text(
    """
    SELECT article_id, topic, grade
    FROM tags
    WHERE article_id IN :articles
    ORDER BY article_id, topic
    """
).bindparams(bindparam("articles", expanding=True))
_CHANGES = text(
    "SELECT id, article_id, changed_at AS told FROM changes WHERE id > :after ORDER BY id LIMIT :most"
)
_ALERTS = text("SELECT id, article_id, key AS told FROM alerts WHERE id > :after ORDER BY id LIMIT :most")
_FINGERPRINT = text("SELECT fingerprint FROM articles WHERE id = :id")
_FORGOTTEN = text("SELECT COUNT(*) FROM articles WHERE forgotten_at IS NOT NULL AND id <= :article")
_LAST_CHANGE = text("SELECT id, changed_at FROM changes ORDER BY id DESC LIMIT 1")
_LAST_ALERT = text("SELECT id, key FROM alerts ORDER BY id DESC LIMIT 1")
_STILL_THERE = text(
    """
    SELECT (SELECT fingerprint FROM articles WHERE id = :article),
        (SELECT changed_at FROM changes WHERE id = :change),
        (SELECT key FROM alerts WHERE id = :alert)
    """
)


class Follower:
    """A thread that follows; `catch_up` does the same here and now."""

    def __init__(self, database: Database, index: Index) -> None:
        self._database = database
        self._index = index
        self._gentle = False
        self._looks_at_wear = 0.0
        self._worker = Worker("following", self._work, rest=_REST)

    def start(self) -> None:
        self._worker.start()

    def stop(self) -> None:
        self._worker.stop(_STOP_SECONDS)

    def catch_up(self) -> None:
        """Until nothing is new."""
        while self._step():
            pass

    def _work(self) -> float:
        self._be_gentle()
        try:
            more = self._step()
        except Exception as error:
            self._index.trouble = plainly(error)
            raise
        self._index.trouble = None
        return _BREATH if more else _EVERY

    def _be_gentle(self) -> None:
        """Where threads have a niceness of their own, as on Linux (setpriority(2), "Notes")."""
        if not self._gentle:
            self._gentle = True
            with suppress(OSError, AttributeError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)

    def _step(self) -> bool:
        """Take some up; whether there may be more."""
        position = self._index.position()
        with self._database.reading() as connection:
            part = self._part(connection, position)
        if part is None:
            self._index.begin_anew()
            return True
        if part.position == position:
            return self._begin_anew_if_worn(position)
        # False where somebody else has followed meanwhile: nobody hurries then.
        return self._index.write(part.entries, part.position, after=position)

    def _begin_anew_if_worn(self, position: Position) -> bool:
        """Words of articles whose text is no longer kept stay in the index until it is made anew: when they
        are a third of it. Until then such articles are found by them.
        """
        if clock.monotonic() < self._looks_at_wear:
            return False
        self._looks_at_wear = clock.monotonic() + _WEAR_EVERY
        with self._database.reading() as connection:
            forgotten = connection.execute(_FORGOTTEN, {"article": position.article}).scalar_one()
        if not is_worn(forgotten - position.forgotten, position.article):
            return False
        self._index.begin_anew()
        return True

    def _part(self, connection: Connection, position: Position) -> _Part | None:
        """What comes next; None where this is another ledger than the one that was followed."""
        if not _is_same_ledger(connection, position):
            return None
        entries = _entries(connection, _NEXT, {"after": position.article, "most": _AT_ONCE})
        if entries:
            # What was tagged anew or told before the first look is taken up as it is now.
            known = _at_the_end(connection) if position == START else position
            fingerprint = connection.execute(_FINGERPRINT, {"id": entries[-1].article}).scalar_one()
            forgotten = position.forgotten + sum(entry.forgotten for entry in entries)
            now = replace(known, article=entries[-1].article, fingerprint=fingerprint, forgotten=forgotten)
            return _Part(entries, now)
        return self._tagged_anew(connection, position) or self._told_since(connection, position)

    def _tagged_anew(self, connection: Connection, position: Position) -> _Part | None:
        changes = connection.execute(_CHANGES, {"after": position.change, "most": _ANEW_AT_ONCE}).all()
        if not changes:
            return None
        now = replace(position, change=changes[-1].id, changed_at=changes[-1].told)
        return _again(connection, {row.article_id for row in changes}, now)

    def _told_since(self, connection: Connection, position: Position) -> _Part:
        alerts = connection.execute(_ALERTS, {"after": position.alert, "most": _ANEW_AT_ONCE}).all()
        if not alerts:
            return _Part((), position)
        now = replace(position, alert=alerts[-1].id, alert_key=alerts[-1].told)
        return _again(connection, self._index.without_alert({row.article_id for row in alerts}), now)


@dataclass(frozen=True, slots=True)
class _Part:
    """What is to be taken up next, and up to where the ledger has been followed then."""

    entries: Sequence[Entry]
    position: Position


def is_worn(forgotten: int, articles: int) -> bool:
    """Whether so many articles of an index were forgotten since it took them up that it is made anew."""
    return forgotten > max(_LEAST_WORN, articles / 3)


def _again(connection: Connection, articles: Collection[int], now: Position) -> _Part:
    """What is known of these articles as it is now."""
    known = sorted(article for article in articles if article <= now.article)
    return _Part(_entries(connection, _ALREADY, {"articles": known}) if known else (), now)


def _is_same_ledger(connection: Connection, position: Position) -> bool:
    """One that was restored may have other articles, or fewer changes, under the same ids."""
    asked = {"article": position.article, "change": position.change, "alert": position.alert}
    found = connection.execute(_STILL_THERE, asked).one()
    return tuple(each or "" for each in found) == (
        position.fingerprint,
        position.changed_at,
        position.alert_key,
    )


def _at_the_end(connection: Connection) -> Position:
    change, changed_at = connection.execute(_LAST_CHANGE).one_or_none() or (0, "")
    alert, alert_key = connection.execute(_LAST_ALERT).one_or_none() or (0, "")
    return Position(change=change, changed_at=changed_at, alert=alert, alert_key=alert_key)


def _entries(connection: Connection, statement: TextClause, asked: Mapping[str, object]) -> list[Entry]:
    """The articles that a statement gives; of many long ones only the first."""
    rows: list[Row[Any]] = []
    characters = 0
    with connection.execute(statement, asked) as found:
        for row in found:
            rows.append(row)
            characters += len(row.text)
            if statement is _NEXT and characters > _MOST_TEXT:
                break
    grades: dict[int, dict[str, str]] = {}
    if rows:
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
        story=row.story_id,
        forgotten=row.forgotten_at is not None,
    )
