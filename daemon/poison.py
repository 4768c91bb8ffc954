"""Poison: a file over which the process dies, each time it is started again.

What is being read stands in a note in the home. A note that is found at a start names the file
that was in hand when the process died. The note need not survive a power cut, which is nobody's
fault; so it is written without waiting for the disk and costs next to nothing.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from daemon import ledger

_NAME = ".in-hand"
_LONGEST = 65536  # bytes


class Note:
    """Says which file is in hand. Keeps its own file open; close it at the end."""

    def __init__(self, home: Path) -> None:
        self._path = home / _NAME
        self._handle: int | None = None

    def hold(self, name: str, stamp: str) -> None:
        """This file is read next."""
        line = json.dumps([os.fsencode(name).hex(), stamp])
        self._write(line.encode() + b"\n")

    def free(self) -> None:
        """Nothing is in hand; what happens now is no file's fault."""
        self._write(b"\n")

    def close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _write(self, line: bytes) -> None:
        try:
            if self._handle is None:
                self._handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            os.pwrite(self._handle, line, 0)
        except OSError:
            pass  # a full disk must not keep us from reading; the file is then only not suspected


def record_death(connection: Connection, home: Path, *, now: datetime) -> str | None:
    """Write into the ledger which file was in hand when the process died; its name, if there was one."""
    held = _held(home)
    if held is None:
        return None
    name, stamp = held
    ledger.record_death(connection, name, stamp, now=now)
    return name


def clear(home: Path) -> None:
    """Forget the note of an earlier process, once it is in the ledger."""
    (home / _NAME).unlink(missing_ok=True)


def _held(home: Path) -> tuple[str, str] | None:
    try:
        with (home / _NAME).open("rb") as note:
            line = note.read(_LONGEST).split(b"\n", 1)[0]
        name, stamp = json.loads(line)
        return os.fsdecode(bytes.fromhex(name)), str(stamp)
    except (OSError, ValueError, TypeError):
        return None
