"""The server ends our connection, at each statement of an article's way: intake, and dispatch.

The way is that of `way`, in one thread, as one of several daemons goes it on PostgreSQL. Each statement
is cut before and after it (pg_terminate_backend, of our own connection, by another one), and each
commit so that it was not made, and so that it was and we never hear of it. The way itself goes on, and
then everything is accounted for.

    python -m tests.faults.cuts "before a statement" 17         # one case again, with its log
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import psycopg
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError

from daemon import app, claims, clock, hints, logs, presence
from daemon.claiming import LedgerClaims
from daemon.config import Settings
from daemon.database import Database, open_database
from daemon.dispatch import Dispatch
from daemon.errors import DaemonError
from daemon.intake import Intake
from daemon.leases import LedgerLeases
from daemon.receivers import manners_of
from daemon.serving import Serving
from daemon.slack import SlackSender
from daemon.slackapi import SlackApp
from tests import postgres
from tests.faults import way
from tests.faults.accounting import Outcome
from tests.faults.articles import article_text
from tests.faults.patient_slack import PatientSlack
from tests.faults.together import account_together, asking
from tests.postgres import Server

BEFORE, AFTER = "before a statement", "after a statement"
UNMADE, UNHEARD = "before a commit", "a commit unheard"
PLACES = (BEFORE, AFTER, UNMADE, UNHEARD)

MADE: Mapping[int, bytes] = {
    1: article_text(1),
    2: article_text(2, arabic=True),
    3: article_text(3, quiet=True),
    4: b"",
    5: article_text(1),
}
ALERTED = frozenset({1, 2})

_LIVES = 5  # a start that meets the cut ends, and systemd tries again
_ROUNDS = 80
_LOST = "server closed the connection unexpectedly"
_SAID_EACH = 20


@dataclass(slots=True)
class Cut:
    """Ends our connection the `number`-th time that a place is reached; 0 never does."""

    server: Server
    place: str
    number: int
    reached: list[str] = field(default_factory=list)  # what was about to be executed at the place
    happened: bool = False

    def watch(self, ledger: Database) -> None:
        """From now on, of all connections of this ledger."""
        engine = ledger._engine
        dialect: Any = engine.dialect
        commit = dialect.do_commit

        def committed(driver: Any) -> None:
            ends = self._is_here(UNMADE, "COMMIT") and driver
            unheard = self._is_here(UNHEARD, "COMMIT")
            if ends:
                self._end(driver)
            commit(driver)
            if unheard:
                self._end(driver)
                raise psycopg.OperationalError(_LOST)

        dialect.do_commit = committed
        event.listen(engine, "before_cursor_execute", self._before)
        event.listen(engine, "after_cursor_execute", self._after)

    def _before(self, connection: Any, cursor: Any, statement: str, *more: Any) -> None:
        if self._is_here(BEFORE, statement):
            self._end(cursor.connection)

    def _after(self, connection: Any, cursor: Any, statement: str, *more: Any) -> None:
        if self._is_here(AFTER, statement):
            self._end(cursor.connection)

    def _is_here(self, place: str, statement: str) -> bool:
        if place != self.place:
            return False
        self.reached.append(" ".join(statement.split())[:60])
        return len(self.reached) == self.number

    def _end(self, driver: Any) -> None:
        """Returns when the server's process has gone."""
        self.happened = True
        process = getattr(driver, "driver_connection", driver).info.backend_pid
        self.server.run(f"SELECT pg_terminate_backend({process}, 5000)")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a cut."""

    place: str
    number: int
    statement: str
    faults: tuple[str, ...]

    @property
    def said(self) -> list[str]:
        """Each fault with what repeats it."""
        return [f"{self.place} {self.number} ({self.statement}): {fault}" for fault in self.faults]


@dataclass(frozen=True, slots=True)
class Bench:
    """Where ways are gone: an empty ledger and a home are copied for each."""

    folder: Path
    server: Server
    template: str

    @classmethod
    def made(cls, folder: Path, server: Server) -> Bench:
        template = server.fresh()
        open_database(template).close()
        way.prepare(folder / "template", MADE, ledger=False)
        return cls(folder, server, template)

    def trace(self, place: str) -> list[str]:
        """What a way without a cut comes by at this place."""
        cut = Cut(self.server, place, 0)
        faults = self._go(cut)
        assert not faults, faults
        return cut.reached

    def case(self, place: str, number: int) -> Verdict | None:
        """None where the way ended before."""
        cut = Cut(self.server, place, number)
        faults = self._go(cut)
        if not cut.happened:
            return None
        return Verdict(place, number, cut.reached[number - 1], tuple(faults))

    def _go(self, cut: Cut) -> list[str]:
        home = self.folder / "home"
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(self.folder / "template", home)
        address = self.server.fresh(like=self.template)
        try:
            with PatientSlack() as slack, asking(address) as ask:
                is_idle = _walk(home, slack.url, self.server.configured(address), cut)
                faults = [] if is_idle else ["not at rest"]
                return faults + account_together(
                    {way.DESK: home},
                    home / "inbox",
                    ask,
                    MADE,
                    slack,
                    alerted={way.DESK: ALERTED},
                    set_aside={4},
                )
        finally:
            clock.follow_nobody()
            self.server.drop(address)


def run(folder: Path, server: Server, say: Callable[[str], None]) -> list[Outcome]:
    """Every statement and every commit."""
    bench = Bench.made(folder, server)
    return [sweep(bench, place, say=say) for place in PLACES]


def sweep(
    bench: Bench, place: str, *, each: int = 1, first: int = 1, say: Callable[[str], None] = lambda line: None
) -> Outcome:
    """Cut at every `each`-th time that a place is reached, until the way ends before."""
    started = time.monotonic()
    verdicts: list[Verdict] = []
    number = first
    while (verdict := bench.case(place, number)) is not None:
        verdicts.append(verdict)
        number += each
        if len(verdicts) % _SAID_EACH == 0:
            say(f"{place}: {number} of them, {sum(bool(one.faults) for one in verdicts)} with faults")
    faults = tuple(said for one in verdicts for said in one.said)
    took = f"took {time.monotonic() - started:.0f} s"
    return Outcome(f"our connection ended {place}", len(verdicts), faults, took)


def _walk(home: Path, slack_url: str, address: str, cut: Cut) -> bool:
    """The way of all that is in the inbox; whether nothing is left to do. A failed start is tried again."""
    ours = {"database": address, "daemon": way.DESK, "events": False}
    settings = way.settings_of(home, slack_url).model_copy(update=ours)
    random.seed(1)
    with (
        way.own_clock(way.A_DAY) as passing,
        mock.patch.object(claims, "_keeps_lease", False),
        mock.patch.object(claims, "_present", frozenset()),
    ):
        for _ in range(_LIVES):
            with suppress(SQLAlchemyError, DaemonError):
                return _live(settings, slack_url, cut, passing)
    return False


def main(arguments: Sequence[str]) -> int:
    """One case, with its log; 1 if it shows a fault."""
    place, number = arguments
    with tempfile.TemporaryDirectory(prefix="topicwire-cuts-") as folder, postgres.server() as server:
        verdict = Bench.made(Path(folder), server).case(place, int(number))
    print(verdict or "the way ended before")
    return int(verdict is not None and bool(verdict.faults))


def _live(settings: Settings, slack_url: str, cut: Cut, passing: Callable[[float], None]) -> bool:
    """One life, as daemon.app puts it together, all in this thread."""
    model = way.served_model(settings.models)
    with ExitStack() as stack:
        stack.enter_context(app.home_lock(settings))
        ledger = open_database(settings.database)
        stack.callback(ledger.close)
        cut.watch(ledger)
        here = presence.Presence(settings, ledger, lambda: model.version)
        here.enter()
        stack.callback(here.leave)
        tell = hints.Hints(ledger, way.nobody).tell
        app.start_up(settings, ledger)
        claiming, leases = LedgerClaims(ledger, here), LedgerLeases(ledger, here)
        serving = Serving(settings.models, model)
        taking = Intake(settings, ledger, serving, tell, way.nobody, claiming)
        stack.callback(taking.close)
        sender = SlackSender(SlackApp(way.TOKEN, slack_url), way.CHANNEL)
        manner = manners_of(settings)[way.DESK]
        dispatch = Dispatch(way.DESK, sender, ledger, manner=manner, leases=leases)
        for _ in range(_ROUNDS):
            way.survive(here.renew)
            passing(min(way.survive(taking.work), way.survive(dispatch.work)))
            if taking.idle and not way.is_owed(ledger):
                return True
    return False


if __name__ == "__main__":
    logs.configure("text")
    sys.exit(main(sys.argv[1:]))
