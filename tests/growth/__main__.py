"""What one machine holds, what several would, and which limit comes first.

python -m tests.growth                     # tables, from measured.json
python -m tests.growth figures             # what was measured, a line each
python -m tests.growth measure [PART…]     # measure again, into measured.json (a quarter of an hour)
python -m tests.growth real                # a real daemon against what the simulation says of it before
python -m tests.growth several             # 1, 2 and 4 daemons drain one inbox on one PostgreSQL
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

from classifier.cli import main as classifier
from tests.growth import figures, measuring, reality, several, tables
from tests.measuring import say


def main(given: Sequence[str] | None = None) -> int:
    options = _options(given)
    known = figures.read()
    match options.what:
        case "tables":
            _tables(known)
        case "figures":
            print("\n".join(tables.measured(known)))
        case _:
            with tempfile.TemporaryDirectory(prefix="topicwire-growth-") as folder:
                scratch = Path(folder)
                home = options.home or _trained(scratch)
                if options.what == "measure":
                    measuring.measure(options.parts or list(measuring.PARTS), home, scratch)
                elif options.what == "real":
                    print(reality.compared(home, scratch))
                else:
                    print(several.compared(home, scratch))
    return 0


def _tables(known: dict[str, figures.Figure]) -> None:
    parts = (
        ("Limits, each alone; a busiest hour of 1.8 times the mean", tables.limits),
        ("Daemons that wait", tables.idle),
        ("Commits a second of PostgreSQL", tables.commits),
        ("The ledger after a year", tables.sizes),
        ("Seconds from arrival to alert, ten million articles a day, ten daemons", tables.slack),
    )
    for title, table in parts:
        print(f"{title}\n\n{table(known)}\n")
    for title, parsed in (("plain text", 0.0), ("web pages and mail", 1.0)):
        told = f"Seconds from arrival to alert, {title}: median / 95 % / 99 %"
        print(f"{told}\n\n{tables.waits(known, parsed=parsed)}\n")


def _trained(scratch: Path) -> Path:
    say("training the shipped labels' model")
    with redirect_stdout(io.StringIO()):
        assert classifier(["train", "--json", "--home", str(scratch / "trained")]) == 0
    return scratch / "trained"


def _options(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.growth",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = ("tables", "figures", "measure", "real", "several")
    parser.add_argument("what", nargs="?", choices=what, default="tables")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of measure: {', '.join(measuring.PARTS)}")
    parser.add_argument("--home", type=Path, help="a trained home; else one is trained")
    options = parser.parse_args(given)
    for part in options.parts:
        if part not in measuring.PARTS:
            parser.error(f"{part}: no such part; there are {', '.join(measuring.PARTS)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
