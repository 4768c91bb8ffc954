"""Joining: whether a ledger on a server is fit for this daemon, and this daemon for those that are there."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from sqlalchemy import text

from classifier import current_version
from daemon import presence
from daemon.config import Settings
from daemon.database import Database, newest_schema, server_time
from daemon.findings import Finding
from daemon.presence import DaemonSeen

_SERVER = text("SELECT current_setting('server_version') AS release, current_user AS user")
_LACKING = text(
    """
    SELECT pg_class.relname
    FROM pg_class
    JOIN pg_namespace ON pg_namespace.oid = pg_class.relnamespace
    WHERE pg_namespace.nspname = current_schema()
      AND pg_class.relkind = 'r'
      AND NOT (
          has_table_privilege(pg_class.oid, 'SELECT')
          AND has_table_privilege(pg_class.oid, 'INSERT')
          AND has_table_privilege(pg_class.oid, 'UPDATE')
          AND has_table_privilege(pg_class.oid, 'DELETE')
      )
    ORDER BY pg_class.relname
    """
)


def examine(settings: Settings, database: Database) -> Iterator[Finding]:
    """What `topicwired check` says of both. Changes nothing."""
    with database.reading() as connection:
        found = connection.execute(_SERVER).one()
        lacking = connection.execute(_LACKING).scalars().all()
        ahead = (server_time(connection) - datetime.now(UTC)).total_seconds()
        present = [each for each in presence.listed(connection) if each.is_there]
    release = f"PostgreSQL {found.release}, schema {newest_schema()}"
    yield Finding(True, "ledger", f"{settings.database}, {release}")
    if lacking:
        said = f"{found.user} has not every right on {', '.join(lacking)}"
        yield Finding(False, "rights", said, f"make {found.user} the owner of the database and its tables")
    else:
        yield Finding(True, "rights", f"{found.user} may read and write every table")
    apart = f"{abs(ahead):.1f} s {'ahead of' if ahead > 0 else 'behind'} this machine's"
    yield Finding(True, "clock", f"the server's is {apart}; the server's counts")
    yield _name(settings, present)
    yield _model(settings, present)


def _name(settings: Settings, present: Sequence[DaemonSeen]) -> Finding:
    here = platform.node(), str(settings.home)
    for each in present:
        if each.name == settings.daemon and (each.machine, each.home) != here:
            said = f"another is called {each.name}, with the home {each.home} on {each.machine}"
            return Finding(False, "daemon", said, "give each a name of its own in storage.daemon")
    others = [each.name for each in present if each.name != settings.daemon]
    return Finding(True, "daemon", f"{settings.daemon}; beside it: {', '.join(others) or 'nobody now'}")


def _model(settings: Settings, present: Sequence[DaemonSeen]) -> Finding:
    ours = current_version(settings.models)
    others = {each.name: each.model for each in present if each.name != settings.daemon}
    differing = [f"{name} serves {version}" for name, version in others.items() if version != ours]
    if differing:
        said = f"{ours or 'none'} here, and {', '.join(differing)}"
        mend = f"let every daemon have one folder: {settings.models} may be a link to it, and labels as well"
        return Finding(False, "models", said, mend)
    return Finding(True, "models", f"{ours or 'none yet'}{' here as elsewhere' if others else ''}")
