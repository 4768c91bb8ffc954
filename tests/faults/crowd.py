"""Several daemons of one ledger: each has a home of its own, and all look into one inbox.

    with Crowd(folder, creche, server, slack, daemons=4) as crowd:
        crowd.members[0].kill()
        crowd.members[0].bear()

Each is the real command (see `creche`), on a PostgreSQL that a test may stop and kill as well.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import psycopg

from daemon.database import open_database
from tests.faults.creche import Birth, Child, Creche
from tests.faults.newsroom import configuration
from tests.faults.stills import Still
from tests.faults.way import prepare
from tests.postgres import Server
from tests.slack_stand_in import SlackStandIn

SETTLE = 0.15
TOPICS = {0: (), 1: ("energy",), 2: ("trade",), 3: ()}  # what each desk hears of; none: everything
LEASE = 3.0
STOP_SECONDS = 60.0  # how fast it stops is another part's; here only that it does
STOPPED_CLEANLY = (0, -signal.SIGTERM)  # the latter where it had not begun to listen yet

_ONE_BY_ONE = threading.Lock()  # Alembic's scripts share their names (measured: a KeyError in its proxy)


@dataclass(slots=True)
class Member:
    """One daemon. `frozen_until`: when it is to go on; `spared_until`: when it may be hurt again."""

    name: str
    home: Path
    creche: Creche
    birth: Birth
    life: Child | None = None
    frozen_until: float | None = None
    spared_until: float = 0.0

    def bear(self) -> None:
        self.life = self.creche.bear(self.birth)
        self.frozen_until = None

    def kill(self) -> None:
        """Whatever it is at, and also while it stands still."""
        if self.life is not None:
            self.life.kill()
        self.life = None

    def freeze(self, seconds: float) -> None:
        """It stands still from now on, as one whose machine was paused."""
        assert self.life is not None
        self.life.send(signal.SIGSTOP)
        self.stands(seconds)

    def stands(self, seconds: float) -> None:
        """It does already, and is to go on after so many seconds."""
        self.frozen_until = time.monotonic() + seconds

    def go_on(self, *, spared: float = 0.0) -> None:
        if self.life is not None:
            self.life.send(signal.SIGCONT)
        self.frozen_until = None
        self.spared_until = time.monotonic() + spared

    @property
    def may_be_hurt(self) -> bool:
        return self.life is not None and self.frozen_until is None and time.monotonic() > self.spared_until

    @property
    def last_said(self) -> str:
        """The last line of its log."""
        lines = self.birth.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return lines[-1] if lines else ""

    def ended_by_itself(self) -> int | None:
        """Its exit code, where nobody ended it; it has none any more then."""
        code = self.life.wait(0.0) if self.life is not None else None
        if code is not None:
            self.life = None
        return code


@dataclass(slots=True)
class Crowd:
    """Starts with `with`; at the end whoever lives still is killed."""

    folder: Path
    creche: Creche
    server: Server
    slack: SlackStandIn
    daemons: int
    plant: str = ""
    lease: float = LEASE
    hurried: bool = False
    members: list[Member] = field(default_factory=list)
    address: str = ""

    def __enter__(self) -> Self:
        self.inbox.mkdir(parents=True)
        self.address = self.server.fresh()
        with _ONE_BY_ONE:
            open_database(self.address).close()
        self.members += [self._member(f"daemon-{number}") for number in range(self.daemons)]
        return self

    def __exit__(self, *_: object) -> None:
        for member in self.members:
            member.kill()
        self.server.drop(self.address)

    @property
    def inbox(self) -> Path:
        return self.folder / "inbox"

    @property
    def still(self) -> Still:
        return Still(self.folder)

    @property
    def homes(self) -> dict[str, Path]:
        return {member.name: member.home for member in self.members}

    def ask(self, statement: str) -> Sequence[Any]:
        """Rows of the ledger. Raises psycopg.OperationalError while its server is away."""
        return self.server.run(statement, self.address)

    def count(self, statement: str) -> int:
        """What it counts; -1 while nobody can tell."""
        with suppress(psycopg.OperationalError):
            return int(self.ask(statement)[0][0])
        return -1

    def of(self, process: int) -> Member | None:
        """The member that a process is."""
        return next((each for each in self.members if each.life and each.life.process == process), None)

    def stop(self) -> list[str]:
        """SIGTERM to all; a fault for each that does not end well."""
        for member in self.members:
            if member.life is not None:
                member.life.send(signal.SIGTERM)
        return [fault for member in self.members for fault in self._stopped(member)]

    def _stopped(self, member: Member) -> list[str]:
        if member.life is None:
            return [f"{member.name} was not there at the end"]
        code = member.life.wait(STOP_SECONDS)
        if code is None:
            member.life.send(signal.SIGUSR2)  # where each of its threads is goes into its log
            member.life.wait(0.5)
            member.kill()
            return [f"SIGTERM did not end {member.name} in {STOP_SECONDS:.0f} s"]
        return [] if code in STOPPED_CLEANLY else [f"after SIGTERM {member.name} ended with {code}"]

    def _member(self, name: str) -> Member:
        home = self.folder / name
        prepare(home, {}, ledger=False)
        config = self.folder / f"{name}.toml"
        config.write_text(self._configuration(name))
        log = self.folder / f"{name}.log"
        birth = Birth(home, config, log, self.plant, still=self.folder, hurried=self.hurried)
        return Member(name, home, self.creche, birth)

    def _configuration(self, name: str) -> str:
        routes = "".join(
            f'[[route]]\nreceiver = "desk-{desk}"\ntopics = {list(topics)}\n'
            if topics
            else f'[[route]]\nreceiver = "desk-{desk}"\n'
            for desk, topics in TOPICS.items()
        )
        storage = (
            f'[storage]\ndatabase = "{self.server.configured(self.address)}"\n'
            f'daemon = "{name}"\nlease_seconds = {self.lease}\n'
        )
        text = configuration(
            self.folder, self.slack, desks=len(TOPICS), settle=SETTLE, more=f"{routes}{storage}"
        )
        return text.replace("[inbox]\n", f'[inbox]\npath = "{self.inbox}"\n')
