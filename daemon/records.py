"""The things that the ledger and the outbox keep."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from enum import StrEnum

from pydantic import TypeAdapter


def signed(value: int) -> int:
    """A number of the file system as one that any database takes: 64 bits, with a sign.

    Some give inodes and dates beyond (union file systems, dates after 2262); two that differ
    still differ.
    """
    return (value + 2**63) % 2**64 - 2**63


class FileState(StrEnum):
    """Where a file stands on its way. All but `taken` are final.

    `taken`: recorded, and on its way to its place; `gone`: somebody took it away before it was
    moved; `outgrown`: it was written to after it was taken, and is recorded again as it is now;
    `retried`: it had failed and was taken out of failed/, to be tried again; `forgotten`: it is no longer
    kept, and leaves done/ if it has a target still.
    """

    TAKEN = "taken"
    DONE = "done"
    FAILED = "failed"
    GONE = "gone"
    OUTGROWN = "outgrown"
    RETRIED = "retried"
    FORGOTTEN = "forgotten"


class DeliveryState(StrEnum):
    """Where a delivery stands. `sent`, `merged` and `dead` are final.

    `held`: waits for a digest; `merged`: another delivery carries its alert.
    """

    HELD = "held"
    PENDING = "pending"
    SENDING = "sending"
    UNKNOWN = "unknown"
    PARKED = "parked"
    SENT = "sent"
    MERGED = "merged"
    DEAD = "dead"


class Form(StrEnum):
    """How a message is written.

    `alert`: one article; `burst`: the first of many that came at once; `quiet`: the first of those
    that waited for the end of quiet hours; `list`: several, in the thread of one of these or of a
    digest; `digest`: what there was in a time; `report`: what the daemon tells of itself; `question`:
    an article without an alert, and whether there should have been one.
    """

    ALERT = "alert"
    BURST = "burst"
    QUIET = "quiet"
    LIST = "list"
    DIGEST = "digest"
    REPORT = "report"
    QUESTION = "question"


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file that arrived.

    `name` is printable, `raw_name` as the file system has it, both below the inbox. `target` is
    where the file stands, or is about to, below the home. `inode`, `size` and `modified` (ns)
    are as it was read. `reason` and `mend` say why it is set aside, if it is. `version_of` is the
    file as it was before it was written to. `left_out` has a line for each part that is no article.
    `daemon` is the one whose home it is in, "" where the ledger has one only.
    """

    id: int
    fingerprint: str
    name: str
    state: FileState
    target: str | None
    duplicate_of: int | None = None
    reason: str | None = None
    mend: str | None = None
    raw_name: bytes | None = None
    inode: int | None = None
    size: int = 0
    modified: int | None = None
    version_of: int | None = None
    left_out: str | None = None
    daemon: str = ""

    @property
    def inbox_name(self) -> str:
        """The name it has, or had, in the inbox."""
        return self.name if self.raw_name is None else os.fsdecode(self.raw_name)


@dataclass(frozen=True, slots=True)
class KnownArticle:
    """An article that the ledger has, at its place in its file."""

    id: int
    position: int
    fingerprint: str
    title: str | None
    text: str


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
    """What a receiver should hear of an article. Never changes once written.

    `url` is where the article stands, if known. `follows` is the headline that its story began
    with at this receiver, and `news` what the story did not have before: numbers, names, places,
    and titles of topics.
    """

    key: str
    receiver: str
    headline: str
    language: str | None
    date: str | None
    source: str | None
    file: str
    topics: tuple[AlertTopic, ...]
    model: str
    url: str | None = None
    follows: str | None = None
    news: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that is owed to a receiver. Moments are as the ledger writes them.

    `alert` is the one it was made for; forms that have none have their content in `body`. `root` is the
    delivery in whose thread it belongs. `picture` is an uploaded chart: None while there may be
    one, "" where there will be none. `generation` goes up with each sending: what an earlier one
    says of its end no longer counts. `revision` is how often what it shows has changed. `article` is
    the id of the one it was made for, as the log and `classifier tag` have it.
    """

    id: int
    receiver: str
    key: str
    alert: Alert | None
    state: DeliveryState
    attempts: int
    looks: int
    first_sent_at: str | None
    generation: int = 0
    lease_until: str | None = None
    form: Form = Form.ALERT
    root: int | None = None
    broadcast: bool = False
    body: str | None = None
    picture: str | None = None
    revision: int = 0
    channel: str | None = None
    message: str | None = None
    article: str | None = None

    @property
    def named(self) -> dict[str, str]:
        """How a line of the log names it: with its article and the file of that, if it is of one."""
        of = {"article": self.article, "file": self.alert.file if self.alert else None}
        return {"receiver": self.receiver, "alert": self.key} | {k: v for k, v in of.items() if v}


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
