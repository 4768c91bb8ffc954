"""Poison: a file over which the process dies, each time it is started again.

What is being read stands in a note in the home. A note that is found at a start names the file
that was in hand when the process died. Where it names several, any of them may have been the one:
each is then tried by itself, and the next death tells. The note need not survive a power cut,
which is nobody's fault; so it is written without waiting for the disk and costs next to nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from threading import Lock

from sqlalchemy import Connection

from daemon import ledger

_NAME = ".in-hand"
_LONGEST = 4 * 2**20  # bytes; a batch of the longest paths takes less


class Note:
    """Says which file is in hand. Keeps its own file open; close it, or end it, at the end."""

    def __init__(self, home: Path) -> None:
        self._path = home / _NAME
        self._handle: int | None = None
        self._lock = Lock()
        self._has_ended = False

    def hold(self, files: Iterable[tuple[str, str]]) -> None:
        """These files, each a name and a stamp, are read next."""
        lines = (json.dumps([os.fsencode(name).hex(), stamp]) for name, stamp in files)
        self._write("".join(f"{line}\n" for line in (*lines, "")).encode())

    def free(self) -> None:
        """Nothing is in hand; what happens now is no file's fault."""
        self._write(b"\n")

    def end(self) -> None:
        """We stop because we were asked to: from now on nothing is in hand, whatever a thread still does."""
        with self._lock:
            self._write_at_once(b"\n")
            self._has_ended = True
        self.close()

    def close(self) -> None:
        with self._lock:
            if self._handle is not None:
                os.close(self._handle)
                self._handle = None

    def _write(self, line: bytes) -> None:
        with self._lock:
            if not self._has_ended:
                self._write_at_once(line)

    def _write_at_once(self, line: bytes) -> None:
        with suppress(OSError):  # a full disk must not keep us from reading; it is then only not suspected
            if self._handle is None:
                self._handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            os.pwrite(self._handle, line, 0)


def record_death(connection: Connection, home: Path, *, now: datetime) -> list[str]:
    """Write into the ledger which files were in hand when the process died; their names.

    One that was alone has a death to answer for, of several each is suspected only.
    """
    held = _held(home)
    for name, stamp in held:
        ledger.record_death(connection, name, stamp, number=1 if len(held) == 1 else 0, now=now)
    return [name for name, _ in held]


def clear(home: Path) -> None:
    """Forget the note of an earlier process, once it is in the ledger."""
    (home / _NAME).unlink(missing_ok=True)


def _held(home: Path) -> list[tuple[str, str]]:
    try:
        with (home / _NAME).open("rb") as note:
            # A longer note may have stood there before; a blank line ends this one.
            lines = note.read(_LONGEST).partition(b"\n\n")[0].splitlines()
        return [(os.fsdecode(bytes.fromhex(name)), str(stamp)) for name, stamp in map(json.loads, lines)]
    except (OSError, ValueError, TypeError):
        return []
