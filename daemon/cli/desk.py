"""Commands about the desk page: show it alone, the link that lets in, and who has a password."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from typing import Any

from classifier import add_group
from daemon.cli.given import add_command, settings_of
from daemon.errors import DaemonError

_ROLES = ("editor", "reader")
_LONGEST = 4096


def add_commands(commands: Any) -> None:
    command = add_command(commands, "desk", desk)
    inner = command.add_subparsers(title="commands", metavar="COMMAND")
    add_command(inner, "link", link, within=True)
    users = add_group(
        inner,
        "user",
        """Who may sign in by password: add, password, remove, list.

        They stand in HOME/desk-people.json, passwords only as Argon2 makes them.
        """,
    )
    deeper = users.add_subparsers(title="commands", required=True, metavar="COMMAND")
    command = add_command(deeper, "add", add_user, within=True)
    _add_name(command)
    command.add_argument("--role", choices=_ROLES, required=True, help="an editor may change what there is")
    _add_name(add_command(deeper, "password", set_password, within=True))
    _add_name(add_command(deeper, "remove", remove_user, within=True))
    add_command(deeper, "list", list_users, within=True)


def _add_name(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", metavar="NAME", help="what they sign in as")


def desk(options: argparse.Namespace) -> int:
    """Show the desk page alone, until stopped: also while `topicwired run` does not run.

    `topicwired run` shows it too, so give this one another address, or `[desk] listen = "never"` to that.

        topicwired desk --home /srv/topicwire --config /srv/topicwire/topicwire.toml
    """
    from daemon import logs
    from daemon.cli.given import ledger_of
    from daemon.desk import server

    settings = settings_of(options)
    logs.configure(settings.log.format, verbose=False)
    with ledger_of(settings):
        pass  # there is one
    return server.serve(settings, told=True)


def link(options: argparse.Namespace) -> int:
    """Print the link that lets you in to the desk page. Whoever has it is an editor: keep it to yourself.

    topicwired desk link --home /srv/topicwire
    """
    from daemon.desk import server

    print(server.link(settings_of(options)))
    return 0


def add_user(options: argparse.Namespace) -> int:
    """Let somebody sign in: asks for a password twice, or reads it from stdin.

    topicwired desk user add ana --role editor
    topicwired desk user add guest --role reader < password-file
    """
    from daemon.desk.passwords import People
    from daemon.desk.people import Role

    People(settings_of(options).home).add(options.name, Role(options.role), _password())
    print(f"{options.name}: may sign in as {options.role}")
    return 0


def set_password(options: argparse.Namespace) -> int:
    """Give somebody another password, which ends the sessions begun with the old one.

    topicwired desk user password ana
    """
    from daemon.desk.passwords import People

    People(settings_of(options).home).set_password(options.name, _password())
    print(f"{options.name}: has another password")
    return 0


def remove_user(options: argparse.Namespace) -> int:
    """Let somebody in no more; it ends their sessions.

    topicwired desk user remove ana
    """
    from daemon.desk.passwords import People

    People(settings_of(options).home).remove(options.name)
    print(f"{options.name}: may not sign in any more")
    return 0


def list_users(options: argparse.Namespace) -> int:
    """Who may sign in by password, and as what.

    topicwired desk user list --json
    """
    from daemon.desk.passwords import People

    for known in People(settings_of(options).home).known().values():
        name, role = known.person.name, known.person.role.value
        told = json.dumps({"name": name, "role": role}, ensure_ascii=False)
        print(told if options.json else f"{name}\t{role}")
    return 0


def _password() -> str:
    """Never from the command's line, which others see."""
    if not sys.stdin.isatty():
        return sys.stdin.readline(_LONGEST).rstrip("\r\n")
    given = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != given:
        raise DaemonError("the two passwords differ; nothing was changed")
    return given
