"""The home of the day: its configuration, the daemon in it with its log, and what people type."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from tests.bench.processes import children
from tests.day import plants
from tests.day.hours import Hours
from tests.day.plan import Plan
from tests.faults.accounting import LEDGER
from tests.faults.nursery import ROOT
from tests.slack_stand_in import SlackStandIn

CHANNELS = {"newsroom": "C0NEWSROOM", "energy": "C0ENERGY", "digests": "C0DIGESTS"}
SECRETS = ("xoxb-1-test", "xapp-1-test")
PIPE = 4096  # bytes that the pipe of the log holds: one page, so that it is full soon when nobody reads

_START_SECONDS = 120.0
_STOP_SECONDS = 30.0


class Life:
    """A process of `topicwired run` from its start to its end; `began` in seconds of the day."""

    def __init__(self, process: subprocess.Popen[bytes], began: float) -> None:
        self.process = process
        self.began = began
        self.desk_ends = 0  # how often its desk was killed


class Household:
    """Everything that stands on the one machine of the day."""

    def __init__(self, folder: Path, hours: Hours, plan: Plan, slack: SlackStandIn) -> None:
        self.folder, self.hours, self.plan, self.slack = folder, hours, plan, slack
        self.home = folder / "home"
        self.inbox = self.home / "inbox"
        self.ledger = self.home / LEDGER
        self.file = folder / "topicwire.toml"
        self.lives: list[Life] = []
        self.desk_port, self.metrics_port = _free_port(), _free_port()
        self.log = folder / "log.txt"
        self.bundles = folder / "bundles"  # where the daemon's own backups go
        self.reads_log = threading.Event()
        self.reads_log.set()
        self._pumps: list[threading.Thread] = []

    def prepare(self, models: Path | None) -> None:
        """A home with two models of the shipped labels: trained here, or those of another home."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.inbox.mkdir()
        for name, secret in (("bot-token", SECRETS[0]), ("app-token", SECRETS[1])):
            file = self.folder / name
            file.write_text(secret)
            file.chmod(0o600)
        self.configure()
        if models is not None:
            shutil.copytree(models, self.home / "models", symlinks=True)
            return
        self.classify("train")
        first = (self.home / "models" / "current").read_text().strip()
        own = self.home / "labels" / "day.tsv"
        own.parent.mkdir()
        own.write_text("energy\tThe pipeline to the new refinery was filled with oil for the first time.\n")
        self.classify("train")
        self.classify("models", "use", first, "--despite", "the day begins with it")

    def configure(self, more: str = "") -> None:
        """Write the configuration; who runs hears of it at a reload."""
        self.file.write_text(self._configuration() + more)

    def _configuration(self) -> str:
        minute, hour = self._training_at()
        return f"""
[inbox]
settle_seconds = 2.0

[slack]
token_file = "{self.folder}/bot-token"
app_token_file = "{self.folder}/app-token"
api_url = "{self.slack.url}"

[[receiver]]
name = "newsroom"
type = "slack"
channel = "{CHANNELS["newsroom"]}"

[[receiver]]
name = "energy"
type = "slack"
channel = "{CHANNELS["energy"]}"
quiet_hours = "01:00-05:00"
digest = "30 5,11,17 * * *"
zone = "UTC"

[[receiver]]
name = "digests"
type = "slack"
channel = "{CHANNELS["digests"]}"
alerts = "in digests"
digest = "{self.plan.digests}"
zone = "UTC"

[[receiver]]
name = "screen"
type = "console"

[[route]]
receiver = "newsroom"

[[route]]
receiver = "energy"
topics = ["energy", "minerals", "logistics"]
grade = "mention"

[[route]]
receiver = "digests"
languages = ["ru", "kk"]

[[route]]
receiver = "screen"
languages = ["ar"]

[backup]
cron = "{self.plan.backups}"
path = "{self.bundles}"
keep = 100

[retrain]
cron = "{minute} {hour},{(hour + 8) % 24},{(hour + 16) % 24} * * *"
report_to = "newsroom"

[sample]
cron = "0 8,16 * * *"
receiver = "newsroom"

[metrics]
listen = "127.0.0.1:{self.metrics_port}"

[desk]
listen = "{f"127.0.0.1:{self.desk_port}" if self.plan.desk else "never"}"
"""

    def _training_at(self) -> tuple[int, int]:
        """When trainings are due: about when somebody is to kill one."""
        moments = [moment for moment, name in self.plan.moments() if name == "the training is killed"]
        at = int((moments[0] if moments else 0.5 * self.plan.minutes * 60.0) * self.plan.speed / 60.0)
        return at % 60, at // 60 % 24

    def start(self) -> Life:
        """Another life of the daemon, once it watches."""
        self.log.touch()
        lines = self.log.read_bytes().count(b"watching")
        reading, writing = os.pipe()
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE)
        with (self.folder / "stdout.txt").open("ab") as out:
            process = subprocess.Popen(
                self._command("run"), stdout=out, stderr=writing, env=self._environment(), cwd=ROOT
            )
        os.close(writing)
        pump = threading.Thread(target=self._pump, args=(os.fdopen(reading, "rb", 0),), daemon=True)
        pump.start()
        self._pumps.append(pump)
        life = Life(process, self.hours.passed())
        self.lives.append(life)
        until = time.monotonic() + _START_SECONDS
        while self.log.read_bytes().count(b"watching") <= lines:
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the daemon does not start; the log says {self.last_said()}")
            time.sleep(0.05)
        return life

    def stop(self) -> int:
        """SIGTERM; its exit code. TimeoutExpired where it does not end."""
        process = self.life.process
        process.send_signal(signal.SIGTERM)
        return process.wait(_STOP_SECONDS)

    def end(self) -> None:
        """Whatever runs ends now."""
        self.reads_log.set()
        for life in self.lives:
            if life.process.poll() is None:
                life.process.send_signal(signal.SIGCONT)
                life.process.kill()
            life.process.wait()
        for pump in self._pumps:
            pump.join(5.0)

    @property
    def life(self) -> Life:
        return self.lives[-1]

    @property
    def process(self) -> int:
        return self.life.process.pid

    def lives_now(self) -> bool:
        return bool(self.lives) and self.life.process.poll() is None

    def child(self, module: str) -> int | None:
        """A process that the daemon started, by what it runs."""
        for each in children(self.process):
            with suppress(OSError):
                if module.encode() in Path(f"/proc/{each}/cmdline").read_bytes():
                    return each
        return None

    def parser(self) -> int | None:
        """The child in which files are read that need a parser."""
        known = (b"tests.day.desk", b"tests.day.learning")
        for each in children(self.process):
            with suppress(OSError):
                said = Path(f"/proc/{each}/cmdline").read_bytes()
                if said and not any(name in said for name in known):
                    return each
        return None

    def last_said(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]

    def command(self, *arguments: str, home: Path | None = None, file: Path | None = None) -> Said:
        """What somebody types, to its end."""
        command = self._command(*arguments, home=home, file=file)
        began = self.hours.passed()
        found = subprocess.run(
            command, capture_output=True, text=True, env=self._environment(), cwd=ROOT, timeout=180
        )
        return Said(arguments, found.returncode, found.stdout, found.stderr, began, self.hours.passed())

    def classify(self, *arguments: str) -> None:
        """What somebody types of the other command. CalledProcessError where it refuses."""
        command = [sys.executable, "-m", "classifier.cli", *arguments, "--home", str(self.home)]
        subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)

    def _command(self, *arguments: str, home: Path | None = None, file: Path | None = None) -> list[str]:
        where = ["--home", str(home or self.home), "--config", str(file or self.file)]
        return [sys.executable, "-m", "tests.day.compressed", *arguments, *where]

    def _environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("SLACK_", "TOPICWIRE_"))}
        ours = {"TZ": "UTC", "PYTHONUNBUFFERED": "1", plants.VARIABLE: self.plan.plant}
        return kept | self.hours.environment() | ours

    def _pump(self, source: BinaryIO) -> None:
        """The log's reader, who may be told to look away."""
        with source, self.log.open("ab", 0) as log:
            while piece := source.read(PIPE):
                log.write(piece)
                self.reads_log.wait()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The ledger as this process sees it, without anything of the daemon's; one state throughout."""
        address = f"file:{self.ledger}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=60.0, isolation_level=None)) as connection:
            connection.execute("BEGIN")
            yield connection

    @contextmanager
    def locked(self) -> Iterator[sqlite3.Connection]:
        """Nobody else writes to the ledger meanwhile."""
        with closing(sqlite3.connect(self.ledger, timeout=60.0, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("ROLLBACK")


class Said:
    """What a command answered, and from when to when it ran, in seconds of the day."""

    def __init__(
        self, arguments: Sequence[str], code: int, out: str, err: str, began: float, ended: float
    ) -> None:
        self.arguments, self.code, self.out, self.err = arguments, code, out, err
        self.began, self.ended = began, ended

    def json(self) -> Mapping[str, Any]:
        """Its last line on stdout. ValueError where that is no object."""
        found = json.loads(self.out.strip().splitlines()[-1])
        if not isinstance(found, dict):
            raise ValueError(self.out)
        return found

    def __str__(self) -> str:
        said = (self.err or self.out).strip()[-300:]
        return f"`topicwired {' '.join(self.arguments)}` ended with {self.code}: {said}"


def _free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
