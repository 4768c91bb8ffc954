"""The program and the machine: releases, known faults of theirs, as whom it runs, the walls of the jail."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import version

from classifier import Reader
from daemon.config import Settings
from daemon.findings import Finding, fine, problem, warning
from daemon.tables import SQLITE

_Release = tuple[int, int, int]

# sqlite.org/wal.html, "The WAL-Reset Bug": two connections that write and bring the log in at the same moment
# may damage the file. Since 3.7.0; each pair is where a line of releases has the mend.
_WAL_SINCE: _Release = (3, 7, 0)
_MENDED: tuple[tuple[_Release, _Release], ...] = (
    ((3, 44, 6), (3, 45, 0)),
    ((3, 50, 7), (3, 51, 0)),
    ((3, 51, 3), (99, 0, 0)),
)


def examine(settings: Settings) -> Iterator[Finding]:
    yield _program(settings)
    yield _user(settings)
    yield _jail(settings)


def resets_log_wrongly(release: _Release) -> bool:
    """Whether a release of SQLite has the fault of the write-ahead log's reset."""
    return release >= _WAL_SINCE and not any(first <= release < last for first, last in _MENDED)


def _program(settings: Settings) -> Finding:
    said = f"topicwire {version('topicwire')}, Python {platform.python_version()}"
    said += f", SQLite {sqlite3.sqlite_version}, {platform.system()} {platform.release()}"
    if settings.database.startswith(SQLITE) and resets_log_wrongly(sqlite3.sqlite_version_info):
        return warning(
            "program",
            f"{said}; this SQLite can damage a ledger in very rare cases (sqlite.org/wal.html#walresetbug)",
            "have a Python with SQLite 3.51.3, 3.50.7, 3.44.6 or newer; each backup is checked meanwhile",
        )
    return fine("program", said)


def _user(settings: Settings) -> Finding:
    if os.geteuid() != 0:
        return fine("user", f"runs as user {os.geteuid()}")
    owner = _owner(settings)
    if owner:
        return warning(
            "user",
            f"this check runs as root, and the home is user {owner}'s: root may do what the daemon may not",
            f"setpriv --reuid {owner} --clear-groups topicwired check --home {settings.home}",
        )
    return warning(
        "user",
        "runs as root, who needs none of root's rights here",
        "give the home to a user of its own, and run it as that one; `topicwired unit` prints how",
    )


def _owner(settings: Settings) -> int:
    try:
        return settings.home.stat().st_uid
    except OSError:
        return 0


def _jail(settings: Settings) -> Finding:
    """Whether files that need a parser are read behind all the walls that this machine could have."""
    with closing(Reader(settings.reading.rules)) as reader:
        try:
            walls = reader.jail.walls()
        except OSError as error:
            return problem("jail", str(error), "see the lines above")
    holds = ["limits of time and memory"]
    holds += [f"Landlock (version {walls.landlock})"] if walls.landlock else []
    holds += ["seccomp"] if walls.seccomp else []
    missing = "".join(f"; {line}" for line in walls.missing)
    return fine("jail", f"parsers are held by {', '.join(holds)}{missing}")
