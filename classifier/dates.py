"""Dates as files write them ▶ ISO 8601, as exact as they were; None for what is not plainly one."""

from __future__ import annotations

import re
from datetime import datetime

_LINES = (
    (re.compile(r"\d{4}-\d{2}-\d{2}"), "%Y-%m-%d"),
    (re.compile(r"\d{2}\.\d{2}\.\d{4}"), "%d.%m.%Y"),
    (re.compile(r"\d{1,2} [A-Z][a-z]+ \d{4}"), "%d %B %Y"),
    (re.compile(r"[A-Z][a-z]+ \d{1,2}, \d{4}"), "%B %d, %Y"),
)


def of_line(line: str) -> str | None:
    """The date of a line that is nothing else."""
    line = line.strip()
    for pattern, form in _LINES:
        if pattern.fullmatch(line):
            try:
                return datetime.strptime(line, form).date().isoformat()
            except ValueError:
                continue
    return None


def of_machine(given: object) -> str | None:
    """A date as programs write it, ISO 8601 with its zone where it has one; None for any other."""
    if not isinstance(given, str):
        return None
    try:
        datetime.fromisoformat(given.strip())
    except ValueError:
        return None
    return given.strip()
