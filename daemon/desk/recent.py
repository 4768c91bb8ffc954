"""The newest articles, as far as the queue needs them: kept in memory, and brought up to date at each look.

However many articles there are, so many are looked at and no more.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, text

from daemon.clock import to_text
from daemon.desk.worth import Likely

MOST = 2000  # articles
_UNKNOWN = "?"

_WHERE_TO = text("SELECT (SELECT MAX(id) FROM articles) AS article, (SELECT MAX(id) FROM changes) AS change")
_CHANGED = text("SELECT DISTINCT article_id FROM changes WHERE id > :after AND article_id > :above")
_ARTICLES = text(
    """
    SELECT id, language, tagged_at, nearest, nearness
    FROM articles
    WHERE id IN :ids
    """
).bindparams(bindparam("ids", expanding=True))
_TAGS = text("SELECT article_id, topic, grade, probability FROM tags WHERE article_id IN :ids").bindparams(
    bindparam("ids", expanding=True)
)


@dataclass(frozen=True, slots=True)
class _Known:
    tagged_at: str
    likely: tuple[Likely, ...]


class Recent:
    """Safe to share between threads."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._articles: dict[int, _Known] = {}
        self._newest = 0
        self._change = 0

    def likely(self, connection: Connection, since: datetime) -> list[Likely]:
        """What the newest articles were said to be about and came nearest to, of those since a moment.

        Of articles that this connection can see, whatever others have seen.
        """
        newest, change = (each or 0 for each in connection.execute(_WHERE_TO).one())
        start = to_text(since)
        with self._lock:
            # Somebody who came later may have looked already.
            if newest >= self._newest and change >= self._change:
                self._catch_up(connection, newest, change)
            return [
                each
                for article, known in self._articles.items()
                if known.tagged_at >= start and article <= newest
                for each in known.likely
            ]

    def _catch_up(self, connection: Connection, newest: int, change: int) -> None:
        if change - self._change > self._most:
            self._articles, self._newest = {}, 0
        above = max(0, newest - self._most)
        for old in [each for each in self._articles if each <= above]:
            del self._articles[old]
        fresh = set(range(max(above, self._newest) + 1, newest + 1))
        if self._newest and change > self._change:
            changed = connection.execute(_CHANGED, {"after": self._change, "above": above})
            fresh |= {article for article in changed.scalars() if article <= newest}
        if fresh:
            self._read(connection, fresh)
        self._newest, self._change = newest, change

    def _read(self, connection: Connection, ids: set[int]) -> None:
        asked = {"ids": sorted(ids)}
        rows = connection.execute(_ARTICLES, asked).all()
        languages = {row.id: row.language or _UNKNOWN for row in rows}
        found: dict[int, dict[str, Likely]] = {row.id: {} for row in rows}
        for article, topic, grade, probability in connection.execute(_TAGS, asked):
            if article in found:
                found[article][topic] = Likely(article, topic, languages[article], probability, grade)
        for row in rows:
            # What is said in passing may be what it comes nearest to being mainly about.
            if row.nearest is not None and row.nearness is not None and row.nearest not in found[row.id]:
                nearest = Likely(row.id, row.nearest, languages[row.id], row.nearness)
                found[row.id][row.nearest] = nearest
            self._articles[row.id] = _Known(row.tagged_at, tuple(found[row.id].values()))
