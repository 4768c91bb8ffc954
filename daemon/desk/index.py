"""The index: which articles say a word or have a topic, and how many there were a day.

A SQLite file beside the ledger that can always be made anew from it: a full-text table (FTS5,
sqlite.org/fts5.html) in which topics, languages and sources are words of a column of their own, so that
every filter is one look at sorted lists, and counts by day. `following` keeps it up to date.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

_SCHEMA = 1
_BUSY_SECONDS = 10.0
_LONGEST_QUERY, _MOST_WORDS = 200, 12
_WORD = re.compile(r"\w+")

_CREATE = """
    PRAGMA journal_mode=WAL;
    PRAGMA synchronous=NORMAL;
    BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS position (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        article INTEGER NOT NULL, fingerprint TEXT NOT NULL, change INTEGER NOT NULL
    );
    INSERT OR IGNORE INTO position VALUES (1, 0, '', 0);
    CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(
        title, body, marks, content='', tokenize="unicode61 remove_diacritics 2", prefix='3'
    );
    CREATE TABLE IF NOT EXISTS volumes (
        day TEXT NOT NULL, topic TEXT NOT NULL, grade TEXT NOT NULL, language TEXT NOT NULL,
        source TEXT NOT NULL, articles INTEGER NOT NULL,
        PRIMARY KEY (day, topic, grade, language, source)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS sources (
        source TEXT PRIMARY KEY, articles INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS facts (article INTEGER PRIMARY KEY, told TEXT NOT NULL);
    COMMIT;
"""
_ADD = "INSERT INTO words(rowid, title, body, marks) VALUES (?, ?, ?, ?)"
_TAKE_OUT = "INSERT INTO words(words, rowid, title, body, marks) VALUES ('delete', ?, ?, ?, ?)"
_KNOWN = "SELECT told FROM facts WHERE article = ?"
_KEEP = "INSERT OR REPLACE INTO facts VALUES (?, ?)"
_COUNT = """
    INSERT INTO volumes VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (day, topic, grade, language, source) DO UPDATE SET articles = articles + excluded.articles
"""
_COUNT_SOURCE = """
    INSERT INTO sources VALUES (?, ?)
    ON CONFLICT (source) DO UPDATE SET articles = articles + excluded.articles
"""
_FIND = "SELECT rowid FROM words WHERE words MATCH ? AND rowid < ? AND rowid >= ? ORDER BY rowid DESC LIMIT ?"

EVERYTHING = ""  # the topic of a volume that counts each article once


@dataclass(frozen=True, slots=True)
class Entry:
    """An article as the index knows it. `grades` by topic; `day` as 2026-11-22, where this machine stands."""

    article: int
    title: str
    text: str
    language: str
    source: str
    day: str
    grades: Mapping[str, str]
    alerted: bool

    def facts(self) -> str:
        """All but the words, which the ledger keeps and nobody changes."""
        return json.dumps([self.language, self.source, self.day, dict(self.grades), self.alerted])

    def as_told(self, facts: str) -> Entry:
        """This article with other facts, that `facts` gave."""
        language, source, day, grades, alerted = json.loads(facts)
        return Entry(self.article, self.title, self.text, language, source, day, grades, alerted)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which articles; what is not said does not matter. Of several topics all, of the rest any."""

    text: str = ""
    topics: tuple[str, ...] = ()
    grade: str | None = None  # "main": passing mentions are left out
    languages: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    alerted: bool | None = None

    @property
    def is_empty(self) -> bool:
        return not (
            self.text.strip() or self.topics or self.languages or self.sources or self.alerted is not None
        )


@dataclass(frozen=True, slots=True)
class Position:
    """Up to where the ledger has been followed."""

    article: int
    fingerprint: str
    change: int


class Index:
    """Safe to share between threads; one of them writes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._ensure()

    def close(self) -> None:
        with self._lock:
            for connection in self._open:
                connection.close()
            self._open.clear()

    def find(self, wanted: Filter, *, before: int, least: int = 0, most: int) -> list[int]:
        """The ids of the newest articles that pass a filter, newest first: ids below `before`."""
        match = _match(wanted)
        if match is None:
            return []
        rows = self._connection().execute(_FIND, (match, before, least, most))
        return [int(row[0]) for row in rows]

    def volumes(
        self, since: str, *, topic: str | None = None, grade: str | None = None, by: Sequence[str] = ("day",)
    ) -> list[tuple[tuple[str, ...], int]]:
        """How many articles since a day, by `day`, `topic`, `language` or `source`, in that order.

        Without a topic all topics, each with its own count; EVERYTHING counts each article once.
        """
        columns = ", ".join(name for name in by if name in ("day", "topic", "grade", "language", "source"))
        where, values = ["day >= ?"], [since]
        for name, value in (("topic", topic), ("grade", grade)):
            if value is not None:
                where.append(f"{name} = ?")
                values.append(value)
        statement = (
            f"SELECT {columns}, SUM(articles) FROM volumes WHERE {' AND '.join(where)}"  # noqa: S608  our own words
            f" GROUP BY {columns} ORDER BY {columns}"
        )
        found = self._connection().execute(statement, values)
        return [(tuple(map(str, row[:-1])), int(row[-1])) for row in found]

    def sources(self, most: int = 50) -> list[str]:
        """The sources that most articles came from, most first."""
        found = self._connection().execute(
            "SELECT source FROM sources WHERE source != '' AND articles > 0 ORDER BY articles DESC LIMIT ?",
            (most,),
        )
        return [str(row[0]) for row in found]

    def position(self) -> Position:
        row = self._connection().execute("SELECT article, fingerprint, change FROM position").fetchone()
        return Position(int(row[0]), str(row[1]), int(row[2]))

    def write(
        self,
        entries: Iterable[Entry],
        position: Position,
    ) -> None:
        """Take articles up as they are, new ones and ones that have changed, in one transaction with the
        position.
        """
        with self._transaction() as connection:
            for entry in entries:
                known = connection.execute(_KNOWN, (entry.article,)).fetchone()
                if known is not None:
                    # FTS5 has to be given what stands there word for word.
                    old = entry.as_told(known[0])
                    connection.execute(_TAKE_OUT, _row(old))
                    _count(connection, old, -1)
                connection.execute(_ADD, _row(entry))
                connection.execute(_KEEP, (entry.article, entry.facts()))
                _count(connection, entry, 1)
            connection.execute(
                "UPDATE position SET article = ?, fingerprint = ?, change = ?",
                (position.article, position.fingerprint, position.change),
            )

    def begin_anew(self) -> None:
        """Forget everything: the ledger is another one than the one that was followed."""
        with self._transaction() as connection:
            connection.execute("INSERT INTO words(words) VALUES ('delete-all')")
            connection.execute("DELETE FROM volumes")
            connection.execute("DELETE FROM sources")
            connection.execute("DELETE FROM facts")
            connection.execute("UPDATE position SET article = 0, fingerprint = '', change = 0")

    def _ensure(self) -> None:
        """Make the file; one of another release, or a damaged one, is made anew."""
        try:
            if self._path.exists() and not self._is_ours():
                self._remove()
            self._create()
        except sqlite3.DatabaseError:
            self._remove()
            self._create()

    def _is_ours(self) -> bool:
        with closing(sqlite3.connect(self._path)) as connection:
            return int(connection.execute("PRAGMA user_version").fetchone()[0]) == _SCHEMA

    def _create(self) -> None:
        with closing(sqlite3.connect(self._path, timeout=_BUSY_SECONDS)) as connection:
            connection.executescript(_CREATE)
            connection.execute(f"PRAGMA user_version = {_SCHEMA}")
        self._path.chmod(0o600)

    def _remove(self) -> None:
        for ending in ("", "-wal", "-shm"):
            Path(f"{self._path}{ending}").unlink(missing_ok=True)

    def _connection(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = sqlite3.connect(
                self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            found.execute("PRAGMA synchronous=NORMAL")
            self._local.connection = found
            with self._lock:
                self._open.append(found)
        return found

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")


def _row(entry: Entry) -> tuple[int, str, str, str]:
    return entry.article, entry.title, entry.text, " ".join(_marks(entry))


def _marks(entry: Entry) -> Iterator[str]:
    for topic, grade in entry.grades.items():
        yield _mark("topic", topic)
        if grade == "main":
            yield _mark("main", topic)
    yield _mark("language", entry.language)
    yield _mark("source", entry.source)
    yield _mark("alerted", "yes" if entry.alerted else "no")


def _mark(kind: str, value: str) -> str:
    """A word that stands for a fact, of letters and digits alone, whatever the value is of."""
    return f"{kind}x{hashlib.sha256(value.encode('utf-8', 'replace')).hexdigest()[:16]}"


def _count(connection: sqlite3.Connection, entry: Entry, number: int) -> None:
    for topic, grade in ((EVERYTHING, "main"), *entry.grades.items()):
        connection.execute(_COUNT, (entry.day, topic, grade, entry.language, entry.source, number))
    connection.execute(_COUNT_SOURCE, (entry.source, number))


def _match(wanted: Filter) -> str | None:
    """The filter as an FTS5 expression; None where the text has no word that could be looked for.

    Words of the text are quoted, so that nothing of it is an operator; each but a short one also
    stands for what begins with it.
    """
    marks = [[_mark("main" if wanted.grade == "main" else "topic", topic)] for topic in wanted.topics]
    marks += [[_mark("language", each) for each in wanted.languages]] if wanted.languages else []
    marks += [[_mark("source", each) for each in wanted.sources]] if wanted.sources else []
    marks += [] if wanted.alerted is None else [[_mark("alerted", "yes" if wanted.alerted else "no")]]
    parts = [f"marks : ({' OR '.join(any_of)})" for any_of in marks]
    if wanted.text.strip():
        words = _WORD.findall(wanted.text[:_LONGEST_QUERY])[:_MOST_WORDS]
        if not words:
            return None
        parts += [f'{{title body}} : "{word}"{"*" if len(word) > 2 else ""}' for word in words]
    return " AND ".join(parts)
