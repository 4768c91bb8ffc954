"""Commands that teach: retrain."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from daemon.cli.given import add_command, ledger_of, settings_of

_SAID_EVERY = 2.0  # seconds


def add_commands(commands: Any) -> None:
    command = add_command(commands, "retrain", retrain)
    command.add_argument("--force", action="store_true", help="also if no label has changed")


def retrain(options: argparse.Namespace) -> int:
    """Make a new model now if a label has changed, desks' verdicts included, and serve it if it is no worse.

    The same as the timetable does at night, within the limits of [retrain]; a running daemon goes on
    meanwhile, and changes over by itself. The gate compares the new model with the one that serves on
    articles that neither was trained on, and rehearses it on those of the last days. One that it
    refuses is kept as a candidate: `classifier models show V` tells why, and `classifier models use V
    --despite REASON` serves it all the same.

        topicwired retrain
        topicwired retrain --force
    """
    from daemon import retraining
    from daemon.trainings import TrainingState

    settings = settings_of(options)
    with ledger_of(settings) as database:
        outcome = retraining.retrain(
            settings, database, asked_by="operator", if_changed=not options.force, tell=_teller()
        )
    if options.json:
        print(json.dumps(outcome.as_json(), ensure_ascii=False))
    elif outcome.state is TrainingState.FAILED:
        print(f"topicwired: training failed: {outcome.result}", file=sys.stderr)
    else:
        print("\n".join([f"{outcome.state}: {outcome.result}", *outcome.lines]))
    return 1 if outcome.state is TrainingState.FAILED else 0


def _teller() -> Callable[[str, int, int], None]:
    """Says on stderr each step, and how far it is not more often than it takes to read."""
    what_before, said_at = "", 0.0

    def tell(what: str, done: int, total: int) -> None:
        nonlocal what_before, said_at
        now = time.monotonic()
        if what == what_before and now - said_at < _SAID_EVERY:
            return
        what_before, said_at = what, now
        far = f": {done:,} of {total:,}" if total > 1 else ""
        print(f"topicwired: {what}{far}", file=sys.stderr, flush=True)

    return tell
