"""The command that writes what systemd needs."""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daemon.cli.given import add_command, settings_of
from daemon.errors import DaemonError

if TYPE_CHECKING:
    from daemon.owners import File, Owner

# As systemd takes them (sysusers.d(5), "Name").
_USER = re.compile(r"[a-zA-Z_][a-zA-Z0-9_-]{0,30}")


def add_commands(commands: Any) -> None:
    command = add_command(commands, "unit", unit)
    which = command.add_mutually_exclusive_group()
    which.add_argument(
        "--once", action="store_true", help="a service that ends, and the timer that starts it"
    )
    which.add_argument("--sysusers", action="store_true", help="the user that it runs as")
    which.add_argument("--tmpfiles", action="store_true", help="the folders that it starts with")
    which.add_argument("--output", type=Path, metavar="DIR", help="write all of these files there")
    whose = command.add_mutually_exclusive_group()
    whose.add_argument("--user", type=_user, metavar="NAME", help="run as this user (default: topicwire)")
    whose.add_argument("--dynamic", action="store_true", help="as a user that systemd makes and takes back")


def unit(options: argparse.Namespace) -> int:
    """Print the systemd unit that fits this installation, its home and its configuration.

    It holds where the program and the home are, what is written outside the home, which secrets systemd
    hands over, and what it does without: each line of that has its reason. Print it anew when the
    configuration has other paths, secrets or receivers. --once prints a second service, that takes what is
    in the inbox and ends, with the timer that starts it every five minutes.

        topicwired unit --home /srv/topicwire --config /srv/topicwire/topicwire.toml
        topicwired unit --home /var/lib/topicwire --dynamic
        topicwired unit --once --user news
        topicwired unit --sysusers
        topicwired unit --tmpfiles
        topicwired unit --home /srv/topicwire --output /tmp/units
    """
    from daemon import premises, units
    from daemon.installation import installation

    found = installation(settings_of(options))
    owner = _owner(options)
    if options.output:
        _write(units.files(found, owner), options.output, as_json=options.json)
    elif options.once:
        _print(units.once(found, owner), as_json=options.json)
    elif options.sysusers:
        _print([premises.sysusers(found, owner)], as_json=options.json)
    elif options.tmpfiles:
        _print([premises.tmpfiles(found, owner)], as_json=options.json)
    else:
        _print([units.service(found, owner)], as_json=options.json)
    for line in premises.doubts(found, owner):
        print(f"topicwired: {line}", file=sys.stderr)
    return 0


def _owner(options: argparse.Namespace) -> Owner:
    from daemon.owners import Owner, group_of

    if options.dynamic:
        return Owner(dynamic=True)
    return Owner(options.user, group_of(options.user)) if options.user else Owner()


def _print(files: Any, *, as_json: bool) -> None:
    """Several as `systemctl cat` shows them: each under a comment that names it."""
    for number, file in enumerate(files):
        if as_json:
            print(json.dumps({"name": file.name, "place": file.place, "text": file.text}))
            continue
        if len(files) > 1:
            print(f"{chr(10) * (number > 0)}# {file.place}/{file.name}")
        print(file.text, end="")


def _write(files: list[File], folder: Path, *, as_json: bool) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in files:
            (folder / file.name).write_text(file.text, encoding="utf-8")
    except OSError as error:
        raise DaemonError(f"{error.filename}: cannot be written: {error.strerror}") from error
    for file in files:
        path = folder / file.name
        as_object = {"name": file.name, "place": file.place, "path": str(path)}
        print(json.dumps(as_object) if as_json else f"{path}  belongs into {file.place}")


def _user(said: str) -> str:
    if not _USER.fullmatch(said):
        raise argparse.ArgumentTypeError("should be the name of a user, such as topicwire")
    if said == "root":
        raise argparse.ArgumentTypeError(
            "should not be root: what reads files of strangers has no such rights"
        )
    return said
