"""Forgetting: what nothing needs any more is taken out of the ledger, a few files at a time.

An article keeps its row, with its fingerprint, title, source, tags and what became of its alerts: the same
text, or the same file, raises no second alert however late it comes. Its text goes, and the passages of its
tags and alerts. A file and its articles go together, and only when none of them is needed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import accumulate
from typing import Any

from sqlalchemy import BigInteger, Connection, Row, Text, bindparam, text

from classifier import Article
from daemon.clock import to_text
from daemon.records import FileState, alert_from_json, alert_to_json
from daemon.statements import Statement

# What a passage was stands no more; a message that is shown anew shows that there was one.
GONE = "…"
# Of files that are still on their way, or that somebody has to look at, nothing is forgotten.
STATES = (FileState.DONE, FileState.OUTGROWN, FileState.GONE)

_MOST_ARTICLES = 500  # a step, unless a single file has more

_LAST_BEFORE = text(
    """
    SELECT id
    FROM files
    WHERE arrived_at < :before
    ORDER BY arrived_at DESC, id DESC
    LIMIT 1
    """
)
_OLD = text(
    """
    SELECT id, arrived_at
    FROM files
    WHERE state = :state
      AND id > :after
      AND id <= :up_to
    ORDER BY id
    LIMIT :most
    """
)
# Why a file is kept, by the first of its articles that is needed for it.
_NEEDED = text(
    """
    SELECT file_id, MIN(reason)
    FROM (
        SELECT file_id,
            CASE
                WHEN EXISTS (SELECT 1 FROM verdicts WHERE verdicts.article_id = articles.id)
                  OR EXISTS (SELECT 1 FROM sayings WHERE sayings.article_id = articles.id)
                THEN 'judged'
                WHEN EXISTS (SELECT 1 FROM questions WHERE questions.article_id = articles.id)
                THEN 'asked about'
                WHEN EXISTS (
                    SELECT 1
                    FROM alerts
                    JOIN deliveries ON deliveries.alert_id = alerts.id
                    WHERE alerts.article_id = articles.id
                      AND (state NOT IN ('sent', 'merged') OR revision > shown)
                )
                THEN 'owed'
                WHEN EXISTS (
                    SELECT 1
                    FROM sketches
                    JOIN stories ON stories.id = sketches.story_id
                    WHERE sketches.article_id = articles.id
                      AND (stories.open OR sketches.sketch IS NOT NULL)
                )
                THEN 'in an open story'
            END AS reason
        FROM articles
        WHERE file_id IN :files
    ) AS asked
    WHERE reason IS NOT NULL
    GROUP BY file_id
    ORDER BY file_id
    """
).bindparams(bindparam("files", expanding=True, type_=BigInteger()))
_COUNTS = text(
    "SELECT file_id, COUNT(*) FROM articles WHERE file_id IN :files GROUP BY file_id ORDER BY file_id"
).bindparams(bindparam("files", expanding=True, type_=BigInteger()))
_ARTICLES = text(
    """
    SELECT id, LENGTH(text) AS length, CASE WHEN title IS NULL THEN substr(text, 1, 300) END AS opening
    FROM articles
    WHERE file_id IN :files
      AND forgotten_at IS NULL
    ORDER BY id
    """
).bindparams(bindparam("files", expanding=True, type_=BigInteger()))
_EMPTY = Statement(
    """
    UPDATE articles
    SET text = '', title = COALESCE(title, :headline), forgotten_at = :now
    WHERE id = :article
    """
)
_DROP_EVIDENCE = Statement("UPDATE tags SET evidence = '[]' WHERE article_id = :article")
_PAYLOADS = text("SELECT id, payload FROM alerts WHERE article_id IN :articles ORDER BY id").bindparams(
    bindparam("articles", expanding=True, type_=BigInteger())
)
_SHORTEN = Statement("UPDATE alerts SET payload = :payload WHERE id = :id")
# Where an outgrown file stood, the one that it became stands.
_FORGET = Statement(
    """
    UPDATE files
    SET state = 'forgotten', left_out = NULL, target = CASE WHEN state = 'done' THEN target END
    WHERE id = :id
    """
)
_LEAVING = text(
    """
    SELECT id, fingerprint, target, size, arrived_at
    FROM files
    WHERE state = 'forgotten'
      AND target IS NOT NULL
      AND daemon = :daemon
    ORDER BY id
    LIMIT :most
    """
)
_PRINTS = text(
    "SELECT file_id, fingerprint FROM articles WHERE file_id IN :files ORDER BY file_id, position"
).bindparams(bindparam("files", expanding=True, type_=BigInteger()))
_LEFT = Statement("UPDATE files SET target = NULL WHERE id = :id AND state = 'forgotten'")
_KNOWN_FILES = text("SELECT fingerprint FROM files WHERE fingerprint IN :prints").bindparams(
    bindparam("prints", expanding=True, type_=Text())
)
_KNOWN_ARTICLES = text("SELECT fingerprint FROM articles WHERE fingerprint IN :prints").bindparams(
    bindparam("prints", expanding=True, type_=Text())
)
_ADD_FILE = text(
    """
    INSERT INTO files (fingerprint, name, size, state, arrived_at)
    VALUES (:fingerprint, :name, 0, 'forgotten', :arrived_at)
    RETURNING id
    """
)
_ADD_ARTICLE = text(
    """
    INSERT INTO articles (file_id, fingerprint, position, text, model, tagged_at, forgotten_at)
    VALUES (:file_id, :fingerprint, :position, '', '', :tagged_at, :now)
    """
)
# What only grows and nobody looks at after so long. The newest of each stays: others have followed up to it.
_PRUNE_RUNS = text(
    """
    DELETE FROM runs
    WHERE state <> 'running'
      AND started_at < :before
      AND period < (SELECT MAX(period) FROM runs AS later WHERE later.name = runs.name)
    """
)
_PRUNE_CHANGES = text(
    """
    DELETE FROM changes
    WHERE id IN (
        SELECT id FROM changes
        WHERE changed_at < :before AND id < (SELECT MAX(id) FROM changes)
        ORDER BY id
        LIMIT :most
    )
    """
)
_PRUNE_CLICKS = text(
    """
    DELETE FROM clicks
    WHERE id IN (
        SELECT id FROM clicks
        WHERE taken_at < :before AND clicked_at < :before AND id < (SELECT MAX(id) FROM clicks)
        ORDER BY id
        LIMIT :most
    )
    """
)
_PRUNE_DECISIONS = text(
    """
    DELETE FROM decisions
    WHERE id IN (SELECT id FROM decisions WHERE decided_at < :before ORDER BY id LIMIT :most)
    """
)
_PRUNE_INTERVENTIONS = text(
    """
    DELETE FROM interventions
    WHERE id IN (SELECT id FROM interventions WHERE done_at < :before ORDER BY id LIMIT :most)
    """
)
_PRUNE_DEATHS = text("DELETE FROM deaths WHERE last_at < :before")
_PRUNED = {
    "runs": _PRUNE_RUNS,
    "changes": _PRUNE_CHANGES,
    "clicks": _PRUNE_CLICKS,
    "decisions": _PRUNE_DECISIONS,
    "interventions": _PRUNE_INTERVENTIONS,
    "deaths": _PRUNE_DEATHS,
}


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far the files have been looked at: in which state, and up to which id."""

    state: FileState = STATES[0]
    after: int = 0

    def next_state(self) -> Cursor | None:
        """On to the files of the next state; None where there is no other."""
        number = STATES.index(self.state) + 1
        return Cursor(STATES[number]) if number < len(STATES) else None


@dataclass(slots=True)
class Forgotten:
    """What was forgotten so far, or would be. `characters` of texts; `kept`: old files, by why they stay."""

    files: int = 0
    articles: int = 0
    characters: int = 0
    kept: Counter[str] = field(default_factory=Counter)
    pruned: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Leaving:
    """A forgotten file that still stands in done/, with the fingerprints of its articles."""

    id: int
    fingerprint: str
    target: str
    size: int
    arrived_at: str
    articles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Remembered:
    """What tells a repeat of a file of which no more is known."""

    arrived_at: str
    fingerprint: str
    articles: tuple[str, ...]


def last_before(connection: Connection, before: datetime) -> int:
    """The id of the newest file that is old enough; 0 where none is."""
    return int(connection.execute(_LAST_BEFORE, {"before": to_text(before)}).scalar_one_or_none() or 0)


def step(
    connection: Connection,
    cursor: Cursor,
    found: Forgotten,
    *,
    before: datetime,
    up_to: int,
    most: int,
    now: datetime,
    dry: bool = False,
) -> Cursor | None:
    """Look at the next few files, forget those that nothing needs, and add to `found` what came of it.

    Returns from where to go on; None where all have been looked at. With `dry` nothing is written.
    """
    asked = {"state": cursor.state, "after": cursor.after, "up_to": up_to, "most": most}
    rows = connection.execute(_OLD, asked).all()
    if not rows:
        return cursor.next_state()
    rows = rows[: _within(connection, [row.id for row in rows], _MOST_ARTICLES)]
    # A clock that was set back lets a young file stand among old ones.
    old = [row.id for row in rows if row.arrived_at < to_text(before)]
    needed = _needed(connection, old)
    found.kept.update(needed.values())
    files = [each for each in old if each not in needed]
    if files:
        _forget(connection, files, found, now, dry)
    return replace(cursor, after=rows[-1].id)


def _within(connection: Connection, files: Sequence[int], most: int) -> int:
    """How many of the files, from the first, have so many articles together; at least one."""
    counts = dict.fromkeys(files, 0)
    counts |= {file: int(number) for file, number in connection.execute(_COUNTS, {"files": files})}
    sums = list(accumulate(counts.values()))
    return max(1, sum(1 for each in sums if each <= most))


def _needed(connection: Connection, files: Sequence[int]) -> dict[int, str]:
    """Which of the files are kept, and why."""
    if not files:
        return {}
    return {file: str(reason) for file, reason in connection.execute(_NEEDED, {"files": files})}


def _forget(connection: Connection, files: Sequence[int], found: Forgotten, now: datetime, dry: bool) -> None:
    articles = connection.execute(_ARTICLES, {"files": files}).all()
    found.files += len(files)
    found.articles += len(articles)
    found.characters += sum(row.length for row in articles)
    if dry:
        return
    for start in range(0, len(articles), _MOST_ARTICLES):
        _empty(connection, articles[start : start + _MOST_ARTICLES], now)
    _FORGET.execute_all(connection, [{"id": each} for each in files])


def _empty(connection: Connection, articles: Sequence[Row[Any]], now: datetime) -> None:
    """Take the texts of articles away, and the passages of their tags and alerts."""
    ids = [row.id for row in articles]
    heads = [Article(row.opening).headline if row.opening else None for row in articles]
    rows = [
        {"article": id, "headline": head, "now": to_text(now)} for id, head in zip(ids, heads, strict=True)
    ]
    _EMPTY.execute_all(connection, rows)
    _DROP_EVIDENCE.execute_all(connection, [{"article": id} for id in ids])
    payloads = connection.execute(_PAYLOADS, {"articles": ids}).all()
    if payloads:
        _SHORTEN.execute_all(connection, [{"id": id, "payload": shortened(said)} for id, said in payloads])
    if connection.dialect.name == "sqlite":
        _write_anew(connection, ids)


def _write_anew(connection: Connection, articles: Sequence[int]) -> None:
    """Have SQLite give back the room in its pages: it merges them as rows are deleted, and never as one
    becomes smaller (measured: without this the room was not used again). A server sees to that itself.
    """
    connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")  # up to the end of the transaction
    asked = tuple(articles)
    for table, article in (("tags", "article_id"), ("alerts", "article_id"), ("articles", "id")):
        rest = f"FROM {table} WHERE {article} IN ({', '.join('?' * len(asked))})"
        found = connection.exec_driver_sql(f"SELECT * {rest} ORDER BY {article}", asked)
        columns, rows = list(found.keys()), [tuple(row) for row in found]
        if rows:
            connection.exec_driver_sql(f"DELETE {rest}", asked)
            values = f"({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
            connection.exec_driver_sql(f"INSERT INTO {table} {values}", rows)


def shortened(payload: str) -> str:
    """An alert without its passages and words; who was told of which topics stays."""
    alert = alert_from_json(payload)
    topics = tuple(replace(topic, passage=GONE, words=()) for topic in alert.topics)
    return alert_to_json(replace(alert, topics=topics, news=()))


def prune(connection: Connection, *, before: datetime, most: int) -> Counter[str]:
    """Delete old rows of what happened that nobody looks at any more, some at once; how many, by table."""
    asked = {"before": to_text(before), "most": most}
    gone: Counter[str] = Counter()
    for table, statement in _PRUNED.items():
        given = {name: asked[name] for name in statement.compile().params}
        gone[table] = connection.execute(statement, given).rowcount
    return +gone


def leaving(connection: Connection, *, daemon: str, most: int) -> list[Leaving]:
    """Files of a daemon's home that are forgotten and may still stand in done/."""
    rows = connection.execute(_LEAVING, {"daemon": daemon, "most": most}).all()
    if not rows:
        return []
    prints: dict[int, list[str]] = {}
    for file, print_ in connection.execute(_PRINTS, {"files": [row.id for row in rows]}):
        prints.setdefault(file, []).append(print_)
    return [
        Leaving(row.id, row.fingerprint, row.target, row.size, row.arrived_at, tuple(prints.get(row.id, ())))
        for row in rows
    ]


def mark_left(connection: Connection, files: Iterable[Leaving]) -> None:
    """Write that files stand in done/ no more."""
    _LEFT.execute_all(connection, [{"id": file.id} for file in files])


def record_again(connection: Connection, found: Sequence[Remembered], *, now: datetime) -> int:
    """Have a new ledger know files that were forgotten before it was made; how many it did not know."""
    files = [each.fingerprint for each in found]
    known = set(connection.execute(_KNOWN_FILES, {"prints": files}).scalars())
    new = {each.fingerprint: each for each in found if each.fingerprint not in known}
    if not new:
        return 0
    prints = [print_ for each in new.values() for print_ in each.articles]
    seen = set(connection.execute(_KNOWN_ARTICLES, {"prints": prints or [""]}).scalars())
    for each in new.values():
        row = {"fingerprint": each.fingerprint, "name": GONE, "arrived_at": each.arrived_at}
        file = connection.execute(_ADD_FILE, row).scalar_one()
        for position, print_ in enumerate(each.articles):
            if print_ not in seen:
                seen.add(print_)
                article = {"file_id": file, "fingerprint": print_, "position": position}
                connection.execute(
                    _ADD_ARTICLE, article | {"tagged_at": each.arrived_at, "now": to_text(now)}
                )
    return len(new)
