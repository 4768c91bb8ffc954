"""The time of the day that is lived: every process asks here, and all of them are told the same.

    hours = Hours.begin(place, speed=72.0)
    os.environ |= hours.environment()               # what a process that is started goes by
    Hours.of_environment().now()                     # in that process

The wall clock may be set wrong, for all processes at once; the monotonic one only runs faster.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_VARIABLE = "DAY_HOURS"
_OFFSET = struct.Struct("<d")


@dataclass(frozen=True, slots=True)
class Hours:
    """`speed` seconds pass in a real one, since `started` (monotonic, real), which was `epoch` (Unix)."""

    speed: float
    started: float
    epoch: float
    _wrong: mmap.mmap

    @classmethod
    def begin(cls, place: Path, *, speed: float) -> Hours:
        """A day that begins now, at the last midnight by UTC; `place` takes a file that says how wrong it is.

        In the past, so that no file of the day is younger than the clocks of the machine say.
        """
        file = place / "wrong-by"
        file.write_bytes(_OFFSET.pack(0.0))
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        os.environ[_VARIABLE] = json.dumps([speed, time.monotonic(), midnight.timestamp(), str(file)])
        return cls.of_environment()

    @classmethod
    def of_environment(cls) -> Hours:
        """Those by which whoever started this process goes. KeyError where it goes by none."""
        speed, started, epoch, file = json.loads(os.environ[_VARIABLE])
        with Path(file).open("r+b") as opened:
            return cls(speed, started, epoch, mmap.mmap(opened.fileno(), _OFFSET.size))

    def environment(self) -> dict[str, str]:
        return {_VARIABLE: os.environ[_VARIABLE]}

    def passed(self) -> float:
        """Seconds of the day so far."""
        return (time.monotonic() - self.started) * self.speed

    def true_time(self) -> float:
        """Unix time by a clock that is right, such as Slack's."""
        return self.epoch + self.passed()

    def monotonic(self) -> float:
        return 1000.0 + self.passed()

    def now(self) -> datetime:
        """What the wall clock says."""
        return datetime.fromtimestamp(self.true_time() + self.wrong_by, UTC)

    @property
    def wrong_by(self) -> float:
        """Seconds that the wall clock is ahead of the true time."""
        return float(_OFFSET.unpack_from(self._wrong)[0])

    def set_wrong(self, seconds: float) -> None:
        """Somebody sets the wall clock of this machine."""
        _OFFSET.pack_into(self._wrong, 0, seconds)

    def sleep(self, seconds: float) -> None:
        """Of the day."""
        time.sleep(seconds / self.speed)
