"""A flood: far more files at once than the kernel's queue of events holds (16,384).

Faults I01 and I02 of the list. The daemon is the real command in a process of its own; its memory
is the peak that the kernel saw (VmHWM of proc(5)).
"""

from __future__ import annotations

import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from classifier import make_model, use_model
from tests.daemon_process import DaemonProcess
from tests.faults.accounting import LEDGER, Outcome
from tests.faults.articles import article_text
from tests.faults.newsroom import account_for_desks, configuration, is_at_rest
from tests.faults.way import prepare
from tests.slack_stand_in import SlackStandIn

MOST_MEMORY = 300.0  # MiB

_ALERTED_EACH = 1000
_PATIENCE = 60.0  # seconds in which nothing at all is taken
_TAKEN = "SELECT COUNT(*) FROM files WHERE state = 'done'"
_NUMBERS = "SELECT name FROM files ORDER BY id"


def run(folder: Path, say: Callable[[str], None]) -> list[Outcome]:
    """The full part: 100,000 files within seconds, and 40,000 while the reader is stopped.

    With the model that the shipped labels give, since memory is looked at.
    """
    made = make_model(folder)
    use_model(folder / "models", made.version, because="the first", by="a test")
    return [
        flood(folder / "burst", files=100_000, models=folder / "models", say=say),
        flood(folder / "stopped", files=40_000, models=folder / "models", stopped=True, say=say),
    ]


def flood(
    folder: Path,
    *,
    files: int,
    stopped: bool = False,
    models: Path | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Outcome:
    """So many files are renamed into the inbox as fast as can be; `stopped`: while the daemon is frozen."""
    home = folder / "home"
    if models is not None:
        shutil.copytree(models, home / "models")
    prepare(home, {})
    made = {number: _text(number) for number in range(files)}
    ready = _written(folder / "ready", made)
    with SlackStandIn() as stand_in:
        daemon = DaemonProcess(home, config=configuration(folder, stand_in))
        try:
            daemon.wait_until_watching()
            if stopped:
                daemon.process.send_signal(signal.SIGSTOP)
            started = time.monotonic()
            for path in ready:
                path.rename(daemon.inbox / path.name)
            dropped = time.monotonic() - started
            daemon.process.send_signal(signal.SIGCONT)
            faults = _watch(daemon, files, say)
            took = time.monotonic() - started
            memory = _peak_memory(daemon.process.pid)
            code = daemon.stop()
        finally:
            if daemon.process.poll() is None:
                daemon.kill()
        faults += [f"after SIGTERM it ended with {code}"] if code != 0 else []
        alerted = {number for number in made if _is_alerted(number)}
        faults += account_for_desks(home, made, stand_in, desks=1, alerted=alerted)
    if memory > MOST_MEMORY:
        faults.append(f"it took {memory:.0f} MiB, more than {MOST_MEMORY:.0f}")
    note = (
        f"dropped in {dropped:.1f} s, all done in {took:.0f} s ({files / took:.0f} files/s), peak"
        f" {memory:.0f} MiB, taken at most {_step_back(home)} places out of order"
    )
    part = "files arrive while the reader is stopped" if stopped else "a burst of files"
    return Outcome(part, files, tuple(faults), note)


def _text(number: int) -> bytes:
    if _is_alerted(number):
        return article_text(number)
    more = (
        "He had come from a small club in the north two summers ago, and the fans gave him a banner with"
        " his name. The next match is on Saturday at home, where the team has not lost since August.\n"
    )
    return article_text(number, quiet=True) + more.encode()


def _is_alerted(number: int) -> bool:
    return number % _ALERTED_EACH == _ALERTED_EACH // 2


def _written(folder: Path, made: dict[int, bytes]) -> list[Path]:
    """Beside the inbox, so that a rename drops them."""
    folder.mkdir()
    ready = []
    for number, data in made.items():
        path = folder / f"article-{number:06}.txt"
        path.write_bytes(data)
        ready.append(path)
    return ready


def _watch(daemon: DaemonProcess, files: int, say: Callable[[str], None]) -> list[str]:
    """Wait until all is done; a fault where it ends, or nothing moves for a long time."""
    last, since, said = -1, time.monotonic(), time.monotonic()
    while not (last == files and is_at_rest(daemon.home)):
        if daemon.process.poll() is not None:
            return [
                f"it ended by itself with {daemon.process.returncode} after {last} files: {daemon.log[-500:]}"
            ]
        taken = _count(daemon.home)
        if taken != last:
            last, since = taken, time.monotonic()
        if time.monotonic() - since > max(_PATIENCE, files / _ALERTED_EACH * 2):
            return [f"nothing moves after {last} of {files} files"]
        if time.monotonic() - said > 10.0:
            said = time.monotonic()
            say(f"{last} of {files} files taken, {_peak_memory(daemon.process.pid):.0f} MiB")
        time.sleep(0.2)
    return []


def _count(home: Path) -> int:
    with closing(sqlite3.connect(f"file:{home / LEDGER}?mode=ro", uri=True, timeout=30.0)) as connection:
        return int(connection.execute(_TAKEN).fetchone()[0])


def _step_back(home: Path) -> int:
    """By how many places a file was taken after one that came later: the oldest should come first."""
    with closing(sqlite3.connect(f"file:{home / LEDGER}?mode=ro", uri=True)) as connection:
        numbers = [int(name[8:14]) for (name,) in connection.execute(_NUMBERS)]
    return _largest_drop(numbers)


def _largest_drop(numbers: Sequence[int]) -> int:
    highest = drop = 0
    for number in numbers:
        highest = max(highest, number)
        drop = max(drop, highest - number)
    return drop


def _peak_memory(process: int) -> float:
    """MiB."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0
