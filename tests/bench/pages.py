"""The pages of the desk: the first byte of each with few articles in the ledger and with a million."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlencode

from classifier.storage import load
from daemon.database import open_database
from daemon.desk.following import Follower
from daemon.desk.index import Filter, Index
from daemon.desk.keys import token
from daemon.desk.words import words
from tests.bench import large_ledger, texts
from tests.bench.page import Section, compared
from tests.daemon_process import DaemonProcess
from tests.measuring import Compared, say

TITLE = "Pages of the desk"
_ABOUT = """\
Two ledgers of articles in four languages (`tests/bench/large_ledger.py`), 2,500 articles a day up to
now: a thousand, and a million. Each has its `topicwired desk`, a real server, and the pages are asked
for by turns over connections that stay open: the time from the request to the first byte of the
answer, which is made whole before it is sent. The first look at each page is not counted.
"""
_FEW, _MANY, _ROUNDS = 1_000, 1_000_000, 9
_BACKLOG = 1_500  # files
_PATIENCE = 120.0  # seconds
_AIM = 5.0
NEWEST = 2**62


@dataclass(frozen=True, slots=True)
class Home:
    """A home with a ledger and its index, and what pages are asked about in it."""

    path: Path
    articles: int
    article: str  # an id as people call it
    topic: str
    story: int
    source: str
    rare: str  # a word of a few articles

    @property
    def middle(self) -> int:
        return self.articles // 2


def measure(home: Path, scratch: Path, *, small: bool) -> Section:
    few, many, rounds = (200, 3_000, 2) if small else (_FEW, _MANY, _ROUNDS)
    for name, number in (("few", few), ("many", many)):
        say(f"pages: writing {number:,} articles")
        make(home / "models", scratch / name, number)
    say("pages: following them")
    followed = follow(scratch / "many", many)
    follow(scratch / "few", few)
    rows = compare_pages(scratch / "few", scratch / "many", rounds)
    notes = [followed, *_over(rows), beside(home / "models", scratch / "intake", 300 if small else _BACKLOG)]
    return compared(TITLE, _ABOUT, ("page", f"{many:,} articles", f"{few:,}", "times as long"), rows, notes)


def make(models: Path, home: Path, number: int) -> None:
    shutil.copytree(models, home / "models", symlinks=True)
    titles = load(home / "models").titles
    large_ledger.write(home / "ledger.db", number, titles=titles, now=datetime.now(UTC))


def follow(home: Path, number: int) -> str:
    """Make the index of a ledger; how that went."""
    database, index = open_database(f"sqlite:///{home / 'ledger.db'}"), Index(home / "desk.db")
    began, worked = time.perf_counter(), time.process_time()
    Follower(database, index).catch_up()
    took, worked = time.perf_counter() - began, time.process_time() - worked
    index.close()
    database.close()
    size, ledger = ((home / name).stat().st_size for name in ("desk.db", "ledger.db"))
    return (
        f"making the index of {number:,} articles anew: {number / took:,.0f} articles a second"
        f" ({number / worked:,.0f} a second of processor time); {size / number:,.0f} bytes an article,"
        f" {size / ledger:.0%} of the ledger"
    )


def compare_pages(few: Path, many: Path, rounds: int) -> list[Compared]:
    """The first byte of each page, of the home with many articles against that with few, by turns."""
    with ExitStack() as open_:
        homes = [_known(each) for each in (many, few)]
        servers = [open_.enter_context(serving(each.path)) for each in homes]
        rows = []
        for name, address in PAGES.items():
            measured = list(_rounds(homes, servers, address, rounds))
            slow, fast = tuple(each for each, _ in measured), tuple(each for _, each in measured)
            rows.append(Compared(name, slow, fast, "ms"))
        return rows


def _rounds(
    homes: Sequence[Home], servers: Sequence[Server], address: Callable[[Home], str], rounds: int
) -> Iterator[tuple[float, float]]:
    asked = [address(home) for home in homes]
    say(f"pages: {asked[0]}")
    for server, path in zip(servers, asked, strict=True):
        server.first_byte(path)
    for _ in range(rounds):
        many, few = (server.first_byte(path) for server, path in zip(servers, asked, strict=True))
        yield many, few


def _today(**asked: object) -> str:
    return f"/?{urlencode([(name, str(value)) for name, value in asked.items()])}"


PAGES: Mapping[str, Callable[[Home], str]] = {
    "Today": lambda home: "/",
    "by topic": lambda home: _today(topic=home.topic),
    "by topic, main alone": lambda home: _today(topic=home.topic, grade="main"),
    "by two topics": lambda home: f"{_today(topic=home.topic)}&topic=space",
    "by language": lambda home: _today(language="kk"),
    "by source": lambda home: _today(source=home.source),
    "by a source and a topic": lambda home: _today(source=home.source, topic="space"),
    "with an alert": lambda home: _today(alerted="yes"),
    "by time": lambda home: _today(since=datetime.now(UTC).date(), until=datetime.now(UTC).date()),
    "of a story": lambda home: _today(story=home.story),
    "a rare word": lambda home: _today(q=home.rare),
    "a word that nobody wrote": lambda home: _today(q="qqxqzqv"),
    "a common word": lambda home: _today(q="the"),
    "a common beginning": lambda home: _today(q="state"),
    "a phrase": lambda home: _today(q='"of the"'),
    "a rare phrase of common words": lambda home: _today(q='"the of the in"'),
    "common words of two languages": lambda home: _today(q="the что"),
    "words and a topic": lambda home: _today(q="government", topic=home.topic),
    "older, half way down": lambda home: _today(before=home.middle),
    "older of a topic, half way down": lambda home: _today(topic=home.topic, before=home.middle),
    "older with a common word, half way down": lambda home: _today(q="the", before=home.middle),
    "the first articles of all": lambda home: _today(before=40),
    "what is new": lambda home: f"/today/new?after={home.articles - 5}",
    "nothing is new of a topic": lambda home: f"/today/new?topic={home.topic}&after={home.articles}",
    "an article": lambda home: f"/articles/{home.article}",
    "the queue": lambda home: "/queue",
    "topics": lambda home: "/topics",
    "a topic": lambda home: f"/topics/{home.topic}",
    "the model": lambda home: "/model",
    "deliveries": lambda home: "/deliveries",
    "health": lambda home: "/health",
    "/api/articles": lambda home: "/api/articles",
    "/api/articles of a topic with a word": lambda home: f"/api/articles?topic={home.topic}&q=the",
    "/api/articles/ID": lambda home: f"/api/articles/{home.article}",
    "/api/topics": lambda home: "/api/topics",
    "/api/deliveries": lambda home: "/api/deliveries",
    "/api/verdicts": lambda home: "/api/verdicts",
    "a feed of a topic": lambda home: f"/feeds/topics/{home.topic}.atom",
    "a feed of a word": lambda home: f"/feeds/articles.atom?q={quote('экспорт')}",
}


def _over(rows: Sequence[Compared]) -> list[str]:
    over = [row.what for row in rows if statistics.median(row.ratios) > _AIM]
    told = ", ".join(over) if over else "none"
    return [f"pages that take more than {_AIM:.0f} times as long: {told}"]


def _known(home: Path) -> Home:
    database, index = open_database(f"sqlite:///{home / 'ledger.db'}"), Index(home / "desk.db")
    with database.reading() as connection:
        last, fingerprint, text, source = connection.exec_driver_sql(
            "SELECT id, fingerprint, text, source FROM articles"
            " WHERE language = 'en' AND id IN (SELECT article_id FROM tags WHERE topic = 'energy')"
            " ORDER BY id DESC LIMIT 1"
        ).one()
        number = int(connection.exec_driver_sql("SELECT MAX(id) FROM articles").scalar_one())
        story = connection.exec_driver_sql(
            f"SELECT story_id FROM sketches WHERE article_id = {int(last)}"
        ).scalar_one()
    found = [(len(index.find(Filter(f'"{word}"'), before=NEWEST, most=9)), word) for word in words(text)]
    index.close()
    database.close()
    return Home(home, number, fingerprint[:16], "energy", int(story), source, min(found)[1])


@dataclass(frozen=True, slots=True)
class Server:
    """A `topicwired desk` that we are signed in at."""

    connection: http.client.HTTPConnection
    cookie: str

    def first_byte(self, path: str) -> float:
        """Milliseconds; fails where the page is not shown."""
        began = time.perf_counter()
        self.connection.request("GET", path, headers={"Cookie": self.cookie})
        answer = self.connection.getresponse()  # once its head is there
        took = time.perf_counter() - began
        rest = answer.read()
        assert answer.status in (200, 204), f"{path}: {answer.status} {rest[:2000]!r}"
        return 1000 * took


@contextmanager
def serving(home: Path) -> Iterator[Server]:
    port = _free_port()
    config = home / "desk.toml"
    config.write_text(f'[desk]\nlisten = "127.0.0.1:{port}"\n', encoding="utf-8")
    command = [sys.executable, "-m", "daemon.cli", "desk", "--home", str(home), "--config", str(config)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TOPICWIRE_")}
    with (home / "desk.log").open("wb") as log, subprocess.Popen(command, stderr=log, env=kept) as process:
        try:
            connection = _connected(port)
            connection.request("GET", f"/enter?token={token(home)}")
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200, answer.status
            yield Server(connection, (answer.getheader("Set-Cookie") or "").partition(";")[0])
        finally:
            process.terminate()


def _connected(port: int) -> http.client.HTTPConnection:
    until = time.monotonic() + _PATIENCE
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
        with suppress(ConnectionRefusedError):
            connection.connect()
            return connection
        assert time.monotonic() < until, "the desk does not open"
        time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def beside(models: Path, scratch: Path, number: int) -> str:
    """How much longer a backlog takes a daemon beside whose desk an index is made at the same time."""
    archive = scratch / "archive"
    make(models, archive, 20 * number)
    backlog = list(texts.backlog(number, 0.45))
    rounds = []
    for turn in range(3):
        say(f"pages: intake of {number:,} files alone and beside the follower, {turn + 1} of 3 times")
        rounds.append(
            [_drained(archive, scratch / f"{turn}-{desk}" / "home", backlog, desk) for desk in (True, False)]
        )
    ratios = sorted(with_ / without for with_, without in rounds)
    return (
        f"a backlog of {number:,} files beside the desk, which makes the index of {20 * number:,} articles"
        f" meanwhile, takes {statistics.median(ratios):.2f} times as long as without a desk"
        f" ({ratios[0]:.2f}–{ratios[-1]:.2f})"
    )


def _drained(archive: Path, home: Path, backlog: Sequence[str], desk: bool) -> float:
    """Seconds from when the files come until the last one is done."""
    shutil.copytree(archive, home, symlinks=True)
    fresh = home / "fresh"
    fresh.mkdir()
    for number, text in enumerate(backlog):
        (fresh / f"{number:06}.txt").write_text(text, encoding="utf-8")
    listen = f"127.0.0.1:{_free_port()}" if desk else "never"
    config = home.parent / "topicwire.toml"
    config.write_text(
        f'[inbox]\nsettle_seconds = 0.1\n[desk]\nlisten = "{listen}"\n[retrain]\ncron = "never"\n',
        encoding="utf-8",
    )
    daemon = DaemonProcess(home, "--config", str(config))
    try:
        daemon.wait_until_watching()
        if desk:
            daemon.wait_until((home / "desk.db").exists)
        began = time.perf_counter()
        for path in sorted(fresh.iterdir()):
            path.rename(home / "inbox" / path.name)
        daemon.wait_until(lambda: len(daemon.done()) == len(backlog), seconds=10 * _PATIENCE)
        return time.perf_counter() - began
    finally:
        daemon.kill()
        shutil.rmtree(home)
