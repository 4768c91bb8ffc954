"""Hard cases of delivery: threads, groups, digests and quiet hours where something fails in between.

All against the Slack stand-in, with the ledger as the daemon has it.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from daemon import charts, clock, digests, outbox, quiet, rebuilding, showing
from daemon.backoff import Pace
from daemon.config import Digest, Receiver, Settings
from daemon.database import Database, open_database
from daemon.dispatch import Dispatch, Manner
from daemon.grouping import Burst
from daemon.records import AlertTopic, alert_key
from daemon.slack import SlackSender
from daemon.slackapi import SlackApp
from daemon.timetable import Timetable
from tests.builders import make_settings
from tests.newsroom import Clocks
from tests.slack_stand_in import Fault, SlackStandIn
from tests.test_digests import tell

CHANNEL = "C0DESK"
BURST = Burst(5, timedelta(minutes=5))
IN_DIGESTS = Receiver(name="desk", type="slack", channel=CHANNEL, alerts="in digests")
REFUSALS = [Fault("error", error="no_text")] * 5  # of one message, whole and in each plainer form
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

    def come(self, number: int = 1, topics: tuple[AlertTopic, ...] = (), **how: Any) -> None:
        with self.database.transaction() as connection:
            for _ in range(number):
                self.number += 1
                tell(connection, self.number, *topics, at=clock.now(), **how)

    def make_digest(self, *, chart: bool = False) -> None:
        hears = quiet.hearing(IN_DIGESTS, self.settings)
        with self.database.transaction() as connection:
            said = digests.owe(connection, "desk", hears, now=clock.now(), chart=chart)
        assert said.endswith(("topic", "topics")), said

    def deliver(self, seconds: float = 1200.0, *, asking: bool = False) -> None:
        """All that can be delivered in so long, without the waiting; `asking`, even of who takes nothing."""
        until = self.clocks.ahead + seconds
        while self.clocks.ahead < until:
            wait = self.dispatch.work()
            if wait > 0:
                if self.dispatch.is_idle() and not asking:
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

    def told(self) -> list[int]:
        """The numbers of the articles that messages of the desk's say they hold, as often as they do."""
        numbers = {alert_key("desk", f"article {n}"): n for n in range(1, self.number + 1)}
        found = []
        for message in self.slack.messages:
            payload = message["metadata"]["event_payload"]
            keys = payload.get("alerts", payload["key"]).split(",")
            found += [numbers[key] for key in keys if key in numbers]
        return found

    def shown(self) -> list[tuple[str, list[int]]]:
        """Of each message whose thread it is in, by place among the messages; and the articles it names."""
        places = {message["ts"]: f"in {place}" for place, message in enumerate(self.slack.messages)}
        return [
            (
                places.get(message.get("thread_ts", ""), "in channel"),
                [int(n) for n in dict.fromkeys(re.findall(r"Headline (\d+)", _seen(message)))],
            )
            for message in self.slack.messages
        ]


@pytest.fixture
def room(tmp_path: Path, slack: SlackStandIn, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    clocks = Clocks().turn(monkeypatch)
    slack.clock = lambda: clock.now().timestamp()
    clocks.go_by((morning() - timedelta(hours=3) - clock.now()).total_seconds())
    opened = Room(tmp_path, slack, clocks)
    yield opened
    opened.database.close()


def _seen(message: dict[str, Any]) -> str:
    return str(message.get("blocks") or message["text"])


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
    assert room.told() == [1, 2, 3]

    room.restore()
    table = room.timetable()
    room.come(1, held=True)
    room.set_to(morning(2))
    table.look()
    room.deliver()

    assert room.told() == [1, 2, 3, 4]


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
    room.come(1)
    room.make_digest()
    room.back_up()

    room.restore()

    found = room.rows("SELECT state, first_sent_at IS NOT NULL FROM deliveries WHERE form = 'digest'")
    assert found == [("unknown", True)]


def test_a_burst_that_went_out_after_the_backup_keeps_all_its_articles_when_it_is_shown_anew(
    room: Room,
) -> None:
    room.come(8)
    room.back_up()
    room.deliver()
    assert room.shown() == [("in channel", [1, 2, 3, 4, 5, 6, 7, 8])]

    room.restore()
    room.deliver()
    with room.database.transaction() as connection:
        # Somebody pressed a button of the third.
        shown_in = connection.exec_driver_sql(
            "SELECT into_id FROM deliveries WHERE key = ?", (alert_key("desk", "article 3"),)
        ).scalar_one()
        showing.touch(connection, shown_in)
    room.deliver()

    assert room.shown() == [("in channel", [1, 2, 3, 4, 5, 6, 7, 8])]


def test_what_was_let_go_because_the_configuration_changed_after_a_restore_is_looked_for(room: Room) -> None:
    table = room.timetable()
    room.come(2, held=True)
    room.back_up()
    room.set_to(morning())
    table.look()
    room.deliver()

    room.restore()
    with room.database.transaction() as connection:
        outbox.let_go(connection, "desk")
    room.deliver()

    assert room.told() == [1, 2]


# Threads whose beginning has gone


def test_a_burst_whose_message_somebody_deleted_does_not_come_one_by_one(room: Room) -> None:
    room.come(9)
    room.deliver()
    room.slack.delete(room.slack.messages[0]["ts"])
    before = room.slack.requests.count("chat.postMessage")
    room.come(40)

    room.deliver()

    assert sorted(set(room.told())) == list(range(9, 50))
    assert room.slack.requests.count("chat.postMessage") - before <= 12


def test_a_reply_whose_root_will_never_be_taken_goes_without_it_and_none_is_lost(room: Room) -> None:
    room.come(1, story=1)
    room.come(2, story=1, root=1)
    room.slack.faults = REFUSALS[:]

    room.deliver()

    assert room.rows("SELECT state FROM deliveries ORDER BY id") == [("dead",), ("sent",), ("sent",)]
    assert room.shown() == [("in channel", [2]), ("in channel", [3])]


def test_a_reply_to_one_of_a_burst_goes_into_the_thread_of_the_burst(room: Room) -> None:
    room.come(8)
    room.come(1, root=5)

    room.deliver()

    assert room.shown() == [("in channel", [1, 2, 3, 4, 5, 6, 7, 8]), ("in 0", [9])]


def test_a_reply_to_one_of_a_burst_that_is_taken_apart_goes_into_that_ones_thread(room: Room) -> None:
    room.come(8)
    room.come(1, root=5)
    room.slack.faults = REFUSALS[:]

    room.deliver()

    assert [where for where, _ in room.shown()] == ["in channel"] * 8 + ["in 4"]
    assert room.told() == [1, 2, 3, 4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize("kind", ["is_archived", "channel_not_found"])
def test_a_channel_that_comes_back_gets_the_root_first_and_then_its_replies(room: Room, kind: str) -> None:
    room.come(1, story=1)
    room.come(3, story=1, root=1)
    room.slack.weather = Fault("error", error=kind, method=None)
    room.deliver(300.0)
    room.restart()
    room.slack.weather = None

    room.deliver(asking=True)

    assert room.shown() == [("in channel", [1]), ("in 0", [2]), ("in 0", [3]), ("in 0", [4])]


# Digests


def test_a_digest_in_parts_stands_before_its_articles_and_they_in_its_thread(room: Room) -> None:
    for number in range(1, 61):
        about = topics(f"topic-{number // 3:02}")
        room.come(1, held=True, topics=about, headline=f"Headline {number} " + "is quite long " * 9)
    room.make_digest()

    room.deliver()

    forms = [message["metadata"]["event_payload"]["key"] for message in room.slack.messages]
    parts = [key for (key,) in room.rows("SELECT key FROM deliveries WHERE form = 'digest' ORDER BY id")]
    assert len(parts) > 1
    assert forms[: len(parts)] == parts
    assert {where for where, _ in room.shown()[1:]} == {"in 0"}
    assert room.told() == list(range(1, 61))


@pytest.mark.parametrize("posted", [True, False])
@pytest.mark.parametrize("kind", ["reset", "close", "half"])
def test_a_digest_and_its_articles_come_once_though_each_request_is_cut_off(
    room: Room, kind: str, posted: bool
) -> None:
    room.come(20, held=True)
    room.make_digest()
    for _ in range(12):
        room.slack.faults.append(Fault(kind, posted=posted))
        room.deliver(40.0)
        room.restart()

    room.deliver()

    assert room.told() == list(range(1, 21))
    assert [where for where, _ in room.shown()] == ["in channel", "in 0", "in 0", "in 0"]


def test_a_digest_that_will_never_be_taken_does_not_take_its_articles_with_it(room: Room) -> None:
    room.come(20, held=True)
    room.make_digest()
    room.slack.faults = REFUSALS[:]

    room.deliver()

    assert room.rows("SELECT state FROM deliveries WHERE form = 'digest'") == [("dead",)]
    assert room.told() == list(range(1, 21))
    assert len(room.slack.messages) <= 3


def test_the_chart_of_a_digest_survives_a_token_that_was_revoked_for_an_hour(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charts, "png", lambda body: PNG)
    room.come(3)
    room.deliver()
    room.make_digest(chart=True)
    room.slack.revoke_token()
    room.deliver(3600.0, asking=True)
    room.slack.restore_token()

    room.deliver(asking=True)

    assert "'image'" in str(room.slack.messages[-1]["blocks"])


def test_a_limited_upload_is_not_tried_again_with_each_article_that_arrives(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charts, "png", lambda body: PNG)
    room.come(1)
    room.deliver()
    room.make_digest(chart=True)
    asked = "files.getUploadURLExternal"
    room.slack.faults = [Fault("status", status=429, headers={"Retry-After": "30"}, method=asked)]

    for _ in range(20):
        room.dispatch.work()  # an article has arrived, and woke it
    assert room.slack.requests.count(asked) == 1

    room.clocks.go_by(31.0)
    room.deliver()
    assert room.slack.requests.count(asked) == 2
    assert "'image'" in str(room.slack.messages[-1]["blocks"])


def test_a_digest_killed_between_its_chart_and_itself_is_posted_once_with_the_chart(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charts, "png", lambda body: PNG)
    room.come(1)
    room.deliver()
    room.make_digest(chart=True)
    room.slack.faults = [Fault("reset")]
    room.dispatch.work()
    room.restart()

    room.deliver()

    assert len(room.slack.messages) == 2
    assert "'image'" in str(room.slack.messages[-1]["blocks"])


def test_who_hears_at_once_from_now_on_gets_what_was_held_once_and_in_order(room: Room) -> None:
    room.come(3, held=True)
    with room.database.transaction() as connection:
        outbox.let_go(connection, "desk")
    room.come(2)

    room.deliver()
    room.restart()
    room.deliver()

    assert room.told() == [1, 2, 3, 4, 5]


# What must not hold up what


def test_a_message_that_cannot_be_shown_anew_does_not_hold_up_the_next_alert(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.come(1)
    room.deliver()
    room.change("UPDATE deliveries SET revision = 1")

    def fails(*_: object) -> None:
        raise KeyError("a fault of ours")

    monkeypatch.setattr(SlackSender, "update", fails)
    room.come(1)
    for _ in range(5):
        with suppress(KeyError):
            room.deliver(60.0)

    assert room.told() == [1, 2]


def test_a_picture_that_we_fail_to_make_does_not_hold_up_the_digest(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> bytes:
        raise MemoryError("a fault of ours")

    monkeypatch.setattr(charts, "png", fails)
    room.come(1, held=True)
    room.make_digest(chart=True)
    for _ in range(5):
        with suppress(MemoryError):
            room.deliver(60.0)

    assert room.told() == [1]


# Quiet hours


def test_the_night_of_a_clock_change_is_told_as_one_when_it_ends(room: Room) -> None:
    room.manner = Manner(burst=BURST, hours="22:00-07:00", zone="Europe/Berlin")
    room.start()
    room.set_to(datetime(2035, 3, 24, 23, 30, tzinfo=UTC))
    for _ in range(6):
        room.come(1)
        room.clocks.go_by(3600.0)
        assert room.clocks.now() >= datetime(2035, 3, 25, 5, tzinfo=UTC) or room.dispatch.work() > 0

    room.deliver()

    assert room.shown() == [("in channel", [1, 2, 3, 4, 5, 6])]
    assert room.clocks.now() >= datetime(2035, 3, 25, 5, tzinfo=UTC)  # 07:00, an hour early


def test_a_digest_and_what_quiet_hours_kept_come_when_they_end_each_once(room: Room) -> None:
    room.manner = Manner(burst=BURST, hours="22:00-09:00", zone="UTC")
    room.start()
    room.come(12)
    room.set_to(morning())
    room.make_digest()
    room.deliver()
    assert room.slack.messages == []
    room.set_to(morning() + timedelta(hours=1))
    room.slack.faults = [Fault("reset", posted=True), Fault("reset")]

    room.deliver()
    room.restart()
    room.deliver()

    assert room.told() == list(range(1, 13))
    assert [where for where, _ in room.shown()] == ["in channel", "in 0", "in channel"]


def test_an_alert_before_the_quiet_that_failed_until_it_waits_for_its_end(room: Room) -> None:
    room.manner = Manner(burst=BURST, hours="05:10-07:00", zone="UTC")
    room.start()
    room.come(1)
    room.slack.go_down()
    room.deliver(300.0)
    room.set_to(morning() - timedelta(hours=2, minutes=45))
    room.slack.come_up()
    room.come(2)
    room.deliver()
    assert room.slack.messages == []

    room.set_to(morning() - timedelta(hours=1))
    room.deliver()

    assert room.told() == [1, 2, 3]
