"""A daemon as one writes it in an afternoon: watchdog's handler, scikit-learn, a transaction a file.

    python -m tests.bench.naive MODEL HOME

MODEL is a `tests.reference.PlainTagger` by joblib. What comes into HOME/inbox goes to HOME/done, and
into HOME/naive.db: the article, its tags, and the alert that is owed. It waits for no writer to
finish, looks at no folder that it was not told of, and would not come through a crash.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import sys
import threading
from contextlib import suppress
from pathlib import Path

import joblib
from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from classifier import Grade, Model, read_articles
from classifier.records import as_json
from tests.reference import PlainTagger

_TABLES = """
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS articles (id INTEGER PRIMARY KEY, file TEXT, fingerprint TEXT, text TEXT);
    CREATE TABLE IF NOT EXISTS tags
        (article_id INTEGER, topic TEXT, grade TEXT, probability REAL, evidence TEXT);
    CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY, article_id INTEGER, alert TEXT, state TEXT);
"""


class Handler(FileSystemEventHandler):
    """Takes a file at a time, whenever an event names one."""

    def __init__(self, tagger: PlainTagger | Model, home: Path) -> None:
        self._tagger = tagger
        self._done = home / "done"
        self._done.mkdir(parents=True, exist_ok=True)
        # Events come in one thread, which is not the one that makes this.
        self._ledger = sqlite3.connect(home / "naive.db", check_same_thread=False)
        self._ledger.executescript(_TABLES)
        self._ledger.execute("PRAGMA synchronous = FULL")

    def on_created(self, event: FileSystemEvent) -> None:
        self._take(event.src_path, event)

    def on_closed(self, event: FileSystemEvent) -> None:
        self._take(event.src_path, event)

    def on_moved(self, event: FileSystemEvent) -> None:
        self._take(event.dest_path, event)

    def _take(self, name: str | bytes, event: FileSystemEvent) -> None:
        path = Path(os.fsdecode(name))
        if event.is_directory:
            return
        with suppress(FileNotFoundError):  # an earlier event of the same file has taken it
            self._record(path, path.read_bytes())
            path.rename(self._done / path.name)

    def _record(self, path: Path, data: bytes) -> None:
        with self._ledger:
            for tagged in self._tagger.tag_all(list(read_articles(data, path.name))):
                article = self._ledger.execute(
                    "INSERT INTO articles (file, fingerprint, text) VALUES (?, ?, ?)",
                    (path.name, hashlib.sha256(data).hexdigest(), tagged.article.text),
                ).lastrowid
                said = as_json(tagged, path.name)
                self._ledger.executemany(
                    "INSERT INTO tags VALUES (?, ?, ?, ?, ?)",
                    [
                        (
                            article,
                            tag.topic,
                            tag.grade,
                            tag.probability,
                            json.dumps(said["evidence"][tag.topic]),
                        )
                        for tag in tagged.tags
                    ],
                )
                if tagged.topics(Grade.MAIN):
                    self._ledger.execute(
                        "INSERT INTO outbox (article_id, alert, state) VALUES (?, ?, 'pending')",
                        (article, json.dumps(said)),
                    )


def main(model: Path, home: Path) -> None:
    inbox = home / "inbox"
    inbox.mkdir(parents=True, exist_ok=True)
    observer = Observer()
    observer.schedule(Handler(joblib.load(model), home), str(inbox))
    observer.start()
    print("watching", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
