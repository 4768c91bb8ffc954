"""How long an alert takes while a model is trained beside the daemon, and while none is."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

from tests.bench.desk import slack_config
from tests.bench.latency import APART, SETTLE, Drops, alarming, ninety_fifth
from tests.bench.page import Section
from tests.daemon_process import DaemonProcess
from tests.measuring import say
from tests.slack_stand_in import SlackStandIn

TITLE = "Beside a retraining"
_ABOUT = """\
From a file's rename into the inbox to the request that carries its alert, as above, by turns: some
drops while nothing else is done, then drops as long as a whole retraining takes, with the shipped
labels and one more each time, in the process that the daemon starts for it as well. The first article
after the change of models waits until the new one is loaded. The ratio is that of the time beyond the
settle time of 2 s, which every file waits; in brackets that of the whole.
"""
_QUIET = 4  # drops in a round while nothing else is done
_BUSY = 8  # at most, during one training


def measure(home: Path, scratch: Path, *, small: bool) -> Section:
    rounds = 2 if small else 5
    own = scratch / "home"
    shutil.copytree(home / "models", own / "models")
    articles = iter(alarming(home, 1 + rounds * (_QUIET + _BUSY + 1)))
    quiet: list[float] = []
    busy: list[float] = []
    changing: list[float] = []
    trained = 0
    with SlackStandIn() as slack:
        daemon = DaemonProcess(own, config=slack_config(slack, scratch, APART))
        try:
            daemon.wait_until_watching()
            drops = Drops(slack, daemon, scratch)
            drops.wait(next(articles))  # the first one loads what the others find
            for number in range(rounds):
                say(f"retraining: round {number + 1} of {rounds}")
                quiet += [drops.wait(text) for text in islice(articles, _QUIET)]
                training = _train(own, number)
                for text in islice(articles, _BUSY):
                    busy.append(drops.wait(text))
                    if training.poll() is not None:
                        break
                trained += training.wait() == 0
                changing.append(drops.wait(next(articles)))  # before it the daemon changes over
            drops.end()
        finally:
            daemon.stop()
    changes = daemon.log.count("model changed")
    notes = [
        f"{trained} trainings, {changes} changes of the model, {len(busy)} drops beside them,"
        f" {len(quiet)} while nothing else was done."
    ]
    columns = ("what", "during", "else", "ratio")
    rows = [
        _row("median", statistics.median, busy, quiet),
        _row("95th percentile", ninety_fifth, busy, quiet),
        _row("median of the first after a change of models", statistics.median, changing, quiet),
    ]
    return Section(TITLE, _ABOUT, columns, rows, notes)


def _train(home: Path, number: int) -> subprocess.Popen[bytes]:
    (home / "labels").mkdir(exist_ok=True)
    lines = [f"energy\tPower plant number {n} burned coal for {n + 2} days.\n" for n in range(number + 1)]
    (home / "labels" / "own.tsv").write_text("".join(lines), encoding="utf-8")
    command = [sys.executable, "-m", "daemon.cli", "retrain", "--home", str(home)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _row(
    what: str, figure: Callable[[Sequence[float]], float], busy: Sequence[float], quiet: Sequence[float]
) -> tuple[str, ...]:
    during, otherwise = figure(busy), figure(quiet)
    beyond = (during - SETTLE) / (otherwise - SETTLE)
    return (
        f"{what}: beyond the settle time",
        f"{1000 * (during - SETTLE):.0f} ms",
        f"{1000 * (otherwise - SETTLE):.0f} ms",
        f"{beyond:.2f} × ({during / otherwise:.2f} ×)",
    )
