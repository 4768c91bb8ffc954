"""`topicwired` by the hours of the day: the real command, all of whose waits are so many times shorter.

    python -m tests.day.compressed run --home HOME --config FILE

Compressed is what asks `daemon.clock`, and what its workers, its timetable and APScheduler wait. Not
compressed is what other machines and processes take: time-outs of HTTP, pings of Socket Mode, the limits of
a parser and of a training, the seconds in which a stop must have ended. Where the daemon gives such work a
time by its own clock (a lease on a sending, a batch), it is given as many times more.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from types import SimpleNamespace
from typing import Any

from daemon import clock
from tests.day import plants
from tests.day.hours import Hours

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG, prctl(2): who lives the day may be killed

put: Callable[[object, str, Any], None] = setattr


def begin() -> Hours:
    """This process goes by the hours of the day from here on. To be called before the daemon is imported."""
    hours = Hours.of_environment()
    put(clock, "now", hours.now)
    put(clock, "monotonic", hours.monotonic)
    plants.plant(os.environ.get(plants.VARIABLE, ""))
    return hours


def hurry(hours: Hours) -> None:
    """A process that runs the daemon: its waits are shorter, and what it starts goes by the hours too."""
    from apscheduler.schedulers import background, base, blocking

    from daemon import app, batches, dispatch, intake, pages, retraining, worker

    class Event(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            return super().wait(timeout if timeout is None else timeout / hours.speed)

    class Datetime(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Datetime:
            return cls.fromtimestamp(hours.now().timestamp(), tz)

    put(worker, "threading", SimpleNamespace(Event=Event, Thread=threading.Thread))
    put(worker, "time", SimpleNamespace(monotonic=hours.monotonic))
    for module in (background, blocking):
        put(module, "Event", Event)
    put(base, "datetime", Datetime)
    put(app, "_HANGING_SECONDS", app._HANGING_SECONDS * hours.speed)
    put(batches, "_LONGEST", batches._LONGEST * hours.speed)
    put(intake, "_LONG_LOOK", intake._LONG_LOOK * hours.speed)
    put(dispatch, "_LEASE", timedelta(seconds=dispatch._LEASE.total_seconds() * hours.speed))
    put(dispatch, "_LATEST_BEGIN", dispatch._LATEST_BEGIN * hours.speed)
    put(pages, "_MODULE", "tests.day.desk")
    put(retraining, "_LEARNING", "tests.day.learning")
    unhurried = SimpleNamespace(now=hours.now, monotonic=time.monotonic, to_text=clock.to_text)
    for name in ("lines", "confining", "slackfiles", "slackapp"):
        put(importlib.import_module(f"daemon.{name}"), "clock", unhurried)


def main(arguments: list[str]) -> int:
    hours = begin()
    from daemon import cli

    if arguments[:1] == ["run"]:
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
        hurry(hours)
    return cli.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
