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
        self._rests_until = 0.0

    def work(self) -> float:
        """Show one message anew; in how many seconds to be called again."""
        if not self._sender.can_thread:
            return _IDLE
        rest = self._rests_until - clock.monotonic()
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
        try:
            self._sender.update(message, Sent(stale.channel, stale.message))
        except TargetGoneError as error:
            logger.info("a message cannot be shown anew", extra=_said(stale, error))
        except DeliveryError as error:
            return self._failed(stale, error)
        with self._database.transaction() as connection:
            showing.mark_shown(connection, stale)
        return 0.0

    def _failed(self, stale: Delivery, error: DeliveryError) -> float:
        """Once more, later, others first; one that will never be taken is let be."""
        with self._database.transaction() as connection:
            tries = showing.mark_not_shown(connection, stale)
            if isinstance(error, PermanentDeliveryError):
                showing.mark_shown(connection, stale)
        wait = self._backoff.delay(tries, retry_after=getattr(error, "retry_after", None))
        if isinstance(error, UnknownOutcomeError):
            wait = max(wait, _SETTLE)
        self._rests_until = clock.monotonic() + wait
        logger.warning("a message was not shown anew", extra=_said(stale, error))
        return min(wait, _IDLE)


def _said(delivery: Delivery, error: Exception) -> dict[str, str]:
    return {"receiver": delivery.receiver, "alert": delivery.key, "error": str(error)}
