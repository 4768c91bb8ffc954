"""Slack's rules for each kind of block and what stands in it (docs.slack.dev, Block Kit reference). Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

_Check = Callable[[Any, str], None]


class BadBlockError(Exception):
    """Which rule a block breaks, in Slack's manner: a sentence and a JSON pointer."""

    def __init__(self, problem: str, pointer: str) -> None:
        super().__init__(f"[ERROR] {problem} [json-pointer:{pointer}]")


def check_block(block: Any, at: str) -> None:
    """Raise BadBlockError if Slack would not take this block; `at`: where it stands."""
    check = BLOCKS.get(block.get("type")) if isinstance(block, dict) else None
    if check is None:
        raise BadBlockError("unsupported type", f"{at}/type")
    _length(block.get("block_id", "x"), 255, f"{at}/block_id")
    check(block, at)


def elements_of(block: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What can be pressed in a block."""
    found = list(block.get("elements") or []) if block.get("type") == "actions" else []
    return [*found, block["accessory"]] if block.get("accessory") else found


def _keys(thing: Any, allowed: str, required: str, at: str) -> None:
    if not isinstance(thing, dict):
        raise BadBlockError("must be an object", at)
    for key in thing:
        if key not in {"type", "block_id", *allowed.split(), *required.split()}:
            raise BadBlockError(f"invalid additional property: {key}", at)
    for key in required.split():
        if key not in thing:
            raise BadBlockError(f"missing required field: {key}", at)


def _length(text: Any, most: int, at: str, *, least: int = 1) -> None:
    if not isinstance(text, str):
        raise BadBlockError("must be a string", at)
    if len(text) < least:
        raise BadBlockError(f"must be more than {least - 1} characters", at)
    if len(text) > most:
        raise BadBlockError(f"must be less than {most + 1} characters", at)


def _number(things: Any, most: int, at: str) -> None:
    if not isinstance(things, list):
        raise BadBlockError("must be an array", at)
    if not things:
        raise BadBlockError("no less than 1 items allowed", at)
    if len(things) > most:
        raise BadBlockError(f"no more than {most} items allowed", at)


def _text(thing: Any, most: int, at: str, kinds: Collection[str] = ("plain_text", "mrkdwn")) -> None:
    kind = thing.get("type") if isinstance(thing, dict) else None
    if kind not in kinds:
        raise BadBlockError(f"must be a text object of type {' or '.join(kinds)}", at)
    _keys(thing, "emoji" if kind == "plain_text" else "verbatim", "text", at)
    for key in ("emoji", "verbatim"):
        if not isinstance(thing.get(key, True), bool):
            raise BadBlockError("must be a boolean", f"{at}/{key}")
    _length(thing["text"], most, f"{at}/text")


def _plain(thing: Any, most: int, at: str) -> None:
    _text(thing, most, at, ("plain_text",))


def _section(block: dict[str, Any], at: str) -> None:
    _keys(block, "text fields accessory expand", "", at)
    if "text" not in block and "fields" not in block:
        raise BadBlockError("missing required field: text", at)
    if "text" in block:
        _text(block["text"], 3000, f"{at}/text")
    if "fields" in block:
        _number(block["fields"], 10, f"{at}/fields")
        for number, field in enumerate(block["fields"]):
            _text(field, 2000, f"{at}/fields/{number}")
    if "accessory" in block:
        _element(block["accessory"], f"{at}/accessory")


def _header(block: dict[str, Any], at: str) -> None:
    _keys(block, "", "text", at)
    _plain(block["text"], 150, f"{at}/text")


def _context(block: dict[str, Any], at: str) -> None:
    _keys(block, "", "elements", at)
    _number(block["elements"], 10, f"{at}/elements")
    for number, element in enumerate(block["elements"]):
        inner = f"{at}/elements/{number}"
        if isinstance(element, dict) and element.get("type") == "image":
            _image(element, inner)
        else:
            _text(element, 3000, inner)


def _actions(block: dict[str, Any], at: str) -> None:
    _keys(block, "", "elements", at)
    _number(block["elements"], 25, f"{at}/elements")
    for number, element in enumerate(block["elements"]):
        if isinstance(element, dict) and element.get("type") == "image":
            raise BadBlockError("unsupported type", f"{at}/elements/{number}")
        _element(element, f"{at}/elements/{number}")


def _image(block: dict[str, Any], at: str) -> None:
    _keys(block, "image_url slack_file title", "alt_text", at)
    _length(block["alt_text"], 2000, f"{at}/alt_text")
    if ("image_url" in block) == ("slack_file" in block):
        raise BadBlockError("either image_url or slack_file", at)
    if "image_url" in block:
        _length(block["image_url"], 3000, f"{at}/image_url")
    if "title" in block:
        _plain(block["title"], 2000, f"{at}/title")


def _divider(block: dict[str, Any], at: str) -> None:
    _keys(block, "", "", at)


def _markdown(block: dict[str, Any], at: str) -> None:
    _keys(block, "", "text", at)
    _length(block["text"], 12_000, f"{at}/text")


def _rich_text(block: dict[str, Any], at: str) -> None:
    _keys(block, "", "elements", at)
    if not isinstance(block["elements"], list):
        raise BadBlockError("must be an array", f"{at}/elements")


def _element(element: Any, at: str) -> None:
    check = _ELEMENTS.get(element.get("type")) if isinstance(element, dict) else None
    if check is None:
        raise BadBlockError("unsupported type", f"{at}/type")
    _length(element.get("action_id", "x"), 255, f"{at}/action_id")
    check(element, at)
    if "confirm" in element:
        _confirm(element["confirm"], f"{at}/confirm")


def _button(element: dict[str, Any], at: str) -> None:
    _keys(element, "action_id url value style confirm accessibility_label", "text", at)
    _plain(element["text"], 75, f"{at}/text")
    _length(element.get("value", "x"), 2000, f"{at}/value")
    _length(element.get("url", "x"), 3000, f"{at}/url")
    _length(element.get("accessibility_label", "x"), 75, f"{at}/accessibility_label")
    if element.get("style", "primary") not in ("primary", "danger"):
        raise BadBlockError("unsupported style", f"{at}/style")


def _select(element: dict[str, Any], at: str) -> None:
    _keys(element, "action_id placeholder options option_groups initial_option confirm focus_on_load", "", at)
    if "placeholder" in element:
        _plain(element["placeholder"], 150, f"{at}/placeholder")
    if ("options" in element) == ("option_groups" in element):
        raise BadBlockError("either options or option_groups", at)
    if "options" in element:
        _options(element["options"], 100, f"{at}/options")
    else:
        _number(element["option_groups"], 100, f"{at}/option_groups")
        for number, group in enumerate(element["option_groups"]):
            inner = f"{at}/option_groups/{number}"
            _keys(group, "", "label options", inner)
            _plain(group["label"], 75, f"{inner}/label")
            _options(group["options"], 100, f"{inner}/options")
    if "initial_option" in element and element["initial_option"] not in options_of(element):
        raise BadBlockError("must be one of the options", f"{at}/initial_option")


def options_of(element: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What can be chosen in a menu."""
    groups = element.get("option_groups") or []
    return [*(element.get("options") or []), *(option for group in groups for option in group["options"])]


def _overflow(element: dict[str, Any], at: str) -> None:
    _keys(element, "action_id confirm", "options", at)
    _options(element["options"], 5, f"{at}/options", "url")


def _options(options: Any, most: int, at: str, more: str = "") -> None:
    _number(options, most, at)
    for number, option in enumerate(options):
        inner = f"{at}/{number}"
        _keys(option, f"description {more}", "text value", inner)
        _plain(option["text"], 75, f"{inner}/text")
        _length(option["value"], 150, f"{inner}/value")
        if "description" in option:
            _plain(option["description"], 75, f"{inner}/description")
        _length(option.get("url", "x"), 3000, f"{inner}/url")


def _confirm(confirm: Any, at: str) -> None:
    _keys(confirm, "style", "title text confirm deny", at)
    _plain(confirm["title"], 100, f"{at}/title")
    _text(confirm["text"], 300, f"{at}/text")
    _plain(confirm["confirm"], 30, f"{at}/confirm")
    _plain(confirm["deny"], 30, f"{at}/deny")


BLOCKS: Mapping[Any, _Check] = {
    "section": _section,
    "header": _header,
    "context": _context,
    "actions": _actions,
    "image": _image,
    "divider": _divider,
    "markdown": _markdown,
    "rich_text": _rich_text,
}
_ELEMENTS: Mapping[Any, _Check] = {
    "button": _button,
    "static_select": _select,
    "overflow": _overflow,
    "image": _image,
}
