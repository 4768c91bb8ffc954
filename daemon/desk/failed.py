"""The files that could not be taken, with the reasons beside them; and how they go back into the inbox."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from daemon import ledger, shelves
from daemon.config import Settings
from daemon.database import Database, plainly
from daemon.inbox import printable

_MARK = 24  # characters


@dataclass(frozen=True, slots=True)
class FailedFile:
    """`mark` tells it from others, whatever its name is made of; `name` is for people."""

    mark: str
    name: str
    reason: str
    mend: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class PutBack:
    """What came of it: the files that are in the inbox again, and why others are not; names for people."""

    names: tuple[str, ...]
    problems: tuple[str, ...]
    left: int


def names(settings: Settings) -> list[str]:
    """The files in failed/, by name; none where there is no such folder."""
    try:
        return shelves.failed_names(settings.home)
    except OSError:
        return []


def listed(settings: Settings, found: Sequence[str]) -> list[FailedFile]:
    """Some of these files, with what is said of each."""
    return [_failed(settings, name) for name in found]


def put_back(settings: Settings, database: Database, marks: Collection[str] | None, *, most: int) -> PutBack:
    """Put files back into the inbox, as `topicwired retry` does: those with these marks, or all for None.

    At most so many, for each takes a moment. What stands in the inbox already is not overwritten.
    """
    wanted = [name for name in names(settings) if marks is None or mark_of(name) in marks]
    done: list[str] = []
    problems: list[str] = []
    for name in wanted[:most]:
        try:
            shelves.put_back(settings.home, name, settings.inbox)
        except FileExistsError:
            problems.append(f"{printable(name)}: stands in the inbox already")
            continue
        except OSError as error:
            problems.append(f"{printable(name)}: {plainly(error)}")
            continue
        with database.transaction() as connection:
            ledger.mark_retried(connection, f"failed/{name}", settings.daemon)
        done.append(printable(name))
    return PutBack(tuple(done), tuple(problems), max(0, len(wanted) - most))


def mark_of(name: str) -> str:
    return hashlib.sha256(os.fsencode(name)).hexdigest()[:_MARK]


def _failed(settings: Settings, name: str) -> FailedFile:
    said = shelves.explanation(settings.home, name)
    reason, mend, at = (said.get(key) for key in ("reason", "what_to_do", "at"))
    return FailedFile(mark_of(name), printable(name), _text(reason), _text(mend), _moment(at))


def _moment(given: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(_text(given))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _text(given: object) -> str:
    return given[:2000] if isinstance(given, str) else ""
