"""How the stand-in for Slack lets a channel and its threads be read: what is seen, and page by page."""

from __future__ import annotations

from typing import Any

from tests.slack_faults import SlackError
from tests.slack_shapes import NOT_IN_THREAD, cursor_to, is_broadcast, is_reply, only, shown, truth, ts_of
from tests.slack_workspace import Channel, Workspace

_USUAL, _MOST = 100, 999  # messages a page


def history(workspace: Workspace, given: dict[str, Any]) -> dict[str, Any]:
    """Roots and replies that were told to all, the newest first."""
    channel = _readable_channel(workspace, given)
    found = [one for one in workspace.messages if one.get("channel") == channel.id and workspace.is_seen(one)]
    found = [one for one in found if not is_reply(one) or is_broadcast(one)]
    found = [one for one in found if _is_within(one, given)]
    found.sort(key=lambda one: -float(one["ts"]))
    page, more = _page(found, given, newest_first=True)
    metadata, threads = truth(given.get("include_all_metadata")), workspace.threads(channel.id)
    return {
        "messages": [shown(workspace, one, metadata=metadata, threads=threads) for one in page],
        "pin_count": 0,
        **more,
    }


def replies(workspace: Workspace, given: dict[str, Any]) -> dict[str, Any]:
    """A thread: its root, and the replies, the oldest first."""
    channel = _readable_channel(workspace, given)
    root = workspace.find(channel.id, given.get("ts"))
    if root is None or not workspace.is_seen(root):
        raise SlackError("thread_not_found")
    threads = workspace.threads(channel.id)
    found = [one for one in threads.get(root["ts"], []) if _is_within(one, given)]
    page, more = _page(found, given, newest_first=False)
    metadata = truth(given.get("include_all_metadata"))
    # Slack gives the root on every page, and whatever `oldest` says.
    messages = [shown(workspace, one, metadata=metadata, threads=threads) for one in (root, *page)]
    return {"messages": [only(one, one.keys() - NOT_IN_THREAD) for one in messages], **more}


def _is_within(message: dict[str, Any], given: dict[str, Any]) -> bool:
    inclusive, ts = truth(given.get("inclusive")), float(message["ts"])
    oldest, latest = _moment(given, "oldest", 0.0), _moment(given, "latest", float("inf"))
    return oldest < ts < latest or (inclusive and ts in (oldest, latest))


def _moment(given: dict[str, Any], name: str, otherwise: float) -> float:
    try:
        return float(given.get(name) or otherwise)
    except ValueError:
        raise SlackError(f"invalid_ts_{name}") from None


def _page(
    found: list[dict[str, Any]], given: dict[str, Any], *, newest_first: bool
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    if cursor := given.get("cursor"):
        start = ts_of(str(cursor))
        if start is None:
            raise SlackError("invalid_cursor")
        found = [
            one for one in found if (float(one["ts"]) <= start if newest_first else float(one["ts"]) >= start)
        ]
    wanted = str(given.get("limit") or _USUAL)
    if not wanted.isdecimal() or int(wanted) < 1:
        raise SlackError("invalid_limit")
    limit = min(int(wanted), _MOST)
    more: dict[str, Any] = {"has_more": len(found) > limit}
    if more["has_more"]:
        more["response_metadata"] = {"next_cursor": cursor_to(found[limit]["ts"])}
    return found[:limit], more


def _readable_channel(workspace: Workspace, given: dict[str, Any]) -> Channel:
    channel = workspace.channel(given.get("channel"))
    if not channel.is_member:
        raise SlackError("not_in_channel")
    return channel
