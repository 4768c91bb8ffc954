"""Retraining: the labels people keep, and what desks said, become the next model, or a candidate.

The work is done in a process of its own (`learning`) under limits, so that intake never pauses for
it. Here it is begun, heard, written into the ledger and reported.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from classifier import ModelError, current_version
from daemon import clock, notices, trainings
from daemon.clock import to_text
from daemon.config import Settings
from daemon.confining import Confined, EndedError, Limits
from daemon.database import Database, plain_errors, plainly
from daemon.errors import DaemonError
from daemon.notices import Notice
from daemon.trainings import AskedBy, Outcome, TrainingState

logger = logging.getLogger(__name__)

Tell = Callable[[str, int, int], None]  # what is being done, steps done, steps in all

_LEARNING = "daemon.learning"
_WRITTEN_EVERY = 1.0  # seconds
_TITLES = {
    TrainingState.SERVED: "A new model serves",
    TrainingState.REFUSED: "A new model was refused",
    TrainingState.FAILED: "A training failed",
}

_lock = threading.Lock()
_rows: set[int] = set()  # of the ledger, that this process is at
_children: set[Confined] = set()


def cancel() -> None:
    """End the trainings in hand of this process: they are made anew after the next start."""
    for child in list(_children):
        child.cancel(f"{trainings.CUT_OFF}: topicwired stopped")


def nightly(settings: Settings, database: Database, wake: Callable[[], None] = lambda: None) -> str:
    """The timetable's job, its result in one line. Raises DaemonError where the training failed.

    A model that the gate refused is a result like any other. `wake` is called when there may be
    somebody to be told.
    """
    outcome = retrain(settings, database, asked_by="timetable")
    wake()
    if outcome.state is TrainingState.FAILED:
        raise DaemonError(outcome.result)
    return outcome.result


def retrain(
    settings: Settings,
    database: Database,
    *,
    asked_by: AskedBy,
    if_changed: bool = True,
    tell: Tell | None = None,
) -> Outcome:
    """Make the next model and have it serve if it passes the gate; with `if_changed` only if a label has.

    A failure is an outcome too, with its reason: the old model then serves on. The outcome is in the
    ledger and, where somebody is to be told of it, owed to them, in one transaction. Raises DaemonError
    where another training is in hand, or where the ledger does not take the outcome.
    """
    training = _begin(settings, database, asked_by)
    try:
        outcome = _outcome(settings, database, training, _Progress(database, training, tell), if_changed)
        with plain_errors(), database.transaction() as connection:
            if trainings.end(connection, training, outcome, now=clock.now()):
                _owe(connection, settings, training, outcome)
    finally:
        with _lock:
            _rows.discard(training)
    told = {"number": training, "state": outcome.state.value, "result": outcome.result}
    logger.info("training ended", extra=told)
    return outcome


def make_up(connection: Connection, settings: Settings) -> None:
    """Write and report what came of trainings whose process ended before it could."""
    for training, outcome in trainings.cut_off(
        connection, served=_served(settings), now=clock.now(), ours=_rows
    ):
        _owe(connection, settings, training, outcome)


def first_model(settings: Settings, *, tell: Tell | None = None) -> str:
    """Make a model where none can serve, and serve it; its version. Raises DaemonError.

    Somebody waits for it, so it takes all the machine has.
    """
    outcome = _learned(settings, {"first": True}, tell or _nobody, lambda version: True, gently=False)
    return outcome.version or ""


def _begin(settings: Settings, database: Database, asked_by: AskedBy) -> int:
    with _lock, plain_errors(), database.transaction() as connection:
        make_up(connection, settings)
        training = trainings.begin(
            connection, asked_by=asked_by, served=_served(settings), now=clock.now(), ours=_rows
        )
        _rows.add(training)
    logger.info("training", extra={"number": training, "asked_by": asked_by})
    return training


def _outcome(
    settings: Settings, database: Database, training: int, progress: Tell, if_changed: bool
) -> Outcome:
    """What came of it, whatever that was; only what would end this process as well is raised."""

    def may_serve(version: str) -> bool:
        with database.transaction() as connection:
            return trainings.announce(connection, training, version)

    try:
        return _learned(settings, {"first": False, "if_changed": if_changed}, progress, may_serve)
    except (DaemonError, SQLAlchemyError, OSError) as error:
        reason = plainly(error)
    except BaseException as error:
        reason = f"{trainings.CUT_OFF} ({type(error).__name__})"
        with suppress(SQLAlchemyError, DaemonError), database.transaction() as connection:
            outcome = _ended(connection, settings, training, reason)
            trainings.end(connection, training, outcome, now=clock.now())
        raise
    with plain_errors(), database.reading() as connection:
        return _ended(connection, settings, training, reason)


def _ended(connection: Connection, settings: Settings, training: int, reason: str) -> Outcome:
    """What came of a training that ended without an outcome of its own."""
    row = trainings.running(connection, training)
    if row is None:
        return Outcome(TrainingState.FAILED, reason)
    return trainings.end_of(row, reason, served=_served(settings))


def _learned(
    settings: Settings,
    asked: dict[str, Any],
    tell: Tell,
    may_serve: Callable[[str], bool],
    *,
    gently: bool = True,
) -> Outcome:
    """Have the work done, and hear of it. What is said is trusted as far as its shape is right."""
    limits = Limits(settings.retrain.minutes, settings.retrain.memory_mib)
    given = {"settings": settings.model_dump_json(), **asked}
    child = Confined(_LEARNING, given, limits, gently=gently)
    _children.add(child)
    outcome: Outcome | None = None
    try:
        for line in child.said():
            match line:
                case {"step": str(what), "done": int(done), "total": int(total)}:
                    tell(what, done, total)
                case {"log": str(message), "level": int(level), "extra": dict(extra)}:
                    _log(message, level, extra)
                case {"serves": str(version)}:
                    child.tell({"may": may_serve(version)})
                case {"failed": str(reason)}:
                    raise DaemonError(reason)
                case {"outcome": dict(found)}:
                    outcome = Outcome.from_json(found)
    except EndedError:
        if outcome is None:
            raise
    except (KeyError, TypeError, ValueError) as error:
        raise DaemonError(f"the training said what cannot be understood: {error}") from error
    finally:
        _children.discard(child)
        child.close()
    if outcome is None:
        raise DaemonError("the training ended and said nothing")
    return outcome


class _Progress:
    """Writes each step of a training into log and ledger, and how far it is at most once a second."""

    def __init__(self, database: Database, training: int, tell: Tell | None) -> None:
        self._database = database
        self._training = training
        self._tell = tell or _nobody
        self._what = ""
        self._written = -_WRITTEN_EVERY

    def __call__(self, what: str, done: int, total: int) -> None:
        self._tell(what, done, total)
        now, is_next = clock.monotonic(), what != self._what
        if is_next:
            self._what = what
            logger.info("training goes on", extra={"number": self._training, "step": what})
        elif now - self._written < _WRITTEN_EVERY:
            return
        self._written = now
        # Whoever wants to know how far it is can wait; the training need not.
        with suppress(SQLAlchemyError, DaemonError), self._database.transaction() as connection:
            trainings.step(connection, self._training, what, done, total)


def _owe(connection: Connection, settings: Settings, training: int, outcome: Outcome) -> None:
    """What came of it, to whom it is to be reported; that nothing had changed is no news."""
    title, receiver = _TITLES.get(outcome.state), settings.retrain.report_to
    if receiver is None or title is None:
        return
    notice, now = Notice(title, (outcome.result, *outcome.lines)), clock.now()
    # After a restore the ledger gives numbers again that a receiver has had.
    notices.owe(connection, receiver, notice, key=f"training {training} {to_text(now)}", now=now)


def _log(message: str, level: int, extra: dict[str, Any]) -> None:
    """A record of the process, in the log of this one."""
    own = vars(logging.makeLogRecord({}))
    kept = {
        key: value for key, value in extra.items() if key not in own and key not in ("message", "asctime")
    }
    logger.log(min(level, logging.ERROR), "%s", message, extra=kept)


def _served(settings: Settings) -> str | None:
    try:
        return current_version(settings.models)
    except ModelError:
        return None


def _nobody(what: str, done: int, total: int) -> None:
    """Nobody wants to know."""
