"""Does the interface for programs keep its contract? schemathesis asks a real server for what the contract
allows, and for what it does not, while a daemon takes what is sent.

    python -m tests.desk_contract [--examples N] [--seconds N] [--seed N]
"""

from __future__ import annotations

import argparse
import hashlib
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from classifier import Grade
from classifier.storage import save, use
from daemon import clock, feedback, ledger, outbox
from daemon.database import Database, open_database
from daemon.desk.following import Follower
from daemon.desk.index import Index
from daemon.desk.keys import token
from daemon.desk.server import server_of
from daemon.desk.state import Desk
from daemon.records import FileState, alert_key
from daemon.verdicts import Verdict
from tests.builders import make_alert, make_settings, make_tag, make_tagged, small_model
from tests.newsroom import Newsroom
from tests.thoroughness import cases

EXAMPLES, SEED = cases(12, 6), 9
_LANGUAGES = ("en", "ru", "kk", "ar")


@dataclass(frozen=True, slots=True)
class Served:
    """A desk that answers. `article`, `fingerprint`: one of those in its ledger, and the file it came in."""

    address: str
    token: str
    article: str
    fingerprint: str


@contextmanager
def served(home: Path) -> Iterator[Served]:
    """A desk on a port of its own, with articles, verdicts and deliveries of every kind."""
    with socket.create_server(("127.0.0.1", 0)) as heard:
        port = heard.getsockname()[1]
        plain = make_settings(home)
        listening = plain.desk.model_copy(update={"listen": f"127.0.0.1:{port}"})
        settings = plain.model_copy(update={"desk": listening})
        use(settings.models, save(small_model(), settings.models, probes=["Oil"], made_by={}).version)
        database, index = open_database(settings.database), Index(home / "desk.db")
        newsroom = Newsroom(settings, database, small_model())
        article, fingerprint = _fill(database)
        follower = Follower(database, index)
        follower.catch_up()
        follower.start()
        server = server_of(Desk(settings, database, index))
        stop = threading.Event()
        threads = [
            threading.Thread(target=server.run, args=([heard],)),
            threading.Thread(target=_take, args=(newsroom, stop)),
        ]
        for thread in threads:
            thread.start()
        try:
            yield Served(f"http://127.0.0.1:{port}", token(home), article, fingerprint)
        finally:
            stop.set()
            server.should_exit = True
            for thread in threads:
                thread.join()
            follower.stop()
            newsroom.intake.close()
            index.close()
            database.close()


def kept(desk: Served, *, examples: int = EXAMPLES, seconds: int | None = None, seed: int = SEED) -> bool:
    """Whether the contract holds; schemathesis says on stdout what it found."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "schemathesis.toml"
        config.write_text(_CONFIG.format(article=desk.article, fingerprint=desk.fingerprint))
        command = [
            sys.executable, "-m", "schemathesis.cli", "--config-file", str(config),
            "run", f"{desk.address}/api/openapi.json",
            "--header", f"Authorization: Bearer {desk.token}",
            "--max-examples", str(examples), "--seed", str(seed),
            "--generation-database", "none", "--suppress-health-check", "all", "--no-color",
            "--continue-on-failure",
        ]  # fmt: skip
        command += ["--max-time", str(seconds)] if seconds else []
        return subprocess.run(command, check=False, cwd=folder).returncode == 0


# What is asked for is there now and then: else an address with an id in it would never answer but 404.
_CONFIG = """
[dictionaries.articles]
values = ["{article}"]
[dictionaries.files]
values = ["{fingerprint}"]
[parameters]
"path.id" = {{ dictionary = "articles", probability = 0.5 }}
"path.fingerprint" = {{ dictionary = "files", probability = 0.5 }}

# Some addresses are too long for any reader; whether a file can be read is for its bytes to say, and which
# topics there are for the desk, and for no schema.
[checks]
negative_data_rejection.expected-statuses = ["400", "404", "405", "413", "414", "415", "422", "431"]
positive_data_acceptance.expected-statuses = ["2xx", "404", "414"]
[[operations]]
include-operation-id = ["tag", "postVerdict"]
checks.positive_data_acceptance.expected-statuses = ["2xx", "404", "414", "422"]
"""


def _fill(database: Database) -> tuple[str, str]:
    """Articles in all languages with every kind of tag, alert, delivery and verdict."""
    made = []
    with database.transaction() as connection:
        for number in range(60):
            grades = [("energy", Grade.MAIN), ("trade", Grade.MENTION)][: number % 3]
            tagged = make_tagged(
                *(make_tag(topic, grade) for topic, grade in grades),
                text=f"Number {number}\nText of number {number}.",
                language=_LANGUAGES[number % 4],
            )
            print_ = hashlib.sha256(f"file {number}".encode()).hexdigest()
            file = ledger.record_file(
                connection,
                fingerprint=print_,
                name=f"{number}.txt",
                size=1,
                state=FileState.DONE,
                now=clock.now(),
            )
            article = ledger.record_article(connection, file, 0, tagged, now=clock.now())
            assert article is not None
            made.append((article, tagged.article.fingerprint, print_))
        for number, (article, fingerprint, _) in enumerate(made[:20]):
            alert = make_alert(number=number, key=alert_key("desk", fingerprint))
            outbox.add(connection, alert, article=article, now=clock.now())
            feedback.judge(
                connection,
                article=article,
                topic="energy",
                verdict=(Verdict.RIGHT, Verdict.WRONG)[number % 2],
                person=f"person {number % 3}",
                now=clock.now(),
            )
    _, fingerprint, print_ = made[0]
    return fingerprint[:16], print_


def _take(newsroom: Newsroom, stop: threading.Event) -> None:
    while not stop.is_set():
        stop.wait(min(newsroom.intake.work(), 0.2))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.desk_contract")
    parser.add_argument("--examples", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=None)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, served(Path(home)) as desk:
        started = time.monotonic()
        is_kept = kept(desk, examples=options.examples, seconds=options.seconds, seed=options.seed)
        print(f"{'kept' if is_kept else 'broken'} in {time.monotonic() - started:.0f} s")
        return 0 if is_kept else 1


if __name__ == "__main__":
    sys.exit(main())
