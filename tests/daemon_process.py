"""A real `topicwired run` in a process of its own, for tests that kill it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests import ledgers


def without_desk(config: str) -> str:
    """A configuration without the desk page, unless it says where that should be: many run at once."""
    return config if "[desk]" in config else f'{config}\n[desk]\nlisten = "never"\n'


class DaemonProcess:
    """Starts when made; `output` is what it printed on stdout, `log` what on stderr."""

    def __init__(self, home: Path, *arguments: str, config: str | None = None) -> None:
        self.home = home
        self.inbox = home / "inbox"
        home.mkdir(parents=True, exist_ok=True)
        self._out, self._err = home.parent / "stdout.txt", home.parent / "stderr.txt"
        command = [sys.executable, "-m", "daemon.cli", "run", "--home", str(home), *arguments]
        if "--config" not in arguments:
            self.configure(without_desk(config or ""))
            command += ["--config", str(self.file)]
        with self._out.open("ab") as out, self._err.open("ab") as err:
            self.process = subprocess.Popen(command, stdout=out, stderr=err, env=self._environment())

    @property
    def file(self) -> Path:
        """Its configuration, unless it was given one."""
        return self.home.parent / "topicwire.toml"

    def configure(self, text: str) -> None:
        """Write its configuration anew, with the ledger that the test has; a reload or a start reads it."""
        self.file.write_text(ledgers.configured(text, self.home), encoding="utf-8")

    def _environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("SLACK_", "TOPICWIRE_"))}
        return kept | {"PYTHONUNBUFFERED": "1"}

    @property
    def output(self) -> str:
        return self._out.read_text(encoding="utf-8", errors="replace")

    @property
    def log(self) -> str:
        return self._err.read_text(encoding="utf-8", errors="replace")

    def wait_until(self, condition: Callable[[], bool], seconds: float = 30.0) -> None:
        """Fails with the log when the condition does not come true in time."""
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, f"not in {seconds} s; the log says:\n{self.log}"
            assert self.process.poll() is None, f"the daemon ended; the log says:\n{self.log}"
            time.sleep(0.02)

    def wait_until_watching(self) -> None:
        starts = self.log.count("watching")
        self.wait_until(lambda: self.log.count("watching") > max(0, starts - 1), seconds=90.0)

    def done(self) -> list[Path]:
        return sorted(path for path in (self.home / "done").rglob("*") if path.is_file())

    def failed(self) -> list[str]:
        return sorted(path.name for path in (self.home / "failed").iterdir())

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)
