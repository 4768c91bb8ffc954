"""Files in the stand-in for Slack: an address to upload to, the bytes, the completion, and then the wait.

Slack completes uploads some time after it said so: until then `files.info` knows no type, and a
block that shows the file is refused (python-slack-sdk, issue 1521).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tests.slack_faults import SlackError
from tests.slack_workspace import BOT_USER, DOMAIN, TEAM, File

if TYPE_CHECKING:
    from tests.slack_workspace import Workspace


def get_upload_url(workspace: Workspace, given: dict[str, Any]) -> dict[str, Any]:
    try:
        name, length = str(given["filename"]), int(given["length"])
    except (KeyError, ValueError):
        raise SlackError("invalid_arguments") from None
    if not name or length < 1:
        raise SlackError("invalid_arguments")
    id = f"F{len(workspace.files) + 1:08d}"
    workspace.files[id] = File(id, name, length, created_at=workspace.clock())
    return {"upload_url": f"{getattr(workspace, 'upload_url', '')}{id}", "file_id": id}


def take(workspace: Workspace, id: str, data: bytes) -> tuple[int, bytes]:
    """The bytes of a file, at its upload address. Status and answer."""
    with workspace.lock:
        file = workspace.files.get(id)
        if file is None or file.ready_at is not None:
            return 404, b"not found"
        if len(data) != file.length:
            return 400, b"length does not match"
        file.data = data
        return 200, f"OK - {len(data)}".encode()


def complete_upload(workspace: Workspace, given: dict[str, Any]) -> dict[str, Any]:
    wanted = given.get("files")
    if not isinstance(wanted, list) or not wanted or not all(isinstance(one, dict) for one in wanted):
        raise SlackError("invalid_arguments")
    found = []
    for one in wanted:
        file = workspace.files.get(str(one.get("id")))
        if file is None or file.data is None:
            raise SlackError("file_not_found")
        file.title = str(one.get("title") or file.name)
        found.append(file)
    for file in found:
        if file.ready_at is None:
            file.ready_at = workspace.clock() + workspace.file_delay
    if given.get("channel_id"):
        _share(workspace, found, given)
    return {"files": [_shown(workspace, file) for file in found]}


def _share(workspace: Workspace, files: list[File], given: dict[str, Any]) -> None:
    """A message of Slack's own making: it has no metadata."""
    channel = workspace.channel(given["channel_id"])
    if not channel.is_member:
        raise SlackError("posting_to_channel_denied")
    more = {key: given[key] for key in ("thread_ts",) if given.get(key)}
    shown = [_shown(workspace, file) for file in files]
    workspace.keep(
        {"channel": channel.id, "text": str(given.get("initial_comment") or ""), "files": shown}, **more
    )


def info(workspace: Workspace, given: dict[str, Any]) -> dict[str, Any]:
    file = workspace.files.get(str(given.get("file")))
    if file is None or file.ready_at is None:
        raise SlackError("file_not_found")
    paging = {"count": 100, "total": 0, "page": 1, "pages": 0}
    return {"file": _shown(workspace, file), "comments": [], "paging": paging}


def is_ready(workspace: Workspace, picture: Mapping[str, Any]) -> bool:
    """Whether a block may show it, named by its id or its address."""
    for file in workspace.files.values():
        if file.id == picture.get("id") or _address(file) == picture.get("url"):
            return file.ready_at is not None and file.ready_at <= workspace.clock()
    return False


def _address(file: File) -> str:
    return f"https://files.slack.com/files-pri/{TEAM}-{file.id}/{file.name.lower()}"


def _shown(workspace: Workspace, file: File) -> dict[str, Any]:
    done = file.ready_at is not None and file.ready_at <= workspace.clock()
    kind = file.name.rpartition(".")[2].lower()
    return {
        "id": file.id,
        "created": int(file.created_at),
        "timestamp": int(file.created_at),
        "name": file.name,
        "title": file.title,
        "mimetype": f"image/{kind}" if done else "",
        "filetype": kind if done else "",
        "pretty_type": kind.upper() if done else "",
        "user": BOT_USER,
        "user_team": TEAM,
        "editable": False,
        "size": file.length,
        "mode": "hosted",
        "is_external": False,
        "external_type": "",
        "is_public": False,
        "public_url_shared": False,
        "display_as_bot": False,
        "username": "",
        "url_private": _address(file),
        "permalink": f"https://{DOMAIN}.slack.com/files/{BOT_USER}/{file.id}/{file.name.lower()}",
        "channels": [],
        "groups": [],
        "ims": [],
        "has_rich_preview": False,
        "file_access": "visible",
        "media_display_type": "unknown",
    }
