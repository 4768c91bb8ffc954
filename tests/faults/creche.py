"""Lives of several daemons side by side, all of them forks of one process that has everything imported.

    with Creche(folder) as creche:
        child = creche.bear(Birth(home, config, log))
        child.send(signal.SIGKILL)
        child.wait(10.0)                                # minus the signal that ended it

As in `nursery`, each is the real command `topicwired run`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

from tests.faults import nursery, stills

_LOOK = 0.01  # seconds


@dataclass(frozen=True, slots=True)
class Birth:
    """`plant` names a fault of `stills.PLANTS`; in the folder `still` it is asked to stand still; who is
    `hurried` waits less until a message surely shows.
    """

    home: Path
    config: Path
    log: Path
    plant: str = ""
    still: Path | None = None
    hurried: bool = False


class Child(nursery.Life):
    """One of several: how it ended stands in a file."""

    def __init__(self, process: int, ended: Path) -> None:
        super().__init__(process, -1)
        self._ended = ended

    def wait(self, seconds: float) -> int | None:
        until = time.monotonic() + seconds
        while self.code is None:
            if self._ended.exists():
                self.code = int(self._ended.read_text())
            elif time.monotonic() >= until:
                break
            else:
                time.sleep(_LOOK)
        return self.code


class Creche:
    """Start it with `with`; at the end whoever lives still is killed. `folder` takes how they ended.

    For any number of threads.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def __enter__(self) -> Creche:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.creche", str(self._folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=nursery.surroundings(),
            cwd=nursery.ROOT,
        )
        self._line()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.kill()  # and with it whatever it bore
        self._server.wait(30)

    def bear(self, birth: Birth) -> Child:
        assert self._server.stdin
        with self._lock:
            self._server.stdin.write(json.dumps(asdict(birth), default=str) + "\n")
            self._server.stdin.flush()
            process = int(self._line())
        return Child(process, self._folder / f"ended-{process}")

    def _line(self) -> str:
        assert self._server.stdout
        line = self._server.stdout.readline()
        if not line:
            raise RuntimeError("the creche has ended")
        return line


def serve(folder: Path) -> None:
    """The other side: a birth a line, answered by its process; each has one beside it that sees its end."""
    nursery.die_with_parent()
    nursery.import_what_a_life_imports()
    import psycopg  # noqa: F401  a life on SQLite does not

    nursery.hurry()
    print("ready", flush=True)
    while line := sys.stdin.readline():
        keeper = os.fork()
        if keeper == 0:
            _keep(folder, json.loads(line))
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _keep(folder: Path, birth: dict[str, str]) -> None:
    nursery.die_with_parent()
    child = os.fork()
    if child == 0:
        if birth["still"]:
            stills.lay_hands_on(stills.Still(Path(birth["still"])))
        if birth["hurried"]:
            stills.hurry()
        if birth["plant"]:
            stills.PLANTS[birth["plant"]]()
        nursery.live(birth["home"], birth["config"], birth["log"])
    print(child, flush=True)
    _, status = os.waitpid(child, 0)
    fresh = folder / f".ended-{child}"
    fresh.write_text(str(os.waitstatus_to_exitcode(status)))
    fresh.rename(folder / f"ended-{child}")
    os._exit(0)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
