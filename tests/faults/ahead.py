"""A clock that runs ahead, shared between processes: nobody sleeps, waits are added up."""

from __future__ import annotations

import mmap
import struct
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

START = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)

_SHAPE = struct.Struct("dq")
_TICK = 0.0001  # seconds that pass between two looks at it


class SharedClock:
    """Seconds since START in a file that is mapped by whoever goes by them; and whose process lives now."""

    def __init__(self, path: Path) -> None:
        with suppress(FileExistsError), path.open("xb") as fresh:
            fresh.write(_SHAPE.pack(0.0, 0))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _SHAPE.size)

    @property
    def elapsed(self) -> float:
        return float(_SHAPE.unpack_from(self._memory)[0])

    @property
    def process(self) -> int:
        return int(_SHAPE.unpack_from(self._memory)[1])

    def begin(self, process: int) -> None:
        """From now on this process is the one that lives."""
        _SHAPE.pack_into(self._memory, 0, self.elapsed, process)

    def set_to(self, seconds: float) -> None:
        _SHAPE.pack_into(self._memory, 0, seconds, self.process)

    def move_on(self, seconds: float) -> None:
        self.set_to(self.elapsed + max(0.0, seconds))

    def now(self) -> datetime:
        """In the place of daemon.clock.now."""
        self.move_on(_TICK)
        return START + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        """In the place of daemon.clock.monotonic."""
        self.move_on(_TICK)
        return 1000.0 + self.elapsed

    def unix_time(self) -> float:
        """By which the stand-in for Slack goes."""
        return START.timestamp() + self.elapsed
