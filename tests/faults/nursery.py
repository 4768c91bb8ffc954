"""Lives of the real command `topicwired run`: each is a fork of a process that has everything imported.

    with Nursery(home, config, log) as nursery:
        life = nursery.birth()
        life.send(signal.SIGKILL)
        life.wait(10.0)                                 # minus the signal that ended it

A start of the command costs more than a second of imports, a birth some milliseconds.
"""

from __future__ import annotations

import ctypes
import faulthandler
import importlib
import json
import os
import secrets
import select
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from daemon import claims, cli, refreshing, slackapi, timetable
from daemon.messages import Message
from daemon.records import Sent
from daemon.slack import SlackSender
from tests.faults.way import prepare

ROOT = Path(__file__).resolve().parents[2]

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG, prctl(2)


class Life:
    """One process of the command."""

    def __init__(self, process: int, answers: int) -> None:
        self.process = process
        self.code: int | None = None
        self._answers = answers

    def send(self, number: int) -> None:
        if self.wait(0.0) is None:
            os.kill(self.process, number)

    def wait(self, seconds: float) -> int | None:
        """Its exit code, or minus the signal that ended it; None if it still lives."""
        if self.code is None and select.select([self._answers], [], [], seconds)[0]:
            self.code = int(_line(self._answers))
        return self.code

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        self.wait(10.0)


def surroundings() -> dict[str, str]:
    """The environment of whoever bears lives: without secrets and settings of ours."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SLACK_", "TOPICWIRE_"))}
    return kept | {"OPENBLAS_NUM_THREADS": "1"}


class Nursery:
    """Bears one life at a time; the last one must have ended. `plant` names a fault of `PLANTS`."""

    def __init__(self, home: Path, config: Path, log: Path, plant: str = "") -> None:
        arguments = (str(home), str(config), str(log), plant)
        self._command = [sys.executable, "-m", "tests.faults.nursery", *arguments]

    def __enter__(self) -> Nursery:
        self._server = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env=surroundings(),
            cwd=ROOT,
        )
        assert self._server.stdout
        _line(self._server.stdout.fileno())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.kill()  # and with it whatever it bore
        self._server.wait(30)

    def birth(self) -> Life:
        assert self._server.stdin and self._server.stdout
        self._server.stdin.write(b"\n")
        answers = self._server.stdout.fileno()
        return Life(int(_line(answers)), answers)


def _never_looks() -> None:
    """An alert that may have arrived is sent again at once."""

    def find(self: SlackSender, message: Message, since: float, *, everywhere: bool = False) -> Sent | None:
        return None

    setattr(SlackSender, "find", find)  # noqa: B010  it is meant to be put over the method


PLANTS: Mapping[str, Callable[[], None]] = {"": lambda: None, "never looks": _never_looks}


def serve(home: str, config: str, log: str, plant: str) -> None:
    """The server's side: a line in is a birth; out come the process and, when it has ended, its code."""
    die_with_parent()
    import_what_a_life_imports()
    PLANTS[plant]()
    hurry()
    print("ready", flush=True)
    while sys.stdin.readline():
        child = os.fork()
        if child == 0:
            live(home, config, log)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def hurry() -> None:
    """A life lasts a second: jobs are looked at in it, and messages shown anew as fast as they can be.

    The stand-in answers nobody before all that came earlier is done, so nothing needs to settle.
    """
    put: Callable[[object, str, float], None] = setattr
    put(timetable, "_LOOK_EVERY", 0.3)
    put(slackapi, "UPDATE_INTERVAL", 0.02)
    put(refreshing, "_SETTLE", 0.1)


def live(home: str, config: str, log: str) -> NoReturn:
    """A life, in the process that was forked for it."""
    die_with_parent()
    claims._TOKEN = secrets.token_hex(8)  # one that was not forked has its own
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for stream, handle in enumerate((nothing, output, output)):
        os.dup2(handle, stream)
    faulthandler.register(signal.SIGUSR2, all_threads=True)  # into its log: for one that does not end
    code = 70  # nothing of ours ends with it
    try:
        code = cli.main(["run", "--home", home, "--config", config])
    except BaseException:
        traceback.print_exc()
    os._exit(code)


def import_what_a_life_imports() -> None:
    """A first life, in a home of its own, tells what the command imports only when it runs."""
    reading, writing = os.pipe()
    with tempfile.TemporaryDirectory() as folder:
        if os.fork() == 0:
            _tell_modules(Path(folder), writing)
        os.close(writing)
        with os.fdopen(reading) as answer:
            modules = json.load(answer)
        os.wait()
    for name in modules:
        if name.partition(".")[0] not in ("__main__", "tests"):
            importlib.import_module(name)


def _tell_modules(folder: Path, writing: int) -> NoReturn:
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    prepare(folder / "home", {1: b"The oil refinery\nburns gas and oil.\n", 2: b""})
    cli.main(["run", "--once", "--home", str(folder / "home")])
    names = [name for name, module in sys.modules.items() if getattr(module, "__spec__", None)]
    os.write(writing, json.dumps(names).encode())
    os._exit(0)


def die_with_parent() -> None:
    """The kernel kills this process when the one that bore it ends."""
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)


def _line(answers: int) -> str:
    """One line, not a byte more: what follows is for the next who asks."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(answers, 1)
        if not byte:
            raise RuntimeError("the nursery has ended")
        line += byte
    return line.decode()


if __name__ == "__main__":
    serve(*sys.argv[1:])
