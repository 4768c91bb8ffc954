"""Findings: what was seen of something, whether a person should do anything about it, and what."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """`warning`: it works, and somebody should know; `problem`: it does not work, or what is promised is not
    kept.
    """

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """`ok`: nothing is at fault, though it may be a warning. `mend`: what a person can do, a command where
    there is one.
    """

    ok: bool
    about: str
    text: str
    mend: str | None = None
    warns: bool = False

    @property
    def level(self) -> Level:
        if not self.ok:
            return Level.PROBLEM
        return Level.WARNING if self.warns else Level.OK

    def as_json(self) -> dict[str, object]:
        return {
            "ok": self.ok,
            "about": self.about,
            "text": self.text,
            "mend": self.mend,
            "level": self.level.value,
        }

    def __str__(self) -> str:
        mend = f"; {self.mend}" if self.mend else ""
        return f"{self.level}: {self.about}: {self.text}{mend}"


def fine(about: str, text: str) -> Finding:
    return Finding(True, about, text)


def warning(about: str, text: str, mend: str | None = None) -> Finding:
    return Finding(True, about, text, mend, warns=True)


def problem(about: str, text: str, mend: str | None = None) -> Finding:
    return Finding(False, about, text, mend)
