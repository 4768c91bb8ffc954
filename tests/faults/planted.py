"""Faults in the processes of a retraining, planted from outside before anything of ours is loaded.

Python imports a module `sitecustomize` at its start: one in a folder of the test's own, named by
PYTHONPATH, plants what the environment says. Nothing in the daemon knows of it.

A process that learns is ended just before a step: a step is a change to a file (as Python's audit
hooks tell, sys.addaudithook) or a line that it says to whoever started it. Steps have names that are
the same in each run, "os.rename V" where a new version gets its place.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
VARIABLE = "PLANTED"

_CHANGES = frozenset({"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.truncate"})
_VERSION = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")
_PROCESS = re.compile(r"\.\d+$")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def environment(folder: Path, **planted: Any) -> dict[str, str]:
    """What a process needs in its environment to have this planted; `folder` takes the module.

    `shipped`: a folder with other seeds and labels than the shipped ones. `trace`: a file that takes
    the names of the steps, one a line. `kill`: before which step a learning process dies, the first of
    that name; `whom`: itself, the one who started it ("parent"), or both. `look_every`: how often the
    timetable looks, in seconds. `file_size`: the largest file that a learning process may write.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text("from tests.faults.planted import plant\n\nplant()\n")
    return {
        "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",
        VARIABLE: json.dumps({key: str(v) if isinstance(v, Path) else v for key, v in planted.items()}),
    }


def plant() -> None:
    """In the process itself, at its start."""
    planted: Mapping[str, Any] = json.loads(os.environ.get(VARIABLE, "{}"))
    if "shipped" in planted:
        _ship(Path(planted["shipped"]))
    arguments = sys.orig_argv
    if "daemon.learning" in arguments:
        _plant_in_learning(planted)
    elif "daemon.cli" in arguments and "look_every" in planted:
        from daemon import timetable

        put = setattr
        put(timetable, "_LOOK_EVERY", planted["look_every"])


def _ship(folder: Path) -> None:
    from classifier import defaults

    put = setattr
    put(defaults, "shipped", lambda name: folder / name)


def _plant_in_learning(planted: Mapping[str, Any]) -> None:
    if "file_size" in planted:
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # Python does so as well: EFBIG instead
        resource.setrlimit(resource.RLIMIT_FSIZE, (planted["file_size"], planted["file_size"]))
    if "kill" not in planted and "trace" not in planted:
        return
    steps = _Steps(planted.get("kill"), planted.get("whom", "itself"), planted.get("trace"))
    from daemon import confining

    say = confining.Voice.say

    def told(voice: confining.Voice, line: dict[str, Any]) -> None:
        steps.step(f"says {line.get('step') or next(iter(line))}")
        say(voice, line)

    put = setattr
    put(confining.Voice, "say", told)
    sys.addaudithook(steps.hear)


class _Steps:
    def __init__(self, kill: str | None, whom: str, trace: str | None) -> None:
        self._kill = kill
        self._whom = whom
        self._trace = os.open(trace, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644) if trace else None

    def hear(self, event: str, given: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = given
            if not isinstance(flags, int) or not flags & _WRITES:
                return
        elif event in _CHANGES:
            path = given[1] if event == "os.rename" else given[0]
        else:
            return
        if isinstance(path, str | bytes | os.PathLike):
            name = os.fsdecode(path)
            if not name.startswith(("/dev/", "/proc/")) and "__pycache__" not in name:
                self.step(f"{event} {Path(name).name}")

    def step(self, what: str) -> None:
        name = _PROCESS.sub(".P", _VERSION.sub("V", what))
        if self._trace is not None:
            os.write(self._trace, f"{name}\n".encode())
        if name != self._kill:
            return
        if self._whom != "itself":
            os.kill(os.getppid(), signal.SIGKILL)
        if self._whom != "parent":
            os.kill(os.getpid(), signal.SIGKILL)
