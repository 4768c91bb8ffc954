"""Programs of Debian's that some tests need: installed where that can be done, or it is said why not."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_SECONDS = 600
_LOCK = Path(tempfile.gettempdir()) / "topicwire-tests-apt.lock"


def provide(name: str, found: Callable[[], Path | None], *packages: str, skipped: str) -> None:
    """Say where a program is, once it is there. That there is none is no error: what needs it is `skipped`.

    `name` is what `make` calls it; `found` looks for it.
    """
    program = found()
    if program is None:
        if os.geteuid() != 0 or shutil.which("apt-get") is None:
            print(f"{name}: none here (apt-get install {packages[0]}): {skipped} will be skipped")
            return
        print(f"{name}: installing {packages[0]} with apt-get, once")
        said = _install(packages)
        program = found()
        if program is None:
            print(f"{name}: cannot be had here ({said}): {skipped} will be skipped")
            return
    print(f"{name}: ready, {program}")


def _install(packages: tuple[str, ...]) -> str:
    """What was said last, in one line."""
    surroundings = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ("apt-get", "install", "--yes", "--no-install-recommends", *packages)
    with _one_at_a_time():
        return _said_last(install, surroundings)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """apt-get refuses a second one instead of waiting for the first."""
    with _LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _said_last(install: tuple[str, ...], surroundings: dict[str, str]) -> str:
    said = ""
    for command in (("apt-get", "update", "--quiet"), install):
        try:
            done = subprocess.run(
                command, env=surroundings, capture_output=True, text=True, timeout=_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)[:200]
        said = (done.stderr or done.stdout).strip().rpartition("\n")[2][:200]
    return said
