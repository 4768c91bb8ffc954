"""Commands that look at what is there: whether it is sound, and how things stand."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from daemon.cli import sampling
from daemon.cli.given import add_command, ledger_of, settings_of

if TYPE_CHECKING:
    pass


def add_commands(commands: Any) -> None:
    add_command(commands, "check", check)
    command = add_command(commands, "status", status)
    command.add_argument("--quality", action="store_true", help="how much is right, and how much was missed")


def check(options: argparse.Namespace) -> int:
    """Is all sound that a daemon stands on: configuration, folders, rights, limits, ledger, model, labels,
    secrets, clock, backups, service, Slack.

    Each line says what was found, ok, warning or problem, and how to mend it; 1 where there is a problem.
    Says of each receiver what is promised: exactly once, or at least once. Changes and posts nothing, and
    may be called while the daemon runs.

        topicwired check
        topicwired check --home /srv/topicwire --config /srv/topicwire/topicwire.toml
        topicwired check --json
    """
    from daemon import doctor
    from daemon.cli.slack import said

    return said(doctor.examine(settings_of(options)), as_json=options.json)


def status(options: argparse.Namespace) -> int:
    """What waits in the inbox, what is owed, parked or dead and why, when each job last ran.

    --quality: topic by topic, how many alerts are right, and how much of what there was we told, as far
    as desks have said so, and what we probably missed.

        topicwired status
        topicwired status --json
        topicwired status --quality
    """
    import json

    from daemon import status as standing

    settings = settings_of(options)
    if options.quality:
        return sampling.print_quality(options)
    with ledger_of(settings) as database:
        found = standing.gather(settings, database)
    print(json.dumps(found, ensure_ascii=False) if options.json else "\n".join(standing.lines(found)))
    return 0
