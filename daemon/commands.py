"""Commands: what a desk types after /topicwire, and the answers that only one person sees."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from html import unescape

from sqlalchemy import Connection

from daemon import wishes
from daemon.actions import Verb, duration
from daemon.clicks import Click, Outcome
from daemon.neutral import Room, fitted
from daemon.wishes import Wish, WishRecord

_LONGEST = 500  # characters of a command
_DEFAULT = timedelta(days=1)
_LIKE_A_DURATION = re.compile(r"[0-9]+[smhdwy]?", re.IGNORECASE)
_NAME = Room(80, 250)
_LINE = Room(300, 700)
_MOST_LISTED = 40  # topics, or wishes
_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60))

HELP = "\n".join(
    (
        "`/topicwire mute TOPIC 2h`: no alerts of this topic here for two hours",
        "`/topicwire unmute TOPIC`: alerts of it come again",
        "`/topicwire follow TOPIC 1d`: what is mainly about this topic comes here for a day",
        "`/topicwire unfollow TOPIC`: only what the configuration sends here comes",
        "`/topicwire list`: what is muted and followed here",
        "`/topicwire recall`: how much of what there was desks were told of",
        "How long: `30m`, `2h`, `1d`, `1w`, up to `366d`; one day if you do not say.",
    )
)
_NOBODY = "topicwire sends nothing to this channel, so there is nothing to mute or follow here."


class Ask(StrEnum):
    """What is asked for."""

    MUTE = "mute"
    UNMUTE = "unmute"
    FOLLOW = "follow"
    UNFOLLOW = "unfollow"
    LIST = "list"
    RECALL = "recall"
    HELP = "help"


_WISHED = {Ask.MUTE: Wish.MUTE, Ask.FOLLOW: Wish.FOLLOW}
_ENDED = {Ask.UNMUTE: Wish.MUTE, Ask.UNFOLLOW: Wish.FOLLOW}
_IS = {Wish.MUTE: "muted", Wish.FOLLOW: "followed"}


@dataclass(frozen=True, slots=True)
class Command:
    """What somebody asks for; the topic is as it was typed."""

    ask: Ask
    topic: str = ""
    length: timedelta = _DEFAULT


def parse_command(given: str) -> Command | str:
    """The command in what was typed, or what is wrong with it."""
    if len(given) > _LONGEST:
        return "That is too long."
    first, *others = given.split() or ["help"]
    asked = first.casefold()
    if asked not in tuple(Ask):
        return f"There is no such command.\n{HELP}"
    ask = Ask(asked)
    if ask in (Ask.LIST, Ask.RECALL, Ask.HELP):
        return Command(ask)
    length: timedelta | None = _DEFAULT
    if ask in _WISHED and len(others) > 1 and _LIKE_A_DURATION.fullmatch(others[-1]):
        length = duration(others.pop().casefold())
    if length is None:
        return "How long should be as `30m`, `2h`, `1d` or `1w`, and at most `366d`."
    if not others:
        return f"Say which topic: `/topicwire {ask} TOPIC`."
    return Command(ask, " ".join(others), length)


def answer(
    connection: Connection,
    command: Command | str,
    receivers: Collection[str],
    topics: Mapping[str, str],
    *,
    person: str,
    now: datetime,
    recall: Collection[str] = (),
) -> str:
    """Do what was asked, in the caller's transaction, and say so: Slack's mrkdwn, in UTC.

    `receivers` are all whose channel is the one it was typed in; `topics` are titles by id; `recall`
    are the lines on what was missed, if they are asked for.
    """
    if isinstance(command, str):
        return command
    if command.ask is Ask.HELP:
        return f"{HELP}\n{_listed(topics, topics)}"
    if command.ask is Ask.RECALL:
        return _recalled(recall)
    if not receivers:
        return _NOBODY
    if command.ask is Ask.LIST:
        return _all(wishes.active(connection, now).records, receivers, topics, now)
    return _of_topic(connection, command, receivers, topics, person, now)


def _of_topic(
    connection: Connection,
    command: Command,
    receivers: Collection[str],
    topics: Mapping[str, str],
    person: str,
    now: datetime,
) -> str:
    meant = find_topics(command.topic, topics)
    if len(meant) != 1:
        return _unclear(meant, topics)
    if command.ask in _ENDED:
        return _end(connection, _ENDED[command.ask], receivers, meant[0], topics, now)
    wish, until = _WISHED[command.ask], now + command.length
    for receiver in receivers:
        wishes.add(connection, receiver, meant[0], wish, until=until, person=person, now=now)
    return _begun(meant[0], wish, until, topics, now)


def reply_to(click: Click, outcome: Outcome, topics: Mapping[str, str], now: datetime) -> str | None:
    """What to say, to the person alone, of a click whose effect no message shows."""
    if outcome in (Outcome.UNKNOWN, Outcome.ELSEWHERE):
        return "topicwire does not know this alert any more, so nothing has changed."
    topic, length = click.action.topic, duration(click.action.duration or "")
    if outcome is not Outcome.TAKEN or click.action.verb is not Verb.MUTE or topic is None or length is None:
        return None
    return _begun(topic, Wish.MUTE, now + length, topics, now)


def find_topics(typed: str, topics: Mapping[str, str]) -> list[str]:
    """The topics that somebody may mean by an id, a title, or how one begins; whoever has it whole first."""
    asked = _folded(unescape(typed))
    names = {topic: (_folded(topic), _folded(title)) for topic, title in topics.items()}
    ids = [topic for topic, (own, _) in names.items() if own == asked]
    whole = ids or [topic for topic, both in names.items() if asked in both]
    return whole or [topic for topic, both in names.items() if any(name.startswith(asked) for name in both)]


def _begun(topic: str, wish: Wish, until: datetime, topics: Mapping[str, str], now: datetime) -> str:
    ending = f"`/topicwire un{wish} {_name(topic)}` ends it sooner."
    return f"*{_title(topic, topics)}* is {_IS[wish]} here {_until(until, now)}. {ending}"


def _end(
    connection: Connection,
    wish: Wish,
    receivers: Collection[str],
    topic: str,
    topics: Mapping[str, str],
    now: datetime,
) -> str:
    ended = [wishes.end(connection, receiver, topic, wish, now=now) for receiver in receivers]
    said = "is no longer" if any(ended) else "was not"
    return f"*{_title(topic, topics)}* {said} {_IS[wish]} here."


def _unclear(meant: Collection[str], topics: Mapping[str, str]) -> str:
    said = "More than one topic begins so." if meant else "There is no such topic."
    return f"{said} {_listed(meant or topics, topics)}"


def _listed(some: Collection[str], topics: Mapping[str, str]) -> str:
    names = [f"{_title(topic, topics)} (`{_name(topic)}`)" for topic in some]
    more = len(names) - _MOST_LISTED
    return f"Topics: {', '.join(names[:_MOST_LISTED])}{f' and {more} more' if more > 0 else ''}."


def _all(
    found: Collection[WishRecord], receivers: Collection[str], topics: Mapping[str, str], now: datetime
) -> str:
    lines = dict.fromkeys(
        f"*{_title(each.topic, topics)}* is {_IS[each.wish]} here {_until(each.until, now)}."
        for each in found
        if each.receiver in receivers
    )
    return "\n".join(list(lines)[:_MOST_LISTED]) or "Nothing is muted or followed here."


def _recalled(lines: Collection[str]) -> str:
    said = [fitted(line, _LINE) for line in list(lines)[:_MOST_LISTED]]
    return "\n".join(said) or "Nobody was asked yet: no article without an alert was drawn."


def _until(until: datetime, now: datetime) -> str:
    ending = until.astimezone(UTC)
    return f"until {ending.day} {ending:%B %Y, %H:%M} UTC ({_length(until - now)} from now)"


def _length(length: timedelta) -> str:
    """In days, hours and minutes; the two largest of them that it has."""
    left, parts = max(60, round(length.total_seconds() / 60) * 60), []
    for name, unit in _UNITS:
        number, left = divmod(left, unit)
        if number:
            parts.append(f"{number} {name}{'' if number == 1 else 's'}")
    return " ".join(parts[:2])


def _title(topic: str, topics: Mapping[str, str]) -> str:
    return fitted(topics.get(topic, topic), _NAME)


def _name(topic: str) -> str:
    """An id as it can be typed again; ours have no sign that means something to Slack."""
    return fitted(topic, _NAME)


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
