"""Wishes: topics that a desk mutes or follows for a time, beside what the routes say."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from daemon import wishes
from daemon.wishes import Wish, Wishes, WishRecord
from tests.builders import MINUTE, NOON

MUTE, FOLLOW = Wish.MUTE, Wish.FOLLOW
HOUR = timedelta(hours=1)


def wish(receiver: str, topic: str, kind: Wish) -> WishRecord:
    return WishRecord(receiver, topic, kind, NOON + HOUR, "U1")


def add(
    connection: Connection,
    kind: Wish = MUTE,
    topic: str = "energy",
    receiver: str = "desk",
    *,
    until: datetime = NOON + HOUR,
    now: datetime = NOON,
) -> None:
    wishes.add(connection, receiver, topic, kind, until=until, person="U1", now=now)


def found(connection: Connection, now: datetime = NOON) -> list[tuple[str, str, Wish]]:
    return [(each.receiver, each.topic, each.wish) for each in wishes.active(connection, now).records]


def test_a_receiver_does_not_hear_of_a_topic_that_it_mutes() -> None:
    muted = Wishes((wish("desk", "energy", MUTE),))

    assert muted.heard("desk", {"energy", "trade"}, main={"energy", "trade"}) == {"trade"}


def test_a_receiver_hears_of_a_topic_that_it_follows_where_the_article_is_mainly_about_it() -> None:
    following = Wishes((wish("desk", "space", FOLLOW),))

    assert following.heard("desk", {"energy"}, main={"energy", "space"}) == {"energy", "space"}
    assert following.heard("desk", {"energy"}, main={"energy"}) == {"energy"}


def test_a_wish_is_of_its_receiver_alone() -> None:
    both = Wishes((wish("desk", "energy", MUTE), wish("desk", "space", FOLLOW)))

    assert both.heard("other", {"energy"}, main={"energy", "space"}) == {"energy"}


def test_a_receiver_that_hears_nothing_is_left_out_and_one_that_follows_comes_in() -> None:
    made = Wishes((wish("a", "energy", MUTE), wish("b", "energy", FOLLOW), wish("gone", "energy", FOLLOW)))

    heard = made.adjust({"a": {"energy"}, "c": {"trade"}}, main={"energy"}, receivers=["a", "b", "c"])

    assert heard == {"b": {"energy"}, "c": {"trade"}}


@given(
    carried=st.dictionaries(st.sampled_from("abc"), st.sets(st.sampled_from("xyz"), min_size=1)),
    main=st.sets(st.sampled_from("xyz")),
)
def test_without_wishes_the_routes_alone_decide(carried: dict[str, set[str]], main: set[str]) -> None:
    assert Wishes().adjust(carried, main, receivers="abc") == carried


def test_a_wish_lasts_until_its_moment(connection: Connection) -> None:
    add(connection, MUTE)

    assert found(connection, NOON + HOUR - MINUTE) == [("desk", "energy", MUTE)]
    assert found(connection, NOON + HOUR) == []


def test_a_wish_is_kept_with_its_moment_and_person(connection: Connection) -> None:
    add(connection, FOLLOW)

    assert wishes.active(connection, NOON).records == (wish("desk", "energy", FOLLOW),)


def test_a_later_wish_replaces_an_earlier_of_the_same_topic_at_the_same_receiver(
    connection: Connection,
) -> None:
    add(connection, MUTE, until=NOON + 3 * HOUR)
    add(connection, FOLLOW, until=NOON + 2 * HOUR)
    add(connection, MUTE, "trade")
    add(connection, MUTE, receiver="other")

    assert found(connection) == [
        ("desk", "energy", FOLLOW),
        ("desk", "trade", MUTE),
        ("other", "energy", MUTE),
    ]
    assert found(connection, NOON + 2 * HOUR) == []


@pytest.mark.parametrize("kind", list(Wish))
def test_a_wish_can_be_ended_before_its_time(connection: Connection, kind: Wish) -> None:
    add(connection, kind)
    add(connection, kind, "trade")

    assert wishes.end(connection, "desk", "energy", kind, now=NOON + MINUTE)
    assert found(connection, NOON + MINUTE) == [("desk", "trade", kind)]
    assert not wishes.end(connection, "desk", "energy", kind, now=NOON + MINUTE)


def test_to_unmute_does_not_unfollow(connection: Connection) -> None:
    add(connection, FOLLOW)

    assert not wishes.end(connection, "desk", "energy", MUTE, now=NOON)
    assert found(connection) == [("desk", "energy", FOLLOW)]
