"""Two daemons of one ledger and one inbox: `far`, whose ways may be cut, and `near`, with us.

Run as a program this is `topicwired run` with a shorter patience, and with an inbox that hangs for as long as
a file of this name stands: `python -m tests.faults.afar SETTINGS.json run …`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from daemon.database import open_database
from tests.faults.articles import article_text
from tests.faults.newsroom import configuration, drop, files_in
from tests.faults.together import account_together
from tests.faults.way import prepare
from tests.faults.wires import Place
from tests.postgres import Server
from tests.slack_stand_in import SlackStandIn

SETTLE = 0.15
FAR, NEAR = "far", "near"

_OWED = "SELECT COUNT(*) FROM deliveries WHERE state NOT IN ('sent', 'merged', 'dead')"
_NOT_FINAL = "SELECT COUNT(*) FROM files WHERE state NOT IN ('done', 'failed', 'gone', 'outgrown')"
_LEADER = "SELECT DISTINCT daemons.name FROM leases JOIN daemons USING (claimant) WHERE leases.name LIKE '{}'"
_PATIENCE = 150.0  # seconds
_STOP = 90.0  # seconds, which only a crowded machine needs
_A_MOMENT = 2.5  # longer than a daemon waits that has something to take back


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that a daemon is patient, where a test has less of it."""

    silence: float = 60.0
    hanging: float = 180.0
    hang: str = ""  # while this file stands, the inbox hangs
    plant: str = ""  # a fault to be found


OWN_CLOCK = "goes by its own clock"


class TooLateError(Exception):
    """Something that was waited for did not come."""


@dataclass(slots=True)
class Station:
    """One daemon: the real command, in a namespace or with us."""

    name: str
    home: Path
    config: Path
    log_file: Path
    place: Place | None = None
    patience: Patience = field(default_factory=Patience)
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[Any] | None = None

    def start(self) -> None:
        given = self.home.parent / f"{self.name}.json"
        given.write_text(json.dumps(asdict(self.patience)))
        command = [sys.executable, "-m", "tests.faults.afar", str(given), "run"]
        command += ["--home", str(self.home), "--config", str(self.config)]
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("SLACK_", "TOPICWIRE_"))}
        environment = kept | {"OPENBLAS_NUM_THREADS": "1"} | dict(self.environment)
        before = self.log.count("watching")
        with self.log_file.open("ab") as log:
            if self.place is not None:
                self.process = self.place.popen(command, log=log, env=environment)
            else:
                self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        wait_until(lambda: self.log.count("watching") > before, f"{self.name} does not start")

    def stop(self) -> list[str]:
        """A fault where SIGTERM does not end it, or not well."""
        if self.process is None:
            return []
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(_STOP)
        except subprocess.TimeoutExpired:
            self.kill()
            return [f"SIGTERM did not end {self.name} in {_STOP:.0f} s"]
        self.process = None
        return [f"after SIGTERM {self.name} ended with {code}"] if code else []

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(30)
            self.process = None

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    @property
    def done(self) -> int:
        return files_in(self.home / "done")


@dataclass(slots=True)
class Pair:
    """Starts with `with`, without the daemons; at the end these are killed."""

    folder: Path
    server: Server
    slack: SlackStandIn
    lease: float
    patience: Patience = field(default_factory=Patience)
    far_away: bool = True  # or both are with us
    desks: int = 1
    manners: Mapping[int, str] = field(default_factory=dict)
    environments: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    made: dict[int, bytes] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)
    address: str = ""
    place: Place | None = None
    far: Station = field(init=False)
    near: Station = field(init=False)

    def __enter__(self) -> Self:
        self.inbox.mkdir(parents=True)
        (self.folder / "door").symlink_to(self.inbox)
        if self.far_away:
            self.place = self._stack.enter_context(Place(FAR))
            self.server.listen_on(self.place.ledger.our_address)
        self.address = self.server.fresh()
        self._stack.callback(self.server.drop, self.address)
        open_database(self.address).close()
        self.far = self._station(FAR, self.place)
        self.near = self._station(NEAR, None)
        for station in (self.far, self.near):
            self._stack.callback(station.kill)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def inbox(self) -> Path:
        return self.folder / "inbox"

    @property
    def door(self) -> Path:
        """The inbox as `far` sees it."""
        return self.folder / "door"

    def ask(self, statement: str) -> Sequence[Any]:
        return self.server.run(statement, self.address)

    def count(self, statement: str) -> int:
        return int(self.ask(statement)[0][0])

    def leader(self, lease: str = "receiver %") -> list[str]:
        return [name for (name,) in self.ask(_LEADER.format(lease))]

    def drop(self, number: int, *, each: float = 0.0) -> None:
        """So many articles, with a pause after each."""
        for _ in range(number):
            article = len(self.made)
            self.made[article] = article_text(article)
            drop(self.inbox, f"article-{article}.txt", self.made[article])
            time.sleep(each)

    def wait_until_at_rest(self, what: str) -> None:
        wait_until(self._is_at_rest, what)

    def _is_at_rest(self) -> bool:
        known = self.count("SELECT COUNT(*) FROM files") >= len(self.made)
        return not files_in(self.inbox) and known and not self.count(_OWED) and not self.count(_NOT_FINAL)

    def account(self) -> list[str]:
        """All that does not hold once nothing is left to do."""
        time.sleep(_A_MOMENT)
        homes = {station.name: station.home for station in (self.far, self.near)}
        alerted = {f"desk-{number}": set(self.made) for number in range(self.desks)}
        return account_together(homes, self.inbox, self.ask, self.made, self.slack, alerted=alerted)

    def address_of(self, place: Place | None) -> str:
        """The ledger as a configuration names it that is used there."""
        configured = self.server.configured(self.address)
        if place is None:
            return configured
        return f"{configured.replace('127.0.0.1', place.ledger.our_address)}&sslmode=disable"

    def _station(self, name: str, place: Place | None) -> Station:
        home = self.folder / name
        prepare(home, {}, ledger=False)
        storage = (
            f'[storage]\ndatabase = "{self.address_of(place)}"\n'
            f'daemon = "{name}"\nlease_seconds = {self.lease}\n'
        )
        text = configuration(
            self.folder, self.slack, desks=self.desks, settle=SETTLE, manners=self.manners, more=storage
        )
        inbox = self.door if name == FAR else self.inbox
        config = self.folder / f"{name}.toml"
        config.write_text(text.replace("[inbox]\n", f'[inbox]\npath = "{inbox}"\n'))
        environment = self.environments.get(name, {})
        return Station(
            name, home, config, self.folder / f"{name}.log", place, self.patience, environment=environment
        )


def wait_until(is_so: Callable[[], object], what: str, seconds: float = _PATIENCE) -> float:
    """How long it took. Raises TooLateError."""
    started = time.monotonic()
    while not is_so():
        if time.monotonic() - started > seconds:
            raise TooLateError(f"{what}: not in {seconds:.0f} s")
        time.sleep(0.05)
    return time.monotonic() - started


def main(arguments: Sequence[str]) -> int:
    """The command, with its patience."""
    from daemon import app, arrivals, clock, reach
    from daemon.cli import main as topicwired

    patience = Patience(**json.loads(Path(arguments[0]).read_text()))
    reach._SILENCE = reach._STANDS_BACK = patience.silence
    app._HANGING_SECONDS = patience.hanging
    app._PING_SECONDS = min(app._PING_SECONDS, patience.hanging / 2)
    read = arrivals.read

    def hang(*given: Any) -> Any:
        while patience.hang and Path(patience.hang).exists():
            time.sleep(0.02)
        return read(*given)

    if patience.plant == OWN_CLOCK:
        clock.follow = lambda *_: None
    arrivals.read = hang  # type: ignore[assignment]
    return topicwired(list(arguments[1:]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
