"""PATHs ▶ pieces of input, one after another, whatever their number: nothing is held but the next.

Files come in the order of their names, folder by folder, so that two walks over the same files
are the same walk and a place in it can be found again.
"""

from __future__ import annotations

import hashlib
import heapq
import os
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, BinaryIO, cast

from classifier.errors import ClassifierError, UnreadableArticleError
from classifier.formats.kinds import Format
from classifier.formats.sniffing import sniff
from classifier.reading import ENDINGS, LARGEST_FILE

if TYPE_CHECKING:
    from classifier.addresses import Entry

STANDARD_INPUT = "-"

SHARDS = ".shards"  # behind the name of an output: the folder of what is to be joined to it

MOST_ARTICLES = 128  # in a batch: the tags of a short article are longer than the article
MOST_BYTES = 256 * 1024  # in a batch, unless one article is larger

_LOOKED_AT = 64 * 1024  # bytes that tell what a file is
_MOST_NAMES = 100_000  # of one folder, sorted at a time
_GLOB = frozenset("*?[")
_PACKED = ".gz"  # of a JSON Lines file; of no other


class InputChangedError(ClassifierError):
    """What was tagged already is no longer what it was, so nobody can go on from there."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far the input was read: whole files, then bytes and lines of the next one.

    `seen` is the fingerprint of the name, size and time of change of each file begun so far.
    """

    files: int = 0
    offset: int = 0
    lines: int = 0
    seen: str = ""


BEGINNING = Mark()


@dataclass(frozen=True, slots=True)
class Piece:
    """What is tagged as a whole: a file, or lines of a JSON Lines file.

    Without `data` the file is read where it is tagged. `first_line` is 0 but for lines.
    A piece with a `problem` has nothing in it but that.
    """

    file: str
    after: Mark
    size: int = 0
    data: bytes | None = None
    first_line: int = 0
    articles: int = 1  # at most
    problem: str = ""


Batch = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A file behind a PATH, here or `far`; with neither it cannot be read, and `problem` says why."""

    file: str
    status: os.stat_result | None = None
    problem: str = ""
    far: Entry | None = None

    @property
    def size(self) -> int:
        if self.far:
            return self.far.size
        return self.status.st_size if self.status else 0

    @property
    def facts(self) -> tuple[int | str, ...]:
        """They differ when the file has changed."""
        if self.far:
            return (self.far.size, *self.far.facts)
        return (self.status.st_size, self.status.st_mtime_ns) if self.status else ()

    def trace(self) -> bytes:
        return f"{self.file}\0{self.facts}\n".encode("utf-8", "surrogateescape")


def batches(pieces: Iterable[Piece]) -> Iterator[Batch]:
    """The same pieces, as many together as make it worth handing them to another process."""
    batch: list[Piece] = []
    articles = size = 0
    for piece in pieces:
        batch.append(piece)
        articles += piece.articles
        size += piece.size
        if articles >= MOST_ARTICLES or size >= MOST_BYTES:
            yield tuple(batch)
            batch, articles, size = [], 0, 0
    if batch:
        yield tuple(batch)


def pieces(
    paths: Sequence[str], start: Mark = BEGINNING, *, begun_at: int = 0, without: Path | None = None
) -> Iterator[Piece]:
    """All that stands behind the PATHs from `start` on, in order; `without` is the output.

    Raises InputChangedError where the files before `start` are not those that were there. The
    message names one that changed after `begun_at` (ns), where there is one.
    """
    for source, mark in walked(paths, start, begun_at=begun_at, without=without):
        after = Mark(mark.files + 1, seen=mark.seen)
        if mark.offset or is_lines(source):
            yield from lines(source, mark)
        elif source.problem:
            yield Piece(source.file, after, problem=source.problem)
        elif source.file == STANDARD_INPUT:
            data = sys.stdin.buffer.read()
            yield Piece(source.file, after, len(data), data)
        else:
            yield Piece(source.file, after, source.size)


def walked(
    paths: Sequence[str], start: Mark = BEGINNING, *, begun_at: int = 0, without: Path | None = None
) -> Iterator[tuple[Source, Mark]]:
    """Each file behind the PATHs from `start` on, in order, and where in it to begin. Raises as `pieces`."""
    sources = _sources(paths, without)
    trace, done, suspect = hashlib.sha256(), 0, ""
    source = None
    for source in islice(sources, start.files + bool(start.offset)):
        trace.update(source.trace())
        done += 1
        if source.status and source.status.st_ctime_ns > begun_at:
            suspect = suspect or source.file
    if start.seen and trace.hexdigest() != start.seen:
        which = suspect or "a file that was tagged already"
        raise InputChangedError(f"{which}: changed, added or gone since; begin again with --overwrite")
    if start.offset and source:
        yield source, start
    for number, source in enumerate(sources, done):
        trace.update(source.trace())
        yield source, Mark(number, seen=trace.hexdigest())


def is_lines(source: Source) -> bool:
    """Whether it is a JSON Lines file, by its name and its first bytes."""
    return not source.problem and _is_jsonl(source.file) and not _is_surely_other(source)


def size(paths: Sequence[str], without: Path | None = None) -> int:
    """Bytes behind the PATHs, without opening a file."""
    return sum(source.size for source in _sources(paths, without))


def _sources(paths: Sequence[str], without: Path | None) -> Iterator[Source]:
    left_out = None
    shards = f"/{without.name}{SHARDS}/" if without is not None else ""
    if without is not None:
        with suppress(OSError):
            left_out = without.stat()
    for name in paths:
        for source in _behind(name):
            same = left_out and source.status and os.path.samestat(left_out, source.status)
            if not same and not (shards and shards in f"/{source.file}"):
                yield source


def _behind(name: str) -> Iterator[Source]:
    if name == STANDARD_INPUT:
        yield Source(STANDARD_INPUT)
        return
    if is_address(name):
        yield from _far(name)
        return
    path = Path(name)
    if path.is_dir():
        yield from _inside(str(path))
    elif _GLOB.isdisjoint(name) or path.exists():
        yield _source(str(path))
    else:
        yield from _matching(name)


def _source(path: str) -> Source:
    try:
        return Source(path, Path(path).stat())
    except OSError as error:
        return Source(path, problem=str(error))


def _far(address: str) -> Iterator[Source]:
    from classifier import addresses

    alone = True
    try:
        for entry in addresses.behind(address):
            alone = entry.file == address
            if alone or _is_jsonl(entry.file) or PurePath(entry.file).suffix.lower() in ENDINGS:
                yield Source(entry.file, far=entry)
    except OSError as error:
        yield Source(address, problem=str(error))


def _inside(folder: str) -> Iterator[Source]:
    """The articles' files of a folder and of those in it."""
    try:
        for name, is_folder in entries(folder):
            if is_folder:
                yield from _inside(_join(folder, name))
            elif _is_jsonl(name) or PurePath(name).suffix.lower() in ENDINGS:
                yield _source(_join(folder, name))
    except OSError as error:
        yield Source(folder, problem=str(error))


def _matching(pattern: str) -> Iterator[Source]:
    """What a pattern with `*`, `?`, `[…]` or, for any number of folders, `**` fits."""
    parts = PurePath(pattern).parts
    plain = next(at for at, part in enumerate(parts) if not _GLOB.isdisjoint(part))
    root = Path(*parts[:plain])
    found = False
    if root.is_dir():
        for source in _fitting(str(root), parts[plain:], frozenset({0})):
            found = True
            yield source
    if not found:
        yield Source(pattern, problem="no file fits this pattern")


def _fitting(folder: str, parts: Sequence[str], reached: frozenset[int]) -> Iterator[Source]:
    """Walks a folder once; `reached` are the parts of the pattern that its entries may fit."""
    try:
        for name, is_folder in entries(folder):
            path, fitted = _join(folder, name), _advance(name, parts, reached)
            if len(parts) in fitted:
                yield from _inside(path) if is_folder else (_source(path),)
            elif is_folder and fitted:
                yield from _fitting(path, parts, fitted)
    except OSError as error:
        yield Source(folder, problem=str(error))


def _advance(name: str, parts: Sequence[str], reached: frozenset[int]) -> frozenset[int]:
    after = set()
    waiting = list(reached)
    while waiting:
        at = waiting.pop()
        if at == len(parts):
            continue
        if parts[at] == "**":
            after.add(at)
            waiting.append(at + 1)
            if at + 1 == len(parts):
                after.add(at + 1)
        elif fnmatchcase(name, parts[at]):
            after.add(at + 1)
    return frozenset(after)


def entries(folder: str) -> Iterator[tuple[str, bool]]:
    """Names of the files and folders of a folder, in order, and which are folders; no link to a folder.

    A folder with more names than we hold at once is read several times, a stretch of names each.
    """
    last = ""
    while True:
        with os.scandir(folder) as found:
            # `last` changes only when this round is over.
            later = (entry for entry in found if entry.name > last)
            kinds = ((entry.name, entry.is_dir(follow_symlinks=False), entry.is_file()) for entry in later)
            names = heapq.nsmallest(_MOST_NAMES, ((n, folder) for n, folder, file in kinds if folder or file))
        yield from names
        if len(names) < _MOST_NAMES:
            return
        last = names[-1][0]


def _join(folder: str, name: str) -> str:
    return name if folder == "." else os.path.join(folder, name)


def _is_jsonl(name: str) -> bool:
    plain = name.removesuffix(_PACKED)
    return plain.endswith(".jsonl") and PurePath(plain).suffix == ".jsonl"


def is_address(name: str) -> bool:
    """Whether a file is elsewhere (see addresses, which is loaded only for such)."""
    return "://" in name


def is_packed(name: str) -> bool:
    return name.endswith(_PACKED)


def _is_surely_other(source: Source) -> bool:
    """Whether a file named as JSON Lines is something else by its bytes: a PDF, a zip, a picture."""
    if is_packed(source.file) or source.far:
        return False
    if source.status is None or not stat.S_ISREG(source.status.st_mode):
        return False  # what is read of a pipe is gone
    try:
        with open(source.file, "rb") as file:
            head = file.read(_LOOKED_AT)
        return bool(head) and sniff(head, source.file) not in (Format.JSONL, Format.JSON, Format.TEXT)
    except UnreadableArticleError:
        return True
    except OSError:
        return False


def opened(file: str) -> BinaryIO:
    """A file for reading, here or at an address. Raises OSError."""
    if not is_address(file):
        return open(file, "rb")
    from classifier import addresses

    return addresses.opened(file)


def lines(source: Source, start: Mark, until: int | None = None) -> Iterator[Piece]:
    """Stretches of a JSON Lines file from `start` on, of those lines that begin before byte `until`."""
    offset, passed = start.offset, start.lines
    try:
        with opened(source.file) as raw, _unpacked(raw, source.file) as file:
            if offset:
                file.seek(offset)
            while until is None or offset < until:
                place = raw.tell()
                data, number, problem = _stretch(file, until and until - offset)
                if not number:
                    return
                first, offset, passed = passed + 1, offset + number, passed + _breaks(data)
                after = Mark(start.files, offset, passed, start.seen)
                # Of a packed file the bytes on the disk count: those are all that `size` can know.
                size = len(data) if file is raw else raw.tell() - place
                if data:
                    at_most = passed - first + 2
                    yield Piece(source.file, after, size, data, first, at_most)
                if problem:
                    passed += 1
                    after = Mark(start.files, offset, passed, start.seen)
                    left = number - len(data) if file is raw else 0
                    yield Piece(f"{source.file}:{passed}", after, left, problem=problem)
    except (OSError, EOFError) as error:
        after = Mark(start.files + 1, seen=start.seen)
        yield Piece(source.file, after, problem=str(error))


@contextmanager
def _unpacked(raw: BinaryIO, name: str) -> Iterator[BinaryIO]:
    """A file as it is, or what a .gz of it holds. Raises OSError or EOFError where that is damaged."""
    if not is_packed(name):
        yield raw
        return
    import gzip
    import zlib

    try:
        with gzip.GzipFile(fileobj=raw) as file:
            yield cast(BinaryIO, file)
    except zlib.error as error:
        raise OSError(f"damaged: {error}") from error


def _stretch(file: BinaryIO, before: int | None = None) -> tuple[bytes, int, str]:
    """The next whole lines, how many bytes were read, and what is wrong with a line behind them.

    Of those that begin `before` so many bytes, where that is given.
    """
    most = MOST_BYTES if before is None else min(before, MOST_BYTES)
    lines: list[bytes] = []
    size = 0
    while size < most and len(lines) < MOST_ARTICLES:
        line = file.readline(LARGEST_FILE)
        size += len(line)
        if len(line) == LARGEST_FILE and not line.endswith(b"\n"):
            while line and not line.endswith(b"\n"):
                line = file.readline(2**20)
                size += len(line)
            problem = f"a line longer than {LARGEST_FILE // 2**20} MiB; part it into articles"
            return b"".join(lines), size, problem
        if not line:
            break
        lines.append(line)
    return b"".join(lines), size, ""


def _breaks(data: bytes) -> int:
    """Line ends as a file opened as text counts them, of all three kinds."""
    if b"\r" not in data:
        return data.count(b"\n")
    return data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")
