"""Ten thousand connections that send next to nothing: do pages still answer, does the intake keep its pace.

    python -m tests.slow_connections [--connections 10000] [--files 400] [--rounds 3]

A real `topicwired run` takes files in before, while and after others hold connections open, each with a byte
now and then, and come back when they are turned out. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from pathlib import Path
from statistics import median

from classifier.cli import main as classifier
from daemon.desk.keys import token
from tests.builders import ENERGY_ARTICLE
from tests.daemon_process import DaemonProcess

_HEAD = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@dataclass
class Looking:
    """Somebody who looks at a page again and again; `seconds` has how long each took, `failed` the rest."""

    address: str
    token: str
    seconds: list[float] = field(default_factory=list)
    failed: int = 0

    def __post_init__(self) -> None:
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        self._opener.open(f"{self.address}/enter?token={self.token}", timeout=30).read()

    @contextmanager
    def meanwhile(self) -> Iterator[None]:
        stop = threading.Event()
        thread = threading.Thread(target=self._look, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _look(self, stop: threading.Event) -> None:
        while not stop.wait(0.2):
            began = time.monotonic()
            try:
                with self._opener.open(f"{self.address}/", timeout=10) as answer:
                    assert b"<h1" in answer.read()
                self.seconds.append(time.monotonic() - began)
            except (OSError, urllib.error.URLError, AssertionError):
                self.failed += 1


class Intake:
    """Files a second through a real daemon."""

    def __init__(self, daemon: DaemonProcess) -> None:
        self._daemon = daemon
        self._number = 0

    def pace(self, files: int) -> float:
        made = self._daemon.home / "made"
        made.mkdir(exist_ok=True)
        before = len(self._daemon.done())
        for _ in range(files):
            self._number += 1
            (made / f"{self._number}.txt").write_text(
                f"{ENERGY_ARTICLE}\nNumber {self._number}.\n", encoding="utf-8"
            )
        began = time.monotonic()
        for path in made.iterdir():
            path.rename(self._daemon.inbox / path.name)
        self._daemon.wait_until(lambda: len(self._daemon.done()) >= before + files, seconds=300.0)
        return files / (time.monotonic() - began)


async def trickle(port: int, number: int, addresses: int, every: float, again: float) -> None:
    """Hold so many connections, from so many addresses of this machine; tell on stdout how many are open."""
    _many_files()
    opened = 0

    async def one(index: int) -> None:
        nonlocal opened
        await asyncio.sleep(5.0 * index / number)
        source = (f"127.0.1.{1 + index % addresses}", 0)
        while True:
            writer = None
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=source)
                opened += 1
                writer.write(_HEAD)
                while True:
                    await asyncio.sleep(every)
                    writer.write(b"x")
                    await writer.drain()
            except OSError:
                pass
            finally:
                if writer is not None:
                    writer.close()
            await asyncio.sleep(again)

    async def tell() -> None:
        while True:
            await asyncio.sleep(1)
            print(opened, flush=True)

    await asyncio.gather(tell(), *(one(index) for index in range(number)))


@contextmanager
def slow_connections(port: int, number: int, *, addresses: int = 100) -> Iterator[list[int]]:
    """Others who hold connections, in a process of their own; a list that grows by how many they opened."""
    command = [sys.executable, "-m", "tests.slow_connections", "--hold", str(port)]
    command += ["--connections", str(number), "--addresses", str(addresses)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    opened: list[int] = []

    def follow() -> None:
        assert process.stdout
        for line in process.stdout:
            opened.append(int(line))

    threading.Thread(target=follow, daemon=True).start()
    until = time.monotonic() + 120
    try:
        while not opened or opened[-1] < number:
            assert time.monotonic() < until, f"{opened[-1:]} connections could be opened"
            time.sleep(0.1)
        yield opened
    finally:
        process.kill()
        process.wait()


def measure(connections: int, files: int, addresses: int, rounds: int) -> dict[str, object]:
    _many_files()
    folder = Path(tempfile.mkdtemp(prefix="slow-connections-"))
    home = folder / "home"
    with redirect_stdout(sys.stderr):
        assert classifier(["train", "--home", str(home)]) == 0
    port = free_port()
    config = f'[inbox]\nsettle_seconds = 0.5\n[desk]\nlisten = "127.0.0.1:{port}"\n'
    daemon = DaemonProcess(home, config=config)
    try:
        daemon.wait_until_watching()
        daemon.wait_until(lambda: "the desk is open" in daemon.log, seconds=60)
        intake, looking = Intake(daemon), Looking(f"http://127.0.0.1:{port}", token(home))
        intake.pace(50)
        quiet = Looking(looking.address, looking.token)
        paces: list[tuple[float, float]] = []
        attempts, held = [], []
        for _ in range(rounds):
            with quiet.meanwhile():
                before = intake.pace(files)
            with slow_connections(port, connections, addresses=addresses) as opened:
                with looking.meanwhile():
                    paces.append((before, intake.pace(files)))
                held.append(_connections_of(port))
                attempts.append(opened[-1])
            time.sleep(2)  # while they are forgotten
    finally:
        daemon.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return {
        "connections_tried": min(attempts),
        "held_at_once": max(held),
        "files_a_second": [_rounded({"before": before, "during": during}) for before, during in paces],
        "intake_ratio": round(median(during / before for before, during in paces), 3),
        "page_seconds": _rounded({"quiet": median(quiet.seconds), "during": median(looking.seconds)}),
        "longest_page_seconds": _rounded({"quiet": max(quiet.seconds), "during": max(looking.seconds)}),
        "pages": {"answered": len(looking.seconds), "failed": looking.failed},
    }


def _rounded(given: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in given.items()}


def _connections_of(port: int) -> int:
    """Established connections to a port, as the kernel counts them."""
    said = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    return sum(row.split()[1].endswith(f":{port:04X}") and row.split()[3] == "01" for row in said)


def _many_files() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--addresses", type=int, default=100)
    parser.add_argument("--files", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--hold", type=int, metavar="PORT", help="only hold connections to a port")
    options = parser.parse_args()
    if options.hold:
        os.nice(5)
        asyncio.run(trickle(options.hold, options.connections, options.addresses, every=5.0, again=10.0))
    found = measure(options.connections, options.files, options.addresses, options.rounds)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
