"""Drawing: the chart of a digest is uploaded before the digest goes; where that fails it goes without."""

from __future__ import annotations

import logging

from daemon import charts, composing, showing
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

    def work(self, delivery: Delivery) -> float | None:
        """See to the chart of a delivery that is about to go; None where there is nothing to see to.

        Else in how many seconds the delivery is to be looked at again.
        """
        body = composing.digest_of(delivery)
        if body is None or not body.chart or delivery.picture is not None:
            return None
        picture = self._upload(body)
        if picture is None:
            return self._backoff.delay(self._failures)
        self._failures = 0
        with self._database.transaction() as connection:
            showing.set_picture(connection, delivery, picture)
        return 0.0

    def _upload(self, body: DigestBody) -> str | None:
        """The picture's id, "" where there will be none, None where it may succeed later."""
        png = charts.png(body) if self._sender.can_thread else None
        if png is None:
            return ""
        try:
            return self._sender.upload(png, body.title)
        except DeliveryError as error:
            self._failures += 1
            told = {"receiver": self._receiver, "error": str(error)}
            logger.warning("the chart of a digest cannot be uploaded", extra=told)
            done = self._failures >= _ENOUGH_TRIES or isinstance(error, ReceiverRefusedError)
            return "" if done else None
