"""The ledger: which files arrived, which articles were in them, and what we concluded.

It only grows. Every function works on the connection it is given and commits nothing.
"""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import Connection, text

from classifier import Article, Tagged
from daemon.clock import to_text
from daemon.records import FileRecord, FileState

_ADD_FILE = text(
    """
    INSERT INTO files (fingerprint, name, size, state, target, duplicate_of, reason, arrived_at)
    VALUES (:fingerprint, :name, :size, :state, :target, :duplicate_of, :reason, :arrived_at)
    RETURNING id, fingerprint, name, state, target, duplicate_of, reason
    """
)
_FIRST_FILE = text(
    """
    SELECT id, fingerprint, name, state, target, duplicate_of, reason
    FROM files
    WHERE fingerprint = :fingerprint
      AND duplicate_of IS NULL
      AND state <> 'failed'
    ORDER BY id
    LIMIT 1
    """
)
_UNMOVED_FILE = text(
    """
    SELECT id, fingerprint, name, state, target, duplicate_of, reason
    FROM files
    WHERE fingerprint = :fingerprint
      AND name = :name
      AND state = 'taken'
    ORDER BY id
    LIMIT 1
    """
)
_UNMOVED = text(
    """
    SELECT id, fingerprint, name, state, target, duplicate_of, reason
    FROM files
    WHERE state = 'taken'
    ORDER BY id
    """
)
_MARK_DONE = text("UPDATE files SET state = 'done', target = :target WHERE id = :id")
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


def record_file(
    connection: Connection,
    *,
    fingerprint: str,
    name: str,
    size: int,
    state: FileState,
    now: datetime,
    target: str | None = None,
    duplicate_of: int | None = None,
    reason: str | None = None,
) -> FileRecord:
    """Write that a file arrived."""
    row = connection.execute(
        _ADD_FILE,
        {
            "fingerprint": fingerprint,
            "name": name,
            "size": size,
            "state": state,
            "target": target,
            "duplicate_of": duplicate_of,
            "reason": reason,
            "arrived_at": to_text(now),
        },
    ).one()
    return _file(*row)


def first_file(connection: Connection, fingerprint: str) -> FileRecord | None:
    """The file that first brought these bytes, if it was not a failure."""
    row = connection.execute(_FIRST_FILE, {"fingerprint": fingerprint}).one_or_none()
    return _file(*row) if row else None


def unmoved_file(connection: Connection, fingerprint: str, name: str) -> FileRecord | None:
    """The record of a file that was taken in but not yet moved out of the inbox."""
    row = connection.execute(_UNMOVED_FILE, {"fingerprint": fingerprint, "name": name}).one_or_none()
    return _file(*row) if row else None


def unmoved_files(connection: Connection) -> list[FileRecord]:
    """All files taken in of which we do not know that they were moved."""
    return [_file(*row) for row in connection.execute(_UNMOVED)]


def mark_done(connection: Connection, file: FileRecord, target: str) -> None:
    """Write that a file stands at `target`, below the home."""
    connection.execute(_MARK_DONE, {"id": file.id, "target": target})


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


def _file(
    id: int,
    fingerprint: str,
    name: str,
    state: str,
    target: str | None,
    duplicate_of: int | None,
    reason: str | None,
) -> FileRecord:
    return FileRecord(id, fingerprint, name, FileState(state), target, duplicate_of, reason)
