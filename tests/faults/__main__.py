"""Break topicwire in every way we know, in full, and count what does not hold.

    python -m tests.faults                  # all parts
    python -m tests.faults sweeps kills     # some

Prints a table of cases and faults, then each fault with what repeats it; exit code 1 if there is one.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.faults.accounting import Outcome

PARTS = (
    "sweeps",
    "power_cuts",
    "kills",
    "burst",
    "full_disks",
    "operation",
    "matrix",
    "pacing",
    "outage",
    "machine",
    "hostile",
    "retraining",
    "keeping",
    "daemons",
    "networks",
    "day",
)

_SELDOM = 30.0  # seconds

Run = Callable[[Path, Callable[[str], None]], list[Outcome]]


@dataclass(frozen=True, slots=True)
class Result:
    """What a part's module gave, and how long it took."""

    outcomes: tuple[Outcome, ...]
    seconds: float


def main(arguments: Sequence[str]) -> int:
    """Run the parts named, or all; 1 if there is a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    chosen = parser.parse_args(arguments).parts or PARTS
    if unknown := sorted(set(chosen) - set(PARTS)):
        parser.error(f"no part is called {', '.join(unknown)}; there are {', '.join(PARTS)}")
    results = [run_part(name, Console(stderr=True)) for name in chosen]
    show(results, Console())
    return int(any(outcome.faults for result in results for outcome in result.outcomes))


def run_part(name: str, console: Console) -> Result:
    """One part in a scratch folder of its own; what keeps it from running is a fault as well."""
    started = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix=f"topicwire-{name}-", ignore_cleanup_errors=True) as folder,
        console.status(name) as status,
    ):
        say = status.update if console.is_terminal else _now_and_then(console.print)
        outcomes = _outcomes(name, Path(folder), lambda line: say(escape(f"{name}: {line}")))
    for outcome in outcomes:
        console.print(escape(f"{name}: {outcome.part}: {outcome.cases} cases, {len(outcome.faults)} faults"))
    return Result(tuple(outcomes), time.monotonic() - started)


def _now_and_then(say: Callable[[str], None]) -> Callable[[str], None]:
    """For a log, which keeps every line."""
    said_at = time.monotonic()

    def say_seldom(line: str) -> None:
        nonlocal said_at
        if time.monotonic() - said_at >= _SELDOM:
            said_at = time.monotonic()
            say(line)

    return say_seldom


def _outcomes(name: str, folder: Path, say: Callable[[str], None]) -> list[Outcome]:
    try:
        run: Run = importlib.import_module(f"tests.faults.{name}").run
        return run(folder, say)
    except Exception as error:
        return [Outcome(name, 0, (f"{name} could not run: {type(error).__name__}: {error}",))]


def show(results: Sequence[Result], console: Console) -> None:
    """The table, and under it every fault. A part's seconds stand beside its first line."""
    table = Table("part", "cases", "faults", "seconds", "note")
    for column in table.columns[1:4]:
        column.justify = "right"
    for result in results:
        for number, outcome in enumerate(result.outcomes):
            seconds = f"{result.seconds:.0f}" if number == 0 else ""
            faults = f"[red]{len(outcome.faults)}[/]" if outcome.faults else "0"
            table.add_row(escape(outcome.part), str(outcome.cases), faults, seconds, escape(outcome.note))
        table.add_section()
    console.print(table)
    for result in results:
        for outcome in result.outcomes:
            for fault in outcome.faults:
                console.print(f"[red]fault[/] {escape(outcome.part)}: {escape(fault)}", soft_wrap=True)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)  # what is broken here complains, thousands of times
    sys.exit(main(sys.argv[1:]))
