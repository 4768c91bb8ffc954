"""The things that the ledger and the outbox keep."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from pydantic import TypeAdapter


class FileState(StrEnum):
    """Where a file stands on its way: recorded but not yet moved, moved, or set aside."""

    TAKEN = "taken"
    DONE = "done"
    FAILED = "failed"


class DeliveryState(StrEnum):
    """Where a delivery stands. Only `sent` and `dead` are final."""

    PENDING = "pending"
    SENDING = "sending"
    UNKNOWN = "unknown"
    PARKED = "parked"
    SENT = "sent"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file that arrived. `target` is where it stands, or is about to, below the home."""

    id: int
    fingerprint: str
    name: str
    state: FileState
    target: str | None
    duplicate_of: int | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class AlertTopic:
    """A topic of an alert with the passage that carries it and the words that counted."""

    id: str
    title: str
    grade: str
    probability: float
    passage: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Alert:
    """What a receiver should hear of an article. Never changes once written."""

    key: str
    receiver: str
    headline: str
    language: str | None
    date: str | None
    source: str | None
    file: str
    topics: tuple[AlertTopic, ...]
    model: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """Getting one alert to its receiver. Moments are as the ledger writes them."""

    id: int
    alert: Alert
    state: DeliveryState
    attempts: int
    looks: int
    first_sent_at: str | None


_ALERT = TypeAdapter(Alert)


def alert_key(receiver: str, article_fingerprint: str) -> str:
    """The same alert has the same key for ever: it tells a repeat."""
    return hashlib.sha256(f"{receiver}\0{article_fingerprint}".encode()).hexdigest()[:32]


def alert_to_json(alert: Alert) -> str:
    return _ALERT.dump_json(alert).decode()


def alert_from_json(text: str) -> Alert:
    return _ALERT.validate_json(text)


@dataclass(frozen=True, slots=True)
class Sent:
    """Where a receiver put an alert, if it told us."""

    channel: str | None = None
    message: str | None = None
