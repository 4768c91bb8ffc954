"""Read every hostile file, and say what each cost and what came of it.

    python -m tests.hostile_files                  # the fast ones
    python -m tests.hostile_files --all            # all
    python -m tests.hostile_files --all pdfs zips  # of some parts
    python -m tests.hostile_files --only "bomb"    # whose title has that in it

Exit code 1 where one cost too much, ended otherwise than it must, or kept the next from being read.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.hostile_files.corpus import PARTS, of_part
from tests.hostile_files.trying import Bench, Trial


def main(arguments: Sequence[str]) -> int:
    """Run the parts named, or all; 1 if there is a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile_files", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--all", action="store_true", help="the slow ones too")
    parser.add_argument("--only", default="", metavar="WORDS", help="those whose title has these words")
    parser.add_argument("--verbose", action="store_true", help="every file, not only those with a fault")
    options = parser.parse_args(arguments)
    console = Console(soft_wrap=True)
    trials: dict[str, list[Trial]] = {}
    bench = Bench()
    try:
        for part in options.parts or PARTS:
            for case in of_part(part):
                if (case.is_slow and not options.all) or options.only not in case.title:
                    continue
                trial = bench.try_case(case)
                trials.setdefault(part, []).append(trial)
                if trial.faults or options.verbose:
                    console.print(_line(part, trial))
    finally:
        bench.close()
    console.print(table(trials))
    return int(any(trial.faults for each in trials.values() for trial in each))


def _line(part: str, trial: Trial) -> str:
    came = trial.outcome.reason or f"{len(trial.outcome.text):,} characters"
    faults = f" [red]{escape('; '.join(trial.faults)[:300])}[/]" if trial.faults else ""
    cost = f"{trial.seconds:6.2f} s {trial.mib:5.0f} MiB"
    return f"{cost}  {part}: {escape(trial.case.title)}: {escape(came[:160])}{faults}"


def table(trials: dict[str, list[Trial]]) -> Table:
    """What each part cost at its worst."""
    found = Table("part", "files", "worst s", "of", "worst MiB", "of", "faults")
    for part, each in trials.items():
        late = max(each, key=lambda trial: trial.seconds)
        large = max(each, key=lambda trial: trial.mib)
        found.add_row(
            part,
            str(len(each)),
            f"{late.seconds:.1f}",
            escape(late.case.title),
            f"{large.mib:.0f}",
            escape(large.case.title),
            str(sum(bool(trial.faults) for trial in each)),
        )
    found.add_section()
    found.add_row("all", str(sum(map(len, trials.values()))))
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
