"""Lives of a dispatcher: forks of a process that has everything imported, killed where they are told to.

    with Lives() as lives:
        code = lives.live(Life(folder, slack.url, kill="committed 2"))        # -9: it was killed there

Each is the daemon's own start-up and `Dispatch` with the real `SlackSender` on a real ledger, in one
thread whose clock runs ahead. Its boundaries have names: "begun", "to be committed" and "committed",
each with the number of the transaction.
"""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

from sqlalchemy import Connection, Engine, event, text

from daemon import app, charts, clock, logs, slackapi, slackfiles
from daemon.config import Receiver, Settings
from daemon.database import Database, open_database
from daemon.dispatch import Dispatch, Manner
from daemon.slack import SlackSender
from daemon.slackapi import SlackApp
from tests.builders import make_route, make_settings
from tests.faults import plants
from tests.faults.ahead import SharedClock
from tests.faults.owed import CHANNEL, DESK, SUBJECTS

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "xoxb-1-test"  # the stand-in's

IDLE, BUSY, RAISED = 0, 3, 5
_LONGEST = 6 * 3600.0  # simulated seconds until it must be at rest
_HANGING = 60  # true ones
_AFTER_A_FAILURE = 0.5
_PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
_LEFT = text(
    """
    SELECT COUNT(*)
    FROM deliveries
    WHERE state NOT IN ('sent', 'merged', 'dead')
      OR (state = 'sent' AND revision > shown AND message IS NOT NULL)
    """
)


@dataclass(frozen=True, slots=True)
class Life:
    """`kill`: the boundary at which it ends; `until`: or the simulated second. Both empty: at rest."""

    folder: Path
    slack_url: str
    subject: str
    kill: str = ""
    until: float = 0.0
    plant: str = ""
    timeout: float = 0.0  # of requests; 0.0: the daemon's own

    def to_json(self) -> str:
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, line: str) -> Life:
        given = json.loads(line)
        return cls(**{**given, "folder": Path(given["folder"])})


class Lives:
    """Starts with `with`; has one life at a time."""

    def __enter__(self) -> Lives:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("SLACK_", "TOPICWIRE_"))}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.lives"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment | {"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1"},
            cwd=ROOT,
        )
        self._answer()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(30)

    def live(self, life: Life) -> int:
        """Its exit code, or minus the signal that ended it."""
        assert self._process.stdin
        self._process.stdin.write(life.to_json() + "\n")
        self._process.stdin.flush()
        return int(self._answer())

    def _answer(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the process that bears lives has ended")
        return line


def serve() -> None:
    """The other side: a life a line, and its end."""
    signal.signal(signal.SIGIO, signal.SIG_IGN)  # as daemon.app does
    logs.configure("text")
    print("0", flush=True)
    while line := sys.stdin.readline():
        child = os.fork()
        if child == 0:
            _live(Life.from_json(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _live(life: Life) -> NoReturn:
    signal.alarm(_HANGING)
    log = os.open(life.folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    code = RAISED
    try:
        code = _work(life)
    except BaseException:
        traceback.print_exc()
    os._exit(code)


def _work(life: Life) -> int:
    shared = SharedClock(life.folder / "clock")
    shared.begin(os.getpid())
    _lay_hands_on(shared, life)
    database = _Watched(open_database(f"sqlite:///{life.folder}/ledger.db"), life)
    app.start_up(settings_of(life.folder), database)
    sender = SlackSender(SlackApp(TOKEN, life.slack_url), CHANNEL)
    manner: Manner = SUBJECTS[life.subject].manner
    dispatch = Dispatch(DESK, sender, database, manner=manner, choices=lambda: (("energy", "Energy"),))
    began = shared.elapsed
    while shared.elapsed < began + _LONGEST:
        if life.until and shared.elapsed > life.until:
            os.kill(os.getpid(), signal.SIGKILL)
        shared.move_on(_survive(dispatch.work))
        if _is_at_rest(database):
            return IDLE
    return BUSY


def settings_of(folder: Path) -> Settings:
    desk = Receiver(name=DESK, type="slack", channel=CHANNEL)
    return make_settings(folder / "home", receivers=(desk,), routes=(make_route(receiver=DESK),))


def _lay_hands_on(shared: SharedClock, life: Life) -> None:
    """This process is ours alone, so nothing is put back."""
    put: Callable[[Any, str, Any], None] = setattr
    random.seed(1)
    put(clock, "now", shared.now)
    put(clock, "monotonic", shared.monotonic)
    put(time, "sleep", shared.move_on)
    put(charts, "png", lambda body: _PNG)  # drawn in a process of its own, which takes a second
    if life.timeout:
        for module, name in ((slackapi, "TIMEOUT"), (slackapi, "READING_TIMEOUT"), (slackfiles, "TIMEOUT")):
            put(module, name, life.timeout)
    event.listen(Engine, "engine_connect", _never_wait_for_the_disk)
    if life.plant:
        plants.PLANTS[life.plant]()


def _never_wait_for_the_disk(connection: Connection) -> None:
    """Only processes die here; power cuts are another part of the rig."""
    raw: Any = connection.connection.driver_connection
    raw.execute("PRAGMA synchronous=OFF")


def _survive(work: Callable[[], float]) -> float:
    # As daemon.worker.Worker does, in whose thread an exception in the work is not the end.
    try:
        return work()
    except Exception:
        logging.getLogger(__name__).exception("work failed, trying again")
        return _AFTER_A_FAILURE


def _is_at_rest(database: Database) -> bool:
    with database.reading() as connection:
        return not connection.execute(_LEFT).scalar_one()


class _Watched(Database):
    """Says at which boundary it is, and dies where it is told to."""

    def __init__(self, sound: Database, life: Life) -> None:
        self.__dict__.update(sound.__dict__)
        self._kill = life.kill
        self._number = 0
        self._trace = os.open(life.folder / "trace", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        self._number += 1
        number = self._number
        self._reach(f"begun {number}")
        with super().transaction() as connection:
            yield connection
            self._reach(f"to be committed {number}")
        self._reach(f"committed {number}")

    def _reach(self, boundary: str) -> None:
        os.write(self._trace, f"{boundary}\n".encode())
        if boundary == self._kill:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    serve()
