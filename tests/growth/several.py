"""Several real daemons drain one inbox into one PostgreSQL: how much faster than one."""

from __future__ import annotations

import shutil
import statistics
import time
from itertools import pairwise
from pathlib import Path

from tests import postgres
from tests.bench import texts
from tests.bench.desk import slack_config
from tests.bench.processes import children, processor_time
from tests.daemon_process import DaemonProcess
from tests.growth.page import Rows, shown
from tests.measuring import say
from tests.slack_stand_in import SlackStandIn

DAEMONS = (1, 2, 4)
_FILES = 4_000
_ROUNDS = 3
_LABELLED = 0.45
_PATIENCE = 600.0  # seconds


def compared(home: Path, scratch: Path) -> str:
    """A table: files a second, by turns; and the processors' time of daemons and server for a file."""
    backlog = list(texts.backlog(_FILES, _LABELLED))
    rates: dict[int, list[float]] = {number: [] for number in DAEMONS}
    work: dict[int, list[float]] = {number: [] for number in DAEMONS}
    with postgres.server(durable=True) as server:
        for round_ in range(_ROUNDS):
            for number in DAEMONS:
                say(f"several: {number} daemons, round {round_ + 1} of {_ROUNDS}")
                folder = scratch / f"{round_}-{number}"
                folder.mkdir()
                rate, worked = _drained(server, home, folder, backlog, number)
                say(f"several: {rate:,.0f} files a second, {1000 * worked:.1f} ms of processors for each")
                rates[number].append(rate)
                work[number].append(worked)
    rows: Rows = []
    for number in DAEMONS:
        ratios = sorted(a / b for a, b in zip(rates[number], rates[1], strict=True))
        rows.append(
            (
                f"{number}",
                f"{statistics.median(rates[number]):,.0f}",
                f"{statistics.median(ratios):.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f})",
                f"{1000 * statistics.median(work[number]):.1f} ms",
            )
        )
    return shown(["daemons", "files a second", "times one daemon's", "processors' time a file"], rows)


def _drained(
    server: postgres.Server, home: Path, folder: Path, backlog: list[str], number: int
) -> tuple[float, float]:
    """Files a second between the first tenth and the last, and processors' seconds a file."""
    address, inbox = server.fresh(), folder / "inbox"
    word = folder / "password"
    word.write_text(server.password, encoding="ascii")
    word.chmod(0o600)
    told = f"{address.replace(f':{server.password}@', '@')}?password_file={word}"
    inbox.mkdir()
    for place, text in enumerate(backlog):
        (inbox / f"{place:06}.txt").write_text(text, encoding="utf-8")
    seen: list[tuple[float, int]] = []
    with SlackStandIn() as slack:
        daemons = [_daemon(slack, home, folder / f"{each}", inbox, told, each) for each in range(number)]
        try:
            until = time.monotonic() + _PATIENCE
            worked: list[float] = []
            while (left := sum(1 for _ in inbox.glob("*.txt"))) > 0:
                assert time.monotonic() < until, f"{left} files are left:\n{daemons[0].log[-2000:]}"
                if left < 0.9 * len(backlog):
                    seen.append((time.perf_counter(), left))
                    worked.append(_worked(server, daemons))
                time.sleep(0.05)
            seen.append((time.perf_counter(), 0))
            worked.append(_worked(server, daemons))
            taken = server.run("SELECT COUNT(*) FROM files", address)[0][0]
            assert taken == len(backlog), f"{taken} files recorded of {len(backlog)}"
        finally:
            for each in daemons:
                each.kill()
    assert all(after <= before for (_, before), (_, after) in pairwise(seen))
    files = seen[0][1]
    return files / (seen[-1][0] - seen[0][0]), (worked[-1] - worked[0]) / files


def _daemon(
    slack: SlackStandIn, home: Path, folder: Path, inbox: Path, address: str, number: int
) -> DaemonProcess:
    folder.mkdir()
    shutil.copytree(home / "models", folder / "home" / "models", symlinks=True)
    more = f'[inbox]\npath = "{inbox}"\n[storage]\ndatabase = "{address}"\ndaemon = "daemon-{number}"\n'
    return DaemonProcess(folder / "home", config=slack_config(slack, folder, more))


def _worked(server: postgres.Server, daemons: list[DaemonProcess]) -> float:
    """Processors' seconds of all of them and of the server, as far as its processes are there still."""
    ours = [process for each in daemons for process in (each.process.pid, *children(each.process.pid))]
    theirs = [int(pid) for (pid,) in server.run("SELECT pid FROM pg_stat_activity")]
    return sum(map(processor_time, [*ours, *theirs]))
