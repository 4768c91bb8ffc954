"""Concerns: what in how things stand needs a person, and the command that mends it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from daemon.findings import Level

LITTLE = 64 * 2**20  # bytes; with less on a disk we say so
_LONG = 300.0  # seconds that a file may wait before we say so
_OWED_LONG = 900.0  # seconds that an alert may be owed while nothing says why
_OLD = 48 * 3600.0  # seconds; a backup that is older than two nights
_MOST = 50  # of a kind


@dataclass(frozen=True, slots=True)
class Concern:
    level: Level
    text: str
    mend: str | None = None

    def as_json(self) -> dict[str, str | None]:
        return {"level": self.level.value, "text": self.text, "mend": self.mend}


def of(found: Mapping[str, Any]) -> list[Concern]:
    """Given what `status.gather` found, without its warnings. What does not work comes first."""
    told = [
        *_inbox(found["inbox"]),
        *_disks(found["disk"]),
        *_model(found),
        *_shelves(found),
        *_receivers(found),
        *_jobs(found),
        *_backup(found),
    ]
    return sorted(told, key=lambda each: each.level is not Level.PROBLEM)


def age(seconds: float | None) -> str:
    """A length of time as people say it: 90 s, 12 min, 5 h, 3 d."""
    if seconds is None:
        return "?"
    for length, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {name}"
    return f"{seconds:.0f} s"


def _warn(text: str, mend: str | None = None) -> Concern:
    return Concern(Level.WARNING, text, mend)


def _fault(text: str, mend: str | None = None) -> Concern:
    return Concern(Level.PROBLEM, text, mend)


def _inbox(inbox: Mapping[str, Any]) -> Iterator[Concern]:
    if inbox["missing"]:
        yield _fault("the inbox is missing: nothing can be taken", "topicwired check")
    if (inbox["oldest_seconds"] or 0.0) > _LONG:
        said = f"a file has waited in the inbox for {inbox['oldest_seconds']:.0f} s; see the log"
        yield _warn(said, "topicwired check")
    odd = list(inbox["left_alone"].items())
    for name, what in odd[:_MOST]:
        yield _warn(f"left alone in the inbox: {name}: {what}")
    if len(odd) > _MOST:
        yield _warn(f"left alone in the inbox: and {len(odd) - _MOST} more")


def _disks(disk: Mapping[str, int | None]) -> Iterator[Concern]:
    for place, free in disk.items():
        if free is not None and free < LITTLE:
            yield _fault(f"the disk of {place} is nearly full: {free // 2**20} MiB left")


def of_process(found: Mapping[str, Any]) -> Iterator[Concern]:
    """That no daemon runs. One that a timer starts is missed only while there is something to do."""
    waits, owed = found["inbox"]["files"], found["owed"]
    if found["process"] is None and not found["daemons"] and (waits or owed):
        said = f"no daemon runs on this home: {waits} files wait, and {owed} alerts are owed"
        yield _fault(said, "systemctl start topicwire, or `topicwired run`")


def _model(found: Mapping[str, Any]) -> Iterator[Concern]:
    if str(found["model"]).startswith("unreadable: "):
        yield _fault(f"the model is {found['model']}", "classifier models list")
    last = found["training"]["last"]
    if last is not None and last["state"] == "failed":
        yield _warn(f"the last training failed: {last['result']}", "topicwired retrain")


def _shelves(found: Mapping[str, Any]) -> Iterator[Concern]:
    if found["in_failed"]:
        said = f"{found['in_failed']} files in failed/; each says why in its .error.json"
        yield _warn(said, "topicwired retry --all")


def _receivers(found: Mapping[str, Any]) -> Iterator[Concern]:
    if found["dead"]:
        said = f"{found['dead']} alerts are dead: their receiver will never take them"
        yield _warn(said, "look at them on the desk page, under Deliveries")
    for row in found["receivers"]:
        if row["parked"]:
            reason = next((each["reason"] for each in row["reasons"] if each["state"] == "parked"), "")
            said = f"{row['receiver']}: {row['parked']} alerts are parked until somebody mends this: {reason}"
            yield _fault(said, "topicwired check")
        elif _waits_long(row):
            said = f"{row['receiver']}: an alert has been owed for {age(row['oldest_seconds'])}"
            yield _warn(said, "topicwired check")


def _waits_long(row: Mapping[str, Any]) -> bool:
    """Whether an alert has been owed for long, and nothing says that it should be."""
    waits = row["owed"] and not row["quiet_until"] and not row["is_held"]
    return bool(waits) and (row["oldest_seconds"] or 0.0) > _OWED_LONG


def _jobs(found: Mapping[str, Any]) -> Iterator[Concern]:
    for job in found["jobs"]:
        if job["state"] == "failed":
            mends = {"retrain": "topicwired retrain", "backup": "topicwired backup"}
            yield _warn(f"job {job['name']}: its last run failed: {job['result']}", mends.get(job["name"]))


def _backup(found: Mapping[str, Any]) -> Iterator[Concern]:
    backup = found["backup"]
    is_due = any(job["name"] == "backup" for job in found["jobs"])
    if is_due and backup is not None and backup["age_seconds"] > _OLD:
        said = f"the newest backup is {age(backup['age_seconds'])} old: {backup['file']}"
        yield _warn(said, "topicwired backup")
