"""Proof that a cluster tags an archive as one machine does: `python -m tests.cluster`.

A scheduler and workers over TLS tag perturbed articles of Reuters; now and then a worker is killed and
another started, and once the one who asked is killed and goes on with --resume. What is written
must then be, line for line, what one machine writes. With --rate: how many articles a second one
worker tags, and two.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench import texts
from tests.measuring import say
from tests.workers import Workers, make_authority, workers

# A run of the command in which a part is at least so many bytes, and not 4 MiB.
_CALL = "from classifier import cli, parts; parts.LEAST_BYTES = {least}; raise SystemExit(cli.main())"
_LOOK = 0.1  # seconds


@dataclass(frozen=True, slots=True)
class Came:
    """What became of a run: how often was killed, how long it took, and what is wrong with its output."""

    workers_killed: int
    clients_killed: int
    seconds: float
    faults: tuple[str, ...]


def command(archive: Path, home: Path, output: Path, *options: str, least: int | None = None) -> list[str]:
    call = ["-m", "classifier.cli"] if least is None else ["-c", _CALL.format(least=least)]
    return [
        sys.executable,
        *call,
        "tag",
        str(archive),
        "--home",
        str(home),
        "--output",
        str(output),
        *options,
    ]


def run(
    found: Workers,
    archive: Path,
    home: Path,
    output: Path,
    *,
    kill_every: float,
    kill_client_at: float = 0.5,
    least: int | None = None,
    seed: int = 0,
) -> Came:
    """Tag an archive while workers are killed and, about that far on the way, the one who asked for it."""
    choose = random.Random(seed)
    begun = time.monotonic()
    killed = clients = 0
    due = begun + kill_every
    options: list[str] = []
    half = kill_client_at * archive.stat().st_size
    while True:
        client = subprocess.Popen(command(archive, home, output, *found.options, *options, least=least))
        while client.poll() is None:
            time.sleep(_LOOK)
            now = time.monotonic()
            if now >= due:
                due = now + kill_every
                found.kill(choose.choice(found.running))
                found.add()
                killed += 1
                say(f"cluster: {now - begun:.0f} s, {killed} workers killed, {_length(output):,} bytes")
            if not clients and _length(output) >= half:
                client.kill()
                clients += 1
                say(f"cluster: {now - begun:.0f} s, the client killed")
        if client.returncode != -signal.SIGKILL:
            break
        options = ["--resume"]
    faults = [] if client.returncode == 0 else [f"the client ended with {client.returncode}"]
    if left := list(output.parent.glob(f"{output.name}.shards*")):
        faults.append(f"{left[0]} is still there")
    return Came(killed, clients, time.monotonic() - begun, tuple(faults))


def differences(one: Path, other: Path, most: int = 10) -> Iterator[str]:
    """The first lines that are not the same in two files."""
    with one.open("rb") as lines, other.open("rb") as others:
        for number, (line, same) in enumerate(zip_longest(lines, others), 1):
            if line != same:
                first, second = (line or b"")[:80], (same or b"")[:80]
                yield f"line {number:,} differs: {first!r}, and on one machine {second!r}"
                most -= 1
            if not most:
                return


def rate(archive: Path, home: Path, folder: Path, tls: Path, rounds: int) -> None:
    """Articles a second by one worker and by two, turn by turn; each cluster has started before."""
    articles = sum(1 for _ in archive.open("rb"))
    with workers(folder / "one", 1, tls=tls) as one, workers(folder / "two", 2, tls=tls) as two:
        ratios = []
        for _ in range(rounds):
            took = []
            for found in (one, two):
                output = folder / "rate.jsonl"
                begun = time.monotonic()
                subprocess.run(command(archive, home, output, "--overwrite", *found.options), check=True)
                took.append(time.monotonic() - begun)
            ratios.append(took[0] / took[1])
            one_s, two_s = (f"{articles / seconds:,.0f}" for seconds in took)
            load = os.getloadavg()[0]
            print(
                f"1 worker {one_s} articles a second, 2 workers {two_s}: x{ratios[-1]:.2f}; load {load:.1f}"
            )
    print(f"2 workers are x{sorted(ratios)[len(ratios) // 2]:.2f} of one (median of {rounds})")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    parser.add_argument(
        "--home", type=Path, required=True, help="with models/, as `classifier train` makes it"
    )
    parser.add_argument("--articles", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--workers", type=int, default=4, metavar="N")
    parser.add_argument("--kill-every", type=float, default=20.0, metavar="SECONDS")
    parser.add_argument("--folder", type=Path, help="keep everything there, and use what is there already")
    parser.add_argument("--rate", type=int, metavar="ROUNDS", help="measure one worker against two instead")
    options = parser.parse_args(arguments)
    articles = texts.reuters()
    if articles is None:
        print("Reuters is not in ../shared/data (TOPICWIRE_DATA)", file=sys.stderr)
        return 1
    with TemporaryDirectory() as scratch:
        folder = (options.folder or Path(scratch)).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        archive = folder / f"{options.articles}.jsonl"
        if not archive.exists():
            say(f"cluster: writing {options.articles:,} articles")
            with archive.with_suffix(".new").open("wb") as lines:
                lines.writelines(texts.archive(articles, options.articles))
            archive.with_suffix(".new").rename(archive)
        tls = make_authority(folder / "tls")
        if options.rate:
            rate(archive, options.home, folder, tls, options.rate)
            return 0
        return _prove(options, archive, folder, tls)


def _prove(options: argparse.Namespace, archive: Path, folder: Path, tls: Path) -> int:
    single, output = folder / f"{archive.stem}.single", folder / f"{archive.stem}.cluster"
    if not single.exists():
        say("cluster: first on one machine")
        fresh = single.with_suffix(".new")
        subprocess.run(command(archive, options.home, fresh), check=True)
        fresh.rename(single)
    for old in folder.glob(f"{output.name}*"):
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    with workers(folder / "cluster", options.workers, tls=tls) as found:
        came = run(found, archive, options.home, output, kill_every=options.kill_every)
    faults = [*came.faults, *(differences(output, single) if output.exists() else ())]
    for fault in faults:
        print(f"fault: {fault}")
    print(
        f"{options.articles:,} articles by {options.workers} workers over TLS in {came.seconds:.0f} s;"
        f" {came.workers_killed} workers and {came.clients_killed} client killed; {len(faults)} faults"
    )
    return 1 if faults else 0


def _length(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0


if __name__ == "__main__":
    sys.exit(main())
