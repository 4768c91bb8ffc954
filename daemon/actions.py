"""What the buttons and menus of a message say when they are pressed. Pure.

A value is `verb key [topic [duration]]`, so that a click tells by itself what it is about.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

_DURATION = re.compile(r"([1-9][0-9]{0,3})([mhdw])")
_UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_LONGEST = timedelta(days=366)


class Verb(StrEnum):
    """`right`, `wrong`: of one topic, or of all that the alert names; `other`: it is about this topic too;
    `nothing`: it is about none of the topics that were asked of; `undo`: what I said of this alert, or
    to this question; `mute`: no alerts of this topic here for a time.
    """

    RIGHT = "right"
    WRONG = "wrong"
    OTHER = "other"
    NOTHING = "nothing"
    UNDO = "undo"
    MUTE = "mute"


@dataclass(frozen=True, slots=True)
class Action:
    """Something a person can press. `alert` is the key of an alert, or of a question; `duration` as "2h"."""

    verb: Verb
    alert: str
    topic: str | None = None
    duration: str | None = None

    def value(self) -> str:
        return " ".join(filter(None, (self.verb, self.alert, self.topic, self.duration)))


def from_value(value: str) -> Action | None:
    """The action that a value says, or None where it is none of ours."""
    verb, *others = value.split(" ")
    if verb not in tuple(Verb) or not 1 <= len(others) <= 3 or not all(others):
        return None
    action = Action(Verb(verb), *others)
    needs_topic = action.verb in (Verb.OTHER, Verb.MUTE)
    if needs_topic and action.topic is None:
        return None
    if action.verb is Verb.MUTE and (action.duration is None or duration(action.duration) is None):
        return None
    return action


def duration(text: str) -> timedelta | None:
    """`30m`, `2h`, `1d`, `1w` (Alertmanager's way to say it); None where it is none, or over a year."""
    found = _DURATION.fullmatch(text)
    if found is None:
        return None
    length = int(found[1]) * _UNITS[found[2]]
    return length if length <= _LONGEST else None
