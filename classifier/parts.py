"""PATHs ▶ parts of the input, each large enough to be worth a way through the network.

A part names files, it does not hold them: a worker reads them itself. The same input is parted in
the same way each time, wherever a run begins in it, so that a part that was tagged can be found again.
"""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from classifier import streams
from classifier.errors import ClassifierError
from classifier.streams import BEGINNING, Mark, Source

LEAST_ARTICLES = 5_000
LEAST_BYTES = 4 * 2**20  # of lines; a worker that is lost loses no more
MOST_BYTES = 32 * 2**20  # of files; those of PDF and the like take long
MOST_OF_LONG_LINES = 512 * 2**20

_SAMPLED = 256 * 1024  # bytes that tell how long a line is
_WHOLE = 2**20  # parts of lines end at multiples of it


class Kind(StrEnum):
    """How a part is read: files each as a whole, a file of lines as a whole, a stretch of its lines."""

    FILES = "files"
    LINES = "lines"
    STRETCH = "stretch"


@dataclass(frozen=True, slots=True)
class Listed:
    """A file as it was when it was listed; the one who reads it looks whether it still is."""

    file: str
    facts: tuple[int | str, ...]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """What is tagged at one place: the files, from `start` on, in `size` bytes.

    Of a stretch: the lines that begin from byte `start.offset` up to, not at, `until`; how many lines
    stand before it is not known. `cell` is the byte where the stretch would begin by itself.
    `after` is the mark behind it, where it is known without reading.
    """

    kind: Kind
    files: tuple[Listed, ...]
    start: Mark
    size: int
    after: Mark | None = None
    cell: int = 0
    until: int = 0

    def name(self, run: str) -> str:
        """Of its shard: the same for the same files as they are, read and tagged in the same `run`."""
        files = [(each.file, each.facts, each.problem) for each in self.files]
        place = (self.cell, self.until) if self.kind is Kind.STRETCH else (self.start.offset, 0)
        told = json.dumps([run, self.kind, files, self.start.seen, place])
        fingerprint = hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()
        return f"{self.start.files:09}-{place[0]:015}-{fingerprint[:20]}"


def parts(
    paths: Sequence[str], start: Mark = BEGINNING, *, begun_at: int = 0, without: Path | None = None
) -> Iterator[Part]:
    """All that stands behind the PATHs from `start` on, in order. As `streams.pieces`."""
    waiting: list[tuple[Source, Mark]] = []
    size = 0
    for source, mark in streams.walked(paths, start, begun_at=begun_at, without=without):
        if mark.offset or streams.is_lines(source):
            if waiting:
                yield _of_files(waiting)
                waiting, size = [], 0
            yield from _of_lines(source, mark)
            continue
        waiting.append((source, mark))
        size += source.size
        if len(waiting) >= LEAST_ARTICLES or size >= MOST_BYTES:
            yield _of_files(waiting)
            waiting, size = [], 0
    if waiting:
        yield _of_files(waiting)


def _of_files(sources: Sequence[tuple[Source, Mark]]) -> Part:
    _, first = sources[0]
    _, last = sources[-1]
    listed = tuple(Listed(source.file, source.facts, source.problem) for source, _ in sources)
    size = sum(source.size for source, _ in sources)
    return Part(Kind.FILES, listed, first, size, Mark(last.files + 1, seen=last.seen))


def _of_lines(source: Source, start: Mark) -> Iterator[Part]:
    listed = (Listed(source.file, source.facts),)
    if source.status and not stat.S_ISREG(source.status.st_mode):
        raise ClassifierError(f"{source.file}: not a regular file, so workers cannot read it")
    if streams.is_packed(source.file) or (source.far and not source.far.parted):
        yield Part(Kind.LINES, listed, start, source.size)
        return
    try:
        length = _length_of_cells(source.file)
    except OSError as error:
        unreadable = (Listed(source.file, source.facts, str(error)),)
        yield Part(Kind.FILES, unreadable, start, source.size, Mark(start.files + 1, seen=start.seen))
        return
    begin, number = start.offset, start.lines
    while begin < source.size:
        cell = begin // length * length
        end = min(cell + length, source.size)
        mark = Mark(start.files, begin, number, start.seen)
        yield Part(Kind.STRETCH, listed, mark, end - begin, cell=cell, until=end)
        begin, number = end, 0


def _length_of_cells(file: str) -> int:
    with streams.opened(file) as lines:
        sample = lines.read(_SAMPLED)
    mean = len(sample) // max(sample.count(b"\n"), 1)
    wanted = min(max(LEAST_ARTICLES * mean, LEAST_BYTES), MOST_OF_LONG_LINES)
    return -(-wanted // _WHOLE) * _WHOLE if wanted > _WHOLE else wanted
