"""Learning: the process that makes the next model, rehearses it, and has it serve if it may.

Started by `retraining`, which it tells how it goes; to the ledger it writes nothing, so that it can
never keep the daemon waiting.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from classifier import (
    ClassifierError,
    Finding,
    Gate,
    Made,
    ModelError,
    current_version,
    load_model,
    make_model,
    refuse_model,
    use_model,
)
from daemon import confining, labelling, presence, promises, rehearsing
from daemon.config import Settings
from daemon.database import Database, open_database, plainly
from daemon.errors import DaemonError
from daemon.rehearsals import Rehearsal
from daemon.trainings import Outcome, TrainingState

Tell = Callable[[str, int, int], None]  # what is being done, steps done, steps in all

MOST_REHEARSED = 50_000  # articles: two minutes
_MOST_SHOWN, _MOST_KEPT = 20, 100  # changes of a rehearsal, for people and in the report
_TOLD_EVERY = 0.5  # seconds
_OWN_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


@dataclass(frozen=True, slots=True)
class _Rehearsed:
    """`whole`: whether all articles of the days that are to be rehearsed were."""

    found: Rehearsal
    days: float
    whole: bool

    def said(self) -> str:
        found = self.found
        what = f"the last {found.articles:,} articles" if not self.whole else f"the last {self.days:g} days"
        return f"alerts of {what}: {found.gained:,} gained, {found.lost:,} lost, {found.moved:,} moved"


def learn(
    settings: Settings,
    database: Database,
    *,
    if_changed: bool,
    tell: Tell,
    may_serve: Callable[[str], bool],
) -> Outcome:
    """Verdicts ▶ labels ▶ a candidate ▶ the gate ▶ the rehearsal ▶ a model that serves, or is refused.

    `may_serve` is asked just before the served model changes. Raises DaemonError or ClassifierError
    where the candidate could not be made or judged; the old model then serves on.
    """
    tell("writing verdicts", 0, 0)
    rows = labelling.write_verdicts(settings.home, database, weight=settings.retrain.verdict_weight)
    made = make_model(settings.home, if_changed=if_changed, over_examples=False, progress=tell)
    report: dict[str, Any] = {"verdicts": rows}
    if not made.trained or made.version == made.before:
        note = made.note or f"the labels give {made.version} again, which serves"
        return Outcome(TrainingState.UNCHANGED, note, made.version, made.before, report)
    gate = made.gate or Gate(())
    rehearsed = None
    if gate.passed and made.before is not None:
        rehearsed = _rehearsed(settings, database, made.before, made.version, tell)
        lost = _loses(rehearsed) if rehearsed else []
        if lost:
            gate = refuse_model(settings.models, made.version, lost)
    report |= _report(made, gate, rehearsed)
    lines = _lines(gate, rehearsed)
    if not gate.passed:
        serves = f"; {made.before} serves on" if made.before else ""
        said = f"{made.version} was refused{serves}: {'; '.join(gate.reasons)}"
        return Outcome(TrainingState.REFUSED, said, made.version, made.before, report, lines)
    note = _serve(settings, made, may_serve)
    said = f"serving {made.version}, which passed the gate" if made.before else f"serving {made.version}"
    said += f"; {rehearsed.said()}" if rehearsed else ""
    return Outcome(TrainingState.SERVED, said + note, made.version, made.before, report, lines)


def first(settings: Settings, *, tell: Tell) -> Outcome:
    """A model where none can serve. It is served whatever stood there before."""
    made = make_model(settings.home, progress=tell)
    if made.gate is not None and not made.gate.passed:
        raise DaemonError(f"{made.version} cannot serve: {'; '.join(made.gate.reasons)}")
    use_model(settings.models, made.version, because="no other could serve", by="topicwired")
    return Outcome(TrainingState.SERVED, f"serving {made.version}", made.version, made.before)


def _serve(settings: Settings, made: Made, may_serve: Callable[[str], bool]) -> str:
    """Change over to the candidate; a remark where that is done and could not be noted."""
    if not may_serve(made.version):
        raise DaemonError("the training was ended")
    try:
        use_model(
            settings.models,
            made.version,
            because="passed the gate",
            by="topicwired",
            instead_of=made.before,
        )
    except ModelError as error:
        if current_version(settings.models) != made.version:
            raise
        return f" ({error})"
    return ""


def _rehearsed(
    settings: Settings, database: Database, before: str, after: str, tell: Tell
) -> _Rehearsed | None:
    """What would change with the candidate; None where nothing is to be rehearsed."""
    days = settings.retrain.rehearse_days
    if not days:
        return None
    try:
        old = promises.served_model(settings, load_model(settings.models, before))
    except ModelError:
        return None  # it cannot serve any more, so nothing of it can be lost
    new = promises.served_model(settings, load_model(settings.models, after))
    found, whole = rehearsing.rehearse_days(
        database,
        settings,
        days=days,
        most=MOST_REHEARSED,
        before=old,
        after=new,
        tell=lambda done, total: tell("rehearsing", done, total),
    )
    return _Rehearsed(found, days, whole)


def _loses(rehearsed: _Rehearsed) -> list[str]:
    """Why a rehearsal refuses the candidate: each alert that a desk marked ✓ and would have no more."""
    lost = rehearsed.found.lost_right
    said = [
        f"“{change.headline}” ({change.article[:16]}) would not be told to {change.was.receiver}"
        f" for {change.was.topic}, which the desk marked ✓"
        for change in lost[:_MOST_SHOWN]
        if change.was is not None
    ]
    more = rehearsed.found.number_lost_right - len(said)
    return said + ([f"and {more} more that desks marked ✓"] if more > 0 else [])


def _report(made: Made, gate: Gate, rehearsed: _Rehearsed | None) -> dict[str, Any]:
    """All that was found, for programs."""
    found: dict[str, Any] = {
        "gate": gate.as_json(),
        "quality": dict(made.quality).get("all", {}),
        "few_labels": list(made.few_labels),
        "rehearsal": None,
    }
    if rehearsed is not None:
        changes = [change.as_json() for change in rehearsed.found.changes[:_MOST_KEPT]]
        found["rehearsal"] = {
            **rehearsed.found.as_json(),
            "whole": rehearsed.whole,
            "shown": len(changes),
            "changes": changes,
        }
    return found


def _lines(gate: Gate, rehearsed: _Rehearsed | None) -> tuple[str, ...]:
    """The same for people: what speaks against the candidate first."""
    findings = sorted(gate.findings, key=lambda finding: finding.passed)
    lines = [_finding(finding) for finding in findings]
    if rehearsed is not None:
        left_out = "" if rehearsed.whole else f": not of all {rehearsed.days:g} days"
        lines += ["", f"rehearsal{left_out}", *rehearsed.found.lines(most=_MOST_SHOWN)]
    return tuple(lines)


def _finding(finding: Finding) -> str:
    return f"{'passed' if finding.passed else 'FAILED'}  {finding.check}: {finding.said}"


def main() -> None:
    """Do what stdin asks for, say how it goes on stdout, and end with whoever asked."""
    voice = confining.Voice()
    _log_to(voice)
    try:
        outcome = _asked(voice)
    except MemoryError:
        confining.let_speak()
        os._exit(confining.NO_MEMORY)
    except (ClassifierError, DaemonError) as error:
        voice.say({"failed": str(error)})
    except (OSError, SQLAlchemyError) as error:
        voice.say({"failed": plainly(error)})
    else:
        voice.say({"outcome": outcome.as_json()})


def _asked(voice: confining.Voice) -> Outcome:
    settings = Settings.model_validate_json(voice.given["settings"])
    tell = _Teller(voice)
    if voice.given["first"]:
        return first(settings, tell=tell)
    with closing(open_database(settings.database)) as database:
        presence.hear_of(database)
        return learn(
            settings,
            database,
            if_changed=bool(voice.given["if_changed"]),
            tell=tell,
            may_serve=lambda version: bool(voice.ask({"serves": version})["may"]),
        )


class _Teller:
    """Says each step, and how far it is now and then."""

    def __init__(self, voice: confining.Voice) -> None:
        self._voice = voice
        self._what = ""
        self._told = 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if what == self._what and now - self._told < _TOLD_EVERY:
            return
        self._what, self._told = what, now
        self._voice.say({"step": what, "done": done, "total": total})


def _log_to(voice: confining.Voice) -> None:
    """What is logged here goes to the log of whoever started us."""
    root = logging.getLogger()
    root.handlers[:] = [_Handler(voice)]
    root.setLevel(logging.INFO)
    for chatty in ("alembic", "sqlalchemy"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


class _Handler(logging.Handler):
    def __init__(self, voice: confining.Voice) -> None:
        super().__init__()
        self._voice = voice

    def emit(self, record: logging.LogRecord) -> None:
        extra = {key: _plain(value) for key, value in vars(record).items() if key not in _OWN_ATTRIBUTES}
        self._voice.say({"log": record.getMessage(), "level": record.levelno, "extra": extra})


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | None) else str(value)


if __name__ == "__main__":
    main()
