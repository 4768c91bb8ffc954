"""An output file that a run can go on with after any end: kill -9, Ctrl-C, a power cut, a full disk.

Beside FILE stands `FILE.progress`: how far the input was read, and how long the output was then. It is
replaced by a rename every few seconds, after the output is on the disk. To go on is to cut the
output back to that length and read on from there; what a crash left behind it, whole lines or torn
ones, is tagged again. The lines themselves could not say as much: a file that failed has none, a
digest has several, and an article may stand in the input twice.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from classifier import disks
from classifier.errors import ClassifierError
from classifier.streams import BEGINNING, Mark

SAVED_EVERY = 2.0  # seconds; a crash costs the work of as long


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come: what it was told to do, the input it has read, the output it has written."""

    paths: tuple[str, ...]
    model: str
    retired: tuple[str, ...]
    begun_at: int  # ns
    mark: Mark = BEGINNING
    length: int = 0  # bytes of the output
    size: int = 0  # bytes of the input
    articles: int = 0
    failed: int = 0

    def after(self, mark: Mark, *, length: int, size: int, articles: int, failed: int) -> Progress:
        return replace(
            self,
            mark=mark,
            length=self.length + length,
            size=self.size + size,
            articles=self.articles + articles,
            failed=self.failed + failed,
        )


def kept(output: Path, paths: Sequence[str], *, resume: bool, overwrite: bool) -> Progress | None:
    """The progress to go on from; None to begin. Raises ClassifierError where neither is safe."""
    beside = _beside(output)
    if output.exists() and not output.is_file():
        raise ClassifierError(f"{output}: not a regular file; without --output the lines are printed")
    length = output.stat().st_size if output.exists() else 0
    if overwrite or not (length or beside.exists()):
        return None
    if not resume:
        raise ClassifierError(f"{output}: is there already; go on with --resume or begin with --overwrite")
    if not beside.exists():
        raise ClassifierError(f"{output}: there is no {beside.name} to go on from; see --overwrite")
    found = _read(beside)
    if found.paths != tuple(paths):
        begun_with = " ".join(found.paths)
        raise ClassifierError(f"{output}: was begun with other PATHs: {begun_with}; see --overwrite")
    if length < found.length:
        raise ClassifierError(f"{output}: shorter than its progress says; see --overwrite")
    return found


class Output:
    """The output file, locked, cut back to where `progress` says, and kept in step with it."""

    def __init__(
        self, path: Path, progress: Progress, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.progress = progress
        self._path, self._clock = path, clock
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._handle)
            raise ClassifierError(f"{path}: another run is writing it") from error
        # The progress first: should we die before the cut, the next run makes it.
        self._save(sync=progress.length > 0)
        os.ftruncate(self._handle, progress.length)
        os.lseek(self._handle, progress.length, os.SEEK_SET)

    def add(self, lines: bytes | memoryview, mark: Mark, *, size: int, articles: int, failed: int) -> None:
        """Append what came of the input up to `mark`; on the disk within a few seconds."""
        rest = memoryview(lines)
        try:
            while rest:
                rest = rest[os.write(self._handle, rest) :]
        except OSError as error:
            raise ClassifierError(f"{self._path}: {error.strerror}; go on with --resume") from error
        self.progress = self.progress.after(
            mark, length=len(lines), size=size, articles=articles, failed=failed
        )
        if self._clock() - self._saved_at >= SAVED_EVERY:
            self._save()

    def keep(self) -> None:
        """Put on the disk all that was added, now."""
        self._save()

    def close(self) -> None:
        """Keep all that was added, then let go of the file."""
        try:
            self._save()
        finally:
            os.close(self._handle)

    def _save(self, *, sync: bool = True) -> None:
        if sync:
            os.fdatasync(self._handle)
        beside = _beside(self._path)
        fresh = beside.with_name(f"{beside.name}.new")
        with fresh.open("w", encoding="utf-8", errors="surrogateescape") as file:
            json.dump(asdict(self.progress), file, ensure_ascii=False, indent=1)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, beside)
        disks.sync(beside.parent)
        self._saved_at = self._clock()


def _beside(output: Path) -> Path:
    return output.with_name(f"{output.name}.progress")


def _read(path: Path) -> Progress:
    try:
        given: dict[str, Any] = json.loads(path.read_text(encoding="utf-8", errors="surrogateescape"))
        mark = Mark(**given.pop("mark"))
        paths, retired = tuple(given.pop("paths")), tuple(given.pop("retired"))
        return Progress(**given, mark=mark, paths=paths, retired=retired)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ClassifierError(f"{path}: not a record of progress: {error}; see --overwrite") from error
