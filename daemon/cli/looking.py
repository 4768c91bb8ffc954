"""Commands that look at what is there: whether it is sound, and how things stand."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any

from daemon.cli import sampling
from daemon.cli.given import add_command, settings_of

_WARNING, _PROBLEM = 3, 4  # 2 is a wrong call


def add_commands(commands: Any) -> None:
    add_command(commands, "check", check)
    command = add_command(commands, "status", status)
    command.add_argument("--quality", action="store_true", help="how much is right, and how much was missed")
    command.add_argument(
        "--watch",
        nargs="?",
        type=_seconds,
        const=2.0,
        metavar="SECONDS",
        help="show it anew every so many seconds (2), until Ctrl-C",
    )
    command.add_argument(
        "--exit-code", action="store_true", help="3 if there is a warning, 4 if something does not work"
    )


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

    On a terminal a table, else lines that each begin with a word that says of what they tell; behind a
    warning stands the command that mends it, if there is one. --quality: topic by topic, how many alerts
    are right, and how much of what there was we told, as far as desks have said so, and what we probably
    missed.

    With --exit-code 0 says that all is well, 3 that there is a warning, 4 that something does not work and a
    person has to mend it; 1, as ever, that it cannot be known, for the ledger cannot be read.

        topicwired status
        topicwired status --json
        topicwired status --watch 5
        topicwired status --exit-code
        topicwired status --quality
    """
    from daemon.cli import watching

    settings = settings_of(options, despite_labels=True)  # who edits them blinds no monitoring
    if options.quality:
        return sampling.print_quality(options)
    if options.watch is not None:
        return watching.watch(settings, seconds=options.watch, as_json=options.json)
    found = watching.gather(settings)
    if options.json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        watching.show(found)
    return _code(found) if options.exit_code else 0


def _code(found: Mapping[str, Any]) -> int:
    levels = {each["level"] for each in found["concerns"]}
    return _PROBLEM if "problem" in levels else _WARNING if levels else 0


def _seconds(said: str) -> float:
    try:
        seconds = float(said)
    except ValueError:
        seconds = 0.0
    if not 0.2 <= seconds <= 86400:
        raise argparse.ArgumentTypeError("should be seconds, from 0.2 to 86400")
    return seconds
