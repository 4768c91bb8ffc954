"""What forgetting costs the intake, and what it gives back: `python -m tests.retention [ARTICLES]`.

A ledger of old articles as long as news is, with their files in done/. The intake takes files in by turns
beside a run that forgets and beside none, in one process as the daemon has them; then all is forgotten, the
ledger is made smaller, and old articles come again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from classifier import Article
from daemon import retention
from daemon.clock import to_text
from daemon.config import Route, Settings
from daemon.database import Database, open_database
from daemon.records import alert_key, alert_to_json
from tests.builders import console_receiver, make_alert, make_settings, small_model
from tests.measuring import say
from tests.newsroom import Newsroom

YEAR = timedelta(days=365)
OLD = datetime.now(UTC) - timedelta(days=500)
_PASSAGE = "The plant resumed work on Monday after a month of repairs, the ministry said in a statement. "
_LENGTH = 3000  # characters
_TOLD = 0.36  # of all articles


def main(arguments: list[str]) -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.retention", description=__doc__)
    parser.add_argument("articles", nargs="?", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--files", type=int, default=60, help="taken in a round")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as made:
        measure(Path(made) / "home", asked.articles, asked.rounds, asked.files)
    return 0


def measure(home: Path, articles: int, rounds: int, files: int) -> None:
    home.mkdir()
    settings = make_settings(
        home, receivers=(console_receiver(),), routes=(Route(receiver="desk"),), events=False
    )
    open_database(settings.database).close()
    say(f"{articles} articles of {OLD:%Y-%m-%d}")
    fill(home, articles)
    database = open_database(settings.database)
    room = Newsroom(settings, database, small_model())
    alone, beside = by_turns(room, rounds, files)
    for name, share in (("median", 50), ("95th percentile", 95), ("slowest", 100)):
        times = percentile(beside, share) / percentile(alone, share)
        print(f"taking a file, {name}: {ms(alone, share)} alone, {ms(beside, share)} beside, {times:.2f} ×")
    before = size(home)
    say("all the rest")
    begun = time.monotonic()
    outcome = retention.forget(settings, database, older_than=YEAR)
    took = time.monotonic() - begun
    print(f"{outcome.line()}; {outcome.left} files left done/, in {took:.0f} s undisturbed")
    again(room, articles)
    with database.reading() as connection:
        free = connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()
        page = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
    database.close()
    was, now = retention.compact(settings)
    free_mb = free * page / 1e6
    print(f"ledger: {before / 1e6:.0f} MB before, {was / 1e6:.0f} MB after, {free_mb:.0f} MB of it free")
    print(f"after --compact: {now / 1e6:.0f} MB, {now / articles:.0f} bytes an article")


def by_turns(room: Newsroom, rounds: int, files: int) -> tuple[list[float], list[float]]:
    """Seconds that each file took, without a run beside it and with one."""
    alone: list[float] = []
    beside: list[float] = []
    taken(room, "warm", files)
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}")
        alone += taken(room, f"alone {number}", files)
        stop = threading.Event()
        thread = threading.Thread(target=forget_until, args=(room.settings, room.database, stop))
        thread.start()
        try:
            beside += taken(room, f"beside {number}", files)
        finally:
            stop.set()
            thread.join()
    return alone, beside


def forget_until(settings: Settings, database: Database, stop: threading.Event) -> None:
    while not stop.is_set():
        retention.forget(settings, database, older_than=YEAR, seconds=0.5)


def taken(room: Newsroom, name: str, files: int) -> list[float]:
    """Each file dropped when the one before it was taken, a little later."""
    seconds = []
    for number in range(files):
        path = room.home / "coming.txt"
        path.write_text(f"{name} {number}\nOil and gas of {name} {number} were found in {random.random()}.\n")
        begun = time.perf_counter()
        target = room.inbox / f"{name} {number}.txt"
        path.rename(target)
        while target.exists():
            room.intake.work()
        seconds.append(time.perf_counter() - begun)
        time.sleep(0.05)
    return seconds


def again(room: Newsroom, articles: int) -> None:
    """Some of the forgotten come again, as the same file and as the same text in another."""
    (alerts,) = room.rows("SELECT COUNT(*) FROM alerts")[0]
    for number in random.sample(range(1, articles + 1), min(200, articles)):
        room.drop(f"again {number}.txt", article(number))
        room.drop(f"other {number}.txt", article(number) + "\n\n")
    room.take_all()
    (now,) = room.rows("SELECT COUNT(*) FROM alerts")[0]
    print(f"{min(200, articles)} forgotten articles came again, twice each: {now - alerts} alerts")


def article(number: int) -> str:
    body = (_PASSAGE * (_LENGTH // len(_PASSAGE) + 1))[:_LENGTH].rstrip()
    return f"Oil and gas of field {number}\n{body} Oil of field {number}."


def fill(home: Path, articles: int) -> None:
    """As the intake would have written it, but in one go."""
    with closing(sqlite3.connect(home / "ledger.db")) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        for table, statement in _STATEMENTS.items():
            say(table)
            connection.executemany(statement, _ROWS[table](articles))
        connection.commit()
    for number in range(1, articles + 1):
        path = home / target(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(article(number))


def target(number: int) -> str:
    day = OLD + timedelta(seconds=number // 10)
    return f"done/{day:%Y/%m/%d}/{number}.txt"


def moment(number: int) -> str:
    return to_text(OLD + timedelta(seconds=number // 10))


def _files(articles: int) -> Iterator[tuple[object, ...]]:
    for number in range(1, articles + 1):
        data = article(number).encode()
        print_ = hashlib.sha256(data).hexdigest()
        yield number, print_, f"{number}.txt", len(data), "done", target(number), moment(number)


def _articles(articles: int) -> Iterator[tuple[object, ...]]:
    for number in range(1, articles + 1):
        found = Article(article(number), title=f"Oil and gas of field {number}")
        yield number, number, found.fingerprint, 0, found.title, found.text, "en", "m", moment(number)


def _tags(articles: int) -> Iterator[tuple[object, ...]]:
    words = [["resumed", 0.4], ["repairs", 0.3], ["ministry", 0.2], ["plant", 0.1]]
    evidence = json.dumps([{"passage": _PASSAGE * 3, "start": 0, "end": 270, "score": 0.9, "words": words}])
    for number in range(1, articles + 1):
        yield number, "energy", "main", 0.9, evidence


def _alerts(articles: int) -> Iterator[tuple[object, ...]]:
    for number in range(1, int(articles * _TOLD) + 1):
        payload = alert_to_json(make_alert(number=number))
        yield number, alert_key("desk", f"{number}"), number, "desk", payload, moment(number)


def _deliveries(articles: int) -> Iterator[tuple[object, ...]]:
    for number in range(1, int(articles * _TOLD) + 1):
        yield number, number, "desk", alert_key("desk", f"{number}"), "sent", 1, 0, moment(number)


_STATEMENTS = {
    "files": "INSERT INTO files (id, fingerprint, name, size, state, target, arrived_at)"
    " VALUES (?,?,?,?,?,?,?)",
    "articles": "INSERT INTO articles (id, file_id, fingerprint, position, title, text, language, model,"
    " tagged_at) VALUES (?,?,?,?,?,?,?,?,?)",
    "tags": "INSERT INTO tags (article_id, topic, grade, probability, evidence) VALUES (?,?,?,?,?)",
    "alerts": "INSERT INTO alerts (id, key, article_id, receiver, payload, created_at) VALUES (?,?,?,?,?,?)",
    "deliveries": "INSERT INTO deliveries (id, alert_id, receiver, key, state, attempts, looks, due_at)"
    " VALUES (?,?,?,?,?,?,?,?)",
}
_ROWS = {
    "files": _files,
    "articles": _articles,
    "tags": _tags,
    "alerts": _alerts,
    "deliveries": _deliveries,
}


def size(home: Path) -> int:
    return sum(path.stat().st_size for path in home.glob("ledger.db*"))


def percentile(values: list[float], share: int) -> float:
    return max(values) if share == 100 else statistics.quantiles(values, n=100)[share - 1]


def ms(values: list[float], share: int) -> str:
    return f"{percentile(values, share) * 1000:.1f} ms"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
