"""Wishes: topics that a desk mutes or follows for a time, beside what the routes say. They always end."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, text

from daemon.clock import from_text, to_text


class Wish(StrEnum):
    """`mute`: nothing of this topic here; `follow`: every article that is mainly about it."""

    MUTE = "mute"
    FOLLOW = "follow"


@dataclass(frozen=True, slots=True)
class WishRecord:
    """What somebody wished for a receiver, and until when."""

    receiver: str
    topic: str
    wish: Wish
    until: datetime
    person: str


@dataclass(frozen=True, slots=True)
class Wishes:
    """The wishes of a moment."""

    records: tuple[WishRecord, ...] = ()

    def heard(self, receiver: str, carried: Collection[str], main: Collection[str]) -> frozenset[str]:
        """What a receiver hears of an article: the topics its routes carry, without those that it
        mutes, with those of the article's `main` topics that it follows.
        """
        muted = self._topics(receiver, Wish.MUTE)
        followed = self._topics(receiver, Wish.FOLLOW)
        return (frozenset(carried) - muted) | (frozenset(main) & followed)

    def adjust(
        self, carried: Mapping[str, Collection[str]], main: Collection[str], receivers: Iterable[str]
    ) -> dict[str, frozenset[str]]:
        """What each of the receivers hears of an article, given what their routes carry; without
        those who hear nothing.
        """
        heard = {name: self.heard(name, carried.get(name, ()), main) for name in receivers}
        return {name: topics for name, topics in heard.items() if topics}

    def _topics(self, receiver: str, wish: Wish) -> frozenset[str]:
        return frozenset(
            each.topic for each in self.records if each.receiver == receiver and each.wish is wish
        )


_ADD = text(
    """
    INSERT INTO wishes (receiver, topic, wish, until, person, wished_at)
    VALUES (:receiver, :topic, :wish, :until, :person, :now)
    ON CONFLICT (receiver, topic)
    DO UPDATE SET
        wish = excluded.wish,
        until = excluded.until,
        person = excluded.person,
        wished_at = excluded.wished_at
    """
)
_END = text(
    """
    UPDATE wishes
    SET until = :now
    WHERE receiver = :receiver
      AND topic = :topic
      AND wish = :wish
      AND until > :now
    """
)
_ACTIVE = text(
    """
    SELECT receiver, topic, wish, until, person
    FROM wishes
    WHERE until > :now
    ORDER BY receiver, topic
    """
)


def add(
    connection: Connection,
    receiver: str,
    topic: str,
    wish: Wish,
    *,
    until: datetime,
    person: str,
    now: datetime,
) -> None:
    """Write a wish; it replaces what was wished of the same topic at the same receiver."""
    row = {"receiver": receiver, "topic": topic, "wish": wish, "person": person}
    connection.execute(_ADD, row | {"until": to_text(until), "now": to_text(now)})


def end(connection: Connection, receiver: str, topic: str, wish: Wish, *, now: datetime) -> bool:
    """End a wish before its time; whether there was one."""
    row = {"receiver": receiver, "topic": topic, "wish": wish, "now": to_text(now)}
    return connection.execute(_END, row).rowcount > 0


def active(connection: Connection, now: datetime) -> Wishes:
    """The wishes that have not ended."""
    return Wishes(
        tuple(
            WishRecord(receiver, topic, Wish(wish), from_text(until), person)
            for receiver, topic, wish, until, person in connection.execute(_ACTIVE, {"now": to_text(now)})
        )
    )
