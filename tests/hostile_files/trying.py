"""Reads a hostile file as the daemon does, and sees what that cost and whether the next file is read."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from classifier.errors import UnreadableArticleError
from classifier.formats.kinds import Format
from classifier.jail import Jail, Reply
from classifier.reading import Reader
from classifier.rules import Rules
from tests.hostile_files import sound
from tests.hostile_files.corpus import Build, Case, Outcome

MOST_SECONDS = 20.0
MOST_MIB = 512.0

_SOUND: list[tuple[str, Build]] = [
    ("next.html", sound.page),
    ("next.docx", sound.docx),
    ("next.eml", sound.mail),
]
_NEXT = cycle(_SOUND)


class WatchedJail(Jail):
    """A jail that remembers what its children needed, and which keeper it had."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self.peaks_kib: list[int] = []

    def _asked(self, format: Format, data: bytes, name: str, seconds: float, simply: bool) -> Reply:
        reply = super()._asked(format, data, name, seconds, simply)
        self.peaks_kib.append(reply.memory_kib)
        return reply

    @property
    def keeper(self) -> int | None:
        """The process id of its keeper."""
        return None if self._keeper is None else self._keeper._process.pid


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of a file."""

    case: Case
    outcome: Outcome
    seconds: float
    mib: float
    faults: tuple[str, ...]


class Bench:
    """One Reader for all files, as in the daemon."""

    def __init__(self) -> None:
        self.reader = Reader()
        self.jail = WatchedJail(self.reader.rules)
        self.reader._jail = self.jail

    def close(self) -> None:
        self.reader.close()

    def try_case(self, case: Case) -> Trial:
        """Read it, then a sound one."""
        data = case.build()
        if self.jail.keeper is None:
            self.jail.walls()
        keeper = self.jail.keeper
        self.jail.peaks_kib.clear()
        _forget_peak()
        before = _peak_mib()
        started = time.monotonic()
        outcome = self._outcome(data, case.file)
        seconds = time.monotonic() - started
        mib = max([_peak_mib() - before, *(peak / 1024 for peak in self.jail.peaks_kib)])
        faults = [
            *([complaint] if (complaint := case.complaint(outcome)) else []),
            *([f"took {seconds:.1f} s"] if seconds > MOST_SECONDS else []),
            *([f"took {mib:.0f} MiB"] if mib > MOST_MIB else []),
            *self._next(),
        ]
        if self.jail.keeper != keeper:
            faults.append("the keeper is another")
        return Trial(case, outcome, seconds, mib, tuple(faults))

    def _outcome(self, data: bytes, name: str) -> Outcome:
        try:
            contents = self.reader.read(data, name)
        except UnreadableArticleError as error:
            return Outcome(reason=error.reason)
        text = "\n".join(article.text for article in contents.articles)
        text.encode()  # a lone surrogate would be refused by the ledger
        return Outcome(text)

    def _next(self) -> list[str]:
        name, build = next(_NEXT)
        outcome = self._outcome(build(), name)
        return [] if sound.WORD in outcome.text else [f"the next file is not read: {outcome.reason}"]


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _peak_mib() -> float:
    """The most memory that this process had since then; it reads plain text itself."""
    with open(f"/proc/{os.getpid()}/status") as status:
        line = next(line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024
