"""How Slack shows what it holds: the shapes of messages and channels in answers and payloads."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping
from typing import Any

from tests.slack_workspace import APP, BOT, BOT_NAME, BOT_USER, TEAM, Channel, Workspace

# What a message shows in which answer, as the types of @slack/web-api 8.2.0 have it.
IN_POST = frozenset(
    "type subtype user ts team bot_id app_id bot_profile text blocks attachments metadata thread_ts "
    "parent_user_id root".split()
)
IN_UPDATE = frozenset("type user team bot_id app_id bot_profile text blocks files metadata edited".split())
IN_ROOT = frozenset(
    "type subtype ts bot_id text thread_ts parent_user_id reply_count reply_users reply_users_count "
    "latest_reply subscribed".split()
)
NOT_IN_THREAD = frozenset({"subtype", "root", "client_msg_id"})

Threads = Mapping[str, list[dict[str, Any]]]


def shown(
    workspace: Workspace, message: dict[str, Any], *, metadata: bool = True, threads: Threads | None = None
) -> dict[str, Any]:
    """A message as reading shows it. `threads` of its channel, if they are at hand."""
    user = message.get("user", BOT_USER)
    found: dict[str, Any] = {"type": "message", "user": user, "ts": message["ts"], "team": TEAM}
    if user == BOT_USER:
        found |= {"bot_id": BOT, "app_id": APP, "bot_profile": _bot_profile()}
    found["text"] = message.get("text") or ""
    if message.get("blocks"):
        found["blocks"] = with_defaults(message["blocks"])
    for key in ("attachments", "edited", "subtype", "files", "client_msg_id"):
        if message.get(key):
            found[key] = message[key]
    if metadata and message.get("metadata"):
        found["metadata"] = message["metadata"]
    if threads is None:
        threads = workspace.threads(str(message.get("channel")))
    return found | _of_thread(workspace, message, threads)


def _of_thread(workspace: Workspace, message: dict[str, Any], threads: Threads) -> dict[str, Any]:
    channel, root_ts = str(message.get("channel")), message.get("thread_ts")
    if root_ts and root_ts != message["ts"]:
        root = workspace.find(channel, root_ts) or {}
        found = {"thread_ts": root_ts, "parent_user_id": root.get("user", BOT_USER)}
        if is_broadcast(message):
            found |= {
                "subtype": "thread_broadcast",
                "root": only(shown(workspace, root, threads=threads), IN_ROOT) if root else {},
            }
        return found
    replies = threads.get(message["ts"], [])
    if not replies:
        return {}
    users = sorted({reply.get("user", BOT_USER) for reply in replies})
    return {
        "thread_ts": message["ts"],
        "reply_count": len(replies),
        "reply_users_count": len(users),
        "latest_reply": replies[-1]["ts"],
        "reply_users": users,
        "is_locked": False,
        "subscribed": False,
    }


def only(message: dict[str, Any], keys: Collection[str]) -> dict[str, Any]:
    """As much of a message as this kind of answer has."""
    return {key: value for key, value in message.items() if key in keys}


def is_reply(message: dict[str, Any]) -> bool:
    return bool(message.get("thread_ts")) and message["thread_ts"] != message["ts"]


def is_broadcast(message: dict[str, Any]) -> bool:
    return is_reply(message) and truth(message.get("reply_broadcast"))


def truth(value: Any) -> bool:
    """What a form or JSON means by it."""
    return str(value).lower() in ("1", "true")


def with_defaults(blocks: list[Any]) -> list[Any]:
    """Blocks as Slack gives them back: each with a block_id, texts with their defaults filled in."""
    return [{"block_id": f"b{number}", **_filled(block)} for number, block in enumerate(blocks)]


def _filled(thing: Any) -> Any:
    if isinstance(thing, list):
        return [_filled(one) for one in thing]
    if not isinstance(thing, dict):
        return thing
    found = {key: _filled(value) for key, value in thing.items()}
    if found.get("type") == "plain_text":
        return {"emoji": True, **found}
    return {"verbatim": False, **found} if found.get("type") == "mrkdwn" else found


def _bot_profile() -> dict[str, Any]:
    return {
        "id": BOT,
        "app_id": APP,
        "user_id": BOT_USER,
        "name": BOT_NAME,
        "icons": {"image_36": "", "image_48": "", "image_72": ""},
        "deleted": False,
        "updated": 1700000000,
        "team_id": TEAM,
    }


def channel_shown(channel: Channel) -> dict[str, Any]:
    return {
        "id": channel.id,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": not channel.is_private,
        "is_group": False,
        "is_im": False,
        "is_mpim": False,
        "is_private": channel.is_private,
        "is_archived": channel.is_archived,
        "is_member": channel.is_member,
        "is_general": False,
        "is_shared": False,
        "is_org_shared": False,
        "is_ext_shared": False,
        "created": 1700000000,
        "updated": 1700000000000,
        "creator": "U1",
        "unlinked": 0,
        "context_team_id": TEAM,
        "shared_team_ids": [TEAM],
        "topic": {"value": "", "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
        "previous_names": [],
    }


def cursor_to(ts: str) -> str:
    """Where the next page begins, as Slack writes it."""
    return base64.b64encode(f"next_ts:{ts.replace('.', '')}".encode()).decode()


def ts_of(cursor: str) -> float | None:
    """Where a page begins, or None where Slack would not know the cursor."""
    try:
        name, _, digits = base64.b64decode(cursor, validate=True).decode().partition(":")
        return float(f"{digits[:-6]}.{digits[-6:]}") if name == "next_ts" else None
    except ValueError:
        return None
