"""What can go wrong in the daemon. An error's class tells the caller what to do."""

from __future__ import annotations


class DaemonError(Exception):
    """Something a person can mend; the message says what and where, in one line."""


class ConfigError(DaemonError):
    """The configuration is not sound. One line a problem, each with file and key."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class LedgerError(DaemonError):
    """The ledger cannot be used: damaged, locked, or made by a newer topicwire."""


class RestartNeededError(DaemonError):
    """Only a new process can go on from here."""


class DeliveryError(Exception):
    """A delivery did not plainly succeed. `unanswered`: nobody said a word, so our way there may be cut."""

    unanswered = False


class TemporaryDeliveryError(DeliveryError):
    """Certainly not delivered; try again, not sooner than `retry_after` seconds."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UnknownOutcomeError(DeliveryError):
    """Perhaps delivered: look before sending again, not sooner than `retry_after` seconds."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ReceiverRefusedError(DeliveryError):
    """The receiver takes nothing until a person mends it: keep everything, ask now and then."""


class AppRefusedError(ReceiverRefusedError):
    """No receiver of this app gets anything until a person mends it: a token, a scope."""


class ThreadRefusedError(DeliveryError):
    """Certainly not delivered: the thread takes no replies. It may go without one."""


class TargetGoneError(DeliveryError):
    """The message that was to be shown anew is not there any more, or may not be changed."""


class PermanentDeliveryError(DeliveryError):
    """This alert will never be taken in any form."""
