"""Digests: what is in them, that each is owed once, and that what was held for them goes with them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from daemon import blocks, clock, digests, ledger, outbox, plain, tallying
from daemon.config import Digest, Receiver
from daemon.console import rendered
from daemon.database import Database
from daemon.digests import owe
from daemon.messages import DigestBody, Form, Message, digest_from_json
from daemon.quiet import Hearing
from daemon.records import AlertTopic, FileState
from daemon.tallying import Told
from daemon.timetable import Timetable
from tests import asked
from tests.builders import MINUTE, make_alert, make_settings, make_tag, make_tagged
from tests.test_blocks import texts

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ALMATY = ZoneInfo("Asia/Almaty")
DAILY = Hearing(digest="0 8 * * *", digest_zone="Asia/Almaty")
IN_DIGESTS = Hearing(digest="0 8 * * *", digest_zone="Asia/Almaty", in_digests=True)
EIGHT = datetime(2026, 11, 22, 3, tzinfo=UTC)  # 08:00 in Almaty


def topic(id: str = "energy", probability: float = 0.9, title: str | None = None) -> AlertTopic:
    return AlertTopic(id, title or id.title(), "main", probability, "A passage.", ("word",))


def tell(
    connection: Connection,
    number: int,
    *topics: AlertTopic,
    at: datetime = EIGHT - HOUR,
    receiver: str = "desk",
    story: int | None = None,
    root: int | None = None,
    held: bool = False,
    **changes: Any,
) -> None:
    """An alert as the recording writes it."""
    alert = make_alert(receiver, number, topics=topics or (topic(),), **changes)
    file = ledger.record_file(
        connection, fingerprint=alert.key, name=alert.file, size=1, state=FileState.DONE, now=at
    )
    tagged = make_tagged(make_tag(), text=f"{alert.headline}\nText of {alert.key}.")
    article = ledger.record_article(connection, file, 0, tagged, now=at)
    assert article is not None
    outbox.add(connection, alert, article=article, now=at, story=story, root=root, held=held)


def rows(connection: Connection) -> list[Any]:
    return list(connection.execute(text("SELECT * FROM deliveries WHERE form = 'digest' ORDER BY id")))


def bodies(connection: Connection) -> list[DigestBody]:
    return [digest_from_json(row.body) for row in rows(connection)]


def counts(body: DigestBody) -> dict[str, int]:
    return {volume.topic: volume.articles for volume in body.volumes}


# What is in a digest


def test_a_digest_counts_articles_by_topic_and_local_day_and_the_topic_with_the_most_comes_first(
    connection: Connection,
) -> None:
    midnight = datetime(2026, 11, 21, 19, tzinfo=UTC)  # of 21 to 22 November, in Almaty
    tell(connection, 1, topic("space"), at=midnight - MINUTE)
    tell(connection, 2, topic("energy"), topic("space"), at=midnight - MINUTE)
    tell(connection, 3, topic("energy"), at=midnight)
    tell(connection, 4, topic("energy"), at=EIGHT - MINUTE)

    said = owe(connection, "desk", DAILY, now=EIGHT)

    assert said == "4 articles of 2 topics"
    [body] = bodies(connection)
    assert (body.title, body.since, body.until) == (
        "Digest of 22 November",
        "21 November, 08:00",
        "22 November, 08:00",
    )
    assert body.days == ("21 Nov", "22 Nov")
    assert [(each.topic, each.title, each.articles, each.by_day) for each in body.volumes] == [
        ("energy", "Energy", 3, (1, 2)),
        ("space", "Space", 2, (2, 0)),
    ]
    assert (body.articles, body.part, body.parts, body.held, body.chart) == (4, 1, 1, False, False)


def test_the_most_probable_articles_lead_and_of_a_story_only_one(connection: Connection) -> None:
    for number, (probability, story) in enumerate(
        [(0.6, None), (0.99, 7), (0.98, 7), (0.7, 8), (0.95, None), (0.9, 7)]
    ):
        changes: Any = {"url": "https://example.org/4", "source": "Agency"} if number == 4 else {}
        tell(connection, number, topic("energy", probability), story=story, **changes)

    owe(connection, "desk", DAILY, now=EIGHT)

    leading = bodies(connection)[0].volumes[0].leading
    assert [(each.headline, each.probability) for each in leading] == [
        ("Headline 1", 0.99),
        ("Headline 4", 0.95),
        ("Headline 3", 0.7),
    ]
    assert (leading[1].url, leading[1].source) == ("https://example.org/4", "Agency")


def test_the_first_digest_reaches_back_by_one_period_of_its_cron_line(connection: Connection) -> None:
    monday = datetime(2026, 11, 23, 3, tzinfo=UTC)
    friday = monday - 3 * DAY
    tell(connection, 1, at=friday - MINUTE)
    tell(connection, 2, at=friday)

    said = owe(connection, "desk", Hearing(digest="0 8 * * 1-5", digest_zone="Asia/Almaty"), now=monday)

    assert said == "1 article of 1 topic"
    [body] = bodies(connection)
    assert body.title == "Digest of 20 to 23 November"
    assert body.days == ("20 Nov", "21 Nov", "22 Nov", "23 Nov")


def test_a_later_digest_tells_what_was_written_after_the_one_before_whatever_the_clock_said(
    connection: Connection,
) -> None:
    tell(connection, 1, topic("energy"))
    owe(connection, "desk", DAILY, now=EIGHT + 2 * HOUR)  # the machine was off at eight
    tell(connection, 2, topic("space"), at=EIGHT + HOUR)  # and its clock was set back
    tell(connection, 3, topic("health"), at=EIGHT + 2 * DAY - MINUTE)

    owe(connection, "desk", DAILY, now=EIGHT + 2 * DAY)

    first, second = bodies(connection)
    assert counts(first) == {"energy": 1}
    assert counts(second) == {"health": 1, "space": 1}
    assert (second.since, second.until) == ("22 November, 10:00", "24 November, 08:00")
    assert {each.topic: each.by_day for each in second.volumes} == {"health": (0, 0, 1), "space": (1, 0, 0)}


def test_a_digest_that_was_off_for_months_does_not_tell_all_of_them(connection: Connection) -> None:
    tell(connection, 1)
    owe(connection, "desk", DAILY, now=EIGHT)
    tell(connection, 2, at=EIGHT + DAY)
    tell(connection, 3, at=EIGHT + 99 * DAY)

    owe(connection, "desk", DAILY, now=EIGHT + 100 * DAY)

    body = bodies(connection)[1]
    assert body.articles == 1
    assert len(body.days) == 36


def test_a_receiver_hears_only_of_its_own_articles_and_none_of_them_twice(connection: Connection) -> None:
    tell(connection, 1)
    tell(connection, 2, receiver="other")

    owe(connection, "desk", DAILY, now=EIGHT)
    said = owe(connection, "desk", DAILY, now=EIGHT + DAY)

    assert bodies(connection)[0].articles == 1
    assert said == "no articles"
    assert len(rows(connection)) == 1


# A digest is owed once


def test_a_digest_is_a_delivery_that_waits_and_has_a_key_of_its_own(connection: Connection) -> None:
    tell(connection, 1)

    owe(connection, "desk", DAILY, now=EIGHT)

    [row] = rows(connection)
    assert (row.receiver, row.alert_id, row.root_id, row.form) == ("desk", None, None, Form.DIGEST)
    assert (row.state, row.attempts, row.looks) == ("pending", 0, 0)
    assert row.due_at == clock.to_text(EIGHT)
    assert len(row.key) == 32
    assert int(row.key, 16)


def test_a_digest_is_owed_once_for_its_period_however_often_it_is_made(connection: Connection) -> None:
    tell(connection, 1)
    owe(connection, "desk", DAILY, now=EIGHT)
    tell(connection, 2, at=EIGHT + MINUTE)

    said = owe(connection, "desk", DAILY, now=EIGHT + HOUR)

    assert said == "was made before"
    assert [body.articles for body in bodies(connection)] == [1]


def test_receivers_and_periods_have_digests_of_their_own(connection: Connection) -> None:
    for receiver in ("desk", "other"):
        tell(connection, 1, receiver=receiver)
        owe(connection, receiver, DAILY, now=EIGHT)
        tell(connection, 2, receiver=receiver, at=EIGHT + HOUR)
        owe(connection, receiver, DAILY, now=EIGHT + DAY)

    assert len({row.key for row in rows(connection)}) == 4


def test_the_key_of_a_digest_is_the_same_after_a_ledger_was_restored() -> None:
    assert digests.key_of("desk", "2026-11-22T08:00", 1) == "221ab40c2a49b16ff5d4b7633f97fe77"


def test_a_digest_that_fails_halfway_leaves_nothing_and_is_made_whole_the_next_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.transaction() as connection:
        for number in range(60):
            tell(
                connection, number, topic(f"topic-{number // 3}"), held=True, headline="A long headline. " * 9
            )
    whole = digests.body_to_json

    def fails(body: DigestBody, until: datetime) -> str:
        if body.part == 2:
            raise OSError("the disk is full")
        return whole(body, until)

    monkeypatch.setattr(digests, "body_to_json", fails)
    with pytest.raises(OSError, match="full"), database.transaction() as connection:
        owe(connection, "desk", IN_DIGESTS, now=EIGHT)
    with database.reading() as connection:
        assert rows(connection) == []
        assert states(connection) == {"held"}

    monkeypatch.setattr(digests, "body_to_json", whole)
    with database.transaction() as connection:
        assert owe(connection, "desk", IN_DIGESTS, now=EIGHT) == "60 articles of 20 topics"


# Parts


def test_a_long_digest_goes_on_in_the_thread_of_its_first_part(connection: Connection) -> None:
    for number in range(180):
        tell(connection, number, topic(f"topic-{number // 3:02}"), headline="A long headline. " * 9)

    owe(connection, "desk", DAILY, now=EIGHT, chart=True)

    found = rows(connection)
    parts = bodies(connection)
    assert len(found) > 2
    # Each waits for the one before, whose thread is that of the first.
    assert [row.root_id for row in found] == [None] + [row.id for row in found[:-1]]
    assert [(body.part, body.parts) for body in parts] == [(n + 1, len(found)) for n in range(len(found))]
    assert [body.chart for body in parts] == [True] + [False] * (len(found) - 1)
    assert [volume.topic for body in parts for volume in body.volumes] == [f"topic-{n:02}" for n in range(60)]
    assert {body.articles for body in parts} == {180}


# What was held for it


def states(connection: Connection) -> set[str]:
    asked = text("SELECT state FROM deliveries WHERE alert_id IS NOT NULL")
    return set(connection.execute(asked).scalars())


def test_what_was_held_is_let_go_into_the_thread_of_the_digest(connection: Connection) -> None:
    tell(connection, 1, held=True)
    tell(connection, 2, held=True, root=1)  # of a story that was told with the digest before
    tell(connection, 3, receiver="other", held=True)

    owe(connection, "desk", IN_DIGESTS, now=EIGHT)

    [row] = rows(connection)
    assert digest_from_json(row.body).held
    asked = text("SELECT receiver, state, root_id, due_at FROM deliveries WHERE form = 'alert' ORDER BY id")
    assert [tuple(found) for found in connection.execute(asked)] == [
        ("desk", "pending", row.id, clock.to_text(EIGHT)),
        ("desk", "pending", row.id, clock.to_text(EIGHT)),
        ("other", "held", None, clock.to_text(EIGHT - HOUR)),
    ]


def test_what_was_held_and_perhaps_sent_before_a_backup_was_put_back_is_looked_for(
    connection: Connection,
) -> None:
    tell(connection, 1, held=True)
    tell(connection, 2, held=True)
    connection.execute(text("UPDATE deliveries SET first_sent_at = due_at WHERE id = 1"))

    owe(connection, "desk", IN_DIGESTS, now=EIGHT)

    asked = text("SELECT state FROM deliveries WHERE form = 'alert' ORDER BY id")
    assert connection.execute(asked).scalars().all() == ["unknown", "pending"]


def test_what_was_held_longer_than_a_period_is_told_all_the_same(connection: Connection) -> None:
    tell(connection, 1, held=True, at=EIGHT - 3 * DAY)
    tell(connection, 2, held=True, at=EIGHT - 300 * DAY)

    owe(connection, "desk", IN_DIGESTS, now=EIGHT)

    [body] = bodies(connection)
    assert body.articles == 2
    assert body.volumes[0].by_day == (2, 0)
    assert states(connection) == {"pending"}


def test_what_is_held_after_a_digest_waits_for_the_next(connection: Connection) -> None:
    tell(connection, 1, held=True)
    owe(connection, "desk", IN_DIGESTS, now=EIGHT)
    tell(connection, 2, held=True, at=EIGHT + MINUTE)

    owe(connection, "desk", IN_DIGESTS, now=EIGHT + 2 * MINUTE)

    assert states(connection) == {"pending", "held"}


def test_what_went_at_once_is_not_let_go_again(connection: Connection) -> None:
    tell(connection, 1)
    connection.execute(text("UPDATE deliveries SET state = 'sent'"))
    owe(connection, "desk", DAILY, now=EIGHT)
    tell(connection, 2, held=True, at=EIGHT + HOUR)  # the configuration was changed

    owe(connection, "desk", IN_DIGESTS, now=EIGHT + DAY)

    assert [body.held for body in bodies(connection)] == [False, True]
    asked = text("SELECT state, root_id IS NULL FROM deliveries WHERE form = 'alert' ORDER BY id")
    assert [tuple(row) for row in connection.execute(asked)] == [("sent", True), ("pending", False)]


# Its title and its days


@pytest.mark.parametrize(
    ("since", "until", "title"),
    [
        ("2026-11-21T08:00", "2026-11-22T08:00", "Digest of 22 November"),
        ("2026-11-21T08:00", "2026-11-22T13:30", "Digest of 22 November"),  # made late
        ("2026-11-21T13:30", "2026-11-22T08:00", "Digest of 22 November"),  # the one before was late
        ("2026-11-21T20:00", "2026-11-22T08:00", "Digest of 22 November, 08:00"),
        ("2026-11-21T00:05", "2026-11-22T00:05", "Digest of 21 November"),
        ("2026-11-21T18:00", "2026-11-22T18:00", "Digest of 22 November"),
        ("2026-11-22T13:00", "2026-11-22T14:00", "Digest of 22 November, 14:00"),
        ("2026-11-20T08:00", "2026-11-23T08:00", "Digest of 20 to 23 November"),
        ("2026-10-30T08:00", "2026-11-02T08:00", "Digest of 30 October to 2 November"),
        ("2026-12-28T08:00", "2027-01-04T08:00", "Digest of 28 December 2026 to 4 January 2027"),
        ("2026-12-31T08:00", "2027-01-01T08:00", "Digest of 1 January"),
        ("2026-11-16T00:00", "2026-11-23T00:00", "Digest of 16 to 22 November"),
    ],
)
def test_the_title_names_the_days_as_people_say_them(since: str, until: str, title: str) -> None:
    assert tallying.title(datetime.fromisoformat(since), datetime.fromisoformat(until)) == title


tellings = st.lists(
    st.builds(
        lambda topics, story, hours, held: Told(
            make_alert(topics=tuple(topic(each, probability) for each, probability in topics.items())),
            story,
            EIGHT.astimezone(ALMATY) - timedelta(hours=hours),
            held,
        ),
        st.dictionaries(st.sampled_from("abcdef"), st.floats(0, 1), min_size=1),
        st.none() | st.integers(1, 4),
        st.integers(-50, 200),
        st.booleans(),
    ),
    max_size=30,
)


@given(tellings, st.integers(0, 100))
def test_every_article_is_counted_once_in_each_of_its_topics_whatever_the_clock_said(
    told: list[Told], hours: int
) -> None:
    until = EIGHT.astimezone(ALMATY)

    body = tallying.digest(told, until - timedelta(hours=hours), until)

    assert body.articles == len(told)
    assert counts(body) == {
        id: sum(id in {each.id for each in one.alert.topics} for one in told)
        for id in {each.id for one in told for each in one.alert.topics}
    }
    for volume in body.volumes:
        assert sum(volume.by_day) == volume.articles
        assert len(volume.by_day) == len(body.days)
        assert 1 <= len(volume.leading) <= min(3, volume.articles)
        found = [each.probability for each in volume.leading]
        assert found == sorted(found, reverse=True)
    assert [each.articles for each in body.volumes] == sorted(
        (each.articles for each in body.volumes), reverse=True
    )
    assert digest_from_json(digests.body_to_json(body, EIGHT)) == body


# Its job


@pytest.fixture
def turn(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Turns the clock of the daemon."""

    def to(now: datetime) -> None:
        monkeypatch.setattr(clock, "now", lambda: now)

    return to


def receiver(**changes: Any) -> Receiver:
    return Receiver(**{"name": "desk", "type": "slack", "channel": "C1", **changes})


def test_each_receiver_with_a_digest_has_a_job_in_its_own_zone(database: Database, tmp_path: Path) -> None:
    settings = make_settings(
        tmp_path,
        digest=Digest(cron="0 8 * * *", zone="Europe/Berlin"),
        receivers=(
            receiver(),
            receiver(name="almaty", digest="0 9 * * 1", zone="Asia/Almaty"),
            receiver(name="none", digest="never"),
            Receiver(name="console", type="console"),
        ),
    )

    found = digests.jobs(settings, database)

    assert [(job.name, job.cron) for job in found] == [
        ("digest desk", "0 8 * * *"),
        ("digest almaty", "0 9 * * 1"),
        ("digest none", "never"),
        ("digest console", "never"),
    ]
    assert [job.zone for job in found[:2]] == [ZoneInfo("Europe/Berlin"), ALMATY]


def test_the_timetable_makes_one_digest_a_day_and_wakes_who_sends_it(
    database: Database, tmp_path: Path, turn: Callable[[datetime], None]
) -> None:
    woken: list[datetime] = []
    settings = make_settings(tmp_path, digest=Digest(cron="0 8 * * *", zone="Asia/Almaty"))
    turn(EIGHT - HOUR)
    job = digests.job(settings, database, receiver(), wake=lambda: woken.append(clock.now()))
    table = Timetable(database, (job,), zone=UTC)
    table.plan(clock.now())
    for hour in range(72):
        now = EIGHT + hour * HOUR
        turn(now)
        with database.transaction() as connection:
            tell(connection, hour, at=now - MINUTE)
        table.look()

    assert woken == [EIGHT, EIGHT + DAY, EIGHT + 2 * DAY]
    with database.reading() as connection:
        assert [body.articles for body in bodies(connection)] == [1, 24, 24]
        said = connection.execute(text("SELECT result FROM jobs")).scalar_one()
    assert said == "24 articles of 1 topic"


@pytest.mark.parametrize(
    ("wanted", "type", "chart"), [(True, "slack", True), (True, "webhook", False), (False, "slack", False)]
)
def test_a_chart_is_asked_for_where_it_is_wanted_and_can_be_shown(
    database: Database, tmp_path: Path, turn: Callable[[datetime], None], wanted: bool, type: str, chart: bool
) -> None:
    turn(EIGHT)
    settings = make_settings(tmp_path, digest=Digest(cron="0 8 * * *", zone="Asia/Almaty", chart=wanted))
    with database.transaction() as connection:
        tell(connection, 1)

    digests.job(settings, database, receiver(type=type)).run()

    with database.reading() as connection:
        assert bodies(connection)[0].chart is chart


def test_a_night_that_has_the_time_of_the_digest_twice_has_one_digest(
    database: Database, tmp_path: Path, turn: Callable[[datetime], None]
) -> None:
    settings = make_settings(tmp_path, digest=Digest(cron="30 2 * * *", zone="Europe/Berlin"))
    job = digests.job(settings, database, receiver())
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 02:30; and again an hour later
    with database.transaction() as connection:
        tell(connection, 1, at=first - HOUR)
    turn(first)
    job.run()
    with database.transaction() as connection:
        tell(connection, 2, at=first + MINUTE)

    turn(first + HOUR)

    assert job.run() == "was made before"


# What it says of recall


def test_a_digest_tells_what_was_missed_behind_its_topics(connection: Connection) -> None:
    tell(connection, 1)

    owe(connection, "desk", DAILY, now=EIGHT, recall=("All topics: recall 0.91 (0.84–0.97)", "Energy: 0.88"))

    [body] = bodies(connection)
    message = Message("k", "desk", Form.DIGEST, digest=body)
    lines = "All topics: recall 0.91 (0.84–0.97)\nEnergy: 0.88"
    assert body.recall == tuple(lines.split("\n"))
    assert texts(blocks.blocks(message))[-1] == lines
    assert plain.text(message).endswith(f"\n{lines}")
    assert plain.fallback(message).endswith(". Energy: 0.88.")
    assert [str(line).strip() for line in rendered(message)][-3:-1] == lines.split("\n")


def test_a_long_digest_tells_what_was_missed_once_in_its_last_part(connection: Connection) -> None:
    for number in range(60):
        tell(connection, number, topic(f"topic-{number}"))

    owe(connection, "desk", DAILY, now=EIGHT, recall=("Energy: recall 0.88",))

    found = [body.recall for body in bodies(connection)]
    assert len(found) > 1
    assert found == [()] * (len(found) - 1) + [("Energy: recall 0.88",)]


def test_more_on_recall_than_anybody_reads_is_cut(connection: Connection) -> None:
    tell(connection, 1)

    owe(connection, "desk", DAILY, now=EIGHT, recall=[f"Topic {n}: recall 0.88" for n in range(400)])

    [body] = bodies(connection)
    [*_, last] = texts(blocks.blocks(Message("k", "desk", Form.DIGEST, digest=body)))
    assert len(body.recall) == 100
    assert last.split("\n")[11:] == ["Topic 11: recall 0.88", "and 88 more lines"]


def test_a_digest_from_before_recall_was_told_is_read_as_it_is(connection: Connection) -> None:
    tell(connection, 1)
    owe(connection, "desk", DAILY, now=EIGHT)
    old = rows(connection)[0].body.replace(',"recall":[]', "")
    assert "recall" not in old
    connection.execute(text("UPDATE deliveries SET body = :old WHERE form = 'digest'"), {"old": old})
    tell(connection, 2, at=EIGHT + HOUR)

    assert owe(connection, "desk", DAILY, now=EIGHT + DAY) == "1 article of 1 topic"
    assert [body.recall for body in bodies(connection)] == [(), ()]


def test_the_job_tells_what_the_answers_of_desks_say(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: EIGHT)
    with database.transaction() as connection:
        tell(connection, 1)
        asked.draw(connection, 2, now=EIGHT - HOUR)
    receiver = Receiver(name="desk", type="webhook", digest="0 8 * * *", zone="Asia/Almaty")
    settings = make_settings(tmp_path, receivers=(receiver,))

    digests.job(settings, database, receiver, choices=lambda: asked.TOPICS).run()

    with database.reading() as connection:
        [body] = bodies(connection)
    assert body.recall
    assert body.recall[0].startswith("Recall: no estimate yet")
