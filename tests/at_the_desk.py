"""A desk with a small model, a few articles, and somebody who is signed in, for tests of its pages."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from classifier import Grade
from classifier.storage import save, use
from daemon import ledger
from daemon.clock import now
from daemon.config import Settings
from daemon.database import Database
from daemon.desk.app import app_of
from daemon.desk.following import Follower
from daemon.desk.index import Index
from daemon.desk.keys import token
from daemon.desk.state import Desk
from daemon.records import FileState
from tests.builders import make_settings, make_tag, make_tagged, small_model

ADDRESS = "http://127.0.0.1:8460"
HERE = ("127.0.0.1", 50_000)  # where requests come from

ARTICLES: tuple[tuple[str, str, dict[str, Grade]], ...] = (
    ("en", "Refinery restarts\nThe oil refinery in Atyrau restarted after repairs.", {"energy": Grade.MAIN}),
    (
        "ru",
        "Завод возобновил работу\nНефтеперерабатывающий завод возобновил экспорт.",
        {"energy": Grade.MAIN},
    ),
    ("kk", "Зауыт жұмысын жалғастырды\nМұнай өңдеу зауыты экспортты қайта бастады.", {"trade": Grade.MAIN}),
    ("ar", "استأنفت المصفاة العمل\nاستأنفت مصفاة النفط صادراتها بعد الإصلاح.", {"energy": Grade.MENTION}),
    ("en", "Striker scores twice\nThe striker scored twice on his debut.", {}),
)


@dataclass
class AtDesk:
    """`client` is signed in as an editor."""

    home: Path
    settings: Settings
    database: Database
    desk: Desk
    client: TestClient

    def write(self, text: str, grades: dict[str, Grade], language: str = "en") -> str:
        """One more article in the ledger and in the index; its fingerprint."""
        tags = [make_tag(topic, grade) for topic, grade in grades.items()]
        tagged = make_tagged(*tags, text=text, language=language)
        with self.database.transaction() as connection:
            file = ledger.record_file(
                connection,
                fingerprint=hashlib.sha256(text.encode()).hexdigest(),
                name="a.txt",
                size=len(text),
                state=FileState.DONE,
                now=now(),
            )
            ledger.record_article(connection, file, 0, tagged, now=now())
        self.follow()
        return tagged.article.fingerprint

    def follow(self) -> None:
        """Bring the index up to date, as its thread would."""
        Follower(self.database, self.desk.index).catch_up()


def signed_in(client: TestClient, home: Path) -> str:
    """Come in by the link that a terminal shows; the token that forms of this session must send along."""
    assert client.get("/enter", params={"token": token(home)}).status_code == 200
    app = client.app
    assert isinstance(app, FastAPI)
    sessions = app.state.admission.sessions
    session = sessions.read(client.cookies["topicwire_8460"])
    assert session is not None
    return str(sessions.token_of(session.id))


@pytest.fixture
def at_desk(tmp_path: Path, database: Database) -> Iterator[AtDesk]:
    settings = make_settings(tmp_path)
    use(settings.models, save(small_model(), settings.models, probes=["Oil"], made_by={}).version)
    desk = Desk(settings, database, Index(tmp_path / "desk.db"))
    app = app_of(desk)
    with TestClient(app, base_url=ADDRESS, follow_redirects=False, client=HERE) as client:
        client.headers["X-CSRF-Token"] = signed_in(client, settings.home)
        found = AtDesk(tmp_path, settings, database, desk, client)
        for language, text, grades in ARTICLES:
            found.write(text, grades, language)
        yield found
    desk.index.close()
