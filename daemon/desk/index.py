"""The index: which articles say a word or have a topic, and how many there were a day.

A SQLite file beside the ledger that can always be made anew from it: a full-text table (FTS5,
sqlite.org/fts5.html) in which topics, languages, sources and stories are words of a column of their own,
so that every filter is one look at sorted lists, and counts by day. `following` keeps it up to date.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from daemon.desk.indexfile import IndexFailure, IndexFile, TooSlowError
from daemon.desk.matching import Filter, expression, marks
from daemon.desk.words import words

__all__ = ["EVERYTHING", "START", "Entry", "Filter", "Index", "IndexFailure", "Position", "TooSlowError"]

_SCHEMA = 4

# FTS5's own tokenizer finds the words that `words` has spelled: it cuts at blanks, and no letter of ours
# means anything to it. What it would keep of an article's length is never asked for. With what it keeps in
# memory of a batch (8 MiB) and merges at once it writes 8 kB an article in place of 18 (measured, 40,000
# articles).
_CREATE = """
    CREATE TABLE position (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        article INTEGER NOT NULL, fingerprint TEXT NOT NULL,
        change INTEGER NOT NULL, changed_at TEXT NOT NULL,
        alert INTEGER NOT NULL, alert_key TEXT NOT NULL, forgotten INTEGER NOT NULL
    );
    INSERT INTO position VALUES (1, 0, '', 0, '', 0, '', 0);
    CREATE VIRTUAL TABLE words USING fts5(
        title, body, marks, content='', columnsize=0, tokenize="ascii tokenchars '_'"
    );
    INSERT INTO words (words, rank) VALUES ('automerge', 8), ('hashsize', 8388608);
    CREATE TABLE facts (article INTEGER PRIMARY KEY, told TEXT NOT NULL);
    CREATE TABLE common (word TEXT PRIMARY KEY, articles INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE volumes (
        topic TEXT NOT NULL, day TEXT NOT NULL, grade TEXT NOT NULL, language TEXT NOT NULL,
        source TEXT NOT NULL, articles INTEGER NOT NULL,
        PRIMARY KEY (topic, day, grade, language, source)
    ) WITHOUT ROWID;
    CREATE TABLE days (
        day TEXT NOT NULL, topic TEXT NOT NULL, grade TEXT NOT NULL, articles INTEGER NOT NULL,
        PRIMARY KEY (day, topic, grade)
    ) WITHOUT ROWID;
    CREATE TABLE origins (
        kind TEXT NOT NULL, name TEXT NOT NULL, articles INTEGER NOT NULL, PRIMARY KEY (kind, name)
    ) WITHOUT ROWID;
    CREATE INDEX origins_by_articles ON origins (kind, articles);
"""
_POSITION = "SELECT article, fingerprint, change, changed_at, alert, alert_key, forgotten FROM position"
_MOVE_ON = """
    UPDATE position
    SET article = ?, fingerprint = ?, change = ?, changed_at = ?, alert = ?, alert_key = ?, forgotten = ?
"""
_ADD = "INSERT INTO words (rowid, title, body, marks) VALUES (?, ?, ?, ?)"
_TAKE_OUT = "INSERT INTO words (words, rowid, title, body, marks) VALUES ('delete', ?, ?, ?, ?)"
_KNOWN = "SELECT told FROM facts WHERE article = ?"
_KEEP = "INSERT OR REPLACE INTO facts VALUES (?, ?)"
_COUNT = """
    INSERT INTO volumes VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET articles = articles + excluded.articles
"""
_COUNT_DAY = """
    INSERT INTO days VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET articles = articles + excluded.articles
"""
_COUNT_ORIGIN = """
    INSERT INTO origins VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET articles = articles + excluded.articles
"""
_COUNT_WORD = """
    INSERT INTO common VALUES (?, ?)
    ON CONFLICT DO UPDATE SET articles = articles + excluded.articles
"""
_FIND = "SELECT rowid FROM words WHERE words MATCH ? AND rowid < ? AND rowid >= ? ORDER BY rowid DESC LIMIT ?"
_NEWEST = "SELECT article FROM facts WHERE article < ? AND article >= ? ORDER BY article DESC LIMIT ?"
_ORIGINS = """
    SELECT name
    FROM origins
    WHERE kind = ? AND articles > 0 AND name != ''
    ORDER BY articles DESC, name
    LIMIT ?
"""
_BEGINNING = "SELECT word, articles FROM common WHERE word >= ? AND word < ? ORDER BY articles DESC"
_OF_A_DAY = ("day", "topic", "grade")
_BY = ("day", "topic", "grade", "language", "source")
_LAST = "\U0010ffff"

EVERYTHING = ""  # the topic of a volume that counts each article once

# The words of one article of so many are counted: enough to know which are common.
_COUNTED = 50
# FTS5 reads all articles of all words that begin so before it gives the first one (measured: 12 ms
# for 100,000 of them); of a beginning that more have, only the commonest words are looked for.
_TOO_MANY = 20_000
_MOST_ALIKE = 40


@dataclass(frozen=True, slots=True)
class Entry:
    """An article as the index knows it. `grades` by topic; `day` as 2026-11-22, where this machine stands.

    `forgotten`: its text is no longer kept.
    """

    article: int
    title: str
    text: str
    language: str
    source: str
    day: str
    grades: Mapping[str, str]
    alerted: bool
    story: int | None = None
    forgotten: bool = False

    def facts(self) -> str:
        """All but the words, which the ledger keeps and nobody changes."""
        told = [self.language, self.source, self.day, dict(self.grades), self.alerted, self.story]
        return json.dumps(told, ensure_ascii=False, separators=(",", ":"))

    def as_told(self, facts: str) -> Entry:
        """This article with other facts, that `facts` gave."""
        return Entry(self.article, self.title, self.text, *json.loads(facts))


@dataclass(frozen=True, slots=True)
class Position:
    """Up to where the ledger has been followed: the last article, change of tags and alert, and by what
    each can be told from another one of the same id. `forgotten`: how many articles had no text any more when
    they were taken up.
    """

    article: int = 0
    fingerprint: str = ""
    change: int = 0
    changed_at: str = ""
    alert: int = 0
    alert_key: str = ""
    forgotten: int = 0


START = Position()


class Index:
    """Safe to share between threads and processes. Whatever goes wrong with its file raises IndexFailure;
    a damaged, missing or foreign one is made anew, and is empty until the ledger has been followed again.

    `trouble` is why the ledger cannot be followed now.
    """

    def __init__(self, path: Path) -> None:
        self._file = IndexFile(path, _SCHEMA, _CREATE)
        self.trouble: str | None = None

    def close(self) -> None:
        self._file.close()

    def find(self, wanted: Filter, *, before: int, least: int = 0, most: int) -> list[int]:
        """The ids of the newest articles that pass a filter, newest first: ids below `before`.

        Raises TooSlowError where that cannot be found in a few seconds.
        """
        with self._file.reading() as connection:
            match = expression(wanted, lambda begins: _commonest(connection, begins))
            if match is None:
                return []
            if match:
                rows = connection.execute(_FIND, (match, before, least, most))
            else:
                rows = connection.execute(_NEWEST, (before, least, most))
            return [int(row[0]) for row in rows]

    def volumes(
        self, since: str, *, topic: str | None = None, grade: str | None = None, by: Sequence[str] = ("day",)
    ) -> list[tuple[tuple[str, ...], int]]:
        """How many articles since a day, by `day`, `topic`, `grade`, `language` or `source`, in that order.

        Without a topic all topics, each with its own count; EVERYTHING counts each article once.
        """
        columns = [name for name in by if name in _BY]
        listed = ", ".join(columns)
        table = "days" if set(columns) <= set(_OF_A_DAY) else "volumes"
        where, values = ["day >= ?"], [since]
        for name, value in (("topic", topic), ("grade", grade)):
            if value is not None:
                where.append(f"{name} = ?")
                values.append(value)
        if table == "volumes" and topic is None:
            where.append("topic IN (SELECT DISTINCT topic FROM days WHERE day >= ?)")
            values.append(since)
        statement = (
            f"SELECT {listed}, SUM(articles) FROM {table} WHERE {' AND '.join(where)}"  # noqa: S608  our own words
            f" GROUP BY {listed} HAVING SUM(articles) > 0 ORDER BY {listed}"
        )
        with self._file.reading() as connection:
            found = connection.execute(statement, values).fetchall()
        return [(tuple(map(str, row[:-1])), int(row[-1])) for row in found]

    def sources(self, most: int = 50) -> list[str]:
        """The sources that most articles came from, most first."""
        return self._origins("source", most)

    def languages(self, most: int = 50) -> list[str]:
        """The languages that most articles are in, most first."""
        return self._origins("language", most)

    def position(self) -> Position:
        with self._file.reading() as connection:
            return _position(connection)

    def without_alert(self, articles: Collection[int]) -> set[int]:
        """Those of these articles that were taken up before anybody was told of them."""
        with self._file.reading() as connection:
            told = {each: connection.execute(_KNOWN, (each,)).fetchone() for each in articles}
        return {each for each, row in told.items() if row is not None and not json.loads(row[0])[4]}

    def write(self, entries: Sequence[Entry], position: Position, *, after: Position) -> bool:
        """Take articles up as they are, new ones and ones that have changed, in one transaction with the
        position.

        False, and nothing is written, where the position is no longer `after`: somebody else has followed.
        """
        with self._file.transaction() as connection:
            if _position(connection) != after:
                return False
            counts = _Counts()
            for entry in entries:
                known = connection.execute(_KNOWN, (entry.article,)).fetchone()
                facts = entry.facts()
                if known is not None:
                    # Of what is forgotten nobody can say any more which words stand there.
                    if known[0] == facts or entry.forgotten:
                        continue
                    # FTS5 has to be given what stands there word for word.
                    old = entry.as_told(known[0])
                    connection.execute(_TAKE_OUT, _row(old))
                    counts.add(old, -1)
                row = _row(entry)
                connection.execute(_ADD, row)
                connection.execute(_KEEP, (entry.article, facts))
                counts.add(entry, 1)
                if known is None and entry.article % _COUNTED == 0:
                    counts.words.update({*row[1].split(), *row[2].split()})
            counts.write(connection)
            connection.execute(_MOVE_ON, astuple(position))
        return True

    def begin_anew(self) -> None:
        """Forget everything: the ledger is another one than the one that was followed."""
        self._file.make_anew()

    def _origins(self, kind: str, most: int) -> list[str]:
        with self._file.reading() as connection:
            return [str(row[0]) for row in connection.execute(_ORIGINS, (kind, most))]


class _Counts:
    """What a batch adds to the counts, each row of them once."""

    def __init__(self) -> None:
        self.words: Counter[str] = Counter()
        self._volumes: Counter[tuple[str, str, str, str, str]] = Counter()
        self._days: Counter[tuple[str, str, str]] = Counter()
        self._origins: Counter[tuple[str, str]] = Counter()

    def add(self, entry: Entry, number: int) -> None:
        for topic, grade in ((EVERYTHING, "main"), *entry.grades.items()):
            self._volumes[topic, entry.day, grade, entry.language, entry.source] += number
            self._days[entry.day, topic, grade] += number
        self._origins["source", entry.source] += number
        self._origins["language", entry.language] += number

    def write(self, connection: sqlite3.Connection) -> None:
        for statement, counted in (
            (_COUNT, self._volumes),
            (_COUNT_DAY, self._days),
            (_COUNT_ORIGIN, self._origins),
        ):
            rows = [(*key, number) for key, number in sorted(counted.items()) if number]
            connection.executemany(statement, rows)
        connection.executemany(_COUNT_WORD, sorted(self.words.items()))


def _position(connection: sqlite3.Connection) -> Position:
    return Position(*connection.execute(_POSITION).fetchone())


def _row(entry: Entry) -> tuple[int, str, str, str]:
    marked = marks(entry.grades, entry.language, entry.source, entry.alerted, entry.story)
    title = "" if entry.text.startswith(entry.title) else entry.title
    return entry.article, " ".join(words(title)), " ".join(words(entry.text)), " ".join(marked)


def _commonest(connection: sqlite3.Connection, begins: str) -> list[str] | None:
    """The commonest words that begin so, if many articles have one; else None."""
    found = connection.execute(_BEGINNING, (begins, begins + _LAST)).fetchall()
    if sum(number for _, number in found) * _COUNTED <= _TOO_MANY:
        return None
    return [str(word) for word, _ in found[:_MOST_ALIKE]]
