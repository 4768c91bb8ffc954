"""Places at which a life of a daemon stands still, as one whose machine was paused: and faults for that.

    still = Still(folder)
    still.ask("a batch claimed")           # of all daemons that were told of it
    pid = still.stands()                   # who came there first and stopped itself (SIGSTOP), if one has

The daemons of `nursery` are wrapped from outside; nothing in them knows of it.
"""

from __future__ import annotations

import http.client
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from daemon import dispatch, intake
from daemon.arrivals import Arrival
from daemon.claiming import LedgerClaims
from daemon.database import Database
from daemon.dispatch import Dispatch
from daemon.intake import Intake
from daemon.slack import SlackSender

CLAIMED = "a batch claimed"  # and read, and tagged: recorded next
RECORDED = "a batch recorded"  # moved next
SEEN = "a delivery seen"  # claimed next
OWED = "a delivery claimed"  # sent next
HALF = "half a request"  # the rest of it is sent next
ASKED = "a request without its answer"  # heard next
PLACES = (CLAIMED, RECORDED, SEEN, OWED, HALF, ASKED)

_LONGEST_REST = 2.0  # seconds; a transaction may wait for another daemon's

_put: Callable[[Any, str, Any], None] = setattr


class Still:
    """Who comes first to a place takes the note that names it, and stops."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._note = folder / "stand-still"
        self._writing = _Writing()

    def ask(self, place: str) -> None:
        """The next who comes to this place stops there."""
        fresh = self._folder / ".stand-still"
        fresh.write_text(place)
        fresh.rename(self._note)

    def forget(self) -> bool:
        """Nobody need stop any more; False where somebody has."""
        try:
            self._note.unlink()
        except FileNotFoundError:
            return False
        return True

    def stands(self) -> int | None:
        """The process that has stopped since the last call."""
        for path in self._folder.glob("stands-*"):
            path.unlink()
            return int(path.name.rpartition("-")[2])
        return None

    def reach(self, place: str) -> None:
        """In the process itself: it is at this place."""
        try:
            if self._note.read_text() != place:
                return
            self._note.rename(self._folder / f"stands-{os.getpid()}")
        except FileNotFoundError:
            return  # nobody asked, or another was first
        self._writing.rest()
        # To this thread: of one to the process another thread hears first, and this one goes on a little.
        signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
        self._writing.go_on()

    def watch(self) -> None:
        """In the process itself: no other thread of it is to stop in the middle of a transaction, for then
        all daemons would wait until the server has ended that.
        """
        real = Database._written

        @contextmanager
        def written(database: Database, *given: Any) -> Iterator[Connection]:
            with self._writing.one(), real(database, *given) as connection:
                yield connection

        _put(Database, "_written", written)


class _Writing:
    """How many transactions of this process are open."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._open = 0
        self._rests = False

    @contextmanager
    def one(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._rests)
            self._open += 1
        try:
            yield
        finally:
            with self._changed:
                self._open -= 1
                self._changed.notify_all()

    def rest(self) -> None:
        """Returns when none is open, or after a while; none is begun until `go_on`."""
        with self._changed:
            self._rests = True
            self._changed.wait_for(lambda: not self._open, _LONGEST_REST)

    def go_on(self) -> None:
        with self._changed:
            self._rests = False
            self._changed.notify_all()


def lay_hands_on(still: Still) -> None:
    """This process stops where it is asked to."""
    still.watch()
    _before(Intake, "_record", lambda: still.reach(CLAIMED))
    _before(intake, "shelve", lambda: still.reach(RECORDED))
    _before(Dispatch, "_start", lambda: still.reach(SEEN))
    _before(Dispatch, "_send", lambda: still.reach(OWED))
    _in_a_request(still)


def _before(owner: Any, name: str, reach: Callable[[], None]) -> None:
    real = getattr(owner, name)

    def reached(*given: Any, **more: Any) -> Any:
        reach()
        return real(*given, **more)

    _put(owner, name, reached)


def _in_a_request(still: Still) -> None:
    """Only where a message is posted: the thread that does so is known by `posts`."""
    here = threading.local()
    post, send, answer = SlackSender._post, http.client.HTTPConnection.send, http.client.HTTPResponse.begin

    def posting(*given: Any) -> Any:
        here.posts = True
        try:
            return post(*given)
        finally:
            here.posts = False

    def sending(connection: http.client.HTTPConnection, data: Any) -> None:
        if not getattr(here, "posts", False) or not isinstance(data, bytes) or data.startswith(b"POST "):
            send(connection, data)
            return
        send(connection, data[: len(data) // 2])
        still.reach(HALF)
        send(connection, data[len(data) // 2 :])

    def answered(response: http.client.HTTPResponse) -> None:
        if getattr(here, "posts", False):
            still.reach(ASKED)
        answer(response)

    _put(SlackSender, "_post", posting)
    _put(http.client.HTTPConnection, "send", sending)
    _put(http.client.HTTPResponse, "begin", answered)


def hurry() -> None:
    """Whoever waits until a message surely shows waits less: the stand-in shows it at once."""
    _put(dispatch, "_LOOKS", (0.5, 2.0))
    _put(dispatch, "_LATEST_BEGIN", 2.0)


def _no_generation() -> None:
    """A batch is recorded by whoever claimed it, however late."""

    def confirmed(claims: LedgerClaims, connection: Connection, batch: Sequence[Arrival]) -> list[Arrival]:
        return list(batch)

    _put(LedgerClaims, "confirmed", confirmed)


def _late_senders() -> None:
    """What was claimed is sent, however late, and stays."""

    def nothing(sending: Dispatch) -> None:
        """It stays."""

    _put(dispatch, "_LATEST_BEGIN", float("inf"))
    _put(Dispatch, "_take_back", nothing)


PLANTS: Mapping[str, Callable[[], None]] = {
    "no generation check": _no_generation,
    "sends however late": _late_senders,
}
