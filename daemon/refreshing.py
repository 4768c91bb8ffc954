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
        self._begun: float | None = None
        self._failures = 0
        self._rests_until = 0.0
        self._free_at: dict[int, float] = {}  # by delivery

    def work(self) -> float:
        """Show one message anew; in how many seconds to be called again."""
        if not self._sender.can_thread:
            return _IDLE
        with self._database.reading() as connection:
            found = showing.stale(connection, self._receiver)
            if found is None or found[0].message is None:
                return _IDLE
            stale, was_tried = found
            rest = self._rest(stale, was_tried)
            if rest > 0:
                return min(rest, _IDLE)
        pause = self._sender.update_pause()
        if pause > 0:
            return pause
        with self._database.transaction() as connection:
            showing.mark_tried(connection, stale)
            message = composing.compose(connection, stale, self._choices())
        try:
            self._sender.update(message, Sent(stale.channel, stale.message))
        except TargetGoneError as error:
            logger.info("a message cannot be shown anew", extra=stale.named | {"error": str(error)})
        except Exception as error:
            return self._failed(stale, self._understood(error))
        self._failures = 0
        self._free_at.pop(stale.id, None)
        with self._database.transaction() as connection:
            showing.mark_shown(connection, stale)
        return 0.0

    def _rest(self, stale: Delivery, was_tried: bool) -> float:
        """Seconds until a message may be shown anew.

        One that was tried before our time may have been cut off in the middle just then.
        """
        now = clock.monotonic()
        if self._begun is None:
            self._begun = now
        settled = self._begun + _SETTLE if was_tried else now
        return max(self._rests_until, self._free_at.get(stale.id, settled)) - now

    def _understood(self, error: Exception) -> DeliveryError:
        """A fault of ours must not hold up what is still to be told."""
        if isinstance(error, DeliveryError):
            return error
        logger.exception("showing anew failed", extra={"receiver": self._receiver})
        return UnknownOutcomeError(f"{type(error).__name__}: {error}")

    def _failed(self, stale: Delivery, error: DeliveryError) -> float:
        """Once more, later, others first; one that will never be taken is let be."""
        now = clock.monotonic()
        self._failures += 1
        if isinstance(error, PermanentDeliveryError):
            with self._database.transaction() as connection:
                showing.mark_shown(connection, stale)
        self._free_at[stale.id] = now + (_SETTLE if isinstance(error, UnknownOutcomeError) else 0.0)
        wait = self._backoff.delay(self._failures, retry_after=getattr(error, "retry_after", None))
        self._rests_until = now + wait
        logger.warning("a message was not shown anew", extra=stale.named | {"error": str(error)})
        return min(wait, _IDLE)
