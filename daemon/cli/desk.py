"""Commands about the desk page."""

from __future__ import annotations

import argparse
from typing import Any

from daemon.cli.given import add_command, settings_of


def add_commands(commands: Any) -> None:
    add_command(commands, "desk", desk)


def desk(options: argparse.Namespace) -> int:
    """Show the desk page alone, until stopped: also while `topicwired run` does not run.

    `topicwired run` shows it too, so give this one another address, or `[desk] listen = "never"` to that.
    """
    from daemon import logs
    from daemon.cli.given import ledger_of
    from daemon.desk import server

    settings = settings_of(options)
    logs.configure(settings.log.format, verbose=False)
    with ledger_of(settings):
        pass  # there is one
    return server.serve(settings, told=True)
