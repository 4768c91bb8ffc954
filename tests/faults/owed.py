"""What a desk is owed when the matrix begins, and what must stand in its channel at the end."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from daemon import digests, ledger, notices, outbox, showing, verdicts
from daemon.database import open_database
from daemon.dispatch import Manner
from daemon.grouping import Burst
from daemon.notices import Notice
from daemon.quiet import Hearing
from daemon.records import Alert, FileState, alert_key
from daemon.slackforms import EVENT_TYPE
from daemon.tables import Burst as BurstTable
from daemon.verdicts import Verdict
from tests import asked
from tests.builders import make_alert, make_tag, make_tagged
from tests.faults.ahead import START

DESK, CHANNEL = "desk", "C0DESK"
POST, UPDATE = "chat.postMessage", "chat.update"
ASK, UPLOAD, COMPLETE, GLANCE = (
    "files.getUploadURLExternal",
    "upload",
    "files.completeUploadExternal",
    "files.info",
)
POSTED_AT = f"{START.timestamp() - 600:.6f}"
PERSONS = ("U0ANNA", "U0BORIS")

Target = tuple[str, int]  # a method, and which request of it

_DEFAULT = BurstTable()
DEFAULT_BURST = Burst(_DEFAULT.alerts, timedelta(minutes=_DEFAULT.minutes))
_NUMBER = re.compile(r"number (\d+) ")
_POSTED = text(
    "UPDATE deliveries SET state = 'sent', channel = :channel, message = :ts, sent_at = :at WHERE id = :id"
)
_SAY = (
    "INSERT INTO verdicts (article_id, topic, verdict, person, said_at)"
    " SELECT article_id, 'energy', 'right', ?, ? FROM alerts WHERE key = ?"
)
_TOUCH = "UPDATE deliveries SET revision = revision + 1 WHERE key = ?"


@dataclass(frozen=True, slots=True)
class Subject:
    """`alerts`: the numbers of those to be told, in order; `first`: those that the first message holds
    if there are more than one; `posted`: what stands in the channel already. `roots`: in whose thread
    an alert belongs; 0 is the digest. `has_digest`: there is one message of no alert. `verdict_at`: when
    another person says something.
    """

    name: str
    owe: Callable[[Connection], None]
    targets: tuple[Target, ...]
    alerts: tuple[int, ...]
    roots: Mapping[int, int]
    posted: tuple[int, ...] = ()
    has_digest: bool = False
    manner: Manner = Manner()  # noqa: RUF009  it never changes
    verdict_at: str = ""


def headline(number: int) -> str:
    return f"Refinery number {number} restarts its unit"


def key_of(number: int) -> str:
    return alert_key(DESK, f"article {number}")


def _alert(number: int, **changes: Any) -> Alert:
    return make_alert(DESK, number=number, headline=headline(number), **changes)


def _owe(
    connection: Connection,
    number: int,
    *,
    root: int | None = None,
    broadcast: bool = False,
    at: datetime = START,
    held: bool = False,
    **changes: Any,
) -> tuple[int, int]:
    """An alert; the ids of its article and its delivery."""
    alert = _alert(number, **changes)
    file = ledger.record_file(
        connection, fingerprint=alert.key, name=alert.file, size=1, state=FileState.DONE, now=at
    )
    tagged = make_tagged(make_tag(), text=f"{alert.headline}\nText of {alert.key}.")
    article = ledger.record_article(connection, file, 0, tagged, now=at)
    assert article is not None
    outbox.add(connection, alert, article=article, now=at, root=root, broadcast=broadcast, held=held)
    found = connection.execute(text("SELECT MAX(id) FROM deliveries")).scalar_one()
    return article, int(found)


def _posted(connection: Connection, number: int) -> tuple[int, int]:
    """One that stands in the channel already."""
    before = START - timedelta(minutes=10)
    article, delivery = _owe(connection, number, at=before)
    at = before.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    connection.execute(_POSTED, {"id": delivery, "channel": CHANNEL, "ts": POSTED_AT, "at": at})
    return article, delivery


def _two_alerts(connection: Connection) -> None:
    _owe(connection, 1)
    _owe(connection, 2)


def _a_reply(connection: Connection) -> None:
    _, root = _posted(connection, 1)
    _owe(connection, 2, root=root, broadcast=True, follows="What came before", news=("3.1 million",))
    _owe(connection, 3)


def _a_story(connection: Connection) -> None:
    _, root = _owe(connection, 1)
    _owe(connection, 2, root=root, follows="What came before")
    _owe(connection, 3)


def _a_verdict(connection: Connection) -> None:
    article, delivery = _posted(connection, 1)
    verdicts.add(
        connection, article=article, topic="energy", verdict=Verdict.WRONG, person=PERSONS[0], now=START
    )
    showing.touch(connection, delivery)


def _many(connection: Connection, number: int = 13, at: datetime = START) -> None:
    for each in range(1, number + 1):
        _owe(connection, each, at=at)


def _a_quiet_night(connection: Connection) -> None:
    _many(connection, 10, START - timedelta(hours=6))


def _a_digest(connection: Connection) -> None:
    for each in range(1, 6):
        _owe(connection, each, at=START - timedelta(hours=1), held=True)
    hears = Hearing(digest="0 12 * * *", digest_zone="UTC", in_digests=True)
    digests.owe(connection, DESK, hears, now=START + timedelta(seconds=1), chart=True)


def _a_report(connection: Connection) -> None:
    _owe(connection, 1)
    lines = ("passed  folds: F1 0.868 → 0.871", "", "lost    desk: energy", "        The refinery restarts")
    notices.owe(connection, DESK, Notice("A new model serves", lines), key="training-1", now=START)
    _owe(connection, 2)


def _a_question(connection: Connection) -> None:
    _owe(connection, 1)
    asked.put(connection, 3, DESK, now=START)
    _owe(connection, 2)


SUBJECTS: Mapping[str, Subject] = {
    subject.name: subject
    for subject in (
        Subject("alert", _two_alerts, ((POST, 1),), (1, 2), {}),
        Subject("reply", _a_reply, ((POST, 1),), (1, 2, 3), {2: 1}, posted=(1,)),
        Subject("story", _a_story, ((POST, 1), (POST, 2)), (1, 2, 3), {2: 1}),
        Subject(
            "update", _a_verdict, ((UPDATE, 1),), (1,), {}, posted=(1,), verdict_at=f"{UPDATE} arrived 1"
        ),
        Subject(
            "burst",
            _many,
            ((POST, 1), (POST, 2)),
            tuple(range(1, 14)),
            dict.fromkeys(range(9, 14), 1),
            manner=Manner(burst=DEFAULT_BURST),
        ),
        Subject(
            "quiet hours",
            _a_quiet_night,
            ((POST, 1), (POST, 2)),
            tuple(range(1, 11)),
            dict.fromkeys((9, 10), 1),
            manner=Manner(burst=DEFAULT_BURST, hours="22:00-11:00", zone="UTC"),
        ),
        Subject(
            "digest",
            _a_digest,
            ((POST, 1), (POST, 2), (ASK, 1), (UPLOAD, 1), (COMPLETE, 1), (GLANCE, 1)),
            tuple(range(1, 6)),
            dict.fromkeys(range(1, 6), 0),
            has_digest=True,
            manner=Manner(burst=DEFAULT_BURST),
        ),
        Subject("report", _a_report, ((POST, 2),), (1, 2), {}, has_digest=True),
        Subject("question", _a_question, ((POST, 2),), (1, 2), {}, has_digest=True),
    )
}


def make_ledger(subject: Subject, path: Path) -> None:
    """The ledger with which a case begins, whole in its one file."""
    database = open_database(f"sqlite:///{path}")
    with database.transaction() as connection:
        subject.owe(connection)
    database.close()


def in_channel(subject: Subject) -> list[dict[str, Any]]:
    """What stands in the channel when a case begins."""
    return [
        {
            "channel": CHANNEL,
            "ts": POSTED_AT,
            "text": headline(number),
            "metadata": {"event_type": EVENT_TYPE, "event_payload": {"key": key_of(number)}},
        }
        for number in subject.posted
    ]


def say_more(ledger_path: Path) -> None:
    """Another person says something of the first alert, from another process."""
    with closing(sqlite3.connect(ledger_path, timeout=10.0)) as connection, connection:
        connection.execute(_SAY, (PERSONS[1], "2026-03-05T12:00:01.000000Z", key_of(1)))
        connection.execute(_TOUCH, (key_of(1),))


@dataclass(frozen=True, slots=True)
class _Heard:
    """A message in the channel: which alerts it names by key, and which a person reads."""

    ts: str
    thread: str | None
    key: str
    named: tuple[int, ...]
    read: tuple[int, ...]
    is_digest: bool


def faults(
    subject: Subject,
    ledger_path: Path,
    messages: Sequence[Mapping[str, Any]],
    *,
    may_be_uprooted: bool = False,
    may_be_stale: bool = False,
    may_be_unnamed: bool = False,
) -> Iterator[str]:
    """What does not hold at the end, a sentence each."""
    heard = _heard(subject, sorted(messages, key=lambda each: float(each["ts"])))
    yield from _miscounted(subject, Counter(n for each in heard for n in each.read), "reads")
    if not may_be_unnamed:
        yield from _miscounted(subject, Counter(n for each in heard for n in each.named), "finds by key")
    if (told := sum(each.is_digest for each in heard)) != subject.has_digest:
        yield f"what is of no alert stands there {told} times"
    read = [number for each in heard for number in each.read]
    if sorted(read) == sorted(subject.alerts) and read != list(subject.alerts):
        yield f"told in the order {read}"
    yield from _misplaced(subject, heard, may_be_uprooted=may_be_uprooted)
    yield from _misrecorded(ledger_path)
    if subject.verdict_at and not may_be_stale:
        yield from _unshown(messages[0])


def _heard(subject: Subject, messages: Sequence[Mapping[str, Any]]) -> list[_Heard]:
    numbers = {key_of(number): number for number in subject.alerts}
    found = []
    for message in messages:
        payload = (message.get("metadata") or {}).get("event_payload") or {}
        key = str(payload.get("key") or "")
        is_digest = bool(key) and key not in numbers
        keys = [] if is_digest else str(payload.get("alerts") or key).split(",")
        read = [] if is_digest else dict.fromkeys(_NUMBER.findall(str(message.get("text"))))
        found.append(
            _Heard(
                str(message["ts"]),
                message.get("thread_ts"),
                key,
                tuple(numbers[each] for each in keys if each in numbers),
                tuple(int(each) for each in read),
                is_digest,
            )
        )
    return found


def _unshown(message: Mapping[str, Any]) -> Iterator[str]:
    """A message as plain text says how many verdicts there are; in blocks, whose."""
    blocks = message.get("blocks")
    shown = json.dumps(blocks, ensure_ascii=False) if blocks else str(message.get("text"))
    for person, verdict in zip(PERSONS, ("1 ✗", "1 ✓"), strict=True):
        if (person if blocks else verdict) not in shown:
            yield f"what {person} said is not shown"


def _miscounted(subject: Subject, counts: Counter[int], verb: str) -> Iterator[str]:
    for number in subject.alerts:
        if counts[number] != 1:
            yield f"alert {number}: one {verb} it {counts[number]} times"


def _misplaced(subject: Subject, heard: Sequence[_Heard], *, may_be_uprooted: bool) -> Iterator[str]:
    where = {0: next((each.ts for each in heard if each.is_digest), None)}
    where |= {number: each.ts for each in heard for number in each.read}
    for each in heard:
        for number in each.read:
            root = subject.roots.get(number)
            wanted = where.get(root) if root is not None else None
            if each.thread != wanted and not (may_be_uprooted and each.thread is None):
                yield f"alert {number} stands in the thread {each.thread} and not in {wanted}"


def _misrecorded(ledger_path: Path) -> Iterator[str]:
    with closing(sqlite3.connect(ledger_path, timeout=10.0)) as connection:
        states = dict(connection.execute("SELECT state, COUNT(*) FROM deliveries GROUP BY state"))
        carried = "SELECT COUNT(*) FROM deliveries WHERE state = 'merged' AND into_id IS NULL"
        [(lonely,)] = connection.execute(carried)
        problems = [row[0] for row in connection.execute("PRAGMA quick_check")]
    yield from (f"{n} deliveries are {s!r}" for s, n in states.items() if s not in ("sent", "merged"))
    if lonely:
        yield f"{lonely} are merged into nothing"
    if problems != ["ok"]:
        yield f"the ledger is damaged: {problems}"
