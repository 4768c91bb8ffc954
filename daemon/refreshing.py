"""Refreshing: messages that show less than we know by now are shown anew, one after the other."""

from __future__ import annotations

import logging
from collections.abc import Callable

from daemon import clock, composing, showing
from daemon.backoff import Backoff
from daemon.composing import Choices
from daemon.database import Database
from daemon.errors import DeliveryError, PermanentDeliveryError, TargetGoneError, UnknownOutcomeError
from daemon.records import Delivery, Sent
from daemon.senders import Sender

logger = logging.getLogger(__name__)

_IDLE = 30.0  # seconds
# What was cut off may still be applied as long after as a message may (see dispatch): what is shown
# next must come after it.
_SETTLE = 15.0  # seconds


class Refreshing:
    """The messages of one receiver. An update may come twice, so it needs no looking up."""

    def __init__(
        self,
        receiver: str,
        sender: Sender,
        database: Database,
        backoff: Backoff,
        choices: Callable[[], Choices],
    ) -> None:
        self._receiver = receiver
        self._sender = sender
        self._database = database
        self._backoff = backoff
        self._choices = choices
        self._rests_until: float | None = None

    def work(self) -> float:
        """Show one message anew; in how many seconds to be called again."""
        if not self._sender.can_thread:
            return _IDLE
        rest = self._rest_after_the_start() - clock.monotonic()
        if rest > 0:
            return min(rest, _IDLE)
        with self._database.reading() as connection:
            stale = showing.stale(connection, self._receiver)
            if stale is None or stale.message is None:
                return _IDLE
            message = composing.compose(connection, stale, self._choices())
        pause = self._sender.update_pause()
        if pause > 0:
            return pause
        with self._database.transaction() as connection:
            tries = showing.mark_tried(connection, stale)
        try:
            self._sender.update(message, Sent(stale.channel, stale.message))
        except TargetGoneError as error:
            logger.info("a message cannot be shown anew", extra=_said(stale, error))
        except Exception as error:
            return self._failed(stale, tries, self._understood(error))
        with self._database.transaction() as connection:
            showing.mark_shown(connection, stale)
        return 0.0

    def _rest_after_the_start(self) -> float:
        """Until when to rest. A life before this one may have been cut off in the middle of an update."""
        if self._rests_until is None:
            with self._database.reading() as connection:
                tried = showing.was_tried(connection, self._receiver)
            self._rests_until = clock.monotonic() + _SETTLE if tried else 0.0
        return self._rests_until

    def _understood(self, error: Exception) -> DeliveryError:
        """A fault of ours must not hold up what is still to be told."""
        if isinstance(error, DeliveryError):
            return error
        logger.exception("showing anew failed", extra={"receiver": self._receiver})
        return UnknownOutcomeError(f"{type(error).__name__}: {error}")

    def _failed(self, stale: Delivery, tries: int, error: DeliveryError) -> float:
        """Once more, later, others first; one that will never be taken is let be."""
        if isinstance(error, PermanentDeliveryError):
            with self._database.transaction() as connection:
                showing.mark_shown(connection, stale)
        wait = self._backoff.delay(tries, retry_after=getattr(error, "retry_after", None))
        if isinstance(error, UnknownOutcomeError):
            wait = max(wait, _SETTLE)
        self._rests_until = clock.monotonic() + wait
        logger.warning("a message was not shown anew", extra=_said(stale, error))
        return min(wait, _IDLE)


def _said(delivery: Delivery, error: Exception) -> dict[str, str]:
    return {"receiver": delivery.receiver, "alert": delivery.key, "error": str(error)}
