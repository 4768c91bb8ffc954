"""The doctor: looks at all that a daemon stands on, and says of each whether it is sound and how to mend it.

Changes nothing and makes nothing. What cannot be looked at is a finding of its own; the others are looked at
all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from sqlalchemy.exc import SQLAlchemyError

from classifier import ClassifierError
from daemon import slackcheck
from daemon.config import Settings
from daemon.database import plainly
from daemon.doctor import (
    clocks,
    copies,
    doors,
    folders,
    limits,
    machine,
    models,
    process,
    records,
    secrets,
    service,
)
from daemon.errors import DaemonError, DeliveryError
from daemon.findings import Finding, fine, problem

Look = Callable[[Settings], Iterable[Finding]]

_LOOKS: tuple[tuple[str, Look], ...] = (
    ("program", machine.examine),
    ("home", folders.examine),
    ("limits", limits.examine),
    ("ledger", records.examine),
    ("model", models.examine),
    ("secrets", secrets.examine),
    ("clock", clocks.examine),
    ("backups", copies.examine),
    ("process", process.examine),
    ("service", service.examine),
    ("listening", doors.examine),
    ("receivers", slackcheck.examine),
)


def examine(settings: Settings) -> Iterator[Finding]:
    """What `topicwired check` says, one after the other as it is found."""
    yield fine("configuration", f"{settings.file or 'no file, the defaults'}, home {settings.home}")
    for about, look in _LOOKS:
        yield from _looked(about, look, settings)


def _looked(about: str, look: Look, settings: Settings) -> Iterator[Finding]:
    try:
        yield from look(settings)
    except (DaemonError, ClassifierError, DeliveryError) as error:
        for line in str(error).splitlines():
            yield problem(about, line)
    except (OSError, SQLAlchemyError, ValueError) as error:
        yield problem(about, f"cannot be looked at: {plainly(error)}")
