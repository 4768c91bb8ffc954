"""The faults of the day, by name. Each ends what it broke, and says in a line what it saw.

A fault takes at most the time until the next one. What it finds wrong it raises as a Finding.
"""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from classifier import model_versions
from tests.day.arriving import Arriving
from tests.day.household import Household
from tests.day.keeping import Keeping
from tests.slack_faults import Fault

T = TypeVar("T")

_LOCKED = 30.0  # seconds, real
_LOOK = 0.05
_BROKEN = '\n[[route]]\nreceiver = "nobody-of-that-name"\n'
_ROOM = 2**20  # bytes that a full disk has left, at most


class FindingError(Exception):
    """Something that should not be so, in a sentence."""


class Breaking:
    """Breaks what is there; `enough` is how many real seconds a fault may take."""

    def __init__(self, household: Household, arriving: Arriving, keeping: Keeping, enough: float) -> None:
        self._household, self._arriving, self._keeping = household, arriving, keeping
        self._enough = enough
        self._slack = household.slack
        self._number = 0

    def break_it(self, name: str) -> str:
        """Do it. FindingError where the daemon does not do what it should, KeyError where there is none."""
        self._number += 1
        return self._faults()[name]()

    def _faults(self) -> Mapping[str, Callable[[], str]]:
        busy = Fault("status", status=429, headers={"Retry-After": "30"}, method=None)
        return {
            "slack is too busy": lambda: self._weather(busy),
            "slack answers 500": lambda: self._weather(Fault("status", status=503, method=None)),
            "slack resets": lambda: self._weather(Fault("reset", method=None)),
            "slack half answers": lambda: self._weather(Fault("half", posted=True, method=None)),
            "slack hangs": lambda: self._weather(Fault("hang", seconds=20.0, method=None)),
            "slack refuses connections": self._refuse,
            "the desk is killed": self._kill_desk,
            "the parser is killed": self._kill_parser,
            "the training is killed": self._kill_training,
            "stopped for a while": self._freeze,
            "the disk is full": self._fill,
            "the inbox is gone": self._take_inbox,
            "the ledger is locked": self._lock,
            "a damaged file": self._damage,
            "configuration reloaded": self._reload,
            "a broken configuration": self._reload_broken,
            "clock forward": lambda: self._set_clock(2 * 3600.0),
            "clock back": lambda: self._set_clock(-2 * 3600.0),
            "few descriptors": self._few_descriptors,
            "a model swapped": self._swap,
            "labels broken": self._break_labels,
            "the log is blocked": self._block_log,
            "a backup in motion": self._back_up,
            "the daemon is killed": self._kill,
            "the daemon is told to stop": self._stop,
            "slack hangs, killed": self._kill_while_hanging,
        }

    def _for(self, seconds: float) -> float:
        """So long, or as long as there is."""
        return min(seconds, 0.4 * self._enough)

    def _weather(self, fault: Fault) -> str:
        before = len(self._slack.requests)
        self._slack.weather = fault
        time.sleep(self._for(25.0))
        self._slack.weather = None
        return f"{len(self._slack.requests) - before} requests met it"

    def _refuse(self) -> str:
        self._slack.go_down()
        time.sleep(self._for(25.0))
        self._slack.come_up()
        return ""

    def _kill_desk(self) -> str:
        desk = self._wait_for(lambda: self._household.child("tests.day.desk"), "no desk is shown")
        os.kill(desk, signal.SIGKILL)
        self._household.life.desk_ends += 1
        self._wait_for(lambda: self._household.child("tests.day.desk"), "the desk is not shown again")
        return "shown again"

    def _kill_parser(self) -> str:
        parser = self._wait_for(self._household.parser, "no parser has run")
        os.kill(parser, signal.SIGKILL)
        return ""

    def _kill_training(self) -> str:
        try:
            learning = self._wait_for(lambda: self._household.child("tests.day.learning"), "no training")
        except FindingError:
            return "none was running"
        time.sleep(0.5)
        os.killpg(learning, signal.SIGKILL)
        return "killed"

    def _freeze(self) -> str:
        os.kill(self._household.process, signal.SIGSTOP)
        time.sleep(self._for(15.0))
        os.kill(self._household.process, signal.SIGCONT)
        return ""

    def _fill(self) -> str:
        """A disk of its own has no room for a while; skipped where the home stands on the machine's."""
        home = self._household.home
        if home.stat().st_dev == Path(__file__).stat().st_dev:
            return "skipped: the home has no disk of its own"
        ballast = home / ".ballast"
        with ballast.open("wb", buffering=0) as file:
            free = os.statvfs(home)
            with suppress(OSError):
                os.posix_fallocate(file.fileno(), 0, max(1, (free.f_bavail - 1024) * free.f_frsize))
            file.seek(0, os.SEEK_END)
            with suppress(OSError):
                while True:
                    file.write(bytes(4096))
        left = os.statvfs(home)
        time.sleep(self._for(15.0))
        ballast.unlink()
        if left.f_bavail * left.f_frsize > _ROOM:
            raise FindingError("the disk was not full")
        return ""

    def _take_inbox(self) -> str:
        inbox = self._household.inbox
        aside = inbox.with_name("inbox-elsewhere")
        with self._arriving.lock:
            inbox.rename(aside)
        time.sleep(self._for(15.0))
        if inbox.exists():
            raise FindingError("somebody made the inbox that was taken away")
        aside.rename(inbox)
        return ""

    def _lock(self) -> str:
        """Also what stands in the ledger then is exactly what a backup must have."""
        with self._household.locked():
            until = time.monotonic() + self._for(_LOCKED)
            said = self._keeping.still()
            time.sleep(max(0.0, until - time.monotonic()))
        return said

    def _damage(self) -> str:
        self._arriving.drop_damaged(3)
        return "3 files"

    def _reload(self) -> str:
        self._household.configure(f"\n[burst]\nalerts = {8 + self._number % 5}\n")
        self._hup("configuration reloaded")
        return ""

    def _reload_broken(self) -> str:
        self._household.configure(_BROKEN)
        self._hup("configuration refused")
        self._household.configure()
        return "refused"

    def _hup(self, says: str) -> None:
        before = self._household.log.read_text(errors="replace").count(says)
        os.kill(self._household.process, signal.SIGHUP)
        self._wait_for(
            lambda: self._household.log.read_text(errors="replace").count(says) > before,
            f"after SIGHUP the log does not say {says!r}",
        )

    def _set_clock(self, seconds: float) -> str:
        """Wrong for a while, then right again: two jumps."""
        self._household.hours.set_wrong(seconds)
        time.sleep(self._for(20.0))
        self._household.hours.set_wrong(0.0)
        return f"{seconds / 3600:+.0f} h and back"

    def _few_descriptors(self) -> str:
        process = self._household.process
        held = len(os.listdir(f"/proc/{process}/fd"))
        before = resource.prlimit(process, resource.RLIMIT_NOFILE)
        resource.prlimit(process, resource.RLIMIT_NOFILE, (held - 2, before[1]))
        time.sleep(self._for(15.0))
        resource.prlimit(process, resource.RLIMIT_NOFILE, before)
        return f"{held - 2} at most"

    def _swap(self) -> str:
        """Another version where there is one, and the first one again."""
        versions = list(model_versions(self._household.home / "models"))
        current = (self._household.home / "models" / "current").read_text().strip()
        other = next((each for each in versions if each != current), current)
        for version in (other, current):
            self._household.classify("models", "use", version, "--despite", "somebody wants it")
            time.sleep(self._for(5.0))
        return f"{len(versions)} versions"

    def _break_labels(self) -> str:
        place = self._household.home / "labels" / "topics.toml"
        place.parent.mkdir(exist_ok=True)
        place.write_text("[energy\ntitle = broken")
        time.sleep(self._for(10.0))
        os.kill(self._household.process, signal.SIGHUP)
        time.sleep(self._for(5.0))
        place.unlink()
        os.kill(self._household.process, signal.SIGHUP)
        return ""

    def _block_log(self) -> str:
        self._household.reads_log.clear()
        time.sleep(self._for(20.0))
        self._household.reads_log.set()
        return ""

    def _back_up(self) -> str:
        return self._keeping.in_motion()

    def _kill(self) -> str:
        os.kill(self._household.process, signal.SIGKILL)
        self._household.life.process.wait(10.0)
        self._household.start()
        return ""

    def _stop(self) -> str:
        began = time.monotonic()
        code = self._household.stop()
        took = time.monotonic() - began
        self._household.start()
        if code != 0:
            raise FindingError(f"after SIGTERM it ended with {code}")
        return f"ended in {took:.1f} s"

    def _kill_while_hanging(self) -> str:
        self._slack.weather = Fault("hang", posted=True, seconds=20.0, method="chat.postMessage")
        time.sleep(self._for(10.0))
        said = self._kill()
        self._slack.weather = None
        return said

    def _wait_for(self, what: Callable[[], T | None], otherwise: str) -> T:
        until = time.monotonic() + 0.8 * self._enough
        while not (found := what()):
            if time.monotonic() > until:
                raise FindingError(otherwise)
            time.sleep(_LOOK)
        return found
