"""What a desk can press under an alert: its verdict, another topic, quiet for a while."""

from __future__ import annotations

import hashlib

from classifier import shorten
from daemon import wording
from daemon.actions import Action, Verb, from_value
from daemon.limits import LONGEST_VALUE, Block
from daemon.messages import Entry, Message, QuestionBody
from daemon.neutral import cleaned

MOST_WRONG = 5
_MOST_MUTED = 3
_MOST_IN_OVERFLOW = 5
_LONGEST_LABEL = 75
_LONGEST_TITLE = 40
_DURATIONS = (("2h", "2 hours"), ("1d", "a day"), ("1w", "a week"))

Choices = tuple[tuple[str, str], ...]


def row(entry: Entry, number: int, choices: Choices) -> Block:
    """The block of buttons and menus of an alert.

    Its id changes with what people said: Slack keeps what was chosen in a menu as long as the id stays.
    """
    elements = [_right(entry, number), *_wrong(entry, number)]
    elements += _select(f"{number}-other", "other topic", _others(entry, choices))
    elements += _select(f"{number}-mute", "mute topic here", _mutes(entry))
    if entry.remarks:
        elements.append(_button(f"{number}-undo", "undo", Action(Verb.UNDO, entry.alert.key)))
    return {"type": "actions", "block_id": _named_by(entry.remarks, number), "elements": elements}


def overflow(entry: Entry, number: int, most: int = _MOST_IN_OVERFLOW) -> Block | None:
    """The same for one of several alerts in a message, as a small menu."""
    key = entry.alert.key
    options = [_option("✓ right", Action(Verb.RIGHT, key)), _option("✗ wrong", Action(Verb.WRONG, key))]
    if entry.remarks:
        options.append(_option("undo", Action(Verb.UNDO, key)))
    options += _mutes(entry, "mute ")
    found = [option for option in options if option is not None][: min(most, _MOST_IN_OVERFLOW)]
    if not found:
        return None
    return {"type": "overflow", "action_id": f"{number}-more", "options": found}


def answers(message: Message, question: QuestionBody) -> Block:
    """What can be said to a question: about none of these, or about one topic after the other."""
    elements = [_button("0-nothing", wording.NONE_OF_THESE, Action(Verb.NOTHING, message.key))]
    topics = [
        _option(_titled(*topic), Action(Verb.OTHER, message.key, topic[0])) for topic in question.topics
    ]
    elements += _select("0-about", "it is about …", topics)
    if message.answers:
        elements.append(_button("0-undo", "undo", Action(Verb.UNDO, message.key)))
    return {"type": "actions", "block_id": _named_by(message.answers), "elements": elements}


def plain_text(text: str, longest: int = _LONGEST_LABEL) -> Block:
    return {"type": "plain_text", "text": shorten(cleaned(text), longest), "emoji": False}


def _named_by(said: object, number: int = 0) -> str:
    """A block's id that changes with what people said."""
    digest = hashlib.sha256(repr(said).encode(errors="surrogatepass")).hexdigest()
    return f"{number}-{digest[:12]}"


def _right(entry: Entry, number: int) -> Block:
    action = Action(Verb.RIGHT, entry.alert.key)
    return _button(f"{number}-right", "✓ right", action, style="primary")


def _wrong(entry: Entry, number: int) -> list[Block]:
    key, topics = entry.alert.key, entry.alert.topics
    if len(topics) <= 1:
        return [_button(f"{number}-wrong", "✗ wrong", Action(Verb.WRONG, key), style="danger")]
    return [
        _button(f"{number}-wrong-{index}", f"✗ {_titled(topic.id, topic.title)}", action, style="danger")
        for index, topic in enumerate(topics[:MOST_WRONG])
        if _says(action := Action(Verb.WRONG, key, topic.id))
    ]


def _others(entry: Entry, choices: Choices) -> list[Block | None]:
    own = {topic.id for topic in entry.alert.topics}
    return [
        _option(_titled(topic, title), Action(Verb.OTHER, entry.alert.key, topic))
        for topic, title in dict(choices).items()
        if topic not in own
    ]


def _mutes(entry: Entry, verb: str = "") -> list[Block | None]:
    return [
        _option(
            f"{verb}{_titled(topic.id, topic.title)} for {said}",
            Action(Verb.MUTE, entry.alert.key, topic.id, length),
        )
        for topic in entry.alert.topics[:_MOST_MUTED]
        for length, said in _DURATIONS
    ]


def _titled(topic: str, title: str) -> str:
    return shorten(cleaned(title), _LONGEST_TITLE) or cleaned(topic) or "?"


def _says(action: Action) -> bool:
    """Whether a click would come back as this action."""
    return len(value := action.value()) <= LONGEST_VALUE and from_value(value) == action


def _button(name: str, label: str, action: Action, *, style: str | None = None) -> Block:
    button = {"type": "button", "action_id": name, "text": plain_text(label), "value": action.value()}
    return button | ({"style": style} if style else {})


def _option(label: str, action: Action) -> Block | None:
    return {"text": plain_text(label), "value": action.value()} if _says(action) else None


def _select(name: str, label: str, options: list[Block | None]) -> list[Block]:
    found = [option for option in options if option is not None]
    if not found:
        return []
    return [{"type": "static_select", "action_id": name, "placeholder": plain_text(label), "options": found}]
