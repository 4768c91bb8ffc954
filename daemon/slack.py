"""The Slack receiver: messages to one channel, what stands there shown anew, and found again."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from daemon import clock
from daemon.backoff import Pace
from daemon.errors import (
    AppRefusedError,
    DeliveryError,
    ReceiverRefusedError,
    TargetGoneError,
    ThreadRefusedError,
    UnknownOutcomeError,
)
from daemon.messages import Message
from daemon.records import Sent
from daemon.slackapi import SlackApp
from daemon.slackerrors import code_of
from daemon.slackfiles import upload
from daemon.slackforms import Form, content, in_some_form
from daemon.slackhistory import POSTS_FROM_OUTSIDE, History, message_id

# Slack takes about one message a second a channel (docs.slack.dev, rate limits) and short bursts.
INTERVAL, BURST = 1.0, 3


class SlackSender:
    """Posts messages to one channel, shows them anew, and finds again what it may have posted.

    `interactive`: with buttons. Without Socket Mode nobody hears them, and a click is an error.
    """

    can_look = True
    can_thread = True
    groups = True

    def __init__(
        self, app: SlackApp, channel: str, pace: Pace | None = None, *, interactive: bool = True
    ) -> None:
        self._app = app
        self._channel = channel
        self._interactive = interactive
        self._pace = pace or Pace(INTERVAL, BURST)
        self._history = History(app, channel)
        self._refused = ""  # how the channel refused us last
        self._may_join = True

    def send(self, message: Message) -> Sent:
        """Post a message; in a plainer form where Slack does not take it as it is.

        Raises a DeliveryError that says what is to be done.
        """
        try:
            if self._refused:
                self._ask_first()
            sent = self._post_from_inside(message)
        except AppRefusedError:
            raise
        except ReceiverRefusedError as error:
            self._refused = code_of(error) or self._refused or "no code"
            raise
        self._refused = ""
        return sent

    def find(self, message: Message, since: float, *, everywhere: bool = False) -> Sent | None:
        """The message as it arrived since a moment (Unix time), or one that holds its alert.

        Errors as of History.find.
        """
        try:
            return self._history.find(message.key, since, thread=message.thread, everywhere=everywhere)
        except DeliveryError as error:
            if code_of(error) != "not_in_channel" or not self._join():
                raise
        return self._history.find(message.key, since, thread=message.thread, everywhere=everywhere)

    def update(self, message: Message, sent: Sent) -> None:
        """Show anew what stands there. To do so twice is as good as once."""
        if not sent.message:
            raise TargetGoneError("it is not known where the message is")
        where = {"channel": sent.channel or self._channel, "ts": sent.message}
        # "none": here Slack would else make links of its own out of the text. And a message to which
        # no blocks are given keeps those it has (python-slack-sdk issue 523).
        plainly: dict[str, Any] = {"parse": "none", "blocks": []}

        def show(form: Form) -> None:
            given = where | plainly | content(message, form, interactive=self._interactive)
            self._app.call("chat.update", lambda: self._app.writing.chat_update(**given))

        in_some_form(message, show)

    def take_back(self, sent: Sent) -> None:
        """Take away a message of ours. One that is there no more is as good as taken away."""
        channel, message = sent.channel or self._channel, sent.message or ""
        with suppress(TargetGoneError):
            self._app.call("chat.delete", lambda: self._app.writing.chat_delete(channel=channel, ts=message))

    def upload(self, png: bytes, title: str) -> str:
        """The id of a picture that a message can show. Any failure is a DeliveryError."""
        return upload(self._app, png, title)

    def pause(self) -> float:
        """Seconds until the channel may get another message; 0.0 takes the place."""
        return self._app.wait("chat.postMessage") or self._pace.wait(clock.monotonic())

    def update_pause(self) -> float:
        """Seconds until a message may be shown anew; 0.0 takes the place, of which all channels have one."""
        return self._app.wait("chat.update") or self._app.update_pace.wait(clock.monotonic())

    def _post_from_inside(self, message: Message) -> Sent:
        """Post; where it is only that we are not in the channel, go in and post."""
        try:
            return self._post_in_some_form(message)
        except ReceiverRefusedError as error:
            if code_of(error) != "not_in_channel" or not self._join():
                raise
        return self._post_in_some_form(message)

    def _post_in_some_form(self, message: Message) -> Sent:
        try:
            return in_some_form(message, lambda form: self._post(message, form))
        except (ThreadRefusedError, TargetGoneError) as error:
            meaning = ReceiverRefusedError if message.thread is None else ThreadRefusedError
            raise meaning(str(error)) from error.__cause__

    def _post(self, message: Message, form: Form) -> Sent:
        given: dict[str, Any] = {
            "channel": self._channel,
            "unfurl_links": False,
            "unfurl_media": False,
            "client_msg_id": message_id(message.key),
        }
        given |= content(message, form, interactive=self._interactive)
        if message.thread is not None:
            given |= {"thread_ts": message.thread, "reply_broadcast": message.broadcast}
        answer = self._app.call("chat.postMessage", lambda: self._app.writing.chat_postMessage(**given))
        # `is_duplicate`: Slack had this client_msg_id already, and says where.
        if not answer.get("ts"):
            raise UnknownOutcomeError("Slack said ok, but not where the message is")
        return Sent(str(answer.get("channel") or self._channel), str(answer["ts"]))

    def _ask_first(self) -> None:
        """Where the channel refused us, see whether it would again before posting to it.

        Only what is plainly said keeps us from trying: what we may not know, posting tells.
        """
        try:
            answer = self._app.read(
                "conversations.info", lambda: self._app.reading.conversations_info(channel=self._channel)
            )
        except DeliveryError:
            return
        channel, scopes = answer.get("channel") or {}, self._app.scopes
        if channel.get("is_archived") is True:
            raise ReceiverRefusedError("Slack refuses: is_archived")
        must_be_in = bool(scopes) and POSTS_FROM_OUTSIDE not in scopes
        if channel.get("is_member") is False and must_be_in and not self._join():
            raise ReceiverRefusedError(f"Slack refuses: {self._refused}, and we are not in the channel")

    def _join(self) -> bool:
        """Go into the channel, where it is public; only once, for whoever shows us out means it."""
        if not self._may_join or (self._app.scopes and "channels:join" not in self._app.scopes):
            return False
        try:
            self._app.read(
                "conversations.join", lambda: self._app.writing.conversations_join(channel=self._channel)
            )
        except DeliveryError:
            return False
        self._may_join = False
        return True
