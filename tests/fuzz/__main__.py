"""Fuzzes what reads files, a line for each: `python -m tests.fuzz [ENTRY…] [--seconds N] [--jobs J]`.

`jail` among the entries tries the whole of it, a child for each file, at lower speed. Exit status 1 where
there was a finding; what made it is left in the scratch folder that the line names.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fuzz import running
from tests.fuzz.keeping import keep
from tests.fuzz.names import JAIL, NAMES


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=(__doc__ or "").split("`")[0])
    parser.add_argument("entries", nargs="*", metavar="ENTRY", help=f"of {', '.join((*NAMES, JAIL))}")
    parser.add_argument("--seconds", type=int, default=600, help="for each entry (%(default)s)")
    parser.add_argument("--jobs", type=int, default=1, help="entries at once (%(default)s)")
    parser.add_argument("--scratch", type=Path, help="where what was found is left (a new folder)")
    parser.add_argument("--keep", action="store_true", help="then keep the best of it in tests/fuzz/corpus")
    given = parser.parse_args()
    if unknown := set(given.entries) - {*NAMES, JAIL}:
        parser.error(f"no entry {', '.join(sorted(unknown))}")
    try:
        import atheris  # noqa: F401
    except ImportError:
        print("atheris is not installed: pip install 'topicwire[fuzz]' (Linux and macOS)", file=sys.stderr)
        return 1
    scratch = given.scratch or Path(tempfile.mkdtemp(prefix="topicwire-fuzz-"))
    print(f"{running.HEADING}\n", end="", flush=True)
    clean = True
    with ThreadPoolExecutor(given.jobs) as pool:
        names = given.entries or [*NAMES, JAIL]
        for result in pool.map(lambda name: running.run(name, given.seconds, scratch), names):
            clean &= result.is_clean
    if given.keep:
        for name in names:
            keep(name, scratch)
    print(f"corpora and findings: {scratch}")
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
