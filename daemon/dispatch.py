"""Dispatch: sees every delivery through to its receiver, in order, once where that can be known."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from daemon import clock, composing, deliveries, grouping, holds, outbox, quiet
from daemon.backoff import Backoff
from daemon.clock import from_text
from daemon.composing import Choices
from daemon.database import Database
from daemon.drawing import Drawing
from daemon.errors import (
    AppRefusedError,
    DeliveryError,
    PermanentDeliveryError,
    ReceiverRefusedError,
    TemporaryDeliveryError,
    ThreadRefusedError,
    UnknownOutcomeError,
)
from daemon.grouping import Burst
from daemon.leases import AllOurs, Leases
from daemon.leases import receiver as receiver_lease
from daemon.messages import Message
from daemon.observing import NOBODY, Observer, Outcome, failure_of
from daemon.reach import Reach
from daemon.records import Delivery, DeliveryState, Form, Sent
from daemon.refreshing import Refreshing
from daemon.senders import Sender
from daemon.tables import NEVER

logger = logging.getLogger(__name__)

_ENOUGH_TRIES = 3  # for one run that is to end by itself; a later run goes on
_IDLE = 30.0  # seconds; whoever adds a delivery wakes us
_HELD = 2.0  # seconds; who lets a receiver go may be another process, which cannot wake us
_AT_THE_GATE = 1.0  # seconds; whether the app is good again is asked for all its receivers at once
_PROBE = Backoff(first=30.0, ceiling=300.0)  # how often a receiver that refuses is asked again
# Seconds before each look at the history. A request that was cut off may still be applied a
# little later, so nothing is sent again before the second look.
_LOOKS = (2.0, 13.0)
_LEASE = timedelta(seconds=60)  # longer than any sending takes; then it has died on the way
_LATEST_BEGIN = 10.0  # seconds of it after which no sending is begun: it might not end in time
_POLLED = 2.0  # seconds between looks where other daemons have the same ledger
# The longest wait that the wall clock is believed to ask for. Whoever set it back meant no delay.
_LONGEST_WAIT = 3600.0
_CLOCKS_APART = 86400.0  # seconds that a receiver's clock and ours may differ


@dataclass(frozen=True, slots=True)
class Manner:
    """How a receiver wants to hear. `hours` and `zone` are of its quiet hours.

    `resend`: what may have arrived, and cannot be looked up, is sent again; else never.
    """

    burst: Burst | None = None
    hours: str = NEVER
    zone: str | None = None
    resend: bool = True


class Dispatch:
    """The work of one receiver's worker."""

    def __init__(
        self,
        receiver: str,
        sender: Sender,
        database: Database,
        backoff: Backoff | None = None,
        *,
        manner: Manner | None = None,
        choices: Callable[[], Choices] = tuple,
        leases: Leases | None = None,
        observer: Observer = NOBODY,
    ) -> None:
        self.receiver = receiver
        self._sender = sender
        self._database = database
        self._backoff = backoff or Backoff()
        self._manner = manner or Manner()
        self._choices = choices
        self._failed_looks = 0
        self._refreshing = Refreshing(receiver, sender, database, self._backoff, choices)
        self._drawing = Drawing(receiver, sender, database, self._backoff)
        self._waiting_for: tuple[int, int, DeliveryState, datetime] | None = None
        self._waits_until = 0.0
        self._in_hand: tuple[int, int] | None = None
        self._leases = leases or AllOurs()
        self._leads = leases is None  # then the start has seen to what was on its way
        # Of a ledger with several daemons, another one may add deliveries, or go.
        self._idle = _IDLE if leases is None else _POLLED
        self._must_begin_before = float("inf")
        self._astray: list[tuple[Delivery, Sent]] = []
        self._reach = Reach()
        self._observer = observer
        observer.receiver(receiver)

    def work(self) -> float:
        """See to the oldest delivery. Returns in how many seconds to be called again."""
        self._take_back()  # also once another sends: that is when there is something to take back
        if not self._may_send() or self._leaves_it():
            return _POLLED
        to_show = self._refreshing.work()
        with self._database.reading() as connection:
            found = deliveries.oldest(connection, self.receiver)
            held = found is not None and _is_stopped(connection, found[0])
        if found is None:
            return min(to_show, self._idle)
        return min(to_show, _HELD if held else self._see_to(*found))

    def _may_send(self) -> bool:
        """Whether it is for this daemon to send; whoever sent before us may have ended in the middle."""
        led, self._leads = self._leads, self._is_ours()
        if self._leads and not led:
            due_at = clock.now() + timedelta(seconds=_LOOKS[0])
            with self._database.transaction() as connection:
                outbox.recover(connection, due_at=due_at, receiver=self.receiver)
        return self._leads

    def _is_ours(self) -> bool:
        if self._reach.stands_back(clock.monotonic()):
            return False
        return self._leases.holds(receiver_lease(self.receiver))

    def _leaves_it(self) -> bool:
        """Whether another daemon is to send from now on, as nobody has answered us for a while."""
        now = clock.monotonic()
        if not self._reach.is_lost(now):
            return False
        if not self._leases.let_go(receiver_lease(self.receiver)):
            self._reach.try_on()
            return False
        self._leads = False
        self._reach.stand_back(now)
        with self._database.transaction() as connection:
            outbox.due_now(connection, self.receiver, now=clock.now())
        logger.warning("no answer for a while, another daemon may try", extra={"receiver": self.receiver})
        return True

    def _see_to(self, delivery: Delivery, due_at: datetime) -> float:
        if delivery.state is DeliveryState.SENDING:
            return self._wait_for_lease(delivery)
        wait = self._seconds_left(delivery, due_at)
        if delivery.state is not DeliveryState.UNKNOWN:
            wait = max(wait, self._quiet_for())
        if wait > 0:
            return min(wait, self._idle)
        if delivery.state is DeliveryState.UNKNOWN:
            self._look(delivery)
            return 0.0
        pause = self._sender.pause()
        if pause > 0:
            return pause
        # Behind the gate: what refuses all of the app would refuse the chart too.
        if (drawn := self._drawing.work(delivery)) is not None:
            return drawn
        self._start(delivery)
        return 0.0

    def _quiet_for(self) -> float:
        """Seconds until the receiver's quiet hours end; 0.0 outside of them."""
        now = clock.now()
        until = quiet.quiet_until(self._manner.hours, self._manner.zone, now)
        return max(0.1, (until - now).total_seconds()) if until is not None else 0.0

    def _start(self, delivery: Delivery) -> None:
        """Settle what goes with the delivery, write that it is on its way, and send it."""
        now = clock.now()
        with self._database.transaction() as connection:
            # From here on, not from before our turn: where others write much, that may be long in coming.
            self._must_begin_before = clock.monotonic() + _LATEST_BEGIN
            if _is_stopped(connection, delivery) or not deliveries.is_still(connection, delivery):
                return  # since it was read we may have stood still, and another daemon sent it
            if self._sender.groups:
                over = self._quiet_hours_of(connection, delivery, now)
                delivery = grouping.settle(connection, delivery, self._manner.burst, over, now)
            started = outbox.start_sending(connection, delivery, now=now, lease=_LEASE)
            if started is None:
                return
            message = composing.compose(connection, started, self._choices())
            # Before the commit: where its outcome is not heard, nobody has sent it but we know whose it is.
            self._in_hand = (started.id, started.generation)
        self._send(started, message)

    def _quiet_hours_of(
        self, connection: Connection, delivery: Delivery, now: datetime
    ) -> tuple[datetime, datetime] | None:
        """The quiet hours in which its alert was written, if they are over."""
        created = grouping.created(connection, delivery) if self._manner.hours != NEVER else None
        if created is None:
            return None
        span = quiet.window_of(self._manner.hours, self._manner.zone, from_text(created))
        return span if span is not None and span[1] <= now else None

    def _wait_for_lease(self, delivery: Delivery) -> float:
        """A sending without an end: ours, if its end could not be written, or that of another who died."""
        until = from_text(delivery.lease_until) if delivery.lease_until else clock.now()
        if self._in_hand != (delivery.id, delivery.generation):
            wait = self._seconds_left(delivery, until)
            if wait > 0:
                return min(wait, self._idle)
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
        if not self._is_ours():
            return True  # another daemon sees to it
        with self._database.reading() as connection:
            found = deliveries.oldest(connection, self.receiver)
            held = found is not None and _is_stopped(connection, found[0])
        if found is None or held or found[0].state is DeliveryState.PARKED:
            return True
        if found[0].state is DeliveryState.PENDING and self._quiet_for() > 0:
            return True
        delivery, due_at = found
        tries = max(delivery.attempts, self._failed_looks)
        return tries >= _ENOUGH_TRIES and self._seconds_left(delivery, due_at) > 0

    def _send(self, delivery: Delivery, message: Message) -> None:
        try:
            if clock.monotonic() > self._must_begin_before:
                raise TemporaryDeliveryError("this process stood still before it could be sent")
            sent = self._sender.send(message)
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
            self._cannot_be_known(delivery, f"{outbox.UNSURE}, and it cannot be looked up")
            return
        with self._database.reading() as connection:
            message = composing.compose(connection, delivery)
        # What was never sent by this ledger was sent by one before it, who knows where.
        restored = delivery.attempts == 0
        try:
            found = self._sender.find(message, self._since(delivery), everywhere=restored)
        except ReceiverRefusedError as error:
            self._cannot_be_known(delivery, f"{outbox.UNSURE}, and the history cannot be read: {error}")
            return
        except DeliveryError as error:
            self._reach.hear(clock.monotonic(), answered=not error.unanswered)
            self._failed_looks += 1
            after = getattr(error, "retry_after", None)
            wait = self._backoff.delay(self._failed_looks, retry_after=after)
            self._put_off(delivery, DeliveryState.UNKNOWN, wait, str(error), delivery.looks)
            return
        self._failed_looks = 0
        if found is not None:
            # It shows what was known when it was sent, which may be less than now.
            self._sent(replace(delivery, revision=0), found, looked_up=True, restored=restored)
        elif delivery.looks + 1 < len(_LOOKS):
            looks = delivery.looks + 1
            self._put_off(delivery, DeliveryState.UNKNOWN, _LOOKS[looks], "not seen yet", looks)
        else:
            self._again(delivery, "it did not arrive")

    def _cannot_be_known(self, delivery: Delivery, reason: str) -> None:
        if self._manner.resend:
            self._again(delivery, reason)
            return
        self._put_off(delivery, DeliveryState.DEAD, 0.0, f"{reason}; slack.on_unknown says to hold it")
        logger.error("alert may not have arrived", extra=delivery.named)

    def _since(self, delivery: Delivery) -> float:
        """A moment before the alert can have arrived, by the receiver's clock as far as we know it.

        Alerts go out in order, so it stands behind the last one that arrived; that holds even if
        our clock was wrong when this one was sent. Where it was sent in what is now our future,
        no moment is early enough but the first.
        """
        with self._database.reading() as connection:
            last = deliveries.last_message(connection, self.receiver)
        sent_at = from_text(delivery.first_sent_at).timestamp() if delivery.first_sent_at else 0.0
        if last is None and sent_at > clock.now().timestamp():
            return 0.0
        moments = [sent_at, clock.now().timestamp(), _unix_time(last)]
        return max(0.0, min(moment for moment in moments if moment is not None) - _CLOCKS_APART)

    def _failed(self, delivery: Delivery, error: DeliveryError) -> None:
        self._observer.failure(self.receiver, failure_of(error))
        self._reach.hear(clock.monotonic(), answered=not error.unanswered)
        if isinstance(error, ThreadRefusedError) and delivery.root is not None:
            self._uproot(delivery, error)
            return
        if isinstance(error, PermanentDeliveryError) and self._scatter(delivery, error):
            return
        after = getattr(error, "retry_after", None)
        spread = random.random()  # noqa: S311  it spreads retries, it guards nothing
        later = self._backoff.delay(delivery.attempts, retry_after=after, jitter=spread)
        match error:
            case TemporaryDeliveryError():
                state, wait = DeliveryState.PENDING, later
            case AppRefusedError():
                state, wait = DeliveryState.PARKED, _AT_THE_GATE
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
            extra=delivery.named | {"state": state.value, "error": str(error), "again_in": round(wait, 1)},
        )

    def _uproot(self, delivery: Delivery, error: DeliveryError) -> None:
        """Its thread takes no replies: it goes without one, and so does what comes after it there."""
        with self._database.transaction() as connection:
            outbox.put_off(connection, delivery, DeliveryState.PENDING, due_at=clock.now(), error=str(error))
            outbox.uproot(connection, delivery)
        logger.warning("a reply goes without its thread", extra=delivery.named | {"error": str(error)})

    def _scatter(self, delivery: Delivery, error: DeliveryError) -> bool:
        """A message of several that Slack will never take is taken apart; whether it was one."""
        with self._database.transaction() as connection:
            if not grouping.members(connection, delivery):
                return False
            if outbox.put_off(
                connection, delivery, DeliveryState.PENDING, due_at=clock.now(), error=str(error)
            ):
                grouping.scatter(connection, delivery, clock.now())
        logger.warning(
            "a message of several was refused, each goes alone", extra=delivery.named | {"error": str(error)}
        )
        return True

    def _again(self, delivery: Delivery, reason: str) -> None:
        wait = 0.0 if delivery.attempts <= 1 else self._backoff.delay(delivery.attempts - 1)
        self._put_off(delivery, DeliveryState.PENDING, wait, reason)
        logger.warning(
            "alert is sent again",
            extra=delivery.named | {"reason": reason},
        )

    def _put_off(
        self, delivery: Delivery, state: DeliveryState, wait: float, error: str, looks: int = 0
    ) -> None:
        due_at = clock.now() + timedelta(seconds=wait)
        with self._database.transaction() as connection:
            kept = outbox.put_off(connection, delivery, state, due_at=due_at, error=error, looks=looks)
        if not kept:
            self._say_taken_over(delivery)
            return
        self._observer.delivery(self.receiver, state)

    def _sent(
        self, delivery: Delivery, sent: Sent, *, looked_up: bool = False, restored: bool = False
    ) -> None:
        self._reach.hear(clock.monotonic(), answered=True)
        with self._database.transaction() as connection:
            kept = outbox.mark_sent(
                connection, delivery, now=clock.now(), channel=sent.channel, message=sent.message
            )
            if kept and restored:
                grouping.found_in(connection, delivery, sent.message)
            written = None if looked_up else grouping.created(connection, delivery)
            articles = [] if delivery.form is Form.ALERT else deliveries.articles_in(connection, delivery)
        if not kept:
            self._say_taken_over(delivery)
            self._astray.append((delivery, sent))
            return
        waited = (clock.now() - from_text(written)).total_seconds() if written else None
        self._observer.delivery(self.receiver, Outcome.FOUND if looked_up else Outcome.SENT, waited)
        logger.info(
            "alert delivered",
            extra=delivery.named
            | ({"articles": ",".join(articles)} if articles else {})
            | {
                "work": "delivery",
                "topics": ",".join(topic.id for topic in delivery.alert.topics) if delivery.alert else "",
                "form": delivery.form.value,
                "attempts": delivery.attempts,
            },
        )

    def _take_back(self) -> None:
        """What we posted after somebody else had taken it over goes, if that one posted it as well."""
        for each in list(self._astray):
            delivery, sent = each
            with self._database.reading() as connection:
                known = deliveries.one(connection, delivery.id)
            if known is None or known.state is not DeliveryState.SENT:
                continue  # it may yet be found
            if sent.message is not None and known.message != sent.message:
                try:
                    self._sender.take_back(sent)
                except DeliveryError as error:
                    logger.warning("a repeat stays", extra=delivery.named | {"error": str(error)})
                else:
                    logger.warning("a repeat was taken back", extra=delivery.named)
            self._astray.remove(each)

    def _say_taken_over(self, delivery: Delivery) -> None:
        logger.error("a delivery was taken over while it was sent", extra=delivery.named)


def _is_stopped(connection: Connection, delivery: Delivery) -> bool:
    """Whether somebody holds what the receiver is owed; whether one arrived is asked all the same."""
    if delivery.state in (DeliveryState.SENDING, DeliveryState.UNKNOWN):
        return False
    return holds.is_held(connection, delivery.receiver)


def _unix_time(message: str | None) -> float | None:
    """When a message was posted, where its id says so, as Slack's `ts` does."""
    try:
        return float(message) if message else None
    except ValueError:
        return None
