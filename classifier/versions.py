"""What `classifier models list` and `show` print: versions, and how each came to serve or did not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from classifier import display, history, printing, storage
from classifier.errors import ClassifierError


def show_all(models: Path, *, as_json: bool) -> int:
    """A line a version, oldest first: its quality on folds, and when it came to serve or why not."""
    served, entries = storage.current(models), history.history(models)
    for version in storage.versions(models):
        row: dict[str, Any] = {"version": version, "served": version == served}
        try:
            found = storage.card(models, version)["quality"]["all"]
            state = _state(models, version, entries)
            row = {**row, **found, **state}
            text = f"{'*' if version == served else ' '} {version}  F1 {found['f1']:.3f}{_told(state)}"
        except ClassifierError as error:
            row["error"] = str(error)
            text = f"! {error}"
        if as_json:
            print(json.dumps(row, ensure_ascii=False))
        else:
            printing.lines([text])
    return 0


def show(models: Path, version: str, *, as_json: bool) -> int:
    """What a version says of itself, what the gate found of it, and when it served."""
    found = storage.card(models, version)
    gate = history.gate_of(models, version)
    entries = [entry for entry in history.history(models) if entry.version == version]
    if as_json:
        served = [asdict(entry) for entry in entries]
        row = {**found, "gate": gate.as_json() if gate else None, "history": served}
        print(json.dumps(row, ensure_ascii=False))
        return 0
    display.quality_table(found["quality"], f"{version}, on folds")
    for topic in found["topics"]:
        cuts = found["cuts"][topic["id"]]
        printing.lines([f"{topic['id']}: main from {cuts['main']:.2f}, mention from {cuts['mention']:.2f}"])
    printing.lines([f"labels {found['labels'][:12]}, made by {found['made_by']}"])
    for finding in gate.findings if gate else ():
        printing.lines([f"gate {'passed' if finding.passed else 'refused'}: {finding.check}: {finding.said}"])
    for entry in entries:
        before = f", after {entry.before}" if entry.before else ""
        despite = f", despite the gate: {entry.despite}" if entry.despite else ""
        printing.lines([f"served from {entry.at}{before}: {entry.because}, by {entry.by}{despite}"])
    return 0


def _state(models: Path, version: str, entries: Sequence[history.Served]) -> dict[str, Any]:
    """Whether a version is a refused candidate and why, and when it last came to serve."""
    refused = history.refusal(models, version)
    last = next((entry for entry in reversed(entries) if entry.version == version), None)
    return {
        "candidate": refused is not None,
        "reasons": list(refused.reasons) if refused else [],
        "served_at": last.at if last else None,
        "despite": last.despite if last else None,
    }


def _told(state: dict[str, Any]) -> str:
    if state["candidate"]:
        first, *others = state["reasons"]
        more = f" (and {len(others)} more: `classifier models show`)" if others else ""
        return f"  candidate, refused: {first}{more}"
    if state["served_at"] is None:
        return ""
    return f"  served from {state['served_at']}" + (
        f", despite: {state['despite']}" if state["despite"] else ""
    )
