"""The ledger: which files arrived, which articles were in them, and what we concluded.

It only grows. Every function works on the connection it is given and commits nothing.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from classifier import Article, Tagged
from daemon.clock import to_text
from daemon.records import FileRecord, FileState, KnownArticle

_ADD_FILE = text(
    """
    INSERT INTO files
        (fingerprint, name, raw_name, size, inode, modified, state, target, duplicate_of, version_of,
         reason, mend, arrived_at)
    VALUES
        (:fingerprint, :name, :raw_name, :size, :inode, :modified, :state, :target, :duplicate_of,
         :version_of, :reason, :mend, :arrived_at)
    RETURNING *
    """
)
_FIRST_FILE = text(
    """
    SELECT *
    FROM files
    WHERE fingerprint = :fingerprint
      AND duplicate_of IS NULL
      AND reason IS NULL
    ORDER BY id
    LIMIT 1
    """
)
_UNMOVED = text(
    """
    SELECT *
    FROM files
    WHERE fingerprint <> :fingerprint
      AND COALESCE(raw_name, CAST(name AS BLOB)) = :raw_name
      AND state = 'taken'
    ORDER BY id DESC
    LIMIT 1
    """
)
_UNMOVED = text("SELECT * FROM files WHERE state = 'taken' ORDER BY id")
_PLACED = text(
    """
    UPDATE files
    SET state = CASE WHEN reason IS NULL THEN 'done' ELSE 'failed' END, target = :target
    WHERE id = :id
    """
)
_RETARGET = text("UPDATE files SET target = :target WHERE id = :id")
_GONE = text("UPDATE files SET state = 'gone', target = NULL WHERE id = :id")
_OUTGROWN = text("UPDATE files SET state = 'outgrown' WHERE id = :id")
_RETRIED = text("UPDATE files SET state = 'retried' WHERE target = :target AND state = 'failed'")
_RESTAMP = text("UPDATE files SET size = :size, modified = :modified WHERE id = :id")
_REPEATED = text("UPDATE files SET repeats = repeats + 1 WHERE id = :id")
_FILES_AFTER = text(
    """
    SELECT *
    FROM files
    WHERE id > :after
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
_ADD_ARTICLE = text(
    """
    INSERT INTO articles
        (file_id, fingerprint, position, title, text, language, date, model, tagged_at)
    VALUES
        (:file_id, :fingerprint, :position, :title, :text, :language, :date, :model, :tagged_at)
    ON CONFLICT (fingerprint) DO NOTHING
    RETURNING id
    """
)
_ADD_TAG = text(
    """
    INSERT INTO tags (article_id, topic, grade, probability, evidence)
    VALUES (:article_id, :topic, :grade, :probability, :evidence)
    """
)
_COUNT_FILES = text("SELECT state, COUNT(*) FROM files GROUP BY state")
_COUNT_ARTICLES = text("SELECT COUNT(*) FROM articles")
_DEATHS = text("SELECT raw_name, stamp, number FROM deaths")
_ADD_DEATH = text(
    """
    INSERT INTO deaths (raw_name, stamp, number, last_at)
    VALUES (:raw_name, :stamp, 1, :now)
    ON CONFLICT (raw_name, stamp)
    DO UPDATE SET number = number + 1, last_at = excluded.last_at
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
) -> FileRecord:
    """Write that a file arrived. `fingerprint` is "" for a file that was not opened."""
    row = connection.execute(
        _ADD_FILE,
        {
            "fingerprint": fingerprint,
            "name": name,
            "raw_name": raw_name,
            "size": size,
            "inode": inode,
            "modified": modified,
            "state": state,
            "target": target,
            "duplicate_of": duplicate_of,
            "version_of": version_of,
            "reason": reason,
            "mend": mend,
            "arrived_at": to_text(now),
        },
    ).one()
    return _file(row)


def first_file(connection: Connection, fingerprint: str) -> FileRecord | None:
    """The file that first brought these bytes, if they could be read."""
    row = connection.execute(_FIRST_FILE, {"fingerprint": fingerprint}).one_or_none()
    return _file(row) if row else None


def unmoved_files(connection: Connection) -> list[FileRecord]:
    """All files taken in of which we do not know that they were moved."""
    return [_file(row) for row in connection.execute(_UNMOVED)]


def mark_placed(connection: Connection, file: FileRecord, target: str) -> None:
    """Write that a file stands at `target`, below the home: done, or failed where it has a reason."""
    connection.execute(_PLACED, {"id": file.id, "target": target})


def retarget(connection: Connection, file: FileRecord, target: str) -> None:
    """Write where a file is to go instead."""
    connection.execute(_RETARGET, {"id": file.id, "target": target})


def mark_gone(connection: Connection, file: FileRecord) -> None:
    """Write that a file was taken away by somebody else before we moved it."""
    connection.execute(_GONE, {"id": file.id})


def mark_outgrown(connection: Connection, file: FileRecord) -> None:
    """Write that a file was written to after it was taken; a later record has it as it is now."""
    connection.execute(_OUTGROWN, {"id": file.id})


def mark_retried(connection: Connection, target: str) -> None:
    """Write that the file which stood at `target`, in failed/, was taken out of it."""
    connection.execute(_RETRIED, {"target": target})


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


def files_after(connection: Connection, *, after: int, most: int) -> list[FileRecord]:
    """Up to `most` files with an id above `after`, in its order."""
    return [_file(row) for row in connection.execute(_FILES_AFTER, {"after": after, "most": most})]


def articles_before(connection: Connection, file: FileRecord) -> list[KnownArticle]:
    """The articles of a file and of what it was before it grew, newest version first."""
    found: list[KnownArticle] = []
    version: int | None = file.id
    while version is not None:
        rows = connection.execute(_ARTICLES_OF, {"id": version})
        found += sorted((KnownArticle(*row) for row in rows), key=lambda known: known.position)
        version = connection.execute(_VERSION_OF, {"id": version}).scalar_one_or_none()
    return found


def record_death(connection: Connection, inbox_name: str, stamp: str, *, now: datetime) -> None:
    """The process died while it had this file in hand."""
    row = {"raw_name": os.fsencode(inbox_name), "stamp": stamp, "now": to_text(now)}
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
    article = tagged.article
    identity = connection.execute(
        _ADD_ARTICLE, _article_row(article, file, position, tagged.model, now)
    ).scalar_one_or_none()
    if identity is None:
        return None
    for tag in tagged.tags:
        evidence = [
            {"passage": e.passage, "start": e.start, "end": e.end, "score": e.score, "words": e.words}
            for e in tag.evidence
        ]
        connection.execute(
            _ADD_TAG,
            {
                "article_id": identity,
                "topic": tag.topic,
                "grade": tag.grade,
                "probability": tag.probability,
                "evidence": json.dumps(evidence, ensure_ascii=False),
            },
        )
    return int(identity)


def counts(connection: Connection) -> dict[str, int]:
    """How many files stand where, and how many articles there are."""
    found = {str(state): int(number) for state, number in connection.execute(_COUNT_FILES)}
    found["articles"] = int(connection.execute(_COUNT_ARTICLES).scalar_one())
    return found


def _article_row(
    article: Article, file: FileRecord, position: int, model: str, now: datetime
) -> dict[str, object]:
    return {
        "file_id": file.id,
        "fingerprint": article.fingerprint,
        "position": position,
        "title": article.title,
        "text": article.text,
        "language": article.language,
        "date": article.date,
        "model": model,
        "tagged_at": to_text(now),
    }


def _file(row: Row[Any]) -> FileRecord:
    return FileRecord(
        id=row.id,
        fingerprint=row.fingerprint,
        name=row.name,
        state=FileState(row.state),
        target=row.target,
        duplicate_of=row.duplicate_of,
        reason=row.reason,
        mend=row.mend,
        raw_name=row.raw_name,
        inode=row.inode,
        size=row.size,
        modified=row.modified,
    )
