"""What the processes of the day hold: memory, open files by kind, threads; looked at each real second."""

from __future__ import annotations

import re
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.day.household import Household

EVERY = 1.0  # seconds, real

_KB = re.compile(r"^(VmRSS|Threads|Pss):\s+(\d+)", re.MULTILINE)
_PSS_EACH = 8  # looks: it takes the kernel a walk over all pages


@dataclass(frozen=True, slots=True)
class Look:
    """One process at one moment `at`, in seconds of the day; memory in MiB. `pss` is 0 where not asked.

    `files` are all that are open but databases, of which `databases` counts the files and not their logs.
    """

    at: float
    who: str  # daemon | desk
    process: int
    rss: float
    pss: float
    threads: int
    files: int
    databases: int
    kinds: tuple[tuple[str, int], ...]


class Looking:
    """Looks from a thread of its own; `looks` grows."""

    def __init__(self, household: Household) -> None:
        self.looks: list[Look] = []
        self._household = household
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="looking", daemon=True)
        self._number = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._stop.wait(EVERY):
            if not self._household.lives_now():
                continue
            self._number += 1
            at, with_pss = self._household.hours.passed(), self._number % _PSS_EACH == 0
            processes = {
                "daemon": self._household.process,
                "desk": self._household.child("tests.day.desk"),
            }
            for who, process in processes.items():
                if process is not None:
                    with suppress(OSError, KeyError):  # one that has just ended has no memory to tell of
                        self.looks.append(_look(at, who, process, with_pss))


def _look(at: float, who: str, process: int, with_pss: bool) -> Look:
    place = Path(f"/proc/{process}")
    said = dict(_KB.findall((place / "status").read_text()))
    pss = dict(_KB.findall((place / "smaps_rollup").read_text())).get("Pss", "0") if with_pss else "0"
    kinds: Counter[str] = Counter()
    for each in (place / "fd").iterdir():
        with suppress(OSError):
            kinds[_kind(str(each.readlink()))] += 1
    return Look(
        at,
        who,
        process,
        int(said["VmRSS"]) / 1024,
        int(pss) / 1024,
        int(said["Threads"]),
        sum(number for kind, number in kinds.items() if ".db" not in kind),
        sum(number for kind, number in kinds.items() if kind.endswith(".db")),
        tuple(sorted(kinds.items())),
    )


def _kind(target: str) -> str:
    """socket, pipe, anon_inode; of a file the ending of its name, of a ledger's files its name."""
    if not target.startswith("/"):
        return target.partition(":")[0]
    name = target.rpartition("/")[2]
    return name if ".db" in name else target if target.startswith("/dev/") else "a file"
