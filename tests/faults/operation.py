"""A daemon in daily use: it does not leak, and it stops when it is told to.

Faults O02 and O04 of the list, on the real command in a process of its own.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.daemon_process import DaemonProcess
from tests.faults.accounting import Outcome
from tests.faults.articles import article_text
from tests.faults.newsroom import account_for_desks, configuration, drop, files_in, is_at_rest, job
from tests.faults.way import prepare
from tests.slack_stand_in import Fault, SlackStandIn

STOPS_WITHIN = 10.0  # seconds

_SETTLE = 0.1
_AT_ONCE = 1.0  # seconds
_DESKS = 3
# Folders of /proc/PID: what is open, and the threads; and by how much each may grow. Two workers
# that meet at the ledger for the first time open one more connection to it, which then stays.
_HELD = {"fd": 4, "task": 0}


def run(folder: Path, say: Callable[[str], None]) -> list[Outcome]:
    """The full part."""
    outcomes = [
        hold_steady(folder / "steady", files=5000),
        stop_under_load(folder / "load", files=5000),
        stop_while_slack_hangs(folder / "hangs"),
        stop_twice(folder / "twice"),
        stop_while_training(folder / "training"),
    ]
    say(f"operation: {sum(len(outcome.faults) for outcome in outcomes)} faults")
    return outcomes


def hold_steady(folder: Path, *, files: int) -> Outcome:
    """What is open, and the threads, are as many after so many files as after a tenth of them."""
    home = folder / "home"
    prepare(home, {})
    made: dict[int, bytes] = {}
    faults = []
    with (
        SlackStandIn() as stand_in,
        _running(home, configuration(folder, stand_in, settle=_SETTLE)) as daemon,
    ):
        _drop(home, made, files // 10)
        daemon.wait_until(lambda: is_at_rest(home), seconds=60.0)
        before = _held(daemon.process.pid)
        while len(made) < files:
            _drop(home, made, min(files - len(made), max(files // 20, 1)))
            daemon.wait_until(lambda: is_at_rest(home), seconds=60.0)
        after = _held(daemon.process.pid)
        faults += [
            f"{what}: {before[what]} became {after[what]}"
            for what, more in _HELD.items()
            if after[what] > before[what] + more
        ]
        faults += _end(daemon)
        faults += account_for_desks(home, made, stand_in, desks=1, alerted=_alerted(made))
    return Outcome("nothing leaks", files, tuple(faults), f"{after['fd']} open, {after['task']} threads")


def stop_under_load(folder: Path, *, files: int) -> Outcome:
    """SIGTERM in the middle of many files: it ends in time and cleanly, and the next start goes on."""
    home = folder / "home"
    prepare(home, {})
    made: dict[int, bytes] = {}
    with SlackStandIn() as stand_in:
        config = configuration(folder, stand_in, settle=_SETTLE)
        with _running(home, config) as daemon:
            _drop(home, made, files)
            daemon.wait_until(lambda: files_in(home / "done") > 0, seconds=60.0)
            started = time.monotonic()
            faults = _end(daemon)
            took = time.monotonic() - started
        left = files_in(home / "inbox")
        if left == 0:
            faults.append("there was no load: nothing was left in the inbox")
        with _running(home, config) as daemon:
            daemon.wait_until(lambda: is_at_rest(home), seconds=60.0 + files / 20)
            faults += _end(daemon)
        faults += account_for_desks(home, made, stand_in, desks=1, alerted=_alerted(made))
    note = f"ended in {took:.1f} s with {left} of {files} files left"
    return Outcome("SIGTERM under load", 1, tuple(faults), note)


def stop_while_slack_hangs(folder: Path) -> Outcome:
    """Every desk's request hangs when SIGTERM comes; it ends in time all the same, and nothing is lost."""
    home = folder / "home"
    prepare(home, {})
    made: dict[int, bytes] = {}
    with SlackStandIn() as stand_in:
        config = configuration(folder, stand_in, desks=_DESKS, settle=_SETTLE)
        with _running(home, config) as daemon:
            _hang(stand_in, daemon, made, desks=_DESKS)
            started = time.monotonic()
            faults = _end(daemon)
            took = time.monotonic() - started
        stand_in.weather = None
        with _running(home, config) as daemon:
            daemon.wait_until(lambda: is_at_rest(home), seconds=60.0)
            faults += _end(daemon)
        faults += account_for_desks(home, made, stand_in, desks=_DESKS, alerted=_alerted(made))
    return Outcome("SIGTERM while Slack hangs", 1, tuple(faults), f"ended in {took:.1f} s")


def stop_twice(folder: Path) -> Outcome:
    """A second SIGTERM ends what the first is still waiting for."""
    home = folder / "home"
    prepare(home, {})
    made: dict[int, bytes] = {}
    with SlackStandIn() as stand_in:
        config = configuration(folder, stand_in, settle=_SETTLE)
        with _running(home, config) as daemon:
            _hang(stand_in, daemon, made, desks=1)
            daemon.process.send_signal(signal.SIGTERM)
            faults = []
            try:
                daemon.process.wait(1.0)
                faults.append("it did not wait for the request that was under way")
            except subprocess.TimeoutExpired:
                daemon.process.send_signal(signal.SIGTERM)
            started = time.monotonic()
            code = daemon.process.wait(STOPS_WITHIN * 2)
            took = time.monotonic() - started
        if took > _AT_ONCE:
            faults.append(f"the second SIGTERM took {took:.1f} s")
        stand_in.weather = None
        with _running(home, config) as daemon:
            daemon.wait_until(lambda: is_at_rest(home), seconds=60.0)
            faults += _end(daemon)
        faults += account_for_desks(home, made, stand_in, desks=1, alerted=_alerted(made))
    return Outcome("a second SIGTERM", 1, tuple(faults), f"ended in {took:.2f} s with {code}")


def stop_while_training(folder: Path) -> Outcome:
    """SIGTERM in the middle of a retraining, while Slack hangs as well: neither waits for the other."""
    home = folder / "home"
    prepare(home, {})
    made: dict[int, bytes] = {}
    with SlackStandIn() as stand_in:
        config = configuration(folder, stand_in, settle=_SETTLE)
        often = config.replace('cron = "never"', 'cron = "* * * * *"')
        with _running(home, often) as daemon:
            daemon.wait_until(lambda: "started_at" in job(home), seconds=90.0)
            _hang(stand_in, daemon, made, desks=1)
            faults = [] if "finished_at" not in job(home) else ["the training was over too soon"]
            started = time.monotonic()
            faults += _end(daemon)
            took = time.monotonic() - started
        stand_in.weather = None
        with _running(home, config) as daemon:
            daemon.wait_until(lambda: is_at_rest(home), seconds=60.0)
            faults += _end(daemon)
        faults += account_for_desks(home, made, stand_in, desks=1, alerted=_alerted(made))
    return Outcome("SIGTERM while training", 1, tuple(faults), f"ended in {took:.1f} s")


@contextmanager
def _running(home: Path, config: str) -> Iterator[DaemonProcess]:
    daemon = DaemonProcess(home, config=config)
    try:
        daemon.wait_until_watching()
        yield daemon
    finally:
        if daemon.process.poll() is None:
            daemon.kill()


def _drop(home: Path, made: dict[int, bytes], how_many: int) -> None:
    """One in a hundred is alerted."""
    for number in range(len(made), len(made) + how_many):
        made[number] = article_text(number, quiet=number % 100 != 0)
        drop(home / "inbox", f"article-{number}.txt", made[number])


def _alerted(made: dict[int, bytes]) -> set[int]:
    return {number for number in made if number % 100 == 0}


def _hang(stand_in: SlackStandIn, daemon: DaemonProcess, made: dict[int, bytes], *, desks: int) -> None:
    """Every desk has a request under way that nobody answers."""
    stand_in.weather = Fault("close", posted=True, seconds=25.0)
    _drop(daemon.home, made, 1)
    daemon.wait_until(lambda: stand_in.requests.count("chat.postMessage") == desks)


def _end(daemon: DaemonProcess) -> list[str]:
    """SIGTERM; a fault where that takes too long, or is not the end it should be."""
    started = time.monotonic()
    daemon.process.send_signal(signal.SIGTERM)
    try:
        code = daemon.process.wait(STOPS_WITHIN * 3)
    except subprocess.TimeoutExpired:
        return [f"SIGTERM did not end it in {STOPS_WITHIN * 3:.0f} s"]
    took = time.monotonic() - started
    faults = [f"after SIGTERM it ended with {code}"] if code != 0 else []
    return faults + ([f"SIGTERM took {took:.1f} s"] if took > STOPS_WITHIN else [])


def _held(process: int) -> dict[str, int]:
    """The least of some looks: one may fall into a piece of work."""
    looks = []
    for _ in range(10):
        looks.append({what: len(os.listdir(f"/proc/{process}/{what}")) for what in _HELD})
        time.sleep(0.1)
    return {what: min(look[what] for look in looks) for what in _HELD}
