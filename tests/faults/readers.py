"""People at desks who press ✓ while the daemon lives and dies: each verdict must be shown in the end."""

from __future__ import annotations

import json
import random
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from daemon.clock import to_text
from tests.faults.accounting import LEDGER, keys_in

_PERSONS = ("U0ANNA", "U0BORIS", "U0CHEN")

_TOLD = """
    SELECT alerts.article_id
    FROM deliveries
    JOIN alerts ON alerts.id = deliveries.alert_id
    WHERE state IN ('sent', 'merged')
    ORDER BY deliveries.id DESC
    LIMIT 60
"""
_SAY = """
    INSERT INTO verdicts (article_id, topic, verdict, person, said_at)
    VALUES (?, 'energy', 'right', ?, ?)
    ON CONFLICT DO NOTHING
"""
# As daemon.feedback does where somebody presses: every message that names the article.
_TOUCH = """
    UPDATE deliveries
    SET revision = revision + 1
    WHERE id IN (
        SELECT COALESCE(into_id, deliveries.id)
        FROM deliveries
        JOIN alerts ON alerts.id = deliveries.alert_id
        WHERE alerts.article_id = ?
    )
"""
_KEYS = "SELECT key FROM alerts WHERE article_id = ?"


class Readers:
    """Works from a thread of its own; use it with `with`."""

    def __init__(self, home: Path, *, seed: int, pause: float) -> None:
        self.said: set[tuple[int, str]] = set()
        self._ledger = home / LEDGER
        self._chance = random.Random(seed)
        self._pause = pause
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="readers", daemon=True)

    def __enter__(self) -> Readers:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def faults(self, messages: Sequence[dict[str, Any]]) -> list[str]:
        """Verdicts that a message does not show, in each channel."""
        unshown = []
        with closing(sqlite3.connect(self._ledger, timeout=30.0)) as connection:
            for article, person in sorted(self.said):
                keys = {key for (key,) in connection.execute(_KEYS, (article,))}
                naming = [message for message in messages if keys & set(keys_in(message))]
                unshown += [m["ts"] for m in naming if person not in json.dumps(m.get("blocks"))]
        return [f"the message {ts} does not show all that was said of it" for ts in unshown]

    def _work(self) -> None:
        while not self._stop.wait(self._chance.uniform(0.5, 1.5) * self._pause):
            with suppress(sqlite3.OperationalError):  # being made, or busy
                self._press()

    def _press(self) -> None:
        with closing(sqlite3.connect(self._ledger, timeout=5.0)) as connection:
            articles = [row[0] for row in connection.execute(_TOLD)]
            if not articles:
                return
            article, person = self._chance.choice(articles), self._chance.choice(_PERSONS)
            with connection:
                connection.execute(_SAY, (article, person, to_text(datetime.now(UTC))))
                connection.execute(_TOUCH, (article,))
            self.said.add((article, person))
