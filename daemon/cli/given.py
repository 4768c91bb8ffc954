"""What the commands have in common: their options, and what these name."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import classifier
from daemon.errors import DaemonError

if TYPE_CHECKING:
    from daemon.config import Settings
    from daemon.database import Database

Command = Callable[[argparse.Namespace], int]

_HOME_VARIABLE = "TOPICWIRE_HOME"
_CONFIG_VARIABLE = "TOPICWIRE_CONFIG"
_OPERATOR = "operator"
_SAID_EVERY = 2.0  # seconds


def add_command(
    commands: Any, name: str, command: Command, *, within: bool = False
) -> argparse.ArgumentParser:
    """A command whose help is its docstring, with the options that all have.

    A last paragraph of indented lines in it are its examples. `within`: it stands behind another that
    has these options too, so its own need not be given.
    """
    parser = classifier.add_command(commands, name, command)
    home = Path(os.environ.get(_HOME_VARIABLE) or "var")
    config = os.environ.get(_CONFIG_VARIABLE)
    usual: dict[str, Any] = {"home": home, "config": Path(config) if config else None, "json": False}
    if within:
        usual = dict.fromkeys(usual, argparse.SUPPRESS)
    parser.add_argument(
        "--home",
        type=Path,
        default=usual["home"],
        help=f"folder of the inbox and all else (default: {home})".replace("%", "%%"),
    )
    parser.add_argument("--config", type=Path, default=usual["config"], help="one TOML file")
    parser.add_argument("--json", action="store_true", default=usual["json"], help="one JSON object a line")
    return parser


def settings_of(options: argparse.Namespace, *, despite_labels: bool = False) -> Settings:
    """The configuration that the options name. Raises ConfigError where it is not sound.

    And ClassifierError where the labels of the home are not; `despite_labels` the served model's topics do.
    """
    from daemon.config import load_settings

    return load_settings(options.config, options.home, topics_named(options, despite_labels=despite_labels))


def topics_named(options: argparse.Namespace, *, despite_labels: bool = False) -> list[str]:
    """The topics that a route may name: those of the labels, and of the model that serves."""
    from classifier import ClassifierError, served_topics, topics_of

    try:
        labelled = [topic.id for topic in topics_of(options.home)]
    except ClassifierError:
        if not despite_labels:
            raise
        labelled = []
    return list(dict.fromkeys([*labelled, *served_topics(options.home / "models")]))


def add_person(command: argparse.ArgumentParser) -> None:
    """The option that names who says something; without it, whoever calls."""
    usual = os.environ.get("USER", "").strip() or _OPERATOR
    command.add_argument("--person", type=_person, default=usual, help="who says so")


def _person(said: str) -> str:
    """A name that label files can carry: a person without one would make them unreadable."""
    if not said.strip() or any("\ud800" <= character <= "\udfff" for character in said):
        raise argparse.ArgumentTypeError("should be a name")
    return " ".join(said.split())


def moment(said: str) -> datetime:
    """The moment that `--since` names: so long ago, or a date where this machine stands."""
    from daemon import clock
    from daemon.actions import duration

    length = duration(said)
    try:
        since = clock.now() - length if length else datetime.fromisoformat(said).astimezone()
    except (ValueError, OverflowError, OSError):
        raise DaemonError(
            f"--since {said}: should be as 30m, 2h, 14d or 2w, or a date as 2026-11-01"
        ) from None
    if since > clock.now():
        raise DaemonError(f"--since {said}: is still to come")
    return since


@contextmanager
def ledger_of(settings: Settings) -> Iterator[Database]:
    """The ledger that is there; a command that only looks does not make one.

    Whose work goes on is known as of now: that of other machines too, where the ledger is shared.
    """
    from daemon import presence, upgrading
    from daemon.database import plain_errors
    from daemon.tables import SQLITE

    path = settings.database.removeprefix(SQLITE)
    if "://" not in path and not Path(path).exists():
        raise DaemonError(f"{path}: no ledger yet; `topicwired run` makes it")
    database = upgrading.opened(settings)
    try:
        with plain_errors():
            presence.hear_of(database)
            yield database
    finally:
        database.close()


def progress(what: str) -> Callable[[int, int], None]:
    """Says on stderr how far a long work is, not more often than it takes to read."""
    last = time.monotonic()

    def say(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > _SAID_EVERY:
            last = time.monotonic()
            print(f"topicwired: {what}: {done} of {total}", file=sys.stderr, flush=True)

    return say
