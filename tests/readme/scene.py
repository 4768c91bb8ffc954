"""A copy of the repository for somebody who reads the README from its top: a folder, a home, a shell."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]

_SECONDS = 300  # that a block may take
# Folders of an operator's machine that the README names; here they lie in the reader's own.
_FOLDERS = ("/home/me", "/srv", "/etc/topicwire", "/mnt/backup", "/shared")

# `stays NUMBER TEXT COMMAND`: runs it beside the shell, and goes on when it has said that.
_STAYS = r"""
stays() {
    local said="$SCENE/said.$1"
    setsid bash -c "$3" > "$said" 2>&1 < /dev/null &
    echo $! >> "$SCENE/beside"
    for _ in $(seq 1200); do
        grep -qF -- "$2" "$said" && return 0
        kill -0 $! 2> /dev/null || { cat "$said"; echo "it ended before it said: $2"; return 1; }
        sleep 0.1
    done
    cat "$said"; echo "it never said: $2"; return 1
}
"""


class BlockFailedError(Exception):
    """A command of the README does not do what the README says."""


class Scene:
    """Made anew for each reading; `close` ends whatever a block left running."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository = folder / "topicwire"
        self.fills: dict[str, str] = {}  # what a reader puts for each word in capitals
        self.instead: dict[str, str] = {}  # addresses that are others here
        self.typed = ""  # what stands before a command that asks for something
        self._number = 0
        self._open = ExitStack()
        (folder / "bin").mkdir(parents=True)
        for each in _FOLDERS:
            self.real(each).mkdir(parents=True)
        _copy(self.repository)
        self.surroundings = {
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "HOME": str(self.real("/home/me")),
            "LANG": "C.UTF-8",
            "USER": "me",
            "SCENE": str(folder),
        }

    def real(self, path: str) -> Path:
        """Where a path of the README lies here."""
        return self.folder / path.lstrip("/")

    def written(self, text: str) -> str:
        """A text of the README with the paths and addresses as they are here."""
        for said, here in self.instead.items():
            text = text.replace(said, here)
        for word, here in self.fills.items():
            text = re.sub(rf"\b{word}\b", here, text)
        return re.sub("|".join(_FOLDERS), lambda found: str(self.real(found[0])), text)

    def enter(self, prop: AbstractContextManager[T]) -> T:
        """Something that stands by until the scene is closed."""
        return self._open.enter_context(prop)

    def program(self, name: str, script: str) -> None:
        """A program of this machine that the README takes to be there, in a form that touches nothing."""
        path = self.folder / "bin" / name
        path.write_text(script, encoding="utf-8")
        path.chmod(0o755)

    def shell(self, commands: list[str], stays: Mapping[str, str] | None = None) -> str:
        """What the commands say, all of them by one shell; BlockFailedError if one fails.

        `stays` names, by how they begin, those that go on until they are ended, with what each says when it
        is ready.
        """
        script = ["set -aeuo pipefail", _STAYS]  # what the block sets is known to what stays as well
        for command in commands:
            written = self.written(command)
            ready = next((text for begin, text in (stays or {}).items() if command.startswith(begin)), None)
            if ready is None:
                script.append(self.typed + written)
            else:
                self._number += 1
                script.append(f"stays {self._number} {shlex.quote(ready)} {shlex.quote(written)}")
        try:
            done = subprocess.run(
                ["bash", "-c", "\n".join(script)],
                cwd=self.repository,
                env=self.surroundings,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise BlockFailedError(f"not done in {_SECONDS} s") from error
        if done.returncode != 0:
            raise BlockFailedError(f"ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def said_beside(self) -> str:
        """What the one that was left running last has said so far."""
        return (self.folder / f"said.{self._number}").read_text(encoding="utf-8")

    def wait_for(self, text: str, seconds: float = 60.0) -> None:
        """Until the one that was left running last has said this."""
        until = time.monotonic() + seconds
        while text not in self.said_beside():
            if time.monotonic() > until:
                raise BlockFailedError(f"never said {text!r}:\n{self.said_beside()}")
            time.sleep(0.1)

    def end_beside(self) -> None:
        """Ctrl-C for all that was left running, and wait until it has ended."""
        beside = self.folder / "beside"
        numbers = [int(line) for line in beside.read_text().split()] if beside.exists() else []
        for number in numbers:
            _end(number)
        beside.unlink(missing_ok=True)

    def close(self) -> None:
        self.end_beside()
        self._open.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def _end(group: int) -> None:
    for sent in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(group, sent)
        except ProcessLookupError:
            return
        until = time.monotonic() + 30.0
        while time.monotonic() < until:
            try:
                os.killpg(group, 0)
            except ProcessLookupError:
                return
            time.sleep(0.05)


def _copy(target: Path) -> None:
    """What a clone has, as it stands now, and the environment that is set up already."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        source = ROOT / name
        if name and source.is_file():
            place = target / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, place)
    # make sees an environment that is older than what it is made from, and would make it anew.
    for name in ("constraints.txt", "pyproject.toml"):
        os.utime(target / name, (0, 0))
    (target / ".venv").symlink_to(ROOT / ".venv")
