"""Mistakes one could make in a request: those that types catch, and those that only limits do."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

Body = dict[str, Any]
Mistake = Callable[[Body], object]


def made(body: Body, mistake: Mistake) -> Body:
    """A body like this one, with the mistake in it."""
    changed = copy.deepcopy(body)
    mistake(changed)
    return changed


def _first(body: Body, kind: str) -> Body:
    """The first block, or element of a block, of this type."""
    parts = [part for block in body["blocks"] for part in (block, *block.get("elements", []))]
    return next(part for part in parts if part["type"] == kind)


def _name_of(body: Body) -> str:
    return str(_first(body, "actions")["block_id"])


def _twice(body: Body) -> None:
    _first(body, "actions")["elements"].append(_first(body, "button"))


def _set(kind: str, **values: object) -> Mistake:
    return lambda body: _first(body, kind).update(values)


def _without(kind: str, key: str) -> Mistake:
    return lambda body: _first(body, kind).pop(key)


def _added(block: Body) -> Mistake:
    return lambda body: body["blocks"].append(block)


_PLAIN = {"type": "plain_text", "text": "x"}
_MRKDWN = {"type": "mrkdwn", "text": "x"}
_OPTION = {"text": _PLAIN, "value": "v"}
_SECTION = {"type": "section", "text": _MRKDWN}
_LONG_SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2900}}
_PICTURE = {"type": "image", "slack_file": {"id": "F1"}}

TYPES: Mapping[str, Mistake] = {
    "a block of an unknown type": _set("section", type="paragraph"),
    "a block without a type": _without("section", "type"),
    "a number for a text": _set("section", text={"type": "mrkdwn", "text": 93}),
    "a bare string for a text": _set("section", text="Energy"),
    "a text of an unknown type": _set("section", text={"type": "markdown", "text": "x"}),
    "a text without its text": _set("section", text={"type": "mrkdwn"}),
    "a key that mrkdwn has not": _set("section", text={**_MRKDWN, "emoji": False}),
    "a key that a button has not": _set("button", colour="green"),
    "an element of an unknown type": _set("button", type="push_button"),
    "a style of an unknown name": _set("button", style="warning"),
    "formatted text on a button": _set("button", text=_MRKDWN),
    "a button without a text": _without("button", "text"),
    "a number for a button's value": _set("button", value=7),
    "an option without a text": _set("static_select", options=[{"value": "v"}]),
    "a formatted option in a menu": _set("static_select", options=[{**_OPTION, "text": _MRKDWN}]),
    "a bare string for an option": _set("static_select", options=["energy"]),
    "a button in a context": _set("context", elements=[{"type": "button", "text": _PLAIN}]),
    "formatted text in a header": _added({"type": "header", "text": _MRKDWN}),
    "a picture without words for it": _added(_PICTURE),
    "a picture by its bare id": _added({"type": "image", "slack_file": "F1", "alt_text": "x"}),
    "a picture from nowhere": _added({"type": "image", "alt_text": "x"}),
    "an object for the blocks": lambda body: body.update(blocks={"0": _SECTION}),
    "metadata without their type": lambda body: body["metadata"].pop("event_type"),
    "metadata without their payload": lambda body: body["metadata"].pop("event_payload"),
    "a list of keys in metadata": lambda body: body["metadata"]["event_payload"].update(alerts=["k1", "k2"]),
    "nothing in metadata": lambda body: body["metadata"]["event_payload"].update(alerts=None),
    "no channel": lambda body: body.pop("channel"),
    "no text": lambda body: body.pop("text"),
    "a number for a thread": lambda body: body.update(thread_ts=1772712000.5),
    "a word for a flag": lambda body: body.update(unfurl_links="false"),
    "an argument of an unknown name": lambda body: body.update(thread="1772712000.500000"),
    "a broadcast of what is no reply": lambda body: body.update(reply_broadcast=True),
    "markdown beside a text": lambda body: body.update(markdown_text="# x"),
}  # fmt: skip

# Of these Slack takes most as if they were not there.
ABOUT_ARGUMENTS = frozenset(
    {"no channel", "no text", "a number for a thread", "a word for a flag", "an argument of an unknown name",
     "a broadcast of what is no reply", "markdown beside a text"}
)  # fmt: skip

LIMITS: Mapping[str, Mistake] = {
    "sixty blocks": lambda body: body["blocks"].extend([_SECTION] * 60),
    "a section of 5,000 characters": _set("section", text={"type": "mrkdwn", "text": "x" * 5000}),
    "an empty section": _set("section", text={"type": "mrkdwn", "text": ""}),
    "a section without a text": _without("section", "text"),
    "an empty context": _set("context", elements=[]),
    "eleven elements in a context": _set("context", elements=[_MRKDWN] * 11),
    "a menu of nothing": _set("static_select", options=[]),
    "a menu of 101 options": _set("static_select", options=[_OPTION] * 101),
    "an option without a value": _set("static_select", options=[{"text": _PLAIN}]),
    "a button of 76 characters": _set("button", text={**_PLAIN, "text": "x" * 76}),
    "a button without a name": _without("button", "action_id"),
    "two buttons of one name": _twice,
    "a button's value of 2,001 characters": _set("button", value="x" * 2001),
    "two blocks of one name": lambda body: body["blocks"].append({**_SECTION, "block_id": _name_of(body)}),
    "a header of 151 characters": _added({"type": "header", "text": {**_PLAIN, "text": "x" * 151}}),
    "a picture with empty words for it": _added({**_PICTURE, "alt_text": ""}),
    "more text than Slack takes of a message": lambda body: body["blocks"].extend([_LONG_SECTION] * 3),
    "more JSON than Slack takes of a message": lambda body: body["blocks"].extend(
        {**_SECTION, "block_id": f"{number:0250d}"} for number in range(40)
    ),
    "a message without a text": lambda body: body.update(text=""),
}  # fmt: skip

ANSWERS: Mapping[str, Mistake] = {
    "a moment as a number": lambda answer: answer.update(ts=1772712000.5),
    "no moment": lambda answer: answer.pop("ts"),
    "no channel": lambda answer: answer.pop("channel"),
    "no message": lambda answer: answer.pop("message"),
    "a bare error": lambda answer: answer.update(ok=False),
    "an error for a flag": lambda answer: answer.update(ok="yes"),
    "a key that nobody knows": lambda answer: answer.update(message_ts="1772712000.500000"),
}
