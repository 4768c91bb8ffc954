"""What a Slack workspace holds: channels, messages, files; and who may do what in it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tests.slack_faults import SlackError

TEAM, TEAM_NAME = "T0NEWSROOM", "Newsroom"
BOT_USER, BOT, APP, BOT_NAME = "U0TOPICWIRE", "B0TOPICWIRE", "A0TOPICWIRE", "topicwire"
DOMAIN = "newsroom"


@dataclass
class Channel:
    id: str
    name: str
    is_private: bool = False
    is_archived: bool = False
    is_member: bool = True


@dataclass
class File:
    """`ready_at`: from when on a block may show it, by the stand-in's clock; None until it is completed."""

    id: str
    name: str
    length: int
    title: str = ""
    data: bytes | None = None
    ready_at: float | None = None
    created_at: float = 0.0


class Workspace:
    """Tests read and change it as they like, under `lock` where a request may come in between.

    `messages` are as they were posted, in the order in which they were kept, with `ts` and
    `edited`; a test may put its own there. `updates` are the changes to them, `ephemeral` what only
    one user saw. Channels exist from their first use on, unless `channels` are given.
    """

    def __init__(self, clock: Callable[[], float] = time.time, channels: Iterable[str] | None = None) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.messages: list[dict[str, Any]] = []
        self.updates: list[dict[str, Any]] = []
        self.ephemeral: list[dict[str, Any]] = []
        self.files: dict[str, File] = {}
        self.channels: dict[str, Channel] = {}
        self.any_channel = channels is None
        self.token = "xoxb-1-test"
        self.app_token = "xapp-1-test"
        self.revoked: set[str] = set()
        self.scopes = "chat:write,channels:history,channels:read"
        self.strict_scopes = False
        self.deduplicates = False
        self.history_lag = 0.0
        self.file_delay = 0.0
        self._last_moment = 0
        for channel in channels or ():
            self.add_channel(channel)

    def add_channel(self, id: str, *, is_private: bool = False, is_member: bool = True) -> Channel:
        with self.lock:
            channel = Channel(id, id.lower(), is_private=is_private, is_member=is_member)
            self.channels[id] = channel
            return channel

    def channel(self, id: Any) -> Channel:
        """The channel of a request; SlackError if there is none."""
        with self.lock:
            found = self.channels.get(str(id or ""))
            if found is None and self.any_channel and id:
                found = self.add_channel(str(id))
        if found is None or (found.is_private and not found.is_member):
            raise SlackError("channel_not_found")
        return found

    def archive(self, id: str) -> None:
        self.channel(id).is_archived = True

    def restore(self, id: str) -> None:
        self.channel(id).is_archived = False

    def remove_bot(self, id: str) -> None:
        self.channel(id).is_member = False

    def invite_bot(self, id: str) -> None:
        with self.lock:
            self.channels[id].is_member = True

    def revoke_token(self) -> None:
        self.revoked.add(self.token)

    def restore_token(self) -> None:
        self.revoked.clear()

    def check_token(self, given: str | None, *, app: bool) -> None:
        """Raise SlackError unless this is the token for the app, or else for the bot."""
        if not given:
            raise SlackError("not_authed")
        if given in self.revoked:
            raise SlackError("token_revoked")
        right, other = (self.app_token, self.token) if app else (self.token, self.app_token)
        if given == other:
            raise SlackError("not_allowed_token_type")
        if given != right:
            raise SlackError("invalid_auth")

    def has_scope(self, *any_of: str) -> bool:
        return not self.strict_scopes or bool({*any_of} & {*self.scopes.replace(" ", "").split(",")})

    def keep(self, given: dict[str, Any], **more: Any) -> dict[str, Any]:
        """A new message at the moment that it is by the clock."""
        with self.lock:
            message = {**given, **more, "ts": self._new_ts()}
            self.messages.append(message)
            return message

    def _new_ts(self) -> str:
        taken = {message["ts"] for message in self.messages}
        number = round(self.clock() * 1_000_000)
        while f"{number // 1_000_000}.{number % 1_000_000:06d}" in taken:
            number += 1
        return f"{number // 1_000_000}.{number % 1_000_000:06d}"

    def new_moment(self) -> str:
        """Now, as Slack writes it, and never twice the same."""
        with self.lock:
            self._last_moment = max(round(self.clock() * 1_000_000), self._last_moment + 1)
            return f"{self._last_moment // 1_000_000}.{self._last_moment % 1_000_000:06d}"

    def link_address(self) -> str:
        """Where the app may connect for Socket Mode."""
        raise SlackError("internal_error")

    def find(self, channel: str, ts: Any) -> dict[str, Any] | None:
        with self.lock:
            for message in self.messages:
                if message["ts"] == ts and message.get("channel") == channel:
                    return message
        return None

    def threads(self, channel: str) -> dict[str, list[dict[str, Any]]]:
        """By root, the replies that can be read by now, the oldest first."""
        found: dict[str, list[dict[str, Any]]] = {}
        with self.lock:
            for one in self.messages:
                root = one.get("thread_ts")
                if root and root != one["ts"] and one.get("channel") == channel and self.is_seen(one):
                    found.setdefault(root, []).append(one)
        for replies in found.values():
            replies.sort(key=lambda one: float(one["ts"]))
        return found

    def is_seen(self, message: dict[str, Any]) -> bool:
        """Whether reading shows it by now."""
        return self.history_lag <= 0 or float(message["ts"]) + self.history_lag <= self.clock()

    def say(self, channel: str, text: str, user: str = "U1", thread_ts: str | None = None) -> dict[str, Any]:
        """A person writes something."""
        more = {} if thread_ts is None else {"thread_ts": thread_ts}
        return self.keep({"channel": channel, "text": text, "user": user}, **more)

    def delete(self, ts: str) -> None:
        """A person deletes a message; replies to it stay, and nobody can reach them."""
        with self.lock:
            self.messages[:] = [message for message in self.messages if message["ts"] != ts]
