"""A scheduler of Dask and its workers, as processes of their own, by the commands that the README prints."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

AUTHORITY = """\
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 365 \
 -subj "/CN=our cluster" -keyout ca-key.pem -out ca.pem
openssl req -x509 -CA ca.pem -CAkey ca-key.pem -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
 -days 365 -subj "/CN=a machine of ours" -addext basicConstraints=critical,CA:FALSE \
 -keyout key.pem -out cert.pem
"""
TLS = ("--tls-ca-file", "--tls-cert", "--tls-key")
_STARTS_WITHIN = 60.0  # seconds, on a machine that is busy


def make_authority(folder: Path) -> Path:
    """A private authority, and a certificate that it signed."""
    folder.mkdir(parents=True, exist_ok=True)
    for line in AUTHORITY.splitlines():
        subprocess.run(shlex.split(line), cwd=folder, check=True, capture_output=True)
    return folder


def tls_options(folder: Path) -> list[str]:
    files = ("ca.pem", "cert.pem", "key.pem")
    return [word for pair in zip(TLS, (str(folder / name) for name in files), strict=True) for word in pair]


@dataclass
class Workers:
    """The processes of a cluster; all end with `close`."""

    folder: Path
    tls: Path | None = None
    host: str = "127.0.0.1"
    environment: Mapping[str, str] = field(default_factory=dict)
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    started: int = 0

    def begin(self, number: int) -> str:
        """Start a scheduler and so many workers; the scheduler's address."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._about.unlink(missing_ok=True)
        self.scheduler = self._start(
            "scheduler",
            *("--protocol", "tls" if self.tls else "tcp", "--host", self.host, "--port", "0"),
            *("--dashboard-address", "127.0.0.1:0", "--scheduler-file", str(self._about)),
        )
        deadline = time.monotonic() + _STARTS_WITHIN
        while not self._about.exists() and time.monotonic() < deadline:
            assert self.scheduler.poll() is None, self.said("scheduler")
            time.sleep(0.05)
        for _ in range(number):
            self.add()
        return self.address

    @property
    def address(self) -> str:
        return str(json.loads(self._about.read_text(encoding="utf-8"))["address"])

    @property
    def options(self) -> list[str]:
        """Of a command that is to use this cluster."""
        tls = tls_options(self.tls) if self.tls else []
        return ["--backend", "dask", "--scheduler", self.address, *tls]

    def add(self, **environment: str) -> subprocess.Popen[bytes]:
        worker = self._start(
            "worker",
            *("--scheduler-file", str(self._about), "--host", self.host, "--nthreads", "1"),
            *("--no-dashboard", "--local-directory", str(self.folder / "scratch")),
            **environment,
        )
        self.running.append(worker)
        return worker

    def kill(self, worker: subprocess.Popen[bytes]) -> None:
        """With the child that does the work."""
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        self.running.remove(worker)

    def said(self, name: str) -> str:
        logs = sorted(self.folder.glob(f"{name}*.log"))
        return "".join(log.read_text(encoding="utf-8", errors="replace") for log in logs)

    def close(self) -> None:
        for process in [*self.running, self.scheduler]:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            process.wait()

    @property
    def _about(self) -> Path:
        return self.folder / "scheduler.json"

    def _start(self, kind: str, *options: str, **environment: str) -> subprocess.Popen[bytes]:
        self.started += 1
        tls = tls_options(self.tls) if self.tls else []
        with (self.folder / f"{kind}{self.started}.log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", kind, *options, *tls],
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, **self.environment, **environment},
                cwd=self.folder,
            )


@contextmanager
def workers(
    folder: Path, number: int, *, tls: Path | None = None, host: str = "127.0.0.1", **environment: str
) -> Iterator[Workers]:
    made = Workers(folder, tls, host, environment)
    try:
        made.begin(number)
        yield made
    finally:
        made.close()
