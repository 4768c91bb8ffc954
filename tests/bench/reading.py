"""What a file that needs a parser costs more than its text alone."""

from __future__ import annotations

import math
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from classifier.reading import Reader, needs_jail
from tests.bench.page import Section
from tests.measuring import say

TITLE = "Reading"
FILES = Path(__file__).parents[1] / "formats" / "files"
_SMALL = 100_000  # bytes
_FORMATS = ("html", "mhtml", "docx", "odt", "rtf", "eml", "pdf", "md", "json", "zip")
_ABOUT = """\
The small files of `tests/formats/files` (up to 100 kB, four languages), read by turns in the jail, as the
daemon reads them, and as plain text of the same articles. The wall clock of one less the other: what
parsing and the jail (a forked child, its walls, the pipe) add to a file. The keeper has loaded its
parsers; "first" is the file that has it started and loads the parser.
"""


def measure(home: Path, scratch: Path, *, small: bool) -> Section:
    rounds = 2 if small else 9
    by_format: dict[str, list[float]] = defaultdict(list)
    firsts: dict[str, float] = {}
    with closing(Reader()) as reader:
        for format in _FORMATS:
            say(f"reading {format}")
            files = [path for path in sorted(FILES.glob(f"*.{format}")) if path.stat().st_size <= _SMALL]
            for path in files:
                data = path.read_bytes()
                if not needs_jail(data, path.name):
                    continue
                if format not in firsts:
                    with closing(Reader()) as fresh:
                        firsts[format] = _seconds(lambda: fresh.read(data, path.name))  # noqa: B023
                by_format[format].append(_added(reader, data, path.name, rounds))
    rows = [_row(format, added, firsts[format]) for format, added in by_format.items()]
    columns = ("format", "files", "added: median", "95th percentile", "most", "first")
    return Section(TITLE, _ABOUT, columns, rows)


def _added(reader: Reader, data: bytes, name: str, rounds: int) -> float:
    """Seconds that a file takes beyond its text, the median of rounds by turns."""
    text = "\n".join(article.text for article in reader.read(data, name).articles).encode()
    pairs = [
        (_seconds(lambda: reader.read(data, name)), _seconds(lambda: reader.read(text, "a.txt")))
        for _ in range(rounds)
    ]
    return statistics.median(parsed - plain for parsed, plain in pairs)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _row(format: str, added: list[float], first: float) -> tuple[str, ...]:
    ninety_fifth = sorted(added)[math.ceil(0.95 * len(added)) - 1]
    figures = (statistics.median(added), ninety_fifth, max(added), first)
    return format, str(len(added)), *(f"{1000 * figure:.0f} ms" for figure in figures)
