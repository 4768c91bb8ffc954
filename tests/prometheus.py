"""Prometheus as Debian packs it, for tests: promtool, and a server that scrapes what a test says.

`python -m tests.prometheus` installs it where it can, and says so, or says why it cannot be had.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import urlopen

import pytest

from tests import debian

LACKING = "needs Debian's Prometheus, and there is none here: make prometheus"
SHIPPED = Path(__file__).resolve().parent.parent / "systemd" / "prometheus"

_CONFIG = """\
global:
  scrape_interval: 500ms
  scrape_timeout: 500ms
  evaluation_interval: 500ms
rule_files: [rules.yml]
scrape_configs:
  - job_name: topicwire
    static_configs:
      - targets: ["{target}"]
"""


def promtool() -> str:
    """The program; the test is skipped where there is none."""
    return _program("promtool")


def found() -> Path | None:
    """The program, if there is one on this machine."""
    name = shutil.which("prometheus") if shutil.which("promtool") else None
    return Path(name) if name else None


class Prometheus:
    """One that runs. Made by `prometheus`."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The samples that an expression has now."""
        found = self._get(f"/api/v1/query?query={quote(expression)}")["data"]["result"]
        assert isinstance(found, list)
        return found

    def firing(self) -> dict[str, dict[str, Any]]:
        """The alerts that fire, by name."""
        alerts = self._get("/api/v1/alerts")["data"]["alerts"]
        return {each["labels"]["alertname"]: each for each in alerts if each["state"] == "firing"}

    def wait_until_firing(self, name: str, seconds: float = 30.0) -> dict[str, Any]:
        found: dict[str, Any] = self._wait(lambda: self.firing().get(name), f"{name} does not fire", seconds)
        return found

    def wait_until_quiet(self, name: str, seconds: float = 30.0) -> None:
        self._wait(lambda: name not in self.firing(), f"{name} still fires", seconds)

    def wait_until_ready(self, seconds: float = 30.0) -> None:
        """Returns once it has scraped its target."""
        self._wait(lambda: self._is_up(), "Prometheus does not scrape", seconds)

    def _is_up(self) -> bool:
        try:
            return any(each["value"][1] == "1" for each in self.query('up{job="topicwire"}'))
        except (URLError, ConnectionError):
            return False

    def _wait(self, what: Any, otherwise: str, seconds: float) -> Any:
        until = time.monotonic() + seconds
        while not (answer := what()):
            assert time.monotonic() < until, f"{otherwise} in {seconds} s; what fires: {list(self.firing())}"
            time.sleep(0.1)
        return answer

    def _get(self, path: str) -> Any:
        with urlopen(f"{self._url}{path}", timeout=10) as answer:
            return json.loads(answer.read())


@contextmanager
def prometheus(folder: Path, target: str, rules: str) -> Iterator[Prometheus]:
    """One that scrapes `target` twice a second, with rules; the test is skipped where it cannot be had."""
    program = _program("prometheus")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rules.yml").write_text(rules, encoding="utf-8")
    (folder / "prometheus.yml").write_text(_CONFIG.format(target=target), encoding="utf-8")
    port = free_port()
    command = [
        program,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            running = Prometheus(port)
            running.wait_until_ready()
            yield running
        finally:
            process.kill()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _program(name: str) -> str:
    program = shutil.which(name)
    if program is None:
        pytest.skip(LACKING)
    return program


def main() -> int:
    debian.provide("prometheus", found, "prometheus", skipped="the tests of rules and of the dashboard")
    return 0


if __name__ == "__main__":
    sys.exit(main())
