"""The command `topicwired`. A command parses, calls and prints; nothing heavy loads before it runs."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from classifier import ClassifierError
from daemon.cli import (
    desk,
    judging,
    keeping,
    promising,
    rehearsing,
    running,
    sampling,
    slack,
    storing,
    teaching,
)
from daemon.cli.given import Command, add_command, add_person
from daemon.errors import DaemonError, DeliveryError


def main(arguments: list[str] | None = None) -> int:
    """Folder ▶ alerts: watch an inbox, tag what arrives, tell the desks that follow its topics."""
    options = _parser().parse_args(arguments)
    command: Command = options.command
    try:
        return command(options)
    except (DaemonError, ClassifierError, DeliveryError) as error:
        for line in str(error).splitlines():
            print(f"topicwired: {line}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"topicwired: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="topicwired", description=main.__doc__)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    command = add_command(commands, "run", running.run)
    command.add_argument("--once", action="store_true", help="what is in the inbox now, then exit")
    command.add_argument("-v", "--verbose", action="store_true", help="log more")
    add_command(commands, "demo", running.demo)
    add_command(commands, "check", running.check)
    command = add_command(commands, "status", running.status)
    command.add_argument("--quality", action="store_true", help="how much is right, and how much was missed")
    add_command(commands, "route", running.route).add_argument("file", type=Path, metavar="FILE")
    command = add_command(commands, "retry", running.retry)
    command.add_argument("names", nargs="*", metavar="NAME")
    command.add_argument("--all", action="store_true", help="every file in failed/")
    teaching.add_commands(commands)
    verdicts = commands.add_parser("verdicts", help="what desks said of tags: add, settle, list, export")
    inner = verdicts.add_subparsers(title="commands", required=True, metavar="COMMAND")
    command = add_command(inner, "list", judging.listed)
    command.add_argument("--disputed", action="store_true", help="first those of which people disagree")
    command = add_command(inner, "export", judging.export)
    shape = command.add_mutually_exclusive_group()
    shape.add_argument("--raw", action="store_true", help="every verdict, one a line")
    shape.add_argument("--examples", action="store_true", help="articles of which every topic is judged")
    for name, say in (("add", judging.add), ("settle", judging.settle)):
        command = add_command(inner, name, say)
        command.add_argument("article", metavar="ARTICLE", help="its id, as `classifier tag` prints it")
        command.add_argument("topic", metavar="TOPIC")
        command.add_argument("verdict", choices=("right", "wrong"))
        add_person(command)
    app = commands.add_parser("slack", help="set the Slack app up: manifest, test")
    inner = app.add_subparsers(title="commands", required=True, metavar="COMMAND")
    command = add_command(inner, "manifest", slack.manifest)
    command.add_argument("--address", action="store_true", help="the one-click address alone")
    command = add_command(inner, "test", slack.test)
    command.add_argument("channel", metavar="CHANNEL")
    command.add_argument("--twice", action="store_true", help="does the workspace know a repeat")
    command = add_command(commands, "backup", keeping.backup)
    command.add_argument(
        "file", nargs="?", type=Path, metavar="FILE", help="where to, if not to HOME/backups"
    )
    command = add_command(commands, "restore", keeping.restore)
    command.add_argument("file", nargs="?", type=Path, metavar="FILE", help="a backup, or a ledger set aside")
    command.add_argument("--rebuild", action="store_true", help="from done/ alone, without a backup")
    command.add_argument(
        "--alert-all", action="store_true", help="alert of all that the backup does not know"
    )
    storing.add_commands(commands)
    promising.add_commands(commands)
    rehearsing.add_commands(commands)
    sampling.add_commands(commands)
    desk.add_commands(commands)
    add_command(commands, "unit", running.unit)
    return parser
