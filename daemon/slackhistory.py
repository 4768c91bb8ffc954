"""What we posted to a Slack channel, found again by its key: in the history, and in threads."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from itertools import chain
from typing import Any

from slack_sdk.web import SlackResponse

from daemon import clock
from daemon.errors import (
    AppRefusedError,
    DeliveryError,
    ReceiverRefusedError,
    TargetGoneError,
    TemporaryDeliveryError,
    ThreadRefusedError,
)
from daemon.records import Sent
from daemon.slackapi import SlackApp
from daemon.slackerrors import code_of, header, is_of_rights
from daemon.slackforms import EVENT_TYPE

# The scope to post to public channels that the app is not in; reading them still needs that it is.
POSTS_FROM_OUTSIDE = "chat:write.public"

_NAMESPACE = uuid.UUID("6f0f8e5a-7f0a-5f0e-9a55-746f70696377")
_MOST_PAGES, _PAGE = 50, 200
_MOST_REMEMBERED = 5000
_CLOCKS_APART = 1800.0  # seconds
# Where we are not let in, we may not post either, unless the app has the scope for that.
_KEPT_OUT = frozenset({"", "not_in_channel", "channel_not_found", "is_archived", "channel_is_archived"})

Page = list[dict[str, Any]]


def message_id(key: str) -> str:
    """The `client_msg_id` of a message: the same key has the same one for ever."""
    return str(uuid.uuid5(_NAMESPACE, key))


class History:
    """The messages of ours in one channel. What was seen once is remembered, and found without asking."""

    def __init__(self, app: SlackApp, channel: str) -> None:
        self._app = app
        self._channel = channel
        self._seen: dict[str, Sent] = {}
        self._read_threads: dict[str, tuple[str, str]] = {}  # by root: its replies when they were read

    def find(
        self, key: str, since: float, *, thread: str | None = None, everywhere: bool = False
    ) -> Sent | None:
        """The message that carries a key, or holds it among those of its alerts, posted since a moment.

        It is looked for in its `thread`, in the channel, and `everywhere`: in every thread of ours
        begun since. TemporaryDeliveryError where that cannot be read now, ReceiverRefusedError where
        the app may not read it although it may post, or it is too long to be read.
        """
        if len(self._seen) > _MOST_REMEMBERED:
            self._seen.clear()
            self._read_threads.clear()  # what stood in them is forgotten with the rest
        names = (key, message_id(key))
        threads: dict[str, tuple[str, str]] = {}
        replies = self._thread(thread, since) if thread is not None else iter(())
        in_channel = self._pages("conversations.history", self._app.reading.conversations_history, since)
        for page in chain(iter([[]]), replies, in_channel):
            self._remember(page)
            found = self._known(names)
            if found is not None:
                return found
            threads |= dict(_threads_of(page))
        return self._find_in(threads, names) if everywhere else None

    def _find_in(self, threads: dict[str, tuple[str, str]], names: tuple[str, str]) -> Sent | None:
        """A restore may ask this a thousand times: a thread to which nothing came is not read again."""
        for root, replies in threads.items():
            if self._read_threads.get(root) == replies:
                continue
            for page in self._thread(root, 0.0):
                self._remember(page)
                found = self._known(names)
                if found is not None:
                    return found
            self._read_threads[root] = replies
        return None

    def _thread(self, root: str, since: float) -> Iterator[Page]:
        try:
            yield from self._pages(
                "conversations.replies",
                lambda **given: self._app.reading.conversations_replies(ts=root, **given),
                since,
            )
        except (ThreadRefusedError, TargetGoneError):
            return  # somebody deleted it; what we look for may stand in the channel

    def _pages(self, method: str, request: Callable[..., SlackResponse], since: float) -> Iterator[Page]:
        cursor: str | None = None
        for number in range(_MOST_PAGES):
            page = self._page(method, request, since, cursor)
            if number == 0 and since and _clock_is_wrong(page.headers):
                since = 0.0  # so was the moment from which we look, then
                page = self._page(method, request, since, cursor)
            yield [message for message in page.get("messages") or [] if isinstance(message, dict)]
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or None
            if cursor is None:
                return
        raise ReceiverRefusedError(f"more than {_MOST_PAGES * _PAGE:,} messages in the channel since")

    def _page(
        self, method: str, request: Callable[..., SlackResponse], oldest: float, cursor: str | None
    ) -> SlackResponse:
        given = {
            "channel": self._channel,
            "oldest": f"{oldest:.6f}",
            "inclusive": True,
            "limit": _PAGE,
            "include_all_metadata": True,
            "cursor": cursor,
        }
        try:
            return self._app.read(method, lambda: request(**given))
        except (ThreadRefusedError, TargetGoneError):
            raise
        except DeliveryError as error:
            raise self._unreadable(error) from error.__cause__

    def _unreadable(self, error: DeliveryError) -> DeliveryError:
        """Not readable for now, or not for us: then whoever asks has to go on without knowing."""
        said = f"reading history: {error}"
        if isinstance(error, AppRefusedError):
            return ReceiverRefusedError(said) if is_of_rights(error) else TemporaryDeliveryError(said)
        if isinstance(error, ReceiverRefusedError):
            posts_from_outside = POSTS_FROM_OUTSIDE in self._app.scopes
            if code_of(error) not in _KEPT_OUT or posts_from_outside:
                return ReceiverRefusedError(said)
        found = TemporaryDeliveryError(said, retry_after=getattr(error, "retry_after", None))
        found.unanswered = error.unanswered
        return found

    def _known(self, names: tuple[str, str]) -> Sent | None:
        return self._seen.get(names[0]) or self._seen.get(names[1])

    def _remember(self, page: Page) -> None:
        for message in page:
            for name in _names_of(message):
                self._seen.setdefault(name, Sent(self._channel, str(message.get("ts"))))


def _names_of(message: dict[str, Any]) -> list[str]:
    """The keys that a message carries, if it is one of ours, and the id that we gave it."""
    own_id = message.get("client_msg_id")
    names = [own_id] if isinstance(own_id, str) else []
    payload = _payload_of(message)
    if payload is None:
        return names
    alerts = payload.get("alerts")
    return [*names, str(payload.get("key")), *(alerts.split(",") if isinstance(alerts, str) else ())]


def _payload_of(message: dict[str, Any]) -> dict[str, Any] | None:
    metadata = message.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("event_type") != EVENT_TYPE:
        return None
    payload = metadata.get("event_payload")
    return payload if isinstance(payload, dict) else None


def _threads_of(page: Page) -> Iterator[tuple[str, tuple[str, str]]]:
    """The messages of ours that have replies, each with how many and the latest."""
    for message in page:
        if message.get("reply_count") and _payload_of(message) is not None:
            yield str(message["ts"]), (str(message["reply_count"]), str(message.get("latest_reply")))


def _clock_is_wrong(headers: Any) -> bool:
    """Whether Slack's clock, as its answer tells it (RFC 9110, Date), says quite another time than ours."""
    try:
        apart = parsedate_to_datetime(header(headers, "date") or "") - clock.now()
    except (TypeError, ValueError):
        return False
    return abs(apart.total_seconds()) > _CLOCKS_APART
