"""The command `topicwired`. A command parses, calls and prints; nothing heavy loads before it runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from classifier import ClassifierError, Program, add_group
from daemon.cli import (
    desk,
    judging,
    keeping,
    looking,
    promising,
    rehearsing,
    running,
    sampling,
    service,
    slack,
    starting,
    storing,
    teaching,
    telling,
)
from daemon.cli.given import Command, add_command, add_person
from daemon.errors import DaemonError, DeliveryError

_HEADINGS = {
    "begin": ("init", "check", "demo", "run"),
    "every day": ("status", "route", "retry", "desk"),
    "teach it": ("verdicts", "sample", "retrain", "rehearse", "retag", "promises"),
    "keep it": ("unit", "slack", "backup", "restore", "forget", "storage"),
    "besides": ("manual", "completion"),
}
_THEN = (
    "`topicwired COMMAND --help` tells of each, with examples; `man topicwired` tells all."
    " `classifier` trains, judges and explains the models."
)


def main(arguments: list[str] | None = None) -> int:
    """Folder ▶ alerts: watch an inbox, tag what arrives, tell the desks that follow its topics."""
    options = program().parse_args(arguments)
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


def program() -> Program:
    """Its parser: all its commands, with their help."""
    parser = Program("topicwired", main.__doc__, _HEADINGS, _THEN)
    commands = parser.commands
    starting.add_commands(commands)
    command = add_command(commands, "run", running.run)
    command.add_argument("--once", action="store_true", help="what is in the inbox now, then exit")
    command.add_argument("-v", "--verbose", action="store_true", help="log more")
    add_command(commands, "demo", running.demo)
    looking.add_commands(commands)
    command = add_command(commands, "route", running.route)
    command.add_argument("file", type=Path, metavar="FILE", help="an article, in any format that is read")
    command = add_command(commands, "retry", running.retry)
    command.add_argument("names", nargs="*", metavar="NAME", help="as it stands in failed/")
    command.add_argument("--all", action="store_true", help="every file in failed/")
    teaching.add_commands(commands)
    verdicts = add_group(
        commands,
        "verdicts",
        """What desks said of tags: add, settle, list, export.

        A verdict is a label: who said it, when, and how much it weighs. The next training learns from it.
        """,
    )
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
        command.add_argument("topic", metavar="TOPIC", help="its id, as energy; see `topicwired route`")
        command.add_argument("verdict", choices=("right", "wrong"), help="is the article about it")
        add_person(command)
    app = add_group(
        commands,
        "slack",
        """Set the Slack app up: manifest, test.

        Tokens come from files that the configuration names, from the environment or from systemd, never from
        the command's line.
        """,
    )
    inner = app.add_subparsers(title="commands", required=True, metavar="COMMAND")
    command = add_command(inner, "manifest", slack.manifest)
    command.add_argument("--address", action="store_true", help="the one-click address alone")
    command = add_command(inner, "test", slack.test)
    command.add_argument("channel", metavar="CHANNEL", help="the channel's id, such as C0123456789")
    command.add_argument("--twice", action="store_true", help="does the workspace know a repeat")
    keeping.add_commands(commands)
    storing.add_commands(commands)
    promising.add_commands(commands)
    rehearsing.add_commands(commands)
    sampling.add_commands(commands)
    desk.add_commands(commands)
    service.add_commands(commands)
    telling.add_commands(commands, program)
    return parser
