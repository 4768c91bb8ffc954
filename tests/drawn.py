"""Articles in a ledger, with and without an alert, for tests of what is drawn from them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from classifier.articles import Article
from classifier.tagging import Tagged
from daemon import ledger, outbox
from daemon.config import Sample
from daemon.database import Database
from daemon.records import AlertTopic, FileState
from daemon.sampling import Drawn, draw
from tests.builders import NOON, make_alert, make_tag

TOPICS = {"energy": "Energy", "trade": "Trade"}


def add_article(
    connection: Connection,
    name: str,
    *,
    near: float = 0.2,
    nearest: str = "energy",
    main: tuple[str, ...] = (),
    alerted: bool | None = None,
    text: str | None = None,
    language: str | None = "en",
    version_of: int | None = None,
    now: datetime = NOON,
) -> int:
    """An article with a headline; it has an alert if it is mainly about something, unless told otherwise."""
    file = ledger.record_file(
        connection, fingerprint=name, name=name, size=1, state=FileState.DONE, version_of=version_of, now=now
    )
    article = Article(text or f"{name}\nWhat {name} tells.", title=name, language=language)
    tagged = Tagged(article, tuple(make_tag(topic) for topic in main), {nearest: near}, "model-1")
    found = ledger.record_article(connection, file, 0, tagged, now=now)
    assert found is not None
    if bool(main) if alerted is None else alerted:
        topics = tuple(AlertTopic(each, TOPICS[each], "main", 0.9, "A passage.", ()) for each in main)
        outbox.add(connection, make_alert(key=f"alert {name}", topics=topics), article=found, now=now)
    return found


def draw_all(database: Database, *, articles: float = 100.0, now: datetime = NOON) -> Drawn:
    """Draw from what there is, by default all of it."""
    drawn = draw(database, Sample(articles=articles), topics=tuple(TOPICS.items()), now=now)
    assert drawn is not None
    return drawn
