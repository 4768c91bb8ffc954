"""Clicks: what people press in Slack, each written down once however often Slack tells us of it.

Here too what they type after a command, as far as Slack's payload goes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, text

from daemon.actions import Action, Verb, from_value
from daemon.clock import from_text, to_text

_ID = re.compile(r"[A-Za-z0-9]{1,40}")
_MOMENT = re.compile(r"([0-9]{1,10})\.([0-9]{1,6})")
_LONGEST_ACTION_ID = 255  # characters; docs.slack.dev, reference of block elements
_LONGEST_VALUE = 2000  # of a button; the same
_LONGEST_NAME = 80  # of an alert or a topic
_START = datetime(1970, 1, 1, tzinfo=UTC)


class Outcome(StrEnum):
    """What became of a click.

    `repeated`: Slack told us of it before; `unknown`: of an alert that we do not have; `elsewhere`:
    of one that went to another channel. Only one that is `taken` changes anything.
    """

    TAKEN = "taken"
    REPEATED = "repeated"
    UNKNOWN = "unknown"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class Click:
    """That a person pressed something, where and when by Slack's clock. The key tells it from all others."""

    key: str
    person: str
    channel: str
    message: str
    clicked_at: datetime
    action: Action


@dataclass(frozen=True, slots=True)
class Typed:
    """What a person typed after a command, and in which channel."""

    person: str
    channel: str
    text: str


_RECORD = text(
    """
    INSERT INTO clicks (key, person, verb, action, article_id, clicked_at, taken_at, outcome)
    VALUES (:key, :person, :verb, :action, :article_id, :clicked_at, :now, :outcome)
    ON CONFLICT (key) DO NOTHING
    """
)
_UNDONE_AFTER = text(
    """
    SELECT COUNT(*)
    FROM clicks
    WHERE article_id = :article_id
      AND person = :person
      AND verb = :undo
      AND outcome = :taken
      AND clicked_at > :moment
    """
)
_OF_PERSON = text(
    """
    SELECT action, clicked_at
    FROM clicks
    WHERE article_id = :article_id
      AND person = :person
      AND outcome = :taken
    ORDER BY clicked_at, key
    """
)
_COUNTS = text("SELECT outcome, COUNT(*) FROM clicks GROUP BY outcome ORDER BY outcome")


def parse(payload: Mapping[str, object]) -> Click | None:
    """The click in an interactive payload (docs.slack.dev, block_actions payload); None where it is
    none of ours, or not as Slack writes it.
    """
    pressed = _first(payload.get("actions"))
    if payload.get("type") != "block_actions" or pressed is None:
        return None
    # An app of a whole organisation is told no team, but always that of the person.
    team = _id(payload, "team", "id") or _id(payload, "user", "team_id")
    channel = _id(payload, "channel", "id") or _id(payload, "container", "channel_id")
    person = _id(payload, "user", "id")
    message = _at(payload, "container", "message_ts") or _at(payload, "message", "ts")
    name, pressed_at = _at(pressed, "action_id"), _at(pressed, "action_ts")
    clicked_at, action = _moment(pressed_at), _action(pressed)
    if not (team and channel and person and message and name and pressed_at and clicked_at and action):
        return None
    if _moment(message) is None or not name.isprintable() or len(name) > _LONGEST_ACTION_ID:
        return None
    key = "|".join((team, channel, message, person, name, pressed_at))
    return Click(key, person, channel, message, clicked_at, action)


def parse_typed(payload: Mapping[str, object]) -> Typed | None:
    """What the payload of a slash command says (docs.slack.dev, slash commands); None where it is
    not as Slack writes it.
    """
    channel, person, given = _id(payload, "channel_id"), _id(payload, "user_id"), _at(payload, "text")
    return Typed(person, channel, given or "") if channel and person else None


def response_address(payload: Mapping[str, object]) -> str | None:
    """Where one may answer the person who pressed or typed something; a secret."""
    return _at(payload, "response_url")


def record(
    connection: Connection, click: Click, outcome: Outcome, now: datetime, *, article: int | None = None
) -> bool:
    """Write a click down; False where it stands there already."""
    row = {
        "key": click.key,
        "person": click.person,
        "verb": click.action.verb,
        "action": click.action.value(),
        "article_id": article,
        "clicked_at": to_text(click.clicked_at),
        "now": to_text(now),
        "outcome": outcome,
    }
    return connection.execute(_RECORD, row).rowcount == 1


def undone_after(connection: Connection, *, article: int, person: str, moment: datetime) -> bool:
    """Whether a person took back what they said of an article later than a moment."""
    row = {"article_id": article, "person": person, "moment": to_text(moment)}
    found = connection.execute(_UNDONE_AFTER, row | {"undo": Verb.UNDO, "taken": Outcome.TAKEN})
    return bool(found.scalar_one())


def taken(connection: Connection, *, article: int, person: str, key: str) -> list[tuple[Action, datetime]]:
    """What a person pressed of an alert or a question, by its key and its article, as it was pressed
    one after the other.
    """
    row = {"article_id": article, "person": person, "taken": Outcome.TAKEN}
    found = [(from_value(value), at) for value, at in connection.execute(_OF_PERSON, row)]
    return [(action, from_text(at)) for action, at in found if action is not None and action.alert == key]


def counts(connection: Connection) -> dict[str, int]:
    """How many clicks had which outcome."""
    return {str(outcome): int(number) for outcome, number in connection.execute(_COUNTS)}


def _first(given: object) -> Mapping[str, object] | None:
    """Of several actions the first: Slack sends the one that was pressed."""
    first = given[0] if isinstance(given, list) and given else None
    return first if isinstance(first, Mapping) else None


def _at(given: object, *path: str) -> str | None:
    for name in path:
        given = given.get(name) if isinstance(given, Mapping) else None
    return given if isinstance(given, str) and len(given) <= _LONGEST_VALUE else None


def _id(given: object, *path: str) -> str | None:
    found = _at(given, *path)
    return found if found and _ID.fullmatch(found) else None


def _moment(given: str | None) -> datetime | None:
    found = _MOMENT.fullmatch(given or "")
    if found is None:
        return None
    return _START + timedelta(seconds=int(found[1]), microseconds=int(found[2].ljust(6, "0")))


def _action(pressed: Mapping[str, object]) -> Action | None:
    value = _at(pressed, "value") or _at(pressed, "selected_option", "value")
    action = from_value(value) if value else None
    if action is None or not all(_is_name(name) for name in (action.alert, action.topic) if name is not None):
        return None
    return action


def _is_name(given: str) -> bool:
    return given.isprintable() and len(given) <= _LONGEST_NAME
