"""Remembering: what tells a repeat of a forgotten file stands in done/ as well, for a ledger that is lost.

`done/.forgotten-2026.txt` has a line for each file that came in that year: when, the file's fingerprint, and
those of its articles, parted by blanks. Lines are only added; one that was cut off is passed over.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from daemon import whole
from daemon.forgetting import Leaving, Remembered

_LINE = re.compile(
    r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z) ([0-9a-f]{64})((?: [0-9a-f]{64})*)", re.ASCII
)


def write(done: Path, files: Iterable[Leaving]) -> None:
    """Add lines for files that are about to go; they are on the disk when this returns. Raises OSError."""
    lines: dict[str, list[str]] = {}
    for file in files:
        line = " ".join((file.arrived_at, file.fingerprint, *file.articles))
        if _LINE.fullmatch(line):  # of a file that could not be read there is no fingerprint
            lines.setdefault(file.arrived_at[:4], []).append(line)
    for year, added in lines.items():
        path = done / f".forgotten-{year}.txt"
        is_new = not path.exists()
        with open(path, "ab") as kept:
            # Begins on a line of its own also where the last one was cut off.
            kept.write(("\n" + "\n".join(added) + "\n").encode())
            kept.flush()
            os.fsync(kept.fileno())
        if is_new:
            whole.sync(done)


def read(done: Path) -> Iterator[Remembered]:
    """What stands there, oldest year first; a file may be named twice."""
    for path in sorted(done.glob(".forgotten-*.txt")):
        if path.is_symlink() or not path.is_file():
            continue
        with open(path, encoding="ascii", errors="replace") as lines:
            for line in lines:
                if found := _LINE.fullmatch(line.rstrip("\n")):
                    yield Remembered(found[1], found[2], tuple(found[3].split()))
