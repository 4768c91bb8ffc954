"""Drawing: the chart of a digest is uploaded before the digest goes; where that fails it goes without."""

from __future__ import annotations

import logging

from daemon import charts, clock, composing, showing
from daemon.backoff import Backoff
from daemon.database import Database
from daemon.errors import DeliveryError, ReceiverRefusedError
from daemon.messages import DigestBody
from daemon.records import Delivery
from daemon.senders import Sender

logger = logging.getLogger(__name__)

_ENOUGH_TRIES = 3


class Drawing:
    """The charts of one receiver. An upload that no message shows is seen by nobody: it may come twice."""

    def __init__(self, receiver: str, sender: Sender, database: Database, backoff: Backoff) -> None:
        self._receiver = receiver
        self._sender = sender
        self._database = database
        self._backoff = backoff
        self._failures = 0
        self._rests_until = 0.0

    def work(self, delivery: Delivery) -> float | None:
        """See to the chart of a delivery that is about to go; None where there is nothing to see to.

        Else in how many seconds the delivery is to be looked at again.
        """
        body = composing.digest_of(delivery)
        if body is None or not body.chart or delivery.picture is not None:
            return None
        rest = self._rests_until - clock.monotonic()
        if rest > 0:
            return rest
        try:
            picture = self._picture(body)
        except ReceiverRefusedError as error:
            # So will the digest be, which then waits; or it goes without its chart.
            logger.warning("the chart of a digest cannot be uploaded", extra=self._said(error))
            return None
        except DeliveryError as error:
            self._failures += 1
            logger.warning("the chart of a digest cannot be uploaded", extra=self._said(error))
            if self._failures < _ENOUGH_TRIES:
                wait = self._backoff.delay(self._failures, retry_after=getattr(error, "retry_after", None))
                self._rests_until = clock.monotonic() + wait
                return wait
            picture = ""
        self._failures, self._rests_until = 0, 0.0
        with self._database.transaction() as connection:
            showing.set_picture(connection, delivery, picture)
        return 0.0

    def _picture(self, body: DigestBody) -> str:
        """The id of the uploaded picture, "" where there will be none. Raises a DeliveryError."""
        try:
            png = charts.png(body) if self._sender.can_thread else None
            return "" if png is None else self._sender.upload(png, body.title)
        except DeliveryError:
            raise
        except Exception:  # a fault of ours must not hold up the digest
            logger.exception("drawing a chart failed", extra={"receiver": self._receiver})
            return ""

    def _said(self, error: Exception) -> dict[str, str]:
        return {"receiver": self._receiver, "error": str(error)}
