"""Slack's rules for what a message may hold, as documented (docs.slack.dev, Block Kit reference). Pure.

One limit is not documented: the blocks of a message may not be too long in all. Refusals were seen
from 13,200 characters of JSON on (bolt-js, issues 2867 and 2509), so we refuse above 13,000.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.slack_elements import BadBlockError, check_block, elements_of

MOST_BLOCKS = 50
LONGEST_BLOCKS = 13_000
LONGEST_TEXT = 40_000  # longer ones are cut
LONGEST_UPDATE = 4_000  # bytes, as gitlab-org/gitlab found (merge request 258898)
LONGEST_METADATA = 8_000  # Slack names the error and no number

FileIsReady = Callable[[Mapping[str, Any]], bool]


def check_blocks(blocks: list[Any], file_is_ready: FileIsReady) -> None:
    """Raise BadBlockError if Slack would not take these blocks (their length in all is another matter)."""
    if len(blocks) > MOST_BLOCKS:
        raise BadBlockError(f"no more than {MOST_BLOCKS} items allowed", "/blocks")
    for number, block in enumerate(blocks):
        check_block(block, f"/blocks/{number}")
    _check_unique(blocks)
    for number, block in enumerate(blocks):
        for picture in _pictures(block):
            if "id" in picture and not re.fullmatch(r"F[A-Z0-9]{8,}", str(picture["id"])):
                raise BadBlockError(
                    "input must match regex pattern: ^[F][A-Z0-9]{8,}$", f"/blocks/{number}/slack_file/id"
                )
            if not file_is_ready(picture):
                raise BadBlockError("invalid slack file", f"/blocks/{number}/slack_file")
    if sum(len(block["text"]) for block in blocks if block["type"] == "markdown") > 12_000:
        raise BadBlockError("markdown of more than 12000 characters", "/blocks")


def are_too_long(blocks: list[Any]) -> bool:
    return len(json.dumps(blocks, ensure_ascii=False, separators=(",", ":"))) > LONGEST_BLOCKS


def metadata_problem(metadata: Any) -> str | None:
    """The error code for this metadata, or None; values may be lists only of objects."""
    if metadata is None or metadata == {}:
        return None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_type"), str):
        return "invalid_metadata_format"
    if not metadata["event_type"] or not isinstance(metadata.get("event_payload"), dict):
        return "invalid_metadata_format"
    if not all(_is_metadata_value(value) for value in metadata["event_payload"].values()):
        return "invalid_metadata_schema"
    return "metadata_too_large" if len(json.dumps(metadata)) > LONGEST_METADATA else None


def _is_metadata_value(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(one, dict) and _is_metadata_value(one) for one in value)
    if isinstance(value, dict):
        return all(_is_metadata_value(one) for one in value.values())
    return isinstance(value, str | int | float | bool)


def _check_unique(blocks: list[dict[str, Any]]) -> None:
    block_ids, action_ids = set(), set()
    for number, block in enumerate(blocks):
        if (block_id := block.get("block_id")) is not None:
            if block_id in block_ids:
                raise BadBlockError(f"block_id {block_id!r} already exists", f"/blocks/{number}/block_id")
            block_ids.add(block_id)
        for element in elements_of(block):
            if (action_id := element.get("action_id")) is not None:
                if action_id in action_ids:
                    raise BadBlockError(f"action_id {action_id!r} already exists", f"/blocks/{number}")
                action_ids.add(action_id)


def _pictures(block: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = [block, *(block.get("elements") or []), block.get("accessory") or {}]
    return [one["slack_file"] for one in found if isinstance(one, dict) and one.get("slack_file")]
