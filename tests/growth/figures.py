"""Measured figures: what each is, in which unit, how it came about; kept in measured.json."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

_MOST = 20  # rounds; of more than these, as many quantiles
WRITTEN = Path(__file__).with_name("measured.json")


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured figure: the median of its rounds. `how` says what was done, in one line."""

    value: float
    unit: str
    rounds: tuple[float, ...]
    how: str
    machine: str = ""

    @classmethod
    def of(cls, rounds: Sequence[float], unit: str, how: str) -> Figure:
        told = rounds if len(rounds) <= _MOST else statistics.quantiles(rounds, n=_MOST)
        kept = tuple(float(f"{each:.4g}") for each in told)
        return cls(float(f"{statistics.median(rounds):.4g}"), unit, kept, how, machine())


def machine() -> str:
    """What a figure depends on: the kind of machine, and how busy it was."""
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    when = time.strftime("%Y-%m-%d")
    return f"{cores} cores shared with others, load {load:.1f}, Python {platform.python_version()}, {when}"


def read(path: Path = WRITTEN) -> dict[str, Figure]:
    """By name; empty where nothing was measured yet."""
    if not path.exists():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    return {name: Figure(**(each | {"rounds": tuple(each["rounds"])})) for name, each in found.items()}


def write(more: Mapping[str, Figure], path: Path = WRITTEN) -> None:
    """Put these in, beside what was measured before."""
    known = read(path) | dict(more)
    lines = [f"{json.dumps(name)}: {json.dumps(asdict(known[name]))}" for name in sorted(known)]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
