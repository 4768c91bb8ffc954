"""An archive of a million articles."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench import texts
from tests.bench.page import Section
from tests.bench.processes import children, resident
from tests.measuring import say

TITLE = "A million articles"
_ABOUT = """\
The articles of Reuters-21578 again and again, each time with some sentences left out, the others in
another order, and one word of fourteen made up, so that new words keep coming as they do in a real
archive; written as lines of JSON, and tagged with evidence by `classifier tag ARCHIVE --output
FILE` on all cores with the shipped labels' model. Memory is that of the process that reads and
writes, and of the largest of those that tag, looked at ten times a second.
"""
_MANY, _FEW = 1_000_000, 20_000
_LOOK = 0.1  # seconds
_SAID = 30.0  # seconds


@dataclass(frozen=True, slots=True)
class Moment:
    """Bytes of tags that were written by then, and MiB of the parent and of the largest child."""

    written: int
    parent: float
    child: float


def measure(home: Path, scratch: Path, *, small: bool) -> Section | None:
    articles = texts.reuters()
    if articles is None:
        say(f"{TITLE}: skipped, Reuters is not in ../shared/data (TOPICWIRE_DATA)")
        return None
    number = _FEW if small else _MANY
    archive, output = scratch / "archive.jsonl", scratch / "tags.jsonl"
    say(f"million: writing {number:,} articles")
    with archive.open("wb") as lines:
        lines.writelines(texts.archive(articles, number))
    begun = time.monotonic()
    moments = list(_watched(home, archive, output))
    took = time.monotonic() - begun
    with output.open("rb") as lines:
        assert sum(1 for _ in lines) == number
    return _section(number, archive.stat().st_size, took, moments)


def _watched(home: Path, archive: Path, output: Path) -> Iterator[Moment]:
    arguments = [str(archive), "--output", str(output), "--home", str(home), "--json"]
    command = [sys.executable, "-m", "classifier.cli", "tag", *arguments]
    begun = said = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            now = time.monotonic()
            written = output.stat().st_size if output.exists() else 0
            child = max(map(resident, children(process.pid)), default=0.0)
            yield Moment(written, resident(process.pid), child)
            if now - said > _SAID:
                said = now
                say(f"million: {now - begun:.0f} s, {written / 2**20:,.0f} MiB of tags")
            time.sleep(_LOOK)
    assert process.returncode == 0


def _section(number: int, size: int, took: float, moments: Sequence[Moment]) -> Section:
    columns = ("articles", "size", "time", "articles a second", "MB a second")
    row = (
        f"{number:,}",
        f"{size / 1e6:,.0f} MB",
        f"{took:.0f} s",
        f"{number / took:,.0f}",
        f"{size / 1e6 / took:.1f}",
    )
    notes = [
        _flatness("the process that reads and writes", moments, lambda moment: moment.parent),
        _flatness("the largest of those that tag", moments, lambda moment: moment.child),
    ]
    return Section(TITLE, _ABOUT, columns, [row], notes)


def _flatness(who: str, moments: Sequence[Moment], memory: Callable[[Moment], float]) -> str:
    """Memory of a process at a tenth of the way, at its end, and at most."""
    whole = max(moment.written for moment in moments)

    def between(low: float, high: float) -> float:
        found = [memory(moment) for moment in moments if low * whole <= moment.written <= high * whole]
        return max(found, default=0.0)

    return (
        f"memory of {who}: {between(0.05, 0.1):.0f} MiB up to a tenth of the way,"
        f" {between(0.95, 1.0):.0f} MiB in the last twentieth, at most {between(0.0, 1.0):.0f} MiB"
    )
