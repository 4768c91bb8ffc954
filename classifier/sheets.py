"""Label sheets to fill in: how one is written, and how far those of a home have come."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from classifier.errors import ClassifierError
from classifier.labels import NOT_YET, NOTHING, read_examples, read_waiting
from classifier.suggesting import Suggestion

NAME = "suggested"


@dataclass(frozen=True, slots=True)
class Sheet:
    """How many rows of a sheet have their topics, and how many wait for them."""

    file: str
    filled: int
    waiting: int

    def __str__(self) -> str:
        return f"{self.file}: {self.filled} filled in, {self.waiting} not yet"


def write_sheet(folder: Path, suggestions: Sequence[Suggestion], head: Iterable[str]) -> Path:
    """The next sheet of a folder, complete at once. Raises ClassifierError where it cannot be written."""
    for number in count(1):
        path = folder / f"{NAME}-{number}.tsv"
        if not path.exists() and _write(path, suggestions, head):
            return path
    raise AssertionError


def write_sheet_to(path: Path, suggestions: Sequence[Suggestion], head: Iterable[str]) -> None:
    """A sheet of this name. Raises ClassifierError where there is such a file already."""
    if path.exists() or not _write(path, suggestions, head):
        raise ClassifierError(f"{path}: is there already; what is filled in is never written over")


def sheets_of(folder: Path, topics: Iterable[str]) -> list[Sheet]:
    """The sheets of a folder that have rows to fill in, or had. Raises LabelError for an unsound one."""
    known = frozenset(topics)
    found = []
    for path in sorted(folder.glob("*.tsv")):
        waiting = len(read_waiting(path))
        if waiting or path.name.startswith(f"{NAME}-"):
            found.append(Sheet(str(path), len(read_examples(path, known)), waiting))
    return found


def waiting_texts(folder: Path) -> Iterator[str]:
    """The passages that people have been asked about and have not judged yet."""
    for path in sorted(folder.glob("*.tsv")):
        yield from read_waiting(path)


def _write(path: Path, suggestions: Sequence[Suggestion], head: Iterable[str]) -> bool:
    """Whether it was written: not where another was faster. Never half of it: training may read it now."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text("".join(f"{line}\n" for line in _lines(suggestions, head)), encoding="utf-8")
        try:
            os.link(fresh, path)
        finally:
            fresh.unlink()
    except FileExistsError:
        return False
    except OSError as error:
        raise ClassifierError(f"{path}: cannot be written: {error}") from error
    return True


def _lines(suggestions: Sequence[Suggestion], head: Iterable[str]) -> Iterator[str]:
    for line in head:
        yield f"# {line}"
    yield f'# Put topics parted by ", ", or {NOTHING} for none of them, in place of each {NOT_YET}.'
    yield f"# A row with {NOT_YET} is passed over, so leave it where you cannot say."
    for suggestion in suggestions:
        yield f"# {suggestion}"
        yield f"{NOT_YET}\t{suggestion.candidate.text}"
