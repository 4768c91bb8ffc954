"""Pictures of the desk for the README: `python -m tests.desk_pictures [FOLDER] [--home HOME]`.

Real pages of a real daemon, in Chromium (`make browser`), of a home that is filled here with the held-out
articles that ship (labels/held-out: of our own wording), as if they had come in over four weeks. `--home`:
take the model of this home, in place of training one.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect

from classifier import shipped
from classifier.cli import main as classifier
from daemon import clock, feedback
from daemon.cli import main as topicwired
from daemon.clock import to_text
from daemon.database import Database, open_database
from daemon.verdicts import Verdict
from tests.browser import chromium
from tests.browser.driving import PHONE, Newsroom, Scheme, browser_of, seat_at
from tests.pictures import FOLDER
from tests.slack_stand_in import SlackStandIn

LARGEST = 120_000

_DAYS = 28
_SCREEN = (1280, 860)
_COLOURS = 128
_ENERGY, _TRADE, _SPACE = "C0ENERGY", "C0TRADE", "C0SPACE"
_SOURCES = ("Steppe Wire", "Caspian Courier", "Silk Road News", "Capital Bulletin")
_PEOPLE = ("aigerim", "boris", "dana")


@dataclass(frozen=True, slots=True)
class Shot:
    """A page, and where on it to look. `path` may have {arabic} and {energy}: ids of articles."""

    name: str
    path: str
    at: str | None = None
    size: tuple[int, int] = _SCREEN
    scheme: Scheme = "light"
    language: str = "en"


SHOTS = (
    Shot("desk-today", "/"),
    Shot("desk-article", "/articles/{energy}"),
    Shot("desk-words", "/articles/{energy}?topic=energy", at="#text"),
    Shot("desk-arabic", "/articles/{arabic}?topic=energy", at="#text"),
    Shot("desk-queue", "/queue"),
    Shot("desk-topics", "/topics"),
    Shot("desk-topic", "/topics/energy"),
    Shot("desk-cut", "/topics/energy", at="#cut"),
    Shot("desk-model", "/model"),
    Shot("desk-deliveries", "/deliveries"),
    Shot("desk-health", "/health", language="ru"),
    Shot("desk-phone", "/", size=PHONE, language="kk"),
    Shot("desk-dark", "/queue", scheme="dark", language="ru"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    parser.add_argument("--home", type=Path)
    options = parser.parse_args()
    program = chromium.found()
    if program is None:
        print("pictures need Chromium: make browser", file=sys.stderr)
        return 1
    options.folder.mkdir(parents=True, exist_ok=True)
    with _filled(options.home) as newsroom, browser_of(program) as browser:
        for shot in SHOTS:
            data = _smaller(_taken(browser, newsroom, shot))
            path = options.folder / f"{shot.name}.png"
            path.write_bytes(data)
            print(f"{path}: {len(data) // 1000} kB")
            if len(data) > LARGEST:
                print(f"{path} is larger than {LARGEST // 1000} kB", file=sys.stderr)
    return 0


@contextmanager
def _filled(models: Path | None) -> Iterator[Newsroom]:
    """A newsroom that has worked for four weeks, with three desks in Slack, one of which is gone."""
    with tempfile.TemporaryDirectory(prefix="newsroom-") as scratch, SlackStandIn() as slack:
        home = Path(scratch) / "home"
        if models is not None:
            shutil.copytree(models / "models", home / "models")
        elif classifier(["train", "--home", str(home), "--json"]) != 0:
            raise SystemExit("no model could be trained")
        for channel in (_ENERGY, _TRADE, _SPACE):
            slack.add_channel(channel)
        token = Path(scratch) / "token"
        token.write_text(slack.token)
        token.chmod(0o600)
        _work(home, token, slack)
        slack.archive(_SPACE)
        newsroom = Newsroom(home, _desks(token, slack))
        try:
            for name, text in _articles()[-12:]:
                newsroom.drop(name, text)
            newsroom.process.wait_until(lambda: not list((home / "inbox").iterdir()), seconds=60.0)
            newsroom.process.wait_until(lambda: newsroom.asked(_OWED) == [(0,)], seconds=60.0)
            yield newsroom
        finally:
            newsroom.stop()


_OWED = (
    "SELECT count(*) FROM deliveries JOIN alerts ON alerts.id = alert_id"
    " WHERE deliveries.state IN ('pending', 'sending') AND alerts.receiver <> 'science-desk'"
)


def _work(home: Path, token: Path, slack: SlackStandIn) -> None:
    """Four weeks of articles and verdicts, all but the last ones."""
    config = home.parent / "work.toml"
    config.write_text(
        f'[inbox]\nsettle_seconds = 0.0\n{_desks(token, slack)}\n[desk]\nlisten = "never"\n', encoding="utf-8"
    )
    (home / "inbox").mkdir(exist_ok=True)
    for name, text in _articles()[:-12]:
        (home / "inbox" / name).write_text(text, encoding="utf-8")
    if topicwired(["run", "--once", "--home", str(home), "--config", str(config)]) != 0:
        raise SystemExit("the articles could not be taken in")
    _spread(home / "ledger.db")
    opened = open_database(f"sqlite:///{home / 'ledger.db'}")
    try:
        _judge(opened)
    finally:
        opened.close()


def _spread(ledger: Path) -> None:
    """As if the articles had come in over the weeks before: more on some days, few on others."""
    now = clock.now()
    with closing(sqlite3.connect(ledger)) as connection, connection:
        ids = [each for (each,) in connection.execute("SELECT id FROM articles ORDER BY id")]
        for number, identity in enumerate(ids):
            share = (number + (number % 7) * 0.4) / (len(ids) + 3)
            moment = to_text(now - timedelta(days=_DAYS * (1 - share), hours=1))
            connection.execute("UPDATE articles SET tagged_at = ? WHERE id = ?", (moment, identity))
            connection.execute("UPDATE alerts SET created_at = ? WHERE article_id = ?", (moment, identity))


def _judge(database: Database) -> None:
    """Of what was alerted people judge four in five, and call most of it right; of one they disagree."""
    with database.transaction() as connection:
        rows = connection.exec_driver_sql(
            "SELECT article_id, topic, probability FROM tags WHERE grade = 'main' ORDER BY article_id, topic"
        ).fetchall()
        for number, (article, topic, probability) in enumerate(rows):
            if number % 5 == 4:
                continue
            verdict = Verdict.WRONG if probability < 0.75 or number % 17 == 0 else Verdict.RIGHT
            said = {"article": article, "topic": topic, "now": clock.now() - timedelta(hours=2)}
            feedback.judge(connection, verdict=verdict, person=_PEOPLE[number % 3], **said)
            if number == 12:
                other = Verdict.WRONG if verdict is Verdict.RIGHT else Verdict.RIGHT
                feedback.judge(connection, verdict=other, person=_PEOPLE[(number + 1) % 3], **said)


def _desks(token: Path, slack: SlackStandIn) -> str:
    def desk(name: str, channel: str, topics: list[str]) -> str:
        return (
            f'[[receiver]]\nname = "{name}"\ntype = "slack"\nchannel = "{channel}"\n'
            f'[[route]]\nreceiver = "{name}"\ntopics = {json.dumps(topics)}\n'
        )

    return (
        f'[burst]\nminutes = 0\n[slack]\ntoken_file = "{token}"\napi_url = "{slack.url}"\n'
        + "pace_seconds = 0.0\n"
        + desk("energy-desk", _ENERGY, ["energy", "minerals", "environment"])
        + desk("trade-desk", _TRADE, ["trade", "logistics", "agriculture"])
        + desk("science-desk", _SPACE, ["space", "digital", "education", "health"])
    )


def _articles() -> list[tuple[str, str]]:
    """Names and texts of files, the languages by turns; one of each is among the last."""
    by_language: dict[str, list[dict[str, Any]]] = {}
    with (shipped("labels") / "held-out" / "dev.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            found = json.loads(line)
            by_language.setdefault(found["lang"], []).append(found)
    turns = max(map(len, by_language.values()))
    mixed = [each[number] for number in range(turns) for each in by_language.values() if number < len(each)]
    mixed.reverse()  # English ones, of which there are most, come first
    return [(f"{each['id']}.json", _record(each, number)) for number, each in enumerate(mixed)]


def _record(found: dict[str, Any], number: int) -> str:
    named = {"title": found["title"], "text": found["text"], "source": _SOURCES[number % 7 % len(_SOURCES)]}
    return json.dumps(named, ensure_ascii=False)


def _taken(browser: Browser, newsroom: Newsroom, shot: Shot) -> bytes:
    scale = 2.0 if shot.size == PHONE else 1.0
    ids = {"arabic": _longest(newsroom, "ar"), "energy": _longest(newsroom, "en")}
    with seat_at(
        browser, newsroom, size=shot.size, scheme=shot.scheme, language=shot.language, scale=scale
    ) as seat:
        page = seat.open(shot.path.format(**ids))
        _wait(page)
        if shot.at:
            page.locator(shot.at).evaluate("each => each.scrollIntoView()")
        return page.screenshot()


def _longest(newsroom: Newsroom, language: str) -> str:
    """The id of an article about energy with the most to see."""
    [(fingerprint,)] = newsroom.asked(
        "SELECT fingerprint FROM articles JOIN tags ON tags.article_id = articles.id"
        " WHERE topic = 'energy' AND grade = 'main' AND language = :language"
        " ORDER BY length(text) DESC LIMIT 1",
        language=language,
    )
    return str(fingerprint)[:12]


def _wait(page: Page) -> None:
    """Until nothing is being worked out any more."""
    for _ in range(60):
        if page.locator("progress").count() == 0 and "being counted" not in page.inner_text("main"):
            break
        page.wait_for_timeout(500)
        if "being counted" in page.inner_text("main"):
            page.reload()
    expect(page.locator("h1")).to_be_visible()


def _smaller(data: bytes) -> bytes:
    from PIL import Image

    with Image.open(BytesIO(data)) as seen:
        few = seen.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    written = BytesIO()
    few.save(written, "PNG", optimize=True)
    return written.getvalue()


if __name__ == "__main__":
    sys.exit(main())
