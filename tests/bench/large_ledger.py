"""A ledger of many articles in four languages, written straight into its tables.

The sentences of real and of labelled news again and again, each time others in another order, and one
word of fourteen made up (`texts.Rewriter`): words are as common and as rare as they are in an archive.
"""

from __future__ import annotations

import hashlib
import json
import random
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from classifier import Article, shipped
from classifier.passages import sentences
from daemon.clock import to_text
from daemon.database import open_database
from daemon.records import Alert, AlertTopic, alert_key, alert_to_json
from tests.bench import texts

A_DAY = 2_500  # articles
_AT_ONCE = 5_000
_SOURCES = 60
_LONGEST = 3_000  # characters
_STATES = ("sent",) * 960 + ("merged",) * 30 + ("dead",) * 6 + ("parked",) * 2 + ("unknown", "pending")
_PEOPLE = ("aigerim", "omar", "vera", "U042DESK")


@dataclass(frozen=True, slots=True)
class _Base:
    """An article that others are made of."""

    language: str
    script: str
    sentences: Sequence[str]


@dataclass
class _Rows:
    """Rows for the tables, by table."""

    of: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, table: str, **row: Any) -> None:
        self.of.setdefault(table, []).append(row)

    def write(self, connection: sqlite3.Connection) -> None:
        for table, rows in self.of.items():
            columns = list(rows[0])
            named = ", ".join(f'"{column}"' for column in columns)
            given = ", ".join(f":{column}" for column in columns)
            connection.executemany(f"INSERT INTO {table} ({named}) VALUES ({given})", rows)
        connection.commit()
        self.of.clear()


def write(path: Path, number: int, *, titles: Mapping[str, str], now: datetime) -> None:
    """Make a ledger with so many articles, the last of them taken at this moment, A_DAY a day.

    A third has a tag or more, a quarter an alert; a third tells a story that others tell. One of a
    hundred has verdicts, and one of fifty was tagged anew.
    """
    open_database(f"sqlite:///{path}").close()
    maker = _Maker(titles, number, now)
    with closing(sqlite3.connect(path)) as connection:
        # It can be made again: nothing of it must survive a power cut.
        for pragma in ("synchronous=OFF", "foreign_keys=OFF", "cache_size=-262144"):
            connection.execute(f"PRAGMA {pragma}")
        rows = _Rows()
        for identity in range(1, number + 1):
            maker.article(rows, identity)
            if identity % _AT_ONCE == 0:
                rows.write(connection)
        rows.write(connection)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


class _Maker:
    def __init__(self, titles: Mapping[str, str], number: int, now: datetime) -> None:
        self._rewriter = texts.Rewriter(23)
        self._choose = random.Random(29)
        self._bases = list(_bases())
        self._titles = titles
        self._topics = list(titles)
        # The first topics come most often, as they do in a real archive.
        self._weights = [1.0 / (place + 1) for place in range(len(self._topics))]
        self._number, self._now = number, now
        self._story = 0

    def article(self, rows: _Rows, identity: int) -> None:
        choose = self._choose
        base = choose.choice(self._bases)
        headline, _, rest = self._rewriter.perturbed(base.sentences, base.script).partition(". ")
        text = f"{headline[:140]}\n{headline}. {rest}"
        moment = to_text(self._now - timedelta(days=(self._number - identity) / A_DAY))
        fingerprint = hashlib.sha256(f"{identity}\0{text}".encode()).hexdigest()
        source = f"{base.language}-news-{int(_SOURCES * choose.random() ** 2)}.example"
        rows.add(
            "files", id=identity, fingerprint=fingerprint, name=f"{identity}.txt", size=len(text),
            state="done", target=f"done/{identity}.txt", arrived_at=moment,
        )  # fmt: skip
        nearest = choose.choice(self._topics)
        rows.add(
            "articles", id=identity, file_id=identity, fingerprint=fingerprint, position=0,
            title=headline[:140], text=text, language=base.language, date=moment[:10], model="model-1",
            tagged_at=moment, source=source, nearest=nearest, nearness=round(choose.random() ** 4, 4),
        )  # fmt: skip
        story = self._told(rows, identity, moment, source)
        grades = self._grades()
        for topic, (grade, probability) in grades.items():
            evidence = {"passage": rest[:200], "start": 0, "end": 200, "score": 0.9, "words": []}
            rows.add(
                "tags", article_id=identity, topic=topic, grade=grade, probability=probability,
                evidence=json.dumps([evidence], ensure_ascii=False),
            )  # fmt: skip
        main = [topic for topic, (grade, _) in grades.items() if grade == "main"]
        if main and choose.random() < 0.9:
            self._alert(rows, identity, fingerprint, headline[:140], main, moment, story)
        if grades and choose.random() < 0.03:
            person, topic = choose.choice(_PEOPLE), choose.choice(list(grades))
            verdict = "right" if choose.random() < 0.8 else "wrong"
            rows.add(
                "verdicts", article_id=identity, topic=topic, verdict=verdict, person=person, said_at=moment
            )
        if choose.random() < 0.02:
            said = json.dumps({topic: list(each) for topic, each in grades.items()})
            rows.add(
                "changes", article_id=identity, changed_at=moment, model_before="model-0", model="model-1",
                tags_before="{}", tags=said,
            )  # fmt: skip

    def _grades(self) -> dict[str, tuple[str, float]]:
        choose = self._choose
        if choose.random() < 0.65:
            return {}
        found = choose.choices(self._topics, self._weights, k=choose.choice((1, 1, 1, 2, 3)))
        return {
            topic: ("main", round(0.5 + choose.random() / 2, 4))
            if choose.random() < 0.7
            else ("mention", round(0.25 + choose.random() / 4, 4))
            for topic in found
        }

    def _told(self, rows: _Rows, identity: int, moment: str, source: str) -> int:
        """Most stories are an article alone; the others have one of the last few."""
        choose = self._choose
        if self._story == 0 or choose.random() < 0.7:
            self._story += 1
            story = self._story
            rows.add("stories", id=story, opened_at=moment, last_at=moment, first_article=identity, open=0)
        else:
            story = max(1, self._story - int(200 * choose.random() ** 3))
        rows.add("sketches", article_id=identity, story_id=story, source=source, near_copy=0, news="[]")
        return story

    def _alert(
        self, rows: _Rows, identity: int, fingerprint: str, headline: str, main: Sequence[str], moment: str,
        story: int,
    ) -> None:  # fmt: skip
        key = alert_key("desk", fingerprint)
        topics = tuple(AlertTopic(each, self._titles[each], "main", 0.9, headline, ()) for each in main)
        alert = Alert(key, "desk", headline, None, None, None, f"{identity}.txt", topics, "model-1")
        rows.add(
            "alerts", id=identity, key=key, article_id=identity, receiver="desk",
            payload=alert_to_json(alert), created_at=moment, story_id=story,
        )  # fmt: skip
        state = self._choose.choice(_STATES)
        rows.add(
            "deliveries", alert_id=identity, receiver="desk", key=key, state=state, attempts=1, looks=0,
            due_at=moment, sent_at=moment if state == "sent" else None, channel="C0DESK",
            error="Slack answered 500" if state in ("dead", "parked") else None,
        )  # fmt: skip


def _bases() -> Iterator[_Base]:
    articles = [*texts.joined(texts.labelled(), 1_500), *(texts.news() or ()), *_kazakh()]
    for article in articles:
        told = article.text[:_LONGEST]
        parts = [told[start:end].strip() for start, end in sentences(told)]
        if len(parts) > 3:
            yield _Base(article.language or "", texts._script(told), parts)


def _kazakh() -> Iterator[Article]:
    """News in Kazakh of labelled passages: of what there is elsewhere it has too little."""
    choose = random.Random(31)
    passages = [
        line.partition("\t")[2]
        for sheet in sorted((shipped("labels") / "examples" / "kk").glob("*.tsv"))
        for line in sheet.read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
    ]
    for _ in range(600):
        yield Article("\n".join(choose.sample(passages, 8)), language="kk")
