"""Live a day of 24 hours in 20 minutes, with a fault each minute, and count what does not hold.

    python -m tests.day
    python -m tests.day --minutes 5 --hours 6 --articles 2000 --plant descriptor --plant lie

Prints a report; exit code 1 where something was found. As root, or where a user may have namespaces of
their own, the home has a small disk of its own, which can be full.
"""

from __future__ import annotations

import argparse
import logging
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from tests.day import plan, report
from tests.day.living import live
from tests.day.plants import PLANTS
from tests.faults.full_disks import NoSmallDiskError, namespace

_OWN_DISK = "--own-disk"
_SIZE = 2048  # MiB


def main(arguments: list[str]) -> int:
    """Live it, in a mount namespace of its own where there can be one; 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.day", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--minutes", type=float, default=20.0, help="real ones that it takes")
    parser.add_argument("--hours", type=float, default=24.0, help="that pass in them")
    parser.add_argument("--articles", type=int, default=5000, help="files that come")
    parser.add_argument("--seed", type=int, default=1, help="another gives other files and another order")
    parser.add_argument("--samples", type=int, default=144, help="how often status is asked, and compared")
    parser.add_argument("--plant", choices=sorted(PLANTS), action="append", help="a fault to be found")
    parser.add_argument("--models", type=Path, metavar="DIR", help="of a trained home; absent: trains one")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="where ledger, files and log are kept")
    parser.add_argument(_OWN_DISK, action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if not options.own_disk:
        try:
            command = [*namespace(), sys.executable, "-m", "tests.day", *arguments, _OWN_DISK]
        except NoSmallDiskError:
            print("no disk of its own can be had here: it will not be full", file=sys.stderr)
        else:
            return subprocess.run(command, check=False).returncode
    logging.disable(logging.CRITICAL)
    lived = plan.full(options.minutes, options.hours, options.articles, options.seed, options.plant or ())
    lived = replace(lived, samples=options.samples)
    with tempfile.TemporaryDirectory(prefix="topicwire-day-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch)
        if options.own_disk:
            _mount(folder / "home")
        found = live(folder, lived, models=options.models, say=lambda line: print(line, file=sys.stderr))
        print("\n".join(report.lines(found)))
        if options.keep:
            left_out = shutil.ignore_patterns("kept", "backups", "models")
            shutil.copytree(folder, options.keep, symlinks=True, dirs_exist_ok=True, ignore=left_out)
        if options.own_disk:
            subprocess.run(["umount", "-l", str(folder / "home")], check=False)
    return int(bool(found.findings))


def _mount(folder: Path) -> None:
    """A disk of its own; it goes with the namespace."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_SIZE}m", "tmpfs", str(folder)], check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
