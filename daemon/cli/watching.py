"""Watching how things stand: shown anew every few seconds, until somebody has seen enough."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SQLAlchemyError

from daemon import overview
from daemon.cli.given import ledger_of
from daemon.database import plainly
from daemon.errors import DaemonError

if TYPE_CHECKING:
    from daemon.config import Settings

Found = Mapping[str, Any]


def gather(settings: Settings) -> dict[str, Any]:
    """How things stand now. Raises DaemonError where the ledger cannot be read."""
    from daemon import status

    with ledger_of(settings) as database:
        return status.gather(settings, database)


def watch(settings: Settings, *, seconds: float, as_json: bool) -> int:
    """Show it until Ctrl-C, which is the way to end it and no failure: 0.

    On a terminal as a table in its place, else as lines or JSON one after the other. A ledger that cannot
    be read for a while is said, and asked again.
    """
    looks = _looks(settings, seconds)
    with closing(looks), suppress(KeyboardInterrupt):
        if sys.stdout.isatty() and not as_json:
            _show_in_place(looks)
        else:
            _print_each(looks, as_json=as_json)
    return 0


def show(found: Found) -> None:
    """Once: as a table on a terminal, else as lines."""
    if sys.stdout.isatty():
        from rich.console import Console

        Console().print(overview.table(found))
    else:
        print("\n".join(overview.lines(found)))


def _looks(settings: Settings, seconds: float) -> Generator[Found | str, None, None]:
    """What was found, or in one line why nothing was, every so many seconds."""
    while True:
        began = time.monotonic()
        try:
            found: Found | str = gather(settings)
        except (DaemonError, SQLAlchemyError, OSError) as error:
            found = plainly(error)
        yield found
        time.sleep(max(0.1, seconds - (time.monotonic() - began)))


def _show_in_place(looks: Iterator[Found | str]) -> None:
    from rich.console import Console, Group
    from rich.live import Live
    from rich.text import Text

    console = Console()
    last: Found | None = None
    with Live(console=console, screen=True, auto_refresh=False) as live:
        for found in looks:
            if isinstance(found, str):
                said = Text(f"cannot be read now, asked again: {found}", style="bold red")
                live.update(Group(said, overview.table(last)) if last else said, refresh=True)
                continue
            last = found
            shown = Text(f"{found['at'][:19].replace('T', ' ')} UTC; Ctrl-C ends it", style="dim")
            live.update(Group(shown, overview.table(found)), refresh=True)


def _print_each(looks: Iterator[Found | str], *, as_json: bool) -> None:
    say: Callable[[Found], str] = (
        (lambda found: json.dumps(found, ensure_ascii=False))
        if as_json
        else (lambda found: "\n".join([f"at         {found['at']}", *overview.lines(found), ""]))
    )
    for found in looks:
        if isinstance(found, str):
            print(f"topicwired: {found}; asked again", file=sys.stderr, flush=True)
        else:
            print(say(found), flush=True)
