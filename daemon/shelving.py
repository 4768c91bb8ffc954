"""Shelving: moves files that the ledger has to done/ and failed/, and marks them so."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from daemon import clock, ledger, shelves
from daemon.config import Settings
from daemon.database import Database, plainly
from daemon.inbox import Candidate, Stamp
from daemon.observing import FileResult
from daemon.records import FileRecord

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recorded:
    """An article that was new, as a line of the log names it: by its id, what it is about, who is to hear."""

    article: str
    topics: tuple[str, ...] = ()
    receivers: tuple[str, ...] = ()

    @property
    def named(self) -> dict[str, str]:
        return {
            "article": self.article,
            "topics": ",".join(self.topics),
            "receivers": ",".join(self.receivers),
        }


@dataclass(frozen=True, slots=True)
class Placement:
    """A file on its way to `target`, below the home; `first` names the file that brought its bytes.

    No `file`: it is one more with the same bytes, of which the ledger keeps only the number. No `result`:
    it was recorded before, and only the move is made up for.
    """

    candidate: Candidate
    target: str
    file: FileRecord | None
    first: str | None = None
    articles: int = 0
    alerts: int = 0
    result: FileResult | None = None
    recorded: tuple[Recorded, ...] = ()


@dataclass(frozen=True, slots=True)
class Shelved:
    """What became of a batch: those at their place, those that had gone, and those not moved."""

    placed: tuple[Placement, ...]
    gone: tuple[Placement, ...]
    failed: tuple[tuple[Placement, OSError], ...]


def shelve(home: Path, database: Database, placements: Sequence[Placement]) -> Shelved:
    """Move a batch to its places and mark it in one transaction.

    Raises what the ledger raises, and OSError where the reason of a failure cannot be written
    beside it; `reconcile` makes up for what is then not marked.
    """
    outcomes = _move(home, placements)
    taken = [n for n, (_, error) in enumerate(outcomes) if isinstance(error, FileExistsError)]
    if taken:  # somebody put another file there since the place was chosen
        elsewhere = _elsewhere(home, database, [outcomes[n][0] for n in taken])
        for number, outcome in zip(taken, _move(home, elsewhere), strict=True):
            outcomes[number] = outcome
    shelved = _sorted(outcomes)
    for placement in shelved.placed:
        _explain(home, placement.file, placement.target)
    with database.transaction() as connection:
        ledger.mark_placed(connection, [(p.file, p.target) for p in shelved.placed if p.file is not None])
        for placement in shelved.gone:
            if placement.file is not None:
                ledger.mark_gone(connection, placement.file)
    return shelved


def reconcile(settings: Settings, database: Database) -> None:
    """Make up for moves whose end is not in the ledger: after a start, and after a failure.

    A file that still stands in the inbox is left to the next look.
    """
    with database.reading() as connection:
        unmoved = ledger.unmoved_files(connection)
    placed: list[FileRecord] = []
    gone: list[FileRecord] = []
    for file in unmoved:
        if file.daemon != settings.daemon:
            continue  # it is in another home, or on its way there
        try:
            if _has_arrived(settings, file):
                placed.append(file)
            elif not os.path.lexists(settings.inbox / file.inbox_name) and settings.inbox.is_dir():
                gone.append(file)
        except OSError as error:
            said = {"file": file.name, "error": plainly(error)}
            logger.warning("a move cannot be made up for now", extra=said)
    _mark(database, placed, gone)


def _has_arrived(settings: Settings, file: FileRecord) -> bool:
    """Whether a file stands at its place, for good, with what is to be said of it."""
    home, source, target = settings.home, settings.inbox / file.inbox_name, file.target or ""
    if not shelves.finish(source, home, target, known=_print_of(file), fingerprint=file.fingerprint):
        return False
    _explain(home, file, target)
    return True


def _mark(database: Database, placed: Sequence[FileRecord], gone: Sequence[FileRecord]) -> None:
    """All in one transaction: where many were on their way, a start would take as long as it takes turns."""
    if not placed and not gone:
        return
    with database.transaction() as connection:
        ledger.mark_placed(connection, [(file, file.target or "") for file in placed])
        for file in gone:
            ledger.mark_gone(connection, file)
    for file in placed:
        logger.info("file was moved before the last stop", extra={"file": file.name})
    for file in gone:
        logger.warning("file was taken away before it was moved", extra={"file": file.name})


def _move(home: Path, placements: Sequence[Placement]) -> list[tuple[Placement, OSError | None]]:
    moves = [shelves.Move(p.candidate.path, p.target, _print(p.candidate.stamp)) for p in placements]
    return list(zip(placements, shelves.move_all(home, moves), strict=True))


def _print(stamp: Stamp) -> shelves.Print:
    return shelves.Print(stamp.inode, stamp.size, stamp.modified)


def _print_of(file: FileRecord) -> shelves.Print | None:
    if file.inode is None or file.modified is None:
        return None
    return shelves.Print(file.inode, file.size, file.modified)


def _elsewhere(home: Path, database: Database, placements: Sequence[Placement]) -> list[Placement]:
    """The same files on their way to places that are free now; the ledger has these before they move."""
    moved = [replace(each, target=_other_target(home, each)) for each in placements]
    with database.transaction() as connection:
        for each in moved:
            if each.file is not None:
                ledger.retarget(connection, each.file, each.target)
    return moved


def _other_target(home: Path, placement: Placement) -> str:
    name, file = placement.candidate.path.name, placement.file
    fingerprint = file.fingerprint if file is not None else ""
    if placement.target.startswith("failed/"):
        return shelves.failed_target(home, name, fingerprint)
    return shelves.done_target(home, name, fingerprint, clock.now())


def _sorted(outcomes: Sequence[tuple[Placement, OSError | None]]) -> Shelved:
    placed, gone, failed = [], [], []
    for placement, error in outcomes:
        if error is None:
            placed.append(placement)
        elif isinstance(error, FileNotFoundError) and not _stands(placement):
            gone.append(placement)
        else:
            failed.append((placement, error))
    return Shelved(tuple(placed), tuple(gone), tuple(failed))


def _stands(placement: Placement) -> bool:
    """Whether the very file that was read is still in the inbox: then a folder was missing."""
    try:
        return Stamp.of(placement.candidate.path.lstat()).inode == placement.candidate.stamp.inode
    except OSError:
        return False


def _explain(home: Path, file: FileRecord | None, target: str) -> None:
    if file is not None and file.reason is not None:
        now = clock.now()
        shelves.explain_failure(home, target, reason=file.reason, mend=file.mend or "", now=now)
