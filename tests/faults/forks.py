"""The fork server: has everything imported once, so that each case costs a fork and no start.

    with ForkServer() as server:
        child = server.fork(Case(home, slack.url))      # waits, so that a tracer can take hold of it
        end = server.let_go(child)

Its two sides talk in lines of JSON over the server's stdin and stdout. It has one child at a time;
cases that are to run side by side take a server each.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import IntEnum
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

from classifier import ClassifierError
from daemon import logs
from daemon.errors import DaemonError
from tests.faults import way

ROOT = Path(__file__).resolve().parents[2]

_HANGING = 45.0  # seconds; a walk takes well below one, under strace below five


class End(IntEnum):
    """How a child ended: one of these exit codes, or the signal that killed it, negative."""

    IDLE = 0
    BUSY = 3  # the rounds were used up
    REFUSED = 4  # by an error that the command tells a person in a line
    RAISED = 5  # by anything else
    KILLED = -signal.SIGKILL


@dataclass(frozen=True, slots=True)
class Case:
    """One walk in a process of its own; `log` takes what the process says."""

    home: Path
    slack_url: str
    log: Path
    plant: str = ""
    rounds: int = 60
    days_behind: int = 1

    def to_json(self) -> str:
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Case:
        paths = {"home": Path(given["home"]), "log": Path(given["log"])}
        return cls(**{**given, **paths})


class ForkServer:
    """Starts with `with`; ends its child and itself."""

    def __enter__(self) -> ForkServer:
        # BLAS threads and hash seeds would let two runs of one case differ.
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("SLACK_", "TOPICWIRE_"))}
        environment |= {"OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0", "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-m", "tests.faults.forks"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT
        )
        self._child: int | None = None
        self._answer()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is not None:
            os.kill(self._child, signal.SIGKILL)
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(30)

    def fork(self, case: Case) -> int:
        """The process of a case, waiting before its first step."""
        self._child = int(self._ask(case.to_json()))
        return self._child

    def let_go(self) -> int:
        """Let the child run to its end; its exit code, or minus the signal that ended it."""
        assert self._child is not None
        watch = threading.Timer(_HANGING, os.kill, (self._child, signal.SIGALRM))
        watch.start()
        try:
            return int(self._ask(""))
        finally:
            watch.cancel()
            self._child = None

    def run(self, case: Case) -> int:
        """A case that nobody traces, from its beginning to its end."""
        self.fork(case)
        return self.let_go()

    def _ask(self, line: str) -> str:
        assert self._process.stdin
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the fork server has ended")
        return line


def serve() -> None:
    """The server's side: a case, a line to let it go, a case, …, until stdin ends."""
    signal.signal(signal.SIGIO, signal.SIG_IGN)  # as daemon.app does
    _warm_up()
    print("ready", flush=True)
    while line := sys.stdin.readline():
        ready, tell_ready = os.pipe()
        gate, open_gate = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(open_gate)
            _child(Case.from_json(json.loads(line)), tell_ready, gate)
        os.close(gate)
        os.close(tell_ready)
        os.read(ready, 1)
        print(child, flush=True)
        sys.stdin.readline()
        os.close(open_gate)  # which lets the child go
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
        os.close(ready)


def _child(case: Case, tell_ready: int, gate: int) -> NoReturn:
    log = os.open(case.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    way.served_model(way.settings_of(case.home).models)
    os.write(tell_ready, b".")
    os.read(gate, 1)
    os._exit(_walk(case))


def _walk(case: Case) -> End:
    behind = timedelta(days=case.days_behind)
    try:
        idle = way.walk(
            case.home,
            case.slack_url,
            rounds=case.rounds,
            plant=case.plant,
            behind=behind,
            closing=False,
        )
    except (DaemonError, ClassifierError, OSError) as error:  # which `topicwired` says in a line
        print(f"refused: {error}", file=sys.stderr)
        return End.REFUSED
    except BaseException:
        traceback.print_exc()
        return End.RAISED
    return End.IDLE if idle else End.BUSY


def _warm_up() -> None:
    """Walk once, towards a port where nobody listens: what is imported late is then imported."""
    logs.configure("text")
    stderr = os.dup(2)
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("wb") as log:
        os.dup2(log.fileno(), 2)
        home = Path(folder) / "home"
        way.prepare(home, {1: b"The oil refinery\nburns gas and oil.\n", 2: b""})
        way.walk(home, "http://127.0.0.1:9/api/", rounds=3)
    os.dup2(stderr, 2)
    os.close(stderr)


if __name__ == "__main__":
    serve()
