"""Builders fill in what a test is not about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from classifier.articles import Article, Grade
from classifier.tagging import Evidence, Tag, Tagged
from daemon import ledger, outbox
from daemon.config import Receiver, Retrain, Route, Settings, load_settings
from daemon.records import Alert, AlertTopic, FileState, alert_key

NOON = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)

ENERGY_ARTICLE = (
    "Refinery in Atyrau restarts crude unit\n"
    "The oil refinery in Atyrau resumed processing crude oil on Monday after a month of repairs,"
    " and petrol output will return to normal within days, the energy ministry said.\n"
    "Gas supplies to power plants in the region were not affected.\n"
)
QUIET_ARTICLE = (
    "Striker signs for rivals\n"
    "The forward scored twice on his debut as the visitors won the derby 3-1 on Sunday night in"
    " front of forty thousand spectators, the coach praising his calm in front of goal.\n"
)
ARABIC_ENERGY_ARTICLE = (
    "مصفاة النفط تستأنف العمل\n"
    "استأنفت مصفاة النفط تكرير الخام بعد شهر من الصيانة، وقالت وزارة الطاقة إن إنتاج البنزين والغاز"
    " الطبيعي سيعود إلى مستواه خلال أيام.\n"
)


def make_tag(
    topic: str = "energy",
    grade: Grade = Grade.MAIN,
    probability: float = 0.9,
    passage: str = "The refinery restarted.",
) -> Tag:
    words = (("refinery", 1.2), ("restarted", 0.1))
    return Tag(topic, grade, probability, (Evidence(passage, 0, len(passage), 0.9, words),))


def make_tagged(*tags: Tag, text: str = "A title\nA text.", language: str | None = "en") -> Tagged:
    article = Article(text, title=text.split("\n", 1)[0], language=language)
    return Tagged(article, tags, {tag.topic: tag.probability for tag in tags}, "model-1")


def make_alert(receiver: str = "desk", number: int = 1, **changes: Any) -> Alert:
    alert = Alert(
        key=alert_key(receiver, f"article {number}"),
        receiver=receiver,
        headline=f"Headline {number}",
        language="en",
        date=None,
        source=None,
        file=f"article-{number}.txt",
        topics=(AlertTopic("energy", "Energy", "main", 0.93, "The refinery restarted.", ("refinery",)),),
        model="model-1",
    )
    return replace(alert, **changes)


def make_settings(home: Path, **changes: Any) -> Settings:
    settings = load_settings(None, home, frozenset())
    return settings.model_copy(update={"settle": 0.0, **changes})


def console_receiver(name: str = "desk") -> Receiver:
    return Receiver(name=name, type="console")


def make_route(**values: Any) -> Route:
    return Route(**{"receiver": "desk", **values})


def never_retrain() -> Retrain:
    return Retrain(cron="never")


def owe(connection: Connection, alert: Alert, now: datetime = NOON) -> int:
    """Owe an alert, with a file and an article of its own; returns the article's id."""
    file = ledger.record_file(
        connection, fingerprint=alert.key, name=alert.file, size=1, state=FileState.DONE, now=now
    )
    tagged = make_tagged(make_tag(), text=f"{alert.headline}\nText of {alert.key}.")
    article = ledger.record_article(connection, file, 0, tagged, now=now)
    assert article is not None
    outbox.add(connection, alert, article=article, now=now)
    return article
