"""A picture on its way into Slack: uploaded without being posted, so that a message of ours can show it.

Slack's own `files_upload_v2` posts a message by itself, which carries no key and could not be found again.
"""

from __future__ import annotations

import time
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from daemon import clock
from daemon.errors import DeliveryError, TemporaryDeliveryError
from daemon.slackapi import TIMEOUT, SlackApp
from daemon.slackerrors import code_of, translated
from daemon.tables import is_this_machine

_LONGEST = 30.0  # seconds, all in all
_FIRST_GLANCE, _RAREST_GLANCE = 0.25, 2.0
_LONGEST_TITLE = 200


class _NoDetours(urllib.request.HTTPRedirectHandler):
    """The picture goes where Slack said, and nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        return None


def upload(app: SlackApp, png: bytes, title: str) -> str:
    """The id of a picture that a message can show now. Any failure is a DeliveryError; nothing is posted.

    Slack looks the file over after it has said "ok" (python-slack-sdk issue 1521), and refuses a
    message that shows it too early.
    """
    until = clock.monotonic() + _LONGEST
    title = title[:_LONGEST_TITLE]
    given = app.read(
        "files.getUploadURLExternal",
        lambda: app.writing.files_getUploadURLExternal(filename="chart.png", length=len(png)),
    )
    file = str(given.get("file_id") or "")
    _put(str(given.get("upload_url") or ""), png)
    app.read(
        "files.completeUploadExternal",
        lambda: app.writing.files_completeUploadExternal(files=[{"id": file, "title": title}]),
    )
    glance = _FIRST_GLANCE
    while not _is_usable(app, file):
        if clock.monotonic() + glance > until:
            raise TemporaryDeliveryError(f"Slack did not have the picture ready in {_LONGEST:.0f} seconds")
        time.sleep(glance)
        glance = min(2 * glance, _RAREST_GLANCE)
    return file


def _put(address: str, png: bytes) -> None:
    _must_be_safe(address)
    request = urllib.request.Request(  # noqa: S310  looked at above
        address, data=png, headers={"Content-Type": "application/octet-stream"}, method="POST"
    )
    try:
        with urllib.request.build_opener(_NoDetours).open(request, timeout=TIMEOUT) as answer:
            answer.read(4096)
    except Exception as error:
        raise translated(error) from error


def _must_be_safe(address: str) -> None:
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        host = ""
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and is_this_machine(host))):
        raise TemporaryDeliveryError("Slack named no safe address for the picture")


def _is_usable(app: SlackApp, file: str) -> bool:
    """Slack knows what kind of file it is only when it is done with it."""
    try:
        answer = app.read("files.info", lambda: app.reading.files_info(file=file))
    except DeliveryError as error:
        if code_of(error) != "file_not_found":
            raise
        return False
    found = answer.get("file")
    return isinstance(found, dict) and str(found.get("mimetype") or "").startswith("image/")
