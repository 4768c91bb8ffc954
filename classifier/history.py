"""Which version serves, since when and why: `models/history.jsonl`, and the gate that each came through.

A line of the history is written after the change, so a kill between the two loses the line and not
the change; the next to write notes what it found.
"""

from __future__ import annotations

import fcntl
import getpass
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from classifier import storage
from classifier.errors import ModelError
from classifier.gate import Finding, Gate

_HISTORY = "history.jsonl"
_GATE = "GATE.json"
_MAKING = ".lock"
_SERVING = ".serving.lock"


@dataclass(frozen=True, slots=True)
class Served:
    """A version that came to serve, and the one that served before."""

    at: str
    version: str
    before: str | None
    because: str
    despite: str | None
    by: str


def use_model(
    models: Path,
    version: str,
    *,
    because: str,
    by: str | None = None,
    despite: str | None = None,
    instead_of: str | None = None,
) -> None:
    """Serve a version from now on, by one rename, and note it in the history.

    A candidate that the gate refused serves only `despite` a reason, unless it has served already.
    `instead_of` names the version that it was held against: no other may have come to serve meanwhile.
    Raises ModelError where it is refused or cannot be trusted; the old one then serves on.
    """
    if despite is not None and not despite.strip():
        raise ModelError("--despite: say why the candidate should serve")
    with _locked(models, _SERVING):
        before = _noted(models)
        if instead_of is not None and before not in (instead_of, version):
            raise ModelError(
                f"{before} came to serve while {version} was held against {instead_of}; try again"
            )
        refused = refusal(models, version)
        if refused is not None and despite is None:
            raise ModelError(
                f"{version}: refused by the gate: {'; '.join(refused.reasons)}. Serve it all the same with"
                f" `classifier models use {version} --despite REASON`"
            )
        try:
            storage.use(models, version)
        except OSError as error:
            # The rename may have been done, and only not be on the disk yet.
            serves = storage.current(models)
            said = f"; {serves} serves{' on' if serves == before else ''}" if serves else ""
            raise ModelError(f"{models}: {version} cannot be served for sure: {error}{said}") from error
        if version != before:
            despite = " ".join(despite.split()) if refused is not None and despite else None
            _append(models, Served(_now(), version, before, because, despite, by or _user()))


def history(models: Path) -> tuple[Served, ...]:
    """What has served, oldest first. A line that cannot be read is left out."""
    try:
        lines = (models / _HISTORY).read_text(encoding="utf-8", errors="replace").split("\n")
    except FileNotFoundError:
        return ()
    found = []
    for line in lines:
        try:
            found.append(Served(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return tuple(found)


def previous(models: Path) -> str | None:
    """The version that served before the one that serves now: where a roll-back leads."""
    served = storage.current(models)
    for entry in reversed(history(models)):
        if entry.version == served and entry.before is not None:
            return entry.before
    return None


def have_served(models: Path) -> tuple[str, ...]:
    """All versions that ever served, the latest first."""
    found = [storage.current(models)]
    for entry in reversed(history(models)):
        found += [entry.version, entry.before]
    return tuple(version for version in dict.fromkeys(found) if version is not None)


def fallbacks(models: Path) -> tuple[str, ...]:
    """The versions to try where the current one cannot serve, the best first: those that have
    served, the latest first, then those that the gate has not refused, the newest first.
    """
    there = storage.versions(models)
    try:
        served = have_served(models)
    except ModelError:
        served = tuple(entry.version for entry in reversed(history(models)))
    others = [version for version in reversed(there) if refusal(models, version) is None]
    return tuple(version for version in dict.fromkeys([*served, *others]) if version in there)


def gate_of(models: Path, version: str) -> Gate | None:
    """What the gate found of a version; None where it has not been through it."""
    try:
        return Gate.from_json(json.loads((models / version / _GATE).read_bytes()))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def refusal(models: Path, version: str) -> Gate | None:
    """The gate that refused a version; None where it passed, was never judged, or has served."""
    gate = gate_of(models, version)
    if gate is None or gate.passed or version in {entry.version for entry in history(models)}:
        return None
    return gate


def write_gate(models: Path, version: str, gate: Gate) -> None:
    """Keep what the gate found beside the version; not in its manifest, for it may be judged again."""
    content = json.dumps({"at": _now(), **gate.as_json()}, ensure_ascii=False, indent=1) + "\n"
    storage.write_anew(models / version / _GATE, content.encode())


def refuse(models: Path, version: str, reasons: Sequence[str], *, check: str = "rehearsal") -> Gate:
    """Add to what the gate found of a candidate why it is refused all the same; what it then says."""
    found = gate_of(models, version) or Gate(())
    more = tuple(Finding(check, False, reason) for reason in reasons)
    refused = Gate((*found.findings, *more), found.against)
    write_gate(models, version, refused)
    return refused


@contextmanager
def making(models: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Nobody else makes a model of this home meanwhile. `waiting` is called where another does now."""
    models.mkdir(parents=True, exist_ok=True)
    with _locked(models, _MAKING, waiting):
        yield


def tidy(models: Path, *, keep: int) -> tuple[str, ...]:
    """Delete old versions and what was left half-written, and return the versions that are gone.

    The `keep` newest stay, and what serves, and what served before it. Only while `making`.
    """
    with _locked(models, _SERVING):
        before = previous(models)
        return storage.retire_old(models, keep=keep, spare=[before] if before else [])


@contextmanager
def _locked(models: Path, name: str, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    if not models.is_dir():
        raise ModelError(f"{models}: no model yet; make one with `classifier train`")
    # To lock it need not be written: root may have made it, and another user trains.
    handle = os.open(models / name, os.O_RDONLY | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _noted(models: Path) -> str | None:
    """The version that serves; where the history does not say so, it does now."""
    served, known = storage.current(models), history(models)
    last = known[-1].version if known else None
    if served is not None and served != last:
        _append(models, Served(_now(), served, last, "found serving", None, "?"))
    return served


def _append(models: Path, entry: Served) -> None:
    path = models / _HISTORY
    line = json.dumps(asdict(entry), ensure_ascii=False).encode() + b"\n"
    try:
        known = path.read_bytes() if path.exists() else b""
        # Replaced as a whole: no line is ever half there, and whoever made the file may be another user.
        storage.write_anew(path, known + (b"\n" if known and not known.endswith(b"\n") else b"") + line)
    except OSError as error:
        raise ModelError(f"{path}: cannot be written, yet {entry.version} serves: {error}") from error


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.geteuid()}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
