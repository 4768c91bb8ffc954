"""Commands that tell of the commands themselves: manual, completion."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import classifier
from daemon.errors import DaemonError

if TYPE_CHECKING:
    from collections.abc import Callable

    from classifier import Program


def add_commands(commands: Any, program: Callable[[], Program]) -> None:
    """`program` makes the parser of ours, of which both tell."""
    command = classifier.add_command(commands, "manual", manual)
    command.add_argument(
        "folder", type=Path, metavar="DIR", help="a folder of manual pages; man1/ and man5/ are made in it"
    )
    command.set_defaults(program=program)
    classifier.add_completion(commands, program)


def manual(options: argparse.Namespace) -> int:
    """Write the manual pages of both programs and of the configuration, for man(1) to find.

    The wheel brings them along: with pip they lie in share/man of its environment, where man finds them if
    the programs are on PATH; pipx links them. Existing pages are replaced.

        topicwired manual /usr/local/share/man
    """
    from importlib.metadata import version

    from daemon import shipped, whole
    from daemon.manuals import pages

    for name in [name for name in os.environ if name.startswith("TOPICWIRE_")]:
        del os.environ[name]  # what a page says is the same for all
    toml = (shipped.systemd() / "topicwire.toml").read_text(encoding="utf-8")
    try:
        for name, page in pages(options.program(), classifier.program(), toml, version("topicwire")).items():
            path = options.folder / f"man{name[-1]}" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            whole.write(path, page.encode())
            print(path)
    except OSError as error:
        raise DaemonError(f"{error.filename}: cannot be written: {error.strerror}") from error
    return 0
