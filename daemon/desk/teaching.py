"""Teaching: a training that somebody at the desk asks for, as `topicwired retrain` would, in a thread.

How far it is stands in the ledger, whoever asked for it.
"""

from __future__ import annotations

import logging
import threading
from weakref import WeakSet

from sqlalchemy.exc import SQLAlchemyError

from daemon import clock, interventions, retraining, trainings
from daemon.database import plainly
from daemon.desk.state import Desk
from daemon.errors import DaemonError
from daemon.interventions import Deed

logger = logging.getLogger(__name__)


_all: WeakSet[Teaching] = WeakSet()


def stop(seconds: float) -> None:
    """End what is in hand in this process, and let that be written."""
    retraining.cancel()
    for each in list(_all):
        each.settle(seconds)


class Teaching:
    """One at a time. Safe to share between threads."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self.error = ""  # why the last one could not begin, or not be written
        _all.add(self)

    @property
    def is_at_work(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def begin(self, person: str, *, if_changed: bool = True) -> None:
        """Begin a training. Raises DaemonError where one is in hand, of whomever."""
        with self._lock:
            if self.is_at_work:
                raise DaemonError("a training is in hand already")
            with self._desk.database.transaction() as connection:
                for each in trainings.in_hand(connection):
                    raise DaemonError(
                        f"a training is in hand since {each.started_at}, by the {each.asked_by}"
                    )
                interventions.add(connection, Deed.RETRAIN, person=person, now=clock.now())
            logger.info("a training was asked for", extra={"person": person})
            self.error = ""
            self._thread = threading.Thread(
                target=self._run, args=(if_changed,), name="teaching", daemon=True
            )
            self._thread.start()

    def settle(self, seconds: float) -> bool:
        """Wait until nothing is in hand, for so long; whether that came about."""
        thread = self._thread
        if thread is not None:
            thread.join(seconds)
        return not self.is_at_work

    def _run(self, if_changed: bool) -> None:
        try:
            retraining.retrain(
                self._desk.settings, self._desk.database, asked_by="operator", if_changed=if_changed
            )
        except (DaemonError, SQLAlchemyError) as error:
            self.error = plainly(error)
            logger.warning("a training did not come about", extra={"error": self.error})
        except Exception:
            self.error = "it failed; the log says more"
            logger.exception("a training failed")
