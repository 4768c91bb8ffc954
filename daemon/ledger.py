"""The ledger: which files arrived, which articles were in them, and what we concluded.

It only grows. Every function works on the connection it is given and commits nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import fields, replace
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Float,
    LargeBinary,
    MetaData,
    Row,
    Table,
    Text,
    bindparam,
    insert,
    text,
)
from sqlalchemy.types import TypeEngine

from classifier import Grade, Tag, Tagged
from daemon.clock import to_text
from daemon.records import FileRecord, FileState, KnownArticle

NOT_YET = 0  # the id of a file that has none
_MOST_ASKED = 5000  # values in one statement; PostgreSQL takes 65,535, SQLite 32,766

_FILE_FIELDS = [field.name for field in fields(FileRecord)]  # the first is its id
_ARTICLE_COLUMNS = (
    "file_id fingerprint position title text language date source author url caveats model tagged_at"
    " nearest nearness".split()
)
# PostgreSQL is told the types of rows that come all at once; the others are texts.
_TYPES: dict[str, TypeEngine[Any]] = {
    **dict.fromkeys("duplicate_of inode size modified version_of file_id position".split(), BigInteger()),
    "raw_name": LargeBinary(),
    "nearness": Float(),
}


def _insert(table: str, columns: Iterable[str]) -> Any:
    """Many rows in one execution, and their ids in the same order (SQLAlchemy's documentation, "Insert
    Many Values Behavior for INSERT statements"). Prepared once, a row takes a fifth of the time.
    """
    typed: list[Column[Any]] = [Column(name, _TYPES.get(name, Text())) for name in columns]
    into = Table(table, MetaData(), Column("id", BigInteger, primary_key=True), *typed)
    return insert(into).returning(into.c.id, sort_by_parameter_order=True)


_ADD_FILES = _insert("files", [*_FILE_FIELDS[1:], "arrived_at"])
_ADD_ARTICLES = _insert("articles", _ARTICLE_COLUMNS)
_FIRST_FILES = text(
    """
    SELECT *
    FROM files
    WHERE fingerprint IN :fingerprints
      AND duplicate_of IS NULL
      AND reason IS NULL
    ORDER BY id DESC
    """
).bindparams(bindparam("fingerprints", expanding=True, type_=Text()))
_UNMOVED = text("SELECT * FROM files WHERE state = 'taken' ORDER BY id")
_TAKE_OVER = text("UPDATE files SET target = :target, daemon = :daemon WHERE id = :id")
_PLACED = text(
    """
    UPDATE files
    SET state = CASE WHEN reason IS NULL THEN 'done' ELSE 'failed' END,
        target = :target,
        daemon = :daemon
    WHERE id = :id
    """
)
_RETARGET = text("UPDATE files SET target = :target WHERE id = :id")
_GONE = text(
    "UPDATE files SET state = 'gone', target = NULL WHERE id = :id AND state = 'taken' AND daemon = :daemon"
)
_OUTGROWN = text("UPDATE files SET state = 'outgrown' WHERE id = :id")
_RETRIED = text(
    "UPDATE files SET state = 'retried' WHERE target = :target AND state = 'failed' AND daemon = :daemon"
)
_RESTAMP = text("UPDATE files SET size = :size, modified = :modified WHERE id = :id")
_REPEATED = text("UPDATE files SET repeats = repeats + 1 WHERE id = :id")
_FILES_AFTER = text(
    """
    SELECT *
    FROM files
    WHERE id > :after
      AND daemon = :daemon
    ORDER BY id
    LIMIT :most
    """
)
_BEFORE = text("SELECT COALESCE(MIN(id), 0) - 1 FROM files WHERE arrived_at >= :since")
_ARTICLES_OF = text(
    """
    SELECT id, position, fingerprint, title, text
    FROM articles
    WHERE file_id = :id
    """
)
_VERSION_OF = text("SELECT version_of FROM files WHERE id = :id")
# A file that has grown has another record after it; the others have none to look for.
_OTHER_VERSIONS = text(
    """
    SELECT MAX(files.version_of), MAX(later.id)
    FROM files
    LEFT JOIN files AS later ON files.state = 'outgrown' AND later.version_of = files.id
    WHERE files.id = :id
    """
)
_KNOWN_ARTICLES = text("SELECT fingerprint FROM articles WHERE fingerprint IN :fingerprints").bindparams(
    bindparam("fingerprints", expanding=True, type_=Text())
)
_ADD_TAG = text(
    """
    INSERT INTO tags (article_id, topic, grade, probability, evidence)
    VALUES (:article_id, :topic, :grade, :probability, :evidence)
    """
)
_COUNT_FILES = text("SELECT state, COUNT(*) FROM files GROUP BY state ORDER BY state")
_COUNT_ARTICLES = text("SELECT COUNT(*) FROM articles")
_DEATHS = text("SELECT raw_name, stamp, number FROM deaths")
_ADD_DEATH = text(
    """
    INSERT INTO deaths (raw_name, stamp, number, last_at)
    VALUES (:raw_name, :stamp, :number, :now)
    ON CONFLICT (raw_name, stamp)
    DO UPDATE SET number = deaths.number + excluded.number, last_at = excluded.last_at
    """
)
_FORGET_DEATHS = text("DELETE FROM deaths WHERE raw_name = :raw_name")


def record_file(
    connection: Connection,
    *,
    fingerprint: str,
    name: str,
    size: int,
    state: FileState,
    now: datetime,
    raw_name: bytes | None = None,
    inode: int | None = None,
    modified: int | None = None,
    target: str | None = None,
    duplicate_of: int | None = None,
    version_of: int | None = None,
    reason: str | None = None,
    mend: str | None = None,
    left_out: Sequence[str] = (),
    daemon: str = "",
) -> FileRecord:
    """Write that a file arrived. `fingerprint` is "" for a file that was not opened."""
    file = FileRecord(
        NOT_YET, fingerprint, name, state, target, duplicate_of, reason, mend, raw_name, inode, size,
        modified, version_of, "\n".join(left_out) or None, daemon,
    )  # fmt: skip
    (recorded,) = record_files(connection, [file], now=now)
    return recorded


def record_files(connection: Connection, files: Sequence[FileRecord], *, now: datetime) -> list[FileRecord]:
    """Write that files arrived, which have no id yet; the same with theirs, in order."""
    if not files:
        return []
    arrived = {"arrived_at": to_text(now)}
    rows = [{name: getattr(file, name) for name in _FILE_FIELDS[1:]} | arrived for file in files]
    ids = connection.execute(_ADD_FILES, rows).scalars()
    return [replace(file, id=identity) for file, identity in zip(files, ids, strict=True)]


def first_file(connection: Connection, fingerprint: str) -> FileRecord | None:
    """The file that first brought these bytes, if they could be read."""
    return first_files(connection, [fingerprint]).get(fingerprint)


def first_files(connection: Connection, fingerprints: Collection[str]) -> dict[str, FileRecord]:
    """The same of many, by fingerprint; those that nobody brought are not in it."""
    found: dict[str, FileRecord] = {}
    for some in _in_parts(fingerprints):
        rows = connection.execute(_FIRST_FILES, {"fingerprints": some})
        found |= {row.fingerprint: _file(row) for row in rows}
    return found


def unmoved_files(connection: Connection) -> list[FileRecord]:
    """All files taken in of which we do not know that they were moved."""
    return [_file(row) for row in connection.execute(_UNMOVED)]


def mark_placed(connection: Connection, placed: Iterable[tuple[FileRecord, str]]) -> None:
    """Write where files stand now, below the home: done, or failed where they have a reason."""
    rows = [{"id": file.id, "target": target, "daemon": file.daemon} for file, target in placed]
    if rows:
        connection.execute(_PLACED, rows)


def retarget(connection: Connection, file: FileRecord, target: str) -> None:
    """Write where a file is to go instead."""
    connection.execute(_RETARGET, {"id": file.id, "target": target})


def mark_gone(connection: Connection, file: FileRecord) -> None:
    """Write that a file was taken away by somebody else before we moved it."""
    connection.execute(_GONE, {"id": file.id, "daemon": file.daemon})


def mark_outgrown(connection: Connection, file: FileRecord) -> None:
    """Write that a file was written to after it was taken; a later record has it as it is now."""
    connection.execute(_OUTGROWN, {"id": file.id})


def take_over(connection: Connection, file: FileRecord, target: str, daemon: str) -> FileRecord:
    """Another daemon goes on with a file that was recorded and not moved, to a place in its own home."""
    connection.execute(_TAKE_OVER, {"id": file.id, "target": target, "daemon": daemon})
    return replace(file, target=target, daemon=daemon)


def mark_retried(connection: Connection, target: str, daemon: str = "") -> None:
    """Write that the file which stood at `target`, in failed/ of a daemon's home, was taken out of it."""
    # What somebody else put there may have a name that is no text, and then it stands in no row.
    plain = target.encode("utf-8", "replace").decode()
    connection.execute(_RETRIED, {"target": plain, "daemon": daemon})


def restamp(connection: Connection, file: FileRecord, *, size: int, modified: int) -> None:
    """A file was touched, and its content is the same."""
    connection.execute(_RESTAMP, {"id": file.id, "size": size, "modified": modified})


def count_repeat(connection: Connection, file: FileRecord) -> None:
    """The same bytes came again, and only their number is kept."""
    connection.execute(_REPEATED, {"id": file.id})


def last_before(connection: Connection, since: datetime) -> int | None:
    """The id after which the files stand that arrived since a moment; None where none did."""
    found = int(connection.execute(_BEFORE, {"since": to_text(since)}).scalar_one())
    return None if found < 0 else found


def files_after(connection: Connection, *, after: int, most: int, daemon: str = "") -> list[FileRecord]:
    """Up to `most` files of a daemon's home with an id above `after`, in its order."""
    asked = {"after": after, "most": most, "daemon": daemon}
    return [_file(row) for row in connection.execute(_FILES_AFTER, asked)]


def articles_before(connection: Connection, file: FileRecord) -> list[KnownArticle]:
    """The articles of a file and of what it was before it grew, newest version first."""
    return _articles_up_to(connection, file.id)


def _articles_up_to(connection: Connection, file: int) -> list[KnownArticle]:
    found: list[KnownArticle] = []
    version: int | None = file
    while version is not None:
        rows = connection.execute(_ARTICLES_OF, {"id": version})
        found += sorted((KnownArticle(*row) for row in rows), key=lambda known: known.position)
        version = connection.execute(_VERSION_OF, {"id": version}).scalar_one_or_none()
    return found


def versions(connection: Connection, file: int) -> list[KnownArticle]:
    """The articles of a file that was written to, as it is and as it was before, newest version first.

    Of a file that never was there are none.
    """
    before, later = connection.execute(_OTHER_VERSIONS, {"id": file}).one()
    if before is None and later is None:
        return []
    while later is not None:
        file = later
        _, later = connection.execute(_OTHER_VERSIONS, {"id": file}).one()
    return _articles_up_to(connection, file)


def record_death(
    connection: Connection, inbox_name: str, stamp: str, *, now: datetime, number: int = 1
) -> None:
    """The process died while it had this file in hand; 0: this one among others."""
    row = {"raw_name": os.fsencode(inbox_name), "stamp": stamp, "number": number, "now": to_text(now)}
    connection.execute(_ADD_DEATH, row)


def deaths(connection: Connection) -> dict[tuple[str, str], int]:
    """How often the process died over which file, by name and stamp."""
    rows = connection.execute(_DEATHS)
    return {(os.fsdecode(raw_name), stamp): number for raw_name, stamp, number in rows}


def forget_deaths(connection: Connection, inbox_name: str) -> None:
    connection.execute(_FORGET_DEATHS, {"raw_name": os.fsencode(inbox_name)})


def record_article(
    connection: Connection, file: FileRecord, position: int, tagged: Tagged, *, now: datetime
) -> int | None:
    """Write an article and its tags; None where the same text has been here before."""
    (identity,) = record_articles(connection, [(file, position, tagged)], now=now)
    return identity


def record_articles(
    connection: Connection, found: Sequence[tuple[FileRecord, int, Tagged]], *, now: datetime
) -> list[int | None]:
    """The same of many articles, each with its file and its position there."""
    prints = [tagged.article.fingerprint for _, _, tagged in found]
    known = _known_articles(connection, prints)
    new: dict[str, tuple[FileRecord, int, Tagged]] = {}
    for print_, each in zip(prints, found, strict=True):
        if print_ not in known:
            new.setdefault(print_, each)
    if not new:
        return [None] * len(found)
    rows = [
        _article_row(print_, file, position, tagged, now) for print_, (file, position, tagged) in new.items()
    ]
    ids = dict(zip(new, connection.execute(_ADD_ARTICLES, rows).scalars(), strict=True))
    tags = [tag_row(ids[print_], tag) for print_, (_, _, tagged) in new.items() for tag in tagged.tags]
    if tags:
        connection.execute(_ADD_TAG, tags)
    return [ids.pop(print_, None) for print_ in prints]  # a text that comes twice is its first file's


def counts(connection: Connection) -> dict[str, int]:
    """How many files stand where, and how many articles there are."""
    found = {str(state): int(number) for state, number in connection.execute(_COUNT_FILES)}
    found["articles"] = int(connection.execute(_COUNT_ARTICLES).scalar_one())
    return found


def _known_articles(connection: Connection, fingerprints: Collection[str]) -> set[str]:
    known: set[str] = set()
    for some in _in_parts(fingerprints):
        known |= set(connection.execute(_KNOWN_ARTICLES, {"fingerprints": some}).scalars())
    return known


def _in_parts(values: Collection[str]) -> Iterator[list[str]]:
    """Few enough for one statement, each once."""
    left = iter(dict.fromkeys(values))
    while some := list(islice(left, _MOST_ASKED)):
        yield some


def _article_row(
    fingerprint: str, file: FileRecord, position: int, tagged: Tagged, now: datetime
) -> dict[str, object]:
    article = tagged.article
    nearest, nearness = nearest_topic(tagged)
    return {
        "file_id": file.id,
        "fingerprint": fingerprint,
        "position": position,
        "title": article.title,
        "text": article.text,
        "language": article.language,
        "date": article.date,
        "source": article.source,
        "author": article.author,
        "url": article.url,
        "caveats": "\n".join(article.caveats) or None,
        "model": tagged.model,
        "tagged_at": to_text(now),
        "nearest": nearest,
        "nearness": nearness,
    }


def nearest_topic(tagged: Tagged) -> tuple[str | None, float | None]:
    """The likeliest of the topics that an article was not said to be mainly about, and its probability."""
    said = tagged.topics(Grade.MAIN)
    unsaid = [
        (probability, topic) for topic, probability in tagged.probabilities.items() if topic not in said
    ]
    probability, topic = max(unsaid, default=(None, None))
    return topic, probability


def tag_row(article: int, tag: Tag) -> dict[str, object]:
    """The row of a tag, by column."""
    evidence = [
        {"passage": e.passage, "start": e.start, "end": e.end, "score": e.score, "words": e.words}
        for e in tag.evidence
    ]
    return {
        "article_id": article,
        "topic": tag.topic,
        "grade": tag.grade,
        "probability": tag.probability,
        "evidence": json.dumps(evidence, ensure_ascii=False),
    }


def _file(row: Row[Any]) -> FileRecord:
    return replace(
        FileRecord(**{name: getattr(row, name) for name in _FILE_FIELDS}), state=FileState(row.state)
    )
