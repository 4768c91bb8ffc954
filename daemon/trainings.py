"""Trainings: one at a time, who asked for it, how far it is, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from sqlalchemy import Connection, text

from daemon import claims
from daemon.clock import to_text
from daemon.errors import DaemonError

AskedBy = Literal["timetable", "operator"]

CUT_OFF = "cut off"

_LONGEST_RESULT, _LONGEST_STEP = 2000, 200

_COLUMNS = (
    "id, asked_by, claimant, state, step, done, total, before, version, result, started_at, finished_at"
)
_ADD = text(
    """
    INSERT INTO trainings (asked_by, claimant, state, step, done, total, before, started_at)
    VALUES (:asked_by, :claimant, 'running', 'starting', 0, 0, :before, :now)
    RETURNING id
    """
)
_STEP = text(
    "UPDATE trainings SET step = :step, done = :done, total = :total WHERE id = :id AND state = 'running'"
)
_ANNOUNCE = text("UPDATE trainings SET version = :version WHERE id = :id AND state = 'running' RETURNING id")
_END = text(
    """
    UPDATE trainings
    SET state = :state, version = :version, result = :result, report = :report, finished_at = :now
    WHERE id = :id AND state = 'running'
    RETURNING id
    """
)
_RUNNING = text(f"SELECT {_COLUMNS} FROM trainings WHERE state = 'running' ORDER BY id")  # noqa: S608  ours
_LAST = text(f"SELECT {_COLUMNS} FROM trainings ORDER BY id DESC LIMIT 1")  # noqa: S608  ours
_REPORT = text("SELECT report FROM trainings WHERE id = :id")
_COUNTS = text("SELECT state, COUNT(*) FROM trainings GROUP BY state ORDER BY state")


class TrainingState(StrEnum):
    """`refused`: the new model is kept as a candidate, and the old one serves on."""

    RUNNING = "running"
    SERVED = "served"
    REFUSED = "refused"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a training: in one line, in `lines` for people, and as a report for programs."""

    state: TrainingState
    result: str
    version: str | None = None  # the one that was made
    before: str | None = None  # the one that served
    report: Mapping[str, Any] = field(default_factory=dict)
    lines: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "state": self.state.value,
            "result": self.result,
            "version": self.version,
            "before": self.before,
            "report": dict(self.report),
            "lines": list(self.lines),
        }

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Outcome:
        """What `as_json` gave. Raises KeyError, TypeError or ValueError for anything else."""
        lines, report = given["lines"], given["report"]
        if not isinstance(lines, list) or not isinstance(report, dict):
            raise TypeError("lines should be a list, and report an object")
        version, before = given["version"], given["before"]
        return cls(
            TrainingState(given["state"]),
            str(given["result"]),
            None if version is None else str(version),
            None if before is None else str(before),
            report,
            tuple(map(str, lines)),
        )


@dataclass(frozen=True, slots=True)
class Training:
    """A row of the ledger. `version` is the one that was made, or that is about to serve."""

    id: int
    asked_by: str
    claimant: str
    state: TrainingState
    step: str
    done: int
    total: int
    before: str | None
    version: str | None
    result: str | None
    started_at: str
    finished_at: str | None

    @property
    def is_cut_off(self) -> bool:
        """Whether it says that it is running, and its process is no more."""
        return self.state is TrainingState.RUNNING and not claims.lives(self.claimant)

    @property
    def progress(self) -> str:
        return f"{self.step}, {self.done} of {self.total}" if self.total else self.step


def begin(
    connection: Connection,
    *,
    asked_by: AskedBy,
    served: str | None,
    now: datetime,
    ours: Collection[int] = (),
) -> int:
    """Begin a training and return its number. `served` is the model that serves now.

    Raises DaemonError where another is in hand. `ours` as for `in_hand`.
    """
    for each in in_hand(connection, ours=ours):
        raise DaemonError(
            f"a training is in hand since {each.started_at}, asked for by the {each.asked_by}"
            f" (process {claims.process_of(each.claimant)}: {each.progress}); try again when it has ended"
        )
    row = {"asked_by": asked_by, "claimant": claims.claimant(), "before": served, "now": to_text(now)}
    return int(connection.execute(_ADD, row).scalar_one())


def step(connection: Connection, training: int, what: str, done: int, total: int) -> None:
    """Write how far it is."""
    row = {"id": training, "step": what[:_LONGEST_STEP], "done": done, "total": total}
    connection.execute(_STEP, row)


def announce(connection: Connection, training: int, version: str) -> bool:
    """Write which version is about to serve; whether the training may still do that.

    Written before the change, so that even a power cut right after it leaves a row that tells.
    """
    return connection.execute(_ANNOUNCE, {"id": training, "version": version}).first() is not None


def end(connection: Connection, training: int, outcome: Outcome, *, now: datetime) -> bool:
    """Write what came of it; False where that is written already."""
    row = {
        "id": training,
        "state": outcome.state.value,
        "version": outcome.version,
        "result": outcome.result[:_LONGEST_RESULT],
        "report": json.dumps({**outcome.report, "lines": list(outcome.lines)}, ensure_ascii=False),
        "now": to_text(now),
    }
    return connection.execute(_END, row).first() is not None


def in_hand(connection: Connection, *, ours: Collection[int] = ()) -> list[Training]:
    """The trainings that somebody is at.

    `ours` are those that this process is really at: a row of ours that is not among them is one whose
    end the ledger would not take.
    """
    return [each for each in _running(connection) if _is_in_hand(each, ours)]


def cut_off(
    connection: Connection, *, served: str | None, now: datetime, ours: Collection[int] = ()
) -> list[tuple[int, Outcome]]:
    """Write of each training that nobody is at any more that it was cut off; their numbers and ends.

    One that had its model serve (`served`) before it could say so is written as what it was.
    """
    found = []
    for each in _running(connection):
        if not _is_in_hand(each, ours):
            outcome = end_of(each, CUT_OFF, served=served)
            end(connection, each.id, outcome, now=now)
            found.append((each.id, outcome))
    return found


def _is_in_hand(training: Training, ours: Collection[int]) -> bool:
    if not claims.lives(training.claimant):
        return False
    return training.id in ours or not claims.is_ours(training.claimant)


def end_of(training: Training, reason: str, *, served: str | None) -> Outcome:
    """What came of a training that ended without a word, for a reason, while `served` serves."""
    if training.version is not None and training.version == served != training.before:
        said = f"serving {served}; it ended before it could report ({reason})"
        return Outcome(TrainingState.SERVED, said, served, training.before)
    said = f"{reason}, at: {training.progress}"
    return Outcome(TrainingState.FAILED, said, None, training.before)


def running(connection: Connection, training: int) -> Training | None:
    """A training that has not ended, as far as the ledger knows."""
    return next((each for each in _running(connection) if each.id == training), None)


def last(connection: Connection) -> Training | None:
    """The latest training, running or ended; None where there was none."""
    row = connection.execute(_LAST).one_or_none()
    return _training(row) if row else None


def report(connection: Connection, training: int) -> dict[str, Any]:
    """What a training found; empty where it has not ended."""
    found = connection.execute(_REPORT, {"id": training}).scalar_one_or_none()
    return dict(json.loads(found)) if found else {}


def counts(connection: Connection) -> dict[str, int]:
    """How many trainings are in which state."""
    return {str(state): int(number) for state, number in connection.execute(_COUNTS)}


def standing(connection: Connection, *, served: str | None) -> dict[str, Any]:
    """The last training and how many are in which state, as `topicwired status` tells it."""
    found, states = last(connection), counts(connection)
    if found is None:
        return {"last": None, "states": states}
    state, result = found.state.value, found.result
    if found.is_cut_off:
        ended = end_of(found, CUT_OFF, served=served)
        state, result = ended.state.value, ended.result
    told = {
        "id": found.id,
        "asked_by": found.asked_by,
        "state": state,
        "step": found.step,
        "done": found.done,
        "total": found.total,
        "before": found.before,
        "version": found.version,
        "result": result,
        "started_at": found.started_at,
        "finished_at": found.finished_at,
    }
    return {"last": told, "states": states}


def _running(connection: Connection) -> list[Training]:
    return [_training(row) for row in connection.execute(_RUNNING)]


def _training(row: Any) -> Training:
    id_, asked_by, claimant, state, *others = row
    return Training(id_, asked_by, claimant, TrainingState(state), *others)
