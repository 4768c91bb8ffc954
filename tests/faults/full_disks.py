"""Full disks: the ledger's, the inbox's, done/'s, the whole home's and the log's, each small and apart.

Faults L02, I25 and O03 of the list. A ballast fills the disk, articles arrive, and the daemon has to
live, to wait and to say so once; when the ballast goes it has to go on by itself.

Each case runs in a mount namespace of its own (`unshare`), so that nothing stays mounted:

    unshare -m python -m tests.faults.full_disks FOLDER CASE SECONDS    # prints what it found, as JSON
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

from tests.daemon_process import DaemonProcess
from tests.faults.accounting import LEDGER, Outcome
from tests.faults.articles import article_text
from tests.faults.newsroom import account_for_desks, configuration, drop, files_in, is_at_rest
from tests.faults.way import prepare
from tests.slack_stand_in import Fault, SlackStandIn

FULL_FOR = 15.0  # seconds
RESUMES_WITHIN = 60.0  # seconds after there is room again

_MOST_LINES = 3  # of warning, for one full disk
_SETTLE = 0.2
_BALLAST = ".ballast.part"
_TROUBLE = ("[warning", "[error", "[critical")
_TROUBLE_OF_SLACK = "alert"  # what is said of deliveries is another matter


@dataclass(frozen=True, slots=True)
class Disk:
    """A small disk at a place below the home. `waits`: whether intake has to, when it is full."""

    place: str
    size: int  # MiB
    waits: bool
    database: str = LEDGER


DISKS: Mapping[str, Disk] = {
    "ledger": Disk("books", 2, waits=True, database="books/ledger.db"),
    "inbox": Disk("inbox", 2, waits=False),
    "done": Disk("done", 2, waits=True),
    "home": Disk(".", 8, waits=True),
}
LOGS = ("full disk", "/dev/full", "closed pipe")
START = "start"
CASES = (*DISKS, START, *(f"log: {log}" for log in LOGS))


class NoSmallDiskError(Exception):
    """Neither root's mount nor a namespace of one's own works here."""


@dataclass(slots=True)
class _Case:
    """What one case made and found."""

    home: Path
    made: dict[int, bytes] = field(default_factory=dict)
    alerted: set[int] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def drop(self, how_many: int) -> None:
        """Renamed in; every fifth is alerted."""
        for number in range(len(self.made), len(self.made) + how_many):
            data = article_text(number, quiet=number % 5 != 0)
            self.made[number] = data
            if number % 5 == 0:
                self.alerted.add(number)
            drop(self.home / "inbox", f"article-{number}.txt", data)


def run(folder: Path, say: Callable[[str], None]) -> list[Outcome]:
    """Every case."""
    try:
        namespace()
    except NoSmallDiskError as error:
        say(f"skipped: {error}")
        return [Outcome("full disks", 0, (), f"skipped: {error}")]
    outcomes = []
    for case in CASES:
        outcomes.append(examine(folder / case.replace(" ", "-").replace("/", "-"), case))
        say(f"{outcomes[-1].part}: {len(outcomes[-1].faults)} faults")
    return outcomes


def examine(folder: Path, case: str, *, full_for: float = FULL_FOR) -> Outcome:
    """One case, in a process and a mount namespace of its own. NoSmallDiskError where there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    arguments = (str(folder), case, str(full_for))
    command = [*namespace(), sys.executable, "-m", "tests.faults.full_disks", *arguments]
    found = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, cwd=_ROOT)
    if found.returncode != 0:
        return Outcome(_part(case), 1, (f"the case itself ended with {found.returncode}",))
    said = json.loads(found.stdout)
    return Outcome(said["part"], said["cases"], tuple(said["faults"]), said["note"])


@cache
def namespace() -> tuple[str, ...]:
    """The command in front of another that gives it mounts of its own."""
    for options in (("-m",), ("-U", "-r", "-m")):
        command = ("unshare", *options)
        trial = (*command, "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/mnt")
        with suppress(OSError):
            if subprocess.run(trial, capture_output=True, check=False).returncode == 0:
                return command
    raise NoSmallDiskError("neither root's mount nor a user namespace works here")


def main(folder: Path, case: str, full_for: float) -> Outcome:
    """One case, in this process."""
    if case in DISKS:
        return _fill(folder, case, DISKS[case], full_for)
    if case == START:
        return _start_on_a_full_disk(folder)
    return _lose_the_log(folder, case)


def _fill(folder: Path, case: str, disk: Disk, full_for: float) -> Outcome:
    home = folder / "home"
    made = _Case(home)
    with SlackStandIn() as stand_in, _mounted(home / disk.place, disk.size):
        prepare(home, {}, ledger=disk.database == LEDGER)
        more = f'[storage]\ndatabase = "{disk.database}"\n'
        config = configuration(folder, stand_in, settle=_SETTLE, more=more)
        with _running(home, config, folder) as daemon:
            made.drop(5)
            _expect(made, "before the disk is full nothing is taken", lambda: _at_rest(home, disk), 20.0)
            said = len(daemon.log)
            _let_it_fill(made, daemon, disk, stand_in, full_for)
            made.faults += _silence(daemon.log[said:], disk)
            (home / disk.place / _BALLAST).unlink()
            freed = time.monotonic()
            made.drop(5)
            _expect(
                made,
                f"not everything is taken {RESUMES_WITHIN:.0f} s after there was room",
                lambda: _at_rest(home, disk),
                RESUMES_WITHIN,
            )
            made.notes.append(f"at rest {time.monotonic() - freed:.0f} s after there was room")
            if (code := daemon.stop()) != 0:
                made.faults.append(f"after SIGTERM it ended with {code}")
        if disk.database != LEDGER:
            (home / LEDGER).symlink_to(disk.database)
        made.faults += account_for_desks(home, made.made, stand_in, desks=1, alerted=made.alerted)
    return Outcome(_part(case), len(made.made), tuple(made.faults), "; ".join(made.notes))


def _let_it_fill(
    made: _Case, daemon: DaemonProcess, disk: Disk, stand_in: SlackStandIn, full_for: float
) -> None:
    """Articles come while the disk is full, and one alert is under way when it fills."""
    home = made.home
    stand_in.faults.append(Fault("close", posted=True, seconds=1.5))
    made.drop(1)  # the alert that is under way
    until = time.monotonic() + 10.0
    while stand_in.faults and time.monotonic() < until:
        time.sleep(0.01)
    holds_inbox = disk.place in ("inbox", ".")
    if holds_inbox:
        made.drop(20)  # while one still can
    _fill_up(home / disk.place / _BALLAST)
    if not holds_inbox:
        made.drop(20)
    time.sleep(full_for)
    if daemon.process.poll() is not None:
        made.faults.append(f"it ended with {daemon.process.returncode} when the disk was full")
        return
    waiting = files_in(home / "inbox")
    made.notes.append(f"{waiting} files wait while it is full")
    if disk.waits and waiting == 0:
        made.faults.append("the disk was not full: everything was taken")
    if not disk.waits and waiting:
        made.faults.append(f"{waiting} files wait, though taking them needs no room on this disk")
    if files_in(home / "failed"):
        made.faults.append("files went to failed/")
    status = _command(home, "status")
    if status.returncode != 0:
        made.notes.append(f"status is unreadable: {status.stderr.strip()[-150:]}")
    elif disk.waits and "0 MiB left" not in status.stdout:
        made.faults.append(f"status does not say that the disk is full: {status.stdout!r}")


def _silence(log: str, disk: Disk) -> list[str]:
    """It has to be said that intake waits, and not again and again."""
    if not disk.waits:
        return []
    lines = [line for line in log.splitlines() if any(mark in line for mark in _TROUBLE)]
    ours = [line for line in lines if _TROUBLE_OF_SLACK not in line]
    faults = []
    if not ours:
        faults.append("the log does not say that the disk is full")
    if len(ours) > _MOST_LINES:
        faults.append(f"{len(ours)} warnings of one full disk, such as {ours[-1]!r}")
    if "Traceback" in log:
        faults.append(f"a traceback in the log: {log[log.index('Traceback') :][-300:]!r}")
    return faults


def _start_on_a_full_disk(folder: Path) -> Outcome:
    """Killed and started anew while the home's disk is full: it lives, or says why not, in one line."""
    home = folder / "home"
    made = _Case(home)
    with SlackStandIn() as stand_in, _mounted(home, DISKS["home"].size):
        prepare(home, {})
        config = configuration(folder, stand_in, settle=_SETTLE)
        with _running(home, config, folder) as daemon:
            made.drop(5)
            _expect(made, "nothing is taken", lambda: is_at_rest(home), 20.0)
            daemon.stop()
        made.drop(20)
        _fill_up(home / _BALLAST)
        refused = _command(home, "run", "--once")
        said = refused.stderr.strip()
        if refused.returncode != 1 or "full" not in said or "Traceback" in said:
            made.faults.append(f"started on a full disk it ends with {refused.returncode}: {said[-300:]}")
        (home / _BALLAST).unlink()
        with _running(home, config, folder) as daemon:
            _expect(made, "not everything is taken", lambda: is_at_rest(home), RESUMES_WITHIN)
            daemon.stop()
        made.faults += account_for_desks(home, made.made, stand_in, desks=1, alerted=made.alerted)
    return Outcome(_part(START), len(made.made), tuple(made.faults), f"it says {said[-150:]!r}")


def _command(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "daemon.cli", *arguments, "--home", str(home)]
    command += ["--config", str(home.parent / "topicwire.toml")]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def _lose_the_log(folder: Path, case: str) -> Outcome:
    """Nobody takes what it says, from the start; articles are taken all the same."""
    home = folder / "home"
    made = _Case(home)
    prepare(home, {})
    log = case.removeprefix("log: ")
    disk = folder / "log"
    with SlackStandIn() as stand_in, _mounted(disk, 1):
        config = folder / "topicwire.toml"
        config.write_text(configuration(folder, stand_in, settle=_SETTLE))
        if log == "full disk":
            _fill_up(disk / _BALLAST)
        process = _started(home, config, _output(log, disk))
        try:
            made.drop(20)
            _expect(made, "without a log nothing is taken", lambda: is_at_rest(home), 30.0)
            if log == "full disk":
                (disk / _BALLAST).unlink()
                made.drop(1)
                _expect(made, "the log stays silent when there is room again", lambda: _talks(disk), 30.0)
            _expect(made, "without a log nothing is taken", lambda: is_at_rest(home), 30.0)
            process.send_signal(signal.SIGTERM)
            if (code := process.wait(20)) != 0:
                made.faults.append(f"it ended with {code}")
        finally:
            process.kill()
            process.wait()
        made.faults += account_for_desks(home, made.made, stand_in, desks=1, alerted=made.alerted)
    return Outcome(_part(case), len(made.made), tuple(dict.fromkeys(made.faults)))


def _output(log: str, disk: Path) -> int:
    """Where the daemon is to write what it says."""
    if log == "full disk":
        return os.open(disk / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    if log == "/dev/full":
        return os.open("/dev/full", os.O_WRONLY)
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def _started(home: Path, config: Path, output: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "daemon.cli", "run", "--home", str(home), "--config", str(config)]
    try:
        return subprocess.Popen(command, stdout=output, stderr=output)
    finally:
        os.close(output)


def _talks(disk: Path) -> bool:
    return b"article-" in (disk / "log.txt").read_bytes()


@contextmanager
def _running(home: Path, config: str, folder: Path) -> Iterator[DaemonProcess]:
    daemon = DaemonProcess(home, config=config)
    try:
        daemon.wait_until_watching()
        yield daemon
    finally:
        if daemon.process.poll() is None:
            daemon.kill()
        shutil.copy(folder / "stderr.txt", folder / "log.txt")


@contextmanager
def _mounted(place: Path, size: int) -> Iterator[None]:
    """A small disk; it goes with the namespace, whatever happens."""
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}m", "tmpfs", str(place)], check=True)
    yield


def _fill_up(ballast: Path) -> None:
    """Down to the last byte."""
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass


def _at_rest(home: Path, disk: Disk) -> bool:
    return is_at_rest(home, home / disk.database)


def _expect(made: _Case, otherwise: str, condition: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            made.faults.append(otherwise)
            return
        time.sleep(0.1)


def _part(case: str) -> str:
    if case == START:
        return "disk full: at the start"
    return f"disk full: {case}" if case in DISKS else f"nobody takes the {case}"


_ROOT = Path(__file__).resolve().parents[2]

if __name__ == "__main__":
    print(json.dumps(asdict(main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])))))
