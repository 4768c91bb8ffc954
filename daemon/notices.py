"""Notices: what the daemon tells of itself, such as what came of a retraining, owed to a receiver once."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from classifier import shorten
from daemon import outbox
from daemon.messages import Notice, notice_to_json
from daemon.records import Form

__all__ = ["Notice", "owe"]

# More would be read by nobody, and no message of any receiver holds so much.
_MOST_LINES, _LONGEST_LINE, _LONGEST_TITLE = 2000, 2000, 500


def owe(connection: Connection, receiver: str, notice: Notice, *, key: str, now: datetime) -> bool:
    """Owe a notice to a receiver, in the caller's transaction; False where it was owed before.

    `key` tells it from all others, such as "training 12"; the same notice has the same key,
    however often it is made. It goes alone, after what the receiver was owed before.
    """
    lines = tuple(shorten(line, _LONGEST_LINE) for line in notice.lines[:_MOST_LINES])
    kept = replace(notice, title=shorten(notice.title, _LONGEST_TITLE), lines=lines)
    found = outbox.add_body(
        connection, receiver, Form.REPORT, notice_to_json(kept), key=_key_of(receiver, key), now=now
    )
    return found is not None


def _key_of(receiver: str, key: str) -> str:
    return hashlib.sha256(f"report\0{receiver}\0{key}".encode(errors="surrogatepass")).hexdigest()[:32]
