"""What Slack takes of a message: its limits, and which of them a message breaks. Pure.

Limits: docs.slack.dev, reference of blocks, and slack_sdk 3.47 (models); the one on a whole message is
undocumented (bolt-js issue 2867: 9,597 characters and 15,561 of JSON were taken, 11,341 and 17,694 refused).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

Block = dict[str, Any]

MOST_TEXT = 8_000  # characters
MOST_JSON = 13_000  # bytes of UTF-8
MOST_BLOCKS = 50
MOST_OPTIONS = 100
LONGEST_VALUE = 150  # of an option; a button's may have 2,000

_TEXTS = ("text", "alt_text")
_LONGEST = {"section": 3000, "header": 150, "context": 3000, "button": 75, "option": 75, "placeholder": 150}
_ELEMENTS = {"context": 10, "actions": 25}
_OPTIONS = {"static_select": MOST_OPTIONS, "overflow": 5}
_ACCESSORIES = ("button", "overflow", "static_select")
_LONGEST_ID, _LONGEST_ALT, _LONGEST_BUTTON_VALUE = 255, 2000, 2000


def json_size(body: object) -> int:
    """Bytes of a body as compact JSON."""
    return len(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass"))


def text_size(body: object) -> int:
    """Characters of all texts in a body: what is shown, and the fallback."""
    return sum(len(text) for _, text in _texts(body, ""))


def problems(body: Block) -> list[str]:
    """Every limit that a request's body breaks: its `blocks`, its `text`, and all of it together."""
    blocks = body.get("blocks", [])
    found = [] if 1 <= len(blocks) <= MOST_BLOCKS else [f"{len(blocks)} blocks"]
    for index, block in enumerate(blocks):
        found += [f"block {index}: {problem}" for problem in _of_block(block)]
    found += [f"{where}: no text" for where, text in _texts(body, "body") if not text.strip()]
    found += _repeated("block_id", [block["block_id"] for block in blocks if "block_id" in block])
    found += _repeated(
        "action_id", [element["action_id"] for element in _elements(blocks) if "action_id" in element]
    )
    if not body.get("text"):
        found.append("body: no fallback")
    if (size := text_size(body)) > MOST_TEXT:
        found.append(f"{size} characters of text")
    if (size := json_size(body)) > MOST_JSON:
        found.append(f"{size} bytes of JSON")
    return found


def _of_block(block: Block) -> Iterator[str]:
    if len(block.get("block_id", "")) > _LONGEST_ID:
        yield "block_id too long"
    match block["type"]:
        case "section" | "header" as kind:
            yield from _of_text(block.get("text", {}), _LONGEST[kind], plain=kind == "header")
            if "accessory" in block:
                yield from _of_element(block["accessory"])
        case "context" | "actions" as kind:
            if not 1 <= len(block["elements"]) <= _ELEMENTS[kind]:
                yield f"{len(block['elements'])} elements"
            for element in block["elements"]:
                if kind == "context":
                    yield from _of_text(element, _LONGEST[kind], plain=False)
                else:
                    yield from _of_element(element)
        case "image":
            if not 1 <= len(block["alt_text"]) <= _LONGEST_ALT:
                yield f"alt_text of {len(block['alt_text'])}"
        case kind:
            yield f"a {kind} block"


def _of_element(element: Block) -> Iterator[str]:
    if element["type"] not in _ACCESSORIES:
        yield f"a {element['type']} element"
        return
    if not 1 <= len(element.get("action_id", "")) <= _LONGEST_ID:
        yield "action_id too short or too long"
    if element["type"] == "button":
        yield from _of_text(element.get("text", {}), _LONGEST["button"], plain=True)
        if not 1 <= len(element.get("value", "")) <= _LONGEST_BUTTON_VALUE:
            yield f"value of {len(element.get('value', ''))}"
        if element.get("style", "primary") not in ("primary", "danger"):
            yield f"style {element['style']}"
        return
    if "placeholder" in element:
        yield from _of_text(element["placeholder"], _LONGEST["placeholder"], plain=True)
    if not 1 <= len(element["options"]) <= _OPTIONS[element["type"]]:
        yield f"{len(element['options'])} options"
    for option in element["options"]:
        yield from _of_text(option.get("text", {}), _LONGEST["option"], plain=True)
        if not 1 <= len(option.get("value", "")) <= LONGEST_VALUE:
            yield f"option value of {len(option.get('value', ''))}"


def _of_text(text: Block, longest: int, *, plain: bool) -> Iterator[str]:
    if text.get("type") != ("plain_text" if plain else "mrkdwn"):
        yield f"text is {text.get('type')}"
    if not 1 <= len(text.get("text", "")) <= longest:
        yield f"text of {len(text.get('text', ''))}"


def _texts(part: object, where: str) -> Iterator[tuple[str, str]]:
    """Every text in a body, with where it stands."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key in _TEXTS and isinstance(value, str):
                yield f"{where}.{key}", value
            else:
                yield from _texts(value, f"{where}.{key}")
    elif isinstance(part, list):
        for index, value in enumerate(part):
            yield from _texts(value, f"{where}[{index}]")


def _elements(blocks: list[Block]) -> Iterator[Block]:
    for block in blocks:
        if "accessory" in block:
            yield block["accessory"]
        if block["type"] == "actions":
            yield from block["elements"]


def _repeated(name: str, values: list[str]) -> list[str]:
    return [f"{name} {value!r} twice" for value, times in Counter(values).items() if times > 1]
