"""Dispatchers that are broken on purpose, to see that the rig sees it: each plant is put over a sound one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from slack_sdk import WebClient
from sqlalchemy import Connection, text

from daemon import deliveries, slackapi, slackfiles
from daemon.clock import from_text
from daemon.database import Database
from daemon.dispatch import Dispatch
from daemon.errors import DeliveryError, TemporaryDeliveryError, UnknownOutcomeError
from daemon.messages import Message
from daemon.records import Delivery, Sent
from daemon.refreshing import Refreshing
from daemon.senders import Sender
from daemon.slackapi import SlackApp
from daemon.slackerrors import translated

_SENT = text("UPDATE deliveries SET state = 'sent' WHERE id = :id")
_SHOWN = text("UPDATE deliveries SET shown = revision WHERE message = :message")

_put: Callable[[Any, str, Any], None] = setattr


def _resends_at_once() -> None:
    """What has an unknown outcome counts as not delivered: the naive way."""

    def naively(error: Exception) -> DeliveryError:
        found = translated(error)
        return TemporaryDeliveryError(str(found)) if isinstance(found, UnknownOutcomeError) else found

    def again(dispatch: Dispatch, delivery: Delivery) -> None:
        dispatch._again(delivery, "planted")

    _put(slackapi, "translated", naively)
    _put(slackfiles, "translated", naively)
    _put(Dispatch, "_look", again)


def _leaves_retries_to_the_sdk() -> None:
    """slack_sdk's default: after a broken connection the request goes out once more."""
    real = SlackApp.__init__

    def made(app: SlackApp, token: str, api_url: str, **more: Any) -> None:
        real(app, token, api_url, **more)
        app.writing = WebClient(token, base_url=api_url, timeout=slackapi.TIMEOUT)

    _put(SlackApp, "__init__", made)


def _sent_before_the_answer() -> None:
    real = Dispatch._send

    def send(dispatch: Dispatch, delivery: Delivery, message: Message) -> None:
        with dispatch._database.transaction() as connection:
            connection.execute(_SENT, {"id": delivery.id})
        real(dispatch, delivery, message)

    _put(Dispatch, "_send", send)


def _replies_do_not_wait() -> None:
    """The oldest goes first, whether the message that begins its thread is there or not."""

    def oldest(connection: Connection, receiver: str) -> tuple[Delivery, datetime] | None:
        row = connection.execute(deliveries._OLDEST, {"receiver": receiver}).one_or_none()
        return (deliveries.delivery_of(row), from_text(row.due_at)) if row else None

    _put(deliveries, "oldest", oldest)


class _Boastful:
    """Says of an update that it is shown before it is."""

    def __init__(self, sound: Sender, database: Database) -> None:
        self._sound = sound
        self._database = database

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sound, name)

    def update(self, message: Message, sent: Sent) -> None:
        with self._database.transaction() as connection:
            connection.execute(_SHOWN, {"message": sent.message})
        self._sound.update(message, sent)


def _shown_before_the_answer() -> None:
    real = Refreshing.__init__

    def made(refreshing: Refreshing, receiver: str, sender: Sender, database: Database, *more: Any) -> None:
        boastful: Any = _Boastful(sender, database)
        real(refreshing, receiver, boastful, database, *more)

    _put(Refreshing, "__init__", made)


PLANTS: Mapping[str, Callable[[], None]] = {
    "resends at once": _resends_at_once,
    "leaves retries to the SDK": _leaves_retries_to_the_sdk,
    "sent before the answer": _sent_before_the_answer,
    "replies do not wait": _replies_do_not_wait,
    "shown before the answer": _shown_before_the_answer,
}
