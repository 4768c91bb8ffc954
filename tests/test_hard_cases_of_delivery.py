"""Hard cases of delivery: threads, groups, digests and quiet hours where something fails in between.

All against the Slack stand-in, with the ledger as the daemon has it.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from daemon import charts, clock, digests, outbox, rebuilding, showing
from daemon.backoff import Pace
from daemon.config import Digest, Receiver, Settings
from daemon.database import Database, open_database
from daemon.dispatch import Dispatch, Manner
from daemon.grouping import Burst
from daemon.records import AlertTopic
from daemon.slack import SlackSender
from daemon.slackapi import SlackApp
from daemon.timetable import Timetable
from tests.builders import make_alert, make_settings
from tests.newsroom import Clocks
from tests.slack_stand_in import Fault, SlackStandIn
from tests.test_digests import tell

CHANNEL = "C0DESK"
BURST = Burst(5, timedelta(minutes=5))
IN_DIGESTS = Receiver(name="desk", type="slack", channel=CHANNEL, alerts="in digests")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


@dataclass
class Room:
    """A desk in Slack and its ledger; `restart` is what a kill and a new start leave of the rest."""

    folder: Path
    slack: SlackStandIn
    clocks: Clocks
    manner: Manner = field(default_factory=lambda: Manner(burst=BURST))
    number: int = 0

    def __post_init__(self) -> None:
        self.address = f"sqlite:///{self.folder}/ledger.db"
        self.database: Database = open_database(self.address)
        self.settings: Settings = make_settings(
            self.folder,
            receivers=(IN_DIGESTS,),
            digest=Digest(cron="0 8 * * *", zone="UTC", chart=False),
        )
        self.start()

    def start(self) -> None:
        with self.database.transaction() as connection:
            outbox.recover(connection, due_at=clock.now() + timedelta(seconds=2))
        app = SlackApp(self.slack.token, self.slack.url, update_pace=Pace(0.0, 1000))
        sender = SlackSender(app, CHANNEL, Pace(0.0, 1000))
        self.dispatch = Dispatch("desk", sender, self.database, manner=self.manner)

    def restart(self) -> None:
        self.database.close()
        self.database = open_database(self.address)
        self.start()

    def back_up(self) -> None:
        with (
            closing(sqlite3.connect(self.folder / "ledger.db")) as ledger,
            closing(sqlite3.connect(self.folder / "backup.db")) as backup,
        ):
            ledger.backup(backup)

    def restore(self) -> None:
        """As `topicwired restore` does it, where done/ has nothing beyond the backup."""
        self.database.close()
        for end in ("-wal", "-shm"):
            (self.folder / f"ledger.db{end}").unlink(missing_ok=True)
        shutil.copy(self.folder / "backup.db", self.folder / "ledger.db")
        self.database = open_database(self.address)
        rebuilding.doubt(self.database, self.settings)
        self.start()

    def come(self, number: int = 1, **how: Any) -> None:
        with self.database.transaction() as connection:
            for _ in range(number):
                self.number += 1
                tell(connection, self.number, at=clock.now(), **how)

    def deliver(self, seconds: float = 1200.0) -> None:
        """All that can be delivered in so long, without the waiting."""
        until = self.clocks.ahead + seconds
        while self.clocks.ahead < until:
            wait = self.dispatch.work()
            if wait > 0:
                if self.dispatch.is_idle():
                    return
                self.clocks.go_by(min(wait, 30.0))

    def timetable(self) -> Timetable:
        """As at a start of the daemon."""
        table = Timetable(self.database, digests.jobs(self.settings, self.database), zone=UTC)
        table.plan(clock.now())
        return table

    def set_to(self, moment: datetime) -> None:
        self.clocks.go_by((moment - clock.now()).total_seconds())

    def change(self, statement: str) -> None:
        with self.database.transaction() as connection:
            connection.execute(text(statement))

    def rows(self, query: str) -> list[Any]:
        with self.database.reading() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    def headlines(self) -> list[str]:
        """Of which articles the channel and its threads tell now, as often as they do."""
        found = []
        for message in self.slack.messages:
            said = str(message.get("blocks") or message["text"])
            found += [f"Headline {n}" for n in range(1, self.number + 1) if f"Headline {n}." in said]
        return found

    def posts(self) -> list[tuple[str | None, int]]:
        """Of each message its thread, by place among the messages, and how many articles it tells of."""
        places = {message["ts"]: str(place) for place, message in enumerate(self.slack.messages)}
        return [
            (
                places.get(message.get("thread_ts") or "", message.get("thread_ts")),
                sum(f"Headline {n}." in str(message.get("blocks")) for n in range(1, self.number + 1)),
            )
            for message in self.slack.messages
        ]


@pytest.fixture
def room(tmp_path: Path, slack: SlackStandIn, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    clocks = Clocks().turn(monkeypatch)
    slack.clock = lambda: clock.now().timestamp()
    clocks.go_by((morning() - timedelta(hours=3) - clock.now()).total_seconds())
    # A full stop tells "Headline 1." from "Headline 11.".
    monkeypatch.setattr(
        "tests.test_digests.make_alert",
        lambda receiver, number, **more: make_alert(
            receiver, number, **{"headline": f"Headline {number}.", **more}
        ),
    )
    opened = Room(tmp_path, slack, clocks)
    yield opened
    opened.database.close()


def morning(day: int = 1) -> datetime:
    """Eight o'clock, when the digest is made; ahead of the machine's clock, which is only put forward."""
    return datetime(2035, 3, day, 8, tzinfo=UTC)


def topics(*ids: str) -> tuple[AlertTopic, ...]:
    return tuple(AlertTopic(id, id.title(), "main", 0.9, "A passage.", ("word",)) for id in ids)


# A ledger that was put back from a backup


def test_what_went_out_with_a_digest_after_the_backup_is_not_told_again_with_the_next(room: Room) -> None:
    table = room.timetable()
    room.come(3, held=True)
    room.back_up()
    room.set_to(morning())
    table.look()
    room.deliver()
    assert sorted(room.headlines()) == sorted([f"Headline {n}." [:-1] for n in (1, 2, 3)] * 2)
    posted = len(room.slack.messages)

    room.restore()
    table = room.timetable()
    room.set_to(morning(2))
    room.come(1, held=True)
    table.look()
    room.deliver()

    told = [post for post in room.posts() if post[0] is not None]
    assert sum(number for _, number in told) == 4
    assert len(room.slack.messages) > posted


def test_the_digest_of_this_morning_is_not_posted_again_after_a_restore(room: Room) -> None:
    table = room.timetable()
    room.come(3, held=True)
    room.back_up()
    room.set_to(morning())
    table.look()
    room.deliver()
    posted = len(room.slack.messages)

    room.clocks.go_by(3600.0)
    room.restore()
    room.timetable().look()
    room.deliver()

    assert len(room.slack.messages) == posted


def test_a_digest_that_was_owed_at_the_backup_is_looked_for_from_a_moment_of_its_own(room: Room) -> None:
    room.timetable()
    room.come(1)
    with room.database.transaction() as connection:
        digests.owe(
            connection, "desk", digests.quiet.hearing(IN_DIGESTS, room.settings), now=clock.now()
        )
    room.back_up()

    room.restore()

    found = room.rows("SELECT state, first_sent_at IS NOT NULL FROM deliveries WHERE form = 'digest'")
    assert found == [("unknown", 1)]


def test_a_burst_that_went_out_after_the_backup_keeps_all_its_articles_when_it_is_shown_anew(
    room: Room,
) -> None:
    room.come(8)
    room.back_up()
    room.deliver()
    assert room.posts() == [(None, 8)]

    room.restore()
    room.deliver()
    with room.database.transaction() as connection:
        showing.touch(connection, 3)  # somebody pressed a button of the third
    room.deliver()

    assert room.posts() == [(None, 8)]


# Threads whose beginning has gone


def test_a_burst_whose_message_somebody_deleted_does_not_come_as_a_hundred(room: Room) -> None:
    room.come(9)
    room.deliver()
    room.slack.delete(room.slack.messages[0]["ts"])
    room.slack.faults = [Fault("error", method="chat.postMessage", code="thread_not_found")] * 1
    before = len(room.slack.requests)
    room.come(40)

    room.deliver()

    assert sorted(set(room.headlines()), key=len) is not None
    posted = room.slack.requests[before:].count("chat.postMessage")
    assert posted <= 12
