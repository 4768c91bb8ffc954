"""What the daemon's work tells whoever counts it. Counts nothing itself: see `observed` for who does."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from classifier import Tagged
from daemon.errors import (
    AppRefusedError,
    DeliveryError,
    PermanentDeliveryError,
    ReceiverRefusedError,
    TemporaryDeliveryError,
    ThreadRefusedError,
)


class FileResult(StrEnum):
    """What came of a file of the inbox. `grown`: one that was taken was written to, and taken anew."""

    TAKEN = "taken"
    DUPLICATE = "duplicate"
    FAILED = "failed"
    GROWN = "grown"


class Outcome(StrEnum):
    """What came of a try to deliver, beside the states that a delivery may be put off in.

    `found`: it had arrived before, as its receiver's history says.
    """

    SENT = "sent"
    FOUND = "found"


class Failure(StrEnum):
    """Why a try to deliver did not plainly succeed."""

    LATER = "later"  # the receiver asks us to try again: a limit, an error of its own
    UNANSWERED = "unanswered"  # nobody said a word
    APP = "app"  # the whole app is refused: its token, its rights
    RECEIVER = "receiver"  # this receiver alone is
    THREAD = "thread"
    MESSAGE = "message"  # it will never be taken in any form
    UNKNOWN = "unknown"  # it may have arrived


# The first that fits: an app that is refused is a receiver that is.
_REASONS = {
    TemporaryDeliveryError: Failure.LATER,
    AppRefusedError: Failure.APP,
    ReceiverRefusedError: Failure.RECEIVER,
    ThreadRefusedError: Failure.THREAD,
    PermanentDeliveryError: Failure.MESSAGE,
}


def failure_of(error: DeliveryError) -> Failure:
    """Which of the few reasons it is: what a receiver says of it in words is for the log."""
    if error.unanswered:
        return Failure.UNANSWERED
    return next((why for kind, why in _REASONS.items() if isinstance(error, kind)), Failure.UNKNOWN)


class Observer:
    """Hears of work that is done, from any thread, and only once what made it true is committed."""

    def file(self, result: FileResult, seconds: float | None = None) -> None:
        """A file was recorded; `seconds` since it arrived in the inbox, where it brought articles."""

    def articles(self, tagged: Sequence[Tagged], alerts: int) -> None:
        """Articles that were not known before were recorded, and so many alerts of them are owed."""

    def receiver(self, name: str) -> None:
        """There is a receiver of this name, to which nothing was delivered yet."""

    def delivery(self, receiver: str, outcome: str, seconds: float | None = None) -> None:
        """What came of a try; `seconds` since the alert was written, where it was sent now."""

    def failure(self, receiver: str, failure: Failure) -> None:
        """A try did not plainly succeed."""

    def reload(self, *, succeeded: bool) -> None:
        """The configuration was read again, and is in force or was refused."""


NOBODY = Observer()
