"""Commands about where the ledger stands: `storage copy`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from classifier import add_group
from daemon.cli.given import add_command, progress


def add_commands(commands: Any) -> None:
    """`storage copy`."""
    storage = add_group(
        commands,
        "storage",
        """Where the ledger stands: copy it to PostgreSQL and back.

        Once it stands in PostgreSQL, several daemons can share it.
        """,
    )
    inner = storage.add_subparsers(title="commands", required=True, metavar="COMMAND")
    command = add_command(inner, "copy", copy)
    command.add_argument("source", metavar="FROM", help="a path, or an address as storage.database has it")
    command.add_argument("target", metavar="TO", help="the same; nothing may stand there but an empty ledger")
    command.add_argument(
        "--daemon", metavar="NAME", help="whose home the files lie in (default: storage.daemon of --config)"
    )
    command.add_argument(
        "--mend", action="store_true", help="replace signs that PostgreSQL does not take with U+FFFD"
    )


def copy(options: argparse.Namespace) -> int:
    r"""Copy the ledger to another database and compare every row; the old one stays as it is.

    Between SQLite and PostgreSQL, both ways, or from one server to another. Stop every daemon first.
    TO has its ledger when all of it is verified, and nothing before. Then name TO in storage.database.

        topicwired storage copy var/ledger.db \
            'postgresql+psycopg://topicwire@db.example.org/topicwire?password_file=/etc/topicwire/password'
        topicwired storage copy var/ledger.db postgresql+psycopg:///topicwire --daemon almaty --mend
    """
    from daemon import copying

    copied = copying.copy(
        copying.address_of(options.source),
        copying.address_of(options.target),
        daemon=options.daemon or _name(options.config),
        homes=[options.home.absolute()],
        mend=options.mend,
        tell=progress,
    )
    if options.json:
        print(json.dumps(copied.as_json(), ensure_ascii=False))
    else:
        print("\n".join(copied.lines()))
        print(f"topicwired: name it in storage.database; {copied.source} stays as it is", file=sys.stderr)
    return 0


def _name(config: Path | None) -> str:
    """By what name the daemon of this machine is known to others, whatever ledger it has now."""
    from daemon.configfile import parse
    from daemon.tables import Storage

    return (parse(config).storage if config is not None else Storage()).known_as
