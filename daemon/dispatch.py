"""Dispatch: sees every delivery through to its receiver, in order, once where that can be known."""

from __future__ import annotations

import logging
import random
from datetime import datetime, timedelta
from typing import Protocol

from daemon import clock, outbox
from daemon.backoff import Backoff
from daemon.clock import from_text
from daemon.database import Database
from daemon.errors import (
    DeliveryError,
    PermanentDeliveryError,
    ReceiverRefusedError,
    TemporaryDeliveryError,
    UnknownOutcomeError,
)
from daemon.records import Alert, Delivery, DeliveryState, Sent

logger = logging.getLogger(__name__)

_ENOUGH_TRIES = 3  # for one run that is to end by itself; a later run goes on
_IDLE = 30.0  # seconds; whoever adds a delivery wakes us
_PROBE = Backoff(first=30.0, ceiling=300.0)  # how often a receiver that refuses is asked again
# Seconds before each look at the history. A request that was cut off may still be applied a
# little later, so nothing is sent again before the second look.
_LOOKS = (2.0, 13.0)
_LEASE = timedelta(seconds=60)  # longer than any sending takes; then it has died on the way
# The longest wait that the wall clock is believed to ask for. Whoever set it back meant no delay.
_LONGEST_WAIT = 3600.0
_CLOCKS_APART = 86400.0  # seconds that a receiver's clock and ours may differ


class Sender(Protocol):
    """What delivers alerts to one receiver."""

    @property
    def can_look(self) -> bool:
        """Whether `find` can tell if an alert has arrived."""

    def send(self, alert: Alert) -> Sent:
        """Deliver an alert, or raise a DeliveryError."""

    def find(self, alert: Alert, since: float) -> Sent | None:
        """The alert as it arrived after `since`, Unix time, or None. Raises a DeliveryError."""

    def pause(self) -> float:
        """Seconds until the receiver may be sent something; 0.0 takes the place."""


class Dispatch:
    """The work of one receiver's worker."""

    def __init__(
        self, receiver: str, sender: Sender, database: Database, backoff: Backoff | None = None
    ) -> None:
        self.receiver = receiver
        self._sender = sender
        self._database = database
        self._backoff = backoff or Backoff()
        self._failed_looks = 0
        self._waiting_for: tuple[int, int, DeliveryState, datetime] | None = None
        self._waits_until = 0.0
        self._in_hand: tuple[int, int] | None = None

    def work(self) -> float:
        """See to the oldest delivery. Returns in how many seconds to be called again."""
        with self._database.reading() as connection:
            found = outbox.oldest(connection, self.receiver)
        if found is None:
            return _IDLE
        delivery, due_at = found
        if delivery.state is DeliveryState.SENDING:
            return self._wait_for_lease(delivery)
        wait = self._seconds_left(delivery, due_at)
        if wait > 0:
            return min(wait, _IDLE)
        if delivery.state is DeliveryState.UNKNOWN:
            self._look(delivery)
            return 0.0
        pause = self._sender.pause()
        if pause > 0:
            return pause
        with self._database.transaction() as connection:
            started = outbox.start_sending(connection, delivery, now=clock.now(), lease=_LEASE)
        if started is not None:
            self._in_hand = (started.id, started.generation)
            self._send(started)
        return 0.0

    def _wait_for_lease(self, delivery: Delivery) -> float:
        """A sending without an end: ours, if its end could not be written, or that of another who died."""
        until = from_text(delivery.lease_until) if delivery.lease_until else clock.now()
        if self._in_hand != (delivery.id, delivery.generation):
            wait = self._seconds_left(delivery, until)
            if wait > 0:
                return min(wait, _IDLE)
        with self._database.transaction() as connection:
            outbox.take_over(connection, delivery, due_at=clock.now() + timedelta(seconds=_LOOKS[0]))
        return 0.0

    def _seconds_left(self, delivery: Delivery, until: datetime) -> float:
        """Until a moment that the ledger names. Once seen, it is waited for by the monotonic clock."""
        what = (delivery.id, delivery.generation, delivery.state, until)
        if what != self._waiting_for:
            # What was never tried is due since it was written; a later moment is a clock set back.
            new = delivery.state is DeliveryState.PENDING and delivery.attempts == 0
            wait = 0.0 if new else (until - clock.now()).total_seconds()
            self._waits_until = clock.monotonic() + min(wait, _LONGEST_WAIT)
            self._waiting_for = what  # last: another thread may ask as well
        return self._waits_until - clock.monotonic()

    def is_idle(self) -> bool:
        """Whether nothing more can be delivered now: all has been, or the receiver does not take it."""
        with self._database.reading() as connection:
            found = outbox.oldest(connection, self.receiver)
        if found is None or found[0].state is DeliveryState.PARKED:
            return True
        delivery, due_at = found
        tries = max(delivery.attempts, self._failed_looks)
        return tries >= _ENOUGH_TRIES and self._seconds_left(delivery, due_at) > 0

    def _send(self, delivery: Delivery) -> None:
        try:
            sent = self._sender.send(delivery.alert)
        except DeliveryError as error:
            self._failed(delivery, error)
        except Exception as error:
            logger.exception("sending failed", extra={"receiver": self.receiver})
            unknown = UnknownOutcomeError(f"{type(error).__name__}: {error}")
            unknown.retry_after = self._backoff.delay(delivery.attempts)
            self._failed(delivery, unknown)
        else:
            self._sent(delivery, sent)

    def _look(self, delivery: Delivery) -> None:
        """Find out whether a delivery of unknown outcome arrived, before it is sent again."""
        if not self._sender.can_look:
            self._again(delivery, "outcome unknown, and it cannot be looked up")
            return
        try:
            found = self._sender.find(delivery.alert, self._since(delivery))
        except ReceiverRefusedError as error:
            self._again(delivery, f"outcome unknown, and the history cannot be read: {error}")
            return
        except DeliveryError as error:
            self._failed_looks += 1
            after = getattr(error, "retry_after", None)
            wait = self._backoff.delay(self._failed_looks, retry_after=after)
            self._put_off(delivery, DeliveryState.UNKNOWN, wait, str(error), delivery.looks)
            return
        self._failed_looks = 0
        if found is not None:
            self._sent(delivery, found)
        elif delivery.looks + 1 < len(_LOOKS):
            looks = delivery.looks + 1
            self._put_off(delivery, DeliveryState.UNKNOWN, _LOOKS[looks], "not seen yet", looks)
        else:
            self._again(delivery, "it did not arrive")

    def _since(self, delivery: Delivery) -> float:
        """A moment before the alert can have arrived, by the receiver's clock as far as we know it.

        Alerts go out in order, so it stands behind the last one that arrived; that holds even if
        our clock was wrong when this one was sent. Where it was sent in what is now our future,
        no moment is early enough but the first.
        """
        with self._database.reading() as connection:
            last = outbox.last_message(connection, self.receiver)
        sent_at = from_text(delivery.first_sent_at).timestamp() if delivery.first_sent_at else 0.0
        if last is None and sent_at > clock.now().timestamp():
            return 0.0
        moments = [sent_at, clock.now().timestamp(), _unix_time(last)]
        return max(0.0, min(moment for moment in moments if moment is not None) - _CLOCKS_APART)

    def _failed(self, delivery: Delivery, error: DeliveryError) -> None:
        after = getattr(error, "retry_after", None)
        spread = random.random()  # noqa: S311  it spreads retries, it guards nothing
        later = self._backoff.delay(delivery.attempts, retry_after=after, jitter=spread)
        match error:
            case TemporaryDeliveryError():
                state, wait = DeliveryState.PENDING, later
            case ReceiverRefusedError():
                state, wait = DeliveryState.PARKED, _PROBE.delay(delivery.attempts)
            case PermanentDeliveryError():
                state, wait = DeliveryState.DEAD, 0.0
            case _:
                state, wait = DeliveryState.UNKNOWN, max(_LOOKS[0], after or 0.0)
        self._put_off(delivery, state, wait, str(error))
        level = logging.ERROR if state is DeliveryState.DEAD else logging.WARNING
        logger.log(
            level,
            "alert not delivered",
            extra={
                "receiver": self.receiver,
                "alert": delivery.alert.key,
                "state": state.value,
                "error": str(error),
                "again_in": round(wait, 1),
            },
        )

    def _again(self, delivery: Delivery, reason: str) -> None:
        wait = 0.0 if delivery.attempts <= 1 else self._backoff.delay(delivery.attempts - 1)
        self._put_off(delivery, DeliveryState.PENDING, wait, reason)
        logger.warning(
            "alert is sent again",
            extra={"receiver": self.receiver, "alert": delivery.alert.key, "reason": reason},
        )

    def _put_off(
        self, delivery: Delivery, state: DeliveryState, wait: float, error: str, looks: int = 0
    ) -> None:
        due_at = clock.now() + timedelta(seconds=wait)
        with self._database.transaction() as connection:
            kept = outbox.put_off(connection, delivery, state, due_at=due_at, error=error, looks=looks)
        if not kept:
            self._say_taken_over(delivery)

    def _sent(self, delivery: Delivery, sent: Sent) -> None:
        with self._database.transaction() as connection:
            kept = outbox.mark_sent(
                connection, delivery, now=clock.now(), channel=sent.channel, message=sent.message
            )
        if not kept:
            self._say_taken_over(delivery)
            return
        logger.info(
            "alert delivered",
            extra={
                "receiver": self.receiver,
                "alert": delivery.alert.key,
                "topics": ",".join(topic.id for topic in delivery.alert.topics),
                "attempts": delivery.attempts,
            },
        )

    def _say_taken_over(self, delivery: Delivery) -> None:
        said = {"receiver": self.receiver, "alert": delivery.alert.key}
        logger.error("a delivery was taken over while it was sent", extra=said)


def _unix_time(message: str | None) -> float | None:
    """When a message was posted, where its id says so, as Slack's `ts` does."""
    try:
        return float(message) if message else None
    except ValueError:
        return None
