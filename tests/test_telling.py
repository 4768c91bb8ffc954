"""Telling: what receivers are to hear of an article that was just recorded, and in which thread."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from classifier import Article, Tagged
from daemon import deliveries, ledger, outbox, showing, wishes
from daemon.config import Receiver, Route, Settings, Story
from daemon.messages import Alert
from daemon.records import Delivery, FileState
from daemon.telling import Teller, owe
from daemon.wishes import Wish
from tests.builders import MINUTE, NOON, make_settings, make_tag

TITLES = {"energy": "Energy", "trade": "Trade"}
FIRST = """Fire halts refinery in Zharkent
A fire at the oil refinery in Zharkent stopped its only crude unit on Tuesday night, the emergency \
ministry said. Twelve workers were treated for smoke, and 340 people were moved from the settlement of \
Alekseyevka nearby. The plant, owned by Zhetysu Petroleum, refines 48,000 tonnes of crude a month.
The fire was out by four in the morning, ministry spokesman Darkhan Seitbekov told reporters."""
REWRITE = """Zharkent oil plant stands still after night fire
Zhetysu Petroleum has shut down its refinery in Zharkent after a fire on Tuesday night that left twelve \
workers in need of treatment for smoke. Emergency services took 340 residents out of Alekseyevka. \
The plant handles 48,000 tonnes of crude oil every month. According to Darkhan Seitbekov of the emergency \
ministry, flames were put out towards four in the morning. Losses are put at 2.7 million dollars, the \
insurer Kaskelen Garant said."""
COPY = FIRST.replace("stopped its only crude unit", "halted its only crude unit").replace(
    "told reporters", "told journalists"
)
OTHER = """Aluminium exports to Vietnam doubled in a year
Exports of aluminium from Pavlodar to Vietnam doubled to 61,500 tonnes last year, the customs service said \
on Wednesday, as the smelter won two long contracts in Haiphong. Imports of coffee went the other way."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return of(tmp_path)


def of(home: Path, *receivers: Receiver, routes: tuple[Route, ...] = (), **changes: Any) -> Settings:
    found = receivers or (Receiver(name="desk", type="slack", channel="C1"),)
    ways = routes or tuple(Route(receiver=each.name) for each in found)
    return make_settings(home, receivers=found, routes=ways, **changes)


class Desk:
    """Articles come in one after the other, a minute apart."""

    def __init__(self, connection: Connection, settings: Settings) -> None:
        self.connection = connection
        self.settings = settings
        self.number = 0

    @property
    def now(self) -> datetime:
        return NOON + self.number * MINUTE

    def hears(
        self, text: str, *topics: str, source: str = "", told: dict[str, set[str]] | None = None
    ) -> int:
        """How many alerts a text makes; it is about energy unless said otherwise."""
        self.number += 1
        name = f"{source}/{self.number}.txt" if source else f"{self.number}.txt"
        file = ledger.record_file(
            self.connection,
            fingerprint=f"{self.number}",
            name=name,
            size=1,
            state=FileState.DONE,
            now=self.now,
        )
        tags = tuple(make_tag(topic) for topic in topics or ("energy",))
        article = Article(text, title=text.split("\n", 1)[0], language="en")
        tagged = Tagged(article, tags, {tag.topic: tag.probability for tag in tags}, "model-1")
        identity = ledger.record_article(self.connection, file, 0, tagged, now=self.now)
        assert identity is not None
        teller = Teller(self.settings, TITLES, wishes.active(self.connection, self.now))
        found = teller.tellings(
            self.connection, tagged, article=identity, file=name, told=told or {}, now=self.now
        )
        return sum(owe(self.connection, each, article=identity, now=self.now) for each in found)

    def delivery(self, identity: int) -> Delivery:
        found = deliveries.one(self.connection, identity)
        assert found is not None
        return found

    def alert(self, identity: int) -> Alert:
        alert = self.delivery(identity).alert
        assert alert is not None
        return alert

    def sent(self, message: str = "1.0") -> None:
        """The oldest delivery has arrived."""
        found = deliveries.oldest(self.connection, "desk")
        assert found is not None
        started = outbox.start_sending(self.connection, found[0], now=self.now, lease=MINUTE)
        assert started is not None
        outbox.mark_sent(self.connection, started, now=self.now, channel="C1", message=message)


@pytest.fixture
def desk(connection: Connection, settings: Settings) -> Desk:
    return Desk(connection, settings)


def test_the_first_article_of_a_story_is_an_alert_and_a_rewrite_a_reply_with_what_is_new(desk: Desk) -> None:
    assert desk.hears(FIRST) == 1
    assert desk.hears(REWRITE, source="wire") == 1

    assert desk.delivery(1).root is None
    assert desk.delivery(2).root == 1
    assert desk.alert(1).follows is None
    assert desk.alert(2).follows == "Fire halts refinery in Zharkent"
    assert any("2.7 million" in fact for fact in desk.alert(2).news)
    assert not any("340" in fact or "Zharkent" in fact for fact in desk.alert(2).news)


def test_a_near_copy_is_recorded_and_not_told(desk: Desk) -> None:
    desk.hears(FIRST)

    assert desk.hears(COPY, source="copyist") == 0
    assert desk.number == 2


def test_a_near_copy_that_brings_a_topic_is_told(desk: Desk) -> None:
    desk.hears(FIRST)

    assert desk.hears(COPY, "energy", "trade") == 1
    assert "topic Trade" in desk.alert(2).news


def test_the_message_of_the_first_is_shown_anew_for_each_that_follows(desk: Desk) -> None:
    desk.hears(FIRST)
    desk.sent()
    assert showing.stale(desk.connection, "desk") is None

    for text in (REWRITE, COPY):
        desk.hears(text)
        stale = showing.stale(desk.connection, "desk")
        assert stale is not None and stale[0].id == 1
        showing.mark_shown(desk.connection, stale[0])


def test_where_another_message_carries_the_first_it_is_that_which_is_shown_anew(desk: Desk) -> None:
    desk.hears(OTHER)
    desk.hears(FIRST)
    desk.connection.exec_driver_sql("UPDATE deliveries SET into_id = 1, state = 'merged' WHERE id = 2")

    desk.hears(COPY)

    assert [desk.delivery(number).revision for number in (1, 2)] == [1, 0]


def test_another_event_is_an_alert_of_its_own(desk: Desk) -> None:
    desk.hears(FIRST)
    desk.hears(OTHER, "trade")

    assert desk.delivery(2).root is None
    assert desk.alert(2).follows is None


def test_a_story_has_its_window(desk: Desk) -> None:
    desk.hears(FIRST)
    desk.number += 49 * 60

    desk.hears(REWRITE)

    assert desk.delivery(2).root is None


def test_without_a_window_there_are_no_stories(connection: Connection, tmp_path: Path) -> None:
    desk = Desk(connection, of(tmp_path, story=Story(window_hours=0.0)))
    desk.hears(FIRST)

    assert desk.hears(COPY) == 1
    assert desk.delivery(2).root is None


def test_a_receiver_that_had_not_the_first_has_a_thread_of_its_own(
    connection: Connection, tmp_path: Path
) -> None:
    both = (
        Receiver(name="desk", type="slack", channel="C1"),
        Receiver(name="trade", type="slack", channel="C2"),
    )
    routes = Route(receiver="desk"), Route(receiver="trade", topics=("trade",))
    desk = Desk(connection, of(tmp_path, *both, routes=routes))
    desk.hears(FIRST, "energy")

    desk.hears(REWRITE, "energy", "trade")

    roots = {desk.alert(number).receiver: desk.delivery(number).root for number in (2, 3)}
    assert roots == {"desk": 1, "trade": None}


@pytest.mark.parametrize(("rule", "loud"), [("never", False), ("news", True)])
def test_news_is_shown_in_the_channel_as_well_where_the_desk_wants_that(
    connection: Connection, tmp_path: Path, rule: Any, loud: bool
) -> None:
    desk = Desk(connection, of(tmp_path, story=Story(broadcast=rule)))
    desk.hears(FIRST)

    desk.hears(REWRITE)

    assert desk.delivery(2).broadcast is loud


def test_what_hears_in_digests_is_held_without_a_thread(connection: Connection, tmp_path: Path) -> None:
    receiver = Receiver(name="desk", type="slack", channel="C1", alerts="in digests", digest="0 8 * * *")
    desk = Desk(connection, of(tmp_path, receiver))

    desk.hears(FIRST)
    desk.hears(REWRITE)

    assert [(desk.delivery(n).state, desk.delivery(n).root) for n in (1, 2)] == [("held", None)] * 2
    assert deliveries.oldest(connection, "desk") is None


def test_what_a_desk_muted_is_not_told_until_the_wish_ends(desk: Desk) -> None:
    until = NOON + timedelta(minutes=90)
    wishes.add(desk.connection, "desk", "energy", Wish.MUTE, until=until, person="U1", now=NOON)

    assert desk.hears(FIRST) == 0
    assert desk.hears(OTHER, "energy", "trade") == 1
    assert [topic.id for topic in desk.alert(1).topics] == ["trade"]
    desk.number = 91
    assert desk.hears(REWRITE) == 1


def test_what_a_desk_follows_is_told_beside_its_routes(connection: Connection, tmp_path: Path) -> None:
    desk = Desk(connection, of(tmp_path, routes=(Route(receiver="desk", topics=("trade",)),)))
    assert desk.hears(FIRST) == 0
    until = NOON + timedelta(hours=1)
    wishes.add(connection, "desk", "energy", Wish.FOLLOW, until=until, person="U1", now=NOON)

    assert desk.hears(REWRITE) == 1


def test_an_earlier_version_of_the_same_article_was_told_already(desk: Desk) -> None:
    assert desk.hears(FIRST, told={"desk": {"energy"}}) == 0
    assert desk.hears(OTHER, "energy", "trade", told={"desk": {"energy"}}) == 1


def test_an_article_that_nobody_hears_of_makes_no_story(desk: Desk) -> None:
    desk.settings = desk.settings.model_copy(update={"routes": (Route(receiver="desk", topics=("trade",)),)})
    assert desk.hears(FIRST) == 0
    assert desk.connection.exec_driver_sql("SELECT COUNT(*) FROM stories").scalar_one() == 0
