"""In which form Slack takes a message: whole first, and plainer each time it complains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, TypeVar

from daemon import blocks, plain
from daemon.errors import PermanentDeliveryError
from daemon.messages import Message
from daemon.slackerrors import code_of

EVENT_TYPE = "topicwire_alert"

Result = TypeVar("Result")


class Look(IntEnum):
    """How a message is shown: in blocks with its picture, without it, as text, as one line."""

    WHOLE = 0
    NO_PICTURE = 1
    TEXT = 2
    LINE = 3


class Label(IntEnum):
    """What a message says of itself, to be found by: the last can only be found by its id."""

    ALL_KEYS = 0
    OWN_KEY = 1
    NONE = 2


@dataclass(frozen=True, slots=True)
class Form:
    """A way to post a message."""

    look: Look = Look.WHOLE
    label: Label = Label.ALL_KEYS


def in_some_form(message: Message, show: Callable[[Form], Result]) -> Result:
    """What `show` returns for the first form that Slack takes; PermanentDeliveryError if it takes none."""
    form = Form()
    while True:
        try:
            return show(form)
        except PermanentDeliveryError as error:
            next_form = plainer(form, message, code_of(error))
            if next_form is None:
                raise
            form = next_form


def plainer(form: Form, message: Message, code: str) -> Form | None:
    """The next form to try after a complaint, or None where there is none left.

    A message is not held back for its metadata: one that can be found by fewer keys, or by none,
    is better than one that nobody reads.
    """
    if "metadata" in code or form.look is Look.LINE:
        return replace(form, label=Label(form.label + 1)) if form.label < Label.NONE else None
    if form.look is Look.WHOLE and message.picture is None:
        return replace(form, look=Look.TEXT)
    return replace(form, look=Look(form.look + 1))


def content(message: Message, form: Form, *, interactive: bool = True) -> dict[str, Any]:
    """What chat.postMessage and chat.update are given of a message in a form."""
    if form.look >= Look.TEXT:
        text = plain.text(message) if form.look is Look.TEXT else plain.fallback(message)
        shown: dict[str, Any] = {"text": text}
    else:
        seen = replace(message, picture=message.picture if form.look is Look.WHOLE else None)
        shown = {"text": plain.fallback(message), "blocks": blocks.blocks(seen, interactive=interactive)}
    if form.label is Label.NONE:
        return shown
    return shown | {"metadata": metadata(message, with_alerts=form.label is Label.ALL_KEYS)}


def metadata(message: Message, *, with_alerts: bool = True) -> dict[str, Any]:
    """What a message is found by. Slack's types refuse an array of strings, so the keys are one."""
    payload = {"key": message.key}
    if with_alerts and message.keys not in ((), (message.key,)):
        payload["alerts"] = ",".join(message.keys)
    return {"event_type": EVENT_TYPE, "event_payload": payload}
