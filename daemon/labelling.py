"""Verdicts ▶ labels: what desks said, as lines that `classifier train` reads and people can review.

A line is an article with all that people said of its topics, who and when; whether they dispute one is
for the reader of the labels to find. What nobody said of a topic is not in it: it is not known.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from classifier import topics_of
from daemon import verdicts, whole
from daemon.database import Database
from daemon.verdicts import SHORT_ID, Verdict, VerdictRecord

_FILE = "verdicts.jsonl"
_NOBODY = "?"  # of a verdict that an earlier release let somebody give who had no name
_OLD = "verdicts.tsv"
# How the sheet began that earlier releases wrote: the same texts, with the model's tags for judgements.
_HEAD_OF_OLD = b"# What desks said, written anew before each training by topicwired."


def write_verdicts(home: Path, database: Database, *, weight: float) -> int:
    """Write what desks said as HOME/labels/verdicts.jsonl. Returns its lines, an article each.

    The same verdicts give the same bytes, and a file that would stay the same is left alone. The new one
    is whole and on the disk before it has its name. A verdicts.tsv that an earlier release wrote is
    taken away: its texts would be labelled twice.
    """
    topics = frozenset(topic.id for topic in topics_of(home))
    with database.reading() as connection:
        found = lines(connection, topics, weight=weight)
    file = home / "labels" / _FILE
    content = "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in found).encode(
        "utf-8", "replace"
    )
    if content or file.exists():
        file.parent.mkdir(exist_ok=True)
        if not file.exists() or file.read_bytes() != content:
            whole.write(file, content)
    _take_old_away(file.with_name(_OLD))
    return len(found)


def lines(connection: Connection, topics: Collection[str], *, weight: float) -> list[dict[str, Any]]:
    """Each article of which somebody judged one of the topics, as a line of a label file, by fingerprint.

    A verdict weighs `weight` of a shipped label. One on a topic that is no more among `topics` is left
    out: no training could read it.
    """
    evidence = verdicts.evidence(connection)
    found = [record for record in _readable(connection) if record.topic in topics]
    return [_line(records, evidence, weight) for _, records in _by_article(found)]


def examples(connection: Connection, topics: Collection[str]) -> list[dict[str, Any]]:
    """The articles of which each of the topics is judged, undisputed: lines for
    `classifier train --examples`, where a topic that is not named is one that it is not about.
    """
    asked = frozenset(topics)
    found = []
    for _, records in _by_article(_readable(connection)):
        standing = [each for each in records if not each.outweighed]
        known = {each.topic for each in standing if not each.disputed}
        if asked <= known:
            right = {each.topic for each in standing if each.verdict is Verdict.RIGHT and not each.disputed}
            found.append(_article(records[0]) | {"main": sorted(right & asked)})
    return found


def _readable(connection: Connection) -> list[VerdictRecord]:
    """What was said of articles whose text is kept: one that was judged after it had gone teaches nothing."""
    return [record for record in verdicts.all_verdicts(connection) if record.text]


def _by_article(found: Iterable[VerdictRecord]) -> list[tuple[str, list[VerdictRecord]]]:
    articles: dict[str, list[VerdictRecord]] = {}
    for record in found:
        articles.setdefault(record.article, []).append(record)
    return sorted(articles.items())


def _line(
    records: list[VerdictRecord], evidence: dict[tuple[str, str], tuple[str, ...]], weight: float
) -> dict[str, Any]:
    topics = sorted({each.topic for each in records})
    carried = {topic: evidence.get((records[0].article, topic)) for topic in topics}
    return _article(records[0]) | {
        "verdicts": [_said(each, weight) for each in records],
        "evidence": {topic: list(passages) for topic, passages in carried.items() if passages},
    }


def _article(record: VerdictRecord) -> dict[str, Any]:
    found = {"id": record.article[:SHORT_ID], "title": record.title, "text": record.text}
    return found | ({"lang": record.language} if record.language else {})


def _said(record: VerdictRecord, weight: float) -> dict[str, Any]:
    found = {
        "topic": record.topic,
        "verdict": record.verdict.value,
        "by": record.person.strip() or _NOBODY,
        "at": record.said_at,
        "weight": weight,
    }
    return found | ({"settles": True} if record.settles else {})


def _take_old_away(sheet: Path) -> None:
    """Only one that topicwired wrote; a person may have a sheet of that name."""
    try:
        with sheet.open("rb") as file:
            ours = file.read(len(_HEAD_OF_OLD)) == _HEAD_OF_OLD
    except FileNotFoundError:
        return
    if ours:
        sheet.unlink()
