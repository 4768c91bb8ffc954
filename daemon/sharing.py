"""Sharing: what a daemon needs beside others of its ledger. One that is alone needs none of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from daemon.claiming import Claiming, LedgerClaims, NobodyElse
from daemon.config import Settings
from daemon.database import Database
from daemon.hints import Hints
from daemon.leases import Leases, LedgerLeases
from daemon.presence import Presence
from daemon.worker import Worker

_STOP_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Shared:
    """`leases` is None where this daemon does everything itself."""

    claiming: Claiming
    leases: Leases | None
    tell: Callable[[], None]
    stop: Callable[[], None]


def enter(
    settings: Settings, database: Database, *, model: Callable[[], str], wake: Callable[[], None]
) -> Shared:
    """Be one of the daemons of the ledger from now on, until `stop`. `model` is the version that serves;
    `wake` is called when another daemon says that there may be something to deliver.

    Raises DaemonError where another daemon has our name.
    """
    if not database.shared:
        return ALONE
    presence = Presence(settings, database, model)
    presence.enter()
    hints = Hints(database, wake)
    workers = [Worker("presence", presence.renew, rest=presence.rest), Worker("hints", hints.work)]
    for worker in workers:
        worker.start()

    def stop() -> None:
        for worker in workers:
            worker.ask_to_stop()
        for worker in workers:
            worker.stop(_STOP_SECONDS)
        hints.close()
        presence.leave()

    return Shared(LedgerClaims(database, presence), LedgerLeases(database, presence), hints.tell, stop)


def _nothing() -> None:
    """There is nobody else."""


ALONE = Shared(NobodyElse(), None, _nothing, _nothing)
