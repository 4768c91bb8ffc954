"""Senders: what every way of delivering messages can do."""

from __future__ import annotations

from typing import Protocol

from daemon.messages import Message
from daemon.records import Sent


class Sender(Protocol):
    """What delivers messages to one receiver."""

    @property
    def can_look(self) -> bool:
        """Whether `find` can tell if a message has arrived."""

    @property
    def can_thread(self) -> bool:
        """Whether it has threads, and shows messages anew."""

    @property
    def groups(self) -> bool:
        """Whether many alerts at once are better as one message."""

    def send(self, message: Message) -> Sent:
        """Deliver a message, or raise a DeliveryError."""

    def find(self, message: Message, since: float, *, everywhere: bool = False) -> Sent | None:
        """The message as it arrived after `since`, Unix time, or None. Raises a DeliveryError.

        `everywhere`: also where it would not stand by what the ledger knows.
        """

    def take_back(self, sent: Sent) -> None:
        """Take away a message that stands there twice. Raises a DeliveryError."""

    def update(self, message: Message, sent: Sent) -> None:
        """Show anew what stands there. TargetGoneError where it does not any more."""

    def upload(self, png: bytes, title: str) -> str:
        """The id of a picture that a message can show. Raises a DeliveryError."""

    def pause(self) -> float:
        """Seconds until the receiver may be sent something; 0.0 takes the place."""

    def update_pause(self) -> float:
        """The same for `update`."""
