"""Measures what is named, or everything that takes only minutes, and writes tests/bench.md.

make bench                            # all but the million and the pages
make bench ARGS="tagging latency"     # some parts; what the page says of others stays
make bench ARGS="tagging --small"     # does it run at all; nothing is written
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

from rich.console import Console

from classifier.cli import main as classifier
from tests.bench import (
    cold,
    cores,
    draining,
    growth,
    latency,
    million,
    page,
    pages,
    reading,
    retraining,
    tagging,
)
from tests.bench.page import Section
from tests.measuring import say

PARTS = {
    "tagging": tagging,
    "cores": cores,
    "cold": cold,
    "reading": reading,
    "draining": draining,
    "latency": latency,
    "retraining": retraining,
    "growth": growth,
    "million": million,
    "pages": pages,
}
UNASKED = [name for name in PARTS if name not in ("million", "pages")]
WRITTEN = Path(__file__).parents[1] / "bench.md"


def main(given: Sequence[str] | None = None) -> int:
    options = _options(given)
    machine = page.machine()
    before = WRITTEN.read_text(encoding="utf-8") if WRITTEN.exists() else ""
    with tempfile.TemporaryDirectory(prefix="topicwire-bench-") as folder:
        home = Path(folder) / "home"
        say("training the shipped labels' model")
        with redirect_stdout(io.StringIO()):
            assert classifier(["train", "--json", "--home", str(home)]) == 0
        sections: list[Section] = []
        for name in options.parts or UNASKED:
            scratch = Path(folder) / name
            scratch.mkdir()
            say(f"{name} begins")
            if section := PARTS[name].measure(home, scratch, small=options.small):
                sections.append(section)
            shutil.rmtree(scratch)
            if not options.small:
                text = page.written(
                    sections, [part.TITLE for part in PARTS.values()], list(PARTS), machine, before
                )
                WRITTEN.write_text(text, encoding="utf-8")
    console = Console(width=120)
    for section in sections:
        console.print(section.as_table(), "")
    console.print(machine)
    return 0


def _options(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; default: all but the last two"
    )
    parser.add_argument("--small", action="store_true", help="little of everything, to see it run")
    options = parser.parse_args(given)
    for part in options.parts:
        if part not in PARTS:
            parser.error(f"{part}: no such part; there are {', '.join(PARTS)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
