"""The methods of Slack's Web API that the stand-in speaks: what each does and answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from tests import slack_files, slack_reading, slack_rules
from tests.slack_elements import BadBlockError
from tests.slack_faults import SlackError
from tests.slack_shapes import IN_POST, IN_UPDATE, channel_shown, is_reply, only, shown, truth
from tests.slack_workspace import BOT, BOT_NAME, BOT_USER, DOMAIN, TEAM, TEAM_NAME, Channel, Workspace

Method = Callable[[Workspace, dict[str, Any]], dict[str, Any]]

_HISTORY = ("channels:history", "groups:history")
SCOPES: Mapping[str, tuple[str, ...]] = {
    "chat.postMessage": ("chat:write",),
    "chat.postEphemeral": ("chat:write",),
    "chat.update": ("chat:write",),
    "chat.delete": ("chat:write",),
    "conversations.history": _HISTORY,
    "conversations.replies": _HISTORY,
    "conversations.info": ("channels:read", "groups:read"),
    "conversations.join": ("channels:join",),
    "files.getUploadURLExternal": ("files:write",),
    "files.completeUploadExternal": ("files:write",),
    "files.info": ("files:read",),
}


def call(workspace: Workspace, method: str, given: dict[str, Any]) -> dict[str, Any]:
    """What Slack answers, having done it; or SlackError."""
    done = METHODS.get(method)
    if done is None:
        raise SlackError("unknown_method", req_method=method)
    needed = SCOPES.get(method, ())
    if needed and not workspace.has_scope(*needed):
        raise SlackError("missing_scope", needed=needed[0], provided=workspace.scopes)
    with workspace.lock:
        return {"ok": True, **done(workspace, given)}


def _auth_test(workspace: Workspace, given: dict[str, Any]) -> dict[str, Any]:
    return {
        "url": f"https://{DOMAIN}.slack.com/",
        "team": TEAM_NAME,
        "user": BOT_NAME,
        "team_id": TEAM,
        "user_id": BOT_USER,
        "bot_id": BOT,
        "is_enterprise_install": False,
    }


def _post_message(workspace: Workspace, given: dict[str, Any]) -> dict[str, Any]:
    channel = _open_channel(workspace, given)
    check_content(workspace, given)
    _check_thread(workspace, channel, given)
    if workspace.deduplicates and (known := _same(workspace, given)) is not None:
        return _posted(workspace, known) | {"is_duplicate": True}
    answer: dict[str, Any] = {}
    if len(str(given.get("text", ""))) > slack_rules.LONGEST_TEXT:
        given = given | {"text": given["text"][: slack_rules.LONGEST_TEXT]}
        warnings = ["message_truncated"]
        answer = {"warning": warnings[0], "response_metadata": {"warnings": warnings}}
    return _posted(workspace, workspace.keep({"text": "", **given})) | answer


def _posted(workspace: Workspace, message: dict[str, Any]) -> dict[str, Any]:
    return {
        "channel": message["channel"],
        "ts": message["ts"],
        "message": only(shown(workspace, message), IN_POST),
    }


def _same(workspace: Workspace, given: dict[str, Any]) -> dict[str, Any] | None:
    wanted = given.get("client_msg_id")
    found = (one for one in workspace.messages if wanted and one.get("client_msg_id") == wanted)
    return next((one for one in found if one["channel"] == given["channel"]), None)


def _post_ephemeral(workspace: Workspace, given: dict[str, Any]) -> dict[str, Any]:
    _open_channel(workspace, given)
    if not given.get("user"):
        raise SlackError("user_not_in_channel")
    check_content(workspace, given)
    ts = f"{workspace.clock():.6f}"
    workspace.ephemeral.append({**given, "ts": ts})
    return {"message_ts": ts}


def _update(workspace: Workspace, given: dict[str, Any]) -> dict[str, Any]:
    channel, message = _own_message(workspace, given)
    if channel.is_archived:
        raise SlackError("is_inactive")
    changes = {key: given[key] for key in ("text", "blocks", "attachments") if given.get(key) is not None}
    if not changes:
        raise SlackError("no_text")
    if len(str(changes.get("text", "")).encode()) > slack_rules.LONGEST_UPDATE:
        raise SlackError("msg_too_long")
    check_content(workspace, {"text": message.get("text"), **given})
    if given.get("metadata") is not None:
        changes["metadata"] = given["metadata"]
    if truth(given.get("reply_broadcast")) and is_reply(message):
        changes["reply_broadcast"] = True
    if "text" in changes and "blocks" not in changes:
        changes["blocks"] = []  # so the newest documentation; older ones said that they stay
    changes["edited"] = {"user": BOT_USER, "ts": f"{int(workspace.clock())}.000000"}
    message.update(changes)
    for key in ("blocks", "metadata", "attachments"):
        if key in message and not message[key]:
            del message[key]  # an empty one says that it goes
    workspace.updates.append({"channel": channel.id, "ts": message["ts"], **changes})
    return {
        "channel": channel.id,
        "ts": message["ts"],
        "text": str(message.get("text") or ""),
        "message": only(shown(workspace, message), IN_UPDATE),
    }


def _delete(workspace: Workspace, given: dict[str, Any]) -> dict[str, Any]:
    try:
        channel, message = _own_message(workspace, given)
    except SlackError as error:
        if error.answer["error"] == "cant_update_message":
            raise SlackError("cant_delete_message") from None
        raise
    workspace.delete(message["ts"])
    return {"channel": channel.id, "ts": message["ts"]}


def _own_message(workspace: Workspace, given: dict[str, Any]) -> tuple[Channel, dict[str, Any]]:
    channel = workspace.channel(given.get("channel"))
    message = workspace.find(channel.id, given.get("ts"))
    if message is None:
        raise SlackError("message_not_found")
    if message.get("user", BOT_USER) != BOT_USER:
        raise SlackError("cant_update_message")
    return channel, message


def _permalink(workspace: Workspace, given: dict[str, Any]) -> dict[str, Any]:
    channel = workspace.channel(given.get("channel"))
    message = workspace.find(channel.id, given.get("message_ts"))
    if message is None:
        raise SlackError("message_not_found")
    link = f"https://{DOMAIN}.slack.com/archives/{channel.id}/p{message['ts'].replace('.', '')}"
    if is_reply(message):
        link += f"?thread_ts={message['thread_ts']}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def _info(workspace: Workspace, given: dict[str, Any]) -> dict[str, Any]:
    return {"channel": channel_shown(workspace.channel(given.get("channel")))}


def _join(workspace: Workspace, given: dict[str, Any]) -> dict[str, Any]:
    channel = workspace.channel(given.get("channel"))
    if channel.is_archived:
        raise SlackError("is_archived")
    if channel.is_private:
        raise SlackError("method_not_supported_for_channel_type")
    was_member, channel.is_member = channel.is_member, True
    answer: dict[str, Any] = {"channel": channel_shown(channel)}
    if was_member:
        answer |= {"warning": "already_in_channel", "response_metadata": {"warnings": ["already_in_channel"]}}
    return answer


def _open_channel(workspace: Workspace, given: dict[str, Any]) -> Channel:
    channel = workspace.channel(given.get("channel"))
    if channel.is_archived:
        raise SlackError("is_archived")
    may_post = channel.is_member or (workspace.strict_scopes and workspace.has_scope("chat:write.public"))
    if not may_post:
        raise SlackError("not_in_channel")
    return channel


def _check_thread(workspace: Workspace, channel: Channel, given: dict[str, Any]) -> None:
    if not given.get("thread_ts"):
        return
    root = workspace.find(channel.id, given["thread_ts"])
    if root is None:
        raise SlackError("thread_not_found")
    if is_reply(root):
        raise SlackError("cannot_reply_to_message")


def check_content(workspace: Workspace, given: dict[str, Any]) -> None:
    """Raise SlackError unless Slack would take this as a message's content."""
    for key, wrong in (("blocks", "invalid_blocks_format"), ("metadata", "invalid_metadata_format")):
        if isinstance(given.get(key), str):
            raise SlackError(wrong)  # a form's field that was no JSON
    blocks = given.get("blocks") or []
    if not (str(given.get("text") or "").strip() or blocks or given.get("attachments")):
        raise SlackError("no_text")
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    try:
        slack_rules.check_blocks(blocks, lambda picture: slack_files.is_ready(workspace, picture))
    except BadBlockError as error:
        raise SlackError(
            "invalid_blocks", errors=[str(error)], response_metadata={"messages": [str(error)]}
        ) from None
    if slack_rules.are_too_long(blocks):
        raise SlackError("msg_blocks_too_long")
    if (problem := slack_rules.metadata_problem(given.get("metadata"))) is not None:
        raise SlackError(problem)


def arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked, with the fields that a form can only hold as JSON text; without the token."""
    found = {key: value for key, value in given.items() if key != "token"}
    for key in ("metadata", "blocks", "attachments", "files"):
        if isinstance(found.get(key), str):
            try:
                found[key] = json.loads(found[key])
            except ValueError:
                continue  # the method says what it thinks of it
    return found


def _connections_open(workspace: Workspace, given: dict[str, Any]) -> dict[str, Any]:
    return {"url": workspace.link_address()}


METHODS: Mapping[str, Method] = {
    "apps.connections.open": _connections_open,
    "auth.test": _auth_test,
    "chat.postMessage": _post_message,
    "chat.postEphemeral": _post_ephemeral,
    "chat.update": _update,
    "chat.delete": _delete,
    "chat.getPermalink": _permalink,
    "conversations.history": slack_reading.history,
    "conversations.replies": slack_reading.replies,
    "conversations.info": _info,
    "conversations.join": _join,
    "files.getUploadURLExternal": slack_files.get_upload_url,
    "files.completeUploadExternal": slack_files.complete_upload,
    "files.info": slack_files.info,
}
